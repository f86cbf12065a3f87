"""What the routes and pages of kits answer with, and how it is made of what was found."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from autoshop.inventory.availability.model import Availability
from autoshop.inventory.availability.texts import eta_text
from autoshop.kit.facts import Confidence
from autoshop.kit.language import Language
from autoshop.selection.crosses.model import Fit
from autoshop.selection.fitment import texts as fitment_texts
from autoshop.selection.fitment.api import LinkOut
from autoshop.selection.kits import texts
from autoshop.selection.kits.facts import Kit
from autoshop.selection.kits.model import Line, Offer, Source, State, Tier
from autoshop.selection.kits.service import Ready, WayToBuy
from autoshop.selection.vehicles.model import Engine
from autoshop.selection.vin import texts as vin_texts
from autoshop.selection.vin.api import OptionOut, QuestionOut, VinOut


class KitOut(BaseModel):
    """A job: how often it is done, and the kinds of parts that it takes."""

    kit: str
    name: str
    every_km: int | None
    every_months: int | None
    confidence: Confidence
    source: list[str]


class ItemOut(BaseModel):
    """So many of a product. `litres`: in one; null: no liquid, or nobody knows."""

    product_id: int
    brand: str
    article: str
    name: str
    count: int
    price_kopecks: int
    litres: float | None


class OfferOut(BaseModel):
    """What covers a line: how well it fits, and the chain that proves it. `order`: a supplier has to bring it."""

    items: list[ItemOut]
    amount_kopecks: int
    fit: Fit
    confidence: Confidence
    source: Source
    why: list[LinkOut]


class LineOut(BaseModel):
    """A part of the job. `offers`: one for each way to buy; none: `text` says why. `included`: it is in the sum.

    `quantity` is in `unit`s; null: nobody knows. `spec`: what a liquid must be, as the engine's facts say.
    """

    category: str
    name: str
    position: str
    position_text: str
    note: str
    optional: bool
    included: bool
    state: State
    text: str
    quantity: float | None
    unit: Literal["pcs", "l"]
    spec: str
    offers: dict[Tier, OfferOut]
    choices: int


class WayOut(BaseModel):
    """One way to buy all of it: one total, one date. `here`: all of it lies at the store already.

    `reservable`: pieces in the stores that can be held at once. `lacks`: categories that belong to the kit and are not
    in the total. `version`: another, where it is made of other things, whatever they cost.
    """

    tier: Tier
    name: str
    total_kopecks: int
    promised_at: datetime | None
    promised_text: str
    here: bool
    reservable: int
    lacks: list[str]
    version: str


class ReadyOut(BaseModel):
    """A kit for a car. Without a car there is a `question` alone; `ways` are those that differ, the cheapest first."""

    kit: KitOut
    vin: VinOut | None
    vehicle: str | None
    vehicle_name: str | None
    engines: list[str]
    year: int | None
    store_id: int | None
    store_name: str | None
    question: QuestionOut | None
    lines: list[LineOut]
    ways: list[WayOut]


def kit_out(kit: Kit, language: Language) -> KitOut:
    """A job as the API tells it."""
    return KitOut(
        kit=kit.kit,
        name=texts.name_of(kit, language),
        every_km=kit.every_km,
        every_months=kit.every_months,
        confidence=kit.confidence,
        source=list(kit.source),
    )


def open_out(kit: Kit, vin: VinOut, language: Language) -> ReadyOut:
    """A kit for a VIN that leaves open which car it is."""
    return ReadyOut(
        kit=kit_out(kit, language), vin=vin, vehicle=None, vehicle_name=None, engines=[], year=vin.year, store_id=None,
        store_name=None, question=vin.question, lines=[], ways=[],
    )  # fmt: skip


def ready_out(ready: Ready, vin: VinOut | None, now: datetime, language: Language) -> ReadyOut:
    """A kit for a car as the API tells it."""
    vehicle = ready.vehicle
    depends = any(line.need.state == "depends_on_engine" for line in ready.lines)
    return ReadyOut(
        kit=kit_out(ready.kit, language),
        vin=vin,
        vehicle=vehicle.id,
        vehicle_name=" ".join(part for part in (vehicle.make, vehicle.model, vehicle.generation) if part),
        engines=[one.code or one.name for one in ready.engines],
        year=ready.year,
        store_id=ready.store.id if ready.store is not None else None,
        store_name=ready.store.name if ready.store is not None else None,
        question=_which_engine(vehicle.id, ready.engines, language) if depends else None,
        lines=[_line(line, ready, language) for line in ready.lines],
        ways=[_way(way, ready, now, language) for way in ready.ways],
    )


def _which_engine(vehicle: str, engines: tuple[Engine, ...], language: Language) -> QuestionOut:
    options = [
        OptionOut(name=vin_texts.engine_name(one, language), vehicle=vehicle, engine=one.code) for one in engines
    ]
    return QuestionOut(field="engine", text=vin_texts.question("engine", language), options=options)


def _line(line: Line, ready: Ready, language: Language) -> LineOut:
    need = line.need
    text = texts.state(need.state, language)
    if need.state == "ready" and need.is_liquid and need.quantity is None:
        text = texts.AMOUNT_UNKNOWN[language == "en"]
    if need.years is not None and need.state == "ready":
        years = texts.years(*need.years, language)
        text = f"{text}. {years}" if text else years
    return LineOut(
        category=need.category,
        name=texts.category(need.category, language),
        position=need.position,
        position_text=texts.position(need.position, language),
        note=texts.note(need.part, language),
        optional=need.part.optional,
        included=line.included,
        state=need.state,
        text=text,
        quantity=need.quantity,
        unit="l" if need.is_liquid else "pcs",
        spec=need.spec,
        offers={tier: _offer(offer, ready, language) for tier, offer in line.chosen.items()},
        choices=line.offers,
    )


def _offer(offer: Offer, ready: Ready, language: Language) -> OfferOut:
    return OfferOut(
        items=[
            ItemOut(
                product_id=one.product.id, brand=one.product.brand, article=one.product.article,
                name=one.product.name, count=one.count, price_kopecks=one.price_kopecks, litres=one.litres,
            )
            for one in offer.items
        ],
        amount_kopecks=offer.amount_kopecks,
        fit=offer.fit,
        confidence=offer.confidence,
        source=offer.source,
        why=[
            LinkOut(
                kind=link.kind,
                text=fitment_texts.link(link, ready.articles, language),
                confidence=link.confidence,
                source=list(link.source),
            )
            for link in offer.chain
        ],
    )  # fmt: skip


def _way(way: WayToBuy, ready: Ready, now: datetime, language: Language) -> WayOut:
    assert ready.store is not None, "where no store is open there is no way to buy"
    found = Availability(
        "on_hand" if way.here else "transfer_1d" if way.promised_at else "unavailable", way.promised_at
    )
    return WayOut(
        tier=way.tier,
        name=texts.tier(way.tier, language),
        total_kopecks=way.total_kopecks,
        promised_at=way.promised_at,
        promised_text=eta_text(found, ready.store.calendar, now, language),
        here=way.here,
        reservable=way.reservable,
        lacks=list(way.lacks),
        version=way.version,
    )
