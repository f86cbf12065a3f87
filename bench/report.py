"""What a bench found: printed as it comes, kept for --json, and held against the bars."""

import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autoshop import __version__
from bench.load import Run


class Report:
    """Lines of a table, and the bars that were missed."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {"runs": [], "bars": []}
        self.missed: list[str] = []
        self._began = time.monotonic()

    def about_this_machine(self) -> None:
        """What the numbers depend on."""
        processors = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = processors[0].partition(": ")[2] if processors else platform.processor()
        memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        self.kept["machine"] = {
            "processor": model, "cores": os.cpu_count(), "memory_gib": round(memory_gib, 1),
            "load": round(os.getloadavg()[0], 2), "python": platform.python_version(), "autoshop": __version__,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }  # fmt: skip
        machine = self.kept["machine"]
        print(f"{model}, {machine['cores']} cores, {memory_gib:.0f} GiB, load {machine['load']:.1f}; "
              f"Python {machine['python']}; fsync on")  # fmt: skip

    def say(self, text: str) -> None:
        """A line of progress."""
        print(f"[{time.monotonic() - self._began:5.1f} s] {text}", flush=True)

    def heading(self) -> None:
        print(f"{'':38}{'per second':>11}{'p50 ms':>9}{'p99 ms':>9}{'serve µs':>10}{'db µs':>8}  of the limit")

    def run(self, name: str, run: Run, ratio: float | None = None) -> None:
        """One measured run. Any error is a bar missed: what fails fast is not fast."""
        self.kept["runs"].append({"name": name, "per_second": run.per_second, "ratio": ratio, **asdict(run)})
        cpu = "".join(f"{'' if us is None else f'{us:.0f}':>{width}}" for us, width in
                      ((run.serve_us, 10), (run.database_us, 8)))  # fmt: skip
        told = "" if ratio is None else f"{ratio:14.2f}"
        print(f"{name:38}{run.per_second:11.0f}{run.p50_ms:9.1f}{run.p99_ms:9.1f}{cpu}{told}", flush=True)
        if run.bad or run.broken:
            self.bar(f"{name}: no errors", f"{run.bad} error answers, {run.broken} broken connections", False)

    def growth(self, small: str, large: str, before: Mapping[str, Run], after: Mapping[str, Run]) -> None:
        """The same requests over a small and a large shop: what has become slower, and by how much."""
        print(f"growth from {small} to {large} products{'':6}{'p50 ms':>15}{'':8}{'p99 ms':>13}{'':7}database µs")
        for name, large_run in after.items():
            small_run = before[name]
            pairs = [(small_run.p50_ms, large_run.p50_ms, 1), (small_run.p99_ms, large_run.p99_ms, 1)]
            pairs.append((small_run.database_us or 0, large_run.database_us or 0, 0))
            told = "".join(f"{f'{a:.{digits}f} → {b:.{digits}f}':>21}" for a, b, digits in pairs)
            print(f"{name:38}{told}  × {pairs[2][1] / max(pairs[2][0], 1):.1f}", flush=True)
            self.kept.setdefault("growth", {})[name] = {"p50_ms": pairs[0][:2], "p99_ms": pairs[1][:2]}

    def bar(self, what: str, found: str, held: bool, goal: str = "") -> None:
        """A number that must hold; `goal` is what we would like to see."""
        self.kept["bars"].append({"what": what, "found": found, "held": held, "goal": goal})
        print(f"  {'✓' if held else '✗'} {what}: {found}{f'  ({goal})' if goal else ''}", flush=True)
        if not held:
            self.missed.append(what)

    def verdict(self) -> None:
        print(f"{time.monotonic() - self._began:.0f} s. " + (
            f"MISSED: {'; '.join(self.missed)}" if self.missed else "Every bar is held."
        ))  # fmt: skip

    def write(self, file: Path) -> None:
        """Everything, as JSON."""
        self.kept["seconds"] = round(time.monotonic() - self._began, 1)
        file.write_text(json.dumps(self.kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
