"""Transfers as documents: asked for, held, shipped, received, recalled, cancelled, and what came otherwise."""

from typing import Any

from tests.cast import CENTRE, NORTH
from tests.chaos.client import IDLE, INVENTORY, Client

TRANSFERS = f"{INVENTORY}/transfers"


async def ask(client: Client) -> None:
    here, there = client.dice.sample([CENTRE, NORTH], 2)
    body: dict[str, Any] = {
        "from_store_id": here,
        "to_store_id": there,
        "lines": [client.pieces() for _ in range(client.dice.randint(1, 2))],
        "related_document": client.mark,
        "hold": client.dice.random() < 0.4,
    }
    asked = await client.do("transfer request", "POST", TRANSFERS, body)
    if asked:
        client.record.documents["transfers"].add(asked["id"])
        if asked["reservation_id"]:
            client.record.documents["reservations"].add(asked["reservation_id"])


async def ship(client: Client) -> object:
    """All that is wanted, or one piece and drop the rest."""
    body = None
    transfer = await _some(client, "requested")
    if transfer is None:
        return IDLE
    wanted = [line for line in transfer["lines"] if line["wanted"]]
    if wanted and client.dice.random() < 0.3:
        body = {"lines": _one_of(client, wanted), "close_rest": client.dice.random() < 0.5}
    return await client.do("shipment", "POST", f"{TRANSFERS}/{transfer['id']}/shipment", body)


async def receive(client: Client) -> object:
    return await _take(client, "receipt", "receipt")


async def recall(client: Client) -> object:
    return await _take(client, "recall", "recall")


async def _take(client: Client, kind: str, verb: str) -> object:
    """All that is on the way, or a piece of it."""
    transfer = await _some(client, "in_transit")
    if transfer is None:
        return IDLE
    coming = [line for line in transfer["lines"] if line["on_the_way"]]
    body = {"lines": _one_of(client, coming)} if coming and client.dice.random() < 0.5 else None
    return await client.do(kind, "POST", f"{TRANSFERS}/{transfer['id']}/{verb}", body)


async def differ(client: Client) -> object:
    """Something is lost or broken on the way, turns up again, or comes though nobody sent it."""
    transfer = await _some(client, "in_transit")
    if transfer is None:
        return IDLE
    coming = [line for line in transfer["lines"] if line["on_the_way"]] or transfer["lines"]
    lost = [line for line in transfer["lines"] if line["lost"]]
    if lost and client.dice.random() < 0.5:
        kind, lines = "difference: found", [{**_one_of(client, lost)[0], "reason": "found"}]
    else:
        reasons = client.dice.choices(["lost", "damaged", "surplus"], [4, 3, 2], k=client.dice.randint(1, 2))
        lines = [{**_one_of(client, coming)[0], "reason": reason} for reason in reasons]
        kind = f"difference: {' and '.join(sorted(set(reasons)))}"
    return await client.do(kind, "POST", f"{TRANSFERS}/{transfer['id']}/differences", {"lines": lines})


async def cancel(client: Client) -> object:
    transfer = await _some(client, "requested")
    if transfer is None:
        return IDLE
    return await client.do("transfer cancellation", "POST", f"{TRANSFERS}/{transfer['id']}/cancellation")


def _one_of(client: Client, lines: list[dict[str, Any]]) -> list[dict[str, int]]:
    return [{"product_id": client.dice.choice(lines)["product_id"], "quantity": 1}]


async def _some(client: Client, status: str) -> dict[str, Any] | None:
    found = (await client.read(f"{TRANSFERS}?status={status}&limit=20")).json()["items"]
    return client.dice.choice(found) if found else None
