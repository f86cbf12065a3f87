"""A code → what it says, letter by letter.

The order of the parts and the meaning of each sign are facts (codings.csv, letters.csv, heat.csv); here they become
one regular expression a coding. What the coding does not say stays None.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Literal

from autoshop.kit.text import article_key, name_key
from autoshop.selection.plugs.facts import NOTHING_WRITTEN, SPEC_FIELDS, Coding, Facts, Letter, Plug, facts
from autoshop.selection.plugs.known import listed
from autoshop.selection.plugs.model import ADJACENT_HEAT, Reading, Reason, Spec

RUSSIAN = "Russian"
How = Literal["strictly", "any heat", "in part"]
# Latin letters for Russian ones: those that look alike, and those that stand for a sound (A17DVRM).
_TO_RUSSIAN = str.maketrans("ABVCSDEHNKMOPRTXYU", "АВВССДЕННКМОРРТХУУ")
_LATIN = re.compile(r"[A-Za-z]")
_CYRILLIC = re.compile(r"[А-Яа-я]")
_PART = re.compile(r"\{(\w+)\}(\?|\*)?")
_NAMED = re.compile(r"\(\?P<\w+>")
_ANY_NUMBER = "0?[0-9]{1,2}"
_REST = r"(?P<rest>[{0}][0-9{0}]{{0,5}}\+?)"  # letters that no coding has
_SHELLS = ("shell", "other", "prefix")
_HEAD = re.compile(r"[^0-9]*")
_BETWEEN = re.compile(r"[\s,;/|]")
SHORTEST = 4
SURE_HEAD = 4  # signs before the heat number that no other article begins with
OWN_SCALE = "own"  # a heat number on a scale of its own, which nothing converts


def key_in(brand: str, code: str) -> str:
    """A code as its brand's coding spells it: capitals of one alphabet, no spaces or dashes; a `+` at the end stays."""
    key = article_key(code)
    return key.translate(_TO_RUSSIAN) if brand == RUSSIAN else key


def brand_named(name: str) -> str | None:
    """The maker of plugs that goes by a name, however it is spelt."""
    return facts().brand_names.get(name_key(name))


def read(code: str, brand: str | None = None) -> list[Reading]:
    """Every plug that the code may mean, those in published tables first; of one brand, if it is given.

    A heat number that no table knows is read only where no coding knows a better meaning, or where Russian letters
    speak for a Russian plug. Two or three signs of any coding, such as H7 or A6, are no code unless a table has them.
    """
    known = facts()
    codings = [coding for coding in known.codings if brand in (None, coding.brand)]
    found = [one for coding in codings for one in _read(known, coding, code, "strictly")]
    if not found or (_CYRILLIC.search(code) and all(one.brand != RUSSIAN for one in found)):
        russian = [coding for coding in codings if not found or coding.brand == RUSSIAN]
        found += [one for coding in russian for one in _read(known, coding, code, "any heat")]
    if brand is None and len(article_key(code)) < SHORTEST and not any(one.listed for one in found):
        return []
    found += [one for one in _catalogued(known, code, brand) if all(one.brand != other.brand for other in found)]
    by_brand = {reading.brand: reading for reading in reversed(_in_its_alphabet(code, found))}
    return sorted(by_brand.values(), key=lambda reading: (not reading.listed, reading.brand))


def read_in_part(code: str, brand: str | None = None) -> list[Reading]:
    """What is certain of a code with letters that no coding has: what is written before them, and nothing else.

    Without its brand only what begins as no other article does. It is no ground to compare two plugs.
    """
    known = facts()
    found: dict[str, Reading] = {}
    if _BETWEEN.search(code):
        return []
    for coding in known.codings:
        head = len(_HEAD.match(key_in(coding.brand, code))[0])  # type: ignore[index]
        if "{heat}" in coding.pattern and brand in (None, coding.brand) and (brand or head >= SURE_HEAD):
            for one in _read(known, coding, code, "in part"):
                surer = found.get(one.brand)
                if surer is None or len(one.unread[-1]) < len(surer.unread[-1]):
                    found[one.brand] = one
    return list(found.values())


def _catalogued(known: Facts, code: str, brand: str | None) -> Iterator[Reading]:
    """Codes with letters of no coding, or without any, of which the maker's catalogue says something."""
    for maker in dict.fromkeys(coding.brand for coding in known.codings):
        plug = known.plugs.get((maker, article_key(key_in(maker, code)))) if brand in (None, maker) else None
        if plug is not None:
            values: dict[str, Any] = {}
            reasons: dict[str, Reason] = {}
            _fill(plug, values, reasons)
            in_part = read_in_part(plug.code, maker)
            spec = Spec(**values) if values else None
            yield in_part[0] if in_part else Reading(maker, plug.code, spec, _in_order(reasons), listed=True)


