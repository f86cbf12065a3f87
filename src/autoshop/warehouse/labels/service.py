"""The verb: labels of products."""

from collections.abc import Sequence

from autoshop.inventory.movements.model import UnknownStore
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.warehouse.labels import store
from autoshop.warehouse.labels.model import LAYOUTS, LayoutName, NoSuchProducts, Ticket, in_order


async def tickets(
    db: Connection, layout: LayoutName, start_at: int, copies: Sequence[tuple[int, int]], store_id: int | None
) -> list[Ticket]:
    """What to print: (product, copies) in the order in which they were asked for; the place is that at the store."""
    most = LAYOUTS[layout].on_a_page
    if start_at > most:
        reason = f"this paper has {most} label{'s' if most > 1 else ''} on a page"
        raise Invalid(f"start_at: {reason}", errors=[wrong("start_at", reason)])
    order = in_order(copies)
    if store_id is not None and not await store.store_exists(db, store_id):
        raise UnknownStore(f"There is no store {store_id}", store_id=store_id)
    found = await store.tickets(db, sorted(set(order)), store_id)
    if missing := sorted(set(order) - found.keys()):
        raise NoSuchProducts(product_ids=missing)
    return [found[product_id] for product_id in order]
