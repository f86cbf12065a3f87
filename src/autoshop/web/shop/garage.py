"""Page: my cars and what is due of them. Whose browser it is, a cookie says, which is set when a car is put in.

Nothing here is for search engines, and a VIN is never in an address: it is sent by forms.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import anybody
from autoshop.kit.db import Connection, transaction
from autoshop.kit.errors import NotFound, Refusal
from autoshop.kit.idempotency import once
from autoshop.selection.garage import service, store, texts
from autoshop.selection.garage.model import MOST_CARS, Car, Owner, UnknownCar, new_token
from autoshop.selection.vin import service as vins
from autoshop.selection.vin import texts as vin_texts
from autoshop.selection.vin.facts import known as vin_facts
from autoshop.selection.vin.model import Candidate
from autoshop.selection.vin.typed import understood
from autoshop.web import forms
from autoshop.web.forms import Form
from autoshop.web.pages import YEAR_SECONDS, language_of, see_other
from autoshop.web.shop.shown import show

router = APIRouter(prefix="/garage", include_in_schema=False, dependencies=[anybody])

COOKIE = "autoshop_garage"
TOKEN_CHARACTERS = range(20, 101)
MOST_TYPED = 10_000
SHOWN_CHARACTERS = 200  # of what was typed and is no VIN
SHOWN_DUE = 3  # of each car in the list
CarId = Annotated[int, Path(ge=1, lt=2**63)]
Verb = Callable[[Connection, Owner, datetime], Awaitable[None]]
DONE = ("added", "there", "changed", "read", "done", "removed", "back", "forgotten")


def token_of(request: Request) -> str | None:
    """What the browser keeps, as far as it can be one of ours."""
    token = request.cookies.get(COOKIE, "")
    return token if len(token) in TOKEN_CHARACTERS and token.isascii() else None


async def cars_of(request: Request, db: Connection) -> list[Car]:
    """The cars of whoever looks, for other pages: nothing is asked of a browser without a garage."""
    token = token_of(request)
    return await store.cars(db, Owner.of_token(token)) if token is not None else []


# ------------------------------------------------------------------------------------------------ looking
@router.get("")
async def show_garage(
    request: Request,
    done: Annotated[str, Query(max_length=20)] = "",
    car: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Response:
    """The cars with what is due first; the ways to put one in."""
    return await _list(request, Form(), done=done, car_id=car)


async def _list(
    request: Request, form: Form, status: int = 200, *, done: str = "", car_id: int | None = None, **more: Any
) -> Response:
    token, now = token_of(request), datetime.now(UTC)
    cars: list[service.InGarage] = []
    if token is not None:
        owner = Owner.of_token(token)
        async with transaction(request.app.state.pool) as db:
            await service.see(db, owner, now)
            cars = await service.look(db, owner, now)
    facts: dict[str, Any] = {"choices": [], "vin": "", "removed": car_id if done == "removed" else None}
    return show(
        request,
        "garage.html",
        status,
        canonical=None,
        form=form,
        cars=cars,
        room=len(cars) < MOST_CARS,
        most=MOST_CARS,
        shown=SHOWN_DUE,
        done=done if done in DONE else "",
        title_of=texts.title_of,
        due=texts,
        kit_page=service.kit_page,
        **facts | more,
    )


# ------------------------------------------------------------------------------------------------ cars
@router.post("/cars")
async def put_in(request: Request) -> Response:
    """A car by its VIN, or one that was chosen. A VIN that leaves several cars is answered by the question which."""
    form = await forms.read(request)
    vin = form["vin"][:MOST_TYPED]
    if not form["vehicle"]:
        return await _put_in_by_vin(request, form, vin)
    year = form.whole("year", 1900, 2100) if form["year"] else None
    read = understood(vin, vin_facts().is_wmi).vin if vin else None
    if form.errors:
        return await _list(request, form, 422)
    return await _put(request, form, form["vehicle"][:200], form["engine"][:60] or None, year, read)


async def _put_in_by_vin(request: Request, form: Form, typed: str) -> Response:
    language = language_of(request)
    answer = vins.read(typed, datetime.now(UTC))
    form.values["vin"] = typed[:SHOWN_CHARACTERS]
    if answer.decoded is None:
        form.wrong("vin", "s_garage.no_vin", why=vin_texts.looks_like(answer.typed, language))
        return await _list(request, form, 422)
    candidates = [one for one in answer.decoded.candidates if one.vehicle is not None]
    match candidates:
        case []:
            form.wrong("vin", "s_garage.unknown_car")
            return await _list(request, form, 422)
        case [one] if one.confidence != "low" and one.vehicle is not None:
            return await _put(request, form, one.vehicle, _only_engine(one), one.year, answer.decoded.vin)
    choices = [(vin_texts.name_of(one), one.vehicle, _only_engine(one), one.year) for one in candidates]
    question = vin_texts.which_car(candidates, language)
    return await _list(request, form, question=question, choices=choices, vin=answer.decoded.vin)


def _only_engine(one: Candidate) -> str | None:
    """The engine that a VIN leaves, if the car was sold with it as far as we know: of North America's we know few."""
    codes = {engine.code for engine in one.engines}
    code = codes.pop() if len(codes) == 1 else None
    ours = {engine.code for engine in vin_facts().vehicles.engines.get(one.vehicle or "", ())}
    return code if code in ours else None


async def _put(
    request: Request, form: Form, vehicle: str, engine: str | None, year: int | None, vin: str | None
) -> Response:
    token = token_of(request) or new_token()

    async def verb(db: Connection) -> dict[str, Any]:
        now = datetime.now(UTC)
        car_id, added = await service.add_car(
            db, Owner.of_token(token), now, vehicle, engine, year=year, vin=vin
        )  # fmt: skip
        return {"id": car_id, "added": added}

    try:
        told = (await once(request.app.state.pool, None, verb)).document
    except Refusal as refusal:
        form.refused("", refusal.problem())
        return await _list(request, form, refusal.status)
    answer = see_other(f"/garage/cars/{told['id']}?done={'added' if told['added'] else 'there'}")
    answer.set_cookie(
        COOKIE,
        token,
        max_age=YEAR_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.headers.get("x-forwarded-proto") == "https",
        path="/",
    )
    return answer


@router.post("/cars/{car_id}/restoration")
async def put_back(request: Request, car_id: CarId) -> Response:
    """It was a slip."""
    form = Form()

    async def verb(db: Connection, owner: Owner, now: datetime) -> None:
        await service.restore_car(db, owner, car_id, now)

    try:
        await write(request, car_id, verb)
    except NotFound:
        raise
    except Refusal as refusal:
        form.refused("", refusal.problem())
        return await _list(request, form, refusal.status)
    return see_other(f"/garage/cars/{car_id}?done=back")


@router.post("/removal")
async def forget(request: Request) -> Response:
    """Everything that is known of this browser's cars, at once and for good."""
    token = token_of(request)
    if token is not None:
        async with transaction(request.app.state.pool) as db:
            await store.forget(db, Owner.of_token(token))
    answer = see_other("/garage?done=forgotten")
    answer.delete_cookie(COOKIE, path="/")
    return answer


async def write(request: Request, car_id: int, verb: Verb) -> None:
    """Do something to a car of whoever looks, in one transaction. Raises UnknownCar where he has no garage."""
    token = token_of(request)
    if token is None:
        raise UnknownCar(car_id=car_id)
    owner = Owner.of_token(token)

    async def written(db: Connection) -> dict[str, Any]:
        await verb(db, owner, datetime.now(UTC))
        return {}

    await once(request.app.state.pool, None, written)
