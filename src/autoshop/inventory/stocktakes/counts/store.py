"""SQL of counts. The places of the products are locked: nothing moves there, and nobody else counts them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from autoshop.inventory.stocktakes.counts.model import Asked, Count, Settlement
from autoshop.inventory.stocktakes.model import Stocktake
from autoshop.kit.db import Connection

IN_THE_LIST = """
SELECT product_id, asked_round, coalesce(round, 0) AS round
  FROM stocktake_lines
 WHERE stocktake_id = $1 AND product_id = ANY ($2::bigint[])
"""


async def rounds(db: Connection, stocktake_id: int, product_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Of the products in the list: the round that has to be counted, and the newest that was (0: none)."""
    rows = await db.fetch(IN_THE_LIST, stocktake_id, product_ids)
    return {row["product_id"]: (row["asked_round"], row["round"]) for row in rows}


BELONGING = """
WITH RECURSIVE down AS (
    SELECT $2::bigint AS id, 1 AS level
     UNION ALL
    SELECT c.id, down.level + 1
      FROM down
      JOIN categories AS c ON c.parent_id = down.id
     WHERE down.level < 20
)
SELECT p.id, ($2::bigint IS NULL OR p.category_id IN (SELECT id FROM down))
             AND ($4::text[] IS NULL
                  OR EXISTS (SELECT
                               FROM shelf_places AS f
                               JOIN unnest($4::text[]) AS s (key) ON f.place_key >= s.key AND f.place_key < s.key || '!'
                              WHERE f.product_id = p.id AND f.store_id = $3)) AS belongs
  FROM products AS p
 WHERE p.id = ANY ($1::bigint[])
"""


async def belonging(
    db: Connection, product_ids: Sequence[int], store_id: int, category_id: int | None, shelf_keys: Sequence[str] | None
) -> dict[int, bool]:
    """Of the products that exist, whether they are of the category or of one below it, and have a place under one of
    the shelves (None: every one is, and has)."""
    return dict(map(tuple, await db.fetch(BELONGING, product_ids, category_id, store_id, shelf_keys)))


COUNT_COLUMNS = (
    """id, client_id, product_id, round, mode, pieces, counted_at, ledger, movement_id, actor, device, note"""
)
KNOWN = f"SELECT {COUNT_COLUMNS} FROM stocktake_counts WHERE stocktake_id = $1 AND client_id = ANY ($2::text[])"


async def known(db: Connection, stocktake_id: int, client_ids: Sequence[str]) -> dict[str, Count]:
    """Those of the counts that were taken before, by the id that the device gave them."""
    return {row["client_id"]: Count(**row) for row in await db.fetch(KNOWN, stocktake_id, client_ids)}


# Stock now minus what happened since. From the mark of the opening on there are few movements to look at.
LEDGER_AT = """
SELECT i.quantity - coalesce(m.since, 0)::integer AS ledger, coalesce(m.newest, $2) AS movement_id
  FROM unnest($3::bigint[], $4::timestamptz[]) WITH ORDINALITY AS w (product_id, at, number)
  JOIN inventory AS i ON i.product_id = w.product_id AND i.store_id = $1
 CROSS JOIN LATERAL (SELECT sum(delta) FILTER (WHERE created_at > w.at) AS since,
                            max(id) FILTER (WHERE created_at <= w.at) AS newest
                       FROM movements
                      WHERE product_id = w.product_id AND id > $2 AND store_id = $1) AS m
 ORDER BY w.number
"""


async def ledger_at(
    db: Connection, stocktake: Stocktake, moments: Sequence[tuple[int, datetime]]
) -> list[tuple[int, int]]:
    """For each product and moment since the opening: the pieces of then, and the newest movement of then."""
    products, times = [product for product, _ in moments], [at for _, at in moments]
    rows = await db.fetch(LEDGER_AT, stocktake.store_id, stocktake.movement_mark, products, times)
    return [(row["ledger"], row["movement_id"]) for row in rows]


ADD = """
INSERT INTO stocktake_counts (stocktake_id, client_id, product_id, round, mode, pieces, counted_at, device, note,
                              ledger, movement_id, actor)
SELECT $1, c.client_id, c.product_id, c.round, c.mode, c.pieces, c.counted_at, c.device, c.note,
       c.ledger, c.movement_id, $2
  FROM unnest($3::text[], $4::bigint[], $5::smallint[], $6::text[], $7::int[], $8::timestamptz[], $9::text[],
              $10::text[], $11::int[], $12::bigint[])
       AS c (client_id, product_id, round, mode, pieces, counted_at, device, note, ledger, movement_id)
 ORDER BY c.client_id
"""


async def add(db: Connection, stocktake_id: int, actor: str, counts: Sequence[tuple[Asked, tuple[int, int]]]) -> None:
    """Take counts, each with what the ledger said then. Raises UniqueViolationError for an id that is taken by now."""
    await db.execute(
        ADD,
        stocktake_id,
        actor,
        [one.client_id for one, _ in counts],
        [one.product_id for one, _ in counts],
        [one.round for one, _ in counts],
        [one.mode for one, _ in counts],
        [one.pieces for one, _ in counts],
        [one.counted_at for one, _ in counts],
        [one.device for one, _ in counts],
        [one.note for one, _ in counts],
        [ledger for _, (ledger, _) in counts],
        [movement_id for _, (_, movement_id) in counts],
    )


