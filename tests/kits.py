"""A shop that sells what the facts know for a Vesta; and, where that is enough, one filter that fits it."""

from autoshop.kit.db import Pool, transaction
from autoshop.selection.crosses import service as crosses
from tests.cast import AIR_FILTER, CENTRE, NORTH
from tests.db.test_fitment import loaded, sell
from tests.ledger import MANAGER, post, request

VESTA = "lada/vesta/i"
FILTER_KOPECKS = 520_00
# name: brand, article, what it is called, retail kopecks, pieces in the centre, in the north
SOLD = {
    "cheap filter": ("Lada", "21080-1012005-08", "Фильтр масляный", 290_00, 5, 0),
    "filter": ("MAHLE", "OC 384", "Фильтр масляный", 410_00, 0, 3),
    "dear filter": ("MANN-FILTER", "W 914/2", "Фильтр масляный", 520_00, 0, 0),  # of the cast; 0: see `shop`
    "oil": ("Lukoil", "207465", "Масло моторное Genesis 5W-40, 4 л", 2040_00, 3, 0),
    "bottle": ("Lukoil", "207464", "Масло моторное Genesis 5W-40, 1 л", 590_00, 3, 3),
    "dear oil": ("Shell", "550040755", "Масло моторное Helix Ultra 5W-40, 4 л", 3340_00, 0, 9),
    "cabin filter": ("MAHLE", "LAK 888", "Фильтр салонный", 740_00, 1, 1),
    "air filter": ("Lada", "8450033130", "Фильтр воздушный", 510_00, 2, 0),
    "plug": ("NGK", "BCPR6ES-11", "Свеча зажигания", 310_00, 3, 9),
    "coil": ("Bosch", "0 221 504 473", "Катушка зажигания", 2540_00, 0, 0),
}


async def shop(pool: Pool) -> dict[str, int]:
    """The products by what they are called above."""
    await loaded(pool)
    products = {}
    for called, (brand, article, name, price, centre, north) in SOLD.items():
        found = await pool.fetchval(
            "SELECT p.id FROM products AS p JOIN brands AS b ON b.id = p.brand_id WHERE b.name = $1 AND p.article = $2",
            *(brand, article),
        )
        product = products[called] = found or await sell(pool, brand, article)
        await pool.execute("UPDATE products SET name = $2 WHERE id = $1", product, name)
        await pool.execute(
            "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, 'retail', $2, 'test')",
            *(product, price),
        )
        lines = [(centre, CENTRE), (north, NORTH)]
        await post(pool, *(request("inbound", pieces, product, store) for pieces, store in lines if pieces))
    async with transaction(pool) as db:
        canister, bottle = (SOLD[name][:2] for name in ("oil", "bottle"))
        await crosses.link(db, MANAGER, canister, bottle, "spec_equal", "high")
    await pool.execute("INSERT INTO lead_times (product_id, days, source) VALUES ($1, 3, 'test')", products["coil"])
    return products


async def fit_a_filter(pool: Pool) -> None:
    """Without any facts: the filter of the cast fits the Vesta, and has a price."""
    await pool.execute(
        "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, 'retail', $2, 'test')",
        *(AIR_FILTER, FILTER_KOPECKS),
    )
    await pool.execute(
        """
        WITH article AS (
            INSERT INTO cross_articles (brand_id, article_key, article)
            SELECT brand_id, article_key, article FROM products WHERE id = $1
            RETURNING id
        ), vehicle AS (
            INSERT INTO vehicles (slug) VALUES ($2) RETURNING id
        ), source AS (
            INSERT INTO fitment_sources (code, is_facts) VALUES ('file', false) RETURNING id
        )
        INSERT INTO fitments (vehicle_id, article_id, category, quantity, confidence, basis, source_id)
        SELECT v.id, a.id, 'air_filter', 1, 'high', 'read', s.id
          FROM article AS a, vehicle AS v, source AS s
        """,
        *(AIR_FILTER, VESTA),
    )
