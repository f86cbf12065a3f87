"""What somebody says of a car → vehicles and engines: «веста 1.6 2019», «приора 16 клапанов». Pure.

Names first, the longest that fit; then codes, years, sizes, valves, power, fuel, bodies. What contradicts everything
that is known is told (`ignored`), not silently dropped; what is no word about a car is left for others (`left`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from autoshop.kit.text import name_key
from autoshop.selection.vehicles.facts import Vehicles
from autoshop.selection.vehicles.model import Engine, Vehicle, in_years
from autoshop.selection.vehicles.names import FIRST_CAR, Reading, Said, names_in, otherwise_typed

MOST_WORDS = 40

_WORD = re.compile(r"[0-9]+[.,][0-9](?![0-9])[a-zа-я]*|[a-zа-яё0-9'’]+")
_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
    "xi": 11,
    "xii": 12,
}
_ORDINALS = ("перв", "втор", "трет", "четверт", "пят", "шест", "седьм", "восьм")
_FUELS = {
    "diesel": ("дизел", "diesel", "tdi", "crdi", "dci", "hdi", "cdi", "cdti", "tdci", "jtd", "did"),
    "petrol": ("бензин", "petrol"),
    "hybrid": ("гибрид", "hybrid"),
    "electric": ("электр", "electric"),
}
_BODIES = {
    "sedan": ("седан", "sedan"),
    "wagon": ("универсал", "wagon", "эстейт"),
    "hatch": ("хэтч", "хетч", "hatch"),
    "coupe": ("купе", "coupe"),
    "convertible": ("кабрио", "convertible", "родстер"),
    "pickup": ("пикап", "pickup"),
    "SUV": ("кроссовер", "внедорожник", "джип", "suv"),
    "minivan": ("минивен", "минивэн", "minivan"),
    "van": ("фургон", "van"),
    "liftback": ("лифтбек", "liftback"),
}
_TURBO = ("турбо", "turbo", "tsi", "tfsi", "tgdi", "thp")
_LETTERS = str.maketrans("абвгдезийклмнопрстуфхцы", "abvgdezijklmnoprstufxcy")


@dataclass(frozen=True, slots=True)
class Fitting:
    """A vehicle that agrees with all that was said, and of its engines those that do."""

    vehicle: Vehicle
    engines: tuple[Engine, ...]


@dataclass(frozen=True, slots=True)
class Understood:
    """`ignored`: what was understood, but of no such car that is known; `left`: words that say nothing of a car."""

    said: tuple[Said, ...] = ()
    ignored: tuple[Said, ...] = ()
    left: tuple[str, ...] = ()
    fitting: tuple[Fitting, ...] = ()


def understand(text: str, vehicles: Vehicles, this_year: int) -> Understood:
    """What a text says of a car. Where it names none, nothing fits, whatever else it says."""
    words = _WORD.findall(text.lower().replace("ё", "е"))[:MOST_WORDS]
    reading = Reading([word.replace(",", ".") for word in words])
    names = names_in(reading, vehicles, this_year)
    known = vehicles.vehicles.values()
    candidates = [one for one in known if (one.make, None) in names or (one.make, one.model) in names]
    candidates = candidates or list(_by_code_alone(reading, vehicles))
    if not candidates:
        return Understood(left=tuple(words))
    _codes(reading, candidates, vehicles)
    _numbers(reading, this_year)
    _words_of_cars(reading)
    _bare_numbers(reading, candidates, vehicles)
    fitting, ignored = _narrowed(candidates, reading, vehicles)
    left = tuple(word for _, word in reading.free())
    said = tuple(_meant(one, fitting) for one in reading.said if one not in ignored)
    return Understood(said, tuple(ignored), left, tuple(fitting))


def _meant(said: Said, fitting: list[Fitting]) -> Said:
    """A name that may be of several cars means those that are left: «Haval» is a make, and once a model of another."""
    if said.kind != "model":
        return said
    models = {one.vehicle.model for one in fitting} & set(said.value.split(", "))
    makes = {one.vehicle.make for one in fitting}
    return Said("model", said.text, ", ".join(sorted(models))) if models else Said("make", said.text, ", ".join(makes))


# --------------------------------------------------------------------------------------- years, engines, bodies
def _numbers(reading: Reading, this_year: int) -> None:
    for place, word in list(reading.free()):
        following, digits = reading.word(place + 1), re.match(r"\d+", word)
        if digits is None or place in reading.used:
            continue
        number, rest = int(digits[0]), word[digits.end() :]
        unit = rest or following
        places: tuple[int, ...] = (place,) if rest else (place, place + 1)
        if re.fullmatch(r"\d\.\d[a-zа-я]*", word):
            _size(reading, place, word)
        elif 2 <= number <= 60 and re.fullmatch(r"v|кл|клапан\w*|valve\w*|в|ти", unit):
            reading.take("valves", str(number), *places)
        elif 20 <= number <= 999 and re.fullmatch(r"лс|hp|сил\w*|лошад\w*|л", unit):
            horses = (places[-1] + 1,) if unit == "л" and reading.word(places[-1] + 1) == "с" else ()
            reading.take("power", str(number), *places, *horses)
        elif FIRST_CAR <= number <= this_year + 1 and rest in ("", "г", "год", "года"):
            said = (place + 1,) if re.fullmatch(r"г|год\w*", following) and not rest else ()
            tail = (place + 2,) if said and reading.word(place + 2) in ("в", "выпуска") else ()
            reading.take("year", str(number), place, *said, *tail)
        elif number < 100 and len(digits[0]) == 2 and re.fullmatch(r"г|год\w*", unit):
            century = 2000 if number <= this_year % 100 + 1 else 1900
            reading.take("year", str(century + number), *places)
        elif 1 <= number <= len(_ROMAN) and not rest:
            also = (place + 1,) if following.startswith("поколен") else ()
            reading.take("generation", str(number), place, *also)


def _size(reading: Reading, place: int, word: str) -> None:
    litres, letters = word[:3], word[3:]
    reading.take("displacement", litres, place)
    if letters in ("t", "т"):
        reading.take("turbo", "true", place)
    elif letters in ("d", "д", "tdi"):
        reading.take("fuel", "diesel", place)


def _words_of_cars(reading: Reading) -> None:
    for place, word in list(reading.free()):
        fuel = _of(word, _FUELS)
        body = _of(word, _BODIES)
        if fuel:
            reading.take("fuel", fuel, place)
        elif body:
            reading.take("body", body, place)
        elif word in _TURBO:
            reading.take("turbo", "true", place)
        elif word.translate(_LETTERS) in _ROMAN:
            reading.take("generation", str(_ROMAN[word.translate(_LETTERS)]), place)
        elif reading.word(place + 1).startswith("поколен"):
            number = next((one for one, start in enumerate(_ORDINALS, 1) if word.startswith(start)), None)
            if number:
                reading.take("generation", str(number), place, place + 1)


def _of(word: str, kinds: Mapping[str, tuple[str, ...]]) -> str | None:
    return next((kind for kind, starts in kinds.items() if any(word.startswith(start) for start in starts)), None)


def _codes(reading: Reading, candidates: list[Vehicle], vehicles: Vehicles) -> None:
    """Codes of bodies and engines, of the cars that were named alone: two makes may spell a code alike."""
    bodies = {name_key(code) for one in candidates for code in (*one.body_codes, *one.generation.split())}
    engines: dict[str, str] = {}
    for code in (engine.code for one in candidates for engine in vehicles.engines.get(one.id, ()) if engine.code):
        engines |= {name_key(code): code}
        engines |= {name_key(code.rpartition("-")[2]): code} if len(code.rpartition("-")[2]) > 2 else {}
    model_is_named = bool(reading.values("model"))
    for place, word in list(reading.free()):
        for form in _spellings(word):
            if form in _ROMAN or (len(form) < 2 and not (model_is_named and form.isalpha())):
                continue
            if form in engines:
                reading.take("engine_code", engines[form], place)
                break
            if form in bodies or any(code[1:] == form for code in bodies if len(form) > 2):  # «v50» is XV50
                reading.take("body_code", form.upper(), place)
                break


def _spellings(word: str) -> dict[str, None]:
    """A code as it is, as it sounds in Russian letters («б6»), and in the other layout."""
    return dict.fromkeys(name_key(form) for form in (word, word.translate(_LETTERS), otherwise_typed(word)))


def _by_code_alone(reading: Reading, vehicles: Vehicles) -> Iterator[Vehicle]:
    """The cars of a body's or engine's code, where no name is said and all are of one make: «w204», «21126»."""
    for _, word in reading.free():
        for form in _spellings(word):
            if len(form) < 4 or form.isalpha() or (form.isdecimal() and len(form) < 5):
                continue
            found = _cars_of_codes(vehicles).get(form, ())
            if len({one.make for one in found}) == 1:
                yield from found
                return


@cache
def _cars_of_codes(vehicles: Vehicles) -> dict[str, tuple[Vehicle, ...]]:
    cars: dict[str, dict[str, Vehicle]] = {}
    for one in vehicles.vehicles.values():
        engines = (engine.code for engine in vehicles.engines.get(one.id, ()) if engine.code)
        for code in (*one.body_codes, *engines):
            cars.setdefault(name_key(code), {})[one.id] = one
    return {key: tuple(found.values()) for key, found in cars.items()}


def _bare_numbers(reading: Reading, candidates: list[Vehicle], vehicles: Vehicles) -> None:
    """«королла 150» is the body E150; «фокус 1.8 125» has 125 horses: where one of the cars named is such."""
    bodies = {re.sub(r"^[a-z]+", "", name_key(code)) for one in candidates for code in one.body_codes}
    powers = {engine.power_hp for one in candidates for engine in vehicles.engines.get(one.id, ())}
    for place, word in list(reading.free()):
        if word.isdecimal() and word in bodies and len(word) > 1:
            reading.take("body_code", word, place)
        elif word.isdecimal() and int(word) in powers:
            reading.take("power", word, place)


# --------------------------------------------------------------------------------------------------- narrowing
def _narrowed(candidates: list[Vehicle], reading: Reading, vehicles: Vehicles) -> tuple[list[Fitting], list[Said]]:
    """What agrees with everything; a word that agrees with nothing that is left is ignored, and told."""
    ignored: list[Said] = []
    fitting = [Fitting(one, vehicles.engines.get(one.id, ())) for one in candidates]
    for said in reading.said:
        if said.kind in ("make", "model"):
            continue
        agreeing = [one for one in (_agreeing(one, said) for one in fitting) if one]
        if agreeing:
            fitting = agreeing
        else:
            ignored.append(said)
    fitting.sort(key=lambda one: (one.vehicle.make, one.vehicle.model, -(one.vehicle.years_from or 0)))
    return fitting, ignored


def _agreeing(one: Fitting, said: Said) -> Fitting | None:
    vehicle, value = one.vehicle, said.value
    if said.kind == "year":
        if not in_years(vehicle.years_from, vehicle.years_to, int(value)):
            return None
        return Fitting(vehicle, _or_all(one.engines, lambda e: in_years(e.years_from, e.years_to, int(value))))
    if said.kind == "generation":
        return one if int(value) in _generations(vehicle.generation) else None
    if said.kind == "body_code":
        codes = {name_key(code) for code in (*vehicle.body_codes, *vehicle.generation.split())}
        plain = {re.sub(r"^[a-z]+", "", code) if value.isdecimal() else code[1:] for code in codes if len(value) > 2}
        return one if value.lower() in codes | plain else None
    if said.kind == "body":
        return one if any(body.startswith(value) for body in vehicle.bodies) else None
    engines = tuple(engine for engine in one.engines if _is_engine(engine, said))
    return Fitting(vehicle, engines) if engines else None


def _or_all(engines: tuple[Engine, ...], agrees: Callable[[Engine], bool]) -> tuple[Engine, ...]:
    return tuple(engine for engine in engines if agrees(engine)) or engines


def _generations(generation: str) -> set[int]:
    return {_ROMAN[part] for part in re.findall(r"[ivx]+", generation.lower()) if part in _ROMAN}


def _is_engine(engine: Engine, said: Said) -> bool:
    if said.kind == "engine_code":
        return engine.code == said.value
    if said.kind == "displacement":
        return engine.displacement_cc is not None and f"{engine.displacement_cc / 1000:.1f}" == said.value
    if said.kind == "valves":
        return engine.valves == int(said.value)
    if said.kind == "power":
        return engine.power_hp is not None and abs(engine.power_hp - int(said.value)) <= 2
    if said.kind == "fuel":
        return engine.fuel is not None and said.value in engine.fuel
    return engine.turbo is True
