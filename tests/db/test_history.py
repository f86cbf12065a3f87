"""The history of a product: each change once, with balances that are right at every line, over all stores too."""

import asyncio
import itertools
import random
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from autoshop.accounts.model import Caller, staff, system
from autoshop.accounts.service import audit
from autoshop.inventory.history import service, store
from autoshop.inventory.history.model import Changed, Entry, Held, Moved, Seen
from autoshop.inventory.history.service import Asked
from autoshop.inventory.movements.model import UnknownProduct
from autoshop.inventory.stock import service as stock
from autoshop.kit.db import Pool, transaction
from tests.cast import BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import Database
from tests.ledger import MANAGER, assert_ledger_is_clean, post, request
from tests.papers import grow
from tests.reservations import fulfil, reserve

pytestmark = pytest.mark.anyio

CLERK = staff("vera", "clerk", frozenset({CENTRE}))


async def walk(pool: Pool, limit: int = 1000, caller: Caller = MANAGER, **which: object) -> list[Entry]:
    """All entries, page after page."""
    asked = Asked(**{"product_id": PLUG, "store_id": None, "date_from": None, "date_to": None, **which})  # type: ignore[arg-type]
    entries: list[Entry] = []
    seen: Seen | None = Seen()
    while seen is not None:
        async with pool.acquire() as db:
            page, seen = await service.history(db, caller, asked, seen, limit)
        assert len(page) == limit or seen is None
        entries += page
    return entries


def balances(entries: list[Entry]) -> list[tuple[int, int, int]]:
    return [
        (one.movement.id, one.movement.balance_after, one.everywhere_after) for one in entries if isinstance(one, Moved)
    ]


async def replayed(pool: Pool, product_id: int = PLUG) -> list[tuple[int, int, int]]:
    """Movement after movement, newest first: the balance at its store and over all stores."""
    here: dict[int, int] = {}
    found = []
    for row in await pool.fetch(
        "SELECT id, store_id, delta FROM movements WHERE product_id = $1 ORDER BY id", product_id
    ):
        here[row["store_id"]] = here.get(row["store_id"], 0) + row["delta"]
        found.append((row["id"], here[row["store_id"]], sum(here.values())))
    return found[::-1]


async def test_a_product_that_nobody_made_has_no_history(pool: Pool) -> None:
    with pytest.raises(UnknownProduct):
        await walk(pool, product_id=UNKNOWN)
    assert await walk(pool, product_id=BULB) == []


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_line_has_the_balances_of_a_replay_with_and_without_snapshots(
    pool: Pool, database: Database, seed: int
) -> None:
    grow(database, seed)
    expected = await replayed(pool)

    async def agrees() -> None:
        for limit in (3, 7, 1000):
            assert balances(await walk(pool, limit)) == expected
        for store_id in (CENTRE, NORTH):
            ids = {row["id"] for row in await pool.fetch("SELECT id FROM movements WHERE store_id = $1", store_id)}
            assert balances(await walk(pool, 4, store_id=store_id)) == [one for one in expected if one[0] in ids]

    await agrees()
    midnight = stock.midnight_before(datetime.now(UTC))
    for ago in (15, 3, 9, 0):
        await stock.take_snapshot(pool, midnight - timedelta(days=ago))
        await agrees()
    for since, until in ((18, 12), (12, 9), (9, 4), (5, None), (None, 8), (3, 3), (0, None)):
        date_from, date_to = (
            None if ago is None else midnight - timedelta(days=ago, hours=-5) for ago in (since, until)
        )
        ids = {
            row["id"]
            for row in await pool.fetch(
                "SELECT id FROM movements WHERE ($1::timestamptz IS NULL OR created_at >= $1)"
                " AND ($2::timestamptz IS NULL OR created_at < $2)",
                date_from,
                date_to,
            )
        }
        found = balances(await walk(pool, 5, date_from=date_from, date_to=date_to))
        assert found == [one for one in expected if one[0] in ids], (since, until)


