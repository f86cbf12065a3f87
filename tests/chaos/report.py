"""The counts of a run, for whoever reads them."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chaos.findings import Finding
from tests.chaos.record import Record
from tests.chaos.storm import Storm
from tests.chaos.what_was_told import due_to

REASONS = 4  # of the refusals of one kind that are named


def told(storm: Storm, found: Sequence[Finding]) -> Iterator[str]:
    """Line by line: what was done, who was killed, what came of it, and what is wrong."""
    yield from _kinds(storm.record)
    blows = storm.shop.blows
    yield f"killed: {blows.total()} ({', '.join(f'{name} {count}' for name, count in sorted(blows.items()))})"
    record = storm.record
    yield (
        f"sent again for want of an answer: {record.repeated} times, {record.unsure.total()} requests,"
        f" all answered in the end; asked twice on purpose: {record.echoed}"
    )
    yield from _heard(storm)
    yield f"drained in {storm.drain.took_seconds:.0f} s"
    yield from _totals(found)
    for one in found:
        yield f"  {'✓' if one.held else '✗'} {one.sentence}" + (f": {len(one.wrong)}" if one.wrong else "")
        yield from (f"      {wrong[:400]}" for wrong in one.wrong[:5])


def _kinds(record: Record) -> Iterator[str]:
    refused: dict[str, Counter[str]] = {}
    for (kind, title), count in record.refused.items():
        refused.setdefault(kind, Counter())[title] += count
    yield f"{'':34}{'done':>8}{'refused':>9}{'unsure*':>9}   why not"
    for kind in sorted({*record.done, *refused}):
        why = refused.get(kind, Counter())
        reasons = ", ".join(f"{title} {count}" for title, count in why.most_common(REASONS))
        yield f"  {kind:32}{record.done[kind]:8}{why.total():9}{record.unsure[kind]:9}   {reasons}"
    yield f"  {'together':32}{record.done.total():8}{record.refused.total():9}{record.unsure.total():9}"
    yield "  * no answer came at first; the same key found out"
    nothing = ", ".join(f"{verb} {count}" for verb, count in record.idle.most_common())
    yield f"  nothing to do it with: {record.idle.total()} ({nothing})"


def _heard(storm: Storm) -> Iterator[str]:
    books = storm.books
    assert books is not None
    for hook in books.hooks:
        due = sum(1 for _ in due_to(hook, books.events))
        came = [one for one in books.heard if one.path == hook.path]
        taken = Counter(one.message.id for one in came if one.taken)
        yield (
            f"webhook {hook.path}: {due} due, {len(taken)} taken, {taken.total() - len(taken)} of them doubled,"
            f" {len(came) - taken.total()} came and were not taken"
        )
    for number, listener in enumerate(books.listeners, start=1):
        events = sum(step.name is not None for step in listener.steps)
        yield f"listener {number}: {events} events in {listener.connections} connections; doubled: none is allowed"
    for what, states in books.states.items():
        yield f"{what} carried out by the worker: {', '.join(f'{state} {count}' for state, count in states.items())}"
    yield f"events in the outbox: {len(books.events)}"


def _totals(found: Sequence[Finding]) -> Iterator[str]:
    """The words that everybody asks for first."""
    wrong = [line for one in found for line in one.wrong]
    oversold = sum(len(one.wrong) for one in found if "sold" in one.sentence or "below zero" in one.sentence)
    lost = sum(line.startswith("lost:") for line in wrong)
    extra = sum(line.startswith("nobody was told of") or "acknowledged before" in line for line in wrong)
    yield f"oversold: {oversold}, acknowledged and lost: {lost}, doubled: {extra}, wrong in all: {len(wrong)}"
