"""What a client sends and whichever worker is alive carries out: bulk documents, also undone, and imports."""

from tests.cast import CENTRE, CENTRE_CODE, NORTH, NORTH_CODE, PRODUCTS
from tests.chaos.client import HOT, IDLE, INVENTORY, Client

DOCUMENTS = "/api/v1/documents"
HEADINGS = f"Бренд;Артикул;Название;Остаток {CENTRE_CODE};Остаток {NORTH_CODE}\n"
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


async def import_stock(client: Client) -> object:
    """A file that says how many there are of one or all of the hot products, a little wrong at times."""
    rows = []
    for product_id, brand, article, name in PRODUCTS:
        if product_id in client.dice.choice([HOT, *([one] for one in HOT)]):
            stores = (await client.read(f"{INVENTORY}/{product_id}")).json()["stores"]
            there = {place["store_id"]: place["quantity"] + client.dice.randint(-1, 3) for place in stores}
            rows.append(f"{brand};{article};{name};{max(0, there[CENTRE])};{max(0, there[NORTH])}\n")
    if not rows:
        return IDLE
    path = f"/api/v1/imports?name={client.mark.replace(' ', '-')}&set_stock=true"
    sent = await client.do("import", "POST", path, "".join([HEADINGS, *rows]).encode())
    if sent:
        client.record.documents["import_runs"].add(sent["id"])
    return sent
