"""bin/bench: how fast the shop is on this machine, as a ratio to what its PostgreSQL can do in the same minutes.

Exit code 0 when every bar is held, 1 when one is missed or an answer was an error.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from bench import crosses, fitments, imports, kits, live, recommendations, scale, search, standard
from bench.report import Report
from bench.stage import ROOT, Stage


def main() -> int:
    """Read the options, run one bench, print and keep what it found."""
    options = _options()
    if (
        options.what not in ("import", "live", "crosses", "fitments", "search", "kits", "recommendations")
        and shutil.which("wrk") is None
    ):
        raise SystemExit("wrk is missing: apt-get install wrk (bin/bench does it when root calls it).")
    report = Report()
    report.about_this_machine()
    Stage.kept = options.data is not None
    with tempfile.TemporaryDirectory(prefix="bench-", dir=_var()) as scratch:
        folder = options.data or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if options.what == "import":
            imports.run(report, folder, options.products or (100_000 if options.quick else 1_000_000))
        elif options.what == "crosses":
            crosses.run(report, folder, options.products or (500_000 if options.quick else crosses.PAIRS))
        elif options.what == "fitments":
            fitments.run(report, folder, options.products or (100_000 if options.quick else fitments.ROWS))
        elif options.what == "live":
            live.run(report, folder, options.products or 1_000, quick=options.quick)
        elif options.what == "recommendations":
            recommendations.run(report, folder, quick=options.quick)
        elif options.what == "kits":
            kits.run(report, folder, options.products or 100_000, quick=options.quick)
        elif options.what == "search":
            search.run(report, folder, options.products or 1_000_000, quick=options.quick)
        elif options.what == "scale":
            scale.run(report, folder, options.products or scale.LARGE, quick=options.quick)
        else:
            standard.run(report, folder, options.products or 100_000, quick=options.quick)
    report.verdict()
    if options.json:
        report.write(options.json)
    return 1 if report.missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument(
        "what", nargs="?", default="standard",
        choices=["standard", "scale", "import", "live", "crosses", "fitments", "search", "kits", "recommendations"],
        help="standard: movements against the limit, reads, memory; scale: every request over 10 000 and 500 000"
        " products, and 500 stores; import: a CSV of a million rows; live: how soon 200 listeners hear of a movement;"
        " search: every kind of text over 100 000 and a million products;"
        " kits: from a VIN to a kit with stock;"
        " crosses: five million pairs of articles, and two steps from one to those that stand for it;"
        " fitments: half a million rows of what fits which car;"
        " recommendations: how often what is proposed is what was bought",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="shorter and fewer rounds: a hint, not a record")
    parser.add_argument(
        "--products", type=int, metavar="N", help="products × 2 stores, rows or pairs, instead of the usual number"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the database here and use it again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    return parser.parse_args()


def _var() -> Path:
    """On the disk that the shop would use: /tmp may be memory, where fsync is no work."""
    folder = ROOT / "var"
    folder.mkdir(exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
