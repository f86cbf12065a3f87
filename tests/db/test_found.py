"""A piece in the hand that the ledger does not have: sold where that is allowed, never from a hold, always flagged."""

import asyncio
from typing import Any

import pytest

from autoshop.accounts.model import Caller, OtherStore, staff, trusted
from autoshop.inventory.found import service
from autoshop.inventory.found.model import FoundSalesOff, HeldForOthers, Policy, TooManyFound
from autoshop.inventory.movements.model import Movement, UnknownProduct, UnknownStore
from autoshop.inventory.reservations.store import lock_places
from autoshop.inventory.stocktakes.approval.model import NotSettled
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import PreconditionFailed, Refusal
from tests.cast import AIR_FILTER, CENTRE, NORTH, PLUG, UNKNOWN
from tests.ledger import MANAGER, assert_ledger_is_clean, movements, outcomes, pieces, post, request
from tests.reservations import HERE, lapsed, release, reserve
from tests.stocktakes import OLEG, VERA, approve, open_stocktake, review, take
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


async def allow(pool: Pool, *roles: str, most: int = 2, version: int = 0) -> Policy:
    async with transaction(pool) as db:
        return await service.set_policy(db, MANAGER, Policy(CENTRE, frozenset(roles), most, version))


async def sell(
    pool: Pool, quantity: int = 1, product_id: int = PLUG, store_id: int = CENTRE, caller: Caller = VERA
) -> tuple[int | None, int, list[Movement]]:
    async with transaction(pool) as db:
        return await service.sell_what_is_in_your_hand(
            db, caller, product_id, store_id, quantity, "behind the shelf", None
        )


async def test_it_is_off_until_somebody_switches_it_on_for_the_role(pool: Pool) -> None:
    with pytest.raises(FoundSalesOff, match="manager or the owner can switch it on"):
        await sell(pool)
    await allow(pool, "manager")
    with pytest.raises(FoundSalesOff):
        await sell(pool)
    with pytest.raises(FoundSalesOff):
        await sell(pool, caller=Caller("token", "till", frozenset(), None))
    assert (await sell(pool, caller=trusted("manager")))[1] == 1
    await allow(pool, "clerk", "token", version=1)
    assert (await sell(pool))[1] == (await sell(pool, caller=Caller("token", "till", frozenset(), None)))[1] == 1
    with pytest.raises(FoundSalesOff):
        await sell(pool, store_id=NORTH, caller=staff("oleg", "clerk", frozenset({NORTH})))
    await allow(pool, version=2)
    with pytest.raises(FoundSalesOff):
        await sell(pool)
    await assert_ledger_is_clean(pool)


async def test_what_is_switched_off_while_one_waits_for_the_place_is_off(pool: Pool) -> None:
    await allow(pool, "clerk")
    await post(pool, request("inbound", 1), request("sale", 1))
    async with transaction(pool) as db:
        await lock_places(db, [HERE])
        waiting = asyncio.create_task(sell(pool))
        await waiting_for_locks(pool, 1)
        await allow(pool, version=1)
    with pytest.raises(FoundSalesOff):
        await waiting
    assert await pieces(pool) == 0
    await assert_ledger_is_clean(pool)


async def test_what_is_lacking_is_found_sold_flagged_and_told(pool: Pool) -> None:
    await allow(pool, "clerk")
    await post(pool, request("inbound", 1))
    sale_id, found, posted = await sell(pool, 3)
    assert found == 2
    assert [(one.movement_type, one.delta, one.balance_after, one.related_document) for one in posted] == [
        ("adjustment", 2, 3, f"found sale {sale_id}"), ("sale", -3, 0, f"found sale {sale_id}"),
    ]  # fmt: skip
    flag = await pool.fetchrow("SELECT product_id, store_id, reason, source FROM recount_flags")
    assert tuple(flag or ()) == (PLUG, CENTRE, "2 found and sold: behind the shelf", f"found sale {sale_id}")
    row = await pool.fetchrow("SELECT actor, quantity, found, reason FROM found_sales")
    assert tuple(row or ()) == (VERA.actor, 3, 2, "behind the shelf")
    told = await pool.fetchval("SELECT payload FROM outbox WHERE topic = 'inventory.found_sale'")
    assert told == {"found_sale_id": sale_id, "product_id": PLUG, "store_id": CENTRE, "quantity": 3, "found": 2}
    assert await pool.fetchval("SELECT actor FROM audit WHERE action = 'found sale'") == VERA.actor
    await assert_ledger_is_clean(pool)


