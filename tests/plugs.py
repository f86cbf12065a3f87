"""Plugs on the shelves of the tests: products of several brands that stand for each other, and some that do not."""

from autoshop.kit.db import Pool
from autoshop.kit.text import article_key, article_loose, name_key

OST = "Россия (ОСТ)"
# brand, article, price in kopecks
PLUGS = [
    ("NGK", "BPR6ES", 30_000),
    (OST, "А17ДВРМ", 15_000),
    (OST, "АУ17ДВРМ", 16_000),
    ("Bosch", "WR7DC", 30_000),
    ("Bosch", "WR7DC+", 31_000),
    ("Bosch", "WR7DCX", 35_000),
    ("Brisk", "LR15YC-1", 19_000),
    ("Denso", "W20EPR-U11", 29_000),
    ("Denso", "W20EXR-S", 25_000),  # in no table
    ("NGK", "BCPR6ES-11", 31_000),
    ("NGK", "BPR6HS", 26_000),
    ("Bosch", "W7DC", 27_000),
]


async def bring_in_plugs(pool: Pool) -> dict[str, int]:
    """Products by article, with a price; nothing of them is in stock."""
    ids = {}
    for brand, article, price in PLUGS:
        brand_id = await pool.fetchval(
            "INSERT INTO brands (name, name_key) VALUES ($1, $2)"
            " ON CONFLICT (name_key) DO UPDATE SET name = excluded.name RETURNING id",
            brand,
            name_key(brand),
        )
        ids[article] = await pool.fetchval(
            "INSERT INTO products (brand_id, article, article_key, article_loose, name) VALUES ($1, $2, $3, $4, $5)"
            " RETURNING id",
            brand_id,
            article,
            article_key(article),
            article_loose(article),
            f"Свеча {brand} {article}",
        )
        await pool.execute(
            "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, 'retail', $2, 'test')",
            ids[article],
            price,
        )
    return ids
