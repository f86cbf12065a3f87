"""Importing through the API: a file is sent, a worker imports it, whoever asks is told how far it is."""

import asyncio
import csv
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from autoshop.catalog.imports import jobs, uploads
from autoshop.kit.db import Pool
from tests.cast import CENTRE, CENTRE_CODE, PLUG
from tests.conftest import Database, client_for
from tests.ledger import pieces
from tests.people import with_token

pytestmark = pytest.mark.anyio

IMPORTS = "/api/v1/imports"
CSV = {"Content-Type": "text/csv"}
GOOD = "Бренд;Артикул;Название;Розница;Остаток centre\nNGK;BPR6ES-11;;450,00;7\nFiltron;OP 520;Фильтр масляный;510;3\n"
BAD = "Бренд;Артикул;Название;Остаток centre\nNGK;BPR6ES-11;;>10\n;X1;Без бренда;1\n"
COSTLY = "Бренд;Артикул;Закупка\nNGK;BPR6ES-11;-5\n"


@pytest.fixture
def pool(app: FastAPI) -> Pool:
    """The pool of the application: as the worker's, so that jobs can be done in this process."""
    return app.state.pool  # type: ignore[no-any-return]


async def send(client: httpx.AsyncClient, text: str, headers: dict[str, str] | None = None, **options: Any) -> Any:
    """Send a file; returns the run as it was answered."""
    answer = await client.post(IMPORTS, params=options, content=text.encode(), headers={**CSV, **(headers or {})})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def carried_out(client: httpx.AsyncClient, pool: Pool, text: str, **options: Any) -> Any:
    """Send a file and do what the worker does; returns the run as it ended."""
    run = await send(client, text, **options)
    await jobs.import_catalog(pool, run["id"])
    return (await client.get(f"{IMPORTS}/{run['id']}")).json()


async def files_kept(pool: Pool) -> int:
    return await pool.fetchval("SELECT count(*) FROM import_files")  # type: ignore[no-any-return]


async def jobs_waiting(pool: Pool) -> int:
    return await pool.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'import_catalog'")  # type: ignore[no-any-return]


