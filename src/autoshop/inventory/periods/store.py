"""SQL of periods.

Whoever posts a dated movement holds CLOSING together with others like him until he commits; whoever closes or reopens
holds it alone. So of the two one comes first, and the second sees what the first did. Nobody else ever asks for it.
"""

from collections.abc import Sequence
from datetime import date

from autoshop.inventory.periods.model import Dates, Period
from autoshop.kit.db import Connection, Pool

CLOSING = 0x636C6F73  # any number that nobody else takes

SHARE_CLOSING = "SELECT pg_advisory_xact_lock_shared($1)"
HOLD_CLOSING = "SELECT pg_advisory_xact_lock($1)"


async def share_closing(db: Connection) -> None:
    """Nobody closes a period until this transaction has ended."""
    await db.execute(SHARE_CLOSING, CLOSING)


async def hold_closing(db: Connection) -> None:
    """Nobody else closes or reopens, and no dated movement is under way."""
    await db.execute(HOLD_CLOSING, CLOSING)


DATES = """
SELECT id, (clock_timestamp() AT TIME ZONE time_zone)::date AS today,
       (SELECT max(ends_on) FROM periods WHERE reopened_at IS NULL) AS closed_on
  FROM stores
 WHERE id = ANY ($1::bigint[])
"""


async def dates(db: Connection, store_ids: Sequence[int]) -> dict[int, Dates]:
    """By store; one that nobody opened is not there."""
    return {row["id"]: Dates(row["today"], row["closed_on"]) for row in await db.fetch(DATES, store_ids)}


LAST_POSSIBLE = "SELECT min((clock_timestamp() AT TIME ZONE time_zone)::date) - 1 FROM stores"


async def last_possible(db: Connection) -> date | None:
    """The last day that is over in every store; None where there is no store."""
    return await db.fetchval(LAST_POSSIBLE)  # type: ignore[no-any-return]


COLUMNS = """id, ends_on, closed_by, closed_at, balanced_at, row_count, reopened_by, reopened_at, reason, version"""

LAST = f"SELECT {COLUMNS} FROM periods WHERE reopened_at IS NULL ORDER BY ends_on DESC LIMIT 1"


async def last(db: Connection) -> Period | None:
    """The last one that is closed."""
    row = await db.fetchrow(LAST)
    return Period(**row) if row else None


FIND = f"SELECT {COLUMNS} FROM periods WHERE id = $1"
LOCK = FIND + " FOR NO KEY UPDATE"


async def find(db: Connection | Pool, period_id: int, *, lock: bool = False) -> Period | None:
    """A period; `lock` holds it until the transaction ends."""
    row = await db.fetchrow(LOCK if lock else FIND, period_id)
    return Period(**row) if row else None


LIST = f"""
SELECT {COLUMNS}
  FROM periods
 WHERE ($1::bigint IS NULL OR id < $1)
 ORDER BY id DESC
 LIMIT $2
"""


async def list_page(db: Connection | Pool, before_id: int | None, limit: int) -> list[Period]:
    """Newest first."""
    return [Period(**row) for row in await db.fetch(LIST, before_id, limit)]


CLOSE = "INSERT INTO periods (ends_on, closed_by) VALUES ($1, $2) RETURNING id"
KEEP_ENDS = """
INSERT INTO period_ends (period_id, store_id, ends_at)
SELECT $1, id, ($2::date + 1)::timestamp AT TIME ZONE time_zone
  FROM stores
"""


async def close(db: Connection, ends_on: date, actor: str) -> int:
    """Write a period down, with the moment it ended at each store; its id."""
    period_id: int = await db.fetchval(CLOSE, ends_on, actor)
    await db.execute(KEEP_ENDS, period_id, ends_on)
    return period_id


REOPEN = """
UPDATE periods
   SET reopened_by = $2, reopened_at = clock_timestamp(), reason = $3, version = version + 1
 WHERE id = $1
"""
FORGET_BALANCES = "DELETE FROM closing_balances WHERE period_id = $1"
FORGET_COSTS = "DELETE FROM closing_costs WHERE period_id = $1"
FORGET_ENDS = "DELETE FROM period_ends WHERE period_id = $1"


async def reopen(db: Connection, period_id: int, actor: str, reason: str | None) -> None:
    """Undo a closing, and what was kept of it."""
    await db.execute(REOPEN, period_id, actor, reason)
    for forget in (FORGET_BALANCES, FORGET_COSTS, FORGET_ENDS):
        await db.execute(forget, period_id)


UNBALANCED = "SELECT id FROM periods WHERE balanced_at IS NULL AND reopened_at IS NULL ORDER BY ends_on LIMIT 100"


async def unbalanced(db: Connection | Pool) -> list[int]:
    """Periods without closing balances yet, the oldest first."""
    return [row["id"] for row in await db.fetch(UNBALANCED)]


BALANCED = """
UPDATE periods
   SET balanced_at = clock_timestamp(), row_count = $2, version = version + 1
 WHERE id = $1
"""


async def balanced(db: Connection, period_id: int, row_count: int) -> None:
    """Its closing balances are there."""
    await db.execute(BALANCED, period_id, row_count)


TELL = """
INSERT INTO outbox (topic, payload)
SELECT 'inventory.period', jsonb_build_object('period_id', id, 'change', $2::text, 'ends_on', ends_on)
  FROM periods
 WHERE id = $1
"""


async def tell(db: Connection, period_id: int, change: str) -> None:
    """An event for whoever watches."""
    await db.execute(TELL, period_id, change)
