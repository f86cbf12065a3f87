"""A busy shop whose processes are killed at random, and the proof that it kept its books all the same.

32 clients sell, bring, hold, allocate, transfer, return, count and undo two hot products at two stores, while two
servers, the worker, PostgreSQL, the cache and a program that hears webhooks are killed (kill -9) and started again at
random. What gets no answer is sent again with the same Idempotency-Key. Then everything is up again and the worker
brings to an end what was begun; then the books are compared with what was acknowledged, with each other, and with what
the webhooks and the listeners of live stock heard. It prints the counts, and ends with 1 when a sentence does not hold.

Needs valkey-server or redis-server. Everything runs in a folder of its own, on a PostgreSQL of its own; nothing else is
touched, and only processes that it has started are ended.
"""

import argparse
import asyncio
import sys
import time

import uvloop

from tests.chaos.findings import Finding
from tests.chaos.report import told
from tests.chaos.storm import Storm
from tests.conftest import cluster_with_cast


def main() -> int:
    """Read the options, let it storm, print the counts."""
    options = _options()
    with cluster_with_cast() as cluster:
        storm = Storm(cluster, options.clients, options.seed, options.every, drain_seconds=options.drain * 60)
        found = uvloop.run(_weather(storm, options.minutes * 60))
    for line in told(storm, found):
        print(line)
    return 0 if all(one.held for one in found) else 1


async def _weather(storm: Storm, seconds: float) -> list[Finding]:
    running = asyncio.create_task(storm.run(seconds))
    began = time.monotonic()
    while not running.done():
        await asyncio.wait([running], timeout=10)
        record = storm.record
        print(
            f"[{time.monotonic() - began:5.0f} s] {record.done.total()} done, {record.refused.total()} refused,"
            f" {record.repeated} sent again, {storm.shop.blows.total()} kills, {len(record.wrong)} wrong",
            flush=True,
        )
    return await running


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10, help="how long it storms (10)")
    parser.add_argument("--clients", type=int, default=32, help="how many clients work at once (32)")
    parser.add_argument("--every", type=float, default=5, metavar="SECONDS", help="between two kills, about (5)")
    parser.add_argument("--drain", type=float, default=10, metavar="MINUTES", help="for the worker afterwards (10)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the dice; the same seed throws the same")
    options = parser.parse_args()
    print(
        f"seed {options.seed}, {options.clients} clients, {options.minutes:g} minutes, a kill every {options.every:g} s"
    )
    return options


if __name__ == "__main__":
    sys.exit(main())
