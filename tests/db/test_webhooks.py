"""Webhooks on their way: each event once, in order, signed, and only where it may go."""

import asyncio
from datetime import timedelta

import pytest

from autoshop.kit import outbox
from autoshop.kit.db import Pool, transaction
from autoshop.kit.settings import Settings
from autoshop.webhooks import service, store
from autoshop.webhooks.outgoing import jobs, sending
from autoshop.webhooks.outgoing import store as outgoing
from autoshop.webhooks.outgoing.relay import relay
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database
from tests.ledger import post, request
from tests.live import happen, open_transaction
from tests.waiting import waiting_for_locks
from tests.webhooks import OWNER, deliveries, is_signed, receiver, subscribe, work

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(database: Database) -> Settings:
    return database.settings(webhook_networks="127.0.0.0/8")


# ------------------------------------------------------------------------------------------------ what is told
async def test_a_movement_is_told_with_its_id_and_signed(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        _, secret = await subscribe(pool, shop.url, "inventory.movement")
        [movement] = await post(pool, request("inbound", 5))
        await work(pool, settings)
        [message] = shop.got
        event_id = await pool.fetchval("SELECT id FROM outbox")
        assert (message.id, message.data["movement_id"]) == (f"evt_{event_id}", movement.id)
        assert f'"id":"evt_{event_id}","type":"inventory.movement","timestamp":"20'.encode() in message.body
        assert is_signed(message, secret)
        assert not is_signed(message, "whsec_" + "A" * 44)
        assert message.headers["host"] == f"127.0.0.1:{shop.port}"
        message.body += b" "
        assert not is_signed(message, secret)


async def test_only_what_was_asked_for_is_told(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop, receiver() as north, receiver() as plugs, receiver() as other:
        await subscribe(pool, shop.url, "inventory.*")
        await subscribe(pool, north.url, "inventory.movement", store_ids=[NORTH])
        await subscribe(pool, plugs.url, "*", product_ids=[PLUG], store_ids=[CENTRE])
        await subscribe(pool, other.url, "inventory", "catalog.*", "inventory.move")
        await post(pool, request("inbound", 1, OIL_FILTER), request("inbound", 2, PLUG))
        await post(pool, request("inbound", 3, OIL_FILTER, NORTH))
        await happen(pool, 4)
        await work(pool, settings)
        assert [one.quantities() for one in (shop, north, plugs, other)] == [[1, 2, 3, 4], [3, 4], [2, 4], []]


async def test_who_is_removed_at_that_moment_is_not_told_and_hinders_nobody(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        await subscribe(pool, shop.url)
        leaving, _ = await subscribe(pool, shop.url)
        await happen(pool, 1)
        async with transaction(pool) as db:
            await service.remove(db, OWNER, leaving)
            relayed = asyncio.create_task(relay(pool))
            await waiting_for_locks(pool, 1)
        assert await relayed == 1
        await work(pool, settings)
        assert shop.quantities() == [1]


async def test_during_a_change_of_the_secret_both_sign(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        webhook_id, old = await subscribe(pool, shop.url)
        async with transaction(pool) as db:
            _, new = await service.rotate_secret(db, OWNER, webhook_id, timedelta(hours=1))
        await happen(pool, 1)
        await work(pool, settings)
        assert is_signed(shop.got[0], old)
        assert is_signed(shop.got[0], new)
        await pool.execute("UPDATE webhooks SET old_secret_until = now()")
        await happen(pool, 2)
        await work(pool, settings)
        assert (is_signed(shop.got[1], old), is_signed(shop.got[1], new)) == (False, True)
        async with transaction(pool) as db:
            _, last = await service.rotate_secret(db, OWNER, webhook_id, timedelta(0))
        await happen(pool, 3)
        await work(pool, settings)
        assert (is_signed(shop.got[2], new), is_signed(shop.got[2], last)) == (False, True)


# ------------------------------------------------------------------------------------------------ each, and in order
async def test_everything_comes_in_order_over_one_connection(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        await subscribe(pool, shop.url)
        await happen(pool, *range(40))
        await work(pool, settings)
        assert (shop.quantities(), shop.connections) == (list(range(40)), 1)


async def test_who_commits_late_is_told_and_holds_up_nobody(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        await subscribe(pool, shop.url)
        async with open_transaction(pool, 99):
            await happen(pool, 1)
            await work(pool, settings)
            assert shop.quantities() == [1]
            await happen(pool, 2)
            await work(pool, settings)
            assert shop.quantities() == [1, 2]
        await work(pool, settings)
        assert shop.quantities() == [1, 2, 99]


async def test_an_event_of_who_committed_before_the_subscription_is_not_told_but_of_who_did_after(
    pool: Pool, settings: Settings
) -> None:
    async with receiver() as shop:
        await happen(pool, 1)
        await relay(pool)
        async with open_transaction(pool, 2):
            await subscribe(pool, shop.url)
        await work(pool, settings)
        assert shop.quantities() == [2]


async def test_several_who_relay_at_once_relay_each_event_once(pool: Pool) -> None:
    await subscribe(pool, "http://127.0.0.1:1/")
    await happen(pool, *range(1200))
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(relay(pool))
    await relay(pool)
    assert [one.payload["quantity"] for one in await deliveries(pool)] == list(range(1200))


async def test_while_one_relays_another_does_not(pool: Pool) -> None:
    await subscribe(pool, "http://127.0.0.1:1/")
    await happen(pool, 1, 2)
    async with transaction(pool) as db:
        assert await outgoing.relay_alone(db)
        assert await relay(pool) == 0
    assert await relay(pool) == 2


async def test_what_is_relayed_twice_waits_once(pool: Pool) -> None:
    """A position that was set back, as from a backup, doubles nothing."""
    await subscribe(pool, "http://127.0.0.1:1/")
    before = await pool.fetchval("SELECT position FROM webhook_relay")
    await happen(pool, 1, 2)
    assert await relay(pool) == 2
    await pool.execute("UPDATE webhook_relay SET position = $1", before)
    assert await relay(pool) == 0


async def test_a_position_of_another_database_begins_anew(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        await subscribe(pool, shop.url)
        await pool.execute("UPDATE webhook_relay SET position = '999999999999::'")
        await happen(pool, 1)
        await work(pool, settings)
        await happen(pool, 2)
        await work(pool, settings)
        assert shop.quantities() == [2]


async def test_the_position_moves_on_while_nobody_subscribes(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoshop.webhooks.outgoing.relay.STALE", 2)
    before = await pool.fetchval("SELECT position FROM webhook_relay")
    for number in range(5):
        await happen(pool, number)
    await relay(pool)
    known = outbox.read_position(await pool.fetchval("SELECT position FROM webhook_relay"))
    assert known.xmax > outbox.read_position(before).xmax
    assert (await outbox.since(pool, known, 10)).events == []


async def test_of_two_workers_one_sends_each_message(pool: Pool, settings: Settings) -> None:
    async with receiver() as one, receiver() as two, receiver() as three:
        for shop in (one, two, three):
            await subscribe(pool, shop.url)
        await happen(pool, *range(30))
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(work(pool, settings))
        await work(pool, settings)
        for shop in (one, two, three):
            assert shop.quantities() == list(range(30))


# ------------------------------------------------------------------------------------------------ where it may go
async def test_a_name_that_leads_inside_is_not_called(pool: Pool, database: Database) -> None:
    async with receiver() as inside:
        await subscribe(pool, f"http://localhost:{inside.port}/")
        await happen(pool, 1)
        await work(pool, database.settings())
        [delivery] = await deliveries(pool)
        assert "no public address" in (delivery.last_error or "")
        assert (inside.connections, inside.got) == (0, [])


async def test_the_address_that_was_checked_is_the_one_that_is_called(
    pool: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers otherwise the second time gains nothing: nobody asks it a second time."""
    asked: list[str] = []

    async def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.1", "127.0.0.1" if len(asked) == 1 else "10.0.0.2"]

    monkeypatch.setattr(sending, "addresses_of", look_up)
    async with receiver() as shop:
        await subscribe(pool, f"http://shop.example:{shop.port}/")
        await happen(pool, 1, 2)
        await work(pool, settings)
        assert (shop.quantities(), asked) == ([1, 2], ["shop.example"])
        assert shop.got[0].headers["host"] == f"shop.example:{shop.port}"


# ------------------------------------------------------------------------------------------------ what is kept
async def test_what_is_done_is_forgotten_in_time_and_what_waits_is_not(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        await subscribe(pool, shop.url)
        await happen(pool, 1, 2, 3)
        await work(pool, settings)
        await pool.execute("UPDATE webhook_deliveries SET created_at = now() - interval '9 days' WHERE id < 3")
        await pool.execute("UPDATE webhook_deliveries SET status = 'waiting', next_at = 'infinity' WHERE id = 1")
        await jobs.forget(pool, settings)
        assert [one.id for one in await deliveries(pool)] == [1, 3]
        async with pool.acquire() as db:
            assert await store.find_delivery(db, 1, 2) is None
