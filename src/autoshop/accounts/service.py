"""Verbs: hire, sign in and out, make and revoke tokens, and tell who is asking."""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from cashews import Cache
from starlette.datastructures import Headers

from autoshop.accounts import store
from autoshop.accounts.model import ANONYMOUS, ROLES, SCOPES, Caller, trusted
from autoshop.kit.cache import count_up, forget_count
from autoshop.kit.db import Connection, Pool
from autoshop.kit.errors import Conflict, Invalid, NotFound, Unauthorised
from autoshop.kit.http import is_in
from autoshop.kit.settings import Settings

SESSION_COOKIE = "autoshop_session"
SESSION_LASTS = timedelta(hours=14)  # a long shift; the next morning one signs in again
LEAST_PASSWORD = 8
# How stale a token or session may be in this process. Revoking works within this time, in every process.
REMEMBER_SECONDS = 1.0

# Wrong passwords for a login from an address, and how long until they are forgotten.
MOST_FAILURES = 10
FORGET_FAILURES = timedelta(minutes=15)

_hasher = PasswordHasher()
_hashing = asyncio.Semaphore(2)  # each takes a core and 64 MiB
# Checked when the login is unknown, so that both answers take as long. The password was thrown away; written down
# because making it takes a sixth of a second and 64 MiB, which no start and no command has to spend.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$+I1ktaI2C53ClYUWQN+5xw$ROygarTrLWwmCOhL/qqSwSvvknNo/6Cjeucydjaa9h4"


class SignInFailed(Unauthorised):
    title = "Login or password is wrong"

    def explain(self) -> str:
        return "Check the keyboard layout and Caps Lock, then try again"


class TooManyAttempts(Unauthorised):
    title, status = "Too many attempts", 429

    def explain(self) -> str:
        return "Wait a quarter of an hour, or ask a manager for a new password"

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(int(FORGET_FAILURES.total_seconds()))}


class UnknownToken(Unauthorised):
    title = "Token is unknown, expired or revoked"

    def explain(self) -> str:
        return "Make a new one with `autoshop token new`"


class Taken(Conflict):
    title = "That name is taken"


async def add_staff(db: Connection, login: str, name: str, role: str, password: str, store_codes: list[str]) -> int:
    """Hire somebody. A clerk needs at least one store; unknown codes are refused."""
    login = login.strip().lower()
    if role not in ROLES or role == "monitor":
        raise Invalid(f"Unknown role «{role}»; there are owner, manager, buyer and clerk")
    if not re.fullmatch(r"[\w.@+-]{1,60}", login):
        raise Invalid("A login has letters, digits and . @ + - _ only, 60 at most")
    if len(password) < LEAST_PASSWORD:
        raise Invalid(f"A password needs at least {LEAST_PASSWORD} characters")
    if role == "clerk" and not store_codes:
        raise Invalid("A clerk acts for named stores: name at least one")
    hashed = await asyncio.to_thread(_hasher.hash, password)
    staff_id = await store.add_staff(db, login, name, role, hashed)
    if staff_id is None:
        raise Taken(f"There is already somebody with the login «{login}»", login=login)
    codes = sorted(set(store_codes))
    if await store.bind_to_stores(db, staff_id, codes) != len(codes):
        raise NotFound(f"Not every code is a store: {', '.join(codes)}")
    return staff_id


async def sign_in(pool: Pool, cache: Cache, login: str, password: str, now: datetime, address: str) -> str:
    """Check the password and open a session; returns the cookie's value.

    Takes the pool, not a connection: a password takes a twentieth of a second, and nobody may wait for that.
    """
    login = login.strip().lower()
    if await count_up(cache, f"sign-in:{address}:{login}", FORGET_FAILURES.total_seconds()) > MOST_FAILURES:
        raise TooManyAttempts
    member = await store.find_staff(pool, login)
    known = member is not None and member.active
    hashed = member.password_hash if member and known else _NOBODY
    try:
        async with _hashing:
            await asyncio.to_thread(_hasher.verify, hashed, password)
    except VerificationError:
        raise SignInFailed from None
    if member is None or not known:
        raise SignInFailed
    if _hasher.check_needs_rehash(hashed):
        await store.set_password_hash(pool, member.id, await asyncio.to_thread(_hasher.hash, password))
    token = secrets.token_urlsafe(32)
    await store.open_session(pool, digest(token), member.id, now + SESSION_LASTS, address)
    await forget_count(cache, f"sign-in:{address}:{login}")
    return token


