"""Files of crosses for tests, and what the tables hold afterwards."""

from pathlib import Path
from typing import Any

from autoshop.accounts.model import system
from autoshop.kit.db import Pool
from autoshop.selection.crosses import importing
from autoshop.selection.crosses.importing import Loaded

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


async def load(pool: Pool, folder: Path, *rows: str, headings: str = HEADINGS, **options: Any) -> Loaded:
    """Import these rows of a file."""
    file = folder / "crosses.csv"
    file.write_text("\n".join([headings, *rows]) + "\n", encoding="utf-8")
    return await importing.import_file(pool, IMPORT, file, file.name, **options)


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
