"""Page: all that a job takes of a car, in up to three ways to buy; whoever serves the buyer has it held at once."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import needs, whoever
from autoshop.accounts.model import Caller
from autoshop.inventory.allocation import service as allocations
from autoshop.inventory.stores import store as stores
from autoshop.kit.db import Connection
from autoshop.kit.text import NO_NUL
from autoshop.selection.kits import answers, service, texts
from autoshop.selection.kits.model import TIERS, Seen
from autoshop.selection.kits.service import Asked
from autoshop.selection.vehicles.facts import known
from autoshop.selection.vehicles.model import Engine, Vehicle
from autoshop.selection.vehicles.service import UnknownVehicle
from autoshop.web import forms, pages
from autoshop.web.forms import Form
from autoshop.web.pages import language_of
from autoshop.web.shop.cars import chosen_of, names_of, shelf
from autoshop.web.shop.shown import show

router = APIRouter(prefix="/cars/{make}/{model}/{generation}/kits", include_in_schema=False)

Part = Annotated[str, Path(max_length=100, pattern=NO_NUL)]
MOST_STORES = 30  # to choose among; of a chain the others are in the API
MOST_KOPECKS = 10**12


@dataclass(frozen=True, slots=True)
class Page:
    """What the address says: the kit of a car with an engine (as its page calls it), a store, optional parts."""

    vehicle: Vehicle
    engines: tuple[Engine, ...]
    engine: str
    year: int | None
    kit: str
    store_id: int | None
    extras: tuple[str, ...]
    way: str

    @property
    def asked(self) -> Asked:
        """The question to the service."""
        chosen = chosen_of(self.engines, self.engine)
        codes = tuple(dict.fromkeys(one.code or "" for one in chosen)) or None
        if self.engine and not chosen:
            codes = (service.NOT_OURS,)
        return Asked(self.kit, self.vehicle.id, codes, self.year, self.store_id, frozenset(self.extras))

    def address(self, **changes: Any) -> str:
        """Its address, with something else chosen."""
        now: dict[str, Any] = {"engine": self.engine, "year": self.year, "store": self.store_id, "extra": self.extras}
        query = urlencode({name: value for name, value in (now | {"way": self.way} | changes).items() if value}, True)
        return f"/cars/{self.vehicle.id}/kits/{self.kit}" + (f"?{query}" if query else "")

    def with_extra(self, category: str) -> str:
        """Its address with an optional part that is wanted, or no longer."""
        others = tuple(one for one in self.extras if one != category)
        return self.address(extra=others if category in self.extras else (*others, category))


def the_page(
    make: Part,
    model: Part,
    generation: Part,
    kit: Part,
    engine: Annotated[str, Query(max_length=60, pattern=NO_NUL)] = "",
    year: Annotated[int | None, Query(ge=1900, le=2100)] = None,
    store: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    extra: Annotated[list[Annotated[str, Query(max_length=60, pattern=NO_NUL)]] | None, Query(max_length=20)] = None,
    way: Annotated[str, Query(max_length=20, pattern=NO_NUL)] = "",
) -> Page:
    """What the address says. Raises UnknownVehicle and UnknownKit."""
    vehicle = known().vehicles.get(f"{make}/{model}/{generation}")
    if vehicle is None:
        raise UnknownVehicle(f"Nobody here knows {make} {model} «{generation}»")
    service.find_kit(kit)
    return Page(vehicle, known().engines.get(vehicle.id, ()), engine, year, kit, store, tuple(extra or ()), way)


@router.get("/{kit}")
async def show_kit(
    request: Request,
    page: Annotated[Page, Depends(the_page)],
    caller: Annotated[Caller, whoever],
    done: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Response:
    """The parts, the ways to buy them, one total and one date for each."""
    return await _answer(request, caller, page, Form(), 200, done)


@router.post("/{kit}")
async def reserve_kit(
    request: Request, caller: Annotated[Caller, needs("inventory:write")], page: Annotated[Page, Depends(the_page)]
) -> Response:
    """Hold all of a way to buy for a buyer, by whoever serves him; a refusal comes back on the page."""
    form = await forms.read(request)
    now = datetime.now(UTC)
    holder = form.text("holder", 200)
    if holder is None and not form.error_of("holder"):
        form.wrong("holder", "form.empty")
    tier = next(one for one in TIERS if one == form.choice("way", TIERS))
    seen = Seen(tier, form.whole("total", 0, MOST_KOPECKS), form.text("version", 60))
    if form.errors or holder is None:
        return await _answer(request, caller, page, form, 422, None)
    lasts = timedelta(hours=request.app.state.settings.reservation_hours)

    async def verb(db: Connection) -> dict[str, Any]:
        _, made = await service.reserve(db, caller, page.asked, seen, holder, None, None, lasts, now)
        return {"allocation": made.id}

    outcome = await forms.once(
        request, caller, form, verb, "", lambda told, again: page.address(way=tier, done=told["allocation"])
    )
    if outcome.address is not None:
        return pages.see_other(outcome.address)
    return await _answer(request, caller, page, form, outcome.status, None)


async def _is_closed(db: Connection, store_id: int) -> bool:
    store = await stores.find(db, store_id)
    return store is not None and not store.active


async def _answer(request: Request, caller: Caller, page: Page, form: Form, status: int, done: int | None) -> Response:
    now, language = datetime.now(UTC), language_of(request)
    async with request.app.state.pool.acquire() as db:
        open_stores = (await stores.in_business(db))[:MOST_STORES]
        if page.store_id is not None and await _is_closed(db, page.store_id):  # since the address was kept
            page = replace(page, store_id=None)
        ready = await service.ready(db, caller, page.asked, now, request.app.state.memory)
        made = await allocations.get_allocation(db, done) if done and caller.may("inventory:read") else None
    told = answers.ready_out(ready, None, now, language)
    way = next((one for one in told.ways if one.tier == page.way), None)
    if way is None and told.ways:
        way = told.ways[(len(told.ways) - 1) // 2]
    make, model, _ = page.vehicle.id.split("/")
    canonical = Page(page.vehicle, page.engines, page.engine, None, page.kit, None, (), "").address()
    return show(
        request,
        "kit.html",
        status,
        canonical=canonical if told.ways else None,
        page=page,
        told=told,
        way=way,
        lacks=[texts.category(one, language).lower() for one in way.lacks] if way is not None else [],
        not_sold=texts.state("not_sold", language),
        stores=open_stores,
        names=names_of(page.engines),
        slugs=(make, model),
        make=shelf().makes[make],
        model=shelf().models[make][model],
        form=form,
        wrongs=[pages.sentence_of(language, error) for error in form.errors],
        made=made,
        may_hold=caller.may("inventory:write") and ready.store is not None and caller.acts_for(ready.store.id),
    )
