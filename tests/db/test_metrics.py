"""What /metrics counts: every movement that was committed, whichever way it came, and none that was not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from autoshop.kit.db import Pool, after_commit, transaction
from tests.cast import CENTRE, NORTH, PLUG
from tests.imports import load, rows
from tests.ledger import movements

pytestmark = pytest.mark.anyio

ONE = "/api/v1/inventory/movement"
MANY = "/api/v1/inventory/movements"
INBOUND = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "inbound", "quantity": 5}
SALE = {**INBOUND, "movement_type": "sale", "quantity": 1}
TRANSFER = {**INBOUND, "movement_type": "transfer", "quantity": 2, "to_store_id": NORTH}


def counted() -> dict[str, float]:
    """Movements that the meter has, by type."""
    return {
        sample.labels["movement_type"]: sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "autoshop_movements_total"
    }


@asynccontextmanager
async def counts(**by_type: int) -> AsyncIterator[None]:
    """The block adds just these to the meter."""
    before = counted()
    yield
    after = counted()
    assert {name: n for name in after if (n := after[name] - before.get(name, 0))} == by_type


async def send(client: httpx.AsyncClient, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_movement_counts_once_whichever_way_it_came(
    client: httpx.AsyncClient, app: FastAPI, tmp_path: Path
) -> None:
    pool: Pool = app.state.pool
    async with counts(inbound=1):
        await send(client, ONE, INBOUND)
    async with counts(inbound=1, sale=2):
        await send(client, MANY, {"lines": [INBOUND, SALE, SALE]})
    async with counts(transfer=1):
        sent = await send(client, ONE, TRANSFER)
    async with counts(transfer=1):
        await send(client, f"/api/v1/inventory/transfers/{sent['transfer_id']}/receipt")
    async with counts(sale=1):
        sold = await send(client, ONE, SALE)
    async with counts(sale=1):
        await send(client, f"{MANY}/{sold['movement_id']}/reversal")
    async with counts(inbound=1):
        await load(pool, tmp_path / "c.csv", rows())
    assert await movements(pool) == 9


async def test_an_import_tells_first_pieces_from_corrections(pool: Pool, tmp_path: Path) -> None:
    new, known = "NEW;A-1;Новый;;10;3", "NGK;BPR6ES-11;Свеча;;10;4"
    await pool.execute("INSERT INTO inventory (product_id, store_id) SELECT $1, id FROM stores", PLUG)  # still empty
    async with counts(inbound=3):
        await load(pool, tmp_path / "c.csv", rows(new, known))
    async with counts(adjustment=1):
        await load(pool, tmp_path / "c.csv", rows(new, known.replace(";4", ";6")), set_stock=True)


async def test_what_was_refused_or_done_before_does_not_count(client: httpx.AsyncClient) -> None:
    async with counts(inbound=1):
        for _ in range(2):
            await send(client, MANY, {"lines": [INBOUND]}, **{"Idempotency-Key": "once"})
    async with counts():
        refused = await client.post(MANY, json={"lines": [SALE, {**SALE, "quantity": 100}]})
        assert refused.status_code == 409


async def test_what_is_rolled_back_is_never_called_back(pool: Pool) -> None:
    called: list[str] = []

    async def undone() -> None:
        async with transaction(pool) as db:
            after_commit(db, lambda: called.append("undone"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    async with transaction(pool) as db:
        after_commit(db, lambda: called.append("done"))
        assert called == []
    assert called == ["done"]
