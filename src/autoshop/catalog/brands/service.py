"""Verbs: name a brand, change it, find it."""

from collections.abc import Collection, Sequence
from typing import Any

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.catalog.brands import store
from autoshop.catalog.brands.model import Brand, BrandNameTaken, UnknownBrand, keys_of
from autoshop.kit.db import Connection
from autoshop.kit.etag import changed_meanwhile
from autoshop.kit.text import name_key


async def get_brand(db: Connection, brand_id: int) -> Brand:
    """The brand, or a refusal."""
    found = await store.find(db, brand_id)
    if found is None:
        raise UnknownBrand(f"There is no brand {brand_id}", brand_id=brand_id)
    return found


async def find_by_name(db: Connection, name: str) -> int:
    """The id of the brand that goes by a name or alias, or a refusal."""
    found = await store.by_keys(db, [name_key(name)])
    if not found:
        raise UnknownBrand(f"There is no brand «{name}»", brand=name)
    return next(iter(found.values()))


async def ids_of(db: Connection, names: Sequence[str]) -> dict[str, int]:
    """The brands among some names and aliases: id by name as it was given."""
    keys = {name: name_key(name) for name in names}
    known = await store.by_keys(db, sorted(set(keys.values()) - {""}))
    return {name: known[key] for name, key in keys.items() if key in known}


async def names_of(db: Connection, brand_ids: Collection[int]) -> dict[int, str]:
    """What brands are called, by id."""
    return await store.names(db, brand_ids)


async def add_brand(db: Connection, caller: Caller, *, name: str, country: str | None, aliases: list[str]) -> Brand:
    """A new brand. No two brands share a name or alias."""
    await store.take_names(db)
    keys = keys_of(name, aliases)
    await _must_be_free(db, keys, None)
    own_key = next(iter(keys))
    brand_id = await store.add(db, keys.pop(own_key), own_key, country)
    if brand_id is None:
        await _must_be_free(db, {own_key: name}, None)
    assert brand_id is not None, "a name that was taken is found"
    await store.set_aliases(db, brand_id, keys)
    added = await get_brand(db, brand_id)
    await audit(db, caller, "add", f"brand:{brand_id}", None, _as_document(added))
    return added


async def change_brand(db: Connection, caller: Caller, brand_id: int, version: int, changes: dict[str, Any]) -> Brand:
    """Change the named fields (name, country, aliases) of a brand that is still at `version`."""
    await store.take_names(db)
    before = await store.find(db, brand_id, lock=True)
    if before is None:
        raise UnknownBrand(f"There is no brand {brand_id}", brand_id=brand_id)
    if before.version != version:
        raise changed_meanwhile("brand", before.version, changes, _as_document(before))
    keys = keys_of(changes.get("name", before.name), changes.get("aliases", list(before.aliases)))
    await _must_be_free(db, keys, brand_id)
    own_key = next(iter(keys))
    name = keys.pop(own_key)
    try:
        await store.change(db, brand_id, name, own_key, changes.get("country", before.country))
    except asyncpg.UniqueViolationError as error:  # an import has just made a brand of that name
        raise BrandNameTaken(f"«{name}» is a name of another brand", name=name) from error
    await store.set_aliases(db, brand_id, keys)
    changed = await get_brand(db, brand_id)
    await audit(db, caller, "change", f"brand:{brand_id}", _as_document(before), _as_document(changed))
    return changed


async def ensure(db: Connection, name: str, country: str | None, aliases: Sequence[str]) -> int:
    """The id of the brand that goes by a name, made if there is none; it gains those aliases that are nobody's yet."""
    await store.take_names(db)
    keys = keys_of(name, list(aliases))
    own_key = next(iter(keys))
    known = await store.by_keys(db, list(keys))
    if own_key not in known:
        added = await store.add(db, keys[own_key], own_key, country)
        known[own_key] = added if added is not None else (await store.by_keys(db, [own_key]))[own_key]
    await store.add_aliases(db, known[own_key], {key: alias for key, alias in keys.items() if key not in known})
    return known[own_key]


async def _must_be_free(db: Connection, keys: dict[str, str], brand_id: int | None) -> None:
    for key, taken_by in (await store.by_keys(db, list(keys))).items():
        if taken_by != brand_id:
            raise BrandNameTaken(name=keys[key], brand_id=taken_by)


def _as_document(brand: Brand) -> dict[str, Any]:
    return {"name": brand.name, "country": brand.country, "aliases": list(brand.aliases)}
