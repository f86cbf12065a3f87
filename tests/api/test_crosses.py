"""Analogs of a product, and the pairs of plugs that people decide, through the API."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.accounts.model import system
from autoshop.kit.db import Pool
from autoshop.kit.text import article_key, article_loose, name_key
from autoshop.selection.crosses import importing
from tests.cast import BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.crosses import HEADINGS, carry_out, load, start
from tests.ledger import assert_ledger_is_clean, post, request
from tests.people import clerk_of_centre, with_token
from tests.plugs import OST, bring_in_plugs

pytestmark = pytest.mark.anyio

CONFLICTS = "/api/v1/crosses/conflicts"
FACTS = system("facts")


async def analogs(client: httpx.AsyncClient, product_id: int, **query: Any) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/products/{product_id}/analogs", params=query)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def add(pool: Pool, brand: str, article: str, price: int | None = None) -> int:
    """One more product."""
    brand_id = await pool.fetchval("SELECT id FROM brands WHERE name_key = $1", name_key(brand))
    if brand_id is None:
        brand_id = await pool.fetchval(
            "INSERT INTO brands (name, name_key) VALUES ($1, $2) RETURNING id", brand, name_key(brand)
        )
    product_id: int = await pool.fetchval(
        "INSERT INTO products (brand_id, article, article_key, article_loose, name) VALUES ($1, $2, $3, $4, $2)"
        " RETURNING id",
        brand_id,
        article,
        article_key(article),
        article_loose(article),
    )
    if price is not None:
        await pool.execute(
            "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, 'retail', $2, 'test')",
            product_id,
            price,
        )
    return product_id


def articles(items: list[dict[str, Any]]) -> list[str]:
    return [item["article"] for item in items]


# ------------------------------------------------------------------------------------------------ no
async def test_a_product_or_store_that_is_not_there_is_refused(client: httpx.AsyncClient) -> None:
    for path, title in ((f"{UNKNOWN}/analogs", "Unknown product"), (f"{PLUG}/analogs?store_id=77", "Unknown store")):
        answer = await client.get(f"/api/v1/products/{path}")
        assert (answer.status_code, answer.json()["title"]) == (404, title)


async def test_a_product_that_nobody_linked_has_no_analogs(client: httpx.AsyncClient) -> None:
    found = await analogs(client, BULB)
    assert (found["items"], found["refused"], found["others"], found["newest"], found["cut"]) == (
        [],
        [],
        [],
        None,
        False,
    )


# ------------------------------------------------------------------------------------------------ by fit, time, price
async def test_analogs_come_by_fit_then_by_time_then_by_price(
    app: FastAPI, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    pool: Pool = app.state.pool
    ids = {
        article: await add(pool, "MAHLE", article, price)
        for article, price in (("OC1", 900), ("OC2", 500), ("OC3", 100), ("OC4", 300), ("OC5", 50), ("OC6", 10))
    }
    await load(pool, tmp_path, *(f"MANN-FILTER;W 914/2;MAHLE;OC{number}" for number in (1, 2, 3, 4)))
    await load(pool, tmp_path, "MANN-FILTER;W 914/2;MAHLE;OC5", confidence="low")
    await load(pool, tmp_path, "MAHLE;OC4;MAHLE;OC6", "MAHLE;OC4;Nobody;X1")
    await post(
        pool,
        request("inbound", 3, ids["OC1"], CENTRE),
        request("inbound", 3, ids["OC2"], CENTRE),
        request("inbound", 3, ids["OC3"], NORTH),
        request("inbound", 3, ids["OC5"], CENTRE),
    )
    found = await analogs(client, OIL_FILTER, store_id=CENTRE)
    assert [(item["article"], item["fit"], item["status"]) for item in found["items"]] == [
        ("OC2", "good", "on_hand"),
        ("OC1", "good", "on_hand"),
        ("OC3", "good", "transfer_1d"),
        ("OC4", "good", "unavailable"),
        ("OC6", "close", "unavailable"),  # two steps away
        ("OC5", "check", "on_hand"),  # of low confidence
    ]
    assert articles(found["others"]) == ["X1"]
    path = found["items"][4]["path"]
    assert [(step["kind"], step["from_article"]["article"], step["to_article"]["article"]) for step in path] == [
        ("analog", "W 914/2", "OC4"),
        ("analog", "OC4", "OC6"),
    ]
    assert path[0]["source"] == "import: crosses.csv"
    assert (await analogs(client, OIL_FILTER, store_id=NORTH))["items"][0]["article"] == "OC3"
    await assert_ledger_is_clean(pool)


async def test_stock_is_that_of_the_moment(app: FastAPI, client: httpx.AsyncClient, tmp_path: Path) -> None:
    pool: Pool = app.state.pool
    product_id = await add(pool, "MAHLE", "OC1")
    await load(pool, tmp_path, "MANN-FILTER;W 914/2;MAHLE;OC1")
    for movement, status, pieces in (("inbound", "on_hand", 1), ("sale", "unavailable", 0)):
        await post(pool, request(movement, 1, product_id))  # type: ignore[arg-type]
        [item] = (await analogs(client, OIL_FILTER))["items"]
        assert (item["status"], item["available"]) == (status, pieces)
    await assert_ledger_is_clean(pool)


async def test_a_new_number_is_the_same_part_and_the_old_one_finds_its_analogs(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    pool: Pool = app.state.pool
    await importing.load_facts(pool, FACTS)
    old = await add(pool, "Lada", "21080-1012005")
    await add(pool, "ВАЗ", "21080-1012005-08")
    found = await analogs(client, old)
    assert found["newest"] == {"brand": "Lada", "article": "21080-1012005-09"}
    mann = next(item for item in found["items"] if item["product_id"] == OIL_FILTER)
    assert (mann["fit"], mann["path"][0]["kind"], mann["path"][0]["backward"]) == ("good", "oe", False)
    assert "оригинальный номер, его аналог MANN-FILTER W 914/2" in mann["reason"]
    back = await analogs(client, OIL_FILTER)
    assert "21080-1012005" in articles(back["items"])


async def test_a_product_is_found_under_every_name_of_its_brand(app: FastAPI, client: httpx.AsyncClient) -> None:
    pool: Pool = app.state.pool
    await importing.load_facts(pool, FACTS)
    answer = await client.post("/api/v1/products", json={"brand": "VW", "article": "06a 115 561 b", "name": "Фильтр"})
    assert answer.status_code == 201, answer.text
    found = await analogs(client, answer.json()["id"])
    assert {"brand": "MANN-FILTER", "article": "W 719/30"} in [
        {"brand": other["brand"], "article": other["article"]} for other in found["others"]
    ]


# ------------------------------------------------------------------------------------------------ spark plugs
async def test_two_good_links_do_not_lead_to_a_plug_that_does_not_fit(
    app: FastAPI, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    pool: Pool = app.state.pool
    ids = await bring_in_plugs(pool)
    await importing.load_facts(pool, FACTS)
    # The number stands for the plug of either engine; each link alone is right.
    oe = "Бренд;Артикул;Бренд OE;OE"
    await load(pool, tmp_path, f"{OST};А17ДВРМ;Lada;2112-370", f"{OST};АУ17ДВРМ;Lada;2112-370", headings=oe)
    found = await analogs(client, ids["А17ДВРМ"])
    [refused] = [item for item in found["refused"] if item["article"] == "АУ17ДВРМ"]
    assert (refused["verdict"], refused["fit"], len(refused["path"])) == ("conflict", "check", 2)
    assert "шестигранник 16 вместо 20,8 мм" in refused["reason"]
    assert not {"АУ17ДВРМ", "BCPR6ES-11", "BPR6HS", "W7DC"} & set(articles(found["items"]))
    same = {item["article"]: item for item in found["items"] if item["fit"] == "same"}
    assert {"BPR6ES", "WR7DC", "WR7DC+", "WR7DCX", "LR15YC-1", "W20EPR-U11", "W20EXR-S"} <= set(same)
    assert same["W20EXR-S"]["path"] == []  # by its code alone
    english = await analogs(client, ids["А17ДВРМ"], lang="en")
    assert "hexagon 16 instead of 20.8 mm" in str(english["refused"])


async def test_a_step_of_heat_is_told(app: FastAPI, client: httpx.AsyncClient) -> None:
    pool: Pool = app.state.pool
    ids = await bring_in_plugs(pool)
    await add(pool, "NGK", "BPR7ES")
    found = await analogs(client, ids["BPR6ES"])
    [colder] = [item for item in found["items"] if item["article"] == "BPR7ES"]
    assert (colder["fit"], colder["verdict"]) == ("close", "pass, adjacent heat")
    assert "калильное число на ступень холоднее" in colder["reason"]


# ------------------------------------------------------------------------------------------------ conflicts
TRAP = f"{OST};А17ДВРМ;{OST};АУ17ДВРМ"


async def test_a_conflict_is_listed_with_its_reason_accepted_with_another_and_then_offered(
    app: FastAPI, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    pool: Pool = app.state.pool
    ids = await bring_in_plugs(pool)
    await load(pool, tmp_path, TRAP, "NGK;BPR6ES;Bosch;W7DC")
    listed = (await client.get(CONFLICTS, params={"state": "open"})).json()["items"]
    assert [(one["one"]["article"], one["verdict"], one["state"]) for one in listed] == [
        ("BPR6ES", "fits, differs", "open"),
        ("А17ДВРМ", "conflict", "open"),
    ] or [one["verdict"] for one in listed] == ["conflict", "fits, differs"]
    trap = next(one for one in listed if one["verdict"] == "conflict")
    assert trap["differs"][0]["field"] == "hex_mm"
    assert "не подходит" in trap["text"]
    assert "does not fit" in (await client.get(f"{CONFLICTS}/{trap['id']}", params={"lang": "en"})).json()["text"]
    assert articles((await analogs(client, ids["А17ДВРМ"]))["refused"]) == []

    accepted = await client.post(f"{CONFLICTS}/{trap['id']}/acceptance", json={"reason": "головка переделана"})
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    found = await analogs(client, ids["А17ДВРМ"])
    [offered] = [item for item in found["items"] if item["article"] == "АУ17ДВРМ"]
    assert (offered["accepted"], offered["fit"]) == (True, "check")
    assert "принято человеком вопреки проверке" in offered["reason"]
    again = await client.post(f"{CONFLICTS}/{trap['id']}/dismissal", json={})
    assert (again.status_code, again.json()["title"]) == (409, "Already decided")
    other = next(one for one in listed if one["id"] != trap["id"])
    dismissed = await client.post(f"{CONFLICTS}/{other['id']}/dismissal", json={})
    assert dismissed.json()["state"] == "dismissed"
    assert (await client.get(CONFLICTS, params={"state": "open"})).json()["items"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "title"),
    [
        ("1/acceptance", {}, 422, "The request is not valid"),
        ("1/acceptance", {"reason": ""}, 422, "The request is not valid"),
        ("1/acceptance", {"reason": " "}, 422, "The request is not valid"),
        ("1/acceptance", {"reason": 5}, 422, "The request is not valid"),
        ("1/acceptance", {"reason": "x" * 501}, 422, "The request is not valid"),
        ("1/dismissal", {"because": "a"}, 422, "The request is not valid"),
        ("999/acceptance", {"reason": "a"}, 404, "Unknown conflict"),
        ("0/dismissal", {}, 422, "The request is not valid"),
    ],
)
async def test_a_decision_that_is_none_changes_nothing(
    app: FastAPI, client: httpx.AsyncClient, tmp_path: Path, path: str, body: dict[str, Any], status: int, title: str
) -> None:
    await load(app.state.pool, tmp_path, TRAP)
    answer = await client.post(f"{CONFLICTS}/{path}", json=body)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert [one["state"] for one in (await client.get(CONFLICTS)).json()["items"]] == ["open"]
    assert await app.state.pool.fetchval("SELECT count(*) FROM crosses") == 0


async def test_only_who_may_change_the_catalogue_decides(app: FastAPI, tmp_path: Path) -> None:
    await load(app.state.pool, tmp_path, TRAP)
    reader = await with_token(app.state.pool, "reader", ["catalog:read"])
    for headers in (await clerk_of_centre(app), reader):
        async with client_for(app, "203.0.113.9", **headers) as client:
            assert len((await client.get(CONFLICTS)).json()["items"]) == 1
            assert (await client.post(f"{CONFLICTS}/1/dismissal", json={})).status_code == 403


async def test_a_workbook_is_read_as_well(app: FastAPI, tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (HEADINGS.split(";"), ["MANN", "W 914/2", "MAHLE", "OC 384"], ["MANN", 5, "Bosch", 1457433529]):
        sheet.append(row)
    book.save(tmp_path / "crosses.xlsx")
    pool, file = app.state.pool, tmp_path / "crosses.xlsx"
    loaded = await carry_out(pool, await start(pool, file), file)
    assert (loaded.counts.rows, loaded.counts.bad_rows, loaded.counts.pairs) == (2, 0, 2)


# ------------------------------------------------------------------------------------------------ by hand
BY_HAND = {"brand": "NGK", "article": "BPR6ES", "other_brand": "Bosch", "other_article": "WR7DC"}


@pytest.mark.parametrize(
    ("change", "status", "title"),
    [
        ({"brand": "Nobody"}, 404, "Unknown brand"),
        ({"article": "---"}, 422, "The request is not valid"),
        ({"article": "x" * 61}, 422, "The request is not valid"),
        ({"kind": "friend"}, 422, "The request is not valid"),
        ({"confidence": "certain"}, 422, "The request is not valid"),
        ({"other_brand": "ngk", "other_article": "ВРR-6 es"}, 409, "An article is no analog of itself"),
    ],
)
async def test_a_link_by_hand_that_says_nothing_is_refused(
    app: FastAPI, client: httpx.AsyncClient, change: dict[str, Any], status: int, title: str
) -> None:
    answer = await client.post("/api/v1/crosses", json={**BY_HAND, **change})
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert await app.state.pool.fetchval("SELECT count(*) FROM cross_articles") == 0


async def test_a_link_by_hand_is_added_once_and_goes_through_the_checker(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for state in ("added", "known"):
        linked = (await client.post("/api/v1/crosses", json=BY_HAND)).json()
        assert (linked["state"], linked["verdict"], linked["conflict"]) == (state, "pass", None)
    for _ in range(2):
        wrong = (await client.post("/api/v1/crosses", json={**BY_HAND, "other_article": "W7DC"})).json()
        assert (wrong["state"], wrong["verdict"], wrong["conflict"]["state"]) == ("kept_aside", "fits, differs", "open")
        assert "без резистора" in wrong["conflict"]["text"]
    assert await app.state.pool.fetchval("SELECT count(*) FROM crosses") == 1
    assert await app.state.pool.fetchval("SELECT count(*) FROM cross_conflicts") == 1
