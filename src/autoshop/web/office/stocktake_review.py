"""Screens: what a stocktake has found, and its end: review, another count, approval, cancellation."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.inventory.movements import service as movements
from autoshop.inventory.stocktakes import service, store
from autoshop.inventory.stocktakes.api import is_blind
from autoshop.inventory.stocktakes.approval import service as approving
from autoshop.inventory.stocktakes.approval import store as approvals
from autoshop.inventory.stocktakes.counts.model import UNSETTLED
from autoshop.inventory.stocktakes.model import CountedBlind, Line, Stocktake
from autoshop.inventory.stores import service as stores
from autoshop.inventory.value import service as value
from autoshop.inventory.value.model import MICRO, nearest
from autoshop.kit.db import Connection
from autoshop.kit.fields import PathId
from autoshop.kit.paging import Cursor, decode_cursor, page_of
from autoshop.web import forms, pages
from autoshop.web.forms import Form, once
from autoshop.web.office.visitor import Visitor, show, visitor_of

router = APIRouter(prefix="/office/stocktakes", include_in_schema=False)

ON_PAGE = 50
MOST_VALUED = 2_000  # differences whose value is added up while somebody waits
DIFFERENCES = "stocktake differences"
Done = Literal["reviewed", "asked", "reopened", "cancelled", "approved", ""]
Approver = Annotated[Caller, needs("inventory:approve")]


def may_approve(visitor: Visitor, stocktake: Stocktake) -> bool:
    """Whether he may end it."""
    return visitor.caller.may("inventory:approve") and visitor.caller.acts_for(stocktake.store_id)


@router.get("/{stocktake_id}/review")
async def show_review(
    request: Request, stocktake_id: PathId, caller: Annotated[Caller, needs("inventory:read")], page: Cursor = None
) -> Response:
    """The differences, the largest first."""
    return await review_page(request, caller, stocktake_id, Form(), 200, page=page)


@router.post("/{stocktake_id}/review")
async def review(request: Request, stocktake_id: PathId, caller: Approver) -> Response:
    """End the counting; what nobody counted is left, or, if he ticked that he looked, is not there."""
    form = await forms.read(request)
    uncounted = form.choice("uncounted", ("leave", "zero"))

    async def verb(db: Connection) -> Any:
        zero = "zero" if uncounted == "zero" else "leave"
        return await approving.review(db, caller, stocktake_id, zero, form["confirm_zero"] == "yes")  # type: ignore[arg-type]

    return await _done(request, caller, stocktake_id, form, verb, "reviewed")


@router.post("/{stocktake_id}/second-counts")
async def count_again(request: Request, stocktake_id: PathId, caller: Approver) -> Response:
    """Have the products that are ticked counted once more; from a review, that leads back to the counting."""
    form = await forms.read(request)
    ticked = [int(name[6:]) for name in form.values if name.startswith("again-") and name[6:].isdecimal()]
    if not ticked or any(product_id >= 2**63 for product_id in ticked):
        form.wrong("", "stocktake.none_ticked")

    async def verb(db: Connection) -> Any:
        stocktake = await service.get_locked(db, stocktake_id)
        if stocktake.status == "review":
            await approving.reopen(db, caller, stocktake_id, None)
        return await service.ask_again(db, caller, stocktake_id, ticked)

    return await _done(request, caller, stocktake_id, form, verb, "asked")


@router.post("/{stocktake_id}/reopening")
async def reopen(request: Request, stocktake_id: PathId, caller: Approver) -> Response:
    """Count on."""
    form = await forms.read(request)

    async def verb(db: Connection) -> Any:
        return await approving.reopen(db, caller, stocktake_id, None)

    return await _done(request, caller, stocktake_id, form, verb, "reopened")


@router.post("/{stocktake_id}/cancellation")
async def cancel(request: Request, stocktake_id: PathId, caller: Approver) -> Response:
    """End it, and leave the ledger as it is."""
    form = await forms.read(request)
    reason = form.text("reason", 500)

    async def verb(db: Connection) -> Any:
        return await approving.cancel(db, caller, stocktake_id, reason)

    return await _done(request, caller, stocktake_id, form, verb, "cancelled")


@router.get("/{stocktake_id}/approval")
async def confirm_approval(request: Request, stocktake_id: PathId, caller: Approver) -> Response:
    """What would be posted, in one sentence, and the button that posts it."""
    return await review_page(request, caller, stocktake_id, Form(), 200, template="stocktake_approval.html")


@router.post("/{stocktake_id}/approval")
async def approve(request: Request, stocktake_id: PathId, caller: Approver) -> Response:
    """Post the differences that were shown."""
    form = await forms.read(request)
    version = form.whole("version", 0, 2**31 - 1)
    reason = form.text("reason", 500)

    async def verb(db: Connection) -> Any:
        unsettled = "leave" if form["unsettled"] == "leave" else "refuse"
        return await approving.approve(db, caller, stocktake_id, version, unsettled, reason)  # type: ignore[arg-type]

    return await _done(request, caller, stocktake_id, form, verb, "approved", "stocktake_approval.html")


async def _done(
    request: Request,
    caller: Caller,
    stocktake_id: int,
    form: Form,
    verb: Any,
    done: str,
    template: str = "stocktake_review.html",
) -> Response:
    """Run a verb of the approval, once for the form's key; its refusal comes back on the page it was sent from."""
    status = 422
    if not form.errors:

        async def told(db: Connection) -> dict[str, Any]:
            stocktake: Stocktake = await verb(db)
            return {"stocktake_id": stocktake.id}

        def address(document: dict[str, Any], _: bool) -> str:
            return f"/office/stocktakes/{document['stocktake_id']}?done={done}"

        outcome = await once(request, caller, form, told, "", address)
        if outcome.address is not None:
            return pages.see_other(outcome.address)
        status = outcome.status
    return await review_page(request, caller, stocktake_id, form, status, template=template)


