"""CSV that goes out: whole, in pieces, and nothing in it is a formula."""

import csv
import io
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.kit import csv_out
from autoshop.warehouse.documents.model import Problem
from autoshop.warehouse.documents.report import csv_line

pytestmark = pytest.mark.anyio


async def some(count: int) -> AsyncIterator[tuple[int, str]]:
    for number in range(count):
        yield number, "а;б"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@A1", "\t=1", "  =1", "\r=1", "|cmd", "%0A=1"])
def test_a_text_that_would_be_calculated_is_a_text(text: str) -> None:
    assert csv_out.cell(text) == f"'{text}"


@pytest.mark.parametrize(("value", "shown"), [(-5, "-5"), (None, ""), ("обычный = текст", "обычный = текст"), (0, "0")])
def test_whatever_else_is_as_it_is(value: object, shown: str) -> None:
    assert csv_out.cell(value) == shown


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_what_is_read_back_is_what_was_written(texts: list[str]) -> None:
    [row] = csv.reader(io.StringIO(csv_out.lines([texts]).decode(), newline=""), delimiter=";")
    assert row == [csv_out.cell(text) for text in texts]


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
async def test_a_file_is_whole_however_many_pieces_it_comes_in(count: int) -> None:
    pieces = [piece async for piece in csv_out.in_pieces(("n", "text"), some(count))]
    assert len(pieces) == 1 + -(-count // 1000)
    read = list(csv.reader(io.StringIO(b"".join(pieces).decode("utf-8-sig")), delimiter=";"))
    assert read == [["n", "text"], *([str(number), "а;б"] for number in range(count))]


async def test_a_file_holds_what_was_written() -> None:
    async def fill(write: csv_out.Write) -> None:
        async for piece in csv_out.in_pieces(("n", "text"), some(2500)):
            write(piece)

    with await csv_out.filed(fill) as file:
        assert file.read() == b"".join([piece async for piece in csv_out.in_pieces(("n", "text"), some(2500))])


async def test_a_file_that_could_not_be_filled_is_closed() -> None:
    files = []

    async def fill(write: csv_out.Write) -> None:
        files.append(write.__self__)  # type: ignore[attr-defined]
        raise LookupError

    with pytest.raises(LookupError):
        await csv_out.filed(fill)
    assert files[0].closed


@pytest.mark.parametrize("value", ["=1+1", "\r=1+1", "\n=1+1", " =1+1", "|calc"])
def test_what_is_wrong_with_a_document_is_no_formula_either(value: str) -> None:
    assert f"'{value}".encode() in csv_line(Problem(7, "", value, "unknown_product"), "en")
    assert csv_line(Problem(None, "", "", "not_allowed", "x"), "en").startswith(b";;;")
