"""Short words for imports in tests: a file of some kind, what came of it, and the whole shop to compare."""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from autoshop.accounts.model import Caller, system
from autoshop.catalog.imports import service, store
from autoshop.catalog.imports.importing import Tell
from autoshop.catalog.imports.model import Options, Problem, Run
from autoshop.inventory.stock.service import check_ledger
from autoshop.kit.db import Pool, transaction

SYSTEM = system("test")
Table = Sequence[Sequence[object]]


@dataclass(frozen=True)
class Outcome:
    """How an import ended, and all that it had to say."""

    run: Run
    problems: list[Problem]

    @property
    def told(self) -> list[tuple[int | None, str, str, str]]:
        """Row, column, value, code of each problem."""
        return [(one.row, one.column_name, one.value, one.code) for one in self.problems]

    def counts(self, *names: str) -> tuple[Any, ...]:
        return tuple(self.run.counts[name] for name in names)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


async def start(pool: Pool, path: Path, content: bytes | str, caller: Caller = SYSTEM, **options: Any) -> Run:
    """A file of this content and a run of it that waits; a text is a CSV in UTF-8."""
    write(path, content)
    async with transaction(pool) as db:
        return await service.start_run(db, caller, None, path.name, Options(**options))


async def carry_out(pool: Pool, run: Run, path: Path, tell: Tell = lambda *_: None) -> Outcome:
    """Import the file, to the end."""
    run = await service.carry_out(pool, run.id, lambda _run: path, tell)
    return Outcome(run, [problem for _, problem in await store.problems(pool, run.id, 0, None, 1_000_000)])


async def load(
    pool: Pool,
    path: Path,
    content: bytes | str,
    caller: Caller = SYSTEM,
    tell: Tell = lambda *_: None,
    **options: Any,
) -> Outcome:
    """Both."""
    return await carry_out(pool, await start(pool, path, content, caller, **options), path, tell)


def as_csv(table: Table, delimiter: str = ";", encoding: str = "utf-8", line_end: str = "\r\n") -> bytes:
    """A CSV as Excel writes it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(table)
    return text.getvalue().encode(encoding)


def as_xlsx(table: Table, more_sheets: dict[str, Table] | None = None) -> bytes:
    """A workbook whose first sheet is the table."""
    book = Workbook()
    assert book.active is not None
    for name, rows in {"Лист1": table, **(more_sheets or {})}.items():
        sheet = book.active if name == "Лист1" else book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


NAMESPACE = "http://schemas.openxmlformats.org"
SHEET_HEAD = f'<worksheet xmlns="{NAMESPACE}/spreadsheetml/2006/main"><sheetData>'
SHEET_TAIL = "</sheetData></worksheet>"
BOOK = {
    "[Content_Types].xml": f'<Types xmlns="{NAMESPACE}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{NAMESPACE}/package/2006/relationships"><Relationship Id="rId1"'
    f' Type="{NAMESPACE}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{NAMESPACE}/spreadsheetml/2006/main"'
    f' xmlns:r="{NAMESPACE}/officeDocument/2006/relationships"><sheets><sheet name="Лист1" sheetId="1" r:id="rId1"/>'
    "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{NAMESPACE}/package/2006/relationships"><Relationship'
    f' Id="rId1" Type="{NAMESPACE}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>",
}
SHEET = "xl/worksheets/sheet1.xml"


def text_cell(place: str, text: str) -> str:
    """A cell of a sheet, as XML."""
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def sheet_of(rows: Sequence[str]) -> str:
    """A sheet of rows of cells, as XML: for cells that no library writes."""
    return SHEET_HEAD + "".join(f'<row r="{n}">{cells}</row>' for n, cells in enumerate(rows, 1)) + SHEET_TAIL


def book_of(sheet: str) -> bytes:
    """A workbook around a sheet of XML."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {**BOOK, SHEET: sheet}.items():
            archive.writestr(name, part)
    return content.getvalue()


CATALOGUE = """
SELECT b.name AS brand, p.article, p.name, p.sku, c.name_ru AS category, p.unit,
       ARRAY(SELECT code FROM barcodes WHERE product_id = p.id ORDER BY code) AS barcodes,
       (SELECT jsonb_object_agg(price_type, price_kopecks)
          FROM (SELECT DISTINCT ON (price_type) price_type, price_kopecks
                  FROM prices WHERE product_id = p.id ORDER BY price_type, valid_from DESC) AS h) AS prices,
       (SELECT jsonb_object_agg(s.code, i.quantity)
          FROM inventory AS i JOIN stores AS s ON s.id = i.store_id
         WHERE i.product_id = p.id AND i.quantity > 0) AS stock
  FROM products AS p
  JOIN brands AS b ON b.id = p.brand_id
  LEFT JOIN categories AS c ON c.id = p.category_id
 WHERE p.id > $1 OR p.version > 1
 ORDER BY b.name, p.article
"""


async def catalogue(pool: Pool, above: int = 6) -> list[dict[str, Any]]:
    """All products but those of the cast that nobody changed, with everything a file can say about them."""
    return [dict(row) for row in await pool.fetch(CATALOGUE, above)]


OF_IMPORTS = ("import_files", "import_chunks", "import_runs", "import_problems", "search_changes")


async def whole_shop(pool: Pool, but: Sequence[str] = OF_IMPORTS) -> dict[str, str]:
    """How many rows each table has and a print of them all; without the tables that only tell of imports."""
    tables = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND has_table_privilege(oid, 'SELECT') AND relname <> ALL ($1::text[])",
        but,
    )
    prints = {}
    for name in sorted(row["relname"] for row in tables):
        digest = "count(*) || ' ' || coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '')"
        prints[name] = await pool.fetchval(f"SELECT {digest} FROM {name} AS t")
    assert {"products", "prices", "movements", "inventory", "outbox"} <= prints.keys()
    return prints


async def assert_ledger_adds_up(pool: Pool) -> None:
    """Stock is what the movements add up to, and each balance follows from the one before."""
    check = await check_ledger(pool, balances=True)
    assert (check.differences, check.examples) == (0, [])


# ---------------------------------------------------------------------------- a file with something wrong in it
Told = list[tuple[int | None, str, str, str]]
HEAD = "Бренд;Артикул;Название;Штрихкод;Розница;Остаток centre\n"
GOOD = "Filtron;OP 520;Фильтр;4607123456781;510;3\n"
TITLES = HEAD.strip().split(";")
GOOD_ROW = ["Filtron", "OP 520", "Фильтр", 4607123456781, 510, 3]


def rows(*lines: str) -> str:
    """A good row in row 2, and the lines from row 3 on."""
    return HEAD + GOOD + "".join(f"{line}\n" for line in lines)


async def assert_refused(pool: Pool, path: Path, content: str | bytes, told: Told) -> None:
    """Refused with exactly these reasons (row, column, value, code), and nothing at all was written."""
    before = await whole_shop(pool)
    refused = await load(pool, path, content)
    assert refused.told == told, refused.problems
    assert refused.run.state == "refused"
    assert {problem.kind for problem in refused.problems} == {"error"}
    assert await whole_shop(pool) == before
