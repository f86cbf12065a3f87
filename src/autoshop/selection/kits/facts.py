"""The kits of data/selection/kits, and how much is in a pack of what is sold by the litre (data/selection/parts)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable

from autoshop.catalog.search.categories.model import facts as categories
from autoshop.kit.facts import FACTS, Confidence, WrongFact, one_of_each, read, sources
from autoshop.kit.text import article_key

KITS, PARTS = FACTS / "kits", FACTS / "parts"


@dataclass(frozen=True, slots=True)
class Kit:
    """A job, and how often it is done: every so many kilometres or months, whichever is sooner; None: by wear."""

    kit: str
    ru: str
    en: str
    confidence: Confidence
    source: tuple[str, ...]
    every_km: int | None = None
    every_months: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of part in a kit: of `category`, or of one of `alternatives` where the car has that instead.

    `positions`: beginnings of the positions that belong to the job; none: all. `quantity` counts where no fact of
    the car says how many; None: then one is counted, and said to be so.
    """

    kit: str
    place: int
    category: str
    optional: bool
    confidence: Confidence
    source: tuple[str, ...]
    alternatives: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    quantity: int | None = None
    note_ru: str = ""
    note_en: str = ""

    @property
    def categories(self) -> tuple[str, ...]:
        """What to look for, the first first."""
        return (self.category, *self.alternatives)


@dataclass(frozen=True, slots=True)
class Pack:
    """How many litres are in a pack of an article."""

    brand: str
    article: str
    category: str
    litres: float
    confidence: Confidence
    source: tuple[str, ...]
    spec: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KitFacts:
    """`parts` by kit, in their order; `packs` by lower-case brand and article key."""

    kits: Mapping[str, Kit]
    parts: Mapping[str, tuple[Part, ...]]
    packs: Mapping[tuple[str, str], Pack]


@cache
def known() -> KitFacts:
    """What the files say; they do not change while a process runs."""
    return load(KITS, PARTS)


def load(folder: Traversable, parts: Traversable) -> KitFacts:
    """The facts of two folders. Raises WrongFact where a line names a kit, a category or a source that there is not."""
    told, told_of_parts = sources(folder), sources(parts)
    kits = one_of_each(((one.kit, one) for one in read(folder / "kits.csv", Kit)), "kit")
    for kit in kits.values():
        told.check(kit.kit, kit.source)
    lines: dict[str, list[Part]] = {kit: [] for kit in kits}
    for part in read(folder / "lines.csv", Part):
        where = f"{part.kit}, {part.category}"
        told.check(where, part.source)
        strangers = [one for one in part.categories if one not in categories()]
        if part.kit not in kits or strangers:
            raise WrongFact(f"{where}: there is no kit or category {', '.join(strangers) or part.kit}")
        if part.place != len(lines[part.kit]) + 1:
            raise WrongFact(f"{where}: place {part.place} comes after {len(lines[part.kit])}")
        lines[part.kit].append(part)
    if empty := [kit for kit, several in lines.items() if not several]:
        raise WrongFact(f"kits without a line: {', '.join(empty)}")
    packs = one_of_each(
        (((one.brand.lower(), article_key(one.article)), one) for one in read(parts / "packs.csv", Pack)), "pack"
    )
    for pack in packs.values():
        told_of_parts.check(f"{pack.brand} {pack.article}", pack.source)
        if pack.litres <= 0:
            raise WrongFact(f"{pack.brand} {pack.article}: {pack.litres} litres")
    return KitFacts(kits, {kit: tuple(several) for kit, several in lines.items()}, packs)
