"""The verbs: a kit for a car, ready to buy; and hold all of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from autoshop.accounts.model import Caller
from autoshop.inventory.allocation import service as allocation
from autoshop.inventory.allocation.model import Allocation, Wish
from autoshop.inventory.availability.model import availability
from autoshop.inventory.stores.model import Store
from autoshop.kit.db import Connection
from autoshop.selection.crosses.analogs import named
from autoshop.selection.crosses.model import Article
from autoshop.selection.fitment import store as fitment
from autoshop.selection.fitment.model import UnknownEngine
from autoshop.selection.kits.facts import Kit, Part, known
from autoshop.selection.kits.finding import Found, Walked, offers_for, walk
from autoshop.selection.kits.model import (
    TIERS,
    KitChanged,
    Line,
    Need,
    NothingToReserve,
    Seen,
    Tier,
    UnknownKit,
    choose,
    for_some_years,
    lacking,
    needs_of,
    total,
    version,
    wanted,
)
from autoshop.selection.memory.service import Memory, recalled
from autoshop.selection.vehicles import service as vehicles
from autoshop.selection.vehicles.model import Engine, Vehicle

NOT_OURS = "?"  # as the code of an engine that the vehicle was not sold with, as far as anybody here knows


class Told(Protocol):
    """An engine, whoever tells it."""

    @property
    def code(self) -> str | None: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A job for a car. `engines`: codes of those that it may have, "" for those without one, NOT_OURS for one that
    nobody here knows; None: any of the vehicle's.

    `extras`: categories of optional parts that are wanted too.
    """

    kit: str
    vehicle: str
    engines: tuple[str, ...] | None = None
    year: int | None = None
    store_id: int | None = None
    extras: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WayToBuy:
    """One way to buy a kit: what it costs, and when all of it can be had; None: nobody knows when.

    `here`: all of it lies at the store already. `reservable`: pieces that lie in the stores and can be held at once.
    `lacks`: categories that belong to the kit and are not in the sum. `version`: another, where it is made of
    other things.
    """

    tier: Tier
    total_kopecks: int
    promised_at: datetime | None
    here: bool
    reservable: int
    lacks: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A kit for a car: `ways` are those that differ, the cheapest first; none where nothing can be had."""

    kit: Kit
    vehicle: Vehicle
    engines: tuple[Engine, ...]
    year: int | None
    store: Store | None  # None: no store is open
    lines: tuple[Line, ...]
    ways: tuple[WayToBuy, ...]
    articles: dict[int, Article]


def find_kit(code: str) -> Kit:
    """A kit by its code. Raises UnknownKit."""
    kit = known().kits.get(code)
    if kit is None:
        raise UnknownKit(kit=code, kits=sorted(known().kits))
    return kit


async def ready(db: Connection, caller: Caller, asked: Asked, now: datetime, memory: Memory | None = None) -> Ready:
    """A kit for a car, of what can be had now. Raises UnknownKit, UnknownVehicle, UnknownEngine and UnknownStore."""
    kit, parts = find_kit(asked.kit), known().parts[asked.kit]
    vehicle, engines, codes = _car(asked)

    async def known_now() -> tuple[list[Need], Walked]:
        needs = await _needs(db, vehicle, engines, codes, asked.year, parts)
        return needs, await walk(db, needs)

    question = ("kit", kit.kit, vehicle.id, codes, asked.year)
    needs, walked = await recalled(memory, db, question, tuple[list[Need], Walked], known_now)
    found = await offers_for(db, caller, vehicle.id, codes, asked.year, needs, walked)
    lines = _lines(needs, found, asked.extras)
    store, ways = await _ways(db, lines, found, asked.store_id, now)
    articles = await named(db, found.articles)
    return Ready(kit, vehicle, engines, asked.year, store, lines, ways, articles)


def _car(asked: Asked) -> tuple[Vehicle, tuple[Engine, ...], tuple[str, ...]]:
    """The vehicle, its engines that are meant, and their codes."""
    vehicle, engines = vehicles.vehicle(asked.vehicle)
    theirs = {one.code or "" for one in engines}
    if not set(asked.engines or ()) <= theirs | {"", NOT_OURS}:
        raise UnknownEngine(vehicle=vehicle.id, engines=sorted(theirs - {""}))
    codes = asked.engines or tuple(dict.fromkeys(one.code or "" for one in engines)) or ("",)
    return vehicle, tuple(one for one in engines if (one.code or "") in codes), codes


def codes_known(vehicle: str, engines: Iterable[Told]) -> tuple[str, ...] | None:
    """The codes of engines that a VIN leaves, as `Asked` wants them; None: it leaves all."""
    theirs = {(one.code, one.name) for one in vehicles.vehicle(vehicle)[1]}
    codes = ((one.code or "") if (one.code, one.name) in theirs else NOT_OURS for one in engines)
    return tuple(dict.fromkeys(codes)) or None


async def _needs(
    db: Connection,
    vehicle: Vehicle,
    engines: Sequence[Engine],
    codes: Sequence[str],
    year: int | None,
    parts: Sequence[Part],
) -> list[Need]:
    liquids = {pack.category for pack in known().packs.values()}
    fitted = await fitment.of_categories(db, vehicle.id, {one for part in parts for one in part.categories})
    absent = await fitment.absences(db, vehicle.id)
    needs: list[Need] = []
    for part in parts:
        for need in needs_of(part, fitted, codes, year, liquids):
            if need.state == "unknown" and need.category in absent:
                needs.append(replace(need, state="absent"))
            else:
                told = for_some_years(need, vehicle.years_from, vehicle.years_to) if year is None else need
                needs.append(_by_engine(told, engines))
    return needs


def _by_engine(need: Need, engines: Sequence[Engine]) -> Need:
    """What the facts of engines say where no fitment does: the plug and how many, the litres of oil and which."""
    plugs = {(one.plug_ngk, one.plugs, one.plug_confidence) for one in engines}
    if need.state == "unknown" and need.category == "spark_plug" and len({one[:2] for one in plugs}) == 1:
        code, count, _ = next(iter(plugs))
        return replace(need, plug=code, quantity=count, state="ready") if code and count else need
    if need.category == "engine_oil":
        specs = {one.oil_spec for one in engines}
        litres = {one.oil_litres for one in engines}
        return replace(
            need,
            spec=next(iter(specs)) or "" if len(specs) == 1 else "",
            quantity=next(iter(litres)) if need.quantity is None and len(litres) == 1 else need.quantity,
        )
    return need


def _lines(needs: Sequence[Need], found: Found, extras: Collection[str]) -> tuple[Line, ...]:
    included = [not need.part.optional or need.part.category in extras for need in needs]
    # What is wanted chooses first; what is only offered takes of what is left.
    order = sorted(range(len(needs)), key=lambda place: not included[place])
    chosen = {
        tier: dict(zip(order, choose([found.offers[i] for i in order], tier, found.stock), strict=True))
        for tier in TIERS
    }
    lines = []
    for place, need in enumerate(needs):
        mine = {tier: offer for tier in TIERS if (offer := chosen[tier][place]) is not None}
        state = "not_sold" if need.state == "ready" and not mine else need.state
        lines.append(Line(replace(need, state=state), mine, len(found.offers[place]), included[place]))
    return tuple(lines)


async def _ways(
    db: Connection, lines: Sequence[Line], found: Found, store_id: int | None, now: datetime
) -> tuple[Store | None, tuple[WayToBuy, ...]]:
    """The ways to buy that differ, each with its date: that of the last piece."""
    picks = [tuple(line.chosen.get(tier) for line in lines if line.included) for tier in TIERS]
    wishes = [wanted(lines, tier) for tier in TIERS]
    store, promised = await allocation.promises(db, store_id, wishes, now)
    if store is None:
        return None, ()
    ways = []
    for place, tier in enumerate(TIERS):
        if picks[place] in picks[:place] or not any(picks[place]):
            continue
        dates = [promised[place]] if wishes[place] else []
        for offer in picks[place]:
            if offer is not None and offer.source == "order":
                dates += [_ordered(found.days.get(item.product.id), store, now) for item in offer.items]
        at = None if None in dates else max(one for one in dates if one is not None)
        pieces = sum(wishes[place].values()) if promised[place] is not None else 0
        here = at is not None and at == store.calendar.next_open(now)
        told = lacking(lines, tier), version(lines, tier)
        ways.append(WayToBuy(tier, total(lines, tier), at, here, pieces, *told))
    if len(ways) == 1:
        ways = [replace(ways[0], tier="standard")]
    return store, tuple(ways)


def _ordered(days: int | None, store: Store, now: datetime) -> datetime | None:
    return availability(now, [store], {}, [], {}, days)[store.id].eta_at


async def reserve(
    db: Connection,
    caller: Caller,
    asked: Asked,
    seen: Seen,
    holder: str,
    related_document: str | None,
    expires_at: datetime | None,
    lasts: timedelta,
    now: datetime,
) -> tuple[Ready, Allocation]:
    """Hold all of a way to buy that lies in the stores, for the store that was asked for: all of it or nothing.

    If it is not what was seen by now, nothing is held, and KitChanged says the new total. Raises NothingToReserve where
    all of it has to be ordered, and what allocations refuse.
    """
    if asked.store_id is not None:
        caller.must_act_for(asked.store_id)
    found = await ready(db, caller, asked, now)
    total_kopecks, now_version = total(found.lines, seen.tier), version(found.lines, seen.tier)
    if total_kopecks != seen.total_kopecks or seen.version not in (None, now_version):
        raise KitChanged(total_kopecks=total_kopecks)
    pieces = wanted(found.lines, seen.tier)
    if not pieces or found.store is None:
        raise NothingToReserve
    wish = Wish(found.store.id, tuple(sorted(pieces.items())), holder, related_document, expires_at)
    return found, await allocation.allocate(db, caller, wish, lasts, now)


def to_order(found: Ready, tier: Tier) -> list[int]:
    """The products of a way to buy that a supplier has to bring."""
    offers = [line.chosen[tier] for line in found.lines if line.included and tier in line.chosen]
    return sorted({item.product.id for offer in offers if offer.source == "order" for item in offer.items})
