"""SQL of availability: one product over all stores, in one round trip, and lead times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from autoshop.kit.db import Connection


@dataclass(frozen=True, slots=True)
class Shelf:
    """What lies of a product at a store; `updated_at` None where it never lay there."""

    store_id: int
    quantity: int
    reserved: int
    updated_at: datetime | None


SHELVES = """
SELECT i.store_id, i.quantity, i.reserved, i.updated_at
  FROM stock AS i
 WHERE i.product_id = $1
 ORDER BY i.store_id
"""


async def shelves(db: Connection, product_id: int) -> dict[int, Shelf]:
    """Stock rows of a product by store id."""
    return {row["store_id"]: Shelf(**row) for row in await db.fetch(SHELVES, product_id)}


BRIEFLY = """
SELECT i.product_id, coalesce(sum(i.quantity - i.reserved) FILTER (WHERE i.store_id = $2), 0)::bigint AS here,
       sum(i.quantity - i.reserved)::bigint AS everywhere
  FROM stock AS i
 WHERE i.product_id = ANY ($1::bigint[])
 GROUP BY i.product_id
"""


async def briefly(db: Connection, product_ids: Sequence[int], store_id: int) -> dict[int, tuple[int, int]]:
    """Free pieces of products: at a store, and at all of them. A product that never lay anywhere is left out."""
    rows = await db.fetch(BRIEFLY, product_ids, store_id)
    return {row["product_id"]: (row["here"], row["everywhere"]) for row in rows}


FREE = """
SELECT i.product_id, i.store_id, i.quantity - i.reserved AS free
  FROM stock AS i
 WHERE i.product_id = ANY ($1::bigint[]) AND i.quantity > i.reserved
"""


async def free(db: Connection, product_ids: Sequence[int]) -> dict[int, dict[int, int]]:
    """Free pieces by product and store, where there are any."""
    found: dict[int, dict[int, int]] = {}
    for row in await db.fetch(FREE, product_ids):
        found.setdefault(row["product_id"], {})[row["store_id"]] = row["free"]
    return found


LEAD_TIMES = "SELECT l.product_id, l.days FROM lead_times AS l WHERE l.product_id = ANY ($1::bigint[])"


async def lead_times(db: Connection, product_ids: Sequence[int]) -> dict[int, int]:
    """How many days the suppliers of products need, as far as it is known."""
    return {row["product_id"]: row["days"] for row in await db.fetch(LEAD_TIMES, product_ids)}


# One row where the product exists, none where it does not.
LEAD_TIME = """
SELECT l.days
  FROM products AS p
  LEFT JOIN lead_times AS l ON l.product_id = p.id
 WHERE p.id = $1
"""


async def lead_time(db: Connection, product_id: int) -> tuple[bool, int | None]:
    """Whether the product exists, and its supplier's days if they are known."""
    row = await db.fetchrow(LEAD_TIME, product_id)
    return (True, row["days"]) if row else (False, None)


SET_LEAD_TIME = """
INSERT INTO lead_times (product_id, days, source)
VALUES ($1, $2, $3)
    ON CONFLICT (product_id) DO UPDATE
   SET days = excluded.days, source = excluded.source, updated_at = now()
"""

DROP_LEAD_TIME = "DELETE FROM lead_times WHERE product_id = $1"


async def set_lead_time(db: Connection, product_id: int, days: int | None, source: str) -> None:
    """Keep how long the supplier needs, or (None) that nobody knows."""
    if days is None:
        await db.execute(DROP_LEAD_TIME, product_id)
    else:
        await db.execute(SET_LEAD_TIME, product_id, days, source)
