"""How an article may have been meant. Pure: keys, edits of keys, several articles in one text."""

import re
from dataclasses import dataclass
from typing import Final

from autoshop.kit.scanner import as_if_latin, as_if_russian
from autoshop.kit.text import article_key, loosened

MOST_CHARACTERS: Final = 60  # of an article
MOST_LINES: Final = 50  # of articles that were pasted at once
LEAST_FOR_PREFIX: Final = 2
LEAST_FOR_TYPO: Final = 4
LEAST_FOR_TWO: Final = 6
MOST_FOR_TYPO: Final = 24  # a longer key has more edits than it is worth to ask for
_LATIN: Final = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"  # of a loose key: I is 1, O and Q are 0
_CYRILLIC: Final = "БГДЖЗИЙЛПУФЦЧШЩЪЫЬЭЮЯ"  # those without a Latin twin
_BETWEEN_LINES = re.compile(r"[\n\r;,\t|]+")
_AMOUNT = re.compile(r"[\s-]*(?:[-–—x×х*]\s*)?\d{1,4}\s*(?:шт|pcs)\.?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Spelling:
    """A key that a text may stand for; `layout` is what it says with the other keyboard, if that was needed."""

    key: str
    loose: str
    layout: str | None = None


def spellings(text: str) -> list[Spelling]:
    """What a text may stand for: as it is, then as the same keys of the other keyboard would have it."""
    found: dict[str, Spelling] = {}
    ways: list[tuple[str, str | None]] = [(text, None)]
    ways += [(other, other) for other in (as_if_latin(text.lower()), _russian(text)) if other is not None]
    for way, layout in ways:
        key = article_key(way)
        if key and len(key) <= MOST_CHARACTERS:
            found.setdefault(key, Spelling(key, loosened(key), layout and layout.upper()))
    return list(found.values())


def _russian(text: str) -> str | None:
    """«f17ldhv» for «а17дврм»: only where there are Latin letters, and none that are Russian already."""
    return as_if_russian(text.lower()) if re.search("[A-Za-z]", text) and text.isascii() else None


def looks_like_article(text: str) -> bool:
    """Whether it has a digit, and no word of a sentence: letters stand with digits, or are few, or are capitals."""
    if not any(c.isdigit() for c in text) or len(text) > MOST_CHARACTERS:
        return False
    words = [word for word in re.split(r"[\s\-./+]+", text) if word.isalpha()]
    return all(len(word) <= 4 or (word.isascii() and word.isupper()) for word in words)


_NO_ARTICLE = re.compile(r"\d+w-?\d\d|[\d.,]+(?:мм|см|м|л|мл|кг|г|а|ач|ah|в|v|w|вт|mm|l)", re.IGNORECASE)


def articles_in(text: str) -> list[str]:
    """Words of a sentence that can only be articles: long enough, with digits, and no viscosity, size or measure."""
    return [
        word
        for word in text.split()
        if len(article_key(word)) >= 5 and sum(c.isdigit() for c in word) >= 2 and not _NO_ARTICLE.fullmatch(word)
    ]


def lines_in(text: str) -> list[str]:
    """Several articles that were pasted at once: by lines, commas, semicolons, tabs. One only: the text itself."""
    parts = [_AMOUNT.sub("", part.strip()).strip() for part in _BETWEEN_LINES.split(text)]
    return list(dict.fromkeys(part for part in parts if article_key(part)))


def edits(loose: str) -> set[str]:
    """All keys at distance one: a character less, another, one more, two neighbours exchanged."""
    letters = _LATIN + (_CYRILLIC if any(c in _CYRILLIC for c in loose) else "")
    found = set()
    for at in range(len(loose) + 1):
        head, tail = loose[:at], loose[at:]
        if tail:
            found.add(head + tail[1:])
            found.update(head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            found.add(head + tail[1] + tail[0] + tail[2:])
        found.update(head + letter + tail for letter in letters)
    return found - {loose, ""}


def parts(key: str) -> tuple[str, str]:
    """The first three fifths of a key, and the rest turned round.

    Two typos are both in one part, so that the other is whole; or there is one in each, and the first part is an edit.
    """
    at = (len(key) * 3 + 4) // 5
    return key[:at], key[at:][::-1]


def distance(one: str, other: str) -> int:
    """How many edits lie between two keys: a character less, another, one more, two neighbours exchanged.

    The «optimal string alignment»: PostgreSQL's levenshtein takes two neighbours exchanged for two edits.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]
