"""SQL of flags."""

from collections.abc import Sequence

from autoshop.inventory.recounts.model import Place, RecountFlag
from autoshop.kit.db import Connection

FLAG = """
INSERT INTO recount_flags (product_id, store_id, reason, source)
SELECT product_id, store_id, $3, $4
  FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
    ON CONFLICT (product_id, store_id, source) WHERE cleared_at IS NULL DO NOTHING
RETURNING product_id, store_id
"""
TELL = """
INSERT INTO outbox (topic, payload)
VALUES ('inventory.recount',
        jsonb_build_object('change', 'flagged', 'source', $3::text, 'product_ids', $1::bigint[],
                           'store_ids', $2::bigint[]))
"""


async def flag(db: Connection, places: Sequence[Place], reason: str, source: str) -> None:
    """Write down what the same source has not flagged yet, in key order; and tell of it."""
    keys = sorted(set(places))
    flagged = await db.fetch(FLAG, [product_id for product_id, _ in keys], [store for _, store in keys], reason, source)
    if flagged:
        products, stores = {row["product_id"] for row in flagged}, {row["store_id"] for row in flagged}
        await db.execute(TELL, sorted(products), sorted(stores), source)


FLAGGED = """
SELECT DISTINCT product_id
  FROM recount_flags
 WHERE store_id = $1 AND cleared_at IS NULL
 ORDER BY product_id
"""


async def flagged(db: Connection, store_id: int) -> list[int]:
    """The products of a store that still have to be counted, in order."""
    return [row["product_id"] for row in await db.fetch(FLAGGED, store_id)]


CLEAR = """
UPDATE recount_flags AS f
   SET cleared_by = $1, cleared_at = clock_timestamp()
  FROM unnest($3::bigint[], $4::timestamptz[]) AS w (product_id, counted_at)
 WHERE f.product_id = w.product_id AND f.store_id = $2 AND f.cleared_at IS NULL AND f.created_at <= w.counted_at
"""


async def clear(db: Connection, stocktake_id: int, store_id: int, counted: Sequence[tuple[int, object]]) -> None:
    """A stocktake has counted these products, each at its moment: flags from before then are done with."""
    await db.execute(CLEAR, stocktake_id, store_id, [product for product, _ in counted], [at for _, at in counted])


LIST = """
SELECT id, product_id, store_id, reason, source, created_at
  FROM recount_flags
 WHERE cleared_at IS NULL
   AND ($1::bigint IS NULL OR store_id = $1)
   AND ($2::bigint IS NULL OR product_id = $2)
   AND id > $3
 ORDER BY id
 LIMIT $4
"""


async def list_page(
    db: Connection, store_id: int | None, product_id: int | None, after_id: int, limit: int
) -> list[RecountFlag]:
    """What still has to be counted, the oldest first."""
    return [RecountFlag(**row) for row in await db.fetch(LIST, store_id, product_id, after_id, limit)]
