"""After the storm: every book is compared with what was acknowledged, and with every other book."""

from dataclasses import dataclass

from autoshop.inventory.reservations.jobs import let_go_of_lapsed
from autoshop.inventory.stock.service import check_ledger
from autoshop.kit.db import Pool
from tests.chaos.client import Record

OVERSOLD = "SELECT count(*) FROM movements WHERE balance_after < 0"
NEGATIVE = "SELECT count(*) FROM inventory WHERE quantity < 0 OR reserved < 0 OR reserved > quantity"
HOLDS = """
SELECT count(*)
  FROM inventory AS i
 WHERE i.reserved <> coalesce((SELECT sum(l.held)
                                 FROM reservation_lines AS l
                                 JOIN reservations AS r ON r.id = l.reservation_id
                                WHERE l.product_id = i.product_id AND l.store_id = i.store_id AND r.status = 'live'), 0)
"""
# The document against the ledger: what left, what came, and what came back.
TRANSIT = """
SELECT count(*)
  FROM (SELECT transfer_id, product_id, -sum(delta) AS on_the_way
          FROM movements
         WHERE transfer_id IS NOT NULL
         GROUP BY transfer_id, product_id) AS m
  FULL JOIN transfer_lines AS t USING (transfer_id, product_id)
 WHERE coalesce(m.on_the_way, 0) <> coalesce(t.shipped - t.received - t.returned - t.lost - t.damaged, 0)
"""
EVENTS = """
SELECT count(*)
  FROM movements AS m
 WHERE NOT EXISTS (SELECT FROM outbox AS o
                    WHERE o.topic = 'inventory.movement' AND (o.payload->>'movement_id')::bigint = m.id)
"""
KEYS = """
SELECT count(*) - count(DISTINCT (actor, idempotency_key)) FROM movements WHERE idempotency_key IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must hold: what was counted, and whether it held."""

    what: str
    counted: str
    held: bool


async def findings(pool: Pool, record: Record) -> list[Finding]:
    """Everything that must be so after any storm. No client is at work any more."""
    await let_go_of_lapsed(pool)
    found = [
        await _none(pool, "movements below zero", OVERSOLD),
        await _none(pool, "places oversold or over-reserved", NEGATIVE),
        await _none(pool, "places where reserved is not the sum of live holds", HOLDS),
        await _none(pool, "transfer lines where transit is not shipped − received", TRANSIT),
        await _none(pool, "movements that no event tells of", EVENTS),
        await _none(pool, "keys that moved pieces twice", KEYS),
        await _same(pool, "movements", record.movements),
        await _same(pool, "reservations", record.reservations),
        await _same(pool, "transfers", record.transfers),
    ]
    check = await check_ledger(pool, balances=True)
    found.append(
        Finding("ledger check", f"{check.row_count} rows, {check.differences} differences", not check.differences)
    )
    told = f"{len(record.wrong)} {record.wrong[:5] or ''}"
    found.append(Finding("answers that should not have been", told, not record.wrong))
    return found


async def _none(pool: Pool, what: str, sql: str) -> Finding:
    number = await pool.fetchval(sql)
    return Finding(what, str(number), number == 0)


async def _same(pool: Pool, table: str, acknowledged: set[int]) -> Finding:
    """Each acknowledged one is there, and none that nobody was told of: everybody repeated until he was answered."""
    there = {row["id"] for row in await pool.fetch(f"SELECT id FROM {table}")}
    lost, unheard = len(acknowledged - there), len(there - acknowledged)
    told = f"{len(acknowledged)} acknowledged, {len(there)} there, {lost} lost, {unheard} that nobody was told of"
    return Finding(table, told, not lost and not unheard)
