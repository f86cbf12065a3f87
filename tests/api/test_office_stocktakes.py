"""What is done at the pages of stocktakes: opened, counted by hand and by a queue, reviewed, approved; and by whom."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from tests.api.conftest import BROWSER
from tests.api.test_office import STRANGER, said
from tests.api.test_office_work import fill
from tests.cast import AIR_FILTER, CENTRE, OIL_FILTER, PLUG
from tests.conftest import client_for
from tests.ledger import pieces, post, request
from tests.people import clerk_of_centre, clerk_of_north, signed_in
from tests.reservations import HERE, reserve
from tests.stocktakes import lines, open_stocktake, review, take

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("the_ledger_is_clean_afterwards")]

PATH, ONE = "/office/stocktakes", "/office/stocktakes/1"
CASE, UNIT = "12000000079193", "2000000079196"
QUEUE = {"Accept": "application/json", "HX-Request": "true"}


@pytest.fixture
async def office(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A manager's browser; nine plugs and five oil filters lie in the centre."""
    await app.state.pool.execute("INSERT INTO barcodes (code, product_id) VALUES ($1, $2)", UNIT, PLUG)
    await post(app.state.pool, request("inbound", 9), request("inbound", 5, OIL_FILTER))
    async with client_for(app, **BROWSER) as opened:
        yield opened


async def count(client: httpx.AsyncClient, code: str, headers: Any = None, **more: str) -> httpx.Response:
    return await client.post(f"{ONE}/counts", data={"code": code, **more}, headers=headers)


# ------------------------------------------------------------------------------------------------ opening
@pytest.mark.parametrize(
    ("typed", "scope", "products"),
    [
        ({"kind": "store"}, {"kind": "store"}, [PLUG, OIL_FILTER]),
        ({"kind": "products", "codes": f"{UNIT}\n w 914/2 \nNGK BPR6ES-11"}, {"kind": "products"}, [PLUG, OIL_FILTER]),
        ({"kind": "products", "codes": "C2585"}, {"kind": "products"}, [AIR_FILTER]),
    ],
)  # fmt: skip
async def test_one_is_opened_and_leads_to_the_counting(
    office: httpx.AsyncClient, app: FastAPI, typed: dict[str, str], scope: object, products: list[int]
) -> None:
    sent = {"store": str(CENTRE), "blind": "no", "above": "2", "note": "осень", **typed}
    answer = await fill(office, f"{PATH}/new", **sent)
    assert (answer.status_code, answer.headers.get("location")) == (303, ONE), said(answer)
    row = await app.state.pool.fetchrow("SELECT * FROM stocktakes")
    assert (row["scope"], row["blind"], row["second_count_above"], row["note"]) == (scope, False, 2, "осень")
    found = await app.state.pool.fetch("SELECT product_id FROM stocktake_lines ORDER BY product_id")
    assert [line["product_id"] for line in found] == products
    page = said(await office.get(ONE))
    assert f"Посчитано 0 из {len(products)}" in page


async def test_a_category_is_chosen_by_its_whole_name(office: httpx.AsyncClient, app: FastAPI) -> None:
    pool = app.state.pool
    await pool.execute(
        "INSERT INTO categories (id, code, name_ru, name_en, parent_id) VALUES (1, 'a', 'Зажигание', 'Ignition', NULL),"
        " (2, 'b', 'Свечи', 'Plugs', 1)"
    )
    await pool.execute("UPDATE products SET category_id = 2 WHERE id = $1", PLUG)
    assert "Зажигание / Свечи" in said(await office.get(f"{PATH}/new"))
    answer = await fill(office, f"{PATH}/new", store=str(CENTRE), kind="category", category="1", blind="yes")
    assert answer.headers.get("location") == ONE
    assert await pool.fetchval("SELECT count(*) FROM stocktake_lines") == 1


async def test_the_list_shows_open_ones_and_a_clerk_those_of_his_store(office: httpx.AsyncClient, app: FastAPI) -> None:
    pool = app.state.pool
    assert "Здесь ничего нет" in said(await office.get(PATH))
    await open_stocktake(pool, PLUG)
    await review(pool, await open_stocktake(pool, OIL_FILTER))
    page = said(await office.get(PATH))
    assert "Инвентаризация № 2 Центр товары по списку ? На сверке" in page
    assert "Инвентаризация № 1 Центр товары по списку ◔ Идёт счёт" in page
    assert "Здесь ничего нет" in said(await office.get(f"{PATH}?which=approved"))
    oleg = await clerk_of_north(app)
    assert "Инвентаризация № 1" not in said(await office.get(f"{PATH}?store={CENTRE}", headers=oleg))
    assert "Инвентаризация № 1" in said(await office.get(PATH, headers=await clerk_of_centre(app)))


