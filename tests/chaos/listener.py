"""Somebody who listens to live stock through it all: cut off again and again, he comes back with his last event id."""

import asyncio
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from autoshop.kit.outbox import Event, Position, read_position
from tests.chaos.client import BROKEN
from tests.live import EVENTS

PREFIX = "inventory."
SILENCE_SECONDS = 25  # the shop says every quarter of a minute that it is there


@dataclass(frozen=True)
class Step:
    """What came with one id: an event, or none where only the id went on."""

    place: Position
    name: str | None
    payload: dict[str, Any] | None


@dataclass
class Listener:
    """An EventSource: what was cut off in the middle of an event he has not heard."""

    urls: Sequence[str]
    seed: str
    start: Position | None = None
    steps: list[Step] = field(default_factory=list)
    connections: int = 0
    _last_id: str = ""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    @property
    def place(self) -> Position | None:
        return self.steps[-1].place if self.steps else self.start

    async def listen(self) -> None:
        """Until cancelled. He also goes away by himself every few seconds, and comes back to whichever server."""
        async with httpx.AsyncClient(timeout=httpx.Timeout(5, read=SILENCE_SECONDS)) as http:
            while True:
                try:
                    async with asyncio.timeout(self._dice.uniform(2, 20)):
                        await self._hear(http)
                except (*BROKEN, TimeoutError):
                    pass
                await asyncio.sleep(self._dice.uniform(0, 0.3))

    async def _hear(self, http: httpx.AsyncClient) -> None:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        async with http.stream("GET", self._dice.choice(self.urls) + EVENTS, headers=headers) as answer:
            if answer.status_code != 200:
                return
            self.connections += 1
            block: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if line:
                    block[name] = value
                else:
                    self._take(block)
                    block = {}

    def _take(self, block: Mapping[str, str]) -> None:
        payload = json.loads(block["data"]) if "data" in block else None
        self._last_id = block.get("id", self._last_id)
        place = read_position(self._last_id.partition("~")[2])
        if self.start is None and payload is None:
            self.start = place
        else:
            self.steps.append(Step(place, block.get("event"), payload))


def what_was_misheard(start: Position, steps: Iterable[Step], events: Iterable[Event]) -> tuple[list[str], set[int]]:
    """Where what was told is not exactly what lies between two ids; and the numbers of the events that were told.

    The promise: each event once, those of a transaction in the order of their numbers, and an id after each such that
    nothing is missed or heard twice by whoever comes back with it, to whichever process, whatever was killed meanwhile.
    """
    by_xid: dict[int, list[Event]] = {}
    for event in events:
        by_xid.setdefault(event.xid, []).append(event)
    wrong: list[str] = []
    told: set[int] = set()
    before = start
    for step in steps:
        between = _between(before, step.place, by_xid)
        heard = [] if step.name is None else [(PREFIX + step.name, step.payload)]
        if [(event.topic, event.payload) for event in between] != heard:
            wrong.append(f"from {before} to {step.place}: heard {heard}, and there is {between}")
        if doubled := [event.id for event in between if event.id in told]:
            wrong.append(f"heard twice: {doubled}")
        told.update(event.id for event in between)
        before = step.place
    return wrong, told


def _between(before: Position, after: Position, by_xid: Mapping[int, Sequence[Event]]) -> list[Event]:
    passed = sorted({*before.running, *range(before.xmax, after.xmax)})
    return [one for xid in passed for one in by_xid.get(xid, ()) if after.has(one) and not before.has(one)]
