"""Facts kept as files: read as they are meant, and refused with the line that is wrong."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from autoshop.kit.facts import WrongFact, one_of_each, read


@dataclass(frozen=True, slots=True)
class Plug:
    code: str
    heat: int | None = None
    brands: tuple[str, ...] = ()


def written(folder: Path, text: str) -> Path:
    file = folder / "plugs.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_line_is_a_fact_and_an_empty_cell_is_not_known(tmp_path: Path) -> None:
    file = written(tmp_path, "code,heat,brands\nА17ДВРМ,17,Энгельс | Brisk\nBP6ES,,\n")
    assert list(read(file, Plug)) == [Plug("А17ДВРМ", 17, ("Энгельс", "Brisk")), Plug("BP6ES")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the columns are []"),
        ("heat,brands\n6,NGK\n", "the columns are ['heat', 'brands'], and ought to be"),
        ("code,gap\nBP6ES,1\n", "the columns are"),
        ("code,code\nA,B\n", "the columns are"),
        ("code,heat\nBP6ES\n", "plugs.csv, line 2: 1 cells under 2 headings"),
        ("code,heat\nBP6ES,hot\n", "plugs.csv, line 2: "),
        ("code,heat\nBP6ES,6.5\n", "plugs.csv, line 2: "),
        ("code,heat\n,6\n", "plugs.csv, line 2: code is empty"),
        ("code,heat\n BP6ES,6\n", "spaces around « BP6ES» (code)"),
        ("code,brands\nBP6ES,NGK |\n", "an empty value in «NGK |» (brands)"),
    ],
)
def test_what_cannot_be_a_fact_is_refused_by_its_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(WrongFact) as refusal:
        list(read(written(tmp_path, text), Plug))
    assert reason in str(refusal.value)


def test_a_fact_told_twice_is_refused() -> None:
    assert one_of_each([("a", 1), ("b", 1)], "plug") == {"a": 1, "b": 1}
    with pytest.raises(WrongFact, match="plug a is told twice"):
        one_of_each([("a", 1), ("a", 2)], "plug")
