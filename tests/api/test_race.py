"""Two hundred tills want the same fifty pieces at once, through HTTP, on one server process and on two."""

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from autoshop.inventory.stock.service import check_ledger
from autoshop.kit.db import Pool
from tests.cast import CENTRE, PLUG
from tests.conftest import Database, Server

pytestmark = pytest.mark.anyio

MOVEMENT = "/api/v1/inventory/movement"
PIECES, TILLS = 50, 200


@pytest.mark.parametrize("processes", [1, 2])
async def test_two_hundred_sales_of_fifty_pieces_sell_fifty(
    database: Database, pool: Pool, serve: Callable[..., Server], processes: int
) -> None:
    servers = [await asyncio.to_thread(serve, database.url) for _ in range(processes)]
    line = {"product_id": PLUG, "store_id": CENTRE}
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=64)) as client:
        filled = await client.post(
            servers[0].url + MOVEMENT, json={**line, "movement_type": "inbound", "quantity": PIECES}
        )
        assert filled.status_code == 200

        async def sell(number: int) -> int:
            url = servers[number % processes].url + MOVEMENT
            sale = {**line, "movement_type": "sale", "quantity": 1, "related_document": f"till {number}"}
            return (await client.post(url, json=sale)).status_code

        answers = Counter(await asyncio.gather(*(sell(number) for number in range(TILLS))))
    assert answers == {200: PIECES, 409: TILLS - PIECES}
    left = await pool.fetchval("SELECT quantity FROM inventory WHERE product_id = $1 AND store_id = $2", PLUG, CENTRE)
    sold = await pool.fetchval("SELECT count(*) FROM movements WHERE movement_type = 'sale'")
    assert (left, sold) == (0, PIECES)
    assert (await check_ledger(pool, balances=True)).differences == 0
