"""Load the demo shop into an empty database: one transaction, streamed by COPY, as the application's own role."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

import asyncpg

from autoshop.demo import tables
from autoshop.demo.catalogue import Product
from autoshop.demo.finale import finale
from autoshop.demo.generate import Generator, Wish
from autoshop.demo.ledger import MOVEMENT_COLUMNS, Ledger
from autoshop.demo.seasons import Period
from autoshop.kit.db import Connection
from autoshop.kit.errors import Conflict

Progress = Callable[[str, int, int], None]  # what, done, of how many

PRODUCTS_AT_ONCE = 5_000
MOVEMENTS_AT_ONCE = 100_000  # the server remembers each row of a COPY until its end, to check foreign keys


class NotEmpty(Conflict):
    title = "The database is not empty"

    def explain(self) -> str:
        return (
            f"There are {', '.join(self.facts['tables'])} already: the demo shop loads into an empty database only. "
            "On your own machine `bin/dev --fresh` begins anew; on a server name another, empty database in "
            "AUTOSHOP_DATABASE_URL, and `autoshop migrate` it first."
        )


@dataclass(frozen=True)
class Loaded:
    """What is in the database now."""

    stores: int
    products: int
    movements: int
    transfers: int
    places: int
    in_stock: int


async def load(
    database_url: str, wish: Wish, now: datetime, progress: Progress = lambda *_: None, owner_url: str = ""
) -> Loaded:
    """Make the demo shop. The same wish and the same `now` make the same shop, row by row.

    All or nothing. Raises NotEmpty. With `owner_url` the tables are vacuumed and analysed at the end; the
    application's role may not, and autovacuum does it a minute later.
    """
    async with _connected(database_url) as db:
        async with db.transaction():
            await _take(db)
            loaded = await _Loading(db, wish, Period.until(now), progress).run()
        await _tidy(owner_url, progress)
    return loaded


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connection]:
    db = await asyncpg.connect(
        url, timeout=10, server_settings={"application_name": "autoshop demo", "timezone": "UTC"}
    )
    try:
        yield db
    finally:
        await db.close(timeout=10)


PATIENCE = """
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '10s'
"""
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('autoshop demo'))"
WHAT_IS_THERE = """
SELECT EXISTS (SELECT FROM products) AS products, EXISTS (SELECT FROM stores) AS stores,
       EXISTS (SELECT FROM brands) AS brands, EXISTS (SELECT FROM categories) AS categories,
       EXISTS (SELECT FROM movements) AS movements
"""


async def _take(db: Connection) -> None:
    """Be the only one who fills the empty database."""
    await db.execute(PATIENCE)
    await db.execute(ONE_AT_A_TIME)
    row = await db.fetchrow(WHAT_IS_THERE)
    assert row is not None
    there = [name for name, exists in row.items() if exists]
    if there:
        raise NotEmpty(tables=there)


class _Loading:
    """One load: catalogue first, then the ledger, then what follows from it."""

    def __init__(self, db: Connection, wish: Wish, period: Period, progress: Progress) -> None:
        self.db = db
        self.period = period
        self.progress = progress
        self.stores = tables.Stores(wish.stores)
        self.history = wish.history
        self.generator = Generator(wish, period, self.stores.shares)
        self.catalogue = self.generator.catalogue

    async def run(self) -> Loaded:
        await self._copy_frame()
        await self._copy_products()
        ledger = Ledger(self.generator.tape, self.period, self.stores.calendars)
        if self.history:
            await self._copy_movements(ledger)
            await self._copy("inventory", tables.INVENTORY_COLUMNS, tables.inventory(ledger))
            await self._copy("transfers", tables.TRANSFER_COLUMNS, tables.transfers(ledger))
            await self._copy("transfer_lines", tables.TRANSFER_LINE_COLUMNS, tables.transfer_lines(ledger))
        loaded = Loaded(
            stores=len(self.stores.rows),
            products=self.catalogue.count,
            movements=ledger.moved,
            transfers=len(ledger.transfers),
            places=len(ledger.quantities),
            in_stock=sum(1 for quantity in ledger.quantities if quantity),
        )
        await self._set_sequences(loaded)
        return loaded

    async def _copy_frame(self) -> None:
        """What there is little of."""
        await self._copy("stores", self.stores.COLUMNS, self.stores.stores())
        await self._copy("transfer_routes", self.stores.ROUTE_COLUMNS, self.stores.routes())
        await self._copy("brands", tables.BRAND_COLUMNS, tables.brands(self.catalogue))
        await self._copy("brand_aliases", tables.ALIAS_COLUMNS, tables.aliases(self.catalogue))
        await self._copy("categories", tables.CATEGORY_COLUMNS, tables.categories(self.catalogue))

    async def _copy_products(self) -> None:
        """Products with what hangs on them; each lives through its history on the way, so that it is made once."""
        since, real, done = self.period.midnight(0), len(self.catalogue.real), 0
        for batch in _batches(self.catalogue.products(), PRODUCTS_AT_ONCE):
            await self._copy("products", tables.PRODUCT_COLUMNS, tables.products(batch, since))
            await self._copy("barcodes", ("code", "product_id"), tables.barcodes(batch))
            await self._copy("prices", tables.PRICE_COLUMNS, tables.prices(batch, self.period, real))
            await self._copy("lead_times", tables.LEAD_TIME_COLUMNS, tables.lead_times(batch, since))
            if self.history:
                for product in batch:
                    self.generator.live(product)
            done += len(batch)
            self.progress("products", done, self.catalogue.count)

    async def _copy_movements(self, ledger: Ledger) -> None:
        total = ledger.tape.events
        rows = chain(ledger.movements(), finale(ledger))
        before = -1
        while ledger.moved > before:
            before = ledger.moved
            await self._copy("movements", MOVEMENT_COLUMNS, islice(rows, MOVEMENTS_AT_ONCE))
            self.progress("movements", ledger.moved, max(total, ledger.moved))

    async def _copy(self, table: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
        await self.db.copy_records_to_table(table, columns=list(columns), records=rows)

    async def _set_sequences(self, loaded: Loaded) -> None:
        """The next id that the application draws comes after ours."""
        for table, last in {
            "stores": loaded.stores,
            "brands": len(self.catalogue.brands),
            "categories": len(self.catalogue.categories),
            "products": loaded.products,
            "movements": loaded.movements,
            "transfers": loaded.transfers,
        }.items():
            await _draw_up_to(self.db, f"{table}_id_seq", last)


# The application may draw from a sequence but not set it, and so it stays.
DRAW = "SELECT max(nextval($1::text::regclass)) FROM generate_series(1, $2::bigint)"


async def _draw_up_to(db: Connection, sequence: str, last: int) -> None:
    if last > 0:
        drawn = await db.fetchval(DRAW, sequence, 1)
        if drawn < last:
            await db.fetchval(DRAW, sequence, last - drawn)


TIDY = """
VACUUM (ANALYZE) stores, transfer_routes, brands, brand_aliases, categories, products, barcodes, prices, lead_times,
                 inventory, movements, transfers, transfer_lines
"""


async def _tidy(owner_url: str, progress: Progress) -> None:
    if owner_url:
        progress("statistics", 0, 1)
        async with _connected(owner_url) as owner:
            await owner.execute(TIDY)
        progress("statistics", 1, 1)


def _batches(products: Iterator[Product], size: int) -> Iterator[list[Product]]:
    while batch := list(islice(products, size)):
        yield batch
