"""What the shop can offer for the needs of a car: articles that fit, what may stand for them, stock, prices, doubts.

Everything is asked for all needs at once; only the links of each need are walked by themselves.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.catalog.products import store as catalogue
from autoshop.catalog.products.model import Product
from autoshop.inventory.allocation import store as allocation
from autoshop.kit.db import Connection
from autoshop.kit.text import article_key
from autoshop.selection.crosses import store as crosses
from autoshop.selection.crosses.analogs import fit_of
from autoshop.selection.crosses.model import FITS, Article, Fit, Way
from autoshop.selection.fitment import store as fitment
from autoshop.selection.fitment.feedback.silence import with_the_silent
from autoshop.selection.fitment.model import Fitted, Link, Told, Verdict, judge
from autoshop.selection.kits.facts import known
from autoshop.selection.kits.model import MOST_PACKS, MOST_SIZES, Item, Need, Offer, Source, litres_in, packs_for
from autoshop.selection.plugs import service as plugs
from autoshop.selection.plugs.coding import spec_of
from autoshop.selection.plugs.model import compare
from autoshop.selection.plugs.understanding import plug_in

BOUNDS = {"first": 500, "through": 100, "second": 50, "most": 500}
MOST_PRODUCTS = 60  # of a need whose prices are looked at, best first
RETAIL = "retail"


@dataclass(frozen=True, slots=True)
class Lead:
    """A product that may cover a need, by a way from an article that fits; without a way, for the engine's plug."""

    product_id: int
    fit: Fit
    way: Way | None = None
    fitted: tuple[Fitted, ...] = ()


@dataclass(frozen=True, slots=True)
class Walked:
    """The ways that lead to what may cover each need, the shortest first, and the articles on them by number."""

    ways: list[list[Way]]
    articles: dict[int, Article]


@dataclass(slots=True)
class Found:
    """Offers of each need, in order; free pieces and supplier's days of their products; articles of the chains."""

    offers: list[list[Offer]]
    stock: Mapping[int, int]
    days: Mapping[int, int | None]
    articles: Mapping[int, Article] = field(default_factory=dict)


async def offers_for(
    db: Connection,
    caller: Caller,
    vehicle: str,
    engines: Sequence[str],
    year: int | None,
    needs: Sequence[Need],
    walked: Walked,
) -> Found:
    """What can be had for each need."""
    leads = await _leads(db, needs, walked)
    ids = sorted({lead.product_id for several in leads for lead in several})
    stock, days = await allocation.free_in_business(db, ids), await allocation.lead_times(db, ids)
    there = {one for one in ids if stock.get(one) or days.get(one) is not None}
    kept = [_best(several, there, stock) for several in leads]
    ids = sorted({lead.product_id for several in kept for lead in several})
    cards = await products.get_products(db, caller, ids)
    told = await with_the_silent(db, await fitment.told_many(db, ids, vehicle, engines), vehicle, engines)
    engine = engines[0] if len(engines) == 1 and engines[0] else None
    found = Found([], stock, days)
    for need, several in zip(needs, kept, strict=True):
        judged = [
            (lead, _verdict(need, lead, engine, year, told.get(lead.product_id, Told())), cards[lead.product_id])
            for lead in several
            if lead.product_id in cards
        ]
        certain = [one for one in judged if one[1].answer == "fits" and RETAIL in one[2].prices]
        found.offers.append(_liquids(need, certain, found) if need.is_liquid else _pieces(need, certain, found))
    found.articles = await crosses.articles(db, _numbers(one.chain for several in found.offers for one in several))
    return found


def _best(several: Iterable[Lead], there: Collection[int], stock: Mapping[int, int]) -> list[Lead]:
    can_be_had = (one for one in several if one.product_id in there)
    ranked = sorted(can_be_had, key=lambda one: (not stock.get(one.product_id), FITS.index(one.fit), one.product_id))
    return ranked[:MOST_PRODUCTS]


def _numbers(chains: Iterable[tuple[Link, ...]]) -> set[int]:
    links = (link for chain in chains for link in chain)
    return {int(link.facts[key]) for link in links for key in ("from", "to", "article") if key in link.facts}


async def walk(db: Connection, needs: Sequence[Need]) -> Walked:
    """The ways from what fits to all that may stand for it, need by need."""
    ways = []
    for need in needs:
        starts = sorted(need.articles)
        found = await crosses.walk(db, starts, **BOUNDS) if starts else []
        ways.append([*(Way(start, ()) for start in starts), *found])
    return Walked(ways, await crosses.articles(db, {way.to_id for several in ways for way in several}))


