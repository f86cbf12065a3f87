"""SQL of import runs, their problems, and uploaded files."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import asyncpg
import msgspec

from autoshop.catalog.imports.model import Options, Problem, Run, TurnLost, What
from autoshop.kit.db import Connection, Pool

ADD_FILE = "INSERT INTO import_files (name, actor) VALUES ($1, $2) RETURNING id"
ADD_CHUNK = "INSERT INTO import_chunks (file_id, number, chunk) VALUES ($1, $2, $3)"
CLOSE_FILE = "UPDATE import_files SET size_bytes = $2 WHERE id = $1"
DROP_FILE = "DELETE FROM import_files WHERE id = $1"
DROP_FILE_WITHOUT_RUN = """
DELETE FROM import_files AS f
 WHERE f.id = $1 AND NOT EXISTS (SELECT FROM import_runs AS r WHERE r.file_id = f.id)
"""
CHUNK = "SELECT chunk FROM import_chunks WHERE file_id = $1 AND number = $2"


async def add_file(db: Connection | Pool, name: str, actor: str) -> int:
    """A new, empty file."""
    return await db.fetchval(ADD_FILE, name, actor)  # type: ignore[no-any-return]


async def add_chunk(db: Connection | Pool, file_id: int, number: int, chunk: bytes) -> None:
    await db.execute(ADD_CHUNK, file_id, number, chunk)


async def close_file(db: Connection | Pool, file_id: int, size_bytes: int) -> None:
    await db.execute(CLOSE_FILE, file_id, size_bytes)


async def drop_file(db: Connection | Pool, file_id: int) -> None:
    await db.execute(DROP_FILE, file_id)


async def drop_file_without_run(db: Connection | Pool, file_id: int) -> None:
    await db.execute(DROP_FILE_WITHOUT_RUN, file_id)


async def chunks(db: Connection | Pool, file_id: int) -> AsyncIterator[bytes]:
    """The file, piece by piece."""
    number = 0
    while (chunk := await db.fetchval(CHUNK, file_id, number)) is not None:
        yield chunk
        number += 1


COLUMNS = """id, what, file_id, file_name, options, actor, scopes, store_ids, state, phase, rows_done, rows_total,
       attempt, counts, created_at, updated_at, finished_at"""


def _run(row: asyncpg.Record) -> Run:
    values: dict[str, Any] = dict(row)
    values["options"] = msgspec.convert(values["options"], Options)
    values["scopes"] = frozenset(values["scopes"])
    values["store_ids"] = None if values["store_ids"] is None else frozenset(values["store_ids"])
    return Run(**values)


ADD_RUN = f"""
INSERT INTO import_runs (what, file_id, file_name, options, actor, scopes, store_ids)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING {COLUMNS}
"""


async def add_run(
    db: Connection,
    what: What,
    file_id: int | None,
    file_name: str,
    options: Options,
    actor: str,
    scopes: frozenset[str],
    store_ids: frozenset[int] | None,
) -> Run:
    """A run that waits for somebody to carry it out."""
    stores = None if store_ids is None else sorted(store_ids)
    row = await db.fetchrow(ADD_RUN, what, file_id, file_name, asdict(options), actor, sorted(scopes), stores)
    assert row is not None
    return _run(row)


FIND_RUN = f"SELECT {COLUMNS} FROM import_runs WHERE id = $1"


async def find_run(db: Connection | Pool, run_id: int) -> Run | None:
    row = await db.fetchrow(FIND_RUN, run_id)
    return _run(row) if row else None


LIST_RUNS = f"""
SELECT {COLUMNS}
  FROM import_runs
 WHERE $1::bigint IS NULL OR id < $1
 ORDER BY id DESC
 LIMIT $2
"""


async def list_runs(db: Connection | Pool, before_id: int | None, limit: int) -> list[Run]:
    """Newest first."""
    return [_run(row) for row in await db.fetch(LIST_RUNS, before_id, limit)]


CLAIM = f"""
UPDATE import_runs
   SET state = 'checking', phase = 'reading', rows_done = 0, attempt = attempt + 1, updated_at = clock_timestamp()
 WHERE id = $1 AND finished_at IS NULL
RETURNING {COLUMNS}
"""


async def claim(db: Connection | Pool, run_id: int) -> Run | None:
    """Begin, or begin again where somebody died over it; None where it has ended."""
    row = await db.fetchrow(CLAIM, run_id)
    return _run(row) if row else None


TELL = """
UPDATE import_runs
   SET state = $2, phase = $3, rows_done = $4, rows_total = $5, updated_at = clock_timestamp()
 WHERE id = $1 AND finished_at IS NULL
