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


async def take_back(db: Connection, returns: Mapping[Unit, int]) -> None:
    """Free units that are locked; which movement brought each back."""
    await db.execute(
        TAKE_BACK, [gtin for gtin, _ in returns], [serial for _, serial in returns], list(returns.values())
    )


SOLD_BY = "SELECT gtin, serial FROM sold_marks WHERE sale_id = $1 AND returned_at IS NULL LIMIT 1000"


async def sold_by(db: Connection, sale_id: int) -> list[Unit]:
    """The units that a sale took and that are still away."""
    return [(row["gtin"], row["serial"]) for row in await db.fetch(SOLD_BY, sale_id)]


STILL_AWAY = """
SELECT sale_id, count(*) AS units
  FROM sold_marks
 WHERE sale_id = ANY ($1::bigint[]) AND returned_at IS NULL
 GROUP BY sale_id
"""


async def still_away(db: Connection, sale_ids: Sequence[int]) -> dict[int, int]:
    """Of each sale that took marked units, how many have not come back."""
    return {row["sale_id"]: row["units"] for row in await db.fetch(STILL_AWAY, sale_ids)}


CAME_BACK = "SELECT EXISTS (SELECT FROM sold_marks WHERE sale_id = $1 AND returned_at IS NOT NULL)"


async def came_back(db: Connection, sale_id: int) -> bool:
    """Whether a unit that a sale took has come back since."""
    return bool(await db.fetchval(CAME_BACK, sale_id))


# A movement has no more marks than 1 000.
BROUGHT_BY = """
SELECT gtin, serial, return_id
  FROM sold_marks
 WHERE return_id = ANY ($1::bigint[])
 ORDER BY gtin, serial
 LIMIT 1000 * cardinality($1::bigint[])
"""


async def brought_by(db: Connection, return_ids: Sequence[int]) -> list[tuple[Unit, int]]:
    """The units that returns brought, and which of them; in the order of units."""
    rows = await db.fetch(BROUGHT_BY, return_ids)
    return [((row["gtin"], row["serial"]), row["return_id"]) for row in rows]


SELL_AGAIN = """
UPDATE sold_marks
   SET return_id = NULL, returned_at = NULL
 WHERE gtin = $1 AND serial = $2 AND return_id = $3
"""


async def sell_again(db: Connection, brought: Sequence[tuple[Unit, int]]) -> None:
    """Undo what returns brought. Raises UniqueViolationError where a unit was sold anew since.

    One after the other in the order of units, in which they are sold as well: one statement would take them in an order
    of its own, and could wait in a circle with a sale.
    """
    await db.executemany(SELL_AGAIN, [(*unit, return_id) for unit, return_id in brought])


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
