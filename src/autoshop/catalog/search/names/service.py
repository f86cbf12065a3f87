"""Verbs: products by words of their names; and the index of names, kept up with the products."""

from collections.abc import Sequence

from autoshop.catalog.brands import service as brands
from autoshop.catalog.search.categories.model import Lexicon
from autoshop.catalog.search.model import (
    MOST_CANDIDATES,
    MOST_NAMED,
    Candidate,
    Change,
    Match,
    Position,
    Window,
    in_order,
)
from autoshop.catalog.search.names import store
from autoshop.catalog.search.names.model import (
    COMPLETIONS,
    LEAST_FOR_PREFIX,
    LEAST_FOR_TWO,
    MOST_WORDS,
    Word,
    brand_lexeme,
    category_lexeme,
    edits,
    grams,
    groups_of,
    query_of,
    words_in,
)
from autoshop.kit.db import Connection
from autoshop.kit.scanner import as_if_latin, as_if_russian

MOST_CORRECTED = 4  # words of what is typed: more unknown ones are no misspelt name
INDEXED_AT_ONCE = 1_000  # products: a step is a transaction of a tenth of a second


async def understand(db: Connection, text: str, lexicon: Lexicon) -> tuple[list[Word], tuple[Change, ...]]:
    """The words of a text as names have them: in the other keyboard's letters, completed or corrected if need be.

    What names a brand, or belongs to a phrase of the lexicon, is known as well.
    """
    typed = words_in(text)
    other = as_if_russian(text.lower()) if text.isascii() else as_if_latin(text.lower())
    ways = [typed[:MOST_WORDS], words_in(other or "")[:MOST_WORDS]]
    known = await store.look(db, sorted({word for way in ways for word in way}))
    named = await brands.ids_of(db, [gram for way in ways for gram in grams(way)])
    changes = []
    if _sense(ways[1], known, named, lexicon) > _sense(ways[0], known, named, lexicon):
        changes.append(Change("layout", text, " ".join(ways[1])))
        ways.reverse()
    elif len(typed) > MOST_WORDS:
        changes.append(Change("ignored", " ".join(typed[MOST_WORDS:]), ""))
    words = []
    for one in _with_brands(ways[0], named):
        if (brand_id := named.get(one)) is not None:
            seen = known.get(one)
            words.append(Word(one, (seen.lexeme,) if seen and seen.lexeme else (), True, one, brand_id))
            continue
        lexeme = known[one].lexeme
        word = Word(one, (lexeme,) if lexeme else (), known[one].known or not one.isalpha() or lexicon.has(one), one)
        if lexeme and not word.known and len(changes) < MOST_CORRECTED:
            word, change = await _corrected(db, word, lexicon)
            changes += [change] if change else []
        words.append(word)
    return words, tuple(changes)


def _sense(way: list[str], known: dict[str, store.Known], named: dict[str, int], lexicon: Lexicon) -> int:
    """How many of the words make sense."""
    in_brands = {word for gram in grams(way) if gram in named for word in gram.split()}
    return sum(known[word].known or word in in_brands or lexicon.has(word) for word in set(way))


def _with_brands(words: list[str], named: dict[str, int]) -> list[str]:
    """The words, each once; those that are a brand's name together in one piece."""
    for gram in grams(words):
        parts = gram.split()
        if gram in named and len(parts) > 1:
            at = next(at for at in range(len(words)) if words[at : at + len(parts)] == parts)
            return [*_with_brands(words[:at], named), gram, *_with_brands(words[at + len(parts) :], named)]
    return list(dict.fromkeys(words))


async def _corrected(db: Connection, word: Word, lexicon: Lexicon) -> tuple[Word, Change | None]:
    """The word that was meant by one that no name has: one that begins so, else one a letter or two away."""
    typed = word.typed
    if len(typed) >= LEAST_FOR_PREFIX and (rows := await store.beginning(db, typed, COMPLETIONS)):
        lexemes = tuple(dict.fromkeys(row["lexeme"] for row in rows))
        return Word(typed, lexemes, True, rows[0]["word"]), Change("completed", typed, rows[0]["word"])
    if not word.can_be_mistyped:
        return word, None
    near = edits(typed)
    rows = sorted(await store.among(db, near), key=lambda row: (-row["seen"], row["word"]))
    if not rows and (phrased := sorted(near & lexicon.words)):
        return Word(typed, (), True, phrased[0]), Change("typo", typed, phrased[0])
    meant = rows[0] if rows else await store.near(db, typed) if len(typed) >= LEAST_FOR_TWO else None
    if meant is None:
        return word, None
    return Word(typed, (meant["lexeme"],), True, meant["word"]), Change("typo", typed, meant["word"])


async def find(
    db: Connection,
    words: Sequence[Word],
    *,
    brand_ids: Sequence[int] = (),
    category_ids: Sequence[int] = (),
    but_not_of: Sequence[int] = (),
    after: Position | None = None,
) -> Window:
    """Products whose names have all these words, the best first: of so many, and the answer says if there are more.

    Of given brands and categories only, where they are given, and of none of `but_not_of` (categories).
    """
    groups = groups_of(words)
    narrowed = [[brand_lexeme(one) for one in brand_ids], [category_lexeme(one) for one in category_ids]]
    asked = [group for group in (*groups, *narrowed) if group]
    if not asked:
        return Window()
    query = query_of(asked, [category_lexeme(one) for one in but_not_of])
    rows = await store.find(db, query, query_of(groups), MOST_NAMED)
    match: Match = "name" if groups else "category" if category_ids else "brand"
    found = [Candidate(row["product_id"], match, _place(row["rank"]), print=row["print"]) for row in rows]
    return Window(in_order(found, after), len(rows) == MOST_NAMED)


def _place(rank: float) -> str:
    """A higher rank sorts first."""
    return f"{1e6 - min(rank, 0.999999) * 1e6:07.0f}"


async def of_categories(db: Connection, category_ids: Sequence[int], after: Position | None) -> Window:
    """All products of some categories, by key, page after page."""
    ids = await store.of_categories(db, category_ids, after[2] if after else 0, MOST_CANDIDATES + 1)
    found = [Candidate(product_id, "category") for product_id in ids[:MOST_CANDIDATES]]
    return Window(in_order(found), len(ids) > MOST_CANDIDATES, endless=True)


async def index_some(db: Connection) -> bool:
    """Index some of the products that have changed; whether there were any. One at a time, whoever calls.

    The mark of a change is written by the transaction that changes, and taken out by this one: whatever is committed
    later leaves a mark of its own, and is looked at again.
    """
    if not await store.alone(db):
        return False
    ranges = await store.take(db, INDEXED_AT_ONCE)
    if ranges:
        await store.index(db, sorted({one for first, last in ranges for one in range(first, last + 1)}))
    return bool(ranges)
