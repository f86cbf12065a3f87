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


async def category(pool: Pool, code: str, name: str, *product_ids: int) -> None:
    added = "INSERT INTO categories (code, name_ru, name_en) VALUES ($1, $2, $2) RETURNING id"
    category_id = await pool.fetchval(added, code, name)
    await pool.execute("UPDATE products SET category_id = $1 WHERE id = ANY ($2)", category_id, list(product_ids))


def reasons(found: dict[str, Any]) -> dict[int, str]:
    return {item["product_id"]: item["reason"] for item in found["items"]}


async def test_a_part_of_several_cars_says_which_it_fits(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    plug, filters = await sell(pool, "NGK", "BCPR6ES-11"), await sell(pool, "Lada", "21080-1012005-08")
    await category(pool, "spark_plug", "Свеча зажигания", plug)
    await category(pool, "oil_filter", "Фильтр масляный", filters)
    vesta = await ask(client, "свечи на весту")
    assert {car["name"] for car in vesta["understood"]["facts"]["vehicles"]} == {"Lada Vesta I", "Lada Vesta NG"}
    assert (matches(vesta), reasons(vesta)) == (
        {plug: "fitment_some"}, {plug: "подходит к Lada Vesta I 21129, 21179"}
    )  # fmt: skip
    priora = await ask(client, "свечи приора 21126")
    assert reasons(priora) == {plug: "подходит к этой машине"}
    assert reasons(await ask(client, "масляный фильтр приора 21126")) == {filters: "подходит к этой машине"}


async def test_what_fits_some_engines_or_years_alone_says_so(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    air = await sell(pool, "Goodwill", "AG687")
    await category(pool, "air_filter", "Фильтр воздушный", air)
    found = await ask(client, "воздушный фильтр веста 21129")
    assert (matches(found), "проверьте год" in reasons(found)[air]) == ({air: "fitment_if"}, True)
    assert matches(await ask(client, "воздушный фильтр веста 21129 2020")) == {air: "fitment"}
    assert matches(await ask(client, "воздушный фильтр веста 21129 2016")) == {}


async def test_a_part_called_like_a_car_is_a_part_and_a_complaint_of_a_car_leads_to_its_parts(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await loaded(pool)
    plug = await sell(pool, "NGK", "BCPR6ES-11")
    await category(pool, "spark_plug", "Свеча зажигания", plug)
    await category(pool, "brake_disc", "Диск тормозной")
    await category(pool, "brake_pads_front", "Колодки тормозные передние")
    discs = await ask(client, "диски рио")
    assert {car["name"].split()[1] for car in discs["understood"]["facts"]["vehicles"]} == {"Rio"}
    pads = await ask(client, "колодки рио")
    assert (pads["understood"]["kind"], len(pads["understood"]["facts"]["category_ids"])) == ("vehicle", 1)
    misfires = await ask(client, "приора 21126 троит")
    assert (misfires["understood"]["kind"], matches(misfires)) == ("symptom", {plug: "fitment"})
    assert misfires["understood"]["categories"]


async def test_of_a_car_with_words_that_nobody_knows_the_car_is_told(client: httpx.AsyncClient) -> None:
    found = (await ask(client, "рычаг рио"))["understood"]
    assert (found["kind"], [one["typed"] for one in found["changes"]]) == ("vehicle", ["рычаг"])
    assert found["facts"]["vehicles"]


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


async def test_a_plug_of_no_table_leads_to_what_its_code_proves_the_same(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    same, hotter = await sell(pool, "NGK", "BKR7E"), await sell(pool, "NGK", "BCPR6ES")
    longer = await sell(pool, "NGK", "LFR7AIX")
    found = await ask(client, "PFR7S8EG")
    assert (found["understood"]["kind"], found["understood"]["facts"]) == ("plug", {"brand": "NGK", "code": "PFR7S8EG"})
    assert matches(found) == {same: "analog"}
    assert {hotter, longer}.isdisjoint(matches(found))


@pytest.mark.parametrize(
    ("q", "code"), [("SILZKGR8B8S", "SILZKGR8B8S"), ("dilzkar9q9w2x", "DILZKAR9Q9W2X"), ("ngk bpr9ez", "BPR9EZ")]
)
async def test_a_plug_that_nothing_here_replaces_is_told_to_be_one(
    client: httpx.AsyncClient, pool: Pool, q: str, code: str
) -> None:
    await loaded(pool)
    understood = (await ask(client, q))["understood"]
    assert (understood["kind"], understood["facts"]["code"]) == ("plug", code)
    assert "здесь её нет" in understood["reason"]


async def test_a_slip_in_an_article_is_no_other_plug(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    found = await ask(client, "BPR6EC-11")
    assert found["understood"]["kind"] == "article"
    assert set(matches(found).values()) == {"typo"}