async def test_of_a_long_history_only_the_page_is_read(pool: Pool, database: Database) -> None:
    """From the next snapshot backwards, not from today; and dates are found by ids."""
    grow(database, 3)
    midnight = stock.midnight_before(datetime.now(UTC))
    for ago in (15, 10):
        await stock.take_snapshot(pool, midnight - timedelta(days=ago))
    expected = await replayed(pool)
    early = next(number for number, one in enumerate(expected) if number > 0.7 * len(expected))
    with psycopg.connect(database.owner_url) as db:  # so that whoever begins at today's stock goes wrong
        db.execute("ALTER TABLE inventory DISABLE TRIGGER ALL")
        db.execute("UPDATE inventory SET quantity = quantity + 1000")
    async with pool.acquire() as db:
        [moved] = await store.moved(db, {"product_id": PLUG, "before_id": expected[early][0] + 1}, 1)
        assert (moved.movement.id, moved.movement.balance_after, moved.everywhere_after) == expected[early]
        first_id, last_id = await store.bounds(db, midnight - timedelta(days=9), midnight - timedelta(days=12))
    ids = await pool.fetch("SELECT id, created_at FROM movements ORDER BY id")
    assert first_id == 1 + max(row["id"] for row in ids if row["created_at"] <= midnight - timedelta(days=10))
    assert last_id == max(row["id"] for row in ids if row["created_at"] <= midnight - timedelta(days=10))


async def test_while_others_sell_each_page_agrees_with_itself(pool: Pool) -> None:
    await post(pool, request("inbound", 500), request("inbound", 500, store_id=NORTH))

    async def sell() -> None:
        for number in range(30):
            await post(pool, request("sale", 1, store_id=CENTRE if number % 2 else NORTH))

    selling = [asyncio.create_task(sell()) for _ in range(3)]
    while not all(task.done() for task in selling):
        page = balances(await walk(pool, 50))[:50]
        everywhere = [one[2] for one in page]
        assert all(after - before in (-1, 500) for after, before in itertools.pairwise(everywhere))
    assert balances(await walk(pool)) == await replayed(pool)
    await assert_ledger_is_clean(pool)


async def test_holds_and_changes_of_the_card_stand_where_they_happened(pool: Pool) -> None:
    await post(pool, request("inbound", 10))
    held = await reserve(pool, ((PLUG, CENTRE), 3))
    async with transaction(pool) as db:
        before, after = {"name": "a", "prices": {"cost": 1}}, {"name": "b", "prices": {"cost": 2}}
        await audit(db, system("test"), "change", f"product:{PLUG}", before, after)
        await audit(db, system("test"), "change", f"product:{OIL_FILTER}", before, after)
    await fulfil(pool, held, ((PLUG, CENTRE), 2))
    sold, card, hold, came = await walk(pool)
    assert isinstance(sold, Moved)
    assert (sold.movement.delta, sold.movement.related_document) == (-2, f"reservation {held.id}")
    assert isinstance(card, Changed)
    assert list(card.changes(prices=True)) == ["name", "prices"]
    assert list(card.changes(prices=False)) == ["name"]
    assert isinstance(hold, Held)
    assert (hold.quantity, hold.held, hold.fulfilled, hold.status) == (3, 1, 2, "live")
    assert isinstance(came, Moved)
    assert [type(one) for one in await walk(pool, 1)] == [Moved, Changed, Held, Moved]
    assert [type(one) for one in await walk(pool, store_id=CENTRE)] == [Moved, Held, Moved], "a card is of no store"
    assert await walk(pool, store_id=NORTH) == []
    blind = Caller("token", "till", frozenset({"inventory:read"}), None)
    assert [type(one) for one in await walk(pool, caller=blind)] == [Moved, Held, Moved]
    await assert_ledger_is_clean(pool)


async def test_the_whole_ledger_comes_out_newest_first_and_without_costs_for_whom_they_are_not(
    pool: Pool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(database, 5)
    monkeypatch.setattr(service, "ROWS_AT_A_TIME", 17)
    dice = random.Random(1)
    ids = [row["id"] for row in await pool.fetch("SELECT id FROM movements ORDER BY id DESC")]
    assert [one.id async for one in service.ledger(pool, {}, cost=True)] == ids
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE movements SET movement_type = 'inbound', unit_cost_kopecks = %s", (dice.randint(1, 9),))
    assert {one.unit_cost_kopecks async for one in service.ledger(pool, {}, cost=False)} == {None}
    plugs = [row["id"] for row in await pool.fetch("SELECT id FROM movements WHERE product_id = 1 ORDER BY id DESC")]
    assert [one.id async for one in service.ledger(pool, {"product_id": PLUG}, cost=False)] == plugs
