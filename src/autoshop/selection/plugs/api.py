"""Routes: what a plug is by its code, and what replaces it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.availability.model import Status
from autoshop.inventory.availability.texts import eta_text
from autoshop.kit.answers import shaped
from autoshop.kit.facts import Confidence
from autoshop.kit.fields import Spoken
from autoshop.kit.language import Language
from autoshop.selection.plugs import known, service, texts
from autoshop.selection.plugs.analogs import Analog, By
from autoshop.selection.plugs.facts import CarGroup, facts
from autoshop.selection.plugs.model import Difference, Reading, Spec, Verdict
from autoshop.selection.plugs.service import Equivalents, Offer, Offered
from autoshop.selection.plugs.understanding import understand

router = APIRouter(prefix="/api/v1/plugs", tags=["selection"])

Code = Annotated[str, Path(description="however it is spelt; `NGK BPR6ES` names its brand too; a + at the end matters")]
Brand = Annotated[str | None, Query(max_length=100, description="where a code is of several brands")]
StoreId = Annotated[
    int | None, Query(ge=1, lt=2**63, description="where the buyer wants it; else wherever it is first")
]


class SpecOut(BaseModel):
    """null = the code does not say. `heat` on the NGK scale, where higher is colder."""

    thread: str | None
    reach_mm: float | None
    hex_mm: float | None
    seat: Literal["flat", "conical"] | None
    projected: bool | None
    resistor: bool | None
    heat: float | None
    material: str | None
    ground_electrodes: int | None
    gap_mm: float | None


class ReasonOut(BaseModel):
    """Which letters of the code say a field; none: what the coding means where nothing is written."""

    field: str
    letters: str
    confidence: Confidence
    source: list[str]


class PlugRead(BaseModel):
    """A code as one brand means it. `listed`: it stands in a published table. No spec: `note` says why."""

    brand: str
    code: str
    listed: bool
    spec: SpecOut | None
    reasons: list[ReasonOut]
    unread: list[str]
    note: str | None


class CarsOut(BaseModel):
    """Cars that take this very code, as their service books name them."""

    make: str
    models: str
    engine: str
    from_year: int
    to_year: int
    plugs: list[str]
    gap_mm: str
    confidence: Confidence
    source: list[str]


class PlugOut(BaseModel):
    """`certain`: all candidates are one and the same plug. `sources`: what the ids in `source` stand for."""

    asked: str
    certain: bool
    candidates: list[PlugRead]
    cars: list[CarsOut]
    warnings: list[str]
    sources: dict[str, str]


class DifferenceOut(BaseModel):
    field: str
    asked: str | float | bool
    other: str | float | bool
    text: str


class OfferOut(BaseModel):
    """A product of the shop. `store_id`: where it can be had first. Pieces only for callers with `inventory:read`."""

    product_id: int
    brand: str
    article: str
    name: str
    prices: dict[str, int]
    status: Status
    eta_at: datetime | None
    eta_text: str
    store_id: int | None
    available_here: int | None
    available: int | None


class AnalogOut(BaseModel):
    """Another plug: how it is linked (`by`, over the codes `via`), what the checker says, what the shop has of it."""

    brand: str
    code: str
    by: By
    via: list[str]
    note: str
    verdict: Verdict
    differs: list[DifferenceOut]
    unknown: list[str]
    reason: str
    spec: SpecOut | None
    confidence: Confidence
    source: list[str]
    products: list[OfferOut]


class EquivalentsOut(BaseModel):
    """`refused`: what is sold or listed for it and must not stand for it, with the reason."""

    brand: str
    code: str
    spec: SpecOut | None
    compared_by: str | None
    products: list[OfferOut]
    items: list[AnalogOut]
    refused: list[AnalogOut]
    cars: list[CarsOut]
    warnings: list[str]
    sources: dict[str, str]


@router.get("/{code:path}/equivalents")
async def plug_equivalents(
    request: Request,
    lang: Spoken,
    code: Code,
    caller: Annotated[Caller, needs("catalog:read")],
    brand: Brand = None,
    store_id: StoreId = None,
) -> EquivalentsOut:
    """What may stand for a plug, of any brand: in stock first, then as it fits, by time to the buyer, then by price."""
    now = datetime.now(UTC)
    async with request.app.state.pool.acquire() as db:
        found = await service.equivalents(db, caller, code, brand, store_id, now, lang)
    return equivalents_out(found, caller, now, lang)


@router.get("/{code:path}", dependencies=[needs("catalog:read")])
async def show_plug(
    lang: Spoken,
    code: Code,
    brand: Brand = None,
) -> PlugOut:
    """What a plug is by its code, and which letters say so; each brand that may have made it."""
    return plug_out(code, brand, lang)


def plug_out(code: str, brand: str | None, lang: Language) -> PlugOut:
    """A code as the API and the command tell it."""
    found = understand(code, brand, lang)
    candidates = [_read(reading, lang) for reading in found.candidates]
    cars = _cars([reading.code for reading in found.candidates])
    warnings = [text for reading in found.candidates for text in service.warnings_for(reading, lang)]
    return PlugOut(
        asked=code,
        certain=found.is_certain,
        candidates=candidates,
        cars=cars,
        warnings=list(dict.fromkeys(warnings)),
        sources=sources_of([*(reason for one in candidates for reason in one.reasons), *cars]),
    )


def equivalents_out(found: Equivalents, caller: Caller, now: datetime, lang: Language) -> EquivalentsOut:
    """What was found, as the API and the command tell it."""
    items = [_analog(one, found.base, caller, now, lang) for one in found.items]
    refused = [_analog(one, found.base, caller, now, lang) for one in found.refused]
    cars = _cars([found.plug.code])
    return EquivalentsOut(
        brand=found.plug.brand,
        code=found.plug.code,
        spec=_spec(found.plug.spec),
        compared_by=found.base_code,
        products=[_offer(offer, caller, now, lang) for offer in found.offers],
        items=items,
        refused=refused,
        cars=cars,
        warnings=service.warnings_for(found.plug, lang),
        sources=sources_of([*items, *refused, *cars]),
    )


def _read(reading: Reading, lang: Language) -> PlugRead:
    return PlugRead(
        brand=reading.brand,
        code=reading.code,
        listed=reading.listed,
        spec=_spec(reading.spec),
        reasons=[shaped(ReasonOut, reason) for reason in reading.reasons],
        unread=list(reading.unread),
        note=None if reading.spec is not None else texts.not_read(service.decodes(reading.brand), lang),
    )


def _spec(spec: Spec | None) -> SpecOut | None:
    return None if spec is None else shaped(SpecOut, spec)


def _cars(codes: list[str]) -> list[CarsOut]:
    groups: dict[int, CarGroup] = {id(group): group for code in codes for group in known.cars_with(code)}
    return [shaped(CarsOut, group) for group in groups.values()]


def sources_of(told: list[Any]) -> dict[str, str]:
    """What the sources of an answer are."""
    return {source: facts().sources[source] for one in told for source in one.source}


def _analog(one: Offered, base: Spec | None, caller: Caller, now: datetime, lang: Language) -> AnalogOut:
    analog = one.analog
    return AnalogOut(
        brand=analog.brand, code=analog.code, by=analog.by, via=list(analog.via), note=analog.note,
        verdict=analog.check.verdict, differs=[difference_out(found, lang) for found in analog.check.differs],
        unknown=list(analog.check.unknown), reason=_reason(analog, base, lang), spec=_spec(analog.spec),
        confidence=analog.confidence, source=list(analog.source),
        products=[_offer(offer, caller, now, lang) for offer in one.offers],
    )  # fmt: skip


def _reason(analog: Analog, base: Spec | None, lang: Language) -> str:
    told = texts.told(analog.check, base, analog.spec, lang)
    why = None if analog.why is None else (analog.why.why_en if lang == "en" else analog.why.why_ru)
    return told if why is None else f"{why}; {told}"


def difference_out(found: Difference, lang: Language) -> DifferenceOut:
    """How two plugs differ in a field, as the API tells it."""
    one: Any = found.one
    other: Any = found.other
    return DifferenceOut(field=found.field, asked=one, other=other, text=texts.difference(found, lang))


def _offer(offer: Offer, caller: Caller, now: datetime, lang: Language) -> OfferOut:
    promised, product = offer.promised, offer.product
    may_count = caller.may("inventory:read")
    calendar = None if promised.store is None else promised.store.calendar
    none = texts.NOT_AVAILABLE[lang == "en"]
    return OfferOut(
        product_id=product.id, brand=product.brand, article=product.article, name=product.name, prices=product.prices,
        status=promised.availability.status, eta_at=promised.availability.eta_at,
        eta_text=none if calendar is None else eta_text(promised.availability, calendar, now, lang),
        store_id=None if promised.store is None else promised.store.id,
        available_here=promised.here if may_count else None, available=promised.everywhere if may_count else None,
    )  # fmt: skip
