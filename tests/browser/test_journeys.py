"""What people do all day, in a real browser: sell, look on, ship and receive, and all of it with a keyboard alone."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from autoshop.kit.db import Pool
from tests.browser.conftest import BARCODE, PHONE, Open
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG
from tests.ledger import assert_ledger_is_clean, pieces

pytestmark = pytest.mark.anyio


async def test_a_clerk_signs_in_scans_sells_one_and_undoes_it(desk: Open, pool: Pool) -> None:
    async with desk() as vera:
        await vera.open("/office?q=BPR6ES-11")
        await expect(vera.page).to_have_url(f"{vera.url}/office/sign-in?back=%2Foffice%3Fq%3DBPR6ES-11")
        vera.expected = (401,)
        await vera.page.get_by_label("Логин").fill("vera")
        await vera.page.get_by_label("Пароль").fill("кот")
        await vera.page.keyboard.press("Enter")
        await expect(vera.page.get_by_role("alert")).to_contain_text("Логин или пароль не подходят")
        await expect(vera.page.get_by_role("alert")).to_be_focused()
        await expect(vera.page.get_by_label("Логин")).to_have_value("vera")
        await vera.picture("sign-in-refused")
        vera.expected = ()
        await vera.sign_in("vera")
        await expect(vera.page).to_have_url(f"{vera.url}/office/products/{PLUG}")  # where she was going

        await vera.page.get_by_role("link", name="Остатки", exact=True).click()
        await expect(vera.page.locator("#q")).to_be_focused()
        await vera.page.keyboard.type(BARCODE + "\n", delay=1)  # as a scanner types
        await expect(vera.page).to_have_url(f"{vera.url}/office/products/{PLUG}")
        await vera.picture("product")

        await vera.page.get_by_role("button", name="Провести").click()
        await expect(vera.page.get_by_role("status")).to_contain_text("Продано: 1 шт., осталось 9.")
        await expect(vera.page.get_by_role("status")).to_be_focused()
        await vera.reads("10 → 9 vera", ".last")
        assert await pieces(pool) == 9
        await vera.picture("sold")

        await vera.page.get_by_role("button", name="Отменить").click()
        await expect(vera.page.get_by_role("status")).to_contain_text("На полке снова 10 шт.")
        await vera.page.go_back()
        await vera.page.reload()
        await expect(vera.page.get_by_role("button", name="Отменить")).to_have_count(0)
    assert await pieces(pool) == 10
    await assert_ledger_is_clean(pool)


async def test_a_sale_in_one_window_shows_in_the_other_by_itself(desk: Open, pool: Pool) -> None:
    async with desk() as ivan, desk(PHONE) as vera:
        await ivan.open(f"/office/products/{PLUG}")
        async with ivan.page.expect_response(f"**/office/products/{PLUG}/stock"):  # once the line is open
            await ivan.sign_in("ivan")
        await vera.open(f"/office/products/{PLUG}")
        await vera.sign_in("vera")
        await expect(ivan.page.locator(".live")).to_be_visible()
        await ivan.page.get_by_label("Количество, шт.").fill("7")  # he is about to type something
        async with ivan.page.expect_response(f"**/office/products/{PLUG}/stock"):
            await vera.page.get_by_role("button", name="Провести").click()
        await expect(ivan.page.locator(".own .big")).to_have_text("9")
        await expect(ivan.page.locator(".last tbody tr").first).to_contain_text("10 → 9")
        await expect(ivan.page.get_by_label("Количество, шт.")).to_have_value("7")
        await expect(ivan.page.get_by_label("Количество, шт.")).to_be_focused()
        await expect(vera.page.get_by_role("status")).to_contain_text("осталось 9.")
        async with ivan.page.expect_response(f"**/office/products/{PLUG}/stock"):  # the new part listens as well
            await vera.page.get_by_role("button", name="Отменить").click()
        await expect(ivan.page.locator(".own .big")).to_have_text("10")
        await vera.open(f"/office/products/{OIL_FILTER}")
        asked: list[str] = []
        ivan.page.on("request", lambda request: asked.append(request.url))
        await vera.page.get_by_role("button", name="Провести").click()
        await expect(vera.page.get_by_role("status")).to_contain_text("осталось 5.")
        await ivan.page.get_by_role("link", name="Остатки", exact=True).click()
        assert not [url for url in asked if url.endswith("/stock")]  # another product is none of his business
    assert await pieces(pool) == 10
    await assert_ledger_is_clean(pool)


async def test_a_refused_sale_says_what_is_there_and_keeps_what_was_typed(desk: Open, pool: Pool) -> None:
    async with desk() as vera:
        await vera.open(f"/office/products/{PLUG}")
        await vera.sign_in("vera")
        vera.expected = (409,)
        await vera.page.get_by_text("Документ и причина").click()
        await vera.page.get_by_label("Документ", exact=True).fill("Чек 7")
        await vera.page.get_by_label("Количество, шт.").fill("11")
        await vera.page.keyboard.press("Enter")
        alert = vera.page.get_by_role("alert")
        await expect(alert).to_contain_text("Просили 11 шт., доступно 10: на полке 10, в резерве 0.")
        await expect(alert).to_be_focused()
        await expect(vera.page.get_by_label("Документ", exact=True)).to_have_value("Чек 7")
        await vera.picture("refused")
        await alert.get_by_role("link").click()
        await expect(vera.page.get_by_label("Количество, шт.")).to_be_focused()
        await vera.page.get_by_label("Количество, шт.").fill("10")
        await vera.page.keyboard.press("Enter")
        await expect(vera.page.get_by_role("status")).to_contain_text("Продано: 10 шт., осталось 0.")
    assert await pieces(pool) == 0
    await assert_ledger_is_clean(pool)


async def test_a_transfer_is_shipped_by_one_clerk_and_received_in_part_by_the_other(desk: Open, pool: Pool) -> None:
    async with desk() as vera:
        await vera.open("/office/transfers/new")
        await vera.sign_in("vera")
        await expect(vera.page.get_by_label("Артикул или штрихкод")).to_be_focused()
        await vera.page.keyboard.type(BARCODE + "\n", delay=1)
        await expect(vera.page.get_by_label("Количество: BPR6ES-11")).to_have_value("1")
        await expect(vera.page.get_by_label("Артикул или штрихкод")).to_be_focused()
        await vera.page.keyboard.type(BARCODE + "\n", delay=1)  # the same again: two pieces
        await expect(vera.page.get_by_label("Количество: BPR6ES-11")).to_have_value("2")
        await vera.page.get_by_label("Артикул или штрихкод").fill("w914/2")
        await vera.page.get_by_label("Шт.", exact=True).fill("9")
        await vera.page.get_by_role("button", name="Добавить").click()
        vera.expected = (409,)
        await vera.page.get_by_role("button", name="Отгрузить").click()
        await expect(vera.page.get_by_role("alert")).to_contain_text("Просили 9 шт., доступно 6")
        await vera.page.get_by_label("Количество: W 914/2").fill("3")
        await vera.picture("shipment")
        await vera.page.get_by_role("button", name="Отгрузить").click()
        await expect(vera.page.get_by_role("status")).to_contain_text("Товар в пути: 5 шт.")
        await expect(vera.page.get_by_role("button", name="Принять на полку")).to_have_count(0)  # not her store
        address = vera.page.url.partition("?")[0].removeprefix(vera.url)
    async with desk(PHONE, is_mobile=True, has_touch=True) as oleg:
        await oleg.open("/office/transfers")
        await oleg.sign_in("oleg")
        await oleg.picture("transfers-phone")
        await oleg.page.get_by_role("link", name=address.rpartition("/")[2], exact=True).click()
        await oleg.page.get_by_label("Приехало сейчас: W 914/2").fill("1")
        await oleg.picture("receipt-phone")
        await oleg.page.get_by_role("button", name="Принять на полку").click()
        await expect(oleg.page.get_by_role("status")).to_contain_text("В пути осталось: 2 шт.")
        await expect(oleg.page.get_by_label("Приехало сейчас: W 914/2")).to_have_value("2")
        await expect(oleg.page.get_by_label("Приехало сейчас: BPR6ES-11")).to_have_count(0)
        oleg.expected = (409,)
        await oleg.page.get_by_label("Приехало сейчас: W 914/2").fill("3")
        await oleg.page.get_by_role("button", name="Принять на полку").click()
        await expect(oleg.page.get_by_role("alert")).to_contain_text("в пути 2, а указано 3")
        await oleg.page.get_by_text("Пришло не так, как отправили").click()
        await oleg.page.get_by_label("Товар", exact=True).select_option(str(OIL_FILTER))
        await oleg.page.get_by_label("Шт.", exact=True).fill("2")
        await oleg.page.get_by_label("Примечание").fill("коробка пустая")
        await oleg.picture("difference-phone")
        await oleg.page.get_by_role("button", name="Записать").click()
        await expect(oleg.page.get_by_role("status")).to_contain_text("Записано. В пути осталось: 0 шт.")
        await expect(oleg.page.get_by_role("table").last).to_contain_text("коробка пустая")
        await oleg.picture("differences-told-phone")
    assert (await pieces(pool, PLUG, CENTRE), await pieces(pool, PLUG, NORTH)) == (8, 6)
    assert (await pieces(pool, OIL_FILTER, CENTRE), await pieces(pool, OIL_FILTER, NORTH)) == (3, 1)
    await assert_ledger_is_clean(pool)


async def test_whoever_was_signed_out_finds_his_form_as_he_typed_it(desk: Open, pool: Pool) -> None:
    async with desk() as vera:
        await vera.open(f"/office/products/{PLUG}")
        await vera.sign_in("vera")
        await vera.page.get_by_text("Документ и причина").click()
        await vera.page.get_by_label("Документ", exact=True).fill("Чек 7")
        await vera.page.get_by_label("Количество, шт.").fill("3")
        await vera.page.get_by_text("Списание").click()
        vera.expected = (401,)  # the live numbers of the page may be asked for while nobody is signed in
        await vera.page.context.clear_cookies()
        await vera.page.get_by_role("button", name="Провести").click()
        await vera.sign_in("vera")
        await expect(vera.page.get_by_label("Количество, шт.")).to_have_value("3")
        await expect(vera.page.get_by_label("Документ", exact=True)).to_have_value("Чек 7")
        await expect(vera.page.get_by_label("Списание")).to_be_checked()
        await vera.page.reload()
        await expect(vera.page.get_by_label("Количество, шт.")).to_have_value("1")  # once

        await vera.open("/office/transfers/new")
        await vera.page.keyboard.type(BARCODE + "\n", delay=1)
        await vera.page.get_by_label("Количество: BPR6ES-11").fill("4")
        await vera.page.context.clear_cookies()
        await vera.page.keyboard.press("Tab")
        await vera.page.get_by_label("Артикул или штрихкод").focus()
        await vera.page.keyboard.type("w914/2\n", delay=1)
        await vera.sign_in("vera")
        await expect(vera.page.get_by_label("Количество: BPR6ES-11")).to_have_value("4")
        await expect(vera.page.get_by_label("Артикул или штрихкод")).to_have_value("w914/2")
    assert await pieces(pool) == 10


async def test_scans_of_a_shipment_are_not_lost_while_the_one_before_is_sent(desk: Open, pool: Pool) -> None:
    async with desk() as vera:
        await vera.open("/office/transfers/new")
        await vera.sign_in("vera")
        code = vera.page.get_by_label("Артикул или штрихкод")
        await expect(code).to_be_focused()
        arrived = asyncio.Event()

        async def late(route: Route) -> None:
            await arrived.wait()
            await route.continue_()

        await vera.page.route("**/transfers/new", late)
        for typed in (BARCODE, "W914/2", "nobody-has-it", BARCODE, "W914/2"):
            await vera.page.keyboard.type(typed + "\n", delay=1)
        vera.expected = (422,)
        await expect(code).to_have_value("")
        arrived.set()
        await expect(vera.page.get_by_label("Количество: BPR6ES-11")).to_have_value("2")
        await expect(vera.page.get_by_label("Количество: W 914/2")).to_have_value("2")
        await expect(code).to_be_focused()
        await expect(vera.page.get_by_role("alert")).to_contain_text("Товара «nobody-has-it» нет")
        await vera.picture("shipment-scanned")
        await vera.page.get_by_role("button", name="Отгрузить").click()
        await expect(vera.page.get_by_role("status")).to_contain_text("Товар в пути: 4 шт.")
    await assert_ledger_is_clean(pool)


async def test_without_scripts_on_a_phone_with_a_keyboard_alone(desk: Open, pool: Pool) -> None:
    async with desk(PHONE, java_script_enabled=False, is_mobile=True) as vera:
        press = vera.page.keyboard.press

        async def tab_to(selector: str) -> None:
            for _ in range(40):
                await press("Tab")
                if await vera.page.locator(f"{selector}:focus").count():
                    return
            raise AssertionError(f"{selector} cannot be reached with Tab")

        await vera.open("/office")
        await expect(vera.page.get_by_label("Логин")).to_be_focused()
        await vera.page.keyboard.type("vera")
        await press("Tab")
        await vera.page.keyboard.type("correct horse")
        await press("Enter")
        await expect(vera.page.locator("#q")).to_be_focused()
        await vera.page.keyboard.type("ngk")
        await press("Enter")
        await expect(vera.page.locator("#found")).to_contain_text("BPR6ES-11")
        await vera.picture("found-phone")
        await tab_to("a.result")
        await press("Enter")
        await expect(vera.page).to_have_url(f"{vera.url}/office/products/{PLUG}")
        await tab_to("#quantity")
        await press("ControlOrMeta+a")
        await vera.page.keyboard.type("2")
        await vera.picture("product-phone")
        await press("Enter")
        await vera.reads("Продано: 2 шт., осталось 8.", ".done")
        await tab_to(".done button")
        await press("Enter")
        await vera.reads("На полке снова 10 шт.", ".done")
    assert await pieces(pool) == 10
    await assert_ledger_is_clean(pool)


async def test_keys_lead_to_the_search_and_back_and_a_scan_beside_the_fields_is_not_lost(desk: Open) -> None:
    async with desk() as vera:
        await vera.open(f"/office/products/{OIL_FILTER}")
        await vera.sign_in("vera")
        await expect(vera.page.locator("h1")).to_contain_text("W 914/2")
        await vera.page.keyboard.press("/")
        await expect(vera.page.locator("#q")).to_be_focused()
        await expect(vera.page.locator("#q")).to_have_value("")
        await vera.page.locator("h1").click()  # somewhere on the page
        await vera.page.keyboard.type(BARCODE + "\n", delay=1)
        await expect(vera.page).to_have_url(f"{vera.url}/office/products/{PLUG}")
        await vera.page.wait_for_load_state()
        await vera.page.keyboard.press("Escape")
        await expect(vera.page).to_have_url(f"{vera.url}/office/products/{OIL_FILTER}")
        await vera.page.goto(f"{vera.url}/office/settings")
        await vera.page.get_by_label("Выключены").check()
        await vera.page.get_by_role("button", name="Сохранить").click()
        await vera.open(f"/office/products/{OIL_FILTER}")
        await vera.page.keyboard.type("/x")
        await expect(vera.page.locator("#q")).not_to_be_focused()


async def test_results_come_while_one_types(desk: Open) -> None:
    async with desk() as vera:
        await vera.open("/office")
        await vera.sign_in("vera")
        await vera.page.locator("#q").press_sequentially("w91")
        await expect(vera.page.locator("#found")).to_contain_text("W 914/2")
        await expect(vera.page).to_have_url(f"{vera.url}/office")
        await expect(vera.page.locator("#q")).to_be_focused()
        await vera.page.keyboard.press("Enter")
        await expect(vera.page).to_have_url(f"{vera.url}/office?q=w91")


async def test_a_second_press_of_the_button_sells_nothing_twice(desk: Open, pool: Pool) -> None:
    async with desk() as vera:
        await vera.open(f"/office/products/{PLUG}")
        await vera.sign_in("vera")
        await vera.page.get_by_role("button", name="Провести").dblclick()
        await expect(vera.page.get_by_role("status")).to_contain_text("Продано: 1 шт., осталось 9.")
    assert await pieces(pool) == 9
    await assert_ledger_is_clean(pool)
