"""Verbs: where a product is, when a buyer can have it, and how long its supplier needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from autoshop.accounts.model import Caller
from autoshop.inventory.availability import store
from autoshop.inventory.availability.model import UNAVAILABLE, Availability, availability, soonest
from autoshop.inventory.availability.store import Shelf
from autoshop.inventory.movements.model import UnknownProduct, UnknownStore
from autoshop.inventory.stores import store as stores
from autoshop.inventory.stores.model import Store
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


@dataclass(frozen=True, slots=True)
class Promised:
    """When a buyer can have a product, and where: at the store that was asked for, or first of all. Free pieces there
    and everywhere."""

    store: Store | None
    availability: Availability
    free_here: int
    free: int


async def promises(
    db: Connection, product_ids: Sequence[int], store_id: int | None, now: datetime
) -> dict[int, Promised]:
    """Many products at one store, or (None) wherever they can be had first: for a list of what may be bought.

    A handful of statements, however many products and stores. Each product is in the answer.
    """
    places = await stores.in_business(db)
    by_id = {place.id: place for place in places}
    if store_id is not None and store_id not in by_id:
        raise UnknownStore(f"There is no store {store_id} in business", store_id=store_id)
    free = await store.free(db, product_ids)
    lead_times = await store.lead_times(db, product_ids)
    arrivals = await transfers.on_the_way_of(db, product_ids)
    routes = await stores.routes(db)
    one_of_each_calendar = {place.calendar: place.id for place in reversed(places)}.values()
    answer = {}
    for product_id in product_ids:
        here, coming = free.get(product_id, {}), arrivals.get(product_id, [])
        holding = {place_id for place_id in here if place_id in by_id}
        where = {store_id} if store_id is not None else holding
        where = where or {*one_of_each_calendar, *(arrival.store_id for arrival in coming)}
        found = availability(now, places, here, coming, routes, lead_times.get(product_id), where)
        at, best = soonest(found) or (store_id, UNAVAILABLE)
        answer[product_id] = Promised(by_id.get(at or 0), best, here.get(at or 0, 0), sum(here.values()))
    return answer


async def set_lead_time(db: Connection, caller: Caller, product_id: int, days: int | None) -> None:
    """Say how long the supplier needs for a product; None = unknown, so nothing is promised."""
    exists, _ = await store.lead_time(db, product_id)
    if not exists:
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)
    await store.set_lead_time(db, product_id, days, caller.actor)
