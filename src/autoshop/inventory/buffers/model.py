"""A channel, its buffers, and what it may show.

A buffer hides the last pieces of EACH store, not of the total: of two stores with two pieces each, a buffer of 2 shows
none. A piece can only be handed out by the store where it lies, and there it may just be on its way to the till.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from autoshop.kit.errors import NotFound, PreconditionFailed

MOST_BUFFER = 1_000_000
MOST_STORES = 10_000

Rule = Literal["place", "product", "category", "channel"]  # which buffer counted: the first of these that there is
Off = Literal["channel", "product"]  # why nothing is shown at all


@dataclass(frozen=True, slots=True)
class Channel:
    """A place that shows our stock. `store_ids` None: all stores in business feed it; `buffer` is the usual one."""

    id: int
    code: str
    name_ru: str
    name_en: str
    active: bool
    store_ids: tuple[int, ...] | None
    buffer: int
    actor: str
    updated_at: datetime
    rules_changed_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What a buffer speaks of: a category, a product, or a product at a store."""

    category_id: int | None = None
    product_id: int | None = None
    store_id: int | None = None


@dataclass(frozen=True, slots=True)
class Buffer:
    """Pieces of each store that the channel does not see, where the usual number does not do."""

    id: int
    channel: str
    category_id: int | None
    product_id: int | None
    store_id: int | None
    buffer: int
    actor: str
    updated_at: datetime
    version: int

    @property
    def subject(self) -> Subject:
        return Subject(self.category_id, self.product_id, self.store_id)


@dataclass(frozen=True, slots=True)
class AtStore:
    """What of a store's pieces the channel may show, and by which rule."""

    store_id: int
    available: int
    buffer: int
    rule: Rule

    @property
    def shown(self) -> int:
        return max(0, self.available - self.buffer)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the channel may show of a product. Stores where nothing is available are left out."""

    product_id: int
    off: Off | None
    stores: tuple[AtStore, ...]

    @property
    def shown(self) -> int:
        return 0 if self.off else sum(here.shown for here in self.stores)


@dataclass(frozen=True, slots=True)
class ShownPage:
    """Products in the order of their ids. `as_of` of the first page is where the next walk over changes begins."""

    products: list[Shown]
    more: bool
    as_of: datetime
    is_everything: bool


class UnknownChannel(NotFound):
    title = "Unknown channel"


class UnknownCategory(NotFound):
    title = "Unknown category"


class UnknownBuffer(NotFound):
    title = "No buffer there"

    def explain(self) -> str:
        return f"Channel «{self.facts['channel']}» has no buffer for that (any more); set it without If-Match"


class ChannelGone(PreconditionFailed):
    title = "The channel is gone"

    def explain(self) -> str:
        return f"There is no channel «{self.facts['channel']}» any more; send it without If-Match to make it anew"
