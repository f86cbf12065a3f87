"""Group commit: movements share a statement, and nobody pays for a stranger's trouble."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import psycopg
import pytest

from autoshop.inventory.movements import store
from autoshop.inventory.movements.group_commit import MovementQueue
from autoshop.inventory.movements.model import InsufficientStock, Line, Movement, TooManyPieces
from autoshop.kit.db import Pool
from autoshop.kit.idempotency import Answer, KeyReused
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.conftest import Database
from tests.ledger import assert_ledger_is_clean, line, movements, outcomes, pieces, post, request, stock

pytestmark = pytest.mark.anyio


@pytest.fixture
def queue(pool: Pool) -> MovementQueue:
    return MovementQueue(pool)


async def all_of(queue: MovementQueue, lines: Sequence[Line]) -> list[object]:
    """Hand over all lines at once; the answers or what was raised."""
    return list(await asyncio.gather(*[queue.post(one) for one in lines], return_exceptions=True))


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines each statement carried, as they happen."""
    seen: list[int] = []
    plain: Callable[..., Awaitable[list[Movement | None]]] = store.post

    async def counted(db: object, lines: Sequence[Line], **options: bool) -> list[Movement | None]:
        seen.append(len(lines))
        return await plain(db, lines, **options)

    monkeypatch.setattr(store, "post", counted)
    return seen


async def test_good_and_impossible_lines_in_one_group_each_get_their_own_answer(
    pool: Pool, queue: MovementQueue
) -> None:
    await post(pool, request("inbound", 3))
    answers = await all_of(
        queue,
        [
            line(-1),
            line(-99),
            line(5, OIL_FILTER),
            line(1, UNKNOWN),
            line(1, PLUG, UNKNOWN),
            line(-1),
            line(-1, PLUG, NORTH),
            line(-1),
        ],
    )
    assert [type(one).__name__ for one in answers] == [
        "Movement", "InsufficientStock", "Movement", "UnknownProduct", "UnknownStore", "Movement", "InsufficientStock",
        "Movement",
    ]  # fmt: skip
    assert await stock(pool) == {(OIL_FILTER, CENTRE): 5}
    await assert_ledger_is_clean(pool)


async def test_what_arrives_together_shares_a_statement(
    pool: Pool, queue: MovementQueue, statements: list[int]
) -> None:
    await post(pool, request("inbound", 100))
    statements.clear()
    answers = await all_of(queue, [line(-1) for _ in range(100)])
    balances = [one.balance_after for one in answers if isinstance(one, Movement)]
    assert sorted(balances, reverse=True) == list(range(99, -1, -1))
    assert len(statements) < 10, statements
    await assert_ledger_is_clean(pool)


async def test_the_last_pieces_go_to_as_many_as_there_are(pool: Pool, queue: MovementQueue) -> None:
    await post(pool, request("inbound", 50))
    answers = await all_of(queue, [line(-1) for _ in range(200)])
    assert outcomes(answers) == {"Movement": 50, "InsufficientStock": 150}
    assert await pieces(pool) == 0
    await assert_ledger_is_clean(pool)


async def test_a_key_that_is_repeated_inside_one_group_is_done_once(pool: Pool, queue: MovementQueue) -> None:
    answers = await all_of(queue, [line(1, key="same") for _ in range(20)] + [line(1) for _ in range(5)])
    posted = [one.id for one in answers if isinstance(one, Movement)]
    assert {one.movement_id for one in answers if isinstance(one, Answer)} == {posted[0]}
    assert outcomes(answers[:20]) == {"Movement": 1, "Answer": 19}
    assert outcomes(answers[20:]) == {"Movement": 5}
    assert await pieces(pool) == 6
    await assert_ledger_is_clean(pool)


async def test_a_key_with_another_body_is_refused_and_its_neighbours_are_not(pool: Pool, queue: MovementQueue) -> None:
    await queue.post(line(1, key="k"))
    answers = await all_of(queue, [line(1), line(2, key="k", body=b"other"), line(1, OIL_FILTER)])
    assert [type(one).__name__ for one in answers] == ["Movement", "KeyReused", "Movement"]
    assert isinstance(answers[1], KeyReused)
    assert await stock(pool) == {(PLUG, CENTRE): 2, (OIL_FILTER, CENTRE): 1}


async def test_a_shelf_that_is_full_harms_nobody_else(pool: Pool, queue: MovementQueue) -> None:
    await post(pool, *[request("inbound", 1_000_000)] * 1000)
    answers = await all_of(queue, [line(1), line(1, OIL_FILTER), line(1, key="k")])
    assert [type(one).__name__ for one in answers] == ["TooManyPieces", "Movement", "Answer"]
    again = await queue.post(line(1, key="k"))
    assert isinstance(again, Answer)
    assert (again.status, again.document["title"]) == (409, TooManyPieces.title)


async def test_a_row_that_a_stranger_holds_does_not_delay_the_others(
    pool: Pool, queue: MovementQueue, database: Database
) -> None:
    await post(pool, request("inbound", 10), request("inbound", 10, OIL_FILTER))
    with psycopg.connect(database.url) as stranger:
        stranger.execute("SELECT 1 FROM inventory WHERE product_id = %s FOR UPDATE", (PLUG,))
        waiting = [asyncio.create_task(queue.post(line(-1))) for _ in range(6)]
        started = time.monotonic()
        for _ in range(20):
            await all_of(queue, [line(1, OIL_FILTER) for _ in range(4)])
        assert time.monotonic() - started < 2
        assert not any(task.done() for task in waiting)
        stranger.rollback()
    assert outcomes(await asyncio.gather(*waiting)) == {"Movement": 6}
    assert await pieces(pool) == 4
    await assert_ledger_is_clean(pool)


