"""Labels, looked at as a customer and a scanner see them: the PDF becomes a picture, and the picture is read again."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageChops

from autoshop.kit.db import Pool
from autoshop.kit.money import MOST_KOPECKS
from autoshop.warehouse.labels.drawing import draw
from autoshop.warehouse.labels.model import LAYOUTS, Layout, LayoutName, Ticket
from tests.cast import BULB, CENTRE, OIL_FILTER, PLUG, UNKNOWN
from tests.ledger import post, request

pytestmark = pytest.mark.anyio

LABELS = "/api/v1/labels"
DOTS = 203  # to the inch: what a label printer has
EAN = "4601234567893"
BOTH: list[LayoutName] = ["thermal-58x40", "a4-3x8"]


def ticket(**changes: Any) -> Ticket:
    usual: dict[str, Any] = {
        "product_id": 1,
        "brand": "NGK",
        "article": "BPR6ES-11",
        "sku": None,
        "name": "Свеча зажигания NGK BPR6ES-11",
        "barcodes": [EAN],
        "price_kopecks": 123450,
        "place": "A-03-2",
    }
    return Ticket(**{**usual, **changes})


LONGEST = ticket(
    brand="Ж" * 200,
    article="Щ" * 60,
    name="Щётка " * 83,
    sku="W" * 60,
    barcodes=[],
    price_kopecks=MOST_KOPECKS,
    place="ЩЩ" * 20,
)
TICKETS = {
    "usual": (ticket(), EAN),
    "longest": (LONGEST, "P1"),
    "bare": (ticket(brand="", name="", place=None, price_kopecks=None, barcodes=[]), "BPR6ES-11"),
    "UPC-A": (ticket(barcodes=["012345000065"]), "0012345000065"),
    "EAN-8": (ticket(barcodes=["96385074", "own"]), "96385074"),
    "SKU": (ticket(barcodes=["own"], sku="SKU-000017"), "SKU-000017"),
    "SKU that is as long as fits": (ticket(barcodes=[], sku="wWwWwWwWwWwWwW"), "wWwWwWwWwWwWwW"),
    "Russian article": (ticket(article="А17ДВРМ", barcodes=[]), "P1"),
    "free": (ticket(price_kopecks=0), EAN),
    "one long word": (ticket(name="Ж" * 500), EAN),
    "emoji and hieroglyphs": (ticket(name="😀 火花塞 " * 9, brand="\u202eNGK"), EAN),
}


def pictures(pdf: bytes) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    found = [page.render(scale=DOTS / 72).to_pil().convert("L") for page in document]
    document.close()
    return found


def cells(page: Image.Image, layout: Layout) -> Iterator[Image.Image]:
    """The labels of a page, cut apart."""
    dots = DOTS / 25.4
    for place in range(layout.on_a_page):
        row, column = divmod(place, layout.columns)
        left, top = layout.left + column * layout.width, layout.top + row * layout.height
        yield page.crop(tuple(round(edge * dots) for edge in (left, top, left + layout.width, top + layout.height)))  # type: ignore[arg-type]


def ink(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """The box around all that is not white."""
    return ImageChops.invert(picture).getbbox()


def scanned(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(("shown", "code"), TICKETS.values(), ids=TICKETS)
def test_a_scanner_reads_what_is_printed_and_nothing_leaves_its_label(
    name: LayoutName, shown: Ticket, code: str
) -> None:
    layout = LAYOUTS[name]
    [page] = pictures(draw([shown] * layout.on_a_page, layout, 1))
    for cell in cells(page, layout):
        assert scanned(cell) == [code]
        box = ink(cell)
        assert box is not None
        margin = (layout.margin - 0.5) * DOTS / 25.4  # half a millimetre for the edges of letters
        assert box[0] >= margin, "left"
        assert box[1] >= margin, "above"
        assert box[2] <= cell.width - margin, "right"
        assert box[3] <= cell.height - margin, "below"


@pytest.mark.parametrize("name", BOTH)
def test_bars_are_high_enough_and_have_white_on_both_sides(name: LayoutName) -> None:
    layout = LAYOUTS[name]
    for shown, _ in TICKETS.values():
        [page] = pictures(draw([shown], layout, 1))
        cell = next(cells(page, layout))
        [found] = zxingcpp.read_barcodes(cell)
        left, right, middle = found.position.top_left.x, found.position.top_right.x, found.position.top_left.y
        bars = [row for row in range(cell.height) if dark(cell, left, right, row) == dark(cell, left, right, middle)]
        assert len(bars) * 25.4 / DOTS >= 6, "lower than six millimetres"
        quiet = int(9 * 0.25 * DOTS / 25.4)
        for side in ((left - quiet, left - 2), (right + 3, right + quiet)):
            assert ink(cell.crop((side[0], min(bars), side[1], max(bars) + 1))) is None, "something beside the bars"


def dark(cell: Image.Image, left: int, right: int, row: int) -> list[bool]:
    """A row of dots through the bars."""
    return [dot < 128 for dot in cell.crop((left, row, right, row + 1)).tobytes()]


def test_the_text_is_there_as_text() -> None:
    document = pypdfium2.PdfDocument(draw([ticket()], LAYOUTS["thermal-58x40"], 1))
    text = " ".join(document[0].get_textpage().get_text_range().split())
    for words in ("Свеча зажигания NGK BPR6ES-11", "BPR6ES-11", "1 234,50 ₽", "A-03-2", EAN):
        assert words in text.replace("\u00a0", " ")
    price = pypdfium2.PdfDocument(draw([LONGEST], LAYOUTS["thermal-58x40"], 1))[0].get_textpage().get_text_range()
    assert "100 000 000 000,00 ₽" in price.replace("\u00a0", " "), "a price is never cut"


def test_on_a_used_sheet_the_first_labels_stay_white() -> None:
    layout = LAYOUTS["a4-3x8"]
    pages = pictures(draw([ticket()] * 30, layout, 5))
    inked = [[ink(cell) is not None for cell in cells(page, layout)] for page in pages]
    assert inked == [[False] * 4 + [True] * 20, [True] * 10 + [False] * 14]


@pytest.mark.parametrize("name", BOTH)
def test_the_same_labels_are_the_same_file(name: LayoutName) -> None:
    assert draw([ticket()] * 3, LAYOUTS[name], 1) == draw([ticket()] * 3, LAYOUTS[name], 1)


# ------------------------------------------------------------------------------------------------ over HTTP
def asked(*items: tuple[int, int], **more: Any) -> dict[str, Any]:
    return {
        "layout": "thermal-58x40", "items": [{"product_id": product, "copies": copies} for product, copies in items],
        **more,
    }  # fmt: skip


async def test_labels_come_in_the_order_and_number_that_were_asked_for(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.execute("INSERT INTO barcodes (code, product_id) VALUES ($1, $2)", EAN, PLUG)
    await pool.execute(
        "INSERT INTO prices (product_id, price_type, price_kopecks, actor)"
        " VALUES ($1, 'retail', 99000, 'x'), ($1, 'cost', 77700, 'x')",
        PLUG,
    )
    places = {"items": [{"product_id": PLUG, "store_id": CENTRE, "places": ["B-7", "C-1"]}]}
    assert (await client.post("/api/v1/inventory/shelves", json=places)).status_code == 200
    answer = await client.post(LABELS, json=asked((OIL_FILTER, 2), (PLUG, 1), store_id=CENTRE))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert [scanned(page) for page in pictures(answer.content)] == [["SKU-2"], ["SKU-2"], [EAN]]
    text = pypdfium2.PdfDocument(answer.content)[2].get_textpage().get_text_range()
    assert "990,00" in text
    assert "B-7" in text
    assert "777" not in text, "what it cost stays with us"


async def test_what_is_printed_is_understood_when_it_is_scanned(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/products", json={"brand_id": 1, "article": "А17ДВРМ", "name": "Свеча"})
    for product in (PLUG, 7):
        printed = (await client.post(LABELS, json=asked((product, 1)))).content
        [[code]] = [scanned(page) for page in pictures(printed)]
        found = (await client.get("/api/v1/scan", params={"code": code})).json()
        assert [one["id"] for one in found["products"]] == [product]


async def test_while_labels_are_drawn_the_shop_goes_on(client: httpx.AsyncClient, pool: Pool) -> None:
    await post(pool, request("inbound", 100))
    sale = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 1}
    printing = asyncio.create_task(client.post(LABELS, json=asked((PLUG, 600))))
    sold = 0
    while not printing.done() and sold < 100:
        assert (await client.post("/api/v1/inventory/movement", json=sale)).status_code == 200
        sold += 1
    assert (await printing).status_code == 200
    assert sold > 5


NO_LABELS: dict[str, tuple[dict[str, Any], int, str]] = {
    "0 copies": (asked((PLUG, 0)), 422, "copies"),
    "10 000 copies": (asked((PLUG, 10_000)), 422, "copies"),
    "2 001 in all": (asked((PLUG, 2_000), (BULB, 1)), 422, "items"),
    "half a copy": ({**asked(), "items": [{"product_id": PLUG, "copies": 1.5}]}, 422, "copies"),
    "a text of copies": ({**asked(), "items": [{"product_id": PLUG, "copies": "3"}]}, 422, "copies"),
    "no items": (asked(), 422, "items"),
    "an unknown product": (asked((PLUG, 1), (UNKNOWN, 1)), 404, str(UNKNOWN)),
    "an unknown store": (asked((PLUG, 1), store_id=UNKNOWN), 404, str(UNKNOWN)),
    "an unknown layout": ({**asked((PLUG, 1)), "layout": "a5"}, 422, "layout"),
    "a start before the first": (asked((PLUG, 1), start_at=0), 422, "start_at"),
    "a start on the second label of one": (asked((PLUG, 1), start_at=2), 422, "1 label on a page"),
    "a start behind the last": ({**asked((PLUG, 1), start_at=25), "layout": "a4-3x8"}, 422, "24 labels on a page"),
    "an unknown field": (asked((PLUG, 1), colour="red"), 422, "colour"),
}


@pytest.mark.parametrize(("body", "status", "words"), NO_LABELS.values(), ids=NO_LABELS)
async def test_what_cannot_be_printed_is_refused_with_its_reason(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, words: str
) -> None:
    answer = await client.post(LABELS, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
