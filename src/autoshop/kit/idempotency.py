"""A write that is sent twice is done once: the Idempotency-Key header.

After draft-ietf-httpapi-idempotency-key-header: the same key and body gives the same answer, also when that
answer was a no; the same key with another body is 422. Keys are rows, so they hold across restarts and between
processes, and two requests that race wait for each other at the primary key. Keys belong to a caller.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from autoshop.kit.db import Connection, Pool, may_wait, transaction
from autoshop.kit.errors import Invalid, Refusal

HEADER = "Idempotency-Key"
MOST_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Key:
    """One caller's key and the fingerprint of what was asked with it."""

    caller: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer: HTTP status, document, or the movement from which the document is rebuilt."""

    status: int
    document: dict[str, Any]
    movement_id: int | None = None


class KeyReused(Invalid):
    title = "Idempotency-Key was used for something else"

    def explain(self) -> str:
        return "This key belongs to a request with another body. A new request needs a new key"


TAKE = """
INSERT INTO idempotency_keys (caller, key, fingerprint)
VALUES ($1, $2, $3)
    ON CONFLICT (caller, key) DO NOTHING
RETURNING true
"""

KEEP = """
UPDATE idempotency_keys
   SET status = $3, response = $4
 WHERE caller = $1 AND key = $2
"""

KEEP_REFUSAL = """
INSERT INTO idempotency_keys (caller, key, fingerprint, status, response)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (caller, key) DO NOTHING
"""

FIND = """
SELECT fingerprint, status, response, movement_id
  FROM idempotency_keys
 WHERE caller = $1 AND key = $2
"""

FORGET = """
DELETE FROM idempotency_keys
 WHERE created_at < now() - make_interval(days => $1)
"""


def key_for(caller: str, header: str | None, method: str, path: str, body: bytes) -> Key | None:
    """The key of a request, or None when it sent none."""
    if header is None:
        return None
    if not 0 < len(header) <= MOST_CHARACTERS or not header.isprintable():
        raise Invalid(
            f"{HEADER} must have 1 to {MOST_CHARACTERS} printable characters",
            errors=[{"field": HEADER, "reason": "length or characters"}],
        )
    fingerprint = hashlib.blake2b(f"{method} {path}\n".encode() + body, digest_size=16).digest()
    return Key(caller, header, fingerprint)


async def once(
    pool: Pool, key: Key | None, verb: Callable[[Connection], Awaitable[dict[str, Any]]], status: int = 200
) -> Answer:
    """Run a verb in one transaction, at most once per key, and return its answer (or the first one's).

    A refusal is kept as well, if it `is_kept`.
    """
    async with may_wait(pool):
        try:
            async with transaction(pool) as connection:
                if key is not None and not await connection.fetchval(TAKE, key.caller, key.key, key.fingerprint):
                    return await replay(connection, key)
                document = await verb(connection)
                if key is not None:
                    await connection.execute(KEEP, key.caller, key.key, status, document)
                return Answer(status, document)
        except Refusal as refusal:
            if key is None or not is_kept(refusal):
                raise
            async with pool.acquire() as connection:
                return await keep_refusal(connection, key, refusal)


def is_kept(refusal: Refusal) -> bool:
    """Whether a key stands for this no: who was told it must not find it done because a copy of the request came late.

    Not one that asks to send the same again, and not another than 409: those executed nothing.
    """
    return refusal.status == 409 and not refusal.passing


async def keep_refusal(connection: Connection, key: Key, refusal: Refusal) -> Answer:
    """Store a no, unless a racing copy of the request was answered first; its answer then counts for both."""
    document = refusal.problem()
    await connection.execute(KEEP_REFUSAL, key.caller, key.key, key.fingerprint, refusal.status, document)
    return await replay(connection, key)


async def replay(connection: Connection, key: Key) -> Answer:
    """The answer kept under a key that is known to be taken."""
    answer = await find(connection, key)
    assert answer is not None, "a key that conflicted is there to be read"
    return answer


async def find(connection: Connection, key: Key) -> Answer | None:
    """The answer kept under a key, if any; `KeyReused` when it belongs to another request."""
    row = await connection.fetchrow(FIND, key.caller, key.key)
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise KeyReused
    return Answer(row["status"] or 200, row["response"] or {}, row["movement_id"])


async def forget(connection: Connection, days: int) -> None:
    """Remove keys older than `days`."""
    await connection.execute(FORGET, days)
