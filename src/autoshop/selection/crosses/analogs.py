"""Verb: what may stand for a product of the shop, how each is linked to it, and when it can be had.

Links are walked two steps both ways, from the product's article and from every number that it ever had. Of spark plugs
the checker has the last word on the way's ends: two good links may lead to a plug that does not fit.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from autoshop.accounts.model import Caller
from autoshop.catalog.brands import service as brands
from autoshop.catalog.products import service as products
from autoshop.catalog.products import store as catalogue
from autoshop.catalog.products.model import Product
from autoshop.inventory.availability import service as availability
from autoshop.inventory.availability.service import InBrief
from autoshop.kit.db import Connection
from autoshop.kit.text import article_key
from autoshop.selection.crosses import store
from autoshop.selection.crosses.model import CONFIDENCES, FITS, Article, Fit, Step, Way, newest
from autoshop.selection.memory.service import Memory, recalled
from autoshop.selection.plugs import service as plugs
from autoshop.selection.plugs.coding import spec_of
from autoshop.selection.plugs.model import Check, Spec, compare

BOUNDS = {"first": 5_000, "through": 500, "second": 200, "most": 5_000}
MOST_NUMBERS = 50  # supersessions that are followed, each way
MOST_OFFERS = 200  # products whose stock is looked at
MOST_OTHERS = 100  # articles told that the shop does not sell
RETAIL = "retail"


@dataclass(frozen=True, slots=True)
class Analog:
    """A product that may stand for another, or (without an offer) an article that the shop does not sell."""

    article: Article
    way: Way | None  # None: by its spec alone
    fit: Fit
    check: Check | None  # of two spark plugs
    spec: Spec | None
    product: Product | None = None
    promised: InBrief | None = None

    @property
    def at(self) -> tuple[int, str]:
        """Brand and key of its article."""
        return self.article.brand_id, self.article.article_key

    @property
    def is_accepted(self) -> bool:
        """Whether a person said that it may, against the checker."""
        return self.way is not None and any(step.verdict == "accepted" for step in self.way.steps)


@dataclass(frozen=True, slots=True)
class Analogs:
    """`names` of articles on the ways by id, `sources` of links by id. `cut`: there are more than were looked at."""

    product: Product
    spec: Spec | None
    newest: Article | None
    items: list[Analog]
    refused: list[Analog]
    others: list[Analog]
    names: dict[int, Article]
    sources: dict[int, str]
    cut: bool


async def analogs_of(
    db: Connection,
    caller: Caller,
    product_id: int,
    store_id: int | None,
    now: datetime,
    memory: Memory | None = None,
) -> Analogs:
    """What may stand for a product: by fit, then by time to the buyer, then by price. Stock is that of this moment."""
    product = await products.get_product(db, caller, product_id)
    start = await store.find_article(db, product.brand_id, article_key(product.article))
    ways, newest_id = await ways_from(db, start, memory)
    names = await named(db, {way.to_id for way in ways} | {s.from_id for way in ways for s in way.steps})
    makers = await plugs.makers(db, ())
    spec = _spec(makers, product.brand_id, product.article)
    is_plug = product.brand_id in makers
    found = [_judged(way, names[way.to_id], makers, spec, is_plug) for way in ways]
    found += await _of_same_spec(db, makers, product, spec, {one.at for one in found})
    offered, others = await _offered(db, caller, found, store_id, now)
    return Analogs(
        product,
        spec,
        names.get(newest_id) if newest_id != start and newest_id is not None else None,
        sorted((one for one in offered if _may_stand(one)), key=_order),
        sorted((one for one in offered if not _may_stand(one)), key=_order),
        [one for one in others if _may_stand(one)][:MOST_OTHERS],
        names,
        await store.sources(db, {step.source_id for one in (*offered, *others) if one.way for step in one.way.steps}),
        len(ways) >= BOUNDS["most"] or len(offered) >= MOST_OFFERS,
    )


async def named(db: Connection, ids: Collection[int]) -> dict[int, Article]:
    """Articles by number, with what their brands are called."""
    found = await store.articles(db, ids)
    names = await brands.names_of(db, {one.brand_id for one in found.values()})
    return {number: replace(one, brand=names.get(one.brand_id, "")) for number, one in found.items()}


async def ways_from(db: Connection, start: int | None, memory: Memory | None = None) -> tuple[list[Way], int | None]:
    """Every way from an article, shortest first; and the number that it has now."""
    if start is None:
        return [], None
    shape = tuple[list[Way], int | None]
    return await recalled(memory, db, ("ways", start), shape, lambda: _ways_from(db, start))


async def _ways_from(db: Connection, start: int) -> tuple[list[Way], int | None]:
    newer, older = await store.chain(db, start, MOST_NUMBERS)
    renamed: dict[int, Way] = {start: Way(start, ())}
    for step in (*newer, *older):
        if step.from_id in renamed and step.to_id not in renamed:
            renamed[step.to_id] = Way(step.to_id, (*renamed[step.from_id].steps, step))
    walked = await store.walk(db, list(renamed), **BOUNDS)
    ways = [way for way in renamed.values() if way.steps]
    ways += [Way(way.to_id, (*renamed[way.steps[0].from_id].steps, *way.steps)) for way in walked]
    return ways, newest(start, [(step.from_id, step.to_id) for step in newer])


def _spec(makers: dict[int, str], brand_id: int, article: str) -> Spec | None:
    maker = makers.get(brand_id)
    return None if maker is None else spec_of(maker, article)


def _judged(way: Way, article: Article, makers: dict[int, str], base: Spec | None, is_plug: bool) -> Analog:
    """The checker is asked where both brands make plugs: a car maker's number says nothing that could be compared."""
    spec = _spec(makers, article.brand_id, article.article)
    both = is_plug and article.brand_id in makers and (base is not None or spec is not None)
    check = compare(base, spec) if both else None
    return Analog(article, way, fit_of(way, check), check, spec)


