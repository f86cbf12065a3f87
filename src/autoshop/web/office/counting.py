"""Screen: counting on a phone. One form for a scan; a script may send it from a queue that outlives the network.

A count is sent as the form of the page, by a browser without scripts or by the queue (static/queue.js), which is told
by `HX-Request`. It gets what changed as a part of the page, marked with the count that was taken, and of a refusal the
problem document with the words for the reader. The count's own id makes a repeat the same count.
"""

import re
import secrets
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.catalog.products.model import Product
from autoshop.inventory.stocktakes import service, store
from autoshop.inventory.stocktakes.api import is_blind
from autoshop.inventory.stocktakes.counts import service as counting
from autoshop.inventory.stocktakes.counts import store as counts
from autoshop.inventory.stocktakes.counts.model import MOST_ROUNDS, UNSETTLED, Asked, Count
from autoshop.inventory.stocktakes.model import Line, Stocktake
from autoshop.inventory.stores import service as stores
from autoshop.kit.db import Connection
from autoshop.kit.errors import PROBLEM_JSON, Refusal, problem
from autoshop.kit.fields import PathId, of_our_time
from autoshop.warehouse.scan import service as scanning
from autoshop.warehouse.scan.model import MOST_CHARACTERS
from autoshop.web import forms, pages
from autoshop.web.forms import Form, Outcome, once
from autoshop.web.office import stocktake_review
from autoshop.web.office.movements import MOST_CHOICES, named
from autoshop.web.office.visitor import show, visitor_of

router = APIRouter(prefix="/office/stocktakes", include_in_schema=False)

MOST_COUNTED = 1_000_000
LAST = 12  # of one's counts, to be corrected
STILL = 30  # lines that are to be counted, on one page
AGAIN = 50  # lines that are to be counted again
_OUR_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")


@router.get("/{stocktake_id}")
async def show_stocktake(
    request: Request,
    stocktake_id: PathId,
    caller: Annotated[Caller, needs("inventory:read")],
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    done: stocktake_review.Done = "",
) -> Response:
    """The counting, while it goes on; afterwards what came of it."""
    async with request.app.state.pool.acquire() as db:
        stocktake = await service.get_stocktake(db, stocktake_id)
    if stocktake.status != "counting":
        return await stocktake_review.review_page(request, caller, stocktake_id, Form(), 200, done=done)
    return await _page(request, caller, stocktake_id, Form(), 200, [], after=after, done=done)


@router.get("/{stocktake_id}/progress")
async def show_progress(
    request: Request, stocktake_id: PathId, caller: Annotated[Caller, needs("inventory:read")]
) -> Response:
    """The part of the page that others change too: how far it is, and what is still to be counted."""
    return await _page(request, caller, stocktake_id, Form(), 200, [], template="_progress.html")


@router.post("/{stocktake_id}/counts")
async def take_count(
    request: Request, stocktake_id: PathId, caller: Annotated[Caller, needs("inventory:write")]
) -> Response:
    """Take one count: a code that was scanned or typed, or a product; how many, or one."""
    form = await forms.read(request)
    async with request.app.state.pool.acquire() as db:
        stocktake = await service.get_stocktake(db, stocktake_id)
        product, choices = await _meant(db, caller, form, stocktake.store_id)
        asked, sent_at = _asked(form, product), _moment(form, "sent_at")
        if product is not None:
            await _must_not_be_past(db, form, stocktake, product, asked)
    outcome = Outcome(status=422)
    if not form.errors:

        async def verb(db: Connection) -> dict[str, Any]:
            await counting.take_counts(db, caller, stocktake_id, [asked], sent_at)
            return {"client_id": asked.client_id}

        outcome = await _tried(request, caller, form, verb)
    return await _answer(request, caller, stocktake_id, form, outcome, choices, asked.client_id)


