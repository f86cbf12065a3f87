"""What did not come as it was sent: lost and found again, and what nobody sent, until its shelf was counted."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from autoshop.accounts.model import Caller, OtherStore, staff
from autoshop.inventory.transfers import differences, service, store
from autoshop.inventory.transfers.model import (
    Difference,
    Found,
    MoreThanLost,
    NothingToRecount,
    NotShippedYet,
    Transfer,
    UnknownDifference,
)
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, receive, request

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


async def recounted(pool: Pool, difference_id: int, caller: Caller = MANAGER) -> Difference:
    async with transaction(pool) as db:
        return await differences.recounted(db, caller, difference_id)


async def listed(pool: Pool, **filters: Any) -> list[Difference]:
    async with pool.acquire() as db:
        return await store.list_differences(db, filters, 100)


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


async def test_where_pieces_came_that_nobody_sent_the_sender_counts_his_shelf_once(pool: Pool, sent: Transfer) -> None:
    await differ(pool, sent, Found(PLUG, 1, "lost"), Found(OIL_FILTER, 2, "wrong_item", "вместо свечей"))
    [wrong] = await listed(pool, to_recount=True, store_id=CENTRE)
    [lost] = await listed(pool, reason="lost")
    assert (wrong.product_id, wrong.to_recount, lost.to_recount) == (OIL_FILTER, True, False)
    told = "SELECT payload -> 'pieces' FROM outbox WHERE payload ->> 'change' = 'recount_wanted'"
    assert await pool.fetchval(told) == {str(OIL_FILTER): 2}

    with pytest.raises(UnknownDifference):
        await recounted(pool, UNKNOWN)
    with pytest.raises(OtherStore):
        await recounted(pool, wrong.id, OLEG)
    with pytest.raises(NothingToRecount):
        await recounted(pool, lost.id)
    counted = await recounted(pool, wrong.id, VERA)
    assert (counted.to_recount, counted.recounted_by) == (False, "staff:vera")
    with pytest.raises(NothingToRecount):
        await recounted(pool, wrong.id)
    assert await listed(pool, to_recount=True) == []
    await assert_ledger_is_clean(pool)


async def test_nothing_differs_before_something_has_left(pool: Pool) -> None:
    async with transaction(pool) as db:
        asked = await service.request(db, MANAGER, CENTRE, NORTH, {PLUG: 5}, None, None, None, datetime.now(UTC))
    for reason in ("lost", "damaged", "surplus", "wrong_item", "found"):
        with pytest.raises(NotShippedYet):
            await differ(pool, asked, Found(PLUG, 1, reason))
