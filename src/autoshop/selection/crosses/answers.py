"""What the routes of crosses answer with, and how it is made of what was found."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from autoshop.accounts.model import Caller
from autoshop.inventory.availability.model import Status
from autoshop.inventory.availability.texts import eta_text
from autoshop.kit.answers import shaped
from autoshop.kit.facts import Confidence
from autoshop.kit.language import Language
from autoshop.selection.crosses import analogs, texts
from autoshop.selection.crosses.analogs import Analog, Analogs
from autoshop.selection.crosses.model import CrossConflict, Fit, Kind, Refusal, State, Step
from autoshop.selection.crosses.service import Linked
from autoshop.selection.plugs import texts as plug_texts
from autoshop.selection.plugs.api import DifferenceOut, difference_out
from autoshop.selection.plugs.coding import brand_named, spec_of
from autoshop.selection.plugs.model import Verdict as PlugVerdict
from autoshop.selection.plugs.model import compare


class ArticleOut(BaseModel):
    brand: str
    article: str


class StepOut(BaseModel):
    """One link of the way: from an article to the next. `backward`: against the direction of its kind."""

    from_article: ArticleOut
    to_article: ArticleOut
    kind: Kind
    backward: bool
    confidence: Confidence
    source: str
    text: str


class AnalogOut(BaseModel):
    """How an article is linked (`path`; none: by its spec alone), how well it fits, and what differs of spark plugs."""

    brand: str
    article: str
    fit: Fit
    confidence: Confidence
    path: list[StepOut]
    verdict: PlugVerdict | None
    accepted: bool
    differs: list[DifferenceOut]
    reason: str


class ProductAnalogOut(AnalogOut):
    """A product of the shop. `store_id`: where it can be had first. Pieces only for callers with `inventory:read`."""

    product_id: int
    name: str
    prices: dict[str, int]
    status: Status
    eta_at: datetime | None
    eta_text: str
    store_id: int | None
    available_here: int | None
    available: int | None


class AnalogsOut(BaseModel):
    """`newest`: the number that the article has now. `refused`: linked, and yet must not stand for it.

    `others` are not sold here. `cut`: more is linked than was looked at.
    """

    product_id: int
    brand: str
    article: str
    newest: ArticleOut | None
    items: list[ProductAnalogOut]
    refused: list[ProductAnalogOut]
    others: list[AnalogOut]
    cut: bool


class ConflictOut(BaseModel):
    """A pair of spark plugs that the checker refused; `differs` and `text` say why, by what it knows today."""

    id: int
    one: ArticleOut
    other: ArticleOut
    kind: Kind
    confidence: Confidence
    source: str
    verdict: Refusal
    differs: list[DifferenceOut]
    text: str
    state: State
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None


class ConflictsPage(BaseModel):
    items: list[ConflictOut]
    next_page: str | None


class LinkedOut(BaseModel):
    """`kept_aside`: the checker refuses these plugs; a person has to decide `conflict`."""

    state: Literal["added", "known", "kept_aside"]
    verdict: PlugVerdict | None
    conflict: ConflictOut | None


def linked_out(linked: Linked, lang: Language) -> LinkedOut:
    """What became of a pair, as the API tells it."""
    conflict = None if linked.conflict is None else conflict_out(linked.conflict, lang)
    return LinkedOut.model_validate({"state": linked.state, "verdict": linked.verdict, "conflict": conflict})


def conflict_out(conflict: CrossConflict, lang: Language) -> ConflictOut:
    """A conflict as the API tells it."""
    one, other = (
        None if (maker := brand_named(article.brand)) is None else spec_of(maker, article.article)
        for article in (conflict.one, conflict.other)
    )
    check = compare(one, other)
    return ConflictOut(
        id=conflict.id, one=shaped(ArticleOut, conflict.one), other=shaped(ArticleOut, conflict.other),
        kind=conflict.kind, confidence=conflict.confidence, source=conflict.source, verdict=conflict.verdict,
        differs=[difference_out(found, lang) for found in check.differs], text=plug_texts.told(check, one, other, lang),
        state=conflict.state, created_at=conflict.created_at, decided_at=conflict.decided_at,
        decided_by=conflict.decided_by, reason=conflict.reason,
    )  # fmt: skip


def out(found: Analogs, caller: Caller, now: datetime, lang: Language) -> AnalogsOut:
    """What was found, as the API tells it."""
    return AnalogsOut(
        product_id=found.product.id,
        brand=found.product.brand,
        article=found.product.article,
        newest=None if found.newest is None else shaped(ArticleOut, found.newest),
        items=[_product(one, found, caller, now, lang) for one in found.items],
        refused=[_product(one, found, caller, now, lang) for one in found.refused],
        others=[AnalogOut(**_analog(one, found, lang)) for one in found.others],
        cut=found.cut,
    )


def _product(one: Analog, found: Analogs, caller: Caller, now: datetime, lang: Language) -> ProductAnalogOut:
    assert one.product is not None
    assert one.promised is not None
    may_count, promised = caller.may("inventory:read"), one.promised
    calendar = None if promised.store is None else promised.store.calendar
    none = plug_texts.NOT_AVAILABLE[lang == "en"]
    return ProductAnalogOut(
        **{**_analog(one, found, lang), "brand": one.product.brand, "article": one.product.article},
        product_id=one.product.id, name=one.product.name, prices=one.product.prices,
        status=promised.availability.status, eta_at=promised.availability.eta_at,
        eta_text=none if calendar is None else eta_text(promised.availability, calendar, now, lang),
        store_id=None if promised.store is None else promised.store.id,
        available_here=promised.here if may_count else None, available=promised.everywhere if may_count else None,
    )  # fmt: skip


def _analog(one: Analog, found: Analogs, lang: Language) -> dict[str, Any]:
    article = found.names.get(one.article.id, one.article)
    check = one.check
    return {
        "brand": article.brand,
        "article": article.article,
        "fit": one.fit,
        "confidence": "medium" if one.way is None else one.way.confidence,
        "path": [_step(step, found, lang) for step in analogs.steps_of(one)],
        "verdict": None if check is None else check.verdict,
        "accepted": one.is_accepted,
        "differs": [] if check is None else [difference_out(each, lang) for each in check.differs],
        "reason": _reason(one, found, lang),
    }


def _step(step: Step, found: Analogs, lang: Language) -> StepOut:
    one, other = found.names[step.from_id], found.names[step.to_id]
    text = texts.step(step, f"{one.brand} {one.article}", f"{other.brand} {other.article}", lang)
    return StepOut(
        from_article=shaped(ArticleOut, one), to_article=shaped(ArticleOut, other), kind=step.kind,
        backward=step.backward, confidence=step.confidence, source=found.sources[step.source_id], text=text,
    )  # fmt: skip


def _reason(one: Analog, found: Analogs, lang: Language) -> str:
    """A sentence: the way, then what the checker says."""
    en = lang == "en"
    told = [_step(step, found, lang).text for step in analogs.steps_of(one)]
    if one.check is not None:
        told.append(plug_texts.told(one.check, found.spec, one.spec, lang))
    if one.is_accepted:
        told.append(texts.ACCEPTED[en])
    return "; ".join([texts.FITS[one.fit][en], *told])