async def sign_out(db: Connection, token: str) -> None:
    """End a session; ending it twice is no error."""
    await store.close_session(db, digest(token))


async def new_token(
    db: Connection, name: str, scopes: list[str], store_codes: list[str], days: int | None, created_by: str
) -> str:
    """Make an API token and return it; only its hash is kept, so this is the one time it can be read."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid(f"Unknown scope {', '.join(unknown) or '(none)'}; there are {', '.join(SCOPES)}")
    token = "as_" + secrets.token_urlsafe(32)
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    codes = sorted(set(store_codes)) or None
    bound = await store.add_token(db, name, digest(token), sorted(set(scopes)), codes, created_by, expires_at)
    if bound is None:
        raise Taken(f"There is already a token named «{name}»", name=name)
    if codes and bound != len(codes):
        raise NotFound(f"Not every code is a store: {', '.join(codes)}")
    return token


async def revoke_token(db: Connection, name: str) -> None:
    """Make a token useless; every process knows within a second."""
    if not await store.revoke_token(db, name):
        raise NotFound(f"No living token is named «{name}»")


async def forget_sessions(pool: Pool) -> None:
    """Remove sessions that have ended."""
    await store.forget_sessions(pool)


async def audit(db: Connection, caller: Caller, action: str, subject: str, before: object, after: object) -> None:
    """Keep who changed what, from where, before and after; in the transaction of the change itself."""
    context = structlog.contextvars.get_contextvars()
    await store.write_audit(
        db, caller.actor, action, subject, before, after, context.get("address"), context.get("request_id")
    )


class Doorkeeper:
    """Tells who is asking: token, session cookie, trusted network, or nobody.

    A credential that is sent must be good: a wrong token is 401 on a trusted network too.
    """

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self.pool = pool
        self.trusted = tuple((network, trusted(role)) for network, role in settings.trusted)
        # By what it was shown as, too: a session's text sent as a token opens nothing.
        self._remembered: dict[tuple[object, bytes], tuple[Caller | None, float]] = {}

    async def who(self, headers: Headers, cookie: str | None, address: str) -> Caller:
        """The caller of a request that came from `address`."""
        authorization = headers.get("authorization")
        if authorization is not None:
            kind, _, token = authorization.partition(" ")
            if kind.lower() != "bearer":
                raise UnknownToken("Send the token as Authorization: Bearer …")
            caller = await self._recall(digest(token.strip()), store.caller_of_token)
            if caller is None:
                raise UnknownToken
            return caller
        if cookie:
            caller = await self._recall(digest(cookie), store.caller_of_session)
            if caller is not None:
                return caller
        for network, caller in self.trusted:
            if is_in(address, (network,)):
                return caller
        return ANONYMOUS

    async def _recall(self, key: bytes, look_up: Callable[[Pool, bytes], Awaitable[Caller | None]]) -> Caller | None:
        now = time.monotonic()
        found = self._remembered.get((look_up, key))
        if found is not None and found[1] > now:
            return found[0]
        if len(self._remembered) > 10_000:  # a flood of made-up tokens must not fill the memory
            self._remembered.clear()
        caller = await look_up(self.pool, key)
        self._remembered[look_up, key] = (caller, now + REMEMBER_SECONDS)
        return caller


def digest(token: str) -> bytes:
    """What is stored of a token. Tokens are 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).digest()
