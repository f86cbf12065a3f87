"""The one box over the API: bad input, filters, facets, what is found at once, and what plugs in."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.catalog.search.model import Candidate
from autoshop.kit.db import Connection, Pool
from autoshop.selection.search import hooks
from autoshop.selection.search.model import Hint
from tests.cast import AIR_FILTER, BRAKE_PADS, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, WIPER
from tests.ledger import post, request
from tests.search import SEARCH, articles, found, index

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "looks_like", "kind"),
    [
        ("", "empty", "nothing"),
        ("   ", "empty", "nothing"),
        ("\x00", "empty", "nothing"),
        ("x", "short", "nothing"),
        ("7", "short", "nothing"),
        (";;;", "signs", "nothing"),
        ("🙂🙂🙂", "signs", "nothing"),
        ("а" * 10_000, "long", "nothing"),
        ("'; DROP TABLE products; --", "words", "unknown"),
        ("' OR 1=1 --", "words", "unknown"),
        ("<script>alert(1)</script>", "article", "unknown"),
        ("%_%", "signs", "nothing"),
        ("\\", "signs", "nothing"),
        ("&|!:*", "signs", "nothing"),
        ("свеча & | !", "words", "name"),
        ("+7 912 345-67-89", "phone", "phone"),
        ("89123456789", "phone", "phone"),
        ("XTA21140074567890", "vin", "vin"),
        ("00000000000000000", "number", "unknown"),
        ("XTA2114007456789", "article", "unknown"),
        ("4600000000008", "barcode", "barcode"),
        ("zzqx991yy", "article", "unknown"),
        ("ыыыы жжжж", "words", "unknown"),
        ("\u202eW914/2", "article", "article"),
        ("W914/2\x00", "article", "article"),
        ("A" * 59 + "1", "article", "unknown"),
        ("слово " * 60, "words", "unknown"),
    ],
)
async def test_whatever_is_typed_is_answered_by_what_it_looks_like(
    client: httpx.AsyncClient, app: FastAPI, text: str, looks_like: str, kind: str
) -> None:
    await index(app)
    answer = await found(client, text)
    assert (answer["understood"]["looks_like"], answer["understood"]["kind"]) == (looks_like, kind)
    assert (answer["understood"]["reason"] is None) == bool(answer["items"])
    suggested = await client.get(f"{SEARCH}/suggestions", params={"q": text})
    assert suggested.status_code == 200


@pytest.mark.parametrize(
    ("parameters", "status", "title"),
    [
        ({}, 422, "The request is not valid"),
        ({"q": "W914/2", "brand_id": 0}, 422, "The request is not valid"),
        ({"q": "W914/2", "store_id": "centre"}, 422, "The request is not valid"),
        ({"q": "W914/2", "store_id": 999_999}, 404, "Unknown store"),
        ({"q": "нет такого", "store_id": 999_999}, 404, "Unknown store"),
        ({"q": "W914/2", "when": "yesterday"}, 422, "The request is not valid"),
        ({"q": "W914/2", "price_from_kopecks": -1}, 422, "The request is not valid"),
        ({"q": "W914/2", "price_to_kopecks": 1.5}, 422, "The request is not valid"),
        ({"q": "W914/2", "limit": 0}, 422, "The request is not valid"),
        ({"q": "W914/2", "limit": 101}, 422, "The request is not valid"),
        ({"q": "W914/2", "page": "x"}, 422, "The request is not valid"),
        ({"q": "W914/2", "lang": "de"}, 422, "The request is not valid"),
        ({"q": "W914/2", "brand": "MANN"}, 422, "The request is not valid"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused(
    client: httpx.AsyncClient, parameters: dict[str, Any], status: int, title: str
) -> None:
    answer = await client.get(SEARCH, params=parameters)
    assert (answer.status_code, answer.json()["title"]) == (status, title)


async def test_an_article_is_found_at_once_and_a_name_when_it_is_indexed(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    await index(app)
    new = {"brand": "NGK", "article": "LZKAR6AP-11", "name": "Свеча зажигания лазерная"}
    assert (await client.post("/api/v1/products", json=new)).status_code == 201
    for text in ("lzkar6ap11", "NGK LZKAR6AP-11", "lzkar6a", "дялфк6фз-11", "LZKAR6AB-11"):
        answer = await found(client, text)
        assert articles(answer) == ["LZKAR6AP-11"], text
        assert answer["catching_up"]
    answer = await found(client, "свеча лазерная")
    assert (articles(answer), answer["catching_up"]) == (["BPR6ES-11"], True)
    assert [change["what"] for change in answer["understood"]["changes"]] == ["ignored"]
    await index(app)
    answer = await found(client, "свеча лазерная")
    assert (articles(answer), answer["catching_up"]) == (["LZKAR6AP-11"], False)


async def test_a_plug_with_a_plus_lives_beside_the_one_without(client: httpx.AsyncClient, app: FastAPI) -> None:
    for article in ("WR7DC", "WR7DC+"):
        plug = {"brand": "Bosch", "article": article, "name": "Свеча зажигания"}
        assert (await client.post("/api/v1/products", json=plug)).status_code == 201
    assert articles(await found(client, "WR7DC+")) == ["WR7DC+", "WR7DC"]
    assert articles(await found(client, "wr7dc")) == ["WR7DC", "WR7DC+"]
    assert [item["match"] for item in (await found(client, "bosch WR7DC+"))["items"]] == ["brand+article", "loose"]
    again = await client.post("/api/v1/products", json={"brand": "Bosch", "article": "WR 7 DC +", "name": "Свеча"})
    assert again.status_code == 409


async def test_what_is_no_longer_sold_is_not_found(client: httpx.AsyncClient, app: FastAPI, pool: Pool) -> None:
    await index(app)
    await pool.execute("UPDATE products SET active = false WHERE id = $1", OIL_FILTER)
    for text in ("W 914/2", "W914", "масляный", "MANN-FILTER"):
        assert "W 914/2" not in articles(await found(client, text)), text


async def test_what_has_left_its_brand_or_category_is_not_told_to_be_in_it(
    client: httpx.AsyncClient, app: FastAPI, pool: Pool
) -> None:
    await pool.execute(
        "INSERT INTO categories (id, code, name_ru, name_en) VALUES (1, 'air_filter', 'Фильтр', 'Filter')"
    )
    await pool.execute("UPDATE products SET category_id = 1 WHERE id = ANY ($1::bigint[])", [OIL_FILTER, AIR_FILTER])
    await index(app)
    assert len((await found(client, "воздушный фильтр"))["items"]) == 2
    await pool.execute("UPDATE products SET category_id = NULL, brand_id = 1 WHERE id = $1", OIL_FILTER)
    assert articles(await found(client, "воздушный фильтр")) == ["C 2585"]
    assert articles(await found(client, "MANN-FILTER")) == ["C 2585"]


async def test_stock_is_that_of_this_moment_and_says_when(client: httpx.AsyncClient, app: FastAPI) -> None:
    assert (await found(client, "W 914/2"))["items"][0]["stock"]["when"] == "never"
    await post(app.state.pool, request("inbound", 4, product_id=OIL_FILTER, store_id=NORTH))
    here = (await found(client, "W 914/2", store_id=NORTH))["items"][0]["stock"]
    assert (here["status"], here["available"], here["available_here"], here["when"]) == ("on_hand", 4, 4, "today")
    there = (await found(client, "W 914/2", store_id=CENTRE))["items"][0]["stock"]
    assert (there["status"], there["available"], there["available_here"]) == ("transfer_1d", 4, 0)
    anywhere = (await found(client, "W 914/2"))["items"][0]["stock"]
    assert (anywhere["status"], anywhere["store_id"], anywhere["available_here"]) == ("on_hand", NORTH, None)
    awaited = (await found(client, "64210"))["items"][0]["stock"]
    assert (awaited["status"], awaited["available"]) == ("backorder", 0)


async def test_facets_count_what_is_there_and_filters_narrow_it(client: httpx.AsyncClient, app: FastAPI) -> None:
    pool = app.state.pool
    await pool.execute("UPDATE products SET name = 'Запчасть ' || name")
    await pool.execute(
        "INSERT INTO prices (product_id, price_type, price_kopecks, actor)"
        " SELECT id, 'retail', id * 100, 'x' FROM products"
    )
    for product in (PLUG, OIL_FILTER, WIPER):
        await post(pool, request("inbound", 1, product_id=product, store_id=NORTH))
    await post(pool, request("inbound", 1, product_id=PLUG, store_id=CENTRE))
    await index(app)

    facets = (await found(client, "запчасть"))["facets"]
    assert (facets["counted"], facets["bounded"]) == (6, False)
    assert facets["brands"][0] == {"id": 2, "name": "MANN-FILTER", "products": 2}
    assert facets["stores"] == [
        {"id": NORTH, "name": "Север", "products": 3}, {"id": CENTRE, "name": "Центр", "products": 1},
    ]  # fmt: skip
    assert (facets["on_hand"], facets["lowest_kopecks"], facets["highest_kopecks"]) == (3, 100, 600)

    async def ids(**filters: Any) -> set[int]:
        answer = await found(client, "запчасть", **filters)
        assert answer["facets"]["counted"] == answer["products"] == len(answer["items"])
        return {item["product_id"] for item in answer["items"]}

    assert await ids(brand_id=2) == {OIL_FILTER, AIR_FILTER}
    assert await ids(when="on_hand") == {PLUG, OIL_FILTER, WIPER}
    assert await ids(when="on_hand", store_id=CENTRE) == {PLUG}
    assert await ids(when="today", store_id=NORTH) == {PLUG, OIL_FILTER, WIPER}
    assert await ids(price_from_kopecks=300, price_to_kopecks=500) == {AIR_FILTER, BRAKE_PADS, WIPER}
    assert await ids(brand_id=2, price_to_kopecks=200) == {OIL_FILTER}
    assert BULB in await ids()


async def test_facets_come_with_the_first_page_only_and_not_unasked(client: httpx.AsyncClient, app: FastAPI) -> None:
    await app.state.pool.execute("UPDATE products SET name = 'Запчасть ' || name")
    await index(app)
    first = await found(client, "запчасть", limit=4)
    assert first["facets"]["counted"] == 6
    second = await found(client, "запчасть", limit=4, page=first["next_page"])
    assert second["facets"] is None
    assert second["next_page"] is None
    both = [item["product_id"] for item in first["items"] + second["items"]]
    assert sorted(both) == [1, 2, 3, 4, 5, 6]
    assert (await found(client, "запчасть", facets=False))["facets"] is None


async def test_several_articles_are_answered_line_by_line(client: httpx.AsyncClient) -> None:
    answer = await found(client, "GDB3331\nNGK BPR6ES-11 - 4 шт\nнет такого 123\nW 914/2; C2585")
    assert answer["understood"]["kind"] == "articles"
    assert [(line["text"], line["product_ids"]) for line in answer["understood"]["lines"]] == [
        ("GDB3331", [BRAKE_PADS]),
        ("NGK BPR6ES-11", [PLUG]),
        ("нет такого 123", []),
        ("W 914/2", [OIL_FILTER]),
        ("C2585", [AIR_FILTER]),
    ]
    assert [item["asked"] for item in answer["items"]] == ["GDB3331", "NGK BPR6ES-11", "W 914/2", "C2585"]


async def test_a_list_of_articles_that_is_too_long_says_what_was_left_out(client: httpx.AsyncClient) -> None:
    answer = await found(client, "\n".join(f"X-{number}" for number in range(60)))
    assert len(answer["understood"]["lines"]) == 50
    assert [change["what"] for change in answer["understood"]["changes"]] == ["ignored"]
    assert "X-59" in answer["understood"]["changes"][0]["typed"]


@pytest.mark.parametrize(("lang", "reason"), [("ru", "артикул совпадает"), ("en", "the article is the same")])
async def test_reasons_are_in_the_language_that_was_asked_for(
    client: httpx.AsyncClient, lang: str, reason: str
) -> None:
    assert (await found(client, "W914/2", lang=lang))["items"][0]["reason"] == reason
    answer = await client.get(SEARCH, params={"q": "W914/2"}, headers={"Accept-Language": lang})
    assert answer.json()["items"][0]["reason"] == reason


async def test_a_complaint_names_categories_with_their_reason(client: httpx.AsyncClient, app: FastAPI) -> None:
    await app.state.pool.execute(
        "INSERT INTO categories (code, name_ru, name_en) VALUES ('spark_plug', 'Свеча зажигания', 'Spark plug')"
    )
    answer = await found(client, "троит двигатель")
    [category] = answer["understood"]["categories"]
    assert (category["code"], category["by"], category["confidence"], category["source"]) == (
        "spark_plug",
        "symptom",
        "medium",
        ["k", "shop"],
    )
    assert category["reason"] == "«двигатель троит» — возможная причина: Свеча зажигания"
    assert answer["items"] == []


async def test_a_reader_that_knows_a_text_is_believed(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def plug(_db: Connection, text: str) -> Hint | None:
        return Hint("plug", {"thread_mm": 14}, (Candidate(PLUG, "exact"),)) if text == "BPR6ES" else None

    monkeypatch.setattr(hooks, "READERS", [plug])
    answer = await found(client, "BPR6ES")
    assert (answer["understood"]["kind"], answer["understood"]["facts"]) == ("plug", {"thread_mm": 14})
    assert articles(answer) == ["BPR6ES-11"]
    assert (await found(client, "W914/2"))["understood"]["kind"] == "article"


async def test_analogs_come_after_what_is_the_same_and_before_what_is_nearly(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post("/api/v1/products", json={"brand": "NGK", "article": "BPR6ES-11X", "name": "Свеча"})

    async def analogs(_db: Connection, product_ids: Any) -> list[Candidate]:
        return [Candidate(AIR_FILTER, "analog")] if PLUG in product_ids else []

    monkeypatch.setattr(hooks, "ANALOGS", [analogs])
    answer = await found(client, "BPR6ES-11")
    assert [item["match"] for item in answer["items"]] == ["exact", "analog", "prefix"]
