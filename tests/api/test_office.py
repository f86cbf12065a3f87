"""The office without a browser: doors, forms, refusals, headers. What a person sees in one is in tests/browser."""

import gzip
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from autoshop.accounts.service import MOST_FAILURES, SESSION_COOKIE
from autoshop.web.pages import POLICY
from tests.api.conftest import BROWSER
from tests.cast import CENTRE, CENTRE_CODE, NORTH, PLUG, UNKNOWN
from tests.conftest import Database, client_for, running_app
from tests.ledger import assert_ledger_is_clean, movements, post, request
from tests.people import PASSWORD, hire, signed_in
from tests.routes import routes_of
from tests.stocktake_forms import STOCKTAKE_REFUSALS, open_three

pytestmark = pytest.mark.anyio

STRANGER = "203.0.113.9"
PAGES = [
    "/office",
    "/office?q=ngk",
    f"/office/products/{PLUG}",
    f"/office/products/{PLUG}/stock",
    "/office/movements/new",
    "/office/movements/1",
    "/office/transfers",
    "/office/transfers/new",
    "/office/transfers/1",
    "/office/settings",
    "/office/misfits",
    "/office/stocktakes",
    "/office/stocktakes?which=all",
    "/office/stocktakes/new",
    "/office/stocktakes/1",
    "/office/stocktakes/1/progress",
    "/office/stocktakes/1/review",
    "/office/stocktakes/2",
    "/office/stocktakes/2/approval",
    "/office/stocktakes/2/movements",
]
SALE = {"kind": "sale", "quantity": "1", "store": str(CENTRE), "key": "k1"}


