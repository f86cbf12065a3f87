"""A bulk document is posted once and undone once: whoever dies, whoever else does the same, whoever sells meanwhile."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from autoshop.inventory.transfers import posting as transfers
from autoshop.kit.db import Connection, Pool, transaction
from autoshop.warehouse.documents import jobs, posting, service, store
from autoshop.warehouse.documents.model import (
    MOST_ATTEMPTS,
    Asked,
    Document,
    Line,
    NotUndoable,
    PiecesGone,
    SameFile,
    UnknownDocument,
)
from tests.cast import AIR_FILTER, BULB, CENTRE, OIL_FILTER, PLUG, UNKNOWN, WIPER
from tests.documents import done, keep, line, post_document, undo
from tests.ledger import MANAGER, assert_ledger_is_clean, movements, outcomes, pieces, post, request, reverse, stock
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    """Ten plugs and ten filters in the centre."""
    await post(pool, request("inbound", 10), request("inbound", 10, OIL_FILTER))


async def test_two_workers_post_a_document_once(pool: Pool) -> None:
    kept = await keep(pool, "receipt", line(PLUG, 5), line(BULB, 1))
    await asyncio.gather(*[jobs.post_document(pool, kept.id) for _ in range(4)])
    await jobs.post_document(pool, kept.id)
    assert (await pieces(pool), await movements(pool)) == (15, 4)
    await assert_ledger_is_clean(pool)


async def test_who_finds_a_document_being_posted_leaves_it_alone(pool: Pool) -> None:
    kept = await keep(pool, "receipt", line(PLUG, 5))
    async with transaction(pool) as db:
        assert await store.lock(db, kept.id) is not None
        await jobs.post_document(pool, kept.id)
    assert (await store.find(pool, kept.id)) == kept


async def test_a_worker_that_dies_over_a_document_leaves_it_to_the_next(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await keep(pool, "receipt", line(PLUG, 5))
    await pool.execute("DELETE FROM pgqueuer")

    async def die(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:  # after the pieces have moved, before the transaction ends
        patched.setattr(store, "finish", die)
        with pytest.raises(asyncio.CancelledError):
            await jobs.post_document(pool, kept.id)
    left = await store.find(pool, kept.id)
    assert left is not None
    assert (left.state, await pieces(pool)) == ("posting", 10)
    await jobs.take_up_again(pool)
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer") == 0, "it has been silent for less than a minute"
    await pool.execute("UPDATE bulk_documents SET updated_at = now() - interval '2 minutes'")
    for _ in range(2):
        await jobs.take_up_again(pool)
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer") == 1
    ended, _ = await post_document(pool, kept)
    assert (ended.state, await pieces(pool)) == ("done", 15)
    await assert_ledger_is_clean(pool)


async def test_what_kills_every_worker_is_refused_in_the_end(pool: Pool) -> None:
    kept = await keep(pool, "receipt", line(PLUG, 5))
    await pool.execute("UPDATE bulk_documents SET attempt = $1", MOST_ATTEMPTS)
    ended, problems = await post_document(pool, kept)
    assert (ended.state, [one.code for one in problems], await pieces(pool)) == ("refused", ["crashed"], 10)


async def test_what_breaks_on_our_side_is_told_and_nothing_is_posted(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(posting, "post_lines", broken)
    kept = await keep(pool, "receipt", line(PLUG, 5))
    with pytest.raises(RuntimeError):
        await jobs.post_document(pool, kept.id)
    left = await store.find(pool, kept.id)
    [problem] = [one async for one in store.all_problems(pool, kept.id)]
    assert left is not None
    assert (left.state, problem.code, problem.detail) == ("refused", "broke", "RuntimeError")


async def test_a_place_that_somebody_holds_is_waited_for(pool: Pool) -> None:
    kept = await keep(pool, "writeoff", line(PLUG, 8))
    async with transaction(pool) as stranger:
        await stranger.execute("SELECT FROM inventory WHERE product_id = $1 FOR UPDATE", PLUG)
        posting_ = asyncio.create_task(post_document(pool, kept))
        await waiting_for_locks(pool, 1)
        await stranger.execute("SELECT 1")
    ended, problems = await posting_
    assert (ended.state, problems, await pieces(pool)) == ("done", [], 2)


async def test_two_counts_of_a_shelf_correct_it_once(pool: Pool) -> None:
    counts = [await keep(pool, "set", line(PLUG, 7)) for _ in range(2)]
    async with transaction(pool) as stranger:
        await stranger.execute("SELECT FROM inventory WHERE product_id = $1 FOR UPDATE", PLUG)
        working = [asyncio.create_task(post_document(pool, kept)) for kept in counts]
        await waiting_for_locks(pool, 2)
    assert [document.state for document, _ in await asyncio.gather(*working)] == ["done", "done"]
    assert await pieces(pool) == 7, "not 10 - 3 - 3"
    await assert_ledger_is_clean(pool)


async def test_documents_sales_and_undoing_never_wait_in_a_circle(pool: Pool) -> None:
    products = [PLUG, OIL_FILTER, AIR_FILTER, BULB]
    await post(pool, *[request("inbound", 200, product) for product in products])

    async def one(number: int) -> None:
        order = products[number % 4 :] + products[: number % 4]
        document = await done(pool, "receipt", *[line(product, 2) for product in order])
        await post(pool, *[request("sale", 1, product) for product in order])
        await done(pool, "writeoff", *[line(product, 1) for product in reversed(order)])
        await undo(pool, document.id)

    await asyncio.gather(*[one(number) for number in range(8)])
    assert await pieces(pool, BULB) == 200 - 8 * 2
    await assert_ledger_is_clean(pool)


async def test_the_same_file_twice_is_asked_about(pool: Pool) -> None:
    async def send(*, again: bool = False) -> Document:
        async with transaction(pool) as db:
            asked = Asked("receipt", CENTRE, None, "a.csv", b"digest", again)
            return await service.keep(db, MANAGER, asked, [Line(1, 2, line(PLUG, 1))], datetime.now(UTC))

    answers = await asyncio.gather(*[send() for _ in range(5)], return_exceptions=True)
    assert outcomes(answers) == {"Document": 1, "SameFile": 4}
    [first] = [one for one in answers if isinstance(one, Document)]
    await post_document(pool, first)
    with pytest.raises(SameFile, match=f"document {first.id}, done"):
        await send()
    second, _ = await post_document(pool, await send(again=True))
    assert (second.state, await pieces(pool)) == ("done", 12)
    await undo(pool, first.id)
    assert (await send()).id > second.id, "what was undone does not count"


# ------------------------------------------------------------------------------------------------ undone
async def test_a_file_whose_document_is_refused_at_that_moment_is_taken(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(product_id: int) -> Document:
        async with transaction(pool) as db:
            asked = Asked("receipt", CENTRE, None, "a.csv", b"digest")
            return await service.keep(db, MANAGER, asked, [Line(1, 2, line(product_id, 1))], datetime.now(UTC))

    wrong, same_file = await send(UNKNOWN), store.same_file

    async def refused_just_now(db: Connection, digest: bytes) -> Document | None:
        await post_document(pool, wrong)
        return await same_file(db, digest)

    monkeypatch.setattr(store, "same_file", refused_just_now)
    assert (await send(PLUG)).id > wrong.id


async def test_a_document_is_undone_as_one_and_once(pool: Pool) -> None:
    document = await done(pool, "set", line(PLUG, 3), line(OIL_FILTER, 15), line(BULB, 2))
    answers = await asyncio.gather(*[undo(pool, document.id) for _ in range(3)], return_exceptions=True)
    assert outcomes(answers) == {"Document": 1, "NotUndoable": 2}
    assert await stock(pool) == {(PLUG, CENTRE): 10, (OIL_FILTER, CENTRE): 10}
    undone = await service.get_document(pool, document.id)
    assert (undone.state, undone.undone_by, undone.undone_at is not None) == ("undone", "trust:manager", True)
    reasons = await pool.fetch("SELECT DISTINCT reason FROM movements WHERE reverses_id IS NOT NULL")
    assert [row["reason"] for row in reasons] == ["ошиблись"]
    await assert_ledger_is_clean(pool)


async def test_who_undoes_what_somebody_is_just_undoing_finds_it_undone(pool: Pool) -> None:
    document = await done(pool, "receipt", line(PLUG, 3))
    async with transaction(pool) as db:
        await service.undo(db, MANAGER, document.id, None)
        second = asyncio.create_task(undo(pool, document.id))
        await waiting_for_locks(pool, 1)
    with pytest.raises(NotUndoable):
        await second
    assert await pieces(pool) == 10


async def test_pieces_that_are_gone_are_named_and_nothing_is_undone(pool: Pool) -> None:
    document = await done(pool, "receipt", line(BULB, 5), line(AIR_FILTER, 5), line(PLUG, 1))
    await post(pool, request("sale", 2, BULB), request("sale", 5, AIR_FILTER))
    with pytest.raises(PiecesGone) as gone:
        await undo(pool, document.id)
    told = [(one["product_id"], one["asked"], one["available"]) for one in gone.value.facts["lines"]]
    assert told == [(AIR_FILTER, 5, 0), (BULB, 5, 3)]
    assert (await pieces(pool), (await service.get_document(pool, document.id)).state) == (11, "done")
    single = await done(pool, "receipt", line(WIPER, 1))
    await post(pool, request("sale", 1, WIPER))
    with pytest.raises(PiecesGone) as gone:
        await undo(pool, single.id)
    assert [one["product_id"] for one in gone.value.facts["lines"]] == [WIPER]
    await assert_ledger_is_clean(pool)


async def test_what_was_reversed_by_itself_is_not_reversed_again(pool: Pool) -> None:
    document = await done(pool, "receipt", line(PLUG, 5), line(BULB, 5))
    [first, _] = await store.lines_page(pool, document.id, 0, 10)
    assert first.movement_id is not None
    await reverse(pool, first.movement_id)
    await undo(pool, document.id)
    assert await stock(pool) == {(PLUG, CENTRE): 10, (OIL_FILTER, CENTRE): 10}
    await assert_ledger_is_clean(pool)


async def test_what_somebody_is_just_reversing_is_not_reversed_again(pool: Pool) -> None:
    document = await done(pool, "receipt", line(PLUG, 5), line(BULB, 5))
    [first, _] = await store.lines_page(pool, document.id, 0, 10)
    assert first.movement_id is not None
    async with transaction(pool) as db:
        await transfers.reverse(db, MANAGER, first.movement_id, None)
        undoing = asyncio.create_task(undo(pool, document.id))
        await waiting_for_locks(pool, 1)
    assert (await undoing).state == "undone"
    assert await stock(pool) == {(PLUG, CENTRE): 10, (OIL_FILTER, CENTRE): 10}
    await assert_ledger_is_clean(pool)


async def test_only_what_is_done_is_undone(pool: Pool) -> None:
    waiting = await keep(pool, "receipt", line(PLUG, 1))
    for document_id, refusal in ((waiting.id, NotUndoable), (UNKNOWN, UnknownDocument)):
        with pytest.raises(refusal):
            await undo(pool, document_id)
