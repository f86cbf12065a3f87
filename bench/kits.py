"""From a VIN to a kit with stock: decoded, what the car needs, what the shop has of it, three ways to buy, a date.

Asked of a shop with the demo catalogue in two stores: with a process's own cache, with one that cannot be reached
(what a stopped Valkey is), and of the decoder alone.
"""

import csv
import random
import time
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from autoshop.selection.vin import service
from bench.load import Request, Run, paced, percentiles
from bench.report import Report
from bench.stage import Stage, memory_mib, own_mib

P95_MS, GOAL_MS, DECODE_MS, MEMORY_MIB = 60, 20, 20, 150
PER_SECOND = 20
SAMPLE = 150
JOBS = ("to15", "to30", "to60", "to90", "oil_change", "ignition", "winter", "light")
NOBODY = "redis://127.0.0.1:1/0"
CARS = files("autoshop") / "data" / "selection" / "vin" / "cars.csv"


def run(report: Report, folder: Path, products: int, *, quick: bool) -> None:
    """Fill the shop, then ask for kits; the bars are for the 99th percentile, which is stricter than the 95th."""
    seconds = 5 if quick else 20
    stage = Stage(folder, products)
    try:
        stage.start()
        for words in (("demo", "--products", str(products)), ("facts", "load")):
            report.say(f"autoshop {' '.join(words)} …")
            done = stage.command(*words)
            if done.returncode != 0:
                raise SystemExit(done.stderr)
        stage.settle()
        vins = _vins()
        _decode(report, vins)
        kept = _measure(report, stage, vins, seconds, "kit by VIN, remembered", None)
        anew = _measure(report, stage, vins, seconds, "kit by VIN, the cache is away", NOBODY)
        report.say(f"remembered answers cost {kept.p50_ms / anew.p50_ms:.2f} of those that are made anew (medians)")
    finally:
        stage.close()


def _vins() -> list[str]:
    """Cars that are known, of which a shop of this country is asked."""
    told = csv.DictReader(CARS.read_text(encoding="utf-8").splitlines())
    known_cars = [row["vin"] for row in told if row["make"] in ("Lada", "Kia", "Hyundai", "Renault", "Skoda", "Toyota")]
    return random.Random(1).sample(known_cars, min(SAMPLE, len(known_cars)))


def _decode(report: Report, vins: list[str]) -> None:
    now, took = datetime.now(UTC), []
    for vin in vins * 5:
        began = time.perf_counter()
        service.read(vin, now)
        took.append((time.perf_counter() - began) * 1000)
    p50, p99 = percentiles(sorted(took[len(vins) :]))
    report.bar(f"decoding a VIN, p99 < {DECODE_MS} ms", f"p50 {p50:.3f} ms, p99 {p99:.3f} ms", p99 < DECODE_MS)


def _measure(report: Report, stage: Stage, vins: list[str], seconds: int, name: str, cache: str | None) -> Run:
    token = stage.token("catalog:read")
    server = stage.serve(**({"AUTOSHOP_CACHE_URL": cache} if cache else {}))
    asked = _asked(report, stage, token, vins)
    requests = [Request("GET", path) for path in asked]
    paced(stage.port, token, requests, PER_SECOND, 3)
    report.heading()
    run = stage.measured(lambda: paced(stage.port, token, requests, PER_SECOND, seconds))
    report.run(name, run)
    report.bar(f"{name}: p99 < {P95_MS} ms (goal {GOAL_MS})", f"{run.p99_ms:.1f} ms", run.p99_ms < P95_MS)
    if cache is None:
        own, all_of_it = own_mib(server), memory_mib(server)
        told = f"{own:.0f} MiB; with the pages of the vPIC's file {all_of_it:.0f} MiB"
        report.bar(f"memory of serve's own after the load < {MEMORY_MIB} MiB", told, own < MEMORY_MIB)
    server.terminate()
    server.wait(30)
    stage.children.remove(server)
    return run


def _asked(report: Report, stage: Stage, token: str, vins: list[str]) -> list[str]:
    """A kit for each VIN, with the first engine where that has to be asked, as a seller would go on."""
    some = random.Random(2)
    asked, offered = [], 0
    for vin in vins:
        path = f"/api/v1/kits/{some.choice(JOBS)}?{urlencode({'vin': vin, 'store_id': 1})}"
        told = _get(stage, token, path)
        question = told["question"]
        if question is not None and question["field"] == "engine" and question["options"][0]["engine"]:
            path += "&" + urlencode({"engine": question["options"][0]["engine"]})
            told = _get(stage, token, path)
        offered += bool(told["ways"])
        asked.append(path)
    report.say(f"of {len(vins)} questions {offered} end in a kit that can be bought")
    return asked


def _get(stage: Stage, token: str, path: str) -> dict[str, Any]:
    answer = httpx.get(f"http://127.0.0.1:{stage.port}{path}", headers={"Authorization": f"Bearer {token}"})
    if answer.is_error:
        raise SystemExit(f"GET {path}: {answer.status_code} {answer.text[:1000]}")
    return answer.json()  # type: ignore[no-any-return]
