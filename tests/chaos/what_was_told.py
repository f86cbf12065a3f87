"""Findings about who listens: each event got to every webhook that wants it, and to every listener, in order."""

from collections.abc import Iterator, Sequence

from autoshop.kit.outbox import Event
from tests.chaos.books import MOST_TOLD, Books, Check
from tests.chaos.hooks import Hook, is_genuine
from tests.chaos.listener import PREFIX, what_was_misheard


def due_to(hook: Hook, events: Sequence[Event]) -> Iterator[str]:
    """The messages that a hook has to get: all of its topics, of its store."""
    for event in events:
        if event.topic in hook.topics and hook.store_id in (None, event.payload.get("store_id")):
            yield f"evt_{event.id}"


async def every_event_got_to_every_webhook_that_wants_it(books: Books) -> list[str]:
    """Taken at least once: written down by the program, which then answered with a 2xx or was killed."""
    wrong = []
    for hook in books.hooks:
        taken = {one.message.id for one in books.heard if one.path == hook.path and one.taken}
        wrong += [f"{hook.path} never got {one}" for one in due_to(hook, books.events) if one not in taken]
    return wrong[:MOST_TOLD]


async def no_webhook_got_what_it_does_not_want_or_what_is_not_so(books: Books) -> list[str]:
    wrong = []
    events = {f"evt_{event.id}": event for event in books.events}
    for hook in books.hooks:
        due = set(due_to(hook, books.events))
        for one in (one for one in books.heard if one.path == hook.path):
            if one.message.id not in due:
                wrong.append(f"{hook.path} got {one.message.id}, which is not for it")
            elif one.message.data != events[one.message.id].payload:
                wrong.append(f"{hook.path} got {one.message.id} with {one.message.data}")
    return wrong[:MOST_TOLD]


async def every_message_to_a_webhook_is_signed(books: Books) -> list[str]:
    secrets = {hook.path: hook for hook in books.hooks}
    return [
        f"{one.path} got {one.message.id} with a wrong signature"
        for one in books.heard
        if one.path not in secrets or not is_genuine(one, secrets[one.path])
    ][:MOST_TOLD]


async def every_listener_heard_every_event_once_and_where_its_id_says(books: Books) -> list[str]:
    wrong = []
    events = [event for event in books.events if event.topic.startswith(PREFIX)]
    for number, listener in enumerate(books.listeners, start=1):
        if listener.start is None:
            wrong.append(f"listener {number} never heard anything")
            continue
        misheard, told = what_was_misheard(listener.start, listener.steps, events)
        wrong += [f"listener {number}: {one}" for one in misheard]
        missed = [event for event in events if event.id not in told and not listener.start.has(event)]
        wrong += [f"listener {number} missed {event.topic} {event.id} {event.payload}" for event in missed]
    return wrong[:MOST_TOLD]


CHECKS: list[Check] = [
    every_event_got_to_every_webhook_that_wants_it,
    no_webhook_got_what_it_does_not_want_or_what_is_not_so,
    every_message_to_a_webhook_is_signed,
    every_listener_heard_every_event_once_and_where_its_id_says,
]
