"""The links that are facts: of service parts, and of spark plugs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from autoshop.kit import facts as kept
from autoshop.kit.facts import FACTS, Confidence, WrongFact, one_of_each, read
from autoshop.selection.crosses.model import Kind
from autoshop.selection.plugs.facts import facts as plug_facts

FOLDER = FACTS / "parts"
RUSSIAN = "Россия (ОСТ)"  # what the catalogue calls the brand of plugs that are marked by the OST


@dataclass(frozen=True, slots=True)
class BrandFact:
    """A maker and the names that price lists use for it."""

    name: str
    kind: Literal["oem", "aftermarket"]
    confidence: Confidence
    source: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    country: str | None = None


@dataclass(frozen=True, slots=True)
class CrossFact:
    """A link of two articles; of `oe` the car maker's number, of `supersession` the older one comes first."""

    brand: str
    article: str
    other_brand: str
    other_article: str
    kind: Kind
    confidence: Confidence
    source: tuple[str, ...]
    derived: Literal["yes", "no"] = "no"


def sources() -> dict[str, str]:
    """What the ids of sources stand for; those of plugs begin with «plugs:»."""
    own = {source.id: source.what for source in kept.sources(FOLDER).known.values()}
    return {**own, **{f"plugs:{name}": what for name, what in plug_facts().sources.items()}}


def brand_facts() -> list[BrandFact]:
    """Brands with their other names. Raises WrongFact."""
    found = list(read(FOLDER / "brands.csv", BrandFact))
    one_of_each(((brand.name, brand) for brand in found), "brand")
    return found


def cross_facts() -> list[CrossFact]:
    """Every link of the files, of plugs last. Raises WrongFact."""
    known = sources()
    found = [*read(FOLDER / "crosses.csv", CrossFact), *_of_plugs()]
    for fact in found:
        if not fact.source or not known.keys() >= set(fact.source):
            raise WrongFact(f"crosses.csv: unknown source of {fact}")
    return found


def _of_plugs() -> Iterator[CrossFact]:
    for pair in plug_facts().pairs:
        yield CrossFact(
            _brand(pair.brand), pair.code, _brand(pair.other_brand), pair.other_code, "analog", pair.confidence,
            _named(pair.source), "yes" if pair.table == "derived" else "no",
        )  # fmt: skip
    for link in plug_facts().links:
        if link.other_brand is not None and link.other_code is not None:
            yield CrossFact(
                _brand(link.brand), link.code, _brand(link.other_brand), link.other_code, link.kind, link.confidence,
                _named(link.source),
            )  # fmt: skip


def _brand(name: str) -> str:
    return RUSSIAN if name == "Russian" else name


def _named(source: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"plugs:{one}" for one in source)
