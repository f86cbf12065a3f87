"""What fits is remembered: until a fact changes, whoever changed it; and never what lies there or what it costs.

With a cache of this process, with Valkey between two, and with Valkey that was stopped or has rubbish in it.
"""

import asyncio
import pickle
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import asyncio as redis

from autoshop.kit.cache import ANSWERS, Cache, open_cache
from autoshop.kit.db import Connection, Pool, transaction
from autoshop.selection.crosses import service as crosses
from autoshop.selection.crosses.analogs import Analogs, analogs_of
from autoshop.selection.fitment import loading
from autoshop.selection.fitment import service as fitment
from autoshop.selection.kits import service as kits
from autoshop.selection.kits.service import Asked, Ready
from autoshop.selection.memory import jobs, store
from autoshop.selection.memory.service import Memory
from tests.cast import CENTRE
from tests.chaos.shop import CACHE
from tests.chaos.shop import Cache as Server
from tests.conftest import free_port
from tests.db.test_fitment import PRIORA, sell
from tests.kits import VESTA, shop
from tests.ledger import MANAGER, post, request

pytestmark = pytest.mark.anyio

TO15 = Asked("to15", VESTA, ("21129",), 2020, CENTRE)


class Counted:
    """How many statements walked links or looked through fitments."""

    def __init__(self) -> None:
        self.walks = 0

    def __call__(self, record: Any) -> None:
        self.walks += any(table in record.query for table in ("FROM crosses", "FROM fitments"))


@contextmanager
def counted(db: Connection) -> Iterator[Counted]:
    counting = Counted()
    db.add_query_logger(counting)
    yield counting
    db.remove_query_logger(counting)


async def kit(pool: Pool, memory: Memory | None) -> tuple[Ready, int]:
    async with pool.acquire() as db:
        with counted(db) as counting:
            found = await kits.ready(db, MANAGER, TO15, datetime.now(UTC), memory)
    return found, counting.walks


async def analogs(pool: Pool, product: int, memory: Memory | None) -> tuple[Analogs, int]:
    async with pool.acquire() as db:
        with counted(db) as counting:
            found = await analogs_of(db, MANAGER, product, CENTRE, datetime.now(UTC), memory)
    return found, counting.walks


async def link(pool: Pool, one: tuple[str, str], other: tuple[str, str]) -> None:
    async with transaction(pool) as db:
        await crosses.link(db, MANAGER, one, other, "analog", "high")


def economy(found: Ready, category: str) -> list[str]:
    line = next(line for line in found.lines if line.need.category == category)
    return [item.product.article for item in line.chosen["economy"].items]


@pytest.fixture
async def memory() -> AsyncIterator[Memory]:
    cache = open_cache("mem://")
    yield Memory(cache)
    await cache.close()


Start = Callable[[], Server]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if CACHE is None:
        pytest.skip("Neither valkey-server nor redis-server is installed")
    started = Server(tmp_path, free_port())
    started.start()
    yield started
    started.kill()


async def answering(server: Server) -> Cache:
    """A client of the server, once it answers."""
    cache = open_cache(server.url)
    ends = time.monotonic() + 10
    while await cache.get("x") != b"y":
        assert time.monotonic() < ends, "Valkey does not answer"
        await cache.set("x", b"y")
        await asyncio.sleep(0.02)
    return cache


# ------------------------------------------------------------------------------------------------ remembered
async def test_what_was_asked_before_is_not_looked_up_again_and_is_the_same(pool: Pool, memory: Memory) -> None:
    products = await shop(pool)
    (first, walks), (again, none) = await kit(pool, memory), await kit(pool, memory)
    assert (walks > 0, none) == (True, 0)
    assert (again.lines, again.ways[0].total_kopecks) == (first.lines, first.ways[0].total_kopecks)
    one, walks = await analogs(pool, products["plug"], memory)
    other, none = await analogs(pool, products["plug"], memory)
    assert (walks > 0, none) == (True, 0)
    assert other.others == one.others


async def test_other_questions_have_other_answers(pool: Pool, memory: Memory) -> None:
    await shop(pool)
    async with pool.acquire() as db:
        asked = [(VESTA, "21129"), (VESTA, "21179"), (VESTA, None), (PRIORA, "21126")]
        cold = [await fitment.products_for(db, *each) for each in asked]
        warm = [await fitment.products_for(db, *each, memory) for _ in range(2) for each in asked]
    assert warm == cold * 2
    assert len({tuple(one) for one in cold}) > 1


