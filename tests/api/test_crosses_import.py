"""Crosses through the API: a file is sent, a worker imports it, good rows are there and each other one is told."""

import asyncio
import signal
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from autoshop.catalog.imports import jobs as imports
from autoshop.kit.db import Pool
from autoshop.selection.crosses import jobs, loading
from tests.conftest import Database, client_for
from tests.crosses import HEADINGS, pairs
from tests.people import clerk_of_centre, with_token
from tests.waiting import waiting_for_locks
from tests.workers import start_worker

pytestmark = pytest.mark.anyio

IMPORTS = "/api/v1/imports"
CROSSES = f"{IMPORTS}/crosses"
CSV = {"Content-Type": "text/csv"}
TRAP = "Россия (ОСТ);А17ДВРМ;Россия (ОСТ);АУ17ДВРМ"
FILE = f"{HEADINGS}\nMANN;W 914/2;MAHLE;OC 384\nMANN;;MAHLE;OC1\n{TRAP}\n"


@pytest.fixture
def pool(app: FastAPI) -> Pool:
    """The pool of the application: as the worker's, so that jobs can be done in this process."""
    return app.state.pool  # type: ignore[no-any-return]


async def send(client: httpx.AsyncClient, text: str = FILE, **options: Any) -> Any:
    """Send a file; returns the run as it was answered."""
    answer = await client.post(CROSSES, params=options, content=text.encode(), headers=CSV)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"{IMPORTS}/{answer.json()['id']}"
    return answer.json()


async def carried_out(client: httpx.AsyncClient, pool: Pool, text: str = FILE, **options: Any) -> Any:
    """Send a file and do what the worker does; returns the run as it ended."""
    run = await send(client, text, **options)
    await jobs.import_crosses(pool, run["id"])
    return (await client.get(f"{IMPORTS}/{run['id']}")).json()


# ------------------------------------------------------------------------------------------------ no
REFUSED: list[tuple[dict[str, Any], dict[str, str], bytes, int, str]] = [
    ({"kind": "friend"}, CSV, b"x", 422, "The request is not valid"),
    ({"confidence": "certain"}, CSV, b"x", 422, "The request is not valid"),
    ({"encoding": "klingon"}, CSV, b"x", 422, "The request is not valid"),
    ({"name": "../x"}, CSV, b"x", 422, "The request is not valid"),
    ({}, CSV, b"", 422, "There is no file"),
    ({}, {"Content-Type": "application/json"}, b"{}", 415, "Send the file itself"),
]


