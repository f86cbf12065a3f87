"""What is done at the pages of the office: found, sold, undone; and a form that is sent twice."""

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI

from autoshop.inventory.movements.model import Line
from autoshop.inventory.movements.service import post_lines
from autoshop.kit.db import transaction
from tests.api.conftest import BARCODE, BROWSER
from tests.api.test_office import STRANGER, said
from tests.cast import BULB, CENTRE, CENTRE_CODE, NORTH, NORTH_CODE, OIL_FILTER, PLUG
from tests.conftest import client_for
from tests.ledger import movements, pieces, post, request
from tests.people import clerk_of_centre, clerk_of_north, signed_in

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("the_ledger_is_clean_afterwards")]

PRODUCT = f"/office/products/{PLUG}"


async def fill(client: httpx.AsyncClient, path: str, **typed: str) -> httpx.Response:
    """Send the form of a page as a browser does: its hidden fields, and what was typed."""
    page = await client.get(path)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text.partition("<main")[2]))
    return await client.post(path, data={**hidden, **typed})


# ------------------------------------------------------------------------------------------------ look-up
@pytest.mark.parametrize(
    "typed",
    [
        BARCODE,
        BARCODE[1:],
        f" {BARCODE} ",
        "BPR6ES-11",
        "bpr6es11",
        "ВРR6ЕS 11",
        "NGK BPR6ES-11",
        "bpr6es-11 ngk",
        "SKU-1",
    ],
)
async def test_what_is_named_beyond_doubt_is_opened(office: httpx.AsyncClient, typed: str) -> None:
    answer = await office.get("/office", params={"q": typed})
    assert (answer.status_code, answer.headers.get("location")) == (303, PRODUCT)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("bpr", ["BPR6ES-11"]),
        ("ngk bpr6", ["BPR6ES-11"]),
        ("ВРR6Е5", []),  # 5 is no S
        ("mann filter", ["C 2585", "W 914/2"]),
        ("MANN-FILTER C", ["C 2585"]),
        ("trw c2585", []),
        ("-", []),
        ("%", []),
        ("'; DROP TABLE products", []),
    ],
)
async def test_what_may_be_meant_is_listed(office: httpx.AsyncClient, typed: str, found: list[str]) -> None:
    page = await office.get("/office", params={"q": typed})
    assert page.status_code == 200
    assert sorted(re.findall(r'<span class="article">([^<]*)</span>', page.text)) == found
    assert ("Ничего не нашлось" in said(page)) == (not found)


async def test_while_one_types_nobody_is_led_away(office: httpx.AsyncClient) -> None:
    part = await office.get("/office", params={"q": BARCODE}, headers={"HX-Request": "true"})
    assert (part.status_code, "BPR6ES-11" in part.text) == (200, True)


async def test_a_product_shows_its_stock_everywhere_and_its_last_movements(
    office: httpx.AsyncClient, app: FastAPI
) -> None:
    await post(app.state.pool, request("transfer", 4, to_store_id=NORTH), request("sale", 1, document="Чек 8"))
    page = said(await office.get(PRODUCT))
    assert "Центр здесь 5 5 0 0 ✓ Есть" in page
    assert "Север 0 0 0 4 → В пути" in page
    assert "Всего 5 5 0 4" in page
    assert "Продажа Чек 8 Центр −1 6 → 5 управляющий, доверенная сеть" in page
    assert "Отгрузка Центр −4 10 → 6" in page
    part = await office.get(f"{PRODUCT}/stock")
    assert said(part).startswith("Наличие")
    assert said(part) in page  # one template serves the page and the part of it
    assert "Движений ещё не было" in said(await office.get(f"/office/products/{BULB}"))


async def test_whoever_moved_something_is_told_also_where_nobody_knows_his_kind(
    office: httpx.AsyncClient, app: FastAPI
) -> None:
    actors = {"token:till": "программа till", "system:import": "система: import", "trust:x": "trust:x", "1C": "1C"}
    async with transaction(app.state.pool) as db:
        await post_lines(db, [Line(BULB, NORTH, "inbound", 1, actor) for actor in actors])
    page = said(await office.get(f"/office/products/{BULB}"))
    assert [told for told in actors.values() if told not in page] == []


async def test_cost_is_shown_to_those_alone_who_may_see_it(office: httpx.AsyncClient, app: FastAPI) -> None:
    for price_type, kopecks in (("retail", 29_000), ("cost", 17_077)):
        await app.state.pool.execute(
            "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, $2, $3, 'system:test')",
            PLUG,
            price_type,
            kopecks,
        )
    assert "170,77" in said(await office.get(PRODUCT))
    as_clerk = await office.get(PRODUCT, headers=await clerk_of_centre(app))
    assert ("290,00 ₽" in said(as_clerk), "170,77" in said(as_clerk)) == (True, False)


