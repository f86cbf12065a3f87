"""Verbs: say for which car something is bought; hear returns, and keep what they say of parts and cars."""

from collections.abc import Sequence
from typing import Any

from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.inventory.movements.model import UnknownProduct
from autoshop.inventory.returns import service as returns
from autoshop.inventory.returns import store as sales
from autoshop.kit import outbox
from autoshop.kit.db import Connection
from autoshop.kit.log import log
from autoshop.kit.outbox import read_position
from autoshop.selection.fitment import service as fitment
from autoshop.selection.fitment import store as cars
from autoshop.selection.fitment.feedback import store
from autoshop.selection.fitment.feedback.model import ALL_PRODUCTS, Purchase, came_back, references_of

TOPIC = "inventory.return"
PAGE = 500
STALE = 10_000  # transactions after which the position is written anew although nothing was heard


async def name_the_car(
    db: Connection,
    caller: Caller,
    related_document: str,
    vehicle_id: str,
    engine: str | None,
    year: int | None,
    product_ids: Sequence[int],
) -> Purchase:
    """An order, a hold or a sale is for a car: all of it, or products of it. Said again, the last word counts.

    Raises UnknownVehicle, UnknownEngine, UnknownProduct.
    """
    vehicle, _ = fitment.car(vehicle_id, engine)
    there = await products.get_products(db, caller, product_ids)
    for product_id in product_ids:
        if product_id not in there:
            raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)
    await cars.add_cars(db, [vehicle.id], [(vehicle.id, engine)] if engine else [])
    wanted = sorted(set(product_ids)) or [ALL_PRODUCTS]
    await store.keep_purchase(db, related_document, vehicle.id, engine, year, caller.actor, wanted)
    return Purchase(related_document, vehicle.id, engine, year, tuple(sorted(set(product_ids))))


async def hear(db: Connection) -> bool:
    """Keep what returns have said since the last time; whether there is more. Of several who hear, one does."""
    if not await store.hear_alone(db):
        return False
    text = await store.position(db)
    known, now = read_position(text), await outbox.position(db)
    if known.xmax > now.xmax:
        log.warning("the position of returns is of another database: they are heard from now on", position=text)
        await store.save(db, str(now))
        return False
    batch = await outbox.since(db, known, PAGE, TOPIC)
    for event in batch.events:
        await _take(db, event.payload)
    if batch.events:
        await store.save(db, str(batch.until))
    elif now.xmax - known.xmax > STALE:
        await store.save(db, str(batch.seen))
    return batch.cut


async def _take(db: Connection, told: dict[str, Any]) -> None:
    """What a return says as it stands now: one that was undone says nothing, and never did."""
    if told["kind"] != "customer":
        return
    found = await returns.get_return(db, "customer", told["return_id"])
    if found.status == "reversed":
        await store.withdraw(db, sorted({line.product_id for line in found.lines}), references_of(found))
        return
    known = await sales.sales(db, [line.sale_id for line in found.lines if line.sale_id is not None])
    said = came_back(found, {sale.id: sale.related_document for sale in known})
    if said:
        await store.add(db, said, found.actor)
