"""Keys of articles and names: what two people type differently and mean the same."""

import re
import unicodedata

# Cyrillic letters that look like Latin ones on a box, a label or in a price list.
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХЁІЈЅ", "ABEKMHOPCTYXEIJS")
NO_NUL = r"^[^\x00]*$"  # the form of a text that PostgreSQL can keep
NOT_BLANK = r"^[^\x00]*[^\x00\s][^\x00]*$"  # and that says something
_ASCII_KEY = {sign: chr(sign).upper() if chr(sign).isalnum() else None for sign in range(128)}
_NOT_IN_KEY = re.compile(r"[^0-9A-ZА-Я]+")


def article_key(article: str) -> str:
    """The strict key: upper case, without spaces and punctuation, Cyrillic lookalikes read as Latin.

    `W 914/2` → `W9142`; `А17ДВРМ` → `A17ДBPM` (letters without a Latin twin stay Cyrillic).
    A plus at the end stays: Bosch WR7DC and WR7DC+ are two plugs.
    Two articles of one brand with the same key are the same product.
    """
    if article.isascii():  # nothing to normalise, and no lookalikes: nearly all articles, six times as fast
        key = article.translate(_ASCII_KEY)
    else:
        article = unicodedata.normalize("NFKC", article)
        key = _NOT_IN_KEY.sub("", article.upper().translate(_LOOKALIKES))
    return key + "+" if "+" in article and key and article.rstrip().endswith("+") else key


def article_loose(article: str) -> str:
    """The loose key, for search only: also О and 0, I and 1 are one, and a plus at the end does not count."""
    return loosened(article_key(article))


def loosened(key: str) -> str:
    """A strict key → the loose one."""
    return key.replace("O", "0").replace("I", "1").replace("Q", "0").rstrip("+")


def name_key(name: str) -> str:
    """The key under which a brand or alias is found: `MANN-FILTER` = `Mann Filter` = `mannfilter`."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    return "".join(c for c in text if c.isalnum())
