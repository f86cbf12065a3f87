"""Links between articles as plain data, and the refusals around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from autoshop.kit.errors import Conflict, NotFound
from autoshop.kit.facts import Confidence

Kind = Literal["supersession", "oe", "spec_equal", "analog"]
Verdict = Literal["pass", "pass, adjacent heat", "unknown", "accepted"]
Refusal = Literal["conflict", "fits, differs"]
State = Literal["open", "accepted", "dismissed"]
Fit = Literal["same", "good", "close", "check"]

CONFIDENCES: tuple[Confidence, ...] = ("high", "medium", "low")
FITS: tuple[Fit, ...] = ("same", "good", "close", "check")


@dataclass(frozen=True, slots=True)
class Article:
    """An article that somebody linked, sold here or not."""

    id: int
    brand_id: int
    article_key: str
    article: str
    brand: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One link of a way, walked from one article to another; `backward`: against its direction."""

    from_id: int
    to_id: int
    kind: Kind
    backward: bool
    confidence: Confidence
    source_id: int
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Way:
    """How an article is reached: at most two links beside supersessions."""

    to_id: int
    steps: tuple[Step, ...]

    @property
    def confidence(self) -> Confidence:
        """As sure as its weakest link."""
        return max((step.confidence for step in self.steps), key=CONFIDENCES.index)

    @property
    def is_supersession(self) -> bool:
        """Whether one and the same part only changed its number."""
        return all(step.kind == "supersession" for step in self.steps)


@dataclass(frozen=True, slots=True)
class CrossConflict:
    """A pair of spark plugs that the checker refused."""

    id: int
    one: Article
    other: Article
    kind: Kind
    confidence: Confidence
    source: str
    verdict: Refusal
    state: State
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None


def newest(start: int, newer: Sequence[tuple[int, int]]) -> int | None:
    """The number that nothing took the place of, from links (older, newer); None where they run in a circle.

    Of several that took its place, the last one that was linked.
    """
    seen, at = {start}, start
    after: dict[int, list[int]] = {}
    for old, new in newer:
        after.setdefault(old, []).append(new)
    while at in after:
        following = [new for new in after[at] if new not in seen]
        if not following:
            return None
        at = max(following)
        seen.add(at)
    return at


class SameArticle(Conflict):
    title = "An article is no analog of itself"

    def explain(self) -> str:
        return f"«{self.facts['article']}» is the same article both times, as it is spelt"


class UnknownConflict(NotFound):
    title = "Unknown conflict"


class AlreadyDecided(Conflict):
    title = "Already decided"

    def explain(self) -> str:
        return f"Conflict {self.facts['conflict_id']} was {self.facts['state']} by {self.facts['decided_by']}"
