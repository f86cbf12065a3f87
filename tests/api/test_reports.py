"""Dated papers, periods, value and history over HTTP: what is answered, what is refused, and who may see what."""

import csv
import io
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.inventory.closing.jobs import balance_period
from autoshop.inventory.reservations.service import forget_holders
from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.ledger import assert_ledger_is_clean, movements, post, request
from tests.papers import assert_proven, days_ago, movement
from tests.people import clerk_of_centre, signed_in, with_token
from tests.reservations import release, reserve

pytestmark = pytest.mark.anyio

INVENTORY = "/api/v1/inventory"
MOVEMENT = f"{INVENTORY}/movement"
PERIODS = f"{INVENTORY}/periods"
STRANGER = "203.0.113.9"


def on(ago: int) -> str:
    return days_ago(ago).isoformat()


async def close(client: httpx.AsyncClient, ago: int) -> dict[str, Any]:
    answer = await client.post(PERIODS, json={"ends_on": on(ago)})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def sheet(client: httpx.AsyncClient, path: str, **params: Any) -> list[list[str]]:
    answer = await client.get(f"{INVENTORY}/{path}", params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8"), answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))


# ------------------------------------------------------------------------------------------------ refused
# What is sent, and the status, the title and the field of the refusal. Everything up to five days ago is closed.
REFUSED: dict[str, tuple[dict[str, Any], int, str, str | None]] = {
    "a date in the future": (movement("inbound", 1, effective_on=on(-1)), 422, "not valid", "effective_on"),
    "eleven years ago": (movement("inbound", 1, effective_on=on(4020)), 422, "not valid", "effective_on"),
    "the last closed day": (movement("inbound", 1, effective_on=on(5)), 409, "The period is closed", None),
    "long closed": (movement("sale", 1, effective_on=on(50)), 409, "The period is closed", None),
    "no date": (movement("inbound", 1, effective_on="yesterday"), 422, "not valid", "effective_on"),
    "a Russian date": (movement("inbound", 1, effective_on="31.12.2025"), 422, "not valid", "effective_on"),
    "a day that no month has": (movement("inbound", 1, effective_on="2026-02-30"), 422, "not valid", "effective_on"),
    "a moment": (movement("inbound", 1, effective_on="2026-02-03T10:00:00Z"), 422, "not valid", "effective_on"),
    "a number": (movement("inbound", 1, effective_on=20260203), 422, "not valid", "effective_on"),
    "a shipment in the future": (
        movement("transfer", 1, effective_on=on(-1), to_store_id=NORTH), 422, "not valid", "effective_on",
    ),
    "a shipment in a closed period": (
        movement("transfer", 1, effective_on=on(6), to_store_id=NORTH), 409, "The period is closed", None,
    ),
    "a cost of a sale": (movement("sale", 1, unit_cost_kopecks=5), 422, "not valid", "unit_cost_kopecks"),
    "a cost of an adjustment": (movement("adjustment", 1, unit_cost_kopecks=5), 422, "not valid", "unit_cost_kopecks"),
    "a negative cost": (movement("inbound", 1, unit_cost_kopecks=-1), 422, "not valid", "unit_cost_kopecks"),
    "a cost of 10¹⁵": (movement("inbound", 1, unit_cost_kopecks=10**15), 422, "not valid", "unit_cost_kopecks"),
    "half a kopeck": (movement("inbound", 1, unit_cost_kopecks=0.5), 422, "not valid", "unit_cost_kopecks"),
    "a cost as text": (movement("inbound", 1, unit_cost_kopecks="100"), 422, "not valid", "unit_cost_kopecks"),
    "dated, no product": (movement("inbound", 1, product_id=UNKNOWN, effective_on=on(1)), 404, "Unknown", None),
    "dated, at no store": (movement("inbound", 1, store_id=UNKNOWN, effective_on=on(1)), 404, "Unknown store", None),
    "dated, more than there is": (movement("sale", 99, effective_on=on(1)), 409, "Insufficient stock", None),
}  # fmt: skip


@pytest.mark.parametrize(("body", "status", "title", "field"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_posted_is_refused_alone_and_in_a_batch(
    client: httpx.AsyncClient, pool: Pool, body: dict[str, Any], status: int, title: str, field: str | None
) -> None:
    await post(pool, request("inbound", 10))
    await close(client, 5)
    lines = [movement("inbound", 1, product_id=OIL_FILTER), body]
    for path, sent, named in (
        (MOVEMENT, body, field),
        (f"{INVENTORY}/movements", {"lines": lines}, field and f"lines.1.{field}"),
    ):
        refused = await client.post(path, json=sent)
        problem = refused.json()
        assert (refused.status_code, refused.headers["content-type"]) == (
            409 if status == 404 and path != MOVEMENT else status,
            "application/problem+json",
        ), refused.text
        if named is not None:
            assert title in problem["title"]
            assert problem["errors"][0]["field"] in (named, field), problem
        elif path == MOVEMENT:
            assert problem["title"].startswith(title)
    assert await movements(pool) == 1
    assert await pool.fetchval("SELECT count(*) FROM inventory WHERE quantity <> 0") == 1


NOT_CLOSED: dict[str, tuple[Any, int, str]] = {
    "today": ({"ends_on": on(0)}, 409, "The period is not over yet"),
    "tomorrow": ({"ends_on": on(-1)}, 409, "The period is not over yet"),
    "the year 2999": ({"ends_on": "2999-01-01"}, 409, "The period is not over yet"),
    "what is closed": ({"ends_on": on(5)}, 409, "Closed already"),
    "a day before that": ({"ends_on": on(6)}, 409, "Closed already"),
    "nothing": ({}, 422, "The request is not valid"),
    "no day": ({"ends_on": "yesterday"}, 422, "The request is not valid"),
    "a number": ({"ends_on": 20260101}, 422, "The request is not valid"),
    "with a field too many": ({"ends_on": on(3), "store_id": 1}, 422, "The request is not valid"),
}


@pytest.mark.parametrize(("body", "status", "title"), NOT_CLOSED.values(), ids=NOT_CLOSED)
async def test_what_cannot_be_closed_is_refused_and_stays_open(
    client: httpx.AsyncClient, pool: Pool, body: Any, status: int, title: str
) -> None:
    await close(client, 5)
    refused = await client.post(PERIODS, json=body)
    assert (refused.status_code, refused.json()["title"]) == (status, title), refused.text
    assert await pool.fetchval("SELECT count(*) FROM periods") == 1


async def test_only_who_may_approve_closes_and_only_who_may_see_costs_sends_or_sees_them(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    pool: Pool = app.state.pool
    period = await close(client, 5)
    costed = movement("inbound", 2, unit_cost_kopecks=777)
    assert (await client.post(MOVEMENT, json=costed)).status_code == 200
    without = await with_token(pool, "till", ["inventory:read", "inventory:write", "catalog:read"])
    buyer = await signed_in(app, "anna", "buyer")
    reading = [f"{INVENTORY}/movements", f"{INVENTORY}/{PLUG}/history", f"{INVENTORY}/movements/export"]
    async with client_for(app, STRANGER) as other:
        for headers in (await clerk_of_centre(app), without):
            for path, body, scope in [
                (MOVEMENT, costed, "cost:read"),
                (f"{INVENTORY}/movements", {"lines": [costed]}, "cost:read"),
                (PERIODS, {"ends_on": on(3)}, "inventory:approve"),
                (f"{PERIODS}/{period['id']}/reopening", {}, "inventory:approve"),
            ]:
                answer = await other.post(path, json=body, headers=headers)
                assert (answer.status_code, answer.json()["scope"]) == (403, scope), path
            for path in ("value", "value/totals", "value/export"):
                answer = await other.get(f"{INVENTORY}/{path}", params={"date": on(0)}, headers=headers)
                assert (answer.status_code, answer.json()["scope"]) == (403, "cost:read"), path
            for path in reading:
                assert "777" not in (await other.get(path, headers=headers)).text, path
        for path in reading:
            assert "777" in (await other.get(path, headers=buyer)).text, path
        assert (await other.post(PERIODS, json={"ends_on": on(3)}, headers=buyer)).status_code == 403
        bound = await with_token(pool, "north", ["inventory:approve"], "north")
        answer = await other.post(PERIODS, json={"ends_on": on(3)}, headers=bound)
        assert (answer.status_code, answer.json()["title"]) == (403, "Not for one store alone")
    assert await movements(pool) == 1


# ------------------------------------------------------------------------------------------------ done
async def test_a_dated_movement_is_answered_with_its_date_and_done_once(client: httpx.AsyncClient, pool: Pool) -> None:
    body = movement("inbound", 3, effective_on=on(4), unit_cost_kopecks=100)
    key = {"Idempotency-Key": "paper-1"}
    first, again = [await client.post(MOVEMENT, json=body, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()) == (200, again.json())
    assert (first.json()["effective_on"], first.json()["new_quantity"]) == (on(4), 3)
    assert "unit_cost_kopecks" not in first.json()
    [line] = (await client.get(f"{INVENTORY}/movements")).json()["items"]
    assert (line["effective_on"], line["unit_cost_kopecks"]) == (on(4), 100)
    undated = await client.post(MOVEMENT, json=movement("inbound", 1))
    assert undated.json()["effective_on"] is None
    await assert_ledger_is_clean(pool)


async def test_a_refusal_of_a_closed_date_is_kept_under_its_key(client: httpx.AsyncClient, pool: Pool) -> None:
    period = await close(client, 5)
    body = movement("inbound", 3, effective_on=on(6))
    key = {"Idempotency-Key": "paper-1"}
    refused = await client.post(MOVEMENT, json=body, headers=key)
    told = refused.json()
    assert (refused.status_code, told["closed_on"], told["effective_on"]) == (409, on(5), on(6))
    assert on(5) in told["detail"]
    assert "reopen" in told["detail"]
    assert (await client.post(f"{PERIODS}/{period['id']}/reopening")).status_code == 200
    assert (await client.post(MOVEMENT, json=body, headers=key)).json() == told, (
        "a copy that comes late changes nothing"
    )
    assert (await client.post(MOVEMENT, json=body)).status_code == 200
    assert await movements(pool) == 1


async def test_a_period_is_closed_balanced_shown_and_reopened(client: httpx.AsyncClient, pool: Pool) -> None:
    await client.post(MOVEMENT, json=movement("inbound", 3, effective_on=on(9), unit_cost_kopecks=100))
    key = {"Idempotency-Key": "june"}
    first, again = [await client.post(PERIODS, json={"ends_on": on(5)}, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()["status"], first.json()) == (201, "closing", again.json())
    path = first.headers["Location"]
    await balance_period(pool, first.json()["id"])
    shown = await client.get(path)
    assert (shown.json()["status"], shown.json()["row_count"], shown.json()["closed_by"]) == (
        "closed",
        1,
        "trust:manager",
    )
    assert (await client.get(path, headers={"If-None-Match": shown.headers["ETag"]})).status_code == 304
    assert [one["id"] for one in (await client.get(PERIODS)).json()["items"]] == [first.json()["id"]]
    opened = await client.post(f"{path}/reopening", json={"reason": "забыли накладную"})
    assert (opened.json()["status"], opened.json()["reason"]) == ("reopened", "забыли накладную")
    twice = await client.post(f"{path}/reopening")
    assert (twice.status_code, twice.json()["title"]) == (409, "Reopened already")
    assert (await client.get(f"{PERIODS}/999")).status_code == 404
    assert (await client.post(f"{PERIODS}/999/reopening")).status_code == 404
    await assert_proven(pool)


async def test_stock_and_value_of_a_day_add_up_page_by_page_and_come_as_csv(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    lines = [movement("inbound", n + 2, product_id=n, effective_on=on(6), unit_cost_kopecks=n * 111) for n in (1, 2, 3)]
    lines.append(movement("inbound", 1, product_id=PLUG, store_id=NORTH, effective_on=on(4)))
    assert (await client.post(f"{INVENTORY}/movements", json={"lines": lines})).status_code == 200

    async def all_pages(path: str, **params: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        page = ""
        while page is not None:
            answer = (await client.get(f"{INVENTORY}/{path}", params={**params, "page": page, "limit": 2})).json()
            rows, page = [*rows, *answer["items"]], answer["next_page"]
        return rows

    stock = await all_pages("stock-on", date=on(5))
    assert [row["quantity"] for row in stock] == [3, 0, 4, 5]
    totals = (await client.get(f"{INVENTORY}/stock-on/totals", params={"date": on(5)})).json()
    assert (totals["quantity"], totals["products"], totals["date"]) == (12, 3, on(5))
    of_north = (await client.get(f"{INVENTORY}/stock-on/totals", params={"date": on(1), "store_id": NORTH})).json()
    assert (of_north["quantity"], of_north["products"]) == (1, 1)
    assert await sheet(client, "stock-on/export", date=on(5)) == [
        ["date", "product_id", "store_id", "quantity"],
        *([on(5), str(n), str(CENTRE), str(n + 2)] for n in (1, 2, 3)),
    ]
    for method in ("average", "fifo"):
        value = await all_pages("value", date=on(1), method=method)
        assert [row["value_kopecks"] for row in value] == [4 * 111, 4 * 222, 5 * 333]
        totals = (await client.get(f"{INVENTORY}/value/totals", params={"date": on(1), "method": method})).json()
        assert (totals["value_kopecks"], totals["unknown_products"]) == (4 * 111 + 4 * 222 + 5 * 333, 0)
        assert len(await sheet(client, "value/export", date=on(1), method=method)) == 4
    assert [row["unit_cost_kopecks"] for row in await all_pages("value", date=on(1), store_id=NORTH)] == [111]


@pytest.mark.parametrize("path", ["stock-on", "stock-on/totals", "stock-on/export", "value", "value/totals"])
@pytest.mark.parametrize("day", [None, "", "x", "2026-13-01", "2999-01-01"])
async def test_a_report_of_no_day_is_422_by_name(client: httpx.AsyncClient, path: str, day: str | None) -> None:
    answer = await client.get(f"{INVENTORY}/{path}", params={} if day is None else {"date": day})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "date")


async def test_the_history_tells_who_when_by_what_and_how_many(client: httpx.AsyncClient, pool: Pool) -> None:
    await post(pool, request("inbound", 10, document="накладная 5"), request("inbound", 2, store_id=NORTH))
    await client.post(MOVEMENT, json=movement("transfer", 4, to_store_id=NORTH))
    held = {"holder": "Иван", "lines": [{"product_id": PLUG, "store_id": CENTRE, "quantity": 1}]}
    made = (await client.post(f"{INVENTORY}/reservations", json=held)).json()
    await client.patch(f"/api/v1/products/{PLUG}", json={"name": "Свеча"}, headers={"If-Match": '"1"'})
    await client.post(f"{INVENTORY}/reservations/{made['id']}/fulfilment")
    shown = (await client.get(f"{INVENTORY}/{PLUG}/history")).json()["items"]
    assert [one["kind"] for one in shown] == ["movement", "card", "reservation", *["movement"] * 3]
    sold, card, hold, sent, _, came = shown
    assert (sold["before"], sold["after"], sold["everywhere_before"], sold["everywhere_after"]) == (6, 5, 8, 7)
    assert sold["document"] == {"kind": "reservation", "id": made["id"], "name": f"reservation {made['id']}"}
    assert card["changes"]["name"]["after"] == "Свеча"
    assert (hold["holder"], hold["fulfilled"], hold["status"]) == ("Иван", 1, "fulfilled")
    assert (sent["document"]["kind"], sent["document"]["id"], sent["everywhere_after"]) == ("transfer", 1, 8)
    assert (came["document"], came["actor"]) == ({"kind": "other", "id": None, "name": "накладная 5"}, "trust:manager")
    assert (await client.get(f"{INVENTORY}/{UNKNOWN}/history")).status_code == 404


async def test_the_history_also_tells_of_holds_whose_holder_is_forgotten(client: httpx.AsyncClient, pool: Pool) -> None:
    await post(pool, request("inbound", 1))
    await release(pool, await reserve(pool, ((PLUG, CENTRE), 1)))
    await pool.execute("UPDATE reservations SET closed_at = now() - interval '1 year'")
    async with pool.acquire() as db:
        assert await forget_holders(db, 90) == 1
    shown = await client.get(f"{INVENTORY}/{PLUG}/history")
    newest = shown.json()["items"][0]
    assert (newest["kind"], newest["holder"]) == ("reservation", None)


async def test_nothing_in_the_exported_ledger_is_a_formula(client: httpx.AsyncClient) -> None:
    for text in ("=1+1", " @SUM(A1)", "+7 900", "-1", 'обычная; с «кавычками» "и" точкой'):
        sent = movement("inbound", 1, related_document=text, reason=text)
        assert (await client.post(MOVEMENT, json=sent)).status_code == 200
    heading, *rows = await sheet(client, "movements/export", product_id=PLUG)
    assert heading[0] == "id"
    texts = [row[heading.index("reason")] for row in rows][::-1]
    assert texts == ["'=1+1", "' @SUM(A1)", "'+7 900", "'-1", 'обычная; с «кавычками» "и" точкой']
    assert {row[heading.index("delta")] for row in rows} == {"1"}
