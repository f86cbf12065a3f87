"""The webhooks of the storm: who is subscribed to what, the program that hears them, and what it has written down."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoshop.kit.children import Process, spawn
from tests.cast import CENTRE, NORTH
from tests.chaos.client import Client
from tests.webhooks import Message, is_signed

ROOT = Path(__file__).parents[2]
PAPERS = ["transfer", "return", "allocation", "stocktake", "found_sale", "document", "recount", "movements"]


@dataclass(frozen=True)
class Hook:
    """A subscription: these topics, of one store where it names one. Several, for each is sent one by one."""

    path: str
    topics: tuple[str, ...]
    store_id: int | None = None
    secret: str = ""


HOOKS = [
    Hook("/movements/centre", ("inventory.movement",), CENTRE),
    Hook("/movements/north", ("inventory.movement",), NORTH),
    Hook("/holds", ("inventory.reservation",)),
    Hook("/papers", tuple(f"inventory.{name}" for name in PAPERS)),
]


@dataclass(frozen=True)
class Heard:
    """A message as it came. `taken`: it was answered with a 2xx, unless somebody was killed before that."""

    path: str
    message: Message
    taken: bool


class Program:
    """The process that hears, killed and started like any other."""

    def __init__(self, folder: Path, port: int, seconds: float, seed: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._file, self._port, self._seconds, self._seed = folder / "heard", port, seconds, seed
        self._starts = 0
        self._process: Process | None = None

    def start(self, *, calm: bool = False) -> None:
        """Anew, in a mood of its own; `calm`: without moods."""
        self._starts += 1
        words = [self._port, self._file, 0 if calm else self._seconds, f"{self._seed}-{self._starts}"]
        command = [sys.executable, "-m", "tests.chaos.receiver", *map(str, words)]
        self._process = spawn(command, stdin=subprocess.DEVNULL, cwd=ROOT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def heard(self) -> Iterator[Heard]:
        """Everything that came, in the order in which it came."""
        with open(self._file, encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("}\n"):
                    told = json.loads(line)
                    yield Heard(told["path"], Message(told["headers"], told["body"].encode()), told["mood"] == "204")


async def subscribe(client: Client, program: Program) -> list[Hook]:
    """Each of the hooks, with its secret."""
    made = []
    for hook in HOOKS:
        body: dict[str, Any] = {"url": program.url + hook.path, "topics": hook.topics}
        if hook.store_id is not None:
            body["store_ids"] = [hook.store_id]
        document = await client.do("webhook", "POST", "/api/v1/webhooks", body)
        assert document is not None
        made.append(Hook(hook.path, hook.topics, hook.store_id, document["secret"]))
    return made


def is_genuine(heard: Heard, hook: Hook) -> bool:
    """Signed with the secret of its hook."""
    return is_signed(heard.message, hook.secret)
