"""Routes: sign in, sign out, who am I."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from autoshop.accounts import service
from autoshop.accounts.access import anybody, whoever
from autoshop.accounts.model import Caller
from autoshop.kit.db import transaction
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/session", tags=["session"])


class SignIn(BaseModel, extra="forbid"):
    login: Annotated[str, Field(min_length=1, max_length=60, pattern=NO_NUL)]
    password: Annotated[str, Field(min_length=1, max_length=200)]


class Me(BaseModel):
    """Who the server thinks you are; `store_ids` null = every store."""

    kind: str
    name: str
    role: str | None
    scopes: list[str]
    store_ids: list[int] | None


@router.post("", status_code=204, dependencies=[anybody])
async def sign_in(body: SignIn, request: Request, response: Response) -> None:
    """Sign in: sets the session cookie."""
    state = request.scope["state"]
    token = await service.sign_in(
        request.app.state.pool, request.app.state.cache, body.login, body.password, datetime.now(UTC), state["address"]
    )
    remember_session(request, response, token)


def remember_session(request: Request, response: Response, token: str) -> None:
    """Have the browser keep what opens the door; no script can read it."""
    response.set_cookie(
        service.SESSION_COOKIE,
        token,
        max_age=int(service.SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.headers.get("x-forwarded-proto") == "https",
        path="/",
    )


@router.delete("", status_code=204, dependencies=[anybody])
async def sign_out(request: Request, response: Response) -> None:
    """Sign out: ends the session on the server and clears the cookie."""
    await forget_session(request, response)


async def forget_session(request: Request, response: Response) -> None:
    """End the session of a request, and have the browser forget it."""
    token = request.cookies.get(service.SESSION_COOKIE)
    if token:
        async with transaction(request.app.state.pool) as db:
            await service.sign_out(db, token)
    response.delete_cookie(service.SESSION_COOKIE, path="/")


@router.get("")
async def me(caller: Annotated[Caller, whoever]) -> Me:
    """Who am I?"""
    stores = None if caller.store_ids is None else sorted(caller.store_ids)
    return Me(kind=caller.kind, name=caller.name, role=caller.role, scopes=sorted(caller.scopes), store_ids=stores)
