"""Verbs: take counts, take them back, and settle the lines they belong to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import TooManyPieces
from autoshop.inventory.movements.store import open_places
from autoshop.inventory.reservations.store import lock_places
from autoshop.inventory.stocktakes import store as stocktakes
from autoshop.inventory.stocktakes.counts import store
from autoshop.inventory.stocktakes.counts.model import (
    MOST_ON_A_SHELF,
    Asked,
    Count,
    CountedMeanwhile,
    CountsRefused,
    Limits,
    NotYourCount,
    UnknownCount,
    settle,
    stands_in_the_way,
)
from autoshop.inventory.stocktakes.model import MOST_TOLD, Line, NotCounting, Stocktake, UnknownStocktake
from autoshop.inventory.value.service import averages
from autoshop.kit.db import Connection

Numbered = tuple[int, Asked]  # as it stood in the request


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of counts: those taken now, those known before, and their lines as they are by now."""

    stocktake: Stocktake
    now: datetime
    taken: int
    repeated: int
    lines: list[Line]


async def take_counts(
    db: Connection, caller: Caller, stocktake_id: int, asked: Sequence[Asked], sent_at: datetime | None = None
) -> Taken:
    """Take counts: all of them, or a refusal that names every one that stood in the way.

    Each is compared with the ledger as of its own moment; under the locks of the places no movement from before it can
    still turn up. A count that is sent again is taken once, even after the counting has ended. `sent_at` is the
    device's clock as it sends: by what that is wrong, its moments are put right.
    """
    now = await stocktakes.clock(db)  # before anything is waited for
    stocktake = await stocktakes.lock_for_counting(db, stocktake_id)
    if stocktake is None:
        raise UnknownStocktake(f"There is no stocktake {stocktake_id}", stocktake_id=stocktake_id)
    caller.must_act_for(stocktake.store_id)
    counts = [replace(one, counted_at=_by_our_clock(one.counted_at, now, sent_at)) for one in asked]
    products = sorted({one.product_id for one in counts})
    costs = await _costs(db, stocktake, products)
    if stocktake.status == "counting":
        places = [(product_id, stocktake.store_id) for product_id in products]
        await open_places(db, places)
        await lock_places(db, places)
    known = await store.known(db, stocktake_id, [one.client_id for one in counts])
    fresh, troubles = _sorted_out(counts, known)
    if fresh and stocktake.status != "counting":
        raise NotCounting(stocktake_id=stocktake_id, stocktake_status=stocktake.status)
    if fresh or troubles:
        await _take(db, caller, stocktake, fresh, troubles, now, costs)
    lines = await stocktakes.lines(db, {"stocktake_id": stocktake_id, "product_ids": products}, len(products))
    return Taken(stocktake, now, len(fresh), len(counts) - len(fresh), lines)


async def _costs(db: Connection, stocktake: Stocktake, products: Sequence[int]) -> Mapping[int, int]:
    """What second counts by value go by. Before the locks: of a product with a long history it takes a while."""
    if stocktake.status != "counting" or stocktake.second_count_above_kopecks is None:
        return {}
    return await averages(db, products)


def _by_our_clock(at: datetime | None, now: datetime, sent_at: datetime | None) -> datetime:
    if at is None:
        return now
    return at if sent_at is None else at + (now - sent_at)


def _sorted_out(
    counts: Sequence[Asked], known: Mapping[str, Count]
) -> tuple[list[Numbered], list[tuple[int, dict[str, Any]]]]:
    """The counts that are new, and what is wrong with ids that stand for two things."""
    fresh: list[Numbered] = []
    troubles = []
    said = {client_id: count.said for client_id, count in known.items()}
    for number, one in enumerate(counts):
        if one.client_id not in said:
            fresh.append((number, one))
        elif said[one.client_id] != one.said:
            detail = "This id belongs to another count. A new count needs a new id"
            troubles.append((number, stands_in_the_way(number, one, "The id was used for something else", detail)))
        said.setdefault(one.client_id, one.said)
    return fresh, troubles


async def _take(
    db: Connection,
    caller: Caller,
    stocktake: Stocktake,
    fresh: Sequence[Numbered],
    troubles: list[tuple[int, dict[str, Any]]],
    now: datetime,
    costs: Mapping[int, int],
) -> None:
    products = sorted({one.product_id for _, one in fresh})
    rounds = await store.rounds(db, stocktake.id, products)
    missing = [product_id for product_id in products if product_id not in rounds]
    troubles += [*await _strangers(db, stocktake, missing, fresh), *_misplaced(stocktake, rounds, fresh, now)]
    if troubles:
        raise _refused(troubles)
    counts = [one for _, one in fresh]
    moments = [(one.product_id, one.counted_at or now) for one in counts]
    try:
        await stocktakes.add_lines(db, stocktake.id, stocktake.store_id, missing, stocktake.kept_scope.shelf_keys)
        ledger = await store.ledger_at(db, stocktake, moments)
        await store.add(db, stocktake.id, caller.actor, list(zip(counts, ledger, strict=True)))
    except asyncpg.UniqueViolationError as error:  # between our look and our leap
        title = "The id was used" if "client_id" in str(error.constraint_name) else "Already being counted"
        detail = "Somebody else was quicker; read it again and repeat"
        told = [(number, stands_in_the_way(number, one, title, detail)) for number, one in fresh]
        raise _refused(told, CountedMeanwhile) from error
    await _settle(db, stocktake, products, costs)


