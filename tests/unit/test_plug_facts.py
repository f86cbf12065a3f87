"""The plug facts: every pair of the tables through the checker, everything that must be refused, and broken files."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from autoshop.kit.facts import WrongFact
from autoshop.selection.plugs.analogs import analogs_of
from autoshop.selection.plugs.coding import read, spec_of
from autoshop.selection.plugs.facts import FOLDER, Pair, Refused, facts, read_facts
from autoshop.selection.plugs.known import brands_that_list
from autoshop.selection.plugs.model import Check, compare

# The tables call both of these `unknown` here: a code that is not read, or does not tell enough.
UNKNOWN = {"undecoded": "unknown", "partial": "unknown"}
# TR4 and TR5 do not tell their reach. The tables' own check looked at the heat before it missed the reach.
STRICTER = {("TR4", "RS17YX"), ("TR4", "HR10DCX"), ("TR5", "RS14YC"), ("TR5", "HR9DC")}


def checked(pair: Pair | Refused) -> Check:
    return compare(spec_of(pair.brand, pair.code), spec_of(pair.other_brand, pair.other_code))


def test_every_pair_is_found_to_be_what_it_was_found_to_be_by_hand() -> None:
    otherwise = {
        (pair.code, pair.other_code): (pair.found, checked(pair).verdict)
        for pair in facts().pairs
        if checked(pair).verdict != UNKNOWN.get(pair.found, pair.found)
    }
    assert otherwise == dict.fromkeys(STRICTER, ("pass, adjacent heat", "unknown"))


def test_the_counts_of_the_published_tables() -> None:
    found = Counter((pair.table, checked(pair).verdict) for pair in facts().pairs)
    assert found == {
        ("published", "pass"): 161,
        ("published", "pass, adjacent heat"): 17 - len(STRICTER),
        ("published", "unknown"): 13 + 1 + len(STRICTER),  # undecoded, partial
        ("published", "fits, differs"): 10,
        ("published", "conflict"): 2,  # the hexagon of a compact plug is 19
        ("derived", "pass"): 200,
        ("derived", "unknown"): 2,
    }


def test_no_pair_that_the_checker_refuses_is_offered() -> None:
    refused = [pair for pair in facts().pairs if checked(pair).verdict in ("conflict", "fits, differs")]
    assert len(refused) == 12
    wrong: list[Pair | Refused] = [*refused, *(one for one in facts().refused if one.verdict != "pass")]
    for pair in wrong:
        for brand, code, other in (
            (pair.brand, pair.code, (pair.other_brand, pair.other_code)),
            (pair.other_brand, pair.other_code, (pair.brand, pair.code)),
        ):
            good, bad = analogs_of(brand, code)
            assert other not in {(one.brand, one.code) for one in good}
            assert other in {(one.brand, one.code) for one in bad}


def test_everything_that_is_offered_passes_or_cannot_be_compared() -> None:
    for pair in facts().pairs:
        for brand, code in ((pair.brand, pair.code), (pair.other_brand, pair.other_code)):
            for one in analogs_of(brand, code)[0]:
                again = compare(spec_of(brand, code), spec_of(one.brand, one.code))
                assert again.verdict in ("pass", "pass, adjacent heat", "unknown")


@pytest.mark.parametrize("refused", facts().refused, ids=lambda one: f"{one.code}-{one.other_code}")
def test_what_must_be_refused_is_refused_for_its_reason(refused: Refused) -> None:
    check = checked(refused)
    assert check.verdict == refused.verdict
    assert {one.field.removesuffix("_mm") for one in check.differs} == set(refused.differs)
    assert compare(spec_of(refused.other_brand, refused.other_code), spec_of(refused.brand, refused.code)).verdict == (
        refused.verdict
    )


def test_every_plug_of_a_group_of_cars_is_a_code_that_somebody_reads_or_lists() -> None:
    lost = {code for cars in facts().cars for code in cars.plugs if not read(code) and not brands_that_list(code)}
    assert lost == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("letters.csv", "high,coding", "certain,coding", "letters.csv, line "),
        ("letters.csv", "high,coding", "high,hearsay", "unknown source"),
        ("heat.csv", "NGK,2,2", "NGK,3,2", "heat ('NGK', '3') is told twice"),
        ("heat.csv", "NGK,2,2", "NGK,2,hot", "heat.csv, line 2"),
        ("codings.csv", "Beru,Beru,Beru", "Beru,Eyquem,Beru", "a brand that is not read: Eyquem"),
        ("equivalents.csv", "Beru,14-9A", "Russian,А11", "is told twice"),
        ("brands.csv", "Денсо", "NGK", "name of a brand ngk is told twice"),
    ],
)
def test_a_fact_that_cannot_be_true_is_refused(tmp_path: Path, file: str, old: str, new: str, reason: str) -> None:
    folder = tmp_path / "plugs"
    shutil.copytree(str(FOLDER), folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(WrongFact) as refusal:
        read_facts(folder)
    assert reason in str(refusal.value)
