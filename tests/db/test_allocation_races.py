"""Who allocates at the same moment as somebody else: nothing is held twice, and nobody is refused what is there."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any, ClassVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from autoshop.inventory.allocation import service
from autoshop.inventory.allocation.model import Allocation, NotAllocated
from autoshop.inventory.movements.model import InsufficientStock
from autoshop.inventory.reservations import service as reservations
from autoshop.kit.db import Pool, open_pool, transaction
from tests.allocations import DAY, allocate, look, taken, wish
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database
from tests.ledger import MANAGER, assert_ledger_is_clean, outcomes, pieces, post, request
from tests.reservations import HERE, THERE, reserve, reserved
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

SOUTH = 3
LOCK = "SELECT FROM inventory WHERE product_id = $1 AND store_id = $2 FOR NO KEY UPDATE NOWAIT"
BOTH = [(PLUG, 2), (OIL_FILTER, 1)]


@pytest.fixture
async def pool(pool: Pool) -> Pool:
    """With a third store."""
    await pool.execute("INSERT INTO stores (id, code, name) VALUES ($1, 'south', 'Юг')", SOUTH)
    return pool


async def sums(pool: Pool) -> tuple[int, int]:
    """Pieces allocated, and pieces reserved."""
    allocated: int = await pool.fetchval("SELECT coalesce(sum(pieces), 0) FROM allocation_lines")
    held: int = await pool.fetchval("SELECT coalesce(sum(reserved), 0) FROM inventory")
    return allocated, held


async def test_of_two_who_want_the_last_pieces_one_has_them(pool: Pool) -> None:
    await post(pool, request("inbound", 1), request("inbound", 2, store_id=NORTH))
    answers = await asyncio.gather(*[allocate(pool, (PLUG, 3)) for _ in range(2)], return_exceptions=True)
    assert outcomes(answers) == {"Allocation": 1, "NotAllocated": 1}
    assert await sums(pool) == (3, 3)
    await assert_ledger_is_clean(pool)


async def test_who_comes_second_is_given_what_lies_elsewhere(pool: Pool) -> None:
    """Both saw the pieces of the north; the second looks again and has those of the south."""
    await post(pool, request("inbound", 2, store_id=NORTH), request("inbound", 1, store_id=SOUTH))
    async with transaction(pool) as first:
        made = await service.allocate(first, MANAGER, wish(((PLUG, 2),)), DAY, datetime.now(UTC))
        second = asyncio.create_task(allocate(pool, (PLUG, 1)))
        await waiting_for_locks(pool, 1)
    assert (taken(made), taken(await second)) == ([(PLUG, NORTH, 2)], [(PLUG, SOUTH, 1)])
    await assert_ledger_is_clean(pool)


async def test_who_lost_every_race_decides_under_locks(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was seen is taken, each time just before it is held, and as much comes to the other store."""
    await post(pool, request("inbound", 3, store_id=NORTH))
    propose, tries = service.propose, 0

    async def overtaken(*args: Any) -> Any:
        nonlocal tries
        tries += 1
        seen = await propose(*args)
        if tries <= service.TRIES:
            source = seen.choice.parts[0].from_store_id
            await reserve(pool, ((PLUG, source), 3))
            await post(pool, request("inbound", 3, store_id=NORTH + SOUTH - source))
        else:
            with pytest.raises(asyncpg.LockNotAvailableError):
                await pool.execute(LOCK, PLUG, SOUTH)
        return seen

    monkeypatch.setattr(service, "propose", overtaken)
    made = await allocate(pool, (PLUG, 3))
    assert (tries, made.rule, taken(made)) == (service.TRIES + 1, "one_store", [(PLUG, SOUTH, 3)])
    assert await reserved(pool, THERE) == (6, 6)
    await assert_ledger_is_clean(pool)


