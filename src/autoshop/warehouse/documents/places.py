"""A document of places: where products lie at a store, a place a line or several in one."""

from collections.abc import Mapping, Sequence

from autoshop.inventory.shelves.model import MOST_LISTS, MOST_PLACES, UnknownToShelves, Wanted, key_of
from autoshop.inventory.shelves.service import set_shelves
from autoshop.kit.db import Connection
from autoshop.warehouse.documents.checking import Read
from autoshop.warehouse.documents.model import Document, Problem


def places_of_products(read: Sequence[Read], products: Mapping[int, int]) -> tuple[dict[int, list[str]], list[Problem]]:
    """Product → all that its lines name, in their order: the first is the main one; and what is there twice."""
    found: dict[int, dict[str, str]] = {}
    problems = []
    for one in read:
        kept = found.setdefault(products[one.line.number], {})
        for place in one.places:
            if (key := key_of(place)) in kept:
                problems.append(Problem(one.line.row, "places", place, "repeated_place"))
            kept[key] = place
        if len(kept) > MOST_PLACES:
            problems.append(Problem(one.line.row, "places", one.places[-1], "too_many_places", str(MOST_PLACES)))
    return {product_id: list(kept.values()) for product_id, kept in found.items()}, problems


async def set_places(db: Connection, document: Document, places: Mapping[int, Sequence[str]]) -> list[Problem]:
    """Give every product its places, in the place of all that it had; or what stands in the way."""
    wanted = [Wanted(product_id, document.store_id, tuple(places[product_id])) for product_id in sorted(places)]
    for start in range(0, len(wanted), MOST_LISTS):
        try:
            await set_shelves(db, document.caller, wanted[start : start + MOST_LISTS])
        except UnknownToShelves as refused:  # a product went while we looked
            return [Problem(None, "", str(one), "unknown_product") for one in refused.facts["product_ids"]]
    return []
