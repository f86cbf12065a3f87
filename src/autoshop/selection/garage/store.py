"""SQL of garages. Whoever changes one holds its row: two tabs never put in the twenty-first car, nor one car twice."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from autoshop.kit.db import Connection, Pool
from autoshop.selection.garage.model import Car, Done, History, Owner, Reading

OPEN = """
INSERT INTO garages (token_hash, customer, seen_at)
VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING
"""
LOCK = """
SELECT id
  FROM garages
 WHERE token_hash = $1 OR customer = $2
   FOR NO KEY UPDATE
"""


async def open_garage(db: Connection, owner: Owner, now: datetime) -> None:
    """Make it, unless it is there."""
    await db.execute(OPEN, owner.token_hash, owner.customer, now)


async def lock(db: Connection, owner: Owner) -> int | None:
    """The id of a garage that nobody else can change until the transaction ends; None where there is none."""
    return await db.fetchval(LOCK, owner.token_hash, owner.customer)  # type: ignore[no-any-return]


# By id, so that two who claim each other's never wait in a circle; whoever deletes one of them needs all of the row.
LOCK_BOTH = """
SELECT id, token_hash IS NOT NULL AS is_browsers
  FROM garages
 WHERE token_hash = $1 OR customer = $2
 ORDER BY id
   FOR UPDATE
"""


async def lock_both(db: Connection, token_hash: bytes, customer: str) -> tuple[int | None, int | None]:
    """A browser's garage and a customer's, held until the transaction ends."""
    rows = await db.fetch(LOCK_BOTH, token_hash, customer)
    found = {row["is_browsers"]: row["id"] for row in rows}
    return found.get(True), found.get(False)


SEE = "UPDATE garages SET seen_at = $2 WHERE token_hash = $1 AND seen_at < $3"
FORGET = "DELETE FROM garages WHERE token_hash = $1 OR customer = $2"
DROP = "DELETE FROM garages WHERE id = $1"


async def see(db: Connection, token_hash: bytes, now: datetime) -> None:
    """Somebody looks into a browser's garage; written down once a day."""
    await db.execute(SEE, token_hash, now, now - timedelta(days=1))


async def forget(db: Connection, owner: Owner) -> bool:
    """Delete a garage with all that is in it; whether there was one."""
    return await db.execute(FORGET, owner.token_hash, owner.customer) != "DELETE 0"


async def drop(db: Connection, garage_id: int) -> None:
    """Delete a garage that is locked."""
    await db.execute(DROP, garage_id)


# ------------------------------------------------------------------------------------------------ cars
COLUMNS = "c.id, c.vehicle, c.engine, c.year, c.vin, c.name, c.version, c.created_at"
CARS = f"""
SELECT {COLUMNS}
  FROM garages AS g
  JOIN garage_cars AS c ON c.garage_id = g.id
 WHERE (g.token_hash = $1 OR g.customer = $2) AND c.removed_at IS NULL
 ORDER BY c.id
 LIMIT 100
"""
CARS_IN = (
    f"SELECT {COLUMNS} FROM garage_cars AS c WHERE c.garage_id = $1 AND c.removed_at IS NULL ORDER BY c.id LIMIT 100"
)
CAR = f"SELECT {COLUMNS} FROM garage_cars AS c WHERE c.id = $2 AND c.garage_id = $1 AND c.removed_at IS NULL"
REMOVED = f"SELECT {COLUMNS} FROM garage_cars AS c WHERE c.id = $2 AND c.garage_id = $1 AND c.removed_at > $3"
ADD_CAR = """
INSERT INTO garage_cars (garage_id, vehicle, engine, year, vin, name)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id
"""
CHANGE_CAR = """
UPDATE garage_cars
   SET engine = $2, year = $3, vin = $4, name = $5, version = version + 1
 WHERE id = $1
"""
REMOVE_CAR = "UPDATE garage_cars SET removed_at = $2, version = version + 1 WHERE id = $1"
RESTORE_CAR = "UPDATE garage_cars SET removed_at = NULL, version = version + 1 WHERE id = $1"
MOVE_CARS = "UPDATE garage_cars SET garage_id = $2, version = version + 1 WHERE id = ANY ($1::bigint[])"


async def cars(db: Connection | Pool, owner: Owner) -> list[Car]:
    """The cars of a garage, in the order in which they were put in."""
    return [Car(**row) for row in await db.fetch(CARS, owner.token_hash, owner.customer)]


async def cars_in(db: Connection, garage_id: int) -> list[Car]:
    """The same of a garage that is locked."""
    return [Car(**row) for row in await db.fetch(CARS_IN, garage_id)]


async def car(db: Connection, garage_id: int, car_id: int) -> Car | None:
    """A car of a garage."""
    row = await db.fetchrow(CAR, garage_id, car_id)
    return Car(**row) if row else None


async def removed_car(db: Connection, garage_id: int, car_id: int, since: datetime) -> Car | None:
    """A car that was taken out since then."""
    row = await db.fetchrow(REMOVED, garage_id, car_id, since)
    return Car(**row) if row else None


async def add_car(db: Connection, garage_id: int, *values: Any) -> int:
    """Its id: (vehicle, engine, year, vin, name)."""
    return await db.fetchval(ADD_CAR, garage_id, *values)  # type: ignore[no-any-return]


async def change_car(db: Connection, car_id: int, *values: Any) -> None:
    """Write (engine, year, vin, name) anew."""
    await db.execute(CHANGE_CAR, car_id, *values)


async def remove_car(db: Connection, car_id: int, now: datetime) -> None:
    """Take it out, so that it may be put back."""
    await db.execute(REMOVE_CAR, car_id, now)


