"""Verbs: take back from a customer, send back to a supplier, undo either as a whole."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from autoshop.accounts.model import Caller
from autoshop.inventory.marks import service as marks
from autoshop.inventory.marks.model import SoldMark, Unit
from autoshop.inventory.marks.store import still_away
from autoshop.inventory.movements.model import BatchRefused, Line, Movement, UnknownStore
from autoshop.inventory.movements.service import post_lines
from autoshop.inventory.movements.store import find as find_movement
from autoshop.inventory.movements.store import open_places
from autoshop.inventory.reservations.store import lock_places
from autoshop.inventory.returns import store
from autoshop.inventory.returns.model import (
    MOST_SALES,
    AlreadyReversed,
    Kind,
    NotASale,
    OfUnits,
    Return,
    ReturnLine,
    Sale,
    SaleOf,
    SoldAnew,
    SoldWithAnother,
    TooManySales,
    UnknownReturn,
    UnknownSale,
    Wanted,
    out_of,
)
from autoshop.inventory.stores import store as stores
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, Refusal, wrong

NAMES: dict[Kind, str] = {"customer": "return", "supplier": "supplier return"}
MARKS = "lines.{}.marks"  # as the sender calls them


async def take_back(
    db: Connection,
    caller: Caller,
    store_id: int,
    wanted: Sequence[Wanted],
    sale: SaleOf | None,
    related_document: str | None,
    note: str | None,
) -> Return:
    """Pieces come back from a customer, to any store: onto the shelf, or (not resaleable) in and written off at once.

    Never more than was sold and has not come back. Marked pieces come with their marks, which say whose sale it was.
    Where neither a sale nor a mark is known, only who may approve it takes them.
    """
    caller.must_act_for(store_id)
    marked = marks.read_all([(line.quantity, line.marks) for line in wanted], MARKS)
    unlinked = sale is None and not marked
    if unlinked:
        caller.must("inventory:approve")
    elif sale is None:
        _must_all_be_marked(wanted)
    await _must_exist(db, store_id)
    lines, known = _unlinked(wanted), list[Sale]()
    if not unlinked:
        lines, known = await _linked(db, store_id, wanted, sale, marked)
        documents = {one.related_document for one in known}
        related_document = related_document or (documents.pop() if len(documents) == 1 else None)
    return_id = await store.add(db, "customer", store_id, None, unlinked, related_document, note, caller.actor)
    if known:
        pieces: Counter[int] = Counter()
        for line in lines:
            pieces[line.sale_id or 0] += line.quantity
        await store.count_returned(db, pieces, known)
    return await _posted(db, caller, "customer", return_id, store_id, lines, related_document, note)


async def send_back(
    db: Connection,
    caller: Caller,
    store_id: int,
    supplier: str,
    wanted: Sequence[Wanted],
    related_document: str | None,
    note: str | None,
) -> Return:
    """Pieces go back to a supplier."""
    caller.must_act_for(store_id)
    await _must_exist(db, store_id)
    return_id = await store.add(db, "supplier", store_id, supplier, False, related_document, note, caller.actor)
    return await _posted(db, caller, "supplier", return_id, store_id, _unlinked(wanted), related_document, note)


async def get_return(db: Connection, kind: Kind, return_id: int, *, lock: bool = False) -> Return:
    """The return, or a refusal."""
    found = await store.find(db, kind, return_id, lock=lock)
    if found is None:
        raise UnknownReturn(f"There is no {NAMES[kind]} {return_id}", return_id=return_id)
    return found


async def reverse(
    db: Connection, caller: Caller, kind: Kind, return_id: int, reason: str | None, now: datetime
) -> Return:
    """Undo a whole return, once: what was written off comes back first, then all of it goes where it came from."""
    found = await get_return(db, kind, return_id, lock=True)
    caller.must_act_for(found.store_id)
    if found.status == "reversed":
        raise AlreadyReversed(
            f"It was undone by {found.reversed_by}; enter the return anew instead", return_id=return_id
        )
    known = await store.sales(db, [line.sale_id for line in found.lines if line.sale_id is not None])
    await _lock(db, found.store_id, [line.product_id for line in found.lines], known)
    moves = [undone for line in found.lines for undone in _undoing(caller, found, line, reason)]
    undone = await post_lines(db, moves)
    await marks.go_again(db, {one.reverses_id or 0: one for one in undone if one.movement_type == "return"})
    await store.count_out_again(db, return_id)
    await store.close(db, return_id, now, caller.actor, reason)
    await store.tell(db, return_id, "reversed")
    return await get_return(db, kind, return_id)


async def returnable(db: Connection, sale: SaleOf, after_id: int, limit: int) -> list[Sale]:
    """What was sold with it and may still come back, the oldest first."""
    if sale.movement_id is not None:
        return [one for one in await _sale(db, sale.movement_id) if one.id > after_id]
    assert sale.related_document is not None
    return await store.sales_under(db, sale.related_document, None, after_id, limit)


async def _must_exist(db: Connection, store_id: int) -> None:
    if await stores.find(db, store_id) is None:
        raise UnknownStore(f"There is no store {store_id}", store_id=store_id)


def _unlinked(wanted: Sequence[Wanted]) -> list[ReturnLine]:
    return [ReturnLine(line.product_id, line.quantity, line.condition, line.reason, None) for line in wanted]


async def _linked(
    db: Connection, store_id: int, wanted: Sequence[Wanted], sale: SaleOf | None, marked: marks.Marked
) -> tuple[list[ReturnLine], list[Sale]]:
    """Which sale each piece is of. The places that sold them and those that they come to stay locked, and the units."""
    of_lines = [line.product_id for line in wanted]
    products = sorted(set(of_lines))
    await marks.check(db, of_lines, marked)
    if sale is not None:
        known = await _sales_of(db, sale, products)
    else:
        sold = await marks.away(db, of_lines, marked)
        known = await store.sales(db, sorted({one.sale_id for one in sold.values()}))
    await open_places(db, [(product_id, store_id) for product_id in products])
    await _lock(db, store_id, products, known)
    known = await store.sales(db, [one.id for one in known])  # as they are now that nobody else can change them
    sold = await marks.away(db, of_lines, marked, lock=True) if marked else {}
    of_units = _of_units(marked, sold, known, SoldAnew if sale is None else SoldWithAnother)
    lines, refused = out_of(known, wanted, of_units, await still_away(db, [one.id for one in known]))
    if len(wanted) == 1 and refused:
        raise refused[0]
    if refused:
        told = [{"line": number, **_told(refusal)} for number, refusal in refused.items()]
        raise BatchRefused(lines=told)
    return lines, known


def _of_units(
    marked: marks.Marked, sold: Mapping[Unit, SoldMark], known: Sequence[Sale], no: type[SoldWithAnother]
) -> OfUnits:
    """The units of each line by the sale that took them, which must be one of those known."""
    ids = {sale.id for sale in known}
    of_units: dict[int, dict[int, list[Unit]]] = {}
    for number, of_line in marked.items():
        for mark in of_line:
            sale_id = sold[mark.unit].sale_id
            if sale_id not in ids:
                raise no(line=number, gtin=mark.gtin, serial=mark.serial, sale_id=sale_id)
            of_units.setdefault(number, {}).setdefault(sale_id, []).append(mark.unit)
    return of_units


def _must_all_be_marked(wanted: Sequence[Wanted]) -> None:
    """Without a sale the marks say which one it was, of each piece."""
    for number, line in enumerate(wanted):
        if line.marks is None:
            field = MARKS.format(number)
            reason = "without a sale every line has its marks, or none has: name the sale, or scan them"
            raise Invalid(f"{field}: {reason}", errors=[wrong(field, reason)])


def _told(refusal: Refusal) -> dict[str, object]:
    return {"title": refusal.title, "detail": refusal.detail, **refusal.facts}


async def _sales_of(db: Connection, sale: SaleOf, products: Sequence[int]) -> list[Sale]:
    if sale.movement_id is not None:
        return await _sale(db, sale.movement_id)
    assert sale.related_document is not None
    found = await store.sales_under(db, sale.related_document, products, 0, MOST_SALES + 1)
    if len(found) > MOST_SALES:
        raise TooManySales(related_document=sale.related_document)
    if not found:
        raise UnknownSale(
            f"Nothing of that was sold under «{sale.related_document}»", related_document=sale.related_document
        )
    return found


async def _sale(db: Connection, movement_id: int) -> list[Sale]:
    found = await store.sales(db, [movement_id])
    if found:
        return found
    if await find_movement(db, movement_id) is None:
        raise UnknownSale(f"There is no movement {movement_id}", movement_id=movement_id)
    raise NotASale(movement_id=movement_id)


async def _lock(db: Connection, store_id: int, products: Sequence[int], known: Sequence[Sale]) -> None:
    await lock_places(db, [*[(one, store_id) for one in products], *[(one.product_id, one.store_id) for one in known]])


async def _posted(
    db: Connection,
    caller: Caller,
    kind: Kind,
    return_id: int,
    store_id: int,
    lines: Sequence[ReturnLine],
    related_document: str | None,
    note: str | None,
) -> Return:
    """Move the pieces, and write down by which movements."""
    moves = [
        Line(line.product_id, store_id, movement_type, delta, caller.actor,
             related_document or f"{NAMES[kind]} {return_id}", reason)
        for line in lines
        for movement_type, delta, reason in _moves(kind, line, note)
    ]  # fmt: skip
    moved = iter(await post_lines(db, moves))
    done = [_with_movements(line, moved) for line in lines]
    await store.add_lines(db, return_id, done)
    brought = {line.movement_id: (line.product_id, line.units) for line in done if line.units}
    if brought:
        await marks.come_back(db, brought)
    await store.tell(db, return_id, "posted")
    return await get_return(db, kind, return_id)


def _moves(kind: Kind, line: ReturnLine, note: str | None) -> list[tuple[str, int, str | None]]:
    """The movements (type, delta, reason) of a line."""
    reason = line.reason or note
    if kind == "supplier":
        return [("supplier_return", -line.quantity, reason)]
    back: list[tuple[str, int, str | None]] = [("return", line.quantity, reason)]
    if line.condition != "resaleable":
        why = f"{line.condition}: {reason}" if reason else line.condition
        back.append(("writeoff", -line.quantity, why))
    return back


def _with_movements(line: ReturnLine, moved: Iterator[Movement]) -> ReturnLine:
    movement_id = next(moved).id
    written_off = line.condition not in (None, "resaleable")
    return replace(line, movement_id=movement_id, writeoff_id=next(moved).id if written_off else None)


def _undoing(caller: Caller, found: Return, line: ReturnLine, reason: str | None) -> list[Line]:
    document = found.related_document or f"{NAMES[found.kind]} {found.id}"

    def undo(movement_type: str, delta: int, movement_id: int) -> Line:
        place = line.product_id, found.store_id
        return Line(*place, movement_type, delta, caller.actor, document, reason, reverses_id=movement_id)

    if found.kind == "supplier":
        return [undo("supplier_return", line.quantity, line.movement_id)]
    back = [undo("return", -line.quantity, line.movement_id)]
    if line.writeoff_id is None:
        return back
    return [undo("writeoff", line.quantity, line.writeoff_id), *back]
