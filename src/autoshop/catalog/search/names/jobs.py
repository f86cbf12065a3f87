"""What the worker does all the time: index the names of products that have changed."""

import asyncio
from contextlib import suppress

from autoshop.catalog.search.names import service, store
from autoshop.kit.db import BUSY, Pool, transaction
from autoshop.kit.log import log

LOOK_SECONDS = 0.5


async def run(pool: Pool, stopping: asyncio.Event) -> None:
    """Look twice a second; while there is something to do, step by step, each step a short transaction."""
    while not stopping.is_set():
        if not await step(pool):
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)


async def step(pool: Pool) -> bool:
    """One step; whether there may be more to do. Somebody in the way is no mishap: the next look does it."""
    if not await store.is_behind(pool):
        return False
    try:
        async with transaction(pool) as db:
            return await service.index_some(db)
    except BUSY as error:
        log.warning("names are indexed later", why=repr(error))
        return False


async def index_all(pool: Pool) -> int:
    """Look at every product; how many there are. What has its document already is not written again."""
    async with transaction(pool, unhurried=True) as db:
        products = await store.mark_all(db)
    while await store.is_behind(pool):
        if not await step(pool):  # a worker is at it
            await asyncio.sleep(LOOK_SECONDS)
    return products


async def catch_up(pool: Pool) -> int:
    """Index all that has changed; how many steps it took."""
    steps = 0
    while await step(pool):
        steps += 1
    return steps
