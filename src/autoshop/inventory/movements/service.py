"""Verbs of the ledger: post, reverse, list. Whoever moves pieces comes through here."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.inventory.movements import staged, store
from autoshop.inventory.movements.model import (
    AlreadyReversed,
    BatchRefused,
    InsufficientStock,
    Line,
    Movement,
    MovementRequest,
    NotReversible,
    PartOfReturn,
    SaleReturned,
    StockMoved,
    TooManyPieces,
    UnknownMovement,
    check_cost,
    check_destination,
    refusal_for,
    signed,
    sum_up,
)
from autoshop.inventory.periods import service as periods
from autoshop.inventory.reservations import lapsing
from autoshop.inventory.reservations import store as reservations
from autoshop.inventory.returns import store as returns
from autoshop.kit.db import Connection, after_commit
from autoshop.kit.errors import Refusal
from autoshop.kit.idempotency import Key
from autoshop.kit.metrics import count_posted

MOST_LINES = 1_000
MOST_LAPSED = 10_000
MOST_HOLDERS = 5  # of a place, in a refusal
OF_RETURNS = {"return", "writeoff", "supplier_return"}  # the types that documents of returns post

# What PostgreSQL says when the stock would pass a billion: no row may hold that.
TOO_MANY = (asyncpg.CheckViolationError, asyncpg.NumericValueOutOfRangeError)


def line_for(caller: Caller, request: MovementRequest, key: Key | None = None) -> Line:
    """Check a request as far as that needs no database, and make the line that does it."""
    check_destination(request)
    check_cost(request)
    caller.must_act_for(request.store_id)
    if request.unit_cost_kopecks is not None:
        caller.must("cost:read")
    return Line(
        product_id=request.product_id,
        store_id=request.store_id,
        movement_type=request.movement_type,
        delta=signed(request.movement_type, request.quantity),
        actor=caller.actor,
        related_document=request.related_document,
        reason=request.reason,
        key=key,
        effective_on=request.effective_on,
        unit_cost_kopecks=request.unit_cost_kopecks,
    )


async def post_lines(db: Connection, lines: Sequence[Line]) -> list[Movement]:
    """Post lines in the caller's transaction: all, or a refusal that names every line that stood in the way.

    Missing inventory rows are made before any row is locked. So while a transaction makes rows it holds only new
    ones, and while it locks rows, in key order, all of its rows are there: two batches cannot wait in a circle.
    Before any of that, dates on papers are looked at: nothing is posted into a closed period.
    """
    await periods.must_be_open(db, _dated(lines))
    await store.open_places(db, sum_up(lines).places)
    await _bar_returns(db, lines)
    try:
        posted = await post_unless_reserved(db, lines)
    except TOO_MANY as error:
        raise TooManyPieces from error
    failed = [number for number, movement in enumerate(posted) if movement is None]
    if failed:
        raise await refusal_of(db, lines, failed)
    done = [movement for movement in posted if movement is not None]
    after_commit(db, lambda: count_posted(Counter(movement.movement_type for movement in done)))
    return done


async def _bar_returns(db: Connection, lines: Sequence[Line]) -> None:
    """A sale that is undone is with no customer: nothing of it comes back any more, and nothing may have come back.

    Returns count under the lock of the place that sold, so that is taken first.
    """
    undone = [line for line in lines if line.movement_type == "sale" and line.reverses_id is not None]
    if not undone:
        return
    await reservations.lock_places(db, sum_up(lines).places)
    barred = await returns.bar(db, [(line.product_id, line.reverses_id or 0, line.delta) for line in undone])
    for line in undone:
        if line.reverses_id not in barred:
            raise SaleReturned(movement_id=line.reverses_id, product_id=line.product_id)


def _dated(lines: Sequence[Line]) -> list[tuple[str, int, date]]:
    """What has the date of a paper: the field that said it, the store, the date."""
    field = "effective_on" if len(lines) == 1 else "lines.{}.effective_on"
    return [
        (field.format(number), line.store_id, line.effective_on)
        for number, line in enumerate(lines)
        if line.effective_on is not None
    ]


async def post_unless_reserved(db: Connection, lines: Sequence[Line]) -> list[Movement | None]:
    """Post lines in the caller's transaction; where only a hold that has lapsed is in the way, it is let go first.

    The second look costs those alone who would be refused. It locks no place that the first one has not locked.
    """
    posted = await store.post(db, lines)
    failed = [number for number, movement in enumerate(posted) if movement is None]
    if failed and await lapsing.let_go_of_lapsed(db, [lines[number].place for number in failed]):
        again = await store.post(db, [lines[number] for number in failed])
        for number, movement in zip(failed, again, strict=True):
            posted[number] = movement
    return posted


async def refusal_of(
    db: Connection, lines: Sequence[Line], failed: Sequence[int], whole: type[BatchRefused] = BatchRefused
) -> Refusal:
    """Why these of the lines (by number) were not possible. The caller holds the locks of their places."""
    sums = sum_up(lines)
    asked = {place: -lowest for place, lowest in zip(sums.places, sums.lowest, strict=True)}
    known = await store.places(db, sums.places)
    refusals: dict[int, Refusal] = {}
    for number in failed:
        line = lines[number]
        refusal = refusal_for(line, asked[line.place], known[line.place])
        assert refusal is not None, "under our own locks a place cannot become possible meanwhile"
        refusals[number] = refusal
    await tell_who_holds(db, refusals.values())
    if len(lines) == 1:
        return refusals[0]
    told: list[dict[str, Any]] = [
        {"line": number, "title": refusal.title, "detail": refusal.detail, **refusal.facts}
        for number, refusal in refusals.items()
    ]
    return whole(lines=told)


async def tell_who_holds(db: Connection, refusals: Iterable[Refusal]) -> None:
    """Where pieces are lacking and some are held, name the reservations that hold them."""
    lacking = [refusal for refusal in refusals if isinstance(refusal, InsufficientStock) and refusal.facts["reserved"]]
    if not lacking:
        return
    places = [(refusal.facts["product_id"], refusal.facts["store_id"]) for refusal in lacking]
    found = await reservations.holding(db, places, MOST_HOLDERS)
    for place, refusal in zip(places, lacking, strict=True):
        refusal.facts["reservation_ids"] = found.get(place, [])


async def post_staged(db: Connection, caller: Caller, opening: str, correction: str) -> int:
    """Post very many lines, laid out by `staged.stage` and `staged.compare`, under one document and one event.

    A product's first pieces at a store are an inbound under `opening`, a place that had movements gets an adjustment
    under `correction`. All, or `StockMoved`: then compare again, and repeat. Returns how many movements there were.
    """
    try:
        await _let_go_of_staged(db)
        posted, missed = await staged.post(db, opening, correction, caller.actor)
    except (*TOO_MANY, asyncpg.UniqueViolationError) as error:
        raise StockMoved from error
    if missed:
        raise StockMoved(places=missed)
    after_commit(db, lambda: count_posted(posted))
    return sum(posted.values())


async def _let_go_of_staged(db: Connection) -> None:
    """Let go of what lapsed since the look, or what the sweep had passed over: hardly ever any."""
    lapsed = await staged.staged_among(db, await lapsing.lapsed_places(db, MOST_LAPSED))
    if lapsed:
        await staged.lock(db)
        await lapsing.let_go_of_lapsed(db, lapsed)


async def post_corrections(
    db: Connection, caller: Caller, deltas: Mapping[tuple[int, int], int], document: str, reason: str | None
) -> None:
    """Post very many adjustments, one for a place, under one document: all, or `StockMoved`.

    Whoever calls holds the locks of the places and has looked that none would be left with too little.
    """
    try:
        posted = await staged.correct(db, deltas, document, reason, caller.actor)
    except TOO_MANY as error:
        raise TooManyPieces from error
    if posted < len(deltas):
        raise StockMoved(places=len(deltas) - posted)
    after_commit(db, lambda: count_posted(Counter(adjustment=posted)))


async def opposite_of(db: Connection, caller: Caller, movement_id: int, reason: str | None) -> Line:
    """The line that undoes a movement."""
    movement = await store.find(db, movement_id)
    if movement is None:
        raise UnknownMovement(f"There is no movement {movement_id}", movement_id=movement_id)
    if movement.reverses_id is not None:
        raise NotReversible("This is itself a reversal. Post the movement anew instead", movement_id=movement_id)
    caller.must_act_for(movement.store_id)
    if await store.is_reversed(db, movement):
        raise AlreadyReversed(f"Movement {movement_id} was reversed before", movement_id=movement_id)
    if movement.movement_type in OF_RETURNS:
        await _must_stand_alone(db, movement)
    return Line(
        product_id=movement.product_id,
        store_id=movement.store_id,
        movement_type=movement.movement_type,
        delta=-movement.delta,
        actor=caller.actor,
        related_document=movement.related_document,
        reason=reason,
        transfer_id=movement.transfer_id,
        reverses_id=movement.id,
        unit_cost_kopecks=movement.unit_cost_kopecks,
    )


async def _must_stand_alone(db: Connection, movement: Movement) -> None:
    """Refuse to undo one movement of a return: its lines, its write-offs and what it counts belong together."""
    document = await returns.document_of(db, movement.product_id, movement.id)
    if document is not None:
        kind, return_id = document
        path = f"/api/v1/inventory/{'returns' if kind == 'customer' else 'supplier-returns'}/{return_id}/reversal"
        raise PartOfReturn(movement_id=movement.id, return_id=return_id, path=path)


async def post_reversal(db: Connection, line: Line) -> Movement:
    """Post the line that undoes a movement, once: of two racers the constraint refuses the second."""
    try:
        return (await post_lines(db, [line]))[0]
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "movements_reversed_once":
            raise
        raise AlreadyReversed(
            f"Movement {line.reverses_id} was reversed before", movement_id=line.reverses_id
        ) from error


async def list_movements(
    db: Connection, filters: dict[str, Any], limit: int, *, cost: bool
) -> tuple[list[Movement], bool]:
    """A page of the ledger, newest first, and whether there is more; what pieces cost only with `cost`."""
    found = await store.list_page(db, filters, limit + 1)
    if not cost:
        found = [replace(movement, unit_cost_kopecks=None) for movement in found]
    return found[:limit], len(found) > limit
