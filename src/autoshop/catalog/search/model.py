"""What a search finds: products with the reason why each is here, in an order that pages can go on from."""

from dataclasses import dataclass, field
from typing import Final, Literal

from autoshop.kit.text import article_loose

MOST_CANDIDATES: Final = 100  # of one way to find: facets are counted over so many
MOST_NAMED: Final = 300  # of a name: they are ranked, and nothing beyond them is looked at

Match = Literal[
    "barcode",
    "sku",
    "exact",
    "brand+article",
    "loose",
    "layout",
    "prefix",
    "suffix",
    "typo",
    "typo2",
    "other_brand",
    "brand",
    "category",
    "name",
    "analog",
    "fitment",
    "fitment_some",
    "fitment_if",
]
# The order in which hits are shown.
MATCHES: Final[tuple[Match, ...]] = (
    "barcode",
    "sku",
    "brand+article",
    "exact",
    "loose",
    "layout",
    "analog",
    "fitment",
    "fitment_some",
    "fitment_if",
    "other_brand",
    "category",
    "name",
    "brand",
    "prefix",
    "suffix",
    "typo",
    "typo2",
)
LINE: Final = 100  # a rank of a line is below any of the next
RANKS: Final = {match: rank for rank, match in enumerate(MATCHES)}

Position = tuple[int, str, int]  # where a product stands in the list: by it the next page goes on


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed in what was typed, so that it could be found."""

    what: Literal["layout", "typo", "completed", "ignored", "vin", "control"]
    typed: str
    read_as: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that was found: how, and (of articles) which of several texts it answers, in which line.

    `print`: of the document that a name was found by. `reason`: the cars that it fits.
    """

    product_id: int
    match: Match
    sort: str = ""
    asked: str | None = None
    line: int = 0
    print: int | None = None
    reason: str | None = None

    @property
    def position(self) -> Position:
        return self.line * LINE + RANKS[self.match], self.sort, self.product_id


@dataclass(frozen=True, slots=True)
class Window:
    """Candidates in their order. `more`: there are others behind them; `endless`: which can be asked for by position.

    Of a ranked list nothing beyond the window is ever shown; of a list by key everything is.
    """

    candidates: tuple[Candidate, ...] = ()
    more: bool = False
    endless: bool = False
    changes: tuple[Change, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a product, and what it is filtered by; the price is the retail one in force."""

    id: int
    brand_id: int
    brand: str
    article: str
    name: str
    category_id: int | None
    unit: str
    price_kopecks: int | None
    print: int  # of what a document of it would be made of now


def in_order(candidates: list[Candidate], after: Position | None = None) -> tuple[Candidate, ...]:
    """Each product once, by its surest match, in the order of positions; behind `after` only."""
    first: dict[int, Candidate] = {}
    for one in sorted(candidates, key=lambda one: one.position):
        first.setdefault(one.product_id, one)
    return tuple(one for one in first.values() if after is None or one.position > after)


def is_still_so(one: Candidate, shown: Shown) -> bool:
    """Whether a product is still what the index said it was when it was found by it."""
    if one.match in ("prefix", "suffix", "typo", "typo2"):
        return article_loose(shown.article) == one.sort
    return one.print is None or one.print == shown.print
