"""Crosses: millions of pairs from a CSV, and then who stands for an article, two steps both ways."""

import asyncio
import random
import time
from pathlib import Path

import asyncpg

from autoshop.selection.crosses import analogs, store
from bench.imports import imported
from bench.report import Report
from bench.stage import Stage

PAIRS = 5_000_000
SECONDS = 60  # for five millions; less in proportion, but a small file is mostly the start of the command
LEAST_SECONDS = 10
P99_MS = 1.0
ASKED = 3_000
BRANDS = 300
GROUP = 10  # articles of one part: nearly all links are within a group
SIZE = "SELECT pg_size_pretty(pg_total_relation_size('crosses') + pg_total_relation_size('cross_articles'))"
PLUGS = ("BPR6ES", "BPR6ES-11", "BCPR6ES-11", "BKR6E", "BPR5ES"), ("W20EPR-U", "K20PR-U", "W16EXR-U", "IK20", "W20TT")


def run(report: Report, folder: Path, pairs: int) -> None:
    """Import, import again, and walk; the bars are for the first import and the walks after it."""
    file = folder / "crosses.csv"
    report.say(f"writing {pairs:,} pairs …")
    _write(file, pairs)
    stage = Stage(folder, pairs)
    try:
        stage.start()
        if stage.ask("SELECT count(*) FROM crosses") != "0":
            raise SystemExit(f"{folder} holds crosses already: name another folder.")
        first = _import(report, stage, file, "import")
        found = stage.ask("SELECT count(*) FROM crosses")
        size = stage.ask(
            "SELECT pg_size_pretty(pg_total_relation_size('crosses') + pg_total_relation_size('cross_articles'))"
        )
        conflicts = stage.ask("SELECT count(*) FROM cross_conflicts")
        report.say(f"{int(found):,} pairs, {size} with all indexes; {conflicts} pairs of plugs in conflict")
        _import(report, stage, file, "the same file again, nothing to do")
        stage.settle()
        p50, p99, reached = asyncio.run(_walks(stage))
    finally:
        stage.close()
        file.unlink()
    allowed = max(LEAST_SECONDS, SECONDS * pairs / PAIRS)
    report.bar(f"import of {pairs:,} pairs < {allowed:.0f} s", f"{first:.1f} s", first < allowed)
    told = f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {reached:.0f} articles on average"
    report.bar(f"two steps over {int(found):,} pairs, p99 < {P99_MS} ms", told, p99 < P99_MS)


def _write(file: Path, pairs: int) -> None:
    """Groups of articles that stand for each other, a few links between groups, and a hundredth spark plugs."""
    some = random.Random(1)
    with open(file, "w", encoding="utf-8", newline="") as out:
        out.write("Бренд;Артикул;Бренд аналога;Артикул аналога\r\n")
        for number in range(pairs):
            if number % 100 == 0:
                one, other = some.choice(PLUGS[0]), some.choice(PLUGS[1])
                out.write(f"NGK;{one};Denso;{other}\r\n")
                continue
            group, turn = divmod(number, 2 * GROUP)
            a, b = turn % GROUP, (turn * 3 + 1 + turn // GROUP) % GROUP
            other_group = some.randrange(pairs // GROUP // 2) if number % 20 == 7 else group
            out.write(f"{_article(group, a)};{_article(other_group, b if b != a else (b + 1) % GROUP)}\r\n")


def _article(group: int, number: int) -> str:
    digits = group * GROUP + number
    return f"Brand {(group * 7 + number) % BRANDS};{digits % 97:02}-{digits:07}.{number}"


def _import(report: Report, stage: Stage, file: Path, what: str) -> float:
    """How many seconds it took."""
    done = imported(stage, "crosses", file)
    report.say(f"{what}: {done}; {done.said}")
    return done.seconds


async def _walks(stage: Stage) -> tuple[float, float, float]:
    """Milliseconds of a walk as the shop asks it, at the median and at the 99th percentile; articles reached."""
    db = await asyncpg.connect(stage.cluster.url("autoshop_app"))
    most = await db.fetchval("SELECT max(id) FROM cross_articles")
    some, took, reached = random.Random(2), [], 0
    for turn in range(ASKED + 200):
        seeds = [some.randrange(1, most + 1)]
        began = time.perf_counter()
        ways = await store.walk(db, seeds, **analogs.BOUNDS)
        if turn >= 200:  # the first ones plan the statement, and read the index
            took.append((time.perf_counter() - began) * 1000)
            reached += len(ways)
    await db.close()
    took.sort()
    return took[len(took) // 2], took[len(took) * 99 // 100], reached / ASKED
