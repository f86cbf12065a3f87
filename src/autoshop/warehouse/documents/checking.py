"""What a line says, without a database: its numbers, the names of its product, and the sums per product."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autoshop.catalog.imports.rows import Wrong, pieces
from autoshop.catalog.products.model import as_scanned
from autoshop.inventory.movements.model import MOST_PIECES
from autoshop.inventory.shelves.model import place_of
from autoshop.kit.errors import Invalid
from autoshop.kit.text import article_key, name_key
from autoshop.warehouse.documents.columns import NAMES
from autoshop.warehouse.documents.model import Kind, Line, Problem

MOST_ID = 2**63 - 1
SEPARATORS = str.maketrans(",|", ";;")  # of places; a blank, a hyphen and a slash are written within one


@dataclass(frozen=True, slots=True)
class Named:
    """By what a line names its product; what it does not name is None."""

    number: int
    product_id: int | None
    sku: str | None
    barcodes: tuple[str, ...]  # the spellings of one scan
    article_key: str | None
    brand_key: str | None


@dataclass(frozen=True, slots=True)
class Read:
    """A line that says something: its number or levels, and who its product is called."""

    line: Line
    named: Named
    quantity: int
    maximum: int | None = None
    places: tuple[str, ...] = ()
    sender: str = ""  # code or id of the store that is asked


def read_lines(kind: Kind, lines: Sequence[Line]) -> tuple[list[Read], list[Problem]]:
    """Every line that can be read, and everything that is wrong with the others."""
    read: list[Read] = []
    problems: list[Problem] = []
    for line in lines:
        wrong = [*line.wrong]
        if not wrong:
            numbers = _numbers(kind, line, wrong)
            named = _named(line, wrong)
            places = _places(line, wrong) if kind == "places" else ()
            sender = _sender(line, wrong) if kind == "requests" else ""
            if numbers is not None and named is not None and not wrong:
                read.append(Read(line, named, *numbers, places, sender))
        problems += wrong
    return read, problems


def _numbers(kind: Kind, line: Line, wrong: list[Problem]) -> tuple[int, int | None] | None:
    if kind == "places":
        return 0, None
    if kind != "levels":
        quantity = _number(line, "quantity", wrong, kind == "adjustment", 0 if kind == "set" else 1)
        return None if quantity is None else (quantity, None)
    minimum = _number(line, "minimum", wrong)
    maximum = _number(line, "maximum", wrong) if "maximum" in line.given else None
    if minimum is None:
        return None
    if maximum is not None and maximum < minimum:
        wrong.append(_problem(line, "maximum", "below_minimum", str(minimum)))
    return minimum, maximum


def _places(line: Line, wrong: list[Problem]) -> tuple[str, ...]:
    """The places that a line names, as they are kept."""
    given = line.given.get("places", "")
    typed = given if isinstance(given, list) else str(given).translate(SEPARATORS).split(";")
    named = [text.strip() for text in typed if text.strip()]
    if not named:
        wrong.append(_problem(line, "places", "required"))
    places = []
    for text in named:
        try:
            places.append(place_of(text))
        except Invalid:
            wrong.append(Problem(line.row, "places", text[:200], "no_place"))
    return tuple(places)


def _sender(line: Line, wrong: list[Problem]) -> str:
    sender = str(line.given.get("from_store", "")).strip()
    if not sender:
        wrong.append(_problem(line, "from_store", "required"))
    return sender


def _number(line: Line, field: str, wrong: list[Problem], signed: bool = False, least: int = 0) -> int | None:
    """The whole number of a field, or None and the reason."""
    given = line.given.get(field)
    if given is None:
        wrong.append(_problem(line, field, "required"))
        return None
    try:
        number = given if isinstance(given, int) else number_in(str(given), signed=signed)
    except Wrong as unread:
        wrong.append(_problem(line, field, unread.code, str(unread.detail)))
        return None
    if abs(number) > MOST_PIECES:
        wrong.append(_problem(line, field, "too_many_pieces"))
    elif number < 0 and not signed:
        wrong.append(_problem(line, field, "below_nothing"))
    elif number == 0 and (signed or least > 0):
        wrong.append(_problem(line, field, "zero"))
    return number


def number_in(text: str, *, signed: bool = False) -> int:
    """`1 200` → 1200, `12,00 шт.` → 12, with a sign where one makes sense. `>10`, `1-5`, `1,5` are none: Wrong."""
    sign = text[:1]
    if signed and sign in ("+", "-", "−", "–"):
        return int(pieces(text[1:].strip())) * (1 if sign == "+" else -1)
    try:
        return int(pieces(text))
    except Wrong as wrong:
        raise Wrong("below_nothing" if wrong.code == "negative_stock" else wrong.code, wrong.detail) from None


def _named(line: Line, wrong: list[Problem]) -> Named | None:
    given: Mapping[str, Any] = line.given
    if not any(name in given for name in NAMES):
        wrong.append(Problem(line.row, "", "", "names_nothing"))
        return None
    product_id = given.get("product_id")
    if product_id is not None and not isinstance(product_id, int):
        if not (product_id.isascii() and product_id.isdecimal()) or not 0 < int(product_id) <= MOST_ID:
            wrong.append(_problem(line, "product_id", "no_id"))
            return None
        product_id = int(product_id)
    article, brand = given.get("article"), given.get("brand")
    others = product_id is not None or "sku" in given or "barcode" in given
    if (article is None) != (brand is None) and not others:
        wrong.append(_problem(line, "brand" if brand is None else "article", "required"))
        return None
    key = article_key(article) if article is not None and brand is not None else None
    if key == "":
        wrong.append(_problem(line, "article", "no_key"))
        return None
    return Named(
        line.number,
        product_id,
        given.get("sku"),
        tuple(as_scanned(given["barcode"])) if "barcode" in given else (),
        key,
        name_key(brand) if key and brand is not None else None,
    )


def sums_of(kind: Kind, read: Sequence[Read], products: Mapping[int, int]) -> tuple[dict[int, int], list[Problem]]:
    """Pieces per product, in the order of their ids, signed; and every product of which there would be too many.

    Two lines of one product are one wish: both counts of a product that lies on two shelves are what there is of it.
    """
    sums: dict[int, int] = {}
    for one in read:
        product_id = products[one.line.number]
        sums[product_id] = sums.get(product_id, 0) + one.quantity
    problems = []
    for one in read:
        total = sums[products[one.line.number]]
        if abs(total) > MOST_PIECES:
            problems.append(_problem(one.line, "quantity", "sum_too_many", str(total)))
    sign = -1 if kind == "writeoff" else 1
    return {product_id: sign * sums[product_id] for product_id in sorted(sums)}, problems


def twice_named(read: Sequence[Read], products: Mapping[int, int]) -> list[Problem]:
    """Levels cannot be summed: a product that stands in two lines is wrong in the second."""
    first: dict[int, int] = {}
    return [
        Problem(one.line.row, "", "", "repeated_product", str(first[product_id]))
        for one in read
        if first.setdefault(product_id := products[one.line.number], one.line.row) != one.line.row
    ]


def shown_name(line: Line) -> str:
    """How a line calls its product, for whoever looks for it."""
    return " ".join(
        str(line.given[name]) for name in ("brand", "article", "sku", "barcode", "product_id") if name in line.given
    )


def _problem(line: Line, field: str, code: str, detail: str = "") -> Problem:
    return Problem(line.row, field, str(line.given.get(field, "")), code, detail)
