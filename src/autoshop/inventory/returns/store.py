"""SQL of returns. What came back of a sale is counted under the lock of the place that sold it.

Of two who bring back the last piece, and of who brings it back and who undoes the sale, the second sees the first; the
constraints of `sale_returns` have the last word.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autoshop.inventory.returns.model import Kind, Return, ReturnLine, Sale
from autoshop.kit.db import Connection

SALE_COLUMNS = """m.id, m.product_id, m.store_id, m.quantity AS sold, coalesce(r.returned, 0) AS returned,
       EXISTS (SELECT FROM movements AS x WHERE x.product_id = m.product_id AND x.reverses_id = m.id) AS reversed,
       m.related_document, m.created_at"""

SALES = f"""
SELECT {SALE_COLUMNS}
  FROM movements AS m
  LEFT JOIN sale_returns AS r ON r.product_id = m.product_id AND r.sale_id = m.id
 WHERE m.id = ANY ($1::bigint[]) AND m.movement_type = 'sale' AND m.reverses_id IS NULL
 ORDER BY m.id
"""


async def sales(db: Connection, sale_ids: Sequence[int]) -> list[Sale]:
    """These sales, the oldest first, and what of them came back. What is no sale is left out."""
    return [Sale(**row) for row in await db.fetch(SALES, sale_ids)]


SALES_UNDER = f"""
SELECT {SALE_COLUMNS}
  FROM movements AS m
  LEFT JOIN sale_returns AS r ON r.product_id = m.product_id AND r.sale_id = m.id
 WHERE m.related_document = $1 AND m.movement_type = 'sale' AND m.reverses_id IS NULL AND m.id > $3
   AND ($2::bigint[] IS NULL OR m.product_id = ANY ($2))
 ORDER BY m.id
 LIMIT $4
"""


async def sales_under(
    db: Connection, document: str, product_ids: Sequence[int] | None, after_id: int, limit: int
) -> list[Sale]:
    """What was sold under a document, the oldest first."""
    return [Sale(**row) for row in await db.fetch(SALES_UNDER, document, product_ids, after_id, limit)]


KEPT_UNDER = """
SELECT w.product_id, count(DISTINCT w.document) AS documents
  FROM unnest($1::bigint[], $2::text[]) AS w (product_id, document)
  JOIN movements AS m ON m.related_document = w.document AND m.product_id = w.product_id
  LEFT JOIN sale_returns AS r ON r.product_id = m.product_id AND r.sale_id = m.id
 WHERE m.movement_type = 'sale' AND m.reverses_id IS NULL AND coalesce(r.returned, 0) < m.quantity
   AND NOT EXISTS (SELECT FROM movements AS x WHERE x.product_id = m.product_id AND x.reverses_id = m.id)
 GROUP BY w.product_id
"""


async def kept_under(db: Connection, pairs: Sequence[tuple[int, str]]) -> dict[int, int]:
    """By product, under how many of the documents that are named with it some of it was sold and never came back."""
    rows = await db.fetch(KEPT_UNDER, [product_id for product_id, _ in pairs], [document for _, document in pairs])
    return {row["product_id"]: row["documents"] for row in rows}


COUNT_RETURNED = """
INSERT INTO sale_returns AS r (product_id, sale_id, sold, returned)
SELECT product_id, sale_id, sold, pieces
  FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[]) AS w (product_id, sale_id, sold, pieces)
 ORDER BY product_id, sale_id
    ON CONFLICT (product_id, sale_id) DO UPDATE
   SET returned = r.returned + excluded.returned
"""


async def count_returned(db: Connection, pieces: Mapping[int, int], known: Sequence[Sale]) -> None:
    """Pieces (by sale) came back. The places that sold them are locked."""
    counted = [sale for sale in known if pieces.get(sale.id)]
    await db.execute(
        COUNT_RETURNED,
        [sale.product_id for sale in counted],
        [sale.id for sale in counted],
        [sale.sold for sale in counted],
        [pieces[sale.id] for sale in counted],
    )


COUNT_OUT_AGAIN = """
UPDATE sale_returns AS r
   SET returned = r.returned - w.pieces
  FROM (SELECT product_id, sale_id, sum(quantity)::int AS pieces
          FROM return_lines
         WHERE return_id = $1 AND sale_id IS NOT NULL
         GROUP BY product_id, sale_id) AS w
 WHERE r.product_id = w.product_id AND r.sale_id = w.sale_id
"""


async def count_out_again(db: Connection, return_id: int) -> None:
    """What a return had brought back did not come back after all. The places that sold it are locked."""
    await db.execute(COUNT_OUT_AGAIN, return_id)


# What came back is not undone: of a sale with pieces that did, no row comes back.
BAR = """
INSERT INTO sale_returns AS r (product_id, sale_id, sold, reversed)
SELECT product_id, sale_id, sold, true
  FROM unnest($1::bigint[], $2::bigint[], $3::int[]) AS w (product_id, sale_id, sold)
 ORDER BY product_id, sale_id
    ON CONFLICT (product_id, sale_id) DO UPDATE
   SET reversed = true
 WHERE r.returned = 0
