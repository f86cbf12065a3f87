"""What a caller is told when the rows he wants stay locked, and that his repeat is done once."""

from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest

from autoshop.kit.db import Pool
from tests.cast import CENTRE, PLUG
from tests.conftest import Database, client_for, running_app
from tests.ledger import assert_ledger_is_clean, movements, pieces, post, request

pytestmark = pytest.mark.anyio

INVENTORY = "/api/v1/inventory"
SALE = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 1}
KEY = {"Idempotency-Key": "till 1"}


@pytest.fixture
async def impatient(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that waits for a lock for no longer than half a second."""
    async with running_app(database.settings(lock_timeout_ms=500)) as app, client_for(app) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body"),
    [("movement", SALE), ("movements", {"lines": [SALE, SALE]})],
    ids=["one", "batch"],
)
async def test_a_row_that_stays_locked_is_503_and_the_repeat_is_done_once(
    impatient: httpx.AsyncClient, pool: Pool, database: Database, path: str, body: dict[str, object]
) -> None:
    await post(pool, request("inbound", 5))
    with psycopg.connect(database.url) as stranger:
        stranger.execute("SELECT 1 FROM inventory WHERE product_id = %s FOR UPDATE", (PLUG,))
        refused = await impatient.post(f"{INVENTORY}/{path}", json=body, headers=KEY)
        stranger.rollback()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["title"] == "Try again in a moment"
    assert (await pieces(pool), await movements(pool)) == (5, 1)
    first, second = [await impatient.post(f"{INVENTORY}/{path}", json=body, headers=KEY) for _ in range(2)]
    assert (first.status_code, first.json()) == (200, second.json())
    assert await pieces(pool) == 5 - len(body.get("lines", [SALE]))  # type: ignore[arg-type]
    await assert_ledger_is_clean(pool)


async def test_a_key_that_is_being_used_is_503(impatient: httpx.AsyncClient, pool: Pool, database: Database) -> None:
    await post(pool, request("inbound", 5))
    with psycopg.connect(database.url) as stranger:
        taken = "INSERT INTO idempotency_keys (caller, key, fingerprint) VALUES ('trust:manager', 'till 1', '')"
        stranger.execute(taken)
        refused = await impatient.post(f"{INVENTORY}/movement", json=SALE, headers=KEY)
        stranger.rollback()
    assert refused.status_code == 503
    assert (await impatient.post(f"{INVENTORY}/movement", json=SALE, headers=KEY)).status_code == 200
