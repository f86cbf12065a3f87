"""The ledger on a real PostgreSQL: what nobody can do, and what a batch does whole or not at all."""

import asyncpg
import pytest

from autoshop.inventory.movements.model import (
    BatchRefused,
    InsufficientStock,
    TooManyPieces,
    UnknownProduct,
    UnknownStore,
)
from autoshop.kit.db import Pool
from tests.cast import AIR_FILTER, BRAKE_PADS, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN, WIPER
from tests.ledger import (
    assert_ledger_is_clean,
    movements,
    pieces,
    post,
    request,
    stock,
)

pytestmark = pytest.mark.anyio


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
