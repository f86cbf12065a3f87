"""Page: the answer to the one box. A VIN leads to its car; of everything else it is said how it was understood."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import anybody
from autoshop.kit.paging import decode_cursor
from autoshop.kit.text import NO_NUL
from autoshop.selection.search import api, service
from autoshop.selection.search.model import MOST_CHARACTERS, Filters
from autoshop.web.pages import language_of, see_other
from autoshop.web.shop.plugs import address_of, brand_name, way_to_plug
from autoshop.web.shop.shown import show

router = APIRouter(include_in_schema=False, dependencies=[anybody])

ON_A_PAGE = 20


@router.get("/search")
async def search(
    request: Request,
    q: Annotated[str, Query(max_length=MOST_CHARACTERS, pattern=NO_NUL)] = "",
    page: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """Products by whatever was typed, with the promise of this moment. Search engines have the pages of products."""
    if not q.strip():
        return show(request, "search.html", typed="", told=None, plug=None)
    language, now = language_of(request), datetime.now(UTC)
    after = decode_cursor(page, "search", int, str, int)
    async with request.app.state.pool.acquire() as db:
        found = await service.search(db, q, Filters(), after, ON_A_PAGE, now, facets=False)
    told = api.page_out(found, Filters(), now, language)
    if told.understood.kind == "vin" and told.understood.vin:
        return see_other(f"/vin?{urlencode({'vin': q})}")
    plug = way_to_plug(q, None, language)
    if plug is None and told.understood.kind == "plug":
        brand, code = told.understood.facts["brand"], told.understood.facts["code"]
        plug = f"{brand_name(brand, language)} {code}", address_of(brand, code)
    return show(request, "search.html", typed=q, told=told, plug=plug)
