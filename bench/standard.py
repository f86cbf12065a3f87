"""The bench of every day: movements against the limit, reads, memory, and how soon bin/dev answers."""

import random
import time
from pathlib import Path
from statistics import median

from bench.load import CLIENTS, Request, Run, paced, pgbench, wrk
from bench.report import Report
from bench.stage import Stage, memory_mib

POST_BAR, POST_GOAL = 0.4, 0.7
READ_P99_MS = 20
MEMORY_MIB = 150
DEV_SECONDS = 6


def run(report: Report, folder: Path, products: int, *, quick: bool) -> None:
    """Fill a shop, measure in rounds (limit, write, read, limit, write, read, …), prove that nothing was lost."""
    rounds, seconds = (2, 4) if quick else (3, 8)
    stage = Stage(folder, products)
    try:
        report.say(f"filling {products:,} products × 2 stores …".replace(",", " "))
        stage.open()
        token = stage.token()
        server, worker = stage.serve(), stage.work()
        pages = _write_paths(folder / "products", [f"/api/v1/inventory/{n}" for n in _some(products)])
        status = _write_paths(folder / "status", ["/api/v1/inventory/status"])
        paths = [Request("GET", path) for path in pages.read_text().split()]
        before = int(stage.ask("SELECT count(*) FROM movements"))
        posted: list[Run] = []

        report.say("warming up …")
        posted.append(pgbench(stage.cluster.url(), products, 2, folder))
        posted.append(_post(stage, token, 2))
        wrk(stage.port, 1, "get.lua", token, str(pages))

        report.heading()
        ratios, p99s = [], []
        for number in range(1, rounds + 1):
            limit = stage.measured(lambda: pgbench(stage.cluster.url(), products, seconds, folder))
            report.run(f"{number} pgbench, the movement statement", limit, 1.0)
            movement = stage.measured(lambda: _post(stage, token, seconds))
            report.run(f"{number} POST /inventory/movement", movement, movement.per_second / limit.per_second)
            product = stage.measured(lambda: wrk(stage.port, seconds, "get.lua", token, str(pages)))
            report.run(f"{number} GET /inventory/{{id}}", product)
            half = paced(stage.port, token, paths, product.per_second / 2, seconds)
            report.run(f"{number} GET /inventory/{{id}} at half of that", half)
            page = stage.measured(lambda: wrk(stage.port, seconds // 2, "get.lua", token, str(status)))
            report.run(f"{number} GET /inventory/status (100 rows)", page)
            posted += [limit, movement]
            ratios.append(movement.per_second / limit.per_second)
            p99s.append(half.p99_ms)

        ratio = median(ratios)
        goal = f"goal {POST_GOAL}: {'reached' if ratio >= POST_GOAL else 'not reached'}"
        report.bar(f"POST movement ÷ pgbench ≥ {POST_BAR}", f"{ratio:.2f}", ratio >= POST_BAR, goal)
        p99_ms = median(p99s)
        report.bar(f"GET product p99 at half speed < {READ_P99_MS} ms", f"{p99_ms:.1f} ms", p99_ms < READ_P99_MS)
        for name, process in (("serve", server), ("worker", worker)):
            mib = memory_mib(process)
            report.bar(f"memory of {name} after the load < {MEMORY_MIB} MiB", f"{mib:.0f} MiB", mib < MEMORY_MIB)
        _prove(report, stage, before, posted)
        dev_seconds = stage.time_dev()
        report.bar(f"bin/dev to the first answer < {DEV_SECONDS} s", f"{dev_seconds:.1f} s", dev_seconds < DEV_SECONDS)
    finally:
        stage.close()


def _post(stage: Stage, token: str, seconds: int) -> Run:
    return wrk(stage.port, seconds, "movement.lua", token, str(stage.products), str(time.time_ns()))


def _some(products: int) -> list[int]:
    """Enough products that no cache of ours could hold the answers by chance; always the same ones."""
    return random.Random(1).sample(range(1, products + 1), min(products, 20_000))


def _write_paths(file: Path, paths: list[str]) -> Path:
    file.write_text("\n".join(paths) + "\n")
    return file


def _prove(report: Report, stage: Stage, before: int, posted: list[Run]) -> None:
    """Every answered movement is in the ledger, with its key and event; the recount is clean."""
    counted = int(stage.ask("SELECT count(*) FROM movements")) - before
    answered = sum(run.requests for run in posted)
    # When its time is up wrk hangs up: what was under way then is posted, but not counted as answered.
    most = answered + CLIENTS * len(posted)
    report.bar(
        "every answered movement is in the ledger", f"{answered} answered, {counted} there",
        answered <= counted <= most,
    )  # fmt: skip
    traces = stage.ask(
        "SELECT (SELECT count(*) FROM idempotency_keys WHERE movement_id IS NOT NULL) = (SELECT count(*) FROM outbox)"
        " AND (SELECT count(*) FROM outbox) = (SELECT count(*) FROM movements WHERE idempotency_key IS NOT NULL)"
    )
    report.bar("each has its key and its event", "yes" if traces == "True" else "no", traces == "True")
    checked = stage.command("ledger", "check", "--balances")
    report.bar("ledger check --balances", checked.stdout.strip().splitlines()[0], checked.returncode == 0)
