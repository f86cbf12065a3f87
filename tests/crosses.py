"""Files of crosses for tests, and what the tables hold afterwards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoshop.accounts.model import system
from autoshop.catalog.imports import service, store
from autoshop.catalog.imports.importing import Tell
from autoshop.catalog.imports.model import Options, Problem, Run
from autoshop.kit.db import Pool, transaction
from autoshop.selection.crosses.importing import Counts, CrossImport

HEADINGS = "Бренд;Артикул;Бренд аналога;Артикул аналога"
IMPORT = system("import")

# By brand, article, other brand, other article, kind and so on; in an order that no id can change.
ALL_PAIRS = """
SELECT x.name, a.article, y.name, b.article, c.kind::text, c.confidence::text, c.verdict::text
  FROM crosses AS c
  JOIN cross_articles AS a ON a.id = c.a_id
  JOIN cross_articles AS b ON b.id = c.b_id
  JOIN brands AS x ON x.id = a.brand_id
  JOIN brands AS y ON y.id = b.brand_id
"""


@dataclass(frozen=True)
class Outcome:
    """How a run ended, what it did, and what was wrong with the file."""

    run: Run
    problems: list[Problem]

    @property
    def refused(self) -> bool:
        return self.run.state == "refused"

    @property
    def counts(self) -> Counts:
        return Counts(**self.run.counts)


def write(folder: Path, *rows: str, headings: str = HEADINGS) -> Path:
    """A file of these rows."""
    file = folder / "crosses.csv"
    file.write_text("\n".join([headings, *rows]) + "\n", encoding="utf-8")
    return file


async def start(pool: Pool, file: Path, *, dry_run: bool = False, **defaults: str) -> Run:
    """A run of a file that waits."""
    async with transaction(pool) as db:
        options = Options(dry_run=dry_run, defaults=defaults)
        return await service.start_run(db, IMPORT, None, file.name, options, "crosses")


async def carry_out(pool: Pool, run: Run, file: Path, tell: Tell = lambda *_: None) -> Outcome:
    """Import the file, to the end."""
    ended = await service.carry_out(pool, run.id, lambda _run: file, tell, CrossImport)
    return Outcome(ended, [problem for _, problem in await store.problems(pool, run.id, 0, None, 100_000)])


async def load(pool: Pool, folder: Path, *rows: str, headings: str = HEADINGS, **options: Any) -> Outcome:
    """Import these rows of a file."""
    file = write(folder, *rows, headings=headings)
    return await carry_out(pool, await start(pool, file, **options), file)


async def pairs(pool: Pool) -> set[tuple[str, str, str]]:
    """Every pair, as words: (brand article, brand article, kind), those that go both ways in the order of the words."""
    found: set[tuple[str, str, str]] = set()
    for row in await pool.fetch(ALL_PAIRS):
        one, other = f"{row[0]} {row[1]}", f"{row[2]} {row[3]}"
        if row["kind"] in ("analog", "spec_equal"):
            one, other = sorted((one, other))
        found.add((one, other, row["kind"]))
    return found


async def everything(pool: Pool) -> dict[str, int]:
    """How much there is of each."""
    names = ("crosses", "cross_articles", "cross_conflicts", "brands", "brand_aliases")
    return {name: await pool.fetchval(f"SELECT count(*) FROM {name}") for name in names}
