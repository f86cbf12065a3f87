"""SQL of what returns say by themselves: how far it was heard, for which car it was bought, what did not fit."""

from collections.abc import Sequence
from datetime import datetime

from autoshop.kit.db import Connection
from autoshop.selection.fitment.feedback.model import CameBack, Misfit

# ------------------------------------------------------------------------------------------------ hearing
HEAR_ALONE = "SELECT pg_try_advisory_xact_lock('fitment_hearing'::regclass::bigint)"
POSITION = "SELECT position FROM fitment_hearing"
SAVE = "UPDATE fitment_hearing SET position = $1"


async def hear_alone(db: Connection) -> bool:
    """Whether nobody else hears; nor does until the transaction ends."""
    return bool(await db.fetchval(HEAR_ALONE))


async def position(db: Connection) -> str:
    """How far the outbox was heard."""
    return await db.fetchval(POSITION)  # type: ignore[no-any-return]


async def save(db: Connection, position: str) -> None:
    """So far it was."""
    await db.execute(SAVE, position)


# ------------------------------------------------------------------------------------------------ purchases
KEEP_PURCHASE = """
INSERT INTO fitment_purchases (related_document, product_id, vehicle_id, engine_id, year, actor)
SELECT $1, w.product_id, v.id, e.id, $4, $5
  FROM vehicles AS v
  LEFT JOIN vehicle_engines AS e ON e.vehicle_id = v.id AND e.code = $3
 CROSS JOIN unnest($6::bigint[]) AS w (product_id)
 WHERE v.slug = $2
 ORDER BY w.product_id
    ON CONFLICT (related_document, product_id) DO UPDATE
   SET vehicle_id = excluded.vehicle_id, engine_id = excluded.engine_id, year = excluded.year, actor = excluded.actor,
       created_at = excluded.created_at
"""


async def keep_purchase(
    db: Connection,
    document: str,
    vehicle: str,
    engine: str | None,
    year: int | None,
    actor: str,
    product_ids: Sequence[int],
) -> None:
    """Products of a document are for a car, whatever was said before. The car has its number."""
    await db.execute(KEEP_PURCHASE, document, vehicle, engine, year, actor, product_ids)


# A product of its own beats all of the document. Of a car that is bought for all day long, the latest purchases.
BOUGHT_FOR = """
WITH latest AS (
    SELECT p.related_document, p.product_id
      FROM fitment_purchases AS p
     WHERE p.vehicle_id = (SELECT v.id FROM vehicles AS v WHERE v.slug = $2) AND p.created_at < $4
       AND (p.engine_id IS NULL OR $3::text[] IS NULL
            OR p.engine_id IN (SELECT e.id
                                 FROM vehicles AS v
                                 JOIN vehicle_engines AS e ON e.vehicle_id = v.id
                                WHERE v.slug = $2 AND e.code = ANY ($3::text[])))
     ORDER BY p.created_at DESC
     LIMIT $5
)
SELECT w.product_id, l.related_document
  FROM latest AS l
  JOIN unnest($1::bigint[]) AS w (product_id) ON l.product_id IN (w.product_id, 0)
  LEFT JOIN LATERAL (
       SELECT true AS of_its_own
         FROM fitment_purchases AS o
        WHERE o.related_document = l.related_document AND o.product_id = w.product_id
        LIMIT 1) AS o ON l.product_id = 0
 WHERE o.of_its_own IS NULL
"""


async def bought_for(
    db: Connection, product_ids: Sequence[int], vehicle: str, engines: Sequence[str] | None, before: datetime, most: int
) -> list[tuple[int, str]]:
    """Under which documents (product, document) something was to be bought for a car with any of some engines.

    None: with whatever engine. Of the car's purchases that were named before a moment the latest, so many at most.
    """
    rows = await db.fetch(BOUGHT_FOR, product_ids, vehicle, engines, before, most)
    return [(row["product_id"], row["related_document"]) for row in rows]


ADD = """
INSERT INTO fitment_feedback (product_id, vehicle_id, engine_id, fitted, origin, reference, note, actor)
SELECT w.product_id, p.vehicle_id, p.engine_id, false, 'return', w.reference, w.note, $5
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS w (product_id, document, reference, note)
  LEFT JOIN LATERAL (
       SELECT f.vehicle_id, f.engine_id
         FROM fitment_purchases AS f
        WHERE f.related_document = w.document AND f.product_id IN (w.product_id, 0)
        ORDER BY f.product_id DESC
        LIMIT 1) AS p ON true
 ORDER BY w.product_id, w.reference
    ON CONFLICT (product_id, vehicle_id, origin, reference) WHERE reference IS NOT NULL DO NOTHING
"""
WITHDRAW = """
UPDATE fitment_feedback
   SET withdrawn_at = now()
 WHERE product_id = ANY ($1::bigint[]) AND origin = 'return' AND reference = ANY ($2::text[]) AND withdrawn_at IS NULL
"""


async def add(db: Connection, came_back: Sequence[CameBack], actor: str) -> int:
    """What did not fit, of the cars that it was bought for; how much of it is new."""
    done = await db.execute(
        ADD,
        [one.product_id for one in came_back],
        [one.document for one in came_back],
        [one.reference for one in came_back],
        [one.note for one in came_back],
        actor,
    )
    return int(done.split()[-1])


async def withdraw(db: Connection, product_ids: Sequence[int], references: Sequence[str]) -> int:
    """What these lines of returns said does not count any more; how much of it there was."""
    return int((await db.execute(WITHDRAW, product_ids, references)).split()[-1])


# ------------------------------------------------------------------------------------------------ what did not fit
MISFITS = """
SELECT f.id, f.product_id, b.name AS brand, p.article, p.name, v.slug AS vehicle, e.code AS engine, f.origin,
       f.reference, f.note, f.created_at, t.fitted, t.not_fitted
  FROM fitment_feedback AS f
  JOIN products AS p ON p.id = f.product_id
  JOIN brands AS b ON b.id = p.brand_id
  LEFT JOIN vehicles AS v ON v.id = f.vehicle_id
  LEFT JOIN vehicle_engines AS e ON e.id = f.engine_id
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE o.fitted) AS fitted, count(*) FILTER (WHERE NOT o.fitted) AS not_fitted
         FROM fitment_feedback AS o
        WHERE o.product_id = f.product_id AND o.vehicle_id IS NOT DISTINCT FROM f.vehicle_id
          AND o.withdrawn_at IS NULL) AS t
 WHERE NOT f.fitted AND f.withdrawn_at IS NULL AND ($1::bigint IS NULL OR f.id < $1)
   AND NOT EXISTS (SELECT
                     FROM fitment_feedback AS n
                    WHERE n.product_id = f.product_id AND n.vehicle_id IS NOT DISTINCT FROM f.vehicle_id
                      AND NOT n.fitted AND n.withdrawn_at IS NULL AND n.id > f.id)
 ORDER BY f.id DESC
 LIMIT $2
"""


async def misfits(db: Connection, before: int | None, limit: int) -> list[Misfit]:
    """Parts that did not fit, each with each car once, the newest first."""
    return [Misfit(**row) for row in await db.fetch(MISFITS, before, limit)]