async def _settle(db: Connection, stocktake: Stocktake, products: Sequence[int], costs: Mapping[int, int]) -> None:
    """Write down what these lines have come to, and tell of it. Their places are locked."""
    rounds = await store.rounds(db, stocktake.id, products)
    every = await store.of_products(db, stocktake.id, products)
    limits = Limits(stocktake.second_count_above, stocktake.second_count_above_kopecks)
    settled = {
        one: settle(counts, rounds[one][0], replace(limits, average_microkopecks=costs.get(one)))
        for one, counts in every.items()
    }
    for product_id, outcome in settled.items():
        if outcome.counted > MOST_ON_A_SHELF:
            raise TooManyPieces(product_id=product_id, counted=outcome.counted)
    await store.settle(db, stocktake.id, settled)
    if left := [product_id for product_id in products if product_id not in settled]:
        await store.unsettle(db, stocktake.id, left)
    await stocktakes.tell(db, stocktake.id, "counted", products)


async def take_back(db: Connection, caller: Caller, stocktake_id: int, client_ids: Sequence[str]) -> Taken:
    """Let counts count no more: one's own, or of whoever approves anybody's; all of them, or none.

    What remains decides; a product of which nothing remains is to be counted. Taken back again changes nothing.
    """
    now = await stocktakes.clock(db)
    stocktake = await stocktakes.lock_for_counting(db, stocktake_id)
    if stocktake is None:
        raise UnknownStocktake(f"There is no stocktake {stocktake_id}", stocktake_id=stocktake_id)
    caller.must_act_for(stocktake.store_id)
    wanted = sorted(set(client_ids))
    counts = await store.known(db, stocktake_id, wanted)
    if unknown := [one for one in wanted if one not in counts]:
        raise UnknownCount(client_ids=unknown[:MOST_TOLD])
    for one in counts.values():
        if one.actor != caller.actor and not caller.may("inventory:approve"):
            raise NotYourCount(client_id=one.client_id, actor=one.actor)
    products = sorted({one.product_id for one in counts.values()})
    costs = await _costs(db, stocktake, products)
    await lock_places(db, [(product_id, stocktake.store_id) for product_id in products])
    fresh = await store.retract(db, stocktake_id, caller.actor, wanted)
    if fresh and stocktake.status != "counting":
        raise NotCounting(stocktake_id=stocktake_id, stocktake_status=stocktake.status)
    if fresh:
        await _settle(db, stocktake, sorted({counts[one].product_id for one in fresh}), costs)
    lines = await stocktakes.lines(db, {"stocktake_id": stocktake_id, "product_ids": products}, len(products))
    return Taken(stocktake, now, len(fresh), len(wanted) - len(fresh), lines)


async def _strangers(
    db: Connection, stocktake: Stocktake, missing: Sequence[int], fresh: Sequence[Numbered]
) -> list[tuple[int, dict[str, Any]]]:
    """Counts of products that are not in the list, unless they belong there and only were not expected."""
    if not missing:
        return []
    scope = stocktake.kept_scope
    belongs = await store.belonging(
        db, missing, stocktake.store_id, scope.category_id, scope.shelf_keys if scope.kind == "shelves" else None
    )
    clashes = await stocktakes.clashes(db, stocktake.store_id, missing, len(missing))
    elsewhere = {clash["product_id"]: clash["stocktake_id"] for clash in clashes}
    troubles = []
    for number, one in fresh:
        told: dict[str, Any] | None = None
        if one.product_id in missing and one.product_id not in belongs:
            detail = f"There is no product {one.product_id}"
            told = stands_in_the_way(number, one, "Unknown product", detail)
        elif one.product_id in elsewhere:
            detail = f"It belongs to stocktake {elsewhere[one.product_id]}, which is open"
            told = stands_in_the_way(number, one, "Already being counted", detail)
        elif one.product_id in missing and not (scope.takes_what_turns_up and belongs[one.product_id]):
            detail = f"Product {one.product_id} is not in this stocktake; count it in one of its own"
            told = stands_in_the_way(number, one, "Not in the list", detail)
        if told is not None:
            troubles.append((number, told))
    return troubles


def _misplaced(
    stocktake: Stocktake, rounds: Mapping[int, tuple[int, int]], fresh: Sequence[Numbered], now: datetime
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Counts whose moment or round cannot be."""
    here = {(one.product_id, one.round) for _, one in fresh}
    for number, one in fresh:
        _, newest = rounds.get(one.product_id, (1, 0))
        if not stocktake.opened_at <= (one.counted_at or now) <= now:
            detail = "It lies before the opening, or in the future; set the clock, or send sent_at with the counts"
            times = {"opened_at": stocktake.opened_at, "server_time": now}
            yield number, stands_in_the_way(number, one, "No moment to count at", detail, **times)
        elif one.round > newest + 1 and (one.product_id, one.round - 1) not in here:
            detail = f"Round {one.round} cannot be counted before round {newest + 1}"
            yield number, stands_in_the_way(number, one, "No such round yet", detail)


def _refused(troubles: Iterable[tuple[int, dict[str, Any]]], no: type[CountsRefused] = CountsRefused) -> CountsRefused:
    """Nothing is taken, and why; in the order of the request."""
    return no(counts=[told for _, told in sorted(troubles, key=lambda one: one[0])][:MOST_TOLD])
