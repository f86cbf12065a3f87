"""The proof of bin/chaos notices when a book is wrong: every sentence, each on its own."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from autoshop.inventory.transfers import differences
from autoshop.inventory.transfers.model import Found
from autoshop.kit import outbox
from autoshop.kit.db import Pool, transaction
from autoshop.kit.outbox import Position
from autoshop.webhooks.model import Delivery, signature
from tests import allocations, documents, imports, reservations, returns, stocktakes
from tests.cast import NORTH, PLUG
from tests.chaos.books import Books
from tests.chaos.findings import CHECKS, findings
from tests.chaos.hooks import HOOKS, Heard
from tests.chaos.listener import Listener, Step
from tests.chaos.papers import HEADINGS
from tests.chaos.record import DOCUMENTS, Record
from tests.chaos.what_was_told import due_to
from tests.conftest import Database
from tests.ledger import MANAGER, post, request, reverse
from tests.webhooks import Message

pytestmark = pytest.mark.anyio

SECRET = "whsec_c2VjcmV0"
FIRST = "(SELECT min(id) FROM movements)"


@pytest.fixture
async def books(pool: Pool, tmp_path: Path) -> Books:
    """A day on which a little of everything happened, and of which everybody was told as it was."""
    await post(pool, request("inbound", 30), request("inbound", 9, store_id=NORTH))
    await reverse(pool, (await post(pool, request("writeoff", 1)))[0].id)
    await reservations.reserve(pool, (reservations.HERE, 2))
    made = await allocations.allocate(pool, (PLUG, 3))
    [shipped] = await post(pool, request("transfer", 4, to_store_id=NORTH))
    async with transaction(pool) as db:
        await differences.differ(db, MANAGER, shipped.transfer_id or 0, [Found(PLUG, 1, "lost")])
    sales = await returns.sold(pool, 3)
    await returns.undo(pool, await returns.bring_back(pool, sales[0], (PLUG, 1, "damaged")))
    await returns.bring_back(pool, sales[0], (PLUG, 2))
    counted = await stocktakes.open_stocktake(pool, PLUG, store_id=NORTH, caller=MANAGER)
    await stocktakes.take(pool, counted, 7, caller=MANAGER)
    await stocktakes.approve(pool, await stocktakes.review(pool, counted))
    await documents.done(pool, "receipt", documents.line(PLUG, 5))
    stock = f"{HEADINGS}NGK;BPR6ES-11;Свеча зажигания NGK BPR6ES-11;20;20\n"
    await imports.load(pool, tmp_path / "stock.csv", stock, set_stock=True)
    await pool.execute("DELETE FROM pgqueuer")  # the job of that document, which was done by hand
    return await _as_it_was(pool, made.id)


async def _as_it_was(pool: Pool, allocation_id: int) -> Books:
    known = Record(movements={row["id"] for row in await pool.fetch("SELECT id FROM movements")})
    for table in DOCUMENTS:
        known.documents[table] = {row["id"] for row in await pool.fetch(f"SELECT id FROM {table}")}
    known.counts = {row["client_id"] for row in await pool.fetch("SELECT client_id FROM stocktake_counts")}
    known.wished[allocation_id] = {PLUG: 3}
    undone = await pool.fetchval("SELECT id FROM returns WHERE status = 'reversed'")
    [counted] = known.documents["stocktakes"]
    known.ended.update({("returns", undone, "reversed"): 1, ("stocktakes", counted, "approved"): 1})
    books = await Books.open(pool, known, [replace(hook, secret=SECRET) for hook in HOOKS])
    books.heard = [heard(hook.path, books, message_id) for hook in HOOKS for message_id in due_to(hook, books.events)]
    batch = await outbox.since(pool, Position(1), 10_000)
    steps = [Step(place, one.topic.removeprefix("inventory."), one.payload) for one, place in batch.marked()]
    books.listeners = [Listener([], "test", Position(1), steps)]
    return books


def heard(path: str, books: Books, message_id: str) -> Heard:
    """A message as it comes: sent as the shop sends it."""
    [event] = [one for one in books.events if f"evt_{one.id}" == message_id]
    now = datetime.now(UTC)
    sent = Delivery(
        1,
        1,
        event.id,
        event.topic,
        event.payload,
        event.created_at,
        "waiting",
        0,
        now,
        now,
        None,
        None,
        None,
        None,
        now,
    )
    at = int(time.time())
    signed = signature([SECRET], message_id, at, sent.body())
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signed}
    return Heard(path, Message(headers, sent.body()), taken=True)


async def wrong(books: Books) -> dict[str, list[str]]:
    return {one.sentence: list(one.wrong) for one in await findings(books) if not one.held}


async def test_nothing_is_found_where_nothing_is_wrong(books: Books) -> None:
    assert await wrong(books) == {}


# What is wrong, and the sentence that then does not hold. Constraints that would forbid it are taken away first.
IN_THE_DATABASE = {
    "nothing_was_sold_that_was_not_there": (
        "ALTER TABLE movements DROP CONSTRAINT movements_balance_after_check;"
        f"UPDATE movements SET balance_after = -1 WHERE id = {FIRST}"
    ),
    "no_place_is_below_zero_or_below_what_is_held_there": (
        "ALTER TABLE inventory DROP CONSTRAINT inventory_never_oversold; UPDATE inventory SET quantity = reserved - 1"
    ),
    "what_is_reserved_is_the_sum_of_live_holds": "UPDATE inventory SET reserved = reserved + 1",
    "no_hold_that_has_ended_holds_anything": "UPDATE reservations SET status = 'released', closed_at = now()",
    "on_the_way_is_what_was_shipped_less_what_came_came_back_or_was_lost": (
        "UPDATE transfer_lines SET received = received + 1"
    ),
    "what_a_transfer_lost_is_the_sum_of_its_differences": "DELETE FROM transfer_differences",
    "of_no_sale_more_came_back_than_was_sold": "UPDATE return_lines SET quantity = 4 WHERE quantity = 2",
    "every_movement_is_undone_at_most_once": (
        "DROP INDEX movements_reversed_once;"
        "INSERT INTO movements (product_id, store_id, movement_type, quantity, delta, balance_after, actor, created_at,"
        " reverses_id) SELECT product_id, store_id, movement_type, quantity, delta, balance_after, actor, created_at,"
        " reverses_id FROM movements WHERE reverses_id IS NOT NULL"
    ),
    "each_approved_stocktake_posted_its_differences_once_and_no_other_any": (
        "UPDATE movements SET related_document = 'stocktake 1' WHERE movement_type = 'adjustment';"
        "UPDATE stocktakes SET shortage = shortage + 1"
    ),
    "each_allocation_holds_all_that_it_promises_by_one_reservation": "UPDATE allocation_lines SET pieces = pieces + 1",
    "each_import_posted_what_it_says_once_and_told_of_it_once": (
        "UPDATE import_runs SET counts = jsonb_set(counts, '{movements}', '9')"
    ),
    "every_movement_has_its_event_once": (
        f"DELETE FROM outbox WHERE (payload->>'movement_id')::bigint = {FIRST}"
    ),
    "no_key_moved_pieces_twice": "UPDATE movements SET actor = 'till', idempotency_key = 'key'",
    "the_ledger_check_is_clean": "UPDATE inventory SET quantity = quantity + 1",
    "nothing_that_was_begun_is_left_undone": (
        "INSERT INTO idempotency_keys (caller, key, fingerprint) VALUES ('till', 'key', '')"
    ),
    "every_acknowledged_movement_is_there_once_and_no_other": (
        f"SET session_replication_role = replica; DELETE FROM movements WHERE id = {FIRST}"
    ),
    "every_acknowledged_document_is_there_once_and_no_other": (
        "SET session_replication_role = replica; DELETE FROM stocktakes"
    ),
    "every_acknowledged_count_of_a_shelf_is_there_once_and_no_other": "DELETE FROM stocktake_counts",
    "every_acknowledged_end_is_the_end_and_was_told_once": (
        "UPDATE returns SET status = 'posted', reversed_at = NULL, reversed_by = NULL"
    ),
    "every_acknowledged_allocation_is_of_all_that_was_wished": "UPDATE allocation_lines SET pieces = pieces - 1",
}  # fmt: skip


@pytest.mark.parametrize("sentence", IN_THE_DATABASE)
async def test_a_wrong_row_is_found(books: Books, database: Database, sentence: str) -> None:
    owner = await asyncpg.connect(database.super_url)
    await owner.execute(IN_THE_DATABASE[sentence])
    await owner.close()
    assert sentence.replace("_", " ") in await wrong(books)


def _told_of_more(books: Books) -> None:
    books.record.movements.pop()


def _told_twice(books: Books) -> None:
    books.record.ended.update(list(books.record.ended))


def _nobody_was_told_of_a_document(books: Books) -> None:
    books.record.documents["transfers"].clear()


def _nobody_was_told_of_a_count(books: Books) -> None:
    books.record.counts.clear()


def _shown_too_much(books: Books) -> None:
    books.record.wrong.append("shown: 5 of 3")


def _never_came(books: Books) -> None:
    books.heard = books.heard[1:]


def _came_and_was_not_taken(books: Books) -> None:
    books.heard = [replace(books.heard[0], taken=False), *books.heard[1:]]


def _came_to_the_wrong_one(books: Books) -> None:
    books.heard = [*books.heard, replace(books.heard[0], path="/movements/north")]


def _signed_by_another(books: Books) -> None:
    books.hooks = [replace(hook, secret="whsec_b3RoZXI=") for hook in books.hooks]


def _missed(books: Books) -> None:
    del books.listeners[0].steps[3]


def _missed_the_last(books: Books) -> None:
    del books.listeners[0].steps[-1]


def _heard_out_of_turn(books: Books) -> None:
    steps = books.listeners[0].steps
    steps[2], steps[3] = replace(steps[2], payload=steps[3].payload), replace(steps[3], payload=steps[2].payload)


def _heard_twice(books: Books) -> None:
    steps = books.listeners[0].steps
    steps.insert(3, steps[2])


def _heard_nothing(books: Books) -> None:
    books.listeners[0].start = None


TO_THE_EARS: list[tuple[Callable[[Books], None], str]] = [
    (_told_of_more, "every_acknowledged_movement_is_there_once_and_no_other"),
    (_told_twice, "every_acknowledged_end_is_the_end_and_was_told_once"),
    (_nobody_was_told_of_a_document, "every_acknowledged_document_is_there_once_and_no_other"),
    (_nobody_was_told_of_a_count, "every_acknowledged_count_of_a_shelf_is_there_once_and_no_other"),
    (_shown_too_much, "no_answer_was_one_that_should_not_have_been"),
    (_never_came, "every_event_got_to_every_webhook_that_wants_it"),
    (_came_and_was_not_taken, "every_event_got_to_every_webhook_that_wants_it"),
    (_came_to_the_wrong_one, "no_webhook_got_what_it_does_not_want_or_what_is_not_so"),
    (_signed_by_another, "every_message_to_a_webhook_is_signed"),
    (_missed, "every_listener_heard_every_event_once_and_where_its_id_says"),
    (_missed_the_last, "every_listener_heard_every_event_once_and_where_its_id_says"),
    (_heard_out_of_turn, "every_listener_heard_every_event_once_and_where_its_id_says"),
    (_heard_twice, "every_listener_heard_every_event_once_and_where_its_id_says"),
    (_heard_nothing, "every_listener_heard_every_event_once_and_where_its_id_says"),
]


@pytest.mark.parametrize(("spoil", "sentence"), TO_THE_EARS)
async def test_what_was_told_wrong_is_found(books: Books, spoil: Callable[[Books], None], sentence: str) -> None:
    spoil(books)
    assert set(await wrong(books)) == {sentence.replace("_", " ")}


def test_every_sentence_can_be_wrong() -> None:
    assert {check.__name__ for check in CHECKS} == {*IN_THE_DATABASE, *(sentence for _, sentence in TO_THE_EARS)}


def test_an_answer_that_tells_two_of_the_same_movement_is_wrong() -> None:
    record = Record()
    record.hear({"movements": [{"movement_id": 1}, {"movement_id": 2}]})
    assert record.wrong == []
    record.hear({"movement_id": 2})
    assert record.wrong == ["acknowledged before: movements [2]"]
