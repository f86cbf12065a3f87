"""The garage of a browser, page by page: cars by VIN or by choice, what is due, slips of the pen, undo, forgetting."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.web.shop.garage import COOKIE
from tests.api.test_shop import HTML, read
from tests.api.test_shop_plugs import text_of
from tests.cast import PLUG
from tests.conftest import client_for
from tests.db.test_fitment import loaded

pytestmark = pytest.mark.anyio

VIN = "XTAGFL110KY000000"  # a Vesta, of 2019
SEVERAL = "WVWZZZ1JZ3W000000"  # a Golf, a Bora or another
VESTA = {"vehicle": "lada/vesta/i", "engine": "21129"}
OTHER_SITE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


async def send(client: httpx.AsyncClient, path: str, status: Any = 303, **fields: Any) -> httpx.Response:
    answer = await client.post(path, data=fields, headers=HTML)
    assert answer.status_code == status, answer.text
    return answer


async def put_in(client: httpx.AsyncClient, **fields: Any) -> int:
    answer = await send(client, "/garage/cars", **(fields or VESTA))
    found = re.fullmatch(r"/garage/cars/(\d+)\?done=(?:added|there)", answer.headers["location"])
    assert found is not None
    return int(found[1])


async def garages(app: FastAPI) -> int:
    return int(await app.state.pool.fetchval("SELECT count(*) FROM garages"))


# ------------------------------------------------------------------------------------------------ no
@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({}, 422, "Это не VIN"),
        ({"vin": "+7 912 345-67-89"}, 422, "номер телефона"),
        ({"vin": "XTA"}, 422, "Это не VIN"),
        ({"vin": "😀"}, 422, "Это не VIN"),
        ({"vin": "x" * 20_000}, 422, "Это не VIN"),
        ({"vin": "a\0b"}, 422, "Это не VIN"),
        ({"vin": "ZZZZZZ11ZKY000000"}, 422, "мы не узнали"),
        ({"vehicle": "lada/none/i"}, 404, "Такой машины мы не знаем"),
        ({"vehicle": "a\0b"}, 404, "Такой машины мы не знаем"),
        ({"vehicle": "lada/vesta/i", "engine": "M54B30"}, 404, "С таким двигателем"),
        ({**VESTA, "year": "1980"}, 422, "выпускали с"),
        ({**VESTA, "year": "19x"}, 422, "не целое число"),
        ({**VESTA, "year": "1" * 40}, 422, "не целое число"),
    ],
)
async def test_what_is_no_car_is_told_on_the_page_and_nothing_is_kept(
    app: FastAPI, client: httpx.AsyncClient, fields: dict[str, str], status: int, says: str
) -> None:
    answer = await send(client, "/garage/cars", status, **fields)
    assert says in text_of(answer.text)
    assert "set-cookie" not in answer.headers
    assert len(answer.content) < 30_000
    assert await garages(app) == 0


@pytest.mark.parametrize(
    ("path", "fields", "status", "says"),
    [
        ("readings", {"reading_km": ""}, 422, "Заполните поле"),
        ("readings", {"reading_km": "много"}, 422, "не целое число"),
        ("readings", {"reading_km": "-1"}, 422, "не годится"),
        ("readings", {"reading_km": "1.5"}, 422, "не целое число"),
        ("readings", {"reading_km": "1000000000"}, 422, "не годится"),
        ("readings", {"reading_km": "49 000", "read_on": "2026-06-01"}, 409, "Пробег не уменьшается"),
        ("readings", {"reading_km": "1", "read_on": "31.12.2026"}, 422, "Напишите дату так"),
        ("readings", {"reading_km": "1", "read_on": "2026-02-30"}, 422, "Напишите дату так"),
        ("readings", {"reading_km": "90000", "read_on": "2999-01-01"}, 422, "не наступила"),
        ("readings", {"reading_km": "0", "read_on": "1900-01-01"}, 422, "слишком давняя"),
        ("services", {}, 422, "Выберите из списка"),
        ("services", {"kit": "to15"}, 422, "Укажите дату, пробег"),
        ("services", {"kit": "to16", "done_km": "1"}, 422, "Выберите из списка"),
        ("services", {"kit": "other", "done_km": "1"}, 422, "Заполните поле"),
        ("services", {"kit": "other", "what": "x" * 101, "done_km": "1"}, 422, "Слишком длинно"),
        ("services", {"kit": "other", "what": "a\0b", "done_km": "1"}, 422, "Слишком длинно"),
        ("services", {"kit": "to15", "done_km": "много"}, 422, "не целое число"),
        ("services", {"kit": "to15", "done_on": "2999-01-01"}, 422, "не наступила"),
        ("services", {"kit": "to15", "done_on": "2026-06-01", "done_km": "1"}, 409, "Пробег не уменьшается"),
        ("", {"version": "1", "name": "x" * 101}, 422, "Слишком длинно"),
        ("", {"version": "1", "year": "1980"}, 422, "выпускали с"),
        ("", {"version": "1", "vin": "XTA"}, 422, "Это не VIN"),
        ("", {"version": "7", "name": "Ласточка"}, 412, "Кто-то изменил это"),
        ("", {"name": "Ласточка"}, 422, "Заполните поле"),
    ],
)
async def test_what_is_typed_wrong_is_told_beside_its_field_and_changes_nothing(
    app: FastAPI, client: httpx.AsyncClient, path: str, fields: dict[str, str], status: int, says: str
) -> None:
    car = await put_in(client)
    await send(client, f"/garage/cars/{car}/readings", reading_km="50000", read_on="2026-01-01")
    before = await everything(app)
    answer = await send(client, f"/garage/cars/{car}/{path}".rstrip("/"), status, **fields)
    assert says in text_of(answer.text)
    typed = {name: value for name, value in fields.items() if name in ("reading_km", "done_km", "what", "name")}
    for name, value in typed.items():
        if "\0" not in value:
            assert f'name="{name}" value="{value}"' in answer.text
    assert await everything(app) == before


async def everything(app: FastAPI) -> list[Any]:
    tables = ("garage_cars", "garage_readings", "garage_services")
    rows = [await app.state.pool.fetch(f"SELECT * FROM {table} ORDER BY id") for table in tables]
    return [[tuple(row) for row in several] for several in rows]


@pytest.mark.parametrize("path", ["", "/removal", "/restoration", "/readings", "/services", "/readings/1/removal"])
async def test_nobody_reaches_a_car_of_another_browser(app: FastAPI, client: httpx.AsyncClient, path: str) -> None:
    car = await put_in(client)
    fields = {"version": "1", "reading_km": "1", "kit": "to15", "done_km": "1", "name": "x"}
    before = await everything(app)
    for cookie in ("", "t" * 43, "short", "😀" * 20):
        async with client_for(app) as stranger:
            headers = [(b"Accept", b"text/html"), (b"Cookie", f"{COOKIE}={cookie}".encode())]
            answer = await stranger.post(f"/garage/cars/{car}{path}", data=fields, headers=headers)
            assert answer.status_code == 404, (cookie, answer.text)
            assert (await stranger.get(f"/garage/cars/{car}", headers=headers)).status_code == 404
    assert await everything(app) == before


@pytest.mark.parametrize("path", ["/garage/cars", "/garage/removal"])
async def test_a_form_of_another_site_is_refused(app: FastAPI, client: httpx.AsyncClient, path: str) -> None:
    await put_in(client)
    answer = await client.post(path, data={**VESTA, "year": "2020"}, headers=HTML | OTHER_SITE)
    assert answer.status_code == 403
    assert len((await everything(app))[0]) == 1


# ------------------------------------------------------------------------------------------------ cookies
async def test_a_cookie_is_set_when_a_car_is_put_in_and_not_before(app: FastAPI, client: httpx.AsyncClient) -> None:
    for path in ("/", "/garage", f"/products/{PLUG}-ngk-bpr6es-11"):
        answer = await client.get(path, headers=HTML)
        assert "set-cookie" not in answer.headers
    assert await garages(app) == 0
    answer = await send(client, "/garage/cars", **VESTA)
    cookie = answer.headers["set-cookie"]
    assert re.match(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Max-Age=31536000; Path=/; SameSite=lax$", cookie)
    behind = await client.post("/garage/cars", data=VESTA, headers=HTML | {"X-Forwarded-Proto": "https"})
    assert "; Secure" in behind.headers["set-cookie"]
    token = cookie.partition("=")[2].partition(";")[0]
    assert token not in str(await app.state.pool.fetch("SELECT * FROM garages"))


@pytest.mark.parametrize("path", ["/garage", "/", f"/products/{PLUG}-ngk-bpr6es-11", "/garage/cars/1"])
async def test_pages_with_a_garage_are_kept_by_nobody_else(client: httpx.AsyncClient, path: str) -> None:
    await put_in(client)
    answer = await client.get(path, headers=HTML)
    assert answer.headers["cache-control"].startswith("private")
    assert "Cookie" in answer.headers["vary"]


async def test_search_engines_are_kept_out(client: httpx.AsyncClient) -> None:
    car = await put_in(client, vin=VIN)
    for path in ("/garage", f"/garage/cars/{car}"):
        page = await read(client, path)
        assert 'content="noindex"' in page
        assert "canonical" not in page
    assert "Disallow: /garage" in (await client.get("/robots.txt")).text
    assert "/garage" not in (await client.get("/sitemap.xml")).text


# ------------------------------------------------------------------------------------------------ cars
async def test_a_vin_leads_to_its_car_and_is_in_no_address(client: httpx.AsyncClient) -> None:
    answer = await send(client, "/garage/cars", vin="vin хтаgfl110кy000000 седан")
    assert VIN not in answer.headers["location"]
    page = await read(client, answer.headers["location"])
    assert "Lada Vesta I" in text_of(page)
    assert f'value="{VIN}"' in page
    assert VIN not in re.sub(r'value="[^"]*"', "", page)
    assert VIN not in await read(client, "/garage")


@pytest.mark.parametrize("vin", ["1HGCM82633A004352", "KNDPB3AC7E7000000"])
async def test_a_car_with_an_engine_that_we_do_not_know_is_put_in_without_it(
    client: httpx.AsyncClient, vin: str
) -> None:
    """North America's Accord and Sportage have engines that ours were not sold with."""
    page = await read(client, f"/garage/cars/{await put_in(client, vin=vin)}")
    assert vin in page


