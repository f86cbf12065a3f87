"""Reads over a large shop: 500 000 products × 2 stores with 5 million movements, then a chain of 500 stores."""

import random
from pathlib import Path

from autoshop.kit.paging import encode_cursor
from bench.load import paced
from bench.report import Report
from bench.stage import STORES, Stage, memory_mib

TURNS = 5  # movements for each product at each store
PER_SECOND = 200
READ_P99_MS = 100
MEMORY_MIB = 150
STATUS = "/api/v1/inventory/status"


def run(report: Report, folder: Path, products: int, *, quick: bool) -> None:
    """Each request of every day at 200 a second: first, deep and filtered pages, one product, its movements."""
    seconds = 5 if quick else 10
    stage = Stage(folder, products, TURNS)
    try:
        report.say(f"filling {products:,} products × 2 stores, {products * STORES * TURNS:,} movements …")
        stage.open()
        token, server = stage.token(), stage.serve()
        some = random.Random(1).sample(range(1, products), 2_000)
        kinds = {
            "status, first page": [STATUS],
            "status, a deep page": [f"{STATUS}?page={encode_cursor('stock', n, 1)}" for n in some],
            "status, one store, deep": [f"{STATUS}?store_id=2&page={encode_cursor('stock', n, 2)}" for n in some],
            "status, available=true, deep": [
                f"{STATUS}?available=true&page={encode_cursor('stock', n, 1)}" for n in some
            ],
            "one product": [f"/api/v1/inventory/{n}" for n in some],
            "movements of a product": [f"/api/v1/inventory/movements?product_id={n}" for n in some],
            "movements, newest first": ["/api/v1/inventory/movements?date_from=2020-01-01"],
        }
        for path in {paths[0] for paths in kinds.values()}:  # the first totals after a start take a moment
            paced(stage.port, token, [path], 1, 1)
        report.heading()
        for name, paths in kinds.items():
            _measure(report, stage, token, f"GET {name}", paths, PER_SECOND, seconds)

        if stage.ask("SELECT count(*) FROM stores") != "500":
            report.say("opening 498 further stores …")
            stage.more_stores()
        chain = [f"/api/v1/inventory/{n}" for n in range(1, 1001)]
        _measure(report, stage, token, "GET one product, 500 stores", chain, 5, seconds)
        mib = memory_mib(server)
        report.bar(f"memory of serve after the load < {MEMORY_MIB} MiB", f"{mib:.0f} MiB", mib < MEMORY_MIB)
    finally:
        stage.close()


def _measure(
    report: Report, stage: Stage, token: str, name: str, paths: list[str], per_second: int, seconds: int
) -> None:
    run = stage.measured(lambda: paced(stage.port, token, paths, per_second, seconds))
    report.run(name, run)
    held = run.p99_ms < READ_P99_MS and run.per_second > 0.95 * per_second
    report.bar(f"{name} at {per_second}/s: p99 < {READ_P99_MS} ms", f"{run.p99_ms:.1f} ms", held)
