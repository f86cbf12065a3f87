"""The ledger on a real PostgreSQL: what nobody can do, what races cannot break."""

import asyncio
import random
from datetime import UTC, datetime

import asyncpg
import psycopg
import pytest

from autoshop.accounts.model import staff
from autoshop.inventory.movements.model import (
    AlreadyReversed,
    BatchRefused,
    InsufficientStock,
    Movement,
    NotReversible,
    TooManyPieces,
    UnknownMovement,
    UnknownProduct,
    UnknownStore,
)
from autoshop.inventory.transfers import service as transfers
from autoshop.inventory.transfers.model import MoreThanShipped, NoWayThere, Transfer, TransferClosed, UnknownTransfer
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import Refusal
from tests.cast import AIR_FILTER, BRAKE_PADS, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN, WIPER
from tests.conftest import Database
from tests.ledger import MANAGER, assert_ledger_is_clean, movements, outcomes, pieces, post, request, stock

pytestmark = pytest.mark.anyio


async def reverse(pool: Pool, movement_id: int, reason: str | None = None) -> Movement:
    async with transaction(pool) as db:
        return await transfers.reverse(db, MANAGER, movement_id, reason)


async def receive(
    pool: Pool, transfer_id: int | None, pieces: dict[int, int] | None = None
) -> tuple[Transfer, list[Movement]]:
    assert transfer_id is not None
    async with transaction(pool) as db:
        return await transfers.receive(db, MANAGER, transfer_id, pieces, datetime.now(UTC))


# ------------------------------------------------------------------------------------------------ append-only
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE movements SET quantity = 1",
        "DELETE FROM movements",
        "TRUNCATE movements",
        "TRUNCATE inventory",
        "DELETE FROM inventory",
        "DELETE FROM products",
        "DELETE FROM stores",
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "DELETE FROM transfers",
        "DELETE FROM transfer_lines",
        "UPDATE ledger_checks SET differences = 0",
        "DELETE FROM ledger_checks",
        "ALTER TABLE movements DISABLE TRIGGER ALL",
        "ALTER TABLE inventory DROP CONSTRAINT inventory_never_oversold",
        "DROP TABLE movements",
        "CREATE TABLE mine (id int)",
        "SELECT setval('movements_id_seq', 1)",
        "UPDATE alembic_version SET version_num = 'x'",
        "SET ROLE autoshop",
    ],
)
async def test_the_application_has_no_right_to(pool: Pool, sql: str) -> None:
    await post(pool, request("inbound", 5))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(sql)
    assert await pieces(pool) == 5


@pytest.mark.parametrize(
    "change",
    [
        "quantity = -1",
        "quantity = 4, reserved = 5",
        "reserved = -1",
        "quantity = 1000000001",
    ],
)
async def test_no_row_of_stock_can_be_impossible(pool: Pool, change: str) -> None:
    await post(pool, request("inbound", 5))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await pool.execute(f"UPDATE inventory SET {change}")


@pytest.mark.parametrize("place", [(UNKNOWN, CENTRE), (PLUG, 999)])
async def test_no_stock_of_what_is_not_there(pool: Pool, place: tuple[int, int]) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await pool.execute("INSERT INTO inventory (product_id, store_id) VALUES ($1, $2)", *place)
    await post(pool, request("inbound", 5))
    for column, value in zip(("product_id", "store_id"), place, strict=True):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(f"UPDATE inventory SET {column} = $1", value)


