"""Returns: from customers out of a known sale or of none, to suppliers, and either undone."""

from typing import Any

from tests.chaos.client import IDLE, INVENTORY, Client

CONDITIONS = ["resaleable", "resaleable", "damaged", "defective"]


async def take_back(client: Client) -> object:
    """Sometimes more than was sold, which must be refused; now and then nobody knows the sale."""
    sale = client.some("sales")
    if sale is None:
        return IDLE
    line: dict[str, Any] = {
        "product_id": sale["product_id"],
        "quantity": client.dice.randint(1, sale["quantity"] + (client.dice.random() < 0.1)),
        "condition": client.dice.choice(CONDITIONS),
    }
    body: dict[str, Any] = {"store_id": client.store(), "lines": [line], "note": client.mark}
    kind = "return without a sale"
    if client.dice.random() < 0.9:
        kind, body["sale"] = "return", {"movement_id": sale["movement_id"]}
    _made(client, "customer", await client.do(kind, "POST", f"{INVENTORY}/returns", body))
    return body


async def send_back(client: Client) -> None:
    body = {"store_id": client.store(), "supplier": "Авто-Опт", "lines": [client.pieces(2)], "reason": client.mark}
    made = await client.do("supplier return", "POST", f"{INVENTORY}/supplier-returns", body)
    _made(client, "supplier", made)


def _made(client: Client, kind: str, document: dict[str, Any] | None) -> None:
    if document:
        client.record.documents["returns"].add(document["id"])
        client.record.remember("returns", (kind, document["id"]))


async def undo_return(client: Client) -> object:
    known = client.some("returns")
    if known is None:
        return IDLE
    kind, number = known
    path = f"{INVENTORY}/{'returns' if kind == 'customer' else 'supplier-returns'}/{number}"
    undone = await client.do(f"{kind} return undone", "POST", f"{path}/reversal", {"reason": client.mark}, posts=False)
    if undone:
        client.record.ended["returns", number, "reversed"] += 1
    return undone