@pytest.fixture
def worker(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """`autoshop worker` as a process of its own."""
    environment = {**os.environ, "AUTOSHOP_DATABASE_URL": database.url, "AUTOSHOP_LOG_LEVEL": "error"}
    process = subprocess.Popen([sys.executable, "-m", "autoshop", "worker"], env=environment)
    yield process
    process.terminate()
    process.wait(timeout=30)


async def test_a_file_is_imported_by_a_worker_of_its_own(
    client: httpx.AsyncClient, worker: subprocess.Popen[bytes]
) -> None:
    answer = await client.post(IMPORTS, params={"name": "Остатки.csv"}, content=GOOD.encode("cp1251"), headers=CSV)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{IMPORTS}/{answer.json()['id']}"
    assert (answer.json()["state"], answer.json()["counts"]) == ("waiting", None)
    run = await ended(client, worker, answer.json())
    problems = (await client.get(f"{answer.headers['location']}/problems")).json()["items"]
    assert problems == []
    assert (run["state"], run["rows_done"], run["rows_total"]) == ("done", 2, 2)
    assert (run["counts"]["new"], run["counts"]["changed"], run["counts"]["movements"]) == (1, 1, 2)
    moved = (await client.get("/api/v1/inventory/movements", params={"product_id": PLUG})).json()["items"]
    assert [(line["movement_type"], line["delta"], line["related_document"]) for line in moved] == [
        ("inbound", 7, "Начальный остаток Остатки.csv")
    ]
    found = (await client.get("/api/v1/products", params={"article": "OP520"})).json()["items"]
    assert [product["name"] for product in found] == ["Фильтр масляный"]


async def ended(client: httpx.AsyncClient, worker: subprocess.Popen[bytes], run: Any) -> Any:
    """The run as it ended."""
    async with asyncio.timeout(60):
        while run["finished_at"] is None:
            assert worker.poll() is None, "the worker ended"
            await asyncio.sleep(0.05)
            run = (await client.get(f"{IMPORTS}/{run['id']}")).json()
    return run


async def test_a_worker_whose_ears_were_cut_off_hears_again(
    client: httpx.AsyncClient, worker: subprocess.Popen[bytes], database: Database
) -> None:
    assert (await ended(client, worker, await send(client, GOOD)))["state"] == "done"
    with psycopg.connect(database.super_url) as db:
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        where = " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        assert db.execute(cut + where).fetchone() == (1,)
    assert (await ended(client, worker, await send(client, GOOD)))["state"] == "done"


async def test_every_reason_is_told_in_the_language_asked_for(client: httpx.AsyncClient, pool: Pool) -> None:
    run = await carried_out(client, pool, BAD)
    assert (run["state"], run["counts"]["bad_rows"], await pieces(pool)) == ("refused", 2, 0)
    problems = f"{IMPORTS}/{run['id']}/problems"
    russian = (await client.get(problems)).json()["items"]
    assert [(p["row"], p["column"], p["value"], p["code"]) for p in russian] == [
        (2, "Остаток centre", ">10", "not_whole"),
        (3, "Бренд", "", "required"),
    ]
    assert russian[0]["reason"] == "нужно целое число штук, например 12"
    english = (await client.get(problems, headers={"Accept-Language": "en"})).json()["items"]
    assert english[0]["reason"] == "must be a whole number of pieces, such as 12"


async def test_all_that_is_wrong_is_a_file_that_excel_opens_and_does_not_obey(
    client: httpx.AsyncClient, app: FastAPI, pool: Pool
) -> None:
    bad = BAD.replace(">10", "-10") + COSTLY.splitlines()[1].replace("-5", "=1+1") + "\n" * 2
    run = await carried_out(client, pool, bad + "NGK;@X;;-1\n" * 2_500)
    path = f"{IMPORTS}/{run['id']}/problems.csv"
    answer = await client.get(path)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="import-{run["id"]}-problems.csv"'
    told = list(csv.reader(answer.content.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert told[0] == ["Строка", "Столбец", "Значение", "Причина", "Вид"]
    assert told[1] == ["2", "Остаток centre", "'-10", "остаток не бывает отрицательным", "error"]
    assert len(told) == 1 + await pool.fetchval("SELECT count(*) FROM import_problems") > 2_500
    english = (await client.get(path, headers={"Accept-Language": "en"})).text
    assert "stock cannot be negative" in english
    assert (await client.get(f"{IMPORTS}/999999/problems.csv")).status_code == 404
    costly = await carried_out(client, pool, COSTLY)
    token = await with_token(pool, "site", ["catalog:write"])
    async with client_for(app, "203.0.113.9", **token) as site:
        assert "-5" not in (await site.get(f"{IMPORTS}/{costly['id']}/problems.csv")).text


async def test_problems_come_in_pages(client: httpx.AsyncClient, pool: Pool) -> None:
    run = await carried_out(client, pool, "Бренд;Артикул\n" + ";X\n" * 5)
    seen, page = [], None
    while True:
        answer = await client.get(
            f"{IMPORTS}/{run['id']}/problems", params={"limit": 2, **({"page": page} if page else {})}
        )
        seen += [problem["row"] for problem in answer.json()["items"]]
        page = answer.json()["next_page"]
        if page is None:
            break
    assert seen == [2, 3, 4, 5, 6]
    assert (await client.get(f"{IMPORTS}/{run['id']}/problems", params={"kind": "merged"})).json()["items"] == []


async def test_the_same_key_and_file_are_one_import(client: httpx.AsyncClient, pool: Pool) -> None:
    key = {"Idempotency-Key": "monday"}
    first = await send(client, GOOD, key)
    assert (await send(client, GOOD, key))["id"] == first["id"]
    other_file = await client.post(IMPORTS, content=BAD.encode(), headers={**CSV, **key})
    other_options = await client.post(IMPORTS, params={"dry_run": True}, content=GOOD.encode(), headers={**CSV, **key})
    assert (other_file.status_code, other_options.status_code) == (422, 422)
    assert await pool.fetchval("SELECT count(*) FROM import_runs") == 1
    assert (await files_kept(pool), await jobs_waiting(pool)) == (1, 1)


async def test_a_dry_run_writes_nothing_and_the_file_goes_with_the_end(client: httpx.AsyncClient, pool: Pool) -> None:
    run = await carried_out(client, pool, GOOD, dry_run=True)
    assert (run["state"], run["options"]["dry_run"], run["counts"]["movements"]) == ("done", True, 2)
    assert (await pieces(pool), await files_kept(pool)) == (0, 0)


async def test_a_large_file_arrives_in_pieces(client: httpx.AsyncClient, pool: Pool) -> None:
    lines = [f"NGK;A-{number};Свеча {number}\n" for number in range(60_000)]
    run = await send(client, "Бренд;Артикул;Название\n" + "".join(lines))
    sizes = await pool.fetch("SELECT length(chunk) AS size FROM import_chunks ORDER BY number")
    assert [row["size"] for row in sizes][:-1] == [uploads.CHUNK_BYTES] * (len(sizes) - 1)
    assert len(sizes) > 1
    await jobs.import_catalog(pool, run["id"])
    assert (await client.get(f"{IMPORTS}/{run['id']}")).json()["counts"]["new"] == 60_000


@pytest.mark.parametrize(
    ("headers", "content", "status", "told"),
    [
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415, "curl --data-binary"),
        ({"Content-Type": "application/json"}, b"{}", 415, "The body is the file, not application/json"),
        (CSV, b"", 422, "The body is empty"),
    ],
)
async def test_what_is_no_file_is_refused(
    client: httpx.AsyncClient, pool: Pool, headers: dict[str, str], content: bytes, status: int, told: str
) -> None:
    answer = await client.post(IMPORTS, content=content, headers=headers)
    assert answer.status_code == status
    assert told in answer.json()["detail"]
    assert (await files_kept(pool), await jobs_waiting(pool)) == (0, 0)


@pytest.mark.parametrize(
    "options", [{"encoding": "klingon"}, {"delimiter": ";;"}, {"delimiter": '"'}, {"name": "../x"}, {"name": ""}]
)
async def test_options_are_checked_before_the_file_is_taken(client: httpx.AsyncClient, options: dict[str, str]) -> None:
    answer = await client.post(IMPORTS, params=options, content=GOOD.encode(), headers=CSV)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(options))


async def test_a_file_that_is_too_large_leaves_nothing(
    client: httpx.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_UPLOADED_BYTES", 3 * uploads.CHUNK_BYTES)
    seen = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal seen
        while seen < 100:
            seen += 1
            yield b"x" * uploads.CHUNK_BYTES

    answer = await client.post(IMPORTS, content=endless(), headers=CSV)
    assert (answer.status_code, await files_kept(pool)) == (413, 0)


async def test_a_client_that_hangs_up_leaves_nothing(app: FastAPI, pool: Pool) -> None:
    messages = iter([{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}])
    answers: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": IMPORTS, "query_string": b"",
        "headers": [(b"host", b"test"), (b"content-type", b"text/csv")], "client": ("127.0.0.1", 50000),
    }  # fmt: skip
    await app(scope, receive, send)
    assert (answers, await files_kept(pool), await jobs_waiting(pool)) == ([], 0, 0)


async def test_a_token_of_one_store_sets_no_stock_elsewhere(
    client: httpx.AsyncClient, app: FastAPI, pool: Pool
) -> None:
    token = await with_token(pool, "till", ["catalog:write"], CENTRE_CODE)
    async with client_for(app, "203.0.113.9", **token) as till:
        run = await carried_out(till, pool, GOOD.replace("Остаток centre", "Остаток north"))
        problems = (await till.get(f"{IMPORTS}/{run['id']}/problems")).json()["items"]
        assert (run["state"], problems[0]["code"]) == ("refused", "not_your_store")
        run = await carried_out(till, pool, GOOD)
    assert (run["state"], await pieces(pool, PLUG, CENTRE)) == ("done", 7)


async def test_cost_prices_are_hidden_from_whoever_may_not_see_them(
    client: httpx.AsyncClient, app: FastAPI, pool: Pool
) -> None:
    run = await carried_out(client, pool, COSTLY)
    path = f"{IMPORTS}/{run['id']}/problems"
    assert [p["value"] for p in (await client.get(path)).json()["items"]] == ["-5"]
    token = await with_token(pool, "site", ["catalog:write"])
    async with client_for(app, "203.0.113.9", **token) as site:
        assert [p["value"] for p in (await site.get(path)).json()["items"]] == [None]
        refused = await carried_out(site, pool, COSTLY.replace("-5", "5"))
        assert refused["state"] == "refused"


async def test_runs_are_listed_newest_first(client: httpx.AsyncClient, pool: Pool) -> None:
    ids = [(await send(client, GOOD))["id"] for _ in range(3)]
    first = (await client.get(IMPORTS, params={"limit": 2})).json()
    assert [run["id"] for run in first["items"]] == ids[:0:-1]
    rest = (await client.get(IMPORTS, params={"limit": 2, "page": first["next_page"]})).json()
    assert ([run["id"] for run in rest["items"]], rest["next_page"]) == (ids[:1], None)
    assert (await client.get(f"{IMPORTS}/999")).status_code == 404
    assert (await client.get(f"{IMPORTS}/999/problems")).status_code == 404


async def test_what_a_dead_worker_left_is_taken_up_again(client: httpx.AsyncClient, pool: Pool) -> None:
    run = await send(client, GOOD)
    await pool.execute("DELETE FROM pgqueuer")
    await jobs.take_up_again(pool)
    assert await jobs_waiting(pool) == 0, "it has been silent for less than a minute"
    await pool.execute("UPDATE import_runs SET updated_at = now() - interval '2 minutes', state = 'loading'")
    await jobs.take_up_again(pool)
    await jobs.take_up_again(pool)
    assert await jobs_waiting(pool) == 1
    await jobs.import_catalog(pool, run["id"])
    assert (await client.get(f"{IMPORTS}/{run['id']}")).json()["state"] == "done"
    await jobs.import_catalog(pool, run["id"])
    assert await pieces(pool) == 7


@pytest.mark.parametrize(
    "path", ["/api/v1/imports?ignore=%00", "/api/v1/documents/files?kind=receipt&store_id=1&ignore=%00"]
)
async def test_a_heading_that_nobody_can_keep_is_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, content="Код\n1\n".encode(), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 422, answer.text
