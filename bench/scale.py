"""Every request of the day at 200 a second: over a small shop, over a large one, and over a chain of 500 stores."""

import random
import time
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from autoshop.kit.children import Process
from bench.kinds import INVENTORY, REPORTS, afterwards, over_a_chain, reads, writes
from bench.load import Request, Run, paced
from bench.report import Report
from bench.stage import PIECES, STORES, Stage, memory_mib

TURNS = 5  # movements for each product at each store
SMALL, LARGE = 10_000, 500_000
PER_SECOND, REPORTS_PER_SECOND = 200, 20
P99_MS = 100
MEMORY_MIB = 150
SNAPSHOT_SECONDS = 10
STOCK_SECONDS = 5  # of the whole network, on a day
STOCKTAKE_LINES, STOCKTAKE_SECONDS = 20_000, 10
SCOPES = ("inventory:read", "inventory:write", "inventory:approve", "cost:read")


def run(report: Report, folder: Path, products: int, *, quick: bool) -> None:
    """The same requests over `products` and over a fiftieth of them, and how they grow; then the chain."""
    seconds = 4 if quick else 10
    small = max(1_000, products * SMALL // LARGE)
    runs = {}
    for size in (small, products):
        stage = Stage(folder / f"{size}-products", size, TURNS)
        try:
            report.say(f"filling {size:,} products × {STORES} stores, {size * STORES * TURNS:,} movements …")
            stage.open()
            token, server = stage.token(*SCOPES), stage.serve()
            runs[size] = _measure_all(report, stage, token, seconds, size)
            if size == products:
                _stocktake(report, stage, token)
                _snapshot(report, stage, token)
                _stock_on_a_day(report, stage)
            _memory(report, server)
        finally:
            stage.close()
    _chain(report, folder, small, seconds)
    report.growth(f"{small:,}", f"{products:,}", runs[small], runs[products])


def _memory(report: Report, server: Process) -> None:
    mib = memory_mib(server)
    report.bar(f"memory of serve after the load < {MEMORY_MIB} MiB", f"{mib:.0f} MiB", mib < MEMORY_MIB)


def _measure_all(report: Report, stage: Stage, token: str, seconds: int, products: int) -> dict[str, Run]:
    count = PER_SECOND * seconds
    kinds = {**writes(products, count), **reads(products)}  # so that the lists of documents are long
    for requests in kinds.values():  # the first totals after a start take a moment
        paced(stage.port, token, requests[:1], 1, 1)
    report.heading()
    return {
        name: _measure(report, stage, token, name, requests[1:] or requests, _rate(name), seconds)
        for name, requests in chain(kinds.items(), afterwards(stage, token, count))
    }


def _rate(name: str) -> int:
    return REPORTS_PER_SECOND if name in REPORTS else PER_SECOND


def _measure(
    report: Report, stage: Stage, token: str, name: str, requests: list[Request], per_second: int, seconds: int
) -> Run:
    run = stage.measured(lambda: paced(stage.port, token, requests, per_second, seconds))
    report.run(name, run)
    held = run.p99_ms < P99_MS and run.per_second > 0.95 * per_second
    report.bar(f"{name} at {per_second}/s: p99 < {P99_MS} ms", f"{run.p99_ms:.1f} ms", held)
    return run


def _chain(report: Report, folder: Path, products: int, seconds: int) -> None:
    """500 stores, each with a place for every product."""
    stage = Stage(folder / f"{products}-products-in-500-stores", products, TURNS)
    try:
        report.say(f"filling {products:,} products × 500 stores …")
        stage.open()
        if stage.ask("SELECT count(*) FROM stores") != "500":
            stage.more_stores()
        stage.ask("SELECT sum(quantity) FROM inventory")  # in memory, as in the middle of a day
        token, server = stage.token(*SCOPES), stage.serve()
        some = random.Random(3).sample(range(1, products), min(500, products - 1))
        kinds = over_a_chain(some, PER_SECOND)
        for requests, _ in kinds.values():
            paced(stage.port, token, requests[:1], 8, 1)  # on each connection of the pool
        report.heading()
        for name, (requests, per_second) in kinds.items():
            _measure(report, stage, token, name, requests, per_second, seconds)
        _memory(report, server)
    finally:
        stage.close()


def _snapshot(report: Report, stage: Stage, token: str) -> None:
    """Freeze the whole stock while sales go on."""
    places = stage.products * STORES
    sales = writes(stage.products, PER_SECOND * 8)["POST sale"]
    freezing = stage.start_snapshot()
    run = paced(stage.port, token, sales, PER_SECOND, 8)
    took, rows = freezing()
    report.run("POST sale during the snapshot", run)
    report.bar(f"sales during it: p99 < {P99_MS} ms", f"{run.p99_ms:.1f} ms", run.p99_ms < P99_MS)
    report.bar(
        f"snapshot of {places:,} rows < {SNAPSHOT_SECONDS} s", f"{took:.1f} s, {rows:,} rows",
        took < SNAPSHOT_SECONDS and rows >= places * (PIECES > 0),
    )  # fmt: skip
    began = time.monotonic()
    checked = stage.command("ledger", "check")
    report.bar(
        "ledger check", f"{checked.stdout.strip().splitlines()[0]} ({time.monotonic() - began:.0f} s)",
        checked.returncode == 0,
    )  # fmt: skip


def _stocktake(report: Report, stage: Stage, token: str) -> None:
    """Count many products of a store, all with a difference, and approve, while sales go on elsewhere."""
    listed = list(range(1, min(stage.products, STOCKTAKE_LINES) + 1))
    stocktakes, seconds = f"{INVENTORY}/stocktakes", {}
    began = time.monotonic()
    opened = stage.post(stocktakes, {"store_id": 2, "scope": {"kind": "products", "product_ids": listed}}, token)
    seconds["opened"] = time.monotonic() - began
    stocktakes += f"/{opened['id']}"
    for first in range(0, len(listed), 500):
        counts = [
            {"client_id": f"{n}", "product_id": n, "pieces": PIECES + 7, "mode": "set", "device": "till"}
            for n in listed[first : first + 500]
        ]
        stage.post(f"{stocktakes}/counts", {"counts": counts}, token)
    seconds["counted"] = time.monotonic() - began - sum(seconds.values())
    reviewed = stage.post(f"{stocktakes}/review", {}, token)
    seconds["reviewed"] = time.monotonic() - began - sum(seconds.values())
    stage.post(f"{stocktakes}/approval", {}, token, reviewed["version"])
    seconds["approved"] = time.monotonic() - began - sum(seconds.values())
    told = ", ".join(f"{what} {took:.1f} s" for what, took in seconds.items())
    held = sum(seconds.values()) < STOCKTAKE_SECONDS
    report.bar(f"a stocktake of {len(listed):,} lines < {STOCKTAKE_SECONDS} s", told, held)


def _stock_on_a_day(report: Report, stage: Stage) -> None:
    """Everything that lay anywhere at the end of a day, as a file; frozen some nights before, as every night is."""
    stage.start_snapshot(days_ago=3)()
    day = (datetime.now(UTC) - timedelta(days=1)).date()
    began = time.monotonic()
    told = stage.command("ledger", "stock-on", f"{day}").stdout
    took, rows = time.monotonic() - began, told.count("\n") - 1
    held = took < STOCK_SECONDS and rows == stage.products * STORES
    report.bar(f"stock of all stores on a day < {STOCK_SECONDS} s", f"{took:.1f} s, {rows:,} rows", held)
