"""A level: the minimum of a product at a store, and the maximum one would like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from autoshop.inventory.movements.model import Place as Known
from autoshop.inventory.movements.model import UnknownProduct, UnknownStore
from autoshop.kit.errors import Conflict, NotFound

Place = tuple[int, int]  # product, store

BY_HAND = "hand"
MOST_ROWS = 10_000
MOST_TOLD = 100  # of products in one event, and of the most urgent in a digest


@dataclass(frozen=True, slots=True)
class Wanted:
    """A level that somebody asks for; `version` is the one he has read, None = whatever it is."""

    product_id: int
    store_id: int
    minimum: int
    maximum: int | None = None
    version: int | None = None

    @property
    def place(self) -> Place:
        return self.product_id, self.store_id


@dataclass(frozen=True, slots=True)
class Level:
    """A level and what lies there now. `in_transit` is on the way to the store, and not for an order."""

    product_id: int
    store_id: int
    minimum: int
    maximum: int | None
    source: str
    actor: str
    updated_at: datetime
    version: int
    quantity: int
    reserved: int
    in_transit: int
    urgency: int = 0  # of those that are below: where the page ends

    @property
    def available(self) -> int:
        return self.quantity - self.reserved

    @property
    def missing(self) -> int:
        """Pieces short of the minimum."""
        return max(0, self.minimum - self.available)

    @property
    def is_covered(self) -> bool:
        """Whether what is on the way brings the shelf up to its minimum."""
        return self.available + self.in_transit >= self.minimum

    @property
    def to_fill(self) -> int:
        """Pieces up to the maximum (without one: the minimum), beyond what is there and on the way."""
        return max(0, (self.minimum if self.maximum is None else self.maximum) - self.available - self.in_transit)


@dataclass(frozen=True, slots=True)
class Digest:
    """What was below its level at a store on a morning."""

    id: int
    store_id: int
    day: date
    document: dict[str, Any]
    made_at: datetime


class UnknownLevel(NotFound):
    title = "No level there"

    def explain(self) -> str:
        place = f"product {self.facts['product_id']} at store {self.facts['store_id']}"
        return f"There is no level for {place} (any more); set it without If-Match"


class LevelsRefused(Conflict):
    """No level was set; `lines` names every row that stood in the way, counted from 0."""

    title = "No level was set"

    def explain(self) -> str:
        return f"{len(self.facts['lines'])} row(s) cannot be set"


def wrong_rows(
    rows: Sequence[Wanted], known: Mapping[Place, Known], versions: Mapping[Place, int]
) -> list[dict[str, Any]]:
    """Every row that cannot be set, with its number and the reason."""
    told: list[dict[str, Any]] = []
    first: dict[Place, int] = {}
    for number, row in enumerate(rows):
        place = {"product_id": row.product_id, "store_id": row.store_id}
        if first.setdefault(row.place, number) != number:
            told.append(_row(number, "Named twice", f"The same place is in row {first[row.place]}", place))
        if not known[row.place].product_exists:
            told.append(_row(number, UnknownProduct.title, f"There is no product {row.product_id}", place))
        if not known[row.place].store_exists:
            told.append(_row(number, UnknownStore.title, f"There is no store {row.store_id}", place))
        if row.version is not None and row.version != versions.get(row.place):
            now = versions.get(row.place)
            detail = f"It is at version {now} by now" if now else "There is no level there any more"
            told.append(_row(number, "Changed by somebody else", detail, {**place, "version": now}))
    return told


def _row(number: int, title: str, detail: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {"line": number, "title": title, "detail": detail, **facts}
