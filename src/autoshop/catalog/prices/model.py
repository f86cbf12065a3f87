"""Price types and prices, in kopecks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from autoshop.accounts.model import Caller
from autoshop.kit.errors import Conflict, Invalid, wrong


@dataclass(frozen=True, slots=True)
class PriceType:
    """What a price is for. One that `is_cost` is seen and set only by those with `cost:read`."""

    code: str
    name_ru: str
    name_en: str
    is_cost: bool


@dataclass(frozen=True, slots=True)
class Price:
    """One line of a product's price history."""

    price_type: str
    price_kopecks: int
    valid_from: datetime
    actor: str


class PriceTypeTaken(Conflict):
    title = "A price type with that code exists"


class UnknownPriceType(Invalid):
    title = "Unknown price type"


def must_be_settable(caller: Caller, types: Iterable[PriceType], prices: Mapping[str, int]) -> None:
    """Refuse prices of unknown types, and cost prices of a caller who may not see them."""
    known = {price_type.code: price_type for price_type in types}
    for code in prices:
        if code not in known:
            there_are = ", ".join(sorted(c for c, t in known.items() if caller.may("cost:read") or not t.is_cost))
            raise UnknownPriceType(
                f"«{code}» is no price type; there are {there_are}", errors=[wrong(f"prices.{code}", "unknown")]
            )
        if known[code].is_cost:
            caller.must("cost:read")
