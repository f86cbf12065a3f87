"""Verbs: hire, dismiss, sign in and out, make and revoke tokens, and tell who is asking."""

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
from starlette.datastructures import Headers

from autoshop.accounts import store
from autoshop.accounts.model import ANONYMOUS, SCOPES, Caller, check_role, login_of, trusted
from autoshop.kit.cache import Cache, count_up, forget_count, take_back
from autoshop.kit.db import Connection, Pool
from autoshop.kit.errors import Conflict, Invalid, NotFound, Unauthorised
from autoshop.kit.http import is_in
from autoshop.kit.settings import Settings

SESSION_COOKIE = "autoshop_session"
SESSION_LASTS = timedelta(hours=14)  # a long shift; the next morning one signs in again
LEAST_PASSWORD = 8
MOST_NAME = 60
# How stale a token or session may be in this process. Revoking works within this time, in every process.
REMEMBER_SECONDS = 1.0

# Wrong passwords from an address for one login, and for all of them; and when they are forgotten.
MOST_FAILURES = 10
MOST_FROM_ADDRESS = 100  # a whole shop may sit behind it
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
        return "Wait a quarter of an hour"

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(int(FORGET_FAILURES.total_seconds()))}


class UnknownToken(Unauthorised):
    title = "Token is unknown, expired or revoked"

    def explain(self) -> str:
        return "Make a new one with `autoshop token new`"


class Taken(Conflict):
    title = "That name is taken"


class LastOwner(Conflict):
    title = "The last owner cannot be dismissed"

    def explain(self) -> str:
        return "Then nobody could manage the shop: add or restore another owner first"


async def add_staff(
    db: Connection, caller: Caller, login: str, name: str, role: str, password: str, store_codes: list[str]
) -> int:
    """Hire somebody. A clerk needs at least one store; unknown codes are refused."""
    login, codes = login_of(login), sorted(set(store_codes))
    check_role(role, codes)
    if not re.fullmatch(r"[\w.@+-]{1,60}", login):
        raise Invalid("A login has letters, digits and . @ + - _ only, 60 at most")
    if not name.isprintable():
        raise Invalid("A name has printable characters only")
    hashed = await _hash(password)
    await _check_stores(db, codes)
    staff_id = await store.add_staff(db, login, name, role, hashed)
    if staff_id is None:
        raise Taken(f"There is already somebody with the login «{login}»", login=login)
    await store.bind_to_stores(db, staff_id, codes)
    await audit(db, caller, "add", f"staff:{login}", None, {"name": name, "role": role, "stores": codes})
    return staff_id


async def dismiss(db: Connection, caller: Caller, login: str) -> None:
    """Let somebody in no more and end his sessions; every process knows within a second."""
    owners = await store.lock_owners(db)
    member = await _member(db, login)
    if owners == [member.login]:
        raise LastOwner(login=member.login)
    if not await store.set_active(db, member.id, False):
        raise Conflict(f"«{member.login}» was dismissed before", login=member.login)
    await store.end_sessions(db, member.id)
    await audit(db, caller, "dismiss", f"staff:{member.login}", {"active": True}, {"active": False})


async def restore(db: Connection, caller: Caller, login: str) -> None:
    """Let somebody in again who was dismissed, with the password, role and stores of then."""
    member = await _member(db, login)
    if not await store.set_active(db, member.id, True):
        raise Conflict(f"«{member.login}» is not dismissed", login=member.login)
    await audit(db, caller, "restore", f"staff:{member.login}", {"active": False}, {"active": True})


async def change_password(db: Connection, caller: Caller, login: str, password: str) -> None:
    """Give somebody a new password and end the sessions that the old one opened."""
    hashed = await _hash(password)
    member = await _member(db, login)
    await store.set_password_hash(db, member.id, hashed)
    await store.end_sessions(db, member.id)
    await audit(db, caller, "change password", f"staff:{member.login}", None, None)


async def _member(db: Connection, login: str) -> store.StaffMember:
    member = await store.find_staff(db, login_of(login))
    if member is None:
        raise NotFound(f"Nobody has the login «{login_of(login)}»")
    return member


async def _hash(password: str) -> str:
    if len(password) < LEAST_PASSWORD:
        raise Invalid(f"A password needs at least {LEAST_PASSWORD} characters")
    return await asyncio.to_thread(_hasher.hash, password)


async def _check_stores(db: Connection, codes: list[str]) -> None:
    if unknown := await store.unknown_stores(db, codes):
        raise NotFound(f"There is no store with the code {', '.join(unknown)}")


async def sign_in(pool: Pool, cache: Cache, login: str, password: str, now: datetime, address: str) -> str:
    """Check the password and open a session; returns the cookie's value.

    Takes the pool, not a connection: a password takes a twentieth of a second, and nobody may wait for that.
    """
    login, seconds = login_of(login), FORGET_FAILURES.total_seconds()
    of_login, of_all = f"sign-in:{address}:{login}", f"sign-in:{address}"
    if (
        await count_up(cache, of_login, seconds) > MOST_FAILURES
        or await count_up(cache, of_all, seconds) > MOST_FROM_ADDRESS
    ):
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
        renewed = await asyncio.to_thread(_hasher.hash, password)
        await store.renew_password_hash(pool, member.id, hashed, renewed)
        hashed = renewed
    token = secrets.token_urlsafe(32)
    if not await store.open_session(pool, digest(token), member.id, hashed, now + SESSION_LASTS, address):
        raise SignInFailed
    await forget_count(cache, of_login)
    await take_back(cache, of_all)
    return token


async def sign_out(db: Connection, token: str) -> None:
    """End a session; ending it twice is no error."""
    await store.close_session(db, digest(token))


async def new_token(
    db: Connection, caller: Caller, name: str, scopes: list[str], store_codes: list[str], days: int | None
) -> str:
    """Make an API token and return it; only its hash is kept, so this is the one time it can be read.

    A name belongs to one living token: it can be used again once the token was revoked or has expired.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid(f"Unknown scope {', '.join(unknown) or '(none)'}; there are {', '.join(SCOPES)}")
    if not 0 < len(name) <= MOST_NAME or not name.isprintable() or name != name.strip():
        raise Invalid(f"A token's name has 1 to {MOST_NAME} printable characters, no space at its ends")
    codes = sorted(set(store_codes))
    await _check_stores(db, codes)
    if (expired := await store.revoke_token(db, name, only_expired=True)) is not None:
        await audit(db, caller, "revoke", f"token:{name}", {"id": expired}, None)
    token = "as_" + secrets.token_urlsafe(32)
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    rights = sorted(set(scopes))
    token_id = await store.add_token(db, name, digest(token), rights, codes or None, caller.actor, expires_at)
    if token_id is None:
        raise Taken(f"There is already a token named «{name}»", name=name)
    made = {"id": token_id, "scopes": rights, "stores": codes or None, "expires_at": expires_at}
    await audit(db, caller, "add", f"token:{name}", None, made)
    return token


async def revoke_token(db: Connection, caller: Caller, name: str) -> None:
    """Make a token useless; every process knows within a second."""
    token_id = await store.revoke_token(db, name)
    if token_id is None:
        raise NotFound(f"No living token is named «{name}»")
    await audit(db, caller, "revoke", f"token:{name}", {"id": token_id}, None)


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
