"""JSON in and out for the routes that FastAPI does not serialise."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Header
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from autoshop.kit import idempotency
from autoshop.kit.db import Connection
from autoshop.kit.errors import PROBLEM_JSON, BadRequest, Invalid, wrong
from autoshop.kit.etag import etag, is_known
from autoshop.kit.fields import FORMS
from autoshop.kit.idempotency import Answer
from autoshop.kit.text import NO_NUL

JSON = "application/json"
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

# For the OpenAPI document: how a route refuses, and what it answers where FastAPI does not see the shape.
_PROBLEM = {"content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
REFUSED: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused", **_PROBLEM},
    "503": {"description": "Try again in a moment: a repeat with the same Idempotency-Key is done once", **_PROBLEM},
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Still as it was read (If-None-Match)"}}


def answers_with(**properties: Any) -> dict[int | str, dict[str, Any]]:
    """A 200 for the OpenAPI document: an object that has these properties."""
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {200: {"description": "Done", "content": {JSON: {"schema": schema}}}}


def named(schema: str) -> dict[str, str]:
    """A reference to a schema of the OpenAPI document."""
    return {"$ref": f"#/components/schemas/{schema}"}


# Declared so that it stands in the OpenAPI document; `write_once` reads it from the request.
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=idempotency.HEADER,
        min_length=1,
        max_length=idempotency.MOST_CHARACTERS,
        description="a text of your choice, new for each new request: a repeat is done once",
    ),
]


class NotJson(BadRequest):
    """The body does not say that it is JSON: a form of another site could have sent it, or somebody forgot."""

    title, status = "Send JSON", 415

    def __init__(self) -> None:
        super().__init__(
            f"Send JSON, and say so: Content-Type: {JSON}", errors=[wrong("Content-Type", f"must be {JSON}")]
        )


def says_json(content_type: str | None) -> bool:
    """Whether a Content-Type is that of JSON, in whatever case and with whatever charset."""
    return content_type == JSON or (content_type or "").partition(";")[0].strip().lower() == JSON


_UNFIT_OBJECT = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`", re.DOTALL)


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Read a JSON body; `Invalid` says which field is wrong, and how."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").replace("[", ".").replace("]", "").lstrip(".")
        unfit = _UNFIT_OBJECT.fullmatch(reason)
        if unfit is not None:
            field, reason = f"{field}.{unfit[1]}".lstrip("."), "unknown" if "unknown" in reason else "missing"
        elif "matching regex" in reason:
            reason = FORMS[NO_NUL]
        field = field or "body"
        raise Invalid(f"{field}: {reason}", errors=[wrong(field, reason)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"The body is not JSON: {error}", errors=[wrong("body", "not JSON")]) from None


def shaped(shape: type[M], thing: object) -> M:
    """A thing as a route tells it: each field is the thing's attribute or property of that name.

    A page of a hundred documents takes a tenth of the time of `shape(**asdict(thing))`.
    """
    return shape.model_validate(thing, from_attributes=True)


IfMatch = Annotated[str | None, Header(description='the ETag that was read, such as "7"')]
IfNoneMatch = Annotated[str | None, Header(description="an ETag; 304 when the thing is still the same")]


def shown(thing: BaseModel, if_none_match: str | None) -> Response:
    """A thing with its ETag; 304 without a body for whoever has it already."""
    document = thing.model_dump(mode="json")
    tag = etag(document["version"], document)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if is_known(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(msgspec.json.encode(document), headers=headers, media_type=JSON)


async def write_once(
    request: Request, actor: str, verb: Callable[[Connection], Awaitable[dict[str, Any]]], status: int = 200
) -> Response:
    """Run a verb in one transaction and answer with its document; once, if an Idempotency-Key came with the request.

    The transaction is committed before there is anything to answer with. A document with a `version` gets its ETag, a
    201 or 202 its Location; 204 has no body.
    """
    path = request.url.path
    key = idempotency.key_for(
        actor,
        request.headers.get(idempotency.HEADER),
        request.method,
        f"{path} {request.headers.get('if-match', '')}",
        await request.body(),
    )
    answer = await idempotency.once(request.app.state.pool, key, verb, status)
    response = answered(answer)
    if answer.status < 400 and "version" in answer.document:
        response.headers["ETag"] = etag(answer.document["version"])
    if answer.status in (201, 202) and "id" in answer.document:
        response.headers["Location"] = f"{path}/{answer.document['id']}"
    return response


def answered(answer: Answer) -> Response:
    """A stored or fresh answer as a response."""
    if answer.status == 204:
        return Response(status_code=204)
    media_type = JSON if answer.status < 400 else PROBLEM_JSON
    return Response(msgspec.json.encode(answer.document), answer.status, media_type=media_type)
