"""Optimistic changes: read an ETag, send it back as If-Match, and nobody's edit is lost (RFC 9110, section 13)."""

import re
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from autoshop.kit.errors import Invalid, PreconditionFailed, PreconditionRequired

_canonical = msgspec.json.Encoder(order="sorted")


def etag(version: int, document: Mapping[str, Any] | None = None) -> str:
    """Version 7 → `"7"`; with the document as this caller sees it → `"7-1f0a33c2"`.

    The version is what a change is compared with; the print tells a reader (If-None-Match) that also nothing around
    it changed: the name of the brand, a price that only some may see.
    """
    if document is None:
        return f'"{version}"'
    return f'"{version}-{zlib.crc32(_canonical.encode(document)):08x}"'


def version_in(if_match: str | None) -> int:
    """`"7"` or `"7-1f0a33c2"` → 7. Without the header the change is refused: it would overwrite what nobody read."""
    if if_match is None:
        raise PreconditionRequired
    found = re.fullmatch(r'(?:W/)?"(\d{1,9})(?:-[0-9a-f]{8})?"', if_match.strip(), re.ASCII)
    if found is None:
        raise Invalid('If-Match must be the ETag that was read, such as "7"', errors=[_WRONG])
    return int(found[1])


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether the caller has this very representation already (If-None-Match)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in if_none_match.split(","))


def changed_meanwhile(what: str, version: int, sent: Mapping[str, Any], now: dict[str, Any]) -> PreconditionFailed:
    """The refusal of a change to what is at another version by now: which of the sent fields differ, and how."""
    differs = {
        name: {"sent": value, "current": now.get(name)} for name, value in sent.items() if now.get(name) != value
    }
    return PreconditionFailed(
        f"The {what} is at version {version} by now. Read it again, then send your change with its ETag",
        version=version,
        differs=differs,
    )


_WRONG = {"field": "If-Match", "reason": "not an ETag of ours"}
