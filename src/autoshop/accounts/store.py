"""SQL of staff, sessions and tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autoshop.accounts.model import Caller, staff
from autoshop.kit.db import Connection, Pool


@dataclass(frozen=True, slots=True)
class StaffMember:
    id: int
    login: str
    name: str
    role: str
    password_hash: str
    active: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody in the list of staff; `stores` are codes."""

    login: str
    name: str
    role: str
    stores: list[str]
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """A token without what opens the door; `stores` are codes, None = every store."""

    id: int
    name: str
    scopes: list[str]
    stores: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


UNKNOWN_STORES = """
SELECT code
  FROM unnest($1::text[]) AS w (code)
 WHERE NOT EXISTS (SELECT FROM stores AS s WHERE s.code = w.code)
 ORDER BY code
"""


async def unknown_stores(db: Connection, codes: list[str]) -> list[str]:
    """Which of the codes are no store."""
    return [row["code"] for row in await db.fetch(UNKNOWN_STORES, codes)]


LIST_STAFF = """
SELECT login, name, role, active, created_at,
       ARRAY(SELECT st.code
               FROM staff_stores AS ss
               JOIN stores AS st ON st.id = ss.store_id
              WHERE ss.staff_id = s.id
              ORDER BY st.code) AS stores
  FROM staff AS s
 ORDER BY login
"""


async def list_staff(db: Connection | Pool) -> list[Listed]:
    """Everybody, also those who left."""
    return [Listed(**row) for row in await db.fetch(LIST_STAFF)]


ADD_STAFF = """
INSERT INTO staff (login, name, role, password_hash)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (login) DO NOTHING
RETURNING id
"""


async def add_staff(db: Connection, login: str, name: str, role: str, password_hash: str) -> int | None:
    """The new id, or None where the login is taken."""
    return await db.fetchval(ADD_STAFF, login, name, role, password_hash)  # type: ignore[no-any-return]


BIND_TO_STORES = """
INSERT INTO staff_stores (staff_id, store_id)
SELECT $1, id
  FROM stores
 WHERE code = ANY ($2::text[])
"""


async def bind_to_stores(db: Connection, staff_id: int, store_codes: list[str]) -> None:
    await db.execute(BIND_TO_STORES, staff_id, store_codes)


FIND_STAFF = """
SELECT id, login, name, role, password_hash, active
  FROM staff
 WHERE login = $1
"""


async def find_staff(db: Connection | Pool, login: str) -> StaffMember | None:
    row = await db.fetchrow(FIND_STAFF, login)
    return StaffMember(**row) if row else None


# Locked in one order, so that of two owners who dismiss each other the second finds himself the last.
LOCK_OWNERS = """
SELECT login
  FROM staff
 WHERE role = 'owner' AND active
 ORDER BY id
   FOR UPDATE
"""


async def lock_owners(db: Connection) -> list[str]:
    """Logins of the owners who may sign in; none comes or goes until the transaction ends."""
    return [row["login"] for row in await db.fetch(LOCK_OWNERS)]


SET_ACTIVE = """
UPDATE staff
   SET active = $2
 WHERE id = $1 AND active <> $2
RETURNING true
"""


async def set_active(db: Connection, staff_id: int, active: bool) -> bool:
    """Whether that was a change."""
    return bool(await db.fetchval(SET_ACTIVE, staff_id, active))


SET_PASSWORD_HASH = "UPDATE staff SET password_hash = $2 WHERE id = $1"


async def set_password_hash(db: Connection, staff_id: int, password_hash: str) -> None:
    await db.execute(SET_PASSWORD_HASH, staff_id, password_hash)


RENEW_PASSWORD_HASH = "UPDATE staff SET password_hash = $3 WHERE id = $1 AND password_hash = $2"


async def renew_password_hash(db: Connection | Pool, staff_id: int, old: str, new: str) -> None:
    """The same password, hashed anew; nothing where it was changed meanwhile."""
    await db.execute(RENEW_PASSWORD_HASH, staff_id, old, new)


# The password was checked a moment ago, without a lock. Whoever was dismissed or got another one since then has no
# session: FOR SHARE waits for that change, or makes it wait, and then it finds this session and ends it.
OPEN_SESSION = """
INSERT INTO staff_sessions (token_hash, staff_id, expires_at, address)
SELECT $1, id, $4, $5
  FROM staff
 WHERE id = $2 AND active AND password_hash = $3
   FOR SHARE
RETURNING true
"""


async def open_session(
    db: Connection | Pool, token_hash: bytes, staff_id: int, password_hash: str, expires_at: datetime, address: str
) -> bool:
    """False where somebody is dismissed, or the hash is not his password's any more."""
    return bool(await db.fetchval(OPEN_SESSION, token_hash, staff_id, password_hash, expires_at, address))


