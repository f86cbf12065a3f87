"""A spark plug as plain data, and when one may stand for another. Pure rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from autoshop.kit.errors import Conflict, Invalid, NotFound
from autoshop.kit.facts import Confidence

Verdict = Literal["pass", "pass, adjacent heat", "fits, differs", "conflict", "unknown"]
Looks = Literal["nothing", "text", "phone", "barcode", "number", "article", "several", "order"]

MOST_CHARACTERS = 60  # of a code; the longest known has 13
# Hexagons are told as 20.6 or 20.8 and reaches as 11.1, 11.2 or 11.7 for the same hole.
HEX_TOLERANCE_MM, REACH_TOLERANCE_MM = 0.3, 0.5
SAME_HEAT, ADJACENT_HEAT = 0.75, 1.0  # steps of the NGK scale


@dataclass(frozen=True, slots=True)
class Spec:
    """What a code says of its plug; None where it does not say.

    `heat` is on the NGK scale, where higher is colder. `hex_mm` is the spanner, `reach_mm` the thread's length.
    """

    thread: str | None = None
    reach_mm: float | None = None
    hex_mm: float | None = None
    seat: Literal["flat", "conical"] | None = None
    projected: bool | None = None
    resistor: bool | None = None
    heat: float | None = None
    material: str | None = None
    ground_electrodes: int | None = None
    gap_mm: float | None = None


MOUNTING = ("thread", "reach_mm", "hex_mm", "seat")  # does it screw in, and where does it end
BEHAVIOUR = ("projected", "resistor", "heat")


@dataclass(frozen=True, slots=True)
class Reason:
    """Which letters of the code say a field; no letters: what the coding means where nothing is written."""

    field: str
    letters: str
    confidence: Confidence
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A code read by the coding of a brand. `listed`: it stands in a published table, so that it surely exists."""

    brand: str
    code: str
    spec: Spec | None
    reasons: tuple[Reason, ...] = ()
    unread: tuple[str, ...] = ()  # letters that are allowed there, and of which nobody told the meaning
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which two plugs differ; heat also where it is only a step."""

    field: str
    one: object
    other: object


@dataclass(frozen=True, slots=True)
class Check:
    """Whether two plugs are the same. `unknown` are the fields that one of both codes does not tell."""

    verdict: Verdict
    differs: tuple[Difference, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def may_replace(self) -> bool:
        """Whether nothing speaks against the one in place of the other."""
        return self.verdict in ("pass", "pass, adjacent heat")

    @property
    def is_proven(self) -> bool:
        """Whether that was found by comparing everything, not for lack of knowledge."""
        return self.may_replace and not self.unknown


NOTHING_KNOWN = Check("unknown", (), (*MOUNTING, *BEHAVIOUR))


def compare(one: Spec | None, other: Spec | None) -> Check:
    """The checker. Thread, reach, hexagon and seat decide whether it fits; then what it does in the engine.

    The gap is no difference: it is set to what the car wants. A reach, hexagon, seat or thread that one code does not
    tell makes the answer `unknown`, for a plug that is too long breaks the engine.
    """
    if one is None or other is None:
        return NOTHING_KNOWN
    differs = tuple(_differences(one, other))
    unknown = tuple(field for field in (*MOUNTING, *BEHAVIOUR) if None in (getattr(one, field), getattr(other, field)))
    fields = {found.field for found in differs}
    if fields & set(MOUNTING):
        return Check("conflict", differs, unknown)
    if set(unknown) & set(MOUNTING):
        return Check("unknown", differs, unknown)
    if fields - {"heat"} or (fields and _steps(one, other) > ADJACENT_HEAT):
        return Check("fits, differs", differs, unknown)
    return Check("pass, adjacent heat" if fields else "pass", differs, unknown)


TOLERANCES = {"hex_mm": HEX_TOLERANCE_MM, "reach_mm": REACH_TOLERANCE_MM, "heat": SAME_HEAT}


def _differences(one: Spec, other: Spec) -> Iterator[Difference]:
    for field in (*MOUNTING, *BEHAVIOUR):
        a, b = getattr(one, field), getattr(other, field)
        if a != b and a is not None and b is not None:
            tolerance = TOLERANCES.get(field)
            if tolerance is None or abs(a - b) > tolerance + 1e-9:
                yield Difference(field, a, b)


def _steps(one: Spec, other: Spec) -> float:
    return abs((one.heat or 0) - (other.heat or 0))


def sets_gap(one: Spec | None, other: Spec | None) -> bool:
    """Whether the two come with different gaps, as far as their codes say: then the gap has to be set."""
    return one is not None and other is not None and one.gap_mm != other.gap_mm


@dataclass(frozen=True, slots=True)
class Understood:
    """A code as it was meant: each brand that may have made it, those in published tables first."""

    asked: str
    candidates: tuple[Reading, ...]

    @property
    def one(self) -> Reading:
        """The plug that is meant, or the first of several that are the same. Refuses what may be another plug."""
        if not self.is_certain:
            raise SeveralBrands(code=self.candidates[0].code, brands=[one.brand for one in self.candidates])
        return self.candidates[0]

    @property
    def is_certain(self) -> bool:
        """Whether all candidates are the same plug."""
        first, *others = self.candidates
        return all(compare(first.spec, other.spec).is_proven for other in others)


class NotAPlugCode(NotFound):
    """Nobody's coding has such a code. `looks_like` says what it may be instead, `similar` which codes are near."""

    title = "Not a spark plug code"


class SeveralBrands(Conflict):
    """The code is of several brands, and means another plug at each."""

    title = "The code is of several brands"

    def explain(self) -> str:
        return f"«{self.facts['code']}» is a code of {', '.join(self.facts['brands'])}: say which (?brand=)"


class BadCode(Invalid):
    title = "Not a spark plug code"
