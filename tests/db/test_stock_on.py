"""Stock at the end of a day by the dates on the papers: as a replay says, whatever one counts from."""

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from autoshop.inventory.stock import service as stock
from autoshop.inventory.stock_on import service, store
from autoshop.inventory.stock_on.model import NotYet
from autoshop.kit import csv_out
from autoshop.kit.db import Pool, one_instant
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database
from tests.ledger import assert_ledger_is_clean, post, request
from tests.papers import assert_proven, close, days_ago, grow, lay, paper

pytestmark = pytest.mark.anyio


async def replayed(pool: Pool, ago: int) -> dict[tuple[int, int], int]:
    """The naive answer: add up all movements whose day, on paper or by the clock of the store, is not later."""
    rows = await pool.fetch(
        "SELECT m.product_id, m.store_id, m.delta, m.effective_on, m.created_at, s.time_zone"
        " FROM movements AS m JOIN stores AS s ON s.id = m.store_id"
    )
    counted: dict[tuple[int, int], int] = {}
    for row in rows:
        day = row["effective_on"] or row["created_at"].astimezone(ZoneInfo(row["time_zone"])).date()
        if day <= days_ago(ago):
            place = row["product_id"], row["store_id"]
            counted[place] = counted.get(place, 0) + row["delta"]
    return {place: quantity for place, quantity in counted.items() if quantity}


async def test_a_day_that_has_not_come_cannot_be_asked(pool: Pool) -> None:
    async with one_instant(pool) as db:
        with pytest.raises(NotYet):
            await service.totals(db, days_ago(-2), None)


async def test_a_movement_counts_on_the_date_of_its_paper(pool: Pool) -> None:
    await post(pool, paper("inbound", 10, 5), paper("sale", 3, 2), paper("sale", 1))
    assert [(await lay(pool, ago)).get((PLUG, CENTRE), 0) for ago in (6, 5, 3, 2, 1, 0)] == [0, 10, 10, 7, 7, 6]
    await assert_ledger_is_clean(pool)


async def test_without_a_date_the_day_is_that_of_the_stores_own_clock(pool: Pool, database: Database) -> None:
    await post(pool, request("inbound", 10), request("inbound", 10, store_id=NORTH))
    half_past_ten_utc = datetime.now(UTC).replace(hour=22, minute=30) - timedelta(days=3)
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE movements SET created_at = %s", (half_past_ten_utc,))
        db.execute("UPDATE stores SET time_zone = 'America/Sao_Paulo' WHERE id = %s", (NORTH,))
    day = half_past_ten_utc.date()
    file = io.BytesIO()
    async with one_instant(pool) as db:
        await service.export(db, day, None, file.write)
        assert file.getvalue() == csv_out.BOM + csv_out.lines([store.EXPORTED, (day, PLUG, NORTH, 10)])
        assert (await service.totals(db, day + timedelta(days=1), None)).quantity == 20


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_day_is_what_a_replay_says_whatever_one_counts_from(
    pool: Pool, database: Database, seed: int
) -> None:
    grow(database, seed)
    days = range(22)
    expected = [await replayed(pool, ago) for ago in days]
    assert [await lay(pool, ago) for ago in days] == expected
    midnight = stock.midnight_before(datetime.now(UTC))
    for ago in (14, 3, 8):
        await stock.take_snapshot(pool, midnight - timedelta(days=ago))
    assert [await lay(pool, ago) for ago in days] == expected
    for ago in (16, 11, 2):
        await close(pool, ago)
    assert [await lay(pool, ago) for ago in days] == expected
    await pool.execute("DELETE FROM snapshots")
    assert [await lay(pool, ago) for ago in days] == expected
    await assert_proven(pool)


async def test_what_was_closed_is_counted_from_what_was_closed(pool: Pool, database: Database) -> None:
    """Else a report would not be quick, and nobody would notice."""
    await post(pool, paper("inbound", 10, 9), paper("sale", 1, 3))
    period = await close(pool, 5)
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE closing_balances SET quantity = 1000 WHERE period_id = %s", (period.id,))
    assert [(await lay(pool, ago)).get((PLUG, CENTRE), 0) for ago in (6, 5, 4, 3)] == [10, 1000, 1000, 999]
    async with one_instant(pool) as db:
        assert (await store.base(db, days_ago(0))).period_id == period.id
    await stock.take_snapshot(pool, datetime.now(UTC) - timedelta(days=2))
    async with one_instant(pool) as db:
        assert (await store.base(db, days_ago(0))).taken_at is not None, "it is nearer"


async def test_a_store_that_moves_to_another_zone_changes_nothing_that_was_closed(
    pool: Pool, database: Database
) -> None:
    grow(database, 7)
    await close(pool, 4)
    closed = await lay(pool, 4)
    for zone in ("Asia/Kamchatka", "America/Sao_Paulo"):
        with psycopg.connect(database.owner_url) as db:
            db.execute("UPDATE stores SET time_zone = %s WHERE id = %s", (zone, CENTRE))
        assert await lay(pool, 4) == closed
        counted = await pool.fetch("SELECT product_id, store_id, quantity FROM inventory WHERE quantity > 0")
        assert await lay(pool, 0) == {(row[0], row[1]): row[2] for row in counted}
        await assert_proven(pool)


async def test_pages_show_each_place_once_with_the_product_over_all_stores(pool: Pool) -> None:
    await post(pool, paper("inbound", 5, 3), paper("inbound", 7, 3, store_id=NORTH), paper("inbound", 2, 1))
    await post(pool, paper("inbound", 1, 4, product_id=OIL_FILTER))

    async def page(after: tuple[int, int] | None, **which: int | None) -> tuple[list[tuple[int, ...]], bool]:
        which = {"store_id": None, "product_id": None, **which}
        async with one_instant(pool) as db:
            rows, more = await service.stock_page(db, days_ago(2), after=after, limit=2, **which)
        return [(row.product_id, row.store_id, row.quantity, row.quantity_everywhere) for row in rows], more

    assert await page(None) == ([(PLUG, CENTRE, 5, 12), (PLUG, NORTH, 7, 12)], True)
    assert await page((PLUG, NORTH)) == ([(OIL_FILTER, CENTRE, 1, 1)], False)
    assert await page(None, store_id=NORTH) == ([(PLUG, NORTH, 7, 12)], False)
    assert await page((PLUG, CENTRE), store_id=CENTRE) == ([(OIL_FILTER, CENTRE, 1, 1)], False)
    assert await page(None, product_id=OIL_FILTER) == ([(OIL_FILTER, CENTRE, 1, 1)], False)
