"""SQL of what the stock is worth: per product all that its value follows from, in one row.

Parameters 1 to 10: see stock_on. A base for values is a closed period or nothing, never a snapshot: that has no costs.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from autoshop.inventory.stock_on.model import Base
from autoshop.inventory.stock_on.store import COUNTED, COUNTS, MUCH_MEMORY, OF_ALL, OF_NONE, OF_PRODUCTS, STORES
from autoshop.inventory.value.model import Day, Known, Layer, Method
from autoshop.kit.db import Connection

Row = tuple[Any, ...]

PRODUCTS = "SELECT DISTINCT product_id FROM inventory WHERE product_id > $1 ORDER BY product_id LIMIT $2"
PRODUCTS_OF_STORE = """
SELECT product_id
  FROM inventory
 WHERE store_id = $3 AND product_id > $1
 ORDER BY product_id
 LIMIT $2
"""


async def products(db: Connection, after_id: int, store_id: int | None, limit: int) -> list[int]:
    """Products that ever lay anywhere, or at a store, in the order of their ids."""
    if store_id is None:
        return [row["product_id"] for row in await db.fetch(PRODUCTS, after_id, limit)]
    return [row["product_id"] for row in await db.fetch(PRODUCTS_OF_STORE, after_id, limit, store_id)]


DAY = "coalesce(m.effective_on, (m.created_at AT TIME ZONE e.time_zone)::date)"
PLACES = """places AS (
    SELECT product_id, array_agg(store_id ORDER BY store_id) AS store_ids,
           array_agg(quantity::bigint ORDER BY store_id) AS quantities
      FROM counted
     WHERE quantity <> 0
     GROUP BY product_id
)"""
COSTS = """costs AS (
    SELECT product_id, quantity, average_microkopecks
      FROM closing_costs AS b
     WHERE period_id = $2 {of_costs}
)"""
# What was closed stays closed: after a store has changed its zone too, what came later does not fall before.
MOVED = f"""moved AS (
    SELECT m.product_id, greatest({DAY}, $3::date + 1) AS day, sum(m.delta) AS net,
           sum(m.delta) FILTER (WHERE m.unit_cost_kopecks IS NOT NULL) AS received,
           sum(m.delta * m.unit_cost_kopecks) AS worth
      FROM movements AS m
      JOIN {STORES} ON e.store_id = m.store_id
     WHERE m.movement_type <> 'transfer' AND {COUNTS} {{of_moved}}
     GROUP BY m.product_id, day
)"""
# Pieces that came back by undoing what took them away: on which day, since which day they were gone. A reversal is
# found by the index of reversals; on one and the same day there is nothing to tell apart.
BACK = f"""back AS (
    SELECT product_id, day, left_on, sum(pieces)::bigint AS pieces
      FROM (SELECT m.product_id, greatest({DAY}, $3::date + 1) AS day, m.delta AS pieces,
                   coalesce(o.effective_on, (o.created_at AT TIME ZONE e.time_zone)::date) AS left_on
              FROM movements AS m
              JOIN {STORES} ON e.store_id = m.store_id
              JOIN movements AS o ON o.product_id = m.product_id AND o.id = m.reverses_id
             WHERE m.reverses_id IS NOT NULL AND m.delta > 0 AND m.movement_type IN ('sale', 'writeoff', 'adjustment')
               AND {COUNTS} {{of_moved}}) AS undone
     WHERE left_on < day
     GROUP BY product_id, day, left_on
)"""
BY_AVERAGE = f"""{COUNTED}, {PLACES}, {COSTS}, {MOVED}, {BACK}, opened AS (
    SELECT m.product_id, m.day, m.net, m.received, m.worth,
           coalesce(c.quantity, 0) + sum(m.net) OVER (PARTITION BY m.product_id ORDER BY m.day) - m.net AS on_hand,
           m.received IS NOT NULL OR (m.product_id, m.day) IN (SELECT product_id, day FROM back) AS counts
      FROM moved AS m
      LEFT JOIN costs AS c ON c.product_id = m.product_id
), changes AS (
    SELECT product_id, sum(net) AS net,
           array_agg(day ORDER BY day) FILTER (WHERE counts) AS days,
           array_agg(on_hand::bigint ORDER BY day) FILTER (WHERE counts) AS on_hand,
           array_agg(coalesce(received, 0)::bigint ORDER BY day) FILTER (WHERE counts) AS received,
           array_agg(coalesce(worth, 0) ORDER BY day) FILTER (WHERE counts) AS worth
      FROM opened
     GROUP BY product_id
), returned AS (
    SELECT product_id, array_agg(day ORDER BY day, left_on) AS back_days,
           array_agg(left_on ORDER BY day, left_on) AS left_on, array_agg(pieces ORDER BY day, left_on) AS came
      FROM back
     GROUP BY product_id
)
SELECT coalesce(m.product_id, c.product_id) AS product_id,
       (coalesce(c.quantity, 0) + coalesce(m.net, 0))::bigint AS quantity, p.store_ids, p.quantities,
       c.average_microkopecks, m.days, m.on_hand, m.received, m.worth, r.back_days, r.left_on, r.came
  FROM changes AS m
  FULL JOIN costs AS c ON c.product_id = m.product_id
  LEFT JOIN places AS p ON p.product_id = coalesce(m.product_id, c.product_id)
  LEFT JOIN returned AS r ON r.product_id = m.product_id
 ORDER BY 1
