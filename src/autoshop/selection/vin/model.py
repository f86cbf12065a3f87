"""The 17 characters of a VIN + facts → candidates, each with the reason for every field. Pure.

The order is: the maker (positions 1 to 3), the maker's own rules (positions 4 to 9 and further), for a plant that
assembles another maker's cars the rules of that maker; and the year where the maker codes one. Nothing is guessed:
what no rule says stays unknown, and a year is told only where the maker codes it, and one year alone fits.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from autoshop.kit.facts import Confidence
from autoshop.kit.language import Language
from autoshop.selection.vehicles.model import Engine

YEAR_LETTERS = "ABCDEFGHJKLMNPRSTVWXY"  # 1980 … 2000, then the digits, and again from 2010
NORTH_AMERICA = "12345"  # the first characters of VINs from there
SLACK = 1  # a car may be sold the year after the last, and the first is often told a year too late


@dataclass(frozen=True, slots=True)
class Maker:
    """Who stands behind the first three characters. `donors`: whose positions 4 to 9 a plant repeats."""

    wmi: str
    manufacturer: str
    makes: tuple[str, ...]
    country: str
    confidence: Confidence
    source: tuple[str, ...]
    year: str | None = None
    since: int | None = None  # no car of theirs is older: it tells which cycle of thirty years a letter is of
    donors: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class YearScheme:
    """How a maker codes the year: at which position, since when, with letters (and digits). No position: not at all."""

    scheme: str
    rule: str
    rule_ru: str
    confidence: Confidence
    source: tuple[str, ...]
    position: int | None = None
    since: int | None = None
    letters: str = ""


@dataclass(frozen=True, slots=True)
class EngineCode:
    """An engine that a make writes into certain positions, like «6-8»."""

    makes: tuple[str, ...]
    positions: str
    code: str
    engine: str
    confidence: Confidence
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Positions 4 and following → a model.

    `vds` is a pattern, a cell for each position: a character, `?` for any, `[A-D]` for some. `support` says what stands
    behind it: direct (a source ties this code to this car), structure (a source proves where the model is coded),
    none (domain knowledge).
    """

    wmi: tuple[str, ...]
    vds: str
    make: str
    model: str
    confidence: Confidence
    support: Literal["direct", "structure", "none"]
    source: tuple[str, ...]
    generation: str = ""
    vehicles: tuple[str, ...] = ()
    body: str = ""
    engine: str = ""
    year: str | None = None
    years_from: int | None = None
    years_to: int | None = None
    market: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        return f"{'/'.join(self.wmi)} {self.vds}"

    @property
    def sureness(self) -> Confidence:
        """A rule without a source is a step less sure than whoever wrote it was."""
        return less_sure(self.confidence) if self.support == "none" else self.confidence


def less_sure(confidence: Confidence) -> Confidence:
    return "medium" if confidence == "high" else "low"


@cache
def cells_of(vds: str) -> tuple[str, ...]:
    """`3[A-H]????` → («3», «[A-H]», «?», …)."""
    return tuple(re.findall(r"\[[^\]]+\]|.", vds))


@cache
def _pattern(vds: str) -> re.Pattern[str]:
    return re.compile(vds.replace("?", "."))


def positions_of(vds: str) -> str:
    """The positions of a VIN that a pattern asks for: `???5T?` → «7-8»; of pieces: `?A?5??` → «5, 7»."""
    asked = [place for place, cell in enumerate(cells_of(vds), start=4) if cell != "?"]
    runs: list[list[int]] = []
    for place in asked:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


@cache
def closeness(vds: str) -> tuple[int, int]:
    """How much a pattern asks for: positions first, single characters before several."""
    cells = [cell for cell in cells_of(vds) if cell != "?"]
    return len(cells), sum(len(cell) == 1 for cell in cells)


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that agrees with a VIN, and the years that it and the VIN leave."""

    rule: Rule
    scheme: YearScheme | None
    years: tuple[
        int, ...
    ]  # that the VIN's letter may mean and the rule's window allows; none: not coded, or unreadable

    @property
    def year(self) -> int | None:
        return self.years[0] if len(self.years) == 1 else None


def years_of(vin: str, scheme: YearScheme | None, this_year: int) -> tuple[int, ...]:
    """The years that a VIN's letter may mean, of both cycles of thirty years, until the next model year."""
    if scheme is None or scheme.position is None:
        return ()
    letter = vin[scheme.position - 1]
    if letter.isdecimal() and "1-9" not in scheme.letters:
        return ()
    if letter in YEAR_LETTERS:
        first = 1980 + YEAR_LETTERS.index(letter)
    elif letter in "123456789":
        first = 2000 + int(letter)
    else:
        return ()
    return tuple(year for year in (first, first + 30) if (scheme.since or 0) <= year <= this_year + 1)


