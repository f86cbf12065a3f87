"""Verbs: what replaces a plug, with what of it the shop has and when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from autoshop.accounts.model import Caller
from autoshop.catalog.brands import service as brands
from autoshop.catalog.products import service as products
from autoshop.catalog.products import store as catalogue
from autoshop.catalog.products.model import Product
from autoshop.inventory.availability import service as availability
from autoshop.inventory.availability.service import InBrief
from autoshop.kit.db import Connection
from autoshop.kit.language import Language
from autoshop.kit.text import article_key
from autoshop.selection.plugs import coding, known, texts
from autoshop.selection.plugs.analogs import Analog, analogs_of, base_of, of_catalogue
from autoshop.selection.plugs.facts import CarGroup, facts
from autoshop.selection.plugs.model import ADJACENT_HEAT, SAME_HEAT, Reading, Spec, compare
from autoshop.selection.plugs.understanding import understand

MOST_PRODUCTS = 300
RETAIL = "retail"
VERDICTS = ("pass", "pass, adjacent heat", "unknown", "fits, differs", "conflict")


@dataclass(frozen=True, slots=True)
class Offer:
    """A product of the shop, and when it can be had."""

    product: Product
    promised: InBrief


@dataclass(frozen=True, slots=True)
class Offered:
    """An analog, with the products of the shop that are it."""

    analog: Analog
    offers: list[Offer]


@dataclass(frozen=True, slots=True)
class Equivalents:
    """`base` is what others were compared with; `base_code` the plug it is of, where the asked code has no spec."""

    plug: Reading
    base: Spec | None
    base_code: str | None
    offers: list[Offer]
    items: list[Offered]
    refused: list[Offered]


async def equivalents(
    db: Connection,
    caller: Caller,
    asked: str,
    brand: str | None,
    store_id: int | None,
    now: datetime,
    language: Language = "ru",
) -> Equivalents:
    """What may stand for a plug: what can be had at once first, then as it fits, by time to the buyer, then by price.

    From published tables, from codes that the checker proves to be the same, and from the catalogue by its codes. No
    code is made up: all are in a table or in the shop.
    """
    plug = understand(asked, brand, language).one
    base, base_code = base_of(plug.brand, plug.code)
    good, bad = analogs_of(plug.brand, plug.code)
    known_makers = await makers(db, {plug.brand, *(one.brand for one in (*good, *bad))})
    named = await _named(db, known_makers, [(plug.brand, plug.code), *((one.brand, one.code) for one in (*good, *bad))])
    for more, product_id in await _in_catalogue(db, known_makers, base, (plug, *good, *bad)):
        good.append(more)
        named.setdefault((more.brand, article_key(more.code)), []).append(product_id)
    offers = await _offers(db, caller, sorted({one for ids in named.values() for one in ids}), store_id, now)

    def offered(one: Analog) -> Offered:
        ids = named.get((one.brand, article_key(one.code)), [])
        return Offered(one, sorted((offers[i] for i in ids if i in offers), key=_first))

    own = [offers[i] for i in named.get((plug.brand, article_key(plug.code)), []) if i in offers]
    return Equivalents(
        plug, base, base_code, sorted(own, key=_first), sorted(map(offered, good), key=_order), [*map(offered, bad)]
    )


async def _in_catalogue(
    db: Connection,
    known_makers: dict[int, str],
    base: Spec | None,
    told: Iterable[Reading | Analog],
    steps: float = ADJACENT_HEAT,
) -> list[tuple[Analog, int]]:
    """Products that are the same plug by their codes, each code once, without those that are told already."""
    but_not = {(one.brand, article_key(one.code)) for one in told}
    found: dict[tuple[str, str], tuple[Analog, int]] = {}
    for maker, product in await products_like(db, known_makers, base, steps):
        at = maker, product.article_key
        if at not in but_not and at not in found and (one := of_catalogue(base, maker, product.article)) is not None:
            found[at] = one, product.id
    return list(found.values())


def _first(offer: Offer) -> tuple[bool, float, int]:
    """At once, then by time to the buyer, then by price."""
    found = offer.promised.availability
    price = offer.product.prices.get(RETAIL)
    eta = found.eta_at.timestamp() if found.eta_at is not None else float("inf")
    return found.status != "on_hand", eta, price if price is not None else 2**62


def _order(one: Offered) -> tuple[object, ...]:
    """What can be had at once, later, not now, and what the shop does not know; in each: as it fits, time, price."""
    later, eta, price = _first(one.offers[0]) if one.offers else (True, float("inf"), 2**62)
    analog = one.analog
    when = 3 if not one.offers else 2 if eta == float("inf") else int(later)
    fit = VERDICTS.index(analog.check.verdict), analog.by in ("same spec", "catalogue")
    return when, *fit, eta, price, len(analog.via), known.RANKS.index(analog.confidence), analog.brand, analog.code


async def standing_for(db: Connection, plug: Reading) -> list[int]:
    """The products that are a plug or may stand for it, the surest first.

    What tables list; where none of it is sold, what its code proves to be the same: in heat too, for a list of
    products does not tell how they differ.
    """
    good, bad = analogs_of(plug.brand, plug.code)
    good = [one for one in good if one.by != "same spec" or one.check.verdict == "pass"]
    codes = [(plug.brand, plug.code), *((one.brand, one.code) for one in good)]
    known_makers = await makers(db, {brand for brand, _ in codes})
    named = await _named(db, known_makers, codes)
    ids = [product for brand, code in codes for product in named.get((brand, article_key(code)), ())]
    if not ids:  # the catalogue's own plugs are read one by one, which takes its time
        base, _ = base_of(plug.brand, plug.code)
        more = await _in_catalogue(db, known_makers, base, (plug, *good, *bad), SAME_HEAT)
        ids = [product for one, product in more if one.check.verdict == "pass"]
    return list(dict.fromkeys(ids))


def decodes(brand: str) -> bool:
    """Whether the codes of a brand can be read."""
    known_brand = facts().brands.get(brand)
    return known_brand is not None and known_brand.decodes == "yes"


async def sold(db: Connection) -> list[tuple[str, str]]:
    """Brand and code of the plugs in published tables that the shop sells, in the order of the tables."""
    codes = known.all_codes()
    named = await _named(db, await makers(db, {brand for brand, _ in codes}), codes)
    return [(brand, code) for brand, code in codes if (brand, article_key(code)) in named]


async def makers(db: Connection, named: Iterable[str]) -> dict[int, str]:
    """The brands of the catalogue that make plugs or number them: id → the name that the facts use."""
    names = {name: name for name in named}
    names |= {name: brand.brand for brand in facts().brands.values() for name in (brand.brand, *brand.names)}
    return {brand_id: names[name] for name, brand_id in (await brands.ids_of(db, list(names))).items()}


async def _named(
    db: Connection, makers: dict[int, str], codes: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[int]]:
    """The products that are these codes: by brand and key."""
    keys = {(brand, article_key(code)) for brand, code in codes}
    wanted = [(brand_id, key) for brand_id, maker in makers.items() for brand, key in keys if brand == maker]
    found: dict[tuple[str, str], list[int]] = {}
    for product in await catalogue.by_articles(db, wanted):
        found.setdefault((makers[product.brand_id], product.article_key), []).append(product.id)
    return found


async def products_like(
    db: Connection, known_makers: dict[int, str], base: Spec | None, steps: float = ADJACENT_HEAT
) -> list[tuple[str, catalogue.Named]]:
    """Products whose codes begin as such a plug's may, with their makers; each code still has to be read.

    None for a plug of which something is unknown: nothing can be proven to be the same.
    """
    if base is None or not compare(base, base).is_proven:
        return []
    beginnings = coding.beginnings_of(base, steps)
    wanted = {(brand_id, start) for brand_id, maker in known_makers.items() for start in beginnings.get(maker, ())}
    named = await catalogue.by_beginnings(
        db, wanted, lambda brand_id, key: coding.is_spelt_so(known_makers[brand_id], key)
    )
    return [(known_makers[product.brand_id], product) for product in named]


async def _offers(
    db: Connection, caller: Caller, product_ids: list[int], store_id: int | None, now: datetime
) -> dict[int, Offer]:
    product_ids = product_ids[:MOST_PRODUCTS]
    found = await products.get_products(db, caller, product_ids)
    promised = await availability.look_up_many(db, product_ids, store_id, now)
    return {product_id: Offer(product, promised[product_id]) for product_id, product in found.items()}


def warnings_for(plug: Reading, language: Language) -> list[str]:
    """What a buyer of this plug ought to know: engines of the same make that take another, and wrong pages.

    The more alike two plugs are, the more easily they are taken for each other: such engines come first.
    """
    base, _ = base_of(plug.brand, plug.code)
    found = [
        one
        for mine in known.cars_with(plug.code)
        for other in facts().cars
        if other is not mine and other.make == mine.make and (one := _other_engine(base, other, language))
    ]
    told = [text for _, text in sorted(found, key=lambda one: one[0])]
    wrong_pages = [trap.truth_en if language == "en" else trap.truth_ru for trap in known.traps_of(plug.brand)]
    return list(dict.fromkeys([*told, *wrong_pages]))


def _other_engine(base: Spec | None, cars: CarGroup, language: Language) -> tuple[int, str] | None:
    """In how many fields the plug of other engines differs, and the sentence; None where it is the same."""
    for code in cars.plugs:
        for reading in coding.read(code):
            check = compare(base, reading.spec)
            if check.verdict == "conflict":
                differs = ", ".join(texts.difference(one, language) for one in check.differs)
                text = texts.OTHER_ENGINE[language == "en"].format(
                    make=cars.make, models=cars.models, engine=cars.engine, plug=code, differs=differs
                )
                return len(check.differs), text
    return None
