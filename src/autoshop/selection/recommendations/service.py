"""The verbs: count what is bought together; ask what goes with products."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from autoshop.kit.db import Connection, Pool
from autoshop.selection.recommendations import store
from autoshop.selection.recommendations.model import Recommended

LOOKED_BACK = timedelta(days=2 * 365)  # cars stay the same for longer, prices and shelves do not


async def recount(db: Connection, now: datetime) -> int:
    """Count anew what is bought together, from the sales of two years; how many pairs there are."""
    await store.stage(db)
    await store.fill(db, now - LOOKED_BACK)
    return await store.count(db)


async def goes_with(db: Connection | Pool, product_ids: Sequence[int], limit: int) -> list[Recommended]:
    """What people buy with some products, the best first."""
    return await store.goes_with(db, product_ids, limit)
