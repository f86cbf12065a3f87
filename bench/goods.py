"""A large catalogue as a shop may have it: articles in the shapes of real ones, names of a few thousand words."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from autoshop.demo.catalogue import SYNTHETIC_BRANDS, Product, catalogue
from autoshop.kit.text import article_key, article_loose
from bench.stage import OPEN, barcode

_MAKES = """
Lada Vesta;Lada Granta;Lada Priora;Lada Niva;Hyundai Solaris;Kia Rio;Renault Logan;Renault Duster;Skoda Octavia;
Skoda Rapid;VW Polo;VW Passat;Toyota Camry;Toyota Corolla;Nissan Qashqai;Nissan Almera;Ford Focus;Ford Mondeo;
Chevrolet Cruze;Chevrolet Lacetti;Opel Astra;Mazda 6;Mitsubishi Lancer;Honda Civic;Geely Coolray;Chery Tiggo;
Haval Jolion;УАЗ Патриот;ГАЗель Next;BMW E90
"""
MAKES = [make.strip() for make in _MAKES.split(";")]
WHERE = ("передний", "задний", "левый", "правый", "верхний", "нижний", "усиленный", "с прокладкой", "без датчика", "")
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"

STORES = f"""
INSERT INTO stores (id, code, name, opening_hours)
VALUES (1, 'centre', 'Центр', {OPEN}::jsonb), (2, 'north', 'Север', {OPEN}::jsonb)
"""
STAGED = """
CREATE TEMP TABLE goods (id bigint, brand_id bigint, article text, article_key text, article_loose text, name text,
                         category_id bigint, barcode text, kopecks bigint)
"""
ADD = """
INSERT INTO products (id, brand_id, article, article_key, article_loose, name, category_id)
SELECT id, brand_id, article, article_key, article_loose, name, category_id
  FROM goods
 ORDER BY article_key
    ON CONFLICT DO NOTHING;

INSERT INTO barcodes (code, product_id)
SELECT g.barcode, g.id FROM goods AS g JOIN products AS p ON p.id = g.id ORDER BY g.barcode;

INSERT INTO prices (product_id, price_type, price_kopecks, actor)
SELECT g.id, 'retail', g.kopecks, 'system:bench' FROM goods AS g JOIN products AS p ON p.id = g.id ORDER BY g.id;

INSERT INTO inventory (product_id, store_id, quantity)
SELECT g.id, s, g.id % 7
  FROM goods AS g
  JOIN products AS p ON p.id = g.id
 CROSS JOIN generate_series(1, 2) AS s
 WHERE (g.id + s) % 3 > 0
 ORDER BY g.id, s;

INSERT INTO lead_times (product_id, days, source)
SELECT g.id, g.id % 9 + 1, 'bench' FROM goods AS g JOIN products AS p ON p.id = g.id WHERE g.id % 2 = 0 ORDER BY g.id;
"""


@dataclass(frozen=True, slots=True)
class Good:
    """A product that is there."""

    id: int
    brand_id: int
    brand: str
    article: str
    category: str


def open_shop(db: psycopg.Connection) -> None:
    """Stores, brands with their aliases, categories."""
    made = catalogue(len(catalogue().real) + 1)
    db.execute(STORES.encode())
    with db.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO brands (id, name, name_key) VALUES (%s, %s, %s)",
            [(one.id, one.name, one.name_key) for one in made.brands],
        )
        cursor.executemany(
            "INSERT INTO brand_aliases (alias_key, alias, brand_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(key, alias, one.id) for one in made.brands for key, alias in one.aliases],
        )
        cursor.executemany(
            "INSERT INTO categories (id, code, name_ru, name_en, parent_id) VALUES (%s, %s, %s, %s, %s)",
            [(one.id, one.code, one.name_ru, one.name_en, one.parent_id) for one in made.categories],
        )
    for table in ("brands", "categories"):
        db.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}".encode())
    db.commit()


def add_goods(db: psycopg.Connection, first: int, last: int) -> None:
    """Products of these ids; an article that its brand has already is left out."""
    db.execute(STAGED.encode())
    with db.cursor().copy("COPY goods FROM STDIN") as copy:
        for row in _rows(first, last):
            copy.write_row(row)
    db.execute("ANALYZE goods")
    db.execute(ADD.encode())
    db.execute("DROP TABLE goods")
    db.commit()


def _rows(first: int, last: int) -> Iterator[tuple[object, ...]]:
    made = catalogue(len(catalogue().real) + 1)
    names = {one.id: one.name_ru for one in made.categories}
    real_brands = len(made.brands) - SYNTHETIC_BRANDS
    some = random.Random(first)
    for number in range(first, last + 1):
        is_real = number <= len(made.real)  # what the facts know of cars and analogs
        like = made.real[number - 1 if is_real else number % len(made.real)]
        is_known = is_real or some.random() < 0.3
        brand = made.brands[like.brand_id - 1 if is_known else some.randrange(real_brands, len(made.brands))]
        article = like.article if is_real else _article(like, some)
        key = article_key(article)
        name = f"{names[like.category_id]} {brand.name} {article} {some.choice(WHERE)} {some.choice(MAKES)}"
        yield (
            number, brand.id, article, key, article_loose(article), " ".join(name.split()), like.category_id,
            barcode(number), some.randrange(5_000, 3_000_000),
        )  # fmt: skip


def _article(like: Product, some: random.Random) -> str:
    """Other digits in the places of digits, and as many more as make a million different ones."""
    shape = "".join(some.choice("0123456789") if c.isdigit() else c for c in like.article)
    digits = sum(c.isdigit() for c in shape)
    return shape + "".join(some.choice("0123456789" + LETTERS) for _ in range(max(0, 6 - digits)))


def some_goods(db: psycopg.Connection, count: int) -> list[Good]:
    """Some of the products, the same each time."""
    rows = db.execute(
        "SELECT p.id, p.brand_id, b.name, p.article, c.name_ru FROM products AS p JOIN brands AS b ON b.id = p.brand_id"
        " JOIN categories AS c ON c.id = p.category_id WHERE p.id %% 977 = 5 AND length(p.article_key) BETWEEN 7 AND 16"
        " ORDER BY p.id LIMIT %s",
        (count,),
    )
    return [Good(*row) for row in rows]
