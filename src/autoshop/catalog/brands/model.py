"""A brand and its names."""

from dataclasses import dataclass

from autoshop.kit.errors import Conflict, Invalid, NotFound, wrong
from autoshop.kit.text import name_key

MOST_ALIASES = 100


@dataclass(frozen=True, slots=True)
class Brand:
    """A maker; `aliases` are its other spellings, found like its name."""

    id: int
    name: str
    country: str | None
    aliases: tuple[str, ...]
    version: int


class UnknownBrand(NotFound):
    title = "Unknown brand"


class BrandNameTaken(Conflict):
    """The name or alias belongs to another brand, `brand_id`."""

    title = "A brand with that name exists"

    def explain(self) -> str:
        return f"«{self.facts['name']}» is a name of brand {self.facts['brand_id']}"


def keys_of(name: str, aliases: list[str]) -> dict[str, str]:
    """Keys → names: the brand's own first, then its aliases, each once. Refuses a name without letters and digits."""
    keys: dict[str, str] = {}
    for field, spelt in [("name", name), *(("aliases", alias) for alias in aliases)]:
        key = name_key(spelt)
        if not key:
            raise Invalid(f"«{spelt}» has neither letters nor digits", errors=[wrong(field, "no letters or digits")])
        keys.setdefault(key, spelt.strip())
    return keys
