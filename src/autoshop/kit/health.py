"""Is it ready, and what do the meters say?"""

import asyncio
from functools import cache
from pathlib import Path

import asyncpg

from autoshop.kit import metrics as meters
from autoshop.kit.db import Pool, is_gone

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"
REVISION = "SELECT version_num FROM alembic_version"
GAUGES = """
SELECT (SELECT count(*) FROM pgqueuer WHERE status = 'queued') AS jobs_waiting,
       (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'outbox'::regclass) AS outbox_rows,
       (SELECT extract(epoch FROM checked_at) FROM ledger_checks ORDER BY checked_at DESC LIMIT 1) AS checked_at,
       (SELECT differences FROM ledger_checks ORDER BY checked_at DESC LIMIT 1) AS differences,
       (SELECT coalesce(sum(delivered), 0) FROM webhooks) AS webhooks_delivered,
       (SELECT coalesce(sum(failed), 0) FROM webhooks) AS webhooks_failed,
       (SELECT count(*) FROM webhook_deliveries WHERE status = 'waiting') AS webhooks_waiting,
       (SELECT count(*) FROM webhook_deliveries WHERE status = 'dead') AS webhooks_dead
"""


async def not_ready(pool: Pool) -> list[str]:
    """What keeps this process from serving, in words; empty when nothing does."""
    try:
        async with asyncio.timeout(2):
            reached = await pool.fetchval(REVISION)
    except asyncpg.UndefinedTableError:
        return ["the database has no tables yet: run `autoshop migrate`"]
    except Exception as error:
        if not is_gone(error):
            raise
        return [f"the database does not answer ({type(error).__name__})"]
    if reached != newest_migration():
        return [f"the database is at migration {reached}, the code needs {newest_migration()}: run `autoshop migrate`"]
    return []


@cache
def newest_migration() -> str:
    """The revision that the code needs: the number of the last file. (Alembic knows it too, and takes 26 MiB.)"""
    return max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


async def metrics(pool: Pool) -> bytes:
    """This process's meters, and those that are read from the database at this moment."""
    meters.POOL_BUSY.set(pool.get_size() - pool.get_idle_size())
    row = await pool.fetchrow(GAUGES)
    assert row is not None
    meters.JOBS_WAITING.set(row["jobs_waiting"])
    meters.OUTBOX_LAG.set(row["outbox_rows"])
    for state in ("delivered", "failed", "waiting", "dead"):
        meters.WEBHOOKS.labels(state).set(row[f"webhooks_{state}"])
    if row["checked_at"] is not None:
        meters.LEDGER_CHECKED.set(row["checked_at"])
        meters.LEDGER_DIFFERENCES.set(row["differences"])
    return await asyncio.to_thread(meters.render)
