"""Routes: pick lists, to be shown or printed."""

from dataclasses import asdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.inventory.stock.api import StoreFilter
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.language import Language, language_of
from autoshop.warehouse.labels.api import AS_PDF, PDF
from autoshop.warehouse.picking import service
from autoshop.warehouse.picking.model import PickList
from autoshop.warehouse.printer import drawn
from autoshop.warehouse.scan.model import DocumentKind

router = APIRouter(prefix="/api/v1", tags=["warehouse"])

Transfer = Annotated[int | None, Query(ge=1, lt=2**63, description="what a transfer takes from its sender")]
Reservation = Annotated[int | None, Query(ge=1, lt=2**63, description="what a reservation holds")]


class PickLineOut(BaseModel):
    """Pieces to take; `places` are where they may lie, the main one first."""

    product_id: int
    store_id: int
    brand: str
    article: str
    name: str
    quantity: int
    places: list[str]


class PickListOut(BaseModel):
    """Lines store by store, in the order of the shelves; those without a place come last. `code` is its barcode."""

    kind: DocumentKind
    id: int
    code: str
    status: str
    heading: str
    related_document: str | None
    pieces: int
    lines: list[PickLineOut]


async def _pick_list(
    db: Connection, transfer_id: int | None, reservation_id: int | None, store_id: int | None
) -> PickList:
    if transfer_id is not None and reservation_id is None:
        if store_id is not None:
            raise Invalid(
                "store_id: a transfer is taken from one store", errors=[wrong("store_id", "not of a transfer")]
            )
        return await service.of_transfer(db, transfer_id)
    if reservation_id is not None and transfer_id is None:
        return await service.of_reservation(db, reservation_id, store_id)
    reason = "name a transfer_id or a reservation_id, one of both"
    raise Invalid(f"transfer_id: {reason}", errors=[wrong("transfer_id", reason), wrong("reservation_id", reason)])


@router.get("/pick-lists", dependencies=[needs("inventory:read")])
async def show_pick_list(
    request: Request, transfer_id: Transfer = None, reservation_id: Reservation = None, store_id: StoreFilter = None
) -> PickListOut:
    """What to take from which shelf for a transfer or a reservation, in walking order."""
    async with request.app.state.pool.acquire() as db:
        found = await _pick_list(db, transfer_id, reservation_id, store_id)
    lines = [{name: value for name, value in asdict(line).items() if name != "place_key"} for line in found.lines]
    return PickListOut(**{**asdict(found), "lines": lines}, code=found.code, pieces=found.pieces)


@router.get("/pick-lists.pdf", response_class=Response, responses=AS_PDF, dependencies=[needs("inventory:read")])
async def print_pick_list(
    request: Request,
    transfer_id: Transfer = None,
    reservation_id: Reservation = None,
    store_id: StoreFilter = None,
    accept_language: Annotated[str | None, Header(description="ru (default) or en: the language of the list")] = None,
) -> Response:
    """The same on A4, with the document's barcode and a box to tick for each line."""
    async with request.app.state.pool.acquire() as db:
        found = await _pick_list(db, transfer_id, reservation_id, store_id)
        names = await service.store_names(db, found)
    pdf = await drawn(partial(_draw, found, names, language_of(accept_language)))
    return Response(pdf, media_type=PDF, headers={"Content-Disposition": f'inline; filename="{found.code}.pdf"'})


def _draw(pick_list: PickList, stores: dict[int, str], language: Language) -> bytes:
    from autoshop.warehouse.picking.drawing import draw  # here, in the printer's thread

    return draw(pick_list, stores, language)
