"""SQL of stock at the end of a day.

A movement belongs to the date on its paper, else to the day of `created_at` in the zone of its store. What was closed
stays as it was closed: the midnights that ended a period are kept with it, whatever zone a store moves to later.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from autoshop.inventory.stock_on.model import Base, Ends, StockOn, TotalsOn
from autoshop.kit.csv_out import Write, copy
from autoshop.kit.db import Connection

BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)  # before any movement

TODAY = "SELECT max((clock_timestamp() AT TIME ZONE time_zone)::date) FROM stores"


async def today(db: Connection) -> date | None:
    """The latest day that has begun at some store; None without a store."""
    return await db.fetchval(TODAY)  # type: ignore[no-any-return]


# A day to spare: a store may have moved to another zone since. `$2`: count anew what the closing of that day says.
BASE = """
WITH ends AS (
    SELECT min(($1::date + 1)::timestamp AT TIME ZONE time_zone) AS first_at,
           max(($1::date + 1)::timestamp AT TIME ZONE time_zone) AS last_at
      FROM stores
), closed AS (
    SELECT id, ends_on, (SELECT min(ends_at) FROM period_ends WHERE period_id = p.id) AS first_at
      FROM periods AS p
     WHERE ends_on <= $1 AND NOT ($2 AND ends_on = $1) AND reopened_at IS NULL AND balanced_at IS NOT NULL
     ORDER BY ends_on DESC
     LIMIT 1
), frozen AS (
    SELECT max(s.taken_at) AS taken_at
      FROM snapshots AS s, ends AS e
     WHERE s.taken_at < e.first_at - interval '1 day'
)
SELECT c.id AS period_id, c.ends_on AS closed_on,
       coalesce(c.first_at - interval '2 days', '1900-01-01 UTC') AS after,
       coalesce(e.last_at, now()) + interval '2 days' AS until, f.taken_at
  FROM ends AS e
 CROSS JOIN frozen AS f
  LEFT JOIN closed AS c ON true
"""


ENDS = """
SELECT s.id AS store_id, s.time_zone, coalesce(since.ends_at, '1900-01-01 UTC') AS since,
       coalesce(own.ends_at, ($1::date + 1)::timestamp AT TIME ZONE s.time_zone) AS until
  FROM stores AS s
  LEFT JOIN period_ends AS since ON since.period_id = $2 AND since.store_id = s.id
  LEFT JOIN period_ends AS own ON own.store_id = s.id
        AND own.period_id = (SELECT id FROM periods WHERE ends_on = $1 AND reopened_at IS NULL)
 ORDER BY s.id
"""


async def base(db: Connection, day: date, *, anew: bool = False, snapshots: bool = True) -> Base:
    """The nearest point to count from. `anew`: not from the closing of that very day; `snapshots`: they count too."""
    row = await db.fetchrow(BASE, day, anew)
    assert row is not None
    period_id, closed_on, after, until, taken_at = row
    if taken_at is None or not snapshots or closed_on == day or taken_at <= after:
        taken_at = None
    else:
        period_id, closed_on, after = None, None, taken_at
    stores = tuple(Ends(*one) for one in await db.fetch(ENDS, day, period_id))
    return Base(day, period_id, closed_on, after, until, taken_at, stores)


async def beginning(db: Connection, day: date) -> Base:
    """To count from the first movement on, whatever was closed."""
    stores = tuple(Ends(*one) for one in await db.fetch(ENDS, day, None))
    found = await base(db, day, snapshots=False)
    return Base(day, None, None, BEGINNING, found.until, None, stores)


# Parameters: see Base.values.
STORES = (
    "unnest($7::bigint[], $8::timestamptz[], $9::timestamptz[], $10::text[]) AS e (store_id, since, until, time_zone)"
)
COUNTS = """m.created_at > $4 AND (m.created_at < $5 OR m.effective_on IS NOT NULL)
       AND CASE WHEN m.effective_on IS NULL THEN m.created_at >= e.since AND m.created_at < e.until
                ELSE m.effective_on <= $1 AND m.effective_on > coalesce($3::date, '-infinity') END"""
# What lay there where one begins to count, and what has moved since: a million places are not summed up anew.
COUNTED = f"""counted AS (
    SELECT coalesce(b.product_id, n.product_id) AS product_id, coalesce(b.store_id, n.store_id) AS store_id,
           coalesce(b.quantity, 0) + coalesce(n.delta, 0) AS quantity
      FROM (SELECT b.product_id, b.store_id, b.quantity
              FROM closing_balances AS b
             WHERE b.period_id = $2 {{of_places}}
             UNION ALL
            SELECT b.product_id, b.store_id, b.quantity
              FROM stock_snapshots AS b
             WHERE b.taken_at = $6 {{of_places}}) AS b
      FULL JOIN (SELECT m.product_id, m.store_id, sum(m.delta) AS delta
                   FROM movements AS m
                   JOIN {STORES} ON e.store_id = m.store_id
                  WHERE {COUNTS} {{of_moves}}
                  GROUP BY m.product_id, m.store_id) AS n
        ON n.product_id = b.product_id AND n.store_id = b.store_id
)"""
# What fills the holes: rows of which products are looked at.
OF_PRODUCTS = {
    "of_places": "AND b.product_id = ANY ($11::bigint[])",
    "of_moves": "AND m.product_id = ANY ($11::bigint[])",
}
OF_ALL = {"of_places": "", "of_moves": ""}
OF_NONE = {"of_places": "AND false", "of_moves": "AND false"}

# For what runs over millions of rows: sums of a million places fit into it, instead of going to the disk and back.
MUCH_MEMORY = "SET LOCAL work_mem = '128MB'"

PLACES = """
SELECT product_id, store_id
  FROM inventory
 WHERE {conditions}
 ORDER BY product_id, store_id
 LIMIT $1