async def restore_car(db: Connection, car_id: int) -> None:
    """Put it back."""
    await db.execute(RESTORE_CAR, car_id)


async def move_cars(db: Connection, car_ids: Sequence[int], garage_id: int) -> None:
    """To another garage; both are locked."""
    await db.execute(MOVE_CARS, car_ids, garage_id)


# ------------------------------------------------------------------------------------------------ read and done
READINGS = """
SELECT w.car_id, r.id, r.read_on, r.mileage_km
  FROM unnest($1::bigint[]) AS w (car_id)
 CROSS JOIN LATERAL (SELECT r.id, r.read_on, r.mileage_km
                       FROM garage_readings AS r
                      WHERE r.car_id = w.car_id
                      ORDER BY r.read_on DESC
                      LIMIT 300) AS r
 ORDER BY w.car_id, r.read_on DESC
"""
DONE = """
SELECT w.car_id, s.id, s.kit, s.what, s.done_on, s.mileage_km
  FROM unnest($1::bigint[]) AS w (car_id)
 CROSS JOIN LATERAL (SELECT s.id, s.kit, s.what, s.done_on, s.mileage_km
                       FROM garage_services AS s
                      WHERE s.car_id = w.car_id
                      ORDER BY s.id DESC
                      LIMIT 300) AS s
 ORDER BY w.car_id, s.done_on DESC NULLS LAST, s.mileage_km DESC NULLS LAST, s.id DESC
"""
ADD_READING = """
INSERT INTO garage_readings (car_id, read_on, mileage_km)
VALUES ($1, $2, $3)
    ON CONFLICT (car_id, read_on) DO UPDATE SET mileage_km = excluded.mileage_km
RETURNING id
"""
ADD_DONE = """
INSERT INTO garage_services (car_id, kit, what, done_on, mileage_km)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (car_id, kit, what, done_on, mileage_km) DO NOTHING
RETURNING id
"""
REMOVE_READING = "DELETE FROM garage_readings WHERE id = $2 AND car_id = $1"
REMOVE_DONE = "DELETE FROM garage_services WHERE id = $2 AND car_id = $1"
# Of a car that is in both garages: what is known of the one becomes known of the other.
HAND_READINGS = """
INSERT INTO garage_readings (car_id, read_on, mileage_km)
SELECT $2, read_on, mileage_km
  FROM garage_readings
 WHERE car_id = $1
 ORDER BY read_on
    ON CONFLICT (car_id, read_on) DO NOTHING
"""
HAND_DONE = """
INSERT INTO garage_services (car_id, kit, what, done_on, mileage_km)
SELECT $2, kit, what, done_on, mileage_km
  FROM garage_services
 WHERE car_id = $1
 ORDER BY id
    ON CONFLICT (car_id, kit, what, done_on, mileage_km) DO NOTHING
"""


async def histories(db: Connection, car_ids: Sequence[int]) -> dict[int, History]:
    """What is known of the life of some cars, the latest first."""
    readings: dict[int, list[Reading]] = {car_id: [] for car_id in car_ids}
    done: dict[int, list[Done]] = {car_id: [] for car_id in car_ids}
    for row in await db.fetch(READINGS, car_ids):
        readings[row["car_id"]].append(Reading(row["id"], row["read_on"], row["mileage_km"]))
    for row in await db.fetch(DONE, car_ids):
        line = Done(row["id"], row["kit"], row["what"], row["done_on"], row["mileage_km"])
        done[row["car_id"]].append(line)
    return {car_id: History(tuple(readings[car_id]), tuple(done[car_id])) for car_id in car_ids}


async def add_reading(db: Connection, car_id: int, read_on: date, mileage_km: int) -> int:
    """What was read on a day, instead of what was said of that day before."""
    return await db.fetchval(ADD_READING, car_id, read_on, mileage_km)  # type: ignore[no-any-return]


async def add_done(db: Connection, car_id: int, *values: Any) -> int | None:
    """A service: (kit, what, done_on, mileage_km). None: it is there already."""
    return await db.fetchval(ADD_DONE, car_id, *values)  # type: ignore[no-any-return]


async def remove_reading(db: Connection, car_id: int, reading_id: int) -> bool:
    """Whether there was one."""
    return await db.execute(REMOVE_READING, car_id, reading_id) != "DELETE 0"


async def remove_done(db: Connection, car_id: int, done_id: int) -> bool:
    """Whether there was one."""
    return await db.execute(REMOVE_DONE, car_id, done_id) != "DELETE 0"


async def hand_history(db: Connection, from_car_id: int, to_car_id: int) -> None:
    """What is known of one car is known of another from now on."""
    await db.execute(HAND_READINGS, from_car_id, to_car_id)
    await db.execute(HAND_DONE, from_car_id, to_car_id)


# ------------------------------------------------------------------------------------------------ the night
SWEEP_CARS = """
DELETE FROM garage_cars
 WHERE id IN (SELECT id FROM garage_cars WHERE removed_at < $1 ORDER BY removed_at LIMIT $2)
"""
SWEEP_GARAGES = """
DELETE FROM garages
 WHERE id IN (SELECT id FROM garages WHERE token_hash IS NOT NULL AND seen_at < $1 ORDER BY seen_at LIMIT $2
                 FOR UPDATE SKIP LOCKED)
   AND seen_at < $1
"""


async def sweep(db: Connection, removed_before: datetime, unseen_since: datetime, limit: int) -> tuple[int, int]:
    """Delete cars that were taken out, and browsers' garages that nobody opened; so many of each at most."""
    gone = await db.execute(SWEEP_CARS, removed_before, limit)
    unseen = await db.execute(SWEEP_GARAGES, unseen_since, limit)
    return int(gone.rpartition(" ")[2]), int(unseen.rpartition(" ")[2])
