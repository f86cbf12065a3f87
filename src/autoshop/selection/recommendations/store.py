"""SQL: purchases → pairs; and what goes with products."""

from collections.abc import Sequence
from datetime import datetime

from autoshop.kit.db import Connection, Pool
from autoshop.selection.recommendations.model import BEST, LEAST_RATIO, LEAST_TOGETHER, MOST_LINES, Recommended

STAGE = """
CREATE TEMP TABLE baskets (
    products bigint[] NOT NULL
) ON COMMIT DROP;
CREATE TEMP TABLE pairs (
    one_id   bigint NOT NULL,
    other_id bigint NOT NULL,
    together bigint NOT NULL
) ON COMMIT DROP
"""

# A purchase is the sales of a store on one document, but those that were undone.
FILL = """
INSERT INTO baskets (products)
SELECT array_agg(DISTINCT m.product_id ORDER BY m.product_id)
  FROM movements AS m
 WHERE m.movement_type = 'sale' AND m.reverses_id IS NULL AND m.related_document IS NOT NULL AND m.created_at >= $1
   AND NOT EXISTS (SELECT FROM movements AS r WHERE r.product_id = m.product_id AND r.reverses_id = m.id)
 GROUP BY m.store_id, m.related_document
HAVING count(DISTINCT m.product_id) BETWEEN 2 AND $2
"""

COUNT = """
INSERT INTO pairs (one_id, other_id, together)
SELECT one.id, other.id, count(*)
  FROM baskets AS b
 CROSS JOIN unnest(b.products) WITH ORDINALITY AS one (id, place)
  JOIN unnest(b.products) WITH ORDINALITY AS other (id, place) ON other.place > one.place
 GROUP BY one.id, other.id
HAVING count(*) >= $1
"""

# What has not changed is not written: a night moves few of them.
KEEP = """
WITH sold AS (
    SELECT p.id, count(*) AS times
      FROM baskets AS b
     CROSS JOIN unnest(b.products) AS p (id)
     GROUP BY p.id
), both_ways AS (
    SELECT one_id, other_id, together FROM pairs
     UNION ALL
    SELECT other_id, one_id, together FROM pairs
), weighed AS (
    SELECT w.one_id, w.other_id, w.together,
           sqrt(r.ratio) * w.together / a.times AS weight,
           row_number() OVER (PARTITION BY w.one_id
                                  ORDER BY sqrt(r.ratio) * w.together / a.times DESC, w.other_id) AS place
      FROM both_ways AS w
      JOIN sold AS a ON a.id = w.one_id
      JOIN sold AS b ON b.id = w.other_id
     CROSS JOIN (SELECT count(*) AS n FROM baskets) AS whole
     CROSS JOIN LATERAL log_likelihood_ratio(w.together, a.times, b.times, whole.n) AS r (ratio)
     WHERE r.ratio >= $1 AND w.together * whole.n > a.times * b.times
)
MERGE INTO bought_together AS t
USING (SELECT one_id, other_id, together, weight FROM weighed WHERE place <= $2) AS s
   ON t.product_id = s.one_id AND t.with_id = s.other_id
 WHEN MATCHED AND (t.together, t.weight) IS DISTINCT FROM (s.together::integer, s.weight::real) THEN
      UPDATE SET together = s.together, weight = s.weight
 WHEN NOT MATCHED THEN
      INSERT (product_id, with_id, together, weight) VALUES (s.one_id, s.other_id, s.together, s.weight)
 WHEN NOT MATCHED BY SOURCE THEN
      DELETE
"""


async def stage(db: Connection) -> None:
    """Make the tables `baskets` (an array of products each, in order) and `pairs`, gone with the transaction."""
    await db.execute(STAGE)


async def fill(db: Connection, since: datetime) -> None:
    """The purchases since a moment."""
    await db.execute(FILL, since, MOST_LINES)


ANALYZE = "ANALYZE baskets, pairs"


async def count(db: Connection) -> int:
    """From the baskets to what is bought together; how many pairs there are now."""
    await db.execute(ANALYZE)
    await db.execute(COUNT, LEAST_TOGETHER)
    await db.execute(ANALYZE)
    await db.execute(KEEP, LEAST_RATIO, BEST)
    return await db.fetchval(COUNTED)  # type: ignore[no-any-return]


COUNTED = "SELECT count(*) FROM bought_together"

# Several votes add up: what goes with two things in the cart comes before what goes with one.
GOES_WITH = """
SELECT b.with_id AS product_id, max(b.together) AS together, sum(b.weight)::double precision AS weight
  FROM bought_together AS b
  JOIN products AS p ON p.id = b.with_id AND p.active
 WHERE b.product_id = ANY ($1::bigint[]) AND b.with_id <> ALL ($1::bigint[])
 GROUP BY b.with_id
 ORDER BY weight DESC, b.with_id
 LIMIT $2
"""


async def goes_with(db: Connection | Pool, product_ids: Sequence[int], limit: int) -> list[Recommended]:
    """What was bought together with any of some products, the best first; none of themselves, and nothing retired."""
    return [Recommended(**row) for row in await db.fetch(GOES_WITH, product_ids, limit)]
