"""A shop that is served, and people in front of a real Chromium (Debian's; bin/_packages installs it)."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from autoshop.kit.db import Pool
from tests.cast import AIR_FILTER, CENTRE_CODE, NORTH, NORTH_CODE, OIL_FILTER, PLUG
from tests.conftest import Database, Server
from tests.ledger import post, request
from tests.people import PASSWORD, hire

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--font-render-hinting=none"),
]
SCREENS = Path(__file__).resolve().parents[2] / "var" / "screens"
PC, TABLET, PHONE = (1366, 768), (768, 1024), (360, 740)
BARCODE = "2000000079196"


@dataclass
class Desk:
    """Somebody's window, and what the browser complained of in it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: tuple[int, ...] = ()
    offline: bool = False  # at times: what cannot be reached then is no complaint

    async def open(self, path: str) -> None:
        """Go there. Not until the network is idle: a page may hold an open line for events."""
        await self.page.goto(self.url + path, wait_until="load")

    async def sign_in(self, login: str) -> None:
        """Through the door, as a person, who begins when the page behind it has come with its scripts."""
        await self.page.get_by_label("Логин").fill(login)
        await self.page.get_by_label("Пароль").fill(PASSWORD)
        async with self.page.expect_navigation(wait_until="load"):
            await self.page.get_by_role("button", name="Войти").click()

    async def picture(self, name: str) -> None:
        """Keep how it looks, for whoever wants to see."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENS / f"{name}.png")

    async def reads(self, text: str, selector: str = "main") -> None:
        """A person reads it there (spaces are one space), at once or when the page that was asked for has come."""
        await expect(self.page.locator(selector)).to_contain_text(text, use_inner_text=True)


Open = Callable[..., Any]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    switches = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=switches)
        yield started
        await started.close()


@pytest.fixture
async def shop(database: Database, pool: Pool, serve: Callable[..., Server]) -> Server:
    """Served without trust in anybody: ten plugs in the centre with a barcode, filters, three people."""
    await pool.execute("INSERT INTO barcodes (code, product_id) VALUES ($1, $2)", BARCODE, PLUG)
    await pool.execute(
        "INSERT INTO prices (product_id, price_type, price_kopecks, actor) VALUES ($1, 'retail', 29000, 'system:test')",
        PLUG,
    )
    await post(
        pool,
        request("inbound", 10),
        request("inbound", 4, store_id=NORTH),
        request("inbound", 6, product_id=OIL_FILTER),
        request("inbound", 3, product_id=AIR_FILTER),
    )
    await hire(pool, "vera", "clerk", CENTRE_CODE)
    await hire(pool, "oleg", "clerk", NORTH_CODE)
    await hire(pool, "ivan", "manager")
    return await asyncio.to_thread(serve, database.url, AUTOSHOP_TRUST="")


@pytest.fixture
async def desk(browser: Browser, shop: Server) -> AsyncIterator[Open]:
    """`desk()` → a window of its own for one person. What no page may do fails the test at its end."""
    desks: list[Desk] = []

    @asynccontextmanager
    async def opened(size: tuple[int, int] = PC, **how: Any) -> AsyncIterator[Desk]:
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="ru-RU", timezone_id="Europe/Moscow", **how
        )
        context.set_default_timeout(10_000)
        made = Desk(await context.new_page(), shop.url)
        desks.append(made)
        listen(made)
        yield made
        await context.close()

    yield opened
    assert [complaint for made in desks for complaint in made.complaints] == []


def listen(desk: Desk) -> None:
    """Keep errors of scripts, of the console (so of the Content-Security-Policy), and answers that nobody expected."""
    page = desk.page
    page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    page.on(
        "console",
        lambda said: (
            desk.complaints.append(said.text)
            if said.type in ("error", "warning") and not said.text.startswith("Failed to load resource")
            else None
        ),
    )
    page.on(
        "response",
        lambda answer: (
            desk.complaints.append(f"{answer.status} {answer.url}")
            if answer.status >= 400 and answer.status not in desk.expected
            else None
        ),
    )
    page.on(
        "requestfailed",
        lambda asked: (
            desk.complaints.append(f"{asked.failure} {asked.url}")
            if asked.failure != "net::ERR_ABORTED"  # somebody went on before an icon came
            and not (desk.offline and asked.failure == "net::ERR_INTERNET_DISCONNECTED")
            else None
        ),
    )
