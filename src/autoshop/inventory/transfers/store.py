"""SQL of transfers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from autoshop.inventory.availability.model import Arrival
from autoshop.inventory.transfers.model import (
    CLOSED,
    Change,
    Difference,
    Found,
    Late,
    Part,
    Reason,
    Step,
    Transfer,
    TransferLine,
    due_at,
    status_of,
)
from autoshop.inventory.transfers.orders.store import AWAITED_BY_NOBODY
from autoshop.kit.db import Connection

ADD = """
INSERT INTO transfers (from_store_id, to_store_id, status, related_document, note, wanted_by, actor)
VALUES ($1, $2, 'requested', $3, $4, $5, $6)
RETURNING id
"""


async def add(
    db: Connection,
    from_store_id: int,
    to_store_id: int,
    related_document: str | None,
    note: str | None,
    wanted_by: date | None,
    actor: str,
) -> int:
    """A transfer that asks for nothing yet; returns its id."""
    transfer_id: int = await db.fetchval(ADD, from_store_id, to_store_id, related_document, note, wanted_by, actor)
    return transfer_id


REQUEST = """
INSERT INTO transfer_lines (transfer_id, product_id, to_store_id, requested)
SELECT $1, p.id, $2, l.requested
  FROM unnest($3::bigint[], $4::int[]) AS l (product_id, requested)
  JOIN products AS p ON p.id = l.product_id
    ON CONFLICT (transfer_id, product_id) DO UPDATE
   SET requested = excluded.requested
RETURNING product_id
"""


async def request(db: Connection, transfer_id: int, to_store_id: int, pieces: Mapping[int, int]) -> list[int]:
    """Say how many pieces of each product are asked for; returns the products there are."""
    rows = await db.fetch(REQUEST, transfer_id, to_store_id, list(pieces), list(pieces.values()))
    return [row["product_id"] for row in rows]


COLUMNS = """id, from_store_id, to_store_id, status, related_document, note, wanted_by, reservation_id, allocation_id,
       actor, created_at, shipped_at, eta_at, due_at, closed_at, version"""

FIND = f"SELECT {COLUMNS} FROM transfers WHERE id = $1"
LOCK = FIND + " FOR NO KEY UPDATE"

LINES = """
SELECT transfer_id, product_id, requested, dropped, shipped, received, returned, lost, damaged
  FROM transfer_lines
 WHERE transfer_id = ANY ($1::bigint[]) AND requested + shipped > 0
 ORDER BY transfer_id, product_id
"""


async def find(db: Connection, transfer_id: int, *, lock: bool = False) -> Transfer | None:
    """A transfer with its lines; `lock` holds it until the transaction ends."""
    row = await db.fetchrow(LOCK if lock else FIND, transfer_id)
    return (await _with_lines(db, [row]))[0] if row else None


LIST = f"""
SELECT {COLUMNS}
  FROM transfers AS t
 WHERE {{conditions}}
 ORDER BY id DESC
 LIMIT $1
"""
CONDITIONS = {
    "before_id": "id < ${}",
    "store_id": "(from_store_id = ${0} OR to_store_id = ${0})",
    "from_store_id": "from_store_id = ${}",
    "to_store_id": "to_store_id = ${}",
    "status": "status = ${}",
    "related_document": "related_document = ${}",
    "overdue_at": "due_at < ${}",
    "product_id": "EXISTS (SELECT FROM transfer_lines WHERE transfer_id = t.id AND product_id = ${})",
    "date_from": "created_at >= ${}",
    "date_to": "created_at < ${}",
}


async def list_page(db: Connection, filters: Mapping[str, Any], limit: int) -> list[Transfer]:
    """Newest first, with their lines. `filters` has names of CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [CONDITIONS[name].format(number) for number, name in enumerate(given, start=2)]
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return await _with_lines(db, await db.fetch(sql, limit, *given.values()))


async def _with_lines(db: Connection, rows: Sequence[Any]) -> list[Transfer]:
    if not rows:
        return []
    lines: dict[int, list[TransferLine]] = {row["id"]: [] for row in rows}
    for transfer_id, *line in map(tuple, await db.fetch(LINES, list(lines))):
        lines[transfer_id].append(TransferLine(*line))
    return [Transfer(**row, lines=tuple(lines[row["id"]])) for row in rows]


BOOK = """
UPDATE transfer_lines AS l
   SET dropped = l.dropped + b.dropped, shipped = l.shipped + b.shipped, received = l.received + b.received,
       returned = l.returned + b.returned, lost = l.lost + b.lost, damaged = l.damaged + b.damaged
  FROM unnest($2::bigint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[])
       AS b (product_id, dropped, shipped, received, returned, lost, damaged)
 WHERE l.transfer_id = $1 AND l.product_id = b.product_id
"""
COUNTERS = ("dropped", "shipped", "received", "returned", "lost", "damaged")

