"""The tape, read in the order of time, as movements: ids, balances, receipts, delivery notes, transfers."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from autoshop.demo.history import (
    FOUND,
    INBOUND,
    MISSING,
    OPENING_SECOND,
    RECEIPT,
    RETURN,
    SALE,
    SHIPMENT,
    WRITEOFF,
    Tape,
    unpack,
)
from autoshop.demo.seasons import DAY, Period
from autoshop.inventory.stores.model import OWNERS_RULE, Calendar

MOVEMENT_COLUMNS = (
    "id", "product_id", "store_id", "movement_type", "quantity", "delta", "balance_after", "related_document",
    "reason", "actor", "transfer_id", "created_at",
)  # fmt: skip
Row = tuple[Any, ...]

TYPES = {
    INBOUND: "inbound", RETURN: "return", RECEIPT: "transfer", FOUND: "adjustment", SALE: "sale",
    WRITEOFF: "writeoff", MISSING: "adjustment", SHIPMENT: "transfer",
}  # fmt: skip
PAPERS = {INBOUND: "Накладная", RETURN: "Возврат", SALE: "Чек", WRITEOFF: "Акт списания", SHIPMENT: "Переброска"}
REASONS = {
    RETURN: ("не подошло к автомобилю", "купили лишнее", "брак"),
    WRITEOFF: ("бой при хранении", "брак", "повреждена упаковка"),
    FOUND: ("найдено при пересчёте",),
    MISSING: ("недостача при пересчёте",),
}
CLERKS = {1: ("anna", "dmitry", "elena"), 2: ("igor", "olga", "pavel")}
STOREKEEPER = "staff:marina"
SYSTEM = "system:demo"


@dataclass(slots=True)
class Transfer:
    """A shipment between two stores; `closed_at` None while it is on the way."""

    id: int
    from_store_id: int
    to_store_id: int
    document: str
    shipped_at: datetime
    eta_at: datetime
    actor: str
    closed_at: datetime | None = None
    lines: list[tuple[int, int]] = field(default_factory=list)  # (product, pieces)


class Ledger:
    """Read `movements()` once, to the end; then the stock and the transfers are known."""

    def __init__(self, tape: Tape, period: Period, calendars: dict[int, Calendar]) -> None:
        self.tape = tape
        self.period = period
        self.calendars = calendars
        places = len(tape.products)
        self.quantities = array("i", bytes(4 * places))
        self.touched = array("I", bytes(4 * places))  # second of the last movement
        self.transfers: dict[tuple[int, int, int], Transfer] = {}  # by day, from, to
        self.moved = 0
        self._numbers = dict.fromkeys(PAPERS, 0)
        self._open_paper: dict[tuple[int, int], tuple[int, str, str]] = {}  # by store and kind: moment, paper, actor

    def movements(self) -> Iterator[Row]:
        """The rows of `movements`, in the order of time."""
        for day, events in enumerate(self.tape.days):
            base, midnight = day * DAY, self.period.midnight(day)
            for event in sorted(events):
                second, place, kind, pieces = unpack(event)
                created_at = midnight + timedelta(seconds=second)
                if kind == SHIPMENT:
                    _, to_place, pieces = self.tape.vans[day][pieces]
                    transfer = self.ship(day, place, to_place, pieces, created_at)
                elif kind == RECEIPT:
                    from_place, _, pieces = self.tape.vans[day - 1][pieces]
                    transfer = self._receive(day - 1, from_place, place, created_at)
                else:
                    transfer = None
                yield self.post(base + second, place, kind, pieces, created_at, transfer)
            events[:] = array("Q")

    def post(
        self, moment: int, place: int, kind: int, pieces: int, created_at: datetime, transfer: Transfer | None = None
    ) -> Row:
        """The next row, and its mark on the stock."""
        store = self.tape.stores[place]
        delta = pieces if kind <= FOUND else -pieces
        balance = self.quantities[place] = self.quantities[place] + delta
        self.touched[place] = moment
        self.moved += 1
        if transfer is not None:
            document, actor = transfer.document, transfer.actor
        else:
            document, actor = self._paper(moment, store, kind)
        reasons = REASONS.get(kind)
        return (
            self.moved, self.tape.products[place], store, TYPES[kind], pieces, delta, balance, document,
            reasons[self.moved % len(reasons)] if reasons else None, actor, transfer and transfer.id, created_at,
        )  # fmt: skip

    def _paper(self, moment: int, store: int, kind: int) -> tuple[str, str]:
        """Document and actor. Lines of one moment stand on one receipt or delivery note."""
        last = self._open_paper.get((store, kind))
        if last is not None and last[0] == moment:
            return last[1], last[2]
        if kind in (FOUND, MISSING):
            date = self.period.date(moment // DAY)
            paper, actor = f"Инвентаризация {date:%d.%m.%Y}", STOREKEEPER
        elif moment == OPENING_SECOND and kind == INBOUND:
            paper, actor = "Ввод остатков", SYSTEM
        else:
            self._numbers[kind] += 1
            paper = f"{PAPERS[kind]} {self._numbers[kind]:06}"
            actor = STOREKEEPER if kind in (INBOUND, WRITEOFF) else _clerk(store, moment)
        self._open_paper[store, kind] = moment, paper, actor
        return paper, actor

    # Transfers: what goes from one store to another on one day is one document.

    def ship(self, day: int, from_place: int, to_place: int, pieces: int, shipped_at: datetime) -> Transfer:
        """Put a line on the van's document of that day."""
        way = day, self.tape.stores[from_place], self.tape.stores[to_place]
        transfer = self.transfers.get(way)
        if transfer is None:
            transfer = self.transfers[way] = self._new_transfer(way[1], way[2], shipped_at)
        transfer.lines.append((self.tape.products[from_place], pieces))
        return transfer

    def _new_transfer(self, from_store: int, to_store: int, shipped_at: datetime) -> Transfer:
        eta_at = OWNERS_RULE.next_arrival(shipped_at, self.calendars[from_store], self.calendars[to_store])
        assert eta_at is not None, "the demo's stores are open every week"
        self._numbers[SHIPMENT] += 1
        number = self._numbers[SHIPMENT]
        return Transfer(
            number, from_store, to_store, f"{PAPERS[SHIPMENT]} {number:06}", shipped_at, eta_at, STOREKEEPER
        )

    def _receive(self, left: int, from_place: int, to_place: int, received_at: datetime) -> Transfer:
        transfer = self.transfers[left, self.tape.stores[from_place], self.tape.stores[to_place]]
        transfer.closed_at = received_at
        return transfer


def _clerk(store: int, moment: int) -> str:
    """Who stands at the till: two shifts a day, three people."""
    names = CLERKS.get(store)
    shift = (moment // DAY + (moment % DAY > 14 * 3600)) % 3
    return f"staff:{names[shift]}" if names else f"staff:clerk-{store}-{shift + 1}"
