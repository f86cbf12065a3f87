"""Pick lists: what to take, in the order in which one walks, on the screen and on paper."""

from typing import Any

import httpx
import pypdfium2
import pytest
import zxingcpp

from autoshop.kit.db import Pool
from tests.cast import AIR_FILTER, BRAKE_PADS, CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN, WIPER
from tests.ledger import post, receive, request, reverse
from tests.reservations import lapsed

pytestmark = pytest.mark.anyio

LISTS = "/api/v1/pick-lists"
PLACES = {PLUG: ["A-10"], OIL_FILTER: ["A-2", "B-1"], AIR_FILTER: [], BRAKE_PADS: ["A-2"], WIPER: ["СКЛАД-1"]}


@pytest.fixture(autouse=True)
async def shelves(client: httpx.AsyncClient, pool: Pool) -> None:
    await post(pool, *(request("inbound", 10, product, store) for product in PLACES for store in (CENTRE, NORTH)))
    items = [{"product_id": product, "store_id": CENTRE, "places": places} for product, places in PLACES.items()]
    items.append({"product_id": PLUG, "store_id": NORTH, "places": ["Z-1"]})
    assert (await client.post("/api/v1/inventory/shelves", json={"items": items})).status_code == 200


async def shipped(pool: Pool) -> int:
    sent = await post(
        pool, *(request("transfer", 2, product, to_store_id=NORTH, document="ТР-1") for product in PLACES)
    )
    assert sent[0].transfer_id is not None
    return sent[0].transfer_id


async def picked(client: httpx.AsyncClient, **params: int) -> dict[str, Any]:
    answer = await client.get(LISTS, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def walk(pick_list: dict[str, Any]) -> list[tuple[int, int, list[str]]]:
    return [(line["product_id"], line["quantity"], line["places"]) for line in pick_list["lines"]]


async def test_a_transfer_is_picked_along_the_shelves(client: httpx.AsyncClient, pool: Pool) -> None:
    found = await picked(client, transfer_id=await shipped(pool))
    assert (found["code"], found["heading"], found["related_document"], found["pieces"]) == (
        "T-1", "Центр → Север", "ТР-1", 10,
    )  # fmt: skip
    assert walk(found) == [
        (OIL_FILTER, 2, ["A-2", "B-1"]),
        (BRAKE_PADS, 2, ["A-2"]),
        (PLUG, 2, ["A-10"]),
        (WIPER, 2, ["СКЛАД-1"]),
        (AIR_FILTER, 2, []),
    ]


async def test_what_has_come_or_was_called_back_is_not_picked(client: httpx.AsyncClient, pool: Pool) -> None:
    sent = await post(pool, *(request("transfer", 2, product, to_store_id=NORTH) for product in (PLUG, OIL_FILTER)))
    await reverse(pool, sent[0].id)
    await receive(pool, sent[1].transfer_id, {OIL_FILTER: 1})
    assert walk(await picked(client, transfer_id=1)) == [(OIL_FILTER, 1, ["A-2", "B-1"])]
    await receive(pool, sent[1].transfer_id)
    closed = await picked(client, transfer_id=1)
    assert (closed["status"], closed["lines"]) == ("received", [])


async def test_a_reservation_is_picked_store_by_store(client: httpx.AsyncClient, pool: Pool) -> None:
    lines = [
        {"product_id": p, "store_id": s, "quantity": 3}
        for p, s in ((PLUG, NORTH), (PLUG, CENTRE), (OIL_FILTER, CENTRE))
    ]
    made = await client.post("/api/v1/inventory/reservations", json={"holder": "Иван", "lines": lines})
    found = await picked(client, reservation_id=made.json()["id"])
    assert (found["code"], found["heading"]) == ("R-1", "Иван")
    assert walk(found) == [(OIL_FILTER, 3, ["A-2", "B-1"]), (PLUG, 3, ["A-10"]), (PLUG, 3, ["Z-1"])]
    assert walk(await picked(client, reservation_id=1, store_id=NORTH)) == [(PLUG, 3, ["Z-1"])]
    gone = await lapsed(pool, ((PLUG, CENTRE), 1))
    assert walk(await picked(client, reservation_id=gone.id)) == []


async def test_on_paper_it_has_its_barcode_and_every_line(client: httpx.AsyncClient, pool: Pool) -> None:
    await shipped(pool)
    answer = await client.get(f"{LISTS}.pdf", params={"transfer_id": 1})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    [page] = pypdfium2.PdfDocument(answer.content)
    picture = page.render(scale=203 / 72).to_pil()
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == ["T-1"]
    text = page.get_textpage().get_text_range()
    for words in ("Лист сборки: переброска T-1", "Центр → Север", "W 914/2", "MANN-FILTER", "Строк: 5, штук: 10"):
        assert words in text
    assert text.index("W 914/2") < text.index("GDB3331") < text.index("BPR6ES-11") < text.index("C 2585")


async def test_who_reads_english_gets_an_english_list(client: httpx.AsyncClient, pool: Pool) -> None:
    await shipped(pool)
    answer = await client.get(f"{LISTS}.pdf", params={"transfer_id": 1}, headers={"Accept-Language": "en"})
    text = pypdfium2.PdfDocument(answer.content)[0].get_textpage().get_text_range()
    assert "Pick list: transfer T-1" in text
    assert "Lines: 5, pieces: 10" in text
    assert "Лист" not in text


async def test_a_long_list_goes_on_on_the_next_page(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO products (id, brand_id, article, article_key, article_loose, name)"
        " SELECT n, 1, 'N' || n, 'N' || n, 'N' || n, repeat('Ж', 500) FROM generate_series(1001, 1100) AS n"
    )
    await post(pool, *(request("inbound", 1_000_000, product) for product in range(1001, 1101)))
    await post(pool, *(request("transfer", 1_000_000, product, to_store_id=NORTH) for product in range(1001, 1101)))
    pages = pypdfium2.PdfDocument((await client.get(f"{LISTS}.pdf", params={"transfer_id": 1})).content)
    texts = [page.get_textpage().get_text_range() for page in pages]
    assert len(texts) == 4
    assert [f"лист {number}" in text for number, text in enumerate(texts, 1)] == [True] * 4
    assert sorted(int(word[1:]) for text in texts for word in text.split() if word[:2] == "N1") == [*range(1001, 1101)]
    for page in pages:
        for found in zxingcpp.read_barcodes(page.render(scale=203 / 72).to_pil()):
            assert found.text == "T-1"


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "of nothing": ({}, 422, "one of both"),
    "of both": ({"transfer_id": 1, "reservation_id": 1}, 422, "one of both"),
    "of an unknown transfer": ({"transfer_id": UNKNOWN}, 404, "There is no transfer"),
    "of an unknown reservation": ({"reservation_id": UNKNOWN}, 404, "There is no reservation"),
    "of a transfer at a store": ({"transfer_id": 1, "store_id": CENTRE}, 422, "store_id"),
    "of a word": ({"transfer_id": "T-1"}, 422, "transfer_id"),
    "of number 0": ({"transfer_id": 0}, 422, "transfer_id"),
    "of another thing": ({"order_id": 1}, 422, "order_id"),
}


@pytest.mark.parametrize(("params", "status", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("path", [LISTS, f"{LISTS}.pdf"])
async def test_what_there_is_no_list_of_is_refused(
    client: httpx.AsyncClient, path: str, params: dict[str, Any], status: int, words: str
) -> None:
    answer = await client.get(path, params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
