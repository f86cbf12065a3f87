"""Holidays over HTTP: set for a year by one at a time, kept by stores that keep them, and heeded by every promise."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI

import autoshop
from autoshop.kit.db import Pool
from tests.cast import CENTRE, CENTRE_CODE, NORTH, PLUG
from tests.conftest import client_for
from tests.imports import whole_shop
from tests.ledger import post, request
from tests.people import with_token

pytestmark = pytest.mark.anyio

YEAR = "/api/v1/holidays/2027"
NEW_YEAR = {"day": "2027-01-01", "name": "Новый год"}
VICTORY = {"day": "2027-05-09", "name": "День Победы"}
FOLDER = Path(autoshop.__file__).parent / "data" / "holidays"
FILES = {file.name: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}
MOSCOW = ZoneInfo("Europe/Moscow")


async def put(client: httpx.AsyncClient, days: Any, version: str | None = '"0"', path: str = YEAR) -> httpx.Response:
    return await client.put(path, json={"days": days}, headers={} if version is None else {"If-Match": version})


@pytest.mark.parametrize(
    ("path", "days", "version", "status", "told"),
    [
        (YEAR, [NEW_YEAR], None, 428, "If-Match"),
        (YEAR, [NEW_YEAR], "7", 422, "If-Match"),
        (YEAR, [NEW_YEAR], '"7"', 412, "version 0"),
        (YEAR, [{**NEW_YEAR, "day": "2026-01-01"}], '"0"', 422, "days.0.day: is no day of 2027"),
        (YEAR, [NEW_YEAR, VICTORY, NEW_YEAR], '"0"', 422, "days.2.day: 2027-01-01 is there twice"),
        (YEAR, [{**NEW_YEAR, "day": "2027-02-29"}], '"0"', 422, "days.0.day"),
        (YEAR, [{**NEW_YEAR, "day": 20270101}], '"0"', 422, "days.0.day"),
        (YEAR, [{**NEW_YEAR, "name": " "}], '"0"', 422, "days.0.name"),
        (YEAR, [{"day": "2027-01-01"}], '"0"', 422, "days.0.name"),
        (YEAR, ["2027-01-01"], '"0"', 422, "days.0"),
        (YEAR, {"2027-01-01": "Новый год"}, '"0"', 422, "days"),
        ("/api/v1/holidays/1999", [], '"0"', 422, "year"),
        ("/api/v1/holidays/3000", [], '"0"', 422, "year"),
    ],
)
async def test_a_list_that_cannot_be_one_is_refused(
    client: httpx.AsyncClient, pool: Pool, path: str, days: Any, version: str | None, status: int, told: str
) -> None:
    before = await whole_shop(pool, but=())
    answer = await put(client, days, version, path)
    assert (answer.status_code, told in answer.text) == (status, True), answer.text
    assert await whole_shop(pool, but=()) == before


async def test_a_year_is_set_as_a_whole_by_one_at_a_time(client: httpx.AsyncClient) -> None:
    unset = await client.get(YEAR)
    assert (unset.json(), unset.headers["ETag"][:3]) == ({"year": 2027, "version": 0, "days": []}, '"0-')
    first = await put(client, [VICTORY, NEW_YEAR], unset.headers["ETag"])
    assert (first.status_code, first.json()["days"]) == (200, [NEW_YEAR, VICTORY])
    late = await put(client, [NEW_YEAR], unset.headers["ETag"])
    assert (late.status_code, late.json()["version"]) == (412, 1)
    assert late.json()["differs"]["days"] == {
        "sent": {"2027-01-01": "Новый год"}, "current": {"2027-01-01": "Новый год", "2027-05-09": "День Победы"},
    }  # fmt: skip
    again = await put(client, [NEW_YEAR], first.headers["ETag"])
    assert (again.status_code, again.json()["days"]) == (200, [NEW_YEAR])
    read = await client.get(YEAR)
    assert (await client.get(YEAR, headers={"If-None-Match": read.headers["ETag"]})).status_code == 304
    assert (await client.get("/api/v1/holidays/2028")).json()["version"] == 0


async def test_of_two_who_set_a_year_for_the_first_time_one_is_told(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*[put(client, [day]) for day in (NEW_YEAR, VICTORY)])
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len((await client.get(YEAR)).json()["days"]) == 1


async def test_who_is_bound_to_a_store_sets_no_holidays(app: FastAPI, pool: Pool) -> None:
    token = await with_token(pool, "centre", ["catalog:read", "catalog:write"], CENTRE_CODE)
    async with client_for(app, "203.0.113.9", **token) as bound:
        answer = await put(bound, [NEW_YEAR])
    assert (answer.status_code, answer.json()["title"]) == (403, "Not for one store alone")


@pytest.mark.parametrize("name", FILES)
async def test_the_lists_that_come_along_can_be_sent_as_they_are(client: httpx.AsyncClient, name: str) -> None:
    year = name.removeprefix("ru-").removesuffix(".json")
    answer = await put(client, FILES[name]["days"], path=f"/api/v1/holidays/{year}")
    assert (answer.status_code, len(answer.json()["days"])) == (200, 14)


async def promise(client: httpx.AsyncClient, store_id: int) -> date:
    """The day, in the stores' zone, for which a plug is promised."""
    answer = await client.get(f"/api/v1/inventory/{PLUG}")
    assert answer.status_code == 200, answer.text
    [found] = [one for one in answer.json()["stores"] if one["store_id"] == store_id]
    return datetime.fromisoformat(found["eta_at"]).astimezone(MOSCOW).date()


