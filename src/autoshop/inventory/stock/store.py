"""SQL of stock: pages, totals, any past moment, snapshots, the recount."""

from collections.abc import Sequence
from datetime import datetime

from autoshop.inventory.stock.model import Check, Stock, StockAt, Totals
from autoshop.inventory.stock_on.store import MUCH_MEMORY
from autoshop.kit.db import Connection, Pool

# `page` walks the primary key, or (store_id, product_id) where one store is asked for. A page of one store of a chain
# adds up fifty thousand places: once a product, with its lapsed holds, not place by place as the view does.
PAGE = """
WITH page AS (
    SELECT product_id, store_id, quantity, reserved, updated_at
      FROM stock
     WHERE {conditions}
     ORDER BY product_id, store_id
     LIMIT $1
), everywhere AS MATERIALIZED (
    SELECT d.product_id, i.quantity AS quantity_everywhere,
           i.reserved - coalesce((SELECT sum(r.held)
                                    FROM reservation_lines AS r
                                   WHERE r.product_id = d.product_id AND r.held > 0
                                     AND r.expires_at <= now()), 0) AS reserved_everywhere
      FROM (SELECT DISTINCT product_id FROM page) AS d
     CROSS JOIN LATERAL (SELECT sum(quantity) AS quantity, sum(reserved) AS reserved
                           FROM inventory
                          WHERE product_id = d.product_id) AS i
)
SELECT p.product_id, p.store_id, p.quantity, p.reserved, p.updated_at, e.quantity_everywhere, e.reserved_everywhere
  FROM page AS p
  JOIN everywhere AS e ON e.product_id = p.product_id
 ORDER BY p.product_id, p.store_id
"""


async def list_page(
    db: Connection | Pool,
    *,
    store_id: int | None,
    product_id: int | None,
    available: bool,
    after: tuple[int, int] | None,
    limit: int,
) -> list[Stock]:
    """Rows after the key (product_id, store_id), in its order."""
    conditions, values = _conditions(store_id, product_id, available, first=2)
    if after is not None and store_id is not None:
        values.append(after[0])
        conditions.append(f"product_id > ${len(values) + 1}")
    elif after is not None:
        values += after
        conditions.append(f"(product_id, store_id) > (${len(values)}, ${len(values) + 1})")
    sql = PAGE.format(conditions=" AND ".join(conditions) or "true")
    return [Stock(**row) for row in await db.fetch(sql, limit, *values)]


# Over all rows a join with the few lapsed holds is cheaper than the view, which asks for each row.
TOTALS = """
WITH lapsed AS (
    SELECT product_id, store_id, sum(held) AS pieces
      FROM reservation_lines
     WHERE held > 0 AND expires_at <= now()
     GROUP BY product_id, store_id
), shelf AS (
    SELECT product_id, store_id, quantity, reserved - coalesce(pieces, 0) AS reserved
      FROM inventory
      LEFT JOIN lapsed USING (product_id, store_id)
)
SELECT coalesce(sum(quantity), 0)::bigint AS quantity, coalesce(sum(reserved), 0)::bigint AS reserved,
       count(DISTINCT product_id) FILTER (WHERE quantity > 0) AS products, now() AS as_of
  FROM shelf
 WHERE {conditions}
"""


async def totals(db: Connection | Pool, *, store_id: int | None, product_id: int | None, available: bool) -> Totals:
    """Sums over all rows that the filter lets through."""
    conditions, values = _conditions(store_id, product_id, available, first=1)
    row = await db.fetchrow(TOTALS.format(conditions=" AND ".join(conditions) or "true"), *values)
    assert row is not None
    return Totals(**row)


def _conditions(
    store_id: int | None, product_id: int | None, available: bool, *, first: int
) -> tuple[list[str], list[int]]:
    """Conditions and their values; `first` is the number of the first parameter that is free."""
    given = {"store_id": store_id, "product_id": product_id}
    values = [value for value in given.values() if value is not None]
    columns = [column for column, value in given.items() if value is not None]
    conditions = [f"{column} = ${number}" for number, column in enumerate(columns, start=first)]
    if available:
        conditions.append("quantity > reserved")
    return conditions, values


# From the nearest snapshot before the moment, plus the movements since; without one, all movements up to it.
STOCK_AT = """
WITH base AS (
    SELECT max(taken_at) AS taken_at
      FROM snapshots
     WHERE taken_at <= $3
), wanted AS (
    SELECT product_id, store_id
      FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
), since AS (
    SELECT m.product_id, m.store_id, sum(m.delta) AS delta
      FROM movements AS m, base AS b
     WHERE m.product_id = ANY ($1::bigint[])
       AND m.created_at <= $3
       AND m.created_at > coalesce(b.taken_at, '-infinity')
     GROUP BY m.product_id, m.store_id
)
SELECT w.product_id, w.store_id, (coalesce(s.quantity, 0) + coalesce(n.delta, 0))::int AS quantity
  FROM wanted AS w
 CROSS JOIN base AS b
  LEFT JOIN stock_snapshots AS s
    ON s.taken_at = b.taken_at AND s.product_id = w.product_id AND s.store_id = w.store_id
  LEFT JOIN since AS n ON n.product_id = w.product_id AND n.store_id = w.store_id
 ORDER BY w.product_id, w.store_id
"""


