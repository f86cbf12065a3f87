"""Verbs: keep a document for a worker, find it, undo what it did."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.model import BatchRefused, Line, TooManyPieces, UnknownStore
from autoshop.inventory.movements.service import post_lines
from autoshop.inventory.reservations.store import lock_places
from autoshop.inventory.stores.store import find as find_store
from autoshop.kit.db import Connection, Pool
from autoshop.kit.errors import Invalid, Refusal, wrong
from autoshop.kit.jobs import defer
from autoshop.warehouse.documents import store
from autoshop.warehouse.documents.goods import store as goods
from autoshop.warehouse.documents.model import (
    COUNTED_AT_MOST,
    NEEDS,
    Asked,
    Document,
    Kind,
    LevelsStay,
    NotUndoable,
    PiecesGone,
    PlacesStay,
    SameFile,
    UnknownDocument,
)
from autoshop.warehouse.documents.model import Line as DocumentLine
from autoshop.warehouse.documents.requests import cancel_all

JOB = "bulk_document"


def must_be_allowed(caller: Caller, kind: Kind, store_id: int) -> None:
    """Refuse whoever may not do that, or not there; before a file is taken in."""
    caller.must(NEEDS[kind])
    caller.must_act_for(store_id)


async def keep(db: Connection, caller: Caller, asked: Asked, lines: Sequence[DocumentLine], now: datetime) -> Document:
    """Keep a document with its lines, and have a worker post it. The same file twice is asked about."""
    must_be_allowed(caller, asked.kind, asked.store_id)
    if asked.counted_at is not None and not now - COUNTED_AT_MOST <= asked.counted_at <= now:
        reason = f"must lie in the past, within {COUNTED_AT_MOST.days} days"
        raise Invalid(f"counted_at: {reason}", errors=[wrong("counted_at", reason)])
    if await find_store(db, asked.store_id) is None:
        raise UnknownStore(f"There is no store {asked.store_id}", store_id=asked.store_id)
    while (kept := await store.add(db, caller, asked, lines)) is None:
        assert asked.digest is not None
        before = await store.same_file(db, asked.digest)
        if before is not None:  # else it has just been refused or undone, and stands in nobody's way any more
            raise SameFile(document_id=before.id, state=before.state, sent_at=before.created_at.isoformat())
    await defer(db, JOB, {"document_id": kept.id}, once_as=f"{JOB}:{kept.id}")
    return kept


async def get_document(db: Connection | Pool, document_id: int) -> Document:
    """The document, or a refusal."""
    found = await store.find(db, document_id)
    if found is None:
        raise _unknown(document_id)
    return found


async def take_up_again(db: Connection) -> int:
    """Enqueue documents that nobody works on: their worker died, or was stopped over them."""
    silent = await store.silent(db)
    for document_id in silent:
        await defer(db, JOB, {"document_id": document_id}, once_as=f"{JOB}:{document_id}")
    return len(silent)


async def undo(db: Connection, caller: Caller, document_id: int, reason: str | None) -> Document:
    """Post the opposite of every movement of a document, once: all of them, or a refusal that names every product.

    Of requests, nothing is asked for any more. What somebody has reversed by itself meanwhile stays reversed.
    """
    document = await store.lock(db, document_id)
    if document is None:
        raise _unknown(document_id)
    caller.must_act_for(document.store_id)
    if document.state != "done":
        raise NotUndoable(document_id=document_id, state=document.state)
    if document.kind == "requests":
        await cancel_all(db, caller, document)
    else:
        await _reverse(db, caller, document, reason)
    await store.undo(db, document_id, caller.actor)
    await store.tell(db, document, "undone", document.totals)
    return await get_document(db, document_id)


async def _reverse(db: Connection, caller: Caller, document: Document, reason: str | None) -> None:
    if not document.undoable:
        stays = LevelsStay if document.kind == "levels" else PlacesStay
        raise stays(document_id=document.id)
    places = [(product_id, document.store_id) for product_id in await goods.moved_products(db, document.id)]
    await lock_places(db, places)
    lines = [
        Line(
            one.product_id, document.store_id, one.movement_type, -one.delta, caller.actor, one.related_document,
            reason, reverses_id=one.id,
        )
        for one in await goods.moved(db, document.id)
        if not one.is_reversed
    ]  # fmt: skip
    if lines:
        await _post(db, document, lines)


async def _post(db: Connection, document: Document, lines: Sequence[Line]) -> None:
    try:
        await post_lines(db, lines)
    except BatchRefused as refused:
        raise _gone(document, lines, refused.facts["lines"]) from refused
    except TooManyPieces:
        raise
    except Refusal as refused:  # of a single line
        raise _gone(document, lines, [{"line": 0, **refused.facts}]) from refused


def _gone(document: Document, lines: Sequence[Line], refused: Sequence[dict[str, Any]]) -> PiecesGone:
    told = [
        {
            "product_id": lines[one["line"]].product_id,
            "movement_id": lines[one["line"]].reverses_id,
            "asked": one["asked"],
            "available": one["available"],
        }
        for one in refused
    ]
    return PiecesGone(document_id=document.id, lines=told)


def _unknown(document_id: int) -> UnknownDocument:
    return UnknownDocument(f"There is no document {document_id}", document_id=document_id)
