"""Verbs: open a store, change it, set the van's timetable."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from autoshop.inventory.movements.model import UnknownStore
from autoshop.inventory.stores import store
from autoshop.inventory.stores.model import Route, Store, parse_week
from autoshop.kit.db import Connection
from autoshop.kit.errors import Conflict, Invalid, PreconditionFailed, wrong


class CodeTaken(Conflict):
    title = "That code is taken"


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
) -> Store:
    """A new store. Stock at it starts with its first movement."""
    check_time_zone(time_zone)
    check_hours(opening_hours)
    opened = await store.add(db, code, name, address, time_zone, opening_hours, closed_dates, active)
    if opened is None:
        raise CodeTaken(f"There is already a store with the code «{code}»", code=code)
    return opened


async def change_store(db: Connection, store_id: int, version: int, changes: dict[str, Any]) -> Store:
    """Change the named fields of a store that is still at `version`."""
    if changes.get("time_zone") is not None:
        check_time_zone(changes["time_zone"])
    if changes.get("opening_hours") is not None:
        check_hours(changes["opening_hours"])
    fields = ("code", "name", "address", "time_zone", "opening_hours", "closed_dates", "active")
    changed = await store.change(db, store_id, version, *(changes.get(name) for name in fields))
    if changed is None:
        now = await get_store(db, store_id)
        raise PreconditionFailed(f"The store is at version {now.version}", version=now.version)
    return changed


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
    await store.set_route(
        db, from_store_id, to_store_id, route.cutoff, route.days, route.arrival, sorted(route.weekdays)
    )
