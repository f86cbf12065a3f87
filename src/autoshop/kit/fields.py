"""The shapes of fields that routes share."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

from autoshop.kit.text import NO_NUL

Id = Annotated[int, Field(ge=1, lt=2**63)]
PathId = Annotated[int, Path(ge=1, lt=2**63)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
Code = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[\w.-]+$")]


def changes_in(body: BaseModel, *may_be_nothing: str) -> dict[str, Any]:
    """The fields that were sent. A null changes only what may be nothing; elsewhere it leaves the field as it is."""
    sent = body.model_dump(exclude_unset=True)
    return {name: value for name, value in sent.items() if value is not None or name in may_be_nothing}
