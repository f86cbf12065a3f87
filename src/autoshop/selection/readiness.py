"""What is known is read before the first request, which would wait an eighth of a second for it."""

from autoshop.catalog.search.categories.model import facts as categories
from autoshop.selection.kits.facts import known as kits
from autoshop.selection.plugs.analogs import analogs_of
from autoshop.selection.plugs.facts import facts as plugs
from autoshop.selection.vehicles.facts import known as vehicles
from autoshop.selection.vehicles.words import understand
from autoshop.selection.vin.facts import known as vins


def read_facts() -> None:
    """Files into memory, with what is looked up in them. Raises WrongFact where a line cannot be true."""
    categories()
    plugs()
    analogs_of("NGK", "BPR6ES-11")
    kits()
    vins()
    understand("", vehicles(), 2000)
