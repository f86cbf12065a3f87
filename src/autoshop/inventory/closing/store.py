"""SQL of closing balances. A million places are written as sets; twice the same, to be kept and to be compared."""

from collections.abc import Sequence
from typing import Any, Literal

from autoshop.inventory.stock_on.model import Base
from autoshop.inventory.stock_on.store import COUNTED, MUCH_MEMORY, OF_ALL
from autoshop.inventory.value.store import UNTOUCHED
from autoshop.kit.db import Connection

Row = tuple[Any, ...]
Into = Literal["closing", "proven"]

# Parameters 1 to 10: see stock_on; 11 is the period.
UNTOUCHED_COSTS = f"""_costs (period_id, product_id, quantity, average_microkopecks)
WITH {UNTOUCHED}
SELECT $11::bigint, product_id, quantity, average_microkopecks
  FROM untouched
 WHERE (quantity <> 0 OR average_microkopecks IS NOT NULL) AND $1 IS NOT NULL AND $6::timestamptz IS NULL
   AND $10::text[] IS NOT NULL
 ORDER BY product_id
"""
# The value of a product is rounded as a whole and shared among its stores, to the kopeck: `shares` in value/model.py.
BALANCES = f"""_balances (period_id, product_id, store_id, quantity, value_kopecks)
WITH {COUNTED.format(**OF_ALL)}, valued AS (
    SELECT product_id, quantity AS total, nearest(quantity::numeric * average_microkopecks, 1000000) AS value
      FROM {{into}}_costs
     WHERE period_id = $11
), placed AS (
    SELECT product_id, store_id, quantity, sum(quantity) OVER (PARTITION BY product_id ORDER BY store_id) AS up_to_here
      FROM counted
     WHERE quantity <> 0
)
SELECT $11::bigint, p.product_id, p.store_id, p.quantity,
       CASE WHEN v.total = 0 THEN 0
            WHEN v.total = p.quantity AND p.up_to_here = p.quantity THEN v.value
            WHEN v.total > 0 THEN whole(v.value * p.up_to_here, v.total)
                                  - whole(v.value * (p.up_to_here - p.quantity), v.total)
            ELSE whole(-v.value * p.up_to_here, -v.total) - whole(-v.value * (p.up_to_here - p.quantity), -v.total)
       END
  FROM placed AS p
  LEFT JOIN valued AS v ON v.product_id = p.product_id
"""
KEEP_COSTS = f"INSERT INTO closing{UNTOUCHED_COSTS}"
KEEP_BALANCES = f"INSERT INTO closing{BALANCES}".replace("{into}", "closing")
PROVE_COSTS = f"INSERT INTO proven{UNTOUCHED_COSTS}"
PROVE_BALANCES = f"INSERT INTO proven{BALANCES}".replace("{into}", "proven")

ANALYZE = "ANALYZE closing_balances, closing_costs"  # else a report takes the new rows for one

COSTS = ("period_id", "product_id", "quantity", "average_microkopecks")


async def keep_costs(db: Connection, into: Into, costs: Sequence[Row]) -> None:
    """Write averages that were reckoned."""
    await db.copy_records_to_table(f"{into}_costs", records=costs, columns=COSTS)


async def keep_rest(db: Connection, into: Into, base: Base, period_id: int) -> int:
    """Write the averages that have not changed, and then what lies where at which value; how many places that are."""
    await db.execute(MUCH_MEMORY)
    await db.execute(KEEP_COSTS if into == "closing" else PROVE_COSTS, *base.values, period_id)
    done = await db.execute(KEEP_BALANCES if into == "closing" else PROVE_BALANCES, *base.values, period_id)
    if into == "closing":
        await db.execute(ANALYZE)
    return int(done.split()[-1])


# The closing balances as the ledger says they are, for comparison with those that were kept.
STAGE = """
CREATE TEMP TABLE proven_balances (LIKE closing_balances) ON COMMIT DROP;
CREATE TEMP TABLE proven_costs (LIKE closing_costs) ON COMMIT DROP
"""
DROP = "DROP TABLE IF EXISTS proven_balances, proven_costs"


async def stage(db: Connection) -> None:
    """Make the tables for a proof, empty."""
    await db.execute(DROP)
    await db.execute(STAGE)


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
