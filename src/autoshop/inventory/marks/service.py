"""Verbs: a sale takes marked units away, a return brings them back. Called where movements are posted."""

from collections import Counter
from collections.abc import Mapping, Sequence

import asyncpg

from autoshop.inventory.marks import store
from autoshop.inventory.marks.model import (
    MOST_CHARACTERS,
    Mark,
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

Marked = dict[int, list[Mark]]  # number of the request → its marks


def marks_of(requests: Sequence[MovementRequest], named: str) -> Marked:
    """The marks that come with sales and returns, read; refuses what no unit can be sold with.

    `named` is how the sender calls the marks of request {}.
    """
    marked: Marked = {}
    seen: set[Unit] = set()
    for number, request in enumerate(requests):
        if request.marks is None:
            continue
        field = named.format(number)
        if request.movement_type not in ("sale", "return"):
            raise _wrong(field, "only a sale or a return has marks")
        if len(request.marks) != request.quantity:
            reason = f"there are {len(request.marks)} for {request.quantity} pieces: each piece has its own"
            raise _wrong(field, reason)
        marked[number] = [_read(f"{field}.{index}", raw) for index, raw in enumerate(request.marks)]
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


async def check(db: Connection, requests: Sequence[MovementRequest], marked: Marked) -> None:
    """Refuse marks of other products: the GTIN must be a barcode of the product, if it has any that is a GTIN."""
    products = sorted({requests[number].product_id for number in marked})
    gtins = {mark.gtin for marks in marked.values() for mark in marks}
    spelt = sorted({spelling for gtin in gtins for spelling in spellings_of(gtin)})
    of_product: dict[int, set[str]] = {}
    owner: dict[str, int] = {}
    for product_id, code in await store.barcodes(db, products, spelt):
        if is_gtin(code):
            of_product.setdefault(product_id, set()).add(code.zfill(14))
            owner[code.zfill(14)] = product_id
    for number, marks in marked.items():
        product_id = requests[number].product_id
        own = of_product.get(product_id)
        for mark in marks:
            of = owner.get(mark.gtin)
            if of != product_id and (own or of is not None):
                raise MarkOfAnother(line=number, product_id=product_id, gtin=mark.gtin, of_product_id=of)


async def book(
    db: Connection, requests: Sequence[MovementRequest], movements: Sequence[Movement], marked: Marked
) -> None:
    """After the pieces moved: write down which units went and which came back. A unit is sold once until it returns."""
    pairs = [(mark, number) for number, marks in marked.items() for mark in marks]
    sold = [(mark, movements[number]) for mark, number in pairs if requests[number].movement_type == "sale"]
    back = [(mark, movements[number]) for mark, number in pairs if requests[number].movement_type == "return"]
    if back:
        await _take_back(db, back)
    if sold:
        done = await store.sell(db, sold)
        refused = [mark.unit for mark, _ in sold if mark.unit not in done]
        if refused:
            raise _sold(await store.living(db, refused), refused[0])
        await store.tell(db, "sold", _counts(sold))


async def _take_back(db: Connection, back: Sequence[tuple[Mark, Movement]]) -> None:
    living = await store.living(db, [mark.unit for mark, _ in back], lock=True)
    for mark, movement in back:
        if mark.unit not in living or living[mark.unit].product_id != movement.product_id:
            raise MarkNotSold(gtin=mark.gtin, serial=mark.serial, product_id=movement.product_id)
    await store.take_back(db, {mark.unit: movement for mark, movement in back})
    await store.tell(db, "returned", _counts(back))


async def undo(db: Connection, reversed_id: int, reversal: Movement) -> None:
    """After a movement was reversed: what it sold has come back, and what it brought back is sold again.

    A sale of which a unit has come back is not undone: that piece would be on the shelf twice.
    """
    if reversal.movement_type == "sale":
        units = await store.units_of(db, reversed_id, returned=False)
        still_away = await store.living(db, units, lock=True)
        if await store.came_back(db, reversed_id):
            raise SaleReturned(movement_id=reversed_id, product_id=reversal.product_id)
        if still_away:
            await store.take_back(db, dict.fromkeys(still_away, reversal))
            await store.tell(db, "returned", {reversal.id: (reversal.product_id, len(still_away))})
    elif reversal.movement_type == "return":
        units = await store.units_of(db, reversed_id, returned=True)
        if units:
            try:
                async with db.transaction():
                    await store.sell_again(db, reversed_id)
            except asyncpg.UniqueViolationError as error:
                raise _sold(await store.living(db, units), units[0]) from error
            await store.tell(db, "sold", {reversal.id: (reversal.product_id, len(units))})


def _sold(living: Mapping[Unit, SoldMark], unit: Unit) -> MarkSold:
    """Which sale took it away; None where it came back at this very moment."""
    before = living.get(unit) or next(iter(living.values()), None)
    if before is None:
        return MarkSold(gtin=unit[0], serial=unit[1], sale_id=None)
    return MarkSold(
        gtin=before.gtin,
        serial=before.serial,
        sale_id=before.sale_id,
        product_id=before.product_id,
        store_id=before.store_id,
        sold_at=before.sold_at.isoformat(),
    )


def _counts(pairs: Sequence[tuple[Mark, Movement]]) -> Mapping[int, tuple[int, int]]:
    counted = Counter(movement.id for _, movement in pairs)
    products = {movement.id: movement.product_id for _, movement in pairs}
    return {movement_id: (products[movement_id], many) for movement_id, many in sorted(counted.items())}


def _wrong(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}", errors=[wrong(field, reason)])
