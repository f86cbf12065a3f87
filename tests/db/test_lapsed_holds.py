"""Holds whose time is over: the sweep that writes it down, the import that does not mind, and one story for all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from autoshop.catalog.imports import importing
from autoshop.inventory.reservations import lapsing, service
from autoshop.inventory.stock.service import check_ledger
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, PLUG
from tests.imports import load
from tests.ledger import assert_ledger_is_clean, pieces, post, request
from tests.reservations import (
    FILTERS,
    HERE,
    HOUR,
    THERE,
    fill,
    find,
    fulfil,
    lapsed,
    let_go_of_all_lapsed,
    release,
    reserve,
    reserved,
)

pytestmark = pytest.mark.anyio

LOCK = "SELECT FROM inventory WHERE product_id = $1 AND store_id = $2 FOR NO KEY UPDATE"
LOCK_HOLD = "SELECT FROM reservations WHERE id = $1 FOR NO KEY UPDATE"
FILE = "Бренд;Артикул;Название;Остаток centre\nNGK;BPR6ES-11;Свеча;1\n"


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    await fill(pool)


@asynccontextmanager
async def held_by_a_stranger(pool: Pool, sql: str, *key: int) -> AsyncIterator[None]:
    """A row that somebody else has locked and does not let go."""
    async with transaction(pool) as stranger:
        await stranger.execute(sql, *key)
        yield


async def events(pool: Pool, reservation_id: int) -> list[dict[str, Any]]:
    rows = await pool.fetch(
        "SELECT payload FROM outbox WHERE topic = 'inventory.reservation' AND payload ->> 'reservation_id' = $1"
        " ORDER BY id",
        str(reservation_id),
    )
    return [row["payload"] for row in rows]


# ------------------------------------------------------------------------------------------------ the sweep
@pytest.mark.parametrize("places_at_a_time", [1, 500])
async def test_the_sweep_waits_for_nobody_and_takes_the_rest_a_minute_later(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, places_at_a_time: int
) -> None:
    monkeypatch.setattr(service, "PLACES_AT_A_TIME", places_at_a_time)
    for place in (HERE, THERE, FILTERS):
        await lapsed(pool, (place, 2))
    async with held_by_a_stranger(pool, LOCK, *HERE), asyncio.timeout(3):  # the first in key order
        assert await let_go_of_all_lapsed(pool) == 2
        assert [await reserved(pool, place) for place in (HERE, THERE, FILTERS)] == [(2, 0), (0, 0), (0, 0)]
    assert await let_go_of_all_lapsed(pool) == 1
    assert await reserved(pool) == (0, 0)
    await assert_ledger_is_clean(pool)


async def test_the_sweep_does_not_stay_behind_a_hold_that_somebody_keeps_busy(pool: Pool) -> None:
    first, second = await lapsed(pool, (HERE, 1)), await lapsed(pool, (FILTERS, 1))
    async with held_by_a_stranger(pool, LOCK_HOLD, first.id), asyncio.timeout(3):
        assert await let_go_of_all_lapsed(pool) in (0, 1)  # they may have shared a batch
        assert (await reserved(pool))[0] == 1
        await post(pool, request("sale", 1))  # the place itself is nobody's
    assert await let_go_of_all_lapsed(pool) >= 1
    assert {(await find(pool, one)).status for one in (first, second)} == {"expired"}
    await assert_ledger_is_clean(pool)


async def test_the_sweep_keeps_few_places_at_a_time(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PLACES_AT_A_TIME", 2)
    batches: list[int] = []
    lock_free_places = lapsing.lock_free_places

    async def listen(db: Any, places: Any) -> Any:
        batches.append(len(places))
        return await lock_free_places(db, places)

    monkeypatch.setattr(lapsing, "lock_free_places", listen)
    for place in (HERE, THERE, FILTERS):
        await lapsed(pool, (place, 1))
    assert await let_go_of_all_lapsed(pool) == 3
    assert batches == [2, 1]


# ------------------------------------------------------------------------------------------------ imports
async def test_an_import_of_stock_is_not_refused_because_of_a_hold_that_lapsed(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await lapsed(pool, (HERE, 4))

    async def left_lying(_db: Any) -> int:
        return 0

    monkeypatch.setattr(importing, "let_go_of_all_lapsed", left_lying)  # the sweep passed the place over
    done = await load(pool, tmp_path / "c.csv", FILE, set_stock=True)
    assert (done.told, done.run.state, await pieces(pool)) == ([], "done", 1)
    assert ((await find(pool, gone)).status, await reserved(pool)) == ("expired", (0, 0))
    await assert_ledger_is_clean_after_import(pool)


async def test_an_import_of_stock_leaves_what_is_held_to_its_holder(pool: Pool, tmp_path: Path) -> None:
    await reserve(pool, (HERE, 4))
    refused = await load(pool, tmp_path / "c.csv", FILE, set_stock=True)
    assert (refused.run.state, await pieces(pool)) == ("refused", 5)
    assert [one[1] for one in refused.told] == ["Остаток centre"]
    assert await reserved(pool) == (4, 4)


async def assert_ledger_is_clean_after_import(pool: Pool) -> None:
    """An import tells of all its movements in one event."""
    check = await check_ledger(pool, balances=True)
    assert (check.differences, check.examples) == (0, [])


# ------------------------------------------------------------------------------------------------ one story
async def test_what_lapsed_is_told_alike_before_and_after_somebody_noticed(pool: Pool) -> None:
    """Partly sold; then its time ran out."""
    held = await reserve(pool, (HERE, 2), (THERE, 2))
    await fulfil(pool, held, (HERE, 1))
    await run_out(pool, held.id)
    before = await find(pool, held)
    assert (before.status, [(one.held, one.fulfilled) for one in before.lines]) == ("expired", [(0, 1), (0, 0)])
    await post(pool, request("sale", 4))  # at one of its places somebody lets it go
    between = await find(pool, held)
    await let_go_of_all_lapsed(pool)
    after = await find(pool, held)
    assert [(one.status, one.lines) for one in (between, after)] == [(before.status, before.lines)] * 2
    assert after.closed_at is not None
    await assert_ledger_is_clean(pool)


async def test_who_watches_hears_what_a_reader_sees(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 2), (THERE, 2))
    await fulfil(pool, held, (HERE, 1))
    await run_out(pool, held.id)
    await post(pool, request("sale", 4))  # lets go at one place only: at the other it still has to be written down
    seen, [reserved_, sold, ended] = await find(pool, held), await events(pool, held.id)
    assert [one["change"] for one in (reserved_, sold, ended)] == ["reserved", "fulfilled", "expired"]
    assert [one["status"] for one in (reserved_, sold, ended)] == ["live", "live", "expired"]
    assert [one["held"] for one in ended["lines"]] == [0, 0]
    assert [one["fulfilled"] for one in ended["lines"]] == [1, 0]
    assert [one["expires_at"][:19] for one in (reserved_, ended)] == [
        at.isoformat()[:19] for at in (held.expires_at, seen.expires_at)
    ]
    assert ended["version"] == seen.version


async def test_given_back_after_a_part_was_sold_is_fulfilled(pool: Pool) -> None:
    held = await reserve(pool, (HERE, 2))
    await fulfil(pool, held, (HERE, 1))
    assert (await release(pool, held)).status == "fulfilled"


async def run_out(pool: Pool, reservation_id: int) -> None:
    """Its time is over this very moment."""
    for table, column in (("reservations", "id"), ("reservation_lines", "reservation_id")):
        await pool.execute(f"UPDATE {table} SET expires_at = clock_timestamp() WHERE {column} = $1", reservation_id)


async def test_a_hold_over_two_places_that_lives_is_not_ended_by_the_sweep(pool: Pool) -> None:
    living = await reserve(pool, (HERE, 1), (THERE, 1), lasts=HOUR)
    await lapsed(pool, (HERE, 1))
    assert await let_go_of_all_lapsed(pool) == 1
    assert (await find(pool, living)).status == "live"
    assert (
        await pool.fetchval("SELECT reserved FROM inventory WHERE product_id = $1 AND store_id = $2", PLUG, CENTRE) == 1
    )
