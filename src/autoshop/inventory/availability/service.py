"""Verbs: where a product is, when a buyer can have it, and how long its supplier needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.inventory.availability import store
from autoshop.inventory.availability.model import UNAVAILABLE, Arrival, Availability, availability
from autoshop.inventory.availability.store import Shelf
from autoshop.inventory.movements.model import UnknownProduct, UnknownStore
from autoshop.inventory.stores import store as stores
from autoshop.inventory.stores.model import Route, Store
from autoshop.inventory.transfers import store as transfers
from autoshop.kit.db import Connection


@dataclass(frozen=True, slots=True)
class AtStore:
    """A product at one store: what lies there, what is coming, and the promise."""

    store: Store
    shelf: Shelf
    in_transit: int
    availability: Availability


async def look_up(db: Connection, product_id: int, now: datetime) -> list[AtStore]:
    """A product at every store, whether it ever lay there or not. Five short statements on one connection."""
    exists, lead_time_days = await store.lead_time(db, product_id)
    if not exists:
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)
    shelves = await store.shelves(db, product_id)
    places = await stores.in_business(db, [store_id for store_id, shelf in shelves.items() if shelf.quantity])
    available = {store_id: shelf.quantity - shelf.reserved for store_id, shelf in shelves.items()}
    arrivals = await transfers.on_the_way(db, product_id)
    lacking = [place for place in places if available.get(place.id, 0) <= 0]
    routes = await stores.routes(db) if lacking else {}
    found = availability(now, places, available, arrivals, routes, lead_time_days)
    coming: dict[int, int] = {}
    for arrival in arrivals:
        coming[arrival.store_id] = coming.get(arrival.store_id, 0) + arrival.pieces
    return [
        AtStore(
            place,
            shelves.get(place.id) or Shelf(place.id, 0, 0, None),
            coming.get(place.id, 0),
            found[place.id],
        )
        for place in places
    ]


STORES_EACH = 20  # of a product in a list: the fullest


@dataclass(frozen=True, slots=True)
class InBrief:
    """A product in a list: free pieces at the asked store (None: none was) and everywhere, and the promise with the
    store that keeps it.

    `store_ids` are those that have it on hand, the fullest first, STORES_EACH at most.
    """

    here: int | None
    everywhere: int
    store_ids: tuple[int, ...]
    availability: Availability
    store: Store | None


async def look_up_many(
    db: Connection, product_ids: Sequence[int], store_id: int | None, now: datetime
) -> dict[int, InBrief]:
    """Products of a list, all as of one instant: at a store, or (None) wherever a buyer can have them first.

    Refuses a store that is not there.
    """
    rows = await store.of_many(db, product_ids, store_id, STORES_EACH)
    named = {one for row in rows for one in (*(row["store_ids"] or ()), *(row["to_store_ids"] or ()))}
    if store_id is None and not all(row["store_ids"] for row in rows):  # wherever it is delivered first
        places = {one.id: one for one in await stores.in_business(db)}
    else:
        places = {one.id: one for one in await stores.among(db, sorted(named | ({store_id} if store_id else set())))}
    if store_id is not None and store_id not in places:
        raise UnknownStore(f"There is no store {store_id}", store_id=store_id)
    routes: dict[tuple[int, int], Route] = {}
    if store_id is not None and any(not row["here"] for row in rows):
        routes = {(source, store_id): route for source, route in (await stores.routes_to(db, store_id)).items()}
    known: dict[tuple[object, ...], tuple[Availability, Store | None]] = {}
    found = {}
    for row in rows:
        sources = tuple(row["store_ids"] or ())
        key = (row["here"] > 0, sources, tuple(row["to_store_ids"] or ()), tuple(row["etas"] or ()), row["days"])
        if key not in known:  # most products of a list are promised alike
            known[key] = _promise(row, places, store_id, routes, now)
        here = row["here"] if store_id is not None else None
        found[row["product_id"]] = InBrief(here, row["everywhere"], sources, *known[key])
    return found


def _promise(
    row: asyncpg.Record,
    places: dict[int, Store],
    store_id: int | None,
    routes: dict[tuple[int, int], Route],
    now: datetime,
) -> tuple[Availability, Store | None]:
    """The best promise at the asked store, or at any: a store that has it on hand, else the earliest."""
    free = dict(zip(row["store_ids"] or (), row["free"] or (), strict=True))
    coming = zip(row["to_store_ids"] or (), row["pieces"] or (), row["etas"] or (), strict=True)
    arrivals = [Arrival(*one) for one in coming]
    if store_id is not None:
        free[store_id] = row["here"]
        asked = [store_id] if store_id in places else []
        possible = [one for one in places.values() if one.id in free]
    else:
        # Deliveries reach all stores on the same day: those that keep the same hours promise the same.
        of_each_calendar = {place.calendar: place.id for place in reversed(places.values()) if place.active}
        asked = [*free] or [*{one.store_id for one in arrivals}, *of_each_calendar.values()]
        possible = [places[one] for one in dict.fromkeys(asked) if one in places]
    promised = availability(now, possible, free, arrivals, routes, row["days"])
    best = min(
        ((promised[one], places[one]) for one in asked if one in promised and promised[one].eta_at is not None),
        key=lambda each: (each[0].status != "on_hand", each[0].eta_at),
        default=None,
    )
    return best or (UNAVAILABLE, places.get(asked[0]) if asked else None)


async def set_lead_time(db: Connection, caller: Caller, product_id: int, days: int | None) -> None:
    """Say how long the supplier needs for a product; None = unknown, so nothing is promised."""
    exists, _ = await store.lead_time(db, product_id)
    if not exists:
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)
    await store.set_lead_time(db, product_id, days, caller.actor)
