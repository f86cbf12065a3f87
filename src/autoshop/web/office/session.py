"""Screens: sign in, sign out, and what a browser remembers: store, language, keys."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts import service
from autoshop.accounts.access import anybody, caller_of, needs
from autoshop.accounts.api import forget_session, remember_session
from autoshop.accounts.model import Caller
from autoshop.accounts.service import SignInFailed, TooManyAttempts
from autoshop.web import forms, pages
from autoshop.web.forms import Form
from autoshop.web.office.visitor import KEYS_COOKIE, STORE_COOKIE, show, stores_of, visitor_of

router = APIRouter(prefix="/office", include_in_schema=False)

HOME = "/office"
Back = Annotated[str, Query(max_length=2000)]


def safe(back: str) -> str:
    """Where to go on: a page of the office, whatever somebody put into the address."""
    inside = re.fullmatch(r"/office(?:[/?][!-\[\]-~]*)?", back) and "//" not in back.partition("?")[0]
    return back if inside and not back.startswith(("/office/sign-", "/office/settings")) else HOME


@router.get("/sign-in", dependencies=[anybody])
async def sign_in_page(request: Request, back: Back = "") -> Response:
    """Login and password; who is signed in already goes on."""
    if service.SESSION_COOKIE in request.cookies and (await caller_of(request)).kind == "staff":
        return pages.see_other(safe(back))
    return pages.page(request, "sign_in.html", form=Form({"back": safe(back)}))


@router.post("/sign-in", dependencies=[anybody])
async def sign_in(request: Request) -> Response:
    """Open a session and go on where one was."""
    form = await forms.read(request)
    login, password = form["login"], form["password"]
    for name, most in (("login", 60), ("password", 200)):
        if not form[name] or len(form[name]) > most or "\0" in form[name]:
            form.wrong(name, f"sign_in.no_{name}")
    status = 422
    if not form.errors:
        state = request.app.state
        try:
            token = await service.sign_in(
                state.pool, state.cache, login, password, datetime.now(UTC), request.scope["state"]["address"]
            )
        except (SignInFailed, TooManyAttempts) as refusal:
            status = refusal.status
            form.wrong("login", "sign_in.failed" if status == 401 else "sign_in.too_often")
        else:
            response = pages.see_other(safe(form["back"]))
            remember_session(request, response, token)
            return response
    form.values.pop("password", None)
    form.values["back"] = safe(form["back"])
    return pages.page(request, "sign_in.html", status, form=form)


@router.post("/sign-out", dependencies=[anybody])
async def sign_out(request: Request) -> Response:
    """End the session and lead to the door."""
    response = pages.see_other("/office/sign-in")
    await forget_session(request, response)
    return response


@router.get("/settings")
async def settings_page(
    request: Request, caller: Annotated[Caller, needs("inventory:read")], back: Back = ""
) -> Response:
    """Choose the store to work for, the language, and whether single keys do something."""
    async with request.app.state.pool.acquire() as db:
        visitor, stores = await visitor_of(request, db, caller), await stores_of(db, caller)
    return show(request, visitor, "settings.html", stores=stores, back=safe(back))


@router.post("/settings", dependencies=[anybody])
async def set_settings(request: Request) -> Response:
    """Remember in this browser what was sent: nothing of it opens a door, rights are asked for at each page."""
    form = await forms.read(request)
    response = pages.see_other(safe(form["back"]))
    kept = {
        pages.LANGUAGE_COOKIE: form["language"] if form["language"] in ("ru", "en") else "",
        STORE_COOKIE: form["store"] if re.fullmatch(r"[1-9][0-9]{0,16}", form["store"]) else "",
        KEYS_COOKIE: form["keys"] if form["keys"] in ("on", "off") else "",
    }
    for name, value in kept.items():
        if value:
            response.set_cookie(name, value, max_age=pages.YEAR_SECONDS, httponly=True, samesite="lax", path="/")
    return response