@router.post("/{stocktake_id}/retractions")
async def take_back(
    request: Request, stocktake_id: PathId, caller: Annotated[Caller, needs("inventory:write")]
) -> Response:
    """Take one count back; with `less`, put one of a piece less in its place."""
    form = await forms.read(request)
    count_id, less_id = _id(form, "count"), _id(form, "client_id")

    async def verb(db: Connection) -> dict[str, Any]:
        known = await counts.known(db, stocktake_id, [count_id])
        await counting.take_back(db, caller, stocktake_id, [count_id])
        if form["less"] and known[count_id].pieces > 1:
            await counting.take_counts(db, caller, stocktake_id, [_less(known[count_id], less_id)])
        return {"client_id": less_id}

    outcome = Outcome(status=422)
    if not form.errors:
        outcome = await _tried(request, caller, form, verb)
    return await _answer(request, caller, stocktake_id, form, outcome, [], less_id)


def _less(count: Count, client_id: str) -> Asked:
    """The same look with a piece less: at its own moment, since nobody looked anew."""
    return Asked(client_id, count.product_id, count.pieces - 1, count.mode, count.round, count.counted_at, count.device)


# ------------------------------------------------------------------------------------------------ what was sent
async def _meant(db: Connection, caller: Caller, form: Form, store_id: int) -> tuple[Product | None, list[Product]]:
    """The product that was scanned, typed or chosen; else those to choose among, and an error."""
    number = form["product"] or form["code_id"]
    if number.isascii() and number.isdecimal() and len(number) < 18:
        return await products.get_product(db, caller, int(number)), []
    typed = form.text("code", MOST_CHARACTERS)
    if typed is None or form.error_of("code"):
        form.wrong("code", "form.empty")
        return None, []
    scanned = await scanning.scan(db, caller, typed, store_id)
    hits = [hit for hit in scanned.hits if hit.by != "shelf"]
    if scanned.document is not None or (scanned.hits and not hits):
        form.wrong("code", "stocktake.no_product_code", typed=typed[:60])
        return None, []
    if not hits:
        return await named(db, caller, form, "code")
    found = await products.get_products(db, caller, [hit.product_id for hit in hits])
    if len(hits) > 1 or hits[0].by == "article_loose":
        form.wrong("code", "form.several", typed=typed[:60])
        return None, [found[hit.product_id] for hit in hits]
    if scanned.reading.indicator and not form["pieces"].strip():
        form.wrong("pieces", "stocktake.case")
    return found[hits[0].product_id], []


async def _must_not_be_past(db: Connection, form: Form, stocktake: Stocktake, product: Product, asked: Asked) -> None:
    """A piece of an earlier round is nothing where a later one was counted: say so, instead of losing it."""
    if await counts.known(db, stocktake.id, [asked.client_id]):
        return
    found = await _lines(db, stocktake, {"product_ids": [product.id]}, 1)
    if found and (found[0].round or 1) > asked.round:
        form.wrong("code", "stocktake.counted_again", product=product.article, counted=found[0].counted)


def _asked(form: Form, product: Product | None) -> Asked:
    mode = form.choice("mode", ("add", "set")) if form["mode"] else "add"
    pieces = form.whole("pieces", 0, MOST_COUNTED) if form["pieces"].strip() or mode == "set" else 1
    return Asked(
        client_id=_id(form, "client_id"),
        product_id=product.id if product else 0,
        pieces=pieces,
        mode="set" if mode == "set" else "add",
        round=form.whole("round", 1, MOST_ROUNDS) if form["round"] else 1,
        counted_at=_moment(form, "counted_at"),
        device=(form.text("device", 60) or "browser"),
    )


def _id(form: Form, name: str) -> str:
    """A count's own id, made by the page or the queue; one that was not sent is new."""
    sent = form[name]
    if sent and not _OUR_ID.fullmatch(sent):
        form.wrong("", "stocktake.no_id")
    return sent or secrets.token_urlsafe(12)


def _moment(form: Form, name: str) -> datetime | None:
    """A moment as a script writes it; None where none was sent."""
    if not form[name]:
        return None
    try:
        at = of_our_time(datetime.fromisoformat(form[name]))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        form.wrong("", "stocktake.no_moment")
        return None
    return at