# A count that was taken back counts no more.
STANDS = """NOT EXISTS (SELECT
                     FROM stocktake_retractions AS r
                    WHERE r.stocktake_id = c.stocktake_id AND r.client_id = c.client_id)"""
OF_PRODUCTS = f"""
SELECT {COUNT_COLUMNS}
  FROM stocktake_counts AS c
 WHERE stocktake_id = $1 AND product_id = ANY ($2::bigint[]) AND {STANDS}
 ORDER BY product_id, id
"""


async def of_products(db: Connection, stocktake_id: int, product_ids: Sequence[int]) -> dict[int, list[Count]]:
    """Everything that was counted of these products and not taken back; without those of which nothing is left."""
    counts: dict[int, list[Count]] = {}
    for row in await db.fetch(OF_PRODUCTS, stocktake_id, product_ids):
        counts.setdefault(row["product_id"], []).append(Count(**row))
    return counts


# The stocktake comes with each row, so that its lines are looked up one by one. As `l.stocktake_id = $1` it would find
# all lines of the stocktake, for each row anew, as long as statistics do not know how many there are: a new one.
SETTLE = """
WITH w AS MATERIALIZED (
    SELECT $1::bigint AS stocktake_id, u.*
      FROM unnest($2::bigint[], $3::text[], $4::smallint[], $5::int[], $6::int[], $7::int[], $8::bigint[],
                  $9::timestamptz[], $10::text[])
           AS u (product_id, status, round, counted, ledger, difference, movement_id, counted_at, counted_by)
)
UPDATE stocktake_lines AS l
   SET status = w.status, round = w.round, counted = w.counted, ledger = w.ledger, difference = w.difference,
       movement_id = w.movement_id, counted_at = w.counted_at, counted_by = w.counted_by
  FROM w
 WHERE l.stocktake_id = w.stocktake_id AND l.product_id = w.product_id
"""


async def settle(db: Connection, stocktake_id: int, lines: Mapping[int, Settlement]) -> None:
    """Write down what the lines have come to."""
    settled = list(lines.values())
    await db.execute(
        SETTLE,
        stocktake_id,
        list(lines),
        [one.status for one in settled],
        [one.round for one in settled],
        [one.counted for one in settled],
        [one.ledger for one in settled],
        [one.difference for one in settled],
        [one.movement_id for one in settled],
        [one.counted_at for one in settled],
        [one.counted_by for one in settled],
    )


UNSETTLE = """
UPDATE stocktake_lines
   SET status = 'to_count', round = NULL, counted = NULL, ledger = NULL, difference = NULL, movement_id = NULL,
       counted_at = NULL, counted_by = NULL
 WHERE stocktake_id = $1 AND product_id = ANY ($2::bigint[])
"""


async def unsettle(db: Connection, stocktake_id: int, product_ids: Sequence[int]) -> None:
    """Nothing is left of what was counted of these products: they are to be counted."""
    await db.execute(UNSETTLE, stocktake_id, product_ids)


RETRACT = """
INSERT INTO stocktake_retractions (stocktake_id, client_id, actor)
SELECT $1, client_id, $2
  FROM unnest($3::text[]) AS w (client_id)
 ORDER BY client_id
    ON CONFLICT DO NOTHING
RETURNING client_id
"""


async def retract(db: Connection, stocktake_id: int, actor: str, client_ids: Sequence[str]) -> set[str]:
    """Take counts back; those that were not before."""
    return {row["client_id"] for row in await db.fetch(RETRACT, stocktake_id, actor, client_ids)}


LIST = f"""
SELECT {COUNT_COLUMNS},
       EXISTS (SELECT
                 FROM stocktake_retractions AS r
                WHERE r.stocktake_id = c.stocktake_id AND r.client_id = c.client_id) AS retracted
  FROM stocktake_counts AS c
 WHERE stocktake_id = $1
   AND ($2::bigint IS NULL OR product_id = $2)
   AND ($3::bigint IS NULL OR id < $3)
 ORDER BY id DESC
 LIMIT $4
"""
LAST_OF = f"""
SELECT {COUNT_COLUMNS}
  FROM stocktake_counts AS c
 WHERE stocktake_id = $1 AND actor = $2 AND {STANDS}
 ORDER BY id DESC
 LIMIT $3
"""


async def last_of(db: Connection, stocktake_id: int, actor: str, limit: int) -> list[Count]:
    """What somebody counted last and did not take back, the newest first."""
    return [Count(**row) for row in await db.fetch(LAST_OF, stocktake_id, actor, limit)]


async def list_page(
    db: Connection, stocktake_id: int, product_id: int | None, before_id: int | None, limit: int
) -> list[Count]:
    """The newest first, with those that were taken back."""
    return [Count(**row) for row in await db.fetch(LIST, stocktake_id, product_id, before_id, limit)]
