"""Route: what people buy with products."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.products import store as products
from autoshop.selection.recommendations import service

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


class RecommendationsOut(BaseModel):
    items: list[RecommendedOut]


@router.get("")
async def recommend(
    request: Request,
    caller: Annotated[Caller, needs("catalog:read")],
    product_id: Annotated[
        list[Annotated[int, Query(ge=1, lt=2**63)]],
        Query(min_length=1, max_length=MOST_PRODUCTS, description="what is looked at, or lies in the cart"),
    ],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> RecommendationsOut:
    """What people buy together with these, the best first. It is counted at night."""
    pool = request.app.state.pool
    found = await service.goes_with(pool, product_id, limit)
    known = await products.find_many(pool, [one.product_id for one in found], cost=False)
    return RecommendationsOut(
        items=[
            RecommendedOut(
                product_id=one.product_id,
                brand=known[one.product_id].brand,
                article=known[one.product_id].article,
                name=known[one.product_id].name,
                price_kopecks=known[one.product_id].prices.get("retail"),
                together=one.together,
            )
            for one in found
            if one.product_id in known
        ]
    )
