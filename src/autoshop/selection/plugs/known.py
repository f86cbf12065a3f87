"""What published tables say of a code: which stand for it, makers' numbers, cars, and what it is mistaken for."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from autoshop.kit.facts import Confidence
from autoshop.kit.text import article_key
from autoshop.selection.plugs.facts import CarGroup, Link, Pair, Refused, Trap, facts

Code = tuple[str, str]  # brand, and the key of its code
Kind = Literal["table", "oe", "analog", "supersession"]
RANKS: tuple[Confidence, ...] = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Mention:
    """Another code that somebody published as standing for this one."""

    brand: str
    code: str
    kind: Kind  # table: of analogs
    note: str
    confidence: Confidence
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Index:
    printed: dict[Code, str]
    in_tables: dict[Code, str]
    mentions: dict[Code, list[Mention]]
    by_key: dict[str, list[Code]]
    cars: dict[str, list[CarGroup]]
    refused: dict[Code, list[tuple[Refused, Code]]]


def listed(brand: str, key: str) -> str | None:
    """A code as the tables print it, or None for one that they do not have."""
    return _index().printed.get((brand, article_key(key)))


def brands_that_list(code: str) -> list[tuple[str, str]]:
    """Brand and code as printed, for each brand that has it in a table: makers' numbers too."""
    index = _index()
    return [(brand, index.printed[brand, key]) for brand, key in index.by_key.get(article_key(code), [])]


def all_codes() -> list[tuple[str, str]]:
    """Brand and code of everything that stands in a table."""
    return [(brand, code) for (brand, _), code in _index().in_tables.items()]


def every_code() -> list[tuple[str, str]]:
    """Brand and code of everything that stands in a table or in a maker's catalogue."""
    return [(brand, code) for (brand, _), code in _index().printed.items()]


def mentioned_with(brand: str, code: str) -> list[Mention]:
    """What was published together with a code, surest first, each once."""
    return _index().mentions.get((brand, article_key(code)), [])


def cars_with(code: str) -> list[CarGroup]:
    """Groups of cars that take the code itself."""
    return _index().cars.get(article_key(code), [])


def refused_with(brand: str, code: str) -> list[tuple[Refused, str, str]]:
    """What must not stand for a code although it is taken for it: the reason, and the other's brand and code."""
    index = _index()
    found = index.refused.get((brand, article_key(code)), [])
    return [(why, other, index.printed.get((other, key), key)) for why, (other, key) in found]


def traps_of(brand: str) -> list[Trap]:
    """Wrong pages about a brand's codes."""
    return [trap for trap in facts().traps if trap.brand == brand]


def numbers_of_heat(heat: float) -> dict[str, list[str]]:
    """The numbers that makers write for a heat of the NGK scale, by brand, as the files have them."""
    found: dict[str, list[str]] = {}
    for (brand, number), one in facts().heats.items():
        if one.ngk == heat:
            found.setdefault(brand, []).append(number)
    return found


@cache
def _index() -> _Index:
    known = facts()
    index = _Index({}, {}, defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(list))
    for brand, code in _all_codes():
        at = brand, article_key(code)
        if at not in index.printed:
            index.printed[at] = code
            index.by_key[at[1]].append(at)
    index.in_tables.update(index.printed)
    for at, plug in known.plugs.items():
        if at not in index.printed:
            index.printed[at] = plug.code
            index.by_key[at[1]].append(at)
    for pair in known.pairs:
        _mention(index, (pair.brand, pair.code), (pair.other_brand, pair.other_code), "table", "", pair)
    for link in known.links:
        if link.other_brand is not None and link.other_code is not None:
            _mention(index, (link.brand, link.code), (link.other_brand, link.other_code), link.kind, link.use, link)
    for group in known.cars:
        for code in group.plugs:
            index.cars[article_key(code)].append(group)
    for why in known.refused:
        one, other = (why.brand, article_key(why.code)), (why.other_brand, article_key(why.other_code))
        index.refused[one].append((why, other))
        index.refused[other].append((why, one))
    for found in index.mentions.values():
        found.sort(key=lambda one: RANKS.index(one.confidence))
    return index


def _mention(index: _Index, one: Code, other: Code, kind: Kind, note: str, fact: Pair | Link) -> None:
    """Both ways; what several tables have is one mention with all their sources, as sure as the surest."""
    for (brand, code), (with_brand, with_code) in ((one, other), (other, one)):
        there = index.mentions[brand, article_key(code)]
        same = next((m for m in there if (m.brand, article_key(m.code)) == (with_brand, article_key(with_code))), None)
        if same is None:
            there.append(Mention(with_brand, with_code, kind, note, fact.confidence, fact.source))
            continue
        there.remove(same)
        surest = min(fact.confidence, same.confidence, key=RANKS.index)
        source = tuple(dict.fromkeys((*same.source, *fact.source)))
        there.append(Mention(with_brand, with_code, same.kind, same.note or note, surest, source))


def _all_codes() -> Iterator[tuple[str, str]]:
    known = facts()
    for pair in known.pairs:
        yield pair.brand, pair.code
        yield pair.other_brand, pair.other_code
    for link in known.links:
        yield link.brand, link.code
        if link.other_brand is not None and link.other_code is not None:
            yield link.other_brand, link.other_code
    for why in known.refused:
        yield why.brand, why.code
        yield why.other_brand, why.other_code
