"""A run of a file of crosses that is cut short: what was written stays, what is missing comes, nothing counts twice."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from autoshop.catalog.imports import service
from autoshop.catalog.imports.model import TurnLost
from autoshop.kit.db import Connection, Pool, is_gone, own_session
from autoshop.selection.crosses import importing
from autoshop.selection.crosses.importing import Counts
from tests.conftest import Database
from tests.crosses import carry_out, load, pairs, start, write

pytestmark = pytest.mark.anyio

BATCH, ROWS = 10, 60
LINES = [f"MANN;W{number};New {number % 7};N{number}" for number in range(ROWS - 2)]
LINES += ["MANN;;MAHLE;OC1", "Россия (ОСТ);А17ДВРМ;Россия (ОСТ);АУ17ДВРМ"]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty rows are written together."""
    monkeypatch.setattr(importing, "BATCH", BATCH)
    monkeypatch.setattr(importing, "CHUNK", 2 * BATCH)


class Sessions:
    """Of an import: first the one that has the turn, then those that rows are staged on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
        self.pids: list[int] = []
        self._url = database.super_url
        for module in (service, importing):
            monkeypatch.setattr(module, "own_session", self._own_session)

    @asynccontextmanager
    async def _own_session(self, pool: Pool) -> AsyncIterator[Connection]:
        async with own_session(pool) as db:
            self.pids.append(db.get_server_pid())
            yield db

    def cut_off(self, which: slice, after: int) -> Callable[[str, int, int], None]:
        """Ends some of the sessions once so many rows were taken."""

        def tell(phase: str, done: int, total: int) -> None:
            if phase == "loading" and done == after:
                with psycopg.connect(self._url, autocommit=True) as admin:
                    for pid in self.pids[-3:][which]:
                        assert admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchall() == [(True,)]

        return tell


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch, database: Database) -> Sessions:
    """Who is to be cut off."""
    return Sessions(monkeypatch, database)


@pytest.fixture(autouse=True)
async def futures_may_be_left() -> AsyncIterator[None]:
    """Of a session that is ended in the middle of a COPY asyncpg leaves a future that nobody waits for: not ours."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def heard(loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        error = told.get("exception")
        if before is not None and (error is None or not is_gone(error)):
            before(loop, told)

    loop.set_exception_handler(heard)
    yield
    gc.collect()  # here, and not in the test that comes next
    await asyncio.sleep(0)
    loop.set_exception_handler(before)


@pytest.mark.parametrize("after", [BATCH, 2 * BATCH, 3 * BATCH, 4 * BATCH, ROWS])
@pytest.mark.parametrize(
    "which", [slice(0, 1), slice(1, 2), slice(2, 3), slice(0, 3)], ids=["turn", "one", "two", "all"]
)
async def test_a_run_cut_off_anywhere_ends_as_if_it_had_not_been(
    pool: Pool, sessions: Sessions, tmp_path: Path, which: slice, after: int
) -> None:
    file = write(tmp_path, *LINES)
    run = await start(pool, file)
    with pytest.raises(Exception) as broken:  # noqa: PT011 - which one depends on the moment
        await carry_out(pool, run, file, sessions.cut_off(which, after))
    assert is_gone(broken.value)
    written = len(await pairs(pool))
    assert written in {0, 2 * BATCH, 4 * BATCH, ROWS - 2}, "whole parts alone"
    cut = await service.get_run(pool, run.id)
    assert (cut.finished_at, Counts(**cut.counts or {}).pairs) == (None, written)
    done = await carry_out(pool, run, file)
    assert (done.run.state, done.run.attempt, len(await pairs(pool))) == ("done", 2, ROWS - 2)
    counts = done.counts
    assert (counts.rows, counts.bad_rows, counts.pairs, counts.conflicts) == (ROWS, 1, ROWS - 2, 1)
    assert [(one.row, one.column_name, one.code) for one in done.problems] == [(ROWS, "Артикул", "required")]
    assert await pool.fetchval("SELECT count(*) FROM audit WHERE subject = 'crosses:crosses.csv'") == 1


async def test_a_run_cut_off_again_and_again_is_given_up_and_says_what_it_wrote(
    pool: Pool, sessions: Sessions, tmp_path: Path
) -> None:
    file = write(tmp_path, *LINES)
    run = await start(pool, file)
    for _ in range(3):
        with pytest.raises(Exception):  # noqa: B017, PT011 - the session is gone
            await carry_out(pool, run, file, sessions.cut_off(slice(0, 3), 5 * BATCH))
    failed = await carry_out(pool, run, file)
    assert (failed.run.state, [one.code for one in failed.problems]) == ("failed", ["crashed"])
    assert failed.counts.pairs == len(await pairs(pool)) >= 2 * BATCH


async def test_whoever_lost_his_turn_writes_nothing_more(pool: Pool, database: Database, tmp_path: Path) -> None:
    file = write(tmp_path, *LINES)
    run = await start(pool, file)

    def tell(phase: str, done: int, total: int) -> None:
        if done == 3 * BATCH:
            with psycopg.connect(database.super_url, autocommit=True) as other:
                other.execute("UPDATE import_runs SET attempt = attempt + 1")

    with pytest.raises(TurnLost):
        await carry_out(pool, run, file, tell)
    written = await pairs(pool)
    assert len(written) in {0, 2 * BATCH}
    assert (await carry_out(pool, run, file)).counts.pairs == ROWS - 2


async def test_two_who_carry_out_one_run_do_it_once(pool: Pool, tmp_path: Path) -> None:
    file = write(tmp_path, *LINES)
    run = await start(pool, file)
    one, other = await asyncio.gather(carry_out(pool, run, file), carry_out(pool, run, file))
    assert one == other
    assert (one.run.attempt, one.counts.pairs) == (1, ROWS - 2)


async def test_the_same_file_again_changes_nothing(pool: Pool, tmp_path: Path) -> None:
    first, again = await load(pool, tmp_path, *LINES), await load(pool, tmp_path, *LINES)
    assert (first.counts.pairs, again.counts.pairs, again.counts.conflicts) == (ROWS - 2, 0, 0)
    assert first.problems == again.problems


async def test_it_is_told_how_far_it_is(pool: Pool, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    file = write(tmp_path, *LINES)
    await carry_out(pool, await start(pool, file), file, lambda *what: told.append(what))
    assert told[0] == ("reading", 0, 0)
    assert [done for phase, done, _ in told if phase == "loading"] == [*range(BATCH, ROWS + 1, BATCH), ROWS]
