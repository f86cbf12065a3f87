"""The requests of the day, by kind: what people and programs ask for, and what they write."""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count as numbers
from itertools import cycle
from typing import Any

from autoshop.kit.paging import encode_cursor
from bench.load import Request
from bench.stage import CHANNEL, STORES, Stage, barcode

INVENTORY = "/api/v1/inventory"
Kinds = dict[str, list[Request]]
# Reports and work lists: a few people open them a few times a day, and each page adds up a hundred products' movements
# or looks past thousands. They are asked a tenth as often as the requests of every sale and every screen.
REPORTS = {"value yesterday, deep", "stock yesterday, deep", "products without a place"}


def reads(products: int) -> Kinds:
    """Pages first, deep and filtered; one product, and what happened to it; scans, shelves, levels, a channel."""
    some = random.Random(1).sample(range(1, products), min(2_000, products // 2))
    status, yesterday = f"{INVENTORY}/status", (datetime.now(UTC) - timedelta(days=1)).date()
    paths: dict[str, Iterable[str]] = {
        "status, first page": [status],
        "status, a deep page": (f"{status}?page={encode_cursor('stock', n, 1)}" for n in some),
        "status, one store, deep": (f"{status}?store_id=2&page={encode_cursor('stock', n, 2)}" for n in some),
        "status, available, deep": (f"{status}?available=true&page={encode_cursor('stock', n, 1)}" for n in some),
        "one product": (f"{INVENTORY}/{n}" for n in some),
        "movements of a product": (f"{INVENTORY}/movements?product_id={n}" for n in some),
        "movements, newest first": [f"{INVENTORY}/movements?date_from=2020-01-01"],
        "history of a product": (f"{INVENTORY}/{n}/history" for n in some),
        "stock yesterday, deep": (
            f"{INVENTORY}/stock-on?date={yesterday}&page={encode_cursor('stock_on', n, 1)}" for n in some
        ),
        "value yesterday, deep": (f"{INVENTORY}/value?date={yesterday}&page={encode_cursor('value', n)}" for n in some),
        "scan of a barcode": (f"/api/v1/scan?code={barcode(n)}&store_id=1" for n in some),
        "scan of an article": (f"/api/v1/scan?code=A-{n}&store_id=1" for n in some),
        "transfers": [f"{INVENTORY}/transfers"],
        "reservations": [f"{INVENTORY}/reservations?status=live"],
        "reservations of a product": (f"{INVENTORY}/reservations?product_id={n}" for n in some),
        "allocations": [f"{INVENTORY}/allocations"],
        "returns": [f"{INVENTORY}/returns"],
        "shelf places of a product": (f"{INVENTORY}/shelves?product_id={n}" for n in some),
        "products without a place": [f"{INVENTORY}/shelves/missing?store_id=1"],
        "levels, who is below": [f"{INVENTORY}/levels?below=true"],
        "levels of a store, deep": (
            f"{INVENTORY}/levels?store_id=1&page={encode_cursor('levels', n, 1)}" for n in some
        ),
        "what a channel shows, deep": (
            f"{INVENTORY}/channels/{CHANNEL}/stock?page={encode_cursor('shown', n)}" for n in some
        ),
    }
    return {name: [Request("GET", path) for path in found] for name, found in paths.items()}


def writes(products: int, count: int) -> Kinds:
    """A sale, a batch of ten lines, a hold, an order, a transfer; each with a key of its own."""
    dice = random.Random(2)

    def piece(**more: Any) -> dict[str, Any]:
        return {"product_id": dice.randint(1, products), "quantity": 1, **more}

    def line(movement_type: str) -> dict[str, Any]:
        return piece(store_id=dice.randint(1, STORES), movement_type=movement_type)

    bodies: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
        "sale": (f"{INVENTORY}/movement", lambda: line("sale")),
        "batch of ten": (f"{INVENTORY}/movements", lambda: {"lines": [line("inbound") for _ in range(10)]}),
        "hold of three lines": (
            f"{INVENTORY}/reservations",
            lambda: {"holder": "Замер", "lines": [piece(store_id=1) for _ in range(3)]},
        ),
        "allocation of two lines": (
            f"{INVENTORY}/allocations",
            lambda: {"store_id": 1, "holder": "Замер", "lines": [piece(), piece()]},
        ),
        "shipment": (
            f"{INVENTORY}/movement",
            lambda: piece(store_id=1, movement_type="transfer", to_store_id=2),
        ),
        "request of a transfer": (
            f"{INVENTORY}/transfers",
            lambda: {"from_store_id": 2, "to_store_id": 1, "ship": False, "lines": [piece(), piece()]},
        ),
        "return without its sale": (
            f"{INVENTORY}/returns",
            lambda: {"store_id": 1, "lines": [piece(condition="resaleable", reason="не подошло")]},
        ),
    }
    return {
        f"POST {name}": [Request("POST", path, json.dumps(body()).encode()) for _ in range(count + 1)]
        for name, (path, body) in bodies.items()
    }


def over_a_chain(some: Sequence[int], per_second: int) -> dict[str, tuple[list[Request], int]]:
    """What 500 stores ask for, and at which rate: what adds up all of them is asked for less often.

    A product has 500 places; a page of one store adds up those of a hundred products; an order of more pieces than
    the wished store has takes them from others.
    """
    status = f"{INVENTORY}/status"
    orders = [
        {
            "store_id": 250,
            "holder": "Замер",
            "lines": [{"product_id": n, "quantity": 9}, {"product_id": 1, "quantity": 1}],
        }
        for n in some
    ]
    paths = {
        "one product, 500 stores": ([f"{INVENTORY}/{n}" for n in some], 5),
        "status, 500 stores, first page": ([status], per_second),
        "status, 500 stores, deep": ([f"{status}?page={encode_cursor('stock', n, 250)}" for n in some], per_second),
        "status, one of 500 stores": (
            [f"{status}?store_id=250&page={encode_cursor('stock', n, 250)}" for n in some],
            10,
        ),
        "ten products of a channel, 500 stores": (
            [f"{INVENTORY}/channels/{CHANNEL}/stock?limit=10&page={encode_cursor('shown', n)}" for n in some],
            10,
        ),
        "scan, one of 500 stores": ([f"/api/v1/scan?code=A-{n}&store_id=250" for n in some], per_second),
    }
    kinds = {name: ([Request("GET", path) for path in found], rate) for name, (found, rate) in paths.items()}
    posted = [Request("POST", f"{INVENTORY}/allocations", json.dumps(order).encode()) for order in orders]
    return {**kinds, "POST allocation over 500 stores": (posted, 10)}


def afterwards(stage: Stage, token: str, count: int) -> Iterator[tuple[str, list[Request]]]:
    """What needs something that was written before: returns of sales, counts of an open stocktake."""
    newest = f"WHERE movement_type = 'sale' ORDER BY id DESC LIMIT {count + 1}"
    sales = stage.rows(f"SELECT id, product_id, store_id FROM movements {newest}")
    bodies = (
        {
            "store_id": store,
            "sale": {"movement_id": sale},
            "lines": [{"product_id": product, "quantity": 1, "condition": "resaleable"}],
        }
        for sale, product, store in sales
    )
    yield (
        "POST return of a sale",
        [Request("POST", f"{INVENTORY}/returns", json.dumps(body).encode()) for body in bodies],
    )
    listed = list(range(1, min(stage.products, 10_000)))
    opened = stage.post(
        f"{INVENTORY}/stocktakes",
        {"store_id": 1, "scope": {"kind": "products", "product_ids": listed}, "blind": True},
        token,
    )
    client, product = numbers(1), cycle(listed)
    counts = (
        {
            "counts": [
                {
                    "client_id": f"{next(client)}",
                    "product_id": next(product),
                    "pieces": 1,
                    "mode": "add",
                    "device": "till",
                }
            ]
        }
        for _ in range(count + 1)
    )
    path = f"{INVENTORY}/stocktakes/{opened['id']}/counts"
    yield "POST count of a stocktake", [Request("POST", path, json.dumps(body).encode()) for body in counts]
    stage.post(f"{INVENTORY}/stocktakes/{opened['id']}/cancellation", {"reason": "замер"}, token)
