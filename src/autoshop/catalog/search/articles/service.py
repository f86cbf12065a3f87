"""Verbs: products by an article, by a code, by an article that is nearly one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autoshop.catalog.brands import service as brands
from autoshop.catalog.products.model import as_scanned
from autoshop.catalog.search.articles import store
from autoshop.catalog.search.articles.model import (
    LEAST_FOR_PREFIX,
    LEAST_FOR_TWO,
    LEAST_FOR_TYPO,
    MOST_FOR_TYPO,
    Spelling,
    distance,
    edits,
    parts,
    spellings,
)
from autoshop.catalog.search.articles.store import Found
from autoshop.catalog.search.model import MOST_CANDIDATES, RANKS, Candidate, Change, Match, Position, Window, in_order
from autoshop.kit.db import Connection

MOST_WORDS = 6  # of what may be a brand and an article
MOST_BRAND_WORDS = 3
MOST_KEYS = 3  # that one text may stand for, where typos are looked for
MEASURED = 1_000  # articles that share a part of a key
TWO = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text: an article, of a brand if one was named; `brand` is how it was typed."""

    text: str
    spellings: tuple[Spelling, ...]
    brand_id: int | None = None
    brand: str | None = None


async def readings(db: Connection, texts: Sequence[str]) -> dict[str, list[Reading]]:
    """How each text may be read: as a whole, and with a brand at its front or end. One statement for all."""
    splits = {text: _splits(text) for text in texts}
    names = {brand for ways in splits.values() for brand, _ in ways}
    known = await brands.ids_of(db, sorted(names)) if names else {}
    found = {}
    for text in texts:
        ways = [Reading(text, tuple(spellings(text)))]
        for brand, rest in splits[text]:
            if brand in known and (keys := spellings(rest)):
                ways.append(Reading(rest, tuple(keys), known[brand], brand))
        found[text] = ways
    return found


def _splits(text: str) -> list[tuple[str, str]]:
    """(what may be the brand, what is left), the longest brand first."""
    words = text.split()
    if not 1 < len(words) <= MOST_WORDS:
        return []
    sizes = range(min(MOST_BRAND_WORDS, len(words) - 1), 0, -1)
    front = [(" ".join(words[:size]), " ".join(words[size:])) for size in sizes]
    return front + [(" ".join(words[-size:]), " ".join(words[:-size])) for size in sizes]


async def exactly(db: Connection, ways: dict[str, list[Reading]]) -> dict[str, list[Candidate]]:
    """For each text the products that it names beyond doubt, or but for О and 0 or the keyboard. One statement."""
    keys = {one.loose for readings in ways.values() for way in readings for one in way.spellings}
    by_loose: dict[str, list[Found]] = {}
    for found in await store.by_keys(db, keys, MOST_CANDIDATES * 5):
        by_loose.setdefault(found.article_loose, []).append(found)
    return {
        text: list(in_order([one for way in readings for one in _named(text, way, by_loose)]))
        for text, readings in ways.items()
    }


def _named(text: str, way: Reading, by_loose: dict[str, list[Found]]) -> Iterable[Candidate]:
    for spelling in way.spellings:
        for found in by_loose.get(spelling.loose, ()):
            yield Candidate(found.product_id, _match(way, spelling, found), found.article_loose, text)


def _match(way: Reading, spelling: Spelling, found: Found) -> Match:
    if way.brand_id is not None and found.brand_id != way.brand_id:
        return "other_brand"
    if spelling.layout is not None:
        return "layout"
    if found.article_key != spelling.key:
        return "loose"
    return "exact" if way.brand_id is None else "brand+article"


async def by_codes(db: Connection, text: str) -> list[Candidate]:
    """The products with this barcode or SKU."""
    code = "".join(text.split())
    found = await store.by_codes(db, as_scanned(code), sorted({text, code}))
    return [Candidate(one.product_id, "barcode" if by == "barcode" else "sku", one.article_loose) for one, by in found]


