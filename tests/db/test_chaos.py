"""A short storm; `bin/chaos` is the long one. And the proof itself notices when a book is wrong."""

import pytest

from autoshop.kit.db import Pool
from tests.cast import CENTRE, PLUG
from tests.chaos.client import Record
from tests.chaos.proof import findings
from tests.chaos.shop import CACHE
from tests.chaos.storm import Storm
from tests.conftest import Database, cluster_with_cast
from tests.ledger import post, request
from tests.reservations import HERE, reserve

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(CACHE is None, reason="neither Valkey nor Redis is installed")
async def test_a_storm_of_kills_loses_doubles_and_oversells_nothing() -> None:
    with cluster_with_cast() as durable:
        storm = Storm(durable, clients=16, seed=1, every_seconds=2)
        found = await storm.run(20)
    assert [one for one in found if not one.held] == []
    assert storm.record.repeated > 0, "nothing was cut off: the blows fell between the requests"
    assert storm.shop.blows.total() >= 2
    assert all(storm.record.done[name] for name in ("sale", "batch", "reversal", "shipment", "receipt", "fulfilment"))


async def test_the_proof_notices_what_is_lost_unheard_of_or_miscounted(pool: Pool, database: Database) -> None:
    [movement] = await post(pool, request("inbound", 5))
    held = await reserve(pool, (HERE, 2))
    honest = Record(movements={movement.id}, reservations={held.id})
    # Posted in the test itself, and so told by the event of each: nothing is wrong.
    assert [one for one in await findings(pool, honest) if not one.held] == []

    astray = Record(movements={movement.id + 1}, reservations=set(), wrong=["GET /: 500"])
    told = {one.what: one.counted for one in await findings(pool, astray) if not one.held}
    assert told["movements"].endswith("1 lost, 1 that nobody was told of")
    assert told["reservations"].endswith("0 lost, 1 that nobody was told of")
    assert "answers that should not have been" in told

    await pool.execute("DELETE FROM outbox")
    await pool.execute("UPDATE inventory SET reserved = 1 WHERE product_id = $1 AND store_id = $2", PLUG, CENTRE)
    told = {one.what: one.counted for one in await findings(pool, honest) if not one.held}
    assert set(told) == {
        "movements that no event tells of", "places where reserved is not the sum of live holds", "ledger check",
    }  # fmt: skip
