"""What is printed: fonts, text that fits, barcodes.

Lengths are in points, 72 to the inch, from the lower left corner, as PDF has them; `mm` gives millimetres.
"""

import io
from functools import cache
from importlib.resources import files
from typing import Final

from reportlab import rl_config
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from autoshop.warehouse.printer import Symbol

rl_config.useA85 = 0  # bytes as they are: a sixth smaller, and sooner done

SANS, BOLD, MONO = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold", "DejaVuSansMono-Bold"

# Widths of a bar's module that are whole dots of a label printer (203 dpi): three dots, or two where it is long.
MODULES: Final = (0.375 * mm, 0.25 * mm)
QUIET_MODULES: Final = 10  # white on both sides, without which a scanner does not see where a code begins

_LEFT_ODD = [
    "0001101",
    "0011001",
    "0010011",
    "0111101",
    "0100011",
    "0110001",
    "0101111",
    "0111011",
    "0110111",
    "0001011",
]
_RIGHT = [code.translate(str.maketrans("01", "10")) for code in _LEFT_ODD]
_LEFT_EVEN = [code[::-1] for code in _RIGHT]
# Which of the six digits on the left are even: it tells the first of thirteen.
_PARITIES = ["OOOOOO", "OOEOEE", "OOEEOE", "OOEEEO", "OEOOEE", "OEEOOE", "OEEEOO", "OEOEOE", "OEOEEO", "OEEOEO"]


@cache
def load_fonts() -> None:
    """Make the fonts known, once a process; only the letters that are used go into a document."""
    folder = files("autoshop") / "data" / "fonts"
    for name in (SANS, BOLD, MONO):
        pdfmetrics.registerFont(TTFont(name, io.BytesIO((folder / f"{name}.ttf").read_bytes())))


def new_canvas(out: io.BytesIO, width: float, height: float, title: str) -> Canvas:
    """A PDF in memory. Without the time of day in it: the same list is the same file."""
    load_fonts()
    canvas = Canvas(out, pagesize=(width, height), invariant=1, pageCompression=1)
    canvas.setTitle(title)
    canvas.setCreator("AUTOSHOP")
    return canvas


def width_of(text: str, font: str, size: float) -> float:
    return float(pdfmetrics.stringWidth(text, font, size))


def cut(text: str, font: str, size: float, width: float) -> str:
    """The text, or as much of it as fits with … behind."""
    if width_of(text, font, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(text[:middle].rstrip() + "…", font, size) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def shrunk(text: str, font: str, size: float, smallest: float, width: float) -> tuple[str, float]:
    """The text at the largest size that fits, down to the smallest; there it is cut."""
    fits = min(size, 0.999 * width / max(width_of(text, font, 1), 0.001))
    return (text, fits) if fits >= smallest else (cut(text, font, smallest, width), smallest)


def wrapped(text: str, font: str, size: float, width: float, most: int) -> list[str]:
    """Up to `most` lines, broken between words; the last one is cut."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most - 1:
        line = words.pop(0)
        while words and width_of(f"{line} {words[0]}", font, size) <= width:
            line += f" {words.pop(0)}"
        if width_of(line, font, size) > width:  # one word longer than the line goes on in the next
            kept = len(cut(line, font, size, width)) - 1
            line, rest = line[:kept], line[kept:]
            words.insert(0, rest)
        lines.append(line)
    if words:
        lines.append(cut(" ".join(words), font, size, width))
    return lines


def bars_of(symbol: Symbol, code: str) -> str:
    """An EAN as its modules: 1 is a bar. After the GS1 General Specifications, section 5.2.1."""
    digits = [int(digit) for digit in code]
    if symbol == "ean8":
        left = "".join(_LEFT_ODD[digit] for digit in digits[:4])
        return f"101{left}01010{''.join(_RIGHT[digit] for digit in digits[4:])}101"
    parity = _PARITIES[digits[0]]
    left = "".join(
        (_LEFT_ODD if how == "O" else _LEFT_EVEN)[digit] for how, digit in zip(parity, digits[1:7], strict=True)
    )
    return f"101{left}01010{''.join(_RIGHT[digit] for digit in digits[7:])}101"


def draw_barcode(canvas: Canvas, symbol: Symbol, code: str, x: float, y: float, width: float, height: float) -> bool:
    """Draw a barcode in the middle of a box, as coarse as it fits; False, and nothing, where it fits in no way."""
    bars = None if symbol == "code128" else bars_of(symbol, code)
    modules = len(bars) if bars else Code128(code, barWidth=1, quiet=0).width
    module = next((one for one in MODULES if (modules + 2 * QUIET_MODULES) * one <= width), None)
    if module is None:
        return False
    left = x + (width - modules * module) / 2
    if bars is None:
        Code128(code, barWidth=module, barHeight=height, quiet=0).drawOn(canvas, left, y)
        return True
    at = 0
    for run in bars.replace("10", "1 0").replace("01", "0 1").split():
        if run[0] == "1":
            canvas.rect(left + at * module, y, len(run) * module, height, stroke=0, fill=1)
        at += len(run)
    return True
