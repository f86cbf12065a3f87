"""A stocktake on a phone, in a real browser: scans outlive the network and the session; a manager approves them."""

import pytest
from playwright.async_api import Page, Route, expect

from autoshop.kit.db import Pool
from tests.browser.conftest import BARCODE, PC, PHONE, Desk, Open
from tests.cast import AIR_FILTER, CENTRE, OIL_FILTER, PLUG
from tests.ledger import assert_ledger_is_clean, pieces, post, request
from tests.people import PASSWORD
from tests.stocktakes import lines, open_stocktake, take

pytestmark = pytest.mark.anyio

COUNTS = "SELECT product_id, sum(pieces), count(*) FROM stocktake_counts GROUP BY product_id ORDER BY product_id"
TOUCH = {"is_mobile": True, "has_touch": True}


async def scan(page: Page, *codes: str) -> None:
    """As a scanner types, one after the other, without looking at the page; its scripts, the queue, are there."""
    await page.wait_for_load_state()
    for code in codes:
        await page.keyboard.type(code + "\n", delay=1)


async def counts(pool: Pool) -> list[tuple[int, int, int]]:
    """Of each product the pieces that were counted, and how many counts there are."""
    return [tuple(row) for row in await pool.fetch(COUNTS)]


async def open_as(desk: Desk, login: str, path: str) -> None:
    await desk.open(path)
    await desk.sign_in(login)
    await expect(desk.page).to_have_url(desk.url + path)


async def test_a_clerk_counts_without_network_and_a_manager_approves(desk: Open, pool: Pool) -> None:
    async with desk(PHONE, **TOUCH) as vera:
        page = vera.page
        await open_as(vera, "vera", "/office/stocktakes")
        await page.get_by_role("link", name="Начать инвентаризацию").click()
        await vera.picture("stocktake-new-phone")
        await page.get_by_role("button", name="Начать счёт").click()
        await expect(page.get_by_label("Скан или артикул")).to_be_focused()
        await vera.picture("stocktake-empty-phone")
        await scan(page, BARCODE, BARCODE, BARCODE)
        await expect(page.locator(".counted-sum")).to_contain_text("3 шт.")
        await expect(page.get_by_role("heading", name="Посчитано 1 из 3")).to_be_visible()
        await expect(page.locator("main")).not_to_contain_text("По учёту")  # she counts blind
        await page.get_by_label("Шт.", exact=True).fill("5")
        await page.keyboard.press("Enter")  # the number first, then the scan
        await scan(page, "W 914/2")
        await expect(page.locator(".counted-sum")).to_contain_text("5 шт.")
        await vera.picture("counting-phone")

        vera.offline = True
        await page.context.set_offline(True)
        await scan(page, BARCODE, "W914/2", BARCODE)
        unsent = page.locator("#unsent")
        await expect(unsent).to_contain_text("Не отправлено: 3")
        await expect(unsent.locator("li")).to_have_count(3)
        await expect(page.get_by_label("Скан или артикул")).to_be_focused()
        await vera.picture("counting-offline-phone")
        assert await counts(pool) == [(PLUG, 3, 3), (OIL_FILTER, 5, 1)]
        await page.context.set_offline(False)
        await expect(unsent).to_be_hidden()
        await expect(page.locator(".counted-sum")).to_contain_text("5 шт.")
        assert await counts(pool) == [(PLUG, 5, 5), (OIL_FILTER, 6, 2)]

    await post(pool, request("sale", 1))  # meanwhile the shop sells
    async with desk(PC) as ivan:
        page = ivan.page
        await open_as(ivan, "ivan", "/office/stocktakes/1/review")
        await page.get_by_role("button", name="Закончить счёт").click()
        await expect(page.get_by_role("status")).to_contain_text("Счёт закончен")
        await ivan.picture("stocktake-review")
        await page.get_by_role("link", name="Утвердить…").click()
        await expect(page.locator(".lead")).to_contain_text("товаров: 1, излишек +0 шт., недостача −5 шт.")
        await ivan.picture("stocktake-approval")
        await page.get_by_role("button", name="Утвердить и провести").click()
        await expect(page.get_by_role("status")).to_contain_text("Утверждено")
        await page.get_by_role("link", name="Что проведено").click()
        await ivan.reads("BPR6ES-11 NGK")
        await ivan.reads("−5 9 → 4")
        await ivan.picture("stocktake-movements")
    assert [await pieces(pool, one) for one in (PLUG, OIL_FILTER, AIR_FILTER)] == [4, 6, 3]
    await assert_ledger_is_clean(pool)


