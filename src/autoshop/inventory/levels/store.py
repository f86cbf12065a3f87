"""SQL of levels. Whoever sets or judges a level first locks its row: so of two, one tells of a crossing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autoshop.inventory.levels.model import Level, Place, Wanted
from autoshop.inventory.transfers.orders.store import AWAITED_BY_NOBODY
from autoshop.kit.db import Connection, Pool

LOCK = """
SELECT l.product_id, l.store_id, l.minimum, l.maximum, l.version
  FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
  JOIN stock_levels AS l ON l.product_id = w.product_id AND l.store_id = w.store_id
 ORDER BY l.product_id, l.store_id
   FOR NO KEY UPDATE OF l
"""


async def lock(db: Connection, places: Sequence[Place]) -> dict[Place, Wanted]:
    """The levels that are there, held until the transaction ends."""
    rows = [Wanted(*row) for row in await db.fetch(LOCK, *_keys(places))]
    return {row.place: row for row in rows}


ADD = """
INSERT INTO stock_levels (product_id, store_id, minimum, maximum, source, actor)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (product_id, store_id) DO NOTHING
RETURNING true
"""


async def add(db: Connection, row: Wanted, source: str, actor: str) -> bool:
    """A new level; False where somebody else has just set one."""
    return bool(await db.fetchval(ADD, *row.place, row.minimum, row.maximum, source, actor))


SET = """
INSERT INTO stock_levels AS l (product_id, store_id, minimum, maximum, source, actor)
SELECT product_id, store_id, minimum, maximum, $5, $6
  FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[]) AS w (product_id, store_id, minimum, maximum)
 ORDER BY product_id, store_id
    ON CONFLICT (product_id, store_id) DO UPDATE
   SET minimum = excluded.minimum, maximum = excluded.maximum, source = excluded.source, actor = excluded.actor,
       updated_at = now(), version = l.version + 1
"""


async def set_all(db: Connection, rows: Sequence[Wanted], source: str, actor: str) -> None:
    """Levels as they are to be, whether there were any or not."""
    minima, maxima = [row.minimum for row in rows], [row.maximum for row in rows]
    await db.execute(SET, [row.product_id for row in rows], [row.store_id for row in rows], minima, maxima,
                     source, actor)  # fmt: skip


REMOVE = "DELETE FROM stock_levels WHERE product_id = $1 AND store_id = $2"


async def remove(db: Connection, place: Place) -> None:
    await db.execute(REMOVE, *place)


# Each crossing has its event in the statement that notices it.
JUDGE = """
WITH seen AS (
    SELECT l.product_id, l.store_id, l.minimum, coalesce(s.quantity - s.reserved, 0) AS available
      FROM unnest($1::bigint[], $2::bigint[]) AS w (product_id, store_id)
      JOIN stock_levels AS l ON l.product_id = w.product_id AND l.store_id = w.store_id
      LEFT JOIN stock AS s ON s.product_id = l.product_id AND s.store_id = l.store_id
), fallen AS (
    INSERT INTO level_alerts AS a (product_id, store_id, urgency)
    SELECT product_id, store_id,
           CASE WHEN available = 0 THEN 0 ELSE greatest(1, available::bigint * 1000 / minimum) END
      FROM seen
     WHERE available < minimum
        ON CONFLICT (product_id, store_id) DO UPDATE
       SET urgency = excluded.urgency
     WHERE a.urgency <> excluded.urgency
    RETURNING product_id, store_id, old.product_id IS NULL AS is_new
), risen AS (
    DELETE FROM level_alerts AS a
     USING seen AS s
     WHERE a.product_id = s.product_id AND a.store_id = s.store_id AND s.available >= s.minimum
    RETURNING a.product_id, a.store_id
), crossed AS (
    SELECT 'below' AS kind, product_id, store_id
      FROM fallen
     WHERE is_new
     UNION ALL
    SELECT 'recovered', product_id, store_id
      FROM risen
)
INSERT INTO outbox (topic, payload)
SELECT 'inventory.levels',
       jsonb_build_object('kind', c.kind, 'product_id', c.product_id, 'store_id', c.store_id,
                          'available', s.available, 'minimum', s.minimum)
  FROM crossed AS c
  JOIN seen AS s ON s.product_id = c.product_id AND s.store_id = c.store_id
"""


async def judge(db: Connection, places: Sequence[Place]) -> int:
    """Write down who fell below a level or is back, and tell of it; how many crossed. The levels are locked."""
    return int((await db.execute(JUDGE, *_keys(places))).split()[-1])


TELL = "INSERT INTO outbox (topic, payload) VALUES ('inventory.levels', $1)"


async def tell(db: Connection, document: Mapping[str, Any]) -> None:
    """An event for whoever watches."""
    await db.execute(TELL, document)


# ---------------------------------------------------------------------------- the look of every minute
TAKE_TURN = "SELECT seen_to FROM level_looks FOR UPDATE SKIP LOCKED"
END_TURN = "UPDATE level_looks SET looked_at = now(), seen_to = $1"
LOOKED_AT = "SELECT looked_at FROM level_looks"


async def take_turn(db: Connection) -> datetime | None:
    """What has been seen so far; None while somebody else is looking."""
    moment: datetime | None = await db.fetchval(TAKE_TURN)
    return moment


async def end_turn(db: Connection, seen_to: datetime) -> None:
    await db.execute(END_TURN, seen_to)


async def looked_at(db: Connection | Pool) -> datetime:
    """When the last look was."""
    moment: datetime = await db.fetchval(LOOKED_AT)
    return moment


# ---------------------------------------------------------------------------- lists
COLUMNS = "product_id, store_id, minimum, maximum, source, actor, updated_at, version"
# The rest of a statement whose `page` has been begun.
SHOWN = f""")
SELECT p.product_id, p.store_id, p.minimum, p.maximum, p.source, p.actor, p.updated_at, p.version,
       coalesce(s.quantity, 0) AS quantity, coalesce(s.reserved, 0) AS reserved,
       (SELECT coalesce(sum(l.shipped - l.received - l.returned - l.lost - l.damaged), 0)
          FROM transfer_lines AS l
          JOIN transfers AS t ON t.id = l.transfer_id
         WHERE l.product_id = p.product_id AND l.to_store_id = p.store_id
           AND l.received + l.returned + l.lost + l.damaged < l.shipped AND {AWAITED_BY_NOBODY}
       )::int AS in_transit,
       p.urgency
  FROM page AS p
  LEFT JOIN stock AS s ON s.product_id = p.product_id AND s.store_id = p.store_id
 ORDER BY p.urgency, p.product_id, p.store_id
