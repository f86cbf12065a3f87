"""A page of the shop: one answer with its style sheet in it, and nothing else that a phone has to wait for."""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from autoshop.kit.language import Language
from autoshop.web import pages
from autoshop.web.texts import has, speaker


def show(
    request: Request, template: str, status: int = 200, *, canonical: str | None = None, **facts: Any
) -> HTMLResponse:
    """A page. `canonical` is its one address for search engines, without a host; None: they are to leave it alone."""
    address = str(request.base_url).rstrip("/") + canonical if canonical is not None else None
    return pages.page(request, template, status, part="shop", canonical=address, body_of=body_of, **facts)


def body_of(language: Language, body: str) -> str:
    """`sedan/hatch` → «седан/хэтчбек»; what has no words stays as it is."""
    keys = {part: f"s_body.{part.replace(' ', '_').lower()}" for part in body.split("/")}
    return "/".join(speaker(language)(key) if has(key) else part for part, key in keys.items())
