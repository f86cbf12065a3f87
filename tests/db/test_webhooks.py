"""Webhooks on their way: at least once, in order, signed; receivers that fail, are slow, redirect, hang up, die."""

import asyncio
from datetime import timedelta

import pytest

from autoshop.kit import outbox
from autoshop.kit.db import Pool, transaction
from autoshop.kit.settings import Settings
from autoshop.webhooks import service, store
from autoshop.webhooks.model import GIVE_UP, Outcome
from autoshop.webhooks.outgoing import jobs, sending
from autoshop.webhooks.outgoing import store as outgoing
from autoshop.webhooks.outgoing.relay import relay
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database
from tests.ledger import post, request
from tests.live import happen, open_transaction
from tests.webhooks import HERE, OWNER, deliveries, is_signed, receiver, statuses, subscribe, time_passes, work

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


# ------------------------------------------------------------------------------------------------ what goes wrong
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        (302, "answered 302: redirects are not followed"),
        ("close", "RemoteProtocolError"),
        ("wait", "no answer within"),
    ],
)
async def test_what_fails_is_tried_again_later_and_nothing_overtakes_it(
    pool: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: int | str, error: str
) -> None:
    monkeypatch.setattr(sending, "ALL_SECONDS", 0.3)
    async with receiver(204, answer) as shop, receiver() as elsewhere:
        shop.location = elsewhere.url
        webhook_id, _ = await subscribe(pool, shop.url)
        await happen(pool, 1, 2, 3)
        await work(pool, settings)
        assert shop.quantities() == [1, 2]
        first, failed, waiting = await deliveries(pool)
        assert statuses([first, failed, waiting]) == ["delivered", "waiting", "waiting"]
        assert (failed.attempts, waiting.attempts) == (1, 0)
        assert (failed.last_error or "").startswith(error)
        assert failed.last_status == (answer if isinstance(answer, int) else None)
        assert timedelta(seconds=3.9) < failed.next_at - (failed.last_at or failed.next_at) < timedelta(seconds=6.5)
        async with pool.acquire() as db:
            assert (await service.get_webhook(db, webhook_id)).failing_since is not None
        shop.answers.clear()
        await time_passes(pool)
        await work(pool, settings)
        assert shop.quantities() == [1, 2, 2, 3]
        assert shop.got[1].id == shop.got[2].id
        assert elsewhere.got == []
        async with pool.acquire() as db:
            healthy = await service.get_webhook(db, webhook_id)
        assert (healthy.failing_since, healthy.delivered, healthy.failed) == (None, 3, 1)


