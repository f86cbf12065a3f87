"""Route: live stock as server-sent events."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from autoshop.accounts.access import needs
from autoshop.inventory.live.model import Wish, read_mark
from autoshop.inventory.live.service import Live
from autoshop.inventory.stock.api import ProductFilter, StoreFilter
from autoshop.kit.outbox import Position

router = APIRouter(prefix="/api/v1/inventory", tags=["inventory"])

EVENTS = "text/event-stream"
# A proxy must hand each event on at once, and a cache keep none.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
SEND_SECONDS = 30.0  # for a listener to take what is sent to him, then he is cut off
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What happened, as JSON in `data`; the kind of event is what follows `inventory.` in its topic: "
        "`movement`, `movements` (an import), `reservation` and so on; take no notice of kinds you do not know. "
        "`reset`: something cannot be told any more, read the stock anew. Each event has an id. The stream ends after "
        "a quarter of an hour, and for a listener who is too slow: come back with the last id as Last-Event-ID, as "
        "every EventSource does, and nothing is lost.",
        "content": {EVENTS: {"schema": {"type": "string"}}},
    }
}


class Stream(StreamingResponse):
    """A listener being told. He counts as one only as long as this lasts, and is cut off when he takes nothing."""

    def __init__(self, live: Live, wish: Wish, known: Position | None, *, lost: bool) -> None:
        super().__init__(iter(()), media_type=EVENTS, headers=HEADERS)
        self._live, self._wish, self._known, self._lost = live, wish, known, lost

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, as long as nothing was answered: too many listen, or the database is away."""
        with self._live.listener() as listener:
            now = await self._live.begin()
            scope["autoshop.streams"] = True
            self.body_iterator = self._live.listen(listener, self._wish, now, self._known, lost=self._lost)
            async with aclosing(self.body_iterator):
                await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send on, each piece in time."""

        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await send(message)
            except TimeoutError:
                raise ClientDisconnect from None

        await super().stream_response(send_in_time)


@router.get("/events", response_model=None, responses=STREAMED, dependencies=[needs("inventory:read")])
async def events(
    request: Request,
    product_id: ProductFilter = None,
    store_id: StoreFilter = None,
    last_event_id: Annotated[str | None, Header(max_length=8000, description="where the stream before ended")] = None,
) -> Stream:
    """What happens to the stock, from the moment it is committed, or from where an earlier stream ended."""
    kept = timedelta(days=request.app.state.settings.outbox_days).total_seconds()
    known = read_mark(last_event_id, kept) if last_event_id else None
    return Stream(request.app.state.live, Wish(product_id, store_id), known, lost=bool(last_event_id) and known is None)
