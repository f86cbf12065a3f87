"""Receivers that fail, are slow, redirect, hang up, die; workers that die: nothing is lost, nobody is held up."""

import asyncio
from datetime import timedelta

import pytest

from autoshop.kit.db import Pool, transaction
from autoshop.kit.settings import Settings
from autoshop.webhooks import service
from autoshop.webhooks.model import GIVE_UP, Outcome
from autoshop.webhooks.outgoing import jobs, sending
from autoshop.webhooks.outgoing import store as outgoing
from autoshop.webhooks.outgoing.relay import relay
from tests.conftest import Database
from tests.live import happen
from tests.webhooks import HERE, OWNER, deliveries, receiver, statuses, subscribe, time_passes, work

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(database: Database) -> Settings:
    return database.settings(webhook_networks="127.0.0.0/8")


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


@pytest.mark.parametrize("nowhere", ["https:foo", "http://[", "http://xn--/", "//:x"])
async def test_a_redirect_that_leads_nowhere_is_a_failure_like_any_other(
    pool: Pool, settings: Settings, nowhere: str
) -> None:
    async with receiver(302) as shop:
        shop.location = nowhere
        await subscribe(pool, shop.url)
        await happen(pool, 1)
        await work(pool, settings)
        [failed] = await deliveries(pool)
        assert (failed.status, failed.attempts) == ("waiting", 1)


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


async def test_who_does_without_order_has_several_at_once_and_each_of_them_once(pool: Pool, settings: Settings) -> None:
    async with receiver(*["wait"] * 4) as far_away:
        await subscribe(pool, far_away.url, in_flight=4)
        await happen(pool, *range(20))
        working = asyncio.create_task(work(pool, settings))
        async with asyncio.timeout(20):
            while len(far_away.got) < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert sorted(far_away.quantities()) == [0, 1, 2, 3], "four came although none was answered"
        far_away.goes_on.set()
        await working
        assert (sorted(far_away.quantities()), far_away.connections) == (list(range(20)), 4)
        assert statuses(await deliveries(pool)) == ["delivered"] * 20


async def test_who_has_several_at_once_was_away_once_when_all_of_them_fail(pool: Pool, settings: Settings) -> None:
    async with receiver(*[500] * 4) as shop:
        webhook_id, _ = await subscribe(pool, shop.url, in_flight=4)
        await happen(pool, *range(8))
        await work(pool, settings)
        row = await pool.fetchrow("SELECT failures, failed, quiet_until - now() AS quiet FROM webhooks")
        assert row is not None
        assert (row["failures"], row["failed"] > 1, row["quiet"] < timedelta(seconds=6.5)) == (1, True, True)
        shop.answers.clear()
        await time_passes(pool)
        await work(pool, settings)
        assert statuses(await deliveries(pool, webhook_id)) == ["delivered"] * 8


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
