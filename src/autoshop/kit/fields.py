"""The shapes of fields that routes share."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Path, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.language import Language, language_of
from autoshop.kit.text import NO_NUL, NOT_BLANK

CODE: Final = r"^[\w.-]+$"
LATIN_CODE: Final = r"^[A-Za-z0-9_.-]+$"

# What the forms mean, for whoever missed one.
FORMS: Final = {
    NO_NUL: "must not have a NUL character",
    NOT_BLANK: "must not be blank, nor have a NUL character",
    CODE: "must have letters, digits and . _ - only",
    LATIN_CODE: "must have Latin letters, digits and . _ - only",
}

YesNo = Annotated[bool, Field(strict=True)]
Id = Annotated[int, Field(ge=1, lt=2**63, strict=True)]
PathId = Annotated[int, Path(ge=1, lt=2**63)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=NOT_BLANK)]
Code = Annotated[str, Field(min_length=1, max_length=60, pattern=CODE)]


def _spoken(
    lang: Annotated[
        Language | None, Query(description="the language of sentences; goes before Accept-Language")
    ] = None,
    accept_language: Annotated[str | None, Header(description="ru (default) or en: the language of sentences")] = None,
) -> Language:
    return lang or language_of(accept_language)


Spoken = Annotated[Language, Depends(_spoken)]  # what sentences for people are said in


def reason_for(error: Mapping[str, Any]) -> str:
    """What Pydantic found wrong, in words."""
    if error["type"] == "string_pattern_mismatch":
        return FORMS.get(error["ctx"]["pattern"], str(error["msg"]))
    return str(error["msg"]).removeprefix("Value error, ")


async def only_known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not have: a misspelt filter would give everything."""
    if not request.scope["query_string"]:
        return
    known = set(_named(request.scope["route"].dependant))
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        reason = f"unknown; there are {', '.join(sorted(known))}" if known else "unknown; there are none here"
        raise Invalid(f"{unknown[0]}: {reason}", errors=[wrong(name, reason) for name in unknown])


def _named(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for needed in dependant.dependencies:
        yield from _named(needed)


def of_our_time(at: datetime) -> datetime:
    """Refuse what one time zone or another, or PostgreSQL, cannot tell any more."""
    if not 1900 <= at.year < 3000:
        raise ValueError("must lie between the years 1900 and 2999")
    return at


def _written(example: str) -> BeforeValidator:
    """Refuse seconds since 1970, which Pydantic would take for a date, even as text."""

    def written(value: Any) -> Any:
        if not isinstance(value, str | date) or (isinstance(value, str) and not YEAR_MONTH_DAY.match(value)):
            raise ValueError(f"must be written as {example}")
        return value

    return BeforeValidator(written)


YEAR_MONTH_DAY: Final = re.compile(r"\s*\d{4}-\d{2}-\d{2}")
Moment = Annotated[AwareDatetime, AfterValidator(of_our_time), _written("2026-12-31T18:00:00+03:00")]
Day = Annotated[date, _written("2026-12-31")]
DayOrMoment = Annotated[  # the moment at which the day begins; UTC unless it says
    datetime,
    AfterValidator(of_our_time),
    AfterValidator(lambda at: at if at.tzinfo else at.replace(tzinfo=UTC)),
    _written("2026-12-31 or 2026-12-31T18:00:00+03:00"),
]


def changes_in(body: BaseModel, *may_be_nothing: str) -> dict[str, Any]:
    """The fields that were sent. A null changes only what may be nothing; elsewhere it leaves the field as it is."""
    sent = body.model_dump(exclude_unset=True)
    return {name: value for name, value in sent.items() if value is not None or name in may_be_nothing}
