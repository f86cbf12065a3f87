"""Group commit: movements that arrive while a statement is under way share the next one.

No timer and no waiting: an idle server posts a single movement at once, a busy one posts dozens for the price of a
few. Each movement keeps its own answer. Whatever cannot share a statement (no stock, no row yet, a row that a
stranger holds, an idempotency key that is known or in use) is posted again on its own, where it may wait and is told
why.
Measured on two cores with 32 connections: see `bin/bench`.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

import asyncpg

from autoshop.inventory.movements import store
from autoshop.inventory.movements.model import Line, Movement, TooManyPieces, refusal_for
from autoshop.inventory.movements.service import TOO_MANY
from autoshop.kit import idempotency
from autoshop.kit.db import BUSY, Connection, Pool, share_of, transaction_on, turn, wait_at_most
from autoshop.kit.errors import Refusal
from autoshop.kit.idempotency import Answer
from autoshop.kit.metrics import MOVEMENT_GROUP, MOVEMENTS

MOST_IN_A_GROUP = 256
# How many movements may wait for a stranger's lock at a time: they must not take every connection with them.
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
        self._opening = asyncio.Semaphore(1)
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
                task = asyncio.create_task(self._post_alone(waiting))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                _succeed(waiting, movement)

    async def _post_alone(self, waiting: _Waiting) -> None:
        if waiting.deadline is None:
            waiting.deadline = asyncio.get_running_loop().time() + self._share.patience_seconds
        try:
            async with self._pool.acquire() as db:
                outcome, row_exists = await _explain(db, waiting.line)
            if outcome is None and not row_exists:
                async with turn(self._opening, waiting.deadline), self._pool.acquire() as db:
                    await store.open_places(db, [waiting.line.place])
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
                if key is None or outcome.status != 409:
                    raise outcome
                outcome = await idempotency.keep_refusal(self._pool, key, outcome)
            _succeed(waiting, outcome)
        except Exception as error:
            _fail(waiting, error)


async def _explain(db: Connection, line: Line) -> tuple[Outcome | Refusal | None, bool]:
    """Why a line was not posted (None when it may be possible now), and whether its row is there. Waits for no lock."""
    if line.key is not None and (kept := await idempotency.find(db, line.key)) is not None:
        return kept, True
    place = (await store.places(db, [line.place]))[line.place]
    return refusal_for(line, -line.delta, place), place.row_exists


async def _post_until(db: Connection, line: Line, deadline: float, share: float) -> Movement | None:
    """Post in a transaction that waits for a lock for a share of the time left."""
    left_ms = int((deadline - asyncio.get_running_loop().time()) * share * 1000)
    if left_ms < 1:
        raise asyncpg.LockNotAvailableError("the row stayed locked")
    async with transaction_on(db):
        await wait_at_most(db, left_ms)
        return (await store.post(db, [line]))[0]


async def _post_or_explain(db: Connection, line: Line, deadline: float) -> Outcome | Refusal:
    """Post a line by itself, each try in its own transaction, so no lock outlives it.

    A wait for a row that lasts too long is tried once more: its holder may be a statement of ours that waits for
    somebody's key and gives up at the same moment.
    """
    gave_up = False
    for _ in range(TRIES):
        try:
            movement = await _post_until(db, line, deadline, 1 if gave_up else 0.5)
        except asyncpg.LockNotAvailableError as error:
            if gave_up or "idempotency_keys" in (error.context or ""):
                raise
            gave_up = True
            continue
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
