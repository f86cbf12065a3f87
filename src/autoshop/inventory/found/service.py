"""Verbs: sell what is in your hand, and say who may."""

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.inventory.found import store
from autoshop.inventory.found.model import FoundSalesOff, Policy, lacking
from autoshop.inventory.movements.model import Line, Movement, UnknownProduct
from autoshop.inventory.movements.service import post_lines
from autoshop.inventory.movements.store import open_places, places
from autoshop.inventory.recounts.service import flag_for_recount
from autoshop.inventory.reservations.store import lock_places
from autoshop.inventory.stocktakes.approval.store import holds
from autoshop.inventory.stores.service import get_store
from autoshop.kit.db import Connection
from autoshop.kit.etag import changed_meanwhile


async def sell_what_is_in_your_hand(
    db: Connection,
    caller: Caller,
    product_id: int,
    store_id: int,
    quantity: int,
    reason: str,
    related_document: str | None,
) -> tuple[int | None, int, list[Movement]]:
    """Sell pieces; what the ledger lacks of them is found first, and the product is flagged for a recount.

    Only where the store lets the caller. Under the lock of the place: if the pieces have come meanwhile, it is a sale
    like any other. Returns the id of the found sale (None: it was a mere sale), the pieces found, and the movements.
    """
    caller.must_act_for(store_id)
    await get_store(db, store_id)
    await _allowing(db, caller, store_id)
    place = product_id, store_id
    await open_places(db, [place])
    await lock_places(db, [place])
    policy = await _allowing(db, caller, store_id, keep=True)  # it may have been switched off while we waited
    known = (await places(db, [place]))[place]
    if not known.product_exists:
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)
    held = (await holds(db, store_id, [product_id])).get(product_id, []) if known.reserved else []
    found = lacking(quantity, known, policy, held)
    if not found:
        sale = Line(product_id, store_id, "sale", -quantity, caller.actor, related_document, reason)
        return None, 0, await post_lines(db, [sale])
    sale_id = await store.add(db, product_id, store_id, quantity, found, reason, related_document, caller.actor)
    source = f"found sale {sale_id}"
    document = related_document or source
    movements = await post_lines(
        db,
        [
            Line(product_id, store_id, "adjustment", found, caller.actor, document, reason),
            Line(product_id, store_id, "sale", -quantity, caller.actor, document, reason),
        ],
    )
    await flag_for_recount(db, [place], f"{found} found and sold: {reason}", source)
    after = {"product_id": product_id, "quantity": quantity, "found": found, "reason": reason}
    await audit(db, caller, "found sale", f"store:{store_id}", None, after)
    return sale_id, found, movements


async def _allowing(db: Connection, caller: Caller, store_id: int, *, keep: bool = False) -> Policy:
    policy = await store.policy(db, store_id, keep=keep)
    if not policy.allows(caller):
        raise FoundSalesOff(store_id=store_id)
    return policy


async def get_policy(db: Connection, store_id: int) -> Policy:
    """Who may at this store; a refusal where there is none."""
    await get_store(db, store_id)
    return await store.policy(db, store_id)


async def set_policy(db: Connection, caller: Caller, policy: Policy) -> Policy:
    """Say who may; `policy.version` is the one that was read."""
    caller.must_act_for(policy.store_id)
    before = await get_policy(db, policy.store_id)
    if before.version != policy.version or not await store.set_policy(db, policy, caller.actor):
        now = await get_policy(db, policy.store_id)
        raise changed_meanwhile("policy", now.version, _document(policy), _document(now))
    await audit(db, caller, "set found policy", f"store:{policy.store_id}", _document(before), _document(policy))
    return await get_policy(db, policy.store_id)


def _document(policy: Policy) -> dict[str, object]:
    return {"roles": sorted(policy.roles), "most_pieces": policy.most_pieces}
