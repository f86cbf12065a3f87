"""Rows of the demo shop, as the tables want them: columns beside the function that fills them."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from autoshop.demo.catalogue import Catalogue, Product, stores
from autoshop.demo.history import SUPPLIERS
from autoshop.demo.ledger import SYSTEM, Ledger
from autoshop.demo.seasons import Period
from autoshop.inventory.stores.model import OWNERS_RULE, Calendar, parse_week

Row = tuple[Any, ...]

PRICE_RISE = 1.07  # half-way through the history, for most of the real products


class Stores:
    """The two stores of the file, and as many more like them as are asked for."""

    def __init__(self, count: int) -> None:
        self.rows = stores()
        for number in range(len(self.rows) + 1, count + 1):
            pattern = self.rows[number % 2]
            self.rows.append(
                {
                    **pattern,
                    "id": number,
                    "code": f"demo{number:03}",
                    "name": f"Демо-магазин {number}",
                    "address": f"Демо-город {number}",
                    "share": (0.4, 0.5, 0.6, 0.8)[number % 4],
                }
            )

    @property
    def shares(self) -> dict[int, float]:
        return {row["id"]: row["share"] for row in self.rows}

    @property
    def calendars(self) -> dict[int, Calendar]:
        return {
            row["id"]: Calendar(row["time_zone"], parse_week(json.dumps(row["opening_hours"]))) for row in self.rows
        }

    COLUMNS = ("id", "code", "name", "address", "time_zone", "opening_hours")

    def stores(self) -> Iterator[Row]:
        for row in self.rows:
            yield *(row[name] for name in self.COLUMNS[:-1]), json.dumps(row["opening_hours"])

    ROUTE_COLUMNS = ("from_store_id", "to_store_id", "cutoff", "days", "arrival", "weekdays")

    def routes(self) -> Iterator[Row]:
        """From the first store to each other one and back: the owner's rule."""
        rule = (OWNERS_RULE.cutoff, OWNERS_RULE.days, OWNERS_RULE.arrival, sorted(OWNERS_RULE.weekdays))
        for row in self.rows[1:]:
            yield 1, row["id"], *rule
            yield row["id"], 1, *rule


BRAND_COLUMNS = ("id", "name", "name_key", "country")
ALIAS_COLUMNS = ("alias_key", "alias", "brand_id")
CATEGORY_COLUMNS = ("id", "code", "name_ru", "name_en", "parent_id")


def brands(catalogue: Catalogue) -> Iterator[Row]:
    return ((brand.id, brand.name, brand.name_key, brand.country) for brand in catalogue.brands)


def aliases(catalogue: Catalogue) -> Iterator[Row]:
    return ((key, alias, brand.id) for brand in catalogue.brands for key, alias in brand.aliases)


def categories(catalogue: Catalogue) -> Iterator[Row]:
    return ((c.id, c.code, c.name_ru, c.name_en, c.parent_id) for c in catalogue.categories)


PRODUCT_COLUMNS = (
    "id", "brand_id", "article", "article_key", "article_loose", "sku", "name", "category_id", "unit", "attributes",
    "created_at", "updated_at",
)  # fmt: skip


def products(batch: Iterable[Product], since: datetime) -> Iterator[Row]:
    """As PRODUCT_COLUMNS; all of them have been there since the history began."""
    return (
        (
            p.id, p.brand_id, p.article, p.article_key, p.article_loose, f"AS-{p.id:06}", p.name, p.category_id, p.unit,
            p.attributes, since, since,
        )
        for p in batch
    )  # fmt: skip


def barcodes(batch: Iterable[Product]) -> Iterator[Row]:
    return ((p.barcode, p.id) for p in batch)


PRICE_COLUMNS = ("product_id", "price_type", "valid_from", "price_kopecks", "actor")


def prices(batch: Iterable[Product], period: Period, real: int) -> Iterator[Row]:
    """Today's prices; most real products were cheaper once."""
    since, raised = period.midnight(0), period.midnight(period.days // 2) + timedelta(hours=7)
    for p in batch:
        now = (("retail", p.retail_kopecks), ("wholesale", p.wholesale_kopecks), ("cost", p.cost_kopecks))
        cheaper_once = p.id <= real and p.id % 4 != 0
        for price_type, kopecks in now:
            if cheaper_once:
                yield p.id, price_type, since, round(kopecks / PRICE_RISE / 100) * 100, SYSTEM
            yield p.id, price_type, raised if cheaper_once else since, kopecks, SYSTEM


LEAD_TIME_COLUMNS = ("product_id", "days", "source", "updated_at")


def lead_times(batch: Iterable[Product], since: datetime) -> Iterator[Row]:
    """As LEAD_TIME_COLUMNS; what no supplier has is left out."""
    return (
        (p.id, p.lead_days, f"Демо-поставщик {p.brand_id % SUPPLIERS + 1}", since)
        for p in batch
        if p.lead_days is not None
    )


INVENTORY_COLUMNS = ("product_id", "store_id", "quantity", "updated_at")


def inventory(ledger: Ledger) -> Iterator[Row]:
    """As INVENTORY_COLUMNS, where all movements have led; so it comes after them."""
    since = ledger.period.midnight(0)
    tape = ledger.tape
    for product, store, quantity, second in zip(
        tape.products, tape.stores, ledger.quantities, ledger.touched, strict=True
    ):
        yield product, store, quantity, since + timedelta(seconds=second)


TRANSFER_COLUMNS = (
    "id", "from_store_id", "to_store_id", "status", "related_document", "actor", "created_at", "shipped_at", "eta_at",
    "due_at", "closed_at",
)  # fmt: skip
TRANSFER_LINE_COLUMNS = ("transfer_id", "product_id", "to_store_id", "requested", "shipped", "received")


def transfers(ledger: Ledger) -> Iterator[Row]:
    """As TRANSFER_COLUMNS."""
    return (
        (
            t.id, t.from_store_id, t.to_store_id, "received" if t.closed_at else "in_transit", t.document, t.actor,
            t.shipped_at, t.shipped_at, t.eta_at, None if t.closed_at else t.eta_at, t.closed_at,
        )
        for t in ledger.transfers.values()
    )  # fmt: skip


def transfer_lines(ledger: Ledger) -> Iterator[Row]:
    """As TRANSFER_LINE_COLUMNS; what came, came whole."""
    return (
        (t.id, product, t.to_store_id, pieces, pieces, pieces if t.closed_at else 0)
        for t in ledger.transfers.values()
        for product, pieces in t.lines
    )
