"""What somebody typed into a form: kept as it was typed, read as what it should be, and told where it is wrong."""

import dataclasses
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from autoshop.accounts.model import Caller
from autoshop.kit import idempotency
from autoshop.kit.db import Connection
from autoshop.kit.errors import Refusal, problem
from autoshop.kit.idempotency import Key, KeyReused, key_for

MOST_FIELDS = 4_000  # a shipment of a thousand lines
KEY = "key"  # of the form: sent twice, it is done once
_WHOLE = re.compile(r"[+-]?[0-9]{1,12}")
_SPACES = re.compile(r"[\s\u00a0\u202f]")


@dataclass(frozen=True, slots=True)
class Error:
    """What is wrong: the field it is about ('' = none), the key of its text, and the facts in it.

    Without a key the facts are the problem document of a refusal.
    """

    field: str
    text: str
    facts: dict[str, object] = dataclasses.field(default_factory=dict)


@dataclass
class Form:
    """Typed values by name, and what is wrong with them."""

    values: dict[str, str] = dataclasses.field(default_factory=dict)
    errors: list[Error] = dataclasses.field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        """What was typed; empty where nothing was."""
        return self.values.get(name, "")

    def wrong(self, name: str, text: str, **facts: object) -> None:
        """Say what is wrong with a field."""
        self.errors.append(Error(name, text, facts))

    def refused(self, name: str, told: Mapping[str, Any]) -> None:
        """Say why it was not done, in the words for that kind of refusal; of several lines, at each that is in the way.

        `name` may have a hole for a fact: `line-{product_id}`. A refusal without that fact is about no field.
        """
        parts = told.get("lines") or told.get("counts")
        for one in parts if isinstance(parts, list) else [told]:
            document = problem(409, **{"title": told["title"], **one}) if "type" not in one else dict(one)
            try:
                self.errors.append(Error(name.format_map(document), "", document))
            except KeyError:
                self.errors.append(Error("", "", document))

    def error_of(self, name: str) -> Error | None:
        """The first error of a field."""
        return next((error for error in self.errors if error.field == name), None)

    def text(self, name: str, most: int) -> str | None:
        """A text without spaces at its ends, None where there is none."""
        typed = self[name].strip()
        if len(typed) > most or "\0" in typed:
            self.wrong(name, "form.too_long", most=most)
        return typed or None

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number within bounds; `least` where it is none (and an error)."""
        typed = _SPACES.sub("", self[name])
        if not typed:
            self.wrong(name, "form.empty")
        elif not _WHOLE.fullmatch(typed):
            self.wrong(name, "form.not_whole", typed=self[name][:20])
        elif not least <= int(typed) <= most:
            self.wrong(name, "form.out_of_range", typed=typed, least=least, most=most)
        else:
            return int(typed)
        return least

    def choice(self, name: str, among: tuple[str, ...]) -> str:
        """One of several; the first where it is none (and an error)."""
        if self[name] not in among:
            self.wrong(name, "form.choose")
            return among[0]
        return self[name]


async def read(request: Request) -> Form:
    """The form that was sent. Of a name that came twice the last counts; files are not asked for, and not read."""
    await request.body()  # kept by the request: its print is asked for later
    sent = await request.form(max_files=0, max_fields=MOST_FIELDS)
    return Form({name: value for name, value in sent.items() if not isinstance(value, UploadFile)})


def new_key() -> str:
    """A key for a form that is about to be shown."""
    return secrets.token_urlsafe(12)


async def key_of(request: Request, form: Form, actor: str) -> Key | None:
    """The form's key with the print of all that was sent. A form without one (a script's) is done each time."""
    key = form[KEY] or None
    return key_for(actor, key and f"page:{key}", "POST", request.url.path, await request.body())


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where to look after a form was done, or the status of the page that tells why it was not."""

    address: str | None = None
    status: int = 200


async def once(
    request: Request,
    caller: Caller,
    form: Form,
    verb: Callable[[Connection], Awaitable[dict[str, Any]]],
    field: str,
    address: Callable[[dict[str, Any], bool], str],
) -> Outcome:
    """Run a form's verb in one transaction, once for its key; a refusal is told at `field` of the form."""
    fresh = False

    async def first(db: Connection) -> dict[str, Any]:
        nonlocal fresh
        fresh = True
        return await verb(db)

    try:
        answer = await idempotency.once(request.app.state.pool, await key_of(request, form, caller.actor), first)
    except KeyReused:
        form.wrong("", "form.sent_before")
        return Outcome(status=409)
    except Refusal as refusal:
        if refusal.status not in (404, 409, 412, 422):
            raise
        form.refused(field, refusal.problem())
        return Outcome(status=refusal.status)
    if answer.status >= 400:
        form.refused(field, answer.document)
        return Outcome(status=answer.status)
    return Outcome(address(answer.document, not fresh))
