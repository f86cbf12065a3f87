"""The shop's pages as a browser or a search engine gets them: addresses, languages, headers, maps."""

import json
import re
from urllib.parse import quote

import httpx
import pytest

from autoshop.kit.db import Pool
from tests.cast import PLUG

pytestmark = pytest.mark.anyio

HTML = {"Accept": "text/html"}


async def read(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await client.get(path, headers=HTML)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", "/"),
        ("/cars", "/cars"),
        ("/cars/lada", "/cars/lada"),
        ("/cars/lada/vesta", "/cars/lada/vesta"),
        ("/cars/lada/vesta/i?engine=21179", "/cars/lada/vesta/i"),
    ],
)
async def test_a_page_names_its_one_address(client: httpx.AsyncClient, path: str, canonical: str) -> None:
    page = await read(client, path)
    assert re.findall('rel="canonical" href="([^"]+)"', page) == [f"http://test{canonical}"]
    assert "noindex" not in page


async def test_a_vin_is_nobody_elses_business(client: httpx.AsyncClient) -> None:
    page = await read(client, "/vin?vin=XTAGFL110KY000000")
    assert 'name="robots" content="noindex"' in page
    assert "canonical" not in page


async def test_what_is_no_vin_is_told_on_the_page(client: httpx.AsyncClient) -> None:
    assert "Похоже на номер телефона" in await read(client, "/vin?vin=89123456789", 422)
    assert "aria-invalid" in await read(client, "/vin?vin=XTA", 422)
    assert "aria-invalid" not in await read(client, "/vin")


@pytest.mark.parametrize("path", ["/cars/none", "/cars/lada/none", "/cars/lada/vesta/none", "/cars/a/b/c"])
async def test_a_car_that_there_is_not_is_a_page_of_the_shop(client: httpx.AsyncClient, path: str) -> None:
    page = await read(client, path, 404)
    assert 'href="/"' in page
    assert "/office" not in page


async def test_the_language_is_the_readers_and_he_stays_where_he_is(client: httpx.AsyncClient) -> None:
    answer = await client.post("/language", data={"language": "en", "back": "/cars/lada?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/cars/lada?x=1")
    client.cookies.set("autoshop_language", "en")
    assert '<html lang="en">' in await read(client, "/cars/lada")


async def test_the_language_is_switched_on_a_long_search_and_after_a_form_that_was_refused(
    client: httpx.AsyncClient,
) -> None:
    long = "/search?q=" + quote("масляный фильтр " * 8)
    answer = await client.post("/language", data={"language": "en", "back": long})
    assert (answer.status_code, answer.headers["location"]) == (303, long)
    refused = await client.post(
        "/garage/cars", data={"vin": "1"}, headers=HTML | {"Referer": "http://test/garage?done=back"}
    )
    assert refused.status_code == 422
    assert 'name="back" value="/garage?done=back"' in refused.text


@pytest.mark.parametrize(
    "back", ["/" + "x" * 9_000, "//evil.example", "https://evil.example", "/\\evil.example", "", "javascript:1"]
)
async def test_nobody_is_led_away(client: httpx.AsyncClient, back: str) -> None:
    answer = await client.post("/language", data={"language": "en", "back": back})
    assert answer.headers["location"] == "/"


async def test_search_engines_find_every_car_and_are_kept_out_of_the_rest(client: httpx.AsyncClient) -> None:
    robots = (await client.get("/robots.txt")).text
    assert "Disallow: /office" in robots
    assert "Sitemap: http://test/sitemap.xml" in robots
    answer = await client.get("/sitemap.xml")
    assert answer.headers["content-type"] == "application/xml"
    listed = re.findall("<loc>http://test([^<]+)</loc>", answer.text)
    assert {"/", "/cars", "/cars/lada", "/cars/lada/vesta", "/cars/lada/vesta/i"} <= set(listed)
    assert len(listed) == len(set(listed)) > 2_000
    for path in listed[:: len(listed) // 20]:
        await read(client, path)


async def test_a_page_lets_in_no_style_but_its_own(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers=HTML)
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert len(answer.content) < 40_000


# ------------------------------------------------------------------------------------------------ search, products
async def test_an_article_leads_to_its_product_with_what_search_engines_read(client: httpx.AsyncClient) -> None:
    page = await read(client, "/search?q=bpr6es11")
    assert f'href="/products/{PLUG}"' in page
    moved = await client.get(f"/products/{PLUG}", headers=HTML)
    assert (moved.status_code, moved.headers["location"]) == (303, f"/products/{PLUG}-ngk-bpr6es-11")
    page = await read(client, moved.headers["location"])
    assert re.findall('rel="canonical" href="([^"]+)"', page) == [f"http://test/products/{PLUG}-ngk-bpr6es-11"]
    (data,) = re.findall('<script type="application/ld\\+json">(.+?)</script>', page)
    told = json.loads(data)
    assert (told["@type"], told["mpn"], told["brand"]["name"]) == ("Product", "BPR6ES-11", "NGK")


async def test_costs_are_nobodys_business(client: httpx.AsyncClient, pool: Pool) -> None:
    await client.patch(
        f"/api/v1/products/{PLUG}", json={"prices": {"retail": 45_000, "cost": 12_345}}, headers={"If-Match": '"1"'}
    )
    page = await read(client, f"/products/{PLUG}-ngk-bpr6es-11")
    assert "450" in page
    assert "123,45" not in page
    assert "12345" not in page


async def test_a_vin_leads_to_its_car_and_words_that_lead_nowhere_are_told(client: httpx.AsyncClient) -> None:
    answer = await client.get("/search", params={"q": "XTAGFL110KY000000"}, headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/vin?vin=XTAGFL110KY000000")
    assert "Ничего не нашлось" in await read(client, "/search?q=zzzzzz")
    assert "/cars/lada/priora/-" in await read(client, "/search?q=приора")
    assert "noindex" in await read(client, "/search?q=приора")


@pytest.mark.parametrize("text", ["😀", "';--", "<script>alert(1)</script>", "x" * 2_000, "%", "\\"])
async def test_whatever_is_typed_is_answered_by_a_page(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.get("/search", params={"q": text}, headers=HTML)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "path", ["/products/999999", "/products/none", "/products/0", "/products/99999999999999999999"]
)
async def test_a_product_that_there_is_not_is_a_page_of_the_shop(client: httpx.AsyncClient, path: str) -> None:
    assert "/office" not in await read(client, path, 404)


async def test_a_list_is_narrowed_down_by_links_and_opened_again(client: httpx.AsyncClient, pool: Pool) -> None:
    rows = await pool.fetch("SELECT DISTINCT ON (brand_id) article FROM products ORDER BY brand_id, id LIMIT 3")
    text = quote("\n".join(row["article"] for row in rows))
    whole = await read(client, f"/search?q={text}")
    narrower = re.findall(r'href="(/search\?q=[^"]+brand=\d+)">([^<]+) <span class="muted">(\d+)', whole)
    assert len(narrower) == len(rows) > 1
    address, brand, products = narrower[-1]
    page = await read(client, address.replace("&amp;", "&"))
    assert (f"× {brand}" in page, f"Найдено: {products}" in page) == (True, True)
    [wider] = re.findall(r'href="([^"]+)">× ', page)
    assert "brand" not in wider
    assert "× Сегодня" in await read(client, f"/search?q={text}&when=today")
    await read(client, f"/search?q={text}&store=99", 404)
