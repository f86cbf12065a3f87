"""Bulk documents: sent by a client, posted by whichever worker is alive, undone."""

from tests.chaos.client import HOT, IDLE, Client

DOCUMENTS = "/api/v1/documents"
KINDS = ["receipt", "receipt", "writeoff", "adjustment", "set"]


async def send_document(client: Client) -> None:
    kind = client.dice.choice(KINDS)
    most = 4 if kind != "set" else 12
    lines = [{"product_id": product_id, "quantity": client.dice.randint(1, most)} for product_id in HOT]
    body = {"kind": kind, "store_id": client.store(), "lines": lines, "related_document": client.mark}
    sent = await client.do("bulk document", "POST", DOCUMENTS, body)
    if sent:
        client.record.make("bulk_documents", sent["id"])


async def undo_document(client: Client) -> object:
    number = client.some("bulk_documents")
    if number is None:
        return IDLE
    undone = await client.do("bulk document undone", "POST", f"{DOCUMENTS}/{number}/reversal", {"reason": "chaos"})
    if undone:
        client.record.ended["bulk_documents", number, "undone"] += 1
    return undone
