"""Routes: one product, store by store, with status and ETA."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.availability import service
from autoshop.inventory.availability.model import UNAVAILABLE, Status
from autoshop.inventory.availability.service import AtStore
from autoshop.inventory.availability.texts import eta_text
from autoshop.inventory.stock.api import At, PastStock, Pieces, past_stock, pieces
from autoshop.kit.answers import IdempotencyKey, write_once
from autoshop.kit.db import Connection
from autoshop.kit.fields import PathId
from autoshop.kit.language import Language, language_of

router = APIRouter(prefix="/api/v1/inventory", tags=["inventory"])

AcceptLanguage = Annotated[str | None, Header(description="ru (default) or en: the language of eta_text")]


class Promise(BaseModel):
    """When a buyer can have it. All of `eta_*` but the text are null when `unavailable`."""

    status: Status
    eta_minutes: int | None
    eta_at: datetime | None
    eta_text: str


class ProductAtStore(Pieces, Promise):
    """`in_transit` = pieces on the way here; `from_store_id` = where a transfer would come from."""

    store_id: int
    store_code: str
    store_name: str
    in_transit: int
    from_store_id: int | None
    updated_at: datetime | None


class ProductTotals(Pieces):
    in_transit: int


class ProductStock(Promise):
    """A product in the whole network; its own status is the best of all stores."""

    product_id: int
    stores: list[ProductAtStore]
    totals: ProductTotals


@router.get("/{product_id}", dependencies=[needs("inventory:read")])
async def product_stock(
    request: Request, product_id: PathId, at: At = None, accept_language: AcceptLanguage = None
) -> ProductStock | PastStock:
    """Stock, status and ETA of a product at every store, and its totals; or, with `at`, its stock as it was."""
    now = datetime.now(UTC)
    async with request.app.state.pool.acquire() as db:
        found = await service.look_up(db, product_id, now)
        if at is not None:
            return await past_stock(db, [(product_id, here.store.id) for here in found], at, now)
    return answer(product_id, found, now, language_of(accept_language))


def answer(product_id: int, found: list[AtStore], now: datetime, language: Language) -> ProductStock:
    """What was found, as the API tells it."""
    stores = [
        ProductAtStore(
            store_id=here.store.id,
            store_code=here.store.code,
            store_name=here.store.name,
            **pieces(here.shelf.quantity, here.shelf.reserved),
            in_transit=here.in_transit,
            status=here.availability.status,
            eta_minutes=here.availability.eta_minutes(now),
            eta_at=here.availability.eta_at,
            eta_text=eta_text(here.availability, here.store.calendar, now, language),
            from_store_id=here.availability.from_store_id,
            updated_at=here.shelf.updated_at,
        )
        for here in found
    ]
    promised = [store for store in stores if store.eta_at is not None]
    best = min(promised, key=lambda store: (store.status != "on_hand", store.eta_at), default=None)
    return ProductStock(
        product_id=product_id,
        stores=stores,
        totals=ProductTotals(
            **pieces(sum(store.quantity for store in stores), sum(store.reserved for store in stores)),
            in_transit=sum(store.in_transit for store in stores),
        ),
        status=best.status if best else UNAVAILABLE.status,
        eta_minutes=best.eta_minutes if best else None,
        eta_at=best.eta_at if best else None,
        eta_text=best.eta_text if best else {"ru": "нет в наличии", "en": "not available"}[language],
    )


class LeadTime(BaseModel, extra="forbid"):
    days: Annotated[
        int | None, Field(ge=0, le=365, strict=True, description="days from order to shelf; null = unknown")
    ]


@router.put("/{product_id}/lead-time", status_code=204, response_class=Response)
async def set_lead_time(
    request: Request,
    product_id: PathId,
    body: LeadTime,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say how long the supplier needs for a product: then it is a `backorder`, not `unavailable`."""

    async def verb(db: Connection) -> dict[str, Any]:
        await service.set_lead_time(db, caller, product_id, body.days)
        return {}

    return await write_once(request, caller.actor, verb, 204)
