"""Pages by key: a cursor names the last row seen, so that page 10 000 costs as much as page 1."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query

from autoshop.kit.errors import Invalid, wrong

T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=1000, description="rows on this page at most")]
Cursor = Annotated[str | None, Query(alias="page", max_length=400, description="`next_page` of the page before")]


def encode_cursor(*key: Any) -> str:
    """Key values of the last row → an opaque text that is safe in a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def page_of(found: list[T], limit: int, key: Callable[[T], tuple[Any, ...]]) -> tuple[list[T], str | None]:
    """Of `limit` + 1 rows that were asked for: those of this page, and the cursor of the next if there is one."""
    page = found[:limit]
    return page, encode_cursor(*key(page[-1])) if len(found) > limit else None


def decode_cursor(cursor: str | None, *types: type) -> tuple[Any, ...] | None:
    """A cursor → key values of the given types; `Invalid` when it is none of ours."""
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key = msgspec.json.decode(raw, type=tuple[types])  # type: ignore[valid-type]
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise Invalid(
            "`page` must be the `next_page` of an earlier answer", errors=[wrong("page", "not a cursor")]
        ) from error
    if any(type(value) is int and abs(value) >= 2**63 for value in key):
        raise Invalid("`page` must be the `next_page` of an earlier answer", errors=[wrong("page", "not a cursor")])
    return tuple(key)
