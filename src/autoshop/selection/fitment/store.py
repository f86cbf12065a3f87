"""SQL of fitments: loading the facts, what fits a car, what a part fits, what buyers say."""

from collections.abc import Collection, Sequence
from typing import Any

from autoshop.kit.db import Connection
from autoshop.selection.fitment.model import Feedback, Fitted, PartKind, Told

# ------------------------------------------------------------------------------------------------ loading
TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtext('autoshop fitments'))"
ADD_VEHICLES = """
INSERT INTO vehicles (slug)
SELECT n.slug
  FROM unnest($1::text[]) AS n (slug)
 WHERE NOT EXISTS (SELECT FROM vehicles AS v WHERE v.slug = n.slug)
 ORDER BY n.slug
"""
ADD_ENGINES = """
INSERT INTO vehicle_engines (vehicle_id, code)
SELECT v.id, n.code
  FROM unnest($1::text[], $2::text[]) AS n (slug, code)
  JOIN vehicles AS v ON v.slug = n.slug
 WHERE NOT EXISTS (SELECT FROM vehicle_engines AS e WHERE e.vehicle_id = v.id AND e.code = n.code)
 ORDER BY v.id, n.code
"""
ADD_SOURCES = """
INSERT INTO fitment_sources (code, is_facts)
SELECT n.code, $2
  FROM unnest($1::text[]) AS n (code)
 WHERE NOT EXISTS (SELECT FROM fitment_sources AS s WHERE s.code = n.code)
"""


async def add_cars(db: Connection, slugs: Sequence[str], engines: Sequence[tuple[str, str]]) -> None:
    """Numbers for cars and their engines that have none yet. Whoever loads after us waits until we have committed."""
    await db.execute(TAKE_TURN)
    await db.execute(ADD_VEHICLES, slugs)
    await db.execute(ADD_ENGINES, [slug for slug, _ in engines], [code for _, code in engines])


async def add_sources(db: Connection, codes: Sequence[str], *, are_facts: bool) -> None:
    """Sources that are not known yet. Whoever loads has taken his turn: see `add_cars`."""
    await db.execute(ADD_SOURCES, codes, are_facts)


# What is there and as it was is left alone; what is no fact any more goes. Fitments of files stay.
KEEP_FACTS = """
WITH told AS (
    SELECT DISTINCT ON (v.id, e.id, n.article_id, n.position)
           v.id AS vehicle_id, e.id AS engine_id, n.article_id, n.category, n.position, n.quantity, n.years_from,
           n.years_to, n.confidence, n.basis, s.id AS source_id
      FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::float8[], $7::int[], $8::int[],
                  $9::text[], $10::text[], $11::text[])
           AS n (slug, code, article_id, category, position, quantity, years_from, years_to, confidence, basis, source)
      JOIN vehicles AS v ON v.slug = n.slug
      LEFT JOIN vehicle_engines AS e ON e.vehicle_id = v.id AND e.code = n.code
      JOIN fitment_sources AS s ON s.code = n.source
     ORDER BY v.id, e.id, n.article_id, n.position, n.confidence, n.basis DESC
)
MERGE INTO fitments AS t
USING told AS n
   ON t.vehicle_id = n.vehicle_id AND t.engine_id IS NOT DISTINCT FROM n.engine_id
  AND t.article_id = n.article_id AND t.position = n.position AND t.source_id = n.source_id
 WHEN MATCHED AND (t.category, t.quantity, t.years_from, t.years_to, t.confidence, t.basis)
                  IS DISTINCT FROM
                  (n.category, n.quantity::numeric, n.years_from::smallint, n.years_to::smallint, n.confidence, n.basis)
                  THEN
      UPDATE SET category = n.category, quantity = n.quantity, years_from = n.years_from, years_to = n.years_to,
                 confidence = n.confidence, basis = n.basis
 WHEN NOT MATCHED THEN
      INSERT (vehicle_id, engine_id, article_id, category, position, quantity, years_from, years_to, confidence, basis,
              source_id)
      VALUES (n.vehicle_id, n.engine_id, n.article_id, n.category, n.position, n.quantity, n.years_from, n.years_to,
              n.confidence, n.basis, n.source_id)
 WHEN NOT MATCHED BY SOURCE AND (SELECT s.is_facts FROM fitment_sources AS s WHERE s.id = t.source_id) THEN
      DELETE
"""
KEEP_ABSENCES = """
MERGE INTO fitment_absences AS t
USING (SELECT v.id AS vehicle_id, n.category, n.confidence, s.id AS source_id
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n (slug, category, confidence, source)
         JOIN vehicles AS v ON v.slug = n.slug
         JOIN fitment_sources AS s ON s.code = n.source) AS n
   ON t.vehicle_id = n.vehicle_id AND t.category = n.category
 WHEN MATCHED AND (t.confidence, t.source_id) IS DISTINCT FROM (n.confidence, n.source_id) THEN
      UPDATE SET confidence = n.confidence, source_id = n.source_id
 WHEN NOT MATCHED THEN
      INSERT (vehicle_id, category, confidence, source_id)
      VALUES (n.vehicle_id, n.category, n.confidence, n.source_id)
 WHEN NOT MATCHED BY SOURCE THEN
      DELETE
"""
COUNTED = "SELECT count(*) FROM fitments"


