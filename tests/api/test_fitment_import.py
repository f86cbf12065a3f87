"""Fitments through the API and the command: a file is sent, and what it says is told of the parts and cars."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from autoshop.catalog.imports import jobs as imports
from autoshop.kit.db import Pool
from autoshop.selection.crosses import loading
from autoshop.selection.fitment import jobs
from tests.cast import PLUG
from tests.conftest import Database, client_for
from tests.fitments import HEADINGS, ROW, VESTA, row, said, write
from tests.people import clerk_of_centre, with_token
from tests.waiting import waiting_for_locks
from tests.workers import start_worker

pytestmark = pytest.mark.anyio

IMPORTS = "/api/v1/imports"
FITMENTS = f"{IMPORTS}/fitments"
CSV = {"Content-Type": "text/csv"}
OF_PLUG = row(Бренд="NGK", Артикул="BPR6ES-11", Категория="spark_plug", Количество="4")
FILE = f"{HEADINGS}\n{ROW}\n{OF_PLUG}\n"


@pytest.fixture
def pool(app: FastAPI) -> Pool:
    """The pool of the application: as the worker's, so that jobs can be done in this process."""
    return app.state.pool  # type: ignore[no-any-return]


async def send(client: httpx.AsyncClient, text: str = FILE, **options: Any) -> Any:
    """Send a file; returns the run as it was answered."""
    answer = await client.post(FITMENTS, params=options, content=text.encode(), headers=CSV)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"{IMPORTS}/{answer.json()['id']}"
    return answer.json()


async def carried_out(client: httpx.AsyncClient, pool: Pool, text: str = FILE, **options: Any) -> Any:
    """Send a file and do what the worker does; returns the run as it ended."""
    run = await send(client, text, **options)
    await jobs.import_fitments(pool, run["id"])
    return (await client.get(f"{IMPORTS}/{run['id']}")).json()


