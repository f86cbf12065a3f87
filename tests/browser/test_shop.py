"""The shop in a real browser: every page in both languages, at all widths, light and dark; a car found by its VIN."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from autoshop.kit.db import Pool
from tests.browser.conftest import PHONE, Desk, Open, listen
from tests.browser.test_pages import objections
from tests.cast import AIR_FILTER, PLUG
from tests.conftest import Server
from tests.kits import fit_a_filter

pytestmark = pytest.mark.anyio

VESTA = "XTAGFL110KY000000"
PAGES = {
    "shop-home": "/",
    "shop-makes": "/cars",
    "shop-models": "/cars/lada",
    "shop-generations": "/cars/lada/vesta",
    "shop-vehicle": "/cars/lada/vesta/i",
    "shop-engine": "/cars/lada/vesta/i?engine=21129+1.6+16V",
    "shop-kit": "/cars/lada/vesta/i/kits/to30?engine=21129+1.6+16V",
    "shop-kit-open": "/cars/lada/vesta/i/kits/brakes_front",
    "shop-vin": "/vin",
    "shop-vin-found": f"/vin?vin={VESTA}",
    "shop-vin-several": "/vin?vin=WVWZZZ1JZ3W000000",
    "shop-vin-refused": "/vin?vin=%2B7+912+345-67-89",
    "shop-search": "/search",
    "shop-found": "/search?q=bpr6es-11",
    "shop-car": "/search?q=приора",
    "shop-nothing": "/search?q=zzzzzz",
    "shop-product": f"/products/{PLUG}",
    "shop-missing": "/cars/lada/none",
}


@pytest.fixture
async def buyer(browser: Browser, shop: Server) -> AsyncIterator[Desk]:
    """Somebody without an account, whose browser runs no scripts of ours: there are none."""
    context = await browser.new_context(locale="ru-RU", reduced_motion="reduce")
    desk = Desk(await context.new_page(), shop.url, expected=(404, 422))
    listen(desk)
    yield desk
    assert desk.complaints == []
    await context.close()


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_axe_objects_to_nothing_and_nothing_sticks_out(buyer: Desk, pool: Pool, language: str) -> None:
    await fit_a_filter(pool)
    await buyer.open("/")
    if language == "en":
        await buyer.page.get_by_role("button", name="English").click()
        await buyer.page.wait_for_load_state()
    found = []
    for name, path in PAGES.items():
        await buyer.open(path)
        assert await buyer.page.locator("html").get_attribute("lang") == language
        found += await objections(buyer, f"{name}-{language}")
        await buyer.page.set_viewport_size({"width": 360, "height": 740})
        await buyer.picture(f"{name}-{language}")
    assert found == []


async def test_a_car_is_found_by_a_vin_that_was_pasted_and_its_engine_tells_the_plugs(desk: Open) -> None:
    async with desk(PHONE, is_mobile=True, java_script_enabled=False) as anna:
        await anna.open("/")
        await anna.page.get_by_label("VIN").fill("vin хтаgfl110кy000000 седан")
        await anna.page.get_by_role("button", name="Узнать").click()
        await expect(anna.page.get_by_role("heading", name="Lada Vesta I")).to_be_visible()
        await anna.reads("прочитаны как латинские", ".notes")
        await anna.page.get_by_text("Почему мы так решили").click()
        await anna.reads("XTA GFL1??", ".why")
        await anna.page.get_by_role("link", name="21129").first.click()
        await expect(anna.page.locator("h1")).to_contain_text("Lada Vesta I")
        await expect(anna.page.locator("dl")).to_contain_text(re.compile("[AА][UУ]17ДВРМ"))


async def test_a_vin_leads_to_a_kit_and_the_clerk_has_all_of_it_held(desk: Open, pool: Pool) -> None:
    await fit_a_filter(pool)
    async with desk(PHONE, is_mobile=True, java_script_enabled=False) as vera:
        await vera.open("/office")
        await vera.sign_in("vera")
        await vera.open(f"/vin?vin={VESTA}")
        await vera.page.get_by_role("link", name="ТО-30 000").click()
        await expect(vera.page.locator("h1")).to_contain_text("ТО-30 000 для Lada Vesta I")
        await vera.reads("Всего 520,00 ₽ ")
        await vera.page.get_by_text("Почему подходит").click()
        await vera.reads("MANN-FILTER C 2585 подходит к этой машине", ".why")
        await vera.picture("kit-phone")
        await vera.page.get_by_label("Для кого отложить").fill("Анна")
        await vera.page.get_by_role("button", name="Отложить всё").click()
        await vera.reads("Отложено: Анна, № 1")
        await vera.picture("kit-held-phone")
    assert await pool.fetchval("SELECT reserved FROM stock WHERE product_id = $1", AIR_FILTER) == 1


async def test_a_car_is_chosen_by_links_alone(desk: Open) -> None:
    async with desk(PHONE, is_mobile=True, java_script_enabled=False) as anna:
        await anna.open("/cars")
        for link in ("Lada Лада", "Vesta Веста", "NG"):
            await anna.page.get_by_role("link", name=link).first.click()
        await expect(anna.page.locator("h1")).to_contain_text("Lada Vesta NG")
        await anna.page.get_by_role("link", name="Vesta", exact=True).click()
        await expect(anna.page.locator("h1")).to_have_text("Lada Vesta")
