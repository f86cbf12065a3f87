"""A document of requests: what a store wants of others, one transfer for each store that is asked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from autoshop.accounts.model import Caller
from autoshop.inventory.stores import store as stores
from autoshop.inventory.transfers import service as transfers
from autoshop.inventory.transfers.model import CLOSED
from autoshop.kit.db import Connection
from autoshop.warehouse.documents import store
from autoshop.warehouse.documents.checking import Read
from autoshop.warehouse.documents.model import Document, Problem, SentAlready


async def senders_of(db: Connection, document: Document, read: Sequence[Read]) -> tuple[dict[int, int], list[Problem]]:
    """Number of a line → the store that is asked; and what is wrong with the others."""
    ids = await stores.called(db, [one.sender for one in read])
    wrong = {
        one.line.number: "unknown_store" if one.sender not in ids else "own_store"
        for one in read
        if ids.get(one.sender, document.store_id) == document.store_id
    }
    problems = [
        Problem(one.line.row, "from_store", one.sender, wrong[one.line.number])
        for one in read
        if one.line.number in wrong
    ]
    return {one.line.number: ids[one.sender] for one in read if one.line.number not in wrong}, problems


async def request_all(
    db: Connection, document: Document, read: Sequence[Read], products: Mapping[int, int], senders: Mapping[int, int]
) -> int:
    """One transfer for each store that is asked, and each line knows its own; lines of a product add up. How many."""
    asked: dict[int, dict[int, int]] = {}
    for one in sorted(read, key=lambda one: products[one.line.number]):
        pieces = asked.setdefault(senders[one.line.number], {})
        pieces[products[one.line.number]] = pieces.get(products[one.line.number], 0) + one.quantity
    made = {}
    for sender in sorted(asked):
        transfer = await transfers.request(
            db, document.caller, sender, document.store_id, asked[sender], document.related_document,
            f"document {document.id}", None, datetime.now(UTC),
        )  # fmt: skip
        made[sender] = transfer.id
    await store.keep_transfers(db, document.id, {number: made[sender] for number, sender in senders.items()})
    return len(made)


async def cancel_all(db: Connection, caller: Caller, document: Document) -> None:
    """Ask for nothing any more; refused where anything has left by now, for that is on its way or has come."""
    found = [
        await transfers.get_transfer(db, transfer_id, lock=True)
        for transfer_id in await store.transfers_of(db, document.id)
    ]
    if sent := [one.id for one in found if one.shipped_at is not None]:
        raise SentAlready(document_id=document.id, transfer_ids=sent)
    for transfer in found:
        if transfer.status not in CLOSED:
            await transfers.cancel(db, caller, transfer.id)
