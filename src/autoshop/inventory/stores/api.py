"""Routes: stores and the routes between them."""

import re
from datetime import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.inventory.stores import service, store
from autoshop.inventory.stores.model import OWNERS_RULE, WEEKDAYS, Holiday, HolidayYear, Route, Store, week_as_text
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfMatch, IfNoneMatch, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.etag import version_in
from autoshop.kit.fields import CODE, Day, Name, PathId, YesNo, changes_in
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/stores", tags=["stores"])
holidays_router = APIRouter(prefix="/api/v1/holidays", tags=["stores"])

Hour = Annotated[str, Field(pattern=r"^([01]?[0-9]|2[0-3]):[0-5]?[0-9]$|^24:00$")]
Hours = Annotated[list[Hour], Field(min_length=2, max_length=2, description="from, to")]
Week = Annotated[
    dict[Annotated[str, Field(pattern=f"^({'|'.join(WEEKDAYS)})$")], Hours],
    Field(description='{"mon": ["09:00", "20:00"], …}; a missing day is closed; {} never closes'),
]
Code = Annotated[str, Field(min_length=1, max_length=40, pattern=CODE)]


class StoreIn(BaseModel, extra="forbid"):
    code: Code
    name: Name
    address: Annotated[str, Field(max_length=500, pattern=NO_NUL)] = ""
    time_zone: Annotated[str, Field(max_length=60)] = "Europe/Moscow"
    opening_hours: Week = {}
    closed_dates: Annotated[list[Day], Field(max_length=400)] = []
    active: YesNo = True
    keeps_holidays: Annotated[YesNo, Field(description="closed on the network's holidays too")] = True


class StoreChange(BaseModel, extra="forbid"):
    """Only the fields that are sent change."""

    code: Code | None = None
    name: Name | None = None
    address: Annotated[str | None, Field(max_length=500, pattern=NO_NUL)] = None
    time_zone: Annotated[str | None, Field(max_length=60)] = None
    opening_hours: Week | None = None
    closed_dates: Annotated[list[Day] | None, Field(max_length=400)] = None
    active: YesNo | None = None
    keeps_holidays: YesNo | None = None


class StoreOut(StoreIn):
    id: int
    version: int


class StoresPage(BaseModel):
    items: list[StoreOut]
    next_page: str | None


def out(found: Store) -> StoreOut:
    """A store as the API tells it."""
    return StoreOut(
        id=found.id,
        code=found.code,
        name=found.name,
        address=found.address,
        time_zone=found.calendar.time_zone,
        opening_hours={day: list(hours) for day, hours in week_as_text(found.calendar.week).items()},
        closed_dates=sorted(found.calendar.closed_dates),
        active=found.active,
        keeps_holidays=found.keeps_holidays,
        version=found.version,
    )


@router.get("", dependencies=[needs("catalog:read")])
async def list_stores(request: Request, page: Cursor = None, limit: Limit = 100) -> StoresPage:
    """All stores, closed ones too."""
    cursor = decode_cursor(page, "stores", int)
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, cursor[0] if cursor else 0, limit + 1)
    stores, next_page = page_of(found, limit, "stores", lambda one: (one.id,))
    return StoresPage(items=[out(one) for one in stores], next_page=next_page)


