"""How a page is made: a template, the words of the reader's language, and headers that let nothing foreign in."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from autoshop.kit.language import Language
from autoshop.kit.money import format_roubles
from autoshop.web.assets import address_of, hash_of, inlined
from autoshop.web.forms import Error, new_key
from autoshop.web.texts import has, speaker

Part = Literal["office", "shop"]
PARTS: tuple[Part, ...] = ("office", "shop")
SHOP_STYLE = "shop.css"
LANGUAGE_COOKIE = "autoshop_language"
YEAR_SECONDS = 365 * 24 * 3600

# Everything comes from here, nothing is written into the page: neither scripts nor styles, nor may others frame it. But
# the style sheet of the shop is, so that a phone waits for one answer: that one, known by its hash.
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, HX-Request",
}
PROGRAMS = ("/api/", "/openapi.json")  # where errors stay problem documents, whatever Accept says


def language_of(request: Request) -> Language:
    """Russian, unless the reader switched to English."""
    return "en" if request.cookies.get(LANGUAGE_COOKIE) == "en" else "ru"


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for the part that changes."""
    return request.headers.get("hx-request") == "true"


def page(request: Request, template: str, status: int = 200, part: Part = "office", **facts: Any) -> HTMLResponse:
    """A template of a part of the site with its facts, in the reader's language."""
    language = language_of(request)
    known = {
        "language": language,
        "say": speaker(language),
        "here": _stood_on(request) or _address(request),
        "new_key": new_key,
        "words_of": words_of,
    }
    text = environment(part).get_template(template).render(known | facts)
    return HTMLResponse(text, status, headers=HEADERS | {"Content-Security-Policy": policy_of(part)})


def policy_of(part: Part) -> str:
    """The Content-Security-Policy of a part's pages."""
    return POLICY if part == "office" else f"{POLICY}; style-src '{hash_of(SHOP_STYLE)}'"


def see_other(address: str) -> RedirectResponse:
    """After a form was done: look there. A repeat of the look does nothing twice."""
    return RedirectResponse(address, 303)


def wants_page(request: Request) -> bool:
    """Whether somebody reads this in a browser, and not a program."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(PROGRAMS)


def words_of(language: Language, problem: Mapping[str, Any]) -> str:
    """A refusal as a sentence for the reader; where there is none for its kind, as the API tells it."""
    key = "refused." + str(problem["type"]).rpartition(":")[2].replace("-", "_")
    if not has(key):
        return str(problem["detail"])
    try:
        return speaker(language)(key, **problem)
    except KeyError:  # a fact that this one came without
        return str(problem["detail"])


def sentence_of(language: Language, error: Error) -> str:
    """What is wrong with a form, as a sentence."""
    return speaker(language)(error.text, **error.facts) if error.text else words_of(language, error.facts)


def error_page(request: Request, problem: Mapping[str, Any], headers: Mapping[str, str]) -> Response | None:
    """An error as a page, None for programs. Who is not signed in is led to the door, and from there back."""
    if not wants_page(request):
        return None
    status = int(problem["status"])
    if status == 401 and not is_fragment(request):
        return see_other(f"/office/sign-in?{_back_to(request)}")
    language = language_of(request)
    kind = status if has(f"error.title_{status}") else 500 if status >= 500 else 400
    request_id = request.scope.get("state", {}).get("request_id", "")
    answer = page(
        request,
        "error.html",
        status,
        part="office" if request.url.path.startswith("/office") else "shop",
        canonical=None,
        title=speaker(language)(f"error.title_{kind}"),
        what=words_of(language, problem) if kind != 500 else None,
        kind=kind,
        request_id=request_id,
    )
    answer.headers.update({name: value for name, value in headers.items() if name.lower() != "www-authenticate"})
    return answer


def _address(request: Request) -> str:
    """Path and query."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _stood_on(request: Request) -> str:
    """The page that is shown: this address, or (after a form) the one that it stood on, as far as the browser says."""
    if request.method in ("GET", "HEAD"):
        return _address(request)
    came_from = urlsplit(request.headers.get("referer", ""))
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")


def _back_to(request: Request) -> str:
    """Where to go on after signing in."""
    return urlencode({"back": _stood_on(request)})


@cache
def environment(part: Part) -> Environment:
    """The templates of a part. Whatever is put into them is escaped; what is missing is an error, not a blank."""
    made = Environment(
        loader=PackageLoader(f"autoshop.web.{part}"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"asset": address_of, "inlined": inlined}
    made.filters |= {"roubles": format_roubles, "number": _number, "moment": _moment}
    return made


def prepare() -> None:
    """Read and compile all templates before the first request: together they take a fifth of a second."""
    for part in PARTS:
        for name in environment(part).list_templates(extensions=["html"]):
            environment(part).get_template(name)


def _number(value: int) -> str:
    """12345 → «12 345» with no-break spaces, and a true minus."""
    return f"{value:,}".replace(",", "\u00a0").replace("-", "\u2212")


def _moment(at: datetime, zone: Any) -> str:
    """Day and time on the wall of the store, with the year where it is another one."""
    local = at.astimezone(zone)
    return f"{local:%d.%m %H:%M}" if local.year == datetime.now(zone).year else f"{local:%d.%m.%Y %H:%M}"
