"""SQL of staff, sessions and tokens."""

from dataclasses import dataclass
from datetime import datetime

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
RETURNING store_id
"""


async def bind_to_stores(db: Connection, staff_id: int, store_codes: list[str]) -> int:
    """How many of the codes were stores."""
    return len(await db.fetch(BIND_TO_STORES, staff_id, store_codes))


FIND_STAFF = """
SELECT id, login, name, role, password_hash, active
  FROM staff
 WHERE login = $1
"""


async def find_staff(db: Connection | Pool, login: str) -> StaffMember | None:
    row = await db.fetchrow(FIND_STAFF, login)
    return StaffMember(**row) if row else None


SET_PASSWORD_HASH = "UPDATE staff SET password_hash = $2 WHERE id = $1"


async def set_password_hash(db: Connection | Pool, staff_id: int, password_hash: str) -> None:
    await db.execute(SET_PASSWORD_HASH, staff_id, password_hash)


OPEN_SESSION = """
INSERT INTO staff_sessions (token_hash, staff_id, expires_at, address)
VALUES ($1, $2, $3, $4)
"""


async def open_session(
    db: Connection | Pool, token_hash: bytes, staff_id: int, expires_at: datetime, address: str
) -> None:
    await db.execute(OPEN_SESSION, token_hash, staff_id, expires_at, address)


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


ADD_TOKEN = """
INSERT INTO api_tokens (name, token_hash, scopes, store_ids, created_by, expires_at)
VALUES ($1, $2, $3, (SELECT array_agg(id) FROM stores WHERE code = ANY ($4::text[])), $5, $6)
    ON CONFLICT (name) DO NOTHING
RETURNING id, coalesce(cardinality(store_ids), 0) AS stores
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
    """How many stores it is bound to, or None where the name is taken. No codes = every store."""
    row = await db.fetchrow(ADD_TOKEN, name, token_hash, scopes, store_codes, created_by, expires_at)
    return row["stores"] if row else None


REVOKE_TOKEN = """
UPDATE api_tokens
   SET revoked_at = now()
 WHERE name = $1 AND revoked_at IS NULL
RETURNING true
"""


async def revoke_token(db: Connection, name: str) -> bool:
    return bool(await db.fetchval(REVOKE_TOKEN, name))


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
