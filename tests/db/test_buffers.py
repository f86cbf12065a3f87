"""What a channel may show: the last pieces of each store stay unseen, and the most specific buffer counts."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autoshop.inventory.buffers import service
from autoshop.inventory.buffers.model import Channel, ShownPage, Subject
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import PreconditionRequired
from tests.cast import BULB, CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, outcomes, post, request
from tests.levels import let_lapse
from tests.reservations import HERE, release, reserve

pytestmark = pytest.mark.anyio

CHANNEL: dict[str, Any] = {"name_ru": "Сайт", "name_en": "Site", "active": True, "store_ids": None, "buffer": 1}


async def put_channel(pool: Pool, version: int | None = None, **more: Any) -> Channel:
    async with transaction(pool) as db:
        return await service.put_channel(db, MANAGER, "site", version, **{**CHANNEL, **more})


async def put_buffer(pool: Pool, buffer: int, version: int | None = None, **of: int) -> int:
    async with transaction(pool) as db:
        return (await service.put_buffer(db, MANAGER, "site", Subject(**of), buffer, version)).version


async def shown(pool: Pool, **asked: Any) -> ShownPage:
    async with transaction(pool) as db:
        return await service.shown_stock(db, "site", datetime.now(UTC), **asked)


async def totals(pool: Pool, **asked: Any) -> dict[int, int]:
    return {one.product_id: one.shown for one in (await shown(pool, **asked)).products}


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    """Five plugs here, two there; five filters here. The channel does not see the last piece of a store."""
    await post(pool, request("inbound", 5), request("inbound", 2, store_id=NORTH), request("inbound", 5, OIL_FILTER))
    await put_channel(pool)


async def test_a_buffer_hides_the_last_pieces_of_each_store_not_of_the_total(pool: Pool) -> None:
    [plug] = (await shown(pool, product_id=PLUG)).products
    assert [(here.store_id, here.available, here.buffer, here.rule, here.shown) for here in plug.stores] == [
        (CENTRE, 5, 1, "channel", 4), (NORTH, 2, 1, "channel", 1),
    ]  # fmt: skip
    assert plug.shown == 5
    await put_channel(pool, version=1, buffer=2)
    assert await totals(pool) == {PLUG: 3, OIL_FILTER: 3}, "3 + 0, not 7 - 2"
    await put_channel(pool, version=2, buffer=10)
    assert await totals(pool) == {PLUG: 0, OIL_FILTER: 0}, "never less than nothing"


async def test_the_most_specific_buffer_counts(pool: Pool) -> None:
    plugs = await pool.fetchval("INSERT INTO categories (code, name_ru, name_en) VALUES ('p', 'п', 'p') RETURNING id")
    await pool.execute("UPDATE products SET category_id = $1 WHERE id = $2", plugs, PLUG)

    async def rules() -> list[tuple[int, str]]:
        [plug] = (await shown(pool, product_id=PLUG)).products
        return [(here.buffer, here.rule) for here in plug.stores]

    await put_buffer(pool, 2, category_id=plugs)
    assert await rules() == [(2, "category"), (2, "category")]
    await put_buffer(pool, 0, product_id=PLUG)
    assert await rules() == [(0, "product"), (0, "product")]
    await put_buffer(pool, 4, product_id=PLUG, store_id=CENTRE)
    assert await rules() == [(4, "place"), (0, "product")]
    assert await totals(pool) == {PLUG: 3, OIL_FILTER: 4}
    async with transaction(pool) as db:
        await service.remove_buffer(db, MANAGER, "site", Subject(product_id=PLUG), 1)
    assert await rules() == [(4, "place"), (2, "category")]


async def test_what_is_held_is_not_shown(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 3))
    assert (await totals(pool))[PLUG] == 2
    await release(pool, held)
    assert (await totals(pool))[PLUG] == 5
    await reserve(pool, (HERE, 3))
    await let_lapse(pool)
    assert (await totals(pool))[PLUG] == 5, "it has lapsed, although no job ran"


async def test_stores_that_do_not_feed_a_channel_or_closed_are_not_counted(pool: Pool) -> None:
    await put_channel(pool, version=1, store_ids=[NORTH])
    assert await totals(pool) == {PLUG: 1}
    await pool.execute("UPDATE stores SET active = false, updated_at = now() WHERE id = $1", NORTH)
    assert await totals(pool) == {}


async def test_what_is_switched_off_is_shown_as_none(pool: Pool) -> None:
    await pool.execute("UPDATE products SET active = false WHERE id = $1", OIL_FILTER)
    products = (await shown(pool)).products
    assert [(one.product_id, one.shown, one.off) for one in products] == [(PLUG, 5, None), (OIL_FILTER, 0, "product")]
    await put_channel(pool, version=1, active=False)
    assert [(one.shown, one.off) for one in (await shown(pool)).products] == [(0, "channel")] * 2


async def settled(pool: Pool) -> datetime:
    """The `as_of` of a walk of which everything that happened so far lies well before."""
    for table, column in (("channels", "rules_changed_at"), ("stores", "updated_at"), ("products", "updated_at")):
        await pool.execute(f"UPDATE {table} SET {column} = now() - interval '1 hour'")
    await asyncio.sleep(1.1)  # `as_of` lies a second back
    return (await shown(pool)).as_of


async def test_only_what_changed_is_listed_again(pool: Pool) -> None:
    as_of = await settled(pool)
    page = await shown(pool, changed_after=as_of)
    assert (page.products, page.is_everything) == ([], False)
    await post(pool, request("sale", 1, OIL_FILTER))
    assert await totals(pool, changed_after=as_of) == {OIL_FILTER: 3}
    held = await reserve(pool, (HERE, 1))
    assert await totals(pool, changed_after=as_of) == {PLUG: 4, OIL_FILTER: 3}
    as_of = await settled(pool)
    await release(pool, held)
    await pool.execute("UPDATE products SET active = false, updated_at = now() WHERE id = $1", OIL_FILTER)
    await pool.execute("UPDATE products SET updated_at = now() WHERE id = $1", BULB)  # lies nowhere
    assert await totals(pool, changed_after=as_of) == {PLUG: 5, OIL_FILTER: 0}
    first = await shown(pool, changed_after=as_of, limit=1)
    assert ([one.product_id for one in first.products], first.more) == ([PLUG], True)
    assert await totals(pool, changed_after=as_of, after=PLUG) == {OIL_FILTER: 0}


async def test_after_a_rule_changed_everything_is_listed(pool: Pool) -> None:
    as_of = await settled(pool)
    await put_buffer(pool, 3, product_id=PLUG)
    page = await shown(pool, changed_after=as_of)
    assert ([one.shown for one in page.products], page.is_everything) == ([2, 4], True)
    as_of = await settled(pool)
    await pool.execute("UPDATE stores SET active = false, updated_at = now() WHERE id = $1", NORTH)
    assert (await shown(pool, changed_after=as_of)).is_everything
    as_of = await settled(pool)
    assert not (await shown(pool, changed_after=as_of)).is_everything
    assert (await shown(pool, changed_after=as_of - timedelta(days=2))).is_everything


async def test_what_commits_late_is_listed_by_the_next_walk(pool: Pool) -> None:
    await settled(pool)
    async with transaction(pool) as slow:
        await slow.execute("UPDATE products SET active = false, updated_at = now() WHERE id = $1", OIL_FILTER)
        await asyncio.sleep(1.1)
        as_of = (await shown(pool)).as_of
    assert await totals(pool, changed_after=as_of) == {OIL_FILTER: 0}


async def test_of_two_who_make_a_channel_or_a_buffer_the_second_has_to_read_it(pool: Pool) -> None:
    answers = await asyncio.gather(*[put_buffer(pool, n, product_id=PLUG) for n in range(4)], return_exceptions=True)
    assert outcomes(answers) == {"int": 1, "PreconditionRequired": 3}
    async with transaction(pool) as db:
        await service.remove_channel(db, MANAGER, "site", 1)
    made = await asyncio.gather(*[put_channel(pool, buffer=n) for n in range(4)], return_exceptions=True)
    assert outcomes(made) == {"Channel": 1, "PreconditionRequired": 3}
    assert isinstance(made[1], Channel | PreconditionRequired)
