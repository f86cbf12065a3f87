"""Verbs: open a store, change it, set the van's timetable."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import asyncpg
import msgspec

from autoshop.inventory.movements.model import UnknownStore
from autoshop.inventory.stores import store
from autoshop.inventory.stores.model import Holiday, HolidayYear, Route, Store, parse_week, week_as_text
from autoshop.kit.db import Connection
from autoshop.kit.errors import Conflict, Invalid, wrong
from autoshop.kit.etag import changed_meanwhile


class CodeTaken(Conflict):
    title = "That code is taken"

    def explain(self) -> str:
        return f"There is already a store with the code «{self.facts['code']}»"


def check_time_zone(name: str) -> None:
    """Refuse what is no IANA zone."""
    if name not in available_timezones():
        raise Invalid(f"«{name}» is no time zone such as Europe/Moscow", errors=[wrong("time_zone", "unknown")])
    ZoneInfo(name)


def check_hours(hours: dict[str, Any]) -> None:
    """Refuse opening hours that cannot be read."""
    try:
        parse_week(msgspec.json.encode(hours).decode())
    except ValueError as error:
        raise Invalid(str(error), errors=[wrong("opening_hours", str(error))]) from None


async def open_store(
    db: Connection,
    *,
    code: str,
    name: str,
    address: str,
    time_zone: str,
    opening_hours: dict[str, Any],
    closed_dates: list[date],
    active: bool,
    keeps_holidays: bool,
) -> Store:
    """A new store. Stock at it starts with its first movement."""
    check_time_zone(time_zone)
    check_hours(opening_hours)
    opened = await store.add(db, code, name, address, time_zone, opening_hours, closed_dates, active, keeps_holidays)
    if opened is None:
        raise CodeTaken(code=code)
    return opened


async def change_store(db: Connection, store_id: int, version: int, changes: dict[str, Any]) -> Store:
    """Change the named fields of a store that is still at `version`."""
    if changes.get("time_zone") is not None:
        check_time_zone(changes["time_zone"])
    if changes.get("opening_hours") is not None:
        check_hours(changes["opening_hours"])
    fields = ("code", "name", "address", "time_zone", "opening_hours", "closed_dates", "active", "keeps_holidays")
    try:
        changed = await store.change(db, store_id, version, *(changes.get(name) for name in fields))
    except asyncpg.UniqueViolationError:
        raise CodeTaken(code=changes["code"]) from None
    if changed is None:
        now = await get_store(db, store_id)
        raise changed_meanwhile("store", now.version, _comparable(changes), _comparable(_as_document(now)))
    return changed


def _as_document(store_: Store) -> dict[str, Any]:
    return {
        "code": store_.code,
        "name": store_.name,
        "address": store_.address,
        "time_zone": store_.calendar.time_zone,
        "opening_hours": week_as_text(store_.calendar.week),
        "closed_dates": store_.calendar.closed_dates,
        "active": store_.active,
        "keeps_holidays": store_.keeps_holidays,
    }


def _comparable(fields: dict[str, Any]) -> dict[str, Any]:
    """Hours and dates in the one way in which we write them."""
    said = dict(fields)
    if "opening_hours" in said:
        week = week_as_text(parse_week(msgspec.json.encode(said["opening_hours"]).decode()))
        said["opening_hours"] = {day: list(hours) for day, hours in week.items()}
    if "closed_dates" in said:
        said["closed_dates"] = sorted(day.isoformat() for day in said["closed_dates"])
    return said


async def get_store(db: Connection, store_id: int) -> Store:
    """The store, or a refusal."""
    found = await store.find(db, store_id)
    if found is None:
        raise UnknownStore(f"There is no store {store_id}", store_id=store_id)
    return found


async def set_route(db: Connection, from_store_id: int, to_store_id: int, route: Route) -> None:
    """Set when the van leaves one store and arrives at another."""
    if from_store_id == to_store_id:
        raise Invalid("A route leads from one store to another", errors=[wrong("to_store_id", "same store")])
    await get_store(db, from_store_id)
    await get_store(db, to_store_id)
    await store.set_route(db, from_store_id, to_store_id, route)


async def set_holidays(
    db: Connection, year: int, version: int, days: Sequence[Holiday]
) -> tuple[HolidayYear, HolidayYear]:
    """Replace the holidays of a year that are still at `version`; as they were, and as they are.

    Promises follow at once; what is on the way keeps the time that was promised when it left.
    """
    _must_be_days_of(year, days)
    before = await store.holidays(db, year, lock=True)
    if before.version != version:
        sent = {"days": _names(days)}
        raise changed_meanwhile(f"list of {year}", before.version, sent, {"days": _names(before.days)})
    await store.set_holidays(db, year, days)
    return before, await store.holidays(db, year)


def _names(days: Sequence[Holiday]) -> dict[str, str]:
    return {one.day.isoformat(): one.name for one in sorted(days, key=lambda one: one.day)}


def _must_be_days_of(year: int, days: Sequence[Holiday]) -> None:
    seen: set[date] = set()
    errors = []
    for number, one in enumerate(days):
        if one.day.year != year:
            errors.append(wrong(f"days.{number}.day", f"is no day of {year}"))
        elif one.day in seen:
            errors.append(wrong(f"days.{number}.day", f"{one.day} is there twice"))
        seen.add(one.day)
    if errors:
        raise Invalid("; ".join(f"{one['field']}: {one['reason']}" for one in errors[:3]), errors=errors)
