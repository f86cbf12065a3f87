"""SQL of the transfers of orders."""

from collections.abc import Mapping, Sequence
from datetime import date

from autoshop.inventory.transfers.model import ForOrder
from autoshop.kit.db import Connection

# For readers who ask what is coming: pieces that an order waits for are nobody else's. `t` is a transfer.
AWAITED_BY_NOBODY = """(t.allocation_id IS NULL
        OR NOT EXISTS (SELECT
                         FROM reservations AS r
                        WHERE r.id = t.reservation_id AND r.status = 'live'
                          AND r.expires_at > (SELECT clock_timestamp())))"""

ADD = """
INSERT INTO transfers (from_store_id, to_store_id, status, related_document, wanted_by, actor, reservation_id,
                       allocation_id)
SELECT from_store_id, $2, 'requested', $3, $4, $5, $6, $7
  FROM unnest($1::bigint[]) AS w (from_store_id)
RETURNING from_store_id, id
"""
ADD_LINES = """
INSERT INTO transfer_lines (transfer_id, product_id, to_store_id, requested)
SELECT transfer_id, product_id, $1, pieces
  FROM unnest($2::bigint[], $3::bigint[], $4::int[]) AS w (transfer_id, product_id, pieces)
"""


async def add(
    db: Connection,
    pieces: Mapping[int, Mapping[int, int]],
    to_store_id: int,
    related_document: str | None,
    wanted_by: date,
    actor: str,
    reservation_id: int,
    allocation_id: int,
) -> dict[int, int]:
    """A request to each store (store → product → pieces), for what is held there; their ids by store."""
    rows = await db.fetch(
        ADD, list(pieces), to_store_id, related_document, wanted_by, actor, reservation_id, allocation_id
    )
    ids = {row["from_store_id"]: row["id"] for row in rows}
    lines = [(ids[source], one, count) for source, wanted in pieces.items() for one, count in wanted.items()]
    await db.execute(ADD_LINES, to_store_id, *[[line[column] for line in lines] for column in range(3)])
    return ids


LOCK = """
SELECT id
  FROM transfers
 WHERE reservation_id = $1 AND allocation_id IS NOT NULL AND closed_at IS NULL
 ORDER BY id
   FOR NO KEY UPDATE
"""


async def lock(db: Connection, reservation_id: int) -> list[int]:
    """Hold the open transfers of an order until the transaction ends; their ids."""
    return [row["id"] for row in await db.fetch(LOCK, reservation_id)]


UNWANTED = """
SELECT t.id
  FROM transfers AS t
  JOIN reservations AS r ON r.id = t.reservation_id
 WHERE t.allocation_id IS NOT NULL AND t.closed_at IS NULL
   AND (r.status <> 'live' OR r.expires_at <= (SELECT clock_timestamp()))
   AND EXISTS (SELECT
                 FROM transfer_lines AS l
                WHERE l.transfer_id = t.id AND l.requested - l.dropped > l.shipped)
 ORDER BY t.id
 LIMIT $1
"""


async def unwanted(db: Connection, limit: int) -> list[int]:
    """Transfers that still ask for pieces of an order that has ended."""
    return [row["id"] for row in await db.fetch(UNWANTED, limit)]


OF_ALLOCATIONS = """
SELECT allocation_id, id, from_store_id, status, eta_at
  FROM transfers
 WHERE allocation_id = ANY ($1::bigint[])
 ORDER BY allocation_id, id
"""


async def of_allocations(db: Connection, allocation_ids: Sequence[int]) -> dict[int, list[ForOrder]]:
    """The transfers of each allocation that has any."""
    found: dict[int, list[ForOrder]] = {}
    for allocation_id, *transfer in map(tuple, await db.fetch(OF_ALLOCATIONS, allocation_ids)):
        found.setdefault(allocation_id, []).append(ForOrder(*transfer))
    return found
