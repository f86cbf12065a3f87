"""The outbox, read as it grows: each event once it is committed, whatever the order of ids and commits.

A position says which transactions have been told. A snapshot of PostgreSQL is one: which transactions had ended. What
is new since then are the rows that are visible now and were not in that snapshot. So a transaction that commits late is
not passed over, and one that stays open holds up nobody else's events, which a cursor below `pg_snapshot_xmin` would.

What is new is told in the order of (xid, id). After each event there is a position too, made of those of before and of
now: whoever stops in the middle goes on right there.

A position that leaves the database goes no further than the last event. A snapshot may: it counts transactions that
were rolled back, and of those a crash may leave no trace; then their numbers are given out again, and what is told
under such a number would be taken for known. An event that is seen is on the disk, so its number is, and all below it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from autoshop.kit.db import Connection, Pool

MOST_RUNNING = 2_000  # more sessions than any PostgreSQL of ours has


@dataclass(frozen=True, slots=True)
class Position:
    """What has been told: transactions below `xmax`, but not those in `running`; of the latter, some up to an id.

    As text `xmax:running:parts`; the transactions are written as distances below xmax, so that it stays short.
    """

    xmax: int
    running: frozenset[int] = frozenset()
    parts: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        running = ",".join(str(self.xmax - xid) for xid in sorted(self.running))
        parts = ",".join(f"{self.xmax - xid}.{event_id}" for xid, event_id in self.parts)
        return f"{self.xmax}:{running}:{parts}"

    def saw(self, xid: int) -> bool:
        """Whether all of a transaction has been told."""
        return xid < self.xmax and xid not in self.running

    def has(self, event: "Event") -> bool:
        """Whether an event has been told."""
        return self.saw(event.xid) or event.id <= dict(self.parts).get(event.xid, 0)

    def passed(self, seen: "Position", event: "Event", *, is_last: bool) -> "Position":
        """Where one stands who went on from here through what `seen` shows, and told this event and all before it.

        `is_last`: of its transaction. `seen` is a snapshot from after this position.
        """
        xid = event.xid
        running = {one for one in self.running if one > xid or not seen.saw(one)}
        running |= {one for one in seen.running if self.xmax <= one < xid}
        parts = {one: told for one, told in self.parts if one in running}
        if not is_last:
            running.add(xid)
            parts[xid] = event.id
        return Position(max(self.xmax, xid + 1), frozenset(running), tuple(sorted(parts.items())))

    def through(self, seen: "Position", last_xid: int = 0) -> "Position":
        """Where one stands who went on from here through all that `seen` shows, up to the transaction it shows last."""
        xmax = max(self.xmax, last_xid + 1)
        running = frozenset(one for one in self.running | seen.running if one < xmax and not seen.saw(one))
        return Position(xmax, running, tuple(part for part in self.parts if part[0] in running))


_POSITION = re.compile(
    r"(\d{1,19}):((?:\d{1,19}(?:,\d{1,19})*)?):((?:\d{1,19}\.\d{1,19}(?:,\d{1,19}\.\d{1,19})*)?)", re.A
)


def read_position(text: str) -> Position:
    """The position that was written so. Raises ValueError for any other text."""
    found = _POSITION.fullmatch(text)
    if found is None:
        raise ValueError("no position")
    xmax = int(found[1])
    running = frozenset(xmax - int(one) for one in found[2].split(",") if one)
    pairs = (pair.split(".") for pair in found[3].split(",") if pair)
    parts = tuple((xmax - int(below), int(event_id)) for below, event_id in pairs)
    told = {xid for xid, _ in parts}
    if not 0 < xmax < 2**63 or len(running) > MOST_RUNNING or not told <= running or len(told) < len(parts):
        raise ValueError("no position")
    if any(not 0 < xid < xmax for xid in running) or any(event_id >= 2**63 for _, event_id in parts):
        raise ValueError("no position")
    return Position(xmax, running, parts)


def _of_snapshot(text: str) -> Position:
    """`xmin:xmax:xip`, as pg_snapshot writes it."""
    _, xmax, running = text.split(":")
    return Position(int(xmax), frozenset(map(int, running.split(","))) if running else frozenset())


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the outbox. `xid` is the transaction that wrote it.

    Whom it concerns is found by one rule, whatever the topic: `product_id`, `product_ids` and `store_id`, `store_ids`,
    `from_store_id`, `to_store_id`, in the payload itself and in each of its `lines`. One without any of them concerns
    every product, or every store.
    """

    xid: int
    id: int
    topic: str
    payload: dict[str, Any]
    created_at: datetime

    @property
    def product_ids(self) -> frozenset[int] | None:
        """The products that it is about; None: any."""
        return self._named("product_id", "product_ids")

    @property
    def store_ids(self) -> frozenset[int] | None:
        """The stores that it is about; None: any."""
        return self._named("store_id", "store_ids", "from_store_id", "to_store_id")

    def _named(self, *names: str) -> frozenset[int] | None:
        lines = self.payload.get("lines")
        places = [self.payload, *(lines if isinstance(lines, list) else ())]
        values = [place.get(name) for place in places if isinstance(place, dict) for name in names]
        found = [one for value in values for one in (value if isinstance(value, list) else [value])]
        return frozenset(one for one in found if isinstance(one, int)) or None


