"""The screen of parts that did not fit: which part, which car, for how many, who said so."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from autoshop.kit.db import Pool, transaction
from autoshop.selection.fitment import service
from autoshop.selection.fitment.feedback.jobs import hear_of_returns
from autoshop.web.office import misfits
from tests.api.conftest import BROWSER
from tests.cast import BULB, OIL_FILTER, PLUG
from tests.conftest import client_for
from tests.ledger import MANAGER
from tests.returns import bring_back, sold

pytestmark = pytest.mark.anyio

PAGE = "/office/misfits"
VESTA = "lada/vesta/i"


@pytest.fixture
def pool(app: FastAPI) -> Pool:
    """That of the application."""
    return app.state.pool  # type: ignore[no-any-return]


@pytest.fixture
async def office(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A manager's browser."""
    async with client_for(app, **BROWSER) as opened:
        yield opened


async def say(pool: Pool, product: int, *, fitted: bool = False, note: str | None = None) -> None:
    async with transaction(pool) as db:
        await service.give_feedback(
            db, MANAGER, product, VESTA, "21129", fitted=fitted, origin="staff", reference=None, note=note
        )


def lines(page: httpx.Response) -> list[str]:
    """The rows of the table, as text."""
    rows = re.findall(r"<tr>(.*?)</tr>", page.text.partition("<tbody>")[2], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).replace("\u00a0", " ").split()) for row in rows]


async def test_without_any_there_is_a_word_of_it(office: httpx.AsyncClient) -> None:
    page = await office.get(PAGE)
    assert (page.status_code, "Пока всё подошло" in page.text, lines(page)) == (200, True, [])


async def test_each_part_and_car_once_the_newest_first(office: httpx.AsyncClient, pool: Pool) -> None:
    await say(pool, PLUG)
    await say(pool, OIL_FILTER)
    await say(pool, PLUG, note="другой <b>разъём</b>")
    await say(pool, PLUG, fitted=True)
    await say(pool, BULB, fitted=True)
    page = await office.get(PAGE)
    first, second = lines(page)
    assert re.fullmatch(
        r"BPR6ES-11 NGK .* Lada Vesta I 21129 2 1 \d\d\.\d\d \d\d:\d\d сотрудник: другой &lt;b&gt;разъём&lt;/b&gt;",
        first,
    )
    assert re.search(r"Lada Vesta I 21129 1 0 ", second)
    assert f'href="/office/products/{PLUG}"' in page.text


async def test_a_return_shows_up_by_itself_also_where_nobody_knows_the_car(
    office: httpx.AsyncClient, pool: Pool
) -> None:
    [sale] = await sold(pool, 1)
    await bring_back(pool, sale, (PLUG, 1))
    await hear_of_returns(pool)
    [line] = lines(await office.get(PAGE))
    assert "не известен 1 0" in line
    assert line.endswith("возврат: не подошло")


async def test_there_may_be_more_than_one_page(
    office: httpx.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misfits, "ON_PAGE", 1)
    for product in (PLUG, OIL_FILTER):
        await say(pool, product)
    page = await office.get(PAGE)
    [more] = re.findall(r'href="(/office/misfits\?page=[^"]*)"', page.text)
    assert len(lines(page)) == len(lines(await office.get(more))) == 1
    assert lines(page) != lines(await office.get(more))
