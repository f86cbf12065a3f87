"""What grows must be cut: idempotency keys, events, heartbeats."""

from autoshop.kit import idempotency
from autoshop.kit.db import Pool
from autoshop.kit.settings import Settings

FORGET_EVENTS = "DELETE FROM outbox WHERE created_at < now() - make_interval(days => $1)"
BEAT = """
INSERT INTO worker_heartbeats (worker)
VALUES ($1)
    ON CONFLICT (worker) DO UPDATE
   SET at = now()
"""
FORGET_BEATS = "DELETE FROM worker_heartbeats WHERE at < now() - interval '1 day'"
BEATS = "SELECT EXISTS (SELECT FROM worker_heartbeats WHERE at > now() - make_interval(secs => $1))"


async def tidy(pool: Pool, settings: Settings) -> None:
    """Remove what is older than the settings say."""
    async with pool.acquire() as db:
        await idempotency.forget(db, settings.idempotency_days)
        await db.execute(FORGET_EVENTS, settings.outbox_days)
        await db.execute(FORGET_BEATS)


async def beat(pool: Pool, worker: str) -> None:
    """Say that a worker lives."""
    await pool.execute(BEAT, worker)


async def beats(pool: Pool, within_seconds: float = 60) -> bool:
    """Whether any worker said lately that it lives."""
    return bool(await pool.fetchval(BEATS, within_seconds))
