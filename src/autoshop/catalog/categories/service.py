"""Verbs: add a category, change it, move it in the tree."""

from typing import Any

import asyncpg

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.catalog.categories import store
from autoshop.catalog.categories.model import MOST_LEVELS, Category, CategoryCodeTaken, NoTree, UnknownCategory
from autoshop.kit.db import Connection
from autoshop.kit.errors import wrong
from autoshop.kit.etag import changed_meanwhile


async def get_category(db: Connection, category_id: int) -> Category:
    """The category, or a refusal."""
    found = await store.find(db, category_id)
    if found is None:
        raise UnknownCategory(f"There is no category {category_id}", category_id=category_id)
    return found


async def add_category(
    db: Connection, caller: Caller, *, code: str, name_ru: str, name_en: str, parent_id: int | None
) -> Category:
    """A new category under a parent, or at the top."""
    await store.take_tree(db)
    await _code_must_be_free(db, code, None)
    if parent_id is not None:
        _must_be_shallow(len((await get_category(db, parent_id)).path) + 1)
    category_id = await store.add(db, code, name_ru, name_en or name_ru, parent_id)
    if category_id is None:  # an import has just made it
        raise CategoryCodeTaken(code=code, category_id=await store.by_code(db, code))
    added = await get_category(db, category_id)
    await audit(db, caller, "add", f"category:{category_id}", None, _as_document(added))
    return added


async def change_category(
    db: Connection, caller: Caller, category_id: int, version: int, changes: dict[str, Any]
) -> Category:
    """Change the named fields (code, name_ru, name_en, parent_id) of a category that is still at `version`."""
    await store.take_tree(db)
    before = await get_category(db, category_id)
    wanted = {**_as_document(before), **changes}
    if before.version != version:
        raise changed_meanwhile("category", before.version, changes, _as_document(before))
    await _code_must_be_free(db, wanted["code"], category_id)
    if wanted["parent_id"] is not None and wanted["parent_id"] != before.parent_id:
        parent = await get_category(db, wanted["parent_id"])
        if category_id in parent.path:
            raise NoTree("A category cannot hang on itself", errors=[wrong("parent_id", "is below this category")])
        _must_be_shallow(len(parent.path) + await store.depth_below(db, category_id))
    code = wanted["code"]
    try:
        async with db.transaction():
            done = await store.change(db, category_id, version, **wanted)
    except asyncpg.UniqueViolationError:  # an import has just made a category of that code
        raise CategoryCodeTaken(code=code, category_id=await store.by_code(db, code)) from None
    if not done:  # an import changes no categories, so: a bug
        raise changed_meanwhile("category", before.version, changes, _as_document(before))
    changed = await get_category(db, category_id)
    await audit(db, caller, "change", f"category:{category_id}", _as_document(before), _as_document(changed))
    return changed


async def _code_must_be_free(db: Connection, code: str, category_id: int | None) -> None:
    taken_by = await store.by_code(db, code)
    if taken_by is not None and taken_by != category_id:
        raise CategoryCodeTaken(code=code, category_id=taken_by)


def _must_be_shallow(levels: int) -> None:
    if levels > MOST_LEVELS:
        raise NoTree(
            f"The tree would have {levels} levels; {MOST_LEVELS} at most", errors=[wrong("parent_id", "too deep")]
        )


def _as_document(category: Category) -> dict[str, Any]:
    return {
        "code": category.code,
        "name_ru": category.name_ru,
        "name_en": category.name_en,
        "parent_id": category.parent_id,
    }