async def keep_facts(db: Connection, rows: Sequence[tuple[Any, ...]], absences: Sequence[tuple[Any, ...]]) -> int:
    """Exactly these fitments of facts, (vehicle, engine code or None, article id, …), and absences; how many now."""
    await db.execute(KEEP_FACTS, *([list(column) for column in zip(*rows, strict=True)] or [[]] * 11))
    await db.execute(KEEP_ABSENCES, *([list(column) for column in zip(*absences, strict=True)] or [[]] * 4))
    return await db.fetchval(COUNTED)  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------------ asking
FITTED = """
SELECT f.article_id, v.slug AS vehicle, e.code AS engine, f.category, f.position, f.quantity::float8 AS quantity,
       f.years_from, f.years_to, f.confidence, f.basis, s.code AS source, f.qualifiers
  FROM fitments AS f
  JOIN vehicles AS v ON v.id = f.vehicle_id
  LEFT JOIN vehicle_engines AS e ON e.id = f.engine_id
  JOIN fitment_sources AS s ON s.id = f.source_id
"""
OF_CAR = FITTED + " WHERE v.slug = $1 AND f.article_id = ANY ($2::int[]) LIMIT 1000"
WHOLE_CAR = FITTED + " WHERE v.slug = $1 AND (f.engine_id IS NULL OR $2::text IS NULL OR e.code = $2) LIMIT 5000"
OF_SEVERAL = (
    FITTED + " WHERE v.slug = ANY ($1::text[]) AND ($2::text[] = '{}' OR f.category = ANY ($2::text[])) LIMIT 20000"
)
OF_CATEGORIES = FITTED + " WHERE v.slug = $1 AND f.category = ANY ($2::text[]) LIMIT 5000"
OF_ARTICLES = (
    FITTED
    + """
 WHERE f.article_id = ANY ($1::int[]) AND (v.slug, f.id) > ($2, $3::bigint)
 ORDER BY v.slug, f.id
 LIMIT $4
"""
).replace("SELECT f.article_id", "SELECT f.id, f.article_id", 1)


async def of_car(db: Connection, vehicle: str, article_ids: Collection[int]) -> list[Fitted]:
    """Which of some articles are said to fit a car, with whatever engine."""
    return [Fitted(**row) for row in await db.fetch(OF_CAR, vehicle, list(article_ids))]


async def whole_car(db: Connection, vehicle: str, engine: str | None) -> list[Fitted]:
    """All that is said to fit a car, or a car with an engine."""
    return [Fitted(**row) for row in await db.fetch(WHOLE_CAR, vehicle, engine)]


async def of_several(db: Connection, vehicles: Collection[str], categories: Collection[str]) -> list[Fitted]:
    """All that is said to fit some cars, with whatever engine; of no categories, of all."""
    return [Fitted(**row) for row in await db.fetch(OF_SEVERAL, list(vehicles), list(categories))]


async def of_categories(db: Connection, vehicle: str, categories: Collection[str]) -> list[Fitted]:
    """All that is said to fit a car, of some categories, with whatever engine."""
    return [Fitted(**row) for row in await db.fetch(OF_CATEGORIES, vehicle, list(categories))]


