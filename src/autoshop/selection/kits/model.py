"""What a job takes of a car, and three ways to buy it. Pure: nothing is guessed, and whatever is open says so.

A kit names kinds of parts; the fitments of a car say which articles those are and how many; what the shop has of them
and at what price makes offers; of the offers each way takes one for every need.
"""

import hashlib
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product as every_choice
from typing import Literal

from autoshop.catalog.products.model import Product
from autoshop.kit.errors import Conflict, NotFound
from autoshop.kit.facts import Confidence
from autoshop.selection.crosses.model import CONFIDENCES, FITS, Fit
from autoshop.selection.fitment.model import Fitted, Link
from autoshop.selection.kits.facts import Part
from autoshop.selection.vehicles.model import in_years

State = Literal["ready", "depends_on_engine", "absent", "unknown", "not_sold"]
Tier = Literal["economy", "standard", "premium"]
TIERS: tuple[Tier, ...] = ("economy", "standard", "premium")
Source = Literal["stock", "order"]
SPARE_LITRES = 5.0  # bought beyond what a change takes: a canister, never a barrel
MOST_PACKS = 50
MOST_SIZES = 3  # packs of one liquid that are combined: a canister, a bottle, a small bottle


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a car needs for a job. `articles` fit there: number → the fitments that say so.

    `quantity`: pieces, or litres where `is_liquid`; None: nobody knows. A state other than `ready` says why there is
    nothing to choose from.
    """

    part: Part
    category: str
    position: str
    quantity: float | None
    is_liquid: bool
    state: State
    articles: Mapping[int, tuple[Fitted, ...]]
    plug: str | None = None  # the plug that the engine has, where no fitment names one
    spec: str = ""  # what the liquid must be, in the words of the engine's facts
    years: tuple[int | None, int | None] | None = None  # nobody said of what year it is, and it is known of these alone


@dataclass(frozen=True, slots=True)
class Item:
    """So many of one product."""

    product: Product
    count: int
    price_kopecks: int  # of one
    litres: float | None  # in one; None: no liquid, or nobody knows


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that covers a need: mostly one product, of liquids perhaps a canister and a bottle.

    `source`: `stock`, where all of it lies in the stores; `order`, where a supplier has to bring some.
    """

    items: tuple[Item, ...]
    fit: Fit
    confidence: Confidence
    chain: tuple[Link, ...]
    source: Source

    @property
    def amount_kopecks(self) -> int:
        """Of all that is needed."""
        return sum(one.count * one.price_kopecks for one in self.items)


