"""The catalogue of the demo shop: files in data/demo, and as many variations of them as a benchmark wants."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from statistics import NormalDist
from typing import Any

from autoshop.kit.text import article_key, article_loose, name_key

FOLDER = files("autoshop") / "data" / "demo"

# The first products of the file are promised to be in these places; see the README of the folder.
ON_HAND, ON_THE_WAY, ONLY_IN_SECOND, BACKORDER, NOWHERE = range(1, 6)
CAST = 5

SYNTHETIC_BRANDS = 200
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPREAD = [math.exp(NormalDist(-0.32, 0.8).inv_cdf((i + 0.5) / 1024)) for i in range(1024)]  # mean 1, long tail
_SALES_A_YEAR = 1.9  # of a synthetic product in a store of share 1: about ten movements in eighteen months


@dataclass(frozen=True, slots=True)
class Brand:
    id: int
    name: str
    name_key: str
    country: str | None
    aliases: tuple[tuple[str, str], ...] = ()  # (key, alias)


@dataclass(frozen=True, slots=True)
class Category:
    id: int
    code: str
    name_ru: str
    name_en: str
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class Demand:
    """How a category sells: by month (mean 1), how many at once, how many sales in a hundred come back."""

    months: tuple[float, ...]
    sizes: tuple[int, ...]  # a hundred equally likely sales
    pack: int  # what most buyers take at once
    mean_size: float
    returns_percent: int


@dataclass(frozen=True, slots=True)
class Product:
    """`lead_days` None: nobody knows who delivers it."""

    id: int
    brand_id: int
    article: str
    article_key: str
    article_loose: str
    category: str
    category_id: int
    name: str
    unit: str
    barcode: str
    retail_kopecks: int
    wholesale_kopecks: int
    cost_kopecks: int
    sales_a_year: float
    lead_days: int | None
    attributes: str  # JSON


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the demo shop sells, and how well: real products first, as many made-up ones as are wished for."""

    brands: tuple[Brand, ...]
    categories: tuple[Category, ...]
    demand: dict[str, Demand]
    real: tuple[Product, ...]
    count: int  # products in all

    def products(self) -> Iterator[Product]:
        """The real ones first, then variations of them."""
        yield from self.real[: self.count]
        for number in range(len(self.real) + 1, self.count + 1):
            yield self.variation(number)

    def product(self, number: int) -> Product:
        return self.real[number - 1] if number <= len(self.real) else self.variation(number)

    def variation(self, number: int) -> Product:
        """A made-up product, and to be seen as such: brand «Demo 017», article with a running number.

        A pure function of the number: 1 000 000 of them need no memory.
        """
        template = self.real[CAST + (number - len(self.real) - 1) % (len(self.real) - CAST)]
        dice = _dice(number)
        brand_id = len(self.brands) - SYNTHETIC_BRANDS + 1 + dice % SYNTHETIC_BRANDS
        factor = 0.7 + (dice >> 16 & 1023) / 1400
        return Product(
            id=number,
            brand_id=brand_id,
            article=f"{template.article}-D{number}",
            article_key=f"{template.article_key.rstrip('+')}D{number}",
            article_loose=f"{template.article_loose}D{number}",
            category=template.category,
            category_id=template.category_id,
            name=f"{self.categories[template.category_id - 1].name_ru} {self.brands[brand_id - 1].name} "
            f"{template.article}-D{number}",
            unit=template.unit,
            barcode=ean13(29, number),
            retail_kopecks=_round(template.retail_kopecks * factor),
            wholesale_kopecks=_round(template.wholesale_kopecks * factor),
            cost_kopecks=_round(template.cost_kopecks * factor),
            sales_a_year=_SALES_A_YEAR * _SPREAD[dice >> 32 & 1023],
            lead_days=1 + (dice >> 46 & 15) if dice >> 42 & 7 < 5 else None,
            attributes=template.attributes,
        )


def catalogue(count: int | None = None) -> Catalogue:
    """The demo catalogue with `count` products; None: the real ones, as they are in the files."""
    real = real_products()
    count = len(real) if count is None else count
    brands = _brands()
    if count > len(real):
        brands += tuple(
            Brand(len(brands) + n, f"Demo {n:03}", name_key(f"Demo {n:03}"), None)
            for n in range(1, SYNTHETIC_BRANDS + 1)
        )
    return Catalogue(brands, _categories(), _demand(), real, count)


def ean13(prefix: int, number: int) -> str:
    """A barcode of GS1's range for use inside a shop (20 to 29), with its check digit."""
    body = f"{prefix:02}{number:010}"
    total = sum(map(int, body[0::2])) + 3 * sum(map(int, body[1::2]))
    return f"{body}{-total % 10}"


def stores() -> list[dict[str, Any]]:
    """The stores of the demo shop, as in the file."""
    return list(_json("stores.json"))


@lru_cache(maxsize=1)
def real_products() -> tuple[Product, ...]:
    """The products of products.csv."""
    brand_ids = {brand.name: brand.id for brand in _brands()}
    category_ids = {category.code: category.id for category in _categories()}
    return tuple(
        Product(
            id=number,
            brand_id=brand_ids[row["brand"]],
            article=row["article"],
            article_key=article_key(row["article"]),
            article_loose=article_loose(row["article"]),
            category=row["category"],
            category_id=category_ids[row["category"]],
            name=row["name"],
            unit=row["unit"],
            barcode=row["barcode"],
            retail_kopecks=int(row["retail_kopecks"]),
            wholesale_kopecks=int(row["wholesale_kopecks"]),
            cost_kopecks=int(row["cost_kopecks"]),
            sales_a_year=float(row["sales_a_year"]),
            lead_days=int(row["lead_days"]) if row["lead_days"] else None,
            attributes=row["specs"] or "{}",
        )
        for number, row in enumerate(_rows("products.csv"), start=1)
    )


@lru_cache(maxsize=1)
def _brands() -> tuple[Brand, ...]:
    return tuple(
        Brand(
            number, row["name"], name_key(row["name"]), row["country"],
            tuple((name_key(alias), alias) for alias in row["aliases"]),
        )
        for number, row in enumerate(_json("brands.json"), start=1)
    )  # fmt: skip


@lru_cache(maxsize=1)
def _categories() -> tuple[Category, ...]:
    rows = _json("categories.json")
    ids = {row["code"]: number for number, row in enumerate(rows, start=1)}
    return tuple(Category(ids[row["code"]], row["code"], row["ru"], row["en"], ids.get(row["parent"])) for row in rows)


@lru_cache(maxsize=1)
def _demand() -> dict[str, Demand]:
    return {row["category"]: _demand_from(row) for row in _rows("demand.csv")}


def _demand_from(row: dict[str, str]) -> Demand:
    months = [float(row[month]) for month in MONTHS]
    sizes: list[int] = []
    for part in row["pieces_a_sale"].split():
        pieces, _, share = part.partition(":")
        sizes += [int(pieces)] * int(share)
    mean = sum(months) / 12
    return Demand(
        months=tuple(month / mean for month in months),
        sizes=tuple(sizes),
        pack=max(sizes, key=sizes.count),
        mean_size=sum(sizes) / len(sizes),
        returns_percent=int(row["returns_percent"]),
    )


def _json(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((FOLDER / name).read_text(encoding="utf-8").splitlines()))


def _round(kopecks: float) -> int:
    return max(100, round(kopecks / 1000) * 1000)


def _dice(number: int) -> int:
    """64 well-mixed bits from a number (splitmix64)."""
    z = number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    z = (z ^ z >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return z ^ z >> 31
