"""Every SQL constant of the package is planned on the newest schema: a renamed column fails here."""

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import psycopg
import pytest

from autoshop.catalog.categories import store as categories
from autoshop.catalog.products import store as products
from autoshop.inventory.allocation import store as allocations
from autoshop.inventory.found import store as found
from autoshop.inventory.levels import store as levels
from autoshop.inventory.levels.digests import store as digests
from autoshop.inventory.marks import store as marks
from autoshop.inventory.movements import store as movements
from autoshop.inventory.reservations import store as reservations
from autoshop.inventory.returns import store as returns
from autoshop.inventory.shelves import store as shelves
from autoshop.inventory.stock import store as stock
from autoshop.inventory.stock_on import store as stock_on
from autoshop.inventory.stocktakes import store as stocktakes
from autoshop.inventory.stocktakes.approval import store as approval
from autoshop.inventory.stocktakes.counts import store as counts
from autoshop.inventory.transfers import store as transfers
from autoshop.kit.db import Connection
from autoshop.warehouse.documents import store as documents
from tests.conftest import Database
from tests.statements import Statement, statements

pytestmark = pytest.mark.anyio

PLANNED = ("WITH", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE")
TEMPORARY = "CREATE TEMP TABLE"


class Refused(Exception):
    """What the server said of a statement."""


@pytest.fixture
async def db(database: Database) -> AsyncIterator[Connection]:
    """As the application, with every temporary table that some statement makes; nothing of it stays."""
    connection = await asyncpg.connect(database.url)
    transaction = connection.transaction()
    await transaction.start()
    await make_temporary_tables(connection)
    yield connection
    await transaction.rollback()
    await connection.close()


async def make_temporary_tables(db: Connection) -> None:
    """In an order that works out: some are made from others."""
    left = [statement for statement in statements() if TEMPORARY in statement.sql]
    while left:
        failed = []
        for statement in left:
            try:
                async with db.transaction():
                    await db.execute(statement.sql)
            except asyncpg.UndefinedTableError:
                failed.append(statement)
        assert len(failed) < len(left), f"they need tables that nobody makes: {', '.join(map(str, failed))}"
        left = failed


async def plan(db: Connection, sql: str) -> None:
    """Plan a statement whatever its values; run what has no plan, and several at once. Then it never was.

    Through the simple protocol: the server splits the text, and finds the types of the values.
    """
    one_with_a_plan = sql.lstrip().startswith(PLANNED) and ";" not in sql
    savepoint = db.transaction()
    await savepoint.start()
    try:
        await db.execute(f"EXPLAIN (GENERIC_PLAN) {sql}" if one_with_a_plan else sql)
    except asyncpg.PostgresError as error:
        raise Refused(str(error)) from error
    finally:
        await savepoint.rollback()


# ------------------------------------------------------------------------------------------------ as they stand
def is_psql(statement: Statement) -> bool:
    r"""Not for the server alone: \gexec and :"database"."""
    return r"\gexec" in statement.sql


def stands_alone(statement: Statement) -> bool:
    return not (
        statement.has_holes
        or is_psql(statement)
        or TEMPORARY in statement.sql
        or statement.sql.lstrip()[:6] == "VACUUM"
    )


async def test_every_statement_can_be_planned(db: Connection) -> None:
    wrong = {}
    for statement in filter(stands_alone, statements()):
        try:
            await plan(db, statement.sql)
        except Refused as refused:
            wrong[str(statement)] = str(refused)
    assert wrong == {}


async def test_what_only_the_owner_may_do(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    done = [await owner.execute(each.sql) for each in statements() if each.sql.lstrip().startswith("VACUUM")]
    await owner.close()
    assert done == ["VACUUM"]


async def test_a_renamed_column_is_found(db: Connection) -> None:
    with pytest.raises(Refused, match="now_called_otherwise"):
        await plan(db, "SELECT now_called_otherwise FROM products WHERE id = $1")
    with pytest.raises(Refused, match="permission denied"):
        await plan(db, "DELETE FROM movements WHERE id = $1")


def test_the_constants_are_found() -> None:
    found = {str(statement) for statement in statements()}
    assert len(found) > 150
    assert {"inventory.movements.store.POST_MOVEMENTS", "kit.idempotency.TAKE", "catalog.brands.store.LOCK"} <= found


# ------------------------------------------------------------------------------------------------ with conditions
class Listener:
    """Stands where a connection would, and keeps what it is asked."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def fetch(self, sql: str, *_values: object) -> list[object]:
        self.heard.append(sql)
        return []

    async def fetchrow(self, sql: str, *_values: object) -> dict[str, object]:
        self.heard.append(sql)
        return {"quantity": 0, "reserved": 0, "products": 0, "as_of": datetime.now(UTC)}


Ask = Callable[[Any], Coroutine[Any, Any, object]]


def each_and_all(
    conditions: dict[str, str], ask: Callable[[Any, dict[str, Any]], Coroutine[Any, Any, object]]
) -> list[Ask]:
    """Without a condition, with each, and with all of them."""
    choices = [{}, *({name: 1} for name in conditions), dict.fromkeys(conditions, 1)]
    return [lambda db, filters=filters: ask(db, filters) for filters in choices]  # type: ignore[misc]


def by_place(ask: Callable[..., Coroutine[Any, Any, object]], **more: Any) -> list[Ask]:
    return [
        lambda db, given=(store_id, product_id, available): ask(  # type: ignore[misc]
            db, store_id=given[0], product_id=given[1], available=given[2], **more
        )
        for store_id in (None, 1)
        for product_id in (None, 1)
        for available in (False, True)
    ]


NOW = datetime.now(UTC)
# Each statement with holes, and every way to fill them. A new one must be named here.
FILLED: dict[str, list[Ask]] = {
    "catalog.categories.store.LIST": [
        *each_and_all(categories.CONDITIONS, lambda db, filters: categories.list_page(db, filters, False, 10)),
        lambda db: categories.list_page(db, {}, True, 10),
    ],
    "catalog.products.store.LIST": [
        ask
        for by_change in (False, True)
        for ask in each_and_all(
            products.CONDITIONS,
            lambda db, filters, by_change=by_change: products.list_page(  # type: ignore[misc]
                db, filters, by_change=by_change, cost=True, limit=10
            ),
        )
    ],
    "inventory.allocation.store.LIST": [
        ask
        for late in (False, True)
        for ask in each_and_all(
            allocations.CONDITIONS,
            lambda db, filters, late=late: allocations.list_page(db, filters, 10, late=late),  # type: ignore[misc]
        )
    ],
    "inventory.allocation.store.PROMISES": [
        lambda db, given=given: allocations.promises(db, NOW, NOW, given[0], given[1], 10)  # type: ignore[misc]
        for given in [(None, None), (1, None), (None, 1), (1, 1)]
    ],
    "inventory.found.store.LIST": each_and_all(found.CONDITIONS, lambda db, filters: found.list_page(db, filters, 10)),
    "inventory.stocktakes.store.LINES": [
        ask
        for by_difference in (False, True)
        for ask in each_and_all(
            stocktakes.CONDITIONS,
            lambda db, filters, by_difference=by_difference: stocktakes.lines(  # type: ignore[misc]
                db, filters, 10, by_difference=by_difference
            ),
        )
    ],
    "inventory.levels.store.LIST": [
        partial(levels.list_page, store_id=store_id, product_id=product_id, after=after, limit=10)
        for store_id in (None, 1)
        for product_id in (None, 1)
        for after in (None, (1, 1))
    ],
    "inventory.levels.store.BELOW": [
        partial(levels.below_at, store_id=store_id, product_id=product_id, after=(-1, 0, 0), limit=10)
        for store_id, product_id in ((1, None), (None, 1), (1, 1))
    ],
    "inventory.levels.digests.store.LIST": each_and_all(
        digests.CONDITIONS, lambda db, filters: digests.list_page(db, filters, 10)
    ),
    "inventory.marks.store.LIST": [
        lambda db, movement_id=movement_id, unit=unit, after=after: marks.list_page(  # type: ignore[misc]
            db, movement_id=movement_id, unit=unit, after=after, limit=10
        )
        for movement_id in (None, 1)
        for unit in (None, ("04601234567893", "a"))
        for after in (None, (1, "04601234567893", "a"))
    ],
    "inventory.shelves.store.LIST": [
        lambda db, given=(store_id, product_id, key, after): shelves.list_page(  # type: ignore[misc]
            db, store_id=given[0], product_id=given[1], place_key=given[2], after=given[3], limit=10
        )
        for store_id in (None, 1)
        for product_id in (None, 1)
        for key in (None, "A 013")
        for after in (None, (1, "A 013", 1))
    ],
    "inventory.movements.store.LIST": each_and_all(
        movements.CONDITIONS, lambda db, filters: movements.list_page(db, filters, 10)
    ),
    "inventory.reservations.store.LIST": [
        ask
        for status in (None, *reservations.STATUSES)
        for ask in each_and_all(
            {**reservations.CONDITIONS, **reservations.OF_LINES},
            lambda db, filters, status=status: reservations.list_page(db, filters, 10, status),  # type: ignore[misc]
        )
    ],
    "inventory.returns.store.LIST": each_and_all(
        returns.CONDITIONS, lambda db, filters: returns.list_page(db, filters, 10)
    ),
    "inventory.stock.store.PAGE": [
        *by_place(stock.list_page, after=None, limit=10),
        *by_place(stock.list_page, after=(1, 1), limit=10),
    ],
    "inventory.stock_on.store.PLACES": [
        lambda db, given=(store_id, product_id, after): stock_on.places(db, *given, 10)  # type: ignore[misc,call-arg]
        for store_id in (None, 1)
        for product_id in (None, 1)
        for after in (None, (1, 1))
    ],
    "inventory.stock.store.TOTALS": by_place(stock.totals),
    "warehouse.documents.store.LIST": each_and_all(
        documents.CONDITIONS, lambda db, filters: documents.list_page(db, filters, 10)
    ),
    "inventory.transfers.store.LIST": each_and_all(
        transfers.CONDITIONS, lambda db, filters: transfers.list_page(db, filters, 10)
    ),
    "inventory.transfers.store.LIST_DIFFERENCES": each_and_all(
        transfers.DIFFERENCE_CONDITIONS, lambda db, filters: transfers.list_differences(db, filters, 10)
    ),
}


def test_every_statement_with_holes_is_filled_here() -> None:
    assert {str(statement) for statement in statements() if statement.has_holes} == FILLED.keys()


@pytest.mark.parametrize("name", FILLED)
async def test_a_statement_can_be_planned_with_every_condition(db: Connection, name: str) -> None:
    listener = Listener()
    for ask in FILLED[name]:
        await ask(listener)
    assert len(listener.heard) == len(FILLED[name])
    for sql in listener.heard:
        await plan(db, sql)


@pytest.mark.parametrize(
    ("sql", "key"),
    [
        (counts.SETTLE, "product_id"),
        (approval.ZERO, "product_id"),
        (documents.KEEP_PRODUCTS, "number"),
        (documents.KEEP_TRANSFERS, "number"),
    ],
)
def test_lines_of_a_new_document_are_looked_up_one_by_one(database: Database, sql: str, key: str) -> None:
    """Statistics know nothing of it, so PostgreSQL takes it for one line: it must not walk all lines for each."""
    with psycopg.connect(database.super_url) as db:
        db.execute("SET enable_seqscan = off")
        plan = [row[0] for row in db.execute(f"EXPLAIN (GENERIC_PLAN) {sql}".encode())]
    assert any("Index Cond" in line and f"({key} = w.{key})" in line for line in plan), plan
