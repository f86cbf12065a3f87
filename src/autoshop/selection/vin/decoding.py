"""A VIN → candidates: rules and facts put together. The order is told in model.py. Pure, in microseconds."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from autoshop.kit.text import name_key
from autoshop.selection.vehicles.model import Engine, Vehicle, in_years
from autoshop.selection.vin import north_america
from autoshop.selection.vin.facts import VinFacts
from autoshop.selection.vin.model import (
    NORTH_AMERICA,
    SLACK,
    Candidate,
    Decoded,
    Maker,
    Match,
    Reason,
    YearScheme,
    check_digit_is_right,
    closeness,
    closest,
    has_check_digit,
    less_sure,
    positions_of,
    years_of,
)


def decode(vin: str, facts: VinFacts, this_year: int) -> Decoded:
    """All that the facts say of 17 characters (`typed.understood` makes them). Never refuses: unknown stays unknown."""
    maker = facts.makers.get(vin[:3])
    checked = check_digit_is_right(vin)
    warnings = [] if checked or not has_check_digit(vin) else ["check_digit"]
    candidates = list(_by_rules(vin, maker, facts, this_year)) if maker else []
    if checked:  # vPIC refuses all others: its answer is clean only where this digit is right
        elsewhere = north_america.decode(vin, facts.vehicles)
        if elsewhere and (not candidates or _knows_better(elsewhere, candidates)):
            candidates = [elsewhere]
        elif elsewhere:
            candidates = [_dated(one, elsewhere) for one in candidates]
    elif not maker and vin[0] in NORTH_AMERICA:
        made_by = north_america.make_alone(vin, facts.vehicles)
        candidates = [made_by] if made_by else []
    if maker and not candidates:
        candidates = list(_by_maker(vin, maker, facts, this_year, checked=checked))
    if not candidates:
        warnings.append("unknown_maker")
    elif all(one.model is None for one in candidates):
        warnings.append("unknown_model")
    return Decoded(vin, tuple(candidates), tuple(warnings))


def _knows_better(elsewhere: Candidate, candidates: list[Candidate]) -> bool:
    """North America has codes of its own: where vPIC means a car of ours that no rule of ours names."""
    return elsewhere.vehicle is not None and elsewhere.model not in {one.model for one in candidates}


def _by_rules(vin: str, maker: Maker, facts: VinFacts, this_year: int) -> Iterator[Candidate]:
    """By the maker's own rules; else, for a plant that assembles others' cars, by those of the others."""
    schemes: dict[str, YearScheme | None] = {**facts.years, "": facts.years.get(maker.year or "")}
    for wmi in (maker.wmi, *maker.donors):
        matches = closest(vin, facts.rules.get(wmi, ()), schemes, this_year)
        if wmi != maker.wmi:  # a row of all that a maker builds asks for nothing: it is of his plants alone
            matches = [match for match in matches if closeness(match.rule.vds) > (0, 0)]
        if matches:
            made = (one for match in matches for one in _of_match(vin, maker, wmi, match, facts))
            yield from _once_each(made)
            return


def _once_each(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Two rules may tell of one car: the first, whose engines are all that either leaves."""
    known: dict[tuple[str | None, ...], Candidate] = {}
    for one in candidates:
        key = (one.vehicle, one.make, one.model, one.generation)
        before = known.setdefault(key, one)
        if before is not one:
            engines = dict.fromkeys((*before.engines, *one.engines))
            known[key] = replace(before, engines=tuple(engines), year=before.year if before.year == one.year else None)
    yield from known.values()


def _of_match(vin: str, maker: Maker, wmi: str, match: Match, facts: VinFacts) -> Iterator[Candidate]:
    rule = match.rule
    confidence = rule.sureness if wmi == maker.wmi else less_sure(rule.sureness)
    shown = f"{wmi} {rule.vds}" + ("" if wmi == maker.wmi else f" → {maker.wmi}")
    named = Reason("model", positions_of(rule.vds), f"{shown} = {rule.make} {rule.model}".strip(), rule.source)
    reasons = (Reason("make", "1-3", f"{maker.wmi} = {maker.manufacturer}", maker.source), named, *_dating(vin, match))
    if rule.body:
        reasons = (*reasons, replace(named, field="body", rule=f"{shown} = {rule.body}"))
    plain = Candidate(
        make=rule.make,
        model=rule.model,
        generation=rule.generation or None,
        body=rule.body or None,
        year=match.year,
        years_from=min(match.years) if match.years else rule.years_from,
        years_to=max(match.years) if match.years else rule.years_to,
        confidence=confidence,
        reasons=reasons,
    )
    vehicles = [facts.vehicles.vehicles[vehicle] for vehicle in rule.vehicles]
    fitting = [vehicle for vehicle in vehicles if _was_made(vehicle, match)] or vehicles
    for vehicle in fitting:
        yield _with_engines(vin, _of_vehicle(plain, vehicle), vehicle, match, facts)
    if not fitting:
        yield plain


def _dating(vin: str, match: Match) -> Iterator[Reason]:
    if match.scheme is None:
        return
    if match.years and match.scheme.position:
        yield _read_year(vin, match.scheme, match.scheme.position, match.years)
    else:
        yield Reason("year", "", match.scheme.rule, match.scheme.source, match.scheme.rule_ru)


