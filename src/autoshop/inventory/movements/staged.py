"""SQL of very many movements at once: an import brings more lines than fit into arrays, so they come as a table.

Apart from store.py because the tables are temporary ones, on a connection that is closed afterwards. The corrections of
a stocktake are in arrays still, but post as sets too.
"""

from collections.abc import Mapping, Sequence

from autoshop.kit.db import Connection

STAGE = """
CREATE TEMP TABLE counted_stock (
    row        integer NOT NULL,
    product_id bigint  NOT NULL,
    store_id   bigint  NOT NULL,
    quantity   integer NOT NULL
);
CREATE TEMP TABLE staged_stock (
    row          integer     NOT NULL,
    product_id   bigint      NOT NULL,
    store_id     bigint      NOT NULL,
    quantity     integer     NOT NULL,
    is_new       boolean     NOT NULL DEFAULT false,
    place_exists boolean     NOT NULL DEFAULT false,
    moved        boolean     NOT NULL DEFAULT false,
    now_there    integer     NOT NULL DEFAULT 0,
    reserved     integer     NOT NULL DEFAULT 0,
    seen_at      timestamptz
)
"""

COMPARE = """
INSERT INTO staged_stock (row, product_id, store_id, quantity, place_exists, moved, now_there, reserved, seen_at)
SELECT c.row, c.product_id, c.store_id, c.quantity, i.product_id IS NOT NULL,
       EXISTS (SELECT FROM movements AS m WHERE m.product_id = c.product_id AND m.store_id = c.store_id),
       coalesce(i.quantity, 0), coalesce(i.reserved, 0), i.updated_at
  FROM counted_stock AS c
  LEFT JOIN stock AS i ON i.product_id = c.product_id AND i.store_id = c.store_id
 WHERE c.quantity <> coalesce(i.quantity, 0)
"""


async def stage(db: Connection) -> None:
    """Make the tables: `counted_stock` is what somebody says lies where, `staged_stock` what has to be posted."""
    await db.execute(STAGE)


async def compare(db: Connection) -> None:
    """From counted_stock, what differs from the stock there is, with what is known of the place."""
    await db.execute(COMPARE)


# New places hold their pieces from the first moment. Those that somebody else may be opening too are opened in key
# order, as everywhere; a new product nobody else can see. A place that is there by now is a UniqueViolation.
OPEN_KNOWN = """
INSERT INTO inventory (product_id, store_id, quantity)
SELECT product_id, store_id, quantity
  FROM staged_stock
 WHERE NOT is_new AND NOT place_exists AND quantity > 0
 ORDER BY product_id, store_id
"""
OPEN_NEW = """
INSERT INTO inventory (product_id, store_id, quantity)
SELECT product_id, store_id, quantity
  FROM staged_stock
 WHERE is_new AND quantity > 0
"""
TELL_OPENED = """
INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, related_document, actor,
                       created_at)
SELECT product_id, store_id, 'inbound', quantity, quantity, quantity, $1, $2, clock_timestamp()
  FROM staged_stock
 WHERE NOT place_exists AND quantity > 0
"""

STAGED_AMONG = """
SELECT s.product_id, s.store_id
  FROM staged_stock AS s
  JOIN unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
    ON w.product_id = s.product_id AND w.store_id = s.store_id
 WHERE s.place_exists
"""
# As MOVE does, and in its order: so nobody waits in a circle.
LOCK = """
SELECT
  FROM staged_stock AS s
  JOIN inventory AS i ON i.product_id = s.product_id AND i.store_id = s.store_id
 WHERE s.place_exists
 ORDER BY s.product_id, s.store_id
   FOR NO KEY UPDATE OF i
"""


async def staged_among(db: Connection, places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the places that staged_stock will change."""
    columns = [product_id for product_id, _ in places], [store_id for _, store_id in places]
    return [(row["product_id"], row["store_id"]) for row in await db.fetch(STAGED_AMONG, *columns)]


async def lock(db: Connection) -> None:
    """Hold every place that staged_stock will change, until the transaction ends."""
    await db.execute(LOCK)


# The rows that others may want are locked last, in key order, and all of it is one statement. A place that had no
# movement when it was looked at must still be as it was then. One that had is corrected by what was wrong at the look:
# what was sold since stays sold. Guard and sum are on the locked row: see POST_MOVEMENTS in store.py.
MOVE = """
WITH locked AS (
    SELECT s.product_id, s.store_id, s.quantity - s.now_there AS delta, s.moved, s.seen_at,
           i.quantity, i.reserved, i.updated_at
      FROM staged_stock AS s
      JOIN inventory AS i ON i.product_id = s.product_id AND i.store_id = s.store_id
     WHERE s.place_exists
     ORDER BY s.product_id, s.store_id
       FOR NO KEY UPDATE OF i
), stock AS (
    UPDATE inventory AS i
       SET quantity = l.quantity + l.delta, reserved = l.reserved, updated_at = now()
      FROM locked AS l
     WHERE i.product_id = l.product_id AND i.store_id = l.store_id
       AND l.quantity + l.delta >= l.reserved AND (l.moved OR l.updated_at = l.seen_at)
    RETURNING i.product_id, i.store_id, l.moved, i.quantity, l.delta
)
INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, related_document, actor,
                       created_at)
