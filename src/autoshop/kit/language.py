"""Russian or English: what the caller wants to read."""

from typing import Literal

Language = Literal["ru", "en"]


def language_of(accept_language: str | None) -> Language:
    """Russian, unless English is wanted more (RFC 9110, section 12.5.4)."""
    best: tuple[float, Language] = (0.0, "ru")
    for part in (accept_language or "").split(","):
        tag, _, parameter = part.strip().partition(";")
        name = tag.split("-")[0].lower()
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if name in ("ru", "en") and weight > best[0]:
            best = (weight, "en" if name == "en" else "ru")
    return best[1]
