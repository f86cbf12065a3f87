"""The cast of the tests: few, named, easy to remember. Stock starts at nothing unless a test puts it there."""

from typing import Final

import psycopg

from autoshop.kit.text import article_key, article_loose, name_key

# Two stores in one city: the centre keeps shop hours, the north never closes.
CENTRE: Final = 1
NORTH: Final = 2
CENTRE_CODE: Final = "centre"
NORTH_CODE: Final = "north"

# Six products a reader can remember.
PLUG: Final = 1  # NGK BPR6ES-11: the one that sells
OIL_FILTER: Final = 2  # MANN-FILTER W 914/2
AIR_FILTER: Final = 3  # MANN-FILTER C 2585
BRAKE_PADS: Final = 4  # TRW GDB3331
WIPER: Final = 5  # Bosch AR 19 U
BULB: Final = 6  # Osram 64210: nobody has it, the supplier needs three days
UNKNOWN: Final = 999_999

PRODUCTS = [
    (PLUG, "NGK", "BPR6ES-11", "Свеча зажигания NGK BPR6ES-11"),
    (OIL_FILTER, "MANN-FILTER", "W 914/2", "Фильтр масляный MANN-FILTER W 914/2"),
    (AIR_FILTER, "MANN-FILTER", "C 2585", "Фильтр воздушный MANN-FILTER C 2585"),
    (BRAKE_PADS, "TRW", "GDB3331", "Колодки тормозные TRW GDB3331"),
    (WIPER, "Bosch", "AR 19 U", "Щётка стеклоочистителя Bosch AR 19 U"),
    (BULB, "Osram", "64210", "Лампа H7 Osram 64210"),
]
WEEK = '{"mon": ["09:00", "20:00"], "tue": ["09:00", "20:00"], "wed": ["09:00", "20:00"], "thu": ["09:00", "20:00"], "fri": ["09:00", "20:00"], "sat": ["10:00", "18:00"]}'  # noqa: E501


def bring_in(db: psycopg.Connection) -> None:
    """Put stores, brands and products into an empty, migrated database."""
    db.execute(
        "INSERT INTO stores (id, code, name, opening_hours) VALUES (%s, %s, 'Центр', %s), (%s, %s, 'Север', '{}')",
        (CENTRE, CENTRE_CODE, WEEK, NORTH, NORTH_CODE),
    )
    brands = {name: number for number, name in enumerate(dict.fromkeys(brand for _, brand, _, _ in PRODUCTS), 1)}
    for name, number in brands.items():
        db.execute("INSERT INTO brands (id, name, name_key) VALUES (%s, %s, %s)", (number, name, name_key(name)))
    for product_id, brand, article, name in PRODUCTS:
        db.execute(
            "INSERT INTO products (id, brand_id, article, article_key, article_loose, sku, name)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                product_id,
                brands[brand],
                article,
                article_key(article),
                article_loose(article),
                f"SKU-{product_id}",
                name,
            ),
        )
    db.execute("INSERT INTO lead_times (product_id, days, source) VALUES (%s, 3, 'cast')", (BULB,))
    for table in ("stores", "brands", "products"):
        db.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
