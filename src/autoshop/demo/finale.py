"""The last minute of the demo's history: it ends as the README of data/demo promises."""

from collections.abc import Iterator
from itertools import takewhile

from autoshop.demo.catalogue import BACKORDER, CAST, NOWHERE, ON_HAND, ON_THE_WAY, ONLY_IN_SECOND
from autoshop.demo.history import INBOUND, SALE, SHIPMENT
from autoshop.demo.ledger import Ledger, Row

FIRST, SECOND = 1, 2  # stores
ENOUGH = 60
LINES = 5  # on each van that is on the road when history ends
_LOOKED_AT = 400  # products, to find some for the vans

# (product, store): what of it is sold to the last piece.
SOLD_OUT = (
    (ON_THE_WAY, FIRST), (ONLY_IN_SECOND, FIRST), (BACKORDER, FIRST), (BACKORDER, SECOND), (NOWHERE, FIRST),
    (NOWHERE, SECOND),
)  # fmt: skip


def finale(ledger: Ledger) -> Iterator[Row]:
    """Movements at the end of the period, after all the others."""
    places = _early_places(ledger)

    def post(place: int, kind: int, pieces: int) -> Row:
        return ledger.post(ledger.period.end_second, place, kind, pieces, ledger.period.end)

    if ledger.quantities[places[ON_HAND, FIRST]] < ENOUGH:
        yield post(places[ON_HAND, FIRST], INBOUND, 2 * ENOUGH)
    for product in (ON_THE_WAY, ONLY_IN_SECOND):
        if ledger.quantities[places[product, SECOND]] == 0:
            yield post(places[product, SECOND], INBOUND, 2)
    for place in (places[key] for key in SOLD_OUT):
        if ledger.quantities[place]:
            yield post(place, SALE, ledger.quantities[place])
    for from_store, to_store, products in (
        (SECOND, FIRST, [ON_THE_WAY, *_wanted(ledger, places, SECOND, FIRST)]),
        (FIRST, SECOND, _wanted(ledger, places, FIRST, SECOND)),
    ):
        for product in products[:LINES]:
            yield _ship(ledger, places[product, from_store], places[product, to_store], product == ON_THE_WAY)


def _ship(ledger: Ledger, from_place: int, to_place: int, everything: bool) -> Row:
    quantity = ledger.quantities[from_place]
    pieces = quantity if everything else quantity // 2
    # One day past the last: a document of its own beside the van that left today.
    transfer = ledger.ship(ledger.period.days, from_place, to_place, pieces, ledger.period.end)
    return ledger.post(ledger.period.end_second, from_place, SHIPMENT, pieces, ledger.period.end, transfer)


def _wanted(ledger: Ledger, places: dict[tuple[int, int], int], from_store: int, to_store: int) -> list[int]:
    """Products of which one store has some and the other none."""
    found = [
        product
        for product, store in places
        if store == to_store
        and product > CAST
        and ledger.quantities[places[product, to_store]] == 0
        and (product, from_store) in places
        and ledger.quantities[places[product, from_store]] >= 2
    ]
    return found[:: max(1, len(found) // LINES)]


def _early_places(ledger: Ledger) -> dict[tuple[int, int], int]:
    """Places of the first products in the first two stores. The tape has them in the order of products."""
    tape = ledger.tape
    early = takewhile(lambda found: found[1] <= _LOOKED_AT, enumerate(tape.products))
    return {(product, tape.stores[place]): place for place, product in early if tape.stores[place] <= SECOND}