# Whoever was told that it is late is told again when something else of it is.
SETTLE = """
UPDATE transfers
   SET status = $2, shipped_at = coalesce(shipped_at, $3), eta_at = coalesce($4, eta_at), due_at = $6,
       closed_at = CASE WHEN $5 THEN coalesce(closed_at, clock_timestamp()) END, version = version + 1,
       overdue_told_at = CASE WHEN due_at = $6 THEN overdue_told_at END
 WHERE id = $1
RETURNING due_at, closed_at, version
"""

PARTS = """
SELECT e.eta_at, e.lines
  FROM transfer_events AS e
 WHERE e.transfer_id = $1 AND e.change = 'shipped' AND e.eta_at IS NOT NULL
 ORDER BY e.id
 LIMIT 1000
"""


async def _parts(db: Connection, transfer: Transfer, eta_at: datetime | None) -> list[Part]:
    """The shipments of a transfer, oldest first. What none of them tells of came along with `eta_at`, or the last."""
    rows = await db.fetch(PARTS, transfer.id)
    parts = [Part(row["eta_at"], {int(one): count for one, count in row["lines"].items()}) for row in rows]
    told = {line.product_id: sum(part.pieces.get(line.product_id, 0) for part in parts) for line in transfer.lines}
    rest = {line.product_id: line.shipped - told[line.product_id] for line in transfer.lines}
    eta_at = eta_at or transfer.eta_at
    return parts if eta_at is None or not any(rest.values()) else [*parts, Part(eta_at, rest)]


async def book(
    db: Connection,
    transfer: Transfer,
    pieces: Mapping[str, Mapping[int, int]],
    *,
    shipped_at: datetime | None = None,
    eta_at: datetime | None = None,
) -> Transfer:
    """Count pieces (name of COUNTERS → product → pieces) and say what has become of the transfer, which is locked.

    `shipped_at` and `eta_at` come with a shipment.
    """
    products = sorted({product_id for counted in pieces.values() for product_id in counted})
    added = {name: pieces.get(name, {}) for name in COUNTERS}
    await db.execute(
        BOOK, transfer.id, products, *[[counted.get(one, 0) for one in products] for counted in added.values()]
    )
    lines = tuple(_after(line, added) for line in transfer.lines)
    status = status_of(lines)
    transfer = replace(transfer, lines=lines)
    due = due_at(await _parts(db, transfer, eta_at), lines)
    kept = await db.fetchrow(SETTLE, transfer.id, status, shipped_at, eta_at, status in CLOSED, due)
    assert kept is not None
    return replace(
        transfer,
        status=status,
        shipped_at=transfer.shipped_at or shipped_at,
        eta_at=eta_at or transfer.eta_at,
        **kept,
    )


def _after(line: TransferLine, added: Mapping[str, Mapping[int, int]]) -> TransferLine:
    counts = {name: getattr(line, name) + counted.get(line.product_id, 0) for name, counted in added.items()}
    return replace(line, **counts)


HOLD = "UPDATE transfers SET reservation_id = $2 WHERE id = $1"


async def hold(db: Connection, transfer_id: int, reservation_id: int) -> None:
    """Write down which reservation holds what is wanted."""
    await db.execute(HOLD, transfer_id, reservation_id)


CHANGE = """
UPDATE transfers
   SET note = $2, wanted_by = $3, version = version + 1
 WHERE id = $1
"""


async def change(db: Connection, transfer_id: int, note: str | None, wanted_by: date | None) -> None:
    """Write other words on a transfer, which is locked."""
    await db.execute(CHANGE, transfer_id, note, wanted_by)


# The event for whoever watches, and the entry in the document's own history.
TELL = """
WITH told AS (
    INSERT INTO outbox (topic, payload)
    SELECT 'inventory.transfer',
           jsonb_build_object('transfer_id', id, 'change', $2::text, 'status', status, 'from_store_id', from_store_id,
                              'to_store_id', to_store_id, 'store_ids', jsonb_build_array(from_store_id, to_store_id),
                              'eta_at', eta_at, 'pieces', $4::jsonb)
      FROM transfers
     WHERE id = $1
)
INSERT INTO transfer_events (transfer_id, change, actor, lines, eta_at, before, after)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def tell(
    db: Connection,
    transfer_id: int,
    change: Change,
    actor: str,
    pieces: Mapping[int, int],
    *,
    eta_at: datetime | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write down what was done, by whom, to which pieces (by product)."""
    lines = {str(product_id): count for product_id, count in pieces.items()}
    await db.execute(TELL, transfer_id, change, actor, lines, eta_at, before, after)


HISTORY = """
SELECT at, actor, change, lines, eta_at, before, after
  FROM transfer_events
 WHERE transfer_id = $1
 ORDER BY id
 LIMIT 1000
"""


