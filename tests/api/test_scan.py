"""A scanned code over HTTP: whatever it is, the clerk gets an answer that he can go on with."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoshop.accounts.model import staff
from autoshop.kit.db import Pool
from autoshop.kit.gs1 import GS
from autoshop.kit.scanner import as_if_russian
from autoshop.warehouse.scan import service
from tests.cast import AIR_FILTER, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN, WIPER
from tests.conftest import client_for
from tests.ledger import MANAGER, post, request
from tests.people import clerk_of_centre, with_token

pytestmark = pytest.mark.anyio

SCAN = "/api/v1/scan"
EAN, GTIN = "4601234567893", "04601234567893"
MARK = f"01{GTIN}21SERIAL0000001{GS}93dGVz"


@pytest.fixture(autouse=True)
async def shelves(pool: Pool) -> None:
    """Plugs with a barcode, a price, two places; five here, two of them on the way to the north."""
    await pool.execute("INSERT INTO barcodes (code, product_id) VALUES ($1, $2)", EAN, PLUG)
    await pool.execute(
        "INSERT INTO prices (product_id, price_type, price_kopecks, actor)"
        " VALUES ($1, 'retail', 45050, 'x'), ($1, 'cost', 1, 'x')",
        PLUG,
    )
    await post(pool, request("inbound", 5), request("inbound", 1, OIL_FILTER))
    await post(pool, request("transfer", 2, to_store_id=NORTH))


async def scanned(client: httpx.AsyncClient, code: str, **params: Any) -> dict[str, Any]:
    answer = await client.get(SCAN, params={"code": code, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["code"] == code
    assert found["unknown"] == bool(found["hints"]) == (not found["products"] and found["document"] is None)
    return found


async def products(client: httpx.AsyncClient, code: str, **params: Any) -> list[tuple[int, str]]:
    return [(one["id"], one["by"]) for one in (await scanned(client, code, **params))["products"]]


async def test_a_barcode_shows_all_that_a_clerk_wants_to_know(client: httpx.AsyncClient) -> None:
    await client.put(
        f"/api/v1/inventory/shelves/{CENTRE}/{PLUG}", json={"places": ["B-1", "A-3"]}, headers={"If-Match": '"0"'}
    )
    held = {"holder": "Иван", "lines": [{"product_id": PLUG, "store_id": CENTRE, "quantity": 1}]}
    assert (await client.post("/api/v1/inventory/reservations", json=held)).status_code == 201
    found = await scanned(client, EAN)
    [plug] = found["products"]
    assert (plug["id"], plug["by"], plug["read_as"], plug["article"], plug["price_kopecks"]) == (
        PLUG, "barcode", EAN, "BPR6ES-11", 45050,
    )  # fmt: skip
    assert plug["everywhere"] == {"quantity": 3, "reserved": 1, "available": 2, "in_transit": 2}
    here = {"store_id": CENTRE, "quantity": 3, "reserved": 1, "available": 2, "in_transit": 0, "places": ["B-1", "A-3"]}
    there = {"store_id": NORTH, "quantity": 0, "reserved": 0, "available": 0, "in_transit": 2, "places": []}
    assert plug["stores"] == [here, there]
    assert (await scanned(client, EAN, store_id=NORTH))["products"][0]["stores"] == [there]


@pytest.mark.parametrize(
    "code",
    [EAN, f"]E0{EAN}", GTIN, f"01{GTIN}", f"(01){GTIN}(10)L1", MARK, f"]d2{MARK}", MARK.replace(GS, ""),
     as_if_russian(MARK), f"https://id.gs1.org/01/{GTIN}/21/S1"],
)  # fmt: skip
async def test_every_form_of_a_gtin_leads_to_its_product(client: httpx.AsyncClient, code: str) -> None:
    assert await products(client, code) == [(PLUG, "barcode")]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("W 914/2", [(OIL_FILTER, "article")]),
        ("w914-2", [(OIL_FILTER, "article")]),
        ("ц914-2", [(OIL_FILTER, "article")]),  # a Russian keyboard
        ("ВРК6ЕS-11", []),
        ("BPR6ES11", [(PLUG, "article")]),
        ("SKU-3", [(AIR_FILTER, "sku")]),
        ("ЫЛГ-3", [(AIR_FILTER, "sku")]),
        ("P5", [(WIPER, "product")]),
        ("6421O", [(BULB, "article_loose")]),  # the letter О
        ("14601234567890", [(PLUG, "barcode")]),
    ],
)
async def test_articles_skus_and_our_own_codes_are_found(
    client: httpx.AsyncClient, code: str, found: list[tuple[int, str]]
) -> None:
    assert await products(client, code) == found


async def test_one_article_of_two_makers_is_both(client: httpx.AsyncClient) -> None:
    made = await client.post("/api/v1/products", json={"brand_id": 3, "article": "C2585", "name": "Другой"})
    assert await products(client, "C 2585") == [(AIR_FILTER, "article"), (made.json()["id"], "article")]


async def test_what_is_only_alike_does_not_stand_beside_what_is_the_same(client: httpx.AsyncClient) -> None:
    alike = (await client.post("/api/v1/products", json={"brand_id": 1, "article": "6421O", "name": "x"})).json()["id"]
    assert await products(client, "64210") == [(BULB, "article")]
    assert await products(client, "6421O") == [(alike, "article")]
    assert await products(client, "642l0".replace("l", "I")) == [(BULB, "article_loose"), (alike, "article_loose")]


async def test_a_code_with_slashes_fits_into_the_path(client: httpx.AsyncClient) -> None:
    for path in ("W%20914%2F2", "W 914/2", "w914/2"):
        answer = await client.get(f"{SCAN}/{path}")
        assert [one["id"] for one in answer.json()["products"]] == [OIL_FILTER], path
    link = await client.get(f"{SCAN}/https://id.gs1.org/01/{GTIN}/21/S1")
    assert (link.json()["kind"], link.json()["serial"]) == ("gs1", "S1")


async def test_a_mark_says_whether_its_unit_is_sold(client: httpx.AsyncClient) -> None:
    assert (await scanned(client, MARK))["mark"] == {
        "whole": MARK, "gtin": GTIN, "serial": "SERIAL0000001", "sale_id": None,
    }  # fmt: skip
    sale = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 1, "marks": [MARK]}
    sold = (await client.post("/api/v1/inventory/movement", json=sale)).json()
    found = await scanned(client, f"]d2{MARK.replace(GS, '')}")
    assert (found["kind"], found["mark"]["sale_id"]) == ("mark", sold["movement_id"])


async def test_a_list_is_found_by_its_code(client: httpx.AsyncClient) -> None:
    found = await scanned(client, "T-1")
    assert found["document"] == {
        "kind": "transfer", "id": 1, "code": "T-1", "status": "in_transit", "store_ids": [CENTRE, NORTH],
    }  # fmt: skip
    held = {"holder": "Иван", "lines": [{"product_id": PLUG, "store_id": CENTRE, "quantity": 1}]}
    await client.post("/api/v1/inventory/reservations", json=held)
    assert (await scanned(client, "к-1"))["document"]["code"] == "R-1"  # к stands on the key R
    assert "такого документа нет" in (await scanned(client, "T-99"))["hints"][0]


async def test_a_place_on_the_shelf_shows_what_lies_there(app: FastAPI, client: httpx.AsyncClient) -> None:
    items = [
        {"product_id": product, "store_id": store, "places": ["A-3"]}
        for product, store in ((PLUG, CENTRE), (OIL_FILTER, CENTRE), (BULB, NORTH))
    ]
    await client.post("/api/v1/inventory/shelves", json={"items": items})
    assert await products(client, "A-03", store_id=CENTRE) == [(PLUG, "shelf"), (OIL_FILTER, "shelf")]
    assert await products(client, "A-03") == []  # of which store?
    async with client_for(app, "203.0.113.9", **await clerk_of_centre(app)) as clerk:
        assert await products(clerk, "а 3") == [(PLUG, "shelf"), (OIL_FILTER, "shelf")]


async def test_an_unknown_code_is_told_for_what_it_looks_like(client: httpx.AsyncClient) -> None:
    found = await scanned(client, "4607023704531")
    assert (found["kind"], found["gtin"], found["unknown"]) == ("ean13", "4607023704531", True)
    assert "EAN-13" in found["hints"][0]
    english = await client.get(SCAN, params={"code": "nobody's"}, headers={"Accept-Language": "en"})
    assert english.json()["hints"][0] == "It looks like an article or somebody's own code"


async def test_a_clerk_links_what_came_in(app: FastAPI, pool: Pool) -> None:
    async with client_for(app, "203.0.113.9", **await clerk_of_centre(app)) as clerk:
        before = (await clerk.get(f"/api/v1/products/{OIL_FILTER}")).json()
        for code in ("]E04607023704531", "4607023704531"):  # the second time there is nothing to do
            linked = await clerk.post(f"/api/v1/products/{OIL_FILTER}/barcodes", json={"code": code})
            assert (linked.status_code, linked.json()["barcodes"]) == (200, ["4607023704531"])
        assert await products(clerk, "04607023704531") == [(OIL_FILTER, "barcode")]
        after = (await clerk.get(f"/api/v1/products/{OIL_FILTER}")).json()
        assert (after["version"], after["updated_at"] > before["updated_at"]) == (before["version"] + 1, True)
    [line] = await pool.fetch("SELECT actor, action, subject, after FROM audit WHERE action = 'link'")
    assert tuple(line) == ("staff:vera", "link", f"product:{OIL_FILTER}", {"barcode": "4607023704531"})


async def test_of_a_case_or_a_mark_the_code_of_the_piece_is_linked(client: httpx.AsyncClient) -> None:
    for product, code in ((OIL_FILTER, "14607023704538"), (WIPER, f"01{'04600051000057'}21SERIAL0000001{GS}93dGVz")):
        linked = await client.post(f"/api/v1/products/{product}/barcodes", json={"code": code})
        assert linked.status_code == 200, linked.text
    assert await products(client, "4607023704531") == [(OIL_FILTER, "barcode")]
    assert await products(client, "4600051000057") == [(WIPER, "barcode")]


NO_LINK: dict[str, tuple[int, str, int, str]] = {
    "of another product": (OIL_FILTER, EAN, 409, f"barcode of product {PLUG}"),
    "of another product, as it is on a case": (OIL_FILTER, GTIN, 409, f"barcode of product {PLUG}"),
    "in another spelling of a zero": (OIL_FILTER, "0012345000065", 409, f"barcode of product {BULB}"),
    "of no product": (UNKNOWN, "own-1", 404, "There is no product"),
    "misread": (OIL_FILTER, "4601234567890", 422, "check digit"),
    "of our own list": (OIL_FILTER, "T-17", 422, "our own"),
    "of a label of ours": (OIL_FILTER, "P2", 422, "our own"),
    "under a Russian keyboard": (OIL_FILTER, "Щфы1", 422, "keyboard"),
    "of GS1 without a GTIN": (OIL_FILTER, f"]C110LOT1{GS}21S1", 422, "no GTIN"),
    "with a space": (OIL_FILTER, "own 1", 422, "without spaces"),
    "longer than a barcode": (OIL_FILTER, "x" * 65, 422, "1 to 64"),
    "longer than anything": (OIL_FILTER, "x" * 501, 422, "500"),
    "nothing": (OIL_FILTER, " ", 422, "blank"),
}


@pytest.mark.parametrize(("product", "code", "status", "words"), NO_LINK.values(), ids=NO_LINK)
async def test_what_must_not_be_linked_is_refused(
    client: httpx.AsyncClient, pool: Pool, product: int, code: str, status: int, words: str
) -> None:
    await pool.execute("INSERT INTO barcodes (code, product_id) VALUES ('012345000065', $1)", BULB)
    before = await pool.fetch("SELECT code, product_id FROM barcodes ORDER BY code")
    answer = await client.post(f"/api/v1/products/{product}/barcodes", json={"code": code})
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert await pool.fetch("SELECT code, product_id FROM barcodes ORDER BY code") == before


async def test_a_product_has_no_more_barcodes_than_a_label_has_room(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.execute("INSERT INTO barcodes (code, product_id) SELECT 'own-' || n, 2 FROM generate_series(1, 50) AS n")
    answer = await client.post(f"/api/v1/products/{OIL_FILTER}/barcodes", json={"code": "own-51"})
    assert (answer.status_code, answer.json()["title"]) == (409, "Too many barcodes")


async def test_who_may_not_write_does_not_link(app: FastAPI) -> None:
    token = await with_token(app.state.pool, "reader", ["inventory:read", "catalog:read"])
    async with client_for(app, "203.0.113.9", **token) as reader:
        answer = await reader.post(f"/api/v1/products/{PLUG}/barcodes", json={"code": "own-1"})
        assert (answer.status_code, answer.json()["scope"]) == (403, "inventory:write")


@pytest.mark.parametrize("code", [EAN, MARK, "W 914/2", "T-1", "nothing"])
async def test_a_scan_asks_the_database_three_times_at_most(pool: Pool, code: str) -> None:
    asked: list[str] = []
    async with pool.acquire() as db:
        db.add_query_logger(lambda query: asked.append(query.query))
        await service.scan(db, MANAGER, code, None)
    assert 1 <= len(asked) <= 3, asked


STRANGE = ["'; DROP TABLE products; --", "%", "_", "\\", "😀" * 50, "Ж" * 500, "{latin}", "<script>", "\u202e", "../.."]


@pytest.mark.parametrize("code", STRANGE)
async def test_strange_texts_are_unknown_codes(client: httpx.AsyncClient, code: str) -> None:
    assert (await scanned(client, code))["unknown"]


@pytest.mark.parametrize("code", ["", " ", "a\0b", "x" * 501, "x" * 10_000])
async def test_what_no_scanner_sends_is_refused_by_name(client: httpx.AsyncClient, code: str) -> None:
    answer = await client.get(SCAN, params={"code": code})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "code")


async def test_any_text_is_answered(pool: Pool) -> None:
    """Straight to the verb: a request each would take minutes."""
    clerk = staff("vera", "clerk", frozenset({CENTRE}))
    async with pool.acquire() as db:

        async def answered(code: str) -> None:
            found = await service.scan(db, clerk, code, None)
            assert found.reading.code == code

        for code in samples():
            await answered(code)


def samples() -> list[str]:
    """Two hundred texts that Hypothesis thinks up."""
    found: list[str] = []

    @settings(max_examples=200, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=500))
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return found
