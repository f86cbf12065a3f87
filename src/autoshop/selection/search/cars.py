"""A car in a text, with a part or a complaint of it: «масляный фильтр гранта», «веста троит»."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from autoshop.catalog.products import store as products
from autoshop.catalog.search.categories import service as categories
from autoshop.catalog.search.categories.model import SURE_COMPLAINT, Hit, Lexicon, stems_in
from autoshop.catalog.search.categories.model import facts as known_categories
from autoshop.catalog.search.model import MOST_CANDIDATES, Candidate, Match
from autoshop.kit.db import Connection
from autoshop.selection.fitment.several import Fits, products_of_several
from autoshop.selection.search.model import Hint
from autoshop.selection.vehicles.facts import known
from autoshop.selection.vehicles.words import Fitting, Understood, understand

MOST_CARS: Final = 20  # of a text, in the answer
MOST_ASKED: Final = 24  # cars with an engine, or cars, whose parts are looked for
MOST_NAMED: Final = 3  # cars that a product says it fits
SMALL_WORDS: Final = frozenset(("на", "для", "в", "во", "к", "ко", "от", "с", "по", "и", "for", "of", "to", "a", "the"))
SURE_OF_A_CAR: Final = frozenset(("model", "body_code", "engine_code"))


class Car(NamedTuple):
    """A car that may be meant, with an engine where engines are told apart."""

    vehicle: str
    name: str
    engine: str | None


async def read_vehicle(db: Connection, text: str) -> Hint | None:
    """A car, and perhaps a category or a complaint: «свечи на приору 16 клапанов», «веста троит».

    If anything else is said, it is another's text.
    """
    lexicon = await categories.lexicon(db)
    named = lexicon.named_in(stems_in(text))
    if named and not named[0].left:  # «spark plug» is no Chevrolet
        return None
    year = datetime.now(UTC).year
    read = _read(text, lexicon, year)
    if read is None:  # a car may be called as a part is: «диски рио» are discs, and no Discovery
        parts = [word for word in text.split() if lexicon.has(word.lower())]
        others = " ".join(word for word in text.split() if word not in parts)
        read = _read(others, lexicon, year, parts) if parts and others else None
    if read is None:
        return None
    understood, hits = read
    is_complaint = bool(hits) and hits[0].phrase.kind == "symptom"
    category_ids = lexicon.with_all_below(hit.category_id for hit in hits) if hits else []
    facts = _cars_told(understood) | {"category_ids": category_ids}
    candidates = await _fitting(db, understood, lexicon, category_ids)
    return Hint("symptom" if is_complaint else "vehicle", facts, candidates, tuple(hits) if is_complaint else ())


def car_among(text: str) -> tuple[dict[str, Any], str] | None:
    """For a text that leads nowhere: the cars that it surely names, as facts for the answer, and its other words."""
    understood = understand(text, known(), datetime.now(UTC).year)
    if not understood.fitting or not _is_sure(understood):
        return None
    return _cars_told(understood), " ".join(word for word in understood.left if word not in SMALL_WORDS)


def _read(
    text: str, lexicon: Lexicon, this_year: int, parts: Sequence[str] = ()
) -> tuple[Understood, list[Hit]] | None:
    """The cars of a text, surely meant, and the categories that its other words, and `parts`, all mean; else None."""
    understood = understand(text, known(), this_year)
    if not understood.fitting or not _is_sure(understood):
        return None
    left = [word for word in (*understood.left, *parts) if word not in SMALL_WORDS]
    if not left:
        return understood, []
    stems = stems_in(" ".join(left))
    named = lexicon.named_in(stems)
    hits = named if named and not named[0].left else lexicon.beginning(stems)
    if not hits:
        complaints = lexicon.complained_of(stems)
        hits = complaints if complaints and complaints[0].score >= SURE_COMPLAINT else []
    return (understood, hits) if hits else None


def _is_sure(understood: Understood) -> bool:
    """«h7» is a lamp before it is a Haval: a short name with a figure in it names a car beside its make alone."""
    kinds = {one.kind for one in understood.said}
    named = [one for one in understood.said if one.kind in SURE_OF_A_CAR]
    return any("make" in kinds or len(one.text) > 3 or one.text.isalpha() for one in named)


async def _fitting(
    db: Connection, understood: Understood, lexicon: Lexicon, category_ids: list[int]
) -> tuple[Candidate, ...]:
    """The products that fit the cars that may be meant: those first that fit them all; each says which it fits.

    Of several cars, and of no category, there are none: that is a question which car, and no answer.
    """
    cars = _cars(understood.fitting)
    if not cars or (len(understood.fitting) > 1 and not category_ids):
        return ()
    codes = {lexicon.categories[one].code for one in category_ids}
    year = next((int(one.value) for one in understood.said if one.kind == "year"), None)
    asked = [(one.vehicle, one.engine, year) for one in cars]
    fits = await products_of_several(db, asked, codes if codes <= known_categories().keys() else ())
    ids = await products.among_categories(db, list(fits), category_ids, MOST_CANDIDATES)
    return tuple(_candidate(one, fits[one], cars) for one in ids)


def _cars(fitting: Sequence[Fitting]) -> list[Car]:
    """Each car with each of its engines; without them, where those are too many."""
    named = [Car(one.vehicle.id, _name(one), code) for one in fitting for code in _codes(one) or (None,)]
    if len(named) > MOST_ASKED:
        named = [Car(one.vehicle.id, _name(one), None) for one in fitting]
    return named if len(named) <= MOST_ASKED else []


def _candidate(product_id: int, fits: Fits, cars: Sequence[Car]) -> Candidate:
    if not fits.on_conditions and len(fits.places) == len(cars):
        return Candidate(product_id, "fitment")
    match: Match = "fitment_if" if fits.on_conditions else "fitment_some"
    fitting = [cars[place] for place in fits.places]
    names = []
    for name in dict.fromkeys(one.name for one in fitting):
        engines = [one.engine for one in fitting if one.name == name and one.engine]
        is_whole = len(engines) == len([one for one in cars if one.name == name])
        names.append(name if is_whole or not engines else f"{name} {', '.join(engines)}")
    told = "; ".join(names[:MOST_NAMED]) + (f" (+{len(names) - MOST_NAMED})" if len(names) > MOST_NAMED else "")
    return Candidate(product_id, match, f"{len(cars) - len(fits.places):03}", reason=told)


def _name(one: Fitting) -> str:
    return " ".join(part for part in (one.vehicle.make, one.vehicle.model, one.vehicle.generation) if part)


def _codes(one: Fitting) -> list[str]:
    return sorted({engine.code for engine in one.engines if engine.code})


def _cars_told(understood: Understood) -> dict[str, Any]:
    return {
        "vehicles": [_told(one) for one in understood.fitting[:MOST_CARS]],
        "more_vehicles": len(understood.fitting) > MOST_CARS,
        "ignored": [one.text for one in understood.ignored],
    }


def _told(one: Fitting) -> dict[str, Any]:
    return {"id": one.vehicle.id, "name": _name(one), "engines": _codes(one)}
