"""The page of a spark plug: what its code says, what replaces it and when, what must not; and the ways to it."""

import json
import re
from urllib.parse import quote, unquote

import httpx
import pytest
from fastapi import FastAPI

from autoshop.selection.plugs.known import all_codes
from autoshop.web.shop.plugs import address_of
from tests.api.test_shop import read
from tests.cast import PLUG, WIPER
from tests.ledger import assert_ledger_is_clean, post, request
from tests.plugs import bring_in_plugs

pytestmark = pytest.mark.anyio


def text_of(page: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page.partition("<main")[2]).split())


# ------------------------------------------------------------------------------------------------ no
@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("zz12345q", 404, "похоже на артикул, но не на код свечи"),
        ("+7 912 345-67-89", 404, "похоже на телефон"),
        ("4607012345678", 404, "похоже на штрихкод"),
        ("не заводится", 404, "это текст, а не код свечи"),
        ("W 914/2", 404, "похоже на артикул"),
        ("'; DROP TABLE products; --", 404, "это текст"),
        ("<script>alert(1)</script>", 404, "похоже на артикул"),
        ("😀", 422, "ничего не написано"),
        ("B" * 61, 422, "длиннее 60 знаков"),
        ("B" * 900, 422, "длиннее 60 знаков"),
    ],
)
@pytest.mark.parametrize("typed_into_the_form", [False, True])
async def test_what_is_no_code_is_a_page_that_says_what_it_looks_like(
    client: httpx.AsyncClient, code: str, status: int, says: str, typed_into_the_form: bool
) -> None:
    where = f"/plugs?code={quote(code, safe='')}" if typed_into_the_form else f"/plugs/{quote(code, safe='')}"
    page = await read(client, where, status)
    assert says in text_of(page)
    assert 'content="noindex"' in page
    assert 'href="/search?q=' in page
    assert "aria-invalid" in page
    assert "<script>alert" not in page
    assert len(page) < 20_000


@pytest.mark.parametrize(
    "where", ["/plugs/%00", "/plugs?code=%00", "/plugs/BPR6ES?brand=%00", "/plugs?code=" + "B" * 10_001]
)
async def test_what_no_text_can_be_is_refused(client: httpx.AsyncClient, where: str) -> None:
    assert "/office" not in await read(client, where, 422)


async def test_a_slip_in_a_code_leads_to_the_codes_that_are_near(client: httpx.AsyncClient) -> None:
    page = await read(client, "/plugs/BPR6EZ-11x", 404)
    assert 'href="/plugs/BPR6ES-11"' in page


async def test_a_brand_that_has_no_such_code_is_no_answer(client: httpx.AsyncClient) -> None:
    await read(client, "/plugs/BPR6ES?brand=Osram", 404)
    await read(client, "/plugs?code=BPR6ES&brand=Osram", 404)


async def test_of_a_code_that_is_two_plugs_it_is_asked_which(client: httpx.AsyncClient) -> None:
    page = await read(client, "/plugs/N12Y")
    assert {"/plugs/N12Y?brand=Brisk", "/plugs/N12Y?brand=Champion"} <= set(re.findall('href="([^"]+)"', page))
    assert "12,7 мм" in page
    assert "19 мм" in page
    answer = await client.get("/plugs?code=n12y")
    assert (answer.status_code, answer.headers["location"]) == (303, "/plugs/N12Y")
    page = await read(client, "/plugs/N12Y?brand=Champion")
    assert 'rel="canonical" href="http://test/plugs/N12Y?brand=Champion"' in page
    assert "Champion N12Y" in text_of(page)


# ------------------------------------------------------------------------------------------------ addresses
@pytest.mark.parametrize(
    ("asked", "own"),
    [
        ("/plugs?code=bpr6es+11", "/plugs/BPR6ES-11"),
        ("/plugs/bpr6es11", "/plugs/BPR6ES-11"),
        ("/plugs/NGK BPR6ES-11", "/plugs/BPR6ES-11"),
        ("/plugs/BPR6ES-11?brand=NGK", "/plugs/BPR6ES-11"),
        ("/plugs/A17DVRM", f"/plugs/{quote('А17ДВРМ')}"),
        ("/plugs?code=WR7DC%2B", "/plugs/WR7DC%2B"),
        ("/plugs/N12Y?brand=champion", "/plugs/N12Y?brand=Champion"),
    ],
)
async def test_however_a_code_is_spelt_it_has_one_address(client: httpx.AsyncClient, asked: str, own: str) -> None:
    answer = await client.get(asked)
    assert (answer.status_code, answer.headers["location"]) == (303, own)
    page = await read(client, own)
    assert re.findall('rel="canonical" href="([^"]+)"', page) == [f"http://test{own}"]


async def test_every_plug_of_the_tables_has_a_page_and_is_where_its_address_says(client: httpx.AsyncClient) -> None:
    for brand, code in all_codes()[::12]:
        page = await read(client, address_of(brand, code))
        assert code in text_of(page), (brand, code)
    addresses = [address_of(brand, code) for brand, code in all_codes()]
    assert len(set(addresses)) == len(addresses)


async def test_the_map_has_the_plugs_that_the_shop_sells_and_no_others(client: httpx.AsyncClient, app: FastAPI) -> None:
    await bring_in_plugs(app.state.pool)
    listed = [
        unquote(one)
        for one in re.findall("<loc>http://test(/plugs[^<]*)</loc>", (await client.get("/sitemap.xml")).text)
    ]
    assert {"/plugs", "/plugs/BPR6ES-11", "/plugs/WR7DC+", "/plugs/А17ДВРМ"} <= set(listed)
    assert "/plugs/BKR6E" not in listed
    assert len(listed) == len(set(listed))