async def test_what_was_refused_stays_and_what_was_counted_is_corrected(desk: Open, pool: Pool) -> None:
    stocktake = await open_stocktake(pool)
    async with desk(PHONE, **TOUCH) as vera:
        page, unsent = vera.page, vera.page.locator("#unsent")
        await open_as(vera, "vera", f"/office/stocktakes/{stocktake.id}")
        vera.expected = (422,)
        await scan(page, "4600000000000")
        await expect(unsent).to_contain_text("Товара «4600000000000» нет")
        await vera.picture("counting-refused-phone")
        await page.reload()
        await expect(unsent).to_contain_text("Товара «4600000000000» нет")  # until somebody has read it
        await unsent.get_by_role("button", name="Убрать: 4600000000000").click()
        await expect(unsent).to_be_hidden()

        await scan(page, *[BARCODE] * 5)
        await expect(page.locator(".counted-sum")).to_contain_text("5 шт.")
        for _ in range(4):
            before = await page.locator(".counted-sum strong").inner_text()
            await page.get_by_role("button", name="На одну больше: BPR6ES-11").click()
            await expect(page.locator(".counted-sum strong")).to_have_text(str(int(before) + 1))
        await page.get_by_role("button", name="На одну меньше: BPR6ES-11").click()
        await expect(page.locator(".counted-sum")).to_contain_text("8 шт.")
        await scan(page, "C 2585")
        await page.get_by_role("button", name="Отменить счёт: C 2585").click()
        await expect(page.get_by_role("heading", name="Посчитано 1 из 3")).to_be_visible()
        await expect(page.get_by_role("heading", name="Осталось: 2")).to_be_visible()
    found = await lines(pool, stocktake)
    assert (found[PLUG].counted, found[AIR_FILTER].status) == (8, "to_count")


async def test_whoever_is_signed_out_while_he_counts_loses_nothing(desk: Open, pool: Pool) -> None:
    stocktake = await open_stocktake(pool)
    async with desk(PHONE, **TOUCH) as vera, desk(PHONE, **TOUCH) as oleg:
        await open_as(vera, "vera", f"/office/stocktakes/{stocktake.id}")
        await vera.page.context.clear_cookies()
        vera.expected = (401,)
        await scan(vera.page, BARCODE, BARCODE)
        await expect(vera.page.get_by_role("alert")).to_contain_text("Вход закончился")
        await expect(vera.page.locator("#unsent li")).to_have_count(2)
        await vera.picture("counting-signed-out-phone")
        assert await counts(pool) == []
        await vera.page.get_by_role("link", name="Войти снова").click()
        await vera.page.get_by_label("Логин").fill("vera")
        await vera.page.get_by_label("Пароль").fill(PASSWORD)
        await vera.page.keyboard.press("Enter")
        await expect(vera.page.locator(".counted-sum")).to_contain_text("2 шт.")
        assert await counts(pool) == [(PLUG, 2, 2)]
        await open_as(oleg, "oleg", f"/office/stocktakes/{stocktake.id}")  # of the other store
        await oleg.reads("Считать здесь вы не можете")


