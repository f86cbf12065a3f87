"""One file on its way into the catalogue: read, checked, loaded.

An import is a job of its own and opens its transactions itself: reading takes a minute, and a transaction that long
would hold back everybody who waits for older ones to end. Only the load is one, and it is as short as it can be.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.catalog.brands import store as brands
from autoshop.catalog.categories import store as categories
from autoshop.catalog.imports import loading, staging, store
from autoshop.catalog.imports.batches import Batch, send_all
from autoshop.catalog.imports.columns import Columns, Known, understand
from autoshop.catalog.imports.csv_file import CsvFile
from autoshop.catalog.imports.model import MOST_BYTES, BadFile, Counts, Options, Run, Stale
from autoshop.catalog.imports.rows import RowParser
from autoshop.catalog.imports.tables import open_table
from autoshop.catalog.imports.workbook import Workbook
from autoshop.catalog.prices import store as prices
from autoshop.inventory.movements import staged
from autoshop.inventory.movements.model import StockMoved
from autoshop.inventory.movements.service import post_staged
from autoshop.inventory.reservations.service import let_go_of_all_lapsed
from autoshop.inventory.stores import store as stores
from autoshop.kit.db import BUSY, Connection, Pool, transaction_on
from autoshop.kit.log import log
from autoshop.kit.text import article_key, name_key

TRIES = 3
LOAD_STEPS = 7

Tell = Callable[[str, int, int], None]  # phase, rows done, of how many


class Work(Protocol):
    """One file on its way; `counts` is a dataclass, with `rows` among what it counts."""

    counts: Any

    async def do(self, path: Path) -> Run:
        """From the file to the end of the run. Raises BadFile where the file cannot be read as a table."""
        ...


Begin = Callable[[Pool, Connection, Run, Tell], Work]
# The catalogue or the stock was changed by somebody between the look and the load: look again.
CHANGED_MEANWHILE = (Stale, StockMoved, asyncpg.UniqueViolationError, *BUSY)


def caller_of(run: Run) -> Caller:
    """Who wanted it, with what he might do then."""
    kind, _, name = run.actor.partition(":")
    return Caller(kind, name, run.scopes, run.store_ids)  # type: ignore[arg-type]


async def end(db: Connection, run: Run, state: str, counts: Any, bad: BadFile | None = None) -> Run:
    """The run as it stays; `bad` says why it could not go on."""
    async with db.transaction():
        if bad is not None:
            await store.keep_problem(db, run.id, bad.problem)
        ended = await store.finish(db, run, state, asdict(counts))
        assert ended is not None, "nobody else can end a run while it is our turn"
        return ended


class Import:
    """One file on its way, with what is known about it so far."""

    def __init__(self, _pool: Pool, db: Connection, run: Run, tell: Tell) -> None:
        self.db, self.run, self.tell = db, run, tell
        self.caller = caller_of(run)
        self.options = run.options
        self.counts = Counts()

    async def do(self, path: Path) -> Run:
        """From the file to the end of the run."""
        await staging.open_tables(self.db)
        await staged.stage(self.db)
        if not await self._read(path):
            return await self._refused()
        await staging.check_among_themselves(self.db, self.headings)
        for tries_left in reversed(range(TRIES)):
            try:
                if not await self._check():
                    return await self._refused()
                return await self._load()
            except CHANGED_MEANWHILE as changed:
                log.info("import looks again", run=self.run.id, why=repr(changed))
                if not tries_left:
                    raise BadFile("changing") from changed
                await asyncio.sleep(1)
                await staging.forget(self.db)
        raise AssertionError("unreachable")

    # ------------------------------------------------------------------ read

    async def _read(self, path: Path) -> bool:
        """Every row checked by itself, into the staging table. False where the headings are wrong."""
        self.tell("reading", 0, 0)
        table = await asyncio.to_thread(_open, path, self.run.file_name, await self._known(), self.options)
        try:
            return await self._read_table(table)
        finally:
            table.close()

    async def _read_table(self, table: CsvFile | Workbook) -> bool:
        self.columns: Columns = table.columns
        self.header_row = table.header_row
        self.headings = {what: self.columns.name_of(what) for what in ("article", "name", "barcode", "sku")}
        self.headings["name"] = self.headings["name"] or self.headings["article"]
        await staging.add_problems(self.db, table.problems)
        if not self.columns.names_products:
            return False
        parser = RowParser(
            self.columns,
            await brands.all_keys(self.db),
            await self._category_names(),
            dates_are_text=isinstance(table, CsvFile),
        )
        await self._stage(table, parser)
        codes = _codes([name for _, name in parser.categories.new.values()], self._category_codes)
        await staging.add_names(
            self.db,
            [(number, key, name) for number, (key, name) in parser.brands.new.items()],
            [
                (number, code, name)
                for (number, (_, name)), code in zip(parser.categories.new.items(), codes, strict=True)
            ],
        )
        return not any(problem.kind == "error" for problem in table.problems)

    async def _stage(self, table: CsvFile | Workbook, parser: RowParser) -> None:
        def heard(batch: Batch) -> None:
            self.counts.rows += batch.rows
            self.tell("reading", batch.last_row, max(table.lines, batch.last_row))

        await send_all(table, parser, heard, self._send)

    async def _send(self, batch: Batch) -> None:
        if batch.lines:
            await staging.add_rows(self.db, batch.lines)
        if batch.problems:
            await staging.add_problems(self.db, batch.problems)

    async def _known(self) -> Known:
        return Known(
            stores=await stores.in_business(self.db),
            price_types=await prices.types(self.db, cost=True),
            may_see_cost=self.caller.may("cost:read"),
            store_ids=self.caller.store_ids,
        )

    async def _category_names(self) -> dict[str, int | None]:
        """Every name under which a category is found; None where several have it."""
        names: dict[str, int | None] = {}
        found = await categories.all_names(self.db)
        for column in ("name_en", "name_ru"):
            for row in found:
                key = name_key(row[column])
                names[key] = row["id"] if names.get(key, row["id"]) == row["id"] else None
        for row in found:  # a code is nobody else's
            names[name_key(row["code"])] = row["id"]
        self._category_codes = {row["code"] for row in found}
        return names

    # ------------------------------------------------------------------ check

    async def _check(self) -> bool:
        """All rows among themselves and beside what is there. False where bad rows stand in the way."""
        self.tell("comparing", 0, self.counts.rows)
        stocks = {store_id: self.columns.header[at] for store_id, at in self.columns.stocks.items()}
        await let_go_of_all_lapsed(self.db)
        await staging.check_against_what_is_there(self.db, self.headings)
        await staging.count_stock(self.db, list(stocks))
        await staged.compare(self.db)
        await staging.check_stock(self.db, stocks, set_stock=self.options.set_stock)
        if await self._count_problems():
            if not self.options.skip_bad:
                return False
            await staging.leave_out_bad_rows(self.db)
        await loading.find_changes(self.db, list(self.columns.prices), list(stocks), self.counts)
        return True

    async def _count_problems(self) -> int:
        found = await staging.count_problems(self.db, self.header_row)
        self.counts.bad_rows, self.counts.merged_rows = found.bad_rows, found.merged
        self.counts.differences = found.differences
        return found.errors

    async def _refused(self) -> Run:
        """Nothing was written; every reason is kept."""
        await self._count_problems()
        async with self.db.transaction():
            await store.keep_problems(self.db, self.run.id)
            return await end(self.db, self.run, "refused", self.counts)

    # ------------------------------------------------------------------ load

    async def _load(self) -> Run:
        """Everything in one transaction, and the end of the run with it. What others may wait for comes last."""
        price_types, store_ids = list(self.columns.prices), list(self.columns.stocks)
        self._step(0)
        if self.options.dry_run:
            return await self._written()
        await loading.number_new_products(self.db, store_ids)
        async with transaction_on(self.db):
            self._step(1)
            await loading.add_brands_and_categories(self.db)
            if await loading.change_products(self.db) != self.counts.changed:
                raise Stale
            self._step(2)
            await loading.add_products(self.db)
            self._step(3)
            await loading.add_barcodes(self.db)
            self._step(4)
            await loading.add_prices(self.db, price_types, self.caller.actor)
            self._step(5)
            if self.counts.movements:
                opening, correction = f"Начальный остаток {self.run.file_name}", f"Остатки {self.run.file_name}"
                self.counts.movements = await post_staged(self.db, self.caller, opening[:200], correction[:200])
            self._step(6)
            await audit(self.db, self.caller, "import", f"import:{self.run.id}", None, asdict(self.counts))
            return await self._written()

    async def _written(self) -> Run:
        async with self.db.transaction():
            await store.keep_problems(self.db, self.run.id)
            return await end(self.db, self.run, "done", self.counts)

    def _step(self, step: int) -> None:
        self.tell("loading", self.counts.rows * step // LOAD_STEPS, self.counts.rows)


def _open(path: Path, name: str, known: Known, options: Options) -> CsvFile | Workbook:
    if path.stat().st_size > MOST_BYTES:
        raise BadFile("too_large", MOST_BYTES // 1_000_000)
    return open_table(path, name, partial(understand, known=known, options=options), options)


def _codes(names: list[str], taken: set[str]) -> list[str]:
    """A code for each new category, made of its name: letters and digits, in lower case, each once."""
    codes = []
    for name in names:
        stem = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")[:50] or article_key(name) or "x"
        code, number = stem, 1
        while code in taken:
            number += 1
            code = f"{stem}-{number}"
        taken.add(code)
        codes.append(code)
    return codes
