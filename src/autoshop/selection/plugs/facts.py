"""The files of data/selection/plugs, read once and checked: what a code's letters mean, and what was published."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Literal, Protocol, TypeVar

from autoshop.kit.facts import FACTS, Confidence, WrongFact, one_of_each, read, sources
from autoshop.kit.text import article_key, name_key
from autoshop.selection.plugs.model import Spec

FOLDER = FACTS / "plugs"
NOTHING_WRITTEN = "*"  # a part of no code: what the coding means where nothing is written
SPEC_FIELDS = tuple(Spec.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Brand:
    """A maker of plugs and its other names. `decodes`: whether its codes can be read."""

    brand: str
    confidence: Confidence
    source: tuple[str, ...]
    names: tuple[str, ...] = ()
    decodes: Literal["yes", "no"] = "no"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Coding:
    """The order of the parts of a code: a regular expression with {part} where signs of a part stand.

    `other_heats`: whether the brand has heat numbers that heat.csv does not have.
    """

    coding: str
    brand: str
    letters: str
    pattern: str
    other_heats: Literal["yes", "no"]
    confidence: Confidence
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """What a sign in a part of the code says; `given` names what the other parts must have for that."""

    letters: str
    part: str
    confidence: Confidence
    source: tuple[str, ...]
    sign: str = ""
    given: tuple[str, ...] = ()
    thread: str | None = None
    hex_mm: float | None = None
    seat: Literal["flat", "conical"] | None = None
    reach_mm: float | None = None
    projected: bool | None = None
    resistor: bool | None = None
    material: str | None = None
    ground_electrodes: int | None = None
    gap_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Heat:
    """A heat number of a brand on the NGK scale."""

    brand: str
    number: str
    ngk: float
    confidence: Confidence
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plug:
    """A code that its maker's catalogue has, and what the catalogue prints of it: for what the letters do not tell."""

    brand: str
    code: str
    confidence: Confidence
    source: tuple[str, ...]
    thread: str | None = None
    reach_mm: float | None = None
    hex_mm: float | None = None
    seat: Literal["flat", "conical"] | None = None
    heat: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Numbers by which a maker's plugs are ordered and that say nothing of the plug: a regular expression of keys.

    `named`: whether only a number beside the maker's name is one, for others have such numbers too.
    """

    brand: str
    pattern: str
    named: Literal["yes", "no"]
    example: str
    why_ru: str
    why_en: str
    confidence: Confidence
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of an interchange table. `found` is what comparing the two by hand gave when it was written down."""

    row: int
    table: Literal["published", "derived"]
    brand: str
    code: str
    other_brand: str
    other_code: str
    found: Literal["pass", "pass, adjacent heat", "fits, differs", "conflict", "undecoded", "partial"]
    confidence: Confidence
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A number of a car's maker, or a plug that took another's place. No other code: no analog is known."""

    brand: str
    code: str
    kind: Literal["oe", "analog", "supersession"]
    use: str
    confidence: Confidence
    source: tuple[str, ...]
    other_brand: str | None = None
    other_code: str | None = None


@dataclass(frozen=True, slots=True)
class CarGroup:
    """Cars that take the same plugs, as service books name them."""

    make: str
    models: str
    engine: str
    from_year: int
    to_year: int
    plugs: tuple[str, ...]
    gap_mm: str
    confidence: Confidence
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Two plugs that are taken for each other, and the reason not to."""

    brand: str
    code: str
    other_brand: str
    other_code: str
    verdict: Literal["conflict", "fits, differs", "pass"]
    why_ru: str
    why_en: str
    confidence: Confidence
    source: tuple[str, ...]
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trap:
    """A page that many read and that is wrong."""

    page: str
    claim: str
    brand: str
    truth_ru: str
    truth_en: str
    confidence: Confidence
    source: tuple[str, ...]


class _Sourced(Protocol):
    @property
    def source(self) -> tuple[str, ...]: ...


S = TypeVar("S", bound=_Sourced)


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts about plugs; `letters` by letters, part and sign, `heats` by brand and number."""

    sources: Mapping[str, str]
    brands: Mapping[str, Brand]
    brand_names: Mapping[str, str]  # name_key → brand
    codings: tuple[Coding, ...]
    letters: Mapping[tuple[str, str, str], tuple[Letter, ...]]
    heats: Mapping[tuple[str, str], Heat]
    plugs: Mapping[tuple[str, str], Plug]  # by brand and the key of the code
    orders: tuple[Order, ...]
    pairs: tuple[Pair, ...]
    links: tuple[Link, ...]
    cars: tuple[CarGroup, ...]
    refused: tuple[Refused, ...]
    traps: tuple[Trap, ...]


@cache
def facts() -> Facts:
    """All of them. They do not change while a process runs."""
    return read_facts(FOLDER)


def read_facts(folder: Traversable) -> Facts:
    """The facts of a folder. Raises WrongFact with the file and line of what cannot be true."""
    told_by = {source.id: source.what for source in sources(folder).known.values()}

    def of(name: str, shape: type[S]) -> tuple[S, ...]:
        found = tuple(read(folder / f"{name}.csv", shape))
        for fact in found:
            _must_be_known(fact.source, told_by, f"{name}.csv: {fact}")
        return found

    brands = one_of_each(((b.brand, b) for b in of("brands", Brand)), "brand")
    names = [(name_key(name), brand.brand) for brand in brands.values() for name in {brand.brand, *brand.names}]
    codings = of("codings", Coding)
    one_of_each(((c.coding, c) for c in codings), "coding")
    letters = of("letters", Letter)
    one_of_each((((one.letters, one.part, one.sign, one.given), one) for one in letters), "letter")
    pairs = of("equivalents", Pair)
    one_of_each((((p.row, p.other_brand, p.other_code), p) for p in pairs), "pair")
    links = of("links", Link)
    one_of_each((((one.brand, one.code, one.other_brand, one.other_code), one) for one in links), "link")
    for coding in codings:
        if coding.brand not in brands or brands[coding.brand].decodes != "yes":
            raise WrongFact(f"codings.csv: {coding.coding} is of a brand that is not read: {coding.brand}")
    return Facts(
        MappingProxyType(told_by),
        MappingProxyType(brands),
        MappingProxyType(one_of_each(dict.fromkeys(names), "name of a brand")),
        codings,
        MappingProxyType(_by_sign(letters)),
        MappingProxyType(one_of_each((((h.brand, h.number), h) for h in of("heat", Heat)), "heat")),
        MappingProxyType(one_of_each((((p.brand, article_key(p.code)), p) for p in of("codes", Plug)), "code")),
        of("orders", Order),
        pairs,
        links,
        of("vehicles", CarGroup),
        of("refused", Refused),
        of("traps", Trap),
    )


def _must_be_known(given: Iterable[str], told_by: Mapping[str, str], where: str) -> None:
    unknown = [one for one in given if one not in told_by]
    if unknown or not given:
        raise WrongFact(f"{where}: unknown source {unknown}")


def _by_sign(letters: Iterable[Letter]) -> dict[tuple[str, str, str], tuple[Letter, ...]]:
    found: dict[tuple[str, str, str], list[Letter]] = defaultdict(list)
    for one in letters:
        found[one.letters, one.part, one.sign].append(one)
    return {key: tuple(rows) for key, rows in found.items()}
