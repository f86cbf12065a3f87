"""After the storm: what was begun is brought to its end by the worker, within bounds."""

import asyncio
import time
from dataclasses import dataclass

from autoshop.kit import outbox
from autoshop.kit.db import Pool
from autoshop.kit.outbox import read_position

# What is on its way, by what it is. A schedule of the worker is no job.
UNFINISHED = """
SELECT 'webhook messages that wait' AS what, count(*) AS left FROM webhook_deliveries WHERE status <> 'delivered'
 UNION ALL
SELECT 'bulk documents', count(*) FROM bulk_documents WHERE finished_at IS NULL
 UNION ALL
SELECT 'imports', count(*) FROM import_runs WHERE finished_at IS NULL
 UNION ALL
SELECT 'jobs', count(*) FROM pgqueuer
 UNION ALL
SELECT 'keys that were taken and have no answer', count(*)
  FROM idempotency_keys WHERE status IS NULL AND movement_id IS NULL
"""
# Time that passes: leases and jobs of workers that were killed, and what is to be tried again later.
LEASES_END = "UPDATE webhooks SET leased_until = now()"
JOBS_ARE_FREE = "UPDATE pgqueuer SET heartbeat = now() - interval '1 hour' WHERE status = 'picked'"
NOBODY_IS_QUIET = "UPDATE webhooks SET quiet_until = now() WHERE quiet_until > now()"
ALL_IS_DUE = "UPDATE webhook_deliveries SET next_at = now() WHERE status = 'waiting' AND next_at > now()"


@dataclass
class Drain:
    """`seconds` at most. `hurry`: nobody waits for the time of leases and repetitions to pass, it is made to."""

    seconds: float
    hurry: bool
    took_seconds: float = 0.0

    async def run(self, pool: Pool) -> None:
        """Until nothing is left to do, or the time is over: then the findings say what is left."""
        began = time.monotonic()
        if self.hurry:
            await pool.execute(LEASES_END)
            await pool.execute(JOBS_ARE_FREE)
        calm = 0
        while calm < 2 and time.monotonic() - began < self.seconds:  # twice: the relay may be about to make more
            if self.hurry:
                await pool.execute(NOBODY_IS_QUIET)
                await pool.execute(ALL_IS_DUE)
            left = await unfinished(pool)
            calm = 0 if left else calm + 1
            await asyncio.sleep(0.5)
        self.took_seconds = time.monotonic() - began


async def unfinished(pool: Pool) -> dict[str, int]:
    """What is left to do, by what it is."""
    left = {row["what"]: row["left"] for row in await pool.fetch(UNFINISHED) if row["left"]}
    relayed = read_position(await pool.fetchval("SELECT position FROM webhook_relay"))
    waiting = await pool.fetchval("SELECT EXISTS (SELECT FROM webhooks)")
    events = (await outbox.since(pool, relayed, 1000)).events if waiting else []
    return left | ({"events that nobody has relayed": len(events)} if events else {})
