"""Jobs: enqueued in the transaction that wants them, run by the worker, maybe twice."""

from typing import Any

import msgspec
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from autoshop.kit.db import Connection


async def defer(db: Connection, name: str, payload: Any, *, once_as: str | None = None) -> None:
    """Have a job run once this transaction is committed. `once_as`: not while a job of that name waits or runs."""
    queue = Queries(AsyncpgDriver(db))  # type: ignore[arg-type]
    await queue.enqueue(name, msgspec.json.encode(payload), dedupe_key=once_as, on_conflict="skip")