"""
COUNT = f"""
WITH {COUNTED.format(**OF_PRODUCTS)}
SELECT product_id, store_id, quantity
  FROM counted
"""


async def places(
    db: Connection, store_id: int | None, product_id: int | None, after: tuple[int, int] | None, limit: int
) -> list[tuple[int, int]]:
    """Places after the key (product_id, store_id), in its order."""
    conditions, values = [], []
    for column, value in (("store_id", store_id), ("product_id", product_id)):
        if value is not None:
            values.append(value)
            conditions.append(f"{column} = ${len(values) + 1}")
    if after is not None and store_id is not None:
        values.append(after[0])
        conditions.append(f"product_id > ${len(values) + 1}")
    elif after is not None:
        values += after
        conditions.append(f"(product_id, store_id) > (${len(values)}, ${len(values) + 1})")
    sql = PLACES.format(conditions=" AND ".join(conditions) or "true")
    return [tuple(row) for row in await db.fetch(sql, limit, *values)]


async def count(db: Connection, base: Base, wanted: Sequence[tuple[int, int]]) -> list[StockOn]:
    """Stock of these places, in their order."""
    products = sorted({product_id for product_id, _ in wanted})
    found = {(row[0], row[1]): row[2] for row in await db.fetch(COUNT, *base.values, products)}
    everywhere = dict.fromkeys(products, 0)
    for (product_id, _), quantity in found.items():
        everywhere[product_id] += quantity
    return [StockOn(*place, found.get(place, 0), everywhere[place[0]]) for place in wanted]


# Rows that come from a worker cost far less than PostgreSQL takes them for: a third of the time is saved.
MANY_HANDS = "SET LOCAL parallel_tuple_cost = 0.005"
EXPORTED = ("date", "product_id", "store_id", "quantity")
ALL = f"""
WITH {COUNTED.format(**OF_ALL)}
SELECT $1::date AS date, product_id, store_id, quantity
  FROM counted
 WHERE quantity <> 0 AND ($11::bigint IS NULL OR store_id = $11)
 ORDER BY product_id, store_id
"""


async def export(db: Connection, base: Base, store_id: int | None, write: Write) -> None:
    """Write every place that has pieces as CSV, in key order."""
    await db.execute(MUCH_MEMORY)
    await db.execute(MANY_HANDS)
    await copy(db, write, EXPORTED, ALL, *base.values, store_id)


TOTALS = f"""
WITH {COUNTED.format(**OF_ALL)}
SELECT coalesce(sum(quantity), 0)::bigint AS quantity, count(*) FILTER (WHERE there) AS products, now() AS as_of
  FROM (SELECT product_id, sum(quantity) AS quantity, bool_or(quantity > 0) AS there
          FROM counted
         WHERE $11::bigint IS NULL OR store_id = $11
         GROUP BY product_id) AS products
"""


async def totals(db: Connection, base: Base, store_id: int | None) -> TotalsOn:
    """Sums over the whole network, or over one store."""
    await db.execute(MUCH_MEMORY)
    [row] = await db.fetch(TOTALS, *base.values, store_id)  # for one row alone the server would not work in parallel
    return TotalsOn(**row)