async def test_a_row_that_stays_locked_is_given_up_and_nothing_is_done(pool: Pool, database: Database) -> None:
    await post(pool, request("inbound", 10))
    impatient = await asyncpg.create_pool(database.url, min_size=1, server_settings={"lock_timeout": "200"})
    queue = MovementQueue(impatient)
    with psycopg.connect(database.url) as stranger:
        stranger.execute("SELECT 1 FROM inventory WHERE product_id = %s FOR UPDATE", (PLUG,))
        answers = await all_of(queue, [line(-1, key="k"), line(-1)])
        assert outcomes(answers) == {"LockNotAvailableError": 2}
        stranger.rollback()
    again = await queue.post(line(-1, key="k"))  # a repeat with the same key may still be done
    assert isinstance(again, Movement)
    assert await pieces(pool) == 9
    await impatient.close()


async def test_a_key_that_a_stranger_holds_fails_nobody_else(pool: Pool, database: Database) -> None:
    """Another process is in the middle of a request with the same key: only that key's line may suffer."""
    await post(pool, request("inbound", 1), request("inbound", 1, OIL_FILTER))
    impatient = await asyncpg.create_pool(database.url, min_size=1, server_settings={"lock_timeout": "200"})
    queue = MovementQueue(impatient)
    with psycopg.connect(database.url) as stranger:
        stranger.execute("INSERT INTO idempotency_keys (caller, key, fingerprint) VALUES ('test', 'k', '')")
        answers = await all_of(queue, [line(1), line(1, OIL_FILTER), line(1, key="k"), line(1, key="other")])
        assert [type(one).__name__ for one in answers] == [
            "Movement", "Movement", "LockNotAvailableError", "Movement",
        ]  # fmt: skip
        stranger.rollback()
    assert isinstance(await queue.post(line(1, key="k")), Movement)
    await assert_ledger_is_clean(pool)
    await impatient.close()


async def test_keys_crossed_between_two_processes_end_in_answers(pool: Pool, database: Database) -> None:
    """Two processes meet the same keys in opposite order at different places: a circle of waits at the keys."""
    await post(pool, *[request("inbound", 1, product_id) for product_id in range(1, 7)])
    other = await asyncpg.create_pool(database.url, min_size=1, max_size=4)
    for round_ in range(10):
        one, two = MovementQueue(pool), MovementQueue(other)
        first, second = f"a{round_}", f"b{round_}"
        answers = await asyncio.gather(
            all_of(one, [line(1, 1, key=first), line(1, 2, key=second), line(1, 3)]),
            all_of(two, [line(1, 4, key=second), line(1, 5, key=first), line(1, 6)]),
        )
        counted = outcomes([*answers[0], *answers[1]])
        assert counted == {"Movement": 4, "Answer": 2}, counted
    await other.close()
    await assert_ledger_is_clean(pool)


async def test_what_was_handed_over_is_posted_though_the_caller_went_away(pool: Pool, queue: MovementQueue) -> None:
    caller = asyncio.create_task(queue.post(line(3)))
    await asyncio.sleep(0)
    caller.cancel()
    await queue.drain()
    assert await pieces(pool) == 3


async def test_a_stop_waits_for_everything_that_was_handed_over(
    pool: Pool, queue: MovementQueue, database: Database
) -> None:
    await post(pool, request("inbound", 10))
    with psycopg.connect(database.url) as stranger:
        stranger.execute("SELECT 1 FROM inventory WHERE product_id = %s FOR UPDATE", (PLUG,))
        handed_over = [asyncio.create_task(queue.post(one)) for one in [line(-1), line(1, OIL_FILTER), line(-20)]]
        await asyncio.sleep(0.2)
        draining = asyncio.create_task(queue.drain())
        await asyncio.sleep(0.2)
        assert not draining.done()
        stranger.rollback()
    await draining
    answers = [task.exception() or task.result() for task in handed_over if task.done()]
    assert [type(one).__name__ for one in answers] == ["Movement", "Movement", "InsufficientStock"]
    assert isinstance(answers[2], InsufficientStock)


async def test_an_idle_queue_stops_at_once(queue: MovementQueue) -> None:
    await asyncio.wait_for(queue.drain(), 1)


async def test_a_commit_that_fails_is_an_error_to_everybody_in_the_group(
    pool: Pool, queue: MovementQueue, database: Database
) -> None:
    """A deferred trigger raises when the statement is already done and only the commit is left."""
    make_commits_fail(database)
    answers = await all_of(queue, [line(1), line(2, key="k")])
    assert not any(isinstance(one, Movement | Answer) for one in answers), answers
    assert (await movements(pool), await pieces(pool)) == (0, 0)


def make_commits_fail(database: Database) -> None:
    """From now on every transaction that posts a movement fails at its commit."""
    with psycopg.connect(database.super_url) as db:
        db.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the commit fails'; END $$"
        )
        db.execute(
            "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON movements DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
