"""The routes of fitment: the verdict with its chain in two languages, the list, the filter of products, feedback."""

import httpx
import pytest

from autoshop.kit.db import Pool
from tests.cast import PLUG
from tests.db.test_fitment import PRIORA, VESTA, loaded, sell

pytestmark = pytest.mark.anyio

PRODUCTS = "/api/v1/products"


async def test_a_verdict_comes_with_its_chain_in_words(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    product = await sell(pool, "Lada", "21080-1012005-08")
    asked: dict[str, str | int] = {"vehicle": PRIORA, "engine": "21126", "year": 2010}
    path = f"{PRODUCTS}/{product}/fitment/verdict"
    told = (await client.get(path, params=asked)).json()
    assert (told["answer"], told["text"]) == ("fits", "Подходит")
    assert told["chain"][-1]["text"] == "Lada 21080-1012005-08 подходит к этой машине"
    assert told["chain"][-1]["source"]
    english = (await client.get(path, params=asked, headers={"Accept-Language": "en"})).json()
    assert (english["text"], english["chain"][-1]["text"]) == ("Fits", "Lada 21080-1012005-08 fits this car")


async def test_what_it_fits_is_paged(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    product = await sell(pool, "Lada", "21080-1012005-08")
    whole = (await client.get(f"{PRODUCTS}/{product}/fitment", params={"limit": 1000})).json()["items"]
    seen, page = [], None
    while True:
        query = {"limit": 7, **({"page": page} if page else {})}
        answer = (await client.get(f"{PRODUCTS}/{product}/fitment", params=query)).json()
        seen += answer["items"]
        if (page := answer["next_page"]) is None:
            break
    assert seen == whole
    assert len(whole) > 7
    assert {one["links"] for one in whole} >= {0}


async def test_products_are_those_that_fit_a_car(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    product = await sell(pool, "Lada", "21080-1012005-08")
    found = (await client.get(PRODUCTS, params={"vehicle": PRIORA, "engine": "21126"})).json()["items"]
    assert product in [one["id"] for one in found]
    assert (await client.get(PRODUCTS, params={"vehicle": "lada/none/-"})).status_code == 404
    assert (await client.get(PRODUCTS, params={"vehicle": PRIORA, "engine": "G4FC"})).status_code == 404
    assert (await client.get(PRODUCTS, params={"engine": "21126"})).status_code == 422


async def test_staff_see_for_whom_it_did_not_fit(client: httpx.AsyncClient, pool: Pool) -> None:
    await loaded(pool)
    said = {"vehicle": VESTA, "engine": "21129", "fitted": False, "origin": "return", "reference": "возврат 7"}
    path = f"{PRODUCTS}/{PLUG}/fitment/feedback"
    first = (await client.post(path, json=said)).json()
    assert (await client.post(path, json={**said, "note": "то же"})).json() == first
    await client.post(path, json={"vehicle": VESTA, "fitted": True})
    wrong = (await client.get("/api/v1/fitment/feedback", params={"fitted": False})).json()["items"]
    assert [one["id"] for one in wrong] == [first["id"]]
    assert len((await client.get("/api/v1/fitment/feedback", params={"product_id": PLUG})).json()["items"]) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"vehicle": "lada/none/-", "fitted": True}, 404),
        ({"vehicle": VESTA, "engine": "G4FC", "fitted": True}, 404),
        ({"vehicle": VESTA, "fitted": "yes"}, 422),
        ({"vehicle": VESTA}, 422),
        ({"vehicle": VESTA, "fitted": True, "origin": "rumour"}, 422),
    ],
)
async def test_feedback_that_says_nothing_is_refused(
    client: httpx.AsyncClient, body: dict[str, object], status: int
) -> None:
    assert (await client.post(f"{PRODUCTS}/{PLUG}/fitment/feedback", json=body)).status_code == status
    assert (await client.get("/api/v1/fitment/feedback")).json()["items"] == []


async def test_an_unknown_product_is_not_found(client: httpx.AsyncClient) -> None:
    for path in ("fitment", f"fitment/verdict?vehicle={VESTA}"):
        assert (await client.get(f"{PRODUCTS}/999999/{path}")).status_code == 404
    body = {"vehicle": VESTA, "fitted": True}
    assert (await client.post(f"{PRODUCTS}/999999/fitment/feedback", json=body)).status_code == 404
