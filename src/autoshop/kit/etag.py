"""Optimistic changes: read an ETag, send it back as If-Match, and nobody's edit is lost (RFC 9110, section 13)."""

import re

from autoshop.kit.errors import Invalid, PreconditionRequired


def etag(version: int) -> str:
    """Version 7 → `"7"`."""
    return f'"{version}"'


def version_in(if_match: str | None) -> int:
    """`"7"` → 7. Without the header the change is refused: it would overwrite what nobody looked at."""
    if if_match is None:
        raise PreconditionRequired
    found = re.fullmatch(r'(?:W/)?"(\d{1,9})"', if_match.strip())
    if found is None:
        raise Invalid('If-Match must be the ETag that was read, such as "7"', errors=[_WRONG])
    return int(found[1])


_WRONG = {"field": "If-Match", "reason": "not an ETag of ours"}
