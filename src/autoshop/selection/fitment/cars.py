"""The car that a row of a file means: by its id, or by make, model and generation in words. Pure; nothing is guessed.

A text that several cars agree with is no car, and neither is one of which a word was not understood: the row would say
more than anybody meant.
"""

from collections import defaultdict
from collections.abc import Sequence

from autoshop.catalog.imports.rows import Wrong
from autoshop.kit.text import name_key
from autoshop.selection.vehicles.facts import Vehicles
from autoshop.selection.vehicles.model import Vehicle
from autoshop.selection.vehicles.words import understand

MOST_NAMED = 10
MOST_WORDS = 12
# What a fitment's car says; all else has a column of its own, or is a condition.
OF_CARS = {"make", "model", "generation", "body_code"}


class Cars:
    """The cars that there are, under all their names."""

    def __init__(self, vehicles: Vehicles, this_year: int) -> None:
        self._vehicles, self._this_year = vehicles, this_year
        self._makes: dict[str, set[str]] = defaultdict(set)
        for make in vehicles.makes.values():
            for name in (make.make, make.ru, *make.aliases):
                self._makes[name_key(name)].add(make.make)
        # What a model is called, and what else people call it: a name of its own beats a word for several.
        self._models: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._aliases: dict[tuple[str, str], set[str]] = defaultdict(set)
        for model in vehicles.models.values():
            for names, known in (((model.model, model.ru), self._models), (model.aliases, self._aliases)):
                for name in names:
                    known[model.make, name_key(name)].add(model.model)
        self._generations: dict[tuple[str, str], list[Vehicle]] = defaultdict(list)
        for one in vehicles.vehicles.values():
            self._generations[one.make, one.model].append(one)

    def by_text(self, text: str) -> str:
        """The id of a car by its id, or by words: «Лада Веста I». Raises Wrong."""
        for written in (text, text.lower()):
            if written in self._vehicles.vehicles:
                return written
        if text.count("/") == 2 and " " not in text:
            raise Wrong("unknown_vehicle")
        words = text.split()[:MOST_WORDS]
        exactly = {
            one.id
            for first in range(1, len(words))
            for then in range(first + 1, len(words) + 1)
            for one in self._called(" ".join(words[:first]), " ".join(words[first:then]), " ".join(words[then:]))
        }
        return exactly.pop() if len(exactly) == 1 else self._by_words(text)

    def by_names(self, make: str, model: str, generation: str) -> str:
        """The id of a car by what its make, model and generation are called. Raises Wrong."""
        found = self._called(make, model, generation)
        if not generation and found:
            return _only(found)
        return found[0].id if len(found) == 1 else self._by_words(f"{make} {model} {generation}".strip())

    def _called(self, make: str, model: str, generation: str) -> list[Vehicle]:
        """Those that are called exactly so; without a generation, all of the model."""
        key = name_key(model)
        for known in (self._models, self._aliases):
            found = [
                one
                for maker in self._makes.get(name_key(make), ())
                for name in known.get((maker, key), ())
                for one in self._generations[maker, name]
                if not generation or name_key(one.generation) == name_key(generation)
            ]
            if found:
                return found
        return []

    def engine(self, vehicle: str, code: str) -> str:
        """The code of an engine that a car was sold with, as the facts spell it. Raises Wrong."""
        codes = [one.code for one in self._vehicles.engines.get(vehicle, ()) if one.code]
        if code in codes:
            return code
        alike = {one for one in codes if name_key(one) == name_key(code)}
        if len(alike) != 1:
            raise Wrong("unknown_engine", _listed(list(dict.fromkeys(codes))) or "—")
        return alike.pop()

    def _by_words(self, text: str) -> str:
        understood = understand(text, self._vehicles, self._this_year)
        if not understood.fitting:
            raise Wrong("unknown_vehicle")
        beside = [*understood.left, *(one.text for one in understood.ignored)]
        beside += [one.text for one in understood.said if one.kind not in OF_CARS]
        if beside:
            raise Wrong("car_says_more", ", ".join(beside))
        found = [one.vehicle for one in understood.fitting]
        makes = self._makes_before(text.split())
        if makes and any(one.make not in makes for one in found):  # the same car is sold under two makes
            raise Wrong("which_vehicle", _listed([one.id for one in found]))
        return _only(found)

    def _makes_before(self, words: Sequence[str]) -> set[str]:
        """The makes that a text begins with."""
        return {make for length in (1, 2, 3) for make in self._makes.get(name_key(" ".join(words[:length])), ())}


def _only(found: Sequence[Vehicle]) -> str:
    if len(found) > 1:
        raise Wrong("which_vehicle", _listed([one.id for one in found]))
    return found[0].id


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" … (+{more})" if more > 0 else "")
