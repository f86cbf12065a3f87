"""A shop in which one of everything has happened, for a caller who asks anything."""

import asyncio
from datetime import date, timedelta

import httpx

from autoshop.kit.db import open_pool
from autoshop.warehouse.documents import jobs as documents
from tests.cast import AIR_FILTER, BRAKE_PADS, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, WIPER
from tests.conftest import Database
from tests.kits import fit_a_filter

PLACES = [{"product_id": product, "store_id": store} for product in (PLUG, OIL_FILTER) for store in (CENTRE, NORTH)]
HOLDS = 60
HOOKS = 50
# Of each thing that is done to a stocktake once, one that it can be done to; the last is counted all along.
STOCKTAKES = [
    ("cancellation", CENTRE, [AIR_FILTER]),
    ("review", CENTRE, [BRAKE_PADS]),
    ("reopening", CENTRE, [WIPER]),
    ("approval", CENTRE, [BULB]),
    ("counts", CENTRE, [PLUG, OIL_FILTER]),
]
COUNTED = len(STOCKTAKES)
DOCUMENTS = 60
CONFLICTS = [f"WR{heat}D{material}" for heat in range(2, 10) for material in "CEPIS"]  # longer than WR7BC
LEVELLED = (WIPER, BULB)  # their levels may be taken away


some_day = ((date(2021, 1, 1) + timedelta(days=day)).isoformat() for day in range(2_000))


def make_one_of_everything(client: httpx.Client, database: Database) -> list[int]:
    """Everything that there can be, once or more; answers with movements of one piece that can be undone."""
    undoable: list[int] = []
    lines = [{**place, "movement_type": "inbound", "quantity": 10_000} for place in PLACES] + [
        {"product_id": product, "store_id": CENTRE, "movement_type": "transfer", "quantity": 99, "to_store_id": NORTH}
        for product in (PLUG, OIL_FILTER)
    ]
    filters = {"product_id": AIR_FILTER, "store_id": CENTRE, "movement_type": "inbound", "quantity": 10_000}
    for line in (*lines, filters):
        assert client.post("/api/v1/inventory/movement", json=line).status_code == 200
    for _ in range(HOLDS):
        piece = {**PLACES[0], "movement_type": "inbound", "quantity": 1}
        undoable.append(client.post("/api/v1/inventory/movement", json=piece).json()["movement_id"])
    held = [{**place, "quantity": 3} for place in PLACES]
    for _ in range(HOLDS):
        made = client.post("/api/v1/inventory/reservations", json={"holder": "Ivan", "lines": held})
        assert made.status_code == 201
    for number in range(HOOKS):
        hook = {"url": f"https://example.com/{number}", "topics": ["inventory.*"]}
        assert client.post("/api/v1/webhooks", json=hook).status_code == 201
    for number in (1, 2):
        assert client.post(f"/api/v1/webhooks/{number}/ping").json()["id"] == number
    asked = [{"product_id": product, "quantity": 50} for product in (PLUG, OIL_FILTER)]
    for number in range(HOLDS):
        way = {"from_store_id": CENTRE, "to_store_id": NORTH, "lines": asked, "ship": number % 2 == 1}
        assert client.post("/api/v1/inventory/transfers", json=way).status_code == 201
    for number in range(HOLDS):
        store_id = (CENTRE, NORTH)[number % 2]
        order = {"store_id": store_id, "holder": "Ivan", "lines": [{"product_id": PLUG, "quantity": 1}]}
        assert client.post("/api/v1/inventory/allocations", json=order).status_code == 201
    open_stocktakes(client)
    for kind, more in (("returns", {"condition": "damaged"}), ("supplier-returns", {})):
        sent_back = {"product_id": PLUG, "quantity": 1, **more}
        body = {"store_id": CENTRE, "lines": [sent_back], **({} if more else {"supplier": "Ivan"})}
        assert client.post(f"/api/v1/inventory/{kind}", json=body).status_code == 201
    for _ in range(HOLDS):
        closed = client.post("/api/v1/inventory/periods", json={"ends_on": next(some_day)})
        assert closed.status_code == 201
    for code in ("plugs", "filters"):
        added = client.post("/api/v1/categories", json={"code": code, "name_ru": code})
        assert added.status_code == 201
    _make_documents_levels_and_channels(client, database)
    for article in CONFLICTS:
        pair = {"brand": "Bosch", "article": "WR7BC", "other_brand": "Bosch", "other_article": article}
        assert client.post("/api/v1/crosses", json=pair).json()["state"] == "kept_aside"
    file = "Бренд;Артикул;Название\nNGK;BKR6E;Свеча\n".encode()
    sent = client.post("/api/v1/imports", content=file, headers={"Content-Type": "text/csv"})
    assert sent.status_code == 202
    return undoable


def open_stocktakes(client: httpx.Client) -> None:
    """Those of the table, each as far as what is done to it; and pieces may be found in both stores."""
    inventory = "/api/v1/inventory"
    for number, (done_to_it, store_id, products) in enumerate(STOCKTAKES, start=1):
        scope = {"kind": "products", "product_ids": products}
        opened = client.post(f"{inventory}/stocktakes", json={"store_id": store_id, "scope": scope})
        assert opened.json()["id"] == number
        if done_to_it in ("reopening", "approval"):
            assert client.post(f"{inventory}/stocktakes/{number}/review").status_code == 200
    counts = [{"client_id": f"c{product}", "product_id": product, "pieces": 1, "device": "a"} for product in (1, 2)]
    assert client.post(f"{inventory}/stocktakes/{COUNTED}/counts", json={"counts": counts}).status_code == 200
    for store_id in (CENTRE, NORTH):
        policy = f"{inventory}/found-policies/{store_id}"
        assert client.put(policy, json={"roles": ["manager"]}, headers={"If-Match": '"0"'}).status_code == 200


def _make_documents_levels_and_channels(client: httpx.Client, database: Database) -> None:
    line = {"product_id": PLUG, "quantity": 1}
    for _ in range(DOCUMENTS):
        sent = client.post("/api/v1/documents", json={"kind": "receipt", "store_id": CENTRE, "lines": [line]})
        assert sent.status_code == 202
    asyncio.run(_post_documents(database))
    places = [{"product_id": product, "store_id": store} for product in LEVELLED for store in (CENTRE, NORTH)]
    levels = [{**place, "minimum": 1} for place in PLACES + places]
    assert client.put("/api/v1/inventory/levels", json={"levels": levels}).status_code == 200
    for code in ("site", *(f"channel-{number}" for number in range(HOLDS))):
        names = {"name_ru": "Сайт", "name_en": "Site"}
        assert client.put(f"/api/v1/inventory/channels/{code}", json=names).status_code == 200
    products = [f"products/{product}" for product in (PLUG, OIL_FILTER)]
    places_of = [f"{product}/stores/{store}" for product in products for store in (CENTRE, NORTH)]
    for subject in ("categories/1", "categories/2", *products, *places_of):
        path = f"/api/v1/inventory/channels/site/buffers/{subject}"
        assert client.put(path, json={"buffer": 1}).status_code == 200


async def _post_documents(database: Database) -> None:
    """What the worker does; and a filter fits a car."""
    pool = await open_pool(database.settings(), name="test")
    await fit_a_filter(pool)
    for document_id in range(1, DOCUMENTS + 1):
        await documents.post_document(pool, document_id)
    await pool.close()
