"""Verbs: take a product into the catalogue, change it, find it."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.catalog.brands import service as brands
from autoshop.catalog.categories import service as categories
from autoshop.catalog.prices import store as prices
from autoshop.catalog.prices.model import must_be_settable
from autoshop.catalog.products import store
from autoshop.catalog.products.model import (
    MOST_BARCODES,
    BarcodeTaken,
    Product,
    ProductExists,
    SkuTaken,
    TakenForAMoment,
    TooManyBarcodes,
    as_scanned,
    barcodes_of,
    key_of,
)
from autoshop.inventory.movements.model import UnknownProduct
from autoshop.kit.db import Connection
from autoshop.kit.errors import Conflict
from autoshop.kit.etag import changed_meanwhile
from autoshop.kit.text import article_key, article_loose

FIELDS = ("brand_id", "article", "sku", "name", "category_id", "unit", "attributes", "active")
MOST_WORDS = 6  # of what is looked up: more is a sentence, not a name


async def get_product(db: Connection, caller: Caller, product_id: int) -> Product:
    """The product as the caller may see it, or a refusal."""
    found = await store.find(db, product_id, cost=caller.may("cost:read"))
    if found is None:
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)
    return found


async def get_products(db: Connection, caller: Caller, product_ids: Sequence[int]) -> dict[int, Product]:
    """Those that are there, by id: for the lines of a document."""
    return await store.find_many(db, product_ids, cost=caller.may("cost:read"))


async def look_up(db: Connection, caller: Caller, typed: str, limit: int) -> list[Product]:
    """Products that somebody at the counter may mean: a barcode, SKU or article, its beginning, or with its brand.

    «NGK BPR6ES», «bpr6es ngk» and «NGK» are read by the brand's names; a brand alone gives its first products.
    """
    found = await _named(db, caller, typed.strip(), None, limit)
    if found:
        return found
    words = typed.split()[:MOST_WORDS]
    splits = [(words[:n], words[n:]) for n in range(len(words), 0, -1)]
    splits += [(words[n:], words[:n]) for n in range(1, len(words))]
    known = await brands.ids_of(db, [" ".join(brand) for brand, _ in splits])
    for brand, rest in splits:
        brand_id = known.get(" ".join(brand))
        if brand_id is not None and rest:
            found = await _named(db, caller, " ".join(rest), brand_id, limit)
        elif brand_id is not None:
            filters = {"brand_id": brand_id}
            found = await store.list_page(db, filters, by_change=False, cost=caller.may("cost:read"), limit=limit)
        if found:
            return found
    return []


async def _named(db: Connection, caller: Caller, typed: str, brand_id: int | None, limit: int) -> list[Product]:
    key = article_key(typed)
    if not key:
        return []
    return await store.look_up(
        db, typed, as_scanned(typed), key, article_loose(typed), brand_id, cost=caller.may("cost:read"), limit=limit
    )


async def add_product(
    db: Connection, caller: Caller, fields: dict[str, Any], barcodes: list[str], new_prices: dict[str, int]
) -> Product:
    """A new product. `fields` has all of FIELDS; an article that the brand has already is refused with its product."""
    codes = barcodes_of(barcodes)
    await _check(db, caller, fields, new_prices)
    try:
        async with db.transaction():
            product_id = await store.add(db, *_columns(fields))
    except asyncpg.UniqueViolationError as error:
        raise await _taken(db, error, fields) from error
    await _hang_on(db, caller, product_id, codes, new_prices)
    added = await get_product(db, caller, product_id)
    await audit(db, caller, "add", f"product:{product_id}", None, _as_document(added))
    return added


async def change_product(
    db: Connection, caller: Caller, product_id: int, version: int, changes: dict[str, Any]
) -> Product:
    """Change what is named of a product that is still at `version`: FIELDS, `barcodes` as a whole, some `prices`."""
    now_at = await store.lock(db, product_id)
    before = await get_product(db, caller, product_id)
    if now_at != version:
        as_it_is = _as_document(before)
        as_it_is["prices"] = {code: before.prices.get(code) for code in changes.get("prices", {})}
        raise changed_meanwhile("product", before.version, changes, as_it_is)
    wanted = {name: changes.get(name, getattr(before, name)) for name in FIELDS}
    codes = barcodes_of(changes.get("barcodes", before.barcodes))
    new_prices = changes.get("prices", {})
    await _check(db, caller, wanted, new_prices)
    try:
        async with db.transaction():
            await store.change(db, product_id, *_columns(wanted))
    except asyncpg.UniqueViolationError as error:
        raise await _taken(db, error, wanted) from error
    await _hang_on(db, caller, product_id, codes, new_prices)
    changed = await get_product(db, caller, product_id)
    await audit(db, caller, "change", f"product:{product_id}", _as_document(before), _as_document(changed))
    return changed


async def add_barcode(
    db: Connection, caller: Caller, product_id: int, code: str, spellings: Sequence[str] = ()
) -> Product:
    """One more barcode, whatever version the product is at: it takes nothing away. One that it has is no change.

    `spellings` are other forms of the code: if another product has one of them, it is refused with that product.
    """
    [code] = barcodes_of([code])
    await store.lock(db, product_id)
    before = await get_product(db, caller, product_id)
    forms = sorted({code, *spellings})
    owners = await store.owners_of(db, forms)
    if product_id in owners.values():
        return before
    if not owners:
        if len(before.barcodes) >= MOST_BARCODES:
            raise TooManyBarcodes(product_id=product_id, barcodes=len(before.barcodes))
        await store.add_barcode(db, product_id, code)
        owners = {taken: owner for taken, owner in (await store.owners_of(db, forms)).items() if owner != product_id}
    for taken, owner in owners.items():
        raise BarcodeTaken(barcode=taken, product_id=owner)
    added = await get_product(db, caller, product_id)
    await audit(db, caller, "link", f"product:{product_id}", None, {"barcode": code})
    return added


async def _check(db: Connection, caller: Caller, fields: dict[str, Any], new_prices: dict[str, int]) -> None:
    """Refuse what refers to nothing."""
    await brands.get_brand(db, fields["brand_id"])
    if fields["category_id"] is not None:
        await categories.get_category(db, fields["category_id"])
    if new_prices:
        must_be_settable(caller, await prices.types(db, cost=True), new_prices)


def _columns(fields: dict[str, Any]) -> tuple[Any, ...]:
    article = fields["article"].strip()
    keys = key_of(article), article_loose(article)
    rest = (fields[name] for name in ("sku", "name", "category_id", "unit", "attributes", "active"))
    return fields["brand_id"], article, *keys, *rest


async def _hang_on(
    db: Connection, caller: Caller, product_id: int, codes: list[str], new_prices: dict[str, int]
) -> None:
    for code, owner in await store.set_barcodes(db, product_id, codes):
        raise BarcodeTaken(barcode=code, product_id=owner)
    await prices.add(db, product_id, new_prices, caller.actor)


async def _taken(db: Connection, error: asyncpg.UniqueViolationError, fields: dict[str, Any]) -> Conflict:
    """Who has the article or the SKU that could not be given twice."""
    if error.constraint_name == "products_sku_key":
        owner = await store.by_sku(db, fields["sku"])
        if owner is not None:
            return SkuTaken(sku=fields["sku"], product_id=owner)
    else:
        brand = await brands.get_brand(db, fields["brand_id"])
        owner = await store.by_article(db, brand.id, key_of(fields["article"]))
        if owner is not None:
            return ProductExists(brand=brand.name, article=fields["article"], product_id=owner)
    return TakenForAMoment()


def _as_document(product: Product) -> dict[str, Any]:
    named = {name: getattr(product, name) for name in FIELDS}
    return {**named, "barcodes": product.barcodes, "prices": product.prices}
