"""Who brings back, undoes and sells at the same moment as somebody else."""

import asyncio

import pytest

from autoshop.inventory.movements.model import SaleReturned
from autoshop.inventory.returns import service
from autoshop.inventory.returns.model import MoreThanSold, SaleOf, SaleReversed, Wanted
from autoshop.inventory.transfers import posting
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, request, reverse
from tests.returns import bring_back, returnable, sold, undo
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


async def test_of_ten_who_bring_back_three_pieces_three_do_at_whichever_store(pool: Pool) -> None:
    for _ in range(5):
        [sale] = await sold(pool, 3)
        answers = await asyncio.gather(
            *[bring_back(pool, sale, (PLUG, 1), store_id=CENTRE + number % 2) for number in range(10)],
            return_exceptions=True,
        )
        assert outcomes(answers) == {"Return": 3, "MoreThanSold": 7}
    assert await pieces(pool) + await pieces(pool, store_id=NORTH) == 15
    await assert_ledger_is_clean(pool)


async def test_a_sale_is_undone_or_comes_back_but_not_both(pool: Pool) -> None:
    for _ in range(10):
        [sale] = await sold(pool, 2)
        answers = await asyncio.gather(
            reverse(pool, sale), bring_back(pool, sale, (PLUG, 2), store_id=NORTH), return_exceptions=True
        )
        assert outcomes(answers) in ({"Movement": 1, "SaleReversed": 1}, {"SaleReturned": 1, "Return": 1}), answers
    await assert_ledger_is_clean(pool)


async def test_who_brings_back_while_the_sale_is_being_undone_hears_of_it(pool: Pool) -> None:
    [sale] = await sold(pool, 2)
    async with transaction(pool) as first:
        await posting.reverse(first, MANAGER, sale, None)
        late = asyncio.create_task(bring_back(pool, sale, (PLUG, 1), store_id=NORTH))
        await waiting_for_locks(pool, 1)
    with pytest.raises(SaleReversed):
        await late
    await assert_ledger_is_clean(pool)


async def test_who_undoes_a_sale_while_it_comes_back_hears_of_it(pool: Pool) -> None:
    [sale] = await sold(pool, 2)
    async with transaction(pool) as first:
        await service.take_back(first, MANAGER, NORTH, [Wanted(PLUG, 1, "resaleable")], SaleOf(sale), None, None)
        late = asyncio.create_task(reverse(pool, sale))
        later = asyncio.create_task(bring_back(pool, sale, (PLUG, 2)))
        await waiting_for_locks(pool, 2)
    with pytest.raises(SaleReturned):
        await late
    with pytest.raises(MoreThanSold):
        await later
    await assert_ledger_is_clean(pool)


async def test_a_return_is_undone_once_however_many_press_the_button(pool: Pool) -> None:
    for _ in range(5):
        [sale] = await sold(pool, 2)
        back = await bring_back(pool, sale, (PLUG, 1), (PLUG, 1, "damaged"))
        answers = await asyncio.gather(*[undo(pool, back) for _ in range(4)], return_exceptions=True)
        assert outcomes(answers) == {"Return": 1, "AlreadyReversed": 3}
        assert [one.returnable for one in await returnable(pool, sale)] == [2]
    await assert_ledger_is_clean(pool)


async def test_returns_sales_and_undoings_in_every_order_never_wait_in_a_circle(pool: Pool) -> None:
    await post(pool, *[request("inbound", 300, product, store) for product in (PLUG, OIL_FILTER) for store in (1, 2)])

    async def one(number: int) -> None:
        here, there = (CENTRE, NORTH) if number % 2 else (NORTH, CENTRE)
        document = f"check {number}"
        lines = [request("sale", 2, product, here, document=document) for product in (PLUG, OIL_FILTER)]
        sales = await post(pool, *(lines if number % 3 else reversed(lines)))
        back = await bring_back(pool, document, (OIL_FILTER, 1), (PLUG, 1, "defective"), store_id=there)
        if number % 4 == 0:
            await undo(pool, back)
            await reverse(pool, sales[0].id)
        await post(pool, request("transfer", 1, OIL_FILTER, there, here))

    for _ in range(4):
        await asyncio.gather(*[one(number) for number in range(12)])
    await assert_ledger_is_clean(pool)
