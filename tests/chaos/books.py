"""What the findings are found in: the database, what the clients were told, and what came to those who listen."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from autoshop.kit.db import Pool
from autoshop.kit.outbox import Event
from tests.chaos.hooks import Heard, Hook
from tests.chaos.listener import Listener
from tests.chaos.record import Record

MOST_TOLD = 1_000  # of what is wrong with one sentence
EVENTS = "SELECT xid::text AS xid, id, topic, payload, created_at FROM outbox ORDER BY outbox.xid, id"
# How what a worker carried out has ended, and of refusals which reasons were given.
STATES = """
SELECT state, count(*) AS count FROM {table} GROUP BY state
 UNION ALL
SELECT 'because of ' || code, count(DISTINCT {owner}) FROM {problems} GROUP BY code
"""
CARRIED_OUT = {
    "bulk documents": STATES.format(table="bulk_documents", problems="bulk_problems", owner="document_id"),
    "imports": STATES.format(table="import_runs", problems="import_problems", owner="run_id"),
}


@dataclass
class Books:
    """Read once; `events` is the whole outbox."""

    pool: Pool
    record: Record
    events: Sequence[Event]
    hooks: Sequence[Hook] = ()
    heard: Sequence[Heard] = ()
    listeners: Sequence[Listener] = field(default_factory=list)
    states: Mapping[str, Counter[str]] = field(default_factory=dict)  # of what a worker carried out

    @classmethod
    async def open(
        cls,
        pool: Pool,
        record: Record,
        hooks: Sequence[Hook] = (),
        heard: Iterable[Heard] = (),
        listeners: Sequence[Listener] = (),
    ) -> Self:
        """With the outbox as it is now."""
        events = [
            Event(int(row["xid"]), row["id"], row["topic"], row["payload"], row["created_at"])
            for row in await pool.fetch(EVENTS)
        ]
        states = {
            what: Counter({row["state"]: row["count"] for row in await pool.fetch(sql)})
            for what, sql in CARRIED_OUT.items()
        }
        return cls(pool, record, events, hooks, list(heard), listeners, states)

    async def rows(self, sql: str, *arguments: Any) -> list[str]:
        """What a statement finds, a line for each row: nothing, where all is well."""
        found = await self.pool.fetch(f"SELECT * FROM ({sql}) AS wrong LIMIT {MOST_TOLD}", *arguments)
        return [", ".join(f"{name} {value}" for name, value in row.items()) for row in found]

    async def ids(self, sql: str, *arguments: Any) -> set[int]:
        """One column of numbers."""
        return {row[0] for row in await self.pool.fetch(sql, *arguments)}


Check = Callable[[Books], Awaitable[list[str]]]
