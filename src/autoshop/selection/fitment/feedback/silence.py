"""Verb: what is said of parts and a car, beside those who bought them for it and kept them without a word.

Asked only where somebody doubts, which is seldom. A part that thousands bought and three brought back is no worse than
one that thirty bought and nobody did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autoshop.inventory.returns import store as sales
from autoshop.kit.db import Connection
from autoshop.selection.fitment.feedback import store
from autoshop.selection.fitment.model import Told

MAY_COME_BACK = timedelta(days=14)  # for so long a buyer may bring back what did not fit; his silence says nothing yet
MOST_PURCHASES = 5_000  # for a car, the latest


async def with_the_silent(
    db: Connection, told: Mapping[int, Told], vehicle: str, engines: Sequence[str] | None
) -> dict[int, Told]:
    """What was said of products and a car with any of some engines (None: whatever engine), with who kept them."""
    doubted = [product_id for product_id, said in told.items() if said.doubts > 0]
    if not doubted:
        return dict(told)
    before = datetime.now(UTC) - MAY_COME_BACK
    bought = await store.bought_for(db, doubted, vehicle, engines, before, MOST_PURCHASES)
    kept = await sales.kept_under(db, bought) if bought else {}
    return {product_id: replace(said, kept=kept.get(product_id, 0)) for product_id, said in told.items()}