async def of_articles(
    db: Connection, article_ids: Collection[int], after: tuple[str, int], limit: int
) -> list[tuple[int, Fitted]]:
    """What articles fit, car by car, each with its number to go on from."""
    rows = await db.fetch(OF_ARTICLES, list(article_ids), *after, limit)
    return [(row["id"], Fitted(**{key: value for key, value in row.items() if key != "id"})) for row in rows]


# All that is to be known of a product beside each of some cars, in one look: a garage is shown with every product.
BESIDE_CARS = """
SELECT w.place, fitted.lines AS fitted, absent.category, absent.confidence, absent.source, told.fitted AS told_fitted,
       told.not_fitted AS told_not_fitted
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (vehicle, engine, place)
  LEFT JOIN vehicles AS v ON v.slug = w.vehicle
  LEFT JOIN LATERAL (SELECT jsonb_agg(to_jsonb(line)) AS lines
                       FROM (SELECT f.article_id, v.slug AS vehicle, e.code AS engine, f.category, f.position,
                                    f.quantity::float8 AS quantity, f.years_from, f.years_to, f.confidence, f.basis,
                                    s.code AS source, f.qualifiers
                               FROM fitments AS f
                               LEFT JOIN vehicle_engines AS e ON e.id = f.engine_id
                               JOIN fitment_sources AS s ON s.id = f.source_id
                              WHERE f.vehicle_id = v.id AND f.article_id = ANY ($3::int[])
                              LIMIT 1000) AS line) AS fitted ON true
  LEFT JOIN LATERAL (SELECT a.category, a.confidence, s.code AS source
                       FROM products AS p
                       JOIN categories AS c ON c.id = p.category_id
                       JOIN fitment_absences AS a ON a.vehicle_id = v.id AND a.category = c.code
                       JOIN fitment_sources AS s ON s.id = a.source_id
                      WHERE p.id = $4) AS absent ON true
  LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE f.fitted) AS fitted,
                            count(*) FILTER (WHERE NOT f.fitted) AS not_fitted
                       FROM fitment_feedback AS f
                       LEFT JOIN vehicle_engines AS e ON e.id = f.engine_id
                      WHERE f.product_id = $4 AND f.vehicle_id = v.id AND f.withdrawn_at IS NULL
                        AND (e.code IS NULL OR w.engine IS NULL OR e.code = w.engine)) AS told ON true
 ORDER BY w.place
 LIMIT 100
"""


async def beside_cars(
    db: Connection, cars: Sequence[tuple[str, str | None]], article_ids: Collection[int], product_id: int
) -> list[tuple[list[Fitted], tuple[str, str, str] | None, Told]]:
    """What is known of a product beside each of at most 100 cars (vehicle, engine code), in their order.

    The fitments of some articles, category, confidence and source where the car has no such part, and what was said.
    """
    vehicles, engines = [vehicle for vehicle, _ in cars], [engine for _, engine in cars]
    rows = await db.fetch(BESIDE_CARS, vehicles, engines, list(article_ids), product_id)
    return [
        (
            [Fitted(**line) for line in row["fitted"] or ()],
            (row["category"], row["confidence"], row["source"]) if row["category"] is not None else None,
            Told(row["told_fitted"], row["told_not_fitted"]),
        )
        for row in rows
    ]


ABSENCES = """
SELECT a.category
  FROM fitment_absences AS a
  JOIN vehicles AS v ON v.id = a.vehicle_id
 WHERE v.slug = $1
 LIMIT 1000
"""


async def absences(db: Connection, vehicle: str) -> set[str]:
    """The categories of which a car has no part at all."""
    return {row["category"] for row in await db.fetch(ABSENCES, vehicle)}


# Of what kind products are, and whether anything is told of what they fit.
KINDS = """
SELECT p.id AS product_id, p.brand_id, p.article,
       array_remove(ARRAY[c.code, c.name_ru, c.name_en, u.code, u.name_ru, u.name_en], NULL) AS categories,
       EXISTS (SELECT
                 FROM cross_articles AS a
                 JOIN fitments AS f ON f.article_id = a.id
                WHERE a.article_key = p.article_key AND a.brand_id = p.brand_id) AS is_told
  FROM products AS p
  LEFT JOIN categories AS c ON c.id = p.category_id
  LEFT JOIN categories AS u ON u.id = c.parent_id
 WHERE p.id = ANY ($1::bigint[])
"""


