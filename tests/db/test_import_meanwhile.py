"""What others do while an import runs, and its own end in the middle: all of the file is there, or nothing."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from autoshop.catalog.imports import importing, loading, service, staging, store
from autoshop.kit.db import Pool, is_gone, own_session
from tests.cast import CENTRE, PLUG
from tests.conftest import Database
from tests.imports import as_xlsx, assert_ledger_adds_up, carry_out, load, start, whole_shop
from tests.ledger import pieces, post, request

pytestmark = pytest.mark.anyio

FILE = (
    "Бренд;Артикул;Название;Категория;Штрихкод;Розница;Остаток centre\n"
    "NGK;BPR6ES-11;Свеча;Свечи;;450;7\nFiltron;OP 520;Фильтр;;40123455;510;3\n"
)


class Somebody:
    """Does something behind the import's back at the moment between its look and its load; `times` times."""

    def __init__(self, database: Database, what: str, times: int = 1) -> None:
        self._url, self._what, self.left = database.owner_url, what, times

    def __call__(self, phase: str, done: int, total: int) -> None:
        if phase == "loading" and done == 0 and self.left:
            self.left -= 1
            with psycopg.connect(self._url) as db:
                db.execute(self._what.encode())


SOLD = f"""
INSERT INTO inventory (product_id, store_id, quantity) VALUES ({PLUG}, {CENTRE}, 1);
INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, actor, created_at)
VALUES ({PLUG}, {CENTRE}, 'inbound', 1, 1, 1, 'system:test', clock_timestamp())
"""
SOLD_TWO = f"""
UPDATE inventory SET quantity = 8, updated_at = clock_timestamp() WHERE product_id = {PLUG} AND store_id = {CENTRE};
INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, actor, created_at)
VALUES ({PLUG}, {CENTRE}, 'sale', 2, -2, 8, 'system:test', clock_timestamp())
"""
ADDED = """
INSERT INTO brands (name, name_key) VALUES ('FILTRON', 'filtron');
INSERT INTO products (brand_id, article, article_key, article_loose, name)
SELECT id, 'OP-520', 'OP520', '0P520', 'Их название' FROM brands WHERE name_key = 'filtron'
"""


async def test_a_product_changed_meanwhile_is_looked_at_again(pool: Pool, database: Database, tmp_path: Path) -> None:
    somebody = Somebody(database, f"UPDATE products SET unit = 'пара', version = version + 1 WHERE id = {PLUG}")
    done = await load(pool, tmp_path / "c.csv", FILE, tell=somebody)
    assert (somebody.left, done.told, done.run.state) == (0, [], "done")
    row = await pool.fetchrow("SELECT name, unit, version FROM products WHERE id = $1", PLUG)
    assert tuple(row or ()) == ("Свеча", "пара", 3)


async def test_a_product_and_brand_added_meanwhile_are_found(pool: Pool, database: Database, tmp_path: Path) -> None:
    done = await load(pool, tmp_path / "c.csv", FILE, tell=Somebody(database, ADDED))
    assert (done.told, done.counts("new", "changed", "brands")) == ([], (0, 2, 0))
    found = await pool.fetch("SELECT article, name FROM products WHERE article_key = 'OP520'")
    assert [tuple(row) for row in found] == [("OP-520", "Фильтр")]


async def test_a_barcode_given_away_meanwhile_refuses_the_file(pool: Pool, database: Database, tmp_path: Path) -> None:
    somebody = Somebody(database, "INSERT INTO barcodes (code, product_id) VALUES ('40123455', 4)")
    refused = await load(pool, tmp_path / "c.csv", FILE, tell=somebody)
    assert (refused.told, refused.run.state) == ([(3, "Штрихкод", "40123455", "barcode_taken")], "refused")
    assert await pool.fetchval("SELECT count(*) FROM products") == 6


async def test_a_place_opened_meanwhile_is_left_as_it_is(pool: Pool, database: Database, tmp_path: Path) -> None:
    done = await load(pool, tmp_path / "c.csv", FILE, tell=Somebody(database, SOLD))
    assert done.told == [(2, "Остаток centre", "7", "stock_differs")]
    assert (done.run.state, await pieces(pool)) == ("done", 1)
    await assert_ledger_adds_up(pool)


async def test_what_is_sold_meanwhile_stays_sold(pool: Pool, database: Database, tmp_path: Path) -> None:
    await post(pool, request("inbound", 10))
    somebody = Somebody(database, SOLD_TWO)
    done = await load(pool, tmp_path / "c.csv", FILE, tell=somebody, set_stock=True)
    assert (somebody.left, done.run.state, await pieces(pool)) == (0, "done", 5), "counted 7, and two were sold since"
    await assert_ledger_adds_up(pool)


async def test_bad_rows_that_were_left_out_are_told_once(pool: Pool, database: Database, tmp_path: Path) -> None:
    somebody = Somebody(database, f"UPDATE products SET version = version + 1 WHERE id = {PLUG}")
    bad = "TRW;GDB3331;;;;0;\nBosch;NEW-1;;;;1;1\n"
    done = await load(pool, tmp_path / "c.csv", FILE + bad, tell=somebody, skip_bad=True)
    assert done.told == [(4, "Розница", "0", "zero_price"), (5, "Название", "NEW-1", "nameless")]
    assert (done.run.state, done.counts("new", "changed", "bad_rows", "movements")) == ("done", (1, 1, 2, 2))


