"""Verbs: reserve, extend, release, fulfil; and let go of what has lapsed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import Line, Movement
from autoshop.inventory.movements.service import post_lines, refusal_of
from autoshop.inventory.movements.store import open_places
from autoshop.inventory.reservations import awaiting, lapsing, store
from autoshop.inventory.reservations.model import (
    MOST_DAYS,
    BeyondHeld,
    HeldElsewhereToo,
    HoldRefused,
    NotHeld,
    NothingHasCome,
    Place,
    Reservation,
    ReservationEnded,
    Status,
    UnknownReservation,
)
from autoshop.inventory.transfers.orders import service as orders
from autoshop.kit.db import BUSY, Connection, transaction_on, wait_at_most
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.etag import changed_meanwhile

PLACES_AT_A_TIME = 50
MOST_PLACES = 10_000
PATIENCE_MS = 200
FORGET_AT_A_TIME = 1_000


def summed(lines: Sequence[tuple[Place, int]]) -> dict[Place, int]:
    """Pieces per place, in key order."""
    pieces: dict[Place, int] = {}
    for place, count in sorted(lines):
        pieces[place] = pieces.get(place, 0) + count
    return pieces


async def reserve(
    db: Connection,
    caller: Caller,
    lines: Sequence[tuple[Place, int]],
    holder: str,
    related_document: str | None,
    until: datetime,
    now: datetime,
) -> Reservation:
    """Hold pieces for somebody: all lines, or a refusal that names every line that stood in the way."""
    caller.must_act_for(*sorted({store_id for (_, store_id), _ in lines}))
    return await get_reservation(db, await hold(db, caller, lines, holder, related_document, until, now))


async def hold(
    db: Connection,
    caller: Caller,
    lines: Sequence[tuple[Place, int]],
    holder: str,
    related_document: str | None,
    until: datetime,
    now: datetime,
) -> int:
    """The same, at whatever stores: for whoever has decided already that the caller may. The id of the hold."""
    must_be_ahead(until, now)
    wanted = summed(lines)
    await open_places(db, list(wanted))
    await store.lock_places(db, list(wanted))
    await lapsing.let_go_of_lapsed(db, list(wanted))
    held = await store.hold(db, wanted)
    if len(held) < len(wanted):
        asked = [Line(*place, "sale", -pieces, caller.actor) for place, pieces in lines]
        failed = [number for number, line in enumerate(asked) if line.place not in held]
        raise await refusal_of(db, asked, failed, HoldRefused)
    reservation_id = await store.add(db, wanted, holder, related_document, caller.actor, until)
    await store.tell(db, reservation_id, "reserved")
    return reservation_id


async def get_reservation(db: Connection, reservation_id: int) -> Reservation:
    """The reservation, or a refusal."""
    found = await store.find(db, reservation_id)
    if found is None:
        raise UnknownReservation(f"There is no reservation {reservation_id}", reservation_id=reservation_id)
    return found


async def extend(
    db: Connection, caller: Caller, reservation_id: int, version: int, until: datetime, now: datetime
) -> Reservation:
    """Hold on until another moment, later or sooner; what has lapsed stays lapsed."""
    reservation = await _living(db, caller, reservation_id)
    must_be_ahead(until, now)
    if reservation.version != version:
        current = {"expires_at": reservation.expires_at.isoformat()}
        raise changed_meanwhile("reservation", reservation.version, {"expires_at": until.isoformat()}, current)
    if not await store.extend(db, reservation_id, until):
        raise _ended(reservation_id, "expired")
    await store.tell(db, reservation_id, "extended")
    return await get_reservation(db, reservation_id)


async def release(
    db: Connection, caller: Caller, reservation_id: int, lines: Sequence[tuple[Place, int]] | None
) -> Reservation:
    """Give back what is held: the lines named, or all of it, with what is on the way."""
    reservation = await _living(db, caller, reservation_id, lines)
    return await _give_back(db, caller, reservation, lines)


async def release_all(db: Connection, caller: Caller, reservation_id: int) -> Reservation:
    """Give back everything, wherever it is: for whoever has decided already that the caller may."""
    return await _give_back(db, caller, await _locked(db, reservation_id), None)


async def _give_back(
    db: Connection, caller: Caller, reservation: Reservation, lines: Sequence[tuple[Place, int]] | None
) -> Reservation:
    held = _held(reservation)
    wanted = held if lines is None else summed(lines)
    for place, pieces in wanted.items():
        if pieces > held.get(place, 0):
            raise _not_held(place, pieces, held.get(place, 0))
    taken = await store.take(db, reservation.id, wanted, fulfilled=False)
    forgone = lines is None and await awaiting.forgo(db, reservation.id)
    if not (taken or forgone):
        raise _ended(reservation.id, "expired")
    await orders.follow(db, reservation.id, caller.actor)
    await store.close(db, [reservation.id], "released")
    return await get_reservation(db, reservation.id)


async def fulfil(
    db: Connection,
    caller: Caller,
    reservation_id: int,
    lines: Sequence[tuple[Place, int]] | None,
    related_document: str | None,
    *,
    beyond_held: bool = False,
) -> tuple[Reservation, list[Movement]]:
    """Sell to the holder: the lines named, or all that is held. What he does not take stays held.

    His own hold does not stand in his way: `beyond_held`, of a place where more is wanted than is held, the rest comes
    from what is free.
    """
    reservation = await _living(db, caller, reservation_id, lines)
    held = _held(reservation)
    wanted = held if lines is None else summed(lines)
    if not wanted:
        raise NothingHasCome(reservation_id=reservation_id)
    for place, pieces in wanted.items():
        if place not in held:
            raise _not_held(place, pieces, 0)
        if pieces > held[place] and not beyond_held:
            raise _not_held(place, pieces, held[place], BeyondHeld)
    if not await store.take(db, reservation_id, wanted, fulfilled=True):
        raise _ended(reservation_id, "expired")
    document = related_document or reservation.related_document or f"reservation {reservation_id}"
    sales = [Line(*place, "sale", -pieces, caller.actor, document) for place, pieces in wanted.items()]
    movements = await post_lines(db, sales)
    await orders.follow(db, reservation_id, caller.actor)
    await store.close(db, [reservation_id], "fulfilled")
    return await get_reservation(db, reservation_id), movements


async def take_out(
    db: Connection, reservation_id: int, moved: Mapping[Place, int], given_up: Mapping[Place, int]
) -> None:
    """Free pieces of a hold: those that the caller moves in the same transaction, and those that are no longer wanted.

    At most what is held: a hold that has lapsed holds nothing, and the pieces then come from what is free. Whether the
    caller may has been decided.
    """
    places = sorted({*moved, *given_up})
    await open_places(db, places)
    await store.lock_places(db, places)
    taken = [
        await store.take(db, reservation_id, pieces, fulfilled=fulfilled)
        for pieces, fulfilled in ((moved, True), (given_up, False))
    ]
    if any(taken):
        await store.close(db, [reservation_id], "fulfilled" if taken[0] else "released")


async def let_go_of_all_lapsed(db: Connection) -> int:
    """Free what lapsed holds still hold, wherever it is; at how many places. Nobody waits for this: see `stock`.

    Nor does it wait for anybody: what somebody has locked is left to the next run, a minute later. Opens its
    transactions itself, one for a few dozen places, so that whoever wants one of them has it at once.
    """
    count = 0
    while await _end_waiting(db):
        pass
    while places := await lapsing.lapsed_places(db, MOST_PLACES):
        batches = [places[first : first + PLACES_AT_A_TIME] for first in range(0, len(places), PLACES_AT_A_TIME)]
        freed = sum([await _let_go_of_some(db, batch) for batch in batches])
        if not freed:
            break
        count += freed
    return count


async def _end_waiting(db: Connection) -> bool:
    """Holds that lapsed while their pieces were on the way: whether there may be more of them."""
    async with transaction_on(db):
        return await awaiting.lapse(db, FORGET_AT_A_TIME) == FORGET_AT_A_TIME


async def _let_go_of_some(db: Connection, places: Sequence[Place]) -> int:
    try:
        async with transaction_on(db):
            await wait_at_most(db, PATIENCE_MS)
            free = await lapsing.lock_free_places(db, places)
            return len(free) if await lapsing.let_go_of_lapsed(db, free) else 0
    except BUSY:  # somebody has a hold itself under his hands: all of the batch waits for the next run
        return 0


async def _living(
    db: Connection, caller: Caller, reservation_id: int, lines: Sequence[tuple[Place, int]] | None = None
) -> Reservation:
    """The reservation, locked. The caller acts for the stores of the lines named, or for all at which it has pieces."""
    _must_act_for(caller, await get_reservation(db, reservation_id), lines)
    return await _locked(db, reservation_id)


async def _locked(db: Connection, reservation_id: int) -> Reservation:
    """The reservation as it is once its places are locked, so that whatever is decided of it stays true.

    The transfers that bring its pieces come first, as documents do: meanwhile nothing leaves or comes.
    """
    await orders.lock(db, reservation_id)
    reservation = await get_reservation(db, reservation_id)
    await store.lock_places(db, [line.place for line in reservation.lines])
    reservation = await get_reservation(db, reservation_id)
    if reservation.status != "live":
        raise _ended(reservation_id, reservation.status)
    return reservation


def _must_act_for(caller: Caller, reservation: Reservation, lines: Sequence[tuple[Place, int]] | None) -> None:
    if lines is not None:
        caller.must_act_for(*sorted({store_id for (_, store_id), _ in lines}))
        return
    held = _held(reservation)
    concerned = {line.store_id for line in reservation.lines if line.held or line.awaited}
    mine = [
        {"product_id": product_id, "store_id": store_id, "quantity": pieces}
        for (product_id, store_id), pieces in held.items()
        if caller.acts_for(store_id)
    ]
    if mine and len(mine) < len(held):
        foreign = min(store_id for store_id in concerned if not caller.acts_for(store_id))
        raise HeldElsewhereToo(store_id=foreign, lines=mine)
    caller.must_act_for(*sorted(concerned))


def _ended(reservation_id: int, status: Status) -> ReservationEnded:
    return ReservationEnded(reservation_id=reservation_id, reservation_status=status)


def _held(reservation: Reservation) -> dict[Place, int]:
    return {line.place: line.held for line in reservation.lines if line.held}


def _not_held(place: Place, asked: int, held: int, kind: type[NotHeld] = NotHeld) -> NotHeld:
    return kind(product_id=place[0], store_id=place[1], asked=asked, held=held)


async def forget_holders(db: Connection, days: int) -> int:
    """Forget for whom pieces were held, where the hold ended more than `days` ago: personal data. How many."""
    count = 0
    while forgotten := await lapsing.forget_holders(db, days, FORGET_AT_A_TIME):
        count += forgotten
    return count


def must_be_ahead(until: datetime, now: datetime, field: str = "expires_at") -> None:
    """Refuse an end of a hold that is over already, or so far off that nobody remembers; `field` said it."""
    if not now < until <= now + timedelta(days=MOST_DAYS):
        reason = f"must lie ahead, within {MOST_DAYS} days"
        raise Invalid(f"{field}: {reason}", errors=[wrong(field, reason)])