# ------------------------------------------------------------------------------------------------ counting
async def test_scans_add_up_and_are_undone(office: httpx.AsyncClient, app: FastAPI) -> None:
    opened = await open_stocktake(app.state.pool)
    vera = await clerk_of_centre(app)
    for code, more in ((UNIT, {}), (UNIT, {"pieces": "3"}), ("W914/2", {"pieces": "5"}), ("P-1", {})):
        answer = await count(office, code, vera, client_id=f"c-{code.replace('/', '')}-{len(more)}", **more)
        assert (answer.status_code, answer.headers.get("location")) == (303, ONE), said(answer)
    page = said(await office.get(ONE, headers=vera))
    assert "BPR6ES-11 NGK Свеча зажигания NGK BPR6ES-11 − Посчитано: 5 шт. +" in page
    less = await office.post(f"{ONE}/retractions", data={"count": f"c-{UNIT}-1", "less": "1"}, headers=vera)
    assert less.status_code == 303
    assert (await lines(app.state.pool, opened))[PLUG].counted == 4
    await office.post(f"{ONE}/retractions", data={"count": "c-W9142-1"}, headers=vera)
    assert (await lines(app.state.pool, opened))[OIL_FILTER].status == "to_count"


async def test_a_form_that_is_sent_twice_counts_once(office: httpx.AsyncClient, app: FastAPI) -> None:
    opened = await open_stocktake(app.state.pool)
    for _ in range(2):
        answer = await count(office, UNIT, client_id="once", device="phone")
        assert answer.status_code == 303
    less = {"count": "once", "less": "1", "client_id": "less"}
    await count(office, UNIT, client_id="two", pieces="2")
    for _ in range(2):
        assert (await office.post(f"{ONE}/retractions", data={**less, "count": "two"})).status_code == 303
    assert (await lines(app.state.pool, opened))[PLUG].counted == 2


async def test_one_less_is_the_same_look_and_keeps_its_moment(office: httpx.AsyncClient, app: FastAPI) -> None:
    opened = await open_stocktake(app.state.pool)
    await count(office, UNIT, client_id="all", pieces="10")
    await post(app.state.pool, request("sale", 1))  # after the look: it is in both numbers
    await office.post(f"{ONE}/retractions", data={"count": "all", "less": "1"})
    line = (await lines(app.state.pool, opened))[PLUG]
    assert (line.counted, line.ledger, line.difference) == (9, 9, 0)


async def test_the_queue_is_answered_with_the_count_or_with_the_reason(office: httpx.AsyncClient, app: FastAPI) -> None:
    await open_stocktake(app.state.pool, PLUG)
    now = datetime.now(UTC).isoformat()
    sent = {"client_id": "q-1", "counted_at": now, "sent_at": now, "device": "d"}
    for _ in range(2):
        answer = await count(office, UNIT, QUEUE, **sent)
        assert (answer.status_code, 'data-taken="q-1"' in answer.text, "<html" in answer.text) == (200, True, False)
    refused = await count(office, "W914/2", QUEUE, client_id="q-2")
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert refused.json()["said"] == "Этого товара нет в списке инвентаризации."
    several = await count(office, "W", {**QUEUE, "Cookie": "autoshop_language=en"}, client_id="q-3")
    assert [one["name"] for one in several.json()["choices"]] == ["W 914/2 MANN-FILTER"]
    foreign = await count(office, UNIT, {**QUEUE, **await clerk_of_north(app)}, client_id="q-4")
    assert (foreign.status_code, foreign.json()["said"]) == (403, "Это не ваш магазин.")
    taken_back = await office.post(f"{ONE}/retractions", data={"count": "q-1", "client_id": "u-1"}, headers=QUEUE)
    assert (taken_back.status_code, 'data-taken="u-1"' in taken_back.text) == (200, True)


async def test_a_phone_with_a_wrong_clock_counts_at_the_right_moment(office: httpx.AsyncClient, app: FastAPI) -> None:
    opened = await open_stocktake(app.state.pool)
    fast = {"counted_at": "2031-01-01T00:00:00Z", "sent_at": "2031-01-01T00:00:00Z"}
    assert (await count(office, UNIT, client_id="a", **fast)).status_code == 303
    at = (await lines(app.state.pool, opened))[PLUG].counted_at
    assert at is not None
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60