# ------------------------------------------------------------------------------------------------ what it says
async def test_each_field_is_told_with_the_letters_that_say_it(client: httpx.AsyncClient) -> None:
    said = text_of(await read(client, "/plugs/BPR6ES-11"))
    assert "Резьба M14 в коде: B" in said
    assert "Ключ 20,8 мм в коде: B" in said
    assert "Длина резьбы 19 мм в коде: E" in said
    assert "Посадка плоская, с шайбой в коде не указано" in said
    assert "Резистор есть в коде: R" in said
    assert (
        "Калильное число 6 (столько же: Denso 20, Bosch 7, Beru 7, Champion 9/10, Brisk 15, Россия 17) в коде: 6"
        in said
    )
    assert "Зазор 1,1 мм в коде: 11" in said


async def test_the_trap_of_8_and_16_valves_is_told_and_refused(client: httpx.AsyncClient) -> None:
    page = text_of(await read(client, f"/plugs/{quote('А17ДВРМ')}"))
    assert "16V" in page.partition("Что говорит код")[0]
    assert "АУ17ДВРМ ✕ нельзя ловушка 8 и 16 клапанов" in page.partition("Чем заменять нельзя")[2]


async def test_a_makers_number_is_told_by_the_plug_that_it_stands_for(client: httpx.AsyncClient) -> None:
    page = text_of(await read(client, "/plugs/101000033AA"))
    assert "код этого бренда не расшифровывается" in page
    assert "Сравнивали по BKUR6ET-10" in page


async def test_what_can_be_had_comes_first_with_price_store_and_how_it_differs(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    ids = await bring_in_plugs(app.state.pool)
    await post(app.state.pool, request("inbound", 3, ids["WR7DCX"]), request("inbound", 5, PLUG))
    page = await read(client, "/plugs/BPR6ES-11")
    cards = re.findall(r'<li class="card">(.+?)</li>', page, re.DOTALL)
    assert f"/products/{ids['WR7DCX']}" in cards[0]
    assert "350" in cards[0]
    assert "Центр" in cards[0]
    assert "та же свеча по всем размерам" in cards[0]
    assert "нет в наличии" in cards[1]
    assert f'href="/products/{PLUG}"' in page.partition("Чем заменить")[0]
    assert ids["BPR6HS"] not in {int(one) for one in re.findall(r"/products/(\d+)", page)}
    await assert_ledger_is_clean(app.state.pool)


async def test_a_step_of_heat_is_told_in_words(client: httpx.AsyncClient) -> None:
    assert "калильное число на ступень холоднее" in await read(client, "/plugs/BPR6ES-11")


async def test_search_engines_read_what_it_is_and_what_it_costs(client: httpx.AsyncClient, app: FastAPI) -> None:
    ids = await bring_in_plugs(app.state.pool)
    page = await read(client, f"/plugs/{quote('А17ДВРМ')}")
    (data,) = re.findall('<script type="application/ld\\+json">(.+?)</script>', page)
    told = json.loads(data)
    assert (told["@type"], told["mpn"], told["brand"]["name"]) == ("Product", "А17ДВРМ", "Россия")
    assert {"@type": "PropertyValue", "name": "Ключ", "value": "20,8 мм"} in told["additionalProperty"]
    assert [(one["price"], one["url"]) for one in told["offers"]] == [
        ("150.00", f"http://test/products/{ids['А17ДВРМ']}")
    ]
    assert any("WR7DC" in one["name"] for one in told["isSimilarTo"])


async def test_english_is_english(client: httpx.AsyncClient) -> None:
    client.cookies.set("autoshop_language", "en")
    page = await read(client, "/plugs/BPR6ES-11")
    assert "Spanner 20.8 mm in the code: B" in text_of(page)
    assert "heat range one step colder" in page


async def test_costs_are_nobodys_business(client: httpx.AsyncClient, app: FastAPI) -> None:
    ids = await bring_in_plugs(app.state.pool)
    await app.state.pool.execute(
        "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, 'cost', 98765, 'test')",
        ids["WR7DC"],
    )
    page = await read(client, "/plugs/BPR6ES")
    assert f"/products/{ids['WR7DC']}" in page
    assert not re.search(r"98765|987,65|987\.65", page)


# ------------------------------------------------------------------------------------------------ the ways to it
async def test_the_front_page_a_product_and_the_search_lead_to_it(client: httpx.AsyncClient) -> None:
    assert 'action="/plugs"' in await read(client, "/")
    assert 'href="/plugs/BPR6ES-11"' in await read(client, f"/products/{PLUG}-ngk-bpr6es-11")
    assert 'href="/plugs/BPR6ES-11"' in await read(client, "/search?q=ngk+bpr6es11")
    assert 'href="/plugs/FR7DCU"' in await read(client, "/search?q=fr7dcu")
    assert 'href="/plugs/N12Y"' in await read(client, "/search?q=n12y")
    assert 'href="/plugs/PFR7S8EG"' in await read(client, "/search?q=pfr7s8eg")
    assert 'href="/plugs/DILZKAR9Q9W2X?brand=NGK"' in await read(client, "/search?q=dilzkar9q9w2x")


async def test_what_is_no_plug_is_not_told_to_be_one(client: httpx.AsyncClient) -> None:
    assert 'href="/plugs/' not in await read(client, f"/products/{WIPER}-bosch-ar-19-u")
    assert 'href="/plugs/' not in await read(client, "/search?q=w+914/2")
    assert 'href="/plugs/' not in await read(client, "/search?q=" + "x" * 2_000)
