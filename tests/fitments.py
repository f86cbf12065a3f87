"""Files of fitments for tests, and what the table holds afterwards."""

from pathlib import Path
from typing import Any

from autoshop.accounts.model import system
from autoshop.catalog.imports import service, store
from autoshop.catalog.imports.importing import Tell
from autoshop.catalog.imports.model import Options, Run
from autoshop.kit.db import Pool, transaction
from autoshop.selection.crosses import importing as crosses
from autoshop.selection.fitment import loading
from autoshop.selection.fitment.importing import FitmentImport
from tests.imports import Outcome

HEADINGS = "Автомобиль;Двигатель;Год с;Год по;Бренд;Артикул;Категория;Позиция;Количество;Условия;Достоверность;Источник"
VESTA = "lada/vesta/i"
ROW = f"{VESTA};21129;2015;2019;MANN;W 914/2;oil_filter;;1;;;каталог MANN"
IMPORT = system("import")

# Everything that somebody says, in words; facts are left out.
SAID = """
SELECT v.slug, e.code, b.name, a.article, f.category, f.position, f.quantity::float8, f.years_from, f.years_to,
       f.qualifiers, f.confidence, s.code
  FROM fitments AS f
  JOIN vehicles AS v ON v.id = f.vehicle_id
  LEFT JOIN vehicle_engines AS e ON e.id = f.engine_id
  JOIN cross_articles AS a ON a.id = f.article_id
  JOIN brands AS b ON b.id = a.brand_id
  JOIN fitment_sources AS s ON s.id = f.source_id
 WHERE NOT s.is_facts
 ORDER BY v.slug, e.code, b.name, a.article, f.position, f.years_from, f.qualifiers, s.code
"""


def row(**changes: str) -> str:
    """The usual row, with other cells under some headings."""
    cells = dict(zip(HEADINGS.split(";"), ROW.split(";"), strict=True))
    assert changes.keys() <= cells.keys()
    return ";".join((cells | changes).values())


def write(folder: Path, *rows: str, headings: str = HEADINGS) -> Path:
    """A file of these rows."""
    file = folder / "fitments.csv"
    file.write_text("\n".join([headings, *rows]) + "\n", encoding="utf-8")
    return file


async def start(pool: Pool, file: Path, **options: Any) -> Run:
    """A run of a file that waits."""
    async with transaction(pool) as db:
        return await service.start_run(db, IMPORT, None, file.name, Options(**options), "fitments")


async def carry_out(pool: Pool, run: Run, file: Path, tell: Tell = lambda *_: None) -> Outcome:
    """Import the file, to the end."""
    ended = await service.carry_out(pool, run.id, lambda _run: file, tell, FitmentImport)
    return Outcome(ended, [problem for _, problem in await store.problems(pool, run.id, 0, None, 100_000)])


async def load(pool: Pool, folder: Path, *rows: str, headings: str = HEADINGS, **options: Any) -> Outcome:
    """Import these rows of a file."""
    file = write(folder, *rows, headings=headings)
    return await carry_out(pool, await start(pool, file, **options), file)


async def said(pool: Pool) -> list[tuple[Any, ...]]:
    """All fitments of files."""
    return [tuple(one) for one in await pool.fetch(SAID)]


async def load_facts(pool: Pool) -> None:
    """Brands, crosses, cars and fitments that are facts."""
    await crosses.load_facts(pool, IMPORT)
    async with transaction(pool) as db:
        await loading.load_facts(db)
