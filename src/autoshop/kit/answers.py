"""JSON in and out for the routes that FastAPI does not serialise."""

from typing import TypeVar

import msgspec
from starlette.responses import Response

from autoshop.kit.errors import PROBLEM_JSON, Invalid
from autoshop.kit.idempotency import Answer

JSON = "application/json"
T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Read a JSON body; `Invalid` says which field is wrong, and how."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or "body"
        raise Invalid(f"{field}: {reason}", errors=[{"field": field, "reason": reason}]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"The body is not JSON: {error}", errors=[{"field": "body", "reason": "not JSON"}]) from None


def answered(answer: Answer) -> Response:
    """A stored or fresh answer as a response."""
    media_type = JSON if answer.status < 400 else PROBLEM_JSON
    return Response(msgspec.json.encode(answer.document), answer.status, media_type=media_type)