# ------------------------------------------------------------------------------------------------ movements
@pytest.mark.parametrize(
    ("typed", "left", "told"),
    [
        ({"kind": "sale", "quantity": "2"}, 8, "Продано: 2 шт., осталось 8."),
        ({"kind": "inbound", "quantity": "1 000"}, 1010, "Принято: 1 000 шт., стало 1 010."),
        ({"kind": "return", "quantity": "1"}, 11, "Возвращено: 1 шт., стало 11."),
        ({"kind": "writeoff", "quantity": "3", "reason": "бой"}, 7, "Списано: 3 шт., осталось 7."),
        ({"kind": "adjustment", "quantity": "-4", "reason": "пересчёт"}, 6, "Скорректировано на −4 шт., стало 6."),
    ],
)
async def test_a_movement_is_posted_told_and_undone(
    office: httpx.AsyncClient, app: FastAPI, typed: dict[str, str], left: int, told: str
) -> None:
    answer = await fill(office, PRODUCT, **typed)
    assert answer.status_code == 303
    page = await office.get(answer.headers["location"])
    assert told in said(page)
    assert await pieces(app.state.pool) == left
    movement_id = re.search(r"movement=(\d+)", answer.headers["location"])
    assert movement_id
    undone = await office.post(f"/office/movements/{movement_id[1]}/reversal", data={"key": "u1"})
    assert "Отменено. На полке снова 10 шт." in said(await office.get(undone.headers["location"]))
    assert await pieces(app.state.pool) == 10
    before = await office.get(answer.headers["location"])
    assert ("Отменить" in said(before), "Отменено" in said(before)) == (False, True)
    again = await office.post(f"/office/movements/{movement_id[1]}/reversal", data={"key": "u2"})
    assert (again.status_code, "Это движение уже отменено" in said(again)) == (409, True)


async def test_the_form_by_itself_finds_the_product_or_offers_a_choice(office: httpx.AsyncClient, app: FastAPI) -> None:
    answer = await fill(office, "/office/movements/new", product=BARCODE, kind="sale", quantity="1")
    assert answer.headers["location"].startswith(f"{PRODUCT}?movement=")
    unsure = await fill(office, "/office/movements/new", product="bpr", kind="sale", quantity="1")
    assert (unsure.status_code, f'name="product_id" value="{PLUG}"' in unsure.text) == (422, True)
    assert await pieces(app.state.pool) == 9
    chosen = await fill(office, "/office/movements/new", product="bpr", product_id=str(PLUG), kind="sale", quantity="1")
    assert chosen.status_code == 303
    assert await pieces(app.state.pool) == 8


