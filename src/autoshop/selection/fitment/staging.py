"""SQL on the fitments of a file, in temporary tables of one connection; and from there into the lasting ones, as sets.

What a source says is one whole: what it said before and says no more goes. Of other sources nothing is touched.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from autoshop.kit.db import Connection

# ------------------------------------------------------------------------------------------------ a file's rows
STAGE = """
CREATE TEMP TABLE staged_fitments (
    row         integer NOT NULL,
    car         integer NOT NULL,
    brand       integer NOT NULL,
    article_key text    NOT NULL,
    article     text    NOT NULL,
    category    text    NOT NULL,
    position    text    NOT NULL,
    quantity    numeric,
    years_from  smallint,
    years_to    smallint,
    qualifiers  text    NOT NULL,
    confidence  text    NOT NULL,
    source      integer NOT NULL
);
CREATE TEMP TABLE staged_fitment_cars (number integer NOT NULL, slug text NOT NULL, engine text);
CREATE TEMP TABLE staged_fitment_sources (number integer NOT NULL, code text NOT NULL);
CREATE TEMP TABLE staged_fitment_brands (number integer NOT NULL, brand_id integer NOT NULL)
"""


async def open_tables(db: Connection) -> None:
    """Make the tables. The connection is the import's own."""
    await db.execute(STAGE)


async def add_rows(db: Connection, lines: Sequence[str]) -> None:
    """Lines in COPY's text format. Each call is a transaction of its own, and a short one."""
    block = ("\n".join(lines) + "\n").encode()

    async def source() -> AsyncIterator[bytes]:
        yield block

    await db.copy_to_table("staged_fitments", source=source())


async def add_names(
    db: Connection, cars: Iterable[tuple[int, str, str | None]], sources: Iterable[tuple[int, str]]
) -> None:
    """What the numbers of cars (id and engine) and of sources stand for."""
    await db.copy_records_to_table("staged_fitment_cars", records=cars)
    await db.copy_records_to_table("staged_fitment_sources", records=sources)
    await db.execute("ANALYZE staged_fitments, staged_fitment_cars, staged_fitment_sources")


# ---------------------------------------------------------------------------- the rows among themselves
REPEATED = """
CREATE TEMP TABLE repeated_fitments AS
SELECT car, brand, article_key, position, years_from, qualifiers, source
  FROM staged_fitments
 GROUP BY car, brand, article_key, position, years_from, qualifiers, source
HAVING count(*) > 1
"""
# `conflict`: they say the same of the same, but not all of it.
FITMENT_REPEATS = """
CREATE TEMP TABLE fitment_repeats AS
SELECT s.row, s.article, rows_there, s.print <> s.first_print AS differs, s.conflict
  FROM (SELECT r.row, r.article, r.print,
               first_value(r.print) OVER same AS first_print,
               array_agg(r.row) OVER same AS rows_there,
               min(r.print) OVER same <> max(r.print) OVER same AS conflict
          FROM (SELECT f.*, md5(ROW(f.category, f.quantity, f.years_to, f.confidence)::text) AS print
                  FROM staged_fitments AS f
                  JOIN repeated_fitments AS d
                    ON d.car = f.car AND d.brand = f.brand AND d.article_key = f.article_key
                   AND d.position = f.position AND d.qualifiers = f.qualifiers AND d.source = f.source
                   AND coalesce(d.years_from, 0) = coalesce(f.years_from, 0)) AS r
        WINDOW same AS (PARTITION BY r.car, r.brand, r.article_key, r.position, r.years_from, r.qualifiers, r.source
                        ORDER BY r.row ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS s
"""
TELL_REPEATS = """
INSERT INTO staged_problems
SELECT row, CASE WHEN conflict THEN 'error' ELSE 'merged' END, $1, article,
       CASE WHEN conflict THEN 'fitment_repeated' ELSE 'merged' END,
       CASE WHEN conflict THEN array_to_string((array_remove(rows_there, row))[1:5], ', ')
            ELSE rows_there[1]::text END,
       false
  FROM fitment_repeats
 WHERE conflict OR row <> rows_there[1]
"""
MERGE_REPEATS = """
DELETE FROM staged_fitments AS f
 USING fitment_repeats AS d
 WHERE d.row = f.row AND NOT d.conflict AND d.row <> d.rows_there[1]
"""
TELL_FACTS = """
INSERT INTO staged_problems
SELECT f.row, 'error', $1, s.code, 'source_of_facts', '', false
  FROM staged_fitments AS f
  JOIN staged_fitment_sources AS s ON s.number = f.source
  JOIN fitment_sources AS k ON k.code = s.code AND k.is_facts
"""
LEAVE_OUT = "DELETE FROM staged_fitments AS f USING bad_rows AS b WHERE b.row = f.row"


