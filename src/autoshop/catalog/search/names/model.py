"""Words of names and of what is typed. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MOST_WORDS: Final = 10  # of what is typed; the rest is not looked at, and that is said
MOST_BRAND_WORDS: Final = 3
LEAST_FOR_TYPO: Final = 4
LEAST_FOR_TWO: Final = 6
LEAST_FOR_PREFIX: Final = 3
MOST_FOR_TYPO: Final = 16
COMPLETIONS: Final = 8  # words that one beginning may stand for

_RUSSIAN: Final = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
_ENGLISH: Final = "abcdefghijklmnopqrstuvwxyz"
_NO_WORD = re.compile(r"[^0-9a-zа-я]+")
_VISCOSITY = re.compile(r"(\d+w)[ -]?(\d\d)")
_MEASURE = re.compile(r"(\d) (мм|см|мл|л|кг|г|вт|в|ач|а)(?![0-9a-zа-я])")


def words_in(text: str) -> list[str]:
    """The words of a text, as the index has them: lower case, е for ё, «5W-40» and «4 л» in one piece."""
    clean = _NO_WORD.sub(" ", _VISCOSITY.sub(r"\1\2", text.lower().replace("ё", "е")))
    return _MEASURE.sub(r"\1\2", clean).split()


def edits(word: str) -> set[str]:
    """All words at distance one, in the letters of its own alphabet."""
    letters = _ENGLISH if word.isascii() else _RUSSIAN
    found = set()
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            found.add(head + tail[1:])
            found.update(head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            found.add(head + tail[1] + tail[0] + tail[2:])
        found.update(head + letter + tail for letter in letters)
    return found - {word, ""}


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was typed, or the words of a brand's name.

    `lexemes`: any of these stems will do; none: it means nothing by itself («для»). `read_as`: the word that was meant.
    """

    typed: str
    lexemes: tuple[str, ...]
    known: bool
    read_as: str = ""
    brand_id: int | None = None  # it may be a name of this brand as well

    @property
    def can_be_mistyped(self) -> bool:
        return self.typed.isalpha() and LEAST_FOR_TYPO <= len(self.typed) <= MOST_FOR_TYPO


def brand_lexeme(brand_id: int) -> str:
    return f"brand:{brand_id}"


def category_lexeme(category_id: int) -> str:
    return f"category:{category_id}"


def query_of(groups: Iterable[Iterable[str]], without: Iterable[str] = ()) -> str:
    """A tsquery: of each group one, of all groups together. Stems have letters, digits and a colon, and no quotes."""
    ored = [" | ".join(f"'{stem}'" for stem in dict.fromkeys(group)) for group in groups]
    denied = [f"!'{stem}'" for stem in without]
    return " & ".join([*(f"({group})" for group in ored if group), *denied])


def grams(words: Sequence[str]) -> list[str]:
    """Up to three neighbours, the longest first: what may be the name of a brand."""
    sizes = range(min(MOST_BRAND_WORDS, len(words)), 0, -1)
    return list(dict.fromkeys(" ".join(words[at : at + size]) for size in sizes for at in range(len(words) - size + 1)))


def groups_of(words: Iterable[Word]) -> list[list[str]]:
    """What each word asks for: one of its stems, or its brand."""
    return [
        [*word.lexemes, *([brand_lexeme(word.brand_id)] if word.brand_id is not None else [])]
        for word in words
        if word.lexemes or word.brand_id is not None
    ]
