"""Short words for the ledger in tests: post, stock, and the proof that all of it adds up."""

from collections.abc import Sequence
from datetime import UTC, datetime

from autoshop.accounts.model import Caller, trusted
from autoshop.inventory.movements.model import Line, Movement, MovementRequest, MovementType
from autoshop.inventory.stock import service as stock_service
from autoshop.inventory.transfers import posting
from autoshop.inventory.transfers import service as transfers
from autoshop.inventory.transfers.model import Transfer
from autoshop.kit import idempotency
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE, PLUG

MANAGER = trusted("manager")


def request(
    movement_type: MovementType,
    quantity: int,
    product_id: int = PLUG,
    store_id: int = CENTRE,
    to_store_id: int | None = None,
    document: str | None = None,
) -> MovementRequest:
    """What a caller asks for; of the plug in the centre unless it says otherwise."""
    return MovementRequest(
        product_id=product_id,
        store_id=store_id,
        movement_type=movement_type,
        quantity=quantity,
        to_store_id=to_store_id,
        related_document=document,
    )


def line(
    delta: int, product_id: int = PLUG, store_id: int = CENTRE, key: str | None = None, body: bytes = b"{}"
) -> Line:
    """A line for the queue of single movements."""
    kept = idempotency.key_for("test", key, "POST", "/movement", body)
    return Line(product_id, store_id, "adjustment", delta, "system:test", key=kept)


async def post(pool: Pool, *requests: MovementRequest, caller: Caller = MANAGER) -> list[Movement]:
    """Post requests in one transaction."""
    async with transaction(pool) as db:
        return await posting.post_requests(db, caller, requests, datetime.now(UTC))


async def reverse(pool: Pool, movement_id: int, reason: str | None = None) -> Movement:
    """Undo a movement, as a manager."""
    async with transaction(pool) as db:
        return await posting.reverse(db, MANAGER, movement_id, reason)


async def receive(
    pool: Pool, transfer_id: int | None, pieces: dict[int, int] | None = None
) -> tuple[Transfer, list[Movement]]:
    """Put on the shelf what a transfer brings: all of it, or some pieces by product."""
    assert transfer_id is not None
    async with transaction(pool) as db:
        return await transfers.receive(db, MANAGER, transfer_id, pieces)


async def stock(pool: Pool) -> dict[tuple[int, int], int]:
    """Pieces by (product, store), without the empty places."""
    rows = await pool.fetch("SELECT product_id, store_id, quantity FROM inventory WHERE quantity <> 0")
    return {(row["product_id"], row["store_id"]): row["quantity"] for row in rows}


async def pieces(pool: Pool, product_id: int = PLUG, store_id: int = CENTRE) -> int:
    """Pieces of one product at one store."""
    return (await stock(pool)).get((product_id, store_id), 0)


async def movements(pool: Pool) -> int:
    """How many lines the ledger has."""
    count: int = await pool.fetchval("SELECT count(*) FROM movements")
    return count


async def assert_ledger_is_clean(pool: Pool) -> None:
    """The recount agrees, line by line, no key stands for two movements, and each movement has its event."""
    check = await stock_service.check_ledger(pool, balances=True)
    assert (check.differences, check.examples) == (0, [])
    doubled = await pool.fetch(
        "SELECT actor, idempotency_key FROM movements WHERE idempotency_key IS NOT NULL"
        " GROUP BY actor, idempotency_key, coalesce(transfer_id, 0) HAVING count(*) > 1"
    )
    assert doubled == []
    silent = await pool.fetchval(
        "SELECT count(*) FROM movements AS m WHERE NOT EXISTS"
        " (SELECT FROM outbox AS o WHERE (o.payload ->> 'movement_id')::bigint = m.id)"
    )
    assert silent == 0, "movements without an event in the outbox"


def outcomes(answers: Sequence[object]) -> dict[str, int]:
    """How many answers of each class, for assertions about races."""
    counted: dict[str, int] = {}
    for answer in answers:
        counted[type(answer).__name__] = counted.get(type(answer).__name__, 0) + 1
    return counted
