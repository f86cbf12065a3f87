"""Routes: what a scanned code is, and linking one that nobody knows to its product."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.inventory.stock.api import StoreFilter, pieces
from autoshop.kit.answers import IdempotencyKey, write_once
from autoshop.kit.db import Connection
from autoshop.kit.fields import PathId
from autoshop.kit.language import Language, language_of
from autoshop.kit.text import IN_PATH, NOT_BLANK
from autoshop.warehouse.scan import service, texts
from autoshop.warehouse.scan.model import MOST_CHARACTERS, DocumentKind, Found, Kind, Pieces, Scan, document_code

router = APIRouter(prefix="/api/v1", tags=["warehouse"])

AcceptLanguage = Annotated[str | None, Header(description="ru (default) or en: the language of reading and hints")]


class PiecesOut(BaseModel):
    quantity: int
    reserved: int
    available: int
    in_transit: int


class StorePiecesOut(PiecesOut):
    """Pieces at a store (`in_transit`: on the way there), and on which shelves, the main one first."""

    store_id: int
    places: list[str]


class ScannedProduct(BaseModel):
    """A product that the code names: `by` what, and how that is written down with the product (`read_as`)."""

    id: int
    by: Literal["barcode", "product", "sku", "article", "shelf", "article_loose"]
    read_as: str
    brand: str
    article: str
    sku: str | None
    name: str
    unit: str
    active: bool
    price_kopecks: int | None
    everywhere: PiecesOut
    stores: list[StorePiecesOut]


class ScannedMark(BaseModel):
    """One marked unit; `sale_id` is the movement that sold it, if it has not come back."""

    whole: str
    gtin: str
    serial: str
    sale_id: int | None


class ScannedDocument(BaseModel):
    kind: DocumentKind
    id: int
    code: str
    status: str
    store_ids: list[int]


class ScanOut(BaseModel):
    """Every product that the code may be. `reading`: what was changed to read it; `hints`: what an unknown one is."""

    code: str
    kind: Kind
    gtin: str | None
    serial: str | None
    batch: str | None
    expires_on: date | None
    indicator: int | None
    mark: ScannedMark | None
    products: list[ScannedProduct]
    more: bool
    document: ScannedDocument | None
    reading: list[str]
    unknown: bool
    hints: list[str]


class BarcodeIn(BaseModel, extra="forbid"):
    """The code as it was scanned."""

    code: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS, pattern=NOT_BLANK)]


class BarcodesOut(BaseModel):
    """The product's barcodes with the new one; `reading`: what was changed to read it."""

    product_id: int
    barcodes: list[str]
    reading: list[str]


def out(scan: Scan, language: Language) -> ScanOut:
    """A scan as the API tells it."""
    reading, mark, document = scan.reading, scan.reading.mark, scan.document
    return ScanOut(
        code=reading.code,
        kind=reading.kind,
        gtin=reading.gtin,
        serial=reading.serial,
        batch=reading.batch,
        expires_on=reading.expires_on,
        indicator=reading.indicator,
        mark=ScannedMark(whole=mark.whole, gtin=mark.gtin, serial=mark.serial, sale_id=scan.sale_id) if mark else None,
        products=_products(scan),
        more=scan.more,
        document=ScannedDocument(**asdict(document), code=document_code(document.kind, document.id))
        if document
        else None,
        reading=texts.reading_texts(reading, language),
        unknown=scan.unknown,
        hints=texts.hints(scan, language),
    )


def _products(scan: Scan) -> list[ScannedProduct]:
    hits = {hit.product_id: hit for hit in scan.hits}
    return [
        ScannedProduct(
            **{name: getattr(product, name) for name in _AS_THEY_ARE},
            by=hits[product.id].by,
            read_as=hits[product.id].read_as,
            everywhere=PiecesOut(**_pieces(product)),
            stores=[StorePiecesOut(**_pieces(one), store_id=one.store_id, places=one.places) for one in product.stores],
        )
        for product in scan.products
    ]


_AS_THEY_ARE = ("id", "brand", "article", "sku", "name", "unit", "active", "price_kopecks")


def _pieces(of: Found | Pieces) -> dict[str, int]:
    return {**pieces(of.quantity, of.reserved), "in_transit": of.in_transit}


async def _scan(
    request: Request, caller: Caller, code: str, store_id: int | None, accept_language: str | None
) -> ScanOut:
    async with request.app.state.pool.acquire() as db:
        return out(await service.scan(db, caller, code, store_id), language_of(accept_language))


@router.get("/scan")
async def scan_any_code(
    request: Request,
    caller: Annotated[Caller, needs("inventory:read")],
    code: Annotated[
        str, Query(min_length=1, max_length=MOST_CHARACTERS, pattern=NOT_BLANK, description="as the scanner sent it")
    ],
    store_id: StoreFilter = None,
    accept_language: AcceptLanguage = None,
) -> ScanOut:
    """What a scanned code is. An unknown one is no error: the answer says what it looks like."""
    return await _scan(request, caller, code, store_id, accept_language)


@router.get("/scan/{code:path}")
async def scan_code(
    request: Request,
    caller: Annotated[Caller, needs("inventory:read")],
    code: Annotated[str, Path(min_length=1, max_length=MOST_CHARACTERS, pattern=IN_PATH)],
    store_id: StoreFilter = None,
    accept_language: AcceptLanguage = None,
) -> ScanOut:
    """The same with the code in the path; what begins with . or /, or has ? or #, fits better into `?code=`."""
    return await _scan(request, caller, code, store_id, accept_language)


@router.post("/products/{product_id}/barcodes", response_model=BarcodesOut)
async def link_barcode(
    request: Request,
    product_id: PathId,
    body: BarcodeIn,
    caller: Annotated[Caller, needs("inventory:write")],
    idempotency_key: IdempotencyKey = None,
    accept_language: AcceptLanguage = None,
) -> Response:
    """Link a scanned code that nobody knows to its product. One of another product is refused, and that one named."""

    async def verb(db: Connection) -> dict[str, Any]:
        product, reading = await service.link(db, caller, product_id, body.code)
        told = texts.reading_texts(reading, language_of(accept_language))
        return BarcodesOut(product_id=product.id, barcodes=product.barcodes, reading=told).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