async def stock_at(db: Connection | Pool, places: Sequence[tuple[int, int]], at: datetime) -> list[StockAt]:
    """Stock of (product, store) pairs as of a past instant."""
    rows = await db.fetch(STOCK_AT, [product_id for product_id, _ in places], [s for _, s in places], at)
    return [StockAt(**row) for row in rows]


PRODUCT_EXISTS = "SELECT EXISTS (SELECT FROM products WHERE id = $1)"


async def product_exists(db: Connection | Pool, product_id: int) -> bool:
    return bool(await db.fetchval(PRODUCT_EXISTS, product_id))


# A number of our own, not the snapshot's xmax: that is only one past the last that ended, so a transaction that began
# after the last end would lie beyond it, and nobody would wait for it.
HORIZON = "SELECT pg_current_xact_id()::text"
ALL_ENDED = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8"


async def horizon(db: Connection) -> str:
    """A mark: every transaction that wrote anything so far lies before it."""
    return str(await db.fetchval(HORIZON))


async def all_ended_before(db: Connection, mark: str) -> bool:
    """Whether all transactions before the mark have committed or rolled back."""
    return bool(await db.fetchval(ALL_ENDED, mark))


OPEN_SNAPSHOT = "INSERT INTO snapshots (taken_at, row_count) VALUES ($1, 0) ON CONFLICT DO NOTHING RETURNING true"

# Stock now minus what happened since: one statement sees both at one instant, and sales go on meanwhile.
TAKE_SNAPSHOT = """
WITH since AS (
    SELECT product_id, store_id, sum(delta) AS delta, min(id) AS first_id
      FROM movements
     WHERE created_at > $1
     GROUP BY product_id, store_id
), frozen AS (
    INSERT INTO stock_snapshots (taken_at, product_id, store_id, quantity)
    SELECT $1, i.product_id, i.store_id, i.quantity - coalesce(n.delta, 0)
      FROM inventory AS i
      LEFT JOIN since AS n ON n.product_id = i.product_id AND n.store_id = i.store_id
     WHERE i.quantity - coalesce(n.delta, 0) <> 0
)
SELECT min(first_id)
  FROM since
"""
# From the newest id backwards, and that is not far: a snapshot is taken soon after its moment.
LAST_MOVEMENT = "SELECT id FROM movements WHERE created_at <= $1 ORDER BY id DESC LIMIT 1"
ROWS_FROZEN = "SELECT count(*) FROM stock_snapshots WHERE taken_at = $1"

ANALYZE = "ANALYZE stock_snapshots"  # else a report takes the new rows for one

CLOSE_SNAPSHOT = """
UPDATE snapshots
   SET row_count = $2, last_movement_id = $3, next_movement_id = $4, finished_at = clock_timestamp()
 WHERE taken_at = $1
"""


async def take_snapshot(db: Connection, taken_at: datetime) -> int | None:
    """Freeze the stock as it was at `taken_at`; how many rows, or None when that snapshot exists."""
    if not await db.fetchval(OPEN_SNAPSHOT, taken_at):
        return None
    await db.execute(MUCH_MEMORY)
    next_id = await db.fetchval(TAKE_SNAPSHOT, taken_at)
    last_id = await db.fetchval(LAST_MOVEMENT, taken_at) or 0
    rows: int = await db.fetchval(ROWS_FROZEN, taken_at)
    # What is under way has drawn its id after `taken_at`, so after the last one before it; see service.take_snapshot.
    await db.execute(CLOSE_SNAPSHOT, taken_at, rows, last_id, min(next_id or last_id + 1, last_id + 1))
    await db.execute(ANALYZE)
    return rows


FORGET_SNAPSHOTS = """
WITH forgotten AS (
    DELETE FROM snapshots AS s
     WHERE taken_at < now() - make_interval(days => $1)
       AND EXISTS (SELECT FROM snapshots AS e
                    WHERE e.taken_at < s.taken_at
                      AND date_trunc('month', e.taken_at) = date_trunc('month', s.taken_at))
    RETURNING taken_at
)
DELETE FROM stock_snapshots
 WHERE taken_at IN (SELECT taken_at FROM forgotten)
"""


async def forget_snapshots(db: Connection, days: int) -> None:
    """Thin out: of snapshots older than `days` each month keeps its first."""
    await db.execute(FORGET_SNAPSHOTS, days)


