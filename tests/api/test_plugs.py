"""Spark plugs through the API: what a code says, what replaces it and when, and what must not."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from autoshop.selection.plugs.known import all_codes
from tests.cast import CENTRE, NORTH, UNKNOWN
from tests.conftest import client_for
from tests.ledger import assert_ledger_is_clean, post, request
from tests.people import with_token
from tests.plugs import bring_in_plugs

pytestmark = pytest.mark.anyio

PLUGS = "/api/v1/plugs"


async def ask(client: httpx.AsyncClient, code: str, what: str = "", status: int = 200, **query: Any) -> dict[str, Any]:
    answer = await client.get(f"{PLUGS}/{quote(code, safe='')}{what}", params=query)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def equivalents(client: httpx.AsyncClient, code: str, **query: Any) -> dict[str, Any]:
    return await ask(client, code, "/equivalents", **query)


def articles(items: list[dict[str, Any]]) -> list[str]:
    """Of those that the shop has."""
    return [product["article"] for item in items for product in item["products"]]


# ------------------------------------------------------------------------------------------------ no
@pytest.mark.parametrize(
    ("code", "status", "title"),
    [
        ("%20", 422, "Not a spark plug code"),
        (quote("😀"), 422, "Not a spark plug code"),
        ("B" * 10_000, 422, "Not a spark plug code"),
        (quote("'; DROP TABLE products; --"), 404, "Not a spark plug code"),
        (quote("+7 912 345-67-89"), 404, "Not a spark plug code"),
        (quote("W 914/2"), 404, "Not a spark plug code"),
        (quote("W 914/2", safe=""), 404, "Not a spark plug code"),
        ("%00", 422, "Not a spark plug code"),
        ("BPR6ES?brand=", 404, "Not a spark plug code"),
        ("BPR6ES?brand=Osram", 404, "Not a spark plug code"),
        ("BPR6ES?lang=de", 422, "The request is not valid"),
        ("BPR6ES?store_id=x", 422, "The request is not valid"),
    ],
)
@pytest.mark.parametrize("what", ["", "/equivalents"])
async def test_bad_input_is_refused_in_words(
    client: httpx.AsyncClient, code: str, what: str, status: int, title: str
) -> None:
    path, _, query = code.partition("?")
    answer = await client.get(f"{PLUGS}/{path}{what}", params=query)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert len(answer.content) < 2_000


async def test_a_code_of_several_brands_needs_its_brand(client: httpx.AsyncClient) -> None:
    told = await ask(client, "N12Y")
    assert [(one["brand"], one["spec"]["reach_mm"]) for one in told["candidates"]] == [
        ("Brisk", 12.7),
        ("Champion", 19),
    ]
    assert not told["certain"]
    refused = await ask(client, "N12Y", "/equivalents", 409)
    assert (refused["title"], refused["brands"]) == ("The code is of several brands", ["Brisk", "Champion"])
    assert (await equivalents(client, "N12Y", brand="Champion"))["brand"] == "Champion"


async def test_a_store_that_is_not_there_is_refused(client: httpx.AsyncClient) -> None:
    assert (await ask(client, "BPR6ES", "/equivalents", 404, store_id=UNKNOWN))["title"] == "Unknown store"


# ------------------------------------------------------------------------------------------------ yes
async def test_a_code_is_told_with_its_reasons_and_sources(client: httpx.AsyncClient) -> None:
    told = await ask(client, "wr7dc+")
    [plug] = told["candidates"]
    assert (plug["brand"], plug["code"], plug["spec"]["material"], plug["spec"]["heat"]) == (
        *("Bosch", "WR7DC+"),
        *("nickel-yttrium", 6),
    )
    assert {"field": "material", "letters": "+", "confidence": "high", "source": ["coding"]} in plug["reasons"]
    assert told["certain"]
    assert "coding" in told["sources"]


async def test_what_is_in_stock_comes_first_then_what_comes_sooner_then_what_costs_less(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    ids = await bring_in_plugs(app.state.pool)
    await post(
        app.state.pool,
        request("inbound", 4, ids["WR7DCX"], CENTRE),
        request("inbound", 4, ids["LR15YC-1"], CENTRE),
        request("inbound", 4, ids["W20EXR-S"], CENTRE),
        request("inbound", 9, ids["BPR6ES"], NORTH),
        request("inbound", 9, ids["WR7DC"], NORTH),
    )
    await app.state.pool.execute(
        "INSERT INTO lead_times (product_id, days, source) VALUES ($1, 9, 'test')", ids["W20EPR-U11"]
    )
    found = await equivalents(client, "А17ДВРМ", store_id=CENTRE)
    stock = [(p["article"], p["status"], p["available_here"]) for item in found["items"] for p in item["products"]]
    assert stock[:6] == [
        ("LR15YC-1", "on_hand", 4),  # 190 roubles
        ("WR7DCX", "on_hand", 4),  # 350 roubles
        ("W20EXR-S", "on_hand", 4),  # in no table: proven by its code alone
        ("BPR6ES", "transfer_1d", 0),
        ("WR7DC", "transfer_1d", 0),
        ("W20EPR-U11", "backorder", 0),
    ]
    assert [one["article"] for one in found["products"]] == ["А17ДВРМ"]
    assert {"WR7DC+", "BPR6ES-11"} < set(articles(found["items"]))
    assert not {"АУ17ДВРМ", "BCPR6ES-11", "BPR6HS", "W7DC"} & set(articles(found["items"]))
    [catalogue] = [item for item in found["items"] if item["by"] == "catalogue"]
    assert (catalogue["code"], catalogue["verdict"], catalogue["unknown"]) == ("W20EXR-S", "pass", [])
    in_the_north = await equivalents(client, "А17ДВРМ", store_id=NORTH)
    assert articles(in_the_north["items"])[:2] == ["BPR6ES", "WR7DC"]
    anywhere = await equivalents(client, "А17ДВРМ")
    assert set(articles(anywhere["items"])[:5]) == {"LR15YC-1", "WR7DCX", "W20EXR-S", "BPR6ES", "WR7DC"}
    await assert_ledger_is_clean(app.state.pool)


async def test_the_stock_is_that_of_the_moment(app: FastAPI, client: httpx.AsyncClient) -> None:
    ids = await bring_in_plugs(app.state.pool)
    await post(app.state.pool, request("inbound", 1, ids["WR7DC"]))
    assert articles((await equivalents(client, "А17ДВРМ"))["items"])[0] == "WR7DC"
    await post(app.state.pool, request("sale", 1, ids["WR7DC"]))
    statuses = [p["status"] for item in (await equivalents(client, "А17ДВРМ"))["items"] for p in item["products"]]
    assert set(statuses) == {"unavailable"}
    await assert_ledger_is_clean(app.state.pool)


async def test_the_popular_wrong_analog_is_shown_with_the_reason(app: FastAPI, client: httpx.AsyncClient) -> None:
    await bring_in_plugs(app.state.pool)
    found = await equivalents(client, "А17ДВРМ")
    [wrong] = found["refused"]
    assert (wrong["code"], wrong["verdict"], articles([wrong])) == ("АУ17ДВРМ", "conflict", ["АУ17ДВРМ"])
    assert wrong["differs"] == [
        {
            "field": "hex_mm",
            "asked": 20.8,
            "other": 16.0,
            "text": "шестигранник 16 вместо 20,8 мм: ключ и колодец другие",
        }
    ]
    assert "ловушка 8 и 16 клапанов" in wrong["reason"]
    assert any("берёт другую: АУ17ДВРМ" in text for text in found["warnings"])
    english = await equivalents(client, "А17ДВРМ", lang="en")
    assert "the trap of 8 and 16 valves" in english["refused"][0]["reason"]


async def test_a_maker_s_number_is_replaced_by_the_plug_it_stands_for(client: httpx.AsyncClient) -> None:
    found = await equivalents(client, "101 000 033 AA")
    assert (found["brand"], found["spec"], found["compared_by"]) == ("VAG", None, "BKUR6ET-10")
    assert (found["items"][0]["code"], found["items"][0]["by"]) == ("BKUR6ET-10", "oe")
    assert "K20PBR-S10" in {item["code"] for item in found["items"]}


async def test_codes_that_nobody_lists_or_sells_are_not_made_up(client: httpx.AsyncClient) -> None:
    for code in ("BPR6ES", "А17ДВРМ", "DCPR8E", "IK20"):
        found = await equivalents(client, code)
        assert {(one["brand"], one["code"]) for one in found["items"]} <= set(all_codes())


async def test_pieces_are_for_those_who_may_see_stock(app: FastAPI) -> None:
    await post(app.state.pool, request("inbound", 5))
    token = await with_token(app.state.pool, "shop window", ["catalog:read"])
    async with client_for(app, "203.0.113.9", **token) as shop:
        [product] = (await equivalents(shop, "BPR6ES-11"))["products"]
    assert (product["status"], product["available"], product["available_here"]) == ("on_hand", None, None)
    await assert_ledger_is_clean(app.state.pool)


async def test_a_plug_and_the_same_with_a_plus_are_two_products(client: httpx.AsyncClient) -> None:
    added = []
    for article in ("WR7DC", "WR7DC+"):
        answer = await client.post("/api/v1/products", json={"brand": "Bosch", "article": article, "name": article})
        assert answer.status_code == 201, answer.text
        added.append(answer.json()["id"])
    found = await client.get("/api/v1/products", params={"article": "wr 7 dc +"})
    assert [product["id"] for product in found.json()["items"]] == added[1:]
