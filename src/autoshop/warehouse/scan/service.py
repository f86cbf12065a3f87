"""Verbs: what a scanned code is; and whose it shall be from now on."""

from autoshop.accounts.model import Caller
from autoshop.catalog.products import service as products
from autoshop.catalog.products.model import Product
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.warehouse.scan import store
from autoshop.warehouse.scan.model import MOST_PRODUCTS, Hit, Reading, Scan, read


async def scan(db: Connection, caller: Caller, code: str, store_id: int | None) -> Scan:
    """What a code names: every product that it may be, never one of them by guessing.

    A place on a shelf is one of a store: that which is asked for, else the only one that the caller acts for.
    """
    reading = read(code)
    own = next(iter(caller.store_ids)) if caller.store_ids is not None and len(caller.store_ids) == 1 else None
    hits = surest(await store.find(db, reading, store_id or own))
    more = len(hits) > MOST_PRODUCTS
    hits = hits[:MOST_PRODUCTS]
    shown = await store.show(db, [hit.product_id for hit in hits], store_id) if hits else []
    document = await store.document(db, *reading.document) if reading.document else None
    sale_id = await store.sale_of(db, reading.mark.unit) if reading.mark else None
    return Scan(reading, hits, shown, document, sale_id, more)


def surest(hits: list[Hit]) -> list[Hit]:
    """Without those that are only alike (О for 0), where something is the same."""
    same = [hit for hit in hits if hit.by != "article_loose"]
    return same or hits


async def link(db: Connection, caller: Caller, product_id: int, code: str) -> tuple[Product, Reading]:
    """Make a scanned code a barcode of a product: of a GS1 code the GTIN of the unit, of any other the code itself."""
    reading = read(code)
    return await products.add_barcode(db, caller, product_id, *barcodes_of(reading)), reading


def barcodes_of(reading: Reading) -> tuple[str, tuple[str, ...]]:
    """The barcode to keep, and all spellings under which another product may have it."""
    if reading.document is not None or reading.product_id is not None:
        reason = "that is a code of our own lists and labels"
    elif reading.gtin is not None:
        return reading.gtin, reading.barcodes
    elif "check_digit" in reading.notes:
        reason = "its check digit is wrong: scan it again, or type all digits"
    elif reading.kind in ("gs1", "mark"):
        reason = "it has no GTIN (01), which is what all pieces of a product have in common"
    elif "keyboard_too" in reading.notes:
        reason = "it has Russian letters: switch the keyboard to Latin and scan it again"
    else:
        return reading.texts[0], reading.barcodes
    raise Invalid(f"code: {reason}", errors=[wrong("code", reason)])
