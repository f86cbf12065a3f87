"""SQL of availability: one product over all stores, in one round trip, and lead times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from autoshop.inventory.transfers.orders.store import AWAITED_BY_NOBODY
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


# All that the promises of a list rest on, at one instant. Of a chain only the fullest stores of each product are named.
OF_MANY = f"""
SELECT w.product_id, s.here, s.everywhere, s.store_ids, s.free, a.to_store_ids, a.pieces, a.etas, l.days
  FROM unnest($1::bigint[]) AS w (product_id)
 CROSS JOIN LATERAL (
        SELECT coalesce(sum(i.free) FILTER (WHERE i.store_id = $2), 0)::bigint AS here,
               coalesce(sum(i.free), 0)::bigint AS everywhere,
               (array_agg(i.store_id ORDER BY i.free DESC, i.store_id))[1:$3] AS store_ids,
               (array_agg(i.free ORDER BY i.free DESC, i.store_id))[1:$3] AS free
          FROM (SELECT store_id, quantity - reserved AS free
                  FROM stock
                 WHERE stock.product_id = w.product_id AND quantity > 0) AS i
         WHERE i.free > 0) AS s
 CROSS JOIN LATERAL (
        SELECT array_agg(l.to_store_id ORDER BY t.eta_at) AS to_store_ids,
               array_agg(l.shipped - l.received - l.returned - l.lost - l.damaged ORDER BY t.eta_at) AS pieces,
               array_agg(t.eta_at ORDER BY t.eta_at) AS etas
          FROM transfer_lines AS l
          JOIN transfers AS t ON t.id = l.transfer_id
         WHERE l.product_id = w.product_id AND l.received + l.returned + l.lost + l.damaged < l.shipped
           AND {AWAITED_BY_NOBODY}) AS a
  LEFT JOIN lead_times AS l ON l.product_id = w.product_id
"""


async def of_many(
    db: Connection, product_ids: Sequence[int], store_id: int | None, stores_each: int
) -> list[asyncpg.Record]:
    """For each product: free pieces at a store and everywhere, the fullest stores, what is on the way, lead time."""
    return list(await db.fetch(OF_MANY, product_ids, store_id, stores_each))


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
