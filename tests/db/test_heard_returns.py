"""What came back as «не подошло» is feedback by itself, of the car that the purchase was for; nothing is guessed."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.inventory.returns import service as returns
from autoshop.inventory.returns.model import Return, SaleOf, Wanted
from autoshop.kit.db import Pool, transaction
from autoshop.selection.fitment.feedback.jobs import hear_of_returns
from autoshop.selection.fitment.feedback.model import says_it_did_not_fit
from autoshop.selection.fitment.feedback.silence import with_the_silent
from autoshop.selection.fitment.model import Told
from tests.cast import CENTRE, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import client_for
from tests.ledger import MANAGER, assert_ledger_is_clean
from tests.people import with_token
from tests.returns import bring_back, send_back, sold, undo

pytestmark = pytest.mark.anyio

PURCHASES = "/api/v1/fitment/purchases"
FEEDBACK = "/api/v1/fitment/feedback"
VESTA, PRIORA = "lada/vesta/i", "lada/priora/-"
CAR = {"id": VESTA, "engine": "21129", "year": 2018}


@pytest.fixture
def pool(app: FastAPI) -> Pool:
    """That of the application."""
    return app.state.pool  # type: ignore[no-any-return]


async def name(client: httpx.AsyncClient, document: str, vehicle: dict[str, Any] | None = None, *products: int) -> Any:
    """Say for which car a document is."""
    body = {"related_document": document, "vehicle": vehicle or CAR, "product_ids": products}
    answer = await client.post(PURCHASES, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def heard(client: httpx.AsyncClient, pool: Pool) -> list[tuple[int, str | None, str | None, str | None]]:
    """Product, car, engine and reference of all feedback, oldest first, once the worker has heard."""
    await hear_of_returns(pool)
    items = (await client.get(FEEDBACK)).json()["items"]
    assert {(one["fitted"], one["origin"]) for one in items} <= {(False, "return")}
    return [(one["product_id"], one["vehicle"], one["engine"], one["reference"]) for one in reversed(items)]


async def take_back(pool: Pool, sale: int | None, *lines: tuple[int, str | None], note: str | None = None) -> Return:
    """One piece of each product (with a reason) comes back."""
    wanted = [Wanted(product, 1, "resaleable", reason) for product, reason in lines]
    async with transaction(pool) as db:
        of = SaleOf(sale, None) if sale is not None else None
        return await returns.take_back(db, MANAGER, CENTRE, wanted, of, None, note)


# ------------------------------------------------------------------------------------------------ no
@pytest.mark.parametrize(
    ("change", "status", "title"),
    [
        ({"vehicle": {"id": "lada/none/-"}}, 404, "Unknown vehicle"),
        ({"vehicle": {"id": VESTA, "engine": "G4FC"}}, 404, "Unknown engine"),
        ({"vehicle": {"id": ""}}, 422, "The request is not valid"),
        ({"vehicle": {"id": VESTA, "year": "2018"}}, 422, "The request is not valid"),
        ({"vehicle": {"id": VESTA, "year": 18}}, 422, "The request is not valid"),
        ({"related_document": " "}, 422, "The request is not valid"),
        ({"related_document": "x" * 201}, 422, "The request is not valid"),
        ({"product_ids": [UNKNOWN]}, 404, "Unknown product"),
        ({"product_ids": [0]}, 422, "The request is not valid"),
        ({"product_ids": ["1"]}, 422, "The request is not valid"),
        ({"product_ids": [PLUG] * 1001}, 422, "The request is not valid"),
    ],
)
async def test_a_car_that_says_nothing_is_refused(
    client: httpx.AsyncClient, pool: Pool, change: dict[str, Any], status: int, title: str
) -> None:
    answer = await client.post(PURCHASES, json={"related_document": "check-1", "vehicle": CAR, **change})
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert await pool.fetchval("SELECT count(*) FROM fitment_purchases") == 0


async def test_only_who_may_change_stock_names_a_car(app: FastAPI, pool: Pool) -> None:
    token = await with_token(pool, "reader", ["inventory:read", "catalog:read"])
    async with client_for(app, "203.0.113.9", **token) as reader:
        answer = await reader.post(PURCHASES, json={"related_document": "check-1", "vehicle": CAR})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("не подошло", True),
        ("Не подошла", True),
        ("деталь НЕ ПОДОШЁЛ, другой разъём", True),
        ("не подходит", True),
        ("не та деталь", True),
        ("did not fit", True),
        ("it doesn't fit", True),
        ("wrong part", True),
        ("не подошёл по цене", False),
        ("не подошло, по цвету", False),
        ("брак", False),
        ("подошло, но передумал", False),
        ("подойдёт другое", False),
        ("", False),
        (None, False),
    ],
)
def test_what_a_reason_says(reason: str | None, says: bool) -> None:
    assert says_it_did_not_fit(reason) is says


async def test_other_reasons_and_other_returns_say_nothing(client: httpx.AsyncClient, pool: Pool) -> None:
    await name(client, "check-1")
    sale, other = await sold(pool, 3, 1)
    await take_back(pool, sale, (PLUG, "брак"))
    await take_back(pool, other, (PLUG, None))
    await bring_back(pool, sale, (PLUG, 1))  # «не подошло», and then it went to the supplier as well
    await send_back(pool, (PLUG, 1))
    assert [one[3] for one in await heard(client, pool)] == ["return 3/1"]
    await assert_ledger_is_clean(pool)


# ------------------------------------------------------------------------------------------------ yes
async def test_what_did_not_fit_is_told_of_the_car_that_it_was_bought_for(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    told = await name(client, "check-1")
    assert told == {
        "related_document": "check-1", "vehicle": VESTA, "engine": "21129", "year": 2018, "product_ids": [],
    }  # fmt: skip
    [sale] = await sold(pool, 1)
    await bring_back(pool, sale, (PLUG, 1))
    assert await heard(client, pool) == [(PLUG, VESTA, "21129", "return 1/1")]
    assert await heard(client, pool) == [(PLUG, VESTA, "21129", "return 1/1")], "heard again it is the same"
    [one] = (await client.get(FEEDBACK)).json()["items"]
    assert (one["note"], one["actor"]) == ("не подошло", MANAGER.actor)
    await assert_ledger_is_clean(pool)


async def test_where_nobody_knows_the_car_none_is_guessed(client: httpx.AsyncClient, pool: Pool) -> None:
    await name(client, "another check")
    [sale] = await sold(pool, 1)
    await bring_back(pool, sale, (PLUG, 1))
    assert await heard(client, pool) == [(PLUG, None, None, "return 1/1")]
    assert await heard(client, pool) == [(PLUG, None, None, "return 1/1")]


async def test_a_product_of_its_own_beats_all_of_the_document_and_the_last_word_counts(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await name(client, "check-1", {"id": PRIORA})
    await name(client, "check-1", {"id": VESTA}, PLUG)
    await name(client, "check-1", CAR, PLUG)
    [sale] = await sold(pool, 1)
    [filters] = await sold(pool, 1, product_id=OIL_FILTER)
    await bring_back(pool, sale, (PLUG, 1))
    await bring_back(pool, filters, (OIL_FILTER, 1))
    assert await heard(client, pool) == [
        (PLUG, VESTA, "21129", "return 1/1"),
        (OIL_FILTER, PRIORA, None, "return 2/1"),
    ]


async def test_a_buyer_says_it_once_however_many_lines_and_pieces_come(client: httpx.AsyncClient, pool: Pool) -> None:
    await name(client, "check-1")
    await sold(pool, 2, 2)
    async with transaction(pool) as db:
        wanted = [Wanted(PLUG, 3, "resaleable", None)]  # out of two sales: two lines
        await returns.take_back(db, MANAGER, CENTRE, wanted, SaleOf(None, "check-1"), None, "не подошли, не подошло")
    assert await heard(client, pool) == [(PLUG, VESTA, "21129", "return 1/1")]
    await assert_ledger_is_clean(pool)


async def test_a_return_that_is_undone_takes_back_what_it_said(client: httpx.AsyncClient, pool: Pool) -> None:
    await name(client, "check-1")
    sale, other = await sold(pool, 1, 1)
    heard_before = await bring_back(pool, sale, (PLUG, 1))
    assert len(await heard(client, pool)) == 1
    await undo(pool, heard_before)
    assert await heard(client, pool) == []
    await undo(pool, await bring_back(pool, other, (PLUG, 1)))
    assert await heard(client, pool) == [], "and one that is undone before anybody heard of it says nothing"
    verdict = await client.get(f"/api/v1/products/{PLUG}/fitment/verdict", params={"vehicle": VESTA})
    assert "feedback" not in [link["kind"] for link in verdict.json()["chain"]]
    await assert_ledger_is_clean(pool)


async def test_several_workers_hear_a_return_once(client: httpx.AsyncClient, pool: Pool) -> None:
    for sale in await sold(pool, *[1] * 12):
        await bring_back(pool, sale, (PLUG, 1))
    await asyncio.gather(*(hear_of_returns(pool) for _ in range(4)))
    assert len(await heard(client, pool)) == 12


async def test_what_was_written_before_the_position_was_kept_is_kept_once(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    before = await pool.fetchval("SELECT position FROM fitment_hearing")
    [sale] = await sold(pool, 1)
    await bring_back(pool, sale, (PLUG, 1))
    assert len(await heard(client, pool)) == 1
    await pool.execute("UPDATE fitment_hearing SET position = $1", before)
    assert len(await heard(client, pool)) == 1


FITS = """
WITH article AS (
    INSERT INTO cross_articles (brand_id, article_key, article)
    SELECT brand_id, article_key, article FROM products WHERE id = $1
    RETURNING id
), source AS (
    INSERT INTO fitment_sources (code, is_facts) VALUES ('file', false) RETURNING id
), car AS (
    INSERT INTO vehicles (slug) VALUES ($2) RETURNING id
)
INSERT INTO fitments (vehicle_id, article_id, category, confidence, basis, source_id)
SELECT car.id, article.id, 'spark_plug', 'high', 'read', source.id FROM article, source, car
"""


async def test_returns_make_an_answer_less_sure(client: httpx.AsyncClient, pool: Pool) -> None:
    car = "uaz/hunter-3151/-"
    await pool.execute(FITS, PLUG, car)
    path = f"/api/v1/products/{PLUG}/fitment/verdict"
    seen = [(await client.get(path, params={"vehicle": car})).json()]
    for number, sale in enumerate(await sold(pool, 1, 1, 1, document=None)):
        await name(client, f"order {number}", {"id": car})
        async with transaction(pool) as db:  # the sale has no document: the return says which order it was
            wanted = [Wanted(PLUG, 1, "resaleable", "не подошло")]
            await returns.take_back(db, MANAGER, CENTRE, wanted, SaleOf(sale, None), f"order {number}", None)
        await hear_of_returns(pool)
        seen.append((await client.get(path, params={"vehicle": car})).json())
    assert [(one["answer"], one["confidence"]) for one in seen] == [
        ("fits", "high"),
        ("fits", "medium"),
        ("fits", "low"),
        ("check", "low"),
    ]


@pytest.mark.parametrize(
    ("bought", "days_ago", "car", "answer", "confidence"),
    [
        (33, 20, {"id": "uaz/hunter-3151/-"}, "fits", "high"),  # thirty kept it: three voices
        (23, 20, {"id": "uaz/hunter-3151/-"}, "fits", "medium"),
        (12, 20, {"id": "uaz/hunter-3151/-"}, "check", "low"),
        (33, 1, {"id": "uaz/hunter-3151/-"}, "check", "low"),  # it may still come back
        (33, 20, {"id": VESTA}, "check", "low"),  # for another car
    ],
)
async def test_returns_are_weighed_against_those_who_bought_it_for_that_car_and_kept_it(
    client: httpx.AsyncClient,
    pool: Pool,
    bought: int,
    days_ago: int,
    car: dict[str, Any],
    answer: str,
    confidence: str,
) -> None:
    hunter = "uaz/hunter-3151/-"
    await pool.execute(FITS, PLUG, hunter)
    for number in range(bought):
        await sold(pool, 1, document=f"order {number}")
        await name(client, f"order {number}", {"id": hunter} if number < 3 else car)
    for number in range(3):
        async with transaction(pool) as db:
            wanted = [Wanted(PLUG, 1, "resaleable", "не подошло")]
            await returns.take_back(db, MANAGER, CENTRE, wanted, SaleOf(None, f"order {number}"), None, None)
    await pool.execute("UPDATE fitment_purchases SET created_at = now() - make_interval(days => $1)", days_ago)
    await hear_of_returns(pool)
    path = f"/api/v1/products/{PLUG}/fitment/verdict"
    told = (await client.get(path, params={"vehicle": hunter})).json()
    assert (told["answer"], told["confidence"]) == (answer, confidence)
    said = [link["text"] for link in told["chain"] if link["kind"] == "feedback"]
    assert bool(said) is (confidence != "high")
    if bought == 23:
        assert said == ["Покупатели сообщили: не подошло 3, подошло 0; оставили себе молча 20"]
    await assert_ledger_is_clean(pool)


async def test_a_sale_that_was_undone_or_named_for_another_car_keeps_nothing(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    for number, pieces in enumerate((1, 1, 2, 1)):
        await sold(pool, pieces, document=f"order {number}")
        await name(client, f"order {number}")
    await bring_back(pool, "order 1", (PLUG, 1))  # all of it
    await bring_back(pool, "order 2", (PLUG, 1))  # one of two
    await name(client, "order 3", {"id": PRIORA}, PLUG)
    await pool.execute("UPDATE fitment_purchases SET created_at = now() - make_interval(days => 20)")
    async with pool.acquire() as db:
        told = {PLUG: Told(not_fitted=1), OIL_FILTER: Told(fitted=1)}
        weighed = await with_the_silent(db, told, VESTA, None)
        other_engine = await with_the_silent(db, told, VESTA, ["21179"])
    assert {product: said.kept for product, said in weighed.items()} == {PLUG: 2, OIL_FILTER: 0}
    assert other_engine[PLUG].kept == 0
