"""What was changed in a VIN, what it leaves open, and what a text without one looks like: in Russian and English."""

from collections.abc import Sequence
from typing import Final

from autoshop.kit.language import Language
from autoshop.selection.vehicles.model import Engine
from autoshop.selection.vin.model import Candidate, Decoded
from autoshop.selection.vin.typed import Change, Typed

_LOOKS: Final[dict[str, tuple[str, str]]] = {
    "empty": (
        "Пусто. Введите VIN: 17 латинских букв и цифр",
        "Nothing there. Enter a VIN: 17 Latin letters and digits",
    ),
    "zeros": (
        "Это одни нули. Перепишите VIN из СТС: 17 знаков",
        "Only zeros. Copy the VIN from the papers: 17 characters",
    ),
    "filler": (
        "Это повтор одних и тех же знаков. Перепишите VIN из СТС: 17 знаков",
        "The same characters over and over. Copy the VIN from the papers: 17 characters",
    ),
    "phone": ("Похоже на номер телефона, а не на VIN", "That looks like a telephone number, not a VIN"),
    "barcode": ("Похоже на штрихкод товара, а не на VIN", "That looks like a product's barcode, not a VIN"),
    "email": ("Похоже на адрес почты, а не на VIN", "That looks like an e-mail address, not a VIN"),
    "plate": (
        "Похоже на госномер. По нему машину не узнать: нужен VIN из СТС, 17 знаков",
        "That looks like a licence plate. It does not tell the car: the VIN of 17 characters does",
    ),
    "frame": (
        "Похоже на номер кузова японской машины: у неё нет VIN. Выберите машину по марке и модели",
        "That looks like a Japanese frame number: such a car has no VIN. Choose it by make and model",
    ),
    "sts": (
        "Похоже на номер СТС. Нужна строка «Идентификационный номер (VIN)» из него: 17 знаков",
        "That looks like the number of a registration certificate. The line VIN in it is needed: 17 characters",
    ),
    "too_short": (
        "В VIN 17 знаков, а здесь {length}. Какого-то не хватает: сверьте с СТС",
        "A VIN has 17 characters, this has {length}. One is missing: compare it with the papers",
    ),
    "too_long": (
        "В VIN 17 знаков, а здесь {length}. Какой-то лишний: сверьте с СТС",
        "A VIN has 17 characters, this has {length}. One is too many: compare it with the papers",
    ),
    "not_a_vin": (
        "Знаков 17, но это не VIN: последние четыре знака VIN всегда цифры. Сверьте с СТС",
        "It has 17 characters, but is no VIN: the last four of a VIN are digits. Compare it with the papers",
    ),
    "long_text": ("В этом тексте нет VIN: 17 знаков подряд", "There is no VIN in that text: 17 characters in a row"),
    "signs": ("Здесь нет ни букв, ни цифр", "There are neither letters nor digits"),
    "words": (
        "Это слова, а не VIN. VIN — 17 латинских букв и цифр",
        "Those are words. A VIN is 17 Latin letters and digits",
    ),
    "code": (
        "Похоже на артикул или номер двигателя, а не на VIN: в VIN 17 знаков",
        "That looks like an article or an engine's number: a VIN has 17 characters",
    ),
}
_CHANGES: Final[dict[str, tuple[str, str]]] = {
    "case": ("Строчные буквы прочитаны как прописные", "Small letters were read as capitals"),
    "separators": ("Пробелы и знаки внутри убраны", "Spaces and signs inside were taken out"),
    "text_around": ("Вокруг был другой текст, взят VIN {became}", "There was other text around it: {became} was taken"),
    "cyrillic": ("Русские буквы {was} прочитаны как латинские {became}", "Cyrillic {was} was read as Latin {became}"),
    "layout": (
        "Набрано в другой раскладке клавиатуры: {was} прочитано как {became}",
        "Typed in the other keyboard layout: {was} was read as {became}",
    ),
    "letters": (
        "Букв I, O и Q в VIN не бывает: {was} прочитано как {became}",
        "A VIN never has I, O or Q: {was} was read as {became}",
    ),
}
_WARNINGS: Final[dict[str, tuple[str, str]]] = {
    "unknown_maker": (
        "Изготовитель {wmi} нам не известен. Выберите машину по марке и модели",
        "Nobody here knows the maker {wmi}. Choose the car by make and model",
    ),
    "unknown_model": (
        "Марка известна, а модель по этому VIN — нет. Выберите её из списка",
        "The make is known, the model of this VIN is not. Choose it from the list",
    ),
    "check_digit": (
        "Контрольная цифра (9-й знак) не сходится: проверьте, нет ли опечатки",
        "The check digit (9th character) does not agree: look for a slip",
    ),
    "several_vins": (
        "В тексте несколько VIN, прочитан первый",
        "There are several VINs in the text: the first was read",
    ),
}
_QUESTIONS: Final[dict[str, tuple[str, str]]] = {
    "vehicle": ("Какая это машина?", "Which of these cars is it?"),
    "engine": ("Какой двигатель?", "Which engine has it?"),
    "makes": (
        "Такой VIN бывает у {makes}. Какая это машина? Марка и модель написаны в СТС и на крышке багажника",
        "{makes} share this VIN's code. Which of these cars is it? Make and model stand in its papers and on its tail",
    ),
}


def _in(language: Language, pair: tuple[str, str]) -> str:
    return pair[0] if language == "ru" else pair[1]


def looks_like(typed: Typed, language: Language) -> str:
    """What a text without a VIN is, and what to do."""
    length = sum(letter.isalnum() for letter in typed.text)
    return _in(language, _LOOKS[typed.looks_like or "empty"]).format(length=length)


def change(made: Change, language: Language) -> str:
    """What was changed, in a sentence."""
    return _in(language, _CHANGES[made.kind]).format(was=made.was, became=made.became)


def warning(kind: str, decoded: Decoded, language: Language) -> str:
    """What to beware of, in a sentence."""
    return _in(language, _WARNINGS[kind]).format(wmi=decoded.vin[:3])


def question(field: str, language: Language) -> str:
    """What is left to ask."""
    return _in(language, _QUESTIONS[field])


def which_car(candidates: Sequence[Candidate], language: Language) -> str:
    """Which of several cars it is; of makes that share a code, which they are and where the answer stands."""
    makes = list(dict.fromkeys(one.make for one in candidates))
    if len(makes) < 2:
        return question("vehicle", language)
    listed = f"{', '.join(makes[:-1])} {_in(language, ('и', 'and'))} {makes[-1]}"
    return question("makes", language).format(makes=listed)


def name_of(candidate: Candidate) -> str:
    """The car in a line: «Lada Vesta I, 2015 to 2022»."""
    name = " ".join(part for part in (candidate.make, candidate.model, candidate.generation) if part)
    first, last = candidate.year or candidate.years_from, candidate.year or candidate.years_to
    return f"{name}, {first}" if first and first == last else f"{name}, {first or ''}–{last or ''}" if first else name


def engine_name(engine: Engine, language: Language) -> str:
    """An engine as people tell engines apart: «1.6 16V G4FC, 123 л.с.»"""
    name = " ".join(part for part in (engine.name, engine.code) if part)
    return f"{name}, {engine.power_hp} {_in(language, ('л.с.', 'hp'))}" if engine.power_hp else name
