"""Pages: what a spark plug is by its code, what may stand for it and when it can be had, and what must not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from autoshop.accounts.access import anybody
from autoshop.accounts.model import ANONYMOUS
from autoshop.kit.errors import Refusal
from autoshop.kit.facts import Confidence
from autoshop.kit.language import Language
from autoshop.kit.text import NO_NUL
from autoshop.selection.plugs import api, known, service, texts
from autoshop.selection.plugs.api import AnalogOut, EquivalentsOut, OfferOut
from autoshop.selection.plugs.coding import RUSSIAN
from autoshop.selection.plugs.model import (
    MOST_CHARACTERS,
    BadCode,
    NotAPlugCode,
    Reading,
    SeveralBrands,
    Spec,
    Understood,
)
from autoshop.selection.plugs.service import Equivalents
from autoshop.selection.plugs.understanding import readings_of, understand
from autoshop.web.pages import language_of, see_other
from autoshop.web.shop.shown import show
from autoshop.web.texts import speaker

router = APIRouter(prefix="/plugs", include_in_schema=False, dependencies=[anybody])

EXAMPLES = (("NGK", "BPR6ES-11"), (RUSSIAN, "АУ17ДВРМ"), ("Bosch", "FR7DCU"), ("Denso", "Q20PR-U11"))
MOST_CARDS = 40  # of what the shop sells; whatever comes after is named by its code
MOST_SEEN = 9  # of them at once; the others open
MOST_SIMILAR_IN_DATA = 20
RETAIL = "retail"
IN_SHORT = ("thread", "reach_mm", "hex_mm", "heat")
Brand = Annotated[str | None, Query(max_length=100, pattern=NO_NUL)]


@dataclass(frozen=True, slots=True)
class Said:
    """A field of the code: its value in words, the letters that say it ('' = none), how sure that is."""

    field: str
    value: str
    letters: str
    confidence: Confidence
    source: tuple[str, ...]


@router.get("")
async def ask_for_plug(
    request: Request, code: Annotated[str, Query(max_length=10_000, pattern=NO_NUL)] = "", brand: Brand = None
) -> Response:
    """A form; with a code, the way to its page."""
    if not code.strip():
        return show(request, "plugs.html", canonical="/plugs", **_form(""))
    try:
        found = understand(code, brand, language_of(request))
    except (BadCode, NotAPlugCode) as refusal:
        return _no_plug(request, code, refusal)
    first = found.candidates[0]
    return see_other(address_of(first.brand, first.code) if found.is_certain else f"/plugs/{quote(first.code, '')}")


@router.get("/{code:path}")
async def show_plug(
    request: Request, code: Annotated[str, Path(max_length=1_000, pattern=NO_NUL)], brand: Brand = None
) -> Response:
    """What a plug is and what replaces it; of a code that means several plugs, which of them is meant.

    A code that nobody has is 404, though its page says what it looks like: there is no such plug, and search engines
    would keep a page for whatever anybody ever mistyped.
    """
    language, now = language_of(request), datetime.now(UTC)
    try:
        found = understand(code, brand, language)
        plug = found.one
    except (BadCode, NotAPlugCode) as refusal:
        return _no_plug(request, code, refusal)
    except SeveralBrands:
        return _several(request, found)
    if _asked(code, brand) != (own := address_of(plug.brand, plug.code)):
        return see_other(own)
    async with request.app.state.pool.acquire() as db:
        alike = await service.equivalents(db, ANONYMOUS, plug.code, plug.brand, None, now, language)
    told = api.equivalents_out(alike, ANONYMOUS, now, language)
    offered = [(one, product) for one in told.items for product in one.products]
    name = f"{brand_name(plug.brand, language)} {plug.code}"
    said = list(said_by(plug, language))
    return show(
        request,
        "plug.html",
        canonical=own,
        name=name,
        plug=plug,
        said=said,
        not_read=texts.not_read(service.decodes(plug.brand), language) if plug.spec is None else None,
        told=told,
        offered=offered[:MOST_CARDS],
        most=MOST_SEEN,
        others=_by_reason(told, {product.product_id for _, product in offered[:MOST_CARDS]}),
        other_brands=[one for one in found.candidates if one.brand != plug.brand],
        stores=_stores_of(alike),
        sources=api.sources_of(said) | told.sources,
        data=structured(name, plug, told, said, str(request.base_url).rstrip("/"), language),
        **_form(""),
    )


def _asked(code: str, brand: str | None) -> str:
    return f"/plugs/{quote(code, safe='')}" + ("" if brand is None else f"?{urlencode({'brand': brand})}")


@lru_cache(maxsize=4096)
def address_of(brand: str, code: str) -> str:
    """The one address of a plug. It names the brand only where the code alone means another plug, or may."""
    found = readings_of(code)
    alone = found and found[0].brand == brand and Understood(code, found).is_certain
    return _asked(code, None if alone else brand)


def way_to_plug(text: str, brand: str | None, language: Language) -> tuple[str, str] | None:
    """The name and the page of the plug that a text names; None for anything else.

    A slip in an article may be a code too: so without a brand it has to stand in a published table.
    """
    found = readings_of(" ".join(text.split()), brand) if len(text) <= MOST_CHARACTERS else ()
    if not found or not (found[0].listed or brand is not None):
        return None
    plug = found[0]
    if brand is None and not Understood(text, found).is_certain:
        return plug.code, _asked(plug.code, None)
    return f"{brand_name(plug.brand, language)} {plug.code}", address_of(plug.brand, plug.code)


def brand_name(brand: str, language: Language) -> str:
    """A brand as people read it: plugs to the Russian standard have no brand."""
    return speaker(language)("s_plug.russian") if brand == RUSSIAN else brand


def said_by(plug: Reading, language: Language) -> Iterator[Said]:
    """What the code says, field by field, with the letters that say it."""
    if plug.spec is not None:
        words = values_of(plug.spec, language)
        for reason in plug.reasons:
            yield Said(reason.field, words[reason.field], reason.letters, reason.confidence, reason.source)


def values_of(spec: Spec, language: Language) -> dict[str, str]:
    """The fields of a specification in words, without those that are not known."""
    say = speaker(language)
    words: dict[str, str] = {}
    if spec.thread is not None:
        words["thread"] = spec.thread
    for field in ("reach_mm", "hex_mm", "gap_mm"):
        if (length := getattr(spec, field)) is not None:
            words[field] = say("s_plug.millimetres", length=texts.number(length, language))
    if spec.seat is not None:
        words["seat"] = say(f"s_plug.seat_{spec.seat}")
    for field in ("projected", "resistor"):
        if (given := getattr(spec, field)) is not None:
            words[field] = say(f"s_plug.has_{field}_{'yes' if given else 'no'}")
    if spec.heat is not None:
        words["heat"] = texts.number(spec.heat, language)
    if spec.material is not None:
        words["material"] = say(f"s_plug.material_{spec.material.replace('-', '_')}")
    if spec.ground_electrodes is not None:
        words["ground_electrodes"] = str(spec.ground_electrodes)
    return words


def heat_at_others(plug: Reading, language: Language) -> str:
    """How other makers number the same heat: «Denso 20, Bosch 7»."""
    if plug.spec is None or plug.spec.heat is None:
        return ""
    numbers = known.numbers_of_heat(plug.spec.heat)
    return ", ".join(
        f"{brand_name(brand, language)} {'/'.join(sorted(several, key=int))}"
        for brand, several in numbers.items()
        if brand not in (plug.brand, "NGK")
    )


def _form(typed: str, refused: str | None = None) -> dict[str, Any]:
    return {
        "typed": typed[:MOST_CHARACTERS],
        "refused": refused,
        "similar": [],
        "candidates": [],
        "examples": EXAMPLES,
        "address_of": address_of,
        "brand_name": brand_name,
        "heat_at_others": heat_at_others,
    }


def _no_plug(request: Request, typed: str, refusal: Refusal) -> Response:
    """The same page with the reason, and codes that are spelt nearly so."""
    shown = _form(typed, refusal.detail) | {"similar": refusal.facts.get("similar", [])}
    return show(request, "plugs.html", refusal.status, canonical=None, **shown)


def _several(request: Request, found: Understood) -> Response:
    """The plugs that a code may be: each brand has another."""
    language, first = language_of(request), found.candidates[0]
    candidates = []
    for one in found.candidates:
        words = values_of(one.spec, language) if one.spec is not None else {}
        candidates.append((one, [(field, words[field]) for field in IN_SHORT if field in words]))
    shown = _form(first.code) | {"candidates": candidates}
    return show(request, "plugs.html", canonical=f"/plugs/{quote(first.code, safe='')}", **shown)


def _by_reason(told: EquivalentsOut, shown: set[int]) -> dict[str, list[AnalogOut]]:
    """What the page does not show as goods, by what is said of it: many codes are the same plug."""
    found: dict[str, list[AnalogOut]] = {}
    for one in told.items:
        if not any(product.product_id in shown for product in one.products):
            found.setdefault(one.reason, []).append(one)
    return found


def _stores_of(alike: Equivalents) -> dict[int, str]:
    """The names of the stores where something can be had first."""
    offers = [*alike.offers, *(offer for one in alike.items for offer in one.offers)]
    return {offer.promised.store.id: offer.promised.store.name for offer in offers if offer.promised.store is not None}


def structured(
    name: str, plug: Reading, told: EquivalentsOut, said: list[Said], root: str, language: Language
) -> dict[str, Any]:
    """The plug as schema.org has it: what it is, what the shop asks for it, and what of the shop is similar to it."""
    say = speaker(language)
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": say("s_plug.name", name=name),
        "brand": {"@type": "Brand", "name": brand_name(plug.brand, language)},
        "mpn": plug.code,
        "url": root + address_of(plug.brand, plug.code),
        "inLanguage": language,
        "additionalProperty": [
            {"@type": "PropertyValue", "name": say(f"s_plug.field_{one.field}"), "value": one.value} for one in said
        ],
        "isSimilarTo": [
            {"@type": "Product", "name": product.name, "url": f"{root}/products/{product.product_id}"}
            for one in told.items
            for product in one.products
        ][:MOST_SIMILAR_IN_DATA],
    }
    if offers := [_offer(one, root) for one in told.products if RETAIL in one.prices]:
        data["offers"] = offers
    return data


def _offer(one: OfferOut, root: str) -> dict[str, Any]:
    return {
        "@type": "Offer",
        "price": f"{one.prices[RETAIL] / 100:.2f}",
        "priceCurrency": "RUB",
        "availability": "https://schema.org/" + ("InStock" if one.status == "on_hand" else "BackOrder"),
        "url": f"{root}/products/{one.product_id}",
    }
