"""The verbs: put a car in, change it, take it out and put it back; what was read and done; claim a browser's garage."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from autoshop.kit.db import Connection
from autoshop.kit.errors import wrong
from autoshop.kit.etag import changed_meanwhile
from autoshop.selection.fitment.service import car as vehicle_and_engines
from autoshop.selection.garage import due, store
from autoshop.selection.garage.model import (
    MOST_CARS,
    MOST_LINES,
    PUT_BACK_WITHIN,
    CannotBePutBack,
    Car,
    FullGarage,
    FullLog,
    History,
    Owner,
    SameCar,
    UnknownCar,
    UnknownGarage,
    UnknownLine,
    WrongKit,
    check_day,
    check_done,
    check_order,
    check_year,
    today_of,
)
from autoshop.selection.garage.odometer import Mileage, mileage
from autoshop.selection.kits.facts import known as kits
from autoshop.selection.vehicles.facts import known as vehicles
from autoshop.selection.vehicles.model import Vehicle

CHANGEABLE = ("engine", "year", "vin", "name")


@dataclass(frozen=True, slots=True)
class InGarage:
    """A car with what is known of it and what follows. `vehicle` None: the facts no longer have it."""

    car: Car
    vehicle: Vehicle | None
    history: History
    mileage: Mileage | None
    due: list[due.Due]


async def look(db: Connection, owner: Owner, now: datetime) -> list[InGarage]:
    """All cars of a garage, with what is due of each."""
    cars = await store.cars(db, owner)
    lives = await store.histories(db, [one.id for one in cars]) if cars else {}
    return [judged(one, lives[one.id], now) for one in cars]


async def look_at(db: Connection, owner: Owner, car_id: int, now: datetime) -> InGarage:
    """One car of a garage. Raises UnknownCar."""
    cars = {one.id: one for one in await store.cars(db, owner)}
    if car_id not in cars:
        raise UnknownCar(car_id=car_id)
    lives = await store.histories(db, [car_id])
    return judged(cars[car_id], lives[car_id], now)


def judged(car: Car, history: History, now: datetime) -> InGarage:
    """What follows from what is known of a car."""
    vehicle = vehicles().vehicles.get(car.vehicle)
    engines = vehicles().engines.get(car.vehicle, ())
    fuels = {one.fuel for one in engines if car.engine in (None, one.code)}
    today = today_of(now)
    driven = mileage(history, today)
    fuel = fuels.pop() if len(fuels) == 1 else None
    return InGarage(car, vehicle, history, driven, due.due(kits(), fuel, car.year, history.done, driven, today))


def kit_page(car: Car, kit: str) -> str:
    """The page that tells what a job takes for a car."""
    known = {name: value for name, value in (("engine", car.engine), ("year", car.year)) if value is not None}
    return f"/cars/{car.vehicle}/kits/{kit}" + (f"?{urlencode(known)}" if known else "")


# ------------------------------------------------------------------------------------------------ cars
async def add_car(
    db: Connection, owner: Owner, now: datetime, vehicle_id: str, engine: str | None = None, *,
    year: int | None = None, vin: str | None = None, name: str | None = None,
) -> tuple[int, bool]:  # fmt: skip
    """Put a car in: its id, and whether it is new. The same car a second time is the one that is there.

    Raises UnknownVehicle, UnknownEngine, NotThatYear, FullGarage.
    """
    vehicle, _ = vehicle_and_engines(vehicle_id, engine)
    check_year(year, vehicle.years_from, vehicle.years_to, now)
    garage_id = await _open(db, owner, now)
    cars = await store.cars_in(db, garage_id)
    wanted = (vehicle_id, engine, year, vin, name)
    for one in cars:
        if _identity(one) == wanted:
            return one.id, False
    if len(cars) >= MOST_CARS:
        raise FullGarage(most=MOST_CARS)
    return await store.add_car(db, garage_id, *wanted), True


async def change_car(
    db: Connection, owner: Owner, car_id: int, version: int, changes: dict[str, Any], now: datetime
) -> Car:
    """Change engine, year, VIN or name of a car as it was read; None takes a value away.

    Raises UnknownCar, UnknownEngine, NotThatYear, SameCar, and PreconditionFailed with what differs, but for the VIN:
    answers are kept for a while.
    """
    garage_id, car = await _locked(db, owner, car_id)
    if car.version != version:
        told = {key: value for key, value in changes.items() if key != "vin"}
        raise changed_meanwhile("car", car.version, told, {key: getattr(car, key) for key in CHANGEABLE})
    values = {key: changes.get(key, getattr(car, key)) for key in CHANGEABLE}
    vehicle, _ = vehicle_and_engines(car.vehicle, values["engine"])
    check_year(values["year"], vehicle.years_from, vehicle.years_to, now)
    _refuse_twin(await store.cars_in(db, garage_id), car.id, (car.vehicle, *values.values()))
    await store.change_car(db, car.id, *values.values())
    return await _there(db, garage_id, car_id)


async def remove_car(db: Connection, owner: Owner, car_id: int, now: datetime) -> None:
    """Take a car out; within a day it can be put back, then it is deleted with all that is known of it."""
    _, car = await _locked(db, owner, car_id)
    await store.remove_car(db, car.id, now)


async def restore_car(db: Connection, owner: Owner, car_id: int, now: datetime) -> Car:
    """Put back a car that was taken out. Raises CannotBePutBack, SameCar, FullGarage."""
    garage_id = await _lock(db, owner, car_id)
    cars = await store.cars_in(db, garage_id)
    if any(one.id == car_id for one in cars):
        return await _there(db, garage_id, car_id)  # pressed twice
    car = await store.removed_car(db, garage_id, car_id, now - PUT_BACK_WITHIN)
    if car is None:
        raise CannotBePutBack(car_id=car_id)
    _refuse_twin(cars, car.id, _identity(car))
    if len(cars) >= MOST_CARS:
        raise FullGarage(most=MOST_CARS)
    await store.restore_car(db, car.id)
    return await _there(db, garage_id, car_id)


# ------------------------------------------------------------------------------------------------ read and done
async def add_reading(
    db: Connection, owner: Owner, car_id: int, mileage_km: int, read_on: date | None, now: datetime
) -> int:
    """What the odometer says; of one day the last word counts.

    Raises UnknownCar, NotThatDay, RunsBackwards, FullLog.
    """
    check_day("read_on", read_on, now)
    on = read_on or today_of(now)
    await _locked(db, owner, car_id)
    history = (await store.histories(db, [car_id]))[car_id]
    check_order(history, on, mileage_km)
    if len(history.readings) >= MOST_LINES and all(one.read_on != on for one in history.readings):
        raise FullLog(most=MOST_LINES)
    return await store.add_reading(db, car_id, on, mileage_km)


async def add_done(
    db: Connection, owner: Owner, car_id: int, kit: str | None, what: str | None, done_on: date | None,
    mileage_km: int | None, now: datetime,
) -> int:  # fmt: skip
    """A service that was done, at a date or a mileage or both. The same a second time is the one that is there.

    Raises UnknownCar, UnclearService, WrongKit, NotThatDay, RunsBackwards, FullLog.
    """
    check_done(kit, what, done_on, mileage_km)
    if kit is not None and kit not in kits().kits:
        reason = f"must be one of {', '.join(kits().kits)}"
        raise WrongKit(f"kit: {reason}", errors=[wrong("kit", reason)])
    check_day("done_on", done_on, now)
    await _locked(db, owner, car_id)
    history = (await store.histories(db, [car_id]))[car_id]
    wanted = (kit, what, done_on, mileage_km)
    for one in history.done:
        if (one.kit, one.what, one.done_on, one.mileage_km) == wanted:
            return one.id
    check_order(history, done_on, mileage_km)
    if len(history.done) >= MOST_LINES:
        raise FullLog(most=MOST_LINES)
    done_id = await store.add_done(db, car_id, *wanted)
    assert done_id is not None, "the garage is locked, and it was not there"
    return done_id


async def remove_reading(db: Connection, owner: Owner, car_id: int, reading_id: int) -> None:
    """Take back what was read. Raises UnknownCar, UnknownLine."""
    await _locked(db, owner, car_id)
    if not await store.remove_reading(db, car_id, reading_id):
        raise UnknownLine(f"Car {car_id} has no reading {reading_id}")


async def remove_done(db: Connection, owner: Owner, car_id: int, done_id: int) -> None:
    """Take back what was done. Raises UnknownCar, UnknownLine."""
    await _locked(db, owner, car_id)
    if not await store.remove_done(db, car_id, done_id):
        raise UnknownLine(f"Car {car_id} has no service {done_id}")


# ------------------------------------------------------------------------------------------------ whole garages
async def claim(db: Connection, token: str, customer: str, now: datetime) -> int:
    """A browser's garage becomes part of a customer's: how many cars came. What is in both is one car afterwards.

    Raises UnknownGarage where the browser has none (any more), and FullGarage where not all would have room.
    """
    mine = Owner(customer=customer)
    await store.open_garage(db, mine, now)
    theirs_id, mine_id = await store.lock_both(db, Owner.of_token(token).token_hash or b"", customer)
    if theirs_id is None or mine_id is None:
        raise UnknownGarage
    there = {_identity(one): one.id for one in await store.cars_in(db, mine_id)}
    came = await store.cars_in(db, theirs_id)
    new = [one.id for one in came if _identity(one) not in there]
    if len(there) + len(new) > MOST_CARS:
        raise FullGarage(most=MOST_CARS)
    for one in came:
        if _identity(one) in there:
            await store.hand_history(db, one.id, there[_identity(one)])
    await store.move_cars(db, new, mine_id)
    await store.drop(db, theirs_id)
    return len(new)


async def see(db: Connection, owner: Owner, now: datetime) -> None:
    """Somebody looks into a browser's garage, which is kept as long as that is not too long ago."""
    if owner.token_hash is not None:
        await store.see(db, owner.token_hash, now)


