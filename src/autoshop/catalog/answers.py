"""What the catalogue's routes share: the shapes of fields, and a thing shown with its ETag."""

from typing import Annotated, Any

import msgspec
from fastapi import Header, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.kit.answers import JSON
from autoshop.kit.etag import etag, is_known

Id = Annotated[int, Field(ge=1, lt=2**63)]
PathId = Annotated[int, Path(ge=1, lt=2**63)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Code = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[\w.-]+$")]

IfNoneMatch = Annotated[str | None, Header(description="an ETag; 304 when the thing is still the same")]


def changes_in(body: BaseModel, *may_be_nothing: str) -> dict[str, Any]:
    """The fields that were sent. A null changes only what may be nothing; elsewhere it leaves the field as it is."""
    sent = body.model_dump(exclude_unset=True)
    return {name: value for name, value in sent.items() if value is not None or name in may_be_nothing}


def shown(thing: BaseModel, if_none_match: str | None) -> Response:
    """A thing with its ETag; 304 without a body for whoever has it already."""
    document = thing.model_dump(mode="json")
    tag = etag(document["version"], document)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if is_known(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(msgspec.json.encode(document), headers=headers, media_type=JSON)
