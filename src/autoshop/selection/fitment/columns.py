"""What a heading of a file of fitments means, and the words that its cells may have. Pure rules."""

import re
from collections.abc import Container, Sequence
from functools import cache

from autoshop.catalog.imports import headings
from autoshop.catalog.imports.columns import FIELD_OF, Columns
from autoshop.catalog.imports.model import Problem, error
from autoshop.catalog.search.categories.model import facts as categories
from autoshop.kit.text import name_key

SYNONYMS: dict[str, str] = {
    "vehicle": "автомобиль|машина|авто|применимость|vehicle|vehicleid|car|idавтомобиля|idавто",
    "make": "марка|маркаавто|маркаавтомобиля|автомарка|make|carmake",
    "model": "модель|модельавто|модельавтомобиля|model|carmodel",
    "generation": "поколение|кузов|generation|platform|платформа",
    "engine": "двигатель|коддвигателя|модельдвигателя|мотор|двс|engine|enginecode",
    "years": "годы|годывыпуска|годвыпуска|год|years|year",
    "years_from": "годс|годот|сгода|отгода|годыс|началовыпуска|годначала|yearfrom|yearsfrom|from",
    "years_to": "годпо|годдо|погод|догода|годыпо|конецвыпуска|годокончания|yearto|yearsto|to",
    "position": "позиция|расположение|сторона|место|местоустановки|position|side|placement",
    "quantity": "количество|колво|количествонаавто|колвонаавто|шт|норма|quantity|qty",
    "qualifiers": "условия|условие|примечание|примечания|уточнение|ограничения|qualifiers|qualifier|notes|note",
    "confidence": "достоверность|уверенность|confidence",
    "source": "источник|source",
}
CATALOGUE = ("article", "brand", "category")
MEANINGS = {
    **{synonym: field for synonym, field in FIELD_OF.items() if field in CATALOGUE},
    **{synonym: field for field, synonyms in SYNONYMS.items() for synonym in synonyms.split("|")},
}
NEEDED = {
    "brand": "Бренд / brand",
    "article": "Артикул / article",
    "category": "Категория / category",
    "source": "Источник / source",
}
CAR = "Автомобиль / vehicle"


def understand(
    rows: Sequence[tuple[int, Sequence[str]]], ignore: Sequence[str], said: Container[str] = ()
) -> tuple[int, Columns, list[Problem]]:
    """Find the headings among the first rows, and read them. `said`: fields that are named beside the file."""
    row, columns, problems = headings.understand(rows, MEANINGS, ignore)
    fields = columns.fields
    if "years" in fields and ("years_from" in fields or "years_to" in fields):
        heading = columns.header[fields["years"]]
        also = columns.name_of("years_from") or columns.name_of("years_to")
        problems.append(error(row, heading, heading, "repeated_column", also))
    if "vehicle" not in fields and not {"make", "model"} <= fields.keys():
        problems.append(error(row, "", "", "missing_column", CAR))
    needed = {field: name for field, name in NEEDED.items() if field not in said}
    return row, columns, problems + headings.missing(row, columns, needed)


# ------------------------------------------------------------------------------------------------ words of cells
def category_key(name: str) -> str:
    """The key under which a category is found, in whichever order its words are."""
    return " ".join(sorted(filter(None, map(name_key, name.replace("_", " ").split()))))


@cache
def category_codes() -> dict[str, str | None]:
    """Every name of a category → its code; None where several go by it."""
    known = categories().values()
    found: dict[str, str | None] = {category_key(one.code): one.code for one in known}
    own = [(name, one.code) for one in known for name in (one.ru, one.en)]
    for names in (own, [(synonym, one.code) for one in known for synonym in one.synonyms]):
        taken = dict(found)  # a name of its own beats a word that others use for several
        for name, code in names:
            key = category_key(name)
            if key not in taken:
                found[key] = code if found.get(key, code) == code else None
    return found


_PLACES = {
    "front": "перед|спереди|front",
    "rear": "зад|сзади|rear|back",
    "left": "лев|слева|left|lh",
    "right": "прав|справа|right|rh",
    "upper": "верх|сверху|upper|top",
    "lower": "ниж|снизу|lower|bottom",
    "driver": "водител|driver",
    "passenger": "пассажир|passenger",
}
_STARTS = [(start, place) for place, starts in _PLACES.items() for start in starts.split("|")]
_WORD = re.compile(r"[a-zа-яё]+")


def position_of(text: str) -> str:
    """«Передний левый», `LEFT front` → `front left`; other words as they are, in small letters."""
    plain = " ".join(text.lower().replace("ё", "е").split())
    words = _WORD.findall(plain)
    places = [next((place for start, place in _STARTS if word.startswith(start)), None) for word in words]
    if not words or None in places:
        return plain
    return " ".join(place for place in _PLACES if place in places)
