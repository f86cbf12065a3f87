"""Verbs: say where products lie, one at a time or a thousand."""

from collections.abc import Sequence

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import UnknownProduct, UnknownStore
from autoshop.inventory.shelves import store
from autoshop.inventory.shelves.model import Shelf, ShelvesChanged, UnknownToShelves, Wanted, places_of
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.etag import changed_meanwhile


async def get_shelf(db: Connection, product_id: int, store_id: int) -> Shelf:
    """Where a product lies at a store; version 0 where nobody has said."""
    if not await store.known_products(db, [product_id]):
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)
    found = (await store.lists(db, [(product_id, store_id)])).get((product_id, store_id))
    return found or Shelf(product_id, store_id)


async def set_shelf(
    db: Connection, caller: Caller, product_id: int, store_id: int, version: int, typed: Sequence[str]
) -> Shelf:
    """Give a product that is still at `version` these places at a store, the main one first; none takes all away."""
    caller.must_act_for(store_id)
    places = places_of(typed)
    await _lock(db, [store_id])
    before = await get_shelf(db, product_id, store_id)
    if before.version != version:
        raise changed_meanwhile("shelf", before.version, {"places": list(places)}, {"places": list(before.places)})
    await store.replace(db, [Wanted(product_id, store_id, places)])
    return await get_shelf(db, product_id, store_id)


async def set_shelves(db: Connection, caller: Caller, wanted: Sequence[Wanted]) -> list[Shelf]:
    """Set many lists, or none and a refusal that names what stands in the way. Those with a version must be at it."""
    caller.must_act_for(*sorted({one.store_id for one in wanted}))
    clean = [Wanted(one.product_id, one.store_id, places_of(one.places), one.version) for one in wanted]
    keys = [one.key for one in clean]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        reason = f"product {twice[0]} at store {twice[1]} is there twice"
        raise Invalid(f"items: {reason}", errors=[wrong("items", reason)])
    await _lock(db, [one.store_id for one in clean])
    known = await store.known_products(db, [one.product_id for one in clean])
    if missing := sorted({one.product_id for one in clean} - known):
        raise UnknownToShelves(product_ids=missing)
    before = await store.lists(db, keys)
    changed = [
        {"item": number, "version": now.version, "places": list(now.places)}
        for number, one in enumerate(clean)
        if one.version not in (None, (now := before.get(one.key) or Shelf(*one.key)).version)
    ]
    if changed:
        raise ShelvesChanged(items=changed)
    await store.replace(db, clean)
    after = await store.lists(db, keys)
    return [after.get(key) or Shelf(*key) for key in keys]


async def _lock(db: Connection, store_ids: Sequence[int]) -> None:
    known = await store.lock_stores(db, store_ids)
    for store_id in store_ids:
        if store_id not in known:
            raise UnknownStore(f"There is no store {store_id}", store_id=store_id)
