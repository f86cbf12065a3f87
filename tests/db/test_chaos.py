"""A short storm; `bin/chaos` is the long one."""

import pytest

from tests.chaos.shop import CACHE
from tests.chaos.storm import Storm
from tests.conftest import cluster_with_cast

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(CACHE is None, reason="neither Valkey nor Redis is installed")
async def test_a_storm_of_kills_loses_doubles_and_oversells_nothing() -> None:
    with cluster_with_cast() as durable:
        storm = Storm(durable, clients=16, seed=1, every_seconds=2, drain_seconds=90, hurry=True)
        found = await storm.run(12)
    assert [one for one in found if not one.held] == []
    assert storm.record.repeated > 0, "nothing was cut off: the blows fell between the requests"
    assert storm.shop.blows.total() >= 2
    assert all(storm.record.done[kind] for kind in ("sale", "inbound", "hold", "transfer request", "bulk document"))
    assert storm.books is not None
    assert storm.books.heard, "no webhook came"
    assert all(listener.connections > 1 for listener in storm.listeners), "nobody was cut off"
