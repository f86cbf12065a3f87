"""Bulk documents over HTTP: sent as JSON or a file, done by a worker, and every refusal explained."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool, transaction
from autoshop.warehouse.documents import files, jobs
from tests.cast import CENTRE, CENTRE_CODE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import Database, client_for
from tests.imports import as_csv, as_xlsx
from tests.imports_bombs import huge_by_its_directory
from tests.ledger import assert_ledger_is_clean, movements, pieces, post, request
from tests.people import clerk_of_centre, signed_in, with_token
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

DOCUMENTS = "/api/v1/documents"
FILES = f"{DOCUMENTS}/files"
CSV = {"Content-Type": "text/csv"}
LINE: dict[str, Any] = {"product_id": PLUG, "quantity": 3}
RECEIPT: dict[str, Any] = {"kind": "receipt", "store_id": CENTRE, "lines": [LINE], "related_document": "УПД-7"}
TABLE: list[list[object]] = [
    ["Бренд", "Артикул", "Цена", "Кол-во"],
    ["NGK", "BPR6ES-11", "450,00", 7],
    ["MANN-FILTER", "W 914/2", "510", 3],
]
TO_CENTRE: dict[str, Any] = {"kind": "receipt", "store_id": CENTRE}


@pytest.fixture
def pool(app: FastAPI) -> Pool:
    """The pool of the application: as the worker's, so that documents can be posted in this process."""
    return app.state.pool  # type: ignore[no-any-return]


async def ended(client: httpx.AsyncClient, pool: Pool, answer: httpx.Response) -> dict[str, Any]:
    """The document of an answer, once the worker has done what it does."""
    assert answer.status_code == 202, answer.text
    await jobs.post_document(pool, answer.json()["id"])
    document: dict[str, Any] = (await client.get(answer.headers["Location"])).json()
    return document


async def send_file(client: httpx.AsyncClient, content: bytes, **query: Any) -> httpx.Response:
    return await client.post(FILES, params={**TO_CENTRE, **query}, content=content, headers=CSV)


async def test_a_document_is_sent_posted_read_and_undone(client: httpx.AsyncClient, pool: Pool) -> None:
    answer = await client.post(DOCUMENTS, json=RECEIPT)
    made = answer.json()
    assert (made["state"], made["lines_total"], made["totals"], made["counted_at"]) == ("waiting", 1, None, None)
    document = await ended(client, pool, answer)
    assert (document["state"], document["lines_done"], document["totals"]["pieces_in"]) == ("done", 1, 3)
    [line] = (await client.get(f"{DOCUMENTS}/{made['id']}/lines")).json()["items"]
    assert (line["given"], line["product_id"], line["quantity"]) == (LINE, PLUG, 3)
    listed = (await client.get(DOCUMENTS, params={"related_document": "УПД-7", "state": "done"})).json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    undone = await client.post(f"{DOCUMENTS}/{made['id']}/reversal", json={"reason": "ошиблись"})
    assert (undone.status_code, undone.json()["state"], await pieces(pool)) == (200, "undone", 0)
    again = await client.post(f"{DOCUMENTS}/{made['id']}/reversal")
    assert (again.status_code, again.json()["title"]) == (409, "Cannot be undone")
    await assert_ledger_is_clean(pool)


