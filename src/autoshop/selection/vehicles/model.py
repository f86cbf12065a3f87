"""A vehicle and its engines, as the facts tell them."""

from dataclasses import dataclass

from autoshop.kit.facts import Confidence


@dataclass(frozen=True, slots=True)
class Make:
    """A make and what people call it, besides its name."""

    make: str
    ru: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A model of a make, and what people call it, besides its name."""

    make: str
    model: str
    ru: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One generation of a model. `years_to` is None while it is made, `generation` empty where there is but one."""

    id: str
    make: str
    model: str
    confidence: Confidence
    source: tuple[str, ...]
    generation: str = ""
    bodies: tuple[str, ...] = ()
    body_codes: tuple[str, ...] = ()
    years_from: int | None = None
    years_to: int | None = None
    market: str = ""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that a vehicle was sold with.

    Power is nominal, one typical figure; `oil_litres` a refill with the filter. `years_*` are None where they are those
    of the vehicle. What nobody knows is None or empty. Never look an engine up by its code without the make: codes
    of two makes may be spelt alike.
    """

    vehicle: str
    name: str
    confidence: Confidence
    code: str | None = None
    displacement_cc: int | None = None
    power_hp: int | None = None
    fuel: str | None = None
    turbo: bool | None = None
    cylinders: int | None = None
    valves: int | None = None
    years_from: int | None = None
    years_to: int | None = None
    plug_oem: tuple[str, ...] = ()
    plug_ngk: str | None = None
    plugs: int | None = None
    gap_mm_from: float | None = None
    gap_mm_to: float | None = None
    plug_confidence: Confidence | None = None
    oil_litres: float | None = None
    oil_spec: str | None = None


def in_years(first: int | None, last: int | None, year: int) -> bool:
    """Whether a year lies between two, of which either may be open."""
    return (first is None or first <= year) and (last is None or year <= last)
