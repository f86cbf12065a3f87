"""SQL of the ledger. The one statement everything else rests on stands first."""

from collections.abc import Sequence
from typing import Any

from autoshop.inventory.movements.model import Line, Movement, Place, sum_up
from autoshop.kit.db import Connection

# Stock, movement, event and idempotency key: one statement, one round trip, so no lock is held while the network
# sleeps, and nothing can be half done.
# - `locked` takes the rows in key order: two batches can wait for each other, but never in a circle.
# - `stock` guards and adds on what `locked` has seen, the row as it is once the lock is ours. Its own `i` is the row as
#   the statement found it: an old one, after a wait.
# - `numbered` draws id and time only after the lock: within a place they never run backwards.
# - A place where the guard says no is left out with all its lines; the caller sees which lines are missing.
# - A key that exists raises UniqueViolation and undoes the statement. One that a running transaction holds is waited
#   for, but not for long (set_config counts for the rest of the transaction): the row is locked by then, and strangers
#   who want it wait with us.
POST_MOVEMENTS = """
WITH wanted AS (
    SELECT *
      FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[]) AS w (product_id, store_id, total, lowest)
), locked AS (
    SELECT w.product_id, w.store_id, w.total, w.lowest, i.quantity, i.reserved
      FROM wanted AS w
      JOIN inventory AS i ON i.product_id = w.product_id AND i.store_id = w.store_id
     ORDER BY w.product_id, w.store_id
       FOR NO KEY UPDATE OF i
), stock AS (
    UPDATE inventory AS i
       SET quantity = l.quantity + l.total, reserved = l.reserved, updated_at = now()
      FROM locked AS l
     WHERE i.product_id = l.product_id AND i.store_id = l.store_id
       AND l.quantity + l.lowest >= l.reserved
    RETURNING i.product_id, i.store_id, i.quantity
), numbered AS MATERIALIZED (
    SELECT nextval('movements_id_seq') AS id, clock_timestamp() AS created_at,
           s.quantity + m.place_offset AS balance_after,
           CASE WHEN m.key IS NOT NULL THEN set_config('lock_timeout', '200ms', true) END AS patience, m.*
      FROM unnest($5::bigint[], $6::bigint[], $7::text[], $8::int[], $9::int[], $10::text[], $11::text[], $12::text[],
                  $13::text[], $14::text[], $15::bytea[], $16::bigint[], $17::bigint[], $18::date[], $19::bigint[])
           WITH ORDINALITY AS m (product_id, store_id, movement_type, delta, place_offset, related_document, reason,
                                 actor, caller, key, fingerprint, transfer_id, reverses_id, effective_on,
                                 unit_cost_kopecks, ord)
      JOIN stock AS s ON s.product_id = m.product_id AND s.store_id = m.store_id
     ORDER BY m.ord
), posted AS (
    INSERT INTO movements (id, product_id, store_id, movement_type, quantity, delta, balance_after, related_document,
                           reason, actor, idempotency_key, transfer_id, reverses_id, created_at, effective_on,
                           unit_cost_kopecks)
    SELECT id, product_id, store_id, movement_type, abs(delta), delta, balance_after, related_document,
           reason, actor, key, transfer_id, reverses_id, created_at, effective_on, unit_cost_kopecks
      FROM numbered
), remembered AS (
    INSERT INTO idempotency_keys (caller, key, fingerprint, movement_id)
    SELECT caller, key, fingerprint, id
      FROM numbered
     WHERE key IS NOT NULL
), told AS (
    INSERT INTO outbox (topic, payload)
    SELECT 'inventory.movement',
           jsonb_build_object('movement_id', id, 'product_id', product_id, 'store_id', store_id,
                              'movement_type', movement_type, 'delta', delta, 'quantity', balance_after)
      FROM numbered
)
SELECT ord, id, balance_after, created_at
  FROM numbered
"""

# For group commit: a row that somebody holds is passed over instead of making strangers wait for it.
POST_MOVEMENTS_UNLESS_LOCKED = POST_MOVEMENTS.replace("FOR NO KEY UPDATE OF i", "FOR NO KEY UPDATE OF i SKIP LOCKED")


