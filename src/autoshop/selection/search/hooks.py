"""Where other parts take part in the search. This is the one place to name them.

A reader looks at a text and says what it is, or that it is none of its own; the first that knows is believed. It is
asked before articles are, so it must not guess. Analogs of products that were found come right after them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from autoshop.catalog.search.model import Candidate
from autoshop.kit.db import Connection
from autoshop.selection.search.model import Kind


@dataclass(frozen=True, slots=True)
class Hint:
    """What a reader knows of a text: `facts` for the answer, and the products that it leads to, if it leads to any."""

    kind: Kind
    facts: dict[str, Any] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()


Reader = Callable[[Connection, str], Awaitable[Hint | None]]
Analogs = Callable[[Connection, Sequence[int]], Awaitable[list[Candidate]]]  # of match "analog", the best first

READERS: Final[list[Reader]] = []
ANALOGS: Final[list[Analogs]] = []
