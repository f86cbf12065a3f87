"""A pick list on paper: A4, a box to tick for each line."""

import io
from collections.abc import Mapping
from typing import Final

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from autoshop.kit.language import Language
from autoshop.warehouse.paper import (
    BOLD,
    MONO,
    SANS,
    cut,
    draw_barcode,
    new_canvas,
    shrunk,
    wrapped,
)
from autoshop.warehouse.picking.model import PickLine, PickList
from autoshop.warehouse.printer import give_others_a_turn

Words = Mapping[str, str]

WIDTH, HEIGHT, MARGIN = 210 * mm, 297 * mm, 12 * mm
LINE = 9 * mm
WORDS: Final[dict[Language, dict[str, str]]] = {
    "ru": {
        "transfer": "Лист сборки: переброска",
        "reservation": "Лист сборки: резерв",
        "sheet": "лист",
        "place": "место",
        "article": "артикул",
        "brand": "бренд",
        "name": "название",
        "pieces": "штук",
        "others": "ещё",
        "total": "Строк: {lines}, штук: {pieces}",
        "nothing": "Собирать нечего",
    },
    "en": {
        "transfer": "Pick list: transfer",
        "reservation": "Pick list: reservation",
        "sheet": "sheet",
        "place": "place",
        "article": "article",
        "brand": "brand",
        "name": "name",
        "pieces": "pieces",
        "others": "also",
        "total": "Lines: {lines}, pieces: {pieces}",
        "nothing": "Nothing to pick",
    },
}
# Columns: where each begins, from the left margin, and how wide it is.
BOX, PLACE, ARTICLE, BRAND, NAME, PIECES = (0, 5), (8, 30), (40, 42), (84, 24), (110, 58), (170, 16)


def draw(pick_list: PickList, stores: Mapping[int, str], language: Language) -> bytes:
    """The list as PDF. A new store begins with its name; every page has the document's code."""
    words = WORDS[language]
    out = io.BytesIO()
    canvas = new_canvas(out, WIDTH, HEIGHT, f"{words[pick_list.kind]} {pick_list.code}")
    page, at, store_id = 1, _draw_head(canvas, pick_list, 1, words), None
    for line in pick_list.lines:
        new_store = line.store_id != store_id
        if at - LINE * (2 if new_store else 1) < MARGIN + 6 * mm:
            canvas.showPage()
            page, new_store = page + 1, True
            at = _draw_head(canvas, pick_list, page, words)
        if new_store:
            at = _draw_store(canvas, stores.get(line.store_id, str(line.store_id)), at, words)
            store_id = line.store_id
        at = _draw_line(canvas, line, at, words)
        give_others_a_turn()
    canvas.setFont(BOLD, 10)
    total = words["total"].format(lines=len(pick_list.lines), pieces=pick_list.pieces)
    canvas.drawString(MARGIN, max(at - 6 * mm, MARGIN), total if pick_list.lines else words["nothing"])
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw_head(canvas: Canvas, pick_list: PickList, page: int, words: Words) -> float:
    top = HEIGHT - MARGIN
    draw_barcode(canvas, "code128", pick_list.code, WIDTH - MARGIN - 60 * mm, top - 11 * mm, 60 * mm, 11 * mm)
    canvas.setFont(MONO, 8)
    canvas.drawCentredString(WIDTH - MARGIN - 30 * mm, top - 15 * mm, pick_list.code)
    canvas.setFont(BOLD, 14)
    canvas.drawString(MARGIN, top - 5 * mm, f"{words[pick_list.kind]} {pick_list.code}")
    canvas.setFont(SANS, 9)
    room = WIDTH - 2 * MARGIN - 64 * mm
    canvas.drawString(MARGIN, top - 10 * mm, cut(pick_list.heading, SANS, 9, room))
    sheet = f"{words['sheet']} {page}"
    below = sheet if pick_list.related_document is None else f"{pick_list.related_document}, {sheet}"
    canvas.drawString(MARGIN, top - 15 * mm, cut(below, SANS, 9, room))
    return top - 20 * mm


def _draw_store(canvas: Canvas, name: str, at: float, words: Words) -> float:
    canvas.setFont(BOLD, 10)
    canvas.drawString(MARGIN, at - 4 * mm, cut(name, BOLD, 10, 110 * mm))
    canvas.setFont(SANS, 7)
    for (left, _), title in ((PLACE, "place"), (ARTICLE, "article"), (BRAND, "brand"), (NAME, "name")):
        canvas.drawString(MARGIN + left * mm, at - 8 * mm, words[title])
    canvas.drawRightString(MARGIN + sum(PIECES) * mm, at - 8 * mm, words["pieces"])
    return at - LINE


def _draw_line(canvas: Canvas, line: PickLine, at: float, words: Words) -> float:
    """Place large, article in type where 0 is no О, the name in two lines."""
    base = at - 5.5 * mm
    canvas.setLineWidth(0.3)
    canvas.line(MARGIN, at, WIDTH - MARGIN, at)
    canvas.rect(MARGIN, base - 0.8 * mm, 4 * mm, 4 * mm)
    for text, font, size, (left, width) in (
        (line.places[0] if line.places else "—", MONO, 10.0, PLACE),
        (line.article, MONO, 9.0, ARTICLE),
        (line.brand, SANS, 8.0, BRAND),
    ):
        shown, fits = shrunk(text, font, size, 5, width * mm)
        canvas.setFont(font, fits)
        canvas.drawString(MARGIN + left * mm, base, shown)
    if len(line.places) > 1:
        canvas.setFont(MONO, 5)
        others = f"{words['others']}: {', '.join(line.places[1:])}"
        canvas.drawString(MARGIN + PLACE[0] * mm, base - 2.4 * mm, cut(others, MONO, 5, PLACE[1] * mm))
    canvas.setFont(SANS, 7)
    for number, text in enumerate(wrapped(line.name, SANS, 7, NAME[1] * mm, 2)):
        canvas.drawString(MARGIN + NAME[0] * mm, base + 1.6 * mm - number * 2.9 * mm, text)
    pieces, fits = shrunk(f"{line.quantity}", BOLD, 12, 6, PIECES[1] * mm)
    canvas.setFont(BOLD, fits)
    canvas.drawRightString(MARGIN + sum(PIECES) * mm, base, pieces)
    return at - LINE