async def history(db: Connection, transfer_id: int) -> list[Step]:
    """What was done to a transfer, in order."""
    return [Step(**row) for row in await db.fetch(HISTORY, transfer_id)]


ADD_DIFFERENCES = """
INSERT INTO transfer_differences (transfer_id, product_id, quantity, reason, note, actor, movement_id)
SELECT $1, product_id, quantity, reason, note, $2, movement_id
  FROM unnest($3::bigint[], $4::int[], $5::text[], $6::text[], $7::bigint[])
       AS d (product_id, quantity, reason, note, movement_id)
"""


async def add_differences(
    db: Connection, transfer_id: int, actor: str, found: Sequence[Found], movement_ids: Sequence[int | None]
) -> None:
    """Write down what the receiver found, each with the movement that put it into the ledger."""
    await db.execute(
        ADD_DIFFERENCES,
        transfer_id,
        actor,
        [one.product_id for one in found],
        [one.quantity for one in found],
        [one.reason for one in found],
        [one.note for one in found],
        movement_ids,
    )


TOLD_BY = "SELECT reason FROM transfer_differences WHERE movement_id = $1"


async def told_by(db: Connection, movement_id: int) -> Reason | None:
    """Which difference a movement put into the ledger, if any."""
    return await db.fetchval(TOLD_BY, movement_id)  # type: ignore[no-any-return]


LIST_DIFFERENCES = """
SELECT d.id, d.transfer_id, t.from_store_id, t.to_store_id, d.product_id, d.quantity, d.reason, d.note, d.actor,
       d.created_at
  FROM transfer_differences AS d
  JOIN transfers AS t ON t.id = d.transfer_id
 WHERE {conditions}
 ORDER BY d.id DESC
 LIMIT $1
"""
DIFFERENCE_CONDITIONS = {
    "before_id": "d.id < ${}",
    "transfer_id": "d.transfer_id = ${}",
    "store_id": "(t.from_store_id = ${0} OR t.to_store_id = ${0})",
    "product_id": "d.product_id = ${}",
    "reason": "d.reason = ${}",
    "date_from": "d.created_at >= ${}",
    "date_to": "d.created_at < ${}",
}


async def list_differences(db: Connection, filters: Mapping[str, Any], limit: int) -> list[Difference]:
    """Newest first. `filters` has names of DIFFERENCE_CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [DIFFERENCE_CONDITIONS[name].format(number) for number, name in enumerate(given, start=2)]
    sql = LIST_DIFFERENCES.format(conditions="\n   AND ".join(conditions) or "true")
    return [Difference(**row) for row in await db.fetch(sql, limit, *given.values())]


ON_THE_WAY = f"""
SELECT l.to_store_id, l.shipped - l.received - l.returned - l.lost - l.damaged AS pieces, t.eta_at
  FROM transfer_lines AS l
  JOIN transfers AS t ON t.id = l.transfer_id
 WHERE l.product_id = $1 AND l.received + l.returned + l.lost + l.damaged < l.shipped
   AND {AWAITED_BY_NOBODY}
 ORDER BY t.eta_at
 LIMIT 10000
"""


async def on_the_way(db: Connection, product_id: int) -> list[Arrival]:
    """Pieces of a product that are on the way to any store, and that no order waits for."""
    return [Arrival(*row) for row in await db.fetch(ON_THE_WAY, product_id)]


ON_THE_WAY_OF = ON_THE_WAY.replace("SELECT", "SELECT l.product_id,", 1).replace("= $1", "= ANY ($1::bigint[])", 1)


async def on_the_way_of(db: Connection, product_ids: Sequence[int]) -> dict[int, list[Arrival]]:
    """The same of many products, by product."""
    found: dict[int, list[Arrival]] = {}
    for product_id, *arrival in await db.fetch(ON_THE_WAY_OF, product_ids):
        found.setdefault(product_id, []).append(Arrival(*arrival))
    return found


OVERDUE = """
UPDATE transfers
   SET overdue_told_at = $1
 WHERE id IN (SELECT id
                FROM transfers
               WHERE due_at < $1 AND overdue_told_at IS NULL
               ORDER BY id
               LIMIT 500
                 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""


async def newly_overdue(db: Connection, now: datetime) -> list[int]:
    """Transfers that should have come by now and of which nobody was told; they are marked as told."""
    return [row["id"] for row in await db.fetch(OVERDUE, now)]


LATE = """
SELECT to_store_id AS store_id, count(*) AS transfers, min(due_at) AS oldest_due_at
  FROM transfers
 WHERE due_at < $1
 GROUP BY to_store_id
 ORDER BY to_store_id
 LIMIT 10000
"""


async def late(db: Connection, now: datetime) -> list[Late]:
    """How many transfers should have come by now, for each store that waits for any."""
    return [Late(**row) for row in await db.fetch(LATE, now)]
