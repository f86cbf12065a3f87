"""SQL of what the stock is worth: per product all that its value follows from, in one row.

Parameters 1 to 10: see stock_on. A base for values is a closed period or nothing, never a snapshot: that has no costs.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from autoshop.inventory.stock_on.model import Base
from autoshop.inventory.stock_on.store import COUNTED, COUNTS, MUCH_MEMORY, OF_ALL, OF_NONE, OF_PRODUCTS, STORES
from autoshop.inventory.value.model import Day, Known, Layer, Method, TotalValue
from autoshop.kit.db import Connection

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
           array_agg(quantity ORDER BY store_id) AS quantities
      FROM counted
     WHERE quantity <> 0
     GROUP BY product_id
)"""
# What may change the average of a product; all others have that of the last closing.
TOUCHES = "m.unit_cost_kopecks IS NOT NULL OR m.reverses_id IS NOT NULL OR m.movement_type = 'return'"
COSTS = """costs AS (
    SELECT product_id, quantity, average_microkopecks
      FROM closing_costs AS b
     WHERE period_id = $2 {of_costs}
)"""
# What was closed stays closed: after a store has changed its zone too, what came later does not fall before.
MOVED = f"""moved AS (
    SELECT m.product_id, greatest({DAY}, $3::date + 1) AS day, sum(m.delta) AS net,
           sum(m.delta) FILTER (WHERE m.unit_cost_kopecks IS NOT NULL) AS received,
           sum(m.delta * m.unit_cost_kopecks) AS worth, bool_or({TOUCHES}) AS touched
      FROM movements AS m
      JOIN {STORES} ON e.store_id = m.store_id
     WHERE m.movement_type <> 'transfer' AND {COUNTS} {{of_moved}}
     GROUP BY m.product_id, day
)"""
# Pieces that came back, by undoing what took them away or as the return of a sale that is known: on which day, since
# which day they were gone. On one and the same day there is nothing to tell apart.
BACK = f"""back AS (
    SELECT product_id, day, left_on, sum(pieces)::bigint AS pieces
      FROM (SELECT m.product_id, greatest({DAY}, $3::date + 1) AS day, m.delta AS pieces,
                   coalesce(o.effective_on, (o.created_at AT TIME ZONE f.time_zone)::date) AS left_on
              FROM (SELECT m.product_id, m.id, m.reverses_id AS left_by
                      FROM movements AS m
                     WHERE m.reverses_id IS NOT NULL AND m.delta > 0
                       AND m.movement_type NOT IN ('inbound', 'transfer') {{of_moved}}
                     UNION ALL
                    SELECT m.product_id, m.movement_id, m.sale_id
                      FROM return_lines AS m
                     WHERE m.sale_id IS NOT NULL {{of_moved}}) AS b
              JOIN movements AS m ON m.product_id = b.product_id AND m.id = b.id
              JOIN {STORES} ON e.store_id = m.store_id
              JOIN movements AS o ON o.product_id = b.product_id AND o.id = b.left_by
              JOIN {STORES.replace(" AS e ", " AS f ")} ON f.store_id = o.store_id
             WHERE m.unit_cost_kopecks IS NULL AND {COUNTS}) AS came
     WHERE left_on < day
     GROUP BY product_id, day, left_on
)"""
BY_AVERAGE = f"""{COUNTED}, {PLACES}, {COSTS}, {MOVED}, {BACK}, opened AS (
    SELECT m.product_id, m.day, m.net, m.received, m.worth, m.touched,
           coalesce(c.quantity, 0) + sum(m.net) OVER (PARTITION BY m.product_id ORDER BY m.day) - m.net AS on_hand,
           m.received IS NOT NULL OR (m.product_id, m.day) IN (SELECT product_id, day FROM back) AS counts
      FROM moved AS m
      LEFT JOIN costs AS c ON c.product_id = m.product_id
), changes AS (
    SELECT product_id, sum(net) AS net, bool_or(touched) AS touched,
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
 WHERE {{which}}
 ORDER BY 1
"""
NETTED = f"""netted AS (
    SELECT m.product_id, sum(m.delta) AS net, bool_or({TOUCHES}) AS touched
      FROM movements AS m
      JOIN {STORES} ON e.store_id = m.store_id
     WHERE m.movement_type <> 'transfer' AND {COUNTS} {{of_moved}}
     GROUP BY m.product_id
)"""
# Deliveries, each less what was undone of it by then.
BY_FIFO = f"""{COUNTED}, {PLACES}, {COSTS}, {NETTED}, deliveries AS (
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
ALL = {"of_costs": "", "of_moved": "", "which": "true"}
SOME = {"of_costs": OF_PRODUCTS["of_places"], "of_moved": OF_PRODUCTS["of_moves"], "which": "true"}
AVERAGE_OF_SOME = f"WITH {BY_AVERAGE.format(**SOME, **OF_PRODUCTS)}"
AVERAGE_OF_ALL = f"WITH {BY_AVERAGE.format(**ALL, **OF_ALL)}"
FIFO_OF_SOME = f"WITH {BY_FIFO.format(**SOME, **OF_PRODUCTS)}"
FIFO_OF_ALL = f"WITH {BY_FIFO.format(**ALL, **OF_ALL)}"
# Where nobody asks what lies where, that is half the work.
AVERAGE_IN_ALL = f"WITH {BY_AVERAGE.format(**ALL, **OF_NONE)}"
AVERAGE_OF_TOUCHED = f"WITH {BY_AVERAGE.format(**{**ALL, 'which': 'm.touched'}, **OF_NONE)}"
FIFO_IN_ALL = f"WITH {BY_FIFO.format(**ALL, **OF_NONE)}"
UNTOUCHED = f"""{COSTS.format(**ALL)}, {NETTED.format(**ALL)}, untouched AS (
    SELECT coalesce(c.product_id, n.product_id) AS product_id,
           (coalesce(c.quantity, 0) + coalesce(n.net, 0))::bigint AS quantity, c.average_microkopecks
      FROM costs AS c
      FULL JOIN netted AS n ON n.product_id = c.product_id
     WHERE n.touched IS NOT TRUE
)"""


async def known(db: Connection, base: Base, method: Method, product_ids: Sequence[int]) -> list[Known]:
    """All that the values of these products follow from; those without any movement are not there."""
    sql = AVERAGE_OF_SOME if method == "average" else FIFO_OF_SOME
    return [_known(method, row) for row in await db.fetch(sql, *base.values, product_ids)]


Which = Literal["with places", "all", "touched"]
WALKS = {
    ("average", "with places"): AVERAGE_OF_ALL,
    ("average", "all"): AVERAGE_IN_ALL,
    ("average", "touched"): AVERAGE_OF_TOUCHED,
    ("fifo", "with places"): FIFO_OF_ALL,
    ("fifo", "all"): FIFO_IN_ALL,
}


async def walk(db: Connection, base: Base, method: Method, which: Which) -> AsyncIterator[Known]:
    """The same of every product, in the order of their ids, some hundred in memory.

    With what lies where, or without; or of those alone whose average may have changed since the last closing.
    """
    await db.execute(MUCH_MEMORY)
    async for row in db.cursor(WALKS[method, which], *base.values, prefetch=500):
        yield _known(method, row)


TOTAL_UNTOUCHED = f"""
WITH {UNTOUCHED}
SELECT coalesce(sum(quantity), 0)::bigint,
       coalesce(sum(nearest(quantity::numeric * average_microkopecks, 1000000)), 0)::text,
       count(*) FILTER (WHERE quantity <> 0),
       coalesce(sum(quantity) FILTER (WHERE average_microkopecks IS NULL), 0)::bigint,
       count(*) FILTER (WHERE quantity <> 0 AND average_microkopecks IS NULL)
  FROM untouched
 WHERE $1 IS NOT NULL AND $6::timestamptz IS NULL AND $10::text[] IS NOT NULL
"""


async def total_untouched(db: Connection, base: Base) -> TotalValue:
    """The sum over all products whose average is that of the last closing."""
    await db.execute(MUCH_MEMORY)
    [(quantity, value, *rest)] = map(tuple, await db.fetch(TOTAL_UNTOUCHED, *base.values))
    return TotalValue(quantity, int(value), *rest)


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
