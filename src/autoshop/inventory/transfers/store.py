"""SQL of transfers."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from autoshop.inventory.availability.model import Arrival
from autoshop.inventory.transfers.model import Transfer, TransferLine
from autoshop.kit.db import Connection

ADD = """
INSERT INTO transfers (from_store_id, to_store_id, related_document, actor, shipped_at, eta_at)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id
"""

ADD_LINES = """
INSERT INTO transfer_lines (transfer_id, product_id, to_store_id, shipped)
SELECT $1, product_id, $2, shipped
  FROM unnest($3::bigint[], $4::int[]) AS l (product_id, shipped)
  JOIN products AS p ON p.id = l.product_id
"""


async def add(
    db: Connection,
    from_store_id: int,
    to_store_id: int,
    related_document: str | None,
    actor: str,
    shipped_at: datetime,
    eta_at: datetime,
    pieces: dict[int, int],
) -> int:
    """A transfer with its lines (product → pieces); returns its id. Unknown products the ledger will refuse."""
    transfer_id: int = await db.fetchval(ADD, from_store_id, to_store_id, related_document, actor, shipped_at, eta_at)
    await db.execute(ADD_LINES, transfer_id, to_store_id, list(pieces), list(pieces.values()))
    return transfer_id


COLUMNS = "id, from_store_id, to_store_id, status, related_document, actor, shipped_at, eta_at, closed_at"

FIND = f"SELECT {COLUMNS} FROM transfers WHERE id = $1"
LOCK = FIND + " FOR NO KEY UPDATE"

LINES = """
SELECT transfer_id, product_id, shipped, received, returned
  FROM transfer_lines
 WHERE transfer_id = ANY ($1::bigint[])
 ORDER BY transfer_id, product_id
"""


async def find(db: Connection, transfer_id: int, *, lock: bool = False) -> Transfer | None:
    """A transfer with its lines; `lock` holds it until the transaction ends."""
    row = await db.fetchrow(LOCK if lock else FIND, transfer_id)
    if row is None:
        return None
    lines = await db.fetch(LINES, [transfer_id])
    return Transfer(**row, lines=tuple(TransferLine(*line[1:]) for line in map(tuple, lines)))


LIST = f"""
SELECT {COLUMNS}
  FROM transfers
 WHERE ($1::bigint IS NULL OR from_store_id = $1 OR to_store_id = $1)
   AND ($2::text IS NULL OR status = $2)
   AND ($3::bigint IS NULL OR id < $3)
 ORDER BY id DESC
 LIMIT $4
"""


async def list_page(
    db: Connection, store_id: int | None, status: str | None, before_id: int | None, limit: int
) -> list[Transfer]:
    """Newest first, with their lines."""
    return await _with_lines(db, await db.fetch(LIST, store_id, status, before_id, limit))


async def _with_lines(db: Connection, rows: Sequence[asyncpg.Record]) -> list[Transfer]:
    lines: dict[int, list[TransferLine]] = {row["id"]: [] for row in rows}
    for transfer_id, *line in map(tuple, await db.fetch(LINES, list(lines))):
        lines[transfer_id].append(TransferLine(*line))
    return [Transfer(**row, lines=tuple(lines[row["id"]])) for row in rows]


LIST_OVERDUE = f"""
SELECT {COLUMNS}
  FROM transfers
 WHERE status = 'in_transit' AND eta_at < $2
   AND ($1::bigint IS NULL OR from_store_id = $1 OR to_store_id = $1)
   AND ($3::bigint IS NULL OR id < $3)
 ORDER BY id DESC
 LIMIT $4
"""


async def list_overdue(
    db: Connection, store_id: int | None, now: datetime, before_id: int | None, limit: int
) -> list[Transfer]:
    """What should have arrived by now and has not, newest first, with their lines."""
    return await _with_lines(db, await db.fetch(LIST_OVERDUE, store_id, now, before_id, limit))


BOOK = """
UPDATE transfer_lines AS l
   SET received = l.received + b.received, returned = l.returned + b.returned
  FROM unnest($2::bigint[], $3::int[], $4::int[]) AS b (product_id, received, returned)
 WHERE l.transfer_id = $1 AND l.product_id = b.product_id
"""

CLOSE = """
UPDATE transfers AS t
   SET status = CASE WHEN EXISTS (SELECT FROM transfer_lines WHERE transfer_id = t.id AND received > 0)
                     THEN 'received' ELSE 'cancelled' END,
       closed_at = $2, version = version + 1
 WHERE id = $1
   AND NOT EXISTS (SELECT FROM transfer_lines WHERE transfer_id = t.id AND received + returned < shipped)
"""


async def book(
    db: Connection, transfer_id: int, received: dict[int, int], returned: dict[int, int], now: datetime
) -> None:
    """Take pieces off the way, and close the transfer when nothing is left on it. The caller holds its lock."""
    products: Sequence[int] = [*received, *returned]
    await db.execute(
        BOOK, transfer_id, products, [received.get(p, 0) for p in products], [returned.get(p, 0) for p in products]
    )
    await db.execute(CLOSE, transfer_id, now)


ON_THE_WAY = """
SELECT l.to_store_id, l.shipped - l.received - l.returned AS pieces, t.eta_at
  FROM transfer_lines AS l
  JOIN transfers AS t ON t.id = l.transfer_id
 WHERE l.product_id = $1 AND l.received + l.returned < l.shipped
 ORDER BY t.eta_at
 LIMIT 10000
"""


async def on_the_way(db: Connection, product_id: int) -> list[Arrival]:
    """Pieces of a product that are on the way to any store."""
    return [Arrival(*row) for row in await db.fetch(ON_THE_WAY, product_id)]
