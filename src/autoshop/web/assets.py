"""Style sheets, scripts and icons, under names that change with their content: so browsers may keep them for ever."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from mimetypes import guess_type

from fastapi import APIRouter, Response
from markupsafe import Markup

from autoshop.accounts.access import anybody
from autoshop.kit.errors import NotFound

router = APIRouter(prefix="/static", include_in_schema=False)

FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `address` names it together with its content."""

    address: str
    media_type: str
    content: bytes


class UnknownAsset(NotFound):
    title = "No such file"


@cache
def assets() -> dict[str, Asset]:
    """All files of `static/` by name, read once: they are few and small."""
    folder = files("autoshop.web") / "static"
    found = {}
    for file in [*folder.iterdir(), *(folder / "vendor").iterdir()]:
        name, _, ending = file.name.rpartition(".")
        if file.is_file() and ending in ("css", "js", "svg"):
            content = file.read_bytes()
            print_ = hashlib.sha256(content).hexdigest()[:12]
            media_type = guess_type(file.name)[0] or "application/octet-stream"
            found[file.name] = Asset(f"/static/{name}.{print_}.{ending}", media_type, content)
    return found


def address_of(name: str) -> str:
    """`office.css` → `/static/office.0a1b2c3d4e5f.css`."""
    return assets()[name].address


@cache
def inlined(name: str) -> Markup:
    """A style sheet to be written into a page, so that the page is one answer; `hash_of` lets it through the policy."""
    return Markup(assets()[name].content.decode())  # noqa: S704  our own file


@cache
def hash_of(name: str) -> str:
    """What a Content-Security-Policy calls an inlined file: `sha256-…` in base64."""
    return "sha256-" + base64.b64encode(hashlib.sha256(assets()[name].content).digest()).decode()


@cache
def _by_address() -> dict[str, Asset]:
    return {asset.address: asset for asset in assets().values()}


@router.get("/{name}", dependencies=[anybody])
async def show_asset(name: str) -> Response:
    """One file, for a year; under another hash it is another file."""
    asset = _by_address().get(f"/static/{name}")
    if asset is None:
        raise UnknownAsset
    return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": FOR_EVER})
