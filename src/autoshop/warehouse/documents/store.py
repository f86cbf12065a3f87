"""SQL of bulk documents. Whoever posts or undoes one first holds its row, then the places in key order."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.kit.db import Connection, Pool
from autoshop.warehouse.documents.model import Asked, Document, KeptLine, Line, Problem

COLUMNS = """id, kind, store_id, related_document, file_name, headings, ignored, counted_at, actor, state, lines_total,
       lines_done, attempt, totals, created_at, updated_at, finished_at, undone_at, undone_by, version, scopes,
       store_ids"""


def _document(row: asyncpg.Record) -> Document:
    values: dict[str, Any] = dict(row)
    values["ignored"] = tuple(values["ignored"])
    values["scopes"] = frozenset(values["scopes"])
    values["store_ids"] = None if values["store_ids"] is None else frozenset(values["store_ids"])
    return Document(**values)


ADD = f"""
INSERT INTO bulk_documents (kind, store_id, related_document, file_name, digest, again, headings, ignored, counted_at,
                            actor, scopes, store_ids, lines_total)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, now()), $10, $11, $12, $13)
    ON CONFLICT (digest) WHERE NOT again AND state NOT IN ('refused', 'undone') DO NOTHING
RETURNING {COLUMNS}
"""
SAME_FILE = f"""
SELECT {COLUMNS}
  FROM bulk_documents
 WHERE digest = $1 AND NOT again AND state NOT IN ('refused', 'undone')
"""
ADD_LINES = """
INSERT INTO bulk_lines (document_id, number, row, given, wrong)
SELECT $1, number, row, given, wrong
  FROM unnest($2::int[], $3::int[], $4::jsonb[], $5::jsonb[]) AS l (number, row, given, wrong)
"""


async def add(db: Connection, caller: Caller, asked: Asked, lines: Sequence[Line]) -> Document | None:
    """A document that waits for a worker, with its lines; None where the same file is there already."""
    row = await db.fetchrow(
        ADD, asked.kind, asked.store_id, asked.related_document, asked.file_name, asked.digest, asked.again,
        dict(asked.headings), list(asked.ignored), asked.counted_at, caller.actor, sorted(caller.scopes),
        None if caller.store_ids is None else sorted(caller.store_ids), len(lines),
    )  # fmt: skip
    if row is None:
        return None
    await db.execute(
        ADD_LINES, row["id"], [line.number for line in lines], [line.row for line in lines],
        [dict(line.given) for line in lines], [line.wrong for line in lines],
    )  # fmt: skip
    return _document(row)


async def same_file(db: Connection, digest: bytes) -> Document | None:
    """The document that was made of the same file for the same purpose, if it still counts."""
    row = await db.fetchrow(SAME_FILE, digest)
    return _document(row) if row else None


FIND = f"SELECT {COLUMNS} FROM bulk_documents WHERE id = $1"
LOCK = FIND + " FOR NO KEY UPDATE"
LOCK_UNLESS_LOCKED = LOCK + " SKIP LOCKED"


async def find(db: Connection | Pool, document_id: int) -> Document | None:
    row = await db.fetchrow(FIND, document_id)
    return _document(row) if row else None


async def lock(db: Connection, document_id: int, *, wait: bool = True) -> Document | None:
    """The document, held until the transaction ends. Without `wait`: None where somebody else holds it."""
    row = await db.fetchrow(LOCK if wait else LOCK_UNLESS_LOCKED, document_id)
    return _document(row) if row else None


LIST = f"""
SELECT {COLUMNS}
  FROM bulk_documents
 WHERE {{conditions}}
 ORDER BY id DESC
 LIMIT $1
"""
CONDITIONS = {
    "store_id": "store_id =",
    "kind": "kind =",
    "state": "state =",
    "related_document": "related_document =",
    "before_id": "id <",
}


async def list_page(db: Connection | Pool, filters: Mapping[str, int | str | None], limit: int) -> list[Document]:
    """Newest first. `filters` has names of CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [f"{CONDITIONS[name]} ${number}" for number, name in enumerate(given, start=2)]
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return [_document(row) for row in await db.fetch(sql, limit, *given.values())]