# ------------------------------------------------------------------------------------------------ what changed
async def test_a_new_link_counts_at_once(pool: Pool, memory: Memory) -> None:
    await shop(pool)
    await kit(pool, memory)
    await sell(pool, "Bosch", "OF 1")
    filters = await pool.fetchval("SELECT id FROM products WHERE article = 'OF 1'")
    await pool.execute(
        "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, 'retail', 100, 'test')", filters
    )
    await post(pool, request("inbound", 5, filters))
    assert economy((await kit(pool, memory))[0], "oil_filter") == ["21080-1012005-08"]
    await link(pool, ("Lada", "21080-1012005-08"), ("Bosch", "OF 1"))
    assert economy((await kit(pool, memory))[0], "oil_filter") == ["OF 1"]


async def test_a_change_counts_when_it_is_committed_and_not_before(pool: Pool, memory: Memory) -> None:
    await shop(pool)
    before = (await kit(pool, memory))[1], (await kit(pool, memory))[1]
    async with transaction(pool) as db:
        await crosses.link(db, MANAGER, ("Lada", "21080-1012005-08"), ("Bosch", "OF 1"), "analog", "high")
        during = (await kit(pool, memory))[1]
    after = (await kit(pool, memory))[1]
    assert (before[0] > 0, before[1], during, after > 0) == (True, 0, 0, True)


