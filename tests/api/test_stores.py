"""Stores over HTTP: opened, changed by one at a time, and what differs is told."""

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from tests.cast import CENTRE, CENTRE_CODE, NORTH
from tests.conftest import client_for
from tests.people import with_token

pytestmark = pytest.mark.anyio

STORES = "/api/v1/stores"
PATH = f"{STORES}/{CENTRE}"


async def change(client: httpx.AsyncClient, body: dict[str, object], version: str | None) -> httpx.Response:
    headers = {} if version is None else {"If-Match": version}
    return await client.patch(PATH, json=body, headers=headers)


async def test_a_change_without_the_version_that_was_read_is_refused(client: httpx.AsyncClient) -> None:
    assert (await change(client, {"name": "x"}, None)).status_code == 428
    assert (await change(client, {"name": "x"}, "seven")).status_code == 422


async def test_a_change_of_what_somebody_else_changed_is_412_and_shows_what_differs(client: httpx.AsyncClient) -> None:
    read = (await client.get(PATH)).headers["ETag"]
    first = await change(
        client,
        {"name": "Центр города", "opening_hours": {"mon": ["10:00", "24:00"]}, "closed_dates": ["2027-01-01"]},
        read,
    )
    assert first.status_code == 200
    second = await change(
        client,
        {
            "name": "Центральный",
            "address": None,
            "opening_hours": {"mon": ["9:00", "24:00"]},
            "closed_dates": ["2027-01-07", "2027-01-01"],
            "active": True,
        },
        read,
    )
    assert second.status_code == 412
    assert second.json()["version"] == 2
    assert second.json()["differs"] == {
        "name": {"sent": "Центральный", "current": "Центр города"},
        "opening_hours": {"sent": {"mon": ["09:00", "24:00"]}, "current": {"mon": ["10:00", "24:00"]}},
        "closed_dates": {"sent": ["2027-01-01", "2027-01-07"], "current": ["2027-01-01"]},
    }
    again = await change(client, {"name": "Центральный"}, first.headers["ETag"])
    assert (again.status_code, again.json()["name"]) == (200, "Центральный")


async def test_what_was_only_written_otherwise_does_not_differ(client: httpx.AsyncClient) -> None:
    hours = {"tue": ["09:00", "18:00"], "mon": ["09:00", "24:00"]}
    await change(client, {"opening_hours": hours}, '"1"')
    late = await change(client, {"opening_hours": {"mon": ["9:00", "24:00"], "tue": ["9:00", "18:00"]}}, '"1"')
    assert (late.status_code, late.json()["differs"]) == (412, {})


async def test_a_store_that_is_known_already_is_not_sent_again(client: httpx.AsyncClient) -> None:
    tag = (await client.get(PATH)).headers["ETag"]
    assert (await client.get(PATH, headers={"If-None-Match": tag})).status_code == 304
    assert (await change(client, {"address": "Ленина, 1"}, tag)).status_code == 200
    assert (await client.get(PATH, headers={"If-None-Match": tag})).json()["address"] == "Ленина, 1"


async def test_two_stores_cannot_have_one_code(client: httpx.AsyncClient) -> None:
    taken = await client.post(STORES, json={"code": CENTRE_CODE, "name": "Второй центр"})
    assert (taken.status_code, taken.json()["code"]) == (409, CENTRE_CODE)
    taken = await client.patch(f"{STORES}/{NORTH}", json={"code": CENTRE_CODE}, headers={"If-Match": '"1"'})
    assert (taken.status_code, taken.json()["code"]) == (409, CENTRE_CODE)


async def test_who_acts_for_one_store_changes_no_other(app: FastAPI, pool: Pool) -> None:
    token = await with_token(pool, "centre", ["catalog:read", "catalog:write"], CENTRE_CODE)
    async with client_for(app, "203.0.113.9", **token) as bound:
        tag = (await bound.get(PATH)).headers["ETag"]
        assert (await change(bound, {"address": "Ленина, 1"}, tag)).status_code == 200
        other = await bound.patch(f"{STORES}/{NORTH}", json={"name": "x"}, headers={"If-Match": '"1"'})
        opened = await bound.post(STORES, json={"code": "third", "name": "Третий"})
        route = await bound.put(f"{PATH}/routes/{NORTH}", json={})
    assert [(one.status_code, one.json()["title"]) for one in (other, opened, route)] == [
        (403, "Not your store"), (403, "Not for one store alone"), (403, "Not your store"),
    ]  # fmt: skip
