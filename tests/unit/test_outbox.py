"""Positions in the outbox: whatever the order of begins and commits, and wherever one breaks off, each event once."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoshop.kit.outbox import Batch, Event, Position, read_position

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class Database:
    """Transactions that begin, write and end; a snapshot as PostgreSQL makes one."""

    def __init__(self) -> None:
        self.next_xid, self.next_id = 3, 1
        self.open: dict[int, list[Event]] = {}
        self.committed: list[Event] = []

    def begin(self) -> None:
        self.open[self.next_xid] = []
        self.next_xid += 1

    def write(self, number: int) -> None:
        if self.open:
            xid = sorted(self.open)[number % len(self.open)]
            self.open[xid].append(Event(xid, self.next_id, "inventory.movement", {}, MOMENT))
            self.next_id += 1

    def commit(self, number: int) -> None:
        if self.open:
            self.committed += self.open.pop(sorted(self.open)[number % len(self.open)])

    def roll_back(self, number: int) -> None:
        if self.open:
            del self.open[sorted(self.open)[number % len(self.open)]]

    def crash(self, _number: int) -> None:
        """What was not committed leaves no trace: its numbers are given out again."""
        self.open.clear()
        self.next_xid = max((event.xid for event in self.committed), default=2) + 1

    def since(self, known: Position, limit: int) -> Batch:
        new = sorted((one for one in self.committed if not known.has(one)), key=lambda one: (one.xid, one.id))
        return Batch(known, Position(self.next_xid, frozenset(self.open)), new[:limit], len(new) > limit)


steps = st.lists(st.tuples(st.sampled_from("bbwwwwccrrrak"), st.integers(0, 5)), max_size=60)


# A crash after a transaction was rolled back, whose number the next one gets.
@example(steps=[("b", 0), ("a", 0), ("r", 0), ("k", 0), ("b", 0), ("w", 0), ("c", 0)], limit=5)
# One that breaks off in the middle of a transaction while an older one is open, which then ends.
@example(steps=[("b", 0), ("b", 0), ("w", 0), ("w", 1), ("w", 1), ("c", 1), ("r", 1), ("c", 0)], limit=5)
@settings(max_examples=400, deadline=None)
@given(steps=steps, limit=st.integers(1, 5))
def test_each_event_is_told_once_wherever_one_breaks_off(steps: list[tuple[str, int]], limit: int) -> None:
    """r reads a batch and breaks off after some of its events; what he knows goes over the wire as text."""
    database, place = Database(), Position(3)
    told: list[Event] = []

    def read(most: int) -> None:
        nonlocal place
        batch = database.since(place, limit)
        marks = list(batch.marked())[:most]
        told.extend(event for event, _ in marks)
        if most >= len(batch.events):
            place = batch.until
        elif marks:
            place = marks[-1][1]
        place = read_position(str(place))

    for what, number in steps:
        match what:
            case "b":
                database.begin()
            case "w":
                database.write(number)
            case "c":
                database.commit(number)
            case "a":
                database.roll_back(number)
            case "k":
                database.crash(number)
            case _:
                read(number)
    while database.open:
        database.commit(0)
    while database.since(place, limit).events:
        read(limit)
    assert sorted(told, key=lambda one: one.id) == sorted(database.committed, key=lambda one: one.id)


@settings(max_examples=400, deadline=None)
@given(before=steps, between=steps, after=steps)
def test_who_begins_in_the_middle_of_a_batch_hears_only_what_is_new_to_him(
    before: list[tuple[str, int]], between: list[tuple[str, int]], after: list[tuple[str, int]]
) -> None:
    """The reader's batch began earlier than the listener did."""
    database = Database()

    def live(steps: list[tuple[str, int]]) -> Position:
        for what, number in steps:
            do = {"b": lambda _: database.begin(), "w": database.write, "c": database.commit}.get(what)
            if do:
                do(number)
        return database.since(Position(3), 0).seen

    reader, listener = live(before), live(between)
    known = len(database.committed)
    live(after)
    batch = database.since(reader, 1_000)
    new = list(batch.marked(listener))
    assert sorted(event.id for event, _ in new) == sorted(event.id for event in database.committed[known:])
    for number, (_, mark) in enumerate(new):
        rest = database.since(mark, 1_000).events
        assert list(rest) == [event for event, _ in new[number + 1 :]]


def test_a_position_is_short_text() -> None:
    position = Position(10**12, frozenset({10**12 - 3, 10**12 - 1}), ((10**12 - 3, 77),))
    assert str(position) == "1000000000000:3,1:3.77"
    assert read_position(str(position)) == position


@pytest.mark.parametrize("text", ["", "5", "0::", "5:5:", "5:0:", "5::1.1", "5:1:1.1,1.2", "5:1:1", "٥::", "5::\n"])
def test_any_other_text_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no position"):
        read_position(text)


def test_an_event_concerns_what_it_names_anywhere() -> None:
    def event(**payload: object) -> Event:
        return Event(1, 1, "inventory.x", payload, MOMENT)

    moved = event(from_store_id=1, to_store_id=2, product_ids=[5], lines=[{"product_id": 6, "store_id": None}, "odd"])
    assert (moved.store_ids, moved.product_ids) == (frozenset({1, 2}), frozenset({5, 6}))
    assert (event(a=1).store_ids, event(lines={"store_id": 1}).product_ids) == (None, None)
