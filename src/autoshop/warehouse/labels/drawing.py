"""Labels as PDF. No database, no network: tickets in, bytes out."""

import io
from collections.abc import Sequence

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from autoshop.kit.money import format_roubles
from autoshop.warehouse.labels.model import Layout, Ticket, barcode_for
from autoshop.warehouse.paper import (
    BOLD,
    MONO,
    SANS,
    cut,
    draw_barcode,
    new_canvas,
    shrunk,
    width_of,
    wrapped,
)
from autoshop.warehouse.printer import give_others_a_turn

# Sizes of type in points, and the lines they need.
SMALL, ARTICLE, PRICE, CODE = 7.0, 13.0, 15.0, 6.5
LEADING = 1.15
GAP = 1.5


def draw(tickets: Sequence[Ticket], layout: Layout, start_at: int) -> bytes:
    """One label for each ticket; on a sheet the first goes to place `start_at`, counted from 1 along the rows."""
    out = io.BytesIO()
    canvas = new_canvas(out, layout.page_width * mm, layout.page_height * mm, "Этикетки")
    place = start_at - 1
    for number, ticket in enumerate(tickets):
        if place == layout.on_a_page:
            canvas.showPage()
            place = 0
        row, column = divmod(place, layout.columns)
        left = layout.left + column * layout.width
        top = layout.page_height - layout.top - row * layout.height
        _draw_label(canvas, ticket, layout, left * mm, (top - layout.height) * mm)
        place += 1
        if number % 2:
            give_others_a_turn()
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw_label(canvas: Canvas, ticket: Ticket, layout: Layout, x: float, y: float) -> None:
    """From above: brand and place, article, name, price; the barcode takes what is left below."""
    margin = layout.margin * mm
    left, bottom, width = x + margin, y + margin, (layout.width - 2 * layout.margin) * mm
    at = y + layout.height * mm - margin - SMALL

    place = ticket.place or ""
    room = width - (width_of(place, MONO, SMALL + 1) + 4 if place else 0)
    if place:
        place, size = shrunk(place, MONO, SMALL + 1, 5, width * 0.6)
        canvas.setFont(MONO, size)
        canvas.drawRightString(left + width, at, place)
        room = width - width_of(place, MONO, size) - 4
    _line(canvas, SANS, SMALL, left, at, cut(ticket.brand, SANS, SMALL, room))

    article, size = shrunk(ticket.article, MONO, ARTICLE, 6, width)
    at -= ARTICLE
    _line(canvas, MONO, size, left, at, article)

    for line in wrapped(ticket.name, SANS, SMALL, width, 2):
        at -= SMALL * LEADING
        _line(canvas, SANS, SMALL, left, at, line)

    if ticket.price_kopecks is not None:
        price, size = shrunk(format_roubles(ticket.price_kopecks), BOLD, PRICE, 6, width)
        at -= size
        _line(canvas, BOLD, size, left, at, price)

    symbol, code = barcode_for(ticket, layout)
    canvas.setFont(MONO, CODE)
    canvas.drawCentredString(left + width / 2, bottom + 0.25 * CODE, code)
    foot = bottom + CODE + GAP
    draw_barcode(canvas, symbol, code, left, foot, width, at - 2 * GAP - foot)


def _line(canvas: Canvas, font: str, size: float, x: float, y: float, text: str) -> None:
    canvas.setFont(font, size)
    canvas.drawString(x, y, text)
