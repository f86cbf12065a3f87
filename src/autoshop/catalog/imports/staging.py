"""SQL on the rows of a file, in temporary tables of one connection that is closed afterwards.

What they say together, and beside what is there already. All of it is set-based: a million rows are a dozen statements.
What is new in them, and how it is written, stands in loading.py.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple

from autoshop.catalog.imports.model import Problem
from autoshop.kit.db import Connection

# The checks hash and sort all rows: memory for that, within reason. A load may take as long as it takes, but does not
# wait for somebody else's lock for ever.
PATIENCE = """
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET lock_timeout = '20s';
SET work_mem = '128MB';
SET temp_buffers = '64MB'
"""

TABLES = """
CREATE TEMP TABLE staged_rows (
    row           integer NOT NULL,
    brand_id      bigint  NOT NULL,
    article       text    NOT NULL,
    article_key   text    NOT NULL,
    article_loose text    NOT NULL,
    sku           text,
    name          text,
    category_id   bigint,
    unit          text,
    barcodes      text[],
    prices        bigint[],
    stocks        integer[]
);
CREATE TEMP TABLE staged_brands (number bigint NOT NULL, name_key text NOT NULL, name text NOT NULL, brand_id bigint);
CREATE TEMP TABLE staged_categories (number bigint NOT NULL, code text NOT NULL, name text NOT NULL, category_id bigint)
"""


PROBLEMS_TABLE = """
CREATE TEMP TABLE staged_problems (
    row         integer,
    kind        text    NOT NULL,
    column_name text    NOT NULL,
    value       text    NOT NULL,
    code        text    NOT NULL,
    detail      text    NOT NULL,
    is_cost     boolean NOT NULL
)
"""


async def open_tables(db: Connection) -> None:
    """Make the tables. The connection is the import's own."""
    await open_problems(db)
    await db.execute(TABLES)


async def open_problems(db: Connection) -> None:
    """Make the table of what is wrong alone, for files of other things; and be patient with what follows."""
    await db.execute(PATIENCE)
    await db.execute(PROBLEMS_TABLE)


# One import at a time. Asked for again and again instead of waited for: a waiting statement would hold back the
# cleaning of every table.
TAKE_TURN = "SELECT pg_try_advisory_lock(hashtext('autoshop imports'))"


async def take_turn(db: Connection) -> bool:
    """Whether it is our turn now; then until the connection is closed."""
    return bool(await db.fetchval(TAKE_TURN))


async def add_rows(db: Connection, lines: Sequence[str]) -> None:
    """Lines in COPY's text format. Each call is a transaction of its own, and a short one."""
    block = ("\n".join(lines) + "\n").encode()

    async def source() -> AsyncIterator[bytes]:
        yield block

    await db.copy_to_table("staged_rows", source=source())


async def add_problems(db: Connection, problems: Iterable[Problem]) -> None:
    await db.copy_records_to_table("staged_problems", records=problems)


async def forget_problems(db: Connection) -> None:
    """What was wrong so far: the file is read anew."""
    await db.execute("TRUNCATE staged_problems")


async def add_names(
    db: Connection, brands: Iterable[tuple[int, str, str]], categories: Iterable[tuple[int, str, str]]
) -> None:
    """Brands (number, key, name) and categories (number, code, name) that nobody knew."""
    await db.copy_records_to_table("staged_brands", records=brands, columns=["number", "name_key", "name"])
    await db.copy_records_to_table("staged_categories", records=categories, columns=["number", "code", "name"])
    await db.execute("ANALYZE staged_rows, staged_brands, staged_categories")


# ---------------------------------------------------------------------------- the rows among themselves
REPEATED = """
CREATE TEMP TABLE repeated AS
SELECT brand_id, article_key
  FROM staged_rows
 GROUP BY brand_id, article_key
HAVING count(*) > 1
"""

# `prints` are equal where all that the rows say is equal; how the article is spelt does not count.
REPEATS = """
CREATE TEMP TABLE repeats AS
SELECT row, article, first_value(row) OVER same AS first_row, rows_there,
       min(print) OVER same <> max(print) OVER same AS conflict
  FROM (SELECT r.row, r.article, r.brand_id, r.article_key,
               array_agg(r.row) OVER (PARTITION BY r.brand_id, r.article_key ORDER BY r.row
                                      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS rows_there,
               md5(ROW(r.sku, r.name, r.category_id, r.unit, r.barcodes, r.prices, r.stocks)::text) AS print
          FROM staged_rows AS r
          JOIN repeated USING (brand_id, article_key)) AS r
WINDOW same AS (PARTITION BY brand_id, article_key ORDER BY row
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
"""