"""
LIST = f"""
WITH page AS (
    SELECT {COLUMNS}, 0 AS urgency
      FROM stock_levels
     WHERE {{conditions}}
     ORDER BY product_id, store_id
     LIMIT $1
{SHOWN}"""


async def list_page(
    db: Connection | Pool, store_id: int | None, product_id: int | None, after: Place | None, limit: int
) -> list[Level]:
    """Levels in the order of their keys, after a key."""
    conditions, values = _conditions(store_id, product_id)
    if after is not None and store_id is not None:  # walks (store_id, product_id)
        values.append(after[0])
        conditions.append(f"product_id > ${len(values) + 1}")
    elif after is not None:
        values += after
        conditions.append(f"(product_id, store_id) > (${len(values)}, ${len(values) + 1})")
    sql = LIST.format(conditions="\n       AND ".join(conditions) or "true")
    return [Level(*row) for row in await db.fetch(sql, limit, *values)]


FIND = LIST.format(conditions="product_id = $2 AND store_id = $3")


async def find(db: Connection | Pool, place: Place) -> Level | None:
    row = await db.fetchrow(FIND, 1, *place)
    return Level(*row) if row else None


# What is written down as reserved is never less than what is: so few rows are left for which the view is asked.
BELOW = f"""
WITH low AS (
    SELECT l.product_id, l.store_id, l.minimum, l.maximum, l.source, l.actor, l.updated_at, l.version
      FROM stock_levels AS l
      LEFT JOIN inventory AS i ON i.product_id = l.product_id AND i.store_id = l.store_id
     WHERE coalesce(i.quantity - i.reserved, 0) < l.minimum
       AND {{conditions}}
), below AS MATERIALIZED (
    SELECT low.*, CASE WHEN s.quantity > s.reserved
                       THEN greatest(1, (s.quantity - s.reserved)::bigint * 1000 / minimum) ELSE 0 END AS urgency
      FROM low
      LEFT JOIN stock AS s ON s.product_id = low.product_id AND s.store_id = low.store_id
     WHERE coalesce(s.quantity - s.reserved, 0) < low.minimum
), page AS (
    SELECT *
      FROM below
     WHERE (urgency, product_id, store_id) > ($2, $3, $4)
     ORDER BY urgency, product_id, store_id
     LIMIT $1
{SHOWN}"""


async def below_at(
    db: Connection | Pool, store_id: int | None, product_id: int | None, after: tuple[int, int, int], limit: int
) -> list[Level]:
    """What is below its level at a store, or of a product, right now: the emptiest shelf first."""
    conditions, values = _conditions(store_id, product_id, first=5, of="l.")
    sql = BELOW.format(conditions="\n       AND ".join(conditions))
    return [Level(*row) for row in await db.fetch(sql, limit, *after, *values)]


# Of millions of levels, those that the last look found; who is back since is left out.
BELOW_ANYWHERE = f"""
WITH page AS (
    SELECT l.product_id, l.store_id, l.minimum, l.maximum, l.source, l.actor, l.updated_at, l.version, a.urgency
      FROM level_alerts AS a
      JOIN stock_levels AS l ON l.product_id = a.product_id AND l.store_id = a.store_id
      LEFT JOIN stock AS s ON s.product_id = a.product_id AND s.store_id = a.store_id
     WHERE (a.urgency, a.product_id, a.store_id) > ($2::bigint, $3, $4)
       AND coalesce(s.quantity - s.reserved, 0) < l.minimum
     ORDER BY a.urgency, a.product_id, a.store_id
     LIMIT $1
{SHOWN}"""


async def below_anywhere(db: Connection | Pool, after: tuple[int, int, int], limit: int) -> list[Level]:
    """What the last look found below its level, in any store."""
    return [Level(*row) for row in await db.fetch(BELOW_ANYWHERE, limit, *after)]


def _conditions(
    store_id: int | None, product_id: int | None, *, first: int = 2, of: str = ""
) -> tuple[list[str], list[int]]:
    given = {"store_id": store_id, "product_id": product_id}
    asked = {column: value for column, value in given.items() if value is not None}
    return [f"{of}{column} = ${number}" for number, column in enumerate(asked, start=first)], list(asked.values())


def _keys(places: Sequence[Place]) -> tuple[list[int], list[int]]:
    ordered = sorted(set(places))
    return [product_id for product_id, _ in ordered], [store_id for _, store_id in ordered]
