"""The page of a kit: its ways to buy, its addresses, what depends on the engine; all of it held by whoever serves."""

import re

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from tests.api import test_shop
from tests.api.test_shop import HTML
from tests.cast import CENTRE
from tests.kits import shop
from tests.ledger import assert_ledger_is_clean
from tests.people import clerk_of_north

pytestmark = pytest.mark.anyio

CAR = "/cars/lada/vesta/i"
TO15 = f"{CAR}/kits/to15?engine=21129+1.6+16V&store={CENTRE}"
FORM = {"way": "economy", "total": "366000", "holder": "Анна, 8 912 345-67-89"}


async def read(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    """A page, with plain spaces."""
    return (await test_shop.read(client, path, status)).replace("\u00a0", " ")


async def test_a_kit_tells_its_ways_to_buy_and_why_each_part_fits(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    page = await read(client, TO15)
    assert "ТО-15 000 для Lada Vesta I" in page
    assert [one in page for one in ("3 660,00", "7 830,00")] == [True, True]
    assert "Lukoil 207465 подходит к этой машине" in page
    assert "Зависит от двигателя" not in page
    cheap = await read(client, f"{TO15}&way=economy")
    assert "2 040,00" in cheap
    assert "3 340,00" not in cheap


async def test_a_sum_says_what_is_not_in_it(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    assert "Не в сумме, хотя нужно" not in await read(client, TO15)
    assert "Не в сумме, хотя нужно: масло моторное, фильтр масляный" in await read(client, f"{CAR}/kits/to15")


async def test_it_has_one_address_for_search_engines_and_none_where_there_is_nothing(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await shop(pool)
    page = await read(client, f"{TO15}&way=premium&extra=air_filter")
    assert re.findall('rel="canonical" href="([^"]+)"', page) == [f"http://test{CAR}/kits/to15?engine=21129+1.6+16V"]
    assert "noindex" in await read(client, f"{CAR}/kits/cooling")


async def test_an_address_with_a_store_that_was_closed_since_shows_what_the_others_have(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await shop(pool)
    await pool.execute("UPDATE stores SET active = false WHERE id = $1", CENTRE)
    assert "ТО-15 000 для Lada Vesta I" in await read(client, TO15)


async def test_an_optional_part_is_added_and_taken_out_by_links(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    without = await read(client, TO15)
    add = re.findall(r'href="([^"]+)">Добавить в набор', without)
    assert len(add) == 1
    with_it = await read(client, add[0].replace("&amp;", "&"))
    assert "4 170,00" in with_it  # 3 660 and the filter for 510
    assert "Убрать из набора" in with_it


async def test_without_an_engine_it_asks_which_one(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    page = await read(client, f"{CAR}/kits/to15")
    assert "Какой двигатель?" in page
    engines = re.findall(r'href="(/cars/lada/vesta/i/kits/to15\?engine=[^"]+)"', page)
    assert engines[0].startswith(TO15.split("&", maxsplit=1)[0])


async def test_an_engine_is_known_by_its_code_too_as_a_garage_names_it(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    page = await read(client, f"{CAR}/kits/to15?engine=21129&store={CENTRE}")
    assert "3 660,00" in page
    assert "Какой двигатель?" not in page
    assert (await read(client, f"{CAR}?engine=21129")).count('aria-current="true"') == 2  # both engines of that code


async def test_of_an_engine_that_nobody_here_knows_nothing_is_told_that_depends_on_one(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    """All that this Niva was sold with take one plug: somebody else's engine, put into it, may take another."""
    await shop(pool)
    ignition = "/cars/lada/niva-legend-4x4/2121/kits/ignition"
    assert "Известно, что подходит" in await read(client, ignition)
    page = await read(client, f"{ignition}?engine=F4R")
    assert "Известно, что подходит" not in page
    assert page.count("нам не известно") == 2  # plugs, and wires


async def test_a_car_and_a_vin_lead_to_its_kits(client: httpx.AsyncClient) -> None:
    assert f"{CAR}/kits/to15?engine=21129+1.6+16V" in await read(client, f"{CAR}?engine=21129+1.6+16V")
    assert f"{CAR}/kits/ignition?engine=21129+1.6+16V&amp;year=2019" in await read(client, "/vin?vin=XTAGFL110KY000000")


@pytest.mark.parametrize("path", [f"{CAR}/kits/to16", "/cars/lada/vista/i/kits/to15", f"{CAR}/kits/to15?store=999999"])
async def test_what_is_not_there_is_a_page_of_the_shop(client: httpx.AsyncClient, path: str) -> None:
    assert 'href="/"' in await read(client, path, 404)


async def test_whoever_serves_the_buyer_has_all_of_it_held_once(client: httpx.AsyncClient, pool: Pool) -> None:
    await shop(pool)
    (version,) = re.findall('name="version" value="([^"]+)"', await read(client, f"{TO15}&way=economy"))
    form = FORM | {"key": "a", "version": version}
    sent = [await client.post(TO15, data=form, headers=HTML) for _ in range(2)]
    assert [one.status_code for one in sent] == [303, 303]
    assert sent[0].headers["location"] == sent[1].headers["location"]
    page = await read(client, sent[0].headers["location"])
    assert "Отложено: Анна, 8 912 345-67-89" in page
    assert await pool.fetchval("SELECT sum(reserved) FROM stock") == 4
    await assert_ledger_is_clean(pool)


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"total": "1"}, 409, "Цены или наличие изменились"),
        ({"version": "seen long ago"}, 409, "Цены или наличие изменились"),
        ({"holder": " "}, 422, "Заполните"),
        ({"total": "много"}, 422, "много"),
        ({"way": "gratis"}, 422, "Выберите"),
    ],
)
async def test_a_refusal_comes_back_on_the_page_and_nothing_is_held(
    client: httpx.AsyncClient, pool: Pool, change: dict[str, str], status: int, says: str
) -> None:
    await shop(pool)
    answer = await client.post(TO15, data=FORM | change, headers=HTML)
    assert answer.status_code == status
    assert says in answer.text
    assert "Что входит" in answer.text
    assert await pool.fetchval("SELECT sum(reserved) FROM stock") == 0


async def test_a_clerk_of_another_store_sees_no_such_button(
    app: FastAPI, client: httpx.AsyncClient, pool: Pool
) -> None:
    await shop(pool)
    assert "Отложить всё" in await read(client, TO15)
    of_north = HTML | await clerk_of_north(app)
    assert "Отложить всё" not in (await client.get(TO15, headers=of_north)).text
    assert (await client.post(TO15, data=FORM, headers=of_north)).status_code == 403
