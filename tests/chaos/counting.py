"""Stocktakes: opened, counted by several while others sell, reviewed, reopened, cancelled, approved."""

from typing import Any

import httpx

from tests.chaos.client import HOT, IDLE, INVENTORY, Client

STOCKTAKES = f"{INVENTORY}/stocktakes"


async def open_stocktake(client: Client) -> None:
    """Of one product or of all; what is being counted already is refused."""
    scope: dict[str, Any] = {"kind": "products", "product_ids": [client.dice.choice(HOT)]}
    if client.dice.random() < 0.2:
        scope = {"kind": "store"}
    body = {"store_id": client.store(), "scope": scope, "note": client.mark, "second_count_above": 4}
    opened = await client.do("stocktake", "POST", STOCKTAKES, body)
    if opened:
        client.record.documents["stocktakes"].add(opened["id"])


async def count(client: Client) -> object:
    """A look at a shelf, a little wrong at times; said at once, or shelf by shelf."""
    stocktake = await _some(client, "counting")
    if stocktake is None:
        return IDLE
    path = f"{STOCKTAKES}/{stocktake['id']}"
    lines = (await client.read(f"{path}/lines?limit=20")).json()["items"]
    if not lines:
        return IDLE
    line = client.dice.choice(lines)
    shelf = await client.read(f"{INVENTORY}/{line['product_id']}")
    there = sum(one["quantity"] for one in shelf.json()["stores"] if one["store_id"] == stocktake["store_id"])
    one = {
        "client_id": f"count-{client.name}-{client.count}",
        "product_id": line["product_id"],
        "pieces": max(0, there + client.dice.choice([-2, -1, 0, 0, 1, 2])),
        "round": line["asked_round"] + (line["status"] == "needs_second_count" and line["round"] == 1),
        "mode": "set" if client.dice.random() < 0.9 else "add",
        "device": f"phone {client.name}",
    }
    taken = await client.do("count", "POST", f"{path}/counts", {"counts": [one]})
    if taken:
        client.record.counts.add(one["client_id"])
    return taken


async def review(client: Client) -> object:
    stocktake = await _some(client, "counting")
    if stocktake is None:
        return IDLE
    path = f"{STOCKTAKES}/{stocktake['id']}"
    progress = (await client.read(path)).json()["progress"]["by_status"]
    if progress.get("to_count") and client.dice.random() < 0.7:
        return IDLE  # rather wait for somebody to count
    body = None if client.dice.random() < 0.8 else {"uncounted": "zero", "confirm_zero": True}
    return await client.do("review", "POST", f"{path}/review", body)


async def ask_again(client: Client) -> object:
    stocktake = await _some(client, "counting")
    if stocktake is None:
        return IDLE
    path = f"{STOCKTAKES}/{stocktake['id']}/second-counts"
    return await client.do("second count asked for", "POST", path, {"product_ids": [client.dice.choice(HOT)]})


async def approve(client: Client) -> object:
    """Whoever read it first; of several who race one may."""
    seen = await _reviewed(client)
    if seen is None:
        return IDLE
    number = seen.json()["id"]
    body = {"unsettled": "leave"} if client.dice.random() < 0.6 else None
    path, tag = f"{STOCKTAKES}/{number}/approval", seen.headers["ETag"]
    return _ended(client, await client.do("approval", "POST", path, body, tag=tag))


async def reopen(client: Client) -> object:
    seen = await _reviewed(client)
    if seen is None:
        return IDLE
    return await client.do("stocktake reopened", "POST", f"{STOCKTAKES}/{seen.json()['id']}/reopening")


async def cancel(client: Client) -> object:
    stocktake = await _some(client, client.dice.choice(["counting", "review"]))
    if stocktake is None:
        return IDLE
    path = f"{STOCKTAKES}/{stocktake['id']}/cancellation"
    return _ended(client, await client.do("stocktake cancelled", "POST", path))


def _ended(client: Client, document: dict[str, Any] | None) -> object:
    if document:
        client.record.ended["stocktakes", document["id"], document["status"]] += 1
    return document


async def _some(client: Client, status: str) -> dict[str, Any] | None:
    found = (await client.read(f"{STOCKTAKES}?status={status}&limit=20")).json()["items"]
    return client.dice.choice(found) if found else None


async def _reviewed(client: Client) -> httpx.Response | None:
    stocktake = await _some(client, "review")
    return await client.read(f"{STOCKTAKES}/{stocktake['id']}") if stocktake else None