"""
# Deliveries, each less what was undone of it by then.
BY_FIFO = f"""{COUNTED}, {PLACES}, {COSTS}, netted AS (
    SELECT m.product_id, sum(m.delta) AS net
      FROM movements AS m
      JOIN {STORES} ON e.store_id = m.store_id
     WHERE m.movement_type <> 'transfer' AND {COUNTS} {{of_moved}}
     GROUP BY m.product_id
), deliveries AS (
    SELECT m.product_id, coalesce(m.reverses_id, m.id) AS id, min({DAY}) AS day, sum(m.delta) AS pieces,
           max(m.unit_cost_kopecks) AS cost
      FROM movements AS m
      JOIN {STORES} ON e.store_id = m.store_id
     WHERE m.movement_type = 'inbound' {{of_moved}}
       AND CASE WHEN m.effective_on IS NULL THEN m.created_at < e.until ELSE m.effective_on <= $1 END
     GROUP BY m.product_id, coalesce(m.reverses_id, m.id)
    HAVING sum(m.delta) > 0
), layers AS (
    SELECT product_id, array_agg(pieces ORDER BY day DESC, id DESC) AS pieces,
           array_agg(cost ORDER BY day DESC, id DESC) AS cost
      FROM deliveries
     GROUP BY product_id
)
SELECT coalesce(n.product_id, c.product_id) AS product_id,
       (coalesce(c.quantity, 0) + coalesce(n.net, 0))::bigint AS quantity, p.store_ids, p.quantities, l.pieces, l.cost
  FROM netted AS n
  FULL JOIN costs AS c ON c.product_id = n.product_id
  LEFT JOIN places AS p ON p.product_id = coalesce(n.product_id, c.product_id)
  LEFT JOIN layers AS l ON l.product_id = coalesce(n.product_id, c.product_id)
 ORDER BY 1