# ---------------------------------------------------------------------------- on its way
BEGIN = """
UPDATE bulk_documents
   SET state = 'checking', lines_done = 0, attempt = attempt + 1, updated_at = clock_timestamp()
 WHERE id = $1
"""
TELL_STATE = """
UPDATE bulk_documents
   SET state = $2, lines_done = $3, updated_at = clock_timestamp()
 WHERE id = $1 AND finished_at IS NULL
"""
FINISH = """
UPDATE bulk_documents
   SET state = $2, totals = $3, lines_done = $4, updated_at = clock_timestamp(), finished_at = clock_timestamp(),
       version = version + 1
 WHERE id = $1
"""
UNDO = """
UPDATE bulk_documents
   SET state = 'undone', undone_at = clock_timestamp(), undone_by = $2, updated_at = clock_timestamp(),
       version = version + 1
 WHERE id = $1
"""


async def begin(db: Connection, document_id: int) -> None:
    """Work on it begins, or begins anew. It is locked."""
    await db.execute(BEGIN, document_id)


async def tell_state(db: Connection | Pool, document_id: int, state: str, lines_done: int) -> None:
    """How far it is, for whoever looks; and that somebody works on it."""
    await db.execute(TELL_STATE, document_id, state, lines_done)


async def finish(db: Connection, document_id: int, state: str, totals: Mapping[str, int], lines_done: int) -> None:
    """The end, in the transaction of what it did. It is locked."""
    await db.execute(FINISH, document_id, state, totals, lines_done)


async def undo(db: Connection, document_id: int, actor: str) -> None:
    """It no longer counts. It is locked, and its movements are reversed."""
    await db.execute(UNDO, document_id, actor)


TELL = "INSERT INTO outbox (topic, payload) VALUES ('inventory.document', $1)"


async def tell(db: Connection, document: Document, change: str, totals: Mapping[str, int]) -> None:
    """An event for whoever watches."""
    told = {"document_id": document.id, "kind": document.kind, "change": change, "store_id": document.store_id}
    await db.execute(TELL, {**told, **totals})


SILENT = """
SELECT id
  FROM bulk_documents
 WHERE finished_at IS NULL AND updated_at < now() - interval '1 minute'
 ORDER BY updated_at
 LIMIT 100
"""


async def silent(db: Connection) -> list[int]:
    """Documents that nobody works on."""
    return [row["id"] for row in await db.fetch(SILENT)]


FORGET = "DELETE FROM bulk_documents WHERE state = 'refused' AND finished_at < now() - interval '90 days'"


async def forget(db: Connection | Pool) -> None:
    """Remove what was refused long ago."""
    await db.execute(FORGET)


# ---------------------------------------------------------------------------- lines and problems
LINES = """
SELECT number, row, given, wrong
  FROM bulk_lines
 WHERE document_id = $1
 ORDER BY number
 LIMIT 10000
"""
LINES_PAGE = """
SELECT number, row, given, product_id, quantity, movement_id, transfer_id
  FROM bulk_lines
 WHERE document_id = $1 AND number > $2::bigint
 ORDER BY number
 LIMIT $3
"""
# The document comes with each row, so that its lines are looked up one by one, whatever statistics know of a new one.
KEEP_PRODUCTS = """
WITH w AS MATERIALIZED (
    SELECT $1::bigint AS document_id, u.*
      FROM unnest($2::int[], $3::bigint[], $4::int[]) AS u (number, product_id, quantity)
)
UPDATE bulk_lines AS l
   SET product_id = w.product_id, quantity = w.quantity
  FROM w
 WHERE l.document_id = w.document_id AND l.number = w.number
"""
KEEP_MOVEMENTS = """
UPDATE bulk_lines AS l
   SET movement_id = w.movement_id
  FROM unnest($2::bigint[], $3::bigint[]) AS w (product_id, movement_id)
 WHERE l.document_id = $1 AND l.product_id = w.product_id
"""


