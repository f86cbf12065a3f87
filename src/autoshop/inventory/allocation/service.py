"""Verbs: propose, allocate, look up. Who may allocate acts for the wished store; the pieces may lie anywhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from autoshop.accounts.model import Caller
from autoshop.inventory.allocation import store
from autoshop.inventory.allocation.model import (
    Allocation,
    Alternative,
    Candidate,
    Choice,
    Explanation,
    HoldTooShort,
    NotAllocated,
    Proposal,
    UnknownAllocation,
    Wish,
    arrivals,
    choose,
    end_of_day,
    looks_at,
)
from autoshop.inventory.availability.model import Arrival, availability
from autoshop.inventory.movements.model import BatchRefused, InsufficientStock, UnknownProduct, UnknownStore
from autoshop.inventory.reservations import service as reservations
from autoshop.inventory.reservations.store import lock_places
from autoshop.inventory.stores import store as stores
from autoshop.inventory.stores.model import Store
from autoshop.inventory.transfers.model import ForOrder, NoWayThere, StoreClosed
from autoshop.inventory.transfers.orders import service as orders
from autoshop.kit.db import Connection

TRIES = 3  # without locks; then once more under the locks of all that is free


async def allocate(db: Connection, caller: Caller, wish: Wish, lasts: timedelta, now: datetime) -> Allocation:
    """Hold all the pieces of an order, wherever they lie, and promise a date; or a refusal that names every line.

    What was seen may be gone when it is held: then look again. The last look is under locks, and nobody can come
    between it and the hold. `lasts`: how long to hold where the wish does not say; the promised day always ends first.
    """
    for _ in range(TRIES):
        proposal = await propose(db, caller, wish, lasts, now)
        try:
            return await _hold(db, caller, wish, proposal, now)
        except (InsufficientStock, BatchRefused):
            continue  # somebody was quicker
    await _lock_all_that_is_free(db, wish)
    return await _hold(db, caller, wish, await propose(db, caller, wish, lasts, now), now)


async def propose(db: Connection, caller: Caller, wish: Wish, lasts: timedelta, now: datetime) -> Proposal:
    """Where everything would come from, and why. Nothing is held."""
    caller.must_act_for(wish.store_id)
    if wish.expires_at is not None:
        reservations.must_be_ahead(wish.expires_at, now)
    wanted = wish.wanted
    lead_times = await store.lead_times(db, list(wanted))
    free = await store.free_pieces(db, list(wanted))
    places = await stores.in_business(db, [*free, wish.store_id])
    wished = next((one for one in places if one.id == wish.store_id), None)
    if wished is None:
        raise UnknownStore(f"There is no store {wish.store_id}", store_id=wish.store_id)
    if not wished.active:
        raise StoreClosed(store_id=wish.store_id)
    reached = arrivals(now, wished, places, await stores.routes_to(db, wished.id))
    if reached[wished.id] is None:
        raise NoWayThere(to_store_id=wished.id)
    candidates = [Candidate(one.id, free.get(one.id, {}), reached[one.id], one.active) for one in places]
    choice = choose(wished.id, wanted, candidates)
    lacking = _lacking(wished.id, wanted, choice)
    coming = await store.coming(db, list(lacking), wished.id)
    alternatives = _alternatives(wished, lacking, coming, lead_times, now)
    if choice is None or len(lead_times) < len(wanted):
        raise _refusal(wish, candidates, set(lead_times), alternatives)
    due_at = end_of_day(choice.promised_at, wished.calendar)
    expires_at = wish.expires_at or max(now + lasts, due_at)
    if expires_at < choice.promised_at:
        raise HoldTooShort(promised_at=choice.promised_at.isoformat(), expires_at=expires_at.isoformat())
    looks = looks_at(wished.id, wanted, candidates, choice)
    explanation = Explanation(choice.exact, len(places), looks, alternatives)
    return Proposal(wished, choice, explanation, due_at, expires_at)


async def promises(
    db: Connection, store_id: int | None, wishes: Sequence[Mapping[int, int]], now: datetime
) -> tuple[Store | None, list[datetime | None]]:
    """When each of several wishes (pieces by product) could be had at a store, as an allocation would promise it.

    None: not all of it lies in the stores, or nothing comes there. Without a store: at the one where most of it lies
    already; None where no store is open at all. Refuses a store that is not there, or closed.
    """
    free = await store.free_pieces(db, sorted({product_id for wish in wishes for product_id in wish}))
    places = await stores.in_business(db, [*free, *([store_id] if store_id is not None else [])])
    if store_id is None:
        active = [one for one in places if one.active]
        if not active:
            return None, [None] * len(wishes)
        wished = max(active, key=lambda one: (_lie_there(one, wishes, free), -one.id))
    else:
        found = next((one for one in places if one.id == store_id), None)
        if found is None:
            raise UnknownStore(f"There is no store {store_id}", store_id=store_id)
        wished = found
    if not wished.active:
        raise StoreClosed(store_id=wished.id)
    reached = arrivals(now, wished, places, await stores.routes_to(db, wished.id))
    promised: list[datetime | None] = []
    for wish in wishes:
        offered = {one.id: {p: n for p, n in free.get(one.id, {}).items() if p in wish} for one in places}
        candidates = [Candidate(one.id, offered[one.id], reached[one.id], one.active) for one in places]
        choice = choose(wished.id, wish, candidates) if wish else None
        promised.append(choice.promised_at if choice is not None else None)
    return wished, promised


def _lie_there(place: Store, wishes: Sequence[Mapping[int, int]], free: Mapping[int, Mapping[int, int]]) -> int:
    here = free.get(place.id, {})
    return sum(here.get(product_id, 0) >= pieces for wish in wishes for product_id, pieces in wish.items())


async def _hold(db: Connection, caller: Caller, wish: Wish, proposal: Proposal, now: datetime) -> Allocation:
    """Hold what was chosen, all of it or nothing, and write the promise down. A refusal leaves no trace."""
    lines = [((part.product_id, part.from_store_id), part.pieces) for part in proposal.choice.parts]
    async with db.transaction():
        until = proposal.expires_at
        hold_id = await reservations.hold(db, caller, lines, wish.holder, wish.related_document, until, now)
        allocation_id, created_at = await store.add(db, proposal, hold_id, caller.actor)
        transfers = await _ask_for_pieces(db, caller, wish, proposal, hold_id, allocation_id) if wish.transfers else ()
        await store.tell(db, allocation_id, "allocated")
    choice = proposal.choice
    return Allocation(
        id=allocation_id,
        store_id=wish.store_id,
        reservation_id=hold_id,
        rule=choice.rule,
        state="open",
        promised_at=choice.promised_at,
        due_at=proposal.due_at,
        actor=caller.actor,
        created_at=created_at,
        fulfilled_at=None,
        ended_at=None,
        version=1,
        holder=wish.holder,
        related_document=wish.related_document,
        expires_at=proposal.expires_at,
        parts=choice.parts,
        transfers=transfers,
        explanation=proposal.explanation,
    )


async def _ask_for_pieces(
    db: Connection, caller: Caller, wish: Wish, proposal: Proposal, reservation_id: int, allocation_id: int
) -> tuple[ForOrder, ...]:
    """One transfer from each other store; what it brings stays held for the order all the way."""
    wished, pieces = proposal.store, dict[int, dict[int, int]]()
    for part in proposal.choice.parts:
        if part.from_store_id != wished.id:
            pieces.setdefault(part.from_store_id, {})[part.product_id] = part.pieces
    promised_on = proposal.choice.promised_at.astimezone(wished.calendar.zone).date()
    return await orders.request_all(
        db, pieces, wished.id, wish.related_document, promised_on, caller.actor, reservation_id, allocation_id
    )


async def cancel(db: Connection, caller: Caller, allocation_id: int) -> Allocation:
    """Give up an order: its pieces are free wherever they lie, nobody is asked for them, and what is on the way comes
    as free stock. Whoever acts for the wished store may, as he may allocate.
    """
    allocation = await get_allocation(db, allocation_id)
    caller.must_act_for(allocation.store_id)
    await reservations.release_all(db, caller, allocation.reservation_id)
    return await get_allocation(db, allocation_id)


async def _lock_all_that_is_free(db: Connection, wish: Wish) -> None:
    free = await store.free_pieces(db, list(wish.wanted))
    await lock_places(db, [(product_id, store_id) for store_id, pieces in free.items() for product_id in pieces])


async def get_allocation(db: Connection, allocation_id: int) -> Allocation:
    """The promise with its reasons, or a refusal."""
    found = await store.find(db, allocation_id)
    if found is None:
        raise UnknownAllocation(f"There is no allocation {allocation_id}", allocation_id=allocation_id)
    return found


def _lacking(wished_id: int, wanted: dict[int, int], choice: Choice | None) -> list[int]:
    """Products of which not all lie at the wished store."""
    if choice is None:
        return list(wanted)
    return sorted({part.product_id for part in choice.parts if part.from_store_id != wished_id})


def _alternatives(
    wished: Store,
    product_ids: list[int],
    coming: list[tuple[int, int, datetime]],
    lead_times: dict[int, int | None],
    now: datetime,
) -> tuple[Alternative, ...]:
    """What is coming to the wished store anyhow, by the rules of availability."""
    found = []
    for product_id in product_ids:
        for _, pieces, eta_at in (one for one in coming if one[0] == product_id):
            there = availability(now, [wished], {}, [Arrival(wished.id, pieces, eta_at)], {}, None)[wished.id]
            if there.eta_at is not None:
                found.append(Alternative(product_id, "in_transit", pieces, there.eta_at))
        ordered = availability(now, [wished], {}, (), {}, lead_times.get(product_id))[wished.id]
        if ordered.eta_at is not None:
            found.append(Alternative(product_id, "backorder", None, ordered.eta_at))
    return tuple(found)


def _refusal(
    wish: Wish, candidates: list[Candidate], known: set[int], alternatives: tuple[Alternative, ...]
) -> UnknownProduct | NotAllocated:
    """Every line that stands in the way: what all stores can send together, what lies where nothing comes from."""
    told: list[dict[str, Any]] = []
    wanted = wish.wanted
    able = [one for one in candidates if one.active and one.promised_at is not None]
    for number, (product_id, _) in enumerate(wish.lines):
        asked = wanted[product_id]
        available = sum(one.free.get(product_id, 0) for one in able)
        everywhere = sum(one.free.get(product_id, 0) for one in candidates)
        facts: dict[str, Any] = {"line": number, "product_id": product_id, "asked": asked}
        if product_id not in known:
            unknown = UnknownProduct(f"There is no product {product_id}", product_id=product_id)
            if len(wish.lines) == 1:
                return unknown
            told.append({**facts, "title": unknown.title, "detail": unknown.detail})
        elif asked > available:
            told.append(
                {
                    **facts,
                    "title": InsufficientStock.title,
                    "detail": f"Asked for {asked}, all stores together can send {available}",
                    "available": available,
                    "unreachable": everywhere - available,
                    "alternatives": [
                        {"kind": one.kind, "pieces": one.pieces, "promised_at": one.promised_at.isoformat()}
                        for one in alternatives
                        if one.product_id == product_id
                    ],
                }
            )
    return NotAllocated(lines=told)
