"""Short words for dated papers, costs and closed periods in tests."""

import csv
import io
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from autoshop.inventory.closing import service as closing
from autoshop.inventory.movements.model import MovementRequest, MovementType
from autoshop.inventory.periods import service as periods
from autoshop.inventory.periods.model import Period
from autoshop.inventory.stock.service import check_ledger
from autoshop.inventory.stock_on import service as stock_on
from autoshop.inventory.value import service as value
from autoshop.inventory.value.model import Method, TotalValue
from autoshop.inventory.value.service import Worth
from autoshop.kit.db import Pool, one_instant, transaction
from tests.cast import CENTRE, NORTH, PLUG
from tests.conftest import Database
from tests.ledger import MANAGER

MOSCOW = ZoneInfo("Europe/Moscow")
PLACES = [(product_id, store_id) for product_id in (1, 2, 3) for store_id in (CENTRE, NORTH)]


def days_ago(days: int) -> date:
    """By the clock of the stores."""
    return datetime.now(MOSCOW).date() - timedelta(days=days)


def paper(
    movement_type: MovementType,
    quantity: int,
    ago: int | None = None,
    cost: int | None = None,
    product_id: int = PLUG,
    store_id: int = CENTRE,
    to_store_id: int | None = None,
) -> MovementRequest:
    """A movement dated so many days ago; of the plug in the centre unless it says otherwise."""
    return MovementRequest(
        product_id=product_id,
        store_id=store_id,
        movement_type=movement_type,
        quantity=quantity,
        to_store_id=to_store_id,
        effective_on=None if ago is None else days_ago(ago),
        unit_cost_kopecks=cost,
    )


async def close(pool: Pool, ago: int, *, balance: bool = True) -> Period:
    """Close everything up to so many days ago; with the balances that the worker writes."""
    async with transaction(pool) as db:
        period = await periods.close_period(db, MANAGER, days_ago(ago))
    if balance:
        await closing.write_balances(pool, period.id)
    async with pool.acquire() as db:
        return await periods.get_period(db, period.id)


async def reopen(pool: Pool, period: Period, reason: str | None = None) -> Period:
    async with transaction(pool) as db:
        return await periods.reopen_period(db, MANAGER, period.id, reason)


async def lay(pool: Pool, ago: int, store_id: int | None = None) -> dict[tuple[int, int], int]:
    """What lay where at the end of the day so many days ago, without empty places."""
    file = io.BytesIO()
    async with one_instant(pool) as db:
        await stock_on.export(db, days_ago(ago), store_id, file.write)
    _, *rows = csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig")), delimiter=";")
    return {(int(product_id), int(place)): int(quantity) for _, product_id, place, quantity in rows}


async def worth(pool: Pool, ago: int, method: Method = "average", store_id: int | None = None) -> dict[int, Worth]:
    """Products with pieces and what they were worth at the end of the day so many days ago."""
    async with one_instant(pool) as db:
        return {one.product_id: one async for one in value.walk(db, days_ago(ago), method, store_id=store_id)}


async def total(pool: Pool, ago: int, method: Method = "average", store_id: int | None = None) -> TotalValue:
    async with one_instant(pool) as db:
        return await value.totals(db, days_ago(ago), method, store_id=store_id)


def age(database: Database, days: int) -> None:
    """Make everything that was posted so far that much older, as its owner alone can."""
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE movements SET created_at = created_at - make_interval(days => %s)", (days,))


def movement(movement_type: str, quantity: int, **more: Any) -> dict[str, Any]:
    """A line as it is sent; of the plug in the centre unless it says otherwise."""
    return {"product_id": PLUG, "store_id": CENTRE, "movement_type": movement_type, "quantity": quantity, **more}


async def assert_proven(pool: Pool) -> None:
    """The ledger adds up, and so does every closed period."""
    check = await check_ledger(pool, balances=True, periods="every")
    assert (check.differences, check.examples) == (0, [])


def grow(database: Database, seed: int, since: int = 20, until: int = 0, lines: int = 200) -> None:
    """Random movements between two days ago, a third of them dated up to five days before they were posted."""
    dice = random.Random(seed)
    rows: list[Any] = []
    with psycopg.connect(database.owner_url) as db:
        stock = dict.fromkeys(PLACES, 0)
        for product_id, store_id, quantity in db.execute("SELECT product_id, store_id, quantity FROM inventory"):
            stock[product_id, store_id] = quantity
        start = datetime.now(UTC) - timedelta(days=since)
        moments = sorted(start + timedelta(days=since - until - 0.01) * dice.random() for _ in range(lines))
        for at in moments:
            place = dice.choice(PLACES)
            delta = dice.choice([d for d in (-3, -1, 1, 2, 4) if stock[place] + d >= 0])
            stock[place] += delta
            dated = at.date() - timedelta(days=dice.randint(0, 5)) if dice.random() < 0.3 else None
            rows.append((*place, abs(delta), delta, stock[place], at, dated))
        db.cursor().executemany(
            "INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, actor,"
            " created_at, effective_on) VALUES (%s, %s, 'adjustment', %s, %s, %s, 'system:test', %s, %s)",
            rows,
        )
        for place, quantity in stock.items():
            db.execute(
                "INSERT INTO inventory (product_id, store_id, quantity) VALUES (%s, %s, %s)"
                " ON CONFLICT (product_id, store_id) DO UPDATE SET quantity = EXCLUDED.quantity",
                (*place, quantity),
            )
