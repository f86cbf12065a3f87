"""What somebody typed → the plugs that he may mean; or what it looks like instead."""

import re
from difflib import get_close_matches
from functools import cache

from autoshop.kit.errors import wrong
from autoshop.kit.language import Language
from autoshop.kit.text import article_key, name_key
from autoshop.selection.plugs import coding, known, texts
from autoshop.selection.plugs.facts import facts
from autoshop.selection.plugs.model import MOST_CHARACTERS, BadCode, Looks, NotAPlugCode, Reading, Understood

PHONE_DIGITS = (10, 11)
BARCODE_DIGITS = (8, 12, 13, 14)
MOST_WORDS = 3
MOST_SIMILAR = 5
_BETWEEN = re.compile(r"[\s,;/|]+")


def understand(asked: str, brand: str | None = None, language: Language = "ru") -> Understood:
    """Every plug that a text may name, with its brand or without; `brand` leaves only those of one.

    Raises BadCode for what cannot be a code, NotAPlugCode for a code that nobody has.
    """
    text = " ".join(asked.split())
    if not article_key(text) or len(text) > MOST_CHARACTERS:
        reason = texts.LOOKS["nothing"][language == "en"] if len(text) <= MOST_CHARACTERS else _too_long(language)
        raise BadCode(f"{reason}", errors=[wrong("code", reason)])
    readings = _meant(text, brand)
    if not readings:
        raise _ordered(text, brand, language) or _nothing(text, _named(text, brand)[1], language)
    return Understood(asked, readings)


def plug_in(text: str) -> Reading | None:
    """The plug that a text names; None for none, and for several. Unlike a refusal, that asks for no codes alike."""
    plain = " ".join(text.split())
    readings = _meant(plain, None) if article_key(plain) and len(plain) <= MOST_CHARACTERS else ()
    return readings[0] if readings and Understood(plain, readings).is_certain else None


def _meant(text: str, brand: str | None) -> tuple[Reading, ...]:
    return readings_of(text, brand) or _in_part(text, brand)


def readings_of(text: str, brand: str | None = None) -> tuple[Reading, ...]:
    """Every plug that a text may name, those of published tables first; none where nobody has such a code."""
    named, code = _named(text, brand)
    maker = None if named is None else coding.brand_named(named)
    readings = coding.read(code, maker) if named is None or maker is not None else []
    links = [
        Reading(of, printed, None, listed=True)
        for of, printed in known.brands_that_list(code)
        if all(of != reading.brand for reading in readings) and (named is None or _is(of, named))
    ]
    return tuple(sorted([*readings, *links], key=lambda one: not one.listed))


def _in_part(text: str, brand: str | None) -> tuple[Reading, ...]:
    """What is certain of a code that has letters of no coding."""
    named, code = _named(text, brand)
    maker = None if named is None else coding.brand_named(named)
    return tuple(coding.read_in_part(code, maker)) if named is None or maker is not None else ()


def _ordered(text: str, brand: str | None, language: Language) -> NotAPlugCode | None:
    """The refusal of a number by which plugs are ordered; None for anything else."""
    named, number = _named(text, brand)
    maker = None if named is None else coding.brand_named(named)
    for order in facts().orders:
        is_meant = maker == order.brand or (named is None and order.named == "no")
        if is_meant and re.fullmatch(order.pattern, article_key(number)):
            why = order.why_en if language == "en" else order.why_ru
            looks: Looks = "order"
            return NotAPlugCode(f"«{text}»: {why}", looks_like=looks, similar=[])
    return None


def _named(text: str, brand: str | None) -> tuple[str | None, str]:
    return (brand, text) if brand is not None else _brand_in(text)


def _too_long(language: Language) -> str:
    return {"ru": f"длиннее {MOST_CHARACTERS} знаков", "en": f"longer than {MOST_CHARACTERS} characters"}[language]


def _is(brand: str, named: str) -> bool:
    return name_key(named) == name_key(brand) or coding.brand_named(named) == brand


def _brand_in(text: str) -> tuple[str | None, str]:
    """«NGK BPR6ES» and «BPR6ES ngk»: the brand and the rest."""
    words = text.split()
    makers = _names_of_makers()
    for count in range(1, min(MOST_WORDS, len(words) - 1) + 1):
        for brand, rest in ((words[:count], words[count:]), (words[-count:], words[:-count])):
            if name_key(" ".join(brand)) in makers:
                return " ".join(brand), " ".join(rest)
    return None, text


@cache
def _names_of_makers() -> set[str]:
    return {name_key(brand) for brand, _ in known.all_codes()} | set(facts().brand_names)


def _nothing(text: str, code: str, language: Language) -> NotAPlugCode:
    within = _within(text)
    looks: Looks = "several" if len(within) > 1 else looks_like(text)
    en = language == "en"
    similar = within or (_similar(code) if looks == "article" else [])
    detail = texts.LOOKS[looks][en]
    if similar:
        detail += (texts.WITHIN if within else texts.SIMILAR)[en].format(
            ", ".join(f"{one['brand']} {one['code']}" for one in similar)
        )
    elif looks == "article":
        detail += texts.NAME_THE_BRAND[en]
    return NotAPlugCode(f"«{text}»: {detail}", looks_like=looks, similar=similar)


def _within(text: str) -> list[dict[str, str]]:
    """The codes of the tables that a text has among other words: «А17ДВРМ, BCPR6ES», «А17ДВРМ 4 шт»."""
    words = list(filter(None, _BETWEEN.split(text)))
    if len(words) < 2:
        return []
    found = [reading for word in words for reading in readings_of(word)[:1] if reading.listed]
    return [{"brand": brand, "code": code} for brand, code in dict.fromkeys((one.brand, one.code) for one in found)]


def looks_like(text: str) -> Looks:
    """What a text may be that is no code of a plug."""
    key = article_key(text)
    digits = "".join(c for c in text if c.isdigit())
    if not key:
        return "nothing"
    if key == digits:
        if len(digits) in PHONE_DIGITS and (digits[0] in "789" or text.lstrip().startswith("+")):
            return "phone"
        return "barcode" if len(digits) in BARCODE_DIGITS else "number"
    return "text" if len(text.split()) > MOST_WORDS or not digits or ";" in text else "article"


def _similar(code: str) -> list[dict[str, str]]:
    """Codes of the tables that are spelt nearly so."""
    by_key = {article_key(listed): (brand, listed) for brand, listed in known.every_code()}
    close = get_close_matches(article_key(code), by_key, MOST_SIMILAR, 0.8)
    return [{"brand": by_key[key][0], "code": by_key[key][1]} for key in close]
