"""Verbs: load crosses from a file, and those that are facts. Rows that are good go in; each other one is told.

A file goes through once, as a stream, into bare temporary tables, pairs of spark plugs through the checker on the way.
Half a million rows at a time they are written as sets, in a transaction of their own, while the next are read: pairs do
not depend on each other, and whoever repeats a load that was cut short writes what is missing.
"""

import asyncio
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.catalog.brands import service as brands
from autoshop.catalog.brands import store as brand_store
from autoshop.catalog.imports.columns import Columns
from autoshop.catalog.imports.csv_file import CsvFile
from autoshop.catalog.imports.model import BadFile, Options, Problem
from autoshop.catalog.imports.tables import open_table
from autoshop.catalog.imports.workbook import Workbook
from autoshop.kit.db import Connection, Pool, own_session, transaction_on
from autoshop.kit.facts import Confidence
from autoshop.selection.crosses import loading, store
from autoshop.selection.crosses.columns import understand
from autoshop.selection.crosses.facts import RUSSIAN, CrossFact, brand_facts, cross_facts
from autoshop.selection.crosses.model import Kind
from autoshop.selection.crosses.rows import Batch, RowParser
from autoshop.selection.plugs.facts import facts as plug_facts

BATCH = 20_000  # rows that go to the database together
CHUNK = 500_000  # rows that are written together
AHEAD = 30  # batches that may be read before they are written
TRIES = 3
MOST_ROWS = 10_000_000
MOST_TOLD = 1_000  # of bad rows, in an answer; `tell` hears of all
Tell = Callable[[Sequence[Problem]], None]
FACT_COLUMNS = {"brand": 0, "article": 1, "other_brand": 2, "other_article": 3, "kind": 4, "confidence": 5}


@dataclass(slots=True)
class Loaded:
    """What came of a load. `pairs` are new or surer than before; `conflicts` were kept aside, and are new."""

    rows: int = 0
    bad_rows: int = 0
    articles: int = 0
    pairs: int = 0
    conflicts: int = 0
    forgotten: int = 0
    problems: list[Problem] = field(default_factory=list)
    refused: bool = False


async def import_file(
    pool: Pool,
    caller: Caller,
    path: Path,
    name: str,
    *,
    kind: Kind = "analog",
    confidence: Confidence = "medium",
    options: Options | None = None,
    tell: Tell = lambda _problems: None,
) -> Loaded:
    """Crosses of a CSV or workbook; `kind` and `confidence` are those of rows that do not say. Safe to repeat."""
    for tries_left in reversed(range(TRIES)):
        loaded = Loaded()
        try:
            await _import(pool, caller, path, name, kind, confidence, options or Options(), loaded, tell)
            break
        except loading.SamePrint:
            if not tries_left:
                raise
    return loaded


async def _import(
    pool: Pool,
    caller: Caller,
    path: Path,
    name: str,
    kind: Kind,
    confidence: Confidence,
    options: Options,
    loaded: Loaded,
    tell: Tell,
) -> None:
    async with own_session(pool) as db:
        await loading.open_tables(db)
        try:
            table = await asyncio.to_thread(open_table, path, name, partial(understand, ignore=options.ignore), options)
            try:
                _hear(loaded, table.problems, tell)
                if not table.problems:
                    parser = await _parser(db, table.columns, kind, confidence)
                    if not options.dry_run:
                        parser.source_id = await store.source_id(db, f"import: {name}", caller.actor, is_facts=False)
                    await _load(db, table, parser, loaded, tell, dry_run=options.dry_run)
            finally:
                table.close()
            if loaded.rows == 0 and not table.problems:
                raise BadFile("no_rows", row=table.header_row)
            loaded.refused = bool(table.problems)
        except BadFile as bad:
            _hear(loaded, [bad.problem], tell)
            loaded.refused = True
        if not loaded.refused and not options.dry_run:
            async with transaction_on(db):
                await audit(db, caller, "import", f"crosses:{name}", None, _counts(loaded))


async def load_facts(pool: Pool, caller: Caller) -> Loaded:
    """Brands with their names, and crosses, that are facts: what is missing comes, what is no fact any more goes.

    Names of brands that people gave away already stay with whom they have them. Safe to repeat.
    """
    loaded, found = Loaded(), cross_facts()
    async with own_session(pool) as db:
        await loading.open_tables(db)
        async with transaction_on(db):
            for brand in brand_facts():
                await brands.ensure(db, brand.name, brand.country, brand.aliases)
            source_ids = {
                source: await store.source_id(db, " | ".join(source), caller.actor, is_facts=True)
                for source in sorted({fact.source for fact in found})
            }
        await _stage_facts(db, found, source_ids, loaded)
        if loaded.problems:
            raise AssertionError(f"facts that cannot be loaded: {loaded.problems[:3]}")
        await _write(db, loaded, are_all_facts=True)
        async with transaction_on(db):
            await audit(db, caller, "import", "crosses:facts", None, _counts(loaded))
    return loaded


