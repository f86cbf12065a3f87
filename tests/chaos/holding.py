"""Holds and allocations: made, extended, given back, sold to whoever they were for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.chaos.client import IDLE, INVENTORY, REFUSED, Client

# 422: nobody answered for longer than the hold was to last, and now it would have ended before it began.
TOO_LATE = REFUSED | {422}


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def hold(client: Client) -> None:
    lines = [{**client.pieces(2), "store_id": client.store()} for _ in range(client.dice.randint(1, 3))]
    body = {"holder": client.mark, "lines": lines, "expires_at": _in(client.dice.choice([2, 10, 30, 60]))}
    held = await client.do("hold", "POST", f"{INVENTORY}/reservations", body, refused=TOO_LATE)
    if held:
        client.record.make("reservations", held["id"])


async def allocate(client: Client) -> None:
    """Wished at one store, taken from wherever it lies: all of it or nothing."""
    lines = [client.pieces(4) for _ in range(client.dice.randint(1, 2))]
    wished: dict[int, int] = {}
    for line in lines:
        wished[line["product_id"]] = wished.get(line["product_id"], 0) + line["quantity"]
    body = {"store_id": client.store(), "lines": lines, "holder": client.mark}
    made = await client.do("allocation", "POST", f"{INVENTORY}/allocations", body)
    if made:
        client.record.make("allocations", made["id"])
        client.record.make("reservations", made["reservation_id"])
        client.record.documents["transfers"].update(one["id"] for one in made["transfers"])
        client.record.wished[made["id"]] = wished


async def extend(client: Client) -> object:
    seen = await _some_hold(client)
    if seen is None:
        return IDLE
    path, tag = f"{INVENTORY}/reservations/{seen.json()['id']}", seen.headers["ETag"]
    return await client.do("extension", "PATCH", path, {"expires_at": _in(60)}, tag=tag, refused=TOO_LATE)


async def release(client: Client) -> object:
    return await _end(client, "release", "release")


async def fulfil(client: Client) -> object:
    return await _end(client, "fulfilment", "fulfilment")


async def _end(client: Client, kind: str, verb: str) -> object:
    seen = await _some_hold(client)
    if seen is None:
        return IDLE
    body: dict[str, Any] | None = None
    held = [line for line in seen.json()["lines"] if line["held"]]
    if held and client.dice.random() < 0.5:
        line = client.dice.choice(held)
        body = {"lines": [{"product_id": line["product_id"], "store_id": line["store_id"], "quantity": 1}]}
    return await client.do(kind, "POST", f"{INVENTORY}/reservations/{seen.json()['id']}/{verb}", body)


async def _some_hold(client: Client) -> httpx.Response | None:
    """One that lasts, if a few looks find it: most of the newest have been dealt with by others."""
    seen = None
    for _ in range(4):
        number = client.some("reservations")
        if number is None:
            return None
        seen = await client.read(f"{INVENTORY}/reservations/{number}")
        if seen.json()["status"] == "live":
            break
    return seen
