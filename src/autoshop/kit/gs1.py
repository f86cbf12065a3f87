"""Codes of GS1: check digits, GTINs, element strings and Digital Links.

After the GS1 General Specifications: check digits in section 7.9, element strings in 7.8, the table of Application
Identifiers in 3.2; and after the GS1 Digital Link standard for addresses.
"""

import re
from collections.abc import Sequence
from datetime import date
from urllib.parse import parse_qsl, unquote, urlsplit

GS = "\x1d"  # what a scanner sends for FNC1 between two elements

Element = tuple[str, str]  # Application Identifier, value

# The first two digits of an identifier tell how long it is. Those named here have four or three, all others two.
_OF_FOUR = ("31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81", "82")
_OF_THREE = ("23", "24", "25", "40", "41", "42", "71")
_OF_TWO = {"00", "01", "02", "03", "04", *map(str, range(10, 23)), "30", "37", *map(str, range(90, 100))} - {"14"}
# Elements that end by themselves, by the same two digits: the length of the value. All others end with GS.
_FIXED = {
    "00": 18,
    "01": 14,
    "02": 14,
    "03": 14,
    "04": 16,
    "20": 2,
    "41": 13,
    **dict.fromkeys(("11", "12", "13", "15", "16", "17", "18", "19"), 6),
    **dict.fromkeys(("31", "32", "33", "34", "35", "36"), 6),
}
_MOST = {"10": 20, "21": 20, "22": 20, "30": 8, "37": 8, "240": 30, "241": 30, "242": 6, "243": 20, "90": 30}
_MOST_OF_ANY = 90
_ENCODABLE = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+")
_WRITTEN_OUT = re.compile(r"\((\d{2,4})\)")
_LINK = re.compile(r"https?://", re.IGNORECASE)


class NotGs1(ValueError):
    """Not an element string; the text says where it breaks."""


def has_right_check_digit(digits: str) -> bool:
    """Weights 3 and 1 from the right, before the check digit; the sum with it is a multiple of ten."""
    ascii_digits = digits.encode()  # sums of bytes take a tenth of the time, and imports ask a million times
    odd, even = ascii_digits[-1::-2], ascii_digits[-2::-2]
    return (sum(odd) - 48 * len(odd) + 3 * (sum(even) - 48 * len(even))) % 10 == 0


def with_check_digit(digits: str) -> str:
    """The digits, and the check digit that belongs behind them."""
    return next(f"{digits}{last}" for last in range(10) if has_right_check_digit(f"{digits}{last}"))


def is_gtin(code: str) -> bool:
    """Whether this is a GTIN: 8, 12, 13 or 14 digits, the last of which is right."""
    return len(code) in (8, 12, 13, 14) and code.isascii() and code.isdecimal() and has_right_check_digit(code)


def spellings_of(gtin: str) -> tuple[str, ...]:
    """How one GTIN may be written down: with 14 digits, or with fewer zeros in front; the longest first."""
    whole = gtin.zfill(14)
    return tuple(whole[14 - length :] for length in (14, 13, 12, 8) if int(whole[: 14 - length] or "0") == 0)


def expanded(upc_e: str) -> str | None:
    """UPC-E (8 digits, with number system and check digit) → the UPC-A it is short for; None where it is none."""
    if len(upc_e) != 8 or not upc_e.isascii() or not upc_e.isdecimal() or upc_e[0] not in "01":
        return None
    system, body, last = upc_e[0], upc_e[1:6], upc_e[6]
    if last in "012":
        middle = f"{body[:2]}{last}0000{body[2:]}"
    elif last == "3":
        middle = f"{body[:3]}00000{body[3:]}"
    elif last == "4":
        middle = f"{body[:4]}00000{body[4]}"
    else:
        middle = f"{body}0000{last}"
    whole = f"{system}{middle}{upc_e[7]}"
    return whole if has_right_check_digit(whole) else None


