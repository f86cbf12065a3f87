"""Availability: the status and ETA of a product at a store. Pure rules over plain data."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from autoshop.inventory.stores.model import OWNERS_RULE, Calendar, Route, Store

Status = Literal["on_hand", "in_transit", "transfer_1d", "backorder", "unavailable"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Pieces on the way to a store that nobody was promised yet."""

    store_id: int
    pieces: int
    eta_at: datetime


@dataclass(frozen=True, slots=True)
class Availability:
    """`eta_at` (UTC) is the first moment a buyer can hold it; None only when `unavailable`.

    `from_store_id` is where a transfer would come from.
    """

    status: Status
    eta_at: datetime | None
    from_store_id: int | None = None

    def eta_minutes(self, now: datetime) -> int | None:
        """Whole minutes from now, rounded up; 0 = at once."""
        if self.eta_at is None:
            return None
        return max(0, -int((now - self.eta_at).total_seconds() // 60))


UNAVAILABLE = Availability("unavailable", None)


def availability(
    now: datetime,
    stores: Sequence[Store],
    available: Mapping[int, int],
    arrivals: Iterable[Arrival],
    routes: Mapping[tuple[int, int], Route],
    lead_time_days: int | None,
    only: Set[int] | None = None,
) -> dict[int, Availability]:
    """The availability of one product at each store; or at some `only`, from what lies at all of them.

    `available` holds free pieces by store id; `routes` what differs from the owner's rule, by (from, to). On hand
    wins; else the earliest of transit, transfer and supplier.
    """
    sources = [store for store in stores if store.active and available.get(store.id, 0) > 0]
    by_default = _default_departures(now, sources, available)
    on_the_way: dict[int, list[Arrival]] = {}
    for arrival in arrivals:
        on_the_way.setdefault(arrival.store_id, []).append(arrival)
    asked = stores if only is None else [store for store in stores if store.id in only]

    answer = {}
    for store in asked:
        if not store.active:  # pieces may still lie there, but nobody can come for them
            answer[store.id] = UNAVAILABLE
            continue
        if available.get(store.id, 0) > 0:
            answer[store.id] = Availability("on_hand", store.calendar.next_open(now))
            continue
        candidates = [
            *_transit(now, store, on_the_way.get(store.id, ())),
            *_transfers(now, store, sources, by_default, routes),
            *_supplier(now, store, lead_time_days),
        ]
        answer[store.id] = min(candidates, key=lambda found: found.eta_at or now, default=UNAVAILABLE)
    return answer


def soonest(found: Mapping[int, Availability]) -> tuple[int, Availability] | None:
    """The store at which a buyer can have it first, and when; on hand before all else. None where nobody can."""
    promised = [(store_id, here) for store_id, here in found.items() if here.eta_at is not None]
    return min(promised, key=lambda one: (one[1].status != "on_hand", one[1].eta_at), default=None)


def _transit(now: datetime, store: Store, arrivals: Iterable[Arrival]) -> Iterable[Availability]:
    for arrival in arrivals:
        expected = arrival.eta_at
        if expected <= now:  # overdue: it is promised for the same hour of the next day, not for this minute
            expected += timedelta(days=(now - expected).days + 1)
        eta_at = store.calendar.next_open(expected)
        if eta_at is not None:
            yield Availability("in_transit", eta_at)


@dataclass(frozen=True, slots=True)
class _Departure:
    """The sources under the owner's rule that keep the same calendar: one sum serves them all."""

    calendar: Calendar
    store_ids: tuple[int, ...]  # fullest first


def _default_departures(now: datetime, sources: Sequence[Store], available: Mapping[int, int]) -> list[_Departure]:
    groups: dict[Calendar, list[int]] = {}
    for source in sorted(sources, key=lambda store: -available[store.id]):
        groups.setdefault(source.calendar, []).append(source.id)
    return [_Departure(calendar, tuple(ids)) for calendar, ids in groups.items()]


def _transfers(
    now: datetime,
    store: Store,
    sources: Sequence[Store],
    by_default: Sequence[_Departure],
    routes: Mapping[tuple[int, int], Route],
) -> Iterable[Availability]:
    for group in by_default:
        source_id = next((i for i in group.store_ids if i != store.id and (i, store.id) not in routes), None)
        if source_id is not None:
            yield from _transfer(now, OWNERS_RULE, group.calendar, store, source_id)
    if routes:
        for source in sources:
            route = routes.get((source.id, store.id))
            if route is not None:
                yield from _transfer(now, route, source.calendar, store, source.id)


def _transfer(now: datetime, route: Route, source: Calendar, store: Store, source_id: int) -> Iterable[Availability]:
    eta_at = route.next_arrival(now, source, store.calendar)
    if eta_at is not None:
        yield Availability("transfer_1d", eta_at, source_id)


def _supplier(now: datetime, store: Store, lead_time_days: int | None) -> Iterable[Availability]:
    if lead_time_days is None:
        return
    calendar = store.calendar
    day = now.astimezone(calendar.zone).date() + timedelta(days=lead_time_days)
    eta_at = calendar.next_open(max(now.astimezone(UTC), calendar.instant(day, OWNERS_RULE.arrival)))
    if eta_at is not None:
        yield Availability("backorder", eta_at)