# ------------------------------------------------------------------------------------------------ what is answered
async def _tried(request: Request, caller: Caller, form: Form, verb: Any) -> Outcome:
    """Do it; whoever sends from a queue is told of every refusal in words, also of those that have a page."""
    try:
        return await once(request, caller, form, verb, "code", lambda document, _: quote(document["client_id"]))
    except Refusal as refusal:
        if not pages.is_fragment(request) or refusal.status not in (403, 413):
            raise
        form.refused("code", refusal.problem())
        return Outcome(status=refusal.status)


async def _answer(
    request: Request,
    caller: Caller,
    stocktake_id: int,
    form: Form,
    outcome: Outcome,
    choices: list[Product],
    client_id: str,
) -> Response:
    if outcome.address is not None and not pages.is_fragment(request):
        return pages.see_other(f"/office/stocktakes/{stocktake_id}")
    if outcome.address is not None:
        return await _page(request, caller, stocktake_id, Form(), 200, [], taken=client_id, template="_counted.html")
    if not pages.is_fragment(request):
        return await _page(request, caller, stocktake_id, form, outcome.status, choices)
    language = pages.language_of(request)
    told = problem(
        outcome.status,
        "Not counted",
        "The count was not taken; `said` tells why",
        said=" ".join(pages.sentence_of(language, error) for error in form.errors),
        choices=[{"id": one.id, "name": f"{one.article} {one.brand}"} for one in choices[:MOST_CHOICES]],
    )
    return Response(msgspec.json.encode(told), outcome.status, media_type=PROBLEM_JSON)


async def _page(
    request: Request,
    caller: Caller,
    stocktake_id: int,
    form: Form,
    status: int,
    choices: list[Product],
    *,
    template: str = "counting.html",
    taken: str = "",
    after: int = 0,
    done: str = "",
) -> Response:
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
        stocktake = await service.get_stocktake(db, stocktake_id)
        facts = await _facts(db, caller, stocktake, after, only_counted=template == "_counted.html")
    return show(
        request,
        visitor,
        template,
        status,
        here=f"/office/stocktakes/{stocktake_id}",
        form=form,
        choices=choices[:MOST_CHOICES],
        stocktake=stocktake,
        blind=is_blind(caller, stocktake),
        may_count=visitor.may_write(stocktake.store_id) and stocktake.status == "counting",
        may_approve=stocktake_review.may_approve(visitor, stocktake),
        taken=taken,
        done=done,
        **facts,
    )


async def _facts(
    db: Connection, caller: Caller, stocktake: Stocktake, after: int, *, only_counted: bool
) -> dict[str, Any]:
    """What one has counted; and unless only that is shown, how far all are."""
    last = await counts.last_of(db, stocktake.id, caller.actor, LAST)
    lines = await _lines(db, stocktake, {"product_ids": [count.product_id for count in last]}, LAST)
    facts: dict[str, Any] = {"last": last, "lines": {line.product_id: line for line in lines}}
    shown = list(facts["lines"])
    if not only_counted:
        again = [line for status in UNSETTLED for line in await _lines(db, stocktake, {"status": status}, AGAIN)]
        still = await _lines(db, stocktake, {"status": "to_count", "after_id": after}, STILL + 1)
        facts |= {
            "by_status": await store.by_status(db, stocktake.id),
            "again": again,
            "still": still[:STILL],
            "next_after": still[STILL - 1].product_id if len(still) > STILL else 0,
            "place": await stores.get_store(db, stocktake.store_id),
        }
        shown += [line.product_id for line in (*again, *still)]
    return facts | {"products": await products.get_products(db, caller, shown)}


async def _lines(db: Connection, stocktake: Stocktake, filters: dict[str, Any], limit: int) -> list[Line]:
    return await store.lines(db, {"stocktake_id": stocktake.id, **filters}, limit)
