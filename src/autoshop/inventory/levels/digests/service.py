"""The verb: look at all levels of a store once more, and keep what is below them."""

from datetime import date
from typing import Any

from autoshop.inventory.levels import store
from autoshop.inventory.levels.digests import store as digests
from autoshop.inventory.levels.model import MOST_TOLD, Level
from autoshop.kit.db import Connection

PLACES_AT_A_TIME = 2_000


async def make_digest(db: Connection, store_id: int, day: date) -> bool:
    """The digest of a store's day: how many are below, and the most urgent by name. False where the day has one.

    Every level of the store is judged anew on the way: so whatever a look should have missed is right by the morning.
    """
    after = 0
    while places := await digests.places_of(db, store_id, after, PLACES_AT_A_TIME):
        await store.lock(db, places)
        await store.judge(db, places)
        after = places[-1][0]
    worst = await store.below_at(db, store_id, None, (-1, 0, 0), MOST_TOLD)
    names = await digests.names(db, [one.product_id for one in worst])
    counts = await digests.count(db, store_id)
    document = {**counts, "most_urgent": [_told(one, names[one.product_id]) for one in worst]}
    digest_id = await digests.add(db, store_id, day, document)
    if digest_id is None:
        return False
    told = {"kind": "digest", "digest_id": digest_id, "store_id": store_id, "day": day.isoformat(), **counts}
    await store.tell(db, told)
    return True


def _told(level: Level, names: dict[str, str]) -> dict[str, Any]:
    return {
        "product_id": level.product_id,
        **names,
        "minimum": level.minimum,
        "maximum": level.maximum,
        "available": level.available,
        "in_transit": level.in_transit,
        "is_covered": level.is_covered,
        "to_fill": level.to_fill,
    }
