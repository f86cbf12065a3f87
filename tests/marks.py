"""Short words for marked units in tests: their marks, selling and bringing back with them, who has which."""

import msgspec

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import MovementRequest, MovementType
from autoshop.inventory.returns import service
from autoshop.inventory.returns.model import Return, SaleOf, Wanted
from autoshop.kit.db import Pool, transaction
from autoshop.kit.gs1 import GS
from tests.cast import CENTRE, PLUG
from tests.ledger import MANAGER, post

GTIN, OTHER_GTIN = "04601234567893", "04607023704531"


def mark(number: int, gtin: str = GTIN) -> str:
    """The mark of one unit, whole."""
    return f"01{gtin}21SERIAL{number:07}{GS}91FFD0{GS}92{'a' * 43}="


def with_marks(kind: MovementType, *marks: str, product_id: int = PLUG, store_id: int = CENTRE) -> MovementRequest:
    """A movement of as many pieces as there are marks."""
    return MovementRequest(
        product_id=product_id, store_id=store_id, movement_type=kind, quantity=len(marks), marks=list(marks)
    )


async def sold_marked(pool: Pool, *numbers: int, store_id: int = CENTRE, document: str | None = None) -> int:
    """A sale of these units; its movement."""
    asked = msgspec.structs.replace(
        with_marks("sale", *map(mark, numbers), store_id=store_id), related_document=document
    )
    return (await post(pool, asked))[0].id


def wanted(*marks: str, product_id: int = PLUG) -> Wanted:
    """A line of a return: as many pieces as there are marks."""
    return Wanted(product_id, len(marks), "resaleable", marks=marks)


async def bring_marked(
    pool: Pool, *lines: Wanted, sale: SaleOf | None = None, store_id: int = CENTRE, caller: Caller = MANAGER
) -> Return:
    """Bring pieces back with their marks, which say which sale it was."""
    async with transaction(pool) as db:
        return await service.take_back(db, caller, store_id, lines, sale, None, None)


async def away(pool: Pool) -> list[tuple[str, int]]:
    """Which units are sold, and by which movement."""
    rows = await pool.fetch("SELECT serial, sale_id FROM sold_marks WHERE returned_at IS NULL ORDER BY serial")
    return [(row["serial"], row["sale_id"]) for row in rows]
