"""Transfers at the pages of the office: shipped, received, told of, called back, sifted."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from autoshop.inventory.transfers import service as transfers
from autoshop.kit.db import transaction
from tests.api.conftest import BARCODE
from tests.api.test_office import said
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import MANAGER, pieces, post, request
from tests.people import clerk_of_centre, clerk_of_north

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("the_ledger_is_clean_afterwards")]


async def test_a_shipment_grows_line_by_line_and_leaves_at_once(office: httpx.AsyncClient, app: FastAPI) -> None:
    await post(app.state.pool, request("inbound", 5, product_id=OIL_FILTER))
    new = "/office/transfers/new"
    page = await office.post(new, data={"from": str(CENTRE), "do": "add", "code": BARCODE})
    page = await office.post(new, data={"from": str(CENTRE), "do": "add", "code": BARCODE, f"line-{PLUG}": "1"})
    assert f'name="line-{PLUG}" value="2"' in page.text
    lines = {f"line-{PLUG}": "2", f"line-{OIL_FILTER}": "1"}
    page = await office.post(new, data={"from": str(CENTRE), "do": f"drop-{OIL_FILTER}", **lines})
    assert (f"line-{OIL_FILTER}" in page.text, page.status_code) == (False, 200)
    assert await pieces(app.state.pool) == 10
    # What stands in the box when one presses «Ship» goes with it.
    sent = {
        "from": str(CENTRE),
        "do": "ship",
        "to": str(NORTH),
        "code": "w914/2",
        "pieces": "3",
        f"line-{PLUG}": "2",
        "key": "s",
    }
    for _ in range(2):
        answer = await office.post(new, data=sent)
        assert answer.headers["location"].startswith("/office/transfers/1?done=")
    assert await pieces(app.state.pool) == 8
    assert await pieces(app.state.pool, OIL_FILTER) == 2
    assert "второй раз ничего не проведено" in said(await office.get(answer.headers["location"]))


async def test_every_line_that_stands_in_the_way_is_told_at_its_field(office: httpx.AsyncClient) -> None:
    sent = {"from": str(CENTRE), "do": "ship", "to": str(NORTH), f"line-{PLUG}": "11", f"line-{OIL_FILTER}": "1"}
    answer = await office.post("/office/transfers/new", data=sent)
    assert answer.status_code == 409
    assert f'<a href="#line-{PLUG}">BPR6ES-11: Просили 11 шт., доступно 10' in answer.text
    assert f'<a href="#line-{OIL_FILTER}">W 914/2: Просили 1 шт., доступно 0' in answer.text
    assert f'id="line-{PLUG}" name="line-{PLUG}" value="11"' in answer.text


async def test_what_was_asked_for_is_shown_and_shipped_by_its_sender(office: httpx.AsyncClient, app: FastAPI) -> None:
    now = datetime.now(UTC)
    async with transaction(app.state.pool) as db:
        asked = await transfers.request(db, MANAGER, CENTRE, NORTH, {PLUG: 3}, None, "на завтра", None, now)
    address = f"/office/transfers/{asked.id}"
    for which in ("requested", "all"):
        assert address in (await office.get("/office/transfers", params={"which": which})).text
    early = await office.post(f"{address}/receipt", data={f"came-{PLUG}": "1"})
    assert (early.status_code, "Ещё ничего не отгружено" in said(early)) == (409, True)
    oleg = await clerk_of_north(app)
    assert f'action="{address}/shipment"' not in (await office.get(address, headers=oleg)).text
    assert (await office.post(f"{address}/shipment", data={}, headers=oleg)).status_code == 403
    shipped = await office.post(f"{address}/shipment", data={"key": "s1"})
    assert shipped.headers["location"] == f"{address}?done=shipped"
    assert "Товар в пути: 3 шт." in said(await office.get(shipped.headers["location"]))
    assert await pieces(app.state.pool) == 7


async def test_what_did_not_come_as_it_was_sent_is_told_once_and_shown(office: httpx.AsyncClient, app: FastAPI) -> None:
    pool = app.state.pool
    await post(pool, request("transfer", 4, to_store_id=NORTH))
    address, oleg = "/office/transfers/1", await clerk_of_north(app)
    assert "Пришло не так, как отправили" in said(await office.get(address, headers=oleg))

    async def tell(reason: str, count: int, key: str, **more: str) -> httpx.Response:
        told = {"product": str(PLUG), "code": "", "pieces": str(count), "reason": reason, "key": key, **more}
        return await office.post(f"{address}/differences", data=told, headers=oleg)

    for _ in range(2):
        answer = await tell("lost", 2, "d1", note="коробка пустая")
    assert answer.headers["location"] == f"{address}?done=again"
    assert (await tell("damaged", 1, "d2")).headers["location"] == f"{address}?done=differed"
    assert (await tell("found", 1, "d3")).status_code == 303
    assert (await tell("wrong_item", 1, "d4", product="", code="w914/2")).status_code == 303
    page = said(await office.get(address, params={"done": "differed"}, headers=oleg))
    assert "Записано. В пути осталось: 1 шт." in page
    for words in ("Потеряно 2 коробка пустая", "Повреждено 1", "Нашлось 1", "W 914/2", "Не тот товар 1"):
        assert words in page
    assert await pieces(pool, PLUG, NORTH) == 1
    assert await pieces(pool, OIL_FILTER, NORTH) == 1


async def test_the_receiver_alone_tells_of_differences_and_the_sender_alone_calls_back(
    office: httpx.AsyncClient, app: FastAPI
) -> None:
    pool, address = app.state.pool, "/office/transfers/1"
    await post(pool, request("transfer", 4, to_store_id=NORTH))
    vera, oleg = await clerk_of_centre(app), await clerk_of_north(app)
    ours, theirs = await office.get(address, headers=vera), await office.get(address, headers=oleg)
    assert (f"{address}/recall" in ours.text, f"{address}/differences" in ours.text) == (True, False)
    assert (f"{address}/recall" in theirs.text, f"{address}/differences" in theirs.text) == (False, True)
    told = {"product": str(PLUG), "pieces": "1", "reason": "lost", "key": "d"}
    assert (await office.post(f"{address}/differences", data=told, headers=vera)).status_code == 403
    assert (await office.post(f"{address}/recall", data={"key": "r"}, headers=oleg)).status_code == 403
    answer = await office.post(f"{address}/recall", data={"key": "r"}, headers=vera)
    assert "Возвращено на полку отправителя" in said(await office.get(answer.headers["location"], headers=vera))
    assert await pieces(pool) == 10
    closed = await office.post(f"{address}/recall", data={"key": "r2"}, headers=vera)
    assert (closed.status_code, "в пути ничего нет" in said(closed)) == (409, True)


async def test_transfers_are_sifted_by_state_store_and_lateness(office: httpx.AsyncClient, app: FastAPI) -> None:
    pool = app.state.pool
    for _ in range(3):
        await post(pool, request("transfer", 1, to_store_id=NORTH))
    await office.post("/office/transfers/1/receipt", data={f"came-{PLUG}": "1"})

    async def listed(**sift: str) -> list[str]:
        page = await office.get("/office/transfers", params=sift)
        return re.findall(r'href="/office/transfers/(\d+)"', page.text)

    assert await listed() == ["3", "2"]
    assert await listed(which="received") == ["1"]
    assert await listed(which="all") == ["3", "2", "1"]
    assert await listed(which="all", store="999") == []
    assert await listed(which="overdue") == []
    await late(app, 2)
    assert await listed(which="overdue") == ["2"]
    assert "Опаздывает" in said(await office.get("/office/transfers/2"))


async def late(app: FastAPI, transfer_id: int) -> None:
    """Make a transfer that should have come yesterday."""
    await app.state.pool.execute(
        "UPDATE transfers SET eta_at = $1, due_at = $1 WHERE id = $2",
        datetime.now(UTC) - timedelta(days=1),
        transfer_id,
    )


async def test_a_long_list_goes_on_at_the_next_page(office: httpx.AsyncClient, app: FastAPI) -> None:
    await post(app.state.pool, request("inbound", 40))
    await post(app.state.pool, *(request("transfer", 1, to_store_id=NORTH, document=f"N {n}") for n in range(32)))
    page = await office.get("/office/transfers")
    more = re.search(r'href="(/office/transfers\?which=in_transit[^"]*page=[^"]*)"', page.text)
    assert more
    rest = await office.get(more[1].replace("&amp;", "&"))
    shown = [re.findall(r'href="/office/transfers/(\d+)"', one.text) for one in (page, rest)]
    assert [len(one) for one in shown] == [30, 2]
    assert not set(shown[0]) & set(shown[1])
