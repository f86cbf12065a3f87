"""Page: the door of the shop. One box, and the ways in for whoever has nothing to type."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from autoshop.accounts.access import anybody
from autoshop.inventory.stores import store as stores
from autoshop.inventory.stores.model import Calendar
from autoshop.selection.garage.texts import title_of
from autoshop.selection.vehicles import service as vehicles
from autoshop.selection.vehicles.facts import known as known_vehicles
from autoshop.web.pages import LANGUAGE_COOKIE, YEAR_SECONDS, see_other
from autoshop.web.shop.cars import shelf
from autoshop.web.shop.garage import cars_of
from autoshop.web.shop.shown import show

router = APIRouter(include_in_schema=False, dependencies=[anybody])

SHOWN_FIRST = (
    *("Lada", "Kia", "Hyundai", "Renault", "Volkswagen", "Skoda", "Toyota", "Nissan", "Ford", "Chevrolet"),
    *("Mazda", "Mitsubishi", "Chery", "Haval", "Geely", "GAZ", "UAZ", "BMW", "Mercedes-Benz", "Audi"),
)  # half of the cars on the roads of the country; all others are a tap further

MOST_BACK = 8_000  # characters of an address: that of a long search


@router.get("/")
async def home(request: Request) -> Response:
    """The box, the makes that most people drive, the stores."""
    async with request.app.state.pool.acquire() as db:
        open_stores = await stores.in_business(db)
        garage = await cars_of(request, db)
    facts = known_vehicles()
    known = {make.make: make for make, _ in vehicles.makes()}
    return show(
        request,
        "home.html",
        canonical="/",
        makes=[known[name] for name in SHOWN_FIRST],
        slugs={make.make: slug for slug, make in shelf().makes.items()},
        garage=[(one, title_of(facts.vehicles.get(one.vehicle), one)) for one in garage],
        stores=open_stores,
        opens={store.id: _open_till(store.calendar, datetime.now(UTC)) for store in open_stores},
    )


def _open_till(calendar: Calendar, now: datetime) -> str | None:
    """When a store that is open closes, on its own clock; None where it is closed."""
    if calendar.next_open(now) != now:
        return None
    closes = calendar.closes_after(now)
    return f"{closes.astimezone(calendar.zone):%H:%M}" if closes else "24:00"


@router.post("/language")
async def speak(language: Annotated[str, Form()] = "ru", back: Annotated[str, Form()] = "/") -> Response:
    """Russian or English from now on, on the page where one is."""
    inside = len(back) <= MOST_BACK and re.fullmatch(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?", back)
    answer = see_other(back if inside else "/")
    answer.set_cookie(LANGUAGE_COOKIE, "en" if language == "en" else "ru", max_age=YEAR_SECONDS, samesite="lax")
    return answer
