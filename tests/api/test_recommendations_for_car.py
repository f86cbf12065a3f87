"""What goes with a cart, for the buyer's car: what does not suit it is left out; and what stands for what is out."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.catalog.search.categories.model import facts as categories
from autoshop.kit.db import Pool, transaction
from autoshop.selection.fitment import service as fitment
from autoshop.selection.fitment.model import PartKind
from autoshop.selection.fitment.suiting import category_of, is_bound
from tests.cast import AIR_FILTER, BRAKE_PADS, BULB, CENTRE, OIL_FILTER, PLUG, WIPER
from tests.crosses import load as load_crosses
from tests.fitments import VESTA, load, row
from tests.ledger import MANAGER, post, request

pytestmark = pytest.mark.anyio

PATH = "/api/v1/recommendations"
ADD_CATEGORIES = """
WITH added AS (
    INSERT INTO categories (code, name_ru, name_en)
    SELECT n.code, n.name, n.name FROM unnest($1::text[], $2::text[]) AS n (code, name)
    RETURNING id, code
)
UPDATE products AS p
   SET category_id = added.id
  FROM added
  JOIN unnest($3::bigint[], $1::text[]) AS w (product_id, code) ON w.code = added.code
 WHERE p.id = w.product_id
"""
TOGETHER = """
INSERT INTO bought_together (product_id, with_id, together, weight)
SELECT $1, w.id, 5, 10 - w.place
  FROM unnest($2::bigint[]) WITH ORDINALITY AS w (id, place)