"""
ALL = {"of_costs": "", "of_moved": ""}
SOME = {"of_costs": OF_PRODUCTS["of_places"], "of_moved": OF_PRODUCTS["of_moves"]}
AVERAGE_OF_SOME = f"WITH {BY_AVERAGE.format(**SOME, **OF_PRODUCTS)}"
AVERAGE_OF_ALL = f"WITH {BY_AVERAGE.format(**ALL, **OF_ALL)}"
FIFO_OF_SOME = f"WITH {BY_FIFO.format(**SOME, **OF_PRODUCTS)}"
FIFO_OF_ALL = f"WITH {BY_FIFO.format(**ALL, **OF_ALL)}"
# Where nobody asks what lies where, that is half the work.
AVERAGE_IN_ALL = f"WITH {BY_AVERAGE.format(**ALL, **OF_NONE)}"
FIFO_IN_ALL = f"WITH {BY_FIFO.format(**ALL, **OF_NONE)}"


async def known(db: Connection, base: Base, method: Method, product_ids: Sequence[int]) -> list[Known]:
    """All that the values of these products follow from; those without any movement are not there."""
    sql = AVERAGE_OF_SOME if method == "average" else FIFO_OF_SOME
    return [_known(method, row) for row in await db.fetch(sql, *base.values, product_ids)]


async def walk(db: Connection, base: Base, method: Method, *, places: bool) -> AsyncIterator[Known]:
    """The same of every product, in the order of their ids, some hundred in memory; `places`: by store too."""
    if places:
        sql = AVERAGE_OF_ALL if method == "average" else FIFO_OF_ALL
    else:
        sql = AVERAGE_IN_ALL if method == "average" else FIFO_IN_ALL
    await db.execute(MUCH_MEMORY)
    async for row in db.cursor(sql, *base.values, prefetch=500):
        yield _known(method, row)


def _known(method: Method, row: Any) -> Known:
    places = dict(zip(row["store_ids"] or (), row["quantities"] or (), strict=True))
    if method == "fifo":
        layers = tuple(map(Layer, row["pieces"] or (), row["cost"] or ()))
        return Known(row["product_id"], row["quantity"], places, layers=layers)
    average = row["average_microkopecks"]
    back: dict[Any, list[tuple[Any, int]]] = {}
    for day, left_on, came in zip(row["back_days"] or (), row["left_on"] or (), row["came"] or (), strict=True):
        back.setdefault(day, []).append((left_on, came))
    days = tuple(
        Day(day, on_hand, received, int(worth), tuple(back.get(day, ())))
        for day, on_hand, received, worth in zip(
            row["days"] or (), row["on_hand"] or (), row["received"] or (), row["worth"] or (), strict=True
        )
    )
    return Known(row["product_id"], row["quantity"], places, None if average is None else int(average), days)


# The closing balances as the ledger says they are, for comparison with those that were kept.
STAGE = """
CREATE TEMP TABLE proven_balances (LIKE closing_balances) ON COMMIT DROP;
CREATE TEMP TABLE proven_costs (LIKE closing_costs) ON COMMIT DROP
"""
DROP = "DROP TABLE IF EXISTS proven_balances, proven_costs"
BALANCES = ("period_id", "product_id", "store_id", "quantity", "value_kopecks")
COSTS_KEPT = ("period_id", "product_id", "quantity", "average_microkopecks")


async def stage(db: Connection) -> None:
    """Make the tables for a proof, empty."""
    await db.execute(DROP)
    await db.execute(STAGE)


async def keep(db: Connection, balances: Sequence[Row], costs: Sequence[Row], *, proof: bool) -> None:
    """Write closing balances and costs; `proof`: for comparison only."""
    into = "proven" if proof else "closing"
    await db.copy_records_to_table(f"{into}_balances", records=balances, columns=BALANCES)
    await db.copy_records_to_table(f"{into}_costs", records=costs, columns=COSTS_KEPT)


DIFFERENCES = """
WITH wrong AS (
    SELECT 'closing balance' AS what, $1::bigint AS period_id, product_id, store_id,
           concat_ws(' ', coalesce(k.quantity, 0), k.value_kopecks) AS written,
           concat_ws(' ', coalesce(p.quantity, 0), p.value_kopecks) AS counted
      FROM (SELECT product_id, store_id, quantity, value_kopecks FROM closing_balances WHERE period_id = $1) AS k
      FULL JOIN proven_balances AS p USING (product_id, store_id)
     WHERE (k.quantity, k.value_kopecks) IS DISTINCT FROM (p.quantity, p.value_kopecks)
     UNION ALL
    SELECT 'closing cost', $1, product_id, NULL,
           concat_ws(' ', coalesce(k.quantity, 0), k.average_microkopecks),
           concat_ws(' ', coalesce(p.quantity, 0), p.average_microkopecks)
      FROM (SELECT product_id, quantity, average_microkopecks FROM closing_costs WHERE period_id = $1) AS k
      FULL JOIN proven_costs AS p USING (product_id)
     WHERE (k.quantity, k.average_microkopecks) IS DISTINCT FROM (p.quantity, p.average_microkopecks)
)
SELECT (SELECT count(*) FROM wrong) AS differences,
       coalesce((SELECT jsonb_agg(to_jsonb(w)) FROM (SELECT * FROM wrong LIMIT 20) AS w), '[]') AS examples
"""


async def differences(db: Connection, period_id: int) -> tuple[int, list[dict[str, object]]]:
    """Between what was kept of a period and the proof; how many, and some of them."""
    row = await db.fetchrow(DIFFERENCES, period_id)
    assert row is not None
    return row["differences"], row["examples"]


PROVABLE = "SELECT id FROM periods WHERE balanced_at IS NOT NULL AND reopened_at IS NULL ORDER BY ends_on DESC LIMIT $1"


async def provable(db: Connection, limit: int) -> list[int]:
    """Periods with closing balances, the last first."""
    return [row["id"] for row in await db.fetch(PROVABLE, limit)]
