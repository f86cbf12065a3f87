"""Verbs: where a product is, when a buyer can have it, and how long its supplier needs."""

from dataclasses import dataclass
from datetime import datetime

from autoshop.accounts.model import Caller
from autoshop.inventory.availability import store
from autoshop.inventory.availability.model import Availability, availability
from autoshop.inventory.availability.store import Shelf
from autoshop.inventory.movements.model import UnknownProduct
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


async def set_lead_time(db: Connection, caller: Caller, product_id: int, days: int | None) -> None:
    """Say how long the supplier needs for a product; None = unknown, so nothing is promised."""
    exists, _ = await store.lead_time(db, product_id)
    if not exists:
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)
    await store.set_lead_time(db, product_id, days, caller.actor)