async def check(db: Connection, article: str, source: str) -> None:
    """Rows that say the same twice, and sources that are not the file's to speak for. `article`, `source`: headings."""
    if int((await db.execute(REPEATED)).split()[-1]):
        await db.execute(FITMENT_REPEATS)
        await db.execute(TELL_REPEATS, article)
        await db.execute(MERGE_REPEATS)
    await db.execute(TELL_FACTS, source)


async def leave_out_bad_rows(db: Connection) -> None:
    """Go on without the rows that have errors."""
    await db.execute(LEAVE_OUT)


# ------------------------------------------------------------------------------------------------ what sources say
TOLD_FITMENTS = """
CREATE TEMP TABLE told_fitments (
    vehicle_id integer NOT NULL,
    engine_id  integer,
    article_id integer NOT NULL,
    category   text    NOT NULL,
    position   text    NOT NULL,
    quantity   numeric,
    years_from smallint,
    years_to   smallint,
    qualifiers text    NOT NULL,
    confidence text    NOT NULL,
    source_id  integer NOT NULL
) ON COMMIT DROP
"""
NEEDED_ARTICLES = """
CREATE TEMP TABLE named_articles ON COMMIT DROP AS
SELECT coalesce(b.brand_id, f.brand) AS brand_id, f.article_key, min(f.article) AS article
  FROM staged_fitments AS f
  LEFT JOIN staged_fitment_brands AS b ON b.number = f.brand
 GROUP BY coalesce(b.brand_id, f.brand), f.article_key
"""
TELL_ROWS = """
INSERT INTO told_fitments
SELECT DISTINCT ON (v.id, a.id, s.id, e.id, f.position, f.years_from, f.qualifiers)
       v.id, e.id, a.id, f.category, f.position, f.quantity, f.years_from, f.years_to, f.qualifiers, f.confidence,
       s.id
  FROM staged_fitments AS f
  JOIN staged_fitment_cars AS c ON c.number = f.car
  JOIN vehicles AS v ON v.slug = c.slug
  LEFT JOIN vehicle_engines AS e ON e.vehicle_id = v.id AND e.code = c.engine
  JOIN staged_fitment_sources AS n ON n.number = f.source
  JOIN fitment_sources AS s ON s.code = n.code
  LEFT JOIN staged_fitment_brands AS b ON b.number = f.brand
  JOIN cross_articles AS a ON a.article_key = f.article_key AND a.brand_id = coalesce(b.brand_id, f.brand)
 ORDER BY v.id, a.id, s.id, e.id, f.position, f.years_from, f.qualifiers, f.row
"""
SAME = """t.vehicle_id = n.vehicle_id AND t.article_id = n.article_id AND t.source_id = n.source_id
   AND t.position = n.position AND t.qualifiers = n.qualifiers
   AND coalesce(t.engine_id, 0) = coalesce(n.engine_id, 0)
   AND coalesce(t.years_from, 0) = coalesce(n.years_from, 0)"""
FORGET = f"""
DELETE FROM fitments AS t
 WHERE t.source_id IN (SELECT source_id FROM told_fitments)
   AND NOT EXISTS (SELECT FROM told_fitments AS n WHERE {SAME})
"""
CHANGE = f"""
UPDATE fitments AS t
   SET category = n.category, quantity = n.quantity, years_to = n.years_to, confidence = n.confidence
  FROM told_fitments AS n
 WHERE {SAME}
   AND (t.category, t.quantity, t.years_to, t.confidence)
       IS DISTINCT FROM (n.category, n.quantity, n.years_to, n.confidence)
"""
ADD = f"""
INSERT INTO fitments (vehicle_id, engine_id, article_id, category, position, quantity, years_from, years_to, qualifiers,
                      confidence, basis, source_id)
SELECT n.vehicle_id, n.engine_id, n.article_id, n.category, n.position, n.quantity, n.years_from, n.years_to,
       n.qualifiers, n.confidence, 'read', n.source_id
  FROM told_fitments AS n
 WHERE NOT EXISTS (SELECT FROM fitments AS t WHERE {SAME})
 ORDER BY n.vehicle_id, n.article_id
"""


@dataclass(frozen=True, slots=True)
class Replaced:
    """What is new, is told otherwise, and is told no more."""

    new: int
    changed: int
    gone: int


async def name_articles(db: Connection, brands: Iterable[tuple[int, int]]) -> None:
    """The table `named_articles` of all that the rows name, for who owns them. `brands`: number below zero → id."""
    await db.copy_records_to_table("staged_fitment_brands", records=brands)
    await db.execute(NEEDED_ARTICLES)


async def replace(db: Connection) -> Replaced:
    """What the sources of the file say is what stands in its rows. Cars, sources and articles have their numbers."""
    await db.execute(TOLD_FITMENTS)
    await db.execute(TELL_ROWS)
    await db.execute("ANALYZE told_fitments")
    gone = await db.execute(FORGET)
    changed = await db.execute(CHANGE)
    new = await db.execute(ADD)
    return Replaced(*(int(status.split()[-1]) for status in (new, changed, gone)))