@router.post("", status_code=201, response_model=StoreOut)
async def open_store(
    request: Request,
    body: StoreIn,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Open a store."""
    caller.must_act_for_all()

    async def verb(db: Connection) -> dict[str, Any]:
        opened = out(await service.open_store(db, **body.model_dump())).model_dump(mode="json")
        await audit(db, caller, "open", f"store:{opened['id']}", None, opened)
        return opened

    return await write_once(request, caller.actor, verb, 201)


@router.get("/{store_id}", response_model=StoreOut, responses=NOT_MODIFIED, dependencies=[needs("catalog:read")])
async def show_store(request: Request, store_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """One store; its ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        return shown(out(await service.get_store(db, store_id)), if_none_match)


@router.patch("/{store_id}", response_model=StoreOut)
async def change_store(
    request: Request,
    store_id: PathId,
    body: StoreChange,
    caller: Annotated[Caller, needs("catalog:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Change a store that is still as it was read (If-Match)."""
    caller.must_act_for(store_id)
    version = version_in(if_match)
    changes = changes_in(body)

    async def verb(db: Connection) -> dict[str, Any]:
        before = out(await service.get_store(db, store_id)).model_dump(mode="json")
        changed = out(await service.change_store(db, store_id, version, changes)).model_dump(mode="json")
        await audit(db, caller, "change", f"store:{store_id}", before, changed)
        return changed

    return await write_once(request, caller.actor, verb)


CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"


def _clock(value: Any) -> Any:
    if isinstance(value, time) or (isinstance(value, str) and re.fullmatch(CLOCK, value)):
        return value
    raise ValueError("must be a time such as 18:00, without a zone: it is that of the store")


WallTime = Annotated[time, BeforeValidator(_clock), WithJsonSchema({"type": "string", "pattern": CLOCK})]


class RouteIn(BaseModel, extra="forbid"):
    """The van: ordered before `cutoff` (sender's time) it leaves that day, and arrives `days` later at `arrival`."""

    cutoff: WallTime = OWNERS_RULE.cutoff
    days: Annotated[int, Field(ge=0, le=60, strict=True)] = OWNERS_RULE.days
    arrival: WallTime = OWNERS_RULE.arrival
    weekdays: Annotated[
        list[Annotated[int, Field(ge=1, le=7, strict=True)]],
        Field(min_length=1, max_length=7, description="days on which it leaves, 1 = Monday"),
    ] = sorted(OWNERS_RULE.weekdays)
    closed_dates: Annotated[list[Day], Field(max_length=400, description="days on which it does not leave")] = []


@router.get("/{store_id}/routes/{to_store_id}", dependencies=[needs("catalog:read")])
async def show_route(request: Request, store_id: PathId, to_store_id: PathId) -> RouteIn:
    """When goods leave one store for another; the owner's rule where nothing else was set."""
    async with request.app.state.pool.acquire() as db:
        await service.get_store(db, store_id)
        await service.get_store(db, to_store_id)
        route = await store.find_route(db, store_id, to_store_id) or OWNERS_RULE
    return RouteIn(
        cutoff=route.cutoff,
        days=route.days,
        arrival=route.arrival,
        weekdays=sorted(route.weekdays),
        closed_dates=sorted(route.closed_dates),
    )


@router.put("/{store_id}/routes/{to_store_id}", status_code=204, response_class=Response)
async def set_route(
    request: Request,
    store_id: PathId,
    to_store_id: PathId,
    body: RouteIn,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Set when goods leave one store for another."""
    caller.must_act_for(store_id, to_store_id)
    route = Route(body.cutoff, body.days, body.arrival, frozenset(body.weekdays), frozenset(body.closed_dates))

    async def verb(db: Connection) -> dict[str, Any]:
        await service.set_route(db, store_id, to_store_id, route)
        subject = f"store:{store_id}>{to_store_id}"
        await audit(db, caller, "set route", subject, None, body.model_dump(mode="json"))
        return {}

    return await write_once(request, caller.actor, verb, 204)


PathYear = Annotated[int, Path(ge=2000, le=2999)]


class HolidayIn(BaseModel, extra="forbid"):
    day: Day
    name: Name


class HolidaysIn(BaseModel, extra="forbid"):
    """All holidays of the year: what is not in the list is none any more."""

    days: Annotated[list[HolidayIn], Field(max_length=366)]


class HolidaysOut(HolidaysIn):
    """`version` 0: nobody has set the holidays of that year."""

    year: int
    version: int


def holidays_out(found: HolidayYear) -> HolidaysOut:
    """A year's holidays as the API tells them."""
    days = [HolidayIn(day=one.day, name=one.name) for one in found.days]
    return HolidaysOut(year=found.year, version=found.version, days=days)


@holidays_router.get(
    "/{year}", response_model=HolidaysOut, responses=NOT_MODIFIED, dependencies=[needs("catalog:read")]
)
async def show_holidays(request: Request, year: PathYear, if_none_match: IfNoneMatch = None) -> Response:
    """Days of a year on which the network is closed; the ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        return shown(holidays_out(await store.holidays(db, year)), if_none_match)


@holidays_router.put("/{year}", response_model=HolidaysOut)
async def set_holidays(
    request: Request,
    year: PathYear,
    body: HolidaysIn,
    caller: Annotated[Caller, needs("catalog:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Set the holidays of a year, all of them. Promises heed them at once; a store that keeps none says so itself."""
    caller.must_act_for_all()
    version = version_in(if_match)
    days = [Holiday(one.day, one.name) for one in body.days]

    async def verb(db: Connection) -> dict[str, Any]:
        before, after = (holidays_out(one) for one in await service.set_holidays(db, year, version, days))
        told = after.model_dump(mode="json")
        await audit(db, caller, "set holidays", f"holidays:{year}", before.model_dump(mode="json"), told)
        return told

    return await write_once(request, caller.actor, verb)
