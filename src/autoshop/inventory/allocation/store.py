"""SQL of allocations. What may be asked of five hundred stores is asked of all of them in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from autoshop.inventory.allocation.model import Allocation, Explanation, Kept, Part, Proposal
from autoshop.inventory.transfers.model import ForOrder
from autoshop.inventory.transfers.orders.store import AWAITED_BY_NOBODY, of_allocations
from autoshop.kit.db import Connection

# One row for each product that exists.
LEAD_TIMES = """
SELECT p.id, l.days
  FROM products AS p
  LEFT JOIN lead_times AS l ON l.product_id = p.id
 WHERE p.id = ANY ($1::bigint[])
 LIMIT 10000
"""


async def lead_times(db: Connection, product_ids: Sequence[int]) -> dict[int, int | None]:
    """Of the products that exist, the days their supplier needs, where they are known."""
    return {row["id"]: row["days"] for row in await db.fetch(LEAD_TIMES, product_ids)}


FREE = """
SELECT product_id, store_id, quantity - reserved AS free
  FROM stock
 WHERE product_id = ANY ($1::bigint[]) AND quantity > reserved
 LIMIT 1000000
"""


async def free_pieces(db: Connection, product_ids: Sequence[int]) -> dict[int, dict[int, int]]:
    """Free pieces by store and product, wherever there are any."""
    found: dict[int, dict[int, int]] = {}
    for product_id, store_id, free in await db.fetch(FREE, product_ids):
        found.setdefault(store_id, {})[product_id] = free
    return found


FREE_IN_BUSINESS = """
SELECT i.product_id, sum(i.quantity - i.reserved)::bigint AS free
  FROM stock AS i
  JOIN stores AS s ON s.id = i.store_id
 WHERE i.product_id = ANY ($1::bigint[]) AND i.quantity > i.reserved AND s.active
 GROUP BY i.product_id
"""


async def free_in_business(db: Connection, product_ids: Sequence[int]) -> dict[int, int]:
    """Free pieces of products in all stores that a buyer can come to, or that send; none: left out."""
    return {row["product_id"]: row["free"] for row in await db.fetch(FREE_IN_BUSINESS, product_ids)}


COMING = f"""
SELECT l.product_id, l.shipped - l.received - l.returned - l.lost - l.damaged AS pieces, t.eta_at
  FROM transfer_lines AS l
  JOIN transfers AS t ON t.id = l.transfer_id
 WHERE l.product_id = ANY ($1::bigint[]) AND l.to_store_id = $2
   AND l.received + l.returned + l.lost + l.damaged < l.shipped AND {AWAITED_BY_NOBODY}
 ORDER BY t.eta_at, l.transfer_id
 LIMIT 10000
"""


async def coming(db: Connection, product_ids: Sequence[int], store_id: int) -> list[tuple[int, int, datetime]]:
    """Product, pieces and ETA of what is on the way to a store and not for an order, the earliest first."""
    if not product_ids:
        return []
    return [(row["product_id"], row["pieces"], row["eta_at"]) for row in await db.fetch(COMING, product_ids, store_id)]


ADD = """
WITH head AS (
    INSERT INTO allocations (store_id, reservation_id, rule, promised_at, due_at, explanation, actor)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING id, created_at
), lines AS (
    INSERT INTO allocation_lines (allocation_id, product_id, from_store_id, pieces, promised_at)
    SELECT h.id, w.product_id, w.from_store_id, w.pieces, w.promised_at
      FROM head AS h, unnest($8::bigint[], $9::bigint[], $10::int[], $11::timestamptz[])
                      AS w (product_id, from_store_id, pieces, promised_at)
)
SELECT id, created_at
  FROM head
