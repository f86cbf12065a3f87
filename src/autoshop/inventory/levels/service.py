"""Verbs: set levels, take them away, and notice who fell below one or is back."""

from collections.abc import Sequence
from typing import Any

from autoshop.accounts.model import Caller
from autoshop.inventory.changes import store as changes
from autoshop.inventory.levels import store
from autoshop.inventory.levels.model import (
    BY_HAND,
    MOST_TOLD,
    Level,
    LevelsRefused,
    Place,
    UnknownLevel,
    Wanted,
    wrong_rows,
)
from autoshop.inventory.movements.model import UnknownProduct, UnknownStore
from autoshop.inventory.movements.store import places as known_places
from autoshop.kit.db import Connection, Pool
from autoshop.kit.errors import PreconditionRequired
from autoshop.kit.etag import changed_meanwhile

PLACES_AT_A_TIME = 5_000


async def get_level(db: Connection | Pool, place: Place) -> Level:
    """The level of a place, or a refusal."""
    found = await store.find(db, place)
    if found is None:
        raise _unknown(place)
    return found


async def set_level(db: Connection, caller: Caller, wanted: Wanted, version: int | None) -> Level:
    """Set the level of a place; where there is one, `version` says which one was read."""
    caller.must_act_for(wanted.store_id)
    known = (await known_places(db, [wanted.place]))[wanted.place]
    if not known.product_exists:
        raise UnknownProduct(f"There is no product {wanted.product_id}", product_id=wanted.product_id)
    if not known.store_exists:
        raise UnknownStore(f"There is no store {wanted.store_id}", store_id=wanted.store_id)
    before = (await store.lock(db, [wanted.place])).get(wanted.place)
    if before is None:
        if version is not None:
            raise _unknown(wanted.place)
        if not await store.add(db, wanted, BY_HAND, caller.actor):
            raise PreconditionRequired("Somebody has just set this level. Read it, then send your change with its ETag")
    else:
        _must_be_at(before, version, _fields(wanted))
        await store.set_all(db, [wanted], BY_HAND, caller.actor)
    await _judge_and_tell(db, [wanted.place], "set")
    return await get_level(db, wanted.place)


async def set_levels(db: Connection, caller: Caller, rows: Sequence[Wanted], source: str = BY_HAND) -> tuple[int, int]:
    """Set many levels: all of them, or a refusal that names every row. Returns how many are new and how many were."""
    caller.must_act_for(*sorted({row.store_id for row in rows}))
    places = [row.place for row in rows]
    before = await store.lock(db, places)
    wrong = wrong_rows(rows, await known_places(db, places), {place: row.version or 0 for place, row in before.items()})
    if wrong:
        raise LevelsRefused(lines=wrong)
    await store.set_all(db, rows, source, caller.actor)
    await _judge_and_tell(db, places, "set")
    return len(rows) - len(before), len(before)


async def remove_level(db: Connection, caller: Caller, place: Place, version: int | None) -> None:
    """From now on nobody minds how many lie there."""
    caller.must_act_for(place[1])
    before = (await store.lock(db, [place])).get(place)
    if before is None:
        raise _unknown(place)
    _must_be_at(before, version, {"removed": True})
    await store.remove(db, place)
    await _judge_and_tell(db, [place], "removed")


async def look(db: Connection) -> tuple[int, int] | None:
    """Judge the places that changed since the last look. How many there were, and how many crossed their level.

    None while another worker looks. A crossing is told of once: the level is locked, and the alert is its memory.
    """
    since = await store.take_turn(db)
    if since is None:
        return None
    seen_to = await changes.seen_to(db)
    places = await changes.places_since(db, since)
    crossed = 0
    for first in range(0, len(places), PLACES_AT_A_TIME):
        some = places[first : first + PLACES_AT_A_TIME]
        levels = await store.lock(db, some)
        crossed += await store.judge(db, list(levels))
    await store.end_turn(db, seen_to)
    return len(places), crossed


def _must_be_at(level: Wanted, version: int | None, sent: dict[str, Any]) -> None:
    if version is None:
        raise PreconditionRequired
    if version != level.version:
        assert level.version is not None
        raise changed_meanwhile("level", level.version, sent, _fields(level))


def _fields(wanted: Wanted) -> dict[str, Any]:
    return {"minimum": wanted.minimum, "maximum": wanted.maximum}


async def _judge_and_tell(db: Connection, places: Sequence[Place], kind: str) -> None:
    """What was done comes first in the outbox, and what follows from it after."""
    told = {"product_id": places[0][0], "store_id": places[0][1]} if len(places) == 1 else {
        "count": len(places),
        "store_ids": sorted({store_id for _, store_id in places}),
        "product_ids": sorted({product_id for product_id, _ in places})[:MOST_TOLD],
    }  # fmt: skip
    await store.tell(db, {"kind": kind, **told})
    await store.judge(db, places)


def _unknown(place: Place) -> UnknownLevel:
    return UnknownLevel(product_id=place[0], store_id=place[1])
