"""The one box where it leads on: to cars and what fits them, to plugs, to what stands for an article."""

from typing import Any

import httpx
import pytest

from autoshop.kit.db import Pool
from tests.db.test_fitment import loaded, sell

pytestmark = pytest.mark.anyio


async def ask(client: httpx.AsyncClient, q: str) -> dict[str, Any]:
    answer = await client.get("/api/v1/search", params={"q": q})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def matches(found: dict[str, Any]) -> dict[int, str]:
    return {item["product_id"]: item["match"] for item in found["items"]}


@pytest.mark.parametrize("q", ["приора 21126", "лада приора двигатель 21126", "ghbjhf 21126"])
async def test_a_car_leads_to_what_fits_it(client: httpx.AsyncClient, pool: Pool, q: str) -> None:
    await loaded(pool)
    product = await sell(pool, "Lada", "21080-1012005-08")
    found = await ask(client, q.replace(" двигатель", ""))
    assert found["understood"]["kind"] == "vehicle"
    assert found["understood"]["facts"]["vehicles"] == [
        {"id": "lada/priora/-", "name": "Lada Priora", "engines": ["21126"]}
    ]
    assert matches(found)[product] == "fitment"


async def test_of_several_cars_nobody_knows_which_so_they_are_told(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    await sell(pool, "Lada", "21080-1012005-08")
    found = await ask(client, "логан")
    assert found["understood"]["kind"] == "vehicle"
    assert len(found["understood"]["facts"]["vehicles"]) == 4
    assert found["items"] == []


async def test_an_article_comes_with_what_stands_for_it(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    own, analog = await sell(pool, "Lada", "21080-1012005"), await sell(pool, "Lada", "21080-1012005-08")
    found = matches(await ask(client, "21080-1012005"))
    assert (found[own], found[analog]) == ("exact", "analog")


async def test_a_plug_that_is_not_sold_leads_to_those_that_may_stand_for_it(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await loaded(pool)
    ngk = await sell(pool, "NGK", "BCPR6ES-11")
    found = await ask(client, "АУ17ДВРМ")
    assert (found["understood"]["kind"], found["understood"]["facts"]["code"]) == ("plug", "АУ17ДВРМ")
    assert matches(found) == {ngk: "analog"}


@pytest.mark.parametrize(("q", "kind"), [("лампа h7", "category"), ("XTAGFL110KY000000", "vin"), ("масло", "category")])
async def test_nothing_is_taken_for_a_car_that_may_be_something_else(
    client: httpx.AsyncClient, pool: Pool, q: str, kind: str
) -> None:
    await pool.execute("INSERT INTO categories (code, name_ru, name_en) VALUES ('bulb', 'Лампа', 'Bulb')")
    await pool.execute("INSERT INTO categories (code, name_ru, name_en) VALUES ('engine_oil', 'Масло моторное', 'Oil')")
    assert (await ask(client, q))["understood"]["kind"] == kind
