"""Live stock over HTTP: told at once, told once, and nothing lost between two connections."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database, Server, client_for, running_app
from tests.ledger import post, receive, request
from tests.live import EVENTS, happen, listening, open_transaction

pytestmark = pytest.mark.anyio

MANY = 100_000


@pytest.fixture
async def server(serve: Callable[..., Server], database: Database) -> Server:
    return await asyncio.to_thread(serve, database.url)


# ------------------------------------------------------------------------------------------------ what is told
async def test_what_happens_is_told_to_everybody(server: Server, pool: Pool) -> None:
    async with listening(server.url) as one, listening(server.url) as other:
        [movement] = await post(pool, request("inbound", 5))
        async with httpx.AsyncClient(base_url=server.url) as client:
            lines = [{"product_id": PLUG, "store_id": CENTRE, "quantity": 2}]
            held = await client.post("/api/v1/inventory/reservations", json={"holder": "Ivan", "lines": lines})
        for listener in (one, other):
            name, told = await listener.hear()
            assert (name, told["movement_id"], told["quantity"]) == ("movement", movement.id, 5)
            name, told = await listener.hear()
            assert (name, told["reservation_id"], told["change"]) == ("reservation", held.json()["id"], "reserved")


async def test_only_what_was_wished_for_is_told(server: Server, pool: Pool) -> None:
    async with (
        listening(server.url, product_id=PLUG) as plug,
        listening(server.url, store_id=NORTH) as north,
        listening(server.url, product_id=OIL_FILTER, store_id=NORTH) as both,
    ):
        await post(pool, request("inbound", 1, OIL_FILTER))
        await post(pool, request("inbound", 2, PLUG))
        await post(pool, request("inbound", 3, OIL_FILTER, NORTH))
        assert [await listener.quantity() for listener in (plug, north, both)] == [2, 3, 3]


async def test_both_stores_hear_of_a_transfer_and_everybody_of_what_names_no_place(server: Server, pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    async with listening(server.url, store_id=NORTH) as north:
        [sent] = await post(pool, request("transfer", 2, to_store_id=NORTH))
        await receive(pool, sent.transfer_id)
        heard = [await north.hear() for _ in range(3)]
        assert sorted((name, told.get("change")) for name, told in heard) == [
            ("movement", None),
            ("transfer", "received"),
            ("transfer", "shipped"),
        ]
        topics = "INSERT INTO outbox (topic, payload) VALUES ($1, $2)"
        await pool.execute(topics, "catalog.price", {"store_id": NORTH})  # no matter of the warehouse
        await pool.execute(topics, "inventory.transfer", {"from_store_id": CENTRE, "to_store_id": NORTH})
        await pool.execute(topics, "inventory.count", {"lines": [{"store_id": CENTRE}]})
        await pool.execute(topics, "inventory.movements", {"movements": 7, "store_ids": [CENTRE, NORTH]})
        await pool.execute(topics, "inventory.closed", {})
        assert [(await north.hear())[0] for _ in range(3)] == ["transfer", "movements", "closed"]


# ------------------------------------------------------------------------------------------------ once, and all of it
async def test_who_commits_late_is_not_passed_over_and_holds_up_nobody(server: Server, pool: Pool) -> None:
    async with listening(server.url) as listener:
        async with open_transaction(pool, 99):
            await post(pool, request("inbound", 5))
            assert await listener.quantity() == 5
        assert await listener.quantity() == 99


async def test_nothing_is_lost_or_repeated_between_two_connections_or_servers(
    server: Server, serve: Callable[..., Server], database: Database, pool: Pool
) -> None:
    async with open_transaction(pool, 99), listening(server.url) as listener:
        await happen(pool, 1, 2)
        assert await listener.quantities(2) == [1, 2]
    await asyncio.to_thread(server.stop)
    await happen(pool, 3)
    other = await asyncio.to_thread(serve, database.url)
    async with listening(other.url, listener.last_id) as again:
        assert await again.quantities(2) == [99, 3]
        await happen(pool, 4)
        assert await again.quantity() == 4


async def test_who_breaks_off_in_the_middle_goes_on_right_there(server: Server, pool: Pool) -> None:
    """Of one transaction with many lines, of several that ended in another order than they began, whatever it is."""
    async with listening(server.url) as begin:
        first = begin.last_id

    async def in_steps(known: str, of: int, count: int) -> tuple[list[int], str]:
        heard: list[int] = []
        while len(heard) < count:
            async with listening(server.url, known) as listener:
                heard += await listener.quantities(min(of, count - len(heard)))
                known = listener.last_id
        return heard, known

    reached = {}
    async with AsyncExitStack() as late:
        db = await late.enter_async_context(open_transaction(pool, 1, 2, 3))
        async with open_transaction(pool, *range(10, 30)):
            await happen(pool, 40)
        for step in (1, 2, 3, 7):
            heard, reached[step] = await in_steps(first, step, 21)
            assert heard == [*range(10, 30), 40]
        await happen(db, 4)
    await happen(pool, 50)
    for step, known in reached.items():
        assert (await in_steps(known, step, 5))[0] == [1, 2, 3, 4, 50]


async def test_all_of_many_come_once_while_listeners_come_and_go(server: Server, pool: Pool) -> None:
    await post(pool, request("inbound", 1000))
    begun = asyncio.Event()

    async def sell() -> None:
        for number in range(200):
            await post(pool, request("sale", 1))
            if number == 20:
                begun.set()

    async def listen(patience: int) -> list[int]:
        heard: list[int] = []
        known = ""
        while not heard or heard[-1] != 800:
            async with listening(server.url, known) as listener:
                while len(heard) % patience < patience - 1 and (not heard or heard[-1] != 800):
                    heard.append(await listener.quantity())
                if heard[-1] != 800:
                    heard.append(await listener.quantity())
                known = listener.last_id
        return heard

    selling = asyncio.create_task(sell())
    await begun.wait()
    for heard in await asyncio.gather(*[listen(patience) for patience in (2, 3, 10, 60, 200)]):
        assert heard == list(range(heard[0], 799, -1))
    await selling


async def test_no_event_is_lost_while_the_server_is_killed(server: Server, pool: Pool) -> None:
    """kill -9, three times, while pieces are sold; the listener comes back each time with the last id he has."""
    await post(pool, request("inbound", MANY))
    async with listening(server.url) as listener:
        known = listener.last_id
    over, enough = asyncio.Event(), asyncio.Event()
    sold = 0
    heard: list[int] = []

    async def sell() -> None:
        nonlocal sold
        while not over.is_set():
            await post(pool, request("sale", 1))
            sold += 1
            if sold % 50 == 0:
                enough.set()
            await asyncio.sleep(0.005)

    async def listen() -> None:
        nonlocal known
        while not over.is_set() or len(heard) < sold:
            try:
                async with listening(server.url, known) as listener:
                    while not over.is_set() or len(heard) < sold:
                        heard.append(await listener.quantity())
                        known = listener.last_id
            except (httpx.TransportError, EOFError):
                await asyncio.sleep(0.02)

    async with asyncio.timeout(90), asyncio.TaskGroup() as group:
        selling = group.create_task(sell())
        group.create_task(listen())
        for _ in range(3):
            enough.clear()
            await enough.wait()
            server.kill()
            await asyncio.to_thread(server.start)
        over.set()
        await selling
        sold += 1
        await post(pool, request("sale", 1))  # so that whoever waits for one more hears the end
    assert heard == list(range(MANY - 1, MANY - 1 - sold, -1))


# ------------------------------------------------------------------------------------------------ what cannot be told
STRANGE = [
    *("garbage", "1~5::", "99999999999~5::", "0~5::", "now~9223372036854775807::", "now~5:9:", "now~5::1.1", "~"),
    *(
        "9" * 400 + "~5::",
        "now~9223372036854775808::",
        "now~5:1,:",
        "now~" + "9" * 30 + "::",
        "now~5:1:1.9223372036854775808",
        "now~5",
    ),
]


async def test_who_knows_what_we_cannot_tell_from_is_told_to_read_anew(server: Server, pool: Pool) -> None:
    now = await pool.fetchval("SELECT extract(epoch FROM now())::bigint::text")
    for number, last_id in enumerate(STRANGE):
        async with listening(server.url, last_id.replace("now", now)) as listener:
            assert (await listener.hear())[0] == "reset", last_id
            await listener.block()
            await happen(pool, number)
            assert await listener.quantity() == number


# ------------------------------------------------------------------------------------------------ who listens
async def test_one_listener_too_many_is_sent_away_until_another_leaves(
    serve: Callable[..., Server], database: Database
) -> None:
    server = await asyncio.to_thread(serve, database.url, AUTOSHOP_LIVE_LISTENERS="2")
    async with listening(server.url), httpx.AsyncClient(base_url=server.url) as client:
        async with listening(server.url):
            refused = await client.get(EVENTS)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
            assert (refused.headers["content-type"], refused.json()["most_listeners"]) == (
                "application/problem+json",
                2,
            )
            assert (await client.get("/health")).status_code == 200
        async with asyncio.timeout(10):
            while True:
                async with client.stream("GET", EVENTS) as answer:
                    if answer.status_code == 200:
                        break


async def test_a_server_that_stops_lets_its_listeners_go(server: Server) -> None:
    async with listening(server.url) as listener:
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        with pytest.raises((EOFError, httpx.RemoteProtocolError)):
            await listener.hear(within_seconds=10)  # uvicorn alone would wait for 20
        await stopping


async def test_nobody_listens_without_a_right_to_read(database: Database) -> None:
    async with running_app(database.settings()) as app, client_for(app, "203.0.113.9") as stranger:
        assert (await stranger.get(EVENTS)).status_code == 401
