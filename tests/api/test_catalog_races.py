"""A name or code that an import is just giving away: whoever wants it too waits, and then is told who has it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import asyncpg
import httpx
import pytest

from autoshop.kit.db import Pool
from tests.conftest import Database

pytestmark = pytest.mark.anyio

WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"


async def while_an_import_makes(
    database: Database, sql: str, ask: Coroutine[Any, Any, httpx.Response]
) -> httpx.Response:
    """The answer to what was asked while somebody else's `sql` was not yet committed."""
    importing = await asyncpg.connect(database.url)
    looking = await asyncpg.connect(database.super_url)
    try:
        async with importing.transaction():
            await importing.execute(sql)
            asked = asyncio.ensure_future(ask)
            while not await looking.fetchval(WAITS):
                assert not asked.done(), asked.result().text
                await asyncio.sleep(0.01)
        answer: httpx.Response = await asked
        return answer
    finally:
        await importing.close()
        await looking.close()


async def test_a_category_cannot_take_the_code_that_an_import_just_gave_away(
    client: httpx.AsyncClient, database: Database, pool: Pool
) -> None:
    mine = await client.post("/api/v1/categories", json={"code": "mine", "name_ru": "Моя", "name_en": "Mine"})
    assert mine.status_code == 201
    answer = await while_an_import_makes(
        database,
        "INSERT INTO categories (code, name_ru, name_en) VALUES ('theirs', 'Их', 'Theirs')",
        client.patch(f"/api/v1/categories/{mine.json()['id']}", json={"code": "theirs"}, headers={"If-Match": '"1"'}),
    )
    theirs = await pool.fetchval("SELECT id FROM categories WHERE code = 'theirs'")
    assert (answer.status_code, answer.json()["category_id"]) == (409, theirs)


async def test_a_brand_cannot_take_the_name_that_an_import_just_gave_away(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await while_an_import_makes(
        database,
        "INSERT INTO brands (name, name_key) VALUES ('Theirs', 'theirs')",
        client.patch("/api/v1/brands/1", json={"name": "Theirs"}, headers={"If-Match": '"1"'}),
    )
    assert (answer.status_code, answer.json()["name"]) == (409, "Theirs")
