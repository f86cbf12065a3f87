"""Verbs: the answer to one line of text, page by page; and what somebody may be about to type."""

from dataclasses import dataclass
from datetime import datetime

from autoshop.catalog.search import store
from autoshop.catalog.search.articles.service import of_beginning
from autoshop.catalog.search.categories import service as categories
from autoshop.catalog.search.categories.model import Hit, Lexicon, stem
from autoshop.catalog.search.model import MOST_CANDIDATES, Candidate, Position, Shown, is_still_so
from autoshop.catalog.search.names import store as names
from autoshop.catalog.search.names.model import words_in
from autoshop.inventory.availability import service as availability
from autoshop.inventory.stores import store as stores
from autoshop.kit.db import Connection
from autoshop.kit.scanner import as_if_latin, as_if_russian
from autoshop.kit.text import name_key
from autoshop.selection.search.facets import Facets, facets_of, when_of
from autoshop.selection.search.finding import find
from autoshop.selection.search.model import Filters, Item, Outcome, Shape, shape_of

MOST_SUGGESTED = 8


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the answer. `more`: there are more products than were looked at; `after`: where the next page begins.

    `catching_up`: products have changed that the index of names does not have yet.
    """

    outcome: Outcome
    items: list[Item]
    products: int
    more: bool
    after: Position | None
    facets: Facets | None
    lexicon: Lexicon
    store_names: dict[int, str]
    catching_up: bool


async def search(
    db: Connection, typed: str, filters: Filters, after: Position | None, limit: int, now: datetime, *, facets: bool
) -> Page:
    """What a text means, and a page of the products that answer it, with their stock as it is at this moment."""
    outcome = await find(db, typed, filters, after)
    lexicon = await categories.lexicon(db)
    looked_at = outcome.window.candidates[:MOST_CANDIDATES]
    behind = outcome.window.more or len(outcome.window.candidates) > MOST_CANDIDATES
    shown = await store.show(db, [one.product_id for one in looked_at]) if looked_at else {}
    wanted = [
        one
        for one in looked_at
        if one.product_id in shown and _passes(outcome, one, shown[one.product_id], filters, lexicon)
    ]
    needs_all = facets or filters.when is not None
    items = await _stocked(db, wanted if needs_all else wanted[:limit], shown, filters, now)
    items = [item for item in items if item.can_be_had(filters.when)]
    page = items[:limit]
    counted = facets_of(items, bounded=behind) if facets else None
    return Page(
        outcome,
        page,
        products=len(items) if needs_all else len(wanted),
        more=behind,
        after=_next(outcome, page, items if needs_all else wanted, looked_at),
        facets=counted,
        lexicon=lexicon,
        store_names=await stores.names_of(db, [store_id for store_id, _ in counted.stores] if counted else []),
        catching_up=await names.is_behind(db),
    )


def _next(
    outcome: Outcome, page: list[Item], found: list[Item] | list[Candidate], looked_at: tuple[Candidate, ...]
) -> Position | None:
    """After the last product of the page; or, where the page has all that passed, after the last that was looked at."""
    if len(found) > len(page):
        return page[-1].candidate.position
    window = outcome.window
    if looked_at and ((window.more and window.endless) or len(window.candidates) > len(looked_at)):
        return looked_at[-1].position
    return None


def _passes(outcome: Outcome, one: Candidate, shown: Shown, filters: Filters, lexicon: Lexicon) -> bool:
    """Whether a product is still what the index said, and is not filtered out."""
    if not is_still_so(one, shown) or (one.match == "brand" and shown.brand_id not in outcome.brand_ids):
        return False
    if filters.brand_id is not None and shown.brand_id != filters.brand_id:
        return False
    if filters.category_id is not None and shown.category_id not in lexicon.with_all_below([filters.category_id]):
        return False
    price = shown.price_kopecks
    if filters.price_from_kopecks is not None and (price is None or price < filters.price_from_kopecks):
        return False
    return filters.price_to_kopecks is None or (price is not None and price <= filters.price_to_kopecks)


async def _stocked(
    db: Connection, candidates: list[Candidate], shown: dict[int, Shown], filters: Filters, now: datetime
) -> list[Item]:
    if not candidates and filters.store_id is None:
        return []
    ids = [one.product_id for one in candidates]
    stock = await availability.look_up_many(db, ids, filters.store_id, now)
    return [
        Item(one, shown[one.product_id], stock[one.product_id], when_of(stock[one.product_id], now))
        for one in candidates
    ]


# ---------------------------------------------------------------------------- suggestions
@dataclass(frozen=True, slots=True)
class Suggestions:
    """What may be meant by the beginning of a text. Words complete its last word; `text` is the beginning before it."""

    shape: Shape
    text: str
    products: list[Shown]
    words: list[str]
    categories: list[Hit]
    brands: list[tuple[int, str]]
    lexicon: Lexicon


async def suggest(db: Connection, typed: str) -> Suggestions:
    """Articles, words, categories and brands that begin so; in the letters of the other keyboard, if none does."""
    shape, lexicon = shape_of(typed), await categories.lexicon(db)
    if shape.looks_like in ("empty", "short", "long", "signs"):
        return Suggestions(shape, "", [], [], [], [], lexicon)
    found = await _begun(db, shape, shape.text, lexicon)
    if not (found.products or found.words or found.categories or found.brands):
        other = as_if_russian(shape.text.lower()) if shape.text.isascii() else as_if_latin(shape.text.lower())
        if other:
            found = await _begun(db, shape, other, lexicon)
    return found


async def _begun(db: Connection, shape: Shape, text: str, lexicon: Lexicon) -> Suggestions:
    words = words_in(text)
    last = words[-1] if words else ""
    ids = await of_beginning(db, text, MOST_SUGGESTED)
    shown = await store.show(db, ids) if ids else {}
    rows = await names.beginning(db, last, MOST_SUGGESTED) if len(last) > 1 and last.isalpha() else []
    brands = await store.brands_beginning(db, name_key(text), MOST_SUGGESTED) if name_key(text) else []
    return Suggestions(
        shape,
        text[: len(text) - len(last)] if words and text.lower().endswith(last) else "",
        [shown[one] for one in ids if one in shown],
        [row["word"] for row in rows],
        lexicon.begun([stem(word) for word in words[:-1]], last)[:MOST_SUGGESTED] if last else [],
        brands,
        lexicon,
    )
