"""Verbs: a sale takes marked units away, a return brings them back. Called where pieces are sold and come back."""

from collections import Counter
from collections.abc import Mapping, Sequence

import asyncpg

from autoshop.inventory.marks import store
from autoshop.inventory.marks.model import (
    MOST_CHARACTERS,
    Mark,
    MarkCameBack,
    MarkNotSold,
    MarkOfAnother,
    MarkSold,
    SoldMark,
    Unit,
    WrongMark,
)
from autoshop.inventory.marks.model import mark_of as read
from autoshop.inventory.movements.model import Movement, MovementRequest, SaleReturned
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.gs1 import is_gtin, spellings_of

RETURNS = "/api/v1/inventory/returns"

Marked = dict[int, list[Mark]]  # number of the line → its marks
Brought = Mapping[int, tuple[int, Sequence[Unit]]]  # movement → its product, the units that came or went with it


def marks_of(requests: Sequence[MovementRequest], named: str) -> Marked:
    """The marks that come with sales, read; refuses what no unit can be sold with.

    `named` is how the sender calls the marks of request {}.
    """
    for number, request in enumerate(requests):
        if request.marks is None or request.movement_type == "sale":
            continue
        if request.movement_type == "return":
            raise _wrong(named.format(number), f"a marked unit comes back with its piece: POST {RETURNS}")
        raise _wrong(named.format(number), "only a sale has marks")
    return read_all([(request.quantity, request.marks) for request in requests], named)


def read_all(pieces: Sequence[tuple[int, Sequence[str] | None]], named: str) -> Marked:
    """The marks of lines (pieces, their marks if they have any): one whole mark for each piece, no unit twice."""
    marked: Marked = {}
    seen: set[Unit] = set()
    for number, (quantity, marks) in enumerate(pieces):
        if marks is None:
            continue
        field = named.format(number)
        if len(marks) != quantity:
            raise _wrong(field, f"there are {len(marks)} for {quantity} pieces: each piece has its own")
        marked[number] = [_read(f"{field}.{index}", raw) for index, raw in enumerate(marks)]
        for index, mark in enumerate(marked[number]):
            if mark.unit in seen:
                raise _wrong(f"{field}.{index}", f"the unit with serial {mark.serial} is there twice")
            seen.add(mark.unit)
    return marked


def _read(field: str, raw: str) -> Mark:
    if len(raw) > MOST_CHARACTERS:
        raise _wrong(field, f"longer than a marking code: at most {MOST_CHARACTERS} characters")
    mark = read(raw)
    if mark is None:
        reason = "not the marking code of one unit: 01 GTIN, 21 serial number; does the scanner keep the separator GS?"
        raise WrongMark(f"{field}: {reason}", errors=[wrong(field, reason)])
    return mark


async def check(db: Connection, product_ids: Sequence[int], marked: Marked) -> None:
    """Refuse marks of other products: the GTIN must be a barcode of the line's, if that has any that is a GTIN."""
    products = sorted({product_ids[number] for number in marked})
    gtins = {mark.gtin for marks in marked.values() for mark in marks}
    spelt = sorted({spelling for gtin in gtins for spelling in spellings_of(gtin)})
    of_product: dict[int, set[str]] = {}
    owner: dict[str, int] = {}
    for product_id, code in await store.barcodes(db, products, spelt):
        if is_gtin(code):
            of_product.setdefault(product_id, set()).add(code.zfill(14))
            owner[code.zfill(14)] = product_id
    for number, marks in marked.items():
        product_id = product_ids[number]
        own = of_product.get(product_id)
        for mark in marks:
            of = owner.get(mark.gtin)
            if of != product_id and (own or of is not None):
                raise MarkOfAnother(line=number, product_id=product_id, gtin=mark.gtin, of_product_id=of)


async def book(db: Connection, movements: Sequence[Movement], marked: Marked) -> None:
    """After the pieces were sold: write down which units went. A unit is sold once until it comes back."""
    sold = [(mark, movements[number]) for number, marks in marked.items() for mark in marks]
    done = await store.sell(db, sold)
    refused = [mark.unit for mark, _ in sold if mark.unit not in done]
    if refused:
        raise _sold(await store.living(db, refused), refused[0])
    counted = Counter(movement.id for _, movement in sold)
    products = {movement.id: movement.product_id for _, movement in sold}
    await store.tell(db, "sold", {one: (products[one], many) for one, many in sorted(counted.items())})


async def away(
    db: Connection, product_ids: Sequence[int], marked: Marked, *, lock: bool = False
) -> dict[Unit, SoldMark]:
    """Which sale took each of these units away, as that line's product; refuses those that nobody has.

    `lock` holds them until the transaction ends; the places that sold them must be locked before.
    """
    living = await store.living(db, [mark.unit for marks in marked.values() for mark in marks], lock=lock)
    for number, marks in marked.items():
        product_id = product_ids[number]
        for mark in marks:
            if mark.unit not in living or living[mark.unit].product_id != product_id:
                raise MarkNotSold(line=number, gtin=mark.gtin, serial=mark.serial, product_id=product_id)
    return living


async def come_back(db: Connection, brought: Brought) -> None:
    """After pieces came back: these units, which are locked, came with them."""
    await store.take_back(db, {unit: movement_id for movement_id, (_, units) in brought.items() for unit in units})
    await _tell(db, "returned", brought)


async def go_again(db: Connection, reversals: Mapping[int, Movement]) -> None:
    """After returns (by movement) were reversed: the units that they brought are sold again, if they still can be."""
    brought = await store.brought_by(db, list(reversals))
    if not brought:
        return
    units = [unit for unit, _ in brought]
    try:
        async with db.transaction():
            await store.sell_again(db, brought)
    except asyncpg.UniqueViolationError as error:
        raise _sold(await store.living(db, units), units[0]) from error
    gone: dict[int, tuple[int, list[Unit]]] = {}
    for unit, return_id in brought:
        reversal = reversals[return_id]
        gone.setdefault(reversal.id, (reversal.product_id, []))[1].append(unit)
    await _tell(db, "sold", gone)


async def undo(db: Connection, reversed_id: int, reversal: Movement) -> None:
    """After a movement was reversed: what it sold has come back, and what it brought back is sold again.

    A sale of which a unit has come back is not undone: that piece would be on the shelf twice.
    """
    if reversal.movement_type == "sale":
        still_away = await store.living(db, await store.sold_by(db, reversed_id), lock=True)
        if await store.came_back(db, reversed_id):
            raise SaleReturned(movement_id=reversed_id, product_id=reversal.product_id)
        if still_away:
            await come_back(db, {reversal.id: (reversal.product_id, list(still_away))})
    elif reversal.movement_type == "return":
        await go_again(db, {reversed_id: reversal})


def _sold(living: Mapping[Unit, SoldMark], unit: Unit) -> MarkSold:
    """Which sale took it away; None where it came back at this very moment."""
    before = living.get(unit) or next(iter(living.values()), None)
    if before is None:
        return MarkCameBack(gtin=unit[0], serial=unit[1], sale_id=None)
    return MarkSold(
        gtin=before.gtin,
        serial=before.serial,
        sale_id=before.sale_id,
        product_id=before.product_id,
        store_id=before.store_id,
        sold_at=before.sold_at.isoformat(),
    )


async def _tell(db: Connection, change: str, brought: Brought) -> None:
    counts = {one: (product_id, len(units)) for one, (product_id, units) in sorted(brought.items())}
    await store.tell(db, change, counts)


def _wrong(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}", errors=[wrong(field, reason)])
