"""The history of a product as plain data.

Three streams run side by side: movements, holds, and changes of the card. Each is in the order of its ids, newest
first; they are merged by time. A cursor says of each stream how far it was shown, so no entry is shown twice or left
out, whatever is added meanwhile.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from autoshop.inventory.movements.model import Movement

LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement, with the balance of the product over all stores right after it, in the order of ids."""

    movement: Movement
    everywhere_after: int

    @property
    def at(self) -> datetime:
        return self.movement.created_at


@dataclass(frozen=True, slots=True)
class Held:
    """A hold where it began, and what became of it. `holder` is None once he is forgotten."""

    id: int
    store_id: int
    at: datetime
    actor: str
    holder: str | None
    status: str
    quantity: int
    held: int
    fulfilled: int
    related_document: str | None
    expires_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of the card: each field that differs, before and after."""

    id: int
    at: datetime
    actor: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    def changes(self, *, prices: bool) -> dict[str, dict[str, Any]]:
        """What differs. `prices`: those too; among them are costs, which not everybody may see."""
        before, after = self.before or {}, self.after or {}
        return {
            name: {"before": before.get(name), "after": after.get(name)}
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name) and (prices or name != "prices")
        }


Entry = Moved | Held | Changed


@dataclass(frozen=True, slots=True)
class Seen:
    """Of each stream the last id that was shown."""

    movement_id: int = LAST
    reservation_id: int = LAST
    reservation_store_id: int = LAST
    change_id: int = LAST

    def after(self, entry: Entry) -> "Seen":
        """Once this was shown too."""
        match entry:
            case Moved():
                return Seen(entry.movement.id, self.reservation_id, self.reservation_store_id, self.change_id)
            case Held():
                return Seen(self.movement_id, entry.id, entry.store_id, self.change_id)
            case Changed():
                return Seen(self.movement_id, self.reservation_id, self.reservation_store_id, entry.id)


def merged(*streams: Sequence[Entry]) -> Iterator[Entry]:
    """The newest head first, until all are empty; of equals that of the first stream."""
    places = [0] * len(streams)
    while heads := [number for number, stream in enumerate(streams) if places[number] < len(stream)]:
        number = max(heads, key=lambda n: (streams[n][places[n]].at, -n))
        yield streams[number][places[number]]
        places[number] += 1


@dataclass(frozen=True, slots=True)
class Document:
    """What a movement belongs to: one of our own documents with its id, or the name that somebody gave it."""

    kind: Literal["transfer", "reservation", "other"]
    id: int | None
    name: str | None


_RESERVATION = re.compile(r"reservation (\d{1,18})")


def document_of(movement: Movement) -> Document | None:
    """The document of a movement, if it has one."""
    name = movement.related_document
    if movement.transfer_id is not None:
        return Document("transfer", movement.transfer_id, name)
    if name is None:
        return None
    reservation = _RESERVATION.fullmatch(name)
    if reservation is not None:
        return Document("reservation", int(reservation[1]), name)
    return Document("other", None, name)