async def test_a_case_asks_how_many_are_in_it(office: httpx.AsyncClient, app: FastAPI) -> None:
    opened = await open_stocktake(app.state.pool)
    answer = await count(office, CASE)
    assert (answer.status_code, "Это код упаковки" in said(answer)) == (422, True)
    assert (await count(office, CASE, pieces="4")).status_code == 303
    assert (await lines(app.state.pool, opened))[PLUG].counted == 4


async def test_a_scan_of_what_was_counted_again_is_not_lost_in_the_first_round(
    office: httpx.AsyncClient, app: FastAPI
) -> None:
    opened = await open_stocktake(app.state.pool, PLUG, above=0)
    await take(app.state.pool, opened, 7)
    page = await office.get(ONE)
    assert "Нужен второй счёт" in said(page)
    again = {"product": str(PLUG), "mode": "set", "round": "2", "pieces": "8"}
    assert (await office.post(f"{ONE}/counts", data=again)).status_code == 303
    late = await count(office, UNIT)
    assert (late.status_code, "уже посчитан ещё раз (8 шт.)" in said(late)) == (422, True)
    assert (await lines(app.state.pool, opened))[PLUG].counted == 8


# ------------------------------------------------------------------------------------------------ who may
async def test_a_clerk_sees_no_button_to_approve_and_is_told_why_not(office: httpx.AsyncClient, app: FastAPI) -> None:
    opened = await open_stocktake(app.state.pool, PLUG)
    vera = await clerk_of_centre(app)
    blind = await office.get(f"{ONE}/review", headers=vera)
    assert (blind.status_code, "Счёт идёт вслепую" in said(blind)) == (409, True)
    assert ("К сверке" in said(await office.get(ONE, headers=vera)), "10 шт." in said(await office.get(ONE))) == (
        False, False,
    )  # fmt: skip
    for verb in ("review", "second-counts", "reopening", "cancellation", "approval"):
        answer = await office.post(f"{ONE}/{verb}", data={"version": "1", "uncounted": "leave"}, headers=vera)
        assert (answer.status_code, "Спросите управляющего" in said(answer)) == (403, True), verb
    await review(app.state.pool, opened)
    page = said(await office.get(ONE, headers=vera))
    assert ("Ждёт, пока управляющий утвердит" in page, "Утвердить" in page, "Отменить" in page) == (True, False, False)
    assert (await office.get(f"{ONE}/approval", headers=vera)).status_code == 403


async def test_other_stores_buyers_and_strangers_count_nothing(office: httpx.AsyncClient, app: FastAPI) -> None:
    opened = await open_stocktake(app.state.pool, PLUG)
    await take(app.state.pool, opened, 3, client_id="of-vera")
    oleg, anna = await clerk_of_north(app), await signed_in(app, "anna", "buyer")
    bound = await signed_in(app, "vera", "clerk", "centre")
    sent = {"code": UNIT, "count": "of-vera", "store": str(CENTRE), "kind": "store", "blind": "yes"}
    for path in (f"{ONE}/counts", f"{ONE}/retractions", f"{PATH}/new"):
        foreign = await office.post(path, data={**sent, "kind": "flagged"}, headers=oleg)
        assert (foreign.status_code, "Это не ваш магазин" in said(foreign)) == (403, True), path
        assert (await office.post(path, data=sent, headers=anna)).status_code == 403
        async with client_for(app, STRANGER, **BROWSER) as stranger:
            answer = await stranger.post(path, data=sent, headers={"Referer": f"http://test{ONE}"})
            assert answer.headers.get("location") == "/office/sign-in?back=%2Foffice%2Fstocktakes%2F1"
            queue = await stranger.post(path, data=sent, headers=QUEUE)
            assert (queue.status_code, queue.headers["content-type"]) == (401, "application/problem+json")
    assert (await count(office, UNIT, bound, client_id="own")).status_code == 303
    assert (await lines(app.state.pool, opened))[PLUG].counted == 4
    page = said(await office.get(ONE, headers=oleg))
    assert ("Считать здесь вы не можете" in page, "Записать" in page) == (True, False)


