"""Every statement of the search walks an index, over a catalogue that is large enough for PostgreSQL to care."""

import re

import psycopg
import pytest

from autoshop.catalog.search import store as search
from autoshop.catalog.search.articles import store as articles
from autoshop.catalog.search.names import store as names
from autoshop.catalog.search.names.jobs import catch_up
from autoshop.inventory.availability import store as availability
from autoshop.kit.db import open_pool
from tests.conftest import Database

pytestmark = pytest.mark.anyio

FILL = """
INSERT INTO products (brand_id, article, article_key, article_loose, sku, name)
SELECT n % 5 + 1, 'K-' || n, 'K' || n, 'K' || n, 'K-' || n,
       'Прокладка ' || translate(substr(md5(n::text), 1, 9), '0123456789', 'ghijklmnop')
  FROM generate_series(1, 20000) AS n;
INSERT INTO barcodes (code, product_id) SELECT 'B' || id, id FROM products;
INSERT INTO prices (product_id, price_type, price_kopecks, actor) SELECT id, 'retail', 100, 'x' FROM products;
INSERT INTO inventory (product_id, store_id, quantity) SELECT id, 1, 1 FROM products;
INSERT INTO lead_times (product_id, days, source) SELECT id, 1, 'x' FROM products ON CONFLICT DO NOTHING;
"""
LARGE = r"Seq Scan on (products|barcodes|prices|inventory|lead_times|search_documents|search_words)\b"

STATEMENTS = {
    "articles by key": articles.BY_KEYS,
    "articles by code": articles.BY_CODES,
    "articles by their beginning": articles.BEGINNING,
    "articles of a brand": articles.OF_BRAND,
    "articles by their end": articles.ENDING,
    "articles two typos away": articles.NEAR,
    "words that are known": names.LOOK,
    "words by their beginning": names.BEGINNING,
    "words among many": names.AMONG,
    "words two typos away": names.NEAR,
    "products by words": names.FIND,
    "products of categories": names.OF_CATEGORIES,
    "products to index": names.INDEX,
    "products to forget": names.FORGET,
    "what is shown": search.SHOW,
    "stock of a list": availability.OF_MANY,
}


@pytest.fixture(scope="module")
async def large(untouched_database: Database) -> Database:
    """Twenty thousand products more, indexed, and counted by the statistics."""
    pool = await open_pool(untouched_database.settings(), name="test")
    async with pool.acquire() as db:
        await db.execute(FILL)
    await catch_up(pool)
    await pool.close()
    with psycopg.connect(untouched_database.super_url, autocommit=True) as owner:
        owner.execute("VACUUM (ANALYZE)")
    return untouched_database


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_of_the_search_walks_an_index(large: Database, name: str) -> None:
    with psycopg.connect(large.url) as db:
        lines = [row[0] for row in db.execute(f"EXPLAIN (GENERIC_PLAN) {STATEMENTS[name]}".encode())]
    plan = "\n".join(lines)
    assert re.search(LARGE, plan) is None, plan
    assert "Index" in plan, plan
