"""Route: labels as PDF."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.kit.fields import Id
from autoshop.warehouse.labels import service
from autoshop.warehouse.labels.model import LAYOUTS, MOST_ITEMS, MOST_LABELS, LayoutName, Ticket
from autoshop.warehouse.printer import drawn

router = APIRouter(prefix="/api/v1/labels", tags=["warehouse"])

PDF = "application/pdf"
AS_PDF: dict[int | str, dict[str, Any]] = {
    200: {"description": "A PDF to print", "content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}
}


class LabelItem(BaseModel, extra="forbid"):
    product_id: Id
    copies: Annotated[int, Field(ge=1, le=MOST_LABELS, strict=True)] = 1


class LabelsIn(BaseModel, extra="forbid"):
    """`start_at`: on a sheet that is partly used, the first free label, counted from 1 along the rows.

    With `store_id` a label shows the main place on that store's shelves.
    """

    layout: LayoutName
    items: Annotated[list[LabelItem], Field(min_length=1, max_length=MOST_ITEMS)]
    start_at: Annotated[int, Field(ge=1, le=100, strict=True)] = 1
    store_id: Id | None = None


@router.post("", response_class=Response, responses=AS_PDF, dependencies=[needs("inventory:write")])
async def print_labels(request: Request, body: LabelsIn) -> Response:
    """Labels with barcode, article, brand, name, retail price and shelf: a PDF of up to 2 000. It changes nothing."""
    copies = [(item.product_id, item.copies) for item in body.items]
    async with request.app.state.pool.acquire() as db:
        tickets = await service.tickets(db, body.layout, body.start_at, copies, body.store_id)
    pdf = await drawn(partial(_draw, tickets, body.layout, body.start_at))
    return Response(pdf, media_type=PDF, headers={"Content-Disposition": 'inline; filename="labels.pdf"'})


def _draw(tickets: list[Ticket], layout: LayoutName, start_at: int) -> bytes:
    from autoshop.warehouse.labels.drawing import draw  # here, in the printer's thread

    return draw(tickets, LAYOUTS[layout], start_at)