"""
WITH_PLUG = [OIL_FILTER, AIR_FILTER, BRAKE_PADS, WIPER, BULB]


@pytest.fixture
async def pool(app: FastAPI) -> Pool:
    """Whoever buys the plug buys everything else: filters, pads, oil (the wiper), and something nobody can place."""
    pool: Pool = app.state.pool
    kinds = {
        OIL_FILTER: ("oil_filter", "Фильтр масляный"),
        AIR_FILTER: ("filters-of-air", "Воздушный фильтр"),  # the shop's own code; the name is known
        BRAKE_PADS: ("brake_pads_front", "Колодки"),
        WIPER: ("engine_oil", "Моторное масло"),
        BULB: ("something-else", "Разное"),
    }
    codes, names = [code for code, _ in kinds.values()], [name for _, name in kinds.values()]
    await pool.execute(ADD_CATEGORIES, codes, names, list(kinds))
    await pool.execute(TOGETHER, PLUG, WITH_PLUG)
    return pool


async def ask(client: httpx.AsyncClient, product: int = PLUG, **more: Any) -> Any:
    answer = await client.get(PATH, params={"product_id": product, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def proposed(client: httpx.AsyncClient, **more: Any) -> list[int]:
    return [one["product_id"] for one in (await ask(client, **more))["items"]]


async def did_not_fit(pool: Pool, product: int, times: int) -> None:
    """Buyers say so of the Vesta."""
    for _ in range(times):
        async with transaction(pool) as db:
            await fitment.give_feedback(
                db, MANAGER, product, VESTA, None, fitted=False, origin="return", reference=None, note=None
            )


FILTER = {"Бренд": "MANN-FILTER", "Артикул": "W 914/2", "Категория": "oil_filter"}
PADS = {"Бренд": "TRW", "Артикул": "GDB3331", "Категория": "brake_pads_front", "Двигатель": ""}


# ------------------------------------------------------------------------------------------------ no
@pytest.mark.parametrize(
    ("more", "status", "title"),
    [
        ({"vehicle": "lada/none/-"}, 404, "Unknown vehicle"),
        ({"vehicle": VESTA, "engine": "G4FC"}, 404, "Unknown engine"),
        ({"engine": "21129"}, 422, "The request is not valid"),
        ({"vehicle": ""}, 422, "The request is not valid"),
        ({"vehicle": "x" * 201}, 422, "The request is not valid"),
        ({"lang": "fr"}, 422, "The request is not valid"),
    ],
)
async def test_a_car_that_there_is_not_is_refused(
    client: httpx.AsyncClient, pool: Pool, more: dict[str, str], status: int, title: str
) -> None:
    answer = await client.get(PATH, params={"product_id": PLUG, **more})
    assert (answer.status_code, answer.json()["title"]) == (status, title)


# ------------------------------------------------------------------------------------------------ rules
def test_every_category_says_whether_its_parts_are_bound_to_cars() -> None:
    assert {one.code for one in categories().values() if one.car_bound is None} == set()
    assert {one.code for one in categories().values() if one.car_bound == "no"} == {
        *("engine_oil", "gearbox_oil", "coolant", "brake_fluid"),
    }


@pytest.mark.parametrize(
    ("names", "is_told", "code", "bound"),
    [
        (("oil_filter",), False, "oil_filter", True),
        (("ours", "Фильтр масляный"), False, "oil_filter", True),
        (("ours", "Мобил", "Mobil", "engine_oil", "Масла"), True, "engine_oil", False),
        (("tools", "Инструмент"), False, None, False),
        (("tools", "Инструмент"), True, None, True),
        ((), False, None, False),
    ],
)
def test_what_is_bound_to_cars(names: tuple[str, ...], is_told: bool, code: str | None, bound: bool) -> None:
    kind = PartKind(1, 1, "A", names, is_told)
    assert (category_of(kind), is_bound(kind)) == (code, bound)


# ------------------------------------------------------------------------------------------------ for a car
async def test_without_a_car_everything_goes_with_it(client: httpx.AsyncClient, pool: Pool) -> None:
    assert await proposed(client) == WITH_PLUG


async def test_bound_parts_that_nobody_told_to_fit_are_left_out_and_oil_stays(
    client: httpx.AsyncClient, pool: Pool, tmp_path: Path
) -> None:
    assert await proposed(client, vehicle=VESTA) == [WIPER, BULB]
    await load(pool, tmp_path, row(**FILTER))
    assert await proposed(client, vehicle=VESTA) == [OIL_FILTER, WIPER, BULB]
    assert await proposed(client, vehicle=VESTA, engine="21129") == [OIL_FILTER, WIPER, BULB]
    assert await proposed(client, vehicle=VESTA, engine="21179") == [WIPER, BULB]
    assert await proposed(client, vehicle="lada/priora/-") == [WIPER, BULB]
    assert await proposed(client, vehicle=VESTA, limit=1) == [OIL_FILTER]


async def test_an_analog_of_what_fits_suits_as_well(client: httpx.AsyncClient, pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, row(**(FILTER | {"Бренд": "MAHLE", "Артикул": "OC 384"})))
    assert OIL_FILTER not in await proposed(client, vehicle=VESTA)
    await load_crosses(pool, tmp_path, "MANN-FILTER;W 914/2;MAHLE;OC 384")
    assert OIL_FILTER in await proposed(client, vehicle=VESTA)


async def test_what_fits_on_a_condition_alone_is_left_out(
    client: httpx.AsyncClient, pool: Pool, tmp_path: Path
) -> None:
    await load(pool, tmp_path, row(**FILTER, Условия="с кондиционером"))
    assert OIL_FILTER not in await proposed(client, vehicle=VESTA)


async def test_what_is_told_of_another_car_is_bound_whatever_its_category(
    client: httpx.AsyncClient, pool: Pool, tmp_path: Path
) -> None:
    lamp = {"Бренд": "Osram", "Артикул": "64210", "Категория": "bulb", "Двигатель": ""}
    await load(pool, tmp_path, row(**lamp, Автомобиль="lada/priora/-"))
    assert BULB not in await proposed(client, vehicle=VESTA)
    assert BULB in await proposed(client, vehicle="lada/priora/-")


async def test_what_did_not_fit_buyers_is_left_out(client: httpx.AsyncClient, pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, row(**FILTER), row(**PADS))
    await did_not_fit(pool, OIL_FILTER, 2)
    assert OIL_FILTER in await proposed(client, vehicle=VESTA)
    await did_not_fit(pool, OIL_FILTER, 1)
    assert await proposed(client, vehicle=VESTA) == [BRAKE_PADS, WIPER, BULB]


async def test_a_plug_that_cannot_be_screwed_in_is_left_out_although_somebody_said_that_it_fits(
    client: httpx.AsyncClient, pool: Pool, tmp_path: Path
) -> None:
    await pool.execute(TOGETHER, OIL_FILTER, [PLUG])
    plug = {"Бренд": "NGK", "Артикул": "BPR6ES-11", "Категория": "spark_plug", "Двигатель": ""}
    cars = {VESTA: False, "uaz/hunter-3151/-": True}  # the Vesta's engines have plugs of hexagon 16
    await load(pool, tmp_path, *(row(**plug, Автомобиль=car) for car in cars))
    found = {
        car: PLUG in [one["product_id"] for one in (await ask(client, OIL_FILTER, vehicle=car, **more))["items"]]
        for car, more in ((VESTA, {"engine": "21129"}), ("uaz/hunter-3151/-", {}))
    }
    assert found == cars


async def test_a_car_without_such_a_part_is_offered_none(client: httpx.AsyncClient, pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, row(**FILTER))
    await pool.execute(
        "INSERT INTO fitment_absences (vehicle_id, category, confidence, source_id)"
        " SELECT v.id, 'oil_filter', 'high', s.id FROM vehicles AS v, fitment_sources AS s WHERE v.slug = $1",
        VESTA,
    )
    assert OIL_FILTER not in await proposed(client, vehicle=VESTA)


# ------------------------------------------------------------------------------------------------ out of stock
async def test_for_what_is_out_of_stock_its_analogs_in_stock_are_told_as_analogs_are(
    client: httpx.AsyncClient, pool: Pool, tmp_path: Path
) -> None:
    lines = [f"{one};MANN-FILTER;W 914/2" for one in ("MANN-FILTER;C 2585", "TRW;GDB3331", "MAHLE;OC1")]
    await load_crosses(pool, tmp_path, *lines)
    assert (await ask(client, OIL_FILTER))["substitutes"] == [{"product_id": OIL_FILTER, "items": []}]
    await post(pool, request("inbound", 2, AIR_FILTER), request("inbound", 1, BRAKE_PADS))
    [missing] = (await ask(client, OIL_FILTER))["substitutes"]
    whole = (await client.get(f"/api/v1/products/{OIL_FILTER}/analogs")).json()["items"]
    assert [one["product_id"] for one in missing["items"]] == [one["product_id"] for one in whole] != []
    assert (missing["product_id"], missing["items"][0]["status"], missing["items"][0]["fit"]) == (
        *(OIL_FILTER, "on_hand", "good"),
    )
    await load(pool, tmp_path, row(**PADS))
    await did_not_fit(pool, AIR_FILTER, 3)
    [for_car] = (await ask(client, OIL_FILTER, vehicle=VESTA))["substitutes"]
    assert [one["product_id"] for one in for_car["items"]] == [BRAKE_PADS]
    await post(pool, request("inbound", 1, OIL_FILTER, CENTRE))
    assert (await ask(client, OIL_FILTER))["substitutes"] == []


async def test_of_a_long_cart_the_first_few_that_are_out_are_looked_at(client: httpx.AsyncClient, pool: Pool) -> None:
    answer = await client.get(PATH, params={"product_id": [PLUG, BULB, BULB, WIPER, BRAKE_PADS, 999_999]})
    assert [one["product_id"] for one in answer.json()["substitutes"]] == [PLUG, BULB, WIPER]