END_SESSIONS = "DELETE FROM staff_sessions WHERE staff_id = $1"


async def end_sessions(db: Connection, staff_id: int) -> None:
    """All sessions of somebody."""
    await db.execute(END_SESSIONS, staff_id)


CLOSE_SESSION = "DELETE FROM staff_sessions WHERE token_hash = $1"


async def close_session(db: Connection, token_hash: bytes) -> None:
    await db.execute(CLOSE_SESSION, token_hash)


FORGET_SESSIONS = "DELETE FROM staff_sessions WHERE expires_at < now()"


async def forget_sessions(db: Connection | Pool) -> None:
    """Remove sessions that have ended."""
    await db.execute(FORGET_SESSIONS)


CALLER_OF_SESSION = """
SELECT s.login, s.role,
       coalesce((SELECT array_agg(ss.store_id) FROM staff_stores AS ss WHERE ss.staff_id = s.id), '{}') AS store_ids
  FROM staff_sessions AS ses
  JOIN staff AS s ON s.id = ses.staff_id
 WHERE ses.token_hash = $1 AND ses.expires_at > now() AND s.active
"""


async def caller_of_session(pool: Pool, token_hash: bytes) -> Caller | None:
    row = await pool.fetchrow(CALLER_OF_SESSION, token_hash)
    return staff(row["login"], row["role"], frozenset(row["store_ids"])) if row else None


CALLER_OF_TOKEN = """
SELECT name, scopes, store_ids
  FROM api_tokens
 WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""


async def caller_of_token(pool: Pool, token_hash: bytes) -> Caller | None:
    """Who holds a living token; one without stores acts for every store."""
    row = await pool.fetchrow(CALLER_OF_TOKEN, token_hash)
    if row is None:
        return None
    stores = None if row["store_ids"] is None else frozenset(row["store_ids"])
    return Caller("token", row["name"], frozenset(row["scopes"]), stores)


LIST_TOKENS = """
SELECT id, name, scopes, created_at, expires_at, revoked_at,
       CASE WHEN store_ids IS NOT NULL
            THEN ARRAY(SELECT code FROM stores WHERE id = ANY (store_ids) ORDER BY code) END AS stores
  FROM api_tokens
 ORDER BY name, id
"""


async def list_tokens(db: Connection | Pool) -> list[Token]:
    """All of them, also those that open nothing any more."""
    return [Token(**row) for row in await db.fetch(LIST_TOKENS)]


ADD_TOKEN = """
INSERT INTO api_tokens (name, token_hash, scopes, store_ids, created_by, expires_at)
VALUES ($1, $2, $3, (SELECT array_agg(id) FROM stores WHERE code = ANY ($4::text[])), $5, $6)
    ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
RETURNING id
"""


async def add_token(
    db: Connection,
    name: str,
    token_hash: bytes,
    scopes: list[str],
    store_codes: list[str] | None,
    created_by: str,
    expires_at: datetime | None,
) -> int | None:
    """The new id, or None where a living token has the name. No codes = every store."""
    return await db.fetchval(  # type: ignore[no-any-return]
        ADD_TOKEN, name, token_hash, scopes, store_codes, created_by, expires_at
    )


REVOKE_TOKEN = """
UPDATE api_tokens
   SET revoked_at = now()
 WHERE name = $1 AND revoked_at IS NULL AND (NOT $2 OR expires_at <= now())
RETURNING id
"""


async def revoke_token(db: Connection, name: str, *, only_expired: bool = False) -> int | None:
    """The id of what was revoked, if anything was."""
    return await db.fetchval(REVOKE_TOKEN, name, only_expired)  # type: ignore[no-any-return]


WRITE_AUDIT = """
INSERT INTO audit (actor, address, request_id, action, subject, before, after)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def write_audit(
    db: Connection,
    actor: str,
    action: str,
    subject: str,
    before: object,
    after: object,
    address: str | None,
    request_id: str | None,
) -> None:
    """Who changed what, from where, before and after."""
    await db.execute(WRITE_AUDIT, actor, address, request_id, action, subject, before, after)


AUDITED = """
SELECT id, at, actor, action, before, after
  FROM audit
 WHERE subject = $1 AND id < $2
   AND ($3::timestamptz IS NULL OR at >= $3)
   AND ($4::timestamptz IS NULL OR at < $4)
 ORDER BY id DESC
 LIMIT $5
"""


async def audited(
    db: Connection, subject: str, before_id: int, between: tuple[datetime | None, datetime | None], limit: int
) -> list[dict[str, Any]]:
    """What was done to something (`product:1`), newest first."""
    return [dict(row) for row in await db.fetch(AUDITED, subject, before_id, *between, limit)]
