"""A write that is sent twice is done once, and both hear the same."""

import asyncio
from typing import Any

import psycopg
import pytest

from autoshop.catalog.products.model import TakenForAMoment
from autoshop.inventory.marks.model import MarkCameBack
from autoshop.inventory.movements.model import StockMoved
from autoshop.inventory.returns.model import SoldAnew
from autoshop.inventory.stocktakes.counts.model import CountedMeanwhile
from autoshop.kit import idempotency
from autoshop.kit.db import Connection, Pool
from autoshop.kit.errors import Conflict, NotFound, Refusal
from autoshop.kit.idempotency import Answer, Key, KeyReused
from tests.conftest import Database

pytestmark = pytest.mark.anyio


def key(name: str = "k", caller: str = "staff:vera", body: bytes = b"{}") -> Key:
    made = idempotency.key_for(caller, name, "POST", "/x", body)
    assert made is not None
    return made


class Verb:
    """A verb that leaves a mark in the database and counts how often it ran."""

    def __init__(self, error: Exception | None = None, seconds: float = 0.0) -> None:
        self.runs = 0
        self.error, self.seconds = error, seconds

    async def __call__(self, db: Connection) -> dict[str, Any]:
        self.runs += 1
        await db.execute("INSERT INTO outbox (topic, payload) VALUES ('mark', '{}')")
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return {"run": self.runs}


async def marks(pool: Pool) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'mark'")
    return count


async def test_the_same_key_with_another_body_is_refused(pool: Pool) -> None:
    await idempotency.once(pool, key(), Verb())
    with pytest.raises(KeyReused) as refused:
        await idempotency.once(pool, key(body=b"other"), Verb())
    assert refused.value.status == 422
    assert await marks(pool) == 1


async def test_without_a_key_every_request_counts(pool: Pool) -> None:
    verb = Verb()
    await idempotency.once(pool, None, verb)
    await idempotency.once(pool, None, verb)
    assert (verb.runs, await marks(pool)) == (2, 2)


async def test_the_same_key_gives_the_same_answer(pool: Pool) -> None:
    first = await idempotency.once(pool, key(), Verb(), status=201)
    again = await idempotency.once(pool, key(), Verb(), status=201)
    assert (first.status, first.document) == (again.status, again.document) == (201, {"run": 1})
    assert await marks(pool) == 1


async def test_a_no_of_the_business_is_kept_and_undoes_what_was_done(pool: Pool) -> None:
    verb = Verb(Conflict("not today", asked=5))
    first = await idempotency.once(pool, key(), verb)
    again = await idempotency.once(pool, key(), Verb())
    assert first.status == again.status == 409
    assert first.document == again.document == {**Conflict("not today", asked=5).problem()}
    assert await marks(pool) == 0


@pytest.mark.parametrize("error", [NotFound("gone"), RuntimeError("a bug")])
async def test_what_executed_nothing_is_not_kept(pool: Pool, error: Exception) -> None:
    with pytest.raises(type(error)):
        await idempotency.once(pool, key(), Verb(error))
    assert (await idempotency.once(pool, key(), Verb())).status == 200
    assert await marks(pool) == 1


PASSING = [
    MarkCameBack(gtin="04601234567893", serial="A", sale_id=None),
    SoldAnew(serial="A", sale_id=5),
    TakenForAMoment(),
    CountedMeanwhile(counts=[]),
    StockMoved(),
]


@pytest.mark.parametrize("error", PASSING, ids=[type(one).__name__ for one in PASSING])
async def test_a_no_that_asks_to_send_the_same_again_is_not_kept(pool: Pool, error: Refusal) -> None:
    assert error.status == 409
    with pytest.raises(type(error)):
        await idempotency.once(pool, key(), Verb(error))
    again = await idempotency.once(pool, key(), Verb())
    assert (again.status, again.document) == (200, {"run": 1})
    assert await idempotency.once(pool, key(), Verb()) == again
    assert await marks(pool) == 1


async def test_of_twenty_copies_at_once_one_is_done(pool: Pool) -> None:
    verb = Verb(seconds=0.05)
    answers = await asyncio.gather(*[idempotency.once(pool, key(), verb) for _ in range(20)])
    assert [one.document for one in answers] == [{"run": 1}] * 20
    assert (verb.runs, await marks(pool)) == (1, 1)


async def test_of_twenty_copies_of_a_refused_request_all_hear_no(pool: Pool) -> None:
    verb = Verb(Conflict("not today"), seconds=0.01)
    answers = await asyncio.gather(*[idempotency.once(pool, key(), verb) for _ in range(20)])
    assert {one.status for one in answers} == {409}
    assert await marks(pool) == 0


async def test_a_copy_that_waits_takes_over_from_one_that_died(pool: Pool, database: Database) -> None:
    with psycopg.connect(database.url) as dying:
        dying.execute("INSERT INTO idempotency_keys (caller, key, fingerprint) VALUES ('staff:vera', 'k', '')")
        copy = asyncio.create_task(idempotency.once(pool, key(), Verb()))
        await asyncio.sleep(0.2)
        assert not copy.done()
        dying.rollback()
    assert (await copy).document == {"run": 1}


async def test_a_late_no_gives_way_to_the_yes_that_was_first(pool: Pool) -> None:
    await idempotency.once(pool, key(), Verb())
    async with pool.acquire() as db:
        answer = await idempotency.keep_refusal(db, key(), Conflict("too late"))
    assert (answer.status, answer.document) == (200, {"run": 1})


async def test_keys_belong_to_their_caller(pool: Pool) -> None:
    verb = Verb()
    for caller in ("staff:vera", "staff:oleg", "token:till"):
        await idempotency.once(pool, key(caller=caller, body=caller.encode()), verb)
    assert (verb.runs, await marks(pool)) == (3, 3)


async def test_old_keys_are_forgotten_and_young_ones_are_not(pool: Pool, database: Database) -> None:
    await idempotency.once(pool, key("old"), Verb())
    await idempotency.once(pool, key("young"), Verb())
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE idempotency_keys SET created_at = now() - interval '31 days' WHERE key = 'old'")
    async with pool.acquire() as connection:
        await idempotency.forget(connection, 30)
        assert await idempotency.find(connection, key("old")) is None
        assert isinstance(await idempotency.find(connection, key("young")), Answer)
