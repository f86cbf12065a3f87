"""What did not come as it was sent: lost and found again, and what nobody sent."""

import asyncio
from datetime import UTC, datetime

import pytest

from autoshop.accounts.model import Caller, OtherStore, staff
from autoshop.inventory.transfers import differences, posting, service
from autoshop.inventory.transfers.model import (
    Found,
    MoreThanLost,
    NotShippedYet,
    Transfer,
)
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, receive, request, reverse
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

VERA, OLEG = staff("vera", "clerk", frozenset({CENTRE})), staff("oleg", "clerk", frozenset({NORTH}))


@pytest.fixture
async def sent(pool: Pool) -> Transfer:
    """Five plugs on the way from the centre to the north."""
    await post(pool, request("inbound", 5))
    now = datetime.now(UTC)
    async with transaction(pool) as db:
        asked = await service.request(db, MANAGER, CENTRE, NORTH, {PLUG: 5}, None, None, None, now)
        return (await service.ship(db, MANAGER, asked.id, None, now))[0]


async def differ(pool: Pool, transfer: Transfer, *found: Found, caller: Caller = MANAGER) -> Transfer:
    async with transaction(pool) as db:
        return (await differences.differ(db, caller, transfer.id, found))[0]


async def test_only_what_was_lost_is_found(pool: Pool, sent: Transfer) -> None:
    with pytest.raises(MoreThanLost, match="Told as lost are 0, not 1"):
        await differ(pool, sent, Found(PLUG, 1, "found"))
    with pytest.raises(MoreThanLost):
        await differ(pool, sent, Found(PLUG, 2, "lost"), Found(PLUG, 1, "found"))
    await differ(pool, sent, Found(PLUG, 2, "lost"))
    for found in ((Found(PLUG, 3, "found"),), (Found(PLUG, 1, "found"),) * 3, (Found(OIL_FILTER, 1, "found"),)):
        with pytest.raises(MoreThanLost):
            await differ(pool, sent, *found)
    with pytest.raises(OtherStore):
        await differ(pool, sent, Found(PLUG, 1, "found"), caller=VERA)
    assert await pieces(pool, store_id=NORTH) == 0
    await assert_ledger_is_clean(pool)


async def test_what_was_lost_and_is_found_lies_on_the_shelf_also_when_all_else_is_done(
    pool: Pool, sent: Transfer
) -> None:
    await differ(pool, sent, Found(PLUG, 2, "lost"))
    done, _ = await receive(pool, sent.id)
    found = await differ(pool, sent, Found(PLUG, 1, "found", "лежала в углу"), caller=OLEG)
    assert (found.status, found.closed_at) == ("received", done.closed_at)
    assert (found.lines[0].lost, found.lines[0].received, found.version) == (1, 4, done.version + 1)
    last = await pool.fetchrow("SELECT movement_type, delta, reason FROM movements ORDER BY id DESC LIMIT 1")
    assert tuple(last or ()) == ("adjustment", 1, "found: лежала в углу")
    assert await pieces(pool, store_id=NORTH) == 4
    await assert_ledger_is_clean(pool)


async def test_a_piece_is_found_once(pool: Pool, sent: Transfer) -> None:
    await differ(pool, sent, Found(PLUG, 1, "lost"))
    answers = await asyncio.gather(
        *[differ(pool, sent, Found(PLUG, 1, "found")) for _ in range(4)], return_exceptions=True
    )
    assert outcomes(answers) == {"Transfer": 1, "MoreThanLost": 3}
    await assert_ledger_is_clean(pool)


async def test_what_was_written_off_as_lost_is_undone_or_found_but_not_both(pool: Pool, sent: Transfer) -> None:
    await differ(pool, sent, Found(PLUG, 2, "lost", "нет в коробке"), Found(PLUG, 1, "damaged"))
    lost, damaged = await pool.fetch("SELECT id FROM movements WHERE movement_type = 'writeoff' ORDER BY id")
    await reverse(pool, lost["id"])
    with pytest.raises(MoreThanLost):
        await differ(pool, sent, Found(PLUG, 1, "found"))
    await reverse(pool, damaged["id"])
    done, _ = await receive(pool, sent.id)
    assert (done.status, done.lines[0].received, done.lines[0].lost, done.lines[0].damaged) == ("received", 5, 0, 0)
    assert await pieces(pool, store_id=NORTH) == 5
    await assert_ledger_is_clean(pool)


async def test_what_was_found_is_undone_and_lost_again(pool: Pool, sent: Transfer) -> None:
    await differ(pool, sent, Found(PLUG, 2, "lost"))
    await differ(pool, sent, Found(PLUG, 2, "found"), Found(OIL_FILTER, 1, "surplus"))
    lost, found, surplus = await pool.fetch("SELECT id FROM movements WHERE movement_type <> 'transfer' AND id > 2")
    with pytest.raises(MoreThanLost):
        await reverse(pool, lost["id"])
    await reverse(pool, found["id"])
    await reverse(pool, surplus["id"])
    async with pool.acquire() as db:
        line = (await service.get_transfer(db, sent.id)).lines[0]
    assert (line.lost, line.received, line.on_the_way, await pieces(pool, store_id=NORTH)) == (2, 0, 3, 0)
    await assert_ledger_is_clean(pool)


async def test_of_who_undoes_the_loss_and_who_finds_it_one_is_refused(pool: Pool, sent: Transfer) -> None:
    await differ(pool, sent, Found(PLUG, 2, "lost"))
    lost = await pool.fetchval("SELECT id FROM movements WHERE movement_type = 'writeoff'")
    async with transaction(pool) as db:
        await posting.reverse(db, MANAGER, lost, None)
        late = asyncio.create_task(differ(pool, sent, Found(PLUG, 2, "found")))
        await waiting_for_locks(pool, 1)
    with pytest.raises(MoreThanLost):
        await late
    assert await pieces(pool, store_id=NORTH) == 2


async def test_where_pieces_came_that_nobody_sent_the_senders_shelf_is_flagged(pool: Pool, sent: Transfer) -> None:
    wrong = Found(OIL_FILTER, 2, "wrong_item", "вместо свечей")
    await differ(pool, sent, Found(PLUG, 1, "lost"), wrong, wrong)
    await differ(pool, sent, Found(PLUG, 1, "surplus"))
    rows = await pool.fetch("SELECT product_id, store_id, reason, source FROM recount_flags ORDER BY id")
    assert [tuple(row) for row in rows] == [
        (OIL_FILTER, CENTRE, f"came instead of something else to store {NORTH}", f"transfer {sent.id}"),
        (PLUG, CENTRE, f"more came than was sent to store {NORTH}", f"transfer {sent.id}"),
    ]
    told = await pool.fetch("SELECT payload FROM outbox WHERE topic = 'inventory.recount' ORDER BY id")
    assert [row["payload"]["store_ids"] for row in told] == [[CENTRE], [CENTRE]]
    assert await pieces(pool, OIL_FILTER, NORTH) == 4
    await assert_ledger_is_clean(pool)


async def test_nothing_differs_before_something_has_left(pool: Pool) -> None:
    async with transaction(pool) as db:
        asked = await service.request(db, MANAGER, CENTRE, NORTH, {PLUG: 5}, None, None, None, datetime.now(UTC))
    for reason in ("lost", "damaged", "surplus", "wrong_item", "found"):
        with pytest.raises(NotShippedYet):
            await differ(pool, asked, Found(PLUG, 1, reason))
