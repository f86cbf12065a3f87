"""What is told, to whom, and how it is written: server-sent events (WHATWG HTML, section 9.2)."""

import time
from dataclasses import dataclass

import msgspec

from autoshop.kit.outbox import Event, Position, read_position

PREFIX = "inventory."
BEGINS = b"retry: 1000\n"  # milliseconds until a browser whose connection broke comes back


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it goes over the wire, with what filters ask for. None: it concerns every product or store."""

    text: bytes
    product_ids: frozenset[int] | None
    store_ids: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a listener wants to hear of; None is everything."""

    product_id: int | None = None
    store_id: int | None = None

    def fits(self, told: Told) -> bool:
        """Whether an event may concern the listener."""
        return (self.product_id is None or told.product_ids is None or self.product_id in told.product_ids) and (
            self.store_id is None or told.store_ids is None or self.store_id in told.store_ids
        )


EVERYTHING = Wish()


def tell(event: Event, after: Position) -> Told | None:
    """An event of the warehouse, with where one stands who has heard it; None for one of somebody else."""
    if not event.topic.startswith(PREFIX):
        return None
    text = _id(after) + block(event.topic.removeprefix(PREFIX), event.payload)
    return Told(text, event.product_ids, event.store_ids)


def block(name: str, data: object) -> bytes:
    """One event."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def mark(position: Position) -> bytes:
    """All up to here was told: the browser keeps it as its last event id, and hears nothing of it."""
    return _id(position) + b"\n"


def _id(position: Position) -> bytes:
    return f"id: {int(time.time())}~{position}\n".encode()


def reset(why: str) -> bytes:
    """The listener has missed something that cannot be told any more, and must read the stock anew."""
    return block("reset", {"why": why})


def read_mark(text: str, most_seconds: float) -> Position | None:
    """The position of a last event id; None where it is none of ours, or so old that events may be gone."""
    at, _, position = text.partition("~")
    try:
        return read_position(position) if abs(time.time() - int(at)) < most_seconds else None
    except (ValueError, OverflowError):
        return None
