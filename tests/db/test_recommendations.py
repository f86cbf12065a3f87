"""What is bought together is counted from the sales of one document each, by the log-likelihood ratio."""

import math
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.kit.db import Pool, transaction
from autoshop.selection.recommendations import service, store
from autoshop.selection.recommendations.jobs import count_bought_together
from autoshop.selection.recommendations.model import log_likelihood_ratio
from tests.cast import AIR_FILTER, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, WIPER
from tests.ledger import post, request, reverse

pytestmark = pytest.mark.anyio

receipts = count(1)


async def buy(pool: Pool, *products: int, store_id: int = CENTRE, document: str | None = None) -> list[int]:
    """The numbers of the movements that sold one of each, on one receipt."""
    document = document or f"чек {next(receipts)}"
    await post(pool, *(request("inbound", 1, product, store_id) for product in products))
    sold = await post(pool, *(request("sale", 1, product, store_id, document=document) for product in products))
    return [one.id for one in sold]


async def partners(pool: Pool, *products: int) -> list[tuple[int, int]]:
    return [(one.product_id, one.together) for one in await service.goes_with(pool, products, 10)]


async def a_year_of_sales(pool: Pool) -> None:
    """Oil filters go with air filters; wipers with nothing."""
    for _ in range(4):
        await buy(pool, OIL_FILTER, AIR_FILTER)
    await buy(pool, OIL_FILTER, AIR_FILTER, PLUG)
    for _ in range(6):
        await buy(pool, PLUG, BULB)
        await buy(pool, WIPER)
    await buy(pool, WIPER, PLUG)


# Of Apache Mahout's documentation: both, one alone, the other alone, neither.
@pytest.mark.parametrize(
    ("cells", "ratio"),
    [
        ((1, 0, 0, 1), 2.772589),
        ((10, 0, 0, 10), 27.72589),
        ((5, 1995, 0, 100000), 39.33052),
        ((1000, 1995, 1000, 100000), 4730.737),
        ((1000, 1000, 1000, 100000), 5734.343),
        ((10, 90, 90, 810), 0.0),
    ],
)
async def test_the_ratio_is_the_one_of_the_books_here_and_in_the_database(
    pool: Pool, cells: tuple[int, int, int, int], ratio: float
) -> None:
    both, one, other, _neither = cells
    asked = (both, both + one, both + other, sum(cells))
    assert log_likelihood_ratio(*asked) == pytest.approx(ratio, rel=1e-5, abs=1e-6)
    told = await pool.fetchval("SELECT log_likelihood_ratio($1, $2, $3, $4)", *asked)
    assert told == pytest.approx(ratio, rel=1e-5, abs=1e-6)


@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=4))
def test_the_ratio_is_never_negative_and_the_same_from_either_side(cells: list[int]) -> None:
    both, one, other, _neither = cells
    ratio = log_likelihood_ratio(both, both + one, both + other, sum(cells))
    assert ratio >= 0
    assert math.isclose(
        ratio, log_likelihood_ratio(both, both + other, both + one, sum(cells)), rel_tol=1e-6, abs_tol=1e-3
    )


async def test_what_is_bought_together_more_than_by_chance_is_found_from_either_side(pool: Pool) -> None:
    await a_year_of_sales(pool)
    await count_bought_together(pool)
    assert await partners(pool, OIL_FILTER) == [(AIR_FILTER, 5)]
    assert await partners(pool, AIR_FILTER) == [(OIL_FILTER, 5)]
    assert await partners(pool, BULB) == [(PLUG, 6)]
    assert await partners(pool, WIPER) == []  # once is no habit


async def test_what_lies_in_the_cart_already_is_not_proposed(pool: Pool) -> None:
    await a_year_of_sales(pool)
    await count_bought_together(pool)
    assert await partners(pool, OIL_FILTER, AIR_FILTER) == []
    assert {product for product, _ in await partners(pool, OIL_FILTER, BULB)} == {AIR_FILTER, PLUG}


async def test_a_purchase_is_one_document_of_one_store(pool: Pool) -> None:
    for number in range(4):
        await buy(pool, OIL_FILTER, store_id=CENTRE, document=f"№ {number}")
        await buy(pool, AIR_FILTER, store_id=NORTH, document=f"№ {number}")
        await buy(pool, PLUG, WIPER, document=f"№ {number + 100}")
    await count_bought_together(pool)
    assert await partners(pool, OIL_FILTER) == []


async def test_a_sale_that_was_undone_was_no_purchase(pool: Pool) -> None:
    for _ in range(3):
        sold = await buy(pool, OIL_FILTER, AIR_FILTER)
        await buy(pool, PLUG, WIPER)
    await count_bought_together(pool)
    assert await partners(pool, OIL_FILTER) == [(AIR_FILTER, 3)]
    await reverse(pool, sold[1])
    await count_bought_together(pool)
    assert await partners(pool, OIL_FILTER) == [(AIR_FILTER, 2)]


async def test_counting_twice_changes_nothing_and_what_is_no_longer_so_goes(pool: Pool) -> None:
    await a_year_of_sales(pool)
    await count_bought_together(pool)
    before = await pool.fetch("SELECT ctid, * FROM bought_together ORDER BY product_id, with_id")
    await count_bought_together(pool)
    assert await pool.fetch("SELECT ctid, * FROM bought_together ORDER BY product_id, with_id") == before
    async with transaction(pool) as db:  # two years on, nobody has bought anything
        await service.recount(db, datetime.now(UTC) + service.LOOKED_BACK + timedelta(days=1))
    assert await pool.fetchval("SELECT count(*) FROM bought_together") == 0


async def test_a_purchase_of_very_many_lines_says_nothing_and_costs_nothing(pool: Pool) -> None:
    async with transaction(pool) as db:
        await store.stage(db)
        await db.execute("INSERT INTO baskets SELECT ARRAY[1, 2]::bigint[] FROM generate_series(1, 5)")
        await db.execute("INSERT INTO baskets SELECT ARRAY[3, 4]::bigint[] FROM generate_series(1, 5)")
        assert await store.count(db) == 4


async def test_a_retired_product_is_not_proposed(pool: Pool) -> None:
    await a_year_of_sales(pool)
    await count_bought_together(pool)
    await pool.execute("UPDATE products SET active = false WHERE id = $1", AIR_FILTER)
    assert await partners(pool, OIL_FILTER) == []


async def test_the_route_tells_names_and_prices_and_refuses_what_is_no_product(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await a_year_of_sales(pool)
    await count_bought_together(pool)
    answer = await client.get("/api/v1/recommendations", params={"product_id": [OIL_FILTER, BULB], "limit": 1})
    (told,) = answer.json()["items"]
    assert told["product_id"] in (AIR_FILTER, PLUG)
    assert told["together"] >= 5
    assert told["name"]
    assert (await client.get("/api/v1/recommendations", params={"product_id": 999_999})).json() == {
        "items": [],
        "substitutes": [],
    }
    for wrong in ("", "?product_id=0", "?product_id=a", "?product_id=1&limit=0", "?product_id=1&limit=51"):
        assert (await client.get(f"/api/v1/recommendations{wrong}")).status_code == 422