def _in_its_alphabet(code: str, found: list[Reading]) -> list[Reading]:
    """Without what needs another alphabet than was typed, where the tables have the code in this one: А11, N4."""
    typed_russian = bool(_CYRILLIC.search(code)) and not _LATIN.search(code)
    if any(one.listed and (one.brand == RUSSIAN) is typed_russian for one in found):
        return [one for one in found if one.listed or (one.brand == RUSSIAN) is typed_russian]
    return found


@lru_cache(maxsize=2048)
def spec_of(brand: str, code: str) -> Spec | None:
    """What a code of a brand says; None where it cannot be read."""
    readings = read(code, brand)
    return readings[0].spec if readings else None


def is_spelt_so(brand: str, code: str) -> bool:
    """Whether a brand's coding or catalogue may have such a code: a look at its signs, a tenth of reading them."""
    key = key_in(brand, code)
    return _spelling(brand)(key) is not None or (brand, article_key(key)) in facts().plugs


@cache
def _spelling(brand: str) -> Callable[[str], re.Match[str] | None]:
    """All that `read` takes for a code of the brand, as one expression."""
    hows: tuple[How, ...] = ("strictly", "any heat")
    codings = [coding.coding for coding in facts().codings if coding.brand == brand]
    several = dict.fromkeys(_expression(coding, how).pattern for coding in codings for how in hows)
    return re.compile("|".join(_NAMED.sub("(?:", one) for one in several) or "(?!)").fullmatch


def _read(known: Facts, coding: Coding, code: str, how: How) -> Iterator[Reading]:
    key = key_in(coding.brand, code)
    match = _expression(coding.coding, how).fullmatch(key)
    if match is None:
        return
    rest = match.groupdict().get("rest") or ""
    values, reasons, unread = _meaning(known, coding, _signs(coding, match), in_part=bool(rest))
    plug = known.plugs.get((coding.brand, article_key(key)))
    if plug is not None:
        _fill(plug, values, reasons)
    printed = listed(coding.brand, key)
    unread += [rest] if rest else []
    yield Reading(
        coding.brand, printed or key, Spec(**values), _in_order(reasons), tuple(unread), printed is not None
    )  # fmt: skip


def _in_order(reasons: Mapping[str, Reason]) -> tuple[Reason, ...]:
    return tuple(reasons[field] for field in SPEC_FIELDS if field in reasons)


def _fill(plug: Plug, values: dict[str, Any], reasons: dict[str, Reason]) -> None:
    """What the catalogue prints and the letters do not tell."""
    for field in SPEC_FIELDS:
        value = getattr(plug, field, None)
        if value is not None and field not in values:
            values[field] = value
            reasons[field] = Reason(field, plug.code, plug.confidence, plug.source)


@cache
def _expression(name: str, how: How) -> re.Pattern[str]:
    known = facts()
    coding = next(coding for coding in known.codings if coding.coding == name)

    def part(match: re.Match[str]) -> str:
        what, how_often = match[1], match[2] or ""
        signs = "|".join(map(re.escape, _signs_of(coding, what)))
        if what == "heat" and how == "any heat" and coding.other_heats == "yes":
            signs = _ANY_NUMBER
        elif what == OWN_SCALE:
            signs = "[0-9]{1,2}"
        return f"(?P<{what}>(?:{signs}){'*' if how_often == '*' else ''}){'?' if how_often == '?' else ''}"

    letters = "А-Я" if coding.brand == RUSSIAN else "A-Z"
    return re.compile(_PART.sub(part, coding.pattern) + (_REST.format(letters) if how == "in part" else ""))


@cache
def _signs_of(coding: Coding, part: str) -> tuple[str, ...]:
    """The signs that may stand in a part, longest first."""
    known = facts()
    if part == "heat":
        signs = {number for brand, number in known.heats if brand == coding.brand}
    else:
        signs = {sign for letters, where, sign in known.letters if (letters, where) == (coding.letters, part)}
    return tuple(sorted(signs - {""}, key=lambda sign: (-len(sign), sign)))


@cache
def _any_sign_of(coding: Coding, part: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, _signs_of(coding, part))) or "(?!)")


