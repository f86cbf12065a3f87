"""The facts of data/selection/vin, read once in a process: makers, rules, years, engines.

README.md in that folder says how anyone adds a rule.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources.abc import Traversable

from autoshop.kit.facts import FACTS, WrongFact, one_of_each, read, read_all, sources
from autoshop.selection.vehicles import facts as vehicle_facts
from autoshop.selection.vehicles.facts import Vehicles
from autoshop.selection.vin.model import EngineCode, Maker, Rule, YearScheme, cells_of, closeness

FOLDER = FACTS / "vin"
ONE = "[0-9A-HJ-NPR-Z]"  # a character of a VIN


@dataclass(frozen=True, slots=True)
class VinFacts:
    """All that is known of VINs. `rules` are by the maker's three characters, those that ask for the most first."""

    makers: Mapping[str, Maker]
    rules: Mapping[str, tuple[Rule, ...]]
    years: Mapping[str, YearScheme]
    engines: Mapping[tuple[str, str, str], EngineCode]  # by make, positions, code
    vehicles: Vehicles
    positions: Mapping[str, frozenset[str]] = field(default_factory=dict)  # where a make codes its engines

    def is_wmi(self, characters: str) -> bool:
        return characters in self.makers


@cache
def known() -> VinFacts:
    """The project's own facts."""
    return load(FOLDER, vehicle_facts.known())


def load(folder: Traversable, vehicles: Vehicles) -> VinFacts:
    """The facts of a folder. Raises WrongFact where a row cannot be true, or contradicts another."""
    told = sources(folder)
    makers = one_of_each(((one.wmi, one) for one in read(folder / "wmi.csv", Maker)), "wmi")
    years = one_of_each(((one.scheme, one) for one in read(folder / "years.csv", YearScheme)), "scheme")
    engines: dict[tuple[str, str, str], EngineCode] = {}
    for code in read(folder / "engines.csv", EngineCode):
        told.check(code.code, code.source)
        engines |= {(make, code.positions, code.code): code for make in code.makes}
    for maker in makers.values():
        told.check(maker.wmi, maker.source)
        strangers = [wmi for wmi in maker.donors if wmi not in makers]
        if strangers or (maker.year and maker.year not in years):
            raise WrongFact(f"{maker.wmi}: nobody knows {strangers or maker.year}")
    rules: dict[str, list[Rule]] = {}
    for rule in read_all(folder / "rules", Rule):
        told.check(rule.name, rule.source)
        _check(rule, makers, years, vehicles)
        for wmi in rule.wmi:
            rules.setdefault(wmi, []).append(rule)
    positions: dict[str, set[str]] = {}
    for make, where, _ in engines:
        positions.setdefault(make, set()).add(where)
    return VinFacts(
        makers,
        {
            wmi: tuple(sorted(several, key=lambda rule: closeness(rule.vds), reverse=True))
            for wmi, several in rules.items()
        },
        years,
        engines,
        vehicles,
        {make: frozenset(where) for make, where in positions.items()},
    )


def _check(rule: Rule, makers: Mapping[str, Maker], years: Mapping[str, YearScheme], vehicles: Vehicles) -> None:
    if not re.fullmatch(rf"(?:\?|{ONE}|\[(?:{ONE}-{ONE}|{ONE})+\])+", rule.vds):
        raise WrongFact(f"{rule.name}: «{rule.vds}» is no pattern")
    if not 6 <= len(cells_of(rule.vds)) <= 9:
        raise WrongFact(f"{rule.name}: a pattern has the positions 4 to 9, and at most 4 to 12")
    if rule.make not in vehicles.makes or (rule.year and rule.year not in years):
        raise WrongFact(f"{rule.name}: nobody knows {rule.make}, or the year's scheme {rule.year}")
    for wmi in rule.wmi:
        if wmi not in makers or rule.make not in makers[wmi].makes:
            raise WrongFact(f"{rule.name}: {wmi} is not a maker of {rule.make} in wmi.csv")
    for vehicle in rule.vehicles:
        if vehicle not in vehicles.vehicles or vehicles.vehicles[vehicle].make != rule.make:
            raise WrongFact(f"{rule.name}: there is no {rule.make} «{vehicle}»")