"""


async def tell(db: Connection | Pool, run_id: int, state: str, phase: str, rows_done: int, rows_total: int) -> None:
    """How far it is, for whoever looks."""
    await db.execute(TELL, run_id, state, phase, rows_done, rows_total)


SAVE_COUNTS = "UPDATE import_runs SET counts = $3 WHERE id = $1 AND attempt = $2 AND finished_at IS NULL"


async def save_counts(db: Connection, run: Run, counts: dict[str, Any]) -> None:
    """What was written so far, in the transaction that wrote it: whoever goes on counts on from there.

    Raises TurnLost where somebody goes on already.
    """
    if await db.execute(SAVE_COUNTS, run.id, run.attempt, counts) != "UPDATE 1":
        raise TurnLost(f"Import {run.id} was taken up by somebody else")


# The rows come from the temporary table of the same connection.
KEEP_PROBLEMS = """
INSERT INTO import_problems (run_id, number, row, kind, column_name, value, code, detail, is_cost)
SELECT $1, row_number() OVER (ORDER BY kind <> 'error', row NULLS FIRST, column_name, code, value),
       row, kind, column_name, value, code, detail, is_cost
  FROM staged_problems
"""
KEEP_PROBLEM = """
INSERT INTO import_problems (run_id, number, row, kind, column_name, value, code, detail, is_cost)
VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT DO NOTHING
"""
FINISH = f"""
UPDATE import_runs
   SET state = $2, phase = 'finished', counts = $3, rows_done = $4, rows_total = $4, updated_at = clock_timestamp(),
       finished_at = clock_timestamp()
 WHERE id = $1 AND finished_at IS NULL
RETURNING {COLUMNS}
"""


async def keep_problems(db: Connection, run_id: int) -> None:
    """Keep all that was found wrong with the rows: errors first, in the order of the file."""
    await db.execute(KEEP_PROBLEMS, run_id)


async def keep_problem(db: Connection, run_id: int, problem: Problem) -> None:
    """Keep the one reason for which there are no rows."""
    await db.execute(KEEP_PROBLEM, run_id, *problem)


async def finish(db: Connection, run: Run, state: str, counts: dict[str, Any]) -> Run | None:
    """The end of a run, in the transaction of what it did; its file goes. None where somebody else ended it."""
    row = await db.fetchrow(FINISH, run.id, state, counts, counts["rows"])
    if row is not None and run.file_id is not None:
        await drop_file(db, run.file_id)
    return _run(row) if row else None


PROBLEMS = """
SELECT number, row, kind, column_name, value, code, detail, is_cost
  FROM import_problems
 WHERE run_id = $1 AND number > $2 AND ($3::text IS NULL OR kind = $3)
 ORDER BY number
 LIMIT $4
"""


async def problems(
    db: Connection | Pool, run_id: int, after: int, kind: str | None, limit: int
) -> list[tuple[int, Problem]]:
    """What was found, with its number: errors first."""
    rows = await db.fetch(PROBLEMS, run_id, after, kind, limit)
    return [(row["number"], Problem(*tuple(row)[1:])) for row in rows]


SILENT = """
SELECT id, what
  FROM import_runs
 WHERE finished_at IS NULL AND file_id IS NOT NULL AND updated_at < now() - interval '1 minute'
 ORDER BY id
 LIMIT 100
"""


async def silent_runs(db: Connection) -> list[tuple[int, What]]:
    """Runs (id, what it brings in) that have a file and nobody who works on it."""
    return [(row["id"], row["what"]) for row in await db.fetch(SILENT)]


# A command that was killed does not come back; its run is over.
FORGET = """
WITH runs AS (
    DELETE FROM import_runs WHERE finished_at < now() - interval '90 days'
), ended AS (
    UPDATE import_runs
       SET state = 'failed', phase = 'finished', finished_at = now()
     WHERE finished_at IS NULL AND file_id IS NULL AND updated_at < now() - interval '1 hour'
)
DELETE FROM import_files AS f
 WHERE created_at < now() - interval '1 day'
   AND NOT EXISTS (SELECT FROM import_runs AS r WHERE r.file_id = f.id AND r.finished_at IS NULL)
"""


async def forget(db: Connection | Pool) -> None:
    """Remove old runs, and files that never became one."""
    await db.execute(FORGET)
