"""From which stores: the wished one, else one other, else the fewest; each against a search of everything."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import combinations
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoshop.inventory.allocation import covering
from autoshop.inventory.allocation.covering import Offer, fewest
from autoshop.inventory.allocation.model import (
    MOST_LOOKS,
    Candidate,
    Choice,
    Reason,
    Rule,
    Wish,
    arrivals,
    choose,
    end_of_day,
    looks_at,
)
from autoshop.inventory.allocation.texts import reason_text, rule_text
from autoshop.inventory.availability.model import availability
from autoshop.inventory.stores.model import Calendar, Hours, Route, Store

NOON = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)  # Monday, 12:00 in Moscow
HERE, A, B, C = 1, 2, 3, 4
SHOP = Calendar("Europe/Moscow", (Hours(time(9), time(20)),) * 7)
NEVER = Calendar("Europe/Moscow", (None,) * 7)


def in_days(days: float) -> datetime:
    return NOON + timedelta(days=days)


def at(store_id: int, days: float | None, active: bool = True, **free: int) -> Candidate:
    """A store with pieces of p1, p2, …, whose van is there in so many days; None: nothing comes."""
    pieces = {int(name[1:]): count for name, count in free.items()}
    return Candidate(store_id, pieces, None if days is None else in_days(days), active)


def sources(choice: Choice | None) -> dict[int, dict[int, int]]:
    assert choice is not None
    found: dict[int, dict[int, int]] = {}
    for part in choice.parts:
        found.setdefault(part.from_store_id, {})[part.product_id] = part.pieces
    return found


TWO = {1: 2, 2: 1}


# ------------------------------------------------------------------------------------------------ refused
@pytest.mark.parametrize(
    "candidates",
    [
        [],
        [at(HERE, 0, p1=2), at(A, 1, p1=9)],
        [at(HERE, 0, p1=2), at(A, None, p1=2, p2=1)],
        [at(HERE, 0, p1=2), at(A, 1, False, p1=2, p2=1)],
        [at(HERE, 0, p1=1), at(A, 1, p2=1)],
    ],
    ids=["nobody", "of one product none", "no way from there", "out of business", "a piece too few"],
)
def test_what_all_of_them_have_not_is_not_chosen(candidates: list[Candidate]) -> None:
    assert choose(HERE, TWO, candidates) is None


# ------------------------------------------------------------------------------------------------ the order
def test_the_wished_store_has_it_all_and_nothing_moves() -> None:
    choice = choose(HERE, TWO, [at(A, -1, p1=9, p2=9), at(HERE, 0, p1=2, p2=1)])
    assert choice is not None
    assert (choice.rule, sources(choice), choice.promised_at) == ("wished_store", {HERE: TWO}, NOON)


def test_else_one_store_sends_it_all_though_some_lies_here() -> None:
    choice = choose(HERE, TWO, [at(HERE, 0, p1=2), at(A, 1, p1=2, p2=1), at(B, 0.5, p2=1)])
    assert choice is not None
    assert (choice.rule, sources(choice), choice.promised_at) == ("one_store", {A: TWO}, in_days(1))


@pytest.mark.parametrize(
    ("a", "b", "sends"),
    [
        (at(A, 2, p1=9, p2=9), at(B, 1, p1=2, p2=1), B),  # earlier
        (at(A, 1, p1=2, p2=1), at(B, 1, p1=3, p2=1), B),  # more stock
        (at(A, 1, p1=2, p2=1), at(B, 1, p1=2, p2=1), A),  # alike
    ],
)
def test_of_those_that_have_all_the_earliest_sends_then_the_fullest(a: Candidate, b: Candidate, sends: int) -> None:
    assert sources(choose(HERE, TWO, [b, a])).keys() == {sends}
    assert sources(choose(HERE, TWO, [a, b])).keys() == {sends}


def test_else_what_lies_here_and_the_rest_from_as_few_as_can_be() -> None:
    wanted = {1: 3, 2: 2, 3: 1}
    choice = choose(
        HERE, wanted, [at(HERE, 0, p1=2), at(A, 1, p1=1), at(B, 1, p2=2), at(C, 3, p1=1, p2=2), at(5, 1, p3=1)]
    )
    assert choice is not None
    assert (choice.rule, choice.exact, choice.promised_at) == ("fewest_stores", True, in_days(3))
    assert sources(choice) == {HERE: {1: 2}, C: {1: 1, 2: 2}, 5: {3: 1}}


def test_of_equally_few_the_earliest_send() -> None:
    wanted = {1: 1, 2: 1}
    choice = choose(HERE, wanted, [at(A, 5, p1=9), at(B, 2, p1=1), at(C, 1, p2=1), at(5, 3, p2=9)])
    assert sources(choice).keys() == {B, C}


def test_the_earliest_of_all_is_left_out_where_its_partner_is_late() -> None:
    wanted = {1: 1, 2: 4}
    choice = choose(HERE, wanted, [at(A, 1, p1=1, p2=1), at(B, 2, p1=1, p2=2), at(C, 2, p2=2), at(5, 4, p2=3)])
    assert sources(choice).keys() == {B, C}
    assert choice is not None
    assert choice.promised_at == in_days(2)


def test_one_date_for_the_whole_is_that_of_the_last_part() -> None:
    choice = choose(HERE, TWO, [at(HERE, 0, p1=2), at(A, 4, p2=1)])
    assert choice is not None
    assert [part.promised_at for part in choice.parts] == [NOON, in_days(4)]
    assert choice.promised_at == in_days(4)


# ------------------------------------------------------------------------------------------------ brute force
PRODUCTS = (1, 2, 3)
FREE = st.dictionaries(st.sampled_from(PRODUCTS), st.integers(1, 4), max_size=3)
CANDIDATES = st.lists(
    st.tuples(FREE, st.none() | st.integers(1, 4), st.sampled_from([True, True, True, False])), max_size=7
).map(
    lambda drawn: [
        Candidate(number, free, None if days is None else in_days(0 if number == HERE else days), active)
        for number, (free, days, active) in enumerate(drawn, start=HERE)
    ]
)
WANTED = st.dictionaries(st.sampled_from(PRODUCTS), st.integers(1, 6), min_size=1)


def covers(wanted: Mapping[int, int], these: Sequence[Candidate]) -> bool:
    return all(sum(one.free.get(product, 0) for one in these) >= pieces for product, pieces in wanted.items())


def by_looking_at_everything(wanted: dict[int, int], candidates: list[Candidate]) -> tuple[int, datetime] | None:
    """How many others have to send, at least, and the earliest moment at which so few can."""
    able = [one for one in candidates if one.active and one.promised_at is not None]
    here = [one for one in able if one.store_id == HERE]
    others = [one for one in able if one.store_id != HERE]
    if covers(wanted, here):
        return 0, NOON
    alone = [one.promised_at for one in others if covers(wanted, [one]) and one.promised_at]
    if alone:
        return 1, min(alone)
    for size in range(1, len(others) + 1):
        found = [
            max(one.promised_at for one in these if one.promised_at)
            for these in combinations(others, size)
            if covers(wanted, [*here, *these])
        ]
        if found:
            return size, min(found)
    return None


@settings(max_examples=600, deadline=None)
@given(wanted=WANTED, candidates=CANDIDATES)
def test_nobody_finds_fewer_or_earlier_stores(wanted: dict[int, int], candidates: list[Candidate]) -> None:
    best, choice = by_looking_at_everything(wanted, candidates), choose(HERE, wanted, candidates)
    if best is None:
        assert choice is None
        return
    assert choice is not None
    assert choice.exact
    assert (len(sources(choice).keys() - {HERE}), choice.promised_at) == best
    free = {one.store_id: one.free for one in candidates}
    for store_id, parts in sources(choice).items():
        assert all(pieces <= free[store_id][product] for product, pieces in parts.items())
    given_ = {product: sum(parts.get(product, 0) for parts in sources(choice).values()) for product in wanted}
    assert given_ == wanted
    assert choose(HERE, wanted, list(reversed(candidates))) == choice, "whatever the order in which they come"


OFFERS = st.lists(st.tuples(st.tuples(*[st.integers(0, 3)] * 3), st.integers(0, 3)), max_size=7).map(
    lambda drawn: [Offer(pieces, in_days(days)) for pieces, days in drawn]
)


@settings(max_examples=300, deadline=None)
@given(need=st.tuples(*[st.integers(0, 6)] * 3), offers=OFFERS)
def test_where_the_search_is_cut_short_the_greedy_rule_covers_everything(
    need: tuple[int, ...], offers: list[Offer]
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(covering, "STEPS", 0)
        found = fewest(need, offers)
    exact = fewest(need, offers)
    if found is None or exact is None:
        assert found is exact
        return
    assert (found.exact, exact.exact) == (not any(need), True)
    assert len(found.taken) >= len(exact.taken)
    taken = [offers[number].pieces for number in found.taken]
    assert all(sum(pieces[product] for pieces in taken) >= need[product] for product in range(3))
    for left_out in range(len(taken)):
        rest = taken[:left_out] + taken[left_out + 1 :]
        assert any(sum(pieces[product] for pieces in rest) < need[product] for product in range(3)), "one too many"


def test_five_hundred_stores_are_searched_in_bounded_steps() -> None:
    """Nobody has more than one of eight products: eight stores are needed, and the exact search cannot end."""
    offers = [Offer(tuple(int(n % 8 == product) for product in range(8)), in_days(n % 5)) for n in range(500)]
    found = fewest((2,) * 8, offers)
    assert found is not None
    assert (len(found.taken), found.exact) == (16, False)


# ------------------------------------------------------------------------------------------------ reasons
def reasons(candidates: list[Candidate], wanted: dict[int, int] = TWO) -> dict[int, Reason]:
    choice = choose(HERE, wanted, candidates)
    looks = looks_at(HERE, wanted, candidates, choice)
    taken = set(sources(choice)) if choice else set()
    assert {look.store_id for look in looks if look.taken} == taken
    return {look.store_id: look.reason for look in looks}


def test_every_store_is_told_why_it_was_taken_or_not() -> None:
    all_, gone = at(A, 1, p1=2, p2=1), at(B, None, p1=2, p2=1)
    assert reasons([at(HERE, 0, p1=2, p2=1), all_, gone, at(C, 1, False, p1=1)]) == {
        HERE: "at_wished_store", A: "not_needed", B: "no_way", C: "closed",
    }  # fmt: skip
    assert reasons([at(HERE, 0, p1=1), all_, at(B, 2, p1=9, p2=9), at(C, 1, p1=2, p2=1), at(5, 1, p2=1)]) == {
        HERE: "lacks", A: "has_all", B: "later", C: "less_stock", 5: "lacks",
    }  # fmt: skip
    assert reasons([at(HERE, 0, p1=1), at(A, 1, p1=1), at(B, 1, p2=1), at(C, 2, p2=1)]) == {
        HERE: "at_wished_store", A: "completes", B: "completes", C: "lacks",
    }  # fmt: skip
    assert reasons([at(HERE, 0), at(A, 1, p1=1)]) == {HERE: "lacks", A: "lacks"}


def test_of_very_many_stores_those_taken_and_the_nearest_are_told() -> None:
    wanted = {1: 1, 2: 1}
    candidates = [at(number, 1, p1=1) for number in range(10, 500)] + [at(A, 3, p2=1), at(HERE, 0)]
    looks = looks_at(HERE, wanted, candidates, choose(HERE, wanted, candidates))
    assert (len(looks), [look.store_id for look in looks if look.taken]) == (MOST_LOOKS, [10, A])
    assert looks[2].store_id == HERE


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_reason_has_its_words(language: str) -> None:
    for reason in get_args(Reason):
        assert reason_text(reason, language)  # type: ignore[arg-type]
    told = {rule_text(rule, exact, language) for rule in get_args(Rule) for exact in (True, False)}  # type: ignore[arg-type]
    assert len(told) == 6


# ------------------------------------------------------------------------------------------------ dates
def store(store_id: int, calendar: Calendar = SHOP) -> Store:
    return Store(store_id, f"s{store_id}", "", "", calendar, True, 1)


def test_dates_are_those_that_availability_promises() -> None:
    """The same rule for a buyer who looks and for an order that is allocated."""
    wished, others = store(HERE), [store(A), store(B, Calendar("Asia/Vladivostok")), store(C, NEVER)]
    routes = {B: Route(cutoff=time(10), days=3, arrival=time(21), weekdays=frozenset({2}))}
    for hour in range(0, 72, 5):
        now = NOON + timedelta(hours=hour)
        found = arrivals(now, wished, [wished, *others], routes)
        assert found[HERE] == SHOP.next_open(now)
        for one in others:
            way = {(source, HERE): route for source, route in routes.items()}
            promised = availability(now, [wished, one], {one.id: 1}, (), way, None)[HERE]
            assert found[one.id] == promised.eta_at, (hour, one.id)


def test_a_promise_is_never_in_the_past() -> None:
    """The van of today has arrived although it may still be loaded: that of tomorrow brings it."""
    early = {A: Route(cutoff=time(18), days=0, arrival=time(11))}
    assert arrivals(NOON, store(HERE), [store(A)], early)[A] == NOON + timedelta(hours=23)


def test_nothing_comes_to_or_from_a_store_that_never_opens() -> None:
    assert arrivals(NOON, store(HERE, NEVER), [store(HERE, NEVER), store(A)], {}) == {HERE: None, A: None}
    assert arrivals(NOON, store(HERE), [store(A, NEVER)], {}) == {A: None}


@pytest.mark.parametrize(
    ("zone", "promised", "end"),
    [
        ("Europe/Moscow", "2026-06-01 17:00", "2026-06-02 00:00"),
        ("Asia/Vladivostok", "2026-06-01 00:00", "2026-06-02 00:00"),
        ("Europe/Berlin", "2026-03-29 17:00", "2026-03-30 00:00"),
    ],
)
def test_a_promise_is_due_at_the_end_of_the_day_where_the_buyer_comes(zone: str, promised: str, end: str) -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    assert end_of_day(moment(promised), Calendar(zone)) == moment(end)


def test_a_wish_sums_its_lines_by_product() -> None:
    assert Wish(HERE, ((2, 1), (1, 2), (2, 3)), "a").wanted == {1: 2, 2: 4}
