"""Verbs: open a stocktake, ask for another count, tell what is known of it."""

from collections.abc import Sequence

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import UnknownProduct
from autoshop.inventory.shelves.model import key_of
from autoshop.inventory.stocktakes import store
from autoshop.inventory.stocktakes.counts.model import MOST_ROUNDS
from autoshop.inventory.stocktakes.model import (
    MOST_TOLD,
    AlreadyBeingCounted,
    NotCounting,
    NothingToCount,
    NotInTheList,
    Scope,
    Stocktake,
    UnknownCategory,
    UnknownShelf,
    UnknownStocktake,
)
from autoshop.inventory.stores.service import get_store
from autoshop.kit.db import Connection, unhurried


async def open_stocktake(
    db: Connection,
    caller: Caller,
    store_id: int,
    scope: Scope,
    blind: bool,
    second_count_above: int | None,
    note: str | None,
    *,
    above_kopecks: int | None = None,
) -> Stocktake:
    """Freeze the list of products that are counted at a store. No product is in two open stocktakes of one store.

    `above_kopecks` is the limit of second counts by value: only for who may see costs, for it lets them be guessed.
    """
    await unhurried(db)
    caller.must_act_for(store_id)
    if above_kopecks is not None:
        caller.must("cost:read")
    await get_store(db, store_id)
    products = await _products_in(db, store_id, scope)
    if clashes := await store.clashes(db, store_id, products, MOST_TOLD):
        raise AlreadyBeingCounted(products=clashes)
    now = await store.clock(db)
    stocktake_id = await store.open_(
        db, store_id, scope, blind, second_count_above, note, caller.actor, now, above_kopecks
    )
    try:
        await store.add_lines(db, stocktake_id, store_id, products, scope.shelf_keys)
    except asyncpg.UniqueViolationError as error:  # another was opened at the same moment
        raise AlreadyBeingCounted(products=[]) from error
    await store.tell(db, stocktake_id, "opened")
    return await get_stocktake(db, stocktake_id)


async def _products_in(db: Connection, store_id: int, scope: Scope) -> list[int]:
    if scope.kind == "category" and not await store.category_exists(db, scope.category_id):
        raise UnknownCategory(f"There is no category {scope.category_id}", category_id=scope.category_id)
    if scope.kind == "shelves":
        there = await store.shelves_there(db, store_id, scope.shelf_keys)
        if strange := [shelf for shelf in scope.shelves if key_of(shelf) not in there]:
            raise UnknownShelf(store_id=store_id, shelves=strange[:MOST_TOLD])
    products = await store.products_in(db, store_id, scope)
    if unknown := sorted(set(scope.product_ids) - set(products)):
        named = ", ".join(map(str, unknown[:MOST_TOLD]))
        raise UnknownProduct(f"There is no product {named}", product_ids=unknown[:MOST_TOLD])
    if not products:
        raise NothingToCount(store_id=store_id, scope=scope.document())
    return products


async def get_stocktake(db: Connection, stocktake_id: int) -> Stocktake:
    """The stocktake, or a refusal."""
    found = await store.find(db, stocktake_id)
    if found is None:
        raise _unknown(stocktake_id)
    return found


async def get_locked(db: Connection, stocktake_id: int) -> Stocktake:
    """The same, and nobody counts or ends it until the transaction does."""
    found = await store.lock(db, stocktake_id)
    if found is None:
        raise _unknown(stocktake_id)
    return found


async def ask_again(db: Connection, caller: Caller, stocktake_id: int, product_ids: Sequence[int]) -> Stocktake:
    """Want lines counted once more, whatever their difference: the later count wins."""
    stocktake = await get_locked(db, stocktake_id)
    caller.must_act_for(stocktake.store_id)
    if stocktake.status != "counting":
        raise NotCounting(stocktake_id=stocktake_id, stocktake_status=stocktake.status)
    wanted = set(product_ids)
    done = await store.ask_again(db, stocktake_id, sorted(wanted), MOST_ROUNDS)
    if done != wanted:
        raise NotInTheList(product_ids=sorted(wanted - done)[:MOST_TOLD])
    await store.tell(db, stocktake_id, "asked again", sorted(wanted))
    return await get_stocktake(db, stocktake_id)


def _unknown(stocktake_id: int) -> UnknownStocktake:
    return UnknownStocktake(f"There is no stocktake {stocktake_id}", stocktake_id=stocktake_id)