async def test_a_receiver_that_died_gets_everything_in_order_once_it_is_back(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        url = shop.url
    webhook_id, _ = await subscribe(pool, url)
    await happen(pool, *range(5))
    for _ in range(3):
        await work(pool, settings)
        await pool.execute("UPDATE webhooks SET quiet_until = now()")  # it is asked anew, with what is due by then
    assert {(one.last_error or "")[:12] for one in await deliveries(pool)} == {"ConnectError", ""}
    assert [one.attempts for one in await deliveries(pool)] == [1, 1, 1, 0, 0]
    async with receiver() as back:
        await pool.execute("UPDATE webhooks SET url = $1", back.url)
        for _ in range(3):
            await work(pool, settings)
        assert sorted(back.quantities()) == list(range(5))
        assert back.quantities()[1:] == [0, 1, 2, 4], "after the one that found it alive, all that waited, in order"
    assert webhook_id


async def test_a_slow_receiver_holds_up_no_other(pool: Pool, settings: Settings) -> None:
    async with receiver("wait") as slow, receiver() as quick:
        await subscribe(pool, slow.url)
        await subscribe(pool, quick.url)
        await happen(pool, *range(20))
        working = asyncio.create_task(work(pool, settings, until=lambda: len(quick.got) == 20))
        async with asyncio.timeout(20):
            while len(quick.got) < 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert slow.quantities() == [0]
            slow.goes_on.set()
            await working


async def test_who_dies_between_sending_and_marking_sends_once_more_and_loses_nothing(
    pool: Pool, settings: Settings
) -> None:
    async with receiver() as shop:
        await subscribe(pool, shop.url)
        await happen(pool, 1, 2)
        await relay(pool)
        lease = await outgoing.claim(pool, 60)
        assert lease is not None
        async with sending.line_to(
            lease, settings.webhook_target_networks, jobs.Sender(pool, settings)._certificates
        ) as line:
            first, _ = await outgoing.due(pool, lease.id, 10)
            assert (await line.send(first)).status == 204
        # kill -9
        await work(pool, settings)
        assert shop.quantities() == [1], "as long as the lease lasts nobody else sends"
        await time_passes(pool)
        await work(pool, settings)
        assert shop.quantities() == [1, 1, 2]
        assert shop.got[0].id == shop.got[1].id
        assert statuses(await deliveries(pool)) == ["delivered", "delivered"]


async def test_who_lost_his_lease_spoils_nothing(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        webhook_id, _ = await subscribe(pool, shop.url)
        await happen(pool, 1)
        await relay(pool)
        lost = await outgoing.claim(pool, 0)
        assert lost is not None
        [delivery] = await deliveries(pool)
        other = await outgoing.claim(pool, 60)
        assert other is not None
        now = delivery.created_at
        assert not await jobs.note(pool, lost, delivery, Outcome(500, "answered 500", 1), now)
        assert (await deliveries(pool))[0].attempts == 0
        await jobs.note(pool, other, delivery, Outcome(204, None, 1), now)
        assert not await jobs.note(pool, lost, delivery, Outcome(None, "late", 1), now)
        assert statuses(await deliveries(pool)) == ["delivered"]
        async with transaction(pool) as db:
            await service.remove(db, OWNER, webhook_id)
        assert not await jobs.note(pool, other, delivery, Outcome(204, None, 1), now)


async def test_after_three_days_a_message_is_given_up_until_somebody_asks(pool: Pool, settings: Settings) -> None:
    async with receiver(500, 500) as shop:
        webhook_id, _ = await subscribe(pool, shop.url)
        await happen(pool, 1)
        await work(pool, settings)
        await time_passes(pool)
        await pool.execute("UPDATE webhook_deliveries SET give_up_at = now() + interval '10 seconds'")
        await work(pool, settings)
        [dead] = await deliveries(pool)
        assert (dead.status, dead.attempts, dead.last_status) == ("dead", 2, 500)
        await time_passes(pool)
        await work(pool, settings)
        assert len(shop.got) == 2
        async with transaction(pool) as db:
            await service.deliver_again(db, OWNER, webhook_id, dead.id, None, dead.created_at)
        await work(pool, settings)
        assert statuses(await deliveries(pool)) == ["delivered"]
        assert {message.id for message in shop.got} == {dead.message_id}


@pytest.mark.parametrize(
    ("status", "failing", "reason"), [(410, None, "410"), (500, GIVE_UP, "for 3 days"), (500, GIVE_UP / 2, None)]
)
async def test_a_receiver_that_is_gone_for_good_is_told_no_more(
    pool: Pool, settings: Settings, status: int, failing: timedelta | None, reason: str | None
) -> None:
    async with receiver(status) as gone, receiver() as watcher:
        webhook_id, _ = await subscribe(pool, gone.url, "inventory.*")
        await subscribe(pool, watcher.url, "webhooks.*")
        await pool.execute(
            "UPDATE webhooks SET failing_since = now() - $2::interval WHERE id = $1", webhook_id, failing
        )
        await happen(pool, 1)
        await work(pool, settings)
        async with pool.acquire() as db:
            webhook = await service.get_webhook(db, webhook_id)
        assert (webhook.active, webhook.version) == (reason is None, 1 if reason is None else 2)
        assert reason is None or reason in (webhook.disabled_reason or "")
        await happen(pool, 2)
        await work(pool, settings)
        assert len(gone.got) == 1
        assert [message.data["webhook_id"] for message in watcher.got] == ([] if reason is None else [webhook_id])
        assert len(await deliveries(pool, webhook_id)) == (1 if reason else 2)


async def switch(pool: Pool, webhook_id: int, on: bool) -> None:
    async with transaction(pool) as db:
        webhook = await service.get_webhook(db, webhook_id)
        await service.change(db, OWNER, webhook_id, webhook.version, {"active": on}, HERE)


async def test_a_replay_brings_what_was_missed_with_the_ids_it_had(pool: Pool, settings: Settings) -> None:
    async with receiver() as shop:
        webhook_id, _ = await subscribe(pool, shop.url, "inventory.*")
        await happen(pool, 1)
        await work(pool, settings)
        await switch(pool, webhook_id, False)
        await happen(pool, 2, 3)
        await work(pool, settings)
        await switch(pool, webhook_id, True)
        await pool.execute("UPDATE outbox SET created_at = created_at - interval '1 hour' WHERE id = 3")
        since = await pool.fetchval("SELECT now() - interval '1 minute'")

        async def replayed() -> int:
            async with transaction(pool) as db:
                return await service.replay(db, OWNER, webhook_id, since, since + timedelta(minutes=5), since)

        assert await replayed() == 2
        assert await replayed() == 0, "they wait already"
        await work(pool, settings)
        assert shop.quantities() == [1, 1, 2]
        assert shop.got[0].id == shop.got[1].id


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
