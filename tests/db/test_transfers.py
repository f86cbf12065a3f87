"""Reversals and transfers: what is undone is undone once, what is on the way arrives once."""

import asyncio

import psycopg
import pytest

from autoshop.accounts.model import staff
from autoshop.inventory.movements.model import (
    AlreadyReversed,
    InsufficientStock,
    Movement,
    NotReversible,
    UnknownMovement,
)
from autoshop.inventory.transfers import service as transfers
from autoshop.inventory.transfers.model import MoreThanShipped, NoWayThere, StoreClosed, TransferClosed, UnknownTransfer
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import Refusal
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import Database
from tests.ledger import (
    assert_ledger_is_clean,
    outcomes,
    pieces,
    post,
    receive,
    request,
    reverse,
    stock,
)

pytestmark = pytest.mark.anyio


# ------------------------------------------------------------------------------------------------ reversal
async def test_what_cannot_be_reversed_is_refused(pool: Pool) -> None:
    [inbound] = await post(pool, request("inbound", 5))
    await post(pool, request("sale", 3))
    with pytest.raises(UnknownMovement):
        await reverse(pool, UNKNOWN)
    with pytest.raises(InsufficientStock):  # three of the five pieces are gone
        await reverse(pool, inbound.id)
    assert await pieces(pool) == 2


async def test_a_reversal_undoes_a_movement_once(pool: Pool) -> None:
    [inbound] = await post(pool, request("inbound", 5, document="delivery-1"))
    undone = await reverse(pool, inbound.id, "wrong box")
    assert (undone.delta, undone.movement_type, undone.reverses_id) == (-5, "inbound", inbound.id)
    assert (undone.related_document, undone.reason) == ("delivery-1", "wrong box")
    assert await pieces(pool) == 0
    with pytest.raises(AlreadyReversed):
        await reverse(pool, inbound.id)
    with pytest.raises(NotReversible):
        await reverse(pool, undone.id)
    await assert_ledger_is_clean(pool)


async def test_of_two_who_reverse_at_once_one_is_refused(pool: Pool) -> None:
    for _ in range(10):
        [sale] = (await post(pool, request("inbound", 2), request("sale", 2)))[1:]
        answers = await asyncio.gather(*[reverse(pool, sale.id) for _ in range(4)], return_exceptions=True)
        assert outcomes(answers) == {"Movement": 1, "AlreadyReversed": 3}
    await assert_ledger_is_clean(pool)


async def test_an_adjustment_is_reversed_with_its_sign(pool: Pool) -> None:
    up, down = await post(pool, request("adjustment", 5), request("adjustment", -2))
    assert (await reverse(pool, down.id)).delta == 2
    assert (await reverse(pool, up.id)).delta == -5
    await assert_ledger_is_clean(pool)


# ------------------------------------------------------------------------------------------------ transfers
async def shipped(pool: Pool, quantity: int = 5) -> Movement:
    """Plugs on the way from the centre to the north; none are left in the centre."""
    return (await post(pool, request("inbound", quantity), request("transfer", quantity, to_store_id=NORTH)))[1]


async def test_what_cannot_be_received_is_refused(pool: Pool) -> None:
    movement = await shipped(pool)
    with pytest.raises(UnknownTransfer):
        await receive(pool, UNKNOWN)
    with pytest.raises(MoreThanShipped):
        await receive(pool, movement.transfer_id, {PLUG: 6})
    with pytest.raises(MoreThanShipped):
        await receive(pool, movement.transfer_id, {OIL_FILTER: 1})
    assert await stock(pool) == {}


async def test_a_receipt_in_parts(pool: Pool) -> None:
    movement = await shipped(pool)
    transfer, [first] = await receive(pool, movement.transfer_id, {PLUG: 2})
    assert (transfer.status, transfer.lines[0].on_the_way, first.balance_after) == ("in_transit", 3, 2)
    await assert_ledger_is_clean(pool)
    with pytest.raises(MoreThanShipped):
        await receive(pool, movement.transfer_id, {PLUG: 4})
    transfer, [rest] = await receive(pool, movement.transfer_id)
    assert (transfer.status, rest.delta) == ("received", 3)
    assert transfer.closed_at is not None
    with pytest.raises(TransferClosed):
        await receive(pool, movement.transfer_id)
    assert await stock(pool) == {(PLUG, NORTH): 5}
    await assert_ledger_is_clean(pool)


async def test_a_shipment_is_received_once_however_many_press_the_button(pool: Pool) -> None:
    movement = await shipped(pool)
    answers = await asyncio.gather(*[receive(pool, movement.transfer_id) for _ in range(6)], return_exceptions=True)
    assert outcomes(answers) == {"tuple": 1, "TransferClosed": 5}
    assert await stock(pool) == {(PLUG, NORTH): 5}