async def post(db: Connection, lines: Sequence[Line], *, skip_locked: bool = False) -> list[Movement | None]:
    """Post lines; for each the movement, or None where its place had no row, too little, or (skip_locked) no time.

    A place is done whole or not at all. Raises UniqueViolationError for a known idempotency key or a second
    reversal, CheckViolationError or NumericValueOutOfRangeError for stock beyond a billion.
    """
    sums = sum_up(lines)
    keys = [line.key for line in lines]
    rows = await db.fetch(
        POST_MOVEMENTS_UNLESS_LOCKED if skip_locked else POST_MOVEMENTS,
        [product_id for product_id, _ in sums.places],
        [store_id for _, store_id in sums.places],
        sums.totals,
        sums.lowest,
        [line.product_id for line in lines],
        [line.store_id for line in lines],
        [line.movement_type for line in lines],
        [line.delta for line in lines],
        sums.offsets,
        [line.related_document for line in lines],
        [line.reason for line in lines],
        [line.actor for line in lines],
        [key and key.caller for key in keys],
        [key and key.key for key in keys],
        [key and key.fingerprint for key in keys],
        [line.transfer_id for line in lines],
        [line.reverses_id for line in lines],
        [line.effective_on for line in lines],
        [line.unit_cost_kopecks for line in lines],
    )
    posted: list[Movement | None] = [None] * len(lines)
    for ord_, movement_id, balance_after, created_at in rows:
        line = lines[ord_ - 1]
        posted[ord_ - 1] = Movement(
            id=movement_id,
            product_id=line.product_id,
            store_id=line.store_id,
            movement_type=line.movement_type,
            quantity=abs(line.delta),
            delta=line.delta,
            balance_after=balance_after,
            related_document=line.related_document,
            reason=line.reason,
            actor=line.actor,
            transfer_id=line.transfer_id,
            reverses_id=line.reverses_id,
            created_at=created_at,
            effective_on=line.effective_on,
            unit_cost_kopecks=line.unit_cost_kopecks,
        )
    return posted


# In key order, and before any row is locked: see `post_lines`. The joins leave unknown products and stores out.
OPEN_PLACES = """
INSERT INTO inventory (product_id, store_id)
SELECT w.product_id, w.store_id
  FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
  JOIN products AS p ON p.id = w.product_id
  JOIN stores AS s ON s.id = w.store_id
 WHERE NOT EXISTS (SELECT FROM inventory AS i WHERE i.product_id = w.product_id AND i.store_id = w.store_id)
 ORDER BY w.product_id, w.store_id
    ON CONFLICT (product_id, store_id) DO NOTHING
"""


async def open_places(db: Connection, places: Sequence[tuple[int, int]]) -> None:
    """Make the missing inventory rows, empty. Two racers: the second waits for the first and uses its row."""
    await db.execute(OPEN_PLACES, [product_id for product_id, _ in places], [store_id for _, store_id in places])


PLACES = """
SELECT w.product_id, w.store_id, p.id IS NOT NULL AS product_exists, s.id IS NOT NULL AS store_exists,
       i.product_id IS NOT NULL AS row_exists, coalesce(i.quantity, 0) AS quantity, coalesce(i.reserved, 0) AS reserved
  FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
  LEFT JOIN products AS p ON p.id = w.product_id
  LEFT JOIN stores AS s ON s.id = w.store_id
  LEFT JOIN stock AS i ON i.product_id = w.product_id AND i.store_id = w.store_id
"""


async def places(db: Connection, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Place]:
    """What is known of each wanted (product, store)."""
    rows = await db.fetch(PLACES, [product_id for product_id, _ in wanted], [store_id for _, store_id in wanted])
    return {(row["product_id"], row["store_id"]): Place(**row) for row in rows}


COLUMNS = """id, product_id, store_id, movement_type, quantity, delta, balance_after, related_document, reason, actor,
       transfer_id, reverses_id, created_at, effective_on, unit_cost_kopecks"""

FIND = f"SELECT {COLUMNS} FROM movements WHERE id = $1"


async def find(db: Connection, movement_id: int) -> Movement | None:
    row = await db.fetchrow(FIND, movement_id)
    return Movement(**row) if row else None


IS_REVERSED = "SELECT EXISTS (SELECT FROM movements WHERE product_id = $1 AND reverses_id = $2)"


async def is_reversed(db: Connection, movement: Movement) -> bool:
    """Whether somebody undid it. For the message only: the unique constraint decides."""
    return bool(await db.fetchval(IS_REVERSED, movement.product_id, movement.id))


# Each filter that is given becomes one condition, so that the planner sees only what is asked.
LIST = f"""
SELECT {COLUMNS}
  FROM movements
 WHERE {{conditions}}
 ORDER BY id DESC
 LIMIT $1
"""
CONDITIONS = {
    "product_id": "product_id =",
    "store_id": "store_id =",
    "movement_type": "movement_type =",
    "related_document": "related_document =",
    "actor": "actor =",
    "date_from": "created_at >=",
    "date_to": "created_at <",
    "before_id": "id <",
    "first_id": "id >=",
}


async def list_page(db: Connection, filters: dict[str, Any], limit: int) -> list[Movement]:
    """Newest first, at most `limit`. `filters` has names of CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [f"{CONDITIONS[name]} ${number}" for number, name in enumerate(given, start=2)]
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return [Movement(**row) for row in await db.fetch(sql, limit, *given.values())]
