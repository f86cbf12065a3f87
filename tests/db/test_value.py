"""What the stock is worth, reckoned from the ledger: against a naive simulation, through closings and transfers."""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import psycopg
import pytest

from autoshop.accounts.model import MissingScope, staff
from autoshop.inventory.stock.service import check_ledger
from autoshop.inventory.value import service
from autoshop.inventory.value.model import Method, TotalValue, nearest
from autoshop.kit.db import Pool, one_instant
from autoshop.kit.errors import Invalid
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database
from tests.ledger import assert_ledger_is_clean, movements, post, receive, request, reverse
from tests.papers import assert_proven, close, days_ago, paper, reopen, total, worth
from tests.returns import bring_back, send_back, undo

pytestmark = pytest.mark.anyio

CLERK = staff("vera", "clerk", frozenset({CENTRE}))
FEW = Decimal("0.000001")
METHODS: tuple[Method, ...] = ("average", "fifo")


# ------------------------------------------------------------------------------------------------ who, and on what
async def test_a_clerk_tells_no_cost(pool: Pool) -> None:
    with pytest.raises(MissingScope, match="cost:read"):
        await post(pool, paper("inbound", 5, cost=100), caller=CLERK)
    assert await movements(pool) == 0


@pytest.mark.parametrize("kind", ["sale", "writeoff", "adjustment", "transfer"])
async def test_only_what_comes_from_outside_has_a_cost(pool: Pool, kind: str) -> None:
    to = NORTH if kind == "transfer" else None
    with pytest.raises(Invalid, match="unit_cost_kopecks"):
        await post(pool, paper(kind, 1, cost=100, to_store_id=to))  # type: ignore[arg-type]
    assert await movements(pool) == 0


# ------------------------------------------------------------------------------------------------ by hand
async def test_the_average_moves_with_each_delivery(pool: Pool) -> None:
    await post(pool, paper("inbound", 10, 9, 100), paper("sale", 5, 8), paper("inbound", 10, 7, 200))
    found = [(await worth(pool, ago)).get(PLUG) for ago in (10, 9, 8, 7)]
    assert [one and (one.quantity, one.value_kopecks) for one in found] == [None, (10, 1000), (5, 500), (15, 2500)]
    assert (await worth(pool, 7, "fifo"))[PLUG].value_kopecks == 10 * 200 + 5 * 100
    await assert_ledger_is_clean(pool)


async def test_what_nobody_told_the_cost_of_is_unknown_and_never_nothing(pool: Pool) -> None:
    await post(pool, paper("inbound", 10, 5), caller=CLERK)
    for method in METHODS:
        found = await total(pool, 3, method)
        assert (found.value_kopecks, found.unknown_quantity, found.unknown_products) == (0, 10, 1)
        assert (await worth(pool, 3, method))[PLUG].value_kopecks is None
    await post(pool, paper("inbound", 10, 2, 300))
    assert (await worth(pool, 2))[PLUG].value_kopecks == 6000
    await post(pool, paper("inbound", 5, 1))
    assert (await worth(pool, 0))[PLUG].value_kopecks == 7500, "a receipt without a cost comes at the last known one"


async def test_on_the_way_pieces_keep_their_value(pool: Pool) -> None:
    await post(pool, paper("inbound", 7, 9, 333), paper("inbound", 4, 8, 1001))
    before = await total(pool, 0)
    [_, sent] = await post(pool, paper("transfer", 3, 5, to_store_id=NORTH), paper("transfer", 2, 4, to_store_id=NORTH))
    for ago in (5, 4, 0):
        for method in METHODS:
            now = await total(pool, ago, method)
            assert (now.quantity, now.value_kopecks) == (11, before.value_kopecks)
    parts = [await total(pool, 0, store_id=store_id) for store_id in (CENTRE, NORTH)]
    assert [part.quantity for part in parts] == [6, 0]
    await receive(pool, sent.transfer_id)
    parts = [await total(pool, 0, store_id=store_id) for store_id in (CENTRE, NORTH)]
    assert [part.quantity for part in parts] == [6, 5]
    assert sum(part.value_kopecks for part in parts) == before.value_kopecks
    await assert_ledger_is_clean(pool)


async def test_an_undone_sale_comes_back_as_it_left_even_over_a_closing(pool: Pool) -> None:
    await post(pool, paper("inbound", 10, 9, 100))
    [sale] = await post(pool, paper("sale", 5, 8))
    await post(pool, paper("inbound", 5, 4, 300))
    await reverse(pool, sale.id)
    assert (await worth(pool, 0))[PLUG].value_kopecks == 2500  # 10 at 200, and 5 at the 100 they had left at
    for ago in (6, 3):
        await close(pool, ago)
        assert (await worth(pool, 0))[PLUG].value_kopecks == 2500
    await assert_proven(pool)