# ------------------------------------------------------------------------------------------------ the end
async def test_it_is_reviewed_recounted_approved_and_leads_to_its_movements(
    office: httpx.AsyncClient, app: FastAPI
) -> None:
    pool = app.state.pool
    opened = await open_stocktake(pool)
    await take(pool, opened, 7)
    await take(pool, opened, 6, OIL_FILTER)
    for path, sent, done in (
        ("review", {"uncounted": "leave"}, "reviewed"),
        ("second-counts", {f"again-{PLUG}": "yes"}, "asked"),
    ):
        answer = await office.post(f"{ONE}/{path}", data=sent)
        assert answer.headers.get("location") == f"{ONE}?done={done}", said(answer)
    assert "Нужен второй счёт" in said(await office.get(ONE))
    await office.post(f"{ONE}/counts", data={"product": str(PLUG), "mode": "set", "round": "2", "pieces": "8"})
    await office.post(f"{ONE}/review", data={"uncounted": "leave"})
    page = said(await office.get(f"{ONE}/approval"))
    assert "товаров: 2, излишек +1 шт., недостача −1 шт." in page
    version = str(await pool.fetchval("SELECT version FROM stocktakes"))
    answer = await office.post(f"{ONE}/approval", data={"version": version, "reason": "осень", "key": "k"})
    assert answer.headers.get("location") == f"{ONE}?done=approved", said(answer)
    assert (
        await office.post(f"{ONE}/approval", data={"version": version, "reason": "осень", "key": "k"})
    ).status_code == 303
    assert [await pieces(pool, one) for one in (PLUG, OIL_FILTER)] == [8, 6]
    shown = said(await office.get(answer.headers["location"]))
    assert ("Утверждено, корректировки проведены" in shown, "Излишек, шт. +1 Недостача, шт. −1" in shown) == (
        True,
        True,
    )
    moved = said(await office.get(f"{ONE}/movements"))
    assert ("Корректировка −1 9 → 8" in moved, "Корректировка +1 5 → 6" in moved) == (True, True)


async def test_the_value_of_a_difference_is_for_those_alone_who_may_see_costs(
    office: httpx.AsyncClient, app: FastAPI
) -> None:
    pool = app.state.pool
    await post(pool, msgspec.structs.replace(request("inbound", 1, AIR_FILTER), unit_cost_kopecks=12345))
    opened = await open_stocktake(pool, AIR_FILTER, PLUG)
    await take(pool, opened, 0, AIR_FILTER)
    await take(pool, opened, 8)
    await review(pool, opened)
    page = said(await office.get(ONE))
    assert ("−123,45 ₽" in page, "Без известной себестоимости: 1" in page) == (True, True)
    as_clerk = said(await office.get(ONE, headers=await clerk_of_centre(app)))
    assert ("C 2585" in as_clerk, "себестоимост" in as_clerk, "123" in as_clerk) == (True, False, False)


async def test_what_stands_in_the_way_of_an_approval_is_named(office: httpx.AsyncClient, app: FastAPI) -> None:
    pool = app.state.pool
    opened = await open_stocktake(pool, PLUG, OIL_FILTER)
    await take(pool, opened, 2)
    await take(pool, opened, 5, OIL_FILTER, mode="add")
    await post(pool, request("sale", 1, OIL_FILTER))
    await take(pool, opened, 1, OIL_FILTER, mode="add")
    await reserve(pool, (HERE, 4))
    await review(pool, opened)
    unsettled = await office.post(f"{ONE}/approval", data={"version": "2"})
    assert (unsettled.status_code, "надо посчитать ещё раз" in said(unsettled)) == (409, True)
    assert "Оставить как в учёте то, что не пересчитали: 1" in said(unsettled)
    held = await office.post(f"{ONE}/approval", data={"version": "2", "unsettled": "leave"})
    assert "После корректировки на -7 осталось бы 2 шт., а в резерве 4" in said(held)
    cancelled = await office.post(f"{ONE}/cancellation", data={"reason": "резерв"})
    assert "Инвентаризация отменена" in said(await office.get(cancelled.headers["location"]))
    assert await pieces(pool) == 9


async def test_what_is_not_there_is_written_off_after_a_tick(office: httpx.AsyncClient, app: FastAPI) -> None:
    opened = await open_stocktake(app.state.pool)
    await take(app.state.pool, opened, 9)
    answer = await office.post(f"{ONE}/review", data={"uncounted": "zero", "confirm_zero": "yes"})
    assert answer.headers.get("location") == f"{ONE}?done=reviewed"
    reopened = await office.post(f"{ONE}/reopening")
    assert "Снова идёт счёт" in said(await office.get(reopened.headers["location"]))
    await office.post(f"{ONE}/review", data={"uncounted": "zero", "confirm_zero": "yes"})
    await office.post(f"{ONE}/approval", data={"version": "4"})
    assert [await pieces(app.state.pool, one) for one in (PLUG, OIL_FILTER)] == [9, 0]
