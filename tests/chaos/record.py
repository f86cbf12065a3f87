"""What the clients were told: acknowledged, refused, sent again; and what should not have happened."""

import random
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

RECENT = 200  # things that others may act on: the newest
DOCUMENTS = (
    "reservations", "transfers", "returns", "allocations", "stocktakes", "stocktake_counts", "found_sales",
    "bulk_documents", "import_runs",
)  # fmt: skip


@dataclass
class Record:
    """Shared by all clients, so that anybody may act on what another has made.

    `documents`: ids by table. `wished`: of an allocation, product → pieces. `ended`: a stocktake or return with what an
    acknowledged end has made of it, and how often somebody was told so.
    """

    movements: set[int] = field(default_factory=set)
    documents: dict[str, set[int]] = field(default_factory=lambda: {table: set() for table in DOCUMENTS})
    counts: set[str] = field(default_factory=set)  # of stocktakes, by the id that the device made
    wished: dict[int, dict[int, int]] = field(default_factory=dict)
    ended: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    idle: Counter[str] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)  # answered only when sent again: was it done or not?
    repeated: int = 0
    echoed: int = 0
    wrong: list[str] = field(default_factory=list)
    _recent: dict[str, deque[Any]] = field(default_factory=dict)

    def make(self, table: str, number: int) -> None:
        """A document that somebody was told of."""
        self.documents[table].add(number)
        self.remember(table, number)

    def remember(self, what: str, thing: Any) -> None:
        """For others to act on."""
        self._recent.setdefault(what, deque(maxlen=RECENT)).append(thing)

    def some(self, what: str, dice: random.Random) -> Any | None:
        """One of the newest; None where there is none."""
        known = self._recent.get(what)
        return known[dice.randrange(len(known))] if known else None

    def hear(self, document: dict[str, Any]) -> None:
        """Movements that an answer tells of: nobody may have been told of one of them before."""
        told = list(_movements(document))
        if doubled := [one for one in told if one in self.movements] or (len(set(told)) < len(told) and told):
            self.wrong.append(f"acknowledged before: movements {doubled}")
        self.movements.update(told)
        for moved in (*document.get("movements", ()), document):
            if moved.get("transfer_id"):
                self.documents["transfers"].add(moved["transfer_id"])
            if moved.get("movement_type") == "sale" and moved["delta"] < 0:
                self.remember("sales", moved)
            if "movement_id" in moved:
                self.remember("movements", moved["movement_id"])


def _movements(document: dict[str, Any]) -> Iterator[int]:
    for place in (document, *document.get("movements", ()), *document.get("lines", ())):
        yield from (place[name] for name in ("movement_id", "writeoff_id") if place.get(name))