async def forget(db: Connection, owner: Owner) -> None:
    """Delete a garage with all that is in it, at once. Raises UnknownGarage."""
    if not await store.forget(db, owner):
        raise UnknownGarage


def _identity(car: Car) -> tuple[object, ...]:
    return car.vehicle, car.engine, car.year, car.vin, car.name


def _refuse_twin(cars: list[Car], car_id: int, identity: tuple[object, ...]) -> None:
    twin = next((one.id for one in cars if one.id != car_id and _identity(one) == identity), None)
    if twin is not None:
        raise SameCar(car_id=twin)


async def _open(db: Connection, owner: Owner, now: datetime) -> int:
    """Hold a garage, which is made if it is not there. It may be claimed or swept between the two: then once more."""
    for _ in range(3):
        await store.open_garage(db, owner, now)
        if (garage_id := await store.lock(db, owner)) is not None:
            return garage_id
    raise UnknownGarage


async def _lock(db: Connection, owner: Owner, car_id: int) -> int:
    garage_id = await store.lock(db, owner)
    if garage_id is None:
        raise UnknownCar(car_id=car_id)
    return garage_id


async def _locked(db: Connection, owner: Owner, car_id: int) -> tuple[int, Car]:
    """Hold the garage, then read the car."""
    garage_id = await _lock(db, owner, car_id)
    return garage_id, await _there(db, garage_id, car_id)


async def _there(db: Connection, garage_id: int, car_id: int) -> Car:
    car = await store.car(db, garage_id, car_id)
    if car is None:
        raise UnknownCar(car_id=car_id)
    return car