"""


async def add(db: Connection, proposal: Proposal, reservation_id: int, actor: str) -> tuple[int, datetime]:
    """Write down a promise and where its pieces come from; its id, and when that was."""
    choice = proposal.choice
    row = await db.fetchrow(
        ADD,
        proposal.store.id,
        reservation_id,
        choice.rule,
        choice.promised_at,
        proposal.due_at,
        msgspec.to_builtins(proposal.explanation),
        actor,
        [part.product_id for part in choice.parts],
        [part.from_store_id for part in choice.parts],
        [part.pieces for part in choice.parts],
        [part.promised_at for part in choice.parts],
    )
    assert row is not None
    return row["id"], row["created_at"]


CLOCK = "(SELECT clock_timestamp())"
# A promise ends with its reservation, which may have lapsed before anybody noticed. Over many promises the reservation
# is looked up only where the end is not written down yet.
ENDED = f"coalesce(a.ended_at, CASE WHEN r.expires_at <= {CLOCK} THEN r.expires_at END)"
ENDED_OF_MANY = f"""coalesce(a.ended_at, (SELECT r.expires_at
                                            FROM reservations AS r
                                           WHERE r.id = a.reservation_id AND r.expires_at <= {CLOCK}))"""


def state(ended: str) -> str:
    """The one rule of how a promise stands, in SQL."""
    return f"""CASE WHEN {ended} <= a.due_at AND a.fulfilled_at IS NOT NULL THEN 'kept'
            WHEN {ended} <= a.due_at THEN 'withdrawn'
            WHEN {ended} IS NULL AND {CLOCK} <= a.due_at THEN 'open'
            ELSE 'late' END"""


STATE = state(ENDED)
TELL = f"""
INSERT INTO outbox (topic, payload)
SELECT 'inventory.allocation',
       jsonb_build_object('allocation_id', a.id, 'change', $2::text, 'state', {STATE}, 'version', a.version,
                          'store_id', a.store_id, 'reservation_id', a.reservation_id, 'promised_at', a.promised_at,
                          'product_ids', (SELECT jsonb_agg(DISTINCT l.product_id)
                                            FROM allocation_lines AS l
                                           WHERE l.allocation_id = a.id),
                          'transfer_ids', (SELECT coalesce(jsonb_agg(t.id ORDER BY t.id), '[]')
                                             FROM transfers AS t
                                            WHERE t.allocation_id = a.id),
                          'from_store_ids', (SELECT jsonb_agg(DISTINCT l.from_store_id)
                                               FROM allocation_lines AS l
                                              WHERE l.allocation_id = a.id))
  FROM allocations AS a
  JOIN reservations AS r ON r.id = a.reservation_id
 WHERE a.id = ANY ($1::bigint[])
"""


async def tell(db: Connection, allocation_id: int, change: str) -> None:
    """An event for whoever watches."""
    await db.execute(TELL, [allocation_id], change)


# Fulfilled is what was allocated, product by product, at whatever store it was sold in the end.
SETTLE = """
UPDATE allocations AS a
   SET ended_at = e.at, version = a.version + 1,
       fulfilled_at = CASE WHEN NOT EXISTS (
           SELECT
             FROM (SELECT product_id, sum(pieces) AS pieces
                     FROM allocation_lines
                    WHERE allocation_id = a.id
                    GROUP BY product_id) AS p
            WHERE p.pieces > (SELECT coalesce(sum(l.fulfilled), 0)
                                FROM reservation_lines AS l
                               WHERE l.reservation_id = a.reservation_id AND l.product_id = p.product_id)
       ) THEN e.at END
  FROM (SELECT id, CASE WHEN status = 'expired' THEN expires_at ELSE closed_at END AS at
          FROM reservations
         WHERE id = ANY ($1::bigint[]) AND closed_at IS NOT NULL) AS e
 WHERE a.reservation_id = e.id AND a.ended_at IS NULL
