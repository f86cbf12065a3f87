"""The makes and models that a text names: as written, inflected, in the other keyboard layout, with a slip. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from rapidfuzz.distance import OSA

from autoshop.kit.scanner import as_if_latin, as_if_russian
from autoshop.kit.text import name_key
from autoshop.selection.vehicles.facts import Vehicles

Kind = Literal[
    "make", "model", "generation", "body_code", "body", "year",
    "engine_code", "displacement", "valves", "power", "fuel", "turbo",
]  # fmt: skip
Name = tuple[str, str | None]  # a make, or a make and its model
LONGEST_NAME = 4  # words
FIRST_CAR = 1950
_ENDINGS = re.compile(r"(?:ами|ями|ов|ев|ей|ом|ем|ой|ах|ях|ам|ям|[уюаяыиео])$")


@dataclass(frozen=True, slots=True)
class Said:
    """A word or several, and what they mean."""

    kind: Kind
    text: str
    value: str


@dataclass(slots=True)
class Reading:
    """A text while it is read: its words, and which of them have been used."""

    words: list[str]
    said: list[Said] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def take(self, kind: Kind, value: str, *places: int) -> None:
        self.used.update(places)
        self.said.append(Said(kind, " ".join(self.words[place] for place in places), value))

    def free(self) -> Iterator[tuple[int, str]]:
        return ((place, word) for place, word in enumerate(self.words) if place not in self.used)

    def word(self, place: int) -> str:
        return self.words[place] if place < len(self.words) and place not in self.used else ""

    def values(self, kind: Kind) -> list[str]:
        return [one.value for one in self.said if one.kind == kind]


@dataclass(frozen=True, slots=True)
class _Index:
    exact: Mapping[str, frozenset[Name]]
    stems: Mapping[str, frozenset[Name]]


@cache
def _index(vehicles: Vehicles) -> _Index:
    exact: dict[str, set[Name]] = defaultdict(set)
    for make in vehicles.makes.values():
        for name in (make.make, make.ru, *make.aliases):
            exact[name_key(name)].add((make.make, None))
    for model in vehicles.models.values():
        for name in (model.model, model.ru, *model.aliases):
            for part in (name, re.sub(r"\(.*?\)", "", name), *name.split(" / ")):
                exact[name_key(part)].add((model.make, model.model))
    exact.pop("", None)
    stems: dict[str, set[Name]] = defaultdict(set)
    for key, of_key in exact.items():
        stems[_stem(key)] |= of_key
    return _Index({key: frozenset(of) for key, of in exact.items()}, {key: frozenset(of) for key, of in stems.items()})


def _stem(key: str) -> str:
    stem = _ENDINGS.sub("", key)
    return stem if len(stem) >= 3 and not key.isascii() else key


def names_in(reading: Reading, vehicles: Vehicles, this_year: int) -> set[Name]:
    """The makes and models that are named; a model alone where its make is not, several where a word names several."""
    index = _index(vehicles)
    makes: set[str] = set()  # by words that name nothing else
    perhaps: set[str] = set()  # «солярис» is a make since 2024, and a model of another
    models: set[Name] = set()
    for place in range(len(reading.words)):
        for length in range(min(LONGEST_NAME, len(reading.words) - place), 0, -1):
            places = range(place, place + length)
            if reading.used & set(places):
                continue
            found = _named("".join(reading.words[one] for one in places), index, length)
            found = frozenset(one for one in found if _is_meant(one, reading.words[place], makes, models, this_year))
            said = makes or perhaps | {make for make, _ in models}
            if not found or (said and said.isdisjoint({make for make, _ in found})):
                continue  # «камри v50»: not the Volvo
            if all(model is None for _, model in found):
                makes |= {make for make, _ in found}
                reading.take("make", ", ".join(sorted(make for make, _ in found)), *places)
            else:
                models |= {one for one in found if one[1] and (not makes or one[0] in makes)}
                perhaps |= {make for make, model in found if model is None}
                reading.take("model", ", ".join(sorted({str(one[1]) for one in found if one[1]})), *places)
            break
    of_make = {one for one in models if one[0] in makes | perhaps}
    return of_make or models | {(make, None) for make in (perhaps if models else makes)}


def _named(written: str, index: _Index, words: int) -> frozenset[Name]:
    """Names that a word is, is inflected from, is in the other keyboard layout, or nearly is."""
    key = name_key(written)
    for form in (key, name_key(otherwise_typed(written))):
        if len(form) < len(key):  # keys of letters that give signs
            continue
        inflected = form == key and len(form) > 3  # both at once is too much: «brchs» is no XRAY
        found = index.exact.get(form) or (index.stems.get(_stem(form)) if inflected else None)
        if found:
            return found
    if words == 1 and len(key) >= 5 and key.isalpha():
        return _nearly(key, index)
    return frozenset()


def otherwise_typed(word: str) -> str:
    return as_if_latin(word) or as_if_russian(word)


def _nearly(key: str, index: _Index) -> frozenset[Name]:
    """One slip in a name of five letters, two in one of eight: what is nearest, if it is one name."""
    nearest, names = (2 if len(key) >= 8 else 1) + 1, list[str]()
    for name in index.exact:
        if abs(len(name) - len(key)) < nearest and len(name) >= 5 and name[0] == key[0] and name.isalpha():
            distance = OSA.distance(key, name, score_cutoff=nearest)
            if distance < nearest:
                nearest, names = distance, [name]
            elif distance == nearest and names:
                names.append(name)
    return index.exact[names[0]] if len(names) == 1 else frozenset()


def _is_meant(name: Name, written: str, makes: set[str], models: set[Name], this_year: int) -> bool:
    """A bare number names a model only beside its make, and the first of its numbers; 2107 nothing but a car."""
    make, model = name
    if model is None or not written.isdecimal():
        return True
    if len(written) >= 4 and not FIRST_CAR <= int(written) <= this_year + 1:
        return not models
    return make in makes and not any(of_make == make for of_make, _ in models)
