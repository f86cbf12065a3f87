"""An import: a million rows from a CSV into an empty shop, beside a plain COPY of the same file."""

import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.report import Report
from bench.stage import OPEN, Stage, cpu_seconds

SECONDS_A_MILLION = 60
LEAST_SECONDS = 10  # a small file is mostly the start of the command
MEMORY_MIB = 300
HEADINGS = [
    "Бренд", "Артикул", "Название", "Категория", "Штрихкод", "Розница", "Закупка", "Остаток centre", "Остаток north",
]  # fmt: skip
STORES = f"""
INSERT INTO stores (code, name, opening_hours)
VALUES ('centre', 'Центр', {OPEN}::jsonb), ('north', 'Север', {OPEN}::jsonb)
"""
BARE = "CREATE TABLE bare (" + ", ".join(f"c{number} text" for number in range(len(HEADINGS))) + ")"


@dataclass(frozen=True)
class Done:
    """A command that ended well."""

    seconds: float
    memory_mib: float
    cpu_seconds: float
    database_cpu_seconds: float
    said: str

    def __str__(self) -> str:
        return (
            f"{self.seconds:.1f} s, {self.memory_mib:.0f} MiB"
            f" (processor: {self.cpu_seconds:.1f} s, PostgreSQL {self.database_cpu_seconds:.1f} s)"
        )


def run(report: Report, folder: Path, rows: int) -> None:
    """Import, import the same again, and COPY; the bars are for the first."""
    file = folder / "catalogue.csv"
    report.say(f"writing {rows:,} rows …")
    _write(file, rows)
    stage = Stage(folder, rows)
    try:
        stage.start()
        if stage.ask("SELECT count(*) FROM products") != "0":
            raise SystemExit(f"{folder} holds products already: name another folder.")
        stage.do(STORES)
        copied = _copy(stage, file)
        report.say(f"plain COPY of {file.stat().st_size / 2**20:.0f} MiB: {copied:.1f} s, {rows / copied:,.0f} rows/s")
        first = imported(stage, "catalog", file)
        _must_be_there(stage, rows)
        report.say(f"import: {first}; {rows / first.seconds:,.0f} rows/s, {first.seconds / copied:.1f} × COPY")
        again = imported(stage, "catalog", file)
        _must_be_there(stage, rows)
        report.say(f"the same file again, nothing to do: {again}")
    finally:
        stage.close()
    allowed = max(LEAST_SECONDS, SECONDS_A_MILLION * rows / 1_000_000)
    ratio = f"{first.seconds / copied:.1f} × a plain COPY in the same minute"
    report.bar(f"import of {rows:,} rows < {allowed:.0f} s", f"{first.seconds:.1f} s", first.seconds < allowed, ratio)
    memory = max(first.memory_mib, again.memory_mib)
    report.bar(f"memory of the import < {MEMORY_MIB} MiB", f"{memory:.0f} MiB", memory < MEMORY_MIB)


def _write(file: Path, rows: int) -> None:
    """A catalogue as a shop may have it: 300 brands, 200 categories, a barcode each, stock of two thirds."""
    some = random.Random(1)
    with open(file, "w", encoding="utf-8", newline="") as out:
        out.write(";".join(HEADINGS) + "\r\n")
        for number in range(rows):
            kopecks, stock = some.randrange(5_000, 3_000_000), some.randrange(30)
            out.write(
                f"Brand {number % 300};{number % 97:02}-{number:07}.{number % 10};"
                f"Фильтр масляный {number % 1000} для двигателя {number};Категория {number % 200};{_barcode(number)};"
                f"{kopecks // 100},{kopecks % 100:02};{kopecks // 130};{max(0, stock - 10)};{max(0, 20 - stock)}\r\n"
            )


def _barcode(number: int) -> str:
    """EAN-13 with its check digit."""
    digits = f"46{number:010}"
    odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
    return digits + str(-(odd + 3 * even) % 10)


def _copy(stage: Stage, file: Path) -> float:
    """Seconds of a COPY into a table without keys or checks."""
    stage.do(BARE)
    with psycopg.connect(stage.cluster.url("autoshop")) as db, open(file, "rb") as content:
        began = time.monotonic()
        with db.cursor().copy("COPY bare FROM STDIN (FORMAT csv, DELIMITER ';', HEADER)") as copy:
            while piece := content.read(1 << 20):
                copy.write(piece)
        db.commit()
        took = time.monotonic() - began
    stage.do("DROP TABLE bare")
    return took


def imported(stage: Stage, what: str, file: Path) -> Done:
    """`autoshop import WHAT FILE`, as the shopkeeper calls it, with the most memory that it held."""
    command = [sys.executable, "-m", "autoshop", "import", what, str(file), "--lang", "en"]
    assert stage.cluster.pid is not None
    before, began = cpu_seconds(stage.cluster.pid), time.monotonic()
    process = subprocess.Popen(command, env=stage.environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.monotonic() - began
    if process.returncode != 0:
        raise SystemExit(f"The import ended with {process.returncode}: {said}")
    return Done(
        took,
        usage.ru_maxrss / (2**10 if sys.platform == "linux" else 2**20),
        usage.ru_utime + usage.ru_stime,
        cpu_seconds(stage.cluster.pid) - before,
        said.strip(),
    )


def _must_be_there(stage: Stage, rows: int) -> None:
    """What is not there was not imported fast."""
    found = int(stage.ask("SELECT count(*) FROM products"))
    prices = int(stage.ask("SELECT count(*) FROM prices"))
    astray = stage.ask(
        "SELECT (SELECT sum(quantity) FROM inventory) - (SELECT sum(delta) FROM movements) WHERE EXISTS"
        " (SELECT FROM movements)"
    )
    if (found, prices, astray) != (rows, 2 * rows, "0"):
        raise SystemExit(f"{found} products, {prices} prices; stock and movements differ by {astray}")