@pytest.fixture
async def office(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A manager's browser; ten plugs lie in the centre, two are on the way to the north; three stocktakes."""
    await post(app.state.pool, request("inbound", 12), request("transfer", 2, to_store_id=NORTH))
    await open_three(app)
    async with client_for(app, **BROWSER) as opened:
        yield opened


@pytest.fixture
async def stranger(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody's browser, from where nobody is trusted; vera is a clerk of the centre."""
    async with running_app(database.settings(trust="")) as app:
        await hire(app.state.pool, "vera", "clerk", CENTRE_CODE)
        async with client_for(app, STRANGER, **BROWSER) as opened:
            yield opened


def said(page: httpx.Response) -> str:
    """The text of a page, without tags, with plain spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.text).replace("\u00a0", " ").split())


# ------------------------------------------------------------------------------------------------ the door
async def test_whoever_is_not_signed_in_is_led_to_the_door_and_programs_are_told_401(
    stranger: httpx.AsyncClient,
) -> None:
    answer = await stranger.get("/office/transfers?which=all")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/office/sign-in?back=%2Foffice%2Ftransfers%3Fwhich%3Dall",
    )
    api = await stranger.get("/api/v1/inventory/status")
    assert (api.status_code, api.headers["content-type"]) == (401, "application/problem+json")
    program = await stranger.get("/office", headers={"Accept": "*/*"})
    assert (program.status_code, program.headers["content-type"]) == (401, "application/problem+json")
    part = await stranger.get(f"/office/products/{PLUG}/stock", headers={"HX-Request": "true"})
    assert part.status_code == 401  # no sign-in page in the middle of another one


async def test_a_form_of_somebody_who_was_signed_out_leads_back_to_its_page(stranger: httpx.AsyncClient) -> None:
    came_from = {"Referer": f"http://test/office/products/{PLUG}?movement=3"}
    answer = await stranger.post(f"/office/products/{PLUG}", data=SALE, headers=came_from)
    assert answer.headers["location"] == f"/office/sign-in?back=%2Foffice%2Fproducts%2F{PLUG}%3Fmovement%3D3"


async def test_one_signs_in_goes_on_and_signs_out(stranger: httpx.AsyncClient) -> None:
    wrong = await stranger.post("/office/sign-in", data={"login": "vera", "password": "guess", "back": "/office/x"})
    assert (wrong.status_code, wrong.headers.get("set-cookie")) == (401, None)
    assert "Логин или пароль не подходят" in said(wrong)
    assert ('value="vera"' in wrong.text, "guess" in wrong.text, 'value="/office/x"' in wrong.text) == (
        True,
        False,
        True,
    )
    right = await stranger.post(
        "/office/sign-in", data={"login": "vera", "password": PASSWORD, "back": "/office/transfers?which=all"}
    )
    assert (right.status_code, right.headers["location"]) == (303, "/office/transfers?which=all")
    assert {"HttpOnly", "SameSite=lax"} <= set(right.headers["set-cookie"].split("; "))
    page = await stranger.get("/office")
    assert "Центр" in said(page)
    assert "Вы: vera" in said(page)
    session = stranger.cookies[SESSION_COOKIE]
    assert (await stranger.post("/office/sign-out")).headers["location"] == "/office/sign-in"
    with_old = await stranger.get("/office", headers={"Cookie": f"{SESSION_COOKIE}={session}"})
    assert with_old.status_code in (200, 303)  # remembered for a second at most, see ADR 0004
    assert SESSION_COOKIE not in stranger.cookies


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/", "//evil.example/office", "/\\evil.example", "/office//evil.example", "/officers",
        "javascript:alert(1)", "/office\\..\\x", "/office/\r\nSet-Cookie: a=b", "/docs", "", "/office/sign-out",
        "/office/../docs/é", "office",
    ],
)  # fmt: skip
async def test_nobody_is_led_out_of_the_office(stranger: httpx.AsyncClient, back: str) -> None:
    answer = await stranger.post("/office/sign-in", data={"login": "vera", "password": PASSWORD, "back": back})
    assert (answer.status_code, answer.headers["location"]) == (303, "/office")
    answer = await stranger.post("/office/settings", data={"language": "en", "back": back})
    assert answer.headers["location"] == "/office"
    page = await stranger.get("/office/sign-in", params={"back": back})
    assert (page.status_code, page.headers["location"]) == (303, "/office")


async def test_guessing_is_slowed_down_as_at_the_api(stranger: httpx.AsyncClient) -> None:
    for _ in range(MOST_FAILURES):
        answer = await stranger.post("/office/sign-in", data={"login": "vera", "password": "guess"})
        assert answer.status_code == 401
    answer = await stranger.post("/office/sign-in", data={"login": "vera", "password": PASSWORD})
    assert (answer.status_code, "четверть часа" in said(answer)) == (429, True)


@pytest.mark.parametrize("typed", [{}, {"login": "vera"}, {"login": "a\0", "password": "x"}, {"login": "x" * 61}])
async def test_a_misshapen_sign_in_says_what_to_do(stranger: httpx.AsyncClient, typed: dict[str, str]) -> None:
    answer = await stranger.post("/office/sign-in", data=typed)
    assert (answer.status_code, "Введите" in said(answer)) == (422, True)


# ------------------------------------------------------------------------------------------------ another site
@pytest.mark.parametrize(
    "sent_by", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
async def test_a_form_on_another_site_changes_nothing(
    office: httpx.AsyncClient, app: FastAPI, sent_by: dict[str, str]
) -> None:
    before = await movements(app.state.pool)
    for path in (
        f"/office/products/{PLUG}", "/office/movements/new", "/office/movements/1/reversal", "/office/transfers/new",
        "/office/transfers/1/receipt", "/office/transfers/1/shipment", "/office/transfers/1/differences",
        "/office/transfers/1/recall", "/office/sign-in", "/office/sign-out", "/office/settings",
        "/office/stocktakes/new",
        *(f"/office/stocktakes/1/{verb}" for verb in ("counts", "retractions", "review", "second-counts")),
        *(f"/office/stocktakes/1/{verb}" for verb in ("reopening", "cancellation", "approval")),
    ):  # fmt: skip
        answer = await office.post(path, data=SALE, headers=sent_by)
        assert (answer.status_code, "чужая страница" in said(answer)) == (403, True), path
        assert "set-cookie" not in answer.headers
    assert await movements(app.state.pool) == before


@pytest.mark.parametrize("path", [*PAGES, "/office/sign-in", "/office/nowhere", f"/office/products/{UNKNOWN}"])
async def test_a_page_lets_nothing_foreign_in_and_is_small(office: httpx.AsyncClient, path: str) -> None:
    answer = await office.get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert not re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=|javascript:", answer.text)
    assert len(gzip.compress(answer.content)) <= 14 * 1024


async def test_what_somebody_wrote_is_text_and_never_html(office: httpx.AsyncClient, app: FastAPI) -> None:
    evil = "<script>alert(1)</script>\"'>"
    await app.state.pool.execute("UPDATE products SET name = $1, article = $1 WHERE id = $2", evil, PLUG)
    await app.state.pool.execute("UPDATE stores SET name = $1", evil)
    await post(app.state.pool, request("inbound", 1, document=evil))
    typed = {**SALE, "quantity": evil, "document": evil, "reason": evil, "product": evil, "code": evil, "do": "add"}
    pages = [await office.get(path) for path in [*PAGES, f"/office?q={evil}"]]
    pages += [await office.post(path, data=typed) for path in (f"/office/products/{PLUG}", "/office/transfers/new")]
    assert [page.url.path for page in pages if "<script>alert" in page.text or "\"'>" in page.text] == []


# ------------------------------------------------------------------------------------------------ errors
async def test_errors_are_pages_for_people_and_documents_for_programs(office: httpx.AsyncClient) -> None:
    for path, status in (
        ("/nowhere", 404), (f"/office/products/{UNKNOWN}", 404), ("/office/products/x", 422), ("/office?z=1", 422),
    ):  # fmt: skip
        page = await office.get(path)
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8"), path
        document = await office.get(path, headers={"Accept": "application/json"})
        assert (document.status_code, document.headers["content-type"]) == (status, "application/problem+json")
    api = await office.get(f"/api/v1/inventory/{UNKNOWN}")
    assert (api.status_code, api.headers["content-type"]) == (404, "application/problem+json")


async def test_a_bug_is_a_page_with_a_number_and_without_detail(
    app: FastAPI, office: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("autoshop.web.office.look_up.show", broken)
    answer = await office.get("/office")
    assert (answer.status_code, "secret" in answer.text) == (500, False)
    assert answer.headers["x-request-id"] in said(answer)


async def test_a_right_that_is_missing_is_said_on_a_page(app: FastAPI, office: httpx.AsyncClient) -> None:
    buyer = await signed_in(app, "anna", "buyer")
    answer = await office.get("/office/movements/new", headers=buyer)
    assert (answer.status_code, "Спросите управляющего" in said(answer)) == (403, True)
    assert "Провести" not in said(await office.get(f"/office/products/{PLUG}", headers=buyer))


# ------------------------------------------------------------------------------------------------ movements
NEW, PRODUCT = "/office/movements/new", f"/office/products/{PLUG}"
DIFFERS = "/office/transfers/1/differences"
REFUSALS = [
    (PRODUCT, {"quantity": "11"}, 409, "Просили 11 шт., доступно 10"),
    (PRODUCT, {"quantity": "0"}, 422, "0 не годится: можно от 1"),
    (PRODUCT, {"quantity": "-1"}, 422, "-1 не годится"),
    (PRODUCT, {"quantity": "1000000000"}, 422, "1000000000 не годится"),
    (PRODUCT, {"quantity": "1" * 40}, 422, "не целое число"),
    (PRODUCT, {"quantity": "1.5"}, 422, "«1.5» не целое число"),
    (PRODUCT, {"quantity": "٣"}, 422, "«٣» не целое число"),
    (PRODUCT, {"quantity": ""}, 422, "Заполните поле"),
    (PRODUCT, {"kind": "transfer"}, 422, "Выберите из списка"),
    (PRODUCT, {"kind": ""}, 422, "Выберите из списка"),
    (PRODUCT, {"kind": "writeoff"}, 422, "Напишите причину"),
    (PRODUCT, {"kind": "adjustment", "reason": "пересчёт", "quantity": "0"}, 422, "на 0 ничего не меняет"),
    (PRODUCT, {"document": "x" * 201}, 422, "не больше 200 знаков"),
    (PRODUCT, {"reason": "a\0b"}, 422, "не больше 500 знаков"),
    (PRODUCT, {"store": "999"}, 404, "Магазина с таким номером нет"),
    (NEW, {"product": "nobody-has-it"}, 422, "Товара «nobody-has-it» нет"),
    (NEW, {"product": ""}, 422, "Заполните поле"),
    (NEW, {"product": "W"}, 422, "По «W» выберите товар"),
    (NEW, {"product": "x" * 201}, 422, "не больше 200 знаков"),
    ("/office/movements/999/reversal", {}, 404, "Движения с таким номером нет"),
    ("/office/movements/2/reversal", {"reason": "x" * 501}, 422, "не больше 500 знаков"),
    ("/office/transfers/1/receipt", {f"came-{PLUG}": "3"}, 409, "в пути 2, а указано 3"),
    ("/office/transfers/1/receipt", {f"came-{PLUG}": "0"}, 422, "принимать нечего"),
    ("/office/transfers/1/receipt", {f"came-{PLUG}": "две"}, 422, "«две» не целое число"),
    ("/office/transfers/1/receipt", {f"came-{UNKNOWN}": "1"}, 409, "в пути 0, а указано 1"),
    ("/office/transfers/1/receipt", {}, 422, "принимать нечего"),
    ("/office/transfers/999/receipt", {f"came-{PLUG}": "1"}, 404, "Переброски с таким номером нет"),
    ("/office/transfers/1/shipment", {}, 409, "отгружать больше нечего"),
    ("/office/transfers/999/shipment", {}, 404, "Переброски с таким номером нет"),
    (DIFFERS, {"product": str(PLUG), "pieces": "3"}, 409, "в пути 2, а указано 3"),
    (DIFFERS, {"product": str(PLUG), "pieces": "0"}, 422, "0 не годится"),
    (DIFFERS, {"product": str(PLUG), "pieces": "1.5"}, 422, "«1.5» не целое число"),
    (DIFFERS, {"product": str(PLUG), "pieces": "1000000000"}, 422, "1000000000 не годится"),
    (DIFFERS, {"product": str(PLUG), "reason": "stolen"}, 422, "Выберите из списка"),
    (DIFFERS, {"product": "plug"}, 422, "Выберите из списка"),
    (DIFFERS, {"product": "", "reason": "wrong_item", "code": ""}, 422, "Заполните поле"),
    (DIFFERS, {"product": "", "reason": "wrong_item", "code": "zzz"}, 422, "Товара «zzz» нет"),
    (DIFFERS, {"product": "", "reason": "wrong_item", "code": "W"}, 422, "По «W» выберите товар"),
    (DIFFERS, {"product": str(UNKNOWN), "reason": "surplus"}, 404, "Товара с таким номером нет"),
    (DIFFERS, {"product": str(PLUG), "reason": "found"}, 409, "Потерянным записано 0, а указано 1"),
    (DIFFERS, {"product": str(PLUG), "note": "x" * 501}, 422, "не больше 500 знаков"),
    ("/office/transfers/999/differences", {"product": str(PLUG)}, 404, "Переброски с таким номером нет"),
    ("/office/transfers/999/recall", {}, 404, "Переброски с таким номером нет"),
    ("/office/transfers/new", {"do": "ship", "to": "2"}, 422, "Добавьте хотя бы один товар"),
    ("/office/transfers/new", {"do": "ship", "to": "", f"line-{PLUG}": "1"}, 422, "Заполните поле"),
    ("/office/transfers/new", {"do": "ship", "to": "1", f"line-{PLUG}": "1"}, 422, "чего там быть не может"),
    ("/office/transfers/new", {"do": "ship", "to": "2", f"line-{PLUG}": "0"}, 422, "0 не годится"),
    ("/office/transfers/new", {"do": "ship", "to": "2", f"line-{PLUG}": "99"}, 409, "доступно 10"),
    ("/office/transfers/new", {"do": "ship", "to": "999", f"line-{PLUG}": "1"}, 404, "Магазина с таким номером нет"),
    ("/office/transfers/new", {"do": "add", "code": "zzz"}, 422, "Товара «zzz» нет"),
    ("/office/transfers/new", {"do": "add", "code": "W914/2", "pieces": "x"}, 422, "не целое число"),
]  # fmt: skip


async def of_stocktakes(app: FastAPI) -> list[str]:
    """All that is written of stocktakes."""
    tables = ("stocktakes", "stocktake_lines", "stocktake_counts", "stocktake_retractions")
    return [str(row) for table in tables for row in await app.state.pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]


@pytest.mark.parametrize(("path", "typed", "status", "words"), [*REFUSALS, *STOCKTAKE_REFUSALS])
async def test_what_is_refused_is_said_and_changes_nothing(
    office: httpx.AsyncClient, app: FastAPI, path: str, typed: dict[str, str], status: int, words: str
) -> None:
    before = await movements(app.state.pool), await of_stocktakes(app)
    named = {"code": "BPR6ES-11", "blind": "yes"} if "stocktakes" in path else {"product": "BPR6ES-11"}
    told = {"pieces": "1", "reason": "lost", "code": ""} if path.endswith("/differences") else {}
    sent = {**SALE, "from": str(CENTRE), **named, **told, **typed}
    answer = await office.post(path, data=sent)
    assert (answer.status_code, words in said(answer)) == (status, True), said(answer)
    assert "Не получилось" in said(answer) or status == 404
    assert (await movements(app.state.pool), await of_stocktakes(app)) == before
    await assert_ledger_is_clean(app.state.pool)


async def test_every_form_has_refusals_here(app: FastAPI) -> None:
    forms = {route.path for route in routes_of(app) if route.method == "POST" and route.path.startswith("/office/")}
    tried = {re.sub(r"/\d+", "/{}", path) for path, _, _, _ in [*REFUSALS, *STOCKTAKE_REFUSALS]}
    elsewhere = {"/office/sign-in", "/office/sign-out", "/office/settings"}  # above; what is nonsense there is let be
    assert tried | elsewhere == {re.sub(r"\{\w+\}", "{}", path) for path in forms}
