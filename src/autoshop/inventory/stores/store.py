"""SQL of stores and routes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg

from autoshop.inventory.stores.model import Calendar, Holiday, HolidayYear, Route, Store, days_in, parse_week
from autoshop.kit.db import Connection, Pool

# The holidays come with each store as one text, which is read once (days_in): one statement sees them as they are for
# all. They are those of a few years; the subselect is evaluated once a statement.
COLUMNS = """id, code, name, address, time_zone, opening_hours::text AS opening_hours, closed_dates, active, version,
       keeps_holidays, (SELECT string_agg(day::text, ',' ORDER BY day) FROM holidays) AS holidays"""


def calendar_from(row: asyncpg.Record) -> Calendar:
    """The calendar in a row that has COLUMNS."""
    holidays = days_in(row["holidays"] or "") if row["keeps_holidays"] else frozenset[date]()
    return Calendar(row["time_zone"], parse_week(row["opening_hours"]), frozenset(row["closed_dates"]), holidays)


def _store(row: asyncpg.Record) -> Store:
    return Store(
        row["id"], row["code"], row["name"], row["address"], calendar_from(row), row["active"], row["version"],
        row["keeps_holidays"],
    )  # fmt: skip


IN_BUSINESS = f"""
SELECT {COLUMNS}
  FROM stores
 WHERE active OR id = ANY ($1::bigint[])
 ORDER BY id
 LIMIT 10000
"""


async def in_business(db: Connection | Pool, holding: Sequence[int] = ()) -> list[Store]:
    """All stores that are in business, and those of `holding` that no longer are but still hold pieces."""
    return [_store(row) for row in await db.fetch(IN_BUSINESS, holding)]


FIND = f"SELECT {COLUMNS} FROM stores WHERE id = $1"


async def find(db: Connection | Pool, store_id: int) -> Store | None:
    row = await db.fetchrow(FIND, store_id)
    return _store(row) if row else None


AMONG = f"""
SELECT {COLUMNS}
  FROM stores
 WHERE id = ANY ($1::bigint[]) OR id = (SELECT min(id) FROM stores WHERE active)
 ORDER BY id
 LIMIT 10000
"""


async def among(db: Connection | Pool, store_ids: Sequence[int]) -> list[Store]:
    """Some stores, and the first that is in business, which speaks for the network."""
    return [_store(row) for row in await db.fetch(AMONG, store_ids)]


NAMES = """
SELECT id, name
  FROM stores
 WHERE id = ANY ($1::bigint[])
 LIMIT 10000
"""


async def names_of(db: Connection | Pool, store_ids: Sequence[int]) -> dict[int, str]:
    """What the stores are called."""
    if not store_ids:
        return {}
    return {row["id"]: row["name"] for row in await db.fetch(NAMES, store_ids)}


LIST = f"""
SELECT {COLUMNS}
  FROM stores
 WHERE id > $1
 ORDER BY id
 LIMIT $2
"""


CALLED = """
SELECT DISTINCT ON (w.name) w.name, s.id
  FROM unnest($1::text[]) AS w (name)
  JOIN stores AS s ON lower(s.code) = lower(w.name) OR s.id::text = w.name
 ORDER BY w.name, lower(s.code) = lower(w.name) DESC
"""


async def called(db: Connection | Pool, names: Sequence[str]) -> dict[str, int]:
    """Stores by what people call them: their code in whatever case, else their id."""
    return {row["name"]: row["id"] for row in await db.fetch(CALLED, sorted(set(names)))}


async def list_page(db: Connection | Pool, after_id: int, limit: int) -> list[Store]:
    return [_store(row) for row in await db.fetch(LIST, after_id, limit)]


ADD = f"""
INSERT INTO stores (code, name, address, time_zone, opening_hours, closed_dates, active, keeps_holidays)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (code) DO NOTHING
RETURNING {COLUMNS}
"""


async def add(
    db: Connection,
    code: str,
    name: str,
    address: str,
    time_zone: str,
    opening_hours: dict[str, Any],
    closed_dates: list[date],
    active: bool,
    keeps_holidays: bool,
) -> Store | None:
    """The new store, or None where the code is taken."""
    row = await db.fetchrow(ADD, code, name, address, time_zone, opening_hours, closed_dates, active, keeps_holidays)
    return _store(row) if row else None


CHANGE = f"""
UPDATE stores
   SET code = coalesce($3, code),
       name = coalesce($4, name),
       address = coalesce($5, address),
       time_zone = coalesce($6, time_zone),
       opening_hours = coalesce($7, opening_hours),
       closed_dates = coalesce($8, closed_dates),
       active = coalesce($9, active),
       keeps_holidays = coalesce($10, keeps_holidays),
       version = version + 1,
       updated_at = now()
 WHERE id = $1 AND version = $2
