"""After the storm: every book is compared with what was acknowledged, and with every other book.

A finding is a function whose name is a sentence that must hold; it returns what is wrong with it. None may be wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.chaos import books_of_stock, what_was_acknowledged, what_was_told
from tests.chaos.books import Books as Books
from tests.chaos.books import Check

CHECKS: list[Check] = [*books_of_stock.CHECKS, *what_was_acknowledged.CHECKS, *what_was_told.CHECKS]


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence that must hold after any storm, and what is wrong with it."""

    sentence: str
    wrong: Sequence[str]

    @property
    def held(self) -> bool:
        return not self.wrong


async def findings(books: Books, checks: Iterable[Check] = CHECKS) -> list[Finding]:
    """Each of them. Nobody is at work any more, not even the worker."""
    return [Finding(check.__name__.replace("_", " "), await check(books)) for check in checks]
