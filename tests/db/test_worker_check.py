"""`autoshop worker --check`: a worker that lives must also take the jobs that are due."""

import pytest

from autoshop.kit import housekeeping
from autoshop.kit.db import Pool

pytestmark = pytest.mark.anyio


async def job(pool: Pool, kind: str, due: str, status: str = "queued", heartbeat: str = "0 minutes") -> None:
    """A job that became due some time ago."""
    await pool.execute(
        "INSERT INTO pgqueuer (priority, entrypoint, status, execute_after, heartbeat)"
        " VALUES (0, $1, $2::text::pgqueuer_status, now() - $3::text::interval, now() - $4::text::interval)",
        kind,
        status,
        due,
        heartbeat,
    )


async def test_without_a_sign_of_life_it_fails(pool: Pool) -> None:
    assert "No worker has said within 60 seconds" in str(await housekeeping.idle(pool))
    await pool.execute("INSERT INTO worker_heartbeats (worker, at) VALUES ('old', now() - interval '61 seconds')")
    assert "No worker has said within 60 seconds" in str(await housekeeping.idle(pool))


async def test_a_worker_that_takes_no_jobs_fails(pool: Pool) -> None:
    await housekeeping.beat(pool, "w")
    await job(pool, "import_catalog", "6 minutes")
    await job(pool, "import_catalog", "7 minutes")
    why = str(await housekeeping.idle(pool))
    assert "takes no jobs: 2 (import_catalog) are due for more than 5 minutes, the oldest since 2" in why


async def test_a_worker_with_little_to_do_is_well(pool: Pool) -> None:
    await housekeeping.beat(pool, "w")
    assert await housekeeping.idle(pool) is None
    await job(pool, "import_catalog", "4 minutes")
    await job(pool, "import_catalog", "-1 hour")  # for later
    await job(pool, "import_catalog", "1 hour", status="failed")
    assert await housekeeping.idle(pool) is None


async def test_an_import_that_waits_for_the_one_under_way_is_not_late(pool: Pool) -> None:
    await housekeeping.beat(pool, "w")
    await job(pool, "import_catalog", "20 minutes")
    await job(pool, "import_catalog", "30 minutes", status="picked")
    assert await housekeeping.idle(pool) is None
    await job(pool, "something_else", "6 minutes")
    assert "1 (something_else)" in str(await housekeeping.idle(pool))


async def test_a_job_that_died_in_somebodys_hands_holds_nobody_up(pool: Pool) -> None:
    await housekeeping.beat(pool, "w")
    await job(pool, "import_catalog", "20 minutes")
    await job(pool, "import_catalog", "30 minutes", status="picked", heartbeat="10 minutes")
    assert "1 (import_catalog)" in str(await housekeeping.idle(pool))