async def test_a_promise_heeds_holidays_of_the_stores_that_keep_them(client: httpx.AsyncClient, pool: Pool) -> None:
    await post(pool, request("inbound", 5, store_id=NORTH))
    today = datetime.now(MOSCOW).date()
    days = [today + timedelta(days=number) for number in range(-1, 10)]
    for year in sorted({day.year for day in days}):
        listed = [{"day": str(day), "name": "Праздник"} for day in days if day.year == year]
        assert (await put(client, listed, path=f"/api/v1/holidays/{year}")).status_code == 200
    assert await promise(client, NORTH) == days[-1] + timedelta(days=1)
    for store_id in (NORTH, CENTRE):
        tag = (await client.get(f"/api/v1/stores/{store_id}")).headers["ETag"]
        kept = await client.patch(
            f"/api/v1/stores/{store_id}", json={"keeps_holidays": False}, headers={"If-Match": tag}
        )
        assert (kept.status_code, kept.json()["keeps_holidays"], kept.json()["closed_dates"]) == (200, False, [])
    assert await promise(client, NORTH) == today


async def test_a_transfer_leaves_when_the_van_does(client: httpx.AsyncClient, pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    today = datetime.now(UTC).date()
    closed = [str(today + timedelta(days=number)) for number in range(-1, 21)]
    route = f"/api/v1/stores/{CENTRE}/routes/{NORTH}"
    assert (await client.put(route, json={"closed_dates": closed})).status_code == 204
    assert (await client.get(route)).json()["closed_dates"] == closed
    line = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "transfer", "quantity": 1, "to_store_id": NORTH}
    sent = (await client.post("/api/v1/inventory/movement", json=line)).json()
    transfer = (await client.get(f"/api/v1/inventory/transfers/{sent['transfer_id']}")).json()
    assert datetime.fromisoformat(transfer["eta_at"]).date() > today + timedelta(days=20)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"closed_dates": ["2027-02-30"]}, "closed_dates.0"),
        ({"closed_dates": 5}, "closed_dates"),
        ({"closed_dates": [7]}, "closed_dates.0"),
    ],
)  # fmt: skip
async def test_days_without_a_van_that_are_none_are_refused(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.put(f"/api/v1/stores/{CENTRE}/routes/{NORTH}", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_a_store_has_no_route_to_itself(client: httpx.AsyncClient) -> None:
    answer = await client.put(f"/api/v1/stores/{CENTRE}/routes/{CENTRE}", json={})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "to_store_id")
