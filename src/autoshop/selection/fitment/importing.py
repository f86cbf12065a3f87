"""Verb: a run of a file of fitments. All rows or, with every reason, none; what its sources said before is replaced.

Read once as a stream into bare temporary tables; then a dozen statements do the rest, in one transaction.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg

from autoshop.accounts.service import audit
from autoshop.catalog.brands import service as brands
from autoshop.catalog.brands import store as brand_store
from autoshop.catalog.imports import staging as problems
from autoshop.catalog.imports import store as runs
from autoshop.catalog.imports.batches import Batch, send_all
from autoshop.catalog.imports.columns import Columns
from autoshop.catalog.imports.csv_file import CsvFile
from autoshop.catalog.imports.importing import Tell, caller_of, end
from autoshop.catalog.imports.model import BadFile, Problem, Run
from autoshop.catalog.imports.tables import open_table
from autoshop.catalog.imports.workbook import Workbook
from autoshop.kit.db import BUSY, Connection, Pool, transaction_on
from autoshop.kit.log import log
from autoshop.selection.crosses import loading as articles
from autoshop.selection.fitment import staging, store
from autoshop.selection.fitment.cars import Cars
from autoshop.selection.fitment.columns import understand
from autoshop.selection.fitment.rows import RowParser
from autoshop.selection.vehicles.facts import known

TRIES = 3
# A brand was made by somebody just now, or somebody loads facts for long.
CHANGED_MEANWHILE = (asyncpg.UniqueViolationError, *BUSY)


@dataclass(slots=True)
class Counts:
    """What an import did, or with dry_run would do. `new`, `changed` and `gone` are fitments of the file's sources."""

    rows: int = 0
    bad_rows: int = 0
    merged_rows: int = 0
    sources: int = 0
    articles: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0


class _DryRun(Exception):
    """All is counted: nothing of it stays."""


class FitmentImport:
    """One file on its way, with what is known about it so far."""

    def __init__(self, _pool: Pool, db: Connection, run: Run, tell: Tell) -> None:
        self.db, self.run, self.tell = db, run, tell
        self.options = run.options
        self.counts = Counts()

    async def do(self, path: Path) -> Run:
        """From the file to the end of the run."""
        await problems.open_problems(self.db)
        await staging.open_tables(self.db)
        self.tell("reading", 0, 0)
        means = partial(understand, ignore=self.options.ignore, said=self.options.defaults)
        table = await asyncio.to_thread(open_table, path, self.run.file_name, means, self.options)
        try:
            await self._hear(table.problems)
            if table.problems:
                return await self._ended("refused")
            await self._read(table)
        finally:
            table.close()
        if not await self._is_good(table.columns, table.header_row):
            return await self._ended("refused")
        return await self._load()

    async def _read(self, table: CsvFile | Workbook) -> None:
        this_year = datetime.now(UTC).year
        cars = await asyncio.to_thread(Cars, known(), this_year)
        parser = RowParser(table.columns, cars, await brand_store.all_keys(self.db), this_year, self.options.defaults)

        def heard(batch: Batch) -> None:
            self.counts.rows += batch.rows
            self.tell("reading", batch.last_row, max(table.lines, batch.last_row))

        await send_all(table, parser, heard, self._send)
        self.new_brands, self.cars, self.sources = parser.brands.new, list(parser.cars), list(parser.sources)
        await staging.add_names(
            self.db,
            [(number, slug, engine) for (slug, engine), number in parser.cars.items()],
            [(number, code) for code, number in parser.sources.items()],
        )

    async def _send(self, batch: Batch) -> None:
        if batch.lines:
            await staging.add_rows(self.db, batch.lines)
        await self._hear(batch.problems)

    async def _hear(self, told: Sequence[Problem]) -> None:
        if told:
            await problems.add_problems(self.db, told)

    async def _is_good(self, columns: Columns, header_row: int) -> bool:
        """The rows among themselves. False where bad ones stand in the way."""
        self.tell("comparing", 0, self.counts.rows)
        await staging.check(self.db, columns.name_of("article"), columns.name_of("source"))
        found = await problems.count_problems(self.db, header_row)
        self.counts.bad_rows, self.counts.merged_rows = found.bad_rows, found.merged
        if found.errors and self.options.skip_bad:
            await staging.leave_out_bad_rows(self.db)
        return not found.errors or self.options.skip_bad

    async def _load(self) -> Run:
        """Everything in one transaction, and the end of the run with it."""
        self.tell("loading", 0, self.counts.rows)
        for tries_left in reversed(range(TRIES)):
            try:
                async with transaction_on(self.db):
                    await self._write()
                    if self.options.dry_run:
                        raise _DryRun
                    counts = asdict(self.counts)
                    await audit(self.db, caller_of(self.run), "import", f"fitments:{self.run.file_name}", None, counts)
                    return await self._ended("done")
            except _DryRun:
                break
            except CHANGED_MEANWHILE as changed:
                log.info("import looks again", run=self.run.id, why=repr(changed))
                if not tries_left:
                    raise BadFile("changing") from changed
        return await self._ended("done")

    async def _write(self) -> None:
        cars = sorted({slug for slug, _ in self.cars})
        engines = sorted((slug, engine) for slug, engine in self.cars if engine is not None)
        await store.add_cars(self.db, cars, engines)
        await store.add_sources(self.db, sorted(self.sources), are_facts=False)
        ids = {number: await brands.ensure(self.db, name, None, ()) for number, (_, name) in self.new_brands.items()}
        await staging.name_articles(self.db, ids.items())
        self.counts.articles = await articles.add_named(self.db)
        replaced = await staging.replace(self.db)
        self.counts.sources = len(self.sources)
        self.counts.new, self.counts.changed, self.counts.gone = replaced.new, replaced.changed, replaced.gone

    async def _ended(self, state: str) -> Run:
        async with self.db.transaction():
            await runs.keep_problems(self.db, self.run.id)
            return await end(self.db, self.run, state, self.counts)