def _signs(coding: Coding, match: re.Match[str]) -> list[tuple[str, str]]:
    """Part and sign, in the order of the code; a part that is not written has the sign «»."""
    signs = [(NOTHING_WRITTEN, "")]
    for part, written in match.groupdict().items():
        if part == "rest":
            continue
        if part in ("heat", OWN_SCALE) or not written:
            signs.append((part, written or ""))
        else:
            signs += [(part, sign) for sign in _any_sign_of(coding, part).findall(written)]
    return signs


def _meaning(
    known: Facts, coding: Coding, signs: list[tuple[str, str]], *, in_part: bool
) -> tuple[dict[str, Any], dict[str, Reason], list[str]]:
    """What all signs say together: what nothing written means comes first, what depends on other parts last.

    Of a code that is read in part, what is not written may yet be: it says nothing.
    """
    written: dict[str, set[str]] = {}
    for part, sign in signs:
        written.setdefault(part, set()).add(sign)
    values: dict[str, Any] = {}
    reasons: dict[str, Reason] = {}
    unread = []
    rows = [(part, sign, _letters(known, coding, part, sign)) for part, sign in signs]
    said = [(letter, sign) for _, sign, letters in rows for letter in letters if (sign or not in_part)]
    said = [one for one in said if _holds(one[0].given, written)]
    for letter, sign in sorted(said, key=lambda one: (one[0].part != NOTHING_WRITTEN, bool(one[0].given))):
        _take(letter, sign, values, reasons)
    for part, sign, letters in rows:
        heat = known.heats.get((coding.brand, sign)) if part == "heat" else None
        if heat is not None:
            values["heat"] = heat.ngk
            reasons["heat"] = Reason("heat", sign, heat.confidence, heat.source)
        elif sign and (part in ("heat", OWN_SCALE) or not any(map(_says_something, letters))):
            unread.append(sign)
    return values, reasons, unread


def _letters(known: Facts, coding: Coding, part: str, sign: str) -> tuple[Letter, ...]:
    return known.letters.get((coding.letters, part, sign), ())


def _holds(given: Iterable[str], written: Mapping[str, set[str]]) -> bool:
    """Whether the other parts have what is asked: `shell=W,F` and `reach=`."""
    for condition in given:
        part, _, signs = condition.partition("=")
        if not written.get(part, {""}) & set(signs.split(",")):
            return False
    return True


def _take(letter: Letter, sign: str, values: dict[str, Any], reasons: dict[str, Reason]) -> None:
    for field in SPEC_FIELDS:
        value = getattr(letter, field, None)
        if value is not None:
            values[field] = value
            reasons[field] = Reason(field, sign, letter.confidence, letter.source)


def _says_something(letter: Letter) -> bool:
    return letter.confidence != "low" or any(getattr(letter, field, None) is not None for field in SPEC_FIELDS)


def beginnings_of(spec: Spec, steps: float = ADJACENT_HEAT) -> dict[str, list[str]]:
    """How the codes of such plugs begin, up to their heat number, by brand: to find them in a catalogue.

    `steps`: of the NGK scale, by which the heat may differ. Codes that only begin so may be other plugs: each has to
    be read.
    """
    found: dict[str, list[str]] = {}
    for coding in facts().codings:
        head, there, _ = coding.pattern.partition("{heat}")
        if there and spec.heat is not None:
            heats = [
                heat.number
                for (brand, _), heat in facts().heats.items()
                if brand == coding.brand and abs(heat.ngk - spec.heat) <= steps
            ]
            starts = [""]
            for literal, part, how_often in _pieces(head):
                signs = [*_fitting(coding, part, spec), *([""] if how_often else [])] if part else [literal]
                starts = [start + sign for start in starts for sign in signs]
            found.setdefault(coding.brand, []).extend(article_key(start + heat) for start in starts for heat in heats)
    return found


def _pieces(head: str) -> Iterator[tuple[str, str, str]]:
    """Literal text, or part and how often it stands there."""
    at = 0
    for match in _PART.finditer(head):
        if head[at : match.start()].isalnum():
            yield head[at : match.start()], "", ""
        yield "", match[1], match[2] or ""
        at = match.end()


def _fitting(coding: Coding, part: str, spec: Spec) -> Iterator[str]:
    """Signs of a part that say nothing against the spec's thread and seat.

    A shell of which nobody told anything proves no plug to be the same.
    """
    known = facts()
    for sign in _signs_of(coding, part):
        if part in _SHELLS and not any(map(_says_something, _letters(known, coding, part, sign))):
            continue
        rows = [one for one in _letters(known, coding, part, sign) if not one.given]
        against = [
            row
            for row in rows
            if row.thread not in (None, spec.thread) or (row.seat not in (None, spec.seat) and part == "shell")
        ]
        if not against:
            yield sign