async def test_a_shipment_on_the_way_is_called_back(pool: Pool) -> None:
    movement = await shipped(pool)
    undone = await reverse(pool, movement.id)
    assert (undone.delta, undone.store_id) == (5, CENTRE)
    assert await stock(pool) == {(PLUG, CENTRE): 5}
    assert await pool.fetchval("SELECT status FROM transfers") == "cancelled"
    with pytest.raises(TransferClosed):
        await receive(pool, movement.transfer_id)
    with pytest.raises(AlreadyReversed):
        await reverse(pool, movement.id)
    await assert_ledger_is_clean(pool)


async def test_pieces_that_came_cannot_be_called_back(pool: Pool) -> None:
    movement = await shipped(pool)
    _, [receipt] = await receive(pool, movement.transfer_id, {PLUG: 2})
    with pytest.raises(MoreThanShipped):
        await reverse(pool, movement.id)
    with pytest.raises(NotReversible):
        await reverse(pool, receipt.id)
    assert await stock(pool) == {(PLUG, NORTH): 2}


async def test_a_receipt_races_a_call_back_and_one_of_them_has_the_pieces(pool: Pool) -> None:
    for _ in range(10):
        movement = await shipped(pool)
        answers = await asyncio.gather(
            receive(pool, movement.transfer_id), reverse(pool, movement.id), return_exceptions=True
        )
        assert len([one for one in answers if isinstance(one, Refusal)]) == 1, answers
    assert sum((await stock(pool)).values()) == 50
    await assert_ledger_is_clean(pool)


async def test_two_lines_of_one_shipment_are_called_back_apart(pool: Pool) -> None:
    _, first, second = await post(
        pool,
        request("inbound", 5),
        request("transfer", 2, to_store_id=NORTH),
        request("transfer", 3, to_store_id=NORTH),
    )
    assert first.transfer_id == second.transfer_id
    await reverse(pool, first.id)
    with pytest.raises(AlreadyReversed):
        await reverse(pool, first.id)
    transfer, _ = await receive(pool, second.transfer_id)
    assert (transfer.status, transfer.lines[0].returned, transfer.lines[0].received) == ("received", 2, 3)
    assert await stock(pool) == {(PLUG, CENTRE): 2, (PLUG, NORTH): 3}
    await assert_ledger_is_clean(pool)


async def test_a_batch_makes_one_shipment_for_each_direction_and_document(pool: Pool) -> None:
    await post(pool, request("inbound", 9), request("inbound", 9, OIL_FILTER), request("inbound", 9, store_id=NORTH))
    made = await post(
        pool,
        request("transfer", 1, to_store_id=NORTH, document="a"),
        request("transfer", 1, OIL_FILTER, to_store_id=NORTH, document="a"),
        request("transfer", 1, to_store_id=NORTH, document="b"),
        request("transfer", 1, store_id=NORTH, to_store_id=CENTRE, document="a"),
    )
    assert made[0].transfer_id == made[1].transfer_id
    assert len({one.transfer_id for one in made}) == 3


async def test_nothing_is_shipped_to_a_store_that_never_opens(pool: Pool, database: Database) -> None:
    await post(pool, request("inbound", 5))
    with psycopg.connect(database.owner_url) as db:
        dates = "SELECT array_agg(d::date) FROM generate_series(now() - interval '2 days', now() + interval '420 days', '1 day') AS d"  # noqa: E501
        db.execute(f"UPDATE stores SET closed_dates = ({dates}) WHERE id = 2")
    with pytest.raises(NoWayThere):
        await post(pool, request("transfer", 1, to_store_id=NORTH))
    assert await pieces(pool) == 5


async def test_nothing_is_shipped_to_a_store_that_closed_and_what_lies_there_comes_back(
    pool: Pool, database: Database
) -> None:
    await post(pool, request("inbound", 5), request("inbound", 5, store_id=NORTH))
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE stores SET active = false WHERE id = %s", (NORTH,))
    with pytest.raises(StoreClosed, match="no longer in business"):
        await post(pool, request("transfer", 1, to_store_id=NORTH))
    await post(pool, request("transfer", 4, store_id=NORTH, to_store_id=CENTRE), request("writeoff", 1, store_id=NORTH))
    assert (await pieces(pool), await pieces(pool, store_id=NORTH)) == (5, 0)


async def test_a_clerk_ships_from_his_store_and_receives_at_it(pool: Pool) -> None:
    vera, oleg = staff("vera", "clerk", frozenset({CENTRE})), staff("oleg", "clerk", frozenset({NORTH}))
    await post(pool, request("inbound", 5))
    with pytest.raises(Refusal):
        await post(pool, request("transfer", 1, to_store_id=NORTH), caller=oleg)
    [sent] = await post(pool, request("transfer", 1, to_store_id=NORTH), caller=vera)
    for caller, allowed in [(vera, False), (oleg, True)]:
        try:
            async with transaction(pool) as db:
                await transfers.receive(db, caller, sent.transfer_id or 0, None)
            assert allowed
        except Refusal:
            assert not allowed
    assert await pieces(pool, store_id=NORTH) == 1