@dataclass(frozen=True, slots=True)
class Line:
    """A need with what covers it in each way of buying; without an offer it is not in the sum."""

    need: Need
    chosen: Mapping[Tier, Offer]
    offers: int  # how many there were to choose from
    included: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A way to buy as somebody saw it. `version`: of what it consisted; None: he looked at the total alone."""

    tier: Tier
    total_kopecks: int
    version: str | None = None


class UnknownKit(NotFound):
    title = "Unknown kit"

    def explain(self) -> str:
        return f"There is no kit «{self.facts['kit']}»; there are {', '.join(self.facts['kits'])}"


class KitChanged(Conflict):
    """What would be held is not what was seen: `total_kopecks` now."""

    title = "The kit has changed"

    def explain(self) -> str:
        return "Prices or stock have changed since: look at the kit again, then reserve it"


class NothingToReserve(Conflict):
    title = "Nothing to reserve"

    def explain(self) -> str:
        return "Nothing of this kit lies in a store: what has to be ordered cannot be held"


# ------------------------------------------------------------------------------------------------ needs
def needs_of(
    part: Part, fitted: Sequence[Fitted], engines: Sequence[str], year: int | None, liquids: Collection[str]
) -> list[Need]:
    """What a car needs of a part, one for each position. `engines` are codes of those that it may have, at least one;
    "" is an engine that has none.

    Only what fits whichever engine it turns out to have is told to fit, and the quantity must be the same.
    """
    for category in part.categories:
        here = [one for one in fitted if one.category == category and _is_meant(part, one, engines, year)]
        positions: dict[str, list[Fitted]] = {}
        for one in here:
            positions.setdefault(one.position, []).append(one)
        if positions:
            is_liquid = category in liquids
            return [
                _need(part, category, position, is_liquid, several, engines)
                for position, several in sorted(positions.items())
            ]
    is_liquid = part.category in liquids
    return [Need(part, part.category, "", None if is_liquid else part.quantity, is_liquid, "unknown", {})]


def _is_meant(part: Part, one: Fitted, engines: Sequence[str], year: int | None) -> bool:
    place = not part.positions or any(one.position.startswith(begins) for begins in part.positions)
    engine = one.engine is None or one.engine in engines
    return not one.qualifiers and place and engine and (year is None or in_years(one.years_from, one.years_to, year))


def _need(
    part: Part, category: str, position: str, is_liquid: bool, fitted: Sequence[Fitted], engines: Sequence[str]
) -> Need:
    by_engine = [[one for one in fitted if one.engine in (None, engine)] for engine in engines]
    common = set.intersection(*({one.article_id for one in several} for several in by_engine))
    quantities = {_quantity(several) for several in by_engine}
    if not common or len(quantities) > 1:
        return Need(part, category, position, None, is_liquid, "depends_on_engine", {})
    articles: dict[int, tuple[Fitted, ...]] = {}
    for one in fitted:
        if one.article_id in common:
            articles[one.article_id] = (*articles.get(one.article_id, ()), one)
    quantity = quantities.pop()
    if quantity is None and not is_liquid:
        quantity = part.quantity
    return Need(part, category, position, quantity, is_liquid, "ready", articles)


def for_some_years(need: Need, first: int | None, last: int | None) -> Need:
    """The need of a car of whatever year between two: it says so where what fits is known of fewer years.

    A year at either end makes no difference: sources count model years and calendar years.
    """
    told = [one for several in need.articles.values() for one in several]
    if not told:
        return need
    start = None if any(one.years_from is None for one in told) else min(one.years_from or 0 for one in told)
    end = None if any(one.years_to is None for one in told) else max(one.years_to or 0 for one in told)
    too_late = start is not None and first is not None and start > first + 1
    too_early = end is not None and (last is None or end < last - 1)
    return replace(need, years=(start, end)) if too_late or too_early else need


def _quantity(fitted: Sequence[Fitted]) -> float | None:
    """How many, as the surest says; of equally sure ones the most."""
    told = [one for one in fitted if one.quantity is not None]
    surest = min(told, key=lambda one: (CONFIDENCES.index(one.confidence), -(one.quantity or 0)), default=None)
    return None if surest is None else surest.quantity


# ------------------------------------------------------------------------------------------------ liquids
_AMOUNT, _UNIT = r"(\d{1,3}(?:[.,]\d{1,3})?)", r"(литр(?:а|ов)?|л|l|ltr|мл|ml)"
_LITRES = re.compile(rf"(?<![\d.,]){_AMOUNT}\s?{_UNIT}\.?(?![а-яёa-z0-9])", re.IGNORECASE)
# «4+1 л», «4 л + 1 л», «12х1 л», «1 л × 12»: one pack of several.
_BEFORE = re.compile(rf"(?<![\d.,-]){_AMOUNT}\s?{_UNIT}?\.?\s?([+xх×*])\s?$", re.IGNORECASE)
_AFTER = re.compile(r"\s?[xх×*]\s?(\d{1,3})(?![\d.,а-яёa-z])", re.IGNORECASE)


def litres_in(name: str) -> tuple[float | None, str]:
    """How much is in a pack, as its name says («4 л», «500 мл», «4+1 л»; of several the last), and the rest of it.

    None where the name does not say.
    """
    found = list(_LITRES.finditer(name))
    if not found:
        return None, name
    last = found[-1]
    litres, start, end = _litres(last[1], last[2]), last.start(), last.end()
    if before := _BEFORE.search(name[:start]):
        start = before.start()
        litres = litres + _litres(before[1], before[2] or last[2]) if before[3] == "+" else litres * _number(before[1])
    elif after := _AFTER.match(name, end):
        litres, end = litres * _number(after[1]), after.end()
    return (litres if litres > 0 else None), " ".join((name[:start] + name[end:]).lower().split())


def _litres(amount: str, unit: str) -> float:
    return _number(amount) / (1000 if unit.lower() in ("мл", "ml") else 1)


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def packs_for(litres: float, sizes: Sequence[tuple[float, int, int]]) -> tuple[int, ...] | None:
    """How many of each pack (litres, price in kopecks, pieces in stock) make up at least so many litres for the least.

    None where all of them together are not enough, or only far too much would be. Of one size at most MOST_PACKS; of
    the last as few as do, so that a need of a thousand litres is looked through as quickly as one of four.
    """
    best: tuple[int, float, tuple[int, ...]] | None = None
    *others, (last_size, _, last_there) = sizes
    for first in every_choice(*(range(_most(litres, size, there) + 1) for size, _, there in others)):
        bought = sum(count * size for count, (size, _, _) in zip(first, others, strict=True))
        lacking_litres = max(0.0, litres - bought)
        counts = (*first, math.ceil(lacking_litres / last_size - 1e-9))
        bought += counts[-1] * last_size
        if counts[-1] <= min(last_there, MOST_PACKS) and bought <= litres + SPARE_LITRES:
            price = sum(count * price for count, (_, price, _) in zip(counts, sizes, strict=True))
            if best is None or (price, bought, counts) < best:
                best = price, bought, counts
    return None if best is None else best[2]


def _most(litres: float, size: float, there: int) -> int:
    return min(there, MOST_PACKS, math.ceil(litres / size - 1e-9))


# ------------------------------------------------------------------------------------------------ ways to buy
def choose(several: Sequence[Sequence[Offer]], tier: Tier, stock: Mapping[int, int]) -> list[Offer | None]:
    """One offer for each need: the cheapest, the middle or the dearest; None where there is none.

    What lies in the stores goes before what has to be ordered, and what is known before what is weakly known. Pieces
    that one need takes are no longer there for the next.
    """
    left, chosen = dict(stock), list[Offer | None]()
    for offers in several:
        pool = [one for one in offers if one.source == "order" or _is_there(one, left)]
        best = min(map(_group, pool), default=None)
        ranked = sorted((one for one in pool if _group(one) == best), key=_by_price)
        place = {"economy": 0, "standard": (len(ranked) - 1) // 2, "premium": len(ranked) - 1}[tier]
        one = ranked[place] if ranked else None
        chosen.append(one)
        for item in one.items if one is not None and one.source == "stock" else ():
            left[item.product.id] -= item.count
    return chosen


def _is_there(one: Offer, left: Mapping[int, int]) -> bool:
    return all(left.get(item.product.id, 0) >= item.count for item in one.items)


def _group(one: Offer) -> tuple[bool, bool]:
    return one.confidence == "low", one.source == "order"


def _by_price(one: Offer) -> tuple[int, int, tuple[int, ...]]:
    return one.amount_kopecks, FITS.index(one.fit), tuple(item.product.id for item in one.items)


def wanted(lines: Iterable[Line], tier: Tier) -> dict[int, int]:
    """The pieces of a way to buy that lie in the stores, by product."""
    pieces: dict[int, int] = {}
    for line in lines:
        offer = line.chosen.get(tier)
        if line.included and offer is not None and offer.source == "stock":
            for item in offer.items:
                pieces[item.product.id] = pieces.get(item.product.id, 0) + item.count
    return pieces


def total(lines: Iterable[Line], tier: Tier) -> int:
    """Kopecks of a way to buy."""
    return sum(line.chosen[tier].amount_kopecks for line in lines if line.included and tier in line.chosen)


def version(lines: Iterable[Line], tier: Tier) -> str:
    """Another, where a way to buy consists of something else, or of it from elsewhere: the sum may be the same."""
    offers = (line.chosen[tier] for line in lines if line.included and tier in line.chosen)
    told = [
        (offer.source, [(item.product.id, item.count, item.price_kopecks) for item in offer.items]) for offer in offers
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def lacking(lines: Iterable[Line], tier: Tier) -> tuple[str, ...]:
    """The kinds of parts that belong to a way to buy and are not in its sum: nothing to be had is known to fit."""
    lack = (one.need for one in lines if one.included and tier not in one.chosen)
    return tuple(dict.fromkeys(need.category for need in lack if need.state != "absent"))