# The proof: what the movements add up to, against what inventory says; what holds add up to, against what it says is
# reserved; and what left a store and did not arrive, against what transfers say is on the way. One statement, so one
# instant, also while sales go on.
RECOUNT = """
WITH counted AS (
    SELECT product_id, store_id, sum(delta) AS counted
      FROM movements
     GROUP BY product_id, store_id
), shelf AS (
    SELECT coalesce(i.product_id, c.product_id) AS product_id, coalesce(i.store_id, c.store_id) AS store_id,
           coalesce(i.quantity, 0) AS written, coalesce(c.counted, 0) AS counted
      FROM inventory AS i
      FULL JOIN counted AS c ON c.product_id = i.product_id AND c.store_id = i.store_id
), gone AS (
    SELECT transfer_id, product_id, -sum(delta) AS counted
      FROM movements
     WHERE transfer_id IS NOT NULL AND movement_type = 'transfer'
     GROUP BY transfer_id, product_id
), road AS (
    SELECT coalesce(l.transfer_id, g.transfer_id) AS transfer_id, coalesce(l.product_id, g.product_id) AS product_id,
           coalesce(l.shipped - l.received - l.returned - l.lost - l.damaged, 0) AS written,
           coalesce(g.counted, 0) AS counted
      FROM transfer_lines AS l
      FULL JOIN gone AS g ON g.transfer_id = l.transfer_id AND g.product_id = l.product_id
), holds AS (
    SELECT product_id, store_id, sum(held) AS counted
      FROM reservation_lines
     WHERE held > 0
     GROUP BY product_id, store_id
), promised AS (
    SELECT coalesce(i.product_id, h.product_id) AS product_id, coalesce(i.store_id, h.store_id) AS store_id,
           coalesce(i.reserved, 0) AS written, coalesce(h.counted, 0) AS counted
      FROM (SELECT product_id, store_id, reserved FROM inventory WHERE reserved > 0) AS i
      FULL JOIN holds AS h ON h.product_id = i.product_id AND h.store_id = i.store_id
), back AS (
    SELECT l.product_id, l.sale_id, sum(l.quantity) AS counted
      FROM return_lines AS l
      JOIN returns AS r ON r.id = l.return_id
     WHERE l.sale_id IS NOT NULL AND r.status = 'posted'
     GROUP BY l.product_id, l.sale_id
), brought AS (
    SELECT coalesce(s.product_id, b.product_id) AS product_id, coalesce(s.sale_id, b.sale_id) AS sale_id,
           coalesce(s.returned, 0) AS written, coalesce(b.counted, 0) AS counted
      FROM sale_returns AS s
      FULL JOIN back AS b ON b.product_id = s.product_id AND b.sale_id = s.sale_id
), wrong AS (
    SELECT 'stock' AS what, product_id, store_id, NULL::bigint AS transfer_id, written, counted
      FROM shelf
     WHERE written <> counted
     UNION ALL
    SELECT 'reserved', product_id, store_id, NULL, written, counted
      FROM promised
     WHERE written <> counted
     UNION ALL
    SELECT 'transit', product_id, NULL, transfer_id, written, counted
      FROM road
     WHERE written <> counted
     UNION ALL
    SELECT 'returned', product_id, NULL, NULL, written, counted
      FROM brought
     WHERE written <> counted
)
SELECT (SELECT count(*) FROM shelf) AS row_count,
       (SELECT count(*) FROM wrong) AS differences,
       coalesce((SELECT jsonb_agg(to_jsonb(w)) FROM (SELECT * FROM wrong LIMIT 20) AS w), '[]') AS examples
"""

# Every line's running balance; several times as long as the recount.
RECOUNT_BALANCES = """
WITH running AS (
    SELECT id, product_id, store_id, balance_after,
           sum(delta) OVER (PARTITION BY product_id, store_id ORDER BY id) AS counted,
           created_at < lag(created_at) OVER (PARTITION BY product_id, store_id ORDER BY id) AS back
      FROM movements
), wrong AS (
    SELECT 'balance' AS what, product_id, store_id, id AS movement_id, balance_after AS written, counted
      FROM running
     WHERE balance_after <> counted OR back
)
SELECT (SELECT count(*) FROM running) AS row_count,
       (SELECT count(*) FROM wrong) AS differences,
       coalesce((SELECT jsonb_agg(to_jsonb(w)) FROM (SELECT * FROM wrong LIMIT 20) AS w), '[]') AS examples
"""

KEEP_CHECK = """
INSERT INTO ledger_checks (checked_at, row_count, differences, examples)
VALUES (clock_timestamp(), $1, $2, $3)
RETURNING checked_at, row_count, differences, examples
"""


async def recount(db: Connection, *, balances: bool, proof: tuple[int, list[dict[str, object]]]) -> Check:
    """Count the ledger and keep the result; `balances` also checks every line's running balance.

    `proof` is what closed periods differ in, how much and some of it.
    """
    found = await db.fetchrow(RECOUNT)
    assert found is not None
    row_count, differences, examples = found
    if balances:
        deeper = await db.fetchrow(RECOUNT_BALANCES)
        assert deeper is not None
        differences, examples = differences + deeper[1], [*examples, *deeper[2]]
    differences, examples = differences + proof[0], [*examples, *proof[1]]
    kept = await db.fetchrow(KEEP_CHECK, row_count, differences, examples)
    assert kept is not None
    return Check(**kept)
