"""sitemap.xml and robots.txt: what search engines are asked to read."""

from collections.abc import Iterator

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from autoshop.accounts.access import anybody
from autoshop.selection.plugs import service as plugs
from autoshop.web import pages
from autoshop.web.shop.cars import shelf
from autoshop.web.shop.plugs import address_of

router = APIRouter(include_in_schema=False, dependencies=[anybody])

ROBOTS = """User-agent: *
Disallow: /api/
Disallow: /office
Disallow: /vin
Disallow: /garage
Sitemap: {root}/sitemap.xml
"""


@router.get("/robots.txt")
async def robots(request: Request) -> Response:
    """What is not for them, and where the map is."""
    return PlainTextResponse(ROBOTS.format(root=_root(request)))


@router.get("/sitemap.xml")
async def sitemap(request: Request) -> Response:
    """The pages of all cars, and of the plugs that the shop sells."""
    async with request.app.state.pool.acquire() as db:
        sold = await plugs.sold(db)
    paths = [*_paths(), "/plugs", *dict.fromkeys(address_of(brand, code) for brand, code in sold)]
    listed = pages.environment("shop").get_template("sitemap.xml").render(root=_root(request), paths=paths)
    return Response(listed, media_type="application/xml")


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _paths() -> Iterator[str]:
    yield "/"
    yield "/cars"
    for make, models in shelf().models.items():
        yield f"/cars/{make}"
        for model in models:
            yield f"/cars/{make}/{model}"
            yield from (f"/cars/{vehicle.id}" for vehicle in shelf().vehicles[make, model])