async def test_what_is_there_after_all_is_a_sale_like_any_other(pool: Pool) -> None:
    await allow(pool, "clerk")
    await post(pool, request("inbound", 5))
    sale_id, found, [sold] = await sell(pool, 5)
    assert (sale_id, found, sold.movement_type, sold.delta) == (None, 0, "sale", -5)
    assert await pool.fetchval("SELECT count(*) FROM recount_flags") == 0
    await assert_ledger_is_clean(pool)


async def test_what_is_held_for_others_is_never_sold_as_found(pool: Pool) -> None:
    await allow(pool, "clerk")
    await post(pool, request("inbound", 3))
    held = await reserve(pool, (HERE, 2))
    with pytest.raises(HeldForOthers) as refused:
        await sell(pool, 2)
    assert refused.value.facts["reservations"] == [{"reservation_id": held.id, "holder": "Иван", "held": 2}]
    assert (await pieces(pool), await movements(pool)) == (3, 1)
    assert (await sell(pool, 1))[1] == 0, "one is free"
    await release(pool, held)
    await lapsed(pool, (HERE, 2))
    assert (await sell(pool, 3))[1] == 1, "a hold that has lapsed is in nobody's way"
    await assert_ledger_is_clean(pool)


async def test_more_than_the_store_allows_at_once_is_counted_first(pool: Pool) -> None:
    await allow(pool, "clerk", most=2)
    with pytest.raises(TooManyFound) as refused:
        await sell(pool, 3)
    assert (refused.value.facts["lacking"], refused.value.facts["most_pieces"]) == (3, 2)
    await post(pool, request("inbound", 10))
    assert (await sell(pool, 12))[1] == 2, "the limit is for what is found"
    await assert_ledger_is_clean(pool)


async def test_nobody_finds_what_does_not_exist_nor_in_anothers_store(pool: Pool) -> None:
    await allow(pool, "clerk", "manager")
    refused: list[tuple[dict[str, Any], type[Refusal]]] = [
        ({"product_id": UNKNOWN}, UnknownProduct),
        ({"store_id": UNKNOWN, "caller": MANAGER}, UnknownStore),
        ({"store_id": NORTH}, OtherStore),
    ]
    for given, refusal in refused:
        with pytest.raises(refusal):
            await sell(pool, **given)
    assert (await movements(pool), await pool.fetchval("SELECT count(*) FROM inventory")) == (0, 0)


async def test_of_two_who_change_a_policy_the_second_reads_it_again(pool: Pool) -> None:
    answers = await asyncio.gather(allow(pool, "clerk"), allow(pool, "manager"), return_exceptions=True)
    assert outcomes(answers) == {"Policy": 1, "PreconditionFailed": 1}
    with pytest.raises(PreconditionFailed) as refused:
        await allow(pool, "owner", most=9, version=7)
    assert refused.value.facts["differs"]["most_pieces"] == {"sent": 9, "current": 2}
    assert await pool.fetchval("SELECT count(*) FROM audit WHERE action = 'set found policy'") == 1


async def test_many_hands_find_exactly_what_is_lacking(pool: Pool) -> None:
    """Three are there and eight are sold one by one: five were found."""
    await allow(pool, "clerk")
    await post(pool, request("inbound", 3))
    sold = await asyncio.gather(*[sell(pool, caller=who) for who in (VERA, OLEG) * 4])
    assert sorted(found for _, found, _ in sold) == [0, 0, 0, 1, 1, 1, 1, 1]
    assert await pieces(pool) == 0
    first = await asyncio.gather(*[sell(pool, product_id=AIR_FILTER) for _ in range(4)])
    assert [found for _, found, _ in first] == [1, 1, 1, 1]
    await assert_ledger_is_clean(pool)


async def test_a_piece_found_after_it_was_counted_is_not_put_right_twice(pool: Pool) -> None:
    """The count saw the piece that the ledger lacked; the found sale corrected the ledger before the approval."""
    await allow(pool, "clerk")
    opened = await open_stocktake(pool, PLUG)
    assert (await take(pool, opened, 1)).difference == 1
    await sell(pool)
    reviewed = await review(pool, opened)
    with pytest.raises(NotSettled):
        await approve(pool, reviewed)
    await approve(pool, reviewed, "leave")
    assert await pieces(pool) == 0
    assert await pool.fetchval("SELECT count(*) FROM recount_flags WHERE cleared_at IS NULL") == 1
    await assert_ledger_is_clean(pool)
