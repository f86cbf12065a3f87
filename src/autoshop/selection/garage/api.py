"""Routes: the garage of a customer, as the site or the staff name him. No answer to a write tells a VIN: it is kept."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.kit.answers import IdempotencyKey, IfMatch, write_once
from autoshop.kit.db import Connection
from autoshop.kit.etag import version_in
from autoshop.kit.fields import PathId, Spoken
from autoshop.kit.text import IN_PATH
from autoshop.selection.garage import service
from autoshop.selection.garage.answers import (
    CarChange,
    CarIn,
    Changed,
    Claimed,
    ClaimIn,
    DoneIn,
    GarageOut,
    Put,
    ReadingIn,
    Written,
    car_out,
)
from autoshop.selection.garage.model import Owner

router = APIRouter(prefix="/api/v1/garages", tags=["selection"])

Customer = Annotated[
    str,
    Path(min_length=1, max_length=100, pattern=IN_PATH, description="as the site names him; nothing here checks it"),
]
Own = Annotated[Caller, needs("garages:write")]


@router.get("/{customer}")
async def show_garage(
    request: Request,
    language: Spoken,
    customer: Customer,
    _caller: Own,
) -> GarageOut:
    """A customer's cars with what is due of each; of a customer who put nothing in, none."""
    now = datetime.now(UTC)
    async with request.app.state.pool.acquire() as db:
        cars = await service.look(db, Owner(customer=customer), now)
    return GarageOut(customer=customer, cars=[car_out(one, language) for one in cars])


@router.delete("/{customer}", status_code=204, response_model=None)
async def forget_garage(
    request: Request, customer: Customer, caller: Own, idempotency_key: IdempotencyKey = None
) -> Response:
    """Delete all that is known of a customer's cars, at once and for good."""

    async def verb(db: Connection) -> dict[str, Any]:
        await service.forget(db, Owner(customer=customer))
        return {}

    return await write_once(request, caller.actor, verb, 204)


@router.post("/{customer}/claims", response_model=Claimed)
async def claim_garage(
    request: Request, customer: Customer, body: ClaimIn, caller: Own, idempotency_key: IdempotencyKey = None
) -> Response:
    """Whoever signed in takes along what he put in before: the garage of his browser becomes part of his own."""

    async def verb(db: Connection) -> dict[str, Any]:
        return {"cars": await service.claim(db, body.token, customer, datetime.now(UTC))}

    return await write_once(request, caller.actor, verb)


@router.post("/{customer}/cars", status_code=201, response_model=Put)
async def put_car_in(
    request: Request, customer: Customer, body: CarIn, caller: Own, idempotency_key: IdempotencyKey = None
) -> Response:
    """Put a car in. The same car a second time is the one that is there."""

    async def verb(db: Connection) -> dict[str, Any]:
        car_id, added = await service.add_car(
            db, Owner(customer=customer), datetime.now(UTC), body.vehicle, body.engine,
            year=body.year, vin=body.vin, name=body.name,
        )  # fmt: skip
        return {"id": car_id, "added": added}

    return await write_once(request, caller.actor, verb, 201)


@router.patch("/{customer}/cars/{car_id}", response_model=Changed)
async def change_car(
    request: Request,
    customer: Customer,
    car_id: PathId,
    body: CarChange,
    caller: Own,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Change a car as it was read: If-Match has the version that was seen."""

    async def verb(db: Connection) -> dict[str, Any]:
        version, changes = version_in(if_match), body.model_dump(exclude_unset=True)
        car = await service.change_car(db, Owner(customer=customer), car_id, version, changes, datetime.now(UTC))
        return {"id": car.id, "version": car.version}

    return await write_once(request, caller.actor, verb)


@router.delete("/{customer}/cars/{car_id}", status_code=204, response_model=None)
async def take_car_out(
    request: Request, customer: Customer, car_id: PathId, caller: Own, idempotency_key: IdempotencyKey = None
) -> Response:
    """Take a car out; within a day it can be put back."""

    async def verb(db: Connection) -> dict[str, Any]:
        await service.remove_car(db, Owner(customer=customer), car_id, datetime.now(UTC))
        return {}

    return await write_once(request, caller.actor, verb, 204)


@router.post("/{customer}/cars/{car_id}/restoration", response_model=Changed)
async def put_car_back(
    request: Request, customer: Customer, car_id: PathId, caller: Own, idempotency_key: IdempotencyKey = None
) -> Response:
    """Put back a car that was taken out today."""

    async def verb(db: Connection) -> dict[str, Any]:
        car = await service.restore_car(db, Owner(customer=customer), car_id, datetime.now(UTC))
        return {"id": car.id, "version": car.version}

    return await write_once(request, caller.actor, verb)


@router.post("/{customer}/cars/{car_id}/readings", status_code=201, response_model=Written)
async def write_reading(
    request: Request,
    customer: Customer,
    car_id: PathId,
    body: ReadingIn,
    caller: Own,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """What the odometer says; of one day the last word counts."""

    async def verb(db: Connection) -> dict[str, Any]:
        owner, now = Owner(customer=customer), datetime.now(UTC)
        return {"id": await service.add_reading(db, owner, car_id, body.mileage_km, body.read_on, now)}

    return await write_once(request, caller.actor, verb, 201)


@router.delete("/{customer}/cars/{car_id}/readings/{reading_id}", status_code=204, response_model=None)
async def take_reading_back(
    request: Request,
    customer: Customer,
    car_id: PathId,
    reading_id: PathId,
    caller: Own,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """It was a slip of the pen."""

    async def verb(db: Connection) -> dict[str, Any]:
        await service.remove_reading(db, Owner(customer=customer), car_id, reading_id)
        return {}

    return await write_once(request, caller.actor, verb, 204)


@router.post("/{customer}/cars/{car_id}/services", status_code=201, response_model=Written)
async def write_service(
    request: Request,
    customer: Customer,
    car_id: PathId,
    body: DoneIn,
    caller: Own,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A service that was done: a kit, or something else in words."""

    async def verb(db: Connection) -> dict[str, Any]:
        owner, now = Owner(customer=customer), datetime.now(UTC)
        done = (body.kit, body.what, body.done_on, body.mileage_km)
        return {"id": await service.add_done(db, owner, car_id, *done, now)}

    return await write_once(request, caller.actor, verb, 201)


@router.delete("/{customer}/cars/{car_id}/services/{done_id}", status_code=204, response_model=None)
async def take_service_back(
    request: Request,
    customer: Customer,
    car_id: PathId,
    done_id: PathId,
    caller: Own,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """It was not done after all."""

    async def verb(db: Connection) -> dict[str, Any]:
        await service.remove_done(db, Owner(customer=customer), car_id, done_id)
        return {}

    return await write_once(request, caller.actor, verb, 204)