@dataclass(frozen=True, slots=True)
class Batch:
    """What is new between two positions, in the order of (xid, id); `cut`: there is more than was asked for."""

    since: Position
    seen: Position
    events: Sequence[Event]
    cut: bool

    @property
    def until(self) -> Position:
        """Where one stands who has told all of it."""
        return self._after(self.since, self.events[-1]) if self.events else self.since.through(self.seen)

    def marked(self, since: Position | None = None) -> Iterator[tuple[Event, Position]]:
        """Each event with the position after it; from another `since`, within the batch, those that are new to it."""
        if since is None or since == self.since:
            since, new = self.since, self.events
        else:
            new = [event for event in self.events if not since.has(event)]
        for event, after in zip_longest(new, new[1:]):
            if after is None:
                yield event, self._after(since, event)
            else:
                yield event, since.passed(self.seen, event, is_last=after.xid != event.xid)

    def _after(self, since: Position, last: Event) -> Position:
        return since.passed(self.seen, last, is_last=False) if self.cut else since.through(self.seen, last.xid)


@dataclass(frozen=True, slots=True)
class End:
    """Where the outbox ends, after its last event; and `xmax`, below which all transactions had begun by then."""

    place: Position
    xmax: int


# The snapshot is that of the statement itself, so nothing lies between it and the rows.
NOW = "SELECT pg_current_snapshot()::text"
END = """
SELECT pg_current_snapshot()::text AS seen,
       (SELECT xid
          FROM outbox
         WHERE xid < pg_snapshot_xmax(pg_current_snapshot())
         ORDER BY xid DESC
         LIMIT 1) AS last_xid
"""
# What is not in a snapshot: the transactions that ran, and those from its xmax on. Rows of a transaction that is yet to
# come were brought here from another cluster, by a dump: nobody waits for them.
SINCE = """
SELECT pg_current_snapshot()::text AS seen, e.xid, e.id, e.topic, e.payload, e.created_at
  FROM (VALUES (1)) AS one
  LEFT JOIN ((SELECT xid, id, topic, payload, created_at
                FROM outbox
               WHERE xid = ANY ($2::text[]::xid8[])
                 AND NOT EXISTS (SELECT
                                   FROM unnest($3::text[]::xid8[], $4::bigint[]) AS part (xid, id)
                                  WHERE part.xid = outbox.xid AND outbox.id <= part.id)
                 AND ($6::text IS NULL OR topic = $6)
               ORDER BY xid, id
               LIMIT $5)
              UNION ALL
             (SELECT xid, id, topic, payload, created_at
                FROM outbox
               WHERE xid >= $1::text::xid8 AND xid < pg_snapshot_xmax(pg_current_snapshot())
                 AND ($6::text IS NULL OR topic = $6)
               ORDER BY xid, id
               LIMIT $5)) AS e ON true
 ORDER BY e.xid, e.id
 LIMIT $5
"""


async def position(db: Connection | Pool) -> Position:
    """What is visible at this moment: for whoever writes it down in a transaction, which puts it on the disk."""
    return _of_snapshot(await db.fetchval(NOW))


async def end(db: Connection | Pool) -> End:
    """Where the outbox ends at this moment: for whoever keeps it elsewhere."""
    row = await db.fetchrow(END)
    assert row is not None
    seen = _of_snapshot(row["seen"])
    return End(Position(1).through(seen, int(row["last_xid"] or 0)), seen.xmax)


async def since(db: Connection | Pool, known: Position, limit: int, topic: str | None = None) -> Batch:
    """What is new since a position: so many events at most, of all topics or of one."""
    rows = await db.fetch(
        SINCE,
        str(known.xmax),
        [str(xid) for xid in known.running],
        [str(xid) for xid, _ in known.parts],
        [event_id for _, event_id in known.parts],
        limit + 1,
        topic,
    )
    events = [_event(row) for row in rows[:limit] if row["xid"] is not None]
    return Batch(known, _of_snapshot(rows[0]["seen"]), events, cut=len(rows) > limit)


def _event(row: Any) -> Event:
    return Event(int(row["xid"]), row["id"], row["topic"], row["payload"], row["created_at"])
