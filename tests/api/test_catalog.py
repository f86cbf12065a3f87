"""Brands, categories, products and prices through the API."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.cast import BULB, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.people import clerk_of_centre, with_token

pytestmark = pytest.mark.anyio

PRODUCTS, BRANDS, CATEGORIES = "/api/v1/products", "/api/v1/brands", "/api/v1/categories"
NGK = 1
NEW_PLUG: dict[str, Any] = {
    "brand": "NGK",
    "article": "ILZKR7B-11S",
    "sku": "AS-1",
    "name": "Свеча иридиевая NGK ILZKR7B-11S",
    "barcodes": ["4600051000057", "087295197905"],
    "attributes": {"gap_mm": 1.1, "электрод": "иридий", "resistor": True},
    "prices": {"retail": 125_000, "cost": 90_050},
}


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await client.post(path, json=body, headers=headers)


async def change(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], tag: str | None, **headers: str
) -> httpx.Response:
    if tag is not None:
        headers["If-Match"] = tag
    return await client.patch(path, json=body, headers=headers)


async def added(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await post(client, PRODUCTS, {**NEW_PLUG, **changes})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


# ------------------------------------------------------------------ products: refused


async def test_a_product_of_an_unknown_brand_is_404(client: httpx.AsyncClient) -> None:
    answer = await post(client, PRODUCTS, {**NEW_PLUG, "brand": "Нет такого"})
    assert (answer.status_code, answer.json()["title"]) == (404, "Unknown brand")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"brand": None}, "brand_id"),
        ({"brand_id": NGK}, "brand_id"),
        ({"article": "--"}, "article"),
        ({"article": "x" * 61}, "article"),
        ({"name": ""}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"barcodes": ["4600051000058"]}, "barcodes"),
        ({"prices": {"retail": -1}}, "prices.retail"),
        ({"prices": {"retail": 10.5}}, "prices.retail"),
        ({"prices": {"no such": 1}}, "prices.no such"),
        ({"attributes": {"a": ["list"]}}, "attributes.a"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_misshapen_product_is_422_and_names_the_field(
    client: httpx.AsyncClient, changes: dict[str, Any], field: str
) -> None:
    answer = await post(client, PRODUCTS, {**NEW_PLUG, **changes})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(field)


async def test_the_same_article_of_a_brand_is_409_with_the_product_that_has_it(client: httpx.AsyncClient) -> None:
    answer = await post(client, PRODUCTS, {"brand": "ngk", "article": "bpr6es 11", "name": "Свеча"})
    assert answer.status_code == 409
    assert (answer.json()["title"], answer.json()["product_id"]) == ("That product exists", PLUG)


async def test_a_sku_and_a_barcode_belong_to_one_product(client: httpx.AsyncClient) -> None:
    taken = await post(client, PRODUCTS, {**NEW_PLUG, "sku": f"SKU-{BULB}"})
    assert (taken.status_code, taken.json()["product_id"]) == (409, BULB)
    first = await added(client)
    again = await post(client, PRODUCTS, {**NEW_PLUG, "article": "OTHER", "sku": None})
    assert (again.status_code, again.json()["title"]) == (409, "That barcode is taken")
    assert (again.json()["product_id"], again.json()["barcode"]) == (first["id"], "087295197905")
    assert (await client.get(PRODUCTS, params={"article": "OTHER"})).json()["items"] == []


async def test_a_clerk_reads_the_catalogue_but_does_not_write_it(app: FastAPI) -> None:
    async with client_for(app, **await clerk_of_centre(app)) as clerk:
        assert (await clerk.get(f"{PRODUCTS}/{PLUG}")).status_code == 200
        assert (await post(clerk, PRODUCTS, NEW_PLUG)).status_code == 403
        assert (await change(clerk, f"{PRODUCTS}/{PLUG}", {"name": "x"}, '"1"')).status_code == 403


async def test_a_change_without_the_version_that_was_read_is_428(client: httpx.AsyncClient) -> None:
    answer = await change(client, f"{PRODUCTS}/{PLUG}", {"name": "x"}, None)
    assert answer.status_code == 428


async def test_a_change_of_what_somebody_else_changed_is_412_and_shows_what_differs(client: httpx.AsyncClient) -> None:
    path = f"{PRODUCTS}/{PLUG}"
    tag = (await client.get(path)).headers["etag"]
    first = await change(client, path, {"name": "Свеча NGK", "unit": "к-т"}, tag)
    assert first.status_code == 200
    second = await change(client, path, {"name": "Свеча", "unit": "к-т", "prices": {"retail": 5}}, tag)
    assert second.status_code == 412
    assert second.json()["version"] == 2
    assert second.json()["differs"] == {
        "name": {"sent": "Свеча", "current": "Свеча NGK"},
        "prices": {"sent": {"retail": 5}, "current": {"retail": None}},
    }
    third = await change(client, path, {"name": "Свеча"}, first.headers["etag"])
    assert (third.status_code, third.json()["name"], third.json()["version"]) == (200, "Свеча", 3)


async def test_of_two_changes_at_once_one_is_412(client: httpx.AsyncClient) -> None:
    path = f"{PRODUCTS}/{PLUG}"
    answers = await asyncio.gather(*(change(client, path, {"name": f"Свеча {n}"}, '"1"') for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_of_two_equal_products_at_once_one_is_409(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(client, PRODUCTS, NEW_PLUG) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    [product_id] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert {answer.json()["product_id"] for answer in answers if answer.status_code == 409} == {product_id}


async def test_a_change_to_a_taken_article_names_its_product(client: httpx.AsyncClient) -> None:
    answer = await change(client, f"{PRODUCTS}/{OIL_FILTER}", {"article": "C-2585"}, '"1"')
    assert (answer.status_code, answer.json()["product_id"]) == (409, 3)
    sku = await change(client, f"{PRODUCTS}/{OIL_FILTER}", {"sku": "SKU-1"}, '"1"')
    assert (sku.status_code, sku.json()["product_id"]) == (409, PLUG)


# ------------------------------------------------------------------ products: done


async def test_a_product_is_added_read_and_changed(client: httpx.AsyncClient) -> None:
    answer = await post(client, PRODUCTS, NEW_PLUG)
    product = answer.json()
    assert answer.headers["location"] == f"{PRODUCTS}/{product['id']}"
    assert (product["brand_id"], product["brand"], product["unit"], product["version"]) == (NGK, "NGK", "шт", 1)
    assert product["barcodes"] == ["087295197905", "4600051000057"]
    assert product["prices"] == {"retail": 125_000, "cost": 90_050}
    assert product["attributes"] == NEW_PLUG["attributes"]

    path = f"{PRODUCTS}/{product['id']}"
    shown = await client.get(path)
    assert shown.json() == product
    changed = await change(
        client, path, {"barcodes": ["4600051000057"], "prices": {"retail": 130_000}, "sku": None}, shown.headers["etag"]
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["barcodes"] == ["4600051000057"]
    assert changed.json()["prices"] == {"retail": 130_000, "cost": 90_050}
    assert changed.json()["sku"] is None
    assert (await client.get(path)).json() == changed.json()


async def test_a_repeat_with_the_same_key_adds_nothing(client: httpx.AsyncClient) -> None:
    first = await post(client, PRODUCTS, NEW_PLUG, **{"Idempotency-Key": "one"})
    again = await post(client, PRODUCTS, NEW_PLUG, **{"Idempotency-Key": "one"})
    assert first.json() == again.json()
    assert again.status_code == 201
    other = await post(client, PRODUCTS, {**NEW_PLUG, "sku": "AS-2"}, **{"Idempotency-Key": "one"})
    assert other.status_code == 422


async def test_what_was_seen_already_is_304_until_something_of_it_changes(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    product = await added(client)
    path = f"{PRODUCTS}/{product['id']}"
    tag = (await client.get(path)).headers["etag"]
    assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304
    renamed = await change(client, f"{BRANDS}/{NGK}", {"name": "NGK Spark Plug"}, '"1"')
    assert renamed.status_code == 200
    seen = await client.get(path, headers={"If-None-Match": tag})
    assert (seen.status_code, seen.json()["brand"], seen.json()["version"]) == (200, "NGK Spark Plug", 1)


async def test_cost_is_there_only_for_those_who_may_see_it(app: FastAPI, client: httpx.AsyncClient) -> None:
    product = await added(client)
    path = f"{PRODUCTS}/{product['id']}"
    blind = await with_token(app.state.pool, "site", ["catalog:read", "catalog:write"])
    async with client_for(app, **blind) as site:
        assert (await site.get(path)).json()["prices"] == {"retail": 125_000}
        [listed] = (await site.get(PRODUCTS, params={"sku": "AS-1"})).json()["items"]
        assert listed["prices"] == {"retail": 125_000}
        history = (await site.get(f"{path}/prices")).json()["items"]
        assert [price["price_type"] for price in history] == ["retail"]
        assert (await site.get(f"{path}/prices", params={"price_type": "cost"})).json()["items"] == []
        assert [t["code"] for t in (await site.get("/api/v1/price-types")).json()["items"]] == ["retail", "wholesale"]
        for answer in (
            await change(site, path, {"prices": {"cost": 1}}, '"1"'),
            await post(site, PRODUCTS, {**NEW_PLUG, "article": "X", "barcodes": [], "sku": None}),
            await post(site, "/api/v1/price-types", {"code": "c2", "name_ru": "С", "name_en": "C", "is_cost": True}),
        ):
            assert answer.status_code == 403, answer.text
        lost = await change(site, path, {"name": "x", "prices": {"retail": 1}}, '"9"')
        assert lost.status_code == 412
        assert "90050" not in lost.text


async def test_prices_keep_their_history_and_an_equal_price_makes_none(client: httpx.AsyncClient) -> None:
    product = await added(client)
    path = f"{PRODUCTS}/{product['id']}"
    for version, kopecks in enumerate((126_000, 126_000, 125_000), start=1):
        answer = await change(client, path, {"prices": {"retail": kopecks}}, f'"{version}"')
        assert answer.status_code == 200
        assert answer.json()["prices"]["retail"] == kopecks
    pages, cursor = [], None
    while True:
        page = (
            await client.get(
                f"{path}/prices", params={"price_type": "retail", "limit": 2, **({"page": cursor} if cursor else {})}
            )
        ).json()
        pages += [price["price_kopecks"] for price in page["items"]]
        cursor = page["next_page"]
        if cursor is None:
            break
    assert pages == [125_000, 126_000, 125_000]
    assert (await client.get(f"{PRODUCTS}/{UNKNOWN}/prices")).status_code == 404


async def test_products_are_found_by_each_of_their_names(client: httpx.AsyncClient) -> None:
    product = await added(client)
    queries: list[dict[str, Any]] = [
        {"article": "ilzkr7b 11s"},
        {"barcode": "4600051000057"},
        {"barcode": "0087295197905"},
        {"sku": "AS-1"},
        {"brand_id": NGK, "article": "ILZKR7B11S"},
        {"updated_since": product["updated_at"]},
    ]
    for query in queries:
        found = (await client.get(PRODUCTS, params=query)).json()["items"]
        assert [one["id"] for one in found] == [product["id"]], query
    queries = [{"article": "ILZKR7B"}, {"barcode": "46"}, {"brand_id": 2, "sku": "AS-1"}, {"article": "--"}]
    for query in queries:
        assert (await client.get(PRODUCTS, params=query)).json()["items"] == [], query


async def test_products_are_paged_by_id_or_in_the_order_of_change(client: httpx.AsyncClient) -> None:
    await change(client, f"{PRODUCTS}/{OIL_FILTER}", {"active": False}, '"1"')

    async def walk(**query: Any) -> list[int]:
        ids: list[int] = []
        while True:
            page = (await client.get(PRODUCTS, params={**query, "limit": 2})).json()
            ids += [product["id"] for product in page["items"]]
            if page["next_page"] is None:
                return ids
            query["page"] = page["next_page"]

    assert await walk() == [1, 2, 3, 4, 5, 6]
    assert await walk(active=True) == [1, 3, 4, 5, 6]
    by_change = await walk(updated_since="2020-01-01T00:00:00Z")
    assert sorted(by_change) == [1, 2, 3, 4, 5, 6]
    assert by_change[-1] == OIL_FILTER


async def test_every_change_is_in_the_audit(app: FastAPI, client: httpx.AsyncClient) -> None:
    product = await added(client)
    await change(client, f"{PRODUCTS}/{product['id']}", {"name": "Свеча"}, '"1"')
    rows = await app.state.pool.fetch(
        "SELECT action, before, after, actor, address FROM audit WHERE subject = $1 ORDER BY id",
        f"product:{product['id']}",
    )
    assert [row["action"] for row in rows] == ["add", "change"]
    assert (rows[1]["before"]["name"], rows[1]["after"]["name"]) == (NEW_PLUG["name"], "Свеча")
    assert (rows[1]["actor"], rows[1]["address"]) == ("trust:manager", "127.0.0.1")


# ------------------------------------------------------------------ brands


async def test_two_brands_share_no_name_or_alias(client: httpx.AsyncClient) -> None:
    mann = await post(client, BRANDS, {"name": "Манн", "aliases": ["MANN FILTER"]})
    assert (mann.status_code, mann.json()["brand_id"]) == (409, 2)
    added_brand = await post(client, BRANDS, {"name": "Filtron", "country": "PL", "aliases": ["Фильтрон", "FILTRON"]})
    assert added_brand.status_code == 201
    assert added_brand.json()["aliases"] == ["Фильтрон"]
    for body in ({"name": "фильтрон"}, {"name": "X", "aliases": ["filtron"]}, {"name": "fil-tron"}):
        assert (await post(client, BRANDS, body)).status_code == 409
    clash = await change(client, f"{BRANDS}/{NGK}", {"aliases": ["Filtron"]}, '"1"')
    assert clash.status_code == 409
    for name in ("", "!!!", "a\x00"):
        assert (await post(client, BRANDS, {"name": name})).status_code == 422


async def test_a_brand_is_found_by_its_alias_and_changed_once(client: httpx.AsyncClient) -> None:
    path = f"{BRANDS}/2"
    changed = await change(client, path, {"aliases": ["MANN", "Манн-Фильтр"], "country": "DE"}, '"1"')
    assert (changed.status_code, changed.json()["version"], changed.json()["country"]) == (200, 2, "DE")
    [found] = (await client.get(BRANDS, params={"name": "МАНН ФИЛЬТР"})).json()["items"]
    assert found["id"] == 2
    stale = await change(client, path, {"aliases": []}, '"1"')
    assert stale.status_code == 412
    assert stale.json()["differs"]["aliases"]["current"] == ["MANN", "Манн-Фильтр"]
    product = await post(client, PRODUCTS, {"brand": "mann", "article": "HU 816 X", "name": "Фильтр"})
    assert product.json()["brand_id"] == 2
    assert (await client.get(f"{BRANDS}/{UNKNOWN}")).status_code == 404
    page = (await client.get(BRANDS, params={"limit": 2})).json()
    assert [brand["id"] for brand in page["items"]] == [1, 2]
    rest = (await client.get(BRANDS, params={"limit": 10, "page": page["next_page"]})).json()
    assert [brand["id"] for brand in rest["items"]] == [3, 4, 5]


# ------------------------------------------------------------------ categories


async def test_categories_make_a_tree_and_never_a_ring(client: httpx.AsyncClient) -> None:
    async def add(code: str, parent_id: int | None) -> dict[str, Any]:
        answer = await post(client, CATEGORIES, {"code": code, "name_ru": code.upper(), "parent_id": parent_id})
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document

    engine = await add("engine", None)
    ignition = await add("ignition", engine["id"])
    plugs = await add("plugs", ignition["id"])
    assert plugs["path"] == [engine["id"], ignition["id"], plugs["id"]]
    assert (await client.get(f"{CATEGORIES}/{engine['id']}")).json()["children"] == 1
    ring = await change(client, f"{CATEGORIES}/{engine['id']}", {"parent_id": plugs["id"]}, '"1"')
    assert (ring.status_code, ring.json()["title"]) == (422, "That would be no tree")
    assert (await post(client, CATEGORIES, {"code": "plugs", "name_ru": "Свечи"})).json()["category_id"] == plugs["id"]
    assert (await post(client, CATEGORIES, {"code": "x", "name_ru": "X", "parent_id": UNKNOWN})).status_code == 404

    top = (await client.get(CATEGORIES, params={"top": True})).json()["items"]
    assert [category["code"] for category in top] == ["engine"]
    below = (await client.get(CATEGORIES, params={"parent_id": engine["id"]})).json()["items"]
    assert [category["code"] for category in below] == ["ignition"]

    await change(client, f"{PRODUCTS}/{PLUG}", {"category_id": plugs["id"]}, '"1"')
    found = (await client.get(PRODUCTS, params={"category_id": engine["id"]})).json()["items"]
    assert [product["id"] for product in found] == [PLUG]

    moved = await change(client, f"{CATEGORIES}/{ignition['id']}", {"parent_id": None}, '"1"')
    assert moved.json()["path"] == [ignition["id"]]
    assert (await client.get(PRODUCTS, params={"category_id": engine["id"]})).json()["items"] == []


async def test_two_moves_at_once_make_no_ring(client: httpx.AsyncClient) -> None:
    ids = [(await post(client, CATEGORIES, {"code": code, "name_ru": code})).json()["id"] for code in ("a", "b")]
    answers = await asyncio.gather(
        change(client, f"{CATEGORIES}/{ids[0]}", {"parent_id": ids[1]}, '"1"'),
        change(client, f"{CATEGORIES}/{ids[1]}", {"parent_id": ids[0]}, '"1"'),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_a_tree_is_no_deeper_than_ten(client: httpx.AsyncClient) -> None:
    parent_id = None
    for level in range(11):
        answer = await post(client, CATEGORIES, {"code": f"l{level}", "name_ru": "x", "parent_id": parent_id})
        if level < 10:
            parent_id = answer.json()["id"]
    assert answer.status_code == 422


async def test_a_price_type_is_added_once(client: httpx.AsyncClient) -> None:
    body = {"code": "vip", "name_ru": "ВИП", "name_en": "VIP"}
    assert (await post(client, "/api/v1/price-types", body)).status_code == 201
    assert (await post(client, "/api/v1/price-types", body)).status_code == 409
    product = await added(client, prices={"vip": 100})
    assert product["prices"] == {"vip": 100}