RETURNING a.id
"""


async def settle(db: Connection, reservation_ids: Sequence[int]) -> None:
    """Whatever of these reservations is closed ends its promise: kept, late or withdrawn. They are locked."""
    ended = [row["id"] for row in await db.fetch(SETTLE, reservation_ids)]
    if ended:
        await db.execute(TELL, ended, "ended")


COLUMNS = f"""a.id, a.store_id, a.reservation_id, a.rule, {STATE} AS state, a.promised_at, a.due_at, a.actor,
       a.created_at, a.fulfilled_at, {ENDED} AS ended_at, a.version, r.holder, r.related_document, r.expires_at"""
FIND = f"""
SELECT {COLUMNS}, a.explanation
  FROM allocations AS a
  JOIN reservations AS r ON r.id = a.reservation_id
 WHERE a.id = $1
"""
LINES = """
SELECT allocation_id, product_id, from_store_id, pieces, promised_at
  FROM allocation_lines
 WHERE allocation_id = ANY ($1::bigint[])
 ORDER BY allocation_id, product_id, from_store_id
"""


async def find(db: Connection, allocation_id: int) -> Allocation | None:
    """A promise with its reasons."""
    row = await db.fetchrow(FIND, allocation_id)
    return (await _with_lines(db, [row]))[0] if row else None


LIST = f"""
SELECT {COLUMNS}
  FROM allocations AS a
  JOIN reservations AS r ON r.id = a.reservation_id
 WHERE {{conditions}}
 ORDER BY a.id DESC
 LIMIT $1
"""
CONDITIONS = {
    "before_id": "a.id < ${}",
    "store_id": "a.store_id = ${}",
    "product_id": "a.id IN (SELECT allocation_id FROM allocation_lines WHERE product_id = ${})",
    "related_document": "a.reservation_id IN (SELECT id FROM reservations WHERE related_document = ${})",
}
LATE = f"(a.ended_at IS NULL OR a.ended_at > a.due_at) AND {STATE} = 'late'"  # the first half finds the index


async def list_page(
    db: Connection, filters: Mapping[str, int | str | None], limit: int, *, late: bool = False
) -> list[Allocation]:
    """Newest first, without reasons. `filters` has names of CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [CONDITIONS[name].format(number) for number, name in enumerate(given, start=2)]
    if late:
        conditions.append(LATE)
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return await _with_lines(db, await db.fetch(sql, limit, *given.values()))


async def _with_lines(db: Connection, rows: Sequence[Any]) -> list[Allocation]:
    if not rows:
        return []
    parts: dict[int, list[Part]] = {row["id"]: [] for row in rows}
    for allocation_id, *part in map(tuple, await db.fetch(LINES, list(parts))):
        parts[allocation_id].append(Part(*part))
    transfers = await of_allocations(db, list(parts))
    return [_allocation(dict(row), parts[row["id"]], transfers.get(row["id"], [])) for row in rows]


def _allocation(row: dict[str, Any], parts: Sequence[Part], transfers: Sequence[ForOrder]) -> Allocation:
    explanation = row.pop("explanation", None)
    if explanation is not None:
        explanation = msgspec.convert(explanation, Explanation)
    return Allocation(**row, parts=tuple(parts), transfers=tuple(transfers), explanation=explanation)


PROMISES = f"""
SELECT store_id, count(*) FILTER (WHERE state = 'kept') AS kept, count(*) FILTER (WHERE state = 'late') AS late,
       count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'withdrawn') AS withdrawn
  FROM (SELECT a.store_id, {state(ENDED_OF_MANY)} AS state
          FROM allocations AS a
         WHERE a.promised_at >= $1 AND a.promised_at < $2 AND {{conditions}}) AS p
 GROUP BY store_id
 ORDER BY store_id
 LIMIT $3
"""


async def promises(
    db: Connection, date_from: datetime, date_to: datetime, store_id: int | None, after_id: int | None, limit: int
) -> list[Kept]:
    """How the promises for a time went, store by store, after the store `after_id`."""
    conditions, values = ["true"], []
    for condition, value in (("a.store_id =", store_id), ("a.store_id >", after_id)):
        if value is not None:
            values.append(value)
            conditions.append(f"{condition} ${3 + len(values)}")
    sql = PROMISES.format(conditions=" AND ".join(conditions))
    return [Kept(**row) for row in await db.fetch(sql, date_from, date_to, limit, *values)]
