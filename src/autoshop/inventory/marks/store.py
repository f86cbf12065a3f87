"""SQL of sold marks. That a unit is sold once is the word of an index: sold_marks_sold_once."""

from collections.abc import Mapping, Sequence

from autoshop.inventory.marks.model import Mark, SoldMark, Unit
from autoshop.inventory.movements.model import Movement
from autoshop.kit.db import Connection

# In the order of units: of two who sell the same ones the second waits for the first, never in a circle.
SELL = """
INSERT INTO sold_marks (gtin, serial, sale_id, mark, product_id, store_id, sold_at)
SELECT w.gtin, w.serial, w.sale_id, w.mark, m.product_id, m.store_id, m.created_at
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
       AS w (gtin, serial, mark, sale_id, product_id)
  JOIN movements AS m ON m.product_id = w.product_id AND m.id = w.sale_id
 ORDER BY w.gtin, w.serial
    ON CONFLICT (gtin, serial) WHERE returned_at IS NULL DO NOTHING
RETURNING gtin, serial
"""


async def sell(db: Connection, marks: Sequence[tuple[Mark, Movement]]) -> set[Unit]:
    """Write down which units a sale took; those that were not sold already."""
    rows = await db.fetch(
        SELL,
        [mark.gtin for mark, _ in marks],
        [mark.serial for mark, _ in marks],
        [mark.whole for mark, _ in marks],
        [sale.id for _, sale in marks],
        [sale.product_id for _, sale in marks],
    )
    return {(row["gtin"], row["serial"]) for row in rows}


COLUMNS = "gtin, serial, sale_id, mark, product_id, store_id, sold_at, return_id, returned_at"
LIVING = f"""
SELECT {COLUMNS}
  FROM sold_marks AS s
  JOIN unnest($1::text[], $2::text[]) AS w (gtin, serial) USING (gtin, serial)
 WHERE s.returned_at IS NULL
 ORDER BY gtin, serial
"""
LOCK = LIVING + " FOR NO KEY UPDATE OF s"


async def living(db: Connection, units: Sequence[Unit], *, lock: bool = False) -> dict[Unit, SoldMark]:
    """The sales of these units that have not come back; `lock` holds them until the transaction ends."""
    rows = await db.fetch(LOCK if lock else LIVING, [gtin for gtin, _ in units], [serial for _, serial in units])
    return {(row["gtin"], row["serial"]): SoldMark(**row) for row in rows}


TAKE_BACK = """
UPDATE sold_marks AS s
   SET return_id = w.return_id, returned_at = clock_timestamp()
  FROM unnest($1::text[], $2::text[], $3::bigint[]) AS w (gtin, serial, return_id)
 WHERE s.gtin = w.gtin AND s.serial = w.serial AND s.returned_at IS NULL
"""


async def take_back(db: Connection, returns: Mapping[Unit, Movement]) -> None:
    """Free units that are locked; which movement brought each back."""
    await db.execute(
        TAKE_BACK,
        [gtin for gtin, _ in returns],
        [serial for _, serial in returns],
        [movement.id for movement in returns.values()],
    )


SOLD_BY = "SELECT gtin, serial FROM sold_marks WHERE sale_id = $1 AND returned_at IS NULL LIMIT 1000"
RETURNED_BY = "SELECT gtin, serial FROM sold_marks WHERE return_id = $1 LIMIT 1000"
SELL_AGAIN = "UPDATE sold_marks SET return_id = NULL, returned_at = NULL WHERE return_id = $1"


async def units_of(db: Connection, movement_id: int, *, returned: bool) -> list[Unit]:
    """The units that a sale took and that are still away; or those that a return brought."""
    rows = await db.fetch(RETURNED_BY if returned else SOLD_BY, movement_id)
    return [(row["gtin"], row["serial"]) for row in rows]


CAME_BACK = "SELECT EXISTS (SELECT FROM sold_marks WHERE sale_id = $1 AND returned_at IS NOT NULL)"


async def came_back(db: Connection, sale_id: int) -> bool:
    """Whether a unit that a sale took has come back since."""
    return bool(await db.fetchval(CAME_BACK, sale_id))


async def sell_again(db: Connection, return_id: int) -> None:
    """Undo a return. Raises UniqueViolationError where a unit was sold anew since."""
    await db.execute(SELL_AGAIN, return_id)


# Barcodes are the catalogue's; a product with none may have any mark.
BARCODES = """
SELECT c.product_id, c.code
  FROM barcodes AS c
 WHERE c.product_id = ANY ($1::bigint[]) OR c.code = ANY ($2::text[])
 ORDER BY c.product_id, c.code
 LIMIT 100000
"""


async def barcodes(db: Connection, product_ids: Sequence[int], codes: Sequence[str]) -> list[tuple[int, str]]:
    """(product, barcode): all barcodes of these products, and whose these codes are."""
    return [(row["product_id"], row["code"]) for row in await db.fetch(BARCODES, product_ids, codes)]


TELL = """
INSERT INTO outbox (topic, payload)
SELECT 'inventory.marks', jsonb_build_object('movement_id', m.id, 'product_id', m.product_id, 'store_id', m.store_id,
                                             'change', $1::text, 'marks', w.marks)
  FROM unnest($2::bigint[], $3::bigint[], $4::int[]) AS w (product_id, id, marks)
  JOIN movements AS m ON m.product_id = w.product_id AND m.id = w.id
 ORDER BY m.id
"""


async def tell(db: Connection, change: str, counts: Mapping[int, tuple[int, int]]) -> None:
    """An event for each movement: its id → product, how many marks."""
    await db.execute(
        TELL, change, [product for product, _ in counts.values()], list(counts), [many for _, many in counts.values()]
    )


LIST = f"""
SELECT {COLUMNS}
  FROM sold_marks
 WHERE {{conditions}}
 ORDER BY sale_id DESC, gtin, serial
 LIMIT $1
"""
CONDITIONS = {
    "movement_id": "(sale_id = ${0} OR return_id = ${0})",
    "gtin": "gtin = ${0}",
    "serial": "serial = ${0}",
    "after": "sale_id <= ${0} AND (sale_id < ${0} OR (gtin, serial) > (${1}, ${2}))",
}


async def list_page(
    db: Connection,
    *,
    movement_id: int | None,
    unit: Unit | None,
    after: tuple[int, str, str] | None,
    limit: int,
) -> list[SoldMark]:
    """The newest sale first."""
    given: dict[str, tuple[int | str, ...]] = {}
    if movement_id is not None:
        given["movement_id"] = (movement_id,)
    if unit is not None:
        given["gtin"], given["serial"] = (unit[0],), (unit[1],)
    if after is not None:
        given["after"] = after
    conditions, values = [], list[int | str]()
    for name, parts in given.items():
        first = len(values) + 2
        conditions.append(CONDITIONS[name].format(*range(first, first + len(parts))))
        values += parts
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return [SoldMark(**row) for row in await db.fetch(sql, limit, *values)]