def fit_of(way: Way | None, check: Check | None) -> Fit:
    """How well something at the end of a way fits, by its links and by what the checker says."""
    accepted = way is not None and any(step.verdict == "accepted" for step in way.steps)
    if accepted or (check is not None and not check.may_replace):
        return "check"
    if way is not None and way.is_supersession:
        return "same"
    if check is not None:
        return "close" if check.verdict == "pass, adjacent heat" else "same" if check.is_proven else "good"
    assert way is not None, "without a way there is a check"
    if way.confidence == "low":
        return "check"
    links = sum(step.kind != "supersession" for step in way.steps)
    return "good" if links == 1 or way.confidence == "high" else "close"


def _may_stand(one: Analog) -> bool:
    """Whether nothing is known against it, or a person knew better."""
    return one.is_accepted or one.check is None or one.check.verdict not in ("conflict", "fits, differs")


async def _of_same_spec(
    db: Connection, makers: dict[int, str], product: Product, spec: Spec | None, known: set[tuple[int, str]]
) -> list[Analog]:
    """Spark plugs of the catalogue that nobody linked, and whose codes prove them to be the same."""
    found = []
    for maker, named in await plugs.products_like(db, makers, spec):
        at = named.brand_id, named.article_key
        other = spec_of(maker, named.article)
        check = compare(spec, other)
        if at not in known and named.id != product.id and check.is_proven:
            article = Article(0, named.brand_id, named.article_key, named.article)
            found.append(Analog(article, None, fit_of(None, check), check, other))
    return found


async def _offered(
    db: Connection, caller: Caller, found: Sequence[Analog], store_id: int | None, now: datetime
) -> tuple[list[Analog], list[Analog]]:
    """Those that the shop sells, with product and promise; and the others, best first."""
    by_key = {one.at: one for one in reversed(found)}
    named = await catalogue.by_articles(db, list(by_key))
    best = sorted(named, key=lambda one: FITS.index(by_key[one.brand_id, one.article_key].fit))[:MOST_OFFERS]
    ids = [one.id for one in best]
    cards = await products.get_products(db, caller, ids)
    promised = await availability.look_up_many(db, ids, store_id, now)
    offered = [
        replace(by_key[one.brand_id, one.article_key], product=cards[one.id], promised=promised[one.id])
        for one in best
        if one.id in cards
    ]
    sold = {(one.brand_id, one.article_key) for one in named}
    return offered, sorted((one for at, one in by_key.items() if at not in sold), key=_known)


def _order(one: Analog) -> tuple[int, float, int, int]:
    """By fit, then by time to the buyer, then by price."""
    assert one.product is not None
    assert one.promised is not None
    eta_at = one.promised.availability.eta_at
    price = one.product.prices.get(RETAIL)
    eta = eta_at.timestamp() if eta_at is not None else float("inf")
    return FITS.index(one.fit), eta, price if price is not None else 2**62, one.product.id


def _known(one: Analog) -> tuple[int, int, str]:
    way = one.way
    return FITS.index(one.fit), CONFIDENCES.index(way.confidence) if way else 0, one.article.article_key


def steps_of(one: Analog) -> tuple[Step, ...]:
    """The links between the two."""
    return one.way.steps if one.way is not None else ()
