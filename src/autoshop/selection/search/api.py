"""Routes: the one box, and what it suggests while somebody types."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.search.categories.model import Hit, Lexicon
from autoshop.catalog.search.model import Match, Shown
from autoshop.inventory.availability.api import Promise
from autoshop.inventory.availability.texts import eta_text
from autoshop.kit.fields import Spoken
from autoshop.kit.language import Language
from autoshop.kit.money import MOST_KOPECKS
from autoshop.kit.paging import Cursor, decode_cursor, encode_cursor
from autoshop.selection.search import service, texts
from autoshop.selection.search.facets import Facets
from autoshop.selection.search.model import Filters, Item, Kind, Looks, When
from autoshop.selection.search.service import Page

router = APIRouter(prefix="/api/v1/search", tags=["selection"])

MOST_ITEMS = 100
Text = Annotated[
    str, Query(description="an article or several, a brand, a VIN, a barcode, a category, a complaint, words of a name")
]
Id = Annotated[int | None, Query(ge=1, lt=2**63)]
Kopecks = Annotated[int | None, Query(ge=0, le=MOST_KOPECKS, description="of the retail price")]


class Named(BaseModel):
    id: int
    name: str


class ChangeOut(BaseModel):
    """What was changed in what was typed, in words too."""

    what: Literal["layout", "typo", "completed", "ignored", "vin", "control"]
    typed: str
    read_as: str
    reason: str


class CategoryOut(Named):
    """A category that was meant: `by` its name or by a complaint, which is `phrase`; `score` 1 = all of the phrase.

    `confidence` and `source` are those of the fact; null for names that the shop gave itself.
    """

    code: str
    by: Literal["name", "symptom"]
    phrase: str
    score: float
    confidence: str | None
    source: list[str]
    reason: str


class LineOut(BaseModel):
    """One of several articles that were asked for at once."""

    text: str
    product_ids: list[int]


class Understood(BaseModel):
    """How the text was read. `reason` says what it looks like where no product answers it."""

    kind: Kind
    text: str
    looks_like: Looks
    reason: str | None
    vin: str | None
    brand_ids: list[int]
    changes: list[ChangeOut]
    categories: list[CategoryOut]
    lines: list[LineOut]
    facts: dict[str, Any]


class ProductFound(BaseModel):
    """A product as a list shows it; the price is the retail one in force."""

    id: int
    brand_id: int
    brand: str
    article: str
    name: str
    category_id: int | None
    unit: str
    price_kopecks: int | None


class StockFound(Promise):
    """Free pieces as they are at this moment, at the asked store (null: none was asked for) and everywhere.

    The promise is that of the asked store, else the best of all; `store_id` keeps it.
    """

    available: int
    available_here: int | None
    store_id: int | None
    when: Literal["today", "tomorrow", "later", "never"]


class ItemOut(BaseModel):
    """A product of the answer, why it is here, and which of several texts it answers."""

    product_id: int
    product: ProductFound
    match: Match
    asked: str | None
    reason: str
    stock: StockFound


class Count(Named):
    products: int


class FacetsOut(BaseModel):
    """Counts over the first `counted` products; `bounded`: there are more, which were not counted."""

    counted: int
    bounded: bool
    brands: list[Count]
    categories: list[Count]
    stores: list[Count]
    on_hand: int
    today: int
    tomorrow: int
    lowest_kopecks: int | None
    highest_kopecks: int | None


class SearchPage(BaseModel):
    """`products`: so many were found here; `or_more`: not everything was counted. Facets come with the first page.

    `catching_up`: products have changed that are not indexed yet: a name may be missing for a moment, articles never.
    """

    understood: Understood
    items: list[ItemOut]
    products: int
    or_more: bool
    facets: FacetsOut | None
    catching_up: bool
    next_page: str | None


class Suggested(BaseModel):
    """Words complete the last word that was typed: `text` is the whole line then."""

    products: list[ProductFound]
    words: list[str]
    categories: list[CategoryOut]
    brands: list[Named]


@router.get("")
async def search(
    request: Request,
    language: Spoken,
    _caller: Annotated[Caller, needs("catalog:read")],
    q: Text,
    brand_id: Id = None,
    category_id: Id = None,
    store_id: Id = None,
    when: Annotated[When | None, Query(description="tomorrow: today or tomorrow; at `store_id`, else anywhere")] = None,
    price_from_kopecks: Kopecks = None,
    price_to_kopecks: Kopecks = None,
    facets: Annotated[bool, Query(description="with the first page only")] = True,
    page: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 20,
) -> SearchPage:
    """Products that a line of text means: the exact ones, what replaces them, then nearly the same.

    Nothing is an error here: a text that leads nowhere is answered by what it looks like.
    """
    filters = Filters(brand_id, category_id, store_id, when, price_from_kopecks, price_to_kopecks)
    after = decode_cursor(page, "search", int, str, int)
    now = datetime.now(UTC)
    async with request.app.state.pool.acquire() as db:
        found = await service.search(db, q, filters, after, limit, now, facets=facets and after is None)
    return page_out(found, filters, now, language)


@router.get("/suggestions")
async def suggestions(
    request: Request,
    language: Spoken,
    _caller: Annotated[Caller, needs("catalog:read")],
    q: Text,
) -> Suggested:
    """What may be meant by the beginning of a text: articles, words, categories, brands; a handful of each."""
    async with request.app.state.pool.acquire() as db:
        found = await service.suggest(db, q)
    return Suggested(
        products=[_product(one) for one in found.products],
        words=[found.text + word for word in found.words],
        categories=[_category(hit, found.lexicon, language) for hit in found.categories],
        brands=[Named(id=brand_id, name=name) for brand_id, name in found.brands],
    )


def page_out(page: Page, filters: Filters, now: datetime, language: Language) -> SearchPage:
    """A page of the answer as the API, and the shop, tell it."""
    outcome = page.outcome
    return SearchPage(
        understood=Understood(
            kind=outcome.kind,
            text=outcome.text,
            looks_like=outcome.looks_like,
            reason=None if page.items or outcome.categories else texts.nothing(outcome, language),
            vin=outcome.vin,
            brand_ids=list(outcome.brand_ids),
            changes=[
                ChangeOut(what=one.what, typed=one.typed, read_as=one.read_as, reason=texts.changed(one, language))
                for one in outcome.changes
            ],
            categories=[_category(hit, page.lexicon, language) for hit in outcome.categories],
            lines=[LineOut(text=one.text, product_ids=list(one.product_ids)) for one in outcome.lines],
            facts=outcome.facts,
        ),
        items=[_item(item, filters, now, language) for item in page.items],
        products=page.products,
        or_more=page.more,
        facets=_facets(page, page.facets, language) if page.facets else None,
        catching_up=page.catching_up,
        next_page=encode_cursor("search", *page.after) if page.after else None,
    )


def _item(item: Item, filters: Filters, now: datetime, language: Language) -> ItemOut:
    candidate, stock = item.candidate, item.stock
    promise = stock.availability
    return ItemOut(
        product_id=item.shown.id,
        product=_product(item.shown),
        match=candidate.match,
        asked=candidate.asked,
        reason=texts.why(candidate, item.shown, language),
        stock=StockFound(
            available=stock.everywhere,
            available_here=stock.here,
            store_id=stock.store.id if stock.store and promise.eta_at else None,
            status=promise.status,
            eta_minutes=promise.eta_minutes(now),
            eta_at=promise.eta_at,
            eta_text=eta_text(promise, stock.store.calendar, now, language)
            if stock.store
            else {"ru": "нет в наличии", "en": "not available"}[language],
            when=item.when,
        ),
    )


def _product(shown: Shown) -> ProductFound:
    return ProductFound(**{name: getattr(shown, name) for name in ProductFound.model_fields})


def _category(hit: Hit, lexicon: Lexicon, language: Language) -> CategoryOut:
    category = lexicon.categories[hit.category_id]
    name = category.name_ru if language == "ru" else category.name_en
    return CategoryOut(
        id=category.id,
        name=name,
        code=category.code,
        by=hit.phrase.kind,
        phrase=hit.phrase.text,
        score=hit.score,
        confidence=hit.phrase.confidence,
        source=list(hit.phrase.source),
        reason=texts.why_category(hit.phrase.kind, hit.phrase.text, name, language),
    )


def _facets(page: Page, facets: Facets, language: Language) -> FacetsOut:
    known = page.lexicon.categories
    names = {one.id: one.name_ru if language == "ru" else one.name_en for one in known.values()}
    return FacetsOut(
        counted=facets.counted,
        bounded=facets.bounded,
        brands=[Count(id=one, name=facets.brand_names[one], products=n) for one, n in facets.brands],
        categories=[Count(id=one, name=names.get(one, ""), products=n) for one, n in facets.categories],
        stores=[Count(id=one, name=page.store_names.get(one, ""), products=n) for one, n in facets.stores],
        on_hand=facets.on_hand,
        today=facets.today,
        tomorrow=facets.tomorrow,
        lowest_kopecks=facets.lowest_kopecks,
        highest_kopecks=facets.highest_kopecks,
    )
