"""Stock as of any moment, snapshots, and the recount that proves the ledger."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from autoshop.inventory.stock import jobs, service, store
from autoshop.inventory.stock.model import InTheFuture
from autoshop.inventory.transfers import posting
from autoshop.inventory.transfers import service as transfers
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database
from tests.ledger import MANAGER, assert_ledger_is_clean, movements, post, request

pytestmark = pytest.mark.anyio

PLACES = [(product_id, store_id) for product_id in range(1, 4) for store_id in (CENTRE, NORTH)]


async def as_of(pool: Pool, at: datetime) -> dict[tuple[int, int], int]:
    rows = await service.stock_at(pool, PLACES, at, datetime.now(UTC))
    return {(row.product_id, row.store_id): row.quantity for row in rows}


async def replayed(pool: Pool, at: datetime) -> dict[tuple[int, int], int]:
    """The naive answer: add up every movement so far."""
    counted = dict.fromkeys(PLACES, 0)
    for row in await pool.fetch("SELECT product_id, store_id, delta, created_at FROM movements"):
        if row["created_at"] <= at:
            counted[row["product_id"], row["store_id"]] += row["delta"]
    return counted


def grow_history(database: Database, seed: int, days: int = 12, lines: int = 400) -> list[datetime]:
    """Random movements over the last days, as the owner of the tables; returns moments worth asking about."""
    dice = random.Random(seed)
    start = datetime.now(UTC) - timedelta(days=days)
    stock = dict.fromkeys(PLACES, 0)
    moments = []
    at = start
    with psycopg.connect(database.owner_url) as db:
        for product_id, store_id in PLACES:
            db.execute("INSERT INTO inventory (product_id, store_id) VALUES (%s, %s)", (product_id, store_id))
        for _ in range(lines):
            at += timedelta(days=days) / (lines + 10) * dice.random() * 2
            if at > datetime.now(UTC) - timedelta(minutes=1):
                break
            place = dice.choice(PLACES)
            delta = dice.choice([d for d in (-3, -1, 1, 2, 4) if stock[place] + d >= 0])
            stock[place] += delta
            db.execute(
                "INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, actor,"
                " created_at) VALUES (%s, %s, 'adjustment', %s, %s, %s, 'system:test', %s)",
                (*place, abs(delta), delta, stock[place], at),
            )
            moments += [at, at - timedelta(microseconds=1), at + timedelta(microseconds=1)]
        for (product_id, store_id), quantity in stock.items():
            db.execute(
                "UPDATE inventory SET quantity = %s WHERE product_id = %s AND store_id = %s",
                (quantity, product_id, store_id),
            )
    return [*dice.sample(moments, 20), start]


# ------------------------------------------------------------------------------------------------ as of
async def test_the_future_cannot_be_asked(pool: Pool) -> None:
    with pytest.raises(InTheFuture):
        await as_of(pool, datetime.now(UTC) + timedelta(minutes=1))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_past_moment_is_what_a_replay_says_with_and_without_snapshots(
    pool: Pool, database: Database, seed: int
) -> None:
    moments = grow_history(database, seed)
    for at in moments:
        assert await as_of(pool, at) == await replayed(pool, at), at
    midnight = service.midnight_before(datetime.now(UTC))
    for days in (9, 3, 6, 0):  # not in their order of time
        await service.take_snapshot(pool, midnight - timedelta(days=days))
    for at in [*moments, midnight - timedelta(days=3), midnight]:
        assert await as_of(pool, at) == await replayed(pool, at), at
    await pool.execute("DELETE FROM snapshots WHERE taken_at = $1", midnight - timedelta(days=6))
    for at in moments:
        assert await as_of(pool, at) == await replayed(pool, at), at


async def test_sales_while_the_snapshot_is_taken_do_not_disturb_it(pool: Pool) -> None:
    await post(pool, *[request("inbound", 500, *place) for place in PLACES])

    async def sell() -> None:
        for number in range(40):
            await post(pool, request("sale", 1, *PLACES[number % len(PLACES)]), request("return", 1, *PLACES[0]))

    selling = [asyncio.create_task(sell()) for _ in range(4)]
    taken = []
    while not all(task.done() for task in selling):
        taken.append(datetime.now(UTC))
        await service.take_snapshot(pool, taken[-1])
    assert len(taken) >= 3
    for at in taken:
        kept = await pool.fetch("SELECT product_id, store_id, quantity FROM stock_snapshots WHERE taken_at = $1", at)
        frozen = {(row["product_id"], row["store_id"]): row["quantity"] for row in kept}
        assert frozen == {place: number for place, number in (await replayed(pool, at)).items() if number}


async def test_a_movement_that_is_in_flight_over_the_moment_is_waited_for(pool: Pool) -> None:
    await post(pool, request("inbound", 10))
    async with pool.acquire() as db:
        held = db.transaction()
        await held.start()
        await posting.post_requests(db, MANAGER, [request("sale", 4)], datetime.now(UTC))
        moment = datetime.now(UTC)  # after the sale took its time, before it commits
        taking = asyncio.create_task(service.take_snapshot(pool, moment))
        await asyncio.sleep(0.3)
        assert not taking.done()
        await held.commit()
    await taking
    assert await pool.fetchval("SELECT quantity FROM stock_snapshots") == 6
    assert (await as_of(pool, moment))[PLUG, CENTRE] == 6


async def test_a_snapshot_is_taken_once(pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    moment = datetime.now(UTC)
    assert await service.take_snapshot(pool, moment) == 1
    await post(pool, request("inbound", 5))
    assert await service.take_snapshot(pool, moment) is None
    answers = await asyncio.gather(*[service.take_snapshot(pool, moment + timedelta(0)) for _ in range(3)])
    assert answers == [None, None, None]
    assert await pool.fetchval("SELECT sum(quantity) FROM stock_snapshots") == 5


async def test_of_two_who_take_the_same_snapshot_one_does(pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    moment = datetime.now(UTC)
    answers = await asyncio.gather(*[service.take_snapshot(pool, moment) for _ in range(4)])
    assert sorted(answers, key=str) == [1, None, None, None]


async def test_the_nightly_job_may_run_twice(pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    await jobs.nightly_snapshot(pool, 35)
    await jobs.nightly_snapshot(pool, 35)
    assert await pool.fetchval("SELECT count(*) FROM snapshots") == 1


async def test_old_months_keep_their_first_snapshot(pool: Pool) -> None:
    today = service.midnight_before(datetime.now(UTC))
    taken = [today - timedelta(days=days) for days in range(0, 200, 5)]
    for at in taken:
        await pool.execute("INSERT INTO snapshots (taken_at, row_count) VALUES ($1, 0)", at)
        await pool.execute("INSERT INTO stock_snapshots VALUES ($1, 1, 1, 5)", at)
    async with transaction(pool) as db:
        await store.forget_snapshots(db, 35)
    left = {row["taken_at"] for row in await pool.fetch("SELECT taken_at FROM snapshots")}
    young = {at for at in taken if at >= today - timedelta(days=34)}
    first_of_month = {min(other for other in taken if (other.year, other.month) == (at.year, at.month)) for at in taken}
    assert young <= left
    assert {at for at in left if at < today - timedelta(days=36)} == {
        at for at in first_of_month if at < today - timedelta(days=36)
    }
    assert await pool.fetchval("SELECT count(*) FROM stock_snapshots") == len(left)


# ------------------------------------------------------------------------------------------------ recount
@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("UPDATE inventory SET quantity = quantity + 1 WHERE product_id = 1 AND store_id = 1", {"stock"}),
        ("DELETE FROM inventory WHERE product_id = 2", {"stock"}),
        ("INSERT INTO inventory (product_id, store_id, quantity) VALUES (6, 1, 1)", {"stock"}),
        ("DELETE FROM movements WHERE id = (SELECT max(id) FROM movements WHERE transfer_id IS NULL)", {"stock"}),
        ("UPDATE transfer_lines SET shipped = shipped + 1", {"transit"}),
        ("UPDATE transfer_lines SET received = received - 1", {"transit"}),
        ("DELETE FROM transfer_lines", {"transit"}),
    ],
)
async def test_a_recount_finds_what_was_tampered_with(
    pool: Pool, database: Database, damage: str, what: set[str]
) -> None:
    await a_little_history(pool)
    with psycopg.connect(database.owner_url) as db:
        db.execute(damage)
    check = await service.check_ledger(pool)
    assert check.differences >= 1
    assert {example["what"] for example in check.examples} == what
    assert await pool.fetchval("SELECT differences FROM ledger_checks") == check.differences


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE movements SET balance_after = balance_after + 1 WHERE id = (SELECT min(id) FROM movements)",
        "UPDATE movements SET created_at = created_at - interval '1 day' WHERE id = (SELECT max(id) FROM movements)",
    ],
)
async def test_the_deeper_recount_finds_a_wrong_balance_and_a_wrong_time(
    pool: Pool, database: Database, damage: str
) -> None:
    await a_little_history(pool)
    with psycopg.connect(database.owner_url) as db:
        db.execute(damage)
    assert (await service.check_ledger(pool)).differences == 0
    check = await service.check_ledger(pool, balances=True)
    assert check.differences >= 1
    assert check.examples[0]["what"] == "balance"


async def test_an_untouched_ledger_is_clean(pool: Pool) -> None:
    await a_little_history(pool)
    assert await movements(pool) == 6
    await assert_ledger_is_clean(pool)


async def test_a_recount_while_sales_go_on_finds_nothing(pool: Pool) -> None:
    await post(pool, request("inbound", 1000))

    async def sell() -> None:
        for _ in range(25):
            await post(pool, request("sale", 1), request("transfer", 1, to_store_id=NORTH))

    selling = [asyncio.create_task(sell()) for _ in range(4)]
    while not all(task.done() for task in selling):
        assert (await service.check_ledger(pool)).examples == []
    await assert_ledger_is_clean(pool)


async def a_little_history(pool: Pool) -> None:
    """Two products, a sale, and five pieces of which two came and three are on the way."""
    *_, sent, _ = await post(
        pool,
        request("inbound", 20),
        request("inbound", 3, OIL_FILTER),
        request("transfer", 5, to_store_id=NORTH),
        request("sale", 1),
    )
    async with transaction(pool) as db:
        await transfers.receive(db, MANAGER, sent.transfer_id or 0, {PLUG: 2})
    await post(pool, request("sale", 1))
