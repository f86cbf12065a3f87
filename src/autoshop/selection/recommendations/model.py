"""How surprising it is that two products are bought together; what stands for one that is out of stock. Pure."""

from collections.abc import Container
from dataclasses import dataclass, replace
from math import log

from autoshop.selection.crosses.analogs import Analogs

LEAST_TOGETHER = 2  # once is no habit
LEAST_RATIO = 3.84  # chi-squared with one degree of freedom: nineteen of twenty such pairs are no chance
MOST_LINES = 100  # more on one receipt is a workshop filling its shelves, not a repair
BEST = 50  # of each product are kept
MOST_LOOKED_AT = 300  # of what goes with a cart, before the car has its say
MOST_SUBSTITUTED = 3  # products that are out of stock
MOST_SUBSTITUTES = 5  # of each


@dataclass(frozen=True, slots=True)
class Recommended:
    """A product that goes with others: bought together with one of them in `together` purchases."""

    product_id: int
    together: int
    weight: float


def log_likelihood_ratio(together: int, of_one: int, of_other: int, baskets: int) -> float:
    """Dunning's G² of the four cells: both, one alone, the other alone, neither. The database counts by the same rule.

    `baskets` purchases in all, `of_one` have the one, `of_other` the other, `together` both. Zero: as chance has it.
    """

    def entropy(*counts: int) -> float:
        return sum(count * log(count) for count in counts if count > 0)

    cells = (together, of_one - together, of_other - together, baskets - of_one - of_other + together)
    rows, columns = (of_one, baskets - of_one), (of_other, baskets - of_other)
    return max(0.0, 2 * (entropy(*cells) + entropy(baskets) - entropy(*rows) - entropy(*columns)))


def substitutes_of(found: Analogs, out: Container[int]) -> Analogs:
    """The best of what may stand for a product: in stock, not among those that do not suit, and in their order."""
    items = [
        one
        for one in found.items
        if one.product is not None and one.product.id not in out and one.promised is not None
        if one.promised.everywhere
    ]
    return replace(found, items=items[:MOST_SUBSTITUTES], refused=[], others=[])
