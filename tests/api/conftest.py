"""The desk of the office that several of its tests sit at."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.cast import PLUG
from tests.conftest import client_for
from tests.ledger import assert_ledger_is_clean, post, request

BARCODE = "0012345678905"  # a UPC-A as EAN-13
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
async def office(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A manager's browser; ten plugs lie in the centre."""
    await app.state.pool.execute("INSERT INTO barcodes (code, product_id) VALUES ($1, $2)", BARCODE, PLUG)
    await post(app.state.pool, request("inbound", 10))
    async with client_for(app, **BROWSER) as opened:
        yield opened


@pytest.fixture
async def the_ledger_is_clean_afterwards(app: FastAPI) -> AsyncIterator[None]:
    yield
    await assert_ledger_is_clean(app.state.pool)
