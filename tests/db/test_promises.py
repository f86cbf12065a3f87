"""When many products can be had: the same as is said of each of them alone."""

from datetime import UTC, datetime

import pytest

from autoshop.inventory.availability import service
from autoshop.inventory.movements.model import UnknownStore
from autoshop.kit.db import Pool
from tests.cast import AIR_FILTER, BRAKE_PADS, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN, WIPER
from tests.ledger import assert_ledger_is_clean, post, request

pytestmark = pytest.mark.anyio

ALL = [PLUG, OIL_FILTER, AIR_FILTER, BRAKE_PADS, WIPER, BULB]


async def test_what_is_said_of_many_is_what_is_said_of_each(pool: Pool) -> None:
    await post(
        pool,
        request("inbound", 5, PLUG, CENTRE),
        request("inbound", 3, OIL_FILTER, NORTH),
        request("inbound", 2, AIR_FILTER, CENTRE),
        request("inbound", 2, AIR_FILTER, NORTH),
    )
    await post(pool, request("transfer", 2, AIR_FILTER, CENTRE, NORTH))
    now = datetime.now(UTC)
    async with pool.acquire() as db:
        alone = {product: await service.look_up(db, product, now) for product in ALL}
        for store_id in (CENTRE, NORTH):
            many = await service.look_up_many(db, ALL, store_id, now)
            for product in ALL:
                [here] = [one for one in alone[product] if one.store.id == store_id]
                assert many[product].availability == here.availability
                assert many[product].here == here.shelf.quantity - here.shelf.reserved
        anywhere = await service.look_up_many(db, ALL, None, now)
        for product in ALL:
            promised = [one.availability for one in alone[product] if one.availability.eta_at is not None]
            best = min(promised, key=lambda one: (one.status != "on_hand", one.eta_at), default=None)
            found = anywhere[product].availability
            assert (found.status, found.eta_at) == ((best.status, best.eta_at) if best else ("unavailable", None))
        with pytest.raises(UnknownStore):
            await service.look_up_many(db, ALL, UNKNOWN, now)
        assert await service.look_up_many(db, [], None, now) == {}
    await assert_ledger_is_clean(pool)
