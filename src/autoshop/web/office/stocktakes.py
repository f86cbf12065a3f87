"""Screens: stocktakes that are open and done; opening one."""

import re
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.categories import store as categories
from autoshop.catalog.products import service as products
from autoshop.catalog.products.model import the_one
from autoshop.inventory.shelves.model import places_of
from autoshop.inventory.stocktakes import service, store
from autoshop.inventory.stocktakes.model import MOST_SHELVES, Kind, Scope, Status
from autoshop.inventory.stores import store as all_stores
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid
from autoshop.kit.money import parse_roubles
from autoshop.kit.paging import Cursor, decode_cursor, page_of
from autoshop.web import forms, pages
from autoshop.web.forms import Form, once
from autoshop.web.office.visitor import show, stores_of, visitor_of

router = APIRouter(prefix="/office/stocktakes", include_in_schema=False)

ON_PAGE = 30
MOST_CATEGORIES = 1_000
MOST_CODES = 300  # that somebody types into a form; longer lists go through the API
MOST_WRONG = 20  # codes that are told at once
KINDS: tuple[Kind, ...] = get_args(Kind)
Which = Literal["open", "approved", "cancelled", "all"]
STATUSES: dict[str, tuple[Status, ...] | None] = {
    "open": ("counting", "review"),
    "approved": ("approved",),
    "cancelled": ("cancelled",),
    "all": None,
}


@router.get("")
async def list_stocktakes(
    request: Request,
    caller: Annotated[Caller, needs("inventory:read")],
    which: Which = "open",
    store_id: Annotated[int | None, Query(ge=0, lt=2**63, alias="store")] = None,
    page: Cursor = None,
) -> Response:
    """Those that are open, unless others are asked for; of one's own store, for whoever acts for all of all."""
    cursor = decode_cursor(page, "stocktakes", int)
    async with request.app.state.pool.acquire() as db:
        visitor, own = await visitor_of(request, db, caller), await stores_of(db, caller)
        if store_id is None or (caller.store_ids is not None and store_id not in caller.store_ids):
            store_id = 0 if caller.store_ids is None else visitor.store_id
        found = await store.list_page(db, store_id or None, STATUSES[which], cursor[0] if cursor else None, ON_PAGE + 1)
        stocktakes, next_page = page_of(found, ON_PAGE, "stocktakes", lambda one: (one.id,))
        names = {one.id: one.name for one in own}
        for closed in {one.store_id for one in stocktakes} - names.keys():
            place = await all_stores.find(db, closed)
            names[closed] = place.name if place else str(closed)
    return show(
        request,
        visitor,
        "stocktakes.html",
        stocktakes=stocktakes,
        next_page=next_page,
        which=which,
        store_id=store_id,
        stores=own,
        names=names,
    )


@router.get("/new")
async def new_stocktake(request: Request, caller: Annotated[Caller, needs("inventory:write")]) -> Response:
    """The form: where, what, blind or not, and when a second count is wanted."""
    return await _form_page(request, caller, Form({"kind": "store", "blind": "yes"}), 200)


@router.post("/new")
async def open_stocktake(request: Request, caller: Annotated[Caller, needs("inventory:write")]) -> Response:
    """Open it, and lead to the counting."""
    form = await forms.read(request)
    store_id = form.whole("store", 1, 2**62)
    kind = form.choice("kind", KINDS)
    above = form.whole("above", 0, 1_000_000) if form["above"].strip() else None
    blind = form.choice("blind", ("yes", "no")) == "yes"
    note = form.text("note", 500)
    category_id = form.whole("category", 1, 2**62) if kind == "category" else None
    named = await _products_in(request, caller, form) if kind == "products" else ()
    shelves = _shelves_in(form) if kind == "shelves" else ()
    worth = _worth_in(form)
    status = 422
    if not form.errors:
        scope = Scope(kind, category_id, named, shelves)  # type: ignore[arg-type]

        async def verb(db: Connection) -> dict[str, Any]:
            opened = await service.open_stocktake(db, caller, store_id, scope, blind, above, note, above_kopecks=worth)
            return {"stocktake_id": opened.id}

        outcome = await once(request, caller, form, verb, "", _address)
        if outcome.address is not None:
            return pages.see_other(outcome.address)
        status = outcome.status
    return await _form_page(request, caller, form, status)


def _address(document: dict[str, Any], _: bool) -> str:
    return f"/office/stocktakes/{document['stocktake_id']}"


async def _products_in(request: Request, caller: Caller, form: Form) -> tuple[int, ...]:
    """The products that the lines of the field name, each once; whatever no line names beyond doubt is told."""
    codes = list(dict.fromkeys(filter(None, map(str.strip, form["codes"].splitlines()))))
    if not codes or "\0" in form["codes"]:
        form.wrong("codes", "form.empty")
        return ()
    if len(codes) > MOST_CODES:
        form.wrong("codes", "stocktake.too_many_codes", count=len(codes), most=MOST_CODES)
        return ()
    found: dict[int, None] = {}
    async with request.app.state.pool.acquire() as db:
        for code in codes:
            likely = await products.look_up(db, caller, code[:200], 20)
            product = the_one(likely, code)
            if product is not None:
                found[product.id] = None
            elif len(form.errors) < MOST_WRONG:
                form.wrong("codes", "form.several_named" if likely else "form.no_product", typed=code[:200])
    return tuple(found)


def _shelves_in(form: Form) -> tuple[str, ...]:
    """The shelves that were typed, with commas or lines between them."""
    typed = [shelf for shelf in map(str.strip, re.split(r"[,;\n]", form["shelves"])) if shelf]
    if not typed:
        form.wrong("shelves", "form.empty")
        return ()
    try:
        return places_of(typed[:MOST_SHELVES])
    except Invalid:
        form.wrong("shelves", "stocktake.no_shelf")
        return ()


def _worth_in(form: Form) -> int | None:
    """The limit of second counts by value, in kopecks."""
    if not form["worth"].strip():
        return None
    try:
        return parse_roubles(form["worth"])
    except ValueError:
        form.wrong("worth", "stocktake.no_amount")
        return None


async def _form_page(request: Request, caller: Caller, form: Form, status: int) -> Response:
    async with request.app.state.pool.acquire() as db:
        visitor, own = await visitor_of(request, db, caller), await stores_of(db, caller)
        known = await categories.list_page(db, {}, False, MOST_CATEGORIES)
    by_id = {one.id: one for one in known}
    named = [(one.id, " / ".join(_name(by_id[up], request) for up in one.path if up in by_id)) for one in known]
    return show(
        request,
        visitor,
        "stocktake_form.html",
        status,
        form=form,
        stores=own,
        categories=sorted(named, key=lambda one: one[1]),
    )


def _name(category: Any, request: Request) -> str:
    return str(category.name_en if pages.language_of(request) == "en" else category.name_ru)
