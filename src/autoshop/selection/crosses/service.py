"""Verbs: link two articles by hand; look at a pair of spark plugs that the checker refused, and decide."""

from dataclasses import dataclass
from typing import Literal

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.catalog.brands import service as brands
from autoshop.catalog.products.model import key_of
from autoshop.kit.db import Connection
from autoshop.kit.facts import Confidence
from autoshop.selection.crosses import store
from autoshop.selection.crosses.model import AlreadyDecided, CrossConflict, Kind, SameArticle, State, UnknownConflict
from autoshop.selection.crosses.rows import PlugPairs
from autoshop.selection.plugs import service as plugs


@dataclass(frozen=True, slots=True)
class Linked:
    """What became of a pair: added, known already, or kept aside for a person, with its conflict."""

    state: Literal["added", "known", "kept_aside"]
    verdict: str | None
    conflict: CrossConflict | None = None


async def link(
    db: Connection,
    caller: Caller,
    one: tuple[str, str],
    other: tuple[str, str],
    kind: Kind,
    confidence: Confidence,
) -> Linked:
    """Link two articles (brand and article each): first the car maker's number of `oe`, the older of `supersession`.

    Two spark plugs that the checker refuses are kept aside.
    """
    named = [
        (await brands.find_by_name(db, brand), key_of(article), article.strip()) for brand, article in (one, other)
    ]
    if named[0][:2] == named[1][:2]:
        raise SameArticle(article=named[0][2])
    makers = await plugs.makers(db, ())
    verdict = None
    if all(brand_id in makers for brand_id, _, _ in named):
        verdict = PlugPairs().verdict(makers[named[0][0]], named[0][2], makers[named[1][0]], named[1][2])
    source = await store.source_id(db, caller.actor, caller.actor, is_facts=False)
    ids = await store.add_articles(db, named)
    a_id, b_id = ids if kind in ("oe", "supersession") else sorted(ids)
    values = (a_id, b_id, source, kind, confidence, verdict)
    if verdict in ("conflict", "fits, differs"):
        return Linked("kept_aside", verdict, await get_conflict(db, await store.add_conflict(db, *values)))
    is_new = await store.add_cross(db, *values)
    if is_new:
        told = {"pair": [f"{brand} {article}" for brand, article in (one, other)], "kind": kind}
        await audit(db, caller, "link", f"cross:{a_id}:{b_id}", None, told)
    return Linked("added" if is_new else "known", verdict)


async def get_conflict(db: Connection, conflict_id: int) -> CrossConflict:
    """The conflict, or a refusal."""
    found = await store.find_conflict(db, conflict_id)
    if found is None:
        raise UnknownConflict(f"There is no conflict {conflict_id}", conflict_id=conflict_id)
    return found


async def decide(db: Connection, caller: Caller, conflict_id: int, state: State, reason: str | None) -> CrossConflict:
    """Accept an open conflict against the checker, with a reason, so that it becomes a cross; or dismiss it."""
    found = await store.find_conflict(db, conflict_id, lock=True)
    if found is None:
        raise UnknownConflict(f"There is no conflict {conflict_id}", conflict_id=conflict_id)
    if found.state != "open":
        raise AlreadyDecided(conflict_id=conflict_id, state=found.state, decided_by=found.decided_by)
    await store.decide(db, conflict_id, state, caller.actor, reason)
    told = {"state": state, "reason": reason, "pair": f"{found.one.article} — {found.other.article}"}
    await audit(db, caller, "decide", f"cross_conflict:{conflict_id}", {"state": "open"}, told)
    return await get_conflict(db, conflict_id)
