"""A no from the business, and how every error is told (RFC 9457 problem+json)."""

from typing import Any, ClassVar

import msgspec

PROBLEM_JSON = "application/problem+json"


class Refusal(Exception):
    """A no that the caller can understand and answer. Subclass it: one title, one status.

    Facts are keyword arguments and become members of the problem document; `detail` is the sentence
    for a person, built by `explain` unless it is given. `passing`: somebody was quicker; the same request, sent
    again as it is, may succeed or will be told more.
    """

    title: ClassVar[str] = "Refused"
    status: ClassVar[int] = 409
    passing: bool = False

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        self.facts = facts
        self.detail = detail or self.explain()
        super().__init__(self.detail)

    def explain(self) -> str:
        """The sentence for a person, from the facts."""
        return self.title

    def problem(self) -> dict[str, Any]:
        """The problem document: type, title, status, detail and the facts."""
        return problem(self.status, self.title, self.detail, **self.facts)

    def headers(self) -> dict[str, str]:
        """Response headers that belong to this refusal."""
        return {}


class BadRequest(Refusal):
    title, status = "Bad request", 400


class Unauthorised(Refusal):
    title, status = "Sign in or send a token", 401

    def explain(self) -> str:
        return "This needs a signed-in person or an API token: Authorization: Bearer …"

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Refusal):
    title, status = "Not allowed", 403


class NotFound(Refusal):
    title, status = "Not found", 404


class Conflict(Refusal):
    title, status = "Conflict", 409


class PreconditionFailed(Refusal):
    """The thing was changed by somebody since it was read; `current` shows it as it is now."""

    title, status = "Changed by somebody else", 412


class PreconditionRequired(Refusal):
    title, status = "Say which version you change", 428

    def explain(self) -> str:
        return "Send If-Match with the ETag that you read"


class Invalid(Refusal):
    """The request is badly shaped; `errors` lists field and reason."""

    title, status = "The request is not valid", 422


class Unavailable(Refusal):
    """The database does not answer or a row stays locked: nothing was done, or a repeat finds it done."""

    title, status = "Try again in a moment", 503

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


def wrong(field: str, reason: str) -> dict[str, str]:
    """One entry of `Invalid(errors=[…])`."""
    return {"field": field, "reason": reason}


def problem(status: int, title: str, detail: str, **facts: Any) -> dict[str, Any]:
    """A problem document. `type` is a stable name made of the title, so that programs can tell them apart."""
    slug = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
    return {"type": f"urn:autoshop:problem:{slug}", "title": title, "status": status, "detail": detail, **facts}


def problem_body(refusal: Refusal) -> bytes:
    """The problem document as bytes."""
    return msgspec.json.encode(refusal.problem())
