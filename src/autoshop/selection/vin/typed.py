"""What somebody typed or pasted → the 17 characters of a VIN and what was changed; or what it is instead.

ISO 3779: a VIN has 17 capital letters and digits, never I, O, Q. People type it with Cyrillic letters that look alike,
with the Russian layout on, in lower case, in groups, or paste the whole line of a registration certificate.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from autoshop.kit.scanner import as_if_latin, as_if_russian

LENGTH = 17
LONGEST = 10_000
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХЗІЈЅ", "ABEKMHOPCTYX31JS")
_NEVER = str.maketrans("IOQ", "100")
_GROUPS = re.compile(r"[0-9A-Z]+")
_BETWEEN = re.compile(r"[\s\-‐-―_/.*]*")  # what people put between groups

ChangeKind = Literal["case", "separators", "text_around", "cyrillic", "layout", "letters"]


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed, as the person would see it."""

    kind: ChangeKind
    was: str
    became: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What was understood. Without a VIN, `looks_like` says what it is instead (see `looks_like`)."""

    text: str
    vin: str | None
    changes: tuple[Change, ...] = ()
    looks_like: str | None = None
    others: int = 0  # further VINs in the same text


def understood(text: str, is_wmi: Callable[[str], bool]) -> Typed:
    """The VIN in a text. `is_wmi` tells whether three characters are a maker's: it finds the VIN within a longer text.

    Where several readings give 17 characters, that of a known maker wins, then the one with the fewest changes. A code
    of 18 characters is not cut: nobody knows which one is too many.
    """
    plain = unicodedata.normalize("NFKC", text[:LONGEST])
    folded = "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in plain)
    found: list[tuple[str, str, slice]] = []
    for reading in _readings(folded):
        windows = [
            (reading, vin, where)
            for vin, where in _windows(reading, is_wmi)
            if _may_be(vin) and (is_wmi(vin[:3]) or not _are_words(folded[where], reading[where]))
        ]
        known = [one for one in windows if is_wmi(one[1][:3])]
        found = known or found or windows
        if known:
            break
    if not found:
        return Typed(text, None, looks_like=looks_like(text))
    reading, vin, where = found[0]
    others = len({other for _, other, _ in found} - {vin})
    return Typed(text, vin, tuple(_changes(plain, folded, reading, where, vin)), others=others)


def _readings(folded: str) -> Iterator[str]:
    """The text with lookalikes read as Latin; as typed in the other layout, this way and that. Of one length."""
    yield folded.translate(_LOOKALIKES)
    yield (as_if_latin(folded) or folded).upper().translate(_LOOKALIKES)
    yield as_if_russian(folded).upper().translate(_LOOKALIKES)


def _windows(reading: str, is_wmi: Callable[[str], bool]) -> Iterator[tuple[str, slice]]:
    """What may be a VIN in a text, and where: words of 17, groups that give 17 together, and what is glued to «VIN»."""
    groups = list(_GROUPS.finditer(reading))
    for first, group in enumerate(groups):
        length, end = len(group[0]), group.end()
        for following in groups[first + 1 :]:
            if length >= LENGTH or not _BETWEEN.fullmatch(reading, end, following.start()):
                break
            length, end = length + len(following[0]), following.end()
        where = slice(group.start(), end)
        if length == LENGTH + 3 and end == group.end() and group[0].startswith("VIN"):
            length, where = LENGTH, slice(group.start() + 3, end)
        vin = _letters_of(reading[where]).translate(_NEVER)
        if length == LENGTH and (
            end == group.end() or is_wmi(vin[:3]) or _letters_of(reading) == _letters_of(reading[where])
        ):
            yield vin, where


def _letters_of(written: str) -> str:
    return "".join(_GROUPS.findall(written))


def _may_be(vin: str) -> bool:
    """Seventeen digits of nothing are no VIN; and the last four of any VIN are digits (ISO 3779, 5.4)."""
    return len(set(vin)) > 3 and not vin.isdecimal() and vin[-4:].isdecimal()


def _are_words(written: str, reading: str) -> bool:
    """Whether pieces that nobody's maker begins are words and a number, like «свеча на веста 21129»."""
    pieces = _GROUPS.findall(reading)
    in_other_layout = written.translate(_LOOKALIKES) != reading
    return len(pieces) > 1 and (in_other_layout or any(len(one) > 3 and one.isalpha() for one in pieces))


def _changes(plain: str, folded: str, reading: str, where: slice, vin: str) -> Iterator[Change]:
    if plain[where] != folded[where]:
        yield Change("case", plain[where], folded[where])
    if len(plain.strip()) > where.stop - where.start:
        yield Change("text_around", plain.strip()[:200], plain[where])
    apart = _GROUPS.sub("", reading[where])
    if apart:
        yield Change("separators", apart, "")
    if folded[where] != reading[where]:
        kind: ChangeKind = "cyrillic" if folded[where].translate(_LOOKALIKES) == reading[where] else "layout"
        yield Change(kind, *_differing(folded[where], reading[where]))
    if _letters_of(reading[where]) != vin:
        yield Change("letters", *_differing(_letters_of(reading[where]), vin))


def _differing(was: str, became: str) -> tuple[str, str]:
    pairs = dict.fromkeys((a, b) for a, b in zip(was, became, strict=True) if a != b)
    return "".join(a for a, _ in pairs), "".join(b for _, b in pairs)


# ------------------------------------------------------------------------------------------- what it is instead
_SHAPES = (
    ("phone", re.compile(r"\+?[78]?[\s(\-]*\d{3}[\s)\-]*\d{3}[\s\-]?\d{2}[\s\-]?\d{2}")),
    ("barcode", re.compile(r"\d{8}|\d{12,14}")),
    ("email", re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")),
    ("plate", re.compile(r"[АВЕКМНОРСТУХABEKMHOPCTYX]\s?\d{3}\s?[АВЕКМНОРСТУХABEKMHOPCTYX]{2}\s?\d{2,3}")),
    ("frame", re.compile(r"[A-Z]{1,4}\d{1,3}[A-Z]{0,2}-\d{6,7}")),
    ("sts", re.compile(r"\d{2}\s?(?:\d{2}|[АВЕКМНОРСТУХ]{2})\s?(?:№\s?)?\d{6}")),
)


def looks_like(text: str) -> str:
    """What a text without a VIN is: empty, zeros, filler, phone, barcode, email, plate (a Russian one), frame (of a
    Japanese car), sts (a registration certificate's number), too_short and too_long (of a VIN), not_a_vin, long_text,
    signs, words, or a code (an article, an engine's number).
    """
    plain = unicodedata.normalize("NFKC", text[:LONGEST]).strip().upper()
    if not plain:
        return "empty"
    squeezed = re.sub(r"[^0-9A-ZА-ЯЁ]", "", plain)
    if len(squeezed) >= 10 and len(set(squeezed)) <= 3:
        return "zeros" if set(squeezed) == {"0"} else "filler"
    for name, shape in _SHAPES:
        if shape.fullmatch(plain):
            return name
    if not squeezed:
        return "signs"
    if len(plain) > 60:
        return "long_text"
    if re.search(r"\d", squeezed) and 14 <= len(squeezed) <= 20 and not re.search(r"[А-ЯЁ]{4}", plain):
        return "too_short" if len(squeezed) < LENGTH else "too_long" if len(squeezed) > LENGTH else "not_a_vin"
    is_sentence = " " in plain and re.search(r"[А-ЯЁ]{4}", plain)
    return "code" if re.search(r"\d", squeezed) and not is_sentence else "words"