async def test_a_catalogue_that_never_rests_refuses_the_file(pool: Pool, database: Database, tmp_path: Path) -> None:
    restless = Somebody(database, f"UPDATE products SET version = version + 1 WHERE id = {PLUG}", times=99)
    refused = await load(pool, tmp_path / "c.csv", FILE, tell=restless)
    assert (refused.told, refused.run.state) == ([(None, "", "", "changing")], "refused")
    assert await pool.fetchval("SELECT count(*) FROM products") == 6


async def test_one_import_waits_for_the_other(pool: Pool, tmp_path: Path) -> None:
    run, waits = await start(pool, tmp_path / "c.csv", FILE), asyncio.Event()

    def tell(phase: str, done: int, total: int) -> None:
        if phase == "another import":
            waits.set()

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        async with own_session(pool) as db:
            assert await staging.take_turn(db)
            task = group.create_task(carry_out(pool, run, tmp_path / "c.csv", tell))
            await waits.wait()
            assert (await service.get_run(pool, run.id)).state == "waiting"
        done = await task
    assert (done.run.state, done.counts("new")) == ("done", (1,))


async def test_two_imports_of_one_file_at_once_are_one_and_a_second_that_changes_nothing(
    pool: Pool, tmp_path: Path
) -> None:
    both = await asyncio.gather(*(load(pool, tmp_path / "c.csv", FILE) for _ in range(2)))
    assert sorted(outcome.counts("new", "unchanged", "movements") for outcome in both) == [(0, 2, 0), (1, 0, 2)]
    await assert_ledger_adds_up(pool)


@pytest.mark.parametrize("moment", ["reading", "comparing", *range(importing.LOAD_STEPS)])
async def test_an_import_cut_off_leaves_nothing_and_the_next_does_it_all(
    pool: Pool, database: Database, tmp_path: Path, moment: str | int
) -> None:
    path = tmp_path / "c.csv"
    rows = 7  # as many as there are steps, so that each can be told from the next
    run = await start(pool, path, FILE + "".join(f"Filtron;OP {n};Фильтр;;;1;1\n" for n in range(rows - 2)))
    before = await whole_shop(pool)
    with pytest.raises(Exception) as broken:  # noqa: PT011 - which one depends on the moment
        await carry_out(pool, run, path, cut_off(database, moment))
    assert is_gone(broken.value)
    assert await whole_shop(pool) == before
    assert (await service.get_run(pool, run.id)).finished_at is None
    done = await carry_out(pool, run, path)
    assert (done.run.state, done.run.attempt, done.counts("new", "changed")) == ("done", 2, (rows - 1, 1))
    await assert_ledger_adds_up(pool)


def cut_off(database: Database, moment: str | int) -> Callable[[str, int, int], None]:
    """Ends the import's session when it tells of this phase, or of this step of the load."""

    def tell(phase: str, done: int, total: int) -> None:
        if moment == phase or (phase == "loading" and moment == done):
            with psycopg.connect(database.super_url, autocommit=True) as admin:
                ended = admin.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_database AS d ON d.oid = database"
                    " WHERE locktype = 'advisory' AND d.datname = current_database()"
                ).fetchall()
                assert ended == [(True,)]

    return tell


async def test_an_import_cut_off_again_and_again_is_given_up(pool: Pool, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    run = await start(pool, path, FILE)
    for _ in range(3):
        with pytest.raises(Exception):  # noqa: B017, PT011 - the session is gone
            await carry_out(pool, run, path, cut_off(database, "comparing"))
    failed = await carry_out(pool, run, path)
    assert (failed.told, failed.run.state) == ([(None, "", "", "crashed")], "failed")
    assert await carry_out(pool, run, path) == failed


async def test_a_bug_of_ours_ends_the_run_as_failed(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    path = tmp_path / "c.csv"
    run = await start(pool, path, FILE)
    before = await whole_shop(pool)
    monkeypatch.setattr(loading, "add_prices", broken)
    with pytest.raises(ZeroDivisionError):
        await carry_out(pool, run, path)
    [(_, told)] = await store.problems(pool, run.id, 0, None, 10)
    assert (told.code, told.detail) == ("broke", "ZeroDivisionError")
    assert (await service.get_run(pool, run.id)).state == "failed"
    assert await whole_shop(pool) == before


async def test_an_import_that_is_stopped_while_it_reads_ends_at_once_and_writes_nothing(
    pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "c.csv"
    run = await start(pool, path, FILE + "".join(f"Filtron;{n};Фильтр;;;1;1\n" for n in range(1, 60_000)))
    before = await whole_shop(pool)

    def stop(phase: str, done: int, total: int) -> None:
        if done:
            task.cancel()

    task = asyncio.create_task(carry_out(pool, run, path, stop))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await whole_shop(pool) == before
    assert (await carry_out(pool, run, path)).counts("new") == (60_000,)


@pytest.mark.parametrize(
    ("headings", "state"), [(["Бренд", "Артикул", "Название"], "done"), (["Бренд", "Вес"], "refused")]
)
async def test_no_reader_of_a_workbook_is_left_behind(
    pool: Pool, tmp_path: Path, headings: list[str], state: str
) -> None:
    content = as_xlsx([headings, *(["NGK", f"A-{n}", "Свеча"][: len(headings)] for n in range(5_000))])
    outcome = await load(pool, tmp_path / "c.xlsx", content)
    assert outcome.run.state == state
    assert readers() == []


def readers() -> list[str]:
    """Our children that read workbooks."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid() and b"imports.workbook" in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found
