"""Where the pieces of an order come from, and why. Pure rules over plain data; the search itself is covering.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from autoshop.inventory.allocation.covering import Offer, fewest
from autoshop.inventory.movements.model import BatchRefused
from autoshop.inventory.stores.model import OWNERS_RULE, Calendar, Route, Store
from autoshop.inventory.transfers.model import ForOrder
from autoshop.kit.errors import Conflict, NotFound

Rule = Literal["wished_store", "one_store", "fewest_stores"]
Reason = Literal[
    "at_wished_store", "has_all", "completes",  # taken
    "not_needed", "later", "less_stock", "lacks", "no_way", "closed",  # not taken
]  # fmt: skip
State = Literal["open", "kept", "late", "withdrawn"]
MOST_LOOKS = 20  # stores told of in an explanation; how many there were is told too
FURTHEST = timedelta(days=366)  # a promise beyond that is none, and no hold lasts that long


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to have at a store. `lines` are products with pieces, as they were asked for."""

    store_id: int
    lines: tuple[tuple[int, int], ...]
    holder: str
    related_document: str | None = None
    expires_at: datetime | None = None
    transfers: bool = True  # ask the stores to send what does not lie at the wished one

    @property
    def wanted(self) -> dict[int, int]:
        """Pieces by product, in the order of products."""
        pieces: dict[int, int] = {}
        for product_id, count in sorted(self.lines):
            pieces[product_id] = pieces.get(product_id, 0) + count
        return pieces


@dataclass(frozen=True, slots=True)
class Candidate:
    """A store that was looked at. `free` has what it has of the wanted products; no `promised_at`: nothing comes."""

    store_id: int
    free: Mapping[int, int]
    promised_at: datetime | None
    active: bool = True

    @property
    def stock(self) -> int:
        return sum(self.free.values())


@dataclass(frozen=True, slots=True)
class Part:
    """Pieces of a product from one store, and when they can be had at the wished store."""

    product_id: int
    from_store_id: int
    pieces: int
    promised_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """What was thought of a store: taken or not, why, and what it would have promised."""

    store_id: int
    taken: bool
    reason: Reason
    promised_at: datetime | None
    free: tuple[tuple[int, int], ...]  # product, pieces