SELECT product_id, store_id, CASE WHEN moved THEN 'adjustment' ELSE 'inbound' END, abs(delta), delta, quantity,
       CASE WHEN moved THEN $2 ELSE $1 END, $3, clock_timestamp()
  FROM stock
"""

TO_POST = """
SELECT count(*) FILTER (WHERE NOT place_exists AND quantity > 0) AS opened,
       count(*) FILTER (WHERE place_exists) AS moved,
       count(*) FILTER (WHERE place_exists AND moved) AS corrected
  FROM staged_stock
"""

# An event for each document: first pieces, and corrections of places that had movements.
TELL = """
INSERT INTO outbox (topic, payload)
SELECT 'inventory.movements',
       jsonb_build_object('document', CASE WHEN corrected THEN $2::text ELSE $1::text END, 'movements', count(*),
                          'store_ids', jsonb_agg(DISTINCT store_id))
  FROM (SELECT store_id, place_exists AND moved AS corrected
          FROM staged_stock
         WHERE place_exists OR quantity > 0) AS posted
 GROUP BY corrected
 ORDER BY corrected
"""


async def post(db: Connection, opening: str, correction: str, actor: str) -> tuple[dict[str, int], int]:
    """Post staged_stock: movements of each type, and how many places were no longer as they had been staged."""
    wanted = await db.fetchrow(TO_POST)
    assert wanted is not None
    opened = moved = 0
    if wanted["opened"]:
        await db.execute(OPEN_KNOWN)
        await db.execute(OPEN_NEW)
        opened = _rows(await db.execute(TELL_OPENED, opening, actor))
    if wanted["moved"]:
        moved = _rows(await db.execute(MOVE, opening, correction, actor))
    if opened + moved:
        await db.execute(TELL, opening, correction)
    corrected = wanted["corrected"]
    return {"inbound": opened + moved - corrected, "adjustment": corrected}, wanted["moved"] - moved


# The same rules as POST_MOVEMENTS in store.py, one line for a place: each movement with its event, at half the price.
CORRECT = """
WITH locked AS (
    SELECT w.product_id, w.store_id, w.delta, i.quantity, i.reserved
      FROM unnest($1::bigint[], $2::bigint[], $3::int[]) AS w (product_id, store_id, delta)
      JOIN inventory AS i ON i.product_id = w.product_id AND i.store_id = w.store_id
     ORDER BY w.product_id, w.store_id
       FOR NO KEY UPDATE OF i
), stock AS (
    UPDATE inventory AS i
       SET quantity = l.quantity + l.delta, reserved = l.reserved, updated_at = now()
      FROM locked AS l
     WHERE i.product_id = l.product_id AND i.store_id = l.store_id AND l.quantity + l.delta >= l.reserved
    RETURNING i.product_id, i.store_id, l.delta, i.quantity
), posted AS (
    INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, related_document,
                           reason, actor, created_at)
    SELECT product_id, store_id, 'adjustment', abs(delta), delta, quantity, $4, $5, $6, clock_timestamp()
      FROM stock
    RETURNING id, product_id, store_id, delta, balance_after
), told AS (
    INSERT INTO outbox (topic, payload)
    SELECT 'inventory.movement',
           jsonb_build_object('movement_id', id, 'product_id', product_id, 'store_id', store_id,
                              'movement_type', 'adjustment', 'delta', delta, 'quantity', balance_after)
      FROM posted
)
SELECT count(*)
  FROM posted
"""


async def correct(
    db: Connection, deltas: Mapping[tuple[int, int], int], document: str, reason: str | None, actor: str
) -> int:
    """Post an adjustment for each place; how many there were: a place without a row, or with too little, has none."""
    products, stores = [product_id for product_id, _ in deltas], [store_id for _, store_id in deltas]
    return await db.fetchval(  # type: ignore[no-any-return]
        CORRECT, products, stores, list(deltas.values()), document, reason, actor
    )


def _rows(tag: str) -> int:
    return int(tag.split()[-1])