def elements_of(text: str) -> tuple[Element, ...]:
    """An element string as a scanner sends it, without its symbology prefix → its elements; raises NotGs1."""
    elements = []
    at = 0
    while at < len(text):
        if text[at] == GS:
            at += 1
            continue
        identifier = _identifier_at(text, at)
        at += len(identifier)
        length = _FIXED.get(identifier[:2])
        if length is None:
            end = text.find(GS, at)
            end = len(text) if end < 0 else end
        else:
            end = at + length
        elements.append(_checked(identifier, text[at:end]))
        at = end
    if not elements:
        raise NotGs1("there is nothing in it")
    return tuple(elements)


def written_out(text: str) -> tuple[Element, ...]:
    """`(01)04601234567893(21)ABC` → its elements; raises NotGs1."""
    parts = _WRITTEN_OUT.split(text)
    if parts[0].strip() or len(parts) < 3:
        raise NotGs1("no identifier in brackets at the beginning")
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return tuple(_checked(_identifier_at(identifier, 0), value.strip()) for identifier, value in pairs)


def link_elements(address: str) -> tuple[Element, ...]:
    """A GS1 Digital Link, `https://example.com/01/04601234567893/21/ABC?17=271231` → its elements; raises NotGs1."""
    if not _LINK.match(address):
        raise NotGs1("not an address")
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise NotGs1(str(error)) from None
    steps = [unquote(step) for step in parts.path.split("/") if step]
    if "01" not in steps[:-1]:
        raise NotGs1("no GTIN in the address")
    steps = steps[steps.index("01") :]
    pairs = [*zip(steps[::2], steps[1::2], strict=False), *parse_qsl(parts.query)]
    found = []
    for identifier, value in pairs:
        if not identifier.isdecimal() or not identifier.isascii():
            continue  # what the shop that sells it hangs on: utm_source=…
        whole = value.zfill(14) if identifier == "01" else value
        found.append(_checked(_identifier_at(identifier, 0), whole))
    return tuple(found)


def element_string(elements: Sequence[Element]) -> str:
    """Elements as one text, with GS behind those that do not end by themselves; the last needs none."""
    parts = [f"{name}{value}{'' if name[:2] in _FIXED else GS}" for name, value in elements]
    return "".join(parts).removesuffix(GS)


def ends_by_itself(identifier: str) -> bool:
    """Whether an element has a length of its own, so that no separator stands behind it."""
    return identifier[:2] in _FIXED


def date_of(value: str) -> date | None:
    """YYMMDD → the day; day 00 is the last of its month. The century is the nearest (General Specifications, 7.12)."""
    if len(value) != 6 or not value.isascii() or not value.isdecimal():
        return None
    year, month, day = int(value[:2]), int(value[2:4]), int(value[4:])
    year += 2000 if year <= 75 else 1900
    try:
        if day == 0:
            following = date(year + month // 12, month % 12 + 1, 1)
            return date.fromordinal(following.toordinal() - 1)
        return date(year, month, day)
    except ValueError:
        return None


def _identifier_at(text: str, at: int) -> str:
    first = text[at : at + 2]
    length = 4 if first in _OF_FOUR else 3 if first in _OF_THREE else 2 if first in _OF_TWO else 0
    identifier = text[at : at + length]
    if not length or len(identifier) < length or not (identifier.isascii() and identifier.isdecimal()):
        raise NotGs1(f"no Application Identifier at character {at + 1}")
    return identifier


def _checked(identifier: str, value: str) -> Element:
    length = _FIXED.get(identifier[:2])
    if length is not None and (len(value) != length or not value.isascii() or not value.isdecimal()):
        raise NotGs1(f"({identifier}) has {length} digits")
    most = _MOST.get(identifier, _MOST_OF_ANY)
    if length is None and (len(value) > most or not _ENCODABLE.fullmatch(value)):
        raise NotGs1(f"({identifier}) has 1 to {most} letters, digits and signs")
    if identifier in ("01", "02", "03") and not has_right_check_digit(value):
        raise NotGs1(f"({identifier}) has a wrong check digit")
    if identifier in ("11", "12", "13", "15", "16", "17") and date_of(value) is None:
        raise NotGs1(f"({identifier}) is not a day")
    return identifier, value