async def test_what_a_customer_brings_back_of_a_known_sale_comes_as_it_left(pool: Pool) -> None:
    await post(pool, paper("inbound", 10, 9, 100))
    known, _ = await post(pool, paper("sale", 3, 8), paper("sale", 2, 8))
    await post(pool, paper("inbound", 5, 4, 300))
    await bring_back(pool, known.id, (PLUG, 3))
    assert (await worth(pool, 0))[PLUG].value_kopecks == 2300  # 10 at 200, and 3 at the 100 they had left at
    for ago in (6, 3):
        await close(pool, ago)
        assert (await worth(pool, 0))[PLUG].value_kopecks == 2300
    back = await bring_back(pool, None, (PLUG, 2))
    assert (await worth(pool, 0))[PLUG].value_kopecks == nearest(2300 * 15, 13), "else at the average"
    await undo(pool, back)
    await send_back(pool, (PLUG, 3))
    assert (await worth(pool, 0))[PLUG].value_kopecks == nearest(2300 * 10, 13)
    await assert_proven(pool)
    await assert_ledger_is_clean(pool)


async def test_a_receipt_with_a_slip_is_undone_with_its_cost(pool: Pool) -> None:
    await post(pool, paper("inbound", 10, 9, 100))
    [slip] = await post(pool, paper("inbound", 10, 8, 100_000))
    assert (await worth(pool, 8))[PLUG].value_kopecks == 1_001_000
    undone = await reverse(pool, slip.id)
    assert (undone.unit_cost_kopecks, undone.effective_on) == (100_000, None)
    for method in METHODS:
        assert (await worth(pool, 0, method))[PLUG].value_kopecks == 1000


# ------------------------------------------------------------------------------------------------ simulated
@dataclass
class Told:
    """A movement as the simulation reads it."""

    id: int
    kind: str
    day: date
    delta: int
    cost: int | None
    reverses: int | None


async def told(pool: Pool, product_id: int, until: date) -> list[Told]:
    rows = await pool.fetch(
        "SELECT m.id, movement_type, coalesce(effective_on, (created_at AT TIME ZONE time_zone)::date) AS day, delta,"
        " unit_cost_kopecks, reverses_id FROM movements AS m JOIN stores AS s ON s.id = m.store_id"
        " WHERE product_id = $1 ORDER BY day, m.id",
        product_id,
    )
    return [one for one in (Told(*row) for row in rows) if one.day <= until and one.kind != "transfer"]


def average_on_paper(lines: list[Told]) -> int | None:
    """Day after day, with decimals: mix what comes at a known cost, then let everything else happen."""
    by_day: dict[date, list[Told]] = defaultdict(list)
    for line in lines:
        by_day[line.day].append(line)
    left_on = {line.id: line.day for line in lines}
    average: Decimal | None = None
    averages: dict[date, Decimal | None] = {}
    on_hand = 0
    for today in sorted(by_day):
        pieces, value = 0, Decimal(0)
        for line in by_day[today]:
            if line.cost is not None:
                pieces, value = pieces + line.delta, value + line.delta * line.cost
            elif line.reverses is not None and line.delta > 0 and line.kind != "inbound":
                then = left_on[line.reverses]
                known = averages.get(max((d for d in averages if d <= then), default=today)) if then < today else None
                if known is not None:
                    pieces, value = pieces + line.delta, value + line.delta * known
        there = max(on_hand, 0)
        if average is None and pieces > 0 and value >= 0:
            average = (value / pieces).quantize(FEW, ROUND_HALF_EVEN)
        elif average is not None and pieces and there + pieces > 0 and there * average + value >= 0:
            average = ((there * average + value) / (there + pieces)).quantize(FEW, ROUND_HALF_EVEN)
        averages[today] = average
        on_hand += sum(line.delta for line in by_day[today])
    if average is None:
        return None
    return int((on_hand * average).quantize(Decimal(1), ROUND_HALF_EVEN))


def fifo_on_paper(lines: list[Told]) -> int | None:
    """Every piece that ever came, one by one, oldest first; the last ones are still there."""
    undone = {line.reverses for line in lines if line.reverses is not None and line.kind == "inbound"}
    costs: list[int | None] = []
    for line in lines:
        if line.kind == "inbound" and line.delta > 0 and line.id not in undone:
            costs += [line.cost] * line.delta
    known = [cost for cost in costs if cost is not None]
    if not known:
        return None
    last = known[0]
    pieces = []
    for cost in costs:
        last = last if cost is None else cost
        pieces.append(last)
    left = sum(line.delta for line in lines)
    if left < 0:
        return left * pieces[-1]
    return sum(pieces[max(len(pieces) - left, 0) :]) + max(left - len(pieces), 0) * pieces[0]