TELL_REPEATS = """
INSERT INTO staged_problems
SELECT row, CASE WHEN conflict THEN 'error' ELSE 'merged' END, $1, article,
       CASE WHEN conflict THEN 'repeated' ELSE 'merged' END,
       CASE WHEN conflict THEN array_to_string((array_remove(rows_there, row))[1:5], ', ') ELSE first_row::text END,
       false
  FROM repeats
 WHERE conflict OR row <> first_row
"""

MERGE_REPEATS = """
DELETE FROM staged_rows AS r
 USING repeats AS d
 WHERE d.row = r.row AND NOT d.conflict AND d.row <> d.first_row
"""

LIST_BARCODES = """
CREATE TEMP TABLE staged_barcodes AS
SELECT row, unnest(barcodes) AS code
  FROM staged_rows
 WHERE barcodes IS NOT NULL
"""

TELL_BARCODES_REPEATED = """
INSERT INTO staged_problems
SELECT b.row, 'error', $1, b.code, 'barcode_repeated',
       (SELECT string_agg(DISTINCT o.row::text, ', ') FROM unnest(d.rows_there[1:6]) AS o (row) WHERE o.row <> b.row),
       false
  FROM (SELECT code, array_agg(row ORDER BY row) AS rows_there
          FROM staged_barcodes
         GROUP BY code
        HAVING count(*) > 1) AS d
  JOIN staged_barcodes AS b ON b.code = d.code
"""

TELL_SKUS_REPEATED = """
INSERT INTO staged_problems
SELECT r.row, 'error', $1, r.sku, 'sku_repeated',
       (SELECT string_agg(o.row::text, ', ') FROM unnest(d.rows_there[1:6]) AS o (row) WHERE o.row <> r.row), false
  FROM (SELECT sku, array_agg(row ORDER BY row) AS rows_there
          FROM staged_rows
         WHERE sku IS NOT NULL
         GROUP BY sku
        HAVING count(*) > 1) AS d
  JOIN staged_rows AS r ON r.sku = d.sku
"""


async def check_among_themselves(db: Connection, headings: dict[str, str]) -> None:
    """Products, barcodes and SKUs that come twice. Equal rows become one."""
    if _count(await db.execute(REPEATED)):
        await db.execute(REPEATS)
        await db.execute(TELL_REPEATS, headings["article"])
        await db.execute(MERGE_REPEATS)
    await db.execute(LIST_BARCODES)
    if headings["barcode"]:
        await db.execute("ANALYZE staged_barcodes")
        await db.execute(TELL_BARCODES_REPEATED, headings["barcode"])
    if headings["sku"]:
        await db.execute(TELL_SKUS_REPEATED, headings["sku"])


# ---------------------------------------------------------------------------- the rows and what is there
# A brand that somebody has made since the file was read is his brand.
RESOLVE_BRANDS = """
UPDATE staged_rows AS r
   SET brand_id = b.id
  FROM staged_brands AS s
  JOIN brands AS b ON b.name_key = s.name_key
 WHERE r.brand_id = s.number
"""

KNOWN = """
CREATE TEMP TABLE known AS
SELECT r.row, p.id AS product_id, p.version
  FROM staged_rows AS r
  JOIN products AS p ON p.article_key = r.article_key AND p.brand_id = r.brand_id
"""

TELL_NAMELESS = """
INSERT INTO staged_problems
SELECT r.row, 'error', $1, r.article, 'nameless', '', false
  FROM staged_rows AS r
 WHERE r.name IS NULL AND NOT EXISTS (SELECT FROM known AS k WHERE k.row = r.row)
"""

TELL_BARCODES_TAKEN = """
INSERT INTO staged_problems
SELECT s.row, 'error', $1, s.code, 'barcode_taken', b.product_id::text, false
  FROM staged_barcodes AS s
  JOIN barcodes AS b ON b.code = s.code
  LEFT JOIN known AS k ON k.row = s.row
 WHERE k.product_id IS DISTINCT FROM b.product_id
"""

TELL_SKUS_TAKEN = """
INSERT INTO staged_problems
SELECT r.row, 'error', $1, r.sku, 'sku_taken', p.id::text, false
  FROM staged_rows AS r
  JOIN products AS p ON p.sku = r.sku
  LEFT JOIN known AS k ON k.row = r.row
 WHERE k.product_id IS DISTINCT FROM p.id
"""