async def test_a_form_that_is_sent_twice_is_done_once(office: httpx.AsyncClient, app: FastAPI) -> None:
    typed = {"kind": "sale", "quantity": "1", "store": str(CENTRE), "key": "once"}
    answers = await asyncio.gather(*(office.post(PRODUCT, data=typed) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"].partition("&")[0] for answer in answers}) == 1
    assert await pieces(app.state.pool) == 9
    [again] = {answer.headers["location"] for answer in answers if "again" in answer.headers["location"]}
    assert "Эта форма уже была отправлена, второй раз ничего не проведено." in said(await office.get(again))


async def test_a_form_that_is_sent_again_with_other_data_asks_first(office: httpx.AsyncClient, app: FastAPI) -> None:
    typed = {"kind": "sale", "quantity": "1", "store": str(CENTRE), "key": "once"}
    await office.post(PRODUCT, data=typed)
    answer = await office.post(PRODUCT, data={**typed, "quantity": "3"})
    assert (answer.status_code, "Эта форма уже была отправлена с другими данными" in said(answer)) == (409, True)
    assert 'name="key" value="once"' not in answer.text
    assert 'id="quantity" name="quantity" value="3"' in answer.text
    assert await pieces(app.state.pool) == 9


async def test_what_was_refused_can_be_sent_again_once_there_is_enough(office: httpx.AsyncClient, app: FastAPI) -> None:
    typed = {"kind": "sale", "quantity": "12", "store": str(CENTRE), "key": "once"}
    refused = await office.post(PRODUCT, data=typed)
    await post(app.state.pool, request("inbound", 5))
    assert (await office.post(PRODUCT, data=typed)).status_code == 409  # a late copy is told what the first one was
    key = re.search(r'name="key" value="([^"]+)"', refused.text.partition("product.id")[0])
    assert key
    assert (await office.post(PRODUCT, data={**typed, "key": key[1]})).status_code == 303
    assert await pieces(app.state.pool) == 3


# ------------------------------------------------------------------------------------------------ stores
async def test_a_clerk_moves_nothing_at_another_store_whatever_the_form_says(
    office: httpx.AsyncClient, app: FastAPI
) -> None:
    oleg = await clerk_of_north(app)
    before = await movements(app.state.pool)
    typed = {"kind": "sale", "quantity": "1", "store": str(CENTRE)}
    answer = await office.post(PRODUCT, data=typed, headers=oleg)
    assert (answer.status_code, "Это не ваш магазин" in said(answer)) == (403, True)
    assert (await office.post("/office/movements/1/reversal", data={}, headers=oleg)).status_code == 403
    shipped = {"do": "ship", "from": str(CENTRE), "to": str(NORTH), f"line-{PLUG}": "1"}
    assert (await office.post("/office/transfers/new", data=shipped, headers=oleg)).status_code == 403
    page = await office.get(f"{PRODUCT}?movement=1", headers=oleg)
    assert "Отменить" not in said(page)
    assert await movements(app.state.pool) == before


async def test_a_store_is_chosen_among_ones_own_and_remembered(office: httpx.AsyncClient, app: FastAPI) -> None:
    both = await signed_in(app, "nina", "clerk", CENTRE_CODE, NORTH_CODE)
    async with client_for(app, STRANGER, **BROWSER) as nina:
        nina.cookies.set(*both["Cookie"].split("=", 1))
        assert "Магазин: Центр" in said(await nina.get("/office"))
        answer = await nina.post("/office/settings", data={"store": str(NORTH), "back": PRODUCT})
        assert answer.headers["location"] == PRODUCT
        assert "Оформить в магазине «Север»" in said(await nina.get(PRODUCT))
        refused = await fill(nina, PRODUCT, kind="sale", quantity="1")
        assert "Просили 1 шт., доступно 0" in said(refused)
    async with client_for(app, STRANGER, **BROWSER) as vera:
        vera.cookies.set(*(await clerk_of_centre(app))["Cookie"].split("=", 1))
        await vera.post("/office/settings", data={"store": str(NORTH)})
        assert "Магазин: Центр" in said(await vera.get("/office"))
        assert "Ваш магазин один: Центр" in said(await vera.get("/office/settings"))
        for nonsense in ("0", "x", "9" * 30, "-1"):
            vera.cookies.set("autoshop_store", nonsense)
            assert "Магазин: Центр" in said(await vera.get("/office"))


async def test_the_language_is_russian_until_one_switches(office: httpx.AsyncClient) -> None:
    page = await office.get("/office/transfers", headers={"Accept-Language": "en"})
    assert 'lang="ru"' in page.text
    assert (await office.post("/office/settings", data={"language": "en", "back": PRODUCT})).headers[
        "location"
    ] == PRODUCT
    english = said(await office.get(PRODUCT))
    assert "Last movements" in english
    assert "In stock" in english
    assert not re.search(
        "[А-Яа-я]",
        english.replace("Русский", "")
        .replace("Центр", "")
        .replace("Север", "")
        .replace("Свеча зажигания", "")
        .replace("Розничная", ""),
    )
    refused = await fill(office, PRODUCT, kind="sale", quantity="11")
    assert "Asked for 11, available 10: 10 on the shelf, 0 reserved." in said(refused)


# ------------------------------------------------------------------------------------------------ small things
async def test_enter_in_another_field_of_a_shipment_adds_nothing_and_complains_of_nothing(
    office: httpx.AsyncClient,
) -> None:
    sent = {"from": str(CENTRE), "do": "add", "code": "", f"line-{PLUG}": "3"}
    page = await office.post("/office/transfers/new", data=sent)
    assert (page.status_code, f'name="line-{PLUG}" value="3"' in page.text) == (200, True)
    assert (await office.post("/office/transfers/new", data={"do": "add", "code": ""})).status_code == 422


async def test_a_line_with_an_error_goes_with_its_error(office: httpx.AsyncClient) -> None:
    sent = {"from": str(CENTRE), "do": f"drop-{PLUG}", f"line-{PLUG}": "много", f"line-{OIL_FILTER}": "1"}
    page = await office.post("/office/transfers/new", data=sent)
    assert (page.status_code, "много" in page.text, f"line-{OIL_FILTER}" in page.text) == (200, False, True)


@pytest.mark.parametrize(
    ("path", "back"),
    [("/office/movements/1/reversal", "/office/movements/1"), ("/office/transfers/1/receipt", "/office/transfers/1")],
)
async def test_a_refused_page_switches_its_language_at_an_address_that_can_be_looked_at(
    office: httpx.AsyncClient, app: FastAPI, path: str, back: str
) -> None:
    await post(app.state.pool, request("transfer", 1, to_store_id=NORTH))
    refused = await office.post(path, data={"reason": "x" * 501, f"came-{PLUG}": "0"})
    assert refused.status_code == 422
    [there] = re.findall(r'name="back" value="([^"]*)"', refused.text)
    assert there == back
    assert (await office.get(there)).status_code == 200


async def test_the_language_is_switched_where_one_is(office: httpx.AsyncClient) -> None:
    page = await office.get("/office/transfers?which=all&store=2")
    assert 'name="back" value="/office/transfers?which=all&amp;store=2"' in page.text
