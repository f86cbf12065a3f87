"""What scanners do to a code before it reaches us, and how that is undone. Nothing is undone without being told."""

import re
from dataclasses import dataclass
from typing import Final

from autoshop.kit.gs1 import GS

# A keyboard wedge types what it reads. Where the keyboard is Russian, each Latin key gives what is printed on it in
# Russian; this is the way back, for a standard keyboard (Windows «Русская»).
_RUSSIAN: Final = 'йцукенгшщзхъфывапролджэячсмитьбю.ёЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ,Ё"№;:?/'
_LATIN: Final = """qwertyuiop[]asdfghjkl;'zxcvbnm,./`QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>?~@#$^&|"""
_TO_LATIN: Final = str.maketrans(_RUSSIAN, _LATIN)
_CYRILLIC = re.compile(r"[А-Яа-яЁё]")

# AIM identifiers (ISO/IEC 15424): what kind of symbol it was.
_SYMBOLOGY = re.compile(r"\][A-Za-z][0-9A-Za-z]")
GS1_SYMBOLS = frozenset({"]d2", "]Q3", "]C1", "]e0"})

# How GS is shown by those who cannot send it.
_SPELT_GS = re.compile(r"␝|↔|<GS>|\{GS\}|\[GS\]|\\x1d|\\u001d|\\035|\^\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A code without what the scanner added.

    `symbology` is its AIM identifier, `spelt_gs` that GS was written out, `is_gs1` that prefix or FNC1 say so.
    """

    text: str
    symbology: str | None = None
    spelt_gs: bool = False
    is_gs1: bool = False


def cleaned(raw: str) -> Cleaned:
    """Take off line ends, the symbology prefix and FNC1 at the front; give written-out separators their character."""
    text = raw.strip(" \t\r\n")
    prefix = _SYMBOLOGY.match(text)
    symbology = prefix[0] if prefix else None
    if symbology:
        text = text[len(symbology) :]
    spelt = _SPELT_GS.sub(GS, text)
    return Cleaned(
        spelt.strip(GS + " \t\r\n"),
        symbology,
        spelt_gs=spelt != text,
        is_gs1=symbology in GS1_SYMBOLS or GS in spelt,
    )


def as_if_latin(text: str) -> str | None:
    """What a scanner meant whose keyboard was Russian: «ЦЦ914» → `WW914`; None where there is nothing Russian in it."""
    return text.translate(_TO_LATIN) if _CYRILLIC.search(text) else None


def as_if_russian(text: str) -> str:
    """The slip itself, for tests and for texts that show it: `WW914` → «ЦЦ914»."""
    return text.translate(str.maketrans(_LATIN, _RUSSIAN))