async def test_a_vin_that_leaves_several_cars_is_answered_by_the_question_which(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    answer = await send(client, "/garage/cars", 200, vin=SEVERAL)
    assert "Какая это машина?" in answer.text
    assert await garages(app) == 0
    forms = re.findall(r'<form method="post" action="/garage/cars">(.+?)</form>', answer.text)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', forms[0]))
    assert fields["vin"] == SEVERAL
    await put_in(client, **fields)
    [car] = (await everything(app))[0]
    assert SEVERAL in car


async def test_a_car_is_put_in_with_one_press_and_once(app: FastAPI, client: httpx.AsyncClient) -> None:
    page = await read(client, "/cars/lada/vesta/i?engine=21179")
    [form] = re.findall(r'<form method="post" action="/garage/cars">(.+?)</form>', page)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert fields == {"vehicle": "lada/vesta/i", "engine": "21179"}
    assert 'name="vehicle" value="lada/vesta/i"><button' in await read(client, "/cars/lada/vesta/i")  # of any engine
    first = await put_in(client, **fields)
    again = await send(client, "/garage/cars", **fields)
    assert again.headers["location"] == f"/garage/cars/{first}?done=there"
    assert "уже была в гараже" in await read(client, again.headers["location"])
    assert len((await everything(app))[0]) == 1


async def test_what_is_due_is_told_with_its_reason_and_leads_to_the_kit(client: httpx.AsyncClient) -> None:
    car = await put_in(client)
    page = text_of(await read(client, f"/garage/cars/{car}"))
    assert "пробег неизвестен: впишите" in page
    assert "неизвестно, когда делали: впишите" in page
    await send(client, f"/garage/cars/{car}/readings", reading_km="50 000", read_on="2026-01-01")
    await send(client, f"/garage/cars/{car}/services", kit="oil_change", done_km="39000", done_on="2025-09-01")
    page = await read(client, f"/garage/cars/{car}")
    assert "! пора Замена масла вероятно пора: срок был на 49 000 км" in text_of(page)
    assert 'href="/cars/lada/vesta/i/kits/oil_change?engine=21129"' in page
    assert "в год около" in text_of(page)
    assert "Замена масла" in text_of(await read(client, "/garage"))


async def test_lines_that_were_a_slip_are_taken_back(app: FastAPI, client: httpx.AsyncClient) -> None:
    car = await put_in(client)
    await send(client, f"/garage/cars/{car}/readings", reading_km="50000")
    await send(client, f"/garage/cars/{car}/services", kit="other", what="Замена <радиатора>", done_km="1")
    page = await read(client, f"/garage/cars/{car}")
    assert "Замена &lt;радиатора&gt;" in page
    for path in re.findall(r'action="(/garage/cars/\d+/(?:readings|services)/\d+/removal)"', page):
        await send(client, path)
        await send(client, path, 404)
    assert (await everything(app))[1:] == [[], []]


async def test_a_car_is_renamed_and_a_vin_can_be_deleted(app: FastAPI, client: httpx.AsyncClient) -> None:
    car = await put_in(client, vin=VIN)
    await send(client, f"/garage/cars/{car}", version="1", name="Ласточка", year="2019", engine="21129", vin=VIN)
    assert "<h1>Ласточка</h1>" in await read(client, f"/garage/cars/{car}")
    await send(client, f"/garage/cars/{car}", version="2", name="Ласточка", year="2019", engine="21129", vin="")
    assert VIN not in str(await everything(app))


async def test_an_edit_that_came_second_is_shown_as_a_difference(client: httpx.AsyncClient) -> None:
    car = await put_in(client)
    await send(client, f"/garage/cars/{car}", version="1", name="Ласточка", engine="21129")
    answer = await send(client, f"/garage/cars/{car}", 412, version="1", name="Пчёлка", engine="21129")
    assert "Сейчас записано: Ласточка" in text_of(answer.text)
    assert 'name="name" value="Пчёлка"' in answer.text
    assert 'name="version" value="2"' in answer.text


async def test_a_car_is_taken_out_and_put_back(client: httpx.AsyncClient) -> None:
    car = await put_in(client)
    out = await send(client, f"/garage/cars/{car}/removal")
    page = await read(client, out.headers["location"])
    assert "Здесь пока пусто" in page
    [back] = re.findall(r'action="(/garage/cars/\d+/restoration)"', page)
    await send(client, back)
    assert "Lada Vesta I" in await read(client, f"/garage/cars/{car}")


async def test_a_twin_cannot_be_put_back_and_the_page_says_why(client: httpx.AsyncClient) -> None:
    car = await put_in(client)
    await send(client, f"/garage/cars/{car}/removal")
    await put_in(client)
    answer = await send(client, f"/garage/cars/{car}/restoration", 409)
    assert "Такая машина в гараже есть" in text_of(answer.text)


async def test_the_twenty_first_car_has_no_room(client: httpx.AsyncClient) -> None:
    for number in range(20):
        car = await put_in(client, **VESTA)
        await send(client, f"/garage/cars/{car}", version="1", name=f"Машина {number}", engine="21129")
    answer = await send(client, "/garage/cars", 409, **VESTA)
    assert "уже 20 машин" in text_of(answer.text)
    page = await read(client, "/garage")
    assert 'name="vin"' not in page
    assert len(page) < 120_000


async def test_everything_is_forgotten_at_once_and_the_cookie_too(app: FastAPI, client: httpx.AsyncClient) -> None:
    await put_in(client, vin=VIN)
    for _ in range(2):
        answer = await send(client, "/garage/removal")
        assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert await garages(app) == 0
    assert COOKIE not in client.cookies


# ------------------------------------------------------------------------------------------------ other pages
async def test_the_front_page_offers_the_cars_of_the_garage(client: httpx.AsyncClient) -> None:
    assert "Добавить ещё машину" not in await read(client, "/")
    car = await put_in(client)
    assert f'href="/garage/cars/{car}"' in await read(client, "/")


async def test_a_product_says_whether_it_fits_the_cars_of_the_garage(app: FastAPI, client: httpx.AsyncClient) -> None:
    await loaded(app.state.pool)
    where = f"/products/{PLUG}-ngk-bpr6es-11"
    assert "Подходит к вашей машине?" not in await read(client, where)
    await put_in(client)
    await put_in(client, vehicle="lada/priora/-", engine="21116")
    page = text_of(await read(client, where)).partition("Подходит к вашей машине?")[2]
    assert "✕ Не подходит Lada Vesta I" in page
    assert "У двигателя свеча" in page
    assert "✓ Подходит Lada Priora" in page


async def test_a_car_that_the_facts_no_longer_have_is_told_by_its_id(app: FastAPI, client: httpx.AsyncClient) -> None:
    car = await put_in(client)
    await app.state.pool.execute("UPDATE garage_cars SET vehicle = 'lada/gone/i' WHERE id = $1", car)
    for path in ("/", "/garage", f"/garage/cars/{car}"):
        assert "lada/gone/i" in await read(client, path)
    assert "lada/gone/i" not in await read(client, f"/products/{PLUG}-ngk-bpr6es-11")


async def test_english_is_english(client: httpx.AsyncClient) -> None:
    client.cookies.set("autoshop_language", "en")
    car = await put_in(client)
    page = text_of(await read(client, f"/garage/cars/{car}"))
    assert "nobody knows when it was done" in page
    assert not re.search("[А-Яа-я]", page)
