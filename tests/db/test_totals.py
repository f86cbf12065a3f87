"""Totals over the whole stock are reused, and nobody waits while they are counted anew."""

import asyncio

import pytest

from autoshop.inventory.stock.service import TotalsOfAll
from autoshop.kit.db import Pool

pytestmark = pytest.mark.anyio


async def test_while_one_caller_counts_the_others_get_the_sums_before(pool: Pool) -> None:
    totals = TotalsOfAll(pool)
    before = await totals.get(store_id=None, product_id=None, available=False)
    async with totals.reused.lock:  # somebody counts
        now = await asyncio.wait_for(totals.get(store_id=None, product_id=None, available=False), 1)
    assert now is before


async def test_the_first_count_is_waited_for(pool: Pool) -> None:
    totals = TotalsOfAll(pool)
    found = await asyncio.gather(*(totals.get(store_id=1, product_id=None, available=True) for _ in range(5)))
    assert all(one is found[0] for one in found)
