"""What may stand for a plug, from the tables and from the spec alone; and what must not although it is sold for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from autoshop.kit.facts import Confidence
from autoshop.kit.text import article_key
from autoshop.selection.plugs import known
from autoshop.selection.plugs.coding import spec_of
from autoshop.selection.plugs.facts import Refused
from autoshop.selection.plugs.model import Check, Spec, compare

By = Literal["table", "oe", "analog", "supersession", "same spec", "catalogue"]
COMPARED: tuple[str, ...] = ("coding",)  # the source of what only the comparison says


@dataclass(frozen=True, slots=True)
class Analog:
    """Another plug, how it is linked to the one that was asked for, and what the checker says of the two."""

    brand: str
    code: str
    by: By
    via: tuple[str, ...]  # codes between the two
    note: str
    check: Check
    spec: Spec | None
    confidence: Confidence
    source: tuple[str, ...]
    why: Refused | None = None


def base_of(brand: str, code: str) -> tuple[Spec | None, str | None]:
    """The spec that others are compared with: the code's own; of a maker's number, that of the plug it stands for."""
    own = spec_of(brand, code)
    if own is not None:
        return own, None
    for mention in known.mentioned_with(brand, code):
        if mention.kind != "table" and (spec := spec_of(mention.brand, mention.code)) is not None:
            return spec, mention.code
    return None, None


def analogs_of(brand: str, code: str) -> tuple[list[Analog], list[Analog]]:
    """What may stand for a code, and what must not: each other code once, by its surest link.

    A table's word is taken for what the checker cannot compare, never against it. What is linked over another plug,
    or by nothing but its spec, has to be the same in all that counts.
    """
    base, _ = base_of(brand, code)
    found: dict[tuple[str, str], Analog] = {}
    for analog in (*_refused(brand, code, base), *_linked(brand, code, base), *_of_same_spec(base)):
        at = analog.brand, article_key(analog.code)
        if at != (brand, article_key(code)):
            found.setdefault(at, analog)
    all_of_them = list(found.values())
    good = [one for one in all_of_them if one.why is None and one.check.verdict not in ("conflict", "fits, differs")]
    chosen = set(map(id, good))
    return good, [one for one in all_of_them if id(one) not in chosen]


def _refused(brand: str, code: str, base: Spec | None) -> Iterator[Analog]:
    for why, other_brand, other_code in known.refused_with(brand, code):
        if why.verdict != "pass":
            spec = spec_of(other_brand, other_code)
            check = compare(base, spec)
            yield Analog(other_brand, other_code, "table", (), "", check, spec, why.confidence, why.source, why)


def _linked(brand: str, code: str, base: Spec | None) -> Iterator[Analog]:
    direct = known.mentioned_with(brand, code)
    for mention in direct:
        spec = spec_of(mention.brand, mention.code)
        yield Analog(
            mention.brand, mention.code, mention.kind, (), mention.note, compare(base, spec), spec,
            mention.confidence, mention.source,
        )  # fmt: skip
    for first in direct:
        for mention in known.mentioned_with(first.brand, first.code):
            spec = spec_of(mention.brand, mention.code)
            check = compare(base, spec)
            if check.may_replace:
                surest = max(first.confidence, mention.confidence, key=known.RANKS.index)
                source = tuple(dict.fromkeys((*first.source, *mention.source)))
                yield Analog(
                    mention.brand, mention.code, mention.kind, (f"{first.brand} {first.code}",), mention.note, check,
                    spec, surest, source,
                )  # fmt: skip


def _of_same_spec(base: Spec | None) -> Iterator[Analog]:
    """Codes of the tables that the checker proves to be the same."""
    for brand, code, spec in _known_specs().get(_kind_of(base), ()) if base is not None else ():
        check = compare(base, spec)
        if check.is_proven:
            yield Analog(brand, code, "same spec", (), "", check, spec, "medium", COMPARED)


def _kind_of(spec: Spec | None) -> tuple[object, ...]:
    """What two plugs have in common if they are the same: it spares comparing each with all."""
    return () if spec is None else (spec.thread, spec.seat, spec.projected, spec.resistor)


@cache
def _known_specs() -> dict[tuple[object, ...], list[tuple[str, str, Spec]]]:
    """The codes of the tables that can be read, by kind."""
    found: dict[tuple[object, ...], list[tuple[str, str, Spec]]] = {}
    for brand, code in known.all_codes():
        spec = spec_of(brand, code)
        if spec is not None:
            found.setdefault(_kind_of(spec), []).append((brand, code, spec))
    return found


def of_catalogue(base: Spec | None, brand: str, code: str) -> Analog | None:
    """A product of the shop, if its code proves it to be the same plug."""
    spec = spec_of(brand, code)
    check = compare(base, spec)
    return Analog(brand, code, "catalogue", (), "", check, spec, "medium", COMPARED) if check.is_proven else None