KEEP_TRANSFERS = """
WITH w AS MATERIALIZED (
    SELECT $1::bigint AS document_id, u.*
      FROM unnest($2::int[], $3::bigint[]) AS u (number, transfer_id)
)
UPDATE bulk_lines AS l
   SET transfer_id = w.transfer_id
  FROM w
 WHERE l.document_id = w.document_id AND l.number = w.number
"""
TRANSFERS = """
SELECT DISTINCT transfer_id
  FROM bulk_lines
 WHERE document_id = $1 AND transfer_id IS NOT NULL
 ORDER BY transfer_id
"""


async def lines(db: Connection, document_id: int) -> list[Line]:
    """All lines, as they came."""
    return [
        Line(row["number"], row["row"], row["given"], tuple(Problem(*one) for one in row["wrong"]))
        for row in await db.fetch(LINES, document_id)
    ]


async def lines_page(db: Connection | Pool, document_id: int, after: int, limit: int) -> list[KeptLine]:
    """Lines in their order, after a number."""
    return [KeptLine(*row) for row in await db.fetch(LINES_PAGE, document_id, after, limit)]


async def keep_products(db: Connection, document_id: int, found: Sequence[tuple[int, int, int | None]]) -> None:
    """Number, product and pieces of each line that was understood."""
    columns = ([one[at] for one in found] for at in range(3))
    await db.execute(KEEP_PRODUCTS, document_id, *columns)


async def keep_movements(db: Connection, document_id: int, movements: Mapping[int, int]) -> None:
    """Product → the movement that came of its lines."""
    await db.execute(KEEP_MOVEMENTS, document_id, list(movements), list(movements.values()))


async def keep_transfers(db: Connection, document_id: int, transfers: Mapping[int, int]) -> None:
    """Number of a line → the transfer that asks for it."""
    await db.execute(KEEP_TRANSFERS, document_id, list(transfers), list(transfers.values()))


async def transfers_of(db: Connection, document_id: int) -> list[int]:
    """The transfers that came of a document, in order."""
    return [row["transfer_id"] for row in await db.fetch(TRANSFERS, document_id)]


FORGET_PROBLEMS = "DELETE FROM bulk_problems WHERE document_id = $1"
KEEP_PROBLEMS = """
INSERT INTO bulk_problems (document_id, number, row, column_name, value, code, detail)
SELECT $1, row_number() OVER (ORDER BY row NULLS FIRST, ord), row, column_name, value, code, detail
  FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[])
       WITH ORDINALITY AS p (row, column_name, value, code, detail, ord)
"""
PROBLEMS = """
SELECT number, row, column_name, value, code, detail
  FROM bulk_problems
 WHERE document_id = $1 AND number > $2::bigint
 ORDER BY number
 LIMIT $3
"""


async def keep_problems(db: Connection, document_id: int, problems: Sequence[Problem]) -> None:
    """All that is wrong, in the order of the rows, instead of what was found before."""
    await db.execute(FORGET_PROBLEMS, document_id)
    columns = ([problem[at] for problem in problems] for at in range(5))
    await db.execute(KEEP_PROBLEMS, document_id, *columns)


async def problems(db: Connection | Pool, document_id: int, after: int, limit: int) -> list[tuple[int, Problem]]:
    """What is wrong, with its number."""
    return [(row[0], Problem(*row[1:])) for row in map(tuple, await db.fetch(PROBLEMS, document_id, after, limit))]


async def all_problems(pool: Pool, document_id: int) -> AsyncIterator[Problem]:
    """Everything that is wrong, a thousand at a time."""
    after = 0
    while found := await problems(pool, document_id, after, 1_000):
        for _, problem in found:
            yield problem
        after = found[-1][0]
