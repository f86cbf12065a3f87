"""The fewest stores that have everything together. Numbers only: what a store is, model.py knows.

To find them is a set cover, which nobody knows how to do quickly in every case. So: an exact search, size by size, with
the stores that have enough of a product as bits of a number, so that the last store of a set costs one AND for each
product. It takes STEPS looks at most, some 30 ms; then the greedy rule has the word (the store that
covers most of what is left, again and again), which may name a store too many and says so.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

STEPS = 4_000


@dataclass(frozen=True, slots=True)
class Offer:
    """What one store could send: pieces of each product, in the order in which they are needed, and when it arrives."""

    pieces: tuple[int, ...]
    arrives_at: datetime


@dataclass(frozen=True, slots=True)
class Cover:
    """Numbers of the offers that are taken, the earliest first; `exact`: fewer, or earlier ones, would not do."""

    taken: tuple[int, ...]
    exact: bool


def fewest(need: Sequence[int], offers: Sequence[Offer]) -> Cover | None:
    """The smallest set of offers that covers the need; of equally small ones that whose last arrival is the earliest.

    Of those that are alike in both, offers that stand first are preferred. None where all together are too few.
    """
    if any(sum(offer.pieces[product] for offer in offers) < need[product] for product in range(len(need))):
        return None
    if not any(need):
        return Cover((), exact=True)
    search = _Search(need, offers)
    everybody = (1 << len(offers)) - 1
    arrivals = sorted({offer.arrives_at for offer in offers})
    found: tuple[int, ...] | None = None
    exact = False
    try:
        size = 1
        while (found := search.find(size, everybody)) is None:
            size += 1
        earliest = (search.find(size, search.arrived_by(arrival)) for arrival in arrivals)
        found, exact = next(taken for taken in earliest if taken is not None), True
    except _TooFar:
        found = found or _greedy(need, offers)
    return Cover(tuple(sorted(found, key=lambda number: (offers[number].arrives_at, number))), exact)


class _TooFar(Exception):
    """The search took all its steps."""


class _Search:
    """Sets of a given size, depth first, the product that is hardest to get first."""

    def __init__(self, need: Sequence[int], offers: Sequence[Offer]) -> None:
        # What is hardest to get stands first: most of what does not do is seen by the first look.
        hardest = sorted(range(len(need)), key=lambda product: sum(offer.pieces[product] >= 1 for offer in offers))
        self._need = tuple(need[product] for product in hardest)
        self._offers = [tuple(offer.pieces[product] for product in hardest) for offer in offers]
        self._arrivals = [offer.arrives_at for offer in offers]
        self._steps = STEPS
        # For each product: its pieces from the fullest offer on, and of the first n of them their bits and their sum.
        self._pieces: list[list[int]] = []
        self._bits: list[list[int]] = []
        self._sums: list[list[int]] = []
        for product in range(len(need)):
            fullest = sorted(range(len(offers)), key=lambda number: -self._offers[number][product])
            self._pieces.append([-self._offers[number][product] for number in fullest])
            bits, sums = [0], [0]
            for number in fullest:
                bits.append(bits[-1] | 1 << number)
                sums.append(sums[-1] + self._offers[number][product])
            self._bits.append(bits)
            self._sums.append(sums)

    def arrived_by(self, moment: datetime) -> int:
        """The offers that are there by then."""
        return sum(1 << number for number, arrives_at in enumerate(self._arrivals) if arrives_at <= moment)

    def find(self, size: int, allowed: int) -> tuple[int, ...] | None:
        """A set of so many of the allowed offers that covers the need, or None."""
        return self._find(size, allowed, self._need)

    def _find(self, size: int, allowed: int, need: tuple[int, ...]) -> tuple[int, ...] | None:
        self._steps -= 1
        if self._steps < 0:
            raise _TooFar
        if size == 1:
            return self._last(allowed, need)
        left = [product for product, pieces in enumerate(need) if pieces]
        if not left:
            return ()
        if size == 0 or any(self._sums[product][min(size, len(self._offers))] < need[product] for product in left):
            return None
        with_some = {product: allowed & self._with_at_least(product, 1) for product in left}
        hardest = min(left, key=lambda product: with_some[product].bit_count())
        choices = with_some[hardest]
        while choices:
            number = _first(choices)
            choices &= choices - 1
            allowed &= ~(1 << number)  # sets with it are being looked at now, and not again
            pieces = self._offers[number]
            left_over = tuple([n - has if n > has else 0 for n, has in zip(need, pieces, strict=True)])
            rest = self._find(size - 1, allowed, left_over)
            if rest is not None:
                return (number, *rest)
        return None

    def _last(self, allowed: int, need: tuple[int, ...]) -> tuple[int, ...] | None:
        """One that covers all that is left."""
        for product, pieces in enumerate(need):
            if pieces:
                allowed &= self._bits[product][bisect_right(self._pieces[product], -pieces)]
                if not allowed:
                    return None
        return (_first(allowed),)

    def _with_at_least(self, product: int, pieces: int) -> int:
        """The offers that have so many pieces of the product, as bits."""
        return self._bits[product][bisect_right(self._pieces[product], -pieces)]


def _first(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _greedy(need: Sequence[int], offers: Sequence[Offer]) -> tuple[int, ...]:
    """Each time the offer that covers most of what is left; then those that turn out superfluous go."""
    left, taken = list(need), []
    while any(left):
        best = min(
            (number for number in range(len(offers)) if number not in taken),
            key=lambda number: (-_covers(left, offers[number]), offers[number].arrives_at, number),
        )
        taken.append(best)
        left = [max(0, n - has) for n, has in zip(left, offers[best].pieces, strict=True)]
    for number in list(taken):
        others = [offers[other].pieces for other in taken if other != number]
        if all(sum(pieces[product] for pieces in others) >= need[product] for product in range(len(need))):
            taken.remove(number)
    return tuple(taken)


def _covers(need: Sequence[int], offer: Offer) -> int:
    return sum(min(n, has) for n, has in zip(need, offer.pieces, strict=True))