@dataclass(frozen=True, slots=True)
class Choice:
    """Where everything comes from. `exact` is false where the search for the fewest stores was cut short."""

    rule: Rule
    parts: tuple[Part, ...]
    exact: bool = True

    @property
    def promised_at(self) -> datetime:
        """One moment for the whole: that of the last part."""
        return max(part.promised_at for part in self.parts)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Pieces that are coming anyhow: on the way to the wished store, or from the supplier. None of them is held."""

    product_id: int
    kind: Literal["in_transit", "backorder"]
    pieces: int | None
    promised_at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why it is so: the stores that count (not all that were looked at), and what else would have been possible."""

    exact: bool
    stores_looked_at: int
    looks: tuple[Look, ...]
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A choice with its reasons, before anything is held. `due_at` is the end of the promised day at the store."""

    store: Store
    choice: Choice
    explanation: Explanation
    due_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Allocation:
    """The document: a promise and the hold behind it. It has ended once its reservation has, in whatever way."""

    id: int
    store_id: int
    reservation_id: int
    rule: Rule
    state: State
    promised_at: datetime
    due_at: datetime
    actor: str
    created_at: datetime
    fulfilled_at: datetime | None
    ended_at: datetime | None
    version: int
    holder: str | None
    related_document: str | None
    expires_at: datetime
    parts: tuple[Part, ...] = field(default=())
    transfers: tuple[ForOrder, ...] = field(default=())
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """How promises of a store went that fell due in some time."""

    store_id: int
    kept: int
    late: int
    open: int
    withdrawn: int


class UnknownAllocation(NotFound):
    title = "Unknown allocation"


class NotAllocated(BatchRefused):
    """Nothing is held; `lines` names every line that stood in the way, counted from 0, and what is coming of it."""

    title = "Cannot be allocated"

    def explain(self) -> str:
        return f"{len(self.facts['lines'])} line(s) cannot be had from all stores together"


class HoldTooShort(Conflict):
    title = "The hold would end before the promise"

    def explain(self) -> str:
        return f"Promised for {self.facts['promised_at']}: hold at least until then, or leave `expires_at` out"


# ------------------------------------------------------------------------------------------------ dates
def arrivals(
    now: datetime, wished: Store, sources: Sequence[Store], routes: Mapping[int, Route]
) -> dict[int, datetime | None]:
    """When what leaves each source can be had at the wished store; None where nothing goes. `routes` by source.

    The rules are those of availability: the van's cut-off, days and weekdays, the hours and closed days of both.
    """
    known: dict[tuple[Route, Calendar], datetime | None] = {}
    found: dict[int, datetime | None] = {}
    for source in sources:
        if source.id == wished.id:
            found[source.id] = _within_reach(wished.calendar.next_open(now), now)
            continue
        way = routes.get(source.id, OWNERS_RULE), source.calendar
        if way not in known:
            known[way] = _within_reach(way[0].next_arrival(now, way[1], wished.calendar), now)
        found[source.id] = known[way]
    return found


def _within_reach(at: datetime | None, now: datetime) -> datetime | None:
    return at if at is not None and at < now + FURTHEST - timedelta(days=1) else None


def end_of_day(promised_at: datetime, calendar: Calendar) -> datetime:
    """The end of the promised day where the buyer comes: until then a promise is kept."""
    day: date = promised_at.astimezone(calendar.zone).date() + timedelta(days=1)
    return calendar.instant(day, time(0))


# ------------------------------------------------------------------------------------------------ the choice
def choose(wished_id: int, wanted: Mapping[int, int], candidates: Sequence[Candidate]) -> Choice | None:
    """Where the wanted pieces (by product) come from; None where all stores together have too few.

    The wished store alone, if it can. Else one other store that has all: the one that promises the earliest, then the
    one with more stock. Else what lies at the wished store, and the rest from as few others as can be; among equally
    few the earliest.
    """
    able = sorted(
        (one for one in candidates if one.active and one.promised_at is not None and one.free),
        key=lambda one: (one.promised_at, -one.stock, one.store_id),
    )
    here = next((one for one in able if one.store_id == wished_id), None)
    if here is not None and _has_all(here, wanted):
        return Choice("wished_store", _parts([here], wanted))
    others = [one for one in able if one.store_id != wished_id]
    alone = next((one for one in others if _has_all(one, wanted)), None)
    if alone is not None:
        return Choice("one_store", _parts([alone], wanted))
    products = list(wanted)
    left = [wanted[product] - min(wanted[product], here.free.get(product, 0) if here else 0) for product in products]
    offers = [
        Offer(
            tuple(min(n, one.free.get(product, 0)) for product, n in zip(products, left, strict=True)), one.promised_at
        )
        for one in others
        if one.promised_at is not None
    ]
    cover = fewest(left, offers)
    if cover is None:
        return None
    sources = [*([here] if here else []), *(others[number] for number in cover.taken)]
    return Choice("fewest_stores", _parts(sources, wanted), cover.exact)


def _has_all(candidate: Candidate, wanted: Mapping[int, int]) -> bool:
    return all(candidate.free.get(product, 0) >= pieces for product, pieces in wanted.items())


def _parts(sources: Sequence[Candidate], wanted: Mapping[int, int]) -> tuple[Part, ...]:
    """Each source gives what it can of what is left, in the given order."""
    left, parts = dict(wanted), []
    for source in sources:
        for product, pieces in left.items():
            given = min(pieces, source.free.get(product, 0))
            if given and source.promised_at is not None:
                parts.append(Part(product, source.store_id, given, source.promised_at))
                left[product] -= given
    return tuple(sorted(parts, key=lambda part: (part.product_id, part.from_store_id)))


# ------------------------------------------------------------------------------------------------ the reasons
def looks_at(
    wished_id: int, wanted: Mapping[int, int], candidates: Sequence[Candidate], choice: Choice | None
) -> tuple[Look, ...]:
    """What was thought of the stores that have any of it: those taken, then those that came nearest."""
    taken = {part.from_store_id for part in choice.parts} if choice else set()

    def rank(one: Candidate) -> tuple[Any, ...]:
        covers = sum(min(pieces, one.free.get(product, 0)) for product, pieces in wanted.items())
        late = one.promised_at is None
        return one.store_id not in taken, one.store_id != wished_id, late, -covers, one.promised_at or 0, one.store_id

    nearest = sorted((one for one in candidates if one.free or one.store_id == wished_id), key=rank)
    return tuple(
        Look(
            one.store_id,
            one.store_id in taken,
            _reason(one, wished_id, wanted, choice),
            one.promised_at,
            tuple(sorted(one.free.items())),
        )
        for one in nearest[:MOST_LOOKS]
    )


def _reason(one: Candidate, wished_id: int, wanted: Mapping[int, int], choice: Choice | None) -> Reason:
    if choice and any(part.from_store_id == one.store_id for part in choice.parts):
        if one.store_id == wished_id:
            return "at_wished_store"
        return "has_all" if choice.rule == "one_store" else "completes"
    if not one.active:
        return "closed"
    if one.promised_at is None:
        return "no_way"
    if not _has_all(one, wanted):
        return "lacks" if choice is None or choice.rule != "wished_store" else "not_needed"
    if choice is None or choice.rule != "one_store":
        return "not_needed"
    return "later" if one.promised_at > choice.promised_at else "less_stock"