RETURNING sale_id
"""


async def bar(db: Connection, undone: Sequence[tuple[int, int, int]]) -> set[int]:
    """Nothing may come back of these sales (product, id, pieces), which are being undone; those that allow it."""
    columns = [list(column) for column in zip(*undone, strict=True)]
    return {row["sale_id"] for row in await db.fetch(BAR, *columns)}


ADD = """
INSERT INTO returns (kind, store_id, supplier, unlinked, related_document, note, actor)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id
"""


async def add(
    db: Connection,
    kind: Kind,
    store_id: int,
    supplier: str | None,
    unlinked: bool,
    related_document: str | None,
    note: str | None,
    actor: str,
) -> int:
    """A return without its lines; its id."""
    return_id: int = await db.fetchval(ADD, kind, store_id, supplier, unlinked, related_document, note, actor)
    return return_id


ADD_LINES = """
INSERT INTO return_lines (return_id, number, product_id, quantity, condition, reason, sale_id, movement_id, writeoff_id)
SELECT $1, number, product_id, quantity, condition, reason, sale_id, movement_id, writeoff_id
  FROM unnest($2::bigint[], $3::int[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
       WITH ORDINALITY AS l (product_id, quantity, condition, reason, sale_id, movement_id, writeoff_id, number)
"""


async def add_lines(db: Connection, return_id: int, lines: Sequence[ReturnLine]) -> None:
    """Write down what came, and by which movements."""
    await db.execute(
        ADD_LINES,
        return_id,
        [line.product_id for line in lines],
        [line.quantity for line in lines],
        [line.condition for line in lines],
        [line.reason for line in lines],
        [line.sale_id for line in lines],
        [line.movement_id for line in lines],
        [line.writeoff_id for line in lines],
    )


COLUMNS = """id, kind, store_id, status, supplier, unlinked, related_document, note, actor, created_at, reversed_at,
       reversed_by, reversal_reason, version"""
FIND = f"SELECT {COLUMNS} FROM returns WHERE kind = $1 AND id = $2"
LOCK = FIND + " FOR NO KEY UPDATE"
LINES = """
SELECT return_id, product_id, quantity, condition, reason, sale_id, movement_id, writeoff_id
  FROM return_lines
 WHERE return_id = ANY ($1::bigint[])
 ORDER BY return_id, number
"""


async def find(db: Connection, kind: Kind, return_id: int, *, lock: bool = False) -> Return | None:
    """A return with its lines; `lock` holds it until the transaction ends."""
    row = await db.fetchrow(LOCK if lock else FIND, kind, return_id)
    return (await _with_lines(db, [row]))[0] if row else None


LIST = f"""
SELECT {COLUMNS}
  FROM returns
 WHERE {{conditions}}
 ORDER BY id DESC
 LIMIT $1
"""
CONDITIONS = {
    "kind": "kind = ${}",
    "before_id": "id < ${}",
    "store_id": "store_id = ${}",
    "status": "status = ${}",
    "supplier": "supplier = ${}",
    "unlinked": "unlinked = ${}",
    "related_document": "related_document = ${}",
    "date_from": "created_at >= ${}",
    "date_to": "created_at < ${}",
    "product_id": "id IN (SELECT return_id FROM return_lines WHERE product_id = ${})",
}


async def list_page(db: Connection, filters: Mapping[str, Any], limit: int) -> list[Return]:
    """Newest first. `filters` has names of CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [CONDITIONS[name].format(number) for number, name in enumerate(given, start=2)]
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return await _with_lines(db, await db.fetch(sql, limit, *given.values()))


async def _with_lines(db: Connection, rows: Sequence[Any]) -> list[Return]:
    if not rows:
        return []
    lines: dict[int, list[ReturnLine]] = {row["id"]: [] for row in rows}
    for return_id, *line in map(tuple, await db.fetch(LINES, list(lines))):
        lines[return_id].append(ReturnLine(*line))
    return [Return(**row, lines=tuple(lines[row["id"]])) for row in rows]


CLOSE = """
UPDATE returns
   SET status = 'reversed', reversed_at = $2, reversed_by = $3, reversal_reason = $4, version = version + 1
 WHERE id = $1
"""


async def close(db: Connection, return_id: int, now: datetime, actor: str, reason: str | None) -> None:
    """The return was undone. The caller holds its lock."""
    await db.execute(CLOSE, return_id, now, actor, reason)


TELL = """
INSERT INTO outbox (topic, payload)
SELECT 'inventory.return',
       jsonb_build_object('return_id', r.id, 'kind', r.kind, 'change', $2::text,
                          'store_ids', jsonb_build_array(r.store_id),
                          'product_ids', (SELECT jsonb_agg(DISTINCT l.product_id)
                                            FROM return_lines AS l
                                           WHERE l.return_id = r.id))
  FROM returns AS r
 WHERE r.id = $1
"""


async def tell(db: Connection, return_id: int, change: str) -> None:
    """An event for whoever watches."""
    await db.execute(TELL, return_id, change)


DOCUMENT_OF = """
SELECT r.kind, r.id
  FROM return_lines AS l
  JOIN returns AS r ON r.id = l.return_id
 WHERE l.product_id = $1 AND (l.movement_id = $2 OR l.writeoff_id = $2)
"""


async def document_of(db: Connection, product_id: int, movement_id: int) -> tuple[Kind, int] | None:
    """The return (its kind and id) that a movement belongs to, if any."""
    row = await db.fetchrow(DOCUMENT_OF, product_id, movement_id)
    return (row["kind"], row["id"]) if row else None
