"""Routes: what a VIN says, one or many. The command line answers with the same shapes."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.kit.answers import shaped
from autoshop.kit.errors import wrong
from autoshop.kit.facts import Confidence
from autoshop.kit.fields import Spoken
from autoshop.kit.language import Language
from autoshop.kit.text import IN_PATH
from autoshop.selection.vin import service, texts
from autoshop.selection.vin.model import Candidate, Decoded
from autoshop.selection.vin.typed import LONGEST, ChangeKind

router = APIRouter(prefix="/api/v1/vin", tags=["selection"])

MOST_VINS = 1000


class ChangeOut(BaseModel):
    """What was changed to read it."""

    kind: ChangeKind
    was: str
    became: str
    text: str


class YearsOut(BaseModel):
    """The model years that are left; `to` is null while the car is still made, both where nobody knows."""

    from_: Annotated[int | None, Field(alias="from")]
    to: int | None


class ReasonOut(BaseModel):
    """Why a field is what it is: the positions of the VIN, the rule, and the sources of the rule."""

    field: Literal["make", "model", "body", "engines", "year"]
    positions: str
    rule: str
    source: list[str]


class EngineOut(BaseModel):
    """An engine that the car was sold with, as far as it is known."""

    code: str | None
    name: str
    displacement_cc: int | None
    power_hp: int | None
    fuel: str | None


class CandidateOut(BaseModel):
    """A car that the VIN may be of. `year` only where it is certain; what nobody knows is null."""

    vehicle: str | None
    make: str
    model: str | None
    generation: str | None
    body: str | None
    engines: list[EngineOut]
    year: int | None
    years: YearsOut
    confidence: Confidence
    reasons: list[ReasonOut]


class OptionOut(BaseModel):
    """One answer to the question: the vehicle it leads to, and the engine's code."""

    name: str
    vehicle: str | None
    engine: str | None


class QuestionOut(BaseModel):
    """The one thing to ask the customer."""

    field: Literal["vehicle", "engine"]
    text: str
    options: list[OptionOut]


class WarningOut(BaseModel):
    kind: str
    text: str


class VinOut(BaseModel):
    """What a VIN says. `vin`: as it was sent; `normalised`: the 17 characters, null where there is no VIN in it."""

    vin: str
    normalised: str | None
    looks_like: str | None
    changes: list[ChangeOut]
    year: int | None
    years: YearsOut
    candidates: list[CandidateOut]
    question: QuestionOut | None
    warnings: list[WarningOut]


class VinsIn(BaseModel, extra="forbid"):
    vins: Annotated[list[Annotated[str, Field(max_length=LONGEST)]], Field(min_length=1, max_length=MOST_VINS)]


class VinsOut(BaseModel):
    """In the order in which they were sent."""

    items: list[VinOut]


@router.get("/{vin:path}")
async def read_vin(
    language: Spoken,
    caller: Annotated[Caller, needs("catalog:read")],
    vin: Annotated[str, Path(pattern=IN_PATH, description="as somebody typed or pasted it, however long")],
) -> VinOut:
    """What a VIN says, and why. A text without one is refused with what it looks like."""
    answer = service.read(vin, datetime.now(UTC))
    if answer.decoded is None:
        detail = texts.looks_like(answer.typed, language)
        raise service.NotAVin(detail, looks_like=answer.typed.looks_like, errors=[wrong("vin", detail)])
    return out(answer, language)


@router.post("")
async def read_vins(
    language: Spoken,
    caller: Annotated[Caller, needs("catalog:read")],
    body: VinsIn,
) -> VinsOut:
    """Many VINs at once; what is no VIN has `looks_like` in its place, and no candidates. Nothing is written."""
    now = datetime.now(UTC)
    return VinsOut(items=[out(service.read(vin, now), language) for vin in body.vins])


def out(answer: service.Answer, language: Language) -> VinOut:
    """An answer as the API and the command line tell it."""
    typed, decoded = answer.typed, answer.decoded
    if decoded is None:
        return VinOut(
            vin=typed.text,
            normalised=None,
            looks_like=typed.looks_like,
            changes=[],
            year=None,
            years=_years(None, None),
            candidates=[],
            question=None,
            warnings=[WarningOut(kind="not_a_vin", text=texts.looks_like(typed, language))],
        )
    warnings = [*decoded.warnings, *(["several_vins"] if typed.others else [])]
    return VinOut(
        vin=typed.text,
        normalised=decoded.vin,
        looks_like=None,
        changes=[
            ChangeOut(kind=one.kind, was=one.was, became=one.became, text=texts.change(one, language))
            for one in typed.changes
        ],
        year=decoded.year,
        years=_years(*decoded.years),
        candidates=[_candidate(one, language) for one in decoded.candidates],
        question=_question(decoded, language),
        warnings=[WarningOut(kind=one, text=texts.warning(one, decoded, language)) for one in warnings],
    )


def _candidate(candidate: Candidate, language: Language) -> CandidateOut:
    return CandidateOut(
        vehicle=candidate.vehicle,
        make=candidate.make,
        model=candidate.model,
        generation=candidate.generation,
        body=candidate.body,
        engines=[shaped(EngineOut, engine) for engine in candidate.engines],
        year=candidate.year,
        years=_years(candidate.years_from, candidate.years_to),
        confidence=candidate.confidence,
        reasons=[
            ReasonOut(field=one.field, positions=one.positions, rule=one.rule_in(language), source=list(one.source))
            for one in candidate.reasons
        ],
    )


def _years(first: int | None, last: int | None) -> YearsOut:
    return YearsOut.model_validate({"from": first, "to": last})


def _question(decoded: Decoded, language: Language) -> QuestionOut | None:
    """Which car, and so which make, where several are left; else which engine, where several are."""
    if len(decoded.candidates) > 1:
        cars = [OptionOut(name=texts.name_of(one), vehicle=one.vehicle, engine=None) for one in decoded.candidates]
        return QuestionOut(field="vehicle", text=texts.which_car(decoded.candidates, language), options=cars)
    engines = [engine for candidate in decoded.candidates for engine in candidate.engines]
    if len(engines) < 2:
        return None
    vehicle = decoded.candidates[0].vehicle
    options = [OptionOut(name=texts.engine_name(one, language), vehicle=vehicle, engine=one.code) for one in engines]
    return QuestionOut(field="engine", text=texts.question("engine", language), options=options)
