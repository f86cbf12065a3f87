"""A client of the shop: does one thing after the other, and repeats with the same key what got no answer."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import httpx

from tests.cast import AIR_FILTER, CENTRE, NORTH, OIL_FILTER, PLUG
from tests.chaos.record import Record

INVENTORY = "/api/v1/inventory"
HOT = [PLUG, OIL_FILTER]
RARE = AIR_FILTER
STORES = [CENTRE, NORTH]
REFUSED = frozenset({401, 404, 409, 412, 428, 429})
# The latter: httpx asks a new connection for its peer, and uvloop has closed it already.
BROKEN = (httpx.TransportError, AttributeError)
ECHOES = 0.05  # of the answers are asked for once more, by somebody who did not trust his ears
KEPT = frozenset({409})  # refusals that a repeat finds again; others did nothing and are judged anew


class Client:
    """One caller. A verb is a function of a client; `mixture` says how often each is done."""

    def __init__(self, number: int, urls: Sequence[str], record: Record, seed: int) -> None:
        self.urls, self.record = urls, record
        self.dice = random.Random(f"{seed}-{number}")
        self.name = f"{seed}-{number}"
        self.count = 0
        self.http = httpx.AsyncClient(timeout=10)

    async def work(self, until: float, mixture: "Mapping[Verb, int]") -> None:
        """Until the loop's clock says so; what was begun is brought to its end."""
        clock = asyncio.get_running_loop().time
        verbs, weights = list(mixture), list(mixture.values())
        async with self.http:
            while clock() < until:
                [verb] = self.dice.choices(verbs, weights)
                if await verb(self) is IDLE:
                    self.record.idle[verb.__name__.replace("_", " ")] += 1
                    await asyncio.sleep(0)

    async def read(self, path: str) -> httpx.Response:
        """Look at something, however often one has to ask."""
        return (await self._send("GET", path, None, {}))[0]

    async def do(
        self,
        kind: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        tag: str | None = None,
        refused: frozenset[int] = REFUSED,
        posts: bool = True,
    ) -> dict[str, Any] | None:
        """A write; its document, or None where it was refused. Movements that it names, it has posted: if `posts`."""
        self.count += 1
        headers = {"Idempotency-Key": f"chaos-{self.name}-{self.count}"} | ({"If-Match": tag} if tag else {})
        answer, asked_again = await self._send(method, path, body, headers)
        if asked_again:
            self.record.unsure[kind] += 1
        code = answer.status_code
        if self.dice.random() < ECHOES and (code < 300 or code in KEPT):
            await self._echo(answer, method, path, body, headers)
        if code >= 300:
            if code not in refused:
                self.record.wrong.append(f"{method} {path} {body}: {code} {answer.text[:300]}")
            self.record.refused[kind, str(answer.json().get("title", code))] += 1
            return None
        document: dict[str, Any] = answer.json()
        self.record.done[kind] += 1
        if posts:
            self.record.hear(document)
        return document

    async def _echo(self, answer: httpx.Response, method: str, path: str, body: Any, headers: dict[str, str]) -> None:
        """The same key, another time, perhaps another process: the same answer."""
        again, _ = await self._send(method, path, body, headers)
        self.record.echoed += 1
        if (again.status_code, again.json()) != (answer.status_code, answer.json()):
            told = f"{answer.status_code} {answer.text[:200]}, then {again.status_code} {again.text[:200]}"
            self.record.wrong.append(f"another answer to the same key: {method} {path} {body}: {told}")

    async def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[httpx.Response, bool]:
        """Send until there is an answer; 503 and a broken connection are none. Whether that took more than one."""
        sent: dict[str, Any] = {"json": body, "headers": headers}
        if isinstance(body, bytes):
            sent = {"content": body, "headers": {**headers, "Content-Type": "text/csv"}}
        tries = 0
        while True:
            try:
                answer = await self.http.request(method, self.dice.choice(self.urls) + path, **sent)
            except BROKEN:
                answer = None
            if answer is not None and answer.status_code != 503:
                return answer, tries > 0
            tries += 1
            self.record.repeated += 1
            await asyncio.sleep(self.dice.uniform(0.02, 0.1) * min(tries, 10))

    @property
    def mark(self) -> str:
        """A text of its own for the next write."""
        return f"chaos {self.name}-{self.count + 1}"

    def pieces(self, most: int = 3) -> dict[str, int]:
        return {"product_id": self.dice.choice(HOT), "quantity": self.dice.randint(1, most)}

    def store(self) -> int:
        return self.dice.choice(STORES)

    def some(self, what: str) -> Any | None:
        """One of the newest that anybody has made."""
        return self.record.some(what, self.dice)


Verb = Callable[[Client], Awaitable[object]]
IDLE = "idle"  # there was nothing to do it with
