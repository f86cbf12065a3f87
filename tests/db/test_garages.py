"""Garages: one car in two tabs, the twentieth and the one after, claims; and nothing is left of what is forgotten."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import pytest

from autoshop.kit.db import Connection, Pool, transaction
from autoshop.kit.errors import PreconditionFailed, Refusal
from autoshop.selection.fitment.model import UnknownEngine
from autoshop.selection.garage import jobs, service, store
from autoshop.selection.garage.model import (
    MOST_CARS,
    MOST_LINES,
    CannotBePutBack,
    FullGarage,
    FullLog,
    NotThatYear,
    Owner,
    RunsBackwards,
    SameCar,
    UnknownCar,
    UnknownGarage,
    UnknownLine,
    WrongKit,
    new_token,
)
from autoshop.selection.vehicles.service import UnknownVehicle
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

VESTA, ENGINE, VIN = "lada/vesta/i", "21129", "XTAGFL110KY000000"
PRIORA = "lada/priora/-"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ANNA = Owner(customer="anna")
TOKEN = "t" * 43
BROWSER = Owner.of_token(TOKEN)
T = TypeVar("T")


async def done(pool: Pool, verb: Callable[..., Awaitable[T]], *values: Any, **named: Any) -> T:
    async with transaction(pool) as db:
        return await verb(db, *values, **named)


async def put_in(pool: Pool, owner: Owner = BROWSER, vehicle: str = VESTA, **more: Any) -> int:
    car_id, _ = await done(pool, service.add_car, owner, NOW, vehicle, more.pop("engine", None), **more)
    return car_id


async def cars_of(pool: Pool, owner: Owner) -> list[service.InGarage]:
    return await done(pool, service.look, owner, NOW)


async def rows(pool: Pool) -> dict[str, int]:
    tables = ("garages", "garage_cars", "garage_readings", "garage_services")
    return {table: await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables}


# ------------------------------------------------------------------------------------------------ no
@pytest.mark.parametrize(
    ("vehicle", "engine", "year", "refused"),
    [
        ("lada/none/i", None, None, UnknownVehicle),
        (VESTA, "M54B30", None, UnknownEngine),
        (VESTA, None, 1999, NotThatYear),
        (VESTA, None, 2030, NotThatYear),
    ],
)
async def test_a_car_that_there_is_not_is_not_put_in(
    pool: Pool, vehicle: str, engine: str | None, year: int | None, refused: type[Refusal]
) -> None:
    with pytest.raises(refused):
        await done(pool, service.add_car, BROWSER, NOW, vehicle, engine, year=year)
    assert (await rows(pool))["garages"] == 0


async def test_nobody_reaches_into_anothers_garage(pool: Pool) -> None:
    mine = await put_in(pool, ANNA)
    reading = await done(pool, service.add_reading, ANNA, mine, 10_000, None, NOW)
    await put_in(pool, BROWSER)
    other = Owner.of_token("another")
    for owner in (BROWSER, other):
        for verb, values in (
            (service.remove_car, (mine, NOW)),
            (service.change_car, (mine, 1, {"name": "x"}, NOW)),
            (service.add_reading, (mine, 1, None, NOW)),
            (service.add_done, (mine, "to15", None, None, 1, NOW)),
            (service.remove_reading, (mine, reading)),
            (service.remove_done, (mine, 1)),
            (service.look_at, (mine, NOW)),
        ):
            with pytest.raises(UnknownCar):
                await done(pool, verb, owner, *values)
        with pytest.raises((UnknownCar, CannotBePutBack)):
            await done(pool, service.restore_car, owner, mine, NOW)
    [one] = await cars_of(pool, ANNA)
    assert (one.car.version, one.mileage and one.mileage.km) == (1, 10_000)


async def test_what_is_misshapen_is_refused_and_changes_nothing(pool: Pool) -> None:
    car = await put_in(pool)
    await done(pool, service.add_reading, BROWSER, car, 50_000, date(2026, 6, 1), NOW)
    before = await rows(pool)
    for refused, verb, values in (
        (WrongKit, service.add_done, (car, "to16", None, None, 1, NOW)),
        (RunsBackwards, service.add_done, (car, "to15", None, date(2026, 7, 1), 49_000, NOW)),
        (RunsBackwards, service.add_reading, (car, 60_000, date(2026, 5, 1), NOW)),
        (UnknownLine, service.remove_reading, (car, 999)),
        (UnknownLine, service.remove_done, (car, 999)),
    ):
        with pytest.raises(refused):
            await done(pool, verb, BROWSER, *values)
    assert await rows(pool) == before


async def test_a_log_has_an_end(pool: Pool) -> None:
    car = await put_in(pool)
    first = date(2020, 1, 1)
    async with transaction(pool) as db:
        for number in range(MOST_LINES):
            await service.add_reading(db, BROWSER, car, number, first + timedelta(days=number), NOW)
            await service.add_done(db, BROWSER, car, None, f"work {number}", None, 1, NOW)
    with pytest.raises(FullLog):
        await done(pool, service.add_reading, BROWSER, car, 5_000, None, NOW)
    with pytest.raises(FullLog):
        await done(pool, service.add_done, BROWSER, car, "to15", None, None, 5_000, NOW)
    last = first + timedelta(days=MOST_LINES - 1)
    await done(pool, service.add_reading, BROWSER, car, 300, last, NOW)  # of a day that is there: corrected
    assert (await rows(pool))["garage_readings"] == MOST_LINES


# ------------------------------------------------------------------------------------------------ one car
async def test_two_tabs_put_in_one_car(pool: Pool) -> None:
    found = await asyncio.gather(
        *(done(pool, service.add_car, BROWSER, NOW, VESTA, ENGINE, year=2019, vin=VIN) for _ in range(4))
    )
    assert len({car_id for car_id, _ in found}) == 1
    assert sorted(added for _, added in found) == [False, False, False, True]
    assert (await rows(pool))["garage_cars"] == 1


async def test_whoever_puts_in_the_same_car_meanwhile_waits_and_finds_it(pool: Pool) -> None:
    await put_in(pool, BROWSER, PRIORA)
    async with transaction(pool) as db:
        mine, _ = await service.add_car(db, BROWSER, NOW, VESTA)
        waiting = asyncio.create_task(done(pool, service.add_car, BROWSER, NOW, VESTA))
        await waiting_for_locks(pool, 1)
    assert await waiting == (mine, False)


async def test_whoever_comes_while_the_last_place_is_taken_waits_and_has_no_room(pool: Pool) -> None:
    for number in range(MOST_CARS - 1):
        await put_in(pool, name=f"{number}")
    async with transaction(pool) as db:
        await service.add_car(db, BROWSER, NOW, VESTA)
        waiting = asyncio.create_task(put_in(pool, vehicle=PRIORA))
        await waiting_for_locks(pool, 1)
    with pytest.raises(FullGarage):
        await waiting


async def test_two_cars_of_one_kind_are_told_apart_by_their_names(pool: Pool) -> None:
    first, second = await put_in(pool), await put_in(pool, name="отца")
    assert first != second
    with pytest.raises(SameCar):
        await done(pool, service.change_car, BROWSER, second, 1, {"name": None}, NOW)


async def test_the_twenty_first_has_no_room_however_many_come_at_once(pool: Pool) -> None:
    for number in range(MOST_CARS - 1):
        await put_in(pool, name=f"{number}")
    found = await asyncio.gather(*(put_in(pool, name=f"new {n}") for n in range(4)), return_exceptions=True)
    assert sum(isinstance(one, FullGarage) for one in found) == 3
    assert (await rows(pool))["garage_cars"] == MOST_CARS


async def test_a_change_needs_the_version_that_was_read_and_tells_no_vin(pool: Pool) -> None:
    car = await put_in(pool, vin=VIN)
    changed = await done(pool, service.change_car, BROWSER, car, 1, {"name": "Ласточка", "engine": ENGINE}, NOW)
    assert (changed.name, changed.engine, changed.vin, changed.version) == ("Ласточка", ENGINE, VIN, 2)
    with pytest.raises(PreconditionFailed) as refused:
        await done(pool, service.change_car, BROWSER, car, 1, {"name": "Пчёлка", "vin": None}, NOW)
    assert refused.value.facts["differs"] == {"name": {"sent": "Пчёлка", "current": "Ласточка"}}
    assert VIN not in str(refused.value.problem())
    assert (await done(pool, service.change_car, BROWSER, car, 2, {"vin": None}, NOW)).vin is None


async def test_what_was_taken_out_can_be_put_back_for_a_day_with_all_that_was_known(pool: Pool) -> None:
    car = await put_in(pool)
    await done(pool, service.add_reading, BROWSER, car, 50_000, None, NOW)
    await done(pool, service.remove_car, BROWSER, car, NOW)
    assert await cars_of(pool, BROWSER) == []
    with pytest.raises(UnknownCar):
        await done(pool, service.add_reading, BROWSER, car, 50_001, None, NOW)
    for _ in range(2):  # pressed twice
        await done(pool, service.restore_car, BROWSER, car, NOW + timedelta(hours=23))
    [back] = await cars_of(pool, BROWSER)
    assert back.mileage is not None
    await done(pool, service.remove_car, BROWSER, car, NOW)
    await put_in(pool)
    with pytest.raises(SameCar):
        await done(pool, service.restore_car, BROWSER, car, NOW)
    with pytest.raises(CannotBePutBack):
        await done(pool, service.restore_car, BROWSER, car, NOW + timedelta(hours=25))


async def test_a_reading_of_the_same_day_is_the_last_word_and_a_service_twice_is_one(pool: Pool) -> None:
    car = await put_in(pool)
    for km in (50_000, 49_000):
        await done(pool, service.add_reading, BROWSER, car, km, date(2026, 11, 1), NOW)
    found = await asyncio.gather(
        *(done(pool, service.add_done, BROWSER, car, "to15", None, None, 48_000, NOW) for _ in range(3))
    )
    assert len(set(found)) == 1
    [one] = await cars_of(pool, BROWSER)
    assert [line.mileage_km for line in one.history.readings] == [49_000]
    await done(pool, service.remove_reading, BROWSER, car, one.history.readings[0].id)
    await done(pool, service.remove_done, BROWSER, car, found[0])
    [one] = await cars_of(pool, BROWSER)
    assert one.history == type(one.history)()


# ------------------------------------------------------------------------------------------------ claims
async def test_a_claimed_garage_becomes_part_of_the_customers_and_what_is_in_both_is_one_car(pool: Pool) -> None:
    mine = await put_in(pool, ANNA)
    await done(pool, service.add_reading, ANNA, mine, 40_000, date(2026, 1, 1), NOW)
    theirs = await put_in(pool, BROWSER)
    await done(pool, service.add_reading, BROWSER, theirs, 50_000, date(2026, 11, 1), NOW)
    await done(pool, service.add_done, BROWSER, theirs, "to15", None, None, 45_000, NOW)
    await put_in(pool, BROWSER, PRIORA)
    assert await done(pool, service.claim, TOKEN, "anna", NOW) == 1
    vesta, priora = await cars_of(pool, ANNA)
    assert (vesta.car.id, priora.car.vehicle) == (mine, PRIORA)
    assert [line.mileage_km for line in vesta.history.readings] == [50_000, 40_000]
    assert len(vesta.history.done) == 1
    assert await cars_of(pool, BROWSER) == []
    assert (await rows(pool))["garages"] == 1


async def test_a_garage_is_claimed_once_and_by_one(pool: Pool) -> None:
    await put_in(pool, BROWSER)
    found = await asyncio.gather(
        *(done(pool, service.claim, TOKEN, name, NOW) for name in ("anna", "boris", "anna")), return_exceptions=True
    )
    assert sorted(str(type(one).__name__) for one in found) == ["UnknownGarage", "UnknownGarage", "int"]
    assert (await rows(pool))["garage_cars"] == 1


async def test_a_claim_that_has_no_room_moves_nothing(pool: Pool) -> None:
    for number in range(MOST_CARS):
        await put_in(pool, ANNA, name=f"{number}")
    await put_in(pool, BROWSER, PRIORA)
    with pytest.raises(FullGarage):
        await done(pool, service.claim, TOKEN, "anna", NOW)
    assert len(await cars_of(pool, BROWSER)) == 1
    with pytest.raises(UnknownGarage):
        await done(pool, service.claim, new_token(), "boris", NOW)
    assert (await rows(pool))["garages"] == 2  # a claim of nothing opens no garage


async def test_a_car_that_is_put_in_while_the_garage_is_claimed_is_not_lost(pool: Pool) -> None:
    await put_in(pool, BROWSER)
    async with transaction(pool) as db:
        assert BROWSER.token_hash is not None
        await store.lock_both(db, BROWSER.token_hash, "anna")
        waiting = asyncio.create_task(put_in(pool, BROWSER, PRIORA))  # it finds the garage, and waits for it
        await waiting_for_locks(pool, 1)
        await service.claim(db, TOKEN, "anna", NOW)
    await waiting
    assert [one.car.vehicle for one in await cars_of(pool, BROWSER)] == [PRIORA]
    assert [one.car.vehicle for one in await cars_of(pool, ANNA)] == [VESTA]


async def test_only_the_hash_of_a_token_is_in_the_database(pool: Pool) -> None:
    await put_in(pool, BROWSER)
    assert await pool.fetchval("SELECT token_hash FROM garages") == BROWSER.token_hash
    assert TOKEN not in str(await pool.fetch("SELECT * FROM garages"))


# ------------------------------------------------------------------------------------------------ what is left
async def test_what_is_forgotten_is_gone_at_once(pool: Pool) -> None:
    car = await put_in(pool, ANNA, vin=VIN)
    await done(pool, service.add_reading, ANNA, car, 1, None, NOW)
    await done(pool, service.add_done, ANNA, car, "to15", None, None, 1, NOW)
    await done(pool, service.forget, ANNA)
    assert set((await rows(pool)).values()) == {0}
    with pytest.raises(UnknownGarage):
        await done(pool, service.forget, ANNA)


async def test_at_night_what_was_taken_out_and_what_nobody_opened_is_swept_and_customers_stay(pool: Pool) -> None:
    out, stays = await put_in(pool, BROWSER), await put_in(pool, BROWSER, PRIORA)
    await done(pool, service.remove_car, BROWSER, out, NOW)
    await put_in(pool, ANNA)
    await put_in(pool, Owner.of_token("seen"))
    await jobs.sweep(pool, NOW + timedelta(hours=23))
    assert (await rows(pool))["garage_cars"] == 4
    for _ in range(2):
        await jobs.sweep(pool, NOW + timedelta(hours=25))
    assert [one.car.id for one in await cars_of(pool, BROWSER)] == [stays]
    later = NOW + timedelta(days=200)
    await done(pool, seen, Owner.of_token("seen"), later)
    await jobs.sweep(pool, NOW + timedelta(days=401))
    assert (await rows(pool))["garages"] == 2
    assert len(await cars_of(pool, ANNA)) == 1


async def seen(db: Connection, owner: Owner, now: datetime) -> None:
    await service.see(db, owner, now)
