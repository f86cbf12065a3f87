"""The shapes in which allocations are told. Apart from api.py, which is long enough with the routes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from autoshop.inventory.allocation.model import Allocation, Explanation, Look, Part, Proposal, Reason, Rule, State
from autoshop.inventory.allocation.texts import reason_text, rule_text
from autoshop.inventory.availability.model import Availability
from autoshop.inventory.availability.texts import eta_text
from autoshop.inventory.stores.model import Store
from autoshop.inventory.transfers.model import Status
from autoshop.kit.language import Language


class AllocationLine(BaseModel):
    """Pieces of a product: where they lie, where they have to go, and when they can be had there."""

    product_id: int
    from_store_id: int
    to_store_id: int
    pieces: int
    promised_at: datetime


class FreePieces(BaseModel):
    product_id: int
    pieces: int


class StoreLook(BaseModel):
    """A store that was looked at: taken or not, why, what it would have promised, and what it had free."""

    store_id: int
    store_name: str | None
    taken: bool
    reason: Reason
    reason_text: str
    promised_at: datetime | None
    promised_text: str | None
    free: list[FreePieces]


class AlternativeOut(BaseModel):
    """Pieces that are coming to the wished store anyhow; they are not held. `pieces` null: as many as are ordered."""

    product_id: int
    kind: Literal["in_transit", "backorder"]
    pieces: int | None
    promised_at: datetime
    promised_text: str


class TransferOfOrder(BaseModel):
    """A transfer that brings pieces of the order. `eta_at` is null until something has left."""

    id: int
    from_store_id: int
    status: Status
    eta_at: datetime | None


class Promised(BaseModel):
    """What every allocation has. `due_at` is the end of the promised day at the wished store."""

    store_id: int
    rule: Rule
    promised_at: datetime
    due_at: datetime
    expires_at: datetime
    lines: list[AllocationLine]


class Explained(BaseModel):
    """`stores` are those that count, of `stores_looked_at`; `exact` is false where not every way could be looked at."""

    promised_text: str
    rule_text: str
    exact: bool
    stores_looked_at: int
    stores: list[StoreLook]
    alternatives: list[AlternativeOut]


class Preview(Promised, Explained):
    """What would be allocated. Nothing is held."""

    preview: Literal[True] = True


class AllocationRow(Promised):
    """A promise and how it stands: `open`, `kept`, `late` (overdue, or fulfilled too late) or `withdrawn`."""

    id: int
    reservation_id: int
    state: State
    holder: str | None
    related_document: str | None
    actor: str
    created_at: datetime
    fulfilled_at: datetime | None
    ended_at: datetime | None
    version: int
    transfers: list[TransferOfOrder]


ROW_FIELDS = AllocationRow.model_fields.keys() - {"lines"}


class AllocationOut(AllocationRow, Explained):
    """A promise with its reasons."""


class AllocationsPage(BaseModel):
    items: list[AllocationRow]
    next_page: str | None


class PromisesOfStore(BaseModel):
    """Promises of a store by how they went; `withdrawn` = given back or lapsed before they were due."""

    store_id: int
    kept: int
    late: int
    open: int
    withdrawn: int


class PromisesPage(BaseModel):
    date_from: datetime
    date_to: datetime
    items: list[PromisesOfStore]
    next_page: str | None


class Telling:
    """Tells of allocations at one store, in one language, at one moment."""

    def __init__(self, store: Store, names: dict[int, str], now: datetime, language: Language) -> None:
        self._store, self._names, self._now, self._language = store, names, now, language

    def preview(self, proposal: Proposal) -> Preview:
        """What would be allocated."""
        choice = proposal.choice
        return Preview(
            store_id=proposal.store.id,
            rule=choice.rule,
            promised_at=choice.promised_at,
            due_at=proposal.due_at,
            expires_at=proposal.expires_at,
            lines=lines_of(proposal.store.id, choice.parts),
            **self._explained(choice.rule, choice.promised_at, proposal.explanation),
        )

    def allocation(self, allocation: Allocation) -> AllocationOut:
        """What was allocated, with its reasons."""
        assert allocation.explanation is not None
        explained = self._explained(allocation.rule, allocation.promised_at, allocation.explanation)
        return AllocationOut(**row_of(allocation).model_dump(), **explained)

    def _explained(self, rule: Rule, promised_at: datetime, explanation: Explanation) -> dict[str, Any]:
        return {
            "promised_text": self._when(promised_at, on_hand=rule == "wished_store"),
            "rule_text": rule_text(rule, explanation.exact, self._language),
            "exact": explanation.exact,
            "stores_looked_at": explanation.stores_looked_at,
            "stores": [self._look(look) for look in explanation.looks],
            "alternatives": [
                AlternativeOut(
                    product_id=one.product_id,
                    kind=one.kind,
                    pieces=one.pieces,
                    promised_at=one.promised_at,
                    promised_text=self._when(one.promised_at),
                )
                for one in explanation.alternatives
            ],
        }

    def _look(self, look: Look) -> StoreLook:
        here = look.store_id == self._store.id
        return StoreLook(
            store_id=look.store_id,
            store_name=self._names.get(look.store_id),
            taken=look.taken,
            reason=look.reason,
            reason_text=reason_text(look.reason, self._language),
            promised_at=look.promised_at,
            promised_text=self._when(look.promised_at, on_hand=here) if look.promised_at else None,
            free=[FreePieces(product_id=product_id, pieces=pieces) for product_id, pieces in look.free],
        )

    def _when(self, at: datetime, *, on_hand: bool = False) -> str:
        found = Availability("on_hand" if on_hand else "transfer_1d", at)
        return eta_text(found, self._store.calendar, self._now, self._language)


def lines_of(store_id: int, parts: tuple[Part, ...]) -> list[AllocationLine]:
    """Where the pieces lie, and where they have to go."""
    return [AllocationLine.model_validate(one) for one in _lines(store_id, parts)]


def _lines(store_id: int, parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    return [
        {
            "product_id": part.product_id,
            "from_store_id": part.from_store_id,
            "to_store_id": store_id,
            "pieces": part.pieces,
            "promised_at": part.promised_at,
        }
        for part in parts
    ]


def row_of(allocation: Allocation) -> AllocationRow:
    """A promise without its reasons."""
    told = {name: getattr(allocation, name) for name in ROW_FIELDS}
    told["lines"] = _lines(allocation.store_id, allocation.parts)
    return AllocationRow.model_validate(told, from_attributes=True)