async def _stage_facts(
    db: Connection, found: list[CrossFact], source_ids: dict[tuple[str, ...], int], loaded: Loaded
) -> None:
    parser = await _parser(db, Columns(list(FACT_COLUMNS), dict(FACT_COLUMNS)), "analog", "low")

    def rows() -> Iterator[tuple[int, list[str]]]:
        for number, fact in enumerate(found, start=1):
            parser.source_id = source_ids[fact.source]
            # of `oe` the files of facts name the car maker's number first, price lists last
            one, other = [fact.brand, fact.article], [fact.other_brand, fact.other_article]
            yield number, [*(other + one if fact.kind == "oe" else one + other), fact.kind, fact.confidence]

    for batch in parser.batches(rows(), BATCH, CHUNK):
        loaded.rows += batch.rows
        _hear(loaded, batch.problems, lambda _problems: None)
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


async def _load(
    db: Connection, table: CsvFile | Workbook, parser: RowParser, loaded: Loaded, tell: Tell, *, dry_run: bool
) -> None:
    """Read in a thread, while what was read before is written: each takes a processor of its own."""
    read: asyncio.Queue[Batch | None] = asyncio.Queue(AHEAD)
    batches = cast("Generator[Batch, None, None]", parser.batches(table.rows(), BATCH, CHUNK))

    async def read_all() -> None:
        try:
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                await read.put(batch)
        finally:
            with suppress(ValueError):  # we were stopped, and the thread is still in it: it ends with its batch
                batches.close()
            with suppress(asyncio.QueueFull):
                read.put_nowait(None)

    reading = asyncio.create_task(read_all())
    try:
        while (batch := await _next(read, reading)) is not None:
            loaded.rows += batch.rows
            _hear(loaded, batch.problems, tell)
            if loaded.rows > MOST_ROWS:
                raise BadFile("too_many_rows", MOST_ROWS)
            if not dry_run:
                await loading.add_lines(db, batch.articles, batch.pairs)
                if batch.ends_chunk:
                    await _add_names(db, parser)
                    await _write(db, loaded, are_all_facts=False)
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError, BadFile):
            await reading


async def _next(read: "asyncio.Queue[Batch | None]", reading: "asyncio.Task[None]") -> Batch | None:
    """The next batch; None when there is none, or reading broke off."""
    if reading.done() and read.empty():
        return None
    return await read.get()


def _hear(loaded: Loaded, problems: Sequence[Problem], tell: Tell) -> None:
    loaded.bad_rows += len(problems)
    loaded.problems += problems[: MOST_TOLD - len(loaded.problems)] if len(loaded.problems) < MOST_TOLD else []
    if problems:
        tell(problems)


async def _add_names(db: Connection, parser: RowParser) -> None:
    """Brands that nobody knew, each in a transaction of its own: whoever loads at the same time finds them."""
    for number, (_, name) in list(parser.brands.new.items()):
        if number not in parser.added_brands:
            async with transaction_on(db):
                parser.added_brands[number] = await brands.ensure(db, name, None, ())
    await loading.add_names(db, parser.added_brands.items(), [(tag, *mark) for mark, tag in list(parser.tags.items())])


async def _write(db: Connection, loaded: Loaded, *, are_all_facts: bool) -> None:
    """What is staged, and then it is no longer staged."""
    await loading.find_articles(db)
    for tries_left in reversed(range(TRIES)):
        try:
            async with transaction_on(db):
                written = await loading.write(db, are_all_facts=are_all_facts)
            break
        except asyncpg.UniqueViolationError:  # somebody has just accepted one of these pairs
            if not tries_left:
                raise
    await loading.forget(db)
    loaded.articles += written.articles
    loaded.pairs += written.pairs
    loaded.conflicts += written.conflicts
    loaded.forgotten += written.forgotten


def _counts(loaded: Loaded) -> dict[str, int]:
    names = ("rows", "bad_rows", "articles", "pairs", "conflicts", "forgotten")
    return {name: getattr(loaded, name) for name in names}
