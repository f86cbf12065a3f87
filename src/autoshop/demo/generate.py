"""How big the demo is to be, and a history of that size."""

from collections.abc import Iterator
from dataclasses import dataclass

from autoshop.demo.catalogue import Product, catalogue
from autoshop.demo.history import Life, Tape
from autoshop.demo.seasons import Period, Till

# Beyond this a history is made thinner, unless more is asked for by a number.
MOST_MOVEMENTS = 6_000_000
FEW_STORES = 4  # up to so many, every product lies everywhere
EVERYWHERE = 1_000  # with more stores: so many products lie everywhere, the later ones in fewer and fewer stores
SLOWEST = 0.25  # sales are not thinned beyond this; then places go without any


@dataclass(frozen=True)
class Wish:
    """What is asked for. None = what is natural: the real catalogue, eighteen months as they come."""

    products: int | None = None
    stores: int = 2
    movements: int | None = None
    seed: int = 1
    history: bool = True


@dataclass(frozen=True)
class Pace:
    """How much of the natural sales happens, and at which part of the places anything does."""

    sales: float = 1.0
    busy: float = 1.0


class Generator:
    """Lives of products at the pace that gives about the wanted number of movements."""

    def __init__(self, wish: Wish, period: Period, shares: dict[int, float]) -> None:
        """`shares`: by store id, its part of a first store's demand."""
        self.wish = wish
        self.period = period
        self.catalogue = catalogue(wish.products)
        self.shares = list(shares.items())
        self.pace = self._find_pace()
        self.life = self._life_at(self.pace)

    @property
    def tape(self) -> Tape:
        """What the lives so far left behind."""
        return self.life.tape

    def live(self, product: Product) -> None:
        """One product's eighteen months."""
        self._live(self.life, product, self.pace)

    def places(self, product: Product) -> list[tuple[int, float]]:
        """The stores that keep a product, with their share of demand."""
        if len(self.shares) <= FEW_STORES or product.id <= max(EVERYWHERE, len(self.catalogue.real)):
            return self.shares
        wide = max(2, len(self.shares) * EVERYWHERE // product.id)
        start = product.id * 7919 % len(self.shares)
        return sorted((self.shares + self.shares)[start : start + wide])

    def _live(self, life: Life, product: Product, pace: Pace) -> None:
        places = [(store, share * pace.sales) for store, share in self.places(product)]
        life.live(product, places, pace.busy)

    def _life_at(self, pace: Pace) -> Life:
        sales_a_year = sum(self.catalogue.product(number).sales_a_year * k for number, k in self._sample())
        till = Till.for_sales(sales_a_year / 365.25 * pace.sales)
        return Life(self.period, self.catalogue.demand, till, self.wish.seed)

    def _find_pace(self) -> Pace:
        """Try on a sample what comes out. Movements grow in a straight line with sales, but not from zero."""
        wanted = self.wish.movements
        if wanted is None and self.catalogue.count * len(self.shares) < MOST_MOVEMENTS / 50:
            return Pace()
        natural = self._estimate(Pace())
        if wanted is None:
            if natural <= MOST_MOVEMENTS:
                return Pace()
            wanted = MOST_MOVEMENTS
        sales = max(SLOWEST, wanted / natural)
        found = self._estimate(Pace(sales))
        if wanted < found and sales == SLOWEST:
            return Pace(sales, wanted / found)
        if abs(found - natural) < natural / 100:
            return Pace(sales)
        return Pace(max(SLOWEST, sales + (wanted - found) * (sales - 1) / (found - natural)))

    def _estimate(self, pace: Pace) -> float:
        life, total = self._life_at(pace), 0.0
        for number, weight in self._sample():
            before = life.tape.events
            self._live(life, self.catalogue.product(number), pace)
            total += (life.tape.events - before) * weight
        return total

    def _sample(self) -> Iterator[tuple[int, float]]:
        """(product, for how many it stands). Of the real ones, which differ most, all when there are few stores."""
        real = sorted(self.catalogue.real[: self.catalogue.count], key=lambda product: product.sales_a_year)
        others = range(len(real) + 1, self.catalogue.count + 1)
        for numbers, step in (
            ([product.id for product in real], len(self.shares) // 25),
            (others, len(others) // 500),
        ):
            chosen = numbers[:: max(1, step)]
            yield from ((number, len(numbers) / len(chosen)) for number in chosen)
