"""Route: what people buy with products, for their car; and what stands for those that are out of stock."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.products import store as products
from autoshop.catalog.products.model import Product
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.fields import Spoken
from autoshop.kit.text import NOT_BLANK
from autoshop.selection.crosses.answers import ProductAnalogOut, out
from autoshop.selection.fitment.api import Engine
from autoshop.selection.recommendations import service
from autoshop.selection.recommendations.model import Recommended

router = APIRouter(prefix="/api/v1/recommendations", tags=["selection"])

MOST_PRODUCTS = 100


class RecommendedOut(BaseModel):
    """A product that goes with those that were named; in how many purchases it was `together` with one of them."""

    product_id: int
    brand: str
    article: str
    name: str
    price_kopecks: int | None
    together: int


class SubstitutesOut(BaseModel):
    """What may stand for a product that no store has: in stock, by fit, then by time to the buyer, then by price."""

    product_id: int
    items: list[ProductAnalogOut]


class RecommendationsOut(BaseModel):
    """`substitutes`: of the first few of the asked products that are out of stock."""

    items: list[RecommendedOut]
    substitutes: list[SubstitutesOut]


@router.get("")
async def recommend(
    request: Request,
    lang: Spoken,
    caller: Annotated[Caller, needs("catalog:read")],
    product_id: Annotated[
        list[Annotated[int, Query(ge=1, lt=2**63)]],
        Query(min_length=1, max_length=MOST_PRODUCTS, description="what is looked at, or lies in the cart"),
    ],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    vehicle: Annotated[
        str | None, Query(min_length=1, max_length=200, pattern=NOT_BLANK, description="the buyer's car: lada/vesta/i")
    ] = None,
    engine: Engine = None,
) -> RecommendationsOut:
    """What people buy together with these, the best first (it is counted at night); for a car, what suits it.

    Parts that are bound to cars are left out unless they are told to fit it, liquids by spec and the like are not.
    """
    if engine is not None and vehicle is None:
        reason = "an engine is one of a vehicle: name it"
        raise Invalid(reason, errors=[wrong("engine", reason)])
    now = datetime.now(UTC)
    async with request.app.state.pool.acquire() as db:
        if vehicle is None:
            found = await service.goes_with(db, product_id, limit)
        else:
            found = await service.goes_with_for_car(db, product_id, limit, vehicle, engine)
        known = await products.find_many(db, [one.product_id for one in found], cost=False)
        missing = await service.substitutes(db, caller, product_id, now, vehicle, engine)
    return RecommendationsOut(
        items=[_recommended(one, known[one.product_id]) for one in found if one.product_id in known],
        substitutes=[
            SubstitutesOut(product_id=each.product.id, items=out(each, caller, now, lang).items) for each in missing
        ],
    )


def _recommended(one: Recommended, product: Product) -> RecommendedOut:
    return RecommendedOut(
        product_id=product.id,
        brand=product.brand,
        article=product.article,
        name=product.name,
        price_kopecks=product.prices.get("retail"),
        together=one.together,
    )