async def live(pool: Pool, database: Database, seed: int, lines: int) -> None:
    """A life of one product: deliveries with and without costs, sales, undone things, papers out of order."""
    dice = random.Random(seed)
    [first] = await post(pool, paper("inbound", 500, 30, dice.choice([None, 700])))
    undoable = [first.id]
    for _ in range(lines):
        ago, store_id = dice.randint(1, 29), dice.choice([CENTRE, NORTH])
        cost = dice.choice([None, dice.randint(0, 2000), dice.randint(0, 2000)])
        kinds = ["inbound", "inbound", "return", "adjustment", "sale", "sale", "writeoff", "undo", "transfer"]
        kind = dice.choice(kinds if store_id == CENTRE else ["inbound", "return"])
        if kind == "undo":
            number = dice.choice(undoable[1:] or undoable)
            if len(undoable) > 1:
                undoable.remove(number)
                done = await reverse(pool, number)
                with psycopg.connect(database.owner_url) as db:  # some day between then and now
                    db.execute(
                        "UPDATE movements AS m"
                        " SET effective_on = o.effective_on + floor((%s - o.effective_on) * %s)::int"
                        " FROM movements AS o WHERE o.id = %s AND m.id = %s",
                        (days_ago(0), dice.random(), number, done.id),
                    )
        elif kind == "transfer":
            [sent] = await post(pool, paper("transfer", dice.randint(1, 5), ago, to_store_id=NORTH))
            if dice.random() < 0.5:
                await receive(pool, sent.transfer_id)
        else:
            quantity = dice.randint(1, 9) * (dice.choice([1, -1]) if kind == "adjustment" else 1)
            told_cost = cost if kind in ("inbound", "return") else None
            [one] = await post(pool, paper(kind, quantity, ago, told_cost, store_id=store_id))  # type: ignore[arg-type]
            undoable.append(one.id)


async def kept(pool: Pool, period_id: int) -> dict[int, tuple[int, int | None]]:
    """The closing balances of the plug: by store pieces and value."""
    rows = await pool.fetch(
        "SELECT store_id, quantity, value_kopecks::bigint FROM closing_balances"
        " WHERE period_id = $1 AND product_id = $2",
        period_id,
        PLUG,
    )
    return {row[0]: (row[1], row[2]) for row in rows}


@pytest.mark.parametrize("seed", range(6))
async def test_average_and_fifo_are_what_one_finds_on_paper(pool: Pool, database: Database, seed: int) -> None:
    await live(pool, database, seed, 60)
    days = (30, 22, 15, 9, 3, 0)

    async def agrees() -> None:
        for ago in days:
            lines = await told(pool, PLUG, days_ago(ago))
            found = {method: (await worth(pool, ago, method)).get(PLUG) for method in METHODS}
            left = sum(line.delta for line in lines)
            for method, on_paper in zip(METHODS, (average_on_paper(lines), fifo_on_paper(lines)), strict=True):
                one = found[method]
                assert (one.quantity, one.value_kopecks) == (left, on_paper) if one else left == 0, (method, ago)
                assert await total(pool, ago, method) == TotalValue().plus(left, on_paper)

    await agrees()
    for ago in (25, 12, 5):
        by_store = {store_id: (await worth(pool, ago, store_id=store_id)).get(PLUG) for store_id in (CENTRE, NORTH)}
        period = await close(pool, ago)
        assert await kept(pool, period.id) == {
            store_id: (one.quantity, one.value_kopecks) for store_id, one in by_store.items() if one
        }
    await agrees()
    await assert_proven(pool)