@pytest.mark.parametrize(
    "values",
    [
        "'gift', 1, 1, 1",
        "'sale', 0, 0, 1",
        "'sale', -1, -1, 1",
        "'sale', 2, -1, 1",
        "'sale', 1, -1, -1",
    ],
)
async def test_no_line_of_the_ledger_can_be_impossible(pool: Pool, values: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(
            "INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, actor,"
            f" created_at) VALUES (1, 1, {values}, 'x', now())"
        )


# ------------------------------------------------------------------------------------------------ refusals
async def test_more_than_there_is_cannot_leave(pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    with pytest.raises(InsufficientStock) as refused:
        await post(pool, request("sale", 6))
    assert (refused.value.facts["asked"], refused.value.facts["available"]) == (6, 5)
    assert (await pieces(pool), await movements(pool)) == (5, 1)


async def test_reserved_pieces_cannot_be_sold(pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    await pool.execute("UPDATE inventory SET reserved = 3")
    with pytest.raises(InsufficientStock) as refused:
        await post(pool, request("sale", 3))
    assert (refused.value.facts["available"], refused.value.facts["reserved"]) == (2, 3)
    await post(pool, request("sale", 2))


async def test_the_first_movement_of_a_product_may_not_be_a_sale(pool: Pool) -> None:
    with pytest.raises(InsufficientStock):
        await post(pool, request("sale", 1))
    assert await movements(pool) == 0


async def test_unknown_products_and_stores_are_refused(pool: Pool) -> None:
    with pytest.raises(UnknownProduct):
        await post(pool, request("inbound", 1, product_id=UNKNOWN))
    with pytest.raises(UnknownStore):
        await post(pool, request("inbound", 1, store_id=UNKNOWN))
    with pytest.raises(UnknownStore):
        await post(pool, request("transfer", 1, to_store_id=UNKNOWN))


async def test_no_shelf_holds_more_than_a_billion(pool: Pool) -> None:
    await post(pool, *[request("inbound", 1_000_000)] * 1000)
    with pytest.raises(TooManyPieces):
        await post(pool, request("inbound", 1))
    with pytest.raises(TooManyPieces):
        await post(pool, *[request("inbound", 1_000_000)] * 1000)
    assert await pieces(pool) == 1_000_000_000
    await assert_ledger_is_clean(pool)


# ------------------------------------------------------------------------------------------------ batches
async def test_a_batch_tells_every_line_that_stood_in_the_way_and_does_nothing(pool: Pool) -> None:
    await post(pool, request("inbound", 5), request("inbound", 5, OIL_FILTER))
    with pytest.raises(BatchRefused) as refused:
        await post(
            pool,
            request("sale", 1),
            request("sale", 6, OIL_FILTER),
            request("sale", 1, UNKNOWN),
            request("inbound", 1, AIR_FILTER),
            request("sale", 1, BRAKE_PADS, NORTH),
            request("inbound", 1, WIPER, UNKNOWN),
        )
    told = refused.value.facts["lines"]
    assert [(one["line"], one["title"]) for one in told] == [
        (1, "Insufficient stock"),
        (2, "Unknown product"),
        (4, "Insufficient stock"),
        (5, "Unknown store"),
    ]
    assert await stock(pool) == {(PLUG, CENTRE): 5, (OIL_FILTER, CENTRE): 5}
    assert await movements(pool) == 2


async def test_lines_that_fit_alone_but_not_together_are_refused(pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    with pytest.raises(BatchRefused) as refused:
        await post(pool, request("sale", 3), request("sale", 3))
    assert [(one["line"], one["asked"], one["available"]) for one in refused.value.facts["lines"]] == [
        (0, 6, 5),
        (1, 6, 5),
    ]


async def test_a_batch_may_not_borrow_from_its_own_future(pool: Pool) -> None:
    with pytest.raises(BatchRefused):
        await post(pool, request("sale", 3), request("inbound", 5))
    posted = await post(pool, request("inbound", 5), request("sale", 3), request("sale", 2), request("return", 1))
    assert [one.balance_after for one in posted] == [5, 2, 0, 1]
    await assert_ledger_is_clean(pool)


async def test_a_refused_line_takes_the_shipment_with_it(pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    with pytest.raises(BatchRefused):
        await post(pool, request("transfer", 2, to_store_id=NORTH), request("sale", 1, OIL_FILTER))
    assert await pool.fetchval("SELECT count(*) FROM transfers") == 0
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_a_thousand_lines_in_one_batch(pool: Pool) -> None:
    lines = [request("inbound", 1 + n % 7, 1 + n % 6, 1 + n % 2) for n in range(1000)]
    posted = await post(pool, *lines)
    assert [(one.product_id, one.store_id, one.delta) for one in posted] == [
        (one.product_id, one.store_id, one.quantity) for one in lines
    ]
    await assert_ledger_is_clean(pool)


# ------------------------------------------------------------------------------------------------ races
async def test_two_racers_for_the_first_movement_of_a_product_at_a_store(pool: Pool) -> None:
    for product_id in range(1, 7):
        await asyncio.gather(*[post(pool, request("inbound", 1, product_id)) for _ in range(8)])
    assert set((await stock(pool)).values()) == {8}
    await assert_ledger_is_clean(pool)


async def test_the_first_arrival_and_the_first_sale_race(pool: Pool) -> None:
    for product_id in range(1, 7):
        answers = await asyncio.gather(
            post(pool, request("sale", 1, product_id)),
            post(pool, request("inbound", 1, product_id)),
            post(pool, request("sale", 1, product_id)),
            return_exceptions=True,
        )
        counted = outcomes(answers)
        assert counted.keys() <= {"list", "InsufficientStock"}, answers
        assert counted["list"] <= 2
    await assert_ledger_is_clean(pool)


async def test_a_first_movement_that_is_taken_back_leaves_room_for_the_one_who_waits(pool: Pool) -> None:
    """One transaction makes the row and rolls back while another waits for it."""
    async with pool.acquire() as db:
        held = db.transaction()
        await held.start()
        await transfers.post_requests(db, MANAGER, [request("inbound", 100)], datetime.now(UTC))
        waiting = asyncio.create_task(post(pool, request("inbound", 3)))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await held.rollback()
    [movement] = await waiting
    assert movement.balance_after == 3
    assert await pieces(pool) == 3


async def test_a_sale_waits_for_the_sale_before_it_and_then_sees_what_is_left(pool: Pool) -> None:
    await post(pool, request("inbound", 5))
    async with pool.acquire() as db:
        held = db.transaction()
        await held.start()
        await transfers.post_requests(db, MANAGER, [request("sale", 3)], datetime.now(UTC))
        waiting = asyncio.create_task(post(pool, request("sale", 3)))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await held.commit()
    with pytest.raises(InsufficientStock) as refused:
        await waiting
    assert refused.value.facts["available"] == 2
    assert await pieces(pool) == 2


async def test_of_a_hundred_sales_of_fifty_pieces_fifty_are_done(pool: Pool) -> None:
    await post(pool, request("inbound", 50))
    answers = await asyncio.gather(*[post(pool, request("sale", 1)) for _ in range(100)], return_exceptions=True)
    assert outcomes(answers) == {"list": 50, "InsufficientStock": 50}
    assert await pieces(pool) == 0
    await assert_ledger_is_clean(pool)


async def test_batches_in_opposite_order_never_wait_in_a_circle(pool: Pool) -> None:
    """Some rows exist and some do not; every batch takes all of them in an order of its own."""
    dice = random.Random(7)
    places = [(product_id, store_id) for product_id in range(1, 7) for store_id in (CENTRE, NORTH)]
    await post(pool, *[request("inbound", 1, *place) for place in places[::3]])

    async def one_batch() -> None:
        shuffled = places[:]
        dice.shuffle(shuffled)
        lines = [request("inbound", 2, *place) for place in shuffled]
        dice.shuffle(shuffled)
        await post(pool, *lines, *[request("sale", 1, *place) for place in shuffled])

    for _ in range(25):
        await asyncio.gather(*[one_batch() for _ in range(8)])
    assert sum((await stock(pool)).values()) == 25 * 8 * len(places) + len(places[::3])
    await assert_ledger_is_clean(pool)


async def test_shipments_against_each_other_and_their_receipts_never_wait_in_a_circle(pool: Pool) -> None:
    await post(pool, *[request("inbound", 100, 1 + n, 1 + s) for n in range(3) for s in range(2)])

    async def there_and_back(from_id: int, to_id: int, order: list[int]) -> None:
        shipped = await post(pool, *[request("transfer", 1, product, from_id, to_id) for product in order])
        assert len({one.transfer_id for one in shipped}) == 1
        await receive(pool, shipped[0].transfer_id)

    for _ in range(15):
        await asyncio.gather(
            there_and_back(CENTRE, NORTH, [1, 2, 3]),
            there_and_back(NORTH, CENTRE, [3, 2, 1]),
            there_and_back(CENTRE, NORTH, [2, 3, 1]),
            there_and_back(NORTH, CENTRE, [1, 3, 2]),
        )
    assert set((await stock(pool)).values()) == {100}
    await assert_ledger_is_clean(pool)


async def test_time_never_runs_back_within_a_place(pool: Pool) -> None:
    await post(pool, request("inbound", 1000), request("inbound", 1000, OIL_FILTER))

    async def sell(product_id: int) -> None:
        for _ in range(15):
            await post(pool, request("sale", 1, product_id), request("sale", 1, product_id))

    await asyncio.gather(*[sell(product_id) for product_id in (PLUG, OIL_FILTER) for _ in range(4)])
    backwards = await pool.fetchval(
        "SELECT count(*) FROM (SELECT created_at < lag(created_at) OVER (PARTITION BY product_id, store_id ORDER BY id)"
        " AS back FROM movements) AS m WHERE back"
    )
    assert backwards == 0
    await assert_ledger_is_clean(pool)


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


async def test_a_clerk_ships_from_his_store_and_receives_at_it(pool: Pool) -> None:
    vera, oleg = staff("vera", "clerk", frozenset({CENTRE})), staff("oleg", "clerk", frozenset({NORTH}))
    await post(pool, request("inbound", 5))
    with pytest.raises(Refusal):
        await post(pool, request("transfer", 1, to_store_id=NORTH), caller=oleg)
    [sent] = await post(pool, request("transfer", 1, to_store_id=NORTH), caller=vera)
    for caller, allowed in [(vera, False), (oleg, True)]:
        try:
            async with transaction(pool) as db:
                await transfers.receive(db, caller, sent.transfer_id or 0, None, datetime.now(UTC))
            assert allowed
        except Refusal:
            assert not allowed
    assert await pieces(pool, store_id=NORTH) == 1
