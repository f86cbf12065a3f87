"""Keys of articles and names: what two people type differently and mean the same."""

import re
import unicodedata

# Cyrillic letters that look like Latin ones on a box, a label or in a price list.
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХЁІЈЅ", "ABEKMHOPCTYXEIJS")
NO_NUL = r"^[^\x00]*$"  # the form of a text that PostgreSQL can keep
# What comes through a path as it was sent: `../` at the front names another route, and no path has line ends.
IN_PATH = r"^[^\x00\r\n./][^\x00\r\n]*$"
NOT_BLANK = r"^[^\x00]*[^\x00\s][^\x00]*$"  # and that says something
_ASCII_KEY = {sign: chr(sign).upper() if chr(sign).isalnum() else None for sign in range(128)}
_NOT_IN_KEY = re.compile(r"[^0-9A-ZА-Я]+")
_ENDS_WITH_PLUS = re.compile(r"[0-9A-ZА-Я][^0-9A-ZА-Я]*\+[^0-9A-ZА-Я]*\Z")


def article_key(article: str) -> str:
    """The strict key: upper case, without spaces and punctuation, Cyrillic lookalikes read as Latin.

    `W 914/2` → `W9142`; `А17ДВРМ` → `A17ДBPM` (letters without a Latin twin stay Cyrillic). A plus at the end stays:
    `WR7DC+` is another plug than `WR7DC`. Two articles of one brand with the same key are the same product.
    """
    if article.isascii():  # nothing to normalise, and no lookalikes: nearly all articles, three times as fast
        text = article.upper()
        if text.isalnum():
            return text
    else:
        text = unicodedata.normalize("NFKC", article).upper().translate(_LOOKALIKES)
    key = _NOT_IN_KEY.sub("", text)
    return key + "+" if "+" in text and _ENDS_WITH_PLUS.search(text) else key


def article_loose(article: str) -> str:
    """The loose key, for search only: also О and 0, I and 1 are one, and a plus at the end does not count."""
    return loosened(article_key(article))


def loosened(key: str) -> str:
    """A strict key → the loose one."""
    return key.rstrip("+").replace("O", "0").replace("I", "1").replace("Q", "0")


def name_key(name: str) -> str:
    """The key under which a brand or alias is found: `MANN-FILTER` = `Mann Filter` = `mannfilter`."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    return "".join(c for c in text if c.isalnum())
