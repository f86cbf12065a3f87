"""Pages by key: a cursor names the last row seen, so that page 10 000 costs as much as page 1."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query

from autoshop.kit.errors import Invalid, wrong

T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=1000, description="rows on this page at most")]
Cursor = Annotated[str | None, Query(alias="page", max_length=400, description="`next_page` of the page before")]


def encode_cursor(of: str, *key: Any) -> str:
    """The list and the key values of the last row → an opaque text that is safe in a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode((of, *key))).decode().rstrip("=")


def page_of(found: list[T], limit: int, of: str, key: Callable[[T], tuple[Any, ...]]) -> tuple[list[T], str | None]:
    """Of `limit` + 1 rows that were asked for: those of this page, and the cursor of the next if there is one."""
    page = found[:limit]
    return page, encode_cursor(of, *key(page[-1])) if len(found) > limit else None


def decode_cursor(cursor: str | None, of: str, *types: Any) -> tuple[Any, ...] | None:
    """A cursor of this list → key values of the given types; `Invalid` when it is none."""
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        kind, *key = msgspec.json.decode(raw, type=tuple[(str, *types)])  # type: ignore[valid-type]
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise _not_ours() from error
    if kind != of or any(_is_out_of_range(value) for value in key):
        raise _not_ours()
    return tuple(key)


def _is_out_of_range(value: Any) -> bool:
    """What PostgreSQL could not compare with."""
    if isinstance(value, datetime):
        return value.tzinfo is None or not 1900 <= value.year < 3000
    return abs(value) >= 2**63 if isinstance(value, int) else "\0" in value


def _not_ours() -> Invalid:
    return Invalid(
        "`page` must be the `next_page` of an earlier answer of this list", errors=[wrong("page", "not a cursor")]
    )
