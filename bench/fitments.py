"""Fitments: half a million rows of several sources from a CSV, and the same file again."""

import random
from pathlib import Path

from autoshop.selection.vehicles.facts import known
from bench.imports import imported
from bench.report import Report
from bench.stage import Stage

ROWS = 500_000
SECONDS = 60  # for half a million; less in proportion, but a small file is mostly the start of the command
LEAST_SECONDS = 10
MEMORY_MIB = 300
BRANDS, SOURCES = 200, 20
CATEGORIES = ("oil_filter", "Воздушный фильтр", "brake_pads_front", "Амортизатор", "spark_plug")
POSITIONS = ("", "передний левый", "передний правый", "задний", "")
HEADINGS = (
    "Автомобиль;Марка;Модель;Поколение;Двигатель;Год с;Год по;Бренд;Артикул;Категория;Позиция;Количество;Источник"
)


def run(report: Report, folder: Path, rows: int) -> None:
    """Import, import again, and import with a tenth of it told otherwise; the bars are for the first."""
    file = folder / "fitments.csv"
    report.say(f"writing {rows:,} rows …")
    _write(file, rows, quantity=1)
    stage = Stage(folder, rows)
    try:
        stage.start()
        if stage.ask("SELECT count(*) FROM fitments") != "0":
            raise SystemExit(f"{folder} holds fitments already: name another folder.")
        first = imported(stage, "fitments", file)
        found = int(stage.ask("SELECT count(*) FROM fitments"))
        size = stage.ask("SELECT pg_size_pretty(pg_total_relation_size('fitments'))")
        report.say(f"import: {first}; {rows / first.seconds:,.0f} rows/s; {found:,} fitments, {size} with all indexes")
        report.say(f"the same file again, nothing to do: {imported(stage, 'fitments', file)}")
        _write(file, rows, quantity=2)
        again = imported(stage, "fitments", file)
        report.say(f"a tenth of it told otherwise: {again}; {again.said}")
    finally:
        stage.close()
        file.unlink()
    allowed = max(LEAST_SECONDS, SECONDS * rows / ROWS)
    report.bar(f"import of {rows:,} fitments < {allowed:.0f} s", f"{first.seconds:.1f} s", first.seconds < allowed)
    memory = max(first.memory_mib, again.memory_mib)
    report.bar(f"memory of the import < {MEMORY_MIB} MiB", f"{memory:.0f} MiB", memory < MEMORY_MIB)


def _write(file: Path, rows: int, *, quantity: int) -> None:
    """Cars by id and, of each fifth row, in words; `quantity` is that of each tenth row."""
    facts, some = known(), random.Random(1)
    cars = [
        (one, engine.code)
        for one in facts.vehicles.values()
        for engine in facts.engines.get(one.id, ())
        if engine.code is not None and one.generation and (one.years_from or 0) < 2018
    ]
    with open(file, "w", encoding="utf-8", newline="") as out:
        out.write(HEADINGS + "\r\n")
        for number in range(rows):
            car, engine = cars[some.randrange(len(cars))]
            words = number % 5 == 0
            named = f";{car.make};{car.model};{car.generation}" if words else f"{car.id};;;"
            first = car.years_from or 2000
            part = f"Brand {number % BRANDS};{number % 97:02}-{number // 4:07};{CATEGORIES[number % len(CATEGORIES)]}"
            pieces = quantity if number % 10 == 0 else 1
            out.write(
                f"{named};{engine};{first};{first + 5};{part};{POSITIONS[number % len(POSITIONS)]};{pieces};"
                f"Каталог {number % SOURCES}\r\n"
            )
