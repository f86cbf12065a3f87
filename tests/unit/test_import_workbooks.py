"""Workbooks: cells without a value, wherever a sheet is cut into pieces; and a reader that ends with its master."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoshop.catalog.imports import workbook
from autoshop.catalog.imports.workbook import Odd
from tests.imports import as_xlsx, book_of, sheet_of, text_cell, write
from tests.waiting import came_true

CELLS = [
    text_cell("A1", "=1+1") + '<c r="B1"><v>5</v></c><c r="C1"/>',
    '<c r="A2" s="1"/><c r="B2" t="e"><v>#N/A</v></c><c r="C2"><f>1+1</f><v>2</v></c>',
    '<c r="A3" t="e"/><c r="B3" t="e"></c><c r="C3"><f t="shared" si="0"/></c>' + '<c r="D3"><v>1</v></c>' * 3,
    '<c r="AA4" t="str"><f>""</f></c><c r="AB4"><f>A1</f><v></v></c><c><f>1</f></c>',
    '<x:c r="A5"><x:f>1</x:f></x:c><x:c r="B5" t="e"><x:v>#REF!</x:v></x:c>',
]
ODD = {
    (1, 1): Odd("cell_error", "#N/A"),
    (2, 1): Odd("cell_error", "#"),
    (2, 2): Odd("no_result", "="),
    (3, 27): Odd("no_result", "="),
    (4, 0): Odd("no_result", "="),
    (4, 1): Odd("cell_error", "#REF!"),
}


@pytest.mark.parametrize("size", [*range(10, 60), 1 << 20])
def test_cells_without_a_value_are_found_wherever_the_sheet_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(workbook, "CHUNK", size)
    path = write(tmp_path / "c.xlsx", book_of(sheet_of(CELLS)))
    assert workbook._oddities(str(path), 0) == ODD


def test_what_is_no_workbook_within_has_no_odd_cells(tmp_path: Path) -> None:
    for content in (
        b"",
        b"PK",
        book_of("")[:-30],
        book_of("<c"),
        book_of(sheet_of(CELLS)).replace(b"sheet1", b"sheet2"),
    ):
        assert set(workbook._oddities(str(write(tmp_path / "c.xlsx", content)), 0)) <= set(ODD)


READER = """
import sys, time
from pathlib import Path
from autoshop.catalog.imports.workbook import _Child
print(_Child(Path(sys.argv[1]), None).process.pid, flush=True)
time.sleep(600)
"""


def test_the_reader_ends_with_whoever_asked_for_it(tmp_path: Path) -> None:
    path = write(tmp_path / "c.xlsx", as_xlsx([["Бренд", "Артикул"], *([n, "x" * 50] for n in range(5_000))]))
    parent = subprocess.Popen([sys.executable, "-c", READER, str(path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, signal.SIGSTOP)  # so that no broken pipe ends it
    parent.kill()
    parent.communicate()
    assert came_true(lambda: not lives(child))


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
