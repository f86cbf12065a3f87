"""How a route declares who may call it. A house test fails on a route that does not."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from autoshop.accounts.model import Caller
from autoshop.accounts.service import SESSION_COOKIE, Doorkeeper


async def caller_of(request: HTTPConnection) -> Caller:
    """Who sends this request."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    cookie = request.cookies.get(SESSION_COOKIE) if "cookie" in request.headers else None
    return await doorkeeper.who(request.headers, cookie, request.scope["state"]["address"])


def needs(scope: str) -> Any:
    """`caller: Caller = needs("inventory:read")`: the route is for callers with that scope."""
    return Depends(checker(scope))


def checker(scope: str) -> Callable[[Request], Awaitable[Caller]]:
    """For routes that are not FastAPI's: a function that returns the caller, or refuses one without the scope."""

    async def check(request: Request) -> Caller:
        caller = await caller_of(request)
        caller.must(scope)
        return caller

    check.declares = scope  # type: ignore[attr-defined]
    return check


async def _anybody() -> None:
    """Nobody is asked who he is: so an old token or a database that is away hinders nobody."""


async def _whoever(request: Request) -> Caller:
    return await caller_of(request)


_anybody.declares = "anybody"  # type: ignore[attr-defined]
_whoever.declares = "anybody"  # type: ignore[attr-defined]
anybody = Depends(_anybody)
whoever = Depends(_whoever)  # anybody too, but the route wants to know who it is