async def test_a_try_that_failed_holds_nothing(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first place was held, the second was gone: the first is let go with it."""
    await post(pool, request("inbound", 3), request("inbound", 3, store_id=NORTH), request("inbound", 9, OIL_FILTER))
    propose, seen = service.propose, []

    async def overtaken(*args: Any) -> Any:
        seen.append(await propose(*args))
        if len(seen) == 1:
            await reserve(pool, (THERE, 3))
        return seen[-1]

    monkeypatch.setattr(service, "propose", overtaken)
    with pytest.raises(NotAllocated) as refused:
        await allocate(pool, (PLUG, 5), (OIL_FILTER, 1))
    assert [(one["line"], one["available"]) for one in refused.value.facts["lines"]] == [(0, 3)]
    assert (await reserved(pool), await sums(pool)) == ((0, 0), (0, 3))
    await assert_ledger_is_clean(pool)


async def test_fifty_orders_for_thirty_pieces_at_three_stores(pool: Pool) -> None:
    await post(pool, *[request("inbound", 10, store_id=store_id) for store_id in (CENTRE, NORTH, SOUTH)])
    wanted = [allocate(pool, (PLUG, 1), store_id=(CENTRE, NORTH, SOUTH)[number % 3]) for number in range(50)]
    answers = await asyncio.gather(*wanted, return_exceptions=True)
    assert outcomes(answers) == {"Allocation": 30, "NotAllocated": 20}
    assert await sums(pool) == (30, 30)
    await assert_ledger_is_clean(pool)


async def test_allocations_sales_and_holds_in_every_order_never_oversell_nor_wait_in_a_circle(pool: Pool) -> None:
    places = [(product, store) for product in (PLUG, OIL_FILTER) for store in (CENTRE, NORTH, SOUTH)]
    await post(pool, *[request("inbound", 40, *place) for place in places])

    async def one(number: int) -> Any:
        store_id = (CENTRE, NORTH, SOUTH)[number % 3]
        if number % 4 == 0:
            return await post(pool, request("sale", 2, PLUG, store_id), request("sale", 1, OIL_FILTER, store_id))
        if number % 4 == 1:
            return await reserve(pool, ((OIL_FILTER, store_id), 1), ((PLUG, store_id), 3))
        made = await allocate(pool, *BOTH[:: 1 if number % 3 else -1], store_id=store_id)
        if number % 4 == 2:
            async with transaction(pool) as db:
                await reservations.fulfil(db, MANAGER, made.reservation_id, None, None)
        return made

    answers = await asyncio.gather(*[one(number) for number in range(160)], return_exceptions=True)
    expected = {"list", "Reservation", "Allocation", "NotAllocated", "InsufficientStock", "BatchRefused", "HoldRefused"}
    assert outcomes(answers).keys() <= expected, answers
    made = [await look(pool, answer) for answer in answers if isinstance(answer, Allocation)]
    assert Counter(one.state for one in made)["kept"] > 0
    held = await pool.fetchval("SELECT sum(held) FROM reservation_lines")
    assert held == (await sums(pool))[1]
    await assert_ledger_is_clean(pool)


async def test_a_sale_and_an_allocation_of_the_last_piece(pool: Pool) -> None:
    for _ in range(10):
        await post(pool, request("inbound", 1))
        answers = await asyncio.gather(
            allocate(pool, (PLUG, 1)), post(pool, request("sale", 1)), return_exceptions=True
        )
        lost = [answer for answer in answers if isinstance(answer, NotAllocated | InsufficientStock)]
        assert len(lost) == 1, answers
    held, _ = await reserved(pool, HERE)
    assert await pieces(pool) == held, "whatever is left is allocated"
    await assert_ledger_is_clean(pool)


# ------------------------------------------------------------------------------------------------ a model
STORES = (CENTRE, NORTH, SOUTH)


class Orders(RuleBasedStateMachine):
    """Whatever is allocated, sold and given back in whatever order: the model knows what is free where."""

    pool: ClassVar[Pool]
    runner: ClassVar[asyncio.Runner]
    seen: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        made = "INSERT INTO products (brand_id, article, article_key, article_loose, name) SELECT 1, a, a, a, 'Model'"
        new = made + " FROM (SELECT 'M' || nextval('movements_id_seq') AS a) AS n RETURNING id"
        self.products = [self.run(self.pool.fetchval(new)) for _ in range(2)]
        self.free = {(product, store): 0 for product in self.products for store in STORES}
        self.open: list[Allocation] = []

    def run(self, what: Any) -> Any:
        return self.runner.run(what)

    @rule(product=st.integers(0, 1), store=st.sampled_from(STORES), pieces=st.integers(1, 4))
    def arrive(self, product: int, store: int, pieces: int) -> None:
        place = self.products[product], store
        self.run(post(self.pool, request("inbound", pieces, *place)))
        self.free[place] += pieces

    @rule(store=st.sampled_from(STORES), pieces=st.lists(st.integers(0, 4), min_size=2, max_size=2).filter(any))
    def allocate(self, store: int, pieces: list[int]) -> None:
        wanted = {product: count for product, count in zip(self.products, pieces, strict=True) if count}
        there = {product: sum(self.free[product, one] for one in STORES) for product in wanted}
        try:
            made: Allocation = self.run(allocate(self.pool, *wanted.items(), store_id=store))
        except NotAllocated:
            assert any(there[product] < count for product, count in wanted.items()), "refused although it is there"
            self.seen["refused"] += 1
            return
        self.seen[made.rule] += 1
        assert all(there[product] >= count for product, count in wanted.items())
        got = Counter[int]()
        for product, source, count in taken(made):
            self.free[product, source] -= count
            got[product] += count
        assert got == wanted
        self.open.append(made)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), sold=st.booleans())
    def end(self, data: st.DataObject, sold: bool) -> None:
        made = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))

        async def verb() -> None:
            async with transaction(self.pool) as db:
                if sold:
                    await reservations.fulfil(db, MANAGER, made.reservation_id, None, None)
                else:
                    await reservations.release(db, MANAGER, made.reservation_id, None)

        self.run(verb())
        assert self.run(look(self.pool, made)).state == ("kept" if sold else "withdrawn")
        self.seen["sold" if sold else "given back"] += 1
        for product, source, count in taken(made):
            self.free[product, source] += 0 if sold else count

    @invariant()
    def never_oversold(self) -> None:
        rows = self.run(
            self.pool.fetch(
                "SELECT i.product_id, i.store_id, i.quantity - i.reserved AS free, i.reserved, (SELECT"
                " coalesce(sum(held), 0) FROM reservation_lines AS l WHERE l.product_id = i.product_id"
                " AND l.store_id = i.store_id) AS held FROM inventory AS i WHERE i.product_id = ANY ($1::bigint[])",
                self.products,
            )
        )
        for row in rows:
            assert row["reserved"] == row["held"]
            assert row["free"] == self.free[row["product_id"], row["store_id"]] >= 0


def test_allocations_and_their_model_agree(database: Database) -> None:
    with asyncio.Runner() as runner:
        pool = runner.run(open_pool(database.settings(), name="test"))
        runner.run(pool.execute("INSERT INTO stores (id, code, name) VALUES ($1, 'south', 'Юг')", SOUTH))
        seen = Counter[str]()
        machine = type("OpenOrders", (Orders,), {"pool": pool, "runner": runner, "seen": seen})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=40, stateful_step_count=25, deadline=None, derandomize=True, database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
            runner.run(assert_ledger_is_clean(pool))
        finally:
            runner.run(pool.close())
        expected = {"refused", "wished_store", "one_store", "fewest_stores", "sold", "given back"}
        assert seen.keys() == expected, f"the machine left something out: {seen}"
