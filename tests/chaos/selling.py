"""Movements: sold, brought, in batches, undone; and what is in the hand although the ledger does not have it."""

from typing import Any

from tests.cast import CENTRE, NORTH
from tests.chaos.client import HOT, IDLE, INVENTORY, RARE, Client

TYPES = ["sale", "inbound", "inbound", "writeoff", "return", "transfer"]


def _line(client: Client, movement_type: str, most: int = 3) -> dict[str, Any]:
    store_id = client.store()
    line = {**client.pieces(most), "store_id": store_id, "movement_type": movement_type}
    if movement_type == "transfer":
        line["to_store_id"] = NORTH if store_id == CENTRE else CENTRE
    return line


async def sell(client: Client) -> None:
    await client.do("sale", "POST", f"{INVENTORY}/movement", _line(client, "sale"))


async def bring(client: Client) -> None:
    await client.do("inbound", "POST", f"{INVENTORY}/movement", _line(client, "inbound", 10))


async def ship_at_once(client: Client) -> None:
    await client.do("shipment at once", "POST", f"{INVENTORY}/movement", _line(client, "transfer"))


async def batch(client: Client) -> None:
    lines = [_line(client, one) for one in client.dice.choices(TYPES, k=client.dice.randint(2, 5))]
    await client.do("batch", "POST", f"{INVENTORY}/movements", {"lines": lines})


async def undo(client: Client) -> object:
    movement_id = client.some("movements")
    if movement_id is None:
        return IDLE
    return await client.do("reversal", "POST", f"{INVENTORY}/movements/{movement_id}/reversal", {"reason": "chaos"})


async def sell_found(client: Client) -> None:
    """Often of something that nobody holds and nobody brings: else it never really has to be found."""
    line = {**client.pieces(2), "product_id": client.dice.choice([*HOT, RARE, RARE])}
    body = {**line, "store_id": client.store(), "reason": "behind the shelf"}
    sold = await client.do("found sale", "POST", f"{INVENTORY}/found-sale", body)
    if sold and sold["found_sale_id"]:
        client.record.done["found sale: of them really found"] += 1
        client.record.make("found_sales", sold["found_sale_id"])


async def look(client: Client) -> None:
    """Nobody is ever shown more than there is."""
    answer = await client.read(f"{INVENTORY}/{client.dice.choice(HOT)}")
    client.record.done["look"] += 1
    for place in answer.json()["stores"]:
        if not 0 <= place["available"] <= place["quantity"]:
            client.record.wrong.append(f"shown: {place}")


async def knock(client: Client) -> None:
    body = {"login": f"nobody-{client.dice.randrange(5)}", "password": "wrong password"}
    await client.do("wrong password", "POST", "/api/v1/session", body)