@pytest.mark.parametrize(("options", "headers", "content", "status", "title"), REFUSED)
async def test_what_is_no_file_of_crosses_is_refused(
    client: httpx.AsyncClient, pool: Pool, options: Any, headers: Any, content: bytes, status: int, title: str
) -> None:
    answer = await client.post(CROSSES, params=options, content=content, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert await pool.fetchval("SELECT count(*) FROM import_runs") == 0
    assert await pool.fetchval("SELECT count(*) FROM import_files") == 0


async def test_only_who_may_change_the_catalogue_imports(app: FastAPI, pool: Pool) -> None:
    for headers in (await clerk_of_centre(app), await with_token(pool, "reader", ["catalog:read"])):
        async with client_for(app, "203.0.113.9", **headers) as caller:
            assert (await caller.post(CROSSES, content=FILE.encode(), headers=CSV)).status_code == 403


async def test_a_file_without_the_headings_writes_nothing(client: httpx.AsyncClient, pool: Pool) -> None:
    run = await carried_out(client, pool, "Бренд;Артикул\nMANN;W1\n")
    assert (run["state"], run["what"], run["counts"]["pairs"]) == ("refused", "crosses", 0)
    told = (await client.get(f"{IMPORTS}/{run['id']}/problems")).json()["items"]
    assert {one["code"] for one in told} == {"missing_column"}
    assert "Бренд аналога" in told[0]["reason"]


# ------------------------------------------------------------------------------------------------ yes
async def test_good_rows_are_loaded_bad_ones_told_and_refused_plugs_kept_aside(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    run = await carried_out(client, pool, name="Аналоги.csv", kind="spec_equal")
    assert (run["state"], run["file_name"], run["finished_at"] is not None) == ("done", "Аналоги.csv", True)
    assert run["counts"] == {"rows": 3, "bad_rows": 1, "articles": 4, "pairs": 1, "conflicts": 1, "forgotten": 0}
    assert (run["rows_done"], run["rows_total"]) == (3, 3)
    assert await pairs(pool) == {("MAHLE OC 384", "MANN W 914/2", "spec_equal")}
    for language, why in (("ru", "пусто, а должно быть заполнено"), ("en", "empty, but must be filled")):
        problems = await client.get(f"{IMPORTS}/{run['id']}/problems", headers={"Accept-Language": language})
        [told] = problems.json()["items"]
        assert (told["row"], told["column"], told["code"], told["reason"]) == (3, "Артикул", "required", why)
    conflicts = (await client.get("/api/v1/crosses/conflicts")).json()["items"]
    assert [one["source"] for one in conflicts] == ["import: Аналоги.csv"]
    assert [(one["id"], one["what"]) for one in (await client.get(IMPORTS)).json()["items"]] == [(run["id"], "crosses")]
    assert await pool.fetchval("SELECT count(*) FROM import_files") == 0, "the file goes with the end"


async def test_a_dry_run_tells_and_writes_nothing(client: httpx.AsyncClient, pool: Pool) -> None:
    run = await carried_out(client, pool, dry_run=True)
    assert (run["state"], run["counts"]["rows"], run["counts"]["bad_rows"], run["counts"]["pairs"]) == ("done", 3, 1, 0)
    assert await pairs(pool) == set()
    assert await pool.fetchval("SELECT count(*) FROM cross_sources") == 0


async def test_the_same_key_and_file_are_one_import_and_the_same_file_as_a_catalogue_is_another(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    key = {"Idempotency-Key": "monday", **CSV}
    first, again = [await client.post(CROSSES, content=FILE.encode(), headers=key) for _ in range(2)]
    assert first.json()["id"] == again.json()["id"]
    assert (await client.post(IMPORTS, content=FILE.encode(), headers=key)).status_code == 422
    assert await pool.fetchval("SELECT count(*) FROM import_runs") == 1


# ------------------------------------------------------------------------------------------------ the worker
async def test_a_worker_that_is_killed_over_it_loses_nothing_and_doubles_nothing(
    client: httpx.AsyncClient, pool: Pool, database: Database
) -> None:
    with psycopg.connect(database.owner_url) as turn:
        turn.execute(loading.TAKE_TURN.encode())  # so that the worker waits in the middle of its writing
        run = await send(client)
        worker = start_worker(database)
        await waiting_for_locks(pool, 1)
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=30)
    told = (await client.get(f"{IMPORTS}/{run['id']}")).json()
    assert (told["finished_at"], told["counts"], await pairs(pool)) == (None, None, set())
    await pool.execute("UPDATE import_runs SET updated_at = now() - interval '2 minutes'")
    await imports.take_up_again(pool)
    await jobs.import_crosses(pool, run["id"])
    await jobs.import_crosses(pool, run["id"])  # and the worker begins once more, and finds it done
    ended = (await client.get(f"{IMPORTS}/{run['id']}")).json()
    assert (ended["state"], ended["counts"]["pairs"], ended["counts"]["conflicts"]) == ("done", 1, 1)
    assert len(await pairs(pool)) == 1


async def test_a_worker_does_what_was_sent(client: httpx.AsyncClient, pool: Pool, database: Database) -> None:
    worker = start_worker(database)
    try:
        run = await send(client)
        async with asyncio.timeout(60):
            while (await client.get(f"{IMPORTS}/{run['id']}")).json()["finished_at"] is None:
                assert worker.poll() is None, "the worker ended"
                await asyncio.sleep(0.05)
    finally:
        worker.terminate()
        worker.wait(timeout=30)
    assert (await client.get(f"{IMPORTS}/{run['id']}")).json()["counts"]["pairs"] == 1