# ------------------------------------------------------------------------------------------------ no
REFUSED: list[tuple[dict[str, Any], dict[str, str], bytes, int, str]] = [
    ({"source": ""}, CSV, b"x", 422, "The request is not valid"),
    ({"source": " "}, CSV, b"x", 422, "The request is not valid"),
    ({"source": "x" * 201}, CSV, b"x", 422, "The request is not valid"),
    ({"confidence": "certain"}, CSV, b"x", 422, "The request is not valid"),
    ({"delimiter": ";;"}, CSV, b"x", 422, "The request is not valid"),
    ({}, CSV, b"", 422, "There is no file"),
    ({}, {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415, "Send the file itself"),
]


@pytest.mark.parametrize(("options", "headers", "content", "status", "title"), REFUSED)
async def test_what_is_no_file_of_fitments_is_refused(
    client: httpx.AsyncClient, pool: Pool, options: Any, headers: Any, content: bytes, status: int, title: str
) -> None:
    answer = await client.post(FITMENTS, params=options, content=content, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert await pool.fetchval("SELECT count(*) FROM import_runs") == 0


async def test_only_who_may_change_the_catalogue_imports(app: FastAPI, pool: Pool) -> None:
    for headers in (await clerk_of_centre(app), await with_token(pool, "reader", ["catalog:read"])):
        async with client_for(app, "203.0.113.9", **headers) as caller:
            assert (await caller.post(FITMENTS, content=FILE.encode(), headers=CSV)).status_code == 403


async def test_one_bad_row_keeps_all_out_and_says_what_to_do(client: httpx.AsyncClient, pool: Pool) -> None:
    run = await carried_out(client, pool, FILE + row(Автомобиль="Лада Веста") + "\n")
    assert (run["state"], run["what"], run["counts"]["rows"], run["counts"]["bad_rows"]) == (
        "refused",
        "fitments",
        3,
        1,
    )
    [told] = (await client.get(f"{IMPORTS}/{run['id']}/problems")).json()["items"]
    assert (told["row"], told["column"], told["code"]) == (4, "Автомобиль", "which_vehicle")
    assert told["reason"] == "подходит несколько машин, назовите одну: lada/vesta/ng, lada/vesta/i"
    assert await said(pool) == []
    again = await carried_out(client, pool, FILE + row(Автомобиль="Лада Веста") + "\n", skip_bad=True)
    assert (again["state"], again["counts"]["new"]) == ("done", 2)


# ------------------------------------------------------------------------------------------------ yes
async def test_what_a_file_says_is_told_of_the_part_and_the_car(client: httpx.AsyncClient, pool: Pool) -> None:
    run = await carried_out(client, pool, name="Применимость.csv")
    assert run["counts"] == {
        "rows": 2, "bad_rows": 0, "merged_rows": 0, "sources": 1, "articles": 2, "new": 2, "changed": 0, "gone": 0,
    }  # fmt: skip
    [fits] = (await client.get(f"/api/v1/products/{PLUG}/fitment")).json()["items"]
    assert (fits["vehicle"], fits["engine"], fits["quantity"], fits["source"]) == (
        VESTA,
        "21129",
        4.0,
        ["каталог MANN"],
    )
    assert (fits["basis"], fits["qualifiers"]) == ("read", "")
    found = (await client.get("/api/v1/products", params={"vehicle": VESTA})).json()["items"]
    assert PLUG in [one["id"] for one in found]


async def test_what_fits_on_a_condition_has_to_be_checked(client: httpx.AsyncClient, pool: Pool) -> None:
    wiper = row(Бренд="NGK", Артикул="BPR6ES-11", Категория="spark_plug", Условия="с ГБО", Двигатель="")
    await carried_out(client, pool, f"{HEADINGS}\n{wiper.replace(VESTA, 'uaz/hunter-3151/-')}\n")
    asked: dict[str, str | int] = {"vehicle": "uaz/hunter-3151/-", "year": 2016}
    verdict = (await client.get(f"/api/v1/products/{PLUG}/fitment/verdict", params=asked)).json()
    assert (verdict["answer"], [link["kind"] for link in verdict["chain"]]) == ("check", ["fitment", "qualifiers"])
    assert verdict["chain"][-1]["text"] == "Подходит при условии: с ГБО"
    [fits] = (await client.get(f"/api/v1/products/{PLUG}/fitment")).json()["items"]
    assert fits["qualifiers"] == "с ГБО"


async def test_a_worker_that_is_killed_over_it_leaves_nothing_and_the_next_does_it_all(
    client: httpx.AsyncClient, pool: Pool, database: Database
) -> None:
    with psycopg.connect(database.owner_url) as turn:
        turn.execute(loading.TAKE_TURN.encode())  # so that the worker waits in the middle of its writing
        run = await send(client)
        worker = start_worker(database)
        await waiting_for_locks(pool, 1)
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=30)
    assert await pool.fetchval("SELECT count(*) FROM fitment_sources") == 0
    await pool.execute("UPDATE import_runs SET updated_at = now() - interval '2 minutes'")
    await imports.take_up_again(pool)
    for _ in range(2):
        await jobs.import_fitments(pool, run["id"])
    ended = (await client.get(f"{IMPORTS}/{run['id']}")).json()
    assert (ended["state"], ended["counts"]["new"], len(await said(pool))) == ("done", 2, 2)


def test_the_command_says_what_it_did(database: Database, tmp_path: Path) -> None:
    environment = {**os.environ, "AUTOSHOP_DATABASE_URL": database.url}
    for lines, code, told in (
        (
            [ROW, OF_PLUG],
            0,
            "источников 1, новых артикулов 2\nприменимость: новых 2, ",
        ),
        ([ROW], 0, "применимость: новых 0, изменено 0, больше не заявлено 1"),
        ([row(Количество="1-5")], 1, "Ничего не записано"),
    ):
        words = ["import", "fitments", str(write(tmp_path, *lines)), "--lang", "ru"]
        command = [sys.executable, "-m", "autoshop", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, told in done.stdout) == (code, True), done
        assert ("нужно число больше нуля" in done.stderr) == (code == 1)
