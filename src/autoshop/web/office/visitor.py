"""Who looks at a page, for which store he works, and what he set for this browser."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import HTMLResponse

from autoshop.accounts.model import Caller
from autoshop.inventory.stores import store as stores
from autoshop.inventory.stores.model import Store
from autoshop.kit.db import Connection
from autoshop.web import pages

STORE_COOKIE = "autoshop_store"
KEYS_COOKIE = "autoshop_keys"


@dataclass(frozen=True, slots=True)
class Visitor:
    """`store` is where he stands, None where there is no store at all; `others` = he may choose another one."""

    caller: Caller
    store: Store | None
    others: bool
    keys: bool

    @property
    def name(self) -> str:
        return self.caller.name

    @property
    def store_id(self) -> int:
        """His store's id; 0, which no store has, where there is none."""
        return self.store.id if self.store else 0

    @property
    def zone(self) -> ZoneInfo:
        """The clock on his wall."""
        return self.store.calendar.zone if self.store else ZoneInfo("UTC")

    def may_write(self, store_id: int | None = None) -> bool:
        """Whether he may move pieces at a store: his own unless another is named."""
        store_id = self.store_id if store_id is None else store_id
        acts = self.caller.store_ids is None or store_id in self.caller.store_ids
        return acts and self.caller.may("inventory:write")


async def visitor_of(request: Request, db: Connection, caller: Caller) -> Visitor:
    """The visitor, at the store that he chose, or else at the first that is his."""
    allowed = caller.store_ids
    chosen = request.cookies.get(STORE_COOKIE, "")
    store_id = int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 18 else 0
    found = None
    if store_id and (allowed is None or store_id in allowed):
        found = await stores.find(db, store_id)
    if found is None and allowed:
        found = await stores.find(db, min(allowed))
    if found is None and allowed is None:
        found = next(iter(await stores.list_page(db, 0, 1)), None)
    return Visitor(
        caller=caller,
        store=found,
        others=allowed is None or len(allowed) > 1,
        keys=request.cookies.get(KEYS_COOKIE) != "off",
    )


async def stores_of(db: Connection, caller: Caller) -> list[Store]:
    """The stores that he may choose among."""
    return [one for one in await stores.in_business(db) if caller.store_ids is None or one.id in caller.store_ids]


def show(request: Request, visitor: Visitor, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page of the office: with the visitor in its head."""
    return pages.page(request, template, status, visitor=visitor, **facts)