@pytest.fixture
def worker(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """`autoshop worker` as a process of its own."""
    environment = {**os.environ, "AUTOSHOP_DATABASE_URL": database.url, "AUTOSHOP_LOG_LEVEL": "error"}
    process = subprocess.Popen([sys.executable, "-m", "autoshop", "worker"], env=environment)
    yield process
    process.terminate()
    process.wait(timeout=30)


async def test_a_worker_of_its_own_posts_it(client: httpx.AsyncClient, worker: subprocess.Popen[bytes]) -> None:
    answer = await client.post(DOCUMENTS, json=RECEIPT)
    async with asyncio.timeout(60):
        while (document := (await client.get(answer.headers["Location"])).json())["finished_at"] is None:
            assert worker.poll() is None, "the worker ended"
            await asyncio.sleep(0.05)
    assert (document["state"], document["totals"]["movements"]) == ("done", 1)


async def test_a_worker_that_is_killed_over_a_document_posts_it_neither_half_nor_twice(
    client: httpx.AsyncClient, pool: Pool, worker: subprocess.Popen[bytes]
) -> None:
    await post(pool, request("inbound", 10), request("inbound", 10, OIL_FILTER))
    lines = [{"product_id": product, "quantity": 4} for product in (PLUG, OIL_FILTER)]
    async with transaction(pool) as stranger:
        await stranger.execute("SELECT FROM inventory WHERE product_id = $1 FOR UPDATE", OIL_FILTER)
        sent = await client.post(DOCUMENTS, json={**RECEIPT, "kind": "writeoff", "lines": lines})
        await waiting_for_locks(pool, 1)
        worker.kill()
        worker.wait()
    async with asyncio.timeout(30):  # until its last statement has found that nobody listens any more
        document = await ended(client, pool, sent)
        while document["finished_at"] is None:
            await asyncio.sleep(0.05)
            document = await ended(client, pool, sent)
    assert (document["state"], await pieces(pool), await pieces(pool, OIL_FILTER)) == ("done", 6, 6)
    await assert_ledger_is_clean(pool)


@pytest.mark.parametrize(
    "content",
    [as_csv(TABLE), as_csv(TABLE, encoding="cp1251"), as_csv(TABLE, delimiter=","), as_xlsx(TABLE)],
    ids=["utf-8", "cp1251", "commas", "xlsx"],
)
async def test_a_file_is_a_document(client: httpx.AsyncClient, pool: Pool, content: bytes) -> None:
    document = await ended(client, pool, await send_file(client, content, name="УПД 7.csv"))
    assert (document["state"], document["file_name"], document["ignored"]) == ("done", "УПД 7.csv", ["Цена"])
    assert (await pieces(pool), await pieces(pool, OIL_FILTER)) == (7, 3)
    lines = (await client.get(f"{DOCUMENTS}/{document['id']}/lines", params={"limit": 1})).json()
    assert [(line["row"], line["given"]["quantity"]) for line in lines["items"]] == [(2, "7")]
    rest = await client.get(f"{DOCUMENTS}/{document['id']}/lines", params={"page": lines["next_page"]})
    assert [line["row"] for line in rest.json()["items"]] == [3]


BAD = [
    ["Бренд", "Артикул", "Кол-во"],
    ["NGK", "BPR6ES-11", ">10"],
    ["NGK", "нет такого", "1"],
    ["", "", ""],
    ["NGK", "BPR6ES-11", ""],
    ["NGK", "BPR6ES-11", "=1+1"],
    ["Итого", "", "12"],
]


async def test_everything_that_is_wrong_with_a_file_is_told_at_once(client: httpx.AsyncClient, pool: Pool) -> None:
    document = await ended(client, pool, await send_file(client, as_csv(BAD)))
    assert (document["state"], document["totals"]["problems"], await movements(pool)) == ("refused", 5, 0)
    path = f"{DOCUMENTS}/{document['id']}/problems"
    russian = (await client.get(path)).json()["items"]
    assert [(one["row"], one["column"], one["value"], one["code"]) for one in russian] == [
        (2, "Кол-во", ">10", "not_whole"), (3, "", "NGK нет такого", "unknown_product"), (5, "Кол-во", "", "required"),
        (6, "Кол-во", "=1+1", "formula"), (7, "", "Итого", "totals"),
    ]  # fmt: skip
    assert russian[1]["reason"] == "такого товара нет"
    english = (await client.get(path, headers={"Accept-Language": "en"}, params={"limit": 2})).json()
    assert english["items"][1]["reason"] == "there is no such product"
    rest = (await client.get(path, params={"page": english["next_page"]})).json()["items"]
    assert [one["row"] for one in rest] == [5, 6, 7]
    table = await client.get(f"{path}.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = table.content.decode("utf-8-sig").splitlines()
    assert rows[:2] == ["Строка;Столбец;Значение;Причина", "2;Кол-во;>10;нужно целое число штук, например 12"]
    assert rows[4].startswith("6;Кол-во;'=1+1;"), "Excel must not compute it"


HEAD = "Бренд;Артикул;Количество\n"
UNREADABLE: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "nothing but headings": (HEAD.encode(), {}, "no_rows"),
    "no headings": (b"NGK;BPR6ES-11;7\n", {}, "no_document_headings"),
    "no quantity": ("Бренд;Артикул\nNGK;BPR6ES-11\n".encode(), {}, "missing_column"),
    "an article without a brand": ("Артикул;Количество\nBPR6ES-11;1\n".encode(), {}, "names_no_product"),
    "two quantities": ("Код;Количество;Кол-во\n1;1;1\n".encode(), {}, "repeated_column"),
    "a heading that is misspelt": ("Код;Колличество;Кол-во\n1;1;1\n".encode(), {}, "nearly"),
    "no levels": (HEAD.encode(), {"kind": "levels"}, "missing_column"),
    "UTF-16": ("Бренд;Артикул\n".encode("utf-16"), {}, "utf16"),
    "KOI8-R": (("Бренд;Артикул;Количество\nЗавод;А17ДВРМ;1\n" * 20).encode("koi8-r"), {}, "unknown_encoding"),
    "broken UTF-8": (HEAD.encode() + b"\xd0;1;1\n", {}, "broken_utf8"),
    "a NUL": (HEAD.encode() + b"NGK;\0;1\n", {}, "nul"),
    "a zip that is no workbook": (b"PK\x03\x04 and nothing", {"name": "a.xlsx"}, "no_workbook"),
    "a text that is named a workbook": (HEAD.encode(), {"name": "a.xlsx"}, "named_workbook"),
    "a sheet that is not there": (as_xlsx(TABLE), {"sheet": "Март"}, "no_sheet"),
    "10 001 lines": ((HEAD + "NGK;A;1\n" * 10_001).encode(), {}, "too_many_rows"),
}


@pytest.mark.parametrize(("content", "query", "code"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_file_that_is_no_document_is_refused_at_once_with_the_reason(
    client: httpx.AsyncClient, pool: Pool, content: bytes, query: dict[str, Any], code: str
) -> None:
    refused = await send_file(client, content, **query)
    problems = refused.json()["problems"]
    assert (refused.status_code, problems[0]["code"]) == (422, code), refused.text
    assert problems[0]["reason"] in refused.json()["detail"]
    assert await pool.fetchval("SELECT count(*) FROM bulk_documents") == 0


async def test_a_workbook_that_unpacks_to_gigabytes_is_refused(client: httpx.AsyncClient, pool: Pool) -> None:
    refused = await send_file(client, huge_by_its_directory(), name="a.xlsx")
    assert (refused.status_code, refused.json()["problems"][0]["code"]) == (422, "unpacks_too_large")
    assert await pool.fetchval("SELECT count(*) FROM bulk_documents") == 0


async def test_the_same_file_twice_is_asked_about(client: httpx.AsyncClient, pool: Pool) -> None:
    content = as_csv(TABLE)
    first = await ended(client, pool, await send_file(client, content))
    twice = await send_file(client, content, name="another.csv")
    assert (twice.status_code, twice.json()["document_id"]) == (409, first["id"])
    assert "again=true" in twice.json()["detail"]
    assert (await send_file(client, content, store_id=NORTH)).status_code == 202, "another store, another delivery"
    await ended(client, pool, await send_file(client, content, again=True))
    assert await pieces(pool) == 14


async def test_what_is_sent_twice_with_a_key_is_kept_once(client: httpx.AsyncClient, pool: Pool) -> None:
    key = {"Idempotency-Key": "monday"}
    answers = [await client.post(DOCUMENTS, json=RECEIPT, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    other = {"Idempotency-Key": "file"}
    sent = [
        await client.post(FILES, params=TO_CENTRE, content=as_csv(TABLE), headers={**CSV, **other}) for _ in range(2)
    ]
    assert sent[0].json() == sent[1].json()
    assert await pool.fetchval("SELECT count(*) FROM bulk_documents") == 2
    await ended(client, pool, answers[0])
    undo = f"{answers[0].headers['Location']}/reversal"
    undone = [await client.post(undo, headers={"Idempotency-Key": "undo"}) for _ in range(2)]
    assert (undone[0].status_code, undone[0].json()) == (200, undone[1].json())


PLACES: dict[str, Any] = {**RECEIPT, "kind": "places", "lines": [{"product_id": PLUG, "places": ["А-03/2"]}]}
ASKED: dict[str, Any] = {**LINE, "from_store": "north"}
REQUESTS: dict[str, Any] = {**RECEIPT, "kind": "requests", "lines": [ASKED]}


async def test_places_and_requests_are_documents_too(client: httpx.AsyncClient, pool: Pool) -> None:
    placed = await ended(client, pool, await client.post(DOCUMENTS, json=PLACES))
    assert (placed["state"], placed["undoable"], placed["totals"]["products"]) == ("done", False, 1)
    shelf = (await client.get(f"/api/v1/inventory/shelves/{CENTRE}/{PLUG}")).json()
    assert shelf["places"] == ["A-03-2"]
    refused = await client.post(f"{DOCUMENTS}/{placed['id']}/reversal")
    assert (refused.status_code, refused.json()["title"]) == (409, "Places are not undone")
    asked = await ended(client, pool, await client.post(DOCUMENTS, json=REQUESTS))
    assert (asked["state"], asked["undoable"], asked["totals"]["transfers"]) == ("done", True, 1)
    [line] = (await client.get(f"{DOCUMENTS}/{asked['id']}/lines")).json()["items"]
    path = f"/api/v1/inventory/transfers/{line['transfer_id']}"
    assert (await client.get(path)).json()["lines"][0]["wanted"] == 3
    assert (await client.post(f"{DOCUMENTS}/{asked['id']}/reversal")).json()["state"] == "undone"
    assert (await client.get(path)).json()["status"] == "cancelled"


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "0 pieces": ({**RECEIPT, "lines": [{**LINE, "quantity": 0}]}, 422, "at least 1"),
    "a negative receipt": ({**RECEIPT, "lines": [LINE, {**LINE, "quantity": -1}]}, 422, "1.quantity"),
    "a negative count": ({**RECEIPT, "kind": "set", "lines": [{**LINE, "quantity": -1}]}, 422, "less than nothing"),
    "a correction by nothing": ({**RECEIPT, "kind": "adjustment", "lines": [{**LINE, "quantity": 0}]}, 422, "nothing"),
    "10⁹ pieces": ({**RECEIPT, "lines": [{**LINE, "quantity": 10**9}]}, 422, "lines.0.quantity"),
    "1.5 pieces": ({**RECEIPT, "lines": [{**LINE, "quantity": 1.5}]}, 422, "lines.0.quantity"),
    "a text": ({**RECEIPT, "lines": [{**LINE, "quantity": "3"}]}, 422, "lines.0.quantity"),
    "no quantity": ({**RECEIPT, "lines": [{"product_id": PLUG}]}, 422, "0.quantity: must be there"),
    "places without a place": ({**RECEIPT, "kind": "places", "lines": [{"product_id": PLUG}]}, 422, "0.places"),
    "places with pieces": ({**RECEIPT, "kind": "places", "lines": [{**LINE, "places": ["A"]}]}, 422, "0.quantity"),
    "no places at all": ({**PLACES, "lines": [{"product_id": PLUG, "places": []}]}, 422, "lines.0.places"),
    "21 places": ({**PLACES, "lines": [{"product_id": PLUG, "places": ["A"] * 21}]}, 422, "lines.0.places"),
    "a receipt with a place": ({**RECEIPT, "lines": [{**LINE, "places": ["A"]}]}, 422, "0.places"),
    "a request of nobody": ({**RECEIPT, "kind": "requests"}, 422, "0.from_store"),
    "a request of 0 pieces": ({**REQUESTS, "lines": [{**ASKED, "quantity": 0}]}, 422, "at least 1"),
    "a request of -1 pieces": ({**REQUESTS, "lines": [{**ASKED, "quantity": -1}]}, 422, "at least 1"),
    "a sale with a sender": ({**RECEIPT, "lines": [ASKED]}, 422, "0.from_store"),
    "a sender that is a number": ({**REQUESTS, "lines": [{**ASKED, "from_store": 2}]}, 422, "lines.0.from_store"),
    "no product": ({**RECEIPT, "lines": [{"quantity": 1}]}, 422, "must name a product"),
    "an article without a brand": ({**RECEIPT, "lines": [{"article": "A", "quantity": 1}]}, 422, "article and brand"),
    "no lines": ({**RECEIPT, "lines": []}, 422, "lines"),
    "10 001 lines": ({**RECEIPT, "lines": [LINE] * 10_001}, 422, "lines"),
    "an unknown kind": ({**RECEIPT, "kind": "sale"}, 422, "kind"),
    "an unknown field": ({**RECEIPT, "colour": "red"}, 422, "colour"),
    "an unknown store": ({**RECEIPT, "store_id": UNKNOWN}, 404, "no store"),
    "a receipt that was counted": ({**RECEIPT, "counted_at": "2026-01-01T00:00:00Z"}, 422, "only of a document"),
    "a count of long ago": ({**RECEIPT, "kind": "set", "counted_at": "2020-01-01T00:00:00Z"}, 422, "within 7 days"),
}


@pytest.mark.parametrize(("body", "status", "told"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_document_is_refused_and_nothing_is_kept(
    client: httpx.AsyncClient, pool: Pool, body: dict[str, Any], status: int, told: str
) -> None:
    refused = await client.post(DOCUMENTS, json=body)
    assert (refused.status_code, told in refused.text) == (status, True), refused.text
    assert await pool.fetchval("SELECT count(*) FROM bulk_documents") == 0


FILE_REFUSED: dict[str, tuple[dict[str, Any], dict[str, str], bytes, int, str]] = {
    "a form": ({}, {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415, "The body is the file"),
    "JSON": ({}, {"Content-Type": "application/json"}, b"{}", 415, "The body is the file"),
    "no body": ({}, CSV, b"", 422, "The body is empty"),
    "an unknown kind": ({"kind": "sale"}, CSV, b"a", 422, "kind"),
    "an unknown encoding": ({"encoding": "klingon"}, CSV, b"a", 422, "encoding"),
    "a delimiter of two characters": ({"delimiter": ";;"}, CSV, b"a", 422, "delimiter"),
    "a name with a path": ({"name": "../x"}, CSV, b"a", 422, "name"),
    "a receipt that was counted": ({"counted_at": "2026-01-01T00:00:00Z"}, CSV, b"a", 422, "counted_at"),
    "an unknown store": ({"store_id": UNKNOWN}, CSV, as_csv(TABLE), 404, "no store"),
}


@pytest.mark.parametrize(("query", "headers", "content", "status", "told"), FILE_REFUSED.values(), ids=FILE_REFUSED)
async def test_what_is_no_file_is_refused_and_nothing_is_kept(
    client: httpx.AsyncClient,
    pool: Pool,
    query: dict[str, Any],
    headers: dict[str, str],
    content: bytes,
    status: int,
    told: str,
) -> None:
    refused = await client.post(FILES, params={**TO_CENTRE, **query}, content=content, headers=headers)
    assert (refused.status_code, told in refused.text) == (status, True), refused.text
    assert await pool.fetchval("SELECT count(*) FROM bulk_documents") == 0


async def test_a_file_that_never_ends_is_cut_off(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILE_BYTES", 3_000_000)
    seen = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal seen
        while seen < 100:
            seen += 1
            yield b"x" * 1_000_000

    answer = await client.post(FILES, params=TO_CENTRE, content=endless(), headers=CSV)
    assert (answer.status_code, seen) == (413, 4)


async def test_who_may_send_what(app: FastAPI, pool: Pool) -> None:
    clerk, buyer = await clerk_of_centre(app), await signed_in(app, "anna", "buyer")
    token = await with_token(pool, "site", ["documents:write", "inventory:write"], CENTRE_CODE)
    levels = "Код;Минимум\nSKU-1;4\n".encode()
    async with client_for(app, "203.0.113.9") as client:

        async def answer(headers: dict[str, str], body: dict[str, Any]) -> tuple[int, str]:
            sent = await client.post(DOCUMENTS, json=body, headers=headers)
            return sent.status_code, sent.json().get("scope") or sent.json().get("title", "")

        assert await answer(clerk, RECEIPT) == (202, "")
        assert await answer(clerk, {**RECEIPT, "kind": "set"}) == (403, "inventory:approve")
        assert await answer(clerk, {**RECEIPT, "store_id": NORTH}) == (403, "Not your store")
        assert await answer(token, {**RECEIPT, "store_id": NORTH}) == (403, "Not your store")
        assert await answer(buyer, RECEIPT) == (403, "inventory:write")
        for headers, status in ((buyer, 202), (clerk, 403)):
            sent = await client.post(
                FILES, params={**TO_CENTRE, "kind": "levels"}, content=levels, headers={**CSV, **headers}
            )
            assert sent.status_code == status, sent.text
        undo = await client.post(f"{DOCUMENTS}/1/reversal", headers=clerk)
        assert (undo.status_code, undo.json()["scope"]) == (403, "inventory:approve")


async def test_a_document_that_nobody_sent_is_unknown(client: httpx.AsyncClient) -> None:
    for path in ("", "/lines", "/problems", "/problems.csv"):
        answer = await client.get(f"{DOCUMENTS}/{UNKNOWN}{path}")
        assert (answer.status_code, answer.json()["title"]) == (404, "Unknown document")
    assert (await client.post(f"{DOCUMENTS}/{UNKNOWN}/reversal")).status_code == 404


async def test_pieces_that_are_gone_are_named(client: httpx.AsyncClient, pool: Pool) -> None:
    document = await ended(client, pool, await client.post(DOCUMENTS, json=RECEIPT))
    await post(pool, request("sale", 2))
    refused = await client.post(f"{DOCUMENTS}/{document['id']}/reversal")
    assert (refused.status_code, refused.json()["title"]) == (409, "The pieces are gone")
    [line] = refused.json()["lines"]
    assert (line["product_id"], line["asked"], line["available"]) == (PLUG, 3, 1)
    await assert_ledger_is_clean(pool)
