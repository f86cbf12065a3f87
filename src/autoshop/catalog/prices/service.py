"""Verbs: price types, and the history of a product's prices. Prices are set with their product."""

from datetime import datetime

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.catalog.prices import store
from autoshop.catalog.prices.model import Price, PriceType, PriceTypeTaken
from autoshop.inventory.stock.service import must_exist
from autoshop.kit.db import Connection


async def price_types(db: Connection, caller: Caller) -> list[PriceType]:
    """The price types that the caller may see."""
    return await store.types(db, cost=caller.may("cost:read"))


async def add_price_type(db: Connection, caller: Caller, price_type: PriceType) -> None:
    """A new price type; a cost only by those who see cost."""
    if price_type.is_cost:
        caller.must("cost:read")
    if not await store.add_type(db, price_type):
        raise PriceTypeTaken(f"There is already a price type «{price_type.code}»", code=price_type.code)
    names = {"name_ru": price_type.name_ru, "name_en": price_type.name_en, "is_cost": price_type.is_cost}
    await audit(db, caller, "add", f"price_type:{price_type.code}", None, names)


async def history(
    db: Connection,
    caller: Caller,
    product_id: int,
    price_type: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> tuple[list[Price], bool]:
    """A page of a product's prices, newest first, without those the caller may not see, and whether there is more."""
    await must_exist(db, product_id)
    found = await store.history(
        db, product_id, cost=caller.may("cost:read"), price_type=price_type, before=before, limit=limit + 1
    )
    return found[:limit], len(found) > limit
