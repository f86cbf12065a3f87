"""Page: a product, where it can be had and when, what may stand for it, and which cars it fits."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from autoshop.accounts.access import anybody
from autoshop.accounts.model import ANONYMOUS
from autoshop.catalog.products import service as products
from autoshop.catalog.products.model import Product
from autoshop.inventory.availability import service as availability
from autoshop.inventory.availability.service import AtStore
from autoshop.inventory.availability.texts import eta_text
from autoshop.kit.language import Language
from autoshop.kit.text import NO_NUL
from autoshop.selection.crosses import analogs, answers
from autoshop.selection.fitment import service as fitment
from autoshop.selection.vehicles.facts import known
from autoshop.web.pages import language_of, see_other
from autoshop.web.shop.shown import show

router = APIRouter(prefix="/products", include_in_schema=False, dependencies=[anybody])

MOST_ANALOGS = 12
MOST_CARS = 200
RETAIL = "retail"
CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        [
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "e",
            "zh",
            "z",
            "i",
            "y",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "h",
            "c",
            "ch",
            "sh",
            "sch",
            "",
            "y",
            "",
            "e",
            "yu",
            "ya",
        ],
        strict=True,
    )
)


@router.get("/{named}")
async def show_product(request: Request, named: Annotated[str, Path(max_length=300, pattern=NO_NUL)]) -> Response:
    """A product by its number; what follows the number says it to people and search engines."""
    number = re.match(r"\d{1,18}(?=-|$)", named)
    product_id = int(number[0]) if number else 0
    now, language, caller = datetime.now(UTC), language_of(request), ANONYMOUS
    async with request.app.state.pool.acquire() as db:
        product = await products.get_product(db, caller, product_id)
        if named != (own := f"{product.id}-{slug_of(product)}"):
            return see_other(f"/products/{own}")
        places = await availability.look_up(db, product.id, now)
        memory = request.app.state.memory
        found = await analogs.analogs_of(db, caller, product.id, None, now, memory)
        alike = answers.out(found, caller, now, language)
        cars = await fitment.fits_of(db, caller, product.id, ("", 0), MOST_CARS, memory)
    names = {one.vehicle: known().vehicles[one.vehicle] for _, one, _ in cars if one.vehicle in known().vehicles}
    return show(
        request,
        "product.html",
        canonical=f"/products/{own}",
        product=product,
        price=product.prices.get(RETAIL),
        places=[(place, eta_text(place.availability, place.store.calendar, now, language)) for place in places],
        alike=alike,
        most=MOST_ANALOGS,
        cars=list(names.values()),
        data=structured(product, places, str(request.base_url).rstrip("/") + f"/products/{own}", language),
    )


def slug_of(product: Product) -> str:
    """`NGK BPR6ES-11` → `ngk-bpr6es-11`, for people who read an address."""
    latin = "".join(CYRILLIC.get(one, one) for one in f"{product.brand} {product.article}".lower())
    return re.sub(r"[^0-9a-z]+", "-", latin).strip("-")


def structured(product: Product, places: list[AtStore], address: str, language: Language) -> dict[str, Any]:
    """The product as schema.org has it, for search engines."""
    told: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "brand": {"@type": "Brand", "name": product.brand},
        "mpn": product.article,
        "url": address,
        "inLanguage": language,
    }
    if product.prices.get(RETAIL) is not None:
        there = any(place.availability.status == "on_hand" for place in places)
        told["offers"] = {
            "@type": "Offer",
            "price": f"{product.prices[RETAIL] / 100:.2f}",
            "priceCurrency": "RUB",
            "availability": "https://schema.org/" + ("InStock" if there else "BackOrder"),
            "url": address,
        }
    return told
