"""What happened to each product in eighteen months: buyers came, shelves emptied, deliveries were late.

Each product lives through the whole time alone, from event to event; nothing is done for a day on which nothing
happens. So a million slow parts cost no more than what they sell. What happened goes on a tape, eight bytes an
event; `ledger` reads the tape day by day and writes the movements.
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from random import Random

from autoshop.demo.catalogue import (
    BACKORDER,
    CAST,
    NOWHERE,
    ON_HAND,
    ON_THE_WAY,
    ONLY_IN_SECOND,
    Demand,
    Product,
)
from autoshop.demo.seasons import DAY, SUNDAY, TRENDS, Period, Till

# What the tape holds. Within one second of one place what comes in is written before what goes out.
INBOUND, RETURN, RECEIPT, FOUND, SALE, WRITEOFF, MISSING, SHIPMENT = range(8)
# What is going to happen.
ARRIVAL, BUYER, COMES_BACK, COUNT, VAN_LEAVES, VAN_ARRIVES = range(6)

PLACES_AT_MOST = 1 << 28
MOST_PIECES = (1 << 14) - 1

OPENING_SECOND = 8 * 3600
DELIVERY_SECOND = 8 * 3600 + 30 * 60  # and three minutes for each supplier
VAN_LEAVES_SECOND = 17 * 3600 + 40 * 60
COUNT_SECOND = 20 * 3600 + 10 * 60
SUPPLIERS = 8

SKILL = (0.4, 0.8, 1.1, 1.5, 2.0)  # how well somebody judged what a shelf needs
UNKNOWN_LEAD_DAYS = 20
QUICK_SALES_A_YEAR = 6.0


class Tape:
    """Events by day, packed: second 17 bits, place 28, kind 3, pieces 14.

    A place is a product at a store. Shipments and receipts hold an index into `vans` of the day of leaving instead
    of pieces.
    """

    def __init__(self, days: int) -> None:
        self.days = [array("Q") for _ in range(days)]
        self.vans: list[list[tuple[int, int, int]]] = [[] for _ in range(days)]  # (from place, to place, pieces)
        self.products = array("I")  # by place
        self.stores = array("H")

    def write(self, moment: int, place: int, kind: int, pieces: int) -> None:
        day, second = divmod(moment, DAY)
        self.days[day].append(second << 45 | place << 17 | kind << 14 | pieces)

    @property
    def events(self) -> int:
        return sum(map(len, self.days))


def unpack(event: int) -> tuple[int, int, int, int]:
    """(second, place, kind, pieces)."""
    return event >> 45, event >> 17 & PLACES_AT_MOST - 1, event >> 14 & 7, event & MOST_PIECES


class Life:
    """The lives of products, one after the other. The lists are by place of the product that lives just now."""

    def __init__(self, period: Period, demand: dict[str, Demand], till: Till, seed: int) -> None:
        self.period = period
        self.demand = demand
        self.seed = seed
        self.tape = Tape(period.days)
        self.dice = Random()  # noqa: S311 - a demo
        self.weekday = [period.weekday(day) for day in range(period.days + 400)]
        self.moments = [till.moments(weekday) for weekday in range(7)]
        self.curves: dict[tuple[str, float], list[float]] = {}
        self.queue: list[tuple[int, int, int, int]] = []
        self.happens: tuple[Callable[[int, int, int], None], ...] = (
            self._arrival, self._buyer, self._comes_back, self._count, self._van_leaves, self._van_arrives,
        )  # fmt: skip

    def live(self, product: Product, places: list[tuple[int, float]], busy: float = 1.0) -> None:
        """Live through the life of a product; `places` are (store, share of demand), `busy` a part of the places.

        The same seed, period, till and product give the same life, whatever lived before.
        """
        self._begin(product, places)
        roll = self.dice.random
        for here, (_, share) in enumerate(places):
            if busy >= 1 or roll() < busy:
                self._open(here, product, share)
        self._play_the_part(product.id)
        heapify(self.queue)
        queue, happens, end = self.queue, self.happens, self.period.end_second
        while queue:
            moment, event, here, number = heappop(queue)
            if moment >= end:
                break
            happens[event](moment, here, number)

    def _begin(self, product: Product, places: list[tuple[int, float]]) -> None:
        self.dice.seed(self.seed << 32 ^ product.id)
        self.product = product
        self.first = len(self.tape.products)
        self.stores = [store for store, _ in places]
        self.tape.products.extend([product.id] * len(places))
        self.tape.stores.extend(self.stores)
        self.selling = self.demand[product.category]
        self.supplier_second = DELIVERY_SECOND + product.brand_id % SUPPLIERS * 180
        nothing = [0] * len(places)
        self.stock, self.ordered, self.low, self.high = nothing[:], nothing[:], nothing[:], nothing[:]
        self.expected = nothing[:]  # a van is to bring some
        self.alive = [False] * len(places)  # somebody still orders it
        self.queue.clear()

    def _open(self, here: int, product: Product, share: float) -> None:
        """Decide what the shelf should hold, fill it, and let the buyers queue up."""
        dice, selling = self.dice, self.selling
        sales_a_year = product.sales_a_year * share
        rate = sales_a_year / 365.25
        trend = TRENDS[int(dice.random() * len(TRENDS))]
        curve = self.curves.get((product.category, trend))
        if curve is None:
            curve = self.curves[product.category, trend] = self.period.curve(selling.months, trend)

        debut = int(dice.random() * 0.7 * self.period.days) if dice.random() < 0.12 else 0
        kept = dice.random() < (0.97 if sales_a_year > QUICK_SALES_A_YEAR else 0.87 if sales_a_year > 0.7 else 0.74)
        self._set_levels(here, rate * selling.mean_size)
        self.alive[here] = kept
        if kept:
            first = 1 + int(dice.random() * self.high[here])
            first = max(selling.pack, -(-first // selling.pack) * selling.pack)
            morning = self._delivery_day(debut) * DAY + self.supplier_second if debut else OPENING_SECOND
            self._expect(here, morning, min(first, MOST_PIECES))

        last, sizes, roll, log = curve[-1], selling.sizes, dice.random, math.log
        past = curve[debut] if debut else 0.0
        while (past := past - log(1 - roll()) / rate) < last:
            day = bisect_right(curve, past)
            self.queue.append((self._paying(day, here), BUYER, here, sizes[int(roll() * 100)]))
        for count_day in (0.25, 0.58, 0.91):
            if roll() < 0.035:
                day = int(count_day * self.period.days) + self.stores[here] % 11 * 2
                self.queue.append((day * DAY + COUNT_SECOND, COUNT, here, 1 + int(roll() * 2)))

    def _set_levels(self, here: int, pieces_a_day: float) -> None:
        """Order when no more than `low` is left, up to `high`."""
        dice, pack = self.dice, self.selling.pack
        lead_days = self.product.lead_days or UNKNOWN_LEAD_DAYS
        low = int(pieces_a_day * (lead_days + 4) * SKILL[int(dice.random() * len(SKILL))])
        packs = max(1 + (dice.random() < 0.4), math.ceil(pieces_a_day * 35 / pack))
        low = max(low, pack // 2 if pieces_a_day * 365 > QUICK_SALES_A_YEAR * pack else 0)
        self.low[here] = min(low, MOST_PIECES // 2)
        self.high[here] = min(low + packs * pack, MOST_PIECES)

    def _play_the_part(self, product_id: int) -> None:
        """The first products of the catalogue must end as the README promises."""
        if len(self.stores) < 2:
            return
        if product_id in (ON_THE_WAY, ONLY_IN_SECOND):
            self._expect(1, self._delivery_day(self.period.days - 5) * DAY + self.supplier_second, 4)
        if product_id in (BACKORDER, NOWHERE):
            self.alive = [False] * len(self.stores)

    # What happens, and what comes of it.

    def _arrival(self, moment: int, here: int, pieces: int) -> None:
        self.ordered[here] -= pieces
        self.stock[here] += pieces
        self.tape.write(moment, self.first + here, INBOUND, pieces)

    def _buyer(self, moment: int, here: int, wanted: int) -> None:
        pieces = min(wanted, self.stock[here])
        if pieces * 2 < wanted or pieces == 0:  # nobody takes one plug of four
            self._turn_away(moment, here, wanted)
            return
        chance = self.dice.random()
        kind = WRITEOFF if chance < 0.003 else SALE
        if kind == WRITEOFF:
            pieces = 1
        self.stock[here] -= pieces
        self.tape.write(moment, self.first + here, kind, pieces)
        if chance > 1 - self.selling.returns_percent / 100:
            day = moment // DAY + 1 + int(self.dice.random() * 12)
            self.queue_up(self._paying(day, here), COMES_BACK, here, pieces if chance > 0.995 else 1)
        self._consider_order(moment, here)

    def _turn_away(self, moment: int, here: int, wanted: int) -> None:
        """Nothing here: the other store's piece tomorrow, or ordered for this buyer, or a lost sale."""
        other = self._other(here)
        chance = self.dice.random()
        if other >= 0 and self.stock[other] > wanted and chance < 0.45:
            day = self._send_van(moment, other, here, wanted)
            if day:
                self.queue_up(self._paying(day + 2, here), BUYER, here, wanted)
        elif self._can_be_ordered(here) and chance < 0.4:
            day = self._delivery_day(moment // DAY + 1 + (self.product.lead_days or UNKNOWN_LEAD_DAYS))
            self._expect(here, day * DAY + self.supplier_second, wanted)
            self.queue_up(self._paying(day, here), BUYER, here, wanted)

    def _comes_back(self, moment: int, here: int, pieces: int) -> None:
        self.stock[here] += pieces
        self.tape.write(moment, self.first + here, RETURN, pieces)

    def _count(self, moment: int, here: int, pieces: int) -> None:
        """A stocktake finds one or two too many, more often too few."""
        missing = self.dice.random() < 0.65
        pieces = min(pieces, self.stock[here]) if missing else pieces
        if pieces:
            self.stock[here] += -pieces if missing else pieces
            self.tape.write(moment, self.first + here, MISSING if missing else FOUND, pieces)

    def _van_leaves(self, moment: int, here: int, wanted: int) -> None:
        """`here` is where it goes."""
        other = self._other(here)
        vans = self.tape.vans[moment // DAY]
        pieces = min(wanted, self.stock[other])
        self.expected[here] = 0
        if pieces == 0 or len(vans) > MOST_PIECES:
            return
        self.stock[other] -= pieces
        self.expected[here] = pieces
        self.tape.write(moment, self.first + other, SHIPMENT, len(vans))
        arrives = moment // DAY + 1
        minute = 40 + (arrives * 7 + self.stores[here] * 3) % 19
        self.queue_up(arrives * DAY + 16 * 3600 + minute * 60, VAN_ARRIVES, here, len(vans))
        vans.append((self.first + other, self.first + here, pieces))

    def _van_arrives(self, moment: int, here: int, van: int) -> None:
        self.stock[here] += self.tape.vans[moment // DAY - 1][van][2]
        self.expected[here] = 0
        self.tape.write(moment, self.first + here, RECEIPT, van)

    # What people decide.

    def _consider_order(self, moment: int, here: int) -> None:
        missing = self.high[here] - self.stock[here] - self.ordered[here] - self.expected[here]
        if not self.alive[here] or self.high[here] - missing > self.low[here]:
            return
        chance = self.dice.random()
        if self.low[here] < 2 and chance < 0.07:  # a slow part sold out, and nobody thought of it again
            self.alive[here] = False
            return
        other = self._other(here)
        if other >= 0 and chance > 0.8 and self.stock[other] > max(missing, self.low[other] + self.selling.pack):
            self._send_van(moment, other, here, missing)
            return
        lead_days = self.product.lead_days or UNKNOWN_LEAD_DAYS
        thought_days = (3 if self.low[here] else 15) * self.dice.random()
        late = 0.7 + 0.9 * self.dice.random()
        day = self._delivery_day(moment // DAY + 1 + int(lead_days * late + thought_days))
        pack = self.selling.pack
        self._expect(here, day * DAY + self.supplier_second, max(1, missing // pack) * pack)

    def _send_van(self, moment: int, other: int, here: int, wanted: int) -> int:
        """Put it on the next van; the day on which that leaves, or 0 when one is already on its way here."""
        if self.expected[here]:
            return 0
        day = moment // DAY + (moment % DAY >= VAN_LEAVES_SECOND)
        self.expected[here] = wanted
        self.queue_up(day * DAY + VAN_LEAVES_SECOND, VAN_LEAVES, here, wanted)
        return day

    def _can_be_ordered(self, here: int) -> bool:
        """For one buyer, because nobody orders it for the shelf."""
        known = self.product.lead_days is not None and self.product.id not in (BACKORDER, NOWHERE)
        return known and not self.alive[here] and not self.ordered[here]

    def _expect(self, here: int, moment: int, pieces: int) -> None:
        self.ordered[here] += pieces
        self.queue_up(moment, ARRIVAL, here, pieces)

    def queue_up(self, moment: int, event: int, here: int, number: int) -> None:
        heappush(self.queue, (moment, event, here, number))

    def _other(self, here: int) -> int:
        """The store that helps out: the first one, and the second helps the first. -1: there is none.

        Of a product with a part to play no van may be on the road at the end.
        """
        if len(self.stores) < 2 or ON_HAND < self.product.id <= CAST:
            return -1
        return 0 if here else 1

    def _delivery_day(self, day: int) -> int:
        return day + 1 if self.weekday[day] == SUNDAY else day

    def _paying(self, day: int, here: int) -> int:
        """A moment at the till. The stores' clocks differ by a minute or so, day by day."""
        moments = self.moments[self.weekday[day]]
        second = moments[int(self.dice.random() * len(moments))]
        return day * DAY + second + (self.stores[here] * 37 + day * 11) % 97
