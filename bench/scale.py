"""Every request of the day at 200 a second: over a small shop, over a large one, and over a chain of 500 stores."""

import json
import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from autoshop.kit.paging import encode_cursor
from bench.load import Request, Run, paced
from bench.report import Report
from bench.stage import PIECES, STORES, Stage, memory_mib

TURNS = 5  # movements for each product at each store
SMALL, LARGE = 10_000, 500_000
PER_SECOND = 200
P99_MS = 100
MEMORY_MIB = 150
SNAPSHOT_SECONDS = 10
INVENTORY = "/api/v1/inventory"


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
            token, server = stage.token(), stage.serve()
            runs[size] = _measure_all(report, stage, token, seconds, size)
            if size == products:
                _snapshot(report, stage, token)
            else:
                _chain(report, stage, token, seconds)
            mib = memory_mib(server)
            report.bar(f"memory of serve after the load < {MEMORY_MIB} MiB", f"{mib:.0f} MiB", mib < MEMORY_MIB)
        finally:
            stage.close()
    report.growth(f"{small:,}", f"{products:,}", runs[small], runs[products])


def _measure_all(report: Report, stage: Stage, token: str, seconds: int, products: int) -> dict[str, Run]:
    kinds = {**_reads(products), **_writes(products, PER_SECOND * seconds)}
    for requests in kinds.values():  # the first totals after a start take a moment
        paced(stage.port, token, requests[:1], 1, 1)
    report.heading()
    return {
        name: _measure(report, stage, token, name, requests[1:] or requests, PER_SECOND, seconds)
        for name, requests in kinds.items()
    }


def _measure(
    report: Report, stage: Stage, token: str, name: str, requests: list[Request], per_second: int, seconds: int
) -> Run:
    run = stage.measured(lambda: paced(stage.port, token, requests, per_second, seconds))
    report.run(name, run)
    held = run.p99_ms < P99_MS and run.per_second > 0.95 * per_second
    report.bar(f"{name} at {per_second}/s: p99 < {P99_MS} ms", f"{run.p99_ms:.1f} ms", held)
    return run


def _reads(products: int) -> dict[str, list[Request]]:
    """Pages first, deep and filtered; one product; what happened to it."""
    some = random.Random(1).sample(range(1, products), min(2_000, products // 2))
    status = f"{INVENTORY}/status"
    paths: dict[str, Iterable[str]] = {
        "status, first page": [status],
        "status, a deep page": (f"{status}?page={encode_cursor('stock', n, 1)}" for n in some),
        "status, one store, deep": (f"{status}?store_id=2&page={encode_cursor('stock', n, 2)}" for n in some),
        "status, available, deep": (f"{status}?available=true&page={encode_cursor('stock', n, 1)}" for n in some),
        "one product": (f"{INVENTORY}/{n}" for n in some),
        "movements of a product": (f"{INVENTORY}/movements?product_id={n}" for n in some),
        "movements, newest first": [f"{INVENTORY}/movements?date_from=2020-01-01"],
        "transfers": [f"{INVENTORY}/transfers"],
        "reservations": [f"{INVENTORY}/reservations?status=live"],
        "reservations of a product": (f"{INVENTORY}/reservations?product_id={n}" for n in some),
    }
    return {name: [Request("GET", path) for path in found] for name, found in paths.items()}


def _writes(products: int, count: int) -> dict[str, list[Request]]:
    """A sale, a batch of ten lines, a hold, a shipment; each with a key of its own."""
    dice = random.Random(2)

    def line(movement_type: str, **more: Any) -> dict[str, Any]:
        pieces = {"product_id": dice.randint(1, products), "store_id": dice.randint(1, STORES), "quantity": 1}
        return {**pieces, "movement_type": movement_type, **more}

    def hold() -> dict[str, Any]:
        lines = [{"product_id": dice.randint(1, products), "store_id": 1, "quantity": 1} for _ in range(3)]
        return {"holder": "Замер", "lines": lines}

    def shipment() -> dict[str, Any]:
        return {**line("transfer"), "store_id": 1, "to_store_id": 2}

    bodies: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
        "sale": (f"{INVENTORY}/movement", lambda: line("sale")),
        "batch of ten": (f"{INVENTORY}/movements", lambda: {"lines": [line("inbound") for _ in range(10)]}),
        "hold of three lines": (f"{INVENTORY}/reservations", hold),
        "shipment": (f"{INVENTORY}/movement", shipment),
    }
    return {
        f"POST {name}": [Request("POST", path, json.dumps(body()).encode()) for _ in range(count + 1)]
        for name, (path, body) in bodies.items()
    }


def _chain(report: Report, stage: Stage, token: str, seconds: int) -> None:
    """498 further stores that have a place for every product."""
    if stage.ask("SELECT count(*) FROM stores") != "500":
        report.say(f"opening 498 further stores with {stage.products * 498:,} places …")
        stage.more_stores()
    some = random.Random(3).sample(range(1, stage.products), 500)
    status = f"{INVENTORY}/status"
    # A product's stock over 500 stores is 500 rows; a page of one store adds up that of a hundred products.
    kinds = {
        "one product, 500 stores": ([f"{INVENTORY}/{n}" for n in some], 5),
        "status, 500 stores, first page": ([status], PER_SECOND),
        "status, 500 stores, deep": ([f"{status}?page={encode_cursor('stock', n, 250)}" for n in some], PER_SECOND),
        "status, one of 500 stores": (
            [f"{status}?store_id=250&page={encode_cursor('stock', n, 250)}" for n in some], 10,
        ),
    }  # fmt: skip
    paced(stage.port, token, [Request("GET", status)], 1, 1)
    for name, (paths, per_second) in kinds.items():
        _measure(report, stage, token, name, [Request("GET", path) for path in paths], per_second, seconds)


def _snapshot(report: Report, stage: Stage, token: str) -> None:
    """Freeze the whole stock while sales go on."""
    places = stage.products * STORES
    sales = _writes(stage.products, PER_SECOND * 8)["POST sale"]
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