async def kinds(db: Connection, product_ids: Collection[int]) -> list[PartKind]:
    """Of what kind some products are."""
    rows = await db.fetch(KINDS, list(product_ids))
    return [PartKind(**{**row, "categories": tuple(row["categories"])}) for row in rows]


# ------------------------------------------------------------------------------------------------ feedback
TOLD_MANY = """
SELECT f.product_id, count(*) FILTER (WHERE f.fitted) AS fitted, count(*) FILTER (WHERE NOT f.fitted) AS not_fitted
  FROM fitment_feedback AS f
  JOIN vehicles AS v ON v.id = f.vehicle_id
  LEFT JOIN vehicle_engines AS e ON e.id = f.engine_id
 WHERE f.product_id = ANY ($1::bigint[]) AND v.slug = $2 AND (e.code IS NULL OR e.code = ANY ($3::text[]))
   AND f.withdrawn_at IS NULL
 GROUP BY f.product_id
"""


async def told_many(
    db: Connection, product_ids: Collection[int], vehicle: str, engines: Collection[str]
) -> dict[int, Told]:
    """What was said of products and a car with any of some engines; where nobody said anything, it is left out."""
    rows = await db.fetch(TOLD_MANY, list(product_ids), vehicle, list(engines))
    return {row["product_id"]: Told(row["fitted"], row["not_fitted"]) for row in rows}


ADD_FEEDBACK = """
INSERT INTO fitment_feedback (product_id, vehicle_id, engine_id, fitted, origin, reference, note, actor)
SELECT $1, v.id, e.id, $4, $5, $6, $7, $8
  FROM vehicles AS v
  LEFT JOIN vehicle_engines AS e ON e.vehicle_id = v.id AND e.code = $3
 WHERE v.slug = $2
    ON CONFLICT (product_id, vehicle_id, origin, reference) WHERE reference IS NOT NULL DO NOTHING
RETURNING id
"""
SELECT_FEEDBACK = """
SELECT f.id, f.product_id, v.slug AS vehicle, e.code AS engine, f.fitted, f.origin, f.reference, f.note, f.actor,
       f.created_at
  FROM fitment_feedback AS f
  LEFT JOIN vehicles AS v ON v.id = f.vehicle_id
  LEFT JOIN vehicle_engines AS e ON e.id = f.engine_id
"""
SAME_FEEDBACK = SELECT_FEEDBACK + " WHERE f.product_id = $1 AND v.slug = $2 AND f.origin = $3 AND f.reference = $4"
FIND_FEEDBACK = SELECT_FEEDBACK + " WHERE f.id = $1"
LIST_FEEDBACK = (
    SELECT_FEEDBACK
    + """
 WHERE ($1::bigint IS NULL OR f.id < $1) AND ($2::bigint IS NULL OR f.product_id = $2)
   AND ($3::boolean IS NULL OR f.fitted = $3) AND f.withdrawn_at IS NULL
 ORDER BY f.id DESC
 LIMIT $4
"""
)


async def add_feedback(
    db: Connection, product_id: int, vehicle: str, engine: str | None, fitted: bool, origin: str,
    reference: str | None, note: str | None, actor: str,
) -> Feedback | None:  # fmt: skip
    """What somebody says; what the same order line or return said before, if it did. None: the car has no number."""
    values = (product_id, vehicle, engine, fitted, origin, reference, note, actor)
    feedback_id = await db.fetchval(ADD_FEEDBACK, *values)
    if feedback_id is not None:
        row = await db.fetchrow(FIND_FEEDBACK, feedback_id)
    else:
        row = await db.fetchrow(SAME_FEEDBACK, product_id, vehicle, origin, reference)
    return Feedback(**row) if row is not None else None


async def list_feedback(
    db: Connection, before: int | None, product_id: int | None, fitted: bool | None, limit: int
) -> list[Feedback]:
    """What was said, the newest first."""
    return [Feedback(**row) for row in await db.fetch(LIST_FEEDBACK, before, product_id, fitted, limit)]
