"""Webhooks over HTTP: a secret that is told once, changes that overwrite nobody's, deliveries that can be followed."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool
from autoshop.webhooks import model, service
from tests.cast import CENTRE_CODE
from tests.conftest import Database, client_for
from tests.ledger import post, request
from tests.live import happen
from tests.people import clerk_of_centre, signed_in, with_token
from tests.webhooks import deliveries, is_signed, receiver, statuses, subscribe, time_passes, work

pytestmark = pytest.mark.anyio

HOOKS = "/api/v1/webhooks"
URL = "https://hooks.example/autoshop"
HOOK = {"url": URL, "topics": ["inventory.*"]}


async def subscribed(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post(HOOKS, json={**HOOK, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{HOOKS}/{made['id']}"
    return made


async def test_the_secret_is_told_once_and_every_change_is_written_down(client: httpx.AsyncClient, pool: Pool) -> None:
    made = await subscribed(client, note="Битрикс", store_ids=[1])
    assert made["secret"].startswith("whsec_")
    path = f"{HOOKS}/{made['id']}"
    shown = await client.get(path)
    assert shown.json() == {name: value for name, value in made.items() if name != "secret"}
    assert "secret" not in (await client.get(HOOKS)).json()["items"][0]
    rotated = (await client.post(f"{path}/secret", json={"overlap_hours": 2})).json()
    assert rotated["secret"] != made["secret"]
    assert rotated["old_secret_until"] is not None
    tag = (await client.get(path)).headers["ETag"]
    changed = await client.patch(path, json={"topics": ["*"], "store_ids": None}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["topics"], changed.json()["store_ids"]) == (200, ["*"], None)
    assert changed.json()["url"] == URL
    stale = await client.patch(path, json={"note": "x"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["differs"]) == (412, {"note": {"sent": "x", "current": "Битрикс"}})
    assert (await client.patch(path, json={"note": "x"})).status_code == 428
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    told = await pool.fetch("SELECT action, before, after FROM audit WHERE subject = $1 ORDER BY id", "webhook:1")
    assert [row["action"] for row in told] == ["add", "rotate secret", "change", "remove"]
    assert not any("whsec" in str(tuple(row)) for row in told)


async def test_what_is_sent_twice_is_done_once(client: httpx.AsyncClient, pool: Pool) -> None:
    key = {"Idempotency-Key": "hook"}
    first, again = [await client.post(HOOKS, json=HOOK, headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert await pool.fetchval("SELECT count(*) FROM webhooks") == 1


async def test_how_many_are_in_flight_is_said_at_the_beginning_and_changed_later(client: httpx.AsyncClient) -> None:
    path = f"{HOOKS}/{(await client.post(HOOKS, json=HOOK)).json()['id']}"
    read = await client.get(path)
    assert read.json()["in_flight"] == 1, "in order, unless somebody does without it"
    changed = await client.patch(path, json={"in_flight": 8}, headers={"If-Match": read.headers["ETag"]})
    assert (changed.status_code, changed.json()["in_flight"], changed.json()["url"]) == (200, 8, HOOK["url"])
    other = (await client.post(HOOKS, json={**HOOK, "in_flight": 16})).json()
    assert other["in_flight"] == 16


async def test_it_is_tried_followed_and_sent_again(client: httpx.AsyncClient, pool: Pool, database: Database) -> None:
    settings = database.settings(webhook_networks="127.0.0.0/8")
    async with receiver(204, 500) as shop:
        webhook_id, secret = await subscribe(pool, shop.url, "inventory.*")
        path = f"{HOOKS}/{webhook_id}"
        pinged = (await client.post(f"{path}/ping", json={"text": "привет"})).json()
        assert (pinged["status"], pinged["topic"], pinged["attempts"]) == ("waiting", "ping", 0)
        await work(pool, settings)
        assert (shop.got[0].id, shop.got[0].data) == (pinged["message_id"], {"text": "привет"})
        assert is_signed(shop.got[0], secret)
        await post(pool, request("inbound", 5))
        await work(pool, settings)

        waiting = (await client.get(f"{path}/deliveries", params={"status": "waiting"})).json()["items"]
        [failed] = waiting
        assert (failed["attempts"], failed["last_status"], failed["last_error"]) == (1, 500, "answered 500")
        assert failed["next_at"] > failed["last_at"]
        assert (await client.get(path)).json()["failing_since"] is not None
        again = await client.post(f"{path}/deliveries/{failed['id']}/redelivery", json={"reason": "починили"})
        assert (again.status_code, again.json()["attempts"]) == (200, 0)
        await work(pool, settings)
        listed = (await client.get(f"{path}/deliveries")).json()["items"]
        assert [(one["status"], one["next_at"]) for one in listed] == [("delivered", None)] * 2
        now = (await client.get(path)).json()
        assert (now["failing_since"], now["delivered"], now["failed"]) == (None, 2, 1)
        metrics = (await client.get("/metrics")).text
        assert 'autoshop_webhook_messages{state="delivered"} 2.0' in metrics
        assert 'autoshop_webhook_messages{state="waiting"} 0.0' in metrics


async def test_a_webhook_that_is_off_is_sent_nothing(client: httpx.AsyncClient) -> None:
    made = await subscribed(client)
    path = f"{HOOKS}/{made['id']}"
    off = await client.patch(path, json={"active": False}, headers={"If-Match": '"1"'})
    assert off.json()["active"] is False
    window = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    for verb, body in (("ping", None), ("replay", window), ("deliveries/1/redelivery", None)):
        refused = await client.post(f"{path}/{verb}", json=body)
        assert (refused.status_code, refused.json()["title"]) == (409, "The webhook is switched off")


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no URL": ({**HOOK, "url": "hello"}, 422, "https://"),
    "a URL of a file": ({**HOOK, "url": "file:///etc/passwd"}, 422, "https://"),
    "another scheme": ({**HOOK, "url": "gopher://example.com/"}, 422, "https://"),
    "plain http": ({**HOOK, "url": "http://example.com/"}, 422, "AUTOSHOP_WEBHOOK_NETWORKS"),
    "a password": ({**HOOK, "url": "https://a:b@example.com/"}, 422, "password"),
    "a fragment": ({**HOOK, "url": "https://example.com/#a"}, 422, "fragment"),
    "a port that is none": ({**HOOK, "url": "https://example.com:99999/"}, 422, "URL"),
    "ourselves": ({**HOOK, "url": "https://127.0.0.1/"}, 422, "no public address"),
    "ourselves in IPv6": ({**HOOK, "url": "https://[::1]/"}, 422, "no public address"),
    "ourselves in other clothes": ({**HOOK, "url": "https://[::ffff:127.0.0.1]/"}, 422, "no public address"),
    "the neighbours": ({**HOOK, "url": "https://10.1.2.3:5432/"}, 422, "no public address"),
    "the cloud's metadata": ({**HOOK, "url": "https://169.254.169.254/latest"}, 422, "no public address"),
    "no topic": ({**HOOK, "topics": []}, 422, "topics"),
    "a topic that is none": ({**HOOK, "topics": ["inventory*"]}, 422, "inventory.movement"),
    "nobody's stores": ({**HOOK, "store_ids": []}, 422, "store_ids"),
    "nothing in flight": ({**HOOK, "in_flight": 0}, 422, "in_flight"),
    "17 in flight": ({**HOOK, "in_flight": 17}, 422, "in_flight"),
    "1.5 in flight": ({**HOOK, "in_flight": 1.5}, 422, "in_flight"),
    "in flight as a text": ({**HOOK, "in_flight": "4"}, 422, "in_flight"),
    "an unknown field": ({**HOOK, "colour": "red"}, 422, "colour"),
}


@pytest.mark.parametrize(("body", "status", "word"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_called_is_refused_and_says_why(
    client: httpx.AsyncClient, pool: Pool, body: dict[str, Any], status: int, word: str
) -> None:
    refused = await client.post(HOOKS, json=body)
    assert (refused.status_code, refused.headers["Content-Type"]) == (status, "application/problem+json")
    assert word in refused.text
    assert await pool.fetchval("SELECT count(*) FROM webhooks") == 0
    made = await subscribed(client)
    if set(body) - {"topics", "store_ids"} >= {"url"} and body["url"] != URL:
        changed = await client.patch(f"{HOOKS}/{made['id']}", json={"url": body["url"]}, headers={"If-Match": '"1"'})
        assert changed.status_code == status
        assert (await client.get(f"{HOOKS}/{made['id']}")).json()["url"] == URL


async def test_what_nobody_made_is_unknown(client: httpx.AsyncClient) -> None:
    window = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    for verb, body in (("ping", None), ("secret", None), ("replay", window), ("deliveries/1/redelivery", None)):
        answer = await client.post(f"{HOOKS}/7/{verb}", json=body)
        assert (answer.status_code, answer.json()["title"]) == (404, "Unknown webhook")
    assert (await client.get(f"{HOOKS}/7/deliveries")).status_code == 404
    assert (await client.delete(f"{HOOKS}/7")).status_code == 404
    one, other = await subscribed(client), await subscribed(client)
    pinged = (await client.post(f"{HOOKS}/{one['id']}/ping")).json()
    foreign = await client.post(f"{HOOKS}/{other['id']}/deliveries/{pinged['id']}/redelivery")
    assert (foreign.status_code, foreign.json()["title"]) == (404, "Unknown delivery")


async def test_a_replay_has_an_end_after_its_beginning_and_is_not_too_much(
    client: httpx.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await subscribed(client)
    path = f"{HOOKS}/{made['id']}/replay"
    backwards = {"from": "2027-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    assert (await client.post(path, json=backwards)).json()["errors"][0]["field"] == "to"
    monkeypatch.setattr(service, "MOST_REPLAYED", 3)
    await happen(pool, 1, 2, 3, 4)
    always = {"from": "2000-01-01T00:00:00Z", "to": "2900-01-01T00:00:00Z"}
    refused = await client.post(path, json=always)
    assert (refused.status_code, refused.json()["most_events"]) == (409, 3)
    assert await pool.fetchval("SELECT count(*) FROM webhook_deliveries") == 0


async def test_there_are_not_too_many(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_WEBHOOKS", 2)
    answers = await asyncio.gather(*[client.post(HOOKS, json=HOOK) for _ in range(5)])
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    assert model.MOST_WEBHOOKS == 100


async def test_who_acts_for_one_store_has_nothing_of_all_stores_sent(app: FastAPI, pool: Pool) -> None:
    async with client_for(app, "203.0.113.9") as client:
        assert (await client.post(HOOKS, json=HOOK, headers=await clerk_of_centre(app))).status_code == 403
        manager = await signed_in(app, "ivan", "manager")
        assert (await client.post(HOOKS, json=HOOK, headers=manager)).status_code == 201
        bound = await with_token(pool, "till", ["webhooks:write"], CENTRE_CODE)
        window = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
        for method, path, body in [
            ("POST", "", HOOK),
            ("PATCH", "/1", {"note": "x"}),
            ("DELETE", "/1", None),
            ("POST", "/1/secret", None),
            ("POST", "/1/ping", None),
            ("POST", "/1/replay", window),
            ("POST", "/1/deliveries/1/redelivery", None),
        ]:
            refused = await client.request(method, HOOKS + path, json=body, headers={**bound, "If-Match": '"1"'})
            assert (refused.status_code, refused.json()["title"]) == (403, "Not for one store alone"), path


# ------------------------------------------------------------------------------------------------ kill -9
@contextmanager
def worker(database: Database) -> Iterator["subprocess.Popen[bytes]"]:
    """`autoshop worker` as a process of its own."""
    environment = {
        **os.environ,
        "AUTOSHOP_DATABASE_URL": database.url,
        "AUTOSHOP_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "AUTOSHOP_LOG_LEVEL": "error",
    }
    process = subprocess.Popen([sys.executable, "-m", "autoshop", "worker"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_worker_that_is_killed_while_it_sends_loses_nothing(pool: Pool, database: Database) -> None:
    async with receiver(204, "wait") as shop, asyncio.timeout(60):
        await subscribe(pool, shop.url)
        await happen(pool, *range(5))
        with worker(database):
            while len(shop.got) < 2:
                shop.came.clear()
                await shop.came.wait()
        assert shop.quantities() == [0, 1]
        await happen(pool, 5)
        await time_passes(pool)  # the lease of the dead
        with worker(database) as second:
            while len(shop.got) < 7:
                shop.came.clear()
                await shop.came.wait()
            assert shop.quantities() == [0, 1, 1, 2, 3, 4, 5]
            await asyncio.to_thread(stop, second)
        assert statuses(await deliveries(pool)) == ["delivered"] * 6


def stop(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM: what is under way is finished and marked."""
    process.terminate()
    assert process.wait(30) == 0
