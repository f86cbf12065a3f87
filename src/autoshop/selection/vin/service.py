"""The verbs: what a VIN says, one or many."""

from dataclasses import dataclass
from datetime import datetime

from autoshop.kit.errors import Invalid
from autoshop.selection.vin.decoding import decode
from autoshop.selection.vin.facts import VinFacts, known
from autoshop.selection.vin.model import Decoded
from autoshop.selection.vin.typed import Typed, understood


@dataclass(frozen=True, slots=True)
class Answer:
    """What was typed, and what it says; None where it is no VIN."""

    typed: Typed
    decoded: Decoded | None


class NotAVin(Invalid):
    """The text has no VIN in it; `looks_like` says what it is instead."""

    title = "That is not a VIN"


def read(text: str, now: datetime, facts: VinFacts | None = None) -> Answer:
    """What somebody typed or pasted, decoded. Never refuses: a text without a VIN says what it looks like instead."""
    facts = facts or known()
    typed = understood(text, facts.is_wmi)
    return Answer(typed, decode(typed.vin, facts, now.year) if typed.vin else None)