async def test_a_count_whose_answer_was_lost_is_there_once_and_can_be_taken_back(desk: Open, pool: Pool) -> None:
    stocktake = await open_stocktake(pool)
    async with desk(PHONE, **TOUCH) as vera:
        page, path = vera.page, f"/office/stocktakes/{stocktake.id}"
        await open_as(vera, "vera", path)
        vera.expected = (503,)

        losing = True

        async def lose(route: Route) -> None:
            answer = await route.fetch()
            await (route.fulfill(status=503) if losing else route.fulfill(response=answer))

        await page.route("**/counts", lose)
        await scan(page, BARCODE)
        await expect(page.locator("#unsent li")).to_have_count(1)
        assert await counts(pool) == [(PLUG, 1, 1)]
        async with page.context.expect_page() as opened:
            await page.evaluate("() => open(location.href)")  # another window of the same browser sends it too
        second = await opened.value
        await expect(second.locator(".counted-sum")).to_contain_text("1 шт.")
        await page.locator("#unsent").wait_for(state="hidden")
        assert await counts(pool) == [(PLUG, 1, 1)]
        await scan(page, BARCODE)
        await expect(page.locator("#unsent li")).to_have_count(1)
        await page.get_by_role("button", name=f"Убрать: {BARCODE}").click()  # she cannot know that it came
        losing = False
        await expect(page.locator("#unsent")).to_be_hidden(timeout=20_000)
        await expect(page.locator(".counted-sum")).to_contain_text("1 шт.")
    assert await counts(pool) == [(PLUG, 2, 2)]
    assert (await lines(pool, stocktake))[PLUG].counted == 1


async def test_what_moved_between_two_shelves_is_counted_again_on_the_phone(desk: Open, pool: Pool) -> None:
    stocktake = await open_stocktake(pool)
    await take(pool, stocktake, 4, mode="add")
    await post(pool, request("sale", 1))
    await take(pool, stocktake, 5, mode="add")
    async with desk(PHONE, **TOUCH) as vera:
        await open_as(vera, "vera", f"/office/stocktakes/{stocktake.id}")
        await vera.picture("counting-again-phone")
        await vera.page.get_by_label("Сколько всего: BPR6ES-11").fill("9")
        await vera.page.keyboard.press("Enter")
        await expect(vera.page.get_by_role("heading", name="Посчитать ещё раз")).to_have_count(0)
    line = (await lines(pool, stocktake))[PLUG]
    assert (line.status, line.counted, line.difference) == ("counted", 9, 0)


async def test_without_scripts_each_scan_is_a_form(desk: Open, pool: Pool) -> None:
    stocktake = await open_stocktake(pool, PLUG, OIL_FILTER)
    async with desk(PHONE, java_script_enabled=False, is_mobile=True) as vera:
        page = vera.page
        await open_as(vera, "vera", f"/office/stocktakes/{stocktake.id}")
        for expected in ("1 шт.", "2 шт."):
            await expect(page.get_by_label("Скан или артикул")).to_be_focused()
            await scan(page, BARCODE)
            await expect(page.locator(".counted-sum")).to_contain_text(expected)
        await expect(page.get_by_label("Скан или артикул")).to_be_focused()
        await page.keyboard.type("W 914/2")
        await page.keyboard.press("Tab")
        await page.keyboard.type("6")
        await page.keyboard.press("Enter")
        await expect(page.locator(".counted-sum")).to_contain_text("6 шт.")
        vera.expected = (409,)
        await expect(page.get_by_label("Скан или артикул")).to_be_focused()
        await scan(page, "C 2585")
        await expect(page.get_by_role("alert")).to_contain_text("Этого товара нет в списке")
        await expect(page.get_by_label("Скан или артикул")).to_have_value("C 2585")
        await page.get_by_role("button", name="Отменить счёт: BPR6ES-11").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Отменить счёт: BPR6ES-11")).to_have_count(1)
    found = await lines(pool, stocktake)
    assert (found[PLUG].counted, found[OIL_FILTER].counted) == (1, 6)
    assert await pieces(pool, PLUG, CENTRE) == 10
    await assert_ledger_is_clean(pool)
