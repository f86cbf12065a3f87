"""Routes: categories."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.categories import service, store
from autoshop.catalog.categories.model import Category
from autoshop.kit.answers import NOT_MODIFIED, IdempotencyKey, IfMatch, IfNoneMatch, shaped, shown, write_once
from autoshop.kit.db import Connection
from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.etag import version_in
from autoshop.kit.fields import Code, Id, Name, PathId, changes_in
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix="/api/v1/categories", tags=["catalogue"])


class CategoryIn(BaseModel, extra="forbid"):
    """Without `name_en` the Russian name serves for both."""

    code: Code
    name_ru: Name
    name_en: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""
    parent_id: Id | None = None


class CategoryChange(BaseModel, extra="forbid"):
    """Only the fields that are sent change; `parent_id` null moves it to the top."""

    code: Code | None = None
    name_ru: Name | None = None
    name_en: Name | None = None
    parent_id: Id | None = None


class CategoryOut(BaseModel):
    """`path`: ids from the top down to the category itself; `children`: how many hang on it directly."""

    id: int
    code: str
    name_ru: str
    name_en: str
    parent_id: int | None
    path: list[int]
    children: int
    version: int


class CategoriesPage(BaseModel):
    items: list[CategoryOut]
    next_page: str | None


def out(category: Category) -> CategoryOut:
    """A category as the API tells it."""
    return shaped(CategoryOut, category)


@router.get("", dependencies=[needs("catalog:read")])
async def list_categories(
    request: Request,
    parent_id: Annotated[int | None, Query(ge=1, lt=2**63, description="those that hang on this one")] = None,
    top: Annotated[bool, Query(description="those that hang on none")] = False,
    code: Annotated[str | None, Query(max_length=60, pattern=NO_NUL)] = None,
    page: Cursor = None,
    limit: Limit = 100,
) -> CategoriesPage:
    """Categories: all of them, one level of the tree, or the one with a code."""
    if top and parent_id is not None:
        raise Invalid("`top` has no parent", errors=[wrong("top", "with parent_id")])
    cursor = decode_cursor(page, "categories", int)
    filters = {"parent_id": parent_id, "code": code, "after_id": cursor[0] if cursor else None}
    async with request.app.state.pool.acquire() as db:
        found = await store.list_page(db, filters, top, limit + 1)
    categories, next_page = page_of(found, limit, "categories", lambda category: (category.id,))
    return CategoriesPage(items=[out(category) for category in categories], next_page=next_page)


@router.post("", status_code=201, response_model=CategoryOut)
async def add_category(
    request: Request,
    body: CategoryIn,
    caller: Annotated[Caller, needs("catalog:write")],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add a category."""

    async def verb(db: Connection) -> dict[str, Any]:
        return out(await service.add_category(db, caller, **body.model_dump())).model_dump(mode="json")

    return await write_once(request, caller.actor, verb, 201)


@router.get("/{category_id}", response_model=CategoryOut, responses=NOT_MODIFIED, dependencies=[needs("catalog:read")])
async def show_category(request: Request, category_id: PathId, if_none_match: IfNoneMatch = None) -> Response:
    """One category; its ETag goes into If-Match of a change."""
    async with request.app.state.pool.acquire() as db:
        return shown(out(await service.get_category(db, category_id)), if_none_match)


@router.patch("/{category_id}", response_model=CategoryOut)
async def change_category(
    request: Request,
    category_id: PathId,
    body: CategoryChange,
    caller: Annotated[Caller, needs("catalog:write")],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Change a category that is still as it was read (If-Match), or hang it elsewhere."""
    version = version_in(if_match)

    async def verb(db: Connection) -> dict[str, Any]:
        changes = changes_in(body, "parent_id")
        return out(await service.change_category(db, caller, category_id, version, changes)).model_dump(mode="json")

    return await write_once(request, caller.actor, verb)
