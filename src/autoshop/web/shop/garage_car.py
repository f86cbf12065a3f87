"""Page: a car of mine. What is due of it and why, what was read and done, and the forms to say so."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import anybody
from autoshop.kit.db import Connection
from autoshop.kit.errors import NotFound, PreconditionFailed, Refusal
from autoshop.kit.language import Language
from autoshop.selection.garage import service, texts
from autoshop.selection.garage.model import MOST_CHARACTERS, MOST_KM, Owner, UnknownCar
from autoshop.selection.kits.facts import known as kits
from autoshop.selection.vehicles.facts import known as vehicles
from autoshop.selection.vin import texts as vin_texts
from autoshop.selection.vin.facts import known as vin_facts
from autoshop.selection.vin.typed import understood
from autoshop.web import forms
from autoshop.web.forms import Form
from autoshop.web.pages import language_of, see_other
from autoshop.web.shop.garage import DONE, MOST_TYPED, CarId, Verb, token_of, write
from autoshop.web.shop.shown import show

router = APIRouter(prefix="/garage/cars", include_in_schema=False, dependencies=[anybody])

OTHER = "other"  # among the kits: something else, in words
LineId = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("/{car_id}")
async def show_car(request: Request, car_id: CarId, done: Annotated[str, Query(max_length=20)] = "") -> Response:
    """A car: what is due, what was read and done, and the forms to say so."""
    return await _page(request, car_id, Form(), done=done)


async def _page(request: Request, car_id: int, form: Form, status: int = 200, *, done: str = "") -> Response:
    token, language = token_of(request), language_of(request)
    if token is None:
        raise UnknownCar(car_id=car_id)
    async with request.app.state.pool.acquire() as db:
        found = await service.look_at(db, Owner.of_token(token), car_id, datetime.now(UTC))
    engines = list(dict.fromkeys(one.code for one in vehicles().engines.get(found.car.vehicle, ()) if one.code))
    return show(
        request,
        "garage_car.html",
        status,
        canonical=None,
        form=form,
        one=found,
        engines=engines,
        kits=[(kit.kit, kit.en if language == "en" else kit.ru) for kit in kits().kits.values()],
        other=OTHER,
        done=done if done in DONE else "",
        title_of=texts.title_of,
        due=texts,
        kit_page=service.kit_page,
        most_characters=MOST_CHARACTERS,
        most_km=MOST_KM,
    )


@router.post("/{car_id}")
async def change(request: Request, car_id: CarId) -> Response:
    """Name, year, engine and VIN as they are in the form; empty: not known."""
    form = await forms.read(request)
    changes: dict[str, Any] = {
        "name": form.text("name", MOST_CHARACTERS),
        "year": form.whole("year", 1900, 2100) if form["year"].strip() else None,
        "engine": form.text("engine", 60),
        "vin": _vin(form, language_of(request)),
    }
    version = form.whole("version", 1, 2**31 - 1)

    async def verb(db: Connection, owner: Owner, now: datetime) -> None:
        await service.change_car(db, owner, car_id, version, changes, now)

    return await _done(request, car_id, form, verb, "changed", "")


@router.post("/{car_id}/removal")
async def take_out(request: Request, car_id: CarId) -> Response:
    """Out, until it is put back."""

    async def verb(db: Connection, owner: Owner, now: datetime) -> None:
        await service.remove_car(db, owner, car_id, now)

    return await _done(request, car_id, Form(), verb, "removed", "", f"/garage?done=removed&car={car_id}")


# ------------------------------------------------------------------------------------------------ read and done
@router.post("/{car_id}/readings")
async def write_reading(request: Request, car_id: CarId) -> Response:
    """What the odometer says."""
    form = await forms.read(request)
    km, on = form.whole("reading_km", 0, MOST_KM), _day(form, "read_on")

    async def verb(db: Connection, owner: Owner, now: datetime) -> None:
        await service.add_reading(db, owner, car_id, km, on, now)

    return await _done(request, car_id, form, verb, "read", "reading_km")


@router.post("/{car_id}/services")
async def write_service(request: Request, car_id: CarId) -> Response:
    """What was done, and when or at which mileage."""
    form = await forms.read(request)
    kit = form.choice("kit", (*kits().kits, OTHER))
    what = form.text("what", MOST_CHARACTERS) if kit == OTHER else None
    if kit == OTHER and what is None and not form.error_of("what"):
        form.wrong("what", "form.empty")
    km = form.whole("done_km", 0, MOST_KM) if form["done_km"].strip() else None
    on = _day(form, "done_on")
    if on is None and km is None and not form.error_of("done_on") and not form.error_of("done_km"):
        form.wrong("done_on", "s_garage.when")

    async def verb(db: Connection, owner: Owner, now: datetime) -> None:
        await service.add_done(db, owner, car_id, None if kit == OTHER else kit, what, on, km, now)

    return await _done(request, car_id, form, verb, "done", "done_km" if km is not None else "done_on")


@router.post("/{car_id}/readings/{line_id}/removal")
async def take_reading_back(request: Request, car_id: CarId, line_id: LineId) -> Response:
    """It was a slip of the pen."""

    async def verb(db: Connection, owner: Owner, now: datetime) -> None:
        await service.remove_reading(db, owner, car_id, line_id)

    return await _done(request, car_id, Form(), verb, "changed", "")


@router.post("/{car_id}/services/{line_id}/removal")
async def take_service_back(request: Request, car_id: CarId, line_id: LineId) -> Response:
    """It was not done after all."""

    async def verb(db: Connection, owner: Owner, now: datetime) -> None:
        await service.remove_done(db, owner, car_id, line_id)

    return await _done(request, car_id, Form(), verb, "changed", "")


async def _done(
    request: Request, car_id: int, form: Form, verb: Verb, done: str, field: str, address: str | None = None
) -> Response:
    """Do it and look at the car; or the car's page with what is wrong, and what was typed."""
    if form.errors:
        return await _page(request, car_id, form, 422)
    try:
        await write(request, car_id, verb)
    except NotFound:
        raise
    except PreconditionFailed as refusal:
        form.refused("", refusal.problem())
        for name, found in refusal.facts["differs"].items():
            form.wrong(name, "s_garage.now_is", current=found["current"] or "—")
        return await _page(request, car_id, form, refusal.status)
    except Refusal as refusal:
        form.refused(field, refusal.problem())
        return await _page(request, car_id, form, refusal.status)
    return see_other(address or f"/garage/cars/{car_id}?done={done}")


def _day(form: Form, name: str) -> date | None:
    """A day as browsers send it; None where nothing was typed (or it is none, and an error)."""
    typed = form[name].strip()
    if not typed:
        return None
    try:
        if len(typed) == len("2026-12-31"):
            return date.fromisoformat(typed)
    except ValueError:
        pass
    form.wrong(name, "s_garage.no_day")
    return None


def _vin(form: Form, language: Language) -> str | None:
    """A VIN as it was typed, read as VINs are."""
    typed = form["vin"][:MOST_TYPED].strip()
    if not typed:
        return None
    read = understood(typed, vin_facts().is_wmi)
    if read.vin is None:
        form.wrong("vin", "s_garage.no_vin", why=vin_texts.looks_like(read, language))
    return read.vin