def _read_year(vin: str, scheme: YearScheme, position: int, years: tuple[int, ...]) -> Reason:
    letter, told = vin[position - 1], [str(year) for year in years]
    return Reason(
        field="year",
        positions=str(position),
        rule=f"{letter} = {' or '.join(told)}: {scheme.rule}",
        source=scheme.source,
        rule_ru=f"{letter} = {' или '.join(told)}: {scheme.rule_ru}",
    )


def _was_made(vehicle: Vehicle, match: Match) -> bool:
    first, last = (match.years[0], match.years[-1]) if match.years else (match.rule.years_from, match.rule.years_to)
    begun = vehicle.years_from is None or last is None or vehicle.years_from - SLACK <= last
    return begun and (vehicle.years_to is None or first is None or first <= vehicle.years_to + SLACK)


def _of_vehicle(plain: Candidate, vehicle: Vehicle) -> Candidate:
    return replace(
        plain,
        vehicle=vehicle.id,
        model=vehicle.model,
        generation=vehicle.generation or None,
        body=plain.body or (vehicle.bodies[0] if len(vehicle.bodies) == 1 else None),
    )


# ----------------------------------------------------------------------------------------------------- engines
def _with_engines(vin: str, plain: Candidate, vehicle: Vehicle, match: Match, facts: VinFacts) -> Candidate:
    engines = facts.vehicles.engines.get(vehicle.id, ())
    if match.year:
        engines = tuple(one for one in engines if in_years(*_around(one.years_from, one.years_to), match.year))
    reason = None
    coded = _coded(vin, vehicle.make, facts)
    if coded:
        positions, text, source = coded
        reason = Reason("engines", positions, f"{text} ({vin[int(positions[0]) - 1 : int(positions[-1])]})", source)
    elif match.rule.engine:
        text = match.rule.engine
        reason = Reason("engines", positions_of(match.rule.vds), text, match.rule.source)
    if reason:
        engines = named_engines(engines, text)
        plain = replace(plain, reasons=(*plain.reasons, reason))
    return replace(plain, engines=engines)


def _around(first: int | None, last: int | None) -> tuple[int | None, int | None]:
    return first and first - SLACK, last and last + SLACK


def _coded(vin: str, make: str, facts: VinFacts) -> tuple[str, str, tuple[str, ...]] | None:
    for positions in facts.positions.get(make, ()):
        code = facts.engines.get((make, positions, vin[int(positions[0]) - 1 : int(positions[-1])]))
        if code:
            return positions, code.engine, code.source
    return None


def named_engines(engines: tuple[Engine, ...], text: str) -> tuple[Engine, ...]:
    """The engines that a text like «21129 1.6 16V» or «TU5JP4 1.6 16V 109» means; all, where it means none of them."""
    words = set(re.split(r"[\s/(),]+", text.upper()))
    codes = {name_key(word) for word in words}
    by_code = tuple(one for one in engines if one.code and name_key(one.code) in codes)
    if by_code:
        return by_code
    litres = {word for word in words if re.fullmatch(r"\d\.\d", word)}
    valves = {int(word[:-1]) for word in words if re.fullmatch(r"\d{1,2}V", word)}
    diesel = bool(words & {"CDTI", "HDI", "TDI", "DCI", "CRDI", "TDCI", "D"})
    alike = tuple(
        one
        for one in engines
        if litres
        and one.displacement_cc is not None
        and f"{one.displacement_cc / 1000:.1f}" in litres
        and (not valves or one.valves is None or one.valves in valves)
        and (one.fuel == "diesel") == diesel
    )
    return alike or engines


# ------------------------------------------------------------------------------------------ without a rule; vPIC
def _by_maker(vin: str, maker: Maker, facts: VinFacts, this_year: int, *, checked: bool) -> Iterator[Candidate]:
    """The make alone. The year only where the law makes the maker code it, and the check digit shows no slip."""
    scheme = facts.years.get(maker.year or "")
    years = years_of(vin, scheme, this_year) if checked and has_check_digit(vin) else ()
    years = tuple(year for year in years if year >= (maker.since or 0))
    reasons = [Reason("make", "1-3", f"{maker.wmi} = {maker.manufacturer}", maker.source)]
    if len(years) == 1 and scheme and scheme.position:
        reasons.append(_read_year(vin, scheme, scheme.position, years))
    year = years[0] if len(years) == 1 else None
    for make in maker.makes:
        yield Candidate(
            make=make, confidence=maker.confidence, reasons=tuple(reasons), year=year, years_from=year, years_to=year
        )


def _dated(candidate: Candidate, elsewhere: Candidate) -> Candidate:
    """A car whose year our rules do not know, where vPIC read it from the same VIN and means the same car."""
    year = elsewhere.year
    if candidate.year or year is None or candidate.make != elsewhere.make:
        return candidate
    if not in_years(*_around(candidate.years_from, candidate.years_to), year):
        return candidate
    dated = tuple(reason for reason in elsewhere.reasons if reason.field == "year")
    reasons = (*(reason for reason in candidate.reasons if reason.field != "year"), *dated)
    return replace(candidate, year=year, years_from=year, years_to=year, reasons=reasons)
