"""Stocktakes over HTTP: opened, counted by several phones, filled in on a sheet, reviewed, approved."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from tests.cast import AIR_FILTER, BULB, CENTRE, NORTH, NORTH_CODE, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.imports import whole_shop
from tests.ledger import assert_ledger_is_clean, pieces, post, request
from tests.papers import paper
from tests.people import clerk_of_centre, clerk_of_north, signed_in, with_token

pytestmark = pytest.mark.anyio

STOCKTAKES = "/api/v1/inventory/stocktakes"
WHOLE = {"store_id": CENTRE, "scope": {"kind": "store"}}
COUNT = {"client_id": "a", "product_id": PLUG, "pieces": 8, "device": "phone"}
CSV = {"Content-Type": "text/csv"}


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await post(pool, request("inbound", 9), request("inbound", 5, OIL_FILTER), request("inbound", 5, store_id=NORTH))


async def opened(client: httpx.AsyncClient, **more: Any) -> str:
    """A stocktake of the whole centre; its path."""
    answer = await client.post(STOCKTAKES, json={**WHOLE, **more})
    assert answer.status_code == 201, answer.text
    return f"{STOCKTAKES}/{answer.json()['id']}"


async def counted(client: httpx.AsyncClient, path: str, *counts: dict[str, Any]) -> Any:
    body = {"counts": [{**COUNT, "client_id": f"c{number}", **count} for number, count in enumerate(counts)]}
    answer = await client.post(f"{path}/counts", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def approved(client: httpx.AsyncClient, path: str, **body: Any) -> httpx.Response:
    read = await client.get(path)
    return await client.post(f"{path}/approval", json=body, headers={"If-Match": read.headers["ETag"]})


async def test_from_the_opening_to_the_adjustment(client: httpx.AsyncClient, pool: Pool) -> None:
    path = await opened(client, note="квартал", second_count_above=3)
    taken = await counted(client, path, {"pieces": 8}, {"product_id": OIL_FILTER, "pieces": 5})
    assert (taken["taken"], taken["repeated"], taken["status"]) == (2, 0, "counting")
    assert abs(datetime.fromisoformat(taken["server_time"]) - datetime.now(UTC)) < timedelta(minutes=1)
    shown = (await client.get(path)).json()
    assert (shown["note"], shown["opened_by"], shown["scope"]["kind"]) == ("квартал", "trust:manager", "store")
    assert shown["progress"] == {"lines": 2, "by_status": {"counted": 2}, "by_person": {"trust:manager": 2}}
    await client.post(f"{path}/review")
    assert (await client.post(f"{path}/approval", json={})).status_code == 428
    done = await approved(client, path, reason="квартал")
    assert (done.status_code, done.json()["status"], done.json()["shortage"]) == (200, "approved", 1)
    assert done.headers["ETag"] == f'"{done.json()["version"]}"'
    ledger = (await client.get("/api/v1/inventory/movements", params={"movement_type": "adjustment"})).json()["items"]
    assert [(one["delta"], one["reason"], one["actor"]) for one in ledger] == [(-1, "квартал", "trust:manager")]
    await assert_ledger_is_clean(pool)


async def test_a_key_approves_once(client: httpx.AsyncClient, pool: Pool) -> None:
    path = await opened(client)
    await counted(client, path, {"pieces": 8})
    await client.post(f"{path}/review")
    tag = (await client.get(path)).headers["ETag"]
    headers = {"If-Match": tag, "Idempotency-Key": "approve"}
    first, again = [await client.post(f"{path}/approval", json={}, headers=headers) for _ in range(2)]
    assert (first.status_code, first.json(), await pieces(pool)) == (200, again.json(), 8)


async def test_whoever_counts_blind_sees_no_expectation_until_the_review(app: FastAPI, pool: Pool) -> None:
    vera = await clerk_of_centre(app)
    async with client_for(app, "203.0.113.9") as clerk, client_for(app) as manager:
        clerk.headers.update(vera)
        path = await opened(clerk)
        hidden = ("expected", "ledger", "difference")
        [line, _] = (await counted(clerk, path, {"pieces": 8}, {"product_id": OIL_FILTER}))["lines"]
        assert ([line[name] for name in hidden], line["counted"]) == ([None] * 3, 8)
        page = (await clerk.get(f"{path}/lines")).json()["items"]
        assert {line[name] for line in page for name in hidden} == {None}
        assert {one["ledger"] for one in (await clerk.get(f"{path}/counts")).json()["items"]} == {None}
        no = await clerk.get(f"{path}/lines", params={"order": "difference"})
        assert (no.status_code, no.json()["title"]) == (409, "Counted blind")
        assert "По учёту" not in (await clerk.get(f"{path}/sheet")).text

        page = (await manager.get(f"{path}/lines", params={"order": "difference"})).json()["items"]
        assert [(line["product_id"], line["ledger"], line["difference"]) for line in page] == [
            (OIL_FILTER, 5, 3), (PLUG, 9, -1),
        ]  # fmt: skip
        assert (await clerk.post(f"{path}/review")).json()["scope"] == "inventory:approve"
        await manager.post(f"{path}/review")
        page = (await clerk.get(f"{path}/lines", params={"order": "difference"})).json()["items"]
        assert [line["difference"] for line in page] == [3, -1]
        seen = await opened(manager, blind=False, store_id=NORTH)
        assert [line["expected"] for line in (await clerk.get(f"{seen}/lines")).json()["items"]] == [5]


async def test_a_phone_that_was_in_the_basement_sends_its_queue_again(client: httpx.AsyncClient) -> None:
    path = await opened(client)
    counts = [{**COUNT, "client_id": f"phone-1-{n}", "mode": "add", "pieces": 1} for n in range(9)]
    body = {"counts": counts, "sent_at": datetime.now(UTC).isoformat()}
    first, again = [(await client.post(f"{path}/counts", json=body)).json() for _ in range(2)]
    assert ((first["taken"], first["repeated"]), (again["taken"], again["repeated"])) == ((9, 0), (0, 9))
    assert again["lines"][0]["counted"] == 9
    listed = (await client.get(f"{path}/counts", params={"product_id": PLUG, "limit": 2})).json()
    assert ([one["client_id"] for one in listed["items"]], listed["next_page"] is None) == (
        ["phone-1-8", "phone-1-7"], False,
    )  # fmt: skip


async def test_lines_are_filtered_by_status(client: httpx.AsyncClient) -> None:
    path = await opened(client, second_count_above=0)
    await counted(client, path, {"pieces": 8})

    async def found(status: str) -> list[int]:
        return [one["product_id"] for one in (await client.get(f"{path}/lines?status={status}")).json()["items"]]

    assert (await found("needs_second_count"), await found("to_count")) == ([PLUG], [OIL_FILTER])
    await client.post(f"{path}/second-counts", json={"product_ids": [PLUG]})
    await counted(client, path, {"client_id": "r2", "pieces": 9, "round": 2})
    assert await found("agreed") == [PLUG]


async def test_a_limit_of_worth_is_set_and_seen_by_those_who_see_costs(app: FastAPI, pool: Pool) -> None:
    await post(pool, paper("inbound", 1, cost=5_000))
    async with client_for(app, "203.0.113.9") as stranger, client_for(app) as client:
        vera = await clerk_of_centre(app)
        asked = {**WHOLE, "second_count_above_kopecks": 5_000}
        refused = await stranger.post(STOCKTAKES, json=asked, headers=vera)
        assert (refused.status_code, refused.json()["scope"]) == (403, "cost:read")
        path = await opened(client, second_count_above_kopecks=5_000)
        read = {name: (await who.get(path, headers=headers)).json() for name, who, headers in (
            ("manager", client, {}), ("clerk", stranger, vera),
        )}  # fmt: skip
        assert {name: one["second_count_above_kopecks"] for name, one in read.items()} == {
            "manager": 5_000, "clerk": None,
        }  # fmt: skip
        listed = (await stranger.get(STOCKTAKES, headers=vera)).json()["items"]
        assert listed[0]["second_count_above_kopecks"] is None
        counts = [{"pieces": 8}, {"product_id": OIL_FILTER, "pieces": 4}]
        lines = (await counted(client, path, *counts))["lines"]
        # Two plugs are worth 100 roubles; of the oil filters nobody has told the cost.
        assert [one["status"] for one in lines] == ["needs_second_count", "needs_second_count"]
        again = (await counted(client, path, {"client_id": "x", "pieces": 9}))["lines"]
        assert again[0]["status"] == "counted", "one piece is worth just the limit"


# ------------------------------------------------------------------------------------------------ sheets
async def test_a_sheet_is_printed_filled_in_and_taken(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.execute("INSERT INTO barcodes (code, product_id) VALUES ('4607123456781', $1)", OIL_FILTER)
    path = await opened(client)
    sheet = await client.get(f"{path}/sheet", headers={"Accept-Language": "en"})
    assert sheet.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert sheet.content.startswith(b"\xef\xbb\xbfProduct ID;Places;Article;Brand;Name;Barcodes;Expected;Counted;")
    assert "2;;W 914/2;MANN-FILTER;Фильтр масляный MANN-FILTER W 914/2;4607123456781;5;;;to count\r\n" in sheet.text
    filled = sheet.text.replace(";9;;;to count", ";9;8;;to count")
    taken = await client.post(f"{path}/sheet", content=filled.encode(), headers=CSV)
    assert (taken.status_code, taken.json()) == (200, {"ok": True, "taken": 1, "without_number": 1})
    by_code = "Штрихкод;Факт\n4607123456781;5\n".encode("cp1251")
    assert (await client.post(f"{path}/sheet", content=by_code, headers=CSV)).json()["taken"] == 1
    by_article = "Артикул;Бренд;Посчитано\nBPR6ES-11;NGK;4\nbpr6es11;ngk;5\n".encode()
    answer = await client.post(f"{path}/sheet?mode=add&round=2", content=by_article, headers=CSV)
    assert answer.json()["taken"] == 2
    lines = (await client.get(f"{path}/lines")).json()["items"]
    assert [(line["counted"], line["round"], line["difference"]) for line in lines] == [(9, 2, 0), (5, 1, 0)]


async def test_everything_that_is_wrong_with_a_sheet_is_told_and_nothing_is_taken(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    path = await opened(client, scope={"kind": "products", "product_ids": [PLUG]})
    rows = ["1;;;;7", "1;;;;8", "2;;;;1", "999999;;;;1", ";X;;;1", ";;;5901234123457;1", "1;;;;-1", ";;;;3", ";;;;"]
    sheet = "ID товара;Артикул;Бренд;Штрихкод;Посчитано\n" + "\n".join(rows)
    before = await whole_shop(pool, but=())
    for language, word in (("ru", "целое"), ("en", "whole")):
        answer = await client.post(
            f"{path}/sheet", content=sheet.encode(), headers={**CSV, "Accept-Language": language}
        )
        assert (answer.status_code, answer.json()["title"]) == (422, "The sheet cannot be taken")
        assert [(one["row"], one["code"]) for one in answer.json()["rows"]] == [
            (3, "twice"), (4, "not_in_the_list"), (5, "unknown_product"), (6, "unknown_article"),
            (7, "unknown_barcode"), (8, "not_whole"), (9, "names_nothing"),
        ]  # fmt: skip
        assert word in answer.json()["rows"][5]["reason"]
    assert await whole_shop(pool, but=()) == before
    assert (await client.post(f"{path}/sheet", content=sheet.encode())).status_code == 415


async def test_a_sheet_sent_twice_with_one_key_is_taken_once(client: httpx.AsyncClient, pool: Pool) -> None:
    path = await opened(client)
    headers = {**CSV, "Idempotency-Key": "sheet"}
    for _ in range(2):
        answer = await client.post(f"{path}/sheet?mode=add", content=b"id;counted\n1;4\n", headers=headers)
        assert answer.json()["taken"] == 1
    assert await pool.fetchval("SELECT count(*) FROM stocktake_counts") == 1
    again = await client.post(f"{path}/sheet?round=2", content=b"id;counted\n1;4\n", headers=headers)
    assert again.status_code == 422


# ------------------------------------------------------------------------------------------------ refusals
LONG = 501 * "x"
OPENING: dict[str, tuple[dict[str, Any], int, str]] = {
    "an unknown store": ({**WHOLE, "store_id": UNKNOWN}, 404, "Unknown store"),
    "an unknown category": ({**WHOLE, "scope": {"kind": "category", "category_id": 9}}, 404, "Unknown category"),
    "an unknown product": ({**WHOLE, "scope": {"kind": "products", "product_ids": [1, UNKNOWN]}}, 404,
                           "Unknown product"),
    "no products": ({**WHOLE, "scope": {"kind": "products", "product_ids": []}}, 422, "The request is not valid"),
    "products that are not named": ({**WHOLE, "scope": {"kind": "products"}}, 422, "The request is not valid"),
    "a category and products": (
        {**WHOLE, "scope": {"kind": "category", "category_id": 1, "product_ids": [1]}}, 422, "The request is not valid",
    ),
    "a kind that is none": ({**WHOLE, "scope": {"kind": "wall"}}, 422, "The request is not valid"),
    "nothing is flagged": ({**WHOLE, "scope": {"kind": "flagged"}}, 409, "Nothing to count"),
    "a limit below nothing": ({**WHOLE, "second_count_above": -1}, 422, "The request is not valid"),
    "a worth below nothing": ({**WHOLE, "second_count_above_kopecks": -1}, 422, "The request is not valid"),
    "a worth without end": ({**WHOLE, "second_count_above_kopecks": 10**13}, 422, "The request is not valid"),
    "half a kopeck": ({**WHOLE, "second_count_above_kopecks": 0.5}, 422, "The request is not valid"),
    "a note without end": ({**WHOLE, "note": LONG}, 422, "The request is not valid"),
    "twice": ({**WHOLE, "scope": {"kind": "products", "product_ids": [PLUG]}}, 409, "Already being counted"),
}  # fmt: skip
COUNTING: dict[str, tuple[dict[str, Any], int, str]] = {
    "-1 pieces": ({"pieces": -1}, 422, "The request is not valid"),
    "1.5 pieces": ({"pieces": 1.5}, 422, "The request is not valid"),
    "10⁹ pieces": ({"pieces": 10**9}, 422, "The request is not valid"),
    "3 pieces as a text": ({"pieces": "3"}, 422, "The request is not valid"),
    "round 0": ({"round": 0}, 422, "The request is not valid"),
    "round 10": ({"round": 10}, 422, "The request is not valid"),
    "an id with a space": ({"client_id": "a b"}, 422, "The request is not valid"),
    "no device": ({"device": " "}, 422, "The request is not valid"),
    "a moment without a zone": ({"counted_at": "2026-01-01T00:00:00"}, 422, "The request is not valid"),
    "a moment in the future": ({"counted_at": "2999-01-01T00:00:00Z"}, 409, "Nothing was counted"),
    "a moment before the opening": ({"counted_at": "2026-01-01T00:00:00Z"}, 409, "Nothing was counted"),
    "a product that is not in the list": ({"product_id": AIR_FILTER}, 409, "Nothing was counted"),
    "an unknown product": ({"product_id": UNKNOWN}, 409, "Nothing was counted"),
    "a second count without a first": ({"round": 2}, 409, "Nothing was counted"),
}


@pytest.mark.parametrize(("body", "status", "title"), OPENING.values(), ids=OPENING)
async def test_what_cannot_be_opened_is_refused_and_nothing_is(
    client: httpx.AsyncClient, pool: Pool, body: dict[str, Any], status: int, title: str
) -> None:
    await opened(client, scope={"kind": "products", "product_ids": [PLUG]})
    before = await whole_shop(pool, but=())
    refused = await client.post(STOCKTAKES, json=body)
    assert (refused.status_code, refused.json()["title"]) == (status, title), refused.text
    assert await whole_shop(pool, but=()) == before


@pytest.mark.parametrize(("count", "status", "title"), COUNTING.values(), ids=COUNTING)
async def test_what_cannot_be_counted_is_refused_and_nothing_is(
    client: httpx.AsyncClient, pool: Pool, count: dict[str, Any], status: int, title: str
) -> None:
    path = await opened(client, scope={"kind": "products", "product_ids": [PLUG, BULB]})
    before = await whole_shop(pool, but=())
    good = {**COUNT, "client_id": "good", "product_id": BULB}
    refused = await client.post(f"{path}/counts", json={"counts": [good, {**COUNT, **count}]})
    assert (refused.status_code, refused.json()["title"]) == (status, title), refused.text
    if status == 409:
        assert [one["count"] for one in refused.json()["counts"]] == [1]
    assert await whole_shop(pool, but=()) == before


async def test_who_may_not_is_told_so_and_nothing_changes(app: FastAPI, pool: Pool) -> None:
    async with client_for(app) as manager:
        path = await opened(manager)
    vera, oleg = await clerk_of_centre(app), await clerk_of_north(app)
    bound = await with_token(pool, "north", ["inventory:approve"], NORTH_CODE)
    anna = await signed_in(app, "anna", "buyer")
    before = await whole_shop(pool, but=())
    tag = {"If-Match": '"1"'}
    rows: list[tuple[dict[str, str], str, Any, str]] = [
        (oleg, f"{path}/counts", {"counts": [COUNT]}, "Not your store"),
        (oleg, f"{path}/retractions", {"counts": ["a"]}, "Not your store"),
        (oleg, STOCKTAKES, WHOLE, "Not your store"),
        (bound, f"{path}/review", {}, "Not your store"),
        (bound, f"{path}/cancellation", None, "Not your store"),
        (bound, f"{path}/reopening", None, "Not your store"),
        (bound, f"{path}/second-counts", {"product_ids": [PLUG]}, "Not your store"),
        (bound, f"{path}/approval", {}, "Not your store"),
        (vera, f"{path}/approval", {}, "Not allowed"),
        (vera, f"{path}/review", {}, "Not allowed"),
        (vera, f"{path}/cancellation", None, "Not allowed"),
        (anna, f"{path}/counts", {"counts": [COUNT]}, "Not allowed"),
    ]
    async with client_for(app, "203.0.113.9") as client:
        for headers, where, body, title in rows:
            answer = await client.post(where, json=body, headers={**headers, **tag})
            assert (answer.status_code, answer.json()["title"]) == (403, title), (where, answer.text)
        answer = await client.post(f"{path}/sheet", content=b"id;counted\n1;1\n", headers={**oleg, **CSV})
        assert (answer.status_code, answer.json()["title"]) == (403, "Not your store")
    assert await whole_shop(pool, but=()) == before


async def test_a_stocktake_that_nobody_opened_is_unknown(client: httpx.AsyncClient) -> None:
    path, tag = f"{STOCKTAKES}/{UNKNOWN}", {"If-Match": '"1"'}
    for where in (path, f"{path}/lines", f"{path}/counts", f"{path}/sheet"):
        assert (await client.get(where)).json()["title"] == "Unknown stocktake", where
    for verb in ("review", "reopening", "cancellation", "approval"):
        assert (await client.post(f"{path}/{verb}", headers=tag)).json()["title"] == "Unknown stocktake", verb
    for verb, body in (
        ("counts", {"counts": [COUNT]}),
        ("retractions", {"counts": ["a"]}),
        ("second-counts", {"product_ids": [1]}),
    ):
        assert (await client.post(f"{path}/{verb}", json=body)).json()["title"] == "Unknown stocktake", verb
    sheet = await client.post(f"{path}/sheet", content=b"id;counted\n1;1\n", headers=CSV)
    assert sheet.json()["title"] == "Unknown stocktake"


async def test_shelves_are_counted_and_told_as_they_are_kept(client: httpx.AsyncClient) -> None:
    place = {"product_id": PLUG, "store_id": CENTRE, "places": ["А-03-2"]}
    assert (await client.post("/api/v1/inventory/shelves", json={"items": [place]})).status_code == 200
    path = await opened(client, scope={"kind": "shelves", "shelves": ["а 3"]})
    shown = (await client.get(path)).json()
    assert (shown["scope"], shown["progress"]["lines"]) == (
        {"kind": "shelves", "category_id": None, "shelves": ["A-3"]}, 1,
    )  # fmt: skip


SHELVES: dict[str, tuple[Any, int, str, str]] = {
    "none": ([], 422, "The request is not valid", "scope.shelves"),
    "not said": (None, 422, "The request is not valid", "scope"),
    "of signs alone": (["-/-"], 422, "The request is not valid", "scope.shelves"),
    "too long": (["A" * 41], 422, "The request is not valid", "scope.shelves"),
    "twice": (["A-1", "a 01"], 422, "The request is not valid", "scope.shelves"),
    "too many": ([f"A-{number}" for number in range(501)], 422, "The request is not valid", "scope.shelves"),
    "a number": ([3], 422, "The request is not valid", "scope.shelves.0"),
    "on which nothing lies": (["Z"], 404, "Unknown shelf", ""),
}


@pytest.mark.parametrize(("shelves", "status", "title", "field"), SHELVES.values(), ids=SHELVES)
async def test_shelves_that_cannot_be_counted_are_refused(
    client: httpx.AsyncClient, pool: Pool, shelves: Any, status: int, title: str, field: str
) -> None:
    refused = await client.post(STOCKTAKES, json={**WHOLE, "scope": {"kind": "shelves", "shelves": shelves}})
    assert (refused.status_code, refused.json()["title"]) == (status, title), refused.text
    assert [one["field"] for one in refused.json().get("errors", [])] == ([field] if field else [])
    other = await client.post(STOCKTAKES, json={**WHOLE, "scope": {"kind": "store", "shelves": ["A-1"]}})
    assert (other.status_code, await pool.fetchval("SELECT count(*) FROM stocktakes")) == (422, 0)


async def test_what_has_ended_takes_no_counts(client: httpx.AsyncClient, pool: Pool) -> None:
    path = await opened(client)
    await client.post(f"{path}/cancellation")
    before = await whole_shop(pool, but=())
    for answer in (
        await client.post(f"{path}/counts", json={"counts": [COUNT]}),
        await client.post(f"{path}/sheet", content=b"id;counted\n1;1\n", headers=CSV),
        await client.post(f"{path}/second-counts", json={"product_ids": [PLUG]}),
        await client.post(f"{path}/review"),
    ):
        assert (answer.status_code, answer.json()["stocktake_status"]) == (409, "cancelled")
    assert await whole_shop(pool, but=()) == before


async def test_zero_has_to_be_confirmed(client: httpx.AsyncClient, pool: Pool) -> None:
    path = await opened(client)
    refused = await client.post(f"{path}/review", json={"uncounted": "zero"})
    assert (refused.status_code, refused.json()["lines"], refused.json()["pieces"]) == (409, 2, 14)
    confirmed = await client.post(f"{path}/review", json={"uncounted": "zero", "confirm_zero": True})
    assert (confirmed.json()["status"], confirmed.json()["uncounted"]) == ("review", "zero")
    assert (await approved(client, path)).json()["shortage"] == 14
    assert (await pieces(pool), await pieces(pool, store_id=NORTH)) == (0, 5)