RETURNING {COLUMNS}
"""


async def change(
    db: Connection,
    store_id: int,
    version: int,
    code: str | None,
    name: str | None,
    address: str | None,
    time_zone: str | None,
    opening_hours: dict[str, Any] | None,
    closed_dates: list[date] | None,
    active: bool | None,
    keeps_holidays: bool | None,
) -> Store | None:
    """The store as changed, or None where it is not at that version. None leaves a field as it is."""
    row = await db.fetchrow(
        CHANGE, store_id, version, code, name, address, time_zone, opening_hours, closed_dates, active, keeps_holidays
    )
    return _store(row) if row else None


ROUTES = """
SELECT from_store_id, to_store_id, cutoff, days, arrival, weekdays, closed_dates
  FROM transfer_routes
 LIMIT 250000
"""


def _route(row: asyncpg.Record) -> Route:
    return Route(row["cutoff"], row["days"], row["arrival"], frozenset(row["weekdays"]), frozenset(row["closed_dates"]))


async def routes(db: Connection | Pool) -> dict[tuple[int, int], Route]:
    """What differs from the owner's rule, by (from, to)."""
    return {(row["from_store_id"], row["to_store_id"]): _route(row) for row in await db.fetch(ROUTES)}


ROUTES_TO = """
SELECT from_store_id, cutoff, days, arrival, weekdays, closed_dates
  FROM transfer_routes
 WHERE to_store_id = $1
 LIMIT 10000
"""


async def routes_to(db: Connection | Pool, to_store_id: int) -> dict[int, Route]:
    """What differs from the owner's rule on the ways to one store, by where they begin."""
    return {row["from_store_id"]: _route(row) for row in await db.fetch(ROUTES_TO, to_store_id)}


FIND_ROUTE = """
SELECT cutoff, days, arrival, weekdays, closed_dates
  FROM transfer_routes
 WHERE from_store_id = $1 AND to_store_id = $2
"""


async def find_route(db: Connection | Pool, from_store_id: int, to_store_id: int) -> Route | None:
    row = await db.fetchrow(FIND_ROUTE, from_store_id, to_store_id)
    return _route(row) if row else None


SET_ROUTE = """
INSERT INTO transfer_routes (from_store_id, to_store_id, cutoff, days, arrival, weekdays, closed_dates)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (from_store_id, to_store_id) DO UPDATE
   SET cutoff = excluded.cutoff, days = excluded.days, arrival = excluded.arrival, weekdays = excluded.weekdays,
       closed_dates = excluded.closed_dates, version = transfer_routes.version + 1
"""


async def set_route(db: Connection, from_store_id: int, to_store_id: int, route: Route) -> None:
    """Set when the van goes, in the place of what was set before."""
    await db.execute(
        SET_ROUTE,
        from_store_id,
        to_store_id,
        route.cutoff,
        route.days,
        route.arrival,
        sorted(route.weekdays),
        sorted(route.closed_dates),
    )


HOLIDAYS = """
SELECT day, name
  FROM holidays
 WHERE day >= make_date($1, 1, 1) AND day < make_date($1 + 1, 1, 1)
 ORDER BY day
 LIMIT 366
"""
HOLIDAYS_VERSION = "SELECT version FROM holiday_years WHERE year = $1"
OPEN_YEAR = "INSERT INTO holiday_years (year) VALUES ($1) ON CONFLICT (year) DO NOTHING"
LOCK_YEAR = HOLIDAYS_VERSION + " FOR NO KEY UPDATE"


async def holidays(db: Connection, year: int, *, lock: bool = False) -> HolidayYear:
    """The holidays of a year; `lock` holds their list until the transaction ends."""
    if lock:
        await db.execute(OPEN_YEAR, year)
    version = await db.fetchval(LOCK_YEAR if lock else HOLIDAYS_VERSION, year)
    rows = await db.fetch(HOLIDAYS, year)
    return HolidayYear(year, version or 0, tuple(Holiday(*row) for row in rows))


DROP_HOLIDAYS = "DELETE FROM holidays WHERE day >= make_date($1, 1, 1) AND day < make_date($1 + 1, 1, 1)"
ADD_HOLIDAYS = "INSERT INTO holidays (day, name) SELECT day, name FROM unnest($1::date[], $2::text[]) AS d (day, name)"
NEXT_VERSION = "UPDATE holiday_years SET version = version + 1, updated_at = now() WHERE year = $1"
TELL = """
INSERT INTO outbox (topic, payload)
VALUES ('inventory.holidays', jsonb_build_object('year', $1::integer, 'change', 'set'))
"""


async def set_holidays(db: Connection, year: int, days: Sequence[Holiday]) -> None:
    """Put others in the place of a year's holidays, whose list is locked."""
    await db.execute(DROP_HOLIDAYS, year)
    await db.execute(ADD_HOLIDAYS, [one.day for one in days], [one.name for one in days])
    await db.execute(NEXT_VERSION, year)
    await db.execute(TELL, year)