async def _leads(db: Connection, needs: Sequence[Need], walked: Walked) -> list[list[Lead]]:
    """For each need the products on sale that may cover it."""
    articles = walked.articles
    sold = await catalogue.by_articles(db, [(one.brand_id, one.article_key) for one in articles.values()])
    on_sale = {(one.brand_id, one.article_key): one.id for one in sold}
    makers = await plugs.makers(db, ()) if any(need.category == "spark_plug" for need in needs) else {}
    leads = []
    for need, several in zip(needs, walked.ways, strict=True):
        found = {}
        for way in reversed(several):  # the shortest way to a product is the last one
            article = articles[way.to_id]
            product_id = on_sale.get((article.brand_id, article.article_key))
            start = way.steps[0].from_id if way.steps else way.to_id
            fit = _fit(way, articles[start], article, makers)
            if product_id is not None and fit != "check":
                found[product_id] = Lead(product_id, fit, way, need.articles[start])
        if need.plug is not None and (plug := plug_in(need.plug)) is not None:
            found |= {one: Lead(one, "good") for one in await plugs.standing_for(db, plug)}
        leads.append(list(found.values()))
    return leads


def _fit(way: Way, start: Article, end: Article, makers: Mapping[int, str]) -> Fit:
    """Two good links may lead to a spark plug that does not fit: there the checker has the last word."""
    if not way.steps:
        return "same"
    if start.brand_id not in makers or end.brand_id not in makers:
        return fit_of(way, None)
    one, other = (spec_of(makers[article.brand_id], article.article) for article in (start, end))
    return fit_of(way, compare(one, other) if one is not None or other is not None else None)


def _verdict(need: Need, lead: Lead, engine: str | None, year: int | None, told: Told) -> Verdict:
    if lead.way is None:
        assert need.plug is not None, "without a way it is the engine's plug, or stands for it"
        same = spec_of("NGK", need.plug)
        return judge(engine, year, [], (need.plug, compare(same, same)), None, told)
    return judge(engine, year, [(one, lead.way) for one in lead.fitted], None, None, told)


Judged = tuple[Lead, Verdict, Product]


def _source(enough: bool, products_of: Iterable[Product], days: Mapping[int, int | None]) -> Source | None:
    """Where all of it comes from; None: it is not there, and nobody knows when it could be."""
    if enough:
        return "stock"
    return "order" if all(days.get(one.id) is not None for one in products_of) else None


def _pieces(need: Need, several: Sequence[Judged], found: Found) -> list[Offer]:
    count = max(1, math.ceil(need.quantity or 1))
    offers = []
    for lead, verdict, product in several:
        source = _source(found.stock.get(product.id, 0) >= count, [product], found.days)
        if source is not None:
            item = Item(product, count, product.prices[RETAIL], None)
            offers.append(Offer((item,), lead.fit, verdict.confidence, verdict.chain, source))
    return offers


def litres_of(product: Product) -> tuple[float | None, str]:
    """How much is in a pack of a product, from the facts, else from its name; and its name without that."""
    told = known().packs.get((product.brand.lower(), article_key(product.article)))
    litres, rest = litres_in(product.name)
    return (told.litres if told is not None else litres), rest


def _liquids(need: Need, several: Sequence[Judged], found: Found) -> list[Offer]:
    """Packs of one and the same liquid together; where nobody knows the litres of a change, one pack of each."""
    if need.quantity is None:
        packs = (replace(need, quantity=1.0), several, found)
        litres = {product.id: litres_of(product)[0] for _, _, product in several}
        return [
            replace(one, items=tuple(replace(item, litres=litres[item.product.id]) for item in one.items))
            for one in _pieces(*packs)
        ]
    groups: dict[tuple[object, ...], list[tuple[Judged, float]]] = {}
    for one in several:
        litres_in_pack, rest = litres_of(one[2])
        if litres_in_pack is not None:
            alike = (one[2].brand_id, rest) if litres_in(one[2].name)[0] is not None else (one[2].id,)
            groups.setdefault(alike, []).append((one, litres_in_pack))
    offers = [_packed(need.quantity, group, found) for group in groups.values()]
    return [one for one in offers if one is not None]


def _packed(quantity: float, group: Sequence[tuple[Judged, float]], found: Found) -> Offer | None:
    smallest = sorted(group, key=lambda one: (one[1], one[0][2].id))[:MOST_SIZES]
    sizes = [(litres, product.prices[RETAIL], found.stock.get(product.id, 0)) for (_, _, product), litres in smallest]
    counts = packs_for(quantity, sizes)
    enough = counts is not None
    if counts is None:
        counts = packs_for(quantity, [(litres, price, MOST_PACKS) for litres, price, _ in sizes])
    if counts is None:
        return None
    taken = [(one, litres, count) for (one, litres), count in zip(smallest, counts, strict=True) if count]
    source = _source(enough, [product for (_, _, product), _, _ in taken], found.days)
    if source is None:
        return None
    lead, verdict, _ = max((one for one, _, _ in taken), key=lambda one: FITS.index(one[0].fit))
    items = tuple(Item(product, count, product.prices[RETAIL], litres) for (_, _, product), litres, count in taken)
    return Offer(items, lead.fit, verdict.confidence, verdict.chain, source)