async def test_what_was_made_while_a_change_was_under_way_is_not_kept_beyond_it(
    pool: Pool, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state is read, then the change is committed, then the answer is made: it is newer than its state."""
    products = await shop(pool)
    real = store.state

    async def changed_right_after(db: Connection) -> int:
        found = await real(db)
        monkeypatch.setattr(store, "state", real)
        await link(pool, ("NGK", "BCPR6ES-11"), ("Lada", "made up"))
        return found

    monkeypatch.setattr(store, "state", changed_right_after)
    await analogs(pool, products["plug"], memory)
    found, _ = await analogs(pool, products["plug"], memory)
    assert "made up" in {one.article.article for one in found.others}


async def test_an_old_state_that_a_backup_brings_back_finds_no_answer_of_a_later_one(
    pool: Pool, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    products = await shop(pool)
    await link(pool, ("NGK", "BCPR6ES-11"), ("Lada", "known before"))
    real = store.state

    async def changed_right_after(db: Connection) -> int:
        found = await real(db)
        monkeypatch.setattr(store, "state", real)
        await link(pool, ("NGK", "BCPR6ES-11"), ("Lada", "made up"))
        return found

    last = await pool.fetchval("SELECT max(id) FROM selection_changes")
    monkeypatch.setattr(store, "state", changed_right_after)
    await analogs(pool, products["plug"], memory)
    await pool.execute("DELETE FROM crosses WHERE a_id = (SELECT max(id) FROM cross_articles)")
    await pool.execute("DELETE FROM crosses WHERE b_id = (SELECT max(id) FROM cross_articles)")
    await pool.execute("DELETE FROM selection_changes WHERE id > $1", last)  # as the backup had it
    found, _ = await analogs(pool, products["plug"], memory)
    assert "made up" not in {one.article.article for one in found.others}


async def test_facts_that_are_loaded_again_count_and_so_does_one_that_is_gone(pool: Pool, memory: Memory) -> None:
    await shop(pool)
    await kit(pool, memory)
    await pool.execute("DELETE FROM fitments WHERE category = 'cabin_filter'")
    lines = (await kit(pool, memory))[0].lines
    assert next(line for line in lines if line.need.category == "cabin_filter").need.state == "unknown"
    async with transaction(pool) as db:
        await loading.load_facts(db)
    assert economy((await kit(pool, memory))[0], "cabin_filter") == ["LAK 888"]


async def test_the_state_stays_the_same_when_its_marks_become_one(pool: Pool) -> None:
    await shop(pool)
    async with pool.acquire() as db:
        before = await store.state(db)
        assert await pool.fetchval("SELECT count(*) FROM selection_changes") > 1
        await asyncio.gather(jobs.compact(pool), jobs.compact(pool))
        assert await store.state(db) == before
        assert await pool.fetchval("SELECT count(*) FROM selection_changes") <= 2
        await link(pool, ("Lada", "21080-1012005-08"), ("Bosch", "OF 1"))
        assert await store.state(db) != before


# ------------------------------------------------------------------------------------------------ never stock
async def test_what_is_remembered_is_never_wrong_about_stock_prices_or_doubts(pool: Pool, memory: Memory) -> None:
    products = await shop(pool)
    await kit(pool, memory)
    cheap = products["cheap filter"]

    async def filters() -> list[str]:
        found, walks = await kit(pool, memory)
        assert walks == 0, "it was looked up anew"
        return economy(found, "oil_filter")

    assert await filters() == ["21080-1012005-08"]
    await post(pool, request("sale", 5, cheap))
    assert await filters() == ["OC 384"]
    await post(pool, request("inbound", 5, cheap))
    assert await filters() == ["21080-1012005-08"]
    await pool.execute(
        "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, 'retail', 99900, 'test')", cheap
    )
    assert await filters() == ["OC 384"]
    await pool.execute("UPDATE products SET active = false WHERE id = $1", products["filter"])
    assert await filters() == ["21080-1012005-08"]
    async with transaction(pool) as db:
        for number in range(3):
            await fitment.give_feedback(
                db, MANAGER, cheap, VESTA, "21129", fitted=False, origin="return", reference=str(number), note=None
            )
    found, walks = await kit(pool, memory)
    line = next(line for line in found.lines if line.need.category == "oil_filter")
    assert (walks, line.need.state) == (0, "not_sold")


async def test_analogs_are_remembered_and_their_stock_is_not(pool: Pool, memory: Memory) -> None:
    products = await shop(pool)

    async def there() -> dict[str, int | None]:
        found, _ = await analogs(pool, products["filter"], memory)
        return {one.article.article: one.promised.here for one in found.items if one.promised is not None}

    assert (await there())["21080-1012005-08"] == 5
    await post(pool, request("sale", 3, products["cheap filter"]))
    assert (await there())["21080-1012005-08"] == 2


# ------------------------------------------------------------------------------------------------ Valkey
async def test_two_processes_share_what_is_remembered_in_valkey(pool: Pool, server: Server) -> None:
    await shop(pool)
    one, other = Memory(await answering(server)), Memory(await answering(server))
    await kit(pool, one)
    assert (await kit(pool, other))[1] == 0
    await link(pool, ("Lada", "21080-1012005-08"), ("Bosch", "OF 1"))
    assert (await kit(pool, other))[1] > 0
    assert (await kit(pool, one))[1] == 0


async def test_with_valkey_stopped_answers_are_the_same_and_when_it_is_back_it_remembers(
    pool: Pool, server: Server
) -> None:
    await shop(pool)
    cold = (await kit(pool, None))[0]
    memory = Memory(await answering(server))
    await kit(pool, memory)
    server.kill()
    for _ in range(3):
        found, walks = await kit(pool, memory)
        assert (found.lines, walks > 0) == (cold.lines, True)
    server.start()
    await answering(server)
    await kit(pool, memory)
    assert (await kit(pool, memory))[1] == 0


@pytest.mark.parametrize("rubbish", [b"", b"\xff\x00", b"\x93\x01\x02\x03", "text", 5])
async def test_rubbish_in_the_cache_is_a_miss(pool: Pool, rubbish: object) -> None:
    await shop(pool)
    cache = open_cache("mem://")
    cold = (await kit(pool, None))[0]
    await kit(pool, Memory(cache))
    keys = [key async for key in cache.scan(f"{ANSWERS}*")]
    assert keys
    for key in keys:
        await cache.set(key, rubbish)
    found, walks = await kit(pool, Memory(cache))
    assert (found.lines, walks > 0) == (cold.lines, True)
    await cache.close()


class Hostile:
    """A pickle that does something when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return self.trace.write_text, ("read",)


async def test_a_pickle_that_somebody_put_into_valkey_is_never_run(pool: Pool, server: Server, tmp_path: Path) -> None:
    await shop(pool)
    trace, cache = tmp_path / "trace", await answering(server)
    cold = (await kit(pool, None))[0]
    await kit(pool, Memory(cache))
    foreign = redis.Redis.from_url(server.url)
    keys = [key async for key in foreign.scan_iter(f"{ANSWERS}*")]
    assert keys
    for key in keys:
        await foreign.set(key, pickle.dumps(Hostile(trace)))
    found, walks = await kit(pool, Memory(cache))
    assert (found.lines, walks > 0, trace.exists()) == (cold.lines, True, False)
    await foreign.aclose()


async def test_a_very_long_answer_is_not_kept(pool: Pool, memory: Memory) -> None:
    made = 0

    async def make() -> list[str]:
        nonlocal made
        made += 1
        return ["x" * 70_000]

    async with pool.acquire() as db:
        for _ in range(2):
            assert await memory.recall(db, ("long",), list[str], make) == ["x" * 70_000]
    assert made == 2