@router.get("/{stocktake_id}/movements")
async def show_movements(
    request: Request, stocktake_id: PathId, caller: Annotated[Caller, needs("inventory:read")], page: Cursor = None
) -> Response:
    """What its approval has posted."""
    cursor = decode_cursor(page, "movements", int)
    async with request.app.state.pool.acquire() as db:
        stocktake = await service.get_stocktake(db, stocktake_id)
        visitor = await visitor_of(request, db, caller)
        filters = {
            "related_document": stocktake.name,
            "store_id": stocktake.store_id,
            "before_id": cursor[0] if cursor else None,
        }
        found, _ = await movements.list_movements(db, filters, ON_PAGE + 1, cost=False)
        known = await products.get_products(db, caller, [moved.product_id for moved in found])
        place = await stores.get_store(db, stocktake.store_id)
    posted, next_page = page_of(found, ON_PAGE, "movements", lambda moved: (moved.id,))
    return show(
        request,
        visitor,
        "stocktake_movements.html",
        stocktake=stocktake,
        posted=posted,
        products=known,
        place=place,
        next_page=next_page,
    )


# ------------------------------------------------------------------------------------------------ the page
async def review_page(
    request: Request,
    caller: Caller,
    stocktake_id: int,
    form: Form,
    status: int,
    *,
    page: str | None = None,
    done: str = "",
    template: str = "stocktake_review.html",
) -> Response:
    """How it stands, and what may be done about it. Who counts blind sees no differences while the counting goes on."""
    cursor = decode_cursor(page, DIFFERENCES, int, int)
    async with request.app.state.pool.acquire() as db:
        visitor = await visitor_of(request, db, caller)
        stocktake = await service.get_stocktake(db, stocktake_id)
        if is_blind(caller, stocktake):
            raise CountedBlind(stocktake_id=stocktake_id)
        filters = {"stocktake_id": stocktake_id, "after_difference": list(cursor) if cursor else None}
        found = await store.lines(db, filters, ON_PAGE + 1, by_difference=True)
        lines, next_page = page_of(found, ON_PAGE, DIFFERENCES, lambda line: (line.rank, line.product_id))
        by_status = await store.by_status(db, stocktake_id)
        differences = await approvals.differences(db, stocktake_id)
        place = await stores.get_store(db, stocktake.store_id)
        costs = await _costs(db, caller, differences, lines)
        known = await products.get_products(db, caller, [line.product_id for line in lines])
    return show(
        request,
        visitor,
        template,
        status,
        here=f"/office/stocktakes/{stocktake_id}",
        form=form,
        stocktake=stocktake,
        place=place,
        lines=lines,
        next_page=next_page,
        by_status=by_status,
        unsettled=sum(by_status.get(one, 0) for one in UNSETTLED),
        plus=sum(one for one in differences.values() if one > 0),
        minus=-sum(one for one in differences.values() if one < 0),
        differing=len(differences),
        worth=None if costs is None else {product_id: _worth(costs, product_id, differences) for product_id in costs},
        worth_all=_worth_of_all(costs, differences),
        products=known,
        done=done,
        may_approve=may_approve(visitor, stocktake),
    )


async def _costs(
    db: Connection, caller: Caller, differences: dict[int, int], lines: list[Line]
) -> dict[int, int] | None:
    """Average costs of what differs; None for whoever may not see costs. Of very many only those on the page."""
    if not caller.may("cost:read"):
        return None
    wanted = [line.product_id for line in lines if line.product_id in differences]
    if len(differences) <= MOST_VALUED:
        wanted = list(differences)
    return await value.averages(db, wanted) if wanted else {}


def _worth(costs: dict[int, int], product_id: int, differences: dict[int, int]) -> int:
    return nearest(costs[product_id] * differences.get(product_id, 0), MICRO)


def _worth_of_all(costs: dict[int, int] | None, differences: dict[int, int]) -> tuple[int, int] | None:
    """The value of all differences in kopecks, and of how many products nobody told the cost; None: not known."""
    if costs is None or len(differences) > MOST_VALUED:
        return None
    return sum(_worth(costs, one, differences) for one in costs), len(differences) - len(costs)