COUNT_STOCK = """
INSERT INTO counted_stock (row, product_id, store_id, quantity)
SELECT r.row, k.product_id, $1, r.stocks[$2]
  FROM staged_rows AS r
  JOIN known AS k ON k.row = r.row
 WHERE r.stocks[$2] IS NOT NULL
"""

TELL_STOCK = """
INSERT INTO staged_problems
SELECT row, CASE WHEN $3 THEN 'error' ELSE 'difference' END, $2, quantity::text,
       CASE WHEN $3 THEN 'reserved' ELSE 'stock_differs' END, CASE WHEN $3 THEN reserved ELSE now_there END::text, false
  FROM staged_stock
 WHERE store_id = $1 AND moved AND (NOT $3::boolean OR quantity < reserved)
"""

LEAVE_STOCK = "DELETE FROM staged_stock WHERE moved AND NOT $1::boolean"


async def check_against_what_is_there(db: Connection, headings: dict[str, str]) -> None:
    """Find the products there are already, and codes that belong to others."""
    await db.execute(RESOLVE_BRANDS)
    await db.execute(KNOWN)
    await db.execute("ANALYZE known")
    await db.execute(TELL_NAMELESS, headings["name"])
    if headings["barcode"]:
        await db.execute(TELL_BARCODES_TAKEN, headings["barcode"])
    if headings["sku"]:
        await db.execute(TELL_SKUS_TAKEN, headings["sku"])


async def count_stock(db: Connection, stores: Sequence[int]) -> None:
    """What the file says of the stock of known products, for the ledger to compare."""
    for number, store_id in enumerate(stores, start=1):
        await db.execute(COUNT_STOCK, store_id, number)


async def check_stock(db: Connection, headings: dict[int, str], *, set_stock: bool) -> None:
    """Places with movements whose stock is another one: told and left alone; with `set_stock`, only what cannot be."""
    for store_id, heading in headings.items():
        await db.execute(TELL_STOCK, store_id, heading, set_stock)
    await db.execute(LEAVE_STOCK, set_stock)


BAD_ROWS = "CREATE TEMP TABLE IF NOT EXISTS bad_rows (row integer PRIMARY KEY)"
LIST_BAD_ROWS = """
INSERT INTO bad_rows
SELECT DISTINCT row
  FROM staged_problems
 WHERE kind = 'error' AND row > $1
    ON CONFLICT DO NOTHING
"""
COUNT_PROBLEMS = """
SELECT (SELECT count(*) FROM bad_rows) AS bad_rows,
       count(*) FILTER (WHERE kind = 'error') AS errors,
       count(*) FILTER (WHERE kind = 'merged') AS merged,
       count(*) FILTER (WHERE kind = 'difference') AS differences
  FROM staged_problems
"""
LEAVE_OUT = """
DELETE FROM staged_rows      AS r USING bad_rows AS b WHERE b.row = r.row;
DELETE FROM known            AS r USING bad_rows AS b WHERE b.row = r.row;
DELETE FROM staged_barcodes  AS r USING bad_rows AS b WHERE b.row = r.row;
DELETE FROM staged_stock     AS r USING bad_rows AS b WHERE b.row = r.row
"""


class Found(NamedTuple):
    """How much was told of the rows: rows that have an error (the headings are none), errors, and other remarks."""

    bad_rows: int
    errors: int
    merged: int
    differences: int


async def count_problems(db: Connection, header_row: int) -> Found:
    """What was told so far; the bad rows are listed for whoever leaves them out."""
    await db.execute(BAD_ROWS)
    await db.execute(LIST_BAD_ROWS, header_row)
    row = await db.fetchrow(COUNT_PROBLEMS)
    assert row is not None
    return Found(*row)


async def leave_out_bad_rows(db: Connection) -> None:
    """Go on without the rows that have errors."""
    await db.execute(LEAVE_OUT)


# Again where a load found that something had changed: what was derived is derived anew.
FORGET = """
DROP TABLE IF EXISTS known, touched, staged_new, staged_prices, added_barcodes;
TRUNCATE staged_stock, counted_stock
"""

FORGET_CHECKS = """
DELETE FROM staged_problems
 WHERE code = ANY ($1::text[]) AND row NOT IN (SELECT row FROM bad_rows)
"""
CHECKED_AGAIN = ["nameless", "barcode_taken", "sku_taken", "reserved", "stock_differs"]


async def forget(db: Connection) -> None:
    """Before looking again: drop what was derived from what is there, and what was said of it."""
    await db.execute(FORGET)
    await db.execute(FORGET_CHECKS, CHECKED_AGAIN)


def _count(tag: Any) -> int:
    return int(str(tag).split()[-1])