async def near(db: Connection, ways: list[Reading], after: Position | None) -> Window:
    """Products whose article is nearly what was typed: it begins or ends so, or has a typo, or two.

    What is surer is looked for first; typos only where nothing begins or ends so. A list of what begins so goes on page
    after page.
    """
    if after is not None and after[0] > RANKS["prefix"]:
        after_prefix = None
    else:
        after_prefix = (after[1], after[2]) if after is not None and after[0] == RANKS["prefix"] else None
        found = await _beginning(db, ways, after_prefix)
        if found.candidates or after_prefix:
            return found
    # A slip of the keyboard and a typo at once are only looked for in what is then Latin: most articles are.
    spelt = [one for way in reversed(ways) for one in way.spellings if one.layout is None or one.key.isascii()]
    keys = list(dict.fromkeys(one.loose for one in spelt))[:MOST_KEYS]
    for look in (_ending, _one_typo, _two_typos):
        window = await look(db, ways, keys)
        if window.candidates:
            return Window(in_order(list(window.candidates), after), window.more, changes=window.changes)
    return Window()


async def _beginning(db: Connection, ways: list[Reading], after: tuple[str, int] | None) -> Window:
    for way in reversed(ways):  # with the brand first: it says more
        for spelling in way.spellings:
            if len(spelling.loose) < LEAST_FOR_PREFIX:
                continue
            limit = MOST_CANDIDATES + 1
            rows = []
            if way.brand_id is not None:
                rows = await store.of_brand(db, way.brand_id, spelling.loose, after, limit)
            if not rows:
                rows = await store.beginning(db, spelling.loose, after, limit)
                rows = [one for one in rows if way.brand_id in (None, one.brand_id)]
            if rows:
                return _window(rows, "prefix", endless=True, changes=_layout_change(way, spelling))
    return Window()


async def _ending(db: Connection, ways: list[Reading], keys: list[str]) -> Window:
    for key in keys:
        if len(key) >= LEAST_FOR_TYPO and (rows := await store.ending(db, key, MOST_CANDIDATES + 1)):
            return _window(_of_brands(rows, ways), "suffix")
    return Window()


async def _one_typo(db: Connection, ways: list[Reading], keys: list[str]) -> Window:
    wanted = {one for key in keys if LEAST_FOR_TYPO <= len(key) <= MOST_FOR_TYPO for one in edits(key)}
    rows = await store.by_keys(db, wanted, MOST_CANDIDATES + 1) if wanted else []
    return _window(_of_brands(rows, ways), "typo")


async def _two_typos(db: Connection, ways: list[Reading], keys: list[str]) -> Window:
    rows = []
    for key in keys:
        if LEAST_FOR_TWO <= len(key) <= MOST_FOR_TYPO:
            first, last = parts(key)
            near = await store.near(db, key, {first, *edits(first)}, last, MEASURED, MOST_CANDIDATES)
            rows += [one for one in near if distance(one.article_loose, key) <= TWO]
    return _window(_of_brands(rows, ways), "typo2")


def _of_brands(rows: list[Found], ways: list[Reading]) -> list[Found]:
    """Those of the brand that was named, where some are."""
    named = {way.brand_id for way in ways if way.brand_id is not None}
    return [one for one in rows if one.brand_id in named] or rows


def _window(rows: list[Found], match: Match, *, endless: bool = False, changes: tuple[Change, ...] = ()) -> Window:
    found = [Candidate(one.product_id, match, one.article_loose) for one in rows[:MOST_CANDIDATES]]
    return Window(in_order(found), len(rows) > MOST_CANDIDATES, endless, changes)


def _layout_change(way: Reading, spelling: Spelling) -> tuple[Change, ...]:
    return (Change("layout", way.text, spelling.layout),) if spelling.layout else ()


async def of_brand(db: Connection, brand_id: int, after: Position | None) -> Window:
    """All products of a brand, in the order of articles."""
    rows = await store.of_brand(db, brand_id, "", after and (after[1], after[2]), MOST_CANDIDATES + 1)
    return _window(rows, "brand", endless=True)


async def of_beginning(db: Connection, text: str, limit: int) -> list[int]:
    """Products whose article begins so, for whoever is still typing."""
    keys = [one.loose for one in spellings(text) if len(one.loose) >= LEAST_FOR_PREFIX]
    for key in keys:
        if rows := await store.beginning(db, key, None, limit):
            return [one.product_id for one in rows]
    return []