async def test_the_database_rounds_and_shares_as_the_rules_do(pool: Pool, database: Database) -> None:
    """Closing balances are written by the database alone; at stores that have a lot, nothing, or owe something."""
    numbers = [(n, d) for d in (1, 2, 3, 7, 10) for n in range(-25, 26)] + [(10**30 + 5, 10), (-(10**24) - 5, 10**6)]
    rows = await pool.fetch(
        "SELECT nearest(n, d)::text FROM unnest($1::numeric[], $2::numeric[]) WITH ORDINALITY AS x (n, d, o)"
        " ORDER BY o",
        *zip(*numbers, strict=True),
    )
    assert [int(row[0]) for row in rows] == [nearest(*number) for number in numbers]
    dice = random.Random(3)
    with psycopg.connect(database.owner_url) as db:
        db.execute("INSERT INTO stores (id, code, name) SELECT n, 'store-' || n, 'a' FROM generate_series(3, 9) AS n")
    for product_id in range(1, 7):
        await post(pool, paper("inbound", dice.randint(1, 9), 9, dice.randint(1, 99), product_id=product_id))
        lines = [paper("adjustment", dice.randint(1, 9), 3, product_id=product_id, store_id=n) for n in range(2, 10)]
        await post(pool, *lines)  # these pieces are owed on the day that is closed
        for store_id in dice.sample(range(2, 10), 4):
            await post(pool, paper("writeoff", 1, 6, product_id=product_id, store_id=store_id))
            await post(pool, paper("inbound", dice.randint(1, 9), 7, product_id=product_id, store_id=store_id))
            await post(pool, paper("transfer", 1, 5, product_id=product_id, store_id=store_id, to_store_id=CENTRE))
    expected = {
        (product_id, store_id): (one.quantity, one.value_kopecks)
        for store_id in range(1, 10)
        for product_id, one in (await worth(pool, 5, store_id=store_id)).items()
    }
    assert len(expected) > 20
    assert min(quantity for quantity, _ in expected.values()) < 0
    await close(pool, 5)
    found = await pool.fetch("SELECT product_id, store_id, quantity, value_kopecks::bigint FROM closing_balances")
    assert {(row[0], row[1]): (row[2], row[3]) for row in found} == expected


# ------------------------------------------------------------------------------------------------ pages and totals
async def test_the_pages_and_the_stores_add_up_to_the_total(pool: Pool, database: Database) -> None:
    await live(pool, database, 7, 40)
    await post(pool, *[paper("inbound", 3 + n, 5, 97 * n + 1, product_id=n, store_id=NORTH) for n in range(2, 6)])
    await post(pool, paper("inbound", 3, 5, product_id=6))
    for method in METHODS:
        whole = await total(pool, 2, method)
        rows = []
        after: int | None = 0
        while after is not None:
            async with one_instant(pool) as db:
                page, after = await service.value_page(db, days_ago(2), method, store_id=None, after_id=after, limit=2)
            rows += page
        assert [row.product_id for row in rows] == [1, 2, 3, 4, 5, 6]
        assert sum(row.value_kopecks or 0 for row in rows) == whole.value_kopecks
        assert sum(row.quantity for row in rows) == whole.quantity
        assert (whole.unknown_products, whole.unknown_quantity) == (1, 3)
        for product_id in (OIL_FILTER, 3):  # nothing of these is on the way
            parts = [(await worth(pool, 2, method, store_id)).get(product_id) for store_id in (CENTRE, NORTH)]
            assert sum(part.value_kopecks or 0 for part in parts if part) == (
                (await worth(pool, 2, method))[product_id].value_kopecks
            )


async def test_reopened_and_closed_again_it_is_worth_the_same(pool: Pool, database: Database) -> None:
    await live(pool, database, 11, 40)
    period = await close(pool, 10)
    kept = await pool.fetch("SELECT product_id, store_id, quantity, value_kopecks FROM closing_balances ORDER BY 1, 2")
    before = await total(pool, 0)
    await reopen(pool, period)
    assert await pool.fetchval("SELECT count(*) FROM closing_balances") == 0
    assert await total(pool, 0) == before
    await close(pool, 10)
    again = await pool.fetch("SELECT product_id, store_id, quantity, value_kopecks FROM closing_balances ORDER BY 1, 2")
    assert [tuple(row) for row in again] == [tuple(row) for row in kept]
    await assert_proven(pool)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE closing_balances SET quantity = quantity + 1",
        "UPDATE closing_balances SET value_kopecks = value_kopecks + 1",
        "DELETE FROM closing_balances",
        "UPDATE closing_costs SET average_microkopecks = average_microkopecks - 1",
        "INSERT INTO closing_costs SELECT id, 999, 1, 1 FROM periods",
        "UPDATE movements SET unit_cost_kopecks = 101 WHERE unit_cost_kopecks = 100",
        "UPDATE movements SET effective_on = effective_on + 3",
    ],
)
async def test_a_recount_finds_what_was_tampered_with(pool: Pool, database: Database, damage: str) -> None:
    await post(pool, paper("inbound", 10, 9, 100), request("inbound", 2))
    await close(pool, 8)
    await assert_proven(pool)
    with psycopg.connect(database.owner_url) as db:
        db.execute(damage)
    check = await check_ledger(pool)
    assert check.differences >= 1
    assert {example["what"] for example in check.examples} <= {"closing balance", "closing cost"}
