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
# A job that waits for one of its kind that is being done is not left lying: imports come one at a time.
LEFT_LYING = """
SELECT count(*) AS jobs, min(q.execute_after) AS due_since,
       string_agg(DISTINCT q.entrypoint, ', ' ORDER BY q.entrypoint) AS kinds
  FROM pgqueuer AS q
 WHERE q.status = 'queued' AND q.execute_after < now() - make_interval(mins => $1)
   AND NOT EXISTS (SELECT FROM pgqueuer AS p
                    WHERE p.status = 'picked' AND p.entrypoint = q.entrypoint
                      AND p.heartbeat > now() - make_interval(mins => $1))
"""


async def tidy(pool: Pool, settings: Settings) -> None:
    """Remove what is older than the settings say."""
    async with pool.acquire() as db:
        await idempotency.forget(db, settings.idempotency_days)
        await db.execute(FORGET_EVENTS, settings.outbox_days)
        await db.execute(FORGET_BEATS)


async def beat(pool: Pool, worker: str) -> None:
    """Say that a worker lives."""
    await pool.execute(BEAT, worker)


async def idle(pool: Pool, silent_seconds: float = 60, late_minutes: int = 5) -> str | None:
    """Why nobody does the jobs, in a sentence; None while somebody does."""
    if not await pool.fetchval(BEATS, silent_seconds):
        return f"No worker has said within {silent_seconds:.0f} seconds that it lives."
    lying = await pool.fetchrow(LEFT_LYING, late_minutes)
    assert lying is not None
    if lying["jobs"]:
        return (
            f"A worker lives, but takes no jobs: {lying['jobs']} ({lying['kinds']}) are due for more than "
            f"{late_minutes} minutes, the oldest since {lying['due_since']:%Y-%m-%d %H:%M} UTC."
        )
    return None
