"""What the tests of the search ask."""

from typing import Any

import httpx
from fastapi import FastAPI

from autoshop.catalog.search.names.jobs import catch_up

SEARCH = "/api/v1/search"


async def index(app: FastAPI) -> None:
    """As the worker does, all that is to be done."""
    await catch_up(app.state.pool)


async def found(client: httpx.AsyncClient, text: str, **parameters: Any) -> dict[str, Any]:
    """The answer to a text."""
    answer = await client.get(SEARCH, params={"q": text, **parameters})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def articles(answer: dict[str, Any]) -> list[str]:
    """The articles of the products that were found, in order."""
    return [item["product"]["article"] for item in answer["items"]]
