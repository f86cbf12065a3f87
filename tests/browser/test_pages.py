"""Every page, in both languages, light and dark, narrow and wide: axe objects to nothing, nothing sticks out.

The rules are axe-core's for WCAG 2.2 AA and its best practices; vendor/ has it whole, with its licence.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from autoshop.accounts.model import staff
from autoshop.kit.db import Pool
from tests.browser.conftest import SCREENS, Desk, listen
from tests.cast import AIR_FILTER, BRAKE_PADS, NORTH, OIL_FILTER, PLUG, WIPER
from tests.conftest import Server
from tests.ledger import post, request
from tests.people import PASSWORD
from tests.stocktakes import approve, open_stocktake, review, take

pytestmark = pytest.mark.anyio

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
RUN = """async () => (await axe.run(document, {rules: {"target-size": {enabled: true}}})).violations.map(
    (found) => `${found.id}: ${found.nodes.map((node) => node.html).join(" | ").slice(0, 400)}`)"""
LANGUAGES = ("ru", "en")
WIDTHS = (360, 768, 1280)
NARROWEST = 320
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

PAGES = {
    "look-up": "/office",
    "found": "/office?q=a",
    "nothing": "/office?q=nobody-has-it",
    "product": f"/office/products/{PLUG}",
    "done": f"/office/products/{PLUG}?movement=1",
    "movement-form": "/office/movements/new",
    "movement": "/office/movements/1",
    "transfers": "/office/transfers?which=all",
    "no-transfers": "/office/transfers?which=cancelled",
    "shipment": "/office/transfers/new",
    "transfer": "/office/transfers/1",
    "stocktakes": "/office/stocktakes?which=all",
    "no-stocktakes": "/office/stocktakes?which=cancelled",
    "stocktake-new": "/office/stocktakes/new",
    "counting": "/office/stocktakes/1",
    "differences": "/office/stocktakes/1/review",
    "review": "/office/stocktakes/2",
    "approval": "/office/stocktakes/2/approval",
    "approved": "/office/stocktakes/3?done=approved",
    "posted": "/office/stocktakes/3/movements",
    "misfits": "/office/misfits",
    "settings": "/office/settings",
    "missing": "/office/products/999999",
    "bad-address": "/office/transfers?which=none",
}
# Pages that answer a form: the path, a field of it, and what is typed there.
REFUSED: dict[str, tuple[str, str, str]] = {
    "sale-refused": (f"/office/products/{PLUG}", "#quantity", "999"),
    "sale-misshapen": (f"/office/products/{PLUG}", "#quantity", "дюжина"),
    "product-to-choose": ("/office/movements/new", "#product", "W"),
    "line-refused": ("/office/transfers/new", "#code", "nobody-has-it"),
    "line-added": ("/office/transfers/new", "#code", "BPR6ES-11"),
    "stocktake-refused": ("/office/stocktakes/new", "#above", "много"),
    "receipt-refused": ("/office/transfers/1", f"#came-{PLUG}", "5"),
}


@pytest.fixture
async def ivan(browser: Browser, shop: Server, pool: Pool) -> AsyncIterator[Desk]:
    """A manager who is signed in, a transfer that is on the way, and stocktakes: counted, in review, approved."""
    await post(pool, request("transfer", 2, to_store_id=NORTH), request("transfer", 1, OIL_FILTER, to_store_id=NORTH))
    await stocktakes(pool)
    context = await browser.new_context(locale="ru-RU", reduced_motion="reduce")
    page = await context.new_page()
    desk = Desk(page, shop.url, expected=(404, 409, 422))
    listen(desk)
    await desk.open("/office")
    await desk.sign_in("ivan")
    await page.wait_for_url("**/office")
    yield desk
    assert desk.complaints == []
    await context.close()


async def stocktakes(pool: Pool) -> None:
    ivan = staff("ivan", "manager", frozenset())
    counted, reviewed, approved = [
        await open_stocktake(pool, *products) for products in ((PLUG, OIL_FILTER, BRAKE_PADS), (AIR_FILTER,), (WIPER,))
    ]
    await take(pool, counted, 3, mode="add", caller=ivan)
    await post(pool, request("sale", 1))
    await take(pool, counted, 4, mode="add", caller=ivan)  # a sale lies between: it has to be counted again
    await take(pool, counted, 5, OIL_FILTER, caller=ivan)
    await take(pool, reviewed, 1, AIR_FILTER)
    await review(pool, reviewed)
    await take(pool, approved, 2, WIPER)
    await approve(pool, await review(pool, approved))


async def objections(desk: Desk, name: str) -> list[str]:
    """What is wrong with the page as it stands, at all widths, light and dark."""
    found = []
    await desk.page.evaluate(AXE)
    for width in WIDTHS:
        await desk.page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            await desk.page.emulate_media(color_scheme=scheme)
            found += [f"{name}, {width} px, {scheme}: {told}" for told in await desk.page.evaluate(RUN)]
        if beyond := await desk.page.evaluate(SIDEWAYS):
            found.append(f"{name}: {beyond} px stick out at {width}")
    await desk.page.set_viewport_size({"width": NARROWEST, "height": 800})
    if beyond := await desk.page.evaluate(SIDEWAYS):
        found.append(f"{name}: {beyond} px stick out at {NARROWEST}")
        await desk.page.screenshot(path=SCREENS / f"sticks-out-{name}.png")
    return found


async def speak(desk: Desk, language: str) -> None:
    """Switch the language as a person does."""
    await desk.open("/office")
    button = desk.page.get_by_role("button", name={"en": "English", "ru": "Русский"}[language])
    if await button.count():
        async with desk.page.expect_navigation():
            await button.click()
    assert await desk.page.evaluate("() => document.documentElement.lang") == language


async def test_pages_have_no_objection(ivan: Desk) -> None:
    found = []
    for language in LANGUAGES:
        await speak(ivan, language)
        for name, path in PAGES.items():
            await ivan.open(path)
            found += await objections(ivan, name)
    assert found == []


async def test_pages_that_refuse_have_no_objection(ivan: Desk) -> None:
    found = []
    for language in LANGUAGES:
        await speak(ivan, language)
        for name, (path, selector, text) in REFUSED.items():
            await ivan.open(path)
            await ivan.page.locator(selector).fill(text)
            if name.startswith("line-"):  # a scan goes in the background
                async with ivan.page.expect_response("**/transfers/new"):
                    await ivan.page.locator(selector).press("Enter")
                await ivan.page.locator("#refused li, #lines tr").first.wait_for()
            else:
                async with ivan.page.expect_navigation():
                    await ivan.page.locator(selector).press("Enter")
            assert await ivan.page.get_by_role("alert").count() == (name != "line-added"), name
            found += await objections(ivan, name)
    assert found == []


async def test_counting_has_no_objection_while_counts_wait_or_were_refused(ivan: Desk) -> None:
    ivan.offline = True
    found = []
    for language in LANGUAGES:
        await speak(ivan, language)
        await ivan.open("/office/stocktakes/1")
        await ivan.page.keyboard.type("W\n")
        await ivan.page.locator("#unsent .refused").wait_for()
        await ivan.page.context.set_offline(True)
        await ivan.page.keyboard.type("BPR6ES-11\n")
        await ivan.page.locator("#unsent li:not(.refused)").wait_for()
        found += await objections(ivan, "counting-offline")
        await ivan.picture(f"unsent-{language}")
        await ivan.page.context.set_offline(False)
        await ivan.page.locator("#unsent li:not(.refused)").wait_for(state="detached")
        await ivan.page.locator("#unsent [data-drop]").click()
    assert found == []


async def test_the_door_has_no_objection(ivan: Desk) -> None:
    ivan.expected = (401,)
    await ivan.page.locator("form[action='/office/sign-out'] button").click()
    found = []
    for language in LANGUAGES:
        await speak(ivan, language)
        found += await objections(ivan, "sign-in")
        await ivan.page.locator("#login").fill("ivan")
        await ivan.page.locator("#password").fill(PASSWORD + "!")
        async with ivan.page.expect_navigation():
            await ivan.page.keyboard.press("Enter")
        found += await objections(ivan, "sign-in-refused")
    assert found == []


async def test_what_axe_would_object_to_is_found(ivan: Desk) -> None:
    spoil = "() => { document.querySelector('#q').parentElement.querySelector('label').remove(); }"
    await ivan.open("/office")
    await ivan.page.evaluate(spoil)
    await ivan.page.evaluate("() => document.querySelector('#q').removeAttribute('placeholder')")
    assert any("label" in told for told in await objections(ivan, "spoilt"))
