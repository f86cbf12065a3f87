"""Verbs: take a file in, have it imported, say how it went. What an import does stands in importing.py."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

from autoshop.accounts.model import Caller
from autoshop.catalog.imports import staging, store
from autoshop.catalog.imports.importing import Begin, Import, Tell, Work, end
from autoshop.catalog.imports.model import MOST_ATTEMPTS, BadFile, Options, Run, UnknownRun, What
from autoshop.kit.db import BUSY, Connection, Pool, is_gone, own_session
from autoshop.kit.jobs import defer

File = Callable[[Run], Path | AsyncGenerator[Path, None]]


def job_of(what: What) -> str:
    """The job of the worker that brings such files in."""
    return f"import_{what}"


async def start_run(
    db: Connection, caller: Caller, file_id: int | None, file_name: str, options: Options, what: What = "catalog"
) -> Run:
    """A run of a file that was uploaded, carried out by the worker; or without one, by whoever starts it."""
    run = await store.add_run(db, what, file_id, file_name, options, caller.actor, caller.scopes, caller.store_ids)
    if file_id is not None:
        await _enqueue(db, run.id, what)
    return run


async def _enqueue(db: Connection, run_id: int, what: What) -> None:
    await defer(db, job_of(what), {"run_id": run_id}, once_as=f"{job_of(what)}:{run_id}")


async def get_run(db: Connection | Pool, run_id: int) -> Run:
    """The run, or a refusal."""
    run = await store.find_run(db, run_id)
    if run is None:
        raise UnknownRun(f"There is no import {run_id}", run_id=run_id)
    return run


async def take_up_again(db: Connection) -> int:
    """Enqueue runs that nobody works on: their worker died, or was stopped over them."""
    silent = await store.silent_runs(db)
    for run_id, what in silent:
        await _enqueue(db, run_id, what)
    return len(silent)


async def carry_out(pool: Pool, run_id: int, file: File, tell: Tell = lambda *_: None, begin: Begin = Import) -> Run:
    """Import a file. Safe to begin again, and to begin twice: one import at a time, whatever it brings in.

    `file` gives the path once it is our turn; `begin` makes the work that knows such files, on the connection that has
    the turn, and with others of the pool where it wants any. The run says how it went; a
    broken file is no error of ours.
    """
    watched = _Watched(tell)
    async with own_session(pool) as db:
        while not await staging.take_turn(db):
            watched("another import", 0, 0)
            await asyncio.sleep(0.5)
        run = await store.claim(pool, run_id)
        if run is None:
            return await get_run(pool, run_id)
        async with _heart(pool, run, watched):
            return await _import(db, run, file, begin(pool, db, run, watched))


async def _import(db: Connection, run: Run, file: File, work: Work) -> Run:
    try:
        if run.attempt > MOST_ATTEMPTS:
            return await end(db, run, "failed", work.counts, BadFile("crashed", MOST_ATTEMPTS))
        given = file(run)
        if isinstance(given, Path):
            return await work.do(given)
        async with aclosing(given):
            async for path in given:
                return await work.do(path)
        return await end(db, run, "failed", work.counts, BadFile("file_gone"))
    except BadFile as bad:
        return await end(db, run, "refused", work.counts, bad)
    except Exception as broken:
        if not is_gone(broken):  # else whoever takes the run up again begins anew
            await end(db, run, "failed", work.counts, BadFile("broke", type(broken).__name__))
        raise


class _Watched:
    """How far it is: told to the caller at once, and kept for the heart to write down."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.state, self.phase, self.done, self.total = "checking", "reading", 0, 0

    def __call__(self, phase: str, done: int, total: int) -> None:
        self.state = "loading" if phase == "loading" else "checking"
        self.phase, self.done, self.total = phase, done, total
        self._tell(phase, done, total)


@asynccontextmanager
async def _heart(pool: Pool, run: Run, watched: _Watched) -> AsyncIterator[None]:
    """Write down every second how far the run is, on another connection than its own."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(1)
            try:
                await store.tell(pool, run.id, watched.state, watched.phase, watched.done, watched.total)
            except Exception as gone:
                if not is_gone(gone) and not isinstance(gone, BUSY):
                    raise

    beating = asyncio.create_task(beat(), name="import heart")
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
