"""The files of kits: what is in them, and what cannot be true."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autoshop.kit.facts import FACTS, WrongFact
from autoshop.selection.kits.facts import KITS, PARTS, known, load

Change = Callable[[str, str, str], Path]


def test_every_kit_has_its_parts_in_both_languages_and_a_source() -> None:
    facts = known()
    assert len(facts.kits) == 15
    assert [part.category for part in facts.parts["to15"]] == ["engine_oil", "oil_filter", "air_filter", "cabin_filter"]
    assert facts.kits["to60"].every_km == 60_000
    assert facts.kits["brakes_front"].every_km is None  # by wear
    assert all(bool(part.note_ru) == bool(part.note_en) for several in facts.parts.values() for part in several)
    assert facts.packs["shell", "550040755"].litres == 4


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """A copy of the files in which one text stands in another's place."""

    def changed(file: str, old: str, new: str) -> Path:
        for name in ("kits", "parts"):
            shutil.copytree(str(FACTS / name), tmp_path / name)
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert old in text
        (tmp_path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return changed


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("kits/kits.csv", "high,k", "high,hearsay", "to15: hearsay: name one of sources.csv"),
        ("kits/kits.csv", "oil_change,", "to15,", "kit to15 is told twice"),
        (
            "kits/lines.csv",
            "to15,2,oil_filter",
            "to16,1,oil_filter",
            "there is no kit or category to16",
        ),
        ("kits/lines.csv", "oil_filter", "oil_fliter", "there is no kit or category oil_fliter"),
        ("kits/lines.csv", "to15,2", "to15,3", "to15, oil_filter: place 3 comes after 1"),
        ("parts/packs.csv", "engine_oil,4,", "engine_oil,0,", "Lukoil 207465: 0.0 litres"),
        ("parts/packs.csv", "engine_oil,4,", "engine_oil,>4,", "line 2"),
        ("parts/packs.csv", "fs-oil | k", "hearsay", "Lukoil 207465: hearsay: name one of sources.csv"),
    ],
)
def test_a_file_with_what_cannot_be_true_is_refused(change: Change, file: str, old: str, new: str, says: str) -> None:
    folder = change(file, old, new)
    with pytest.raises(WrongFact, match=says):
        load(folder / "kits", folder / "parts")


def test_the_files_are_read_as_they_are() -> None:
    assert load(KITS, PARTS) == known()
