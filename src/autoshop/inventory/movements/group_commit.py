"""Group commit: movements that arrive while a statement is under way share the next one.

No timer and no waiting: an idle server posts a single movement at once, a busy one posts dozens for the price of a
few. Each movement keeps its own answer. Whatever cannot share a statement (no stock, no row yet, a row that a
stranger holds, an idempotency key that is known or in use) is posted again on its own, where it may wait and is told
why. It waits as long as a request may (its deadline), and never takes more connections than the share of the pool that
is there for waiting: readers and the next group find one.
Measured on two cores with 32 connections: see `bin/bench`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from autoshop.inventory.movements import store
from autoshop.inventory.movements.model import Line, Movement, TooManyPieces, refusal_for
from autoshop.inventory.movements.service import TOO_MANY, post_unless_reserved, tell_who_holds
from autoshop.kit import idempotency
from autoshop.kit.db import BUSY, Connection, Pool, share_of, transaction_on, turn, wait_at_most
from autoshop.kit.errors import Refusal
from autoshop.kit.idempotency import Answer
from autoshop.kit.metrics import MOVEMENT_GROUP, MOVEMENTS

MOST_IN_A_GROUP = 256
# Of the share, how many may go to movements that wait for a row, and how many to the making of rows; batches have the
# rest.
PATIENT_AT_A_TIME = 2
TRIES = 20

Outcome = Movement | Answer


@dataclass(slots=True, eq=False)
class _Waiting:
    line: Line
    outcome: asyncio.Future[Outcome]
    deadline: float | None = None  # from the moment it could not share a statement


class MovementQueue:
    """One per process, for single movements; several lines in one transaction go through `post_lines`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: deque[_Waiting] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._patience = asyncio.Semaphore(PATIENT_AT_A_TIME)
        self._opening = asyncio.Semaphore(PATIENT_AT_A_TIME)
        self._openings: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._share = share_of(pool)
        self._tasks: set[asyncio.Task[None]] = set()

    async def post(self, line: Line) -> Outcome:
        """Post one line. Returns the movement, or the answer kept under its idempotency key; raises Refusal.

        The caller going away does not undo a movement: what was handed over is posted.
        """
        waiting = _Waiting(line, asyncio.get_running_loop().create_future())
        self._hand_over(waiting)
        return await waiting.outcome

    def _hand_over(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="group commit")

    async def drain(self) -> None:
        """Wait until everything handed over is answered: for a graceful stop."""
        while busy := {task for task in (self._worker, *self._tasks) if task is not None and not task.done()}:
            await asyncio.wait(busy)

    async def _work(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_GROUP))]
            try:
                async with self._pool.acquire() as db:
                    # Again and again on one connection while there is work: taking one from the pool costs too.
                    while group:
                        await self._post_group(db, group)
                        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_GROUP))]
            except Exception as error:
                for waiting in group:
                    _fail(waiting, error)

    async def _post_group(self, db: Connection, group: list[_Waiting]) -> None:
        MOVEMENT_GROUP.observe(len(group))
        try:
            posted = await store.post(db, [waiting.line for waiting in group], skip_locked=True)
        except (asyncpg.UniqueViolationError, *TOO_MANY, *BUSY):
            posted = [None] * len(group)  # one line undid the statement for all: find out which
        for waiting, movement in zip(group, posted, strict=True):
            if movement is None:
                self._begin(self._post_alone(waiting))
            else:
                _succeed(waiting, movement)

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open_place(self, place: tuple[int, int], deadline: float) -> None:
        """Make its row. Those who want the same place wait for the one who began: a place may stay shut for long."""
        while (begun := self._openings.get(place)) is not None:
            with suppress(asyncpg.LockNotAvailableError):  # his patience, not ours
                return await begun
        opening = self._openings[place] = self._begin(self._open(place, deadline))
        opening.add_done_callback(lambda _: self._openings.pop(place))
        return await opening

    async def _open(self, place: tuple[int, int], deadline: float) -> None:
        async with turn(self._opening, deadline), self._patiently(deadline) as db:
            await store.open_places(db, [place])

    @asynccontextmanager
    async def _patiently(self, deadline: float) -> AsyncIterator[Connection]:
        """A transaction whose waits end at the deadline, on one of the connections that are there for waiting."""
        async with turn(self._share.places, deadline), self._pool.acquire() as db, transaction_on(db):
            await wait_at_most(db, _milliseconds_until(deadline))
            yield db

    async def _post_alone(self, waiting: _Waiting) -> None:
        if waiting.deadline is None:
            waiting.deadline = asyncio.get_running_loop().time() + self._share.patience_seconds
        try:
            async with self._pool.acquire() as db:
                outcome, row_exists = await _explain(db, waiting.line)
            if outcome is None and not row_exists:
                await self._open_place(waiting.line.place, waiting.deadline)
                self._hand_over(waiting)  # its row is nobody's: it need not stand behind those who wait
                return
            if outcome is None:
                async with (
                    turn(self._patience, waiting.deadline),
                    turn(self._share.places, waiting.deadline),
                    self._pool.acquire() as db,
                ):
                    outcome = await _post_or_explain(db, waiting.line, waiting.deadline)
            if isinstance(outcome, Refusal):
                key = waiting.line.key
                if key is None or not idempotency.is_kept(outcome):
                    raise outcome
                async with self._patiently(waiting.deadline) as db:
                    outcome = await idempotency.keep_refusal(db, key, outcome)
            _succeed(waiting, outcome)
        except Exception as error:
            _fail(waiting, error)


async def _explain(db: Connection, line: Line) -> tuple[Outcome | Refusal | None, bool]:
    """Why a line was not posted (None when it may be possible now), and whether its row is there. Waits for no lock."""
    if line.key is not None and (kept := await idempotency.find(db, line.key)) is not None:
        return kept, True
    place = (await store.places(db, [line.place]))[line.place]
    refusal = refusal_for(line, -line.delta, place)
    if refusal is not None:
        await tell_who_holds(db, [refusal])
    return refusal, place.row_exists


def _milliseconds_until(deadline: float) -> int:
    """What is left; LockNotAvailableError where nothing is."""
    left = int((deadline - asyncio.get_running_loop().time()) * 1000)
    if left < 1:
        raise asyncpg.LockNotAvailableError("the row stayed locked")
    return left


async def _post_or_explain(db: Connection, line: Line, deadline: float) -> Outcome | Refusal:
    """Post a line by itself, each try in its own transaction, so no lock outlives it.

    Raises LockNotAvailableError when the row stays locked until the deadline, or somebody is busy with the key.
    """
    for _ in range(TRIES):
        try:
            async with transaction_on(db):
                await wait_at_most(db, _milliseconds_until(deadline))
                movement = (await post_unless_reserved(db, [line]))[0]
        except asyncpg.UniqueViolationError:
            assert line.key is not None, "only an idempotency key can be there already"
            return await idempotency.replay(db, line.key)
        except TOO_MANY:
            return TooManyPieces(product_id=line.product_id, store_id=line.store_id)
        outcome = movement or (await _explain(db, line))[0]
        if outcome is not None:
            return outcome
    raise asyncpg.LockNotAvailableError("the stock changed under every try")


def _succeed(waiting: _Waiting, outcome: Outcome) -> None:
    if isinstance(outcome, Movement):
        MOVEMENTS.labels(outcome.movement_type).inc()
    if not waiting.outcome.done():
        waiting.outcome.set_result(outcome)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.outcome.done():
        waiting.outcome.set_exception(error)
        waiting.outcome.exception()  # a caller who went away is no unhandled error
