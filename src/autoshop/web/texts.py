"""Every word of the pages, in Russian and English: `texts/ru.toml`, `texts/en.toml`, with the same keys."""

import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from autoshop.kit.language import Language

Say = Callable[..., str]


@cache
def texts(language: Language) -> dict[str, str]:
    """Texts by key: `stock.available` is `available` in the table `[stock]`."""
    found = tomllib.loads((files("autoshop.web") / "texts" / f"{language}.toml").read_text("utf-8"))
    return {f"{table}.{key}": text for table, entries in found.items() for key, text in entries.items()}


def has(key: str) -> bool:
    """Whether there are words for it."""
    return key in texts("ru")


@cache
def speaker(language: Language) -> Say:
    """`say("done.sale", pieces=2, left=8)`: a text with its facts filled in. An unknown key is a bug, and raises."""
    known = texts(language)

    def say(key: str, **facts: Any) -> str:
        return known[key].format_map(facts)

    return say
