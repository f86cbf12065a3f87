"""SQL of what changed: pieces by their movements, holds by their events. Both are appended, and found by their time."""

from datetime import datetime

from autoshop.kit.db import Connection

# A row carries the time of its transaction's start or later, and is seen once that has committed. So whoever has seen
# everything up to the start of the oldest transaction that is open will find the rest after it. The second is for
# one that has begun and has not said so yet.
SEEN_TO = """
SELECT least(now(), min(xact_start)) - interval '1 second'
  FROM pg_stat_activity
 WHERE datname = current_database()
"""


async def seen_to(db: Connection) -> datetime:
    """The moment from which the next look has to begin. Ask before looking, in a transaction that has just begun."""
    moment: datetime = await db.fetchval(SEEN_TO)
    return moment


CHANGED = """
SELECT product_id, store_id
  FROM movements
 WHERE created_at >= $1
 UNION
SELECT (line ->> 'product_id')::bigint AS product_id, (line ->> 'store_id')::bigint AS store_id
  FROM outbox, jsonb_array_elements(payload -> 'lines') AS line
 WHERE topic = 'inventory.reservation' AND created_at >= $1
"""
PLACES_SINCE = f"{CHANGED} ORDER BY product_id, store_id"


async def places_since(db: Connection, moment: datetime) -> list[tuple[int, int]]:
    """Places (product, store) whose pieces or holds changed since, in key order; some of them twice over in time."""
    return [(row[0], row[1]) for row in await db.fetch(PLACES_SINCE, moment)]
