"""A program that hears webhooks, as a process of its own: python -m tests.chaos.receiver PORT FILE SECONDS SEED.

It writes down what comes before it answers, so that a kill -9 loses nothing that it has taken. Now and then (about
every SECONDS; 0 = never) it answers 500, hangs up or does not answer at all; what it has not taken must come again.
Only the standard library: it is started often.
"""

import asyncio
import json
import os
import random
import sys
import time

MOODS = ["500", "500", "hang up", "no answer"]
NO_ANSWER_SECONDS = 20  # longer than the shop waits


class Receiver:
    """One run of the program."""

    def __init__(self, file: str, seconds: float, seed: str) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(self._file, b"\n")  # should the run before have been killed in the middle of a line
        self._seconds, self._dice = seconds, random.Random(seed)
        self._bad_at = self._next()

    def _next(self) -> float:
        return time.monotonic() + self._dice.uniform(0.5, 1.5) * self._seconds if self._seconds else float("inf")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Message after message on one connection."""
        try:
            while True:
                path, headers = _head(await reader.readuntil(b"\r\n\r\n"))
                body = await reader.readexactly(int(headers["content-length"]))
                mood = "204"
                if time.monotonic() > self._bad_at:
                    mood, self._bad_at = self._dice.choice(MOODS), self._next()
                line = {"path": path, "headers": headers, "body": body.decode(), "mood": mood}
                os.write(self._file, json.dumps(line).encode() + b"\n")
                if mood == "hang up":
                    return
                if mood == "no answer":
                    await asyncio.sleep(NO_ANSWER_SECONDS)
                    return
                writer.write(f"HTTP/1.1 {mood} x\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def _head(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode().rstrip().split("\r\n")
    return first.split(" ")[1], {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


async def main(port: str, file: str, seconds: str, seed: str) -> None:
    server = await asyncio.start_server(Receiver(file, float(seconds), seed).serve, "127.0.0.1", int(port))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
