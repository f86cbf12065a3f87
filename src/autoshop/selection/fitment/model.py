"""Whether a part fits a car, from what is known of both. Pure: nothing is guessed, and every answer has its chain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from autoshop.kit.errors import NotFound
from autoshop.kit.facts import Confidence
from autoshop.selection.crosses.model import CONFIDENCES, Way
from autoshop.selection.plugs.model import Check
from autoshop.selection.vehicles.model import in_years

Answer = Literal["fits", "does_not_fit", "check"]
Kind = Literal["fitment", "cross", "other_engine", "other_years", "qualifiers", "plug", "absent", "feedback", "unknown"]
Origin = Literal["order", "return", "staff"]
MOST_DOUBTS = 3  # so many buyers for whom it did not fit, and fewer for whom it did: nobody says any more that it does
SILENT = 10  # so many buyers who kept it without a word say as much as one who says that it fitted


@dataclass(frozen=True, slots=True)
class Fitted:
    """An article that somebody says fits a car. `engine` None: whatever engine; `quantity` None: nobody knows."""

    article_id: int
    vehicle: str
    engine: str | None
    category: str
    position: str
    quantity: float | None
    years_from: int | None
    years_to: int | None
    confidence: Confidence
    basis: Literal["read", "knowledge"]
    source: str
    qualifiers: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One step of the proof. `facts` fill the sentence of its `kind`."""

    kind: Kind
    confidence: Confidence
    source: tuple[str, ...]
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a product fits a car; `chain` proves it, or says what is missing."""

    answer: Answer
    confidence: Confidence
    chain: tuple[Link, ...]
    position: str = ""
    quantity: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What buyers and staff said of a product and a car: for how many it fitted, for how many not.

    `kept`: who bought it for that car, and neither said anything nor brought it back; asked only where somebody doubts.
    """

    fitted: int = 0
    not_fitted: int = 0
    kept: int = 0

    @property
    def doubts(self) -> int:
        """By how many voices it rather does not fit. Three of three thousand who brought it back are no doubt."""
        return self.not_fitted - self.fitted - self.kept // SILENT


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one of them said. `vehicle` None: nobody knows for which car it was bought."""

    id: int
    product_id: int
    vehicle: str | None
    engine: str | None
    fitted: bool
    origin: Origin
    reference: str | None
    note: str | None
    actor: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PartKind:
    """A product, what its category and the one above are called, and whether it is told of any car that it fits it."""

    product_id: int
    brand_id: int
    article: str
    categories: tuple[str, ...]
    is_told: bool


class UnknownEngine(NotFound):
    """The vehicle was sold with no such engine; `engines` are those that it was sold with."""

    title = "Unknown engine"

    def explain(self) -> str:
        return f"{self.facts['vehicle']} was sold with {', '.join(self.facts['engines']) or 'no engine that is known'}"


def judge(
    engine: str | None,
    year: int | None,
    fitted: Sequence[tuple[Fitted, Way]],
    plug: tuple[str, Check] | None,
    absent: Link | None,
    told: Told,
) -> Verdict:
    """What follows from what is known of a part and a car.

    `fitted` are the fitments of that car that the part's ways lead to (an empty way: its own article). `plug`: the plug
    that the engine has, and what the checker says of this one beside it. A proof that it cannot fit beats all words.
    """
    if plug is not None and plug[1].verdict in ("conflict", "fits, differs"):
        differs = ", ".join(found.field for found in plug[1].differs)
        return Verdict("does_not_fit", "high", (Link("plug", "high", (), {"plug": plug[0], "differs": differs}),))
    if absent is not None:
        return Verdict("does_not_fit", absent.confidence, (absent,))
    best = min(fitted, key=lambda one: _rank(one, engine, year), default=None)
    if best is None:
        if plug is not None and plug[1].is_proven:
            return _doubted(
                Verdict("fits", "medium", (Link("plug", "medium", (), {"plug": plug[0], "differs": ""}),)), told
            )
        return Verdict("check", "low", (Link("unknown", "low", (), {}),))
    found, way = best
    chain = tuple(_chain(found, way))
    confidence = max((link.confidence for link in chain), key=CONFIDENCES.index)
    for kind, agrees in (("other_engine", _engine_agrees(found, engine)), ("other_years", _year_agrees(found, year))):
        if not agrees:
            facts = {"engine": found.engine or "", "years": f"{found.years_from or ''}–{found.years_to or ''}"}
            against = Link(
                "other_engine" if kind == "other_engine" else "other_years", "medium", (found.source,), facts
            )
            return Verdict("check", "low", (*chain, against), found.position, found.quantity)
    if found.qualifiers:  # nobody knows whether it is so with this car
        only = Link("qualifiers", found.confidence, tuple(found.source.split(" | ")), {"qualifiers": found.qualifiers})
        return _doubted(Verdict("check", confidence, (*chain, only), found.position, found.quantity), told)
    return _doubted(Verdict("fits", confidence, chain, found.position, found.quantity), told)


def _chain(found: Fitted, way: Way) -> Iterable[Link]:
    for step in way.steps:
        yield Link("cross", step.confidence, (), {"from": str(step.from_id), "to": str(step.to_id), "how": step.kind})
    yield Link("fitment", found.confidence, tuple(found.source.split(" | ")), {"article": str(found.article_id)})


def _rank(one: tuple[Fitted, Way], engine: str | None, year: int | None) -> tuple[bool, bool, bool, int, int, str]:
    found, way = one
    return (
        not _engine_agrees(found, engine),
        not _year_agrees(found, year),
        found.qualifiers != "",
        len(way.steps),
        CONFIDENCES.index(found.confidence),
        found.position,
    )


def _engine_agrees(found: Fitted, engine: str | None) -> bool:
    return found.engine is None or engine is None or found.engine == engine


def _year_agrees(found: Fitted, year: int | None) -> bool:
    return year is None or in_years(found.years_from, found.years_to, year)


def _doubted(verdict: Verdict, told: Told) -> Verdict:
    """A step less sure for whom it did not fit; more than a few of them, and it has to be checked."""
    if told.doubts <= 0:
        return verdict
    said = {"not_fitted": str(told.not_fitted), "fitted": str(told.fitted), "kept": str(told.kept)}
    link = Link("feedback", "low", (), said)
    answer: Answer = "check" if told.doubts >= MOST_DOUBTS else verdict.answer
    less: Confidence = "medium" if verdict.confidence == "high" and told.doubts == 1 else "low"
    return Verdict(answer, less, (*verdict.chain, link), verdict.position, verdict.quantity)
