"""Page: the answer to the one box. A VIN leads to its car; of everything else it is said how it was understood."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import anybody
from autoshop.kit.paging import decode_cursor
from autoshop.kit.text import NO_NUL
from autoshop.selection.search import api, service
from autoshop.selection.search.model import MOST_CHARACTERS, Filters, When
from autoshop.web.pages import language_of, see_other
from autoshop.web.shop.plugs import address_of, brand_name, way_to_plug
from autoshop.web.shop.shown import show

router = APIRouter(include_in_schema=False, dependencies=[anybody])

ON_A_PAGE = 20
Number = Annotated[int | None, Query(ge=1, lt=2**63)]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the address says: what was typed, and what the list is narrowed down to."""

    q: str
    brand: int | None = None
    category: int | None = None
    store: int | None = None
    when: When | None = None

    @property
    def filters(self) -> Filters:
        return Filters(self.brand, self.category, self.store, self.when)

    def address(self, **changes: Any) -> str:
        """The same list narrowed down otherwise, from its beginning."""
        asked = {name: value for name, value in asdict(replace(self, **changes)).items() if value is not None}
        return f"/search?{urlencode(asked)}"

    def next(self, page: str) -> str:
        """The list, from a place on."""
        return f"{self.address()}&{urlencode({'page': page})}"

    @property
    def is_narrowed(self) -> bool:
        return self.filters != Filters()


@router.get("/search")
async def search(
    request: Request,
    q: Annotated[str, Query(max_length=MOST_CHARACTERS, pattern=NO_NUL)] = "",
    page: Annotated[str | None, Query(max_length=400)] = None,
    brand: Number = None,
    category: Number = None,
    store: Number = None,
    when: Annotated[When | None, Query()] = None,
) -> Response:
    """Products by whatever was typed, with the promise of this moment. Search engines have the pages of products."""
    narrowed = Narrowed(q, brand, category, store, when)
    if not q.strip():
        return show(request, "search.html", typed="", told=None, plug=None, narrowed=narrowed)
    language, now = language_of(request), datetime.now(UTC)
    after = decode_cursor(page, "search", int, str, int)
    async with request.app.state.pool.acquire() as db:
        found = await service.search(db, q, narrowed.filters, after, ON_A_PAGE, now, facets=after is None)
    told = api.page_out(found, narrowed.filters, now, language)
    if told.understood.kind == "vin" and told.understood.vin:
        return see_other(f"/vin?{urlencode({'vin': q})}")
    plug = way_to_plug(q, None, language)
    if plug is None and told.understood.kind == "plug":
        maker, code = told.understood.facts["brand"], told.understood.facts["code"]
        plug = f"{brand_name(maker, language)} {code}", address_of(maker, code)
    return show(request, "search.html", typed=q, told=told, plug=plug, narrowed=narrowed)
