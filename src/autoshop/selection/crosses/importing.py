"""Verbs: load crosses from a file, and those that are facts. Rows that are good go in; each other one is told.

A file goes through once, as a stream, into bare temporary tables, pairs of spark plugs through the checker on the way.
A part of it at a time is written as sets, in a transaction of its own, on one connection, while the next is staged on
another: pairs do not depend on each other, and whoever takes up a run that was cut short writes what is missing, and
counts on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.catalog.brands import service as brands
from autoshop.catalog.brands import store as brand_store
from autoshop.catalog.imports import staging
from autoshop.catalog.imports import store as runs
from autoshop.catalog.imports.columns import Columns
from autoshop.catalog.imports.csv_file import CsvFile
from autoshop.catalog.imports.importing import Tell, caller_of, end
from autoshop.catalog.imports.model import BadFile, Problem, Run
from autoshop.catalog.imports.tables import open_table
from autoshop.catalog.imports.workbook import Workbook
from autoshop.kit.db import BUSY, Connection, Pool, own_session, transaction_on
from autoshop.kit.facts import Confidence
from autoshop.selection.crosses import loading, store
from autoshop.selection.crosses.columns import understand
from autoshop.selection.crosses.facts import RUSSIAN, CrossFact, brand_facts, cross_facts
from autoshop.selection.crosses.model import Kind
from autoshop.selection.crosses.rows import Batch, RowParser
from autoshop.selection.plugs.facts import facts as plug_facts

BATCH = 20_000  # rows that go to the database together
CHUNK = 1_700_000  # rows that are written together: each time all that is known is looked through
AHEAD = 3  # batches that may be read before they are staged
DESKS = 2  # connections with staged rows: one is written, the other filled
TRIES = 3
MOST_ROWS = 10_000_000
Keep = Callable[[loading.Written], Awaitable[None]]
FACT_COLUMNS = {"brand": 0, "article": 1, "other_brand": 2, "other_article": 3, "kind": 4, "confidence": 5}


@dataclass(slots=True)
class Counts:
    """What came of a load. `pairs` are new or surer than before; `conflicts` were kept aside, and are new."""

    rows: int = 0
    bad_rows: int = 0
    articles: int = 0
    pairs: int = 0
    conflicts: int = 0
    forgotten: int = 0

    def and_written(self, written: loading.Written) -> "Counts":
        """With what was written besides."""
        return replace(self, **{name: getattr(self, name) + more for name, more in asdict(written).items()})


class CrossImport:
    """A run of a file of crosses."""

    def __init__(self, pool: Pool, db: Connection, run: Run, tell: Tell) -> None:
        self.pool, self.db, self.run, self.tell = pool, db, run, tell
        self.desks: list[Connection] = []  # the first is being filled
        self.options = run.options
        # What a run that was cut short had written stays written, and is not new a second time.
        self.counts = replace(Counts(**run.counts), rows=0, bad_rows=0)

    async def do(self, path: Path) -> Run:
        """From the file to the end of the run: good rows are written, each other one is told."""
        await staging.open_problems(self.db)
        async with AsyncExitStack() as own:
            for _ in range(DESKS):
                self.desks.append(await own.enter_async_context(own_session(self.pool)))
                await loading.open_tables(self.desks[-1])
            state = await self._read_with_luck(path)
        async with transaction_on(self.db):
            await runs.keep_problems(self.db, self.run.id)
            if state == "done" and not self.options.dry_run:
                what = f"crosses:{self.run.file_name}"
                await audit(self.db, caller_of(self.run), "import", what, None, asdict(self.counts))
            return await end(self.db, self.run, state, self.counts)

    async def _read_with_luck(self, path: Path) -> str:
        """As `_read`, again where two articles had one print."""
        for tries_left in reversed(range(TRIES)):
            try:
                return await self._read(path)
            except loading.SamePrint:
                if not tries_left:
                    raise
                for desk in self.desks:
                    await loading.forget(desk)
                await staging.forget_problems(self.db)
                self.counts = replace(self.counts, rows=0, bad_rows=0)
        raise AssertionError("unreachable")

    async def _read(self, path: Path) -> str:
        """How the run ends."""
        self.tell("reading", 0, 0)
        means = partial(understand, ignore=self.options.ignore)
        table = await asyncio.to_thread(open_table, path, self.run.file_name, means, self.options)
        try:
            if table.problems:
                await self._hear(table.problems)
                return "refused"
            await self._load(table)
            if self.counts.rows == 0:
                raise BadFile("no_rows", row=table.header_row)
            return "done"
        finally:
            table.close()

    async def _load(self, table: CsvFile | Workbook) -> None:
        """Read in a thread, stage on one connection and write on the other, all at once."""
        named = self.options.defaults
        kind = cast("Kind", named.get("kind", "analog"))
        confidence = cast("Confidence", named.get("confidence", "medium"))
        parser = await _parser(self.db, table.columns, kind, confidence)
        if not self.options.dry_run:
            source, actor = f"import: {self.run.file_name}", self.run.actor
            parser.source_id = await store.source_id(self.db, source, actor, is_facts=False)
        batches = cast("Generator[Batch, None, None]", parser.batches(table.rows(), BATCH, CHUNK))
        read: asyncio.Queue[Batch | None] = asyncio.Queue(AHEAD)
        reading = asyncio.create_task(_read_all(batches, read))
        writing: asyncio.Task[None] | None = None
        try:
            while (batch := await _next(read, reading)) is not None:
                await self._take(batch, table.lines)
                if batch.ends_chunk and not self.options.dry_run:
                    desk = self.desks[0]
                    await _add_names(desk, parser)
                    await loading.find_articles(desk)
                    if writing is not None:
                        await writing
                    writing = asyncio.create_task(self._write(desk))
                    self.desks.reverse()
            await reading
            if writing is not None:
                await writing
        finally:
            for task in filter(None, (reading, writing)):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):  # whatever went wrong was raised above
                    await task

    async def _take(self, batch: Batch, lines: int) -> None:
        self.counts.rows += batch.rows
        await self._hear(batch.problems)
        if self.counts.rows > MOST_ROWS:
            raise BadFile("too_many_rows", MOST_ROWS)
        if not self.options.dry_run:
            await loading.add_lines(self.desks[0], batch.articles, batch.pairs)
        self.tell("reading" if self.options.dry_run else "loading", self.counts.rows, max(lines, self.counts.rows))

    async def _write(self, desk: Connection) -> None:
        async def keep(written: loading.Written) -> None:
            await runs.save_counts(desk, self.run, asdict(self.counts.and_written(written)))

        self.counts = self.counts.and_written(await _write(desk, keep))

    async def _hear(self, problems: Sequence[Problem]) -> None:
        self.counts.bad_rows += len(problems)
        if problems:
            await staging.add_problems(self.db, problems)


async def _read_all(batches: Generator[Batch, None, None], read: "asyncio.Queue[Batch | None]") -> None:
    try:
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            await read.put(batch)
    finally:
        with suppress(ValueError):  # we were stopped, and the thread is still in it: it ends with its batch
            batches.close()
        with suppress(asyncio.QueueFull):
            read.put_nowait(None)


async def _next(read: "asyncio.Queue[Batch | None]", reading: "asyncio.Task[None]") -> Batch | None:
    """The next batch; None when there is none, or reading broke off."""
    if reading.done() and read.empty():
        return None
    return await read.get()


async def load_facts(pool: Pool, caller: Caller) -> Counts:
    """Brands with their names, and crosses, that are facts: what is missing comes, what is no fact any more goes.

    Names of brands that people gave away already stay with whom they have them. Safe to repeat.
    """
    found = cross_facts()
    async with own_session(pool) as db:
        await loading.open_tables(db)
        async with transaction_on(db):
            for brand in brand_facts():
                await brands.ensure(db, brand.name, brand.country, brand.aliases)
            source_ids = {
                source: await store.source_id(db, " | ".join(source), caller.actor, is_facts=True)
                for source in sorted({fact.source for fact in found})
            }
        await _stage_facts(db, found, source_ids)
        await loading.find_articles(db)
        loaded = Counts(rows=len(found)).and_written(await _write(db, are_all_facts=True))
        async with transaction_on(db):
            await audit(db, caller, "import", "crosses:facts", None, asdict(loaded))
    return loaded


async def _stage_facts(db: Connection, found: list[CrossFact], source_ids: dict[tuple[str, ...], int]) -> None:
    parser = await _parser(db, Columns(list(FACT_COLUMNS), dict(FACT_COLUMNS)), "analog", "low")

    def rows() -> Iterator[tuple[int, list[str]]]:
        for number, fact in enumerate(found, start=1):
            parser.source_id = source_ids[fact.source]
            # of `oe` the files of facts name the car maker's number first, price lists last
            one, other = [fact.brand, fact.article], [fact.other_brand, fact.other_article]
            yield number, [*(other + one if fact.kind == "oe" else one + other), fact.kind, fact.confidence]

    for batch in parser.batches(rows(), BATCH, CHUNK):
        if batch.problems:
            raise AssertionError(f"facts that cannot be loaded: {batch.problems[:3]}")
        await loading.add_lines(db, batch.articles, batch.pairs)
    await _add_names(db, parser)


async def _parser(db: Connection, columns: Columns, kind: Kind, confidence: Confidence) -> RowParser:
    """With what brands are called, and which of them make plugs whose codes can be read."""
    names = {
        name: brand.brand
        for brand in plug_facts().brands.values()
        if brand.decodes == "yes"
        for name in (brand.brand, *brand.names)
    }
    names[RUSSIAN] = "Russian"
    makers = {brand_id: names[name] for name, brand_id in (await brands.ids_of(db, list(names))).items()}
    return RowParser(columns, await brand_store.all_keys(db), makers, kind, confidence, 0)


async def _add_names(db: Connection, parser: RowParser) -> None:
    """Brands that nobody knew, each in a transaction of its own: whoever loads at the same time finds them."""
    for number, (_, name) in list(parser.brands.new.items()):
        if number not in parser.added_brands:
            async with transaction_on(db):
                parser.added_brands[number] = await brands.ensure(db, name, None, ())
    await loading.add_names(db, parser.added_brands.items(), [(tag, *mark) for mark, tag in list(parser.tags.items())])


async def _write(db: Connection, keep: Keep | None = None, *, are_all_facts: bool = False) -> loading.Written:
    """What is staged, and then it is no longer staged. `keep` tells of it in the same transaction."""
    for tries_left in reversed(range(TRIES)):
        try:
            async with transaction_on(db):
                written = await loading.write(db, are_all_facts=are_all_facts)
                if keep is not None:
                    await keep(written)
            break
        except (asyncpg.UniqueViolationError, *BUSY):  # somebody accepts one of these pairs, or loads for long
            if not tries_left:
                raise
    await loading.forget(db)
    return written
