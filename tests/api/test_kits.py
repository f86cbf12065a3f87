"""The routes of kits: the list, a kit for a car and for a VIN in one call, and holding all of it."""

from typing import Any

import httpx
import pytest

from autoshop.kit.db import Pool
from tests.cast import CENTRE, UNKNOWN
from tests.kits import VESTA, shop
from tests.ledger import assert_ledger_is_clean

pytestmark = pytest.mark.anyio

KITS = "/api/v1/kits"
SEDAN = "XTAGFL110KY000000"  # a Vesta with the engine 21129
ASKED: dict[str, Any] = {"vehicle": VESTA, "engine": "21129", "year": 2020, "store_id": CENTRE}
ORDER = {**ASKED, "tier": "economy", "total_kopecks": 3660_00, "holder": "Анна"}


async def test_the_jobs_are_listed_with_how_often_they_are_done(client: httpx.AsyncClient) -> None:
    items = (await client.get(KITS)).json()["items"]
    assert len(items) == 15
    assert (items[0]["kit"], items[0]["name"], items[0]["every_km"]) == ("to15", "ТО-15 000", 15_000)
    english = (await client.get(KITS, params={"lang": "en"})).json()["items"]
    assert english[0]["name"] == "15,000 km service"


async def test_a_kit_for_a_car_is_told_in_both_languages(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    told = (await client.get(f"{KITS}/to15", params=ASKED)).json()
    assert (told["vehicle_name"], told["store_id"], told["question"]) == ("Lada Vesta I", CENTRE, None)
    assert [(way["tier"], way["name"], way["total_kopecks"]) for way in told["ways"]] == [
        ("economy", "Эконом", 3660_00),
        ("premium", "Премиум", 7830_00),
    ]
    oil = told["lines"][0]
    assert (oil["name"], oil["quantity"], oil["unit"], oil["choices"]) == ("Масло моторное", 4.4, "l", 2)
    why = oil["offers"]["economy"]["why"][-1]
    assert why["text"] == "Lukoil 207465 подходит к этой машине"
    assert why["source"] == ["k"]
    english = (await client.get(f"{KITS}/to15", params=ASKED, headers={"Accept-Language": "en"})).json()
    assert [english["lines"][0]["name"], english["ways"][0]["name"]] == ["Engine oil", "Economy"]


async def test_from_a_vin_to_a_kit_in_one_call(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    typed = "vin хтаgfl110кy000000"
    told = (await client.get(f"{KITS}/to15", params={"vin": typed, "store_id": CENTRE})).json()
    assert told["vin"]["normalised"] == SEDAN
    assert told["vehicle"] == VESTA
    assert told["ways"][0]["total_kopecks"] == 3660_00
    assert told["engines"] == ["21129", "21129"]  # of two powers


async def test_where_it_depends_on_the_engine_there_is_one_question(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    light = (await client.get(f"{KITS}/light", params={"vehicle": VESTA})).json()
    assert light["question"] is None  # its lamps are the same with whatever engine
    brakes = (await client.get(f"{KITS}/brakes_front", params={"vehicle": VESTA})).json()
    assert [line["state"] for line in brakes["lines"]] == ["depends_on_engine", "unknown", "unknown"]
    assert {option["engine"] for option in brakes["question"]["options"]} == {"21129", "21179", "H4M"}
    chosen = (await client.get(f"{KITS}/brakes_front", params={"vehicle": VESTA, "engine": "21129"})).json()
    assert (chosen["question"], chosen["lines"][0]["state"]) == (None, "not_sold")


async def test_a_vin_that_leaves_several_cars_asks_which(client: httpx.AsyncClient) -> None:
    told = (await client.get(f"{KITS}/to15", params={"vin": "X7LLSRB1HCH000000"})).json()
    assert (told["vehicle"], told["lines"], told["ways"]) == (None, [], [])
    assert told["question"]["field"] == "vehicle"
    assert len(told["question"]["options"]) > 1


async def test_all_of_it_is_held_and_the_same_key_holds_it_once(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    sent = [
        await client.post(f"{KITS}/to15/reservations", json=ORDER, headers={"Idempotency-Key": "kit-1"})
        for _ in range(2)
    ]
    assert [one.status_code for one in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    made = sent[0].json()
    assert made["to_order"] == []
    assert sum(line["pieces"] for line in made["allocation"]["lines"]) == 4
    shown = (await client.get(f"/api/v1/inventory/allocations/{made['allocation']['id']}")).json()
    assert shown["holder"] == "Анна"
    await assert_ledger_is_clean(pool)


REFUSED_QUESTIONS: list[tuple[str, dict[str, Any], int, str]] = [
    ("to15", {}, 422, "give either a vehicle or a VIN"),
    ("to15", {"vehicle": VESTA, "vin": SEDAN}, 422, "give either a vehicle or a VIN"),
    ("to15", {"vehicle": "lada/vista/i"}, 404, "There is no vehicle «lada/vista/i»"),
    ("to15", {"vehicle": VESTA, "engine": "G4FC"}, 404, "lada/vesta/i was sold with 21129, 21179"),
    ("to16", {"vehicle": VESTA}, 404, "There is no kit «to16»; there are brakes_front"),
    ("to16", {"vin": "X7LLSRB1HCH000000"}, 404, "There is no kit «to16»"),
    ("to15", {"vin": "+7 912 345-67-89"}, 422, "телефон"),
    ("to15", {"vin": "0" * 17}, 422, ""),
    ("to15", {"vehicle": VESTA, "store_id": UNKNOWN}, 404, f"There is no store {UNKNOWN}"),
    ("to15", {"vehicle": VESTA, "store_id": 0}, 422, ""),
    ("to15", {"vehicle": VESTA, "year": "2O20"}, 422, ""),
    ("to15", {"vehicle": VESTA, "extra": ["x" * 61]}, 422, ""),
    ("to15", {"vehicle": VESTA, "extras": "air_filter"}, 422, "extras: unknown"),
    ("%00", {"vehicle": VESTA}, 422, ""),
]


@pytest.mark.parametrize(("kit", "query", "status", "says"), REFUSED_QUESTIONS)
async def test_a_question_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, kit: str, query: dict[str, Any], status: int, says: str
) -> None:
    answer = await client.get(f"{KITS}/{kit}", params=query)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["detail"]


REFUSED_ORDERS: list[tuple[dict[str, Any], int, str]] = [
    ({"total_kopecks": 3660_01}, 409, "The kit has changed"),
    ({"version": "seen long ago"}, 409, "The kit has changed"),
    ({"version": ""}, 422, ""),
    ({"total_kopecks": -1}, 422, ""),
    ({"total_kopecks": "366000"}, 422, ""),
    ({"tier": "cheapest"}, 422, ""),
    ({"store_id": UNKNOWN}, 404, "Unknown store"),
    ({"holder": " "}, 422, ""),
    ({"vehicle": "lada/vista/i"}, 404, "Unknown vehicle"),
    ({"engine": "G4FC"}, 404, "Unknown engine"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, 422, ""),
    ({"lines": []}, 422, ""),
]


@pytest.mark.parametrize(("change", "status", "title"), REFUSED_ORDERS)
async def test_an_order_that_makes_no_sense_is_refused_and_nothing_is_held(
    client: httpx.AsyncClient, pool: Pool, change: dict[str, Any], status: int, title: str
) -> None:
    await shop(pool)
    answer = await client.post(f"{KITS}/to15/reservations", json=ORDER | change)
    assert answer.status_code == status, answer.text
    assert title in answer.json()["title"]
    assert await pool.fetchval("SELECT sum(reserved) FROM stock") == 0


async def test_what_was_seen_is_held_by_its_version(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    way = (await client.get(f"{KITS}/to15", params=ASKED)).json()["ways"][0]
    answer = await client.post(f"{KITS}/to15/reservations", json=ORDER | {"version": way["version"]})
    assert answer.status_code == 201, answer.text


async def test_of_a_kit_that_changed_the_new_total_is_told(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    answer = await client.post(f"{KITS}/to15/reservations", json=ORDER | {"total_kopecks": 1})
    assert answer.json()["total_kopecks"] == 3660_00