def closest(vin: str, rules: Iterable[Rule], schemes: Mapping[str, YearScheme | None], this_year: int) -> list[Match]:
    """The matches that ask for the most; several only where they ask for as much.

    A rule whose window of production excludes every year that the VIN may mean is of another car with the same code;
    and one that is only next to such a year yields to one that it is within.
    `rules` begin with those that ask for the most. `schemes` has a rule's way of coding years under its `year`, and the
    maker's under the empty name.
    """
    best: list[Match] = []
    for rule in rules:
        if best and closeness(rule.vds) < closeness(best[0].rule.vds):
            break
        if not _pattern(rule.vds).match(vin, 3):
            continue
        scheme = schemes[rule.year or ""]
        meant = years_of(vin, scheme, this_year)
        fitting = in_window(rule, meant)
        if fitting or not meant:
            best.append(Match(rule, scheme, fitting))
    within = [match for match in best if not match.years or any(made_in(match.rule, year) for year in match.years)]
    return within or best


def made_in(rule: Rule, year: int) -> bool:
    return (rule.years_from or 0) <= year <= (rule.years_to or 9999)


def in_window(rule: Rule, years: tuple[int, ...]) -> tuple[int, ...]:
    """Those of some years in which a rule's car was made; else those next to them: nobody knows a window to the month.

    After the last year a car may still be sold. Before the first there is no model year: it begins earlier, not later.
    """
    first, last = rule.years_from or 0, (rule.years_to or 9999) + SLACK
    inside = tuple(year for year in years if first <= year <= last)
    return inside or tuple(year for year in years if first - SLACK <= year <= last)


def check_digit_is_right(vin: str) -> bool:
    """49 CFR 565.15(c); mandatory in North America and China alone."""
    total = sum(weight * _VALUES[one] for weight, one in zip(_WEIGHTS, vin, strict=True))
    return vin[8] == ("X" if total % 11 == 10 else str(total % 11))


_VALUES = {
    **{str(digit): digit for digit in range(10)},
    **{
        letter: value
        for value, letters in enumerate(["AJ", "BKS", "CLT", "DMU", "ENV", "FW", "GPX", "HY", "RZ"], 1)
        for letter in letters
    },
}
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def has_check_digit(vin: str) -> bool:
    """Whether the law makes the check digit mandatory where this VIN is from: North America and China."""
    return vin[0] in (*NORTH_AMERICA, "L")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a field is what it is: which positions of the VIN, by which rule, from which sources.

    `rule_ru` is the rule in Russian, where it is told in words.
    """

    field: Literal["make", "model", "body", "engines", "year"]
    positions: str
    rule: str
    source: tuple[str, ...]
    rule_ru: str = ""

    def rule_in(self, language: Language) -> str:
        """The rule for people."""
        return self.rule_ru or self.rule if language == "ru" else self.rule


@dataclass(frozen=True, slots=True)
class Candidate:
    """A car that the VIN may be of; what is not known of it is None. `vehicle` is its id among the vehicles.

    `year` is the one model year that fits, `years_*` the years in which it may have been made (open to now: None).
    `engines` are those that it was sold with and that the VIN does not exclude.
    """

    make: str
    confidence: Confidence
    reasons: tuple[Reason, ...]
    vehicle: str | None = None
    model: str | None = None
    generation: str | None = None
    body: str | None = None
    engines: tuple[Engine, ...] = ()
    year: int | None = None
    years_from: int | None = None
    years_to: int | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """All that a VIN says. `warnings`: unknown_maker, unknown_model, check_digit, several_vins."""

    vin: str
    candidates: tuple[Candidate, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def year(self) -> int | None:
        """The year that all candidates agree on, or None."""
        years = {candidate.year for candidate in self.candidates}
        return years.pop() if len(years) == 1 else None

    @property
    def years(self) -> tuple[int | None, int | None]:
        """From the first to the last that any candidate leaves open."""
        starts = [candidate.year or candidate.years_from for candidate in self.candidates]
        ends = [candidate.year or candidate.years_to for candidate in self.candidates]
        first = None if None in starts or not starts else min(start for start in starts if start)
        return first, None if None in ends or not ends else max(end for end in ends if end)
