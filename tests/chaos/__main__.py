"""bin/chaos: 32 clients on hot products while api, worker, PostgreSQL and cache are killed at random.

Prints what was done, what was killed, and what was counted afterwards. Exit code 1 when something does not agree.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter

import uvloop

from tests.chaos.proof import Finding
from tests.chaos.storm import Storm
from tests.conftest import cluster_with_cast


def main() -> int:
    """Read the options, let it storm, print the counts."""
    options = _options()
    with cluster_with_cast() as cluster:
        storm = Storm(cluster, clients=options.clients, seed=options.seed, every_seconds=options.every)
        found = uvloop.run(_weather(storm, options.minutes * 60))
    _tell("done", storm.record.done)
    _tell("refused", storm.record.refused)
    _tell("killed", storm.shop.blows)
    print(f"sent again with the same key: {storm.record.repeated}")
    for one in found:
        print(f"  {'✓' if one.held else '✗'} {one.what}: {one.counted}")
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


def _tell(what: str, counts: "Counter[str]") -> None:
    print(f"{what}: {counts.total()} ({', '.join(f'{name} {count}' for name, count in sorted(counts.items()))})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long it storms (10)")
    parser.add_argument("--clients", type=int, default=32, help="how many clients work at once (32)")
    parser.add_argument("--every", type=float, default=5, metavar="SECONDS", help="between two kills, about (5)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the dice; the same seed throws the same")
    options = parser.parse_args()
    print(
        f"seed {options.seed}, {options.clients} clients, {options.minutes:g} minutes, a kill every {options.every:g} s"
    )
    return options


if __name__ == "__main__":
    sys.exit(main())
