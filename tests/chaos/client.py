"""A client of the shop: does one thing after the other, and repeats with the same key what got no answer."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG

INVENTORY = "/api/v1/inventory"
HOT = [PLUG, OIL_FILTER]
STORES = [CENTRE, NORTH]
REFUSED = frozenset({401, 404, 409, 412, 428, 429})


@dataclass
class Record:
    """What was acknowledged to any client, and what should not have happened."""

    movements: set[int] = field(default_factory=set)
    reservations: set[int] = field(default_factory=set)
    transfers: set[int] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)


class Client:
    """One caller; `record` is shared, and so anybody may act on what another has made."""

    def __init__(self, number: int, urls: Sequence[str], record: Record, seed: int) -> None:
        self.urls, self.record = urls, record
        self.dice = random.Random(f"{seed}-{number}")
        self.name = f"{seed}-{number}"
        self.count = 0
        self.http = httpx.AsyncClient(timeout=10)
        self.verbs: list[tuple[str, int, Callable[[], Awaitable[bool]]]] = [
            ("sale", 8, self.sell),
            ("inbound", 3, self.bring),
            ("batch", 2, self.batch),
            ("reversal", 2, self.undo),
            ("shipment", 2, self.ship),
            ("receipt", 2, self.receive),
            ("hold", 3, self.hold),
            ("extension", 1, self.extend),
            ("release", 1, self.release),
            ("fulfilment", 2, self.fulfil),
            ("look", 2, self.look),
            ("wrong password", 1, self.knock),
        ]

    async def work(self, until: float) -> None:
        """Until the loop's clock says so; what was begun is brought to its end."""
        clock = asyncio.get_running_loop().time
        names, weights, verbs = zip(*self.verbs, strict=True)
        async with self.http:
            while clock() < until:
                [number] = self.dice.choices(range(len(names)), weights)
                counter = self.record.done if await verbs[number]() else self.record.refused
                counter[names[number]] += 1

    async def send(
        self, method: str, path: str, body: Any = None, *, tag: str | None = None, refused: frozenset[int] = REFUSED
    ) -> httpx.Response:
        """Send until there is an answer; 503 and a broken connection are none."""
        self.count += 1
        headers = {"If-Match": tag} if tag else {}
        if method != "GET":
            headers["Idempotency-Key"] = f"chaos-{self.name}-{self.count}"
        while True:
            try:
                answer = await self.http.request(method, self.dice.choice(self.urls) + path, json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code != 503:
                break
            self.record.repeated += 1
            await asyncio.sleep(self.dice.uniform(0.02, 0.2))
        if answer.status_code >= 300 and answer.status_code not in refused:
            self.record.wrong.append(f"{method} {path} {body}: {answer.status_code} {answer.text[:300]}")
        return answer

    async def do(self, method: str, path: str, body: Any = None, *, tag: str | None = None) -> dict[str, Any] | None:
        """A write; its document, or None where it was refused. Movements in it are acknowledged ones."""
        answer = await self.send(method, path, body, tag=tag)
        if answer.status_code >= 300:
            return None
        document: dict[str, Any] = answer.json()
        moved = document.get("movements", [document] if "movement_id" in document else [])
        fresh = {movement["movement_id"] for movement in moved}
        if fresh & self.record.movements:
            self.record.wrong.append(f"{method} {path}: acknowledged before: {fresh & self.record.movements}")
        self.record.movements |= fresh
        self.record.transfers |= {movement["transfer_id"] for movement in moved if movement["transfer_id"]}
        return document

    def pieces(self, most: int = 3) -> dict[str, int]:
        return {
            "product_id": self.dice.choice(HOT),
            "store_id": self.dice.choice(STORES),
            "quantity": self.dice.randint(1, most),
        }

    def line(self, movement_type: str, most: int = 3) -> dict[str, Any]:
        line: dict[str, Any] = {**self.pieces(most), "movement_type": movement_type}
        if movement_type == "transfer":
            line["to_store_id"] = NORTH if line["store_id"] == CENTRE else CENTRE
        return line

    async def sell(self) -> bool:
        return await self.do("POST", f"{INVENTORY}/movement", self.line("sale")) is not None

    async def bring(self) -> bool:
        return await self.do("POST", f"{INVENTORY}/movement", self.line("inbound", 8)) is not None

    async def batch(self) -> bool:
        types = self.dice.choices(["sale", "inbound", "writeoff", "return", "transfer"], k=self.dice.randint(2, 6))
        return await self.do("POST", f"{INVENTORY}/movements", {"lines": [self.line(one) for one in types]}) is not None

    async def ship(self) -> bool:
        return await self.do("POST", f"{INVENTORY}/movement", self.line("transfer")) is not None

    async def undo(self) -> bool:
        if not self.record.movements:
            return False
        movement = self.dice.choice(sorted(self.record.movements)[-200:])
        return await self.do("POST", f"{INVENTORY}/movements/{movement}/reversal", {"reason": "chaos"}) is not None

    async def receive(self) -> bool:
        """A transfer that somebody shipped: all of it or a piece."""
        answer = await self.send("GET", f"{INVENTORY}/transfers?status=in_transit&limit=20")
        found = answer.json()["items"]
        if not found:
            return False
        transfer = self.dice.choice(found)
        waiting = [line for line in transfer["lines"] if line["on_the_way"]]
        body = None
        if waiting and self.dice.random() < 0.5:
            body = {"lines": [{"product_id": self.dice.choice(waiting)["product_id"], "quantity": 1}]}
        return await self.do("POST", f"{INVENTORY}/transfers/{transfer['id']}/receipt", body) is not None

    async def hold(self) -> bool:
        seconds = self.dice.choice([2, 10, 600])
        body = {
            "holder": f"Chaos {self.name}",
            "lines": [self.pieces(2) for _ in range(self.dice.randint(1, 3))],
            "expires_at": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
        }
        # 422: nobody answered for longer than the hold was to last, and now it would have ended before it began.
        answer = await self.send("POST", f"{INVENTORY}/reservations", body, refused=REFUSED | {422})
        if answer.status_code >= 300:
            return False
        self.record.reservations.add(answer.json()["id"])
        return True

    async def _some_hold(self) -> httpx.Response | None:
        if not self.record.reservations:
            return None
        number = self.dice.choice(sorted(self.record.reservations)[-60:])
        return await self.send("GET", f"{INVENTORY}/reservations/{number}")

    async def extend(self) -> bool:
        seen = await self._some_hold()
        if seen is None:
            return False
        until = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
        path = f"{INVENTORY}/reservations/{seen.json()['id']}"
        return await self.do("PATCH", path, {"expires_at": until}, tag=seen.headers["ETag"]) is not None

    async def release(self) -> bool:
        return await self._end_hold("release")

    async def fulfil(self) -> bool:
        return await self._end_hold("fulfilment")

    async def _end_hold(self, verb: str) -> bool:
        seen = await self._some_hold()
        if seen is None:
            return False
        held = [line for line in seen.json()["lines"] if line["held"]]
        body = None
        if held and self.dice.random() < 0.5:
            line = self.dice.choice(held)
            body = {"lines": [{"product_id": line["product_id"], "store_id": line["store_id"], "quantity": 1}]}
        return await self.do("POST", f"{INVENTORY}/reservations/{seen.json()['id']}/{verb}", body) is not None

    async def look(self) -> bool:
        """Nobody is ever shown more than there is."""
        answer = await self.send("GET", f"{INVENTORY}/{self.dice.choice(HOT)}")
        for place in answer.json()["stores"]:
            if not 0 <= place["available"] <= place["quantity"]:
                self.record.wrong.append(f"shown: {place}")
        return True

    async def knock(self) -> bool:
        body = {"login": f"nobody-{self.dice.randrange(5)}", "password": "wrong password"}
        return (await self.send("POST", "/api/v1/session", body)).status_code < 300
