"""One row of a file: every cell checked, and a line for COPY made of it. The hot loop of an import.

An empty cell says nothing: what is there stays as it is. Values repeat, so what was read once is remembered; and a row
is looked at as a whole first, since nearly all rows have nothing unusual in them.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from autoshop.catalog.imports.columns import REQUIRED, Columns
from autoshop.catalog.imports.model import (
    MOST_BRANDS,
    MOST_CATEGORIES,
    MOST_PIECES,
    MOST_PRICE_KOPECKS,
    BadFile,
    Problem,
    error,
)
from autoshop.catalog.imports.workbook import Odd, shown
from autoshop.catalog.products.model import BARCODE_CHARACTERS, MOST_BARCODES, wrong_with_barcode
from autoshop.kit.gs1 import has_right_check_digit
from autoshop.kit.text import article_key, loosened, name_key

LONGEST = {"article": 60, "brand": 100, "name": 500, "sku": 60, "category": 200, "unit": 20}
REMEMBERED = 100_000
NULL = r"\N"

_SPLIT_CODES = re.compile(r"[\s,;|]+")
_SHORTENED = re.compile(r"\d[.,]?\d*E\+\d+", re.IGNORECASE)
_MONEY = re.compile(r"(\d{1,12})(?:[.,](\d{1,6}))?", re.ASCII)
_SIGNED = re.compile(r"[-−–](?=[\d.,])")
_CURRENCY = re.compile(r"(?:руб\.?|р\.|₽|rub)$", re.IGNORECASE)
_WHOLE = re.compile(r"\d{1,12}", re.ASCII)
_DECORATION = re.compile(r"(?:(?<=\d)[.,]0{1,2})?(?:шт\.?)?$", re.IGNORECASE)
# What Excel makes of 10-12 or 12.2024, once it is saved as CSV: 10.дек, Dec-24, 01.12.2024.
_MONTH = "янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = re.compile(
    rf"{_DAY}[.-](?:{_MONTH})|(?:{_MONTH})[.-]\d\d|(?=\d\d){_DAY}\.(?:0[1-9]|1[0-2])\.(?:19|20)\d\d", re.IGNORECASE
)
TOTALS = re.compile(r"(?:итого|всего)\b.*|итог:?|(?:grand )?total:?", re.IGNORECASE)
_THOUSANDTHS = re.compile(r"\d{1,12}[.,]000", re.ASCII)  # 12 with three places, or twelve thousand: who knows


class Wrong(ValueError):
    """A cell that cannot be read: the code of its reason, and the detail."""

    def __init__(self, code: str, detail: object = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(code)


class Names:
    """Names that stand for rows elsewhere: brands, categories. Those nobody knows get numbers below zero."""

    def __init__(self, known: dict[str, int | None], most_new: int, too_many: str) -> None:
        self._known = known
        self._most_new, self._too_many = most_new, too_many
        self.new: dict[int, tuple[str, str]] = {}  # number → key, name

    def number(self, name: str) -> int:
        """The id, or the number of a new one. Raises Wrong for a name that several go by."""
        key = name_key(name)
        if not key:
            raise Wrong("no_key")
        if key not in self._known:
            number = -len(self.new) - 1
            if -number > self._most_new:
                raise BadFile(self._too_many, self._most_new)
            self.new[number] = key, name
            self._known[key] = number
        found = self._known[key]
        if found is None:
            raise Wrong("ambiguous_category")
        return found


class RowParser:
    """Makes lines for COPY of rows; what is wrong goes to `problems`, which the owner empties."""

    def __init__(
        self,
        columns: Columns,
        brands: dict[str, int | None],
        categories: dict[str, int | None],
        *,
        dates_are_text: bool = True,
    ) -> None:
        self.columns = columns
        self._dates_are_text = dates_are_text  # in a workbook a date is told apart, and a text is meant
        self._headings = [columns.header[columns.fields[what]] for what in REQUIRED if what in columns.fields]
        self.problems: list[Problem] = []
        self.brands = Names(brands, MOST_BRANDS, "too_many_brands")
        self.categories = Names(categories, MOST_CATEGORIES, "too_many_categories")
        at = columns.fields
        # Position −1 is an empty cell put behind each row: a column that is not there is one without values.
        self._at = {what: at.get(what, -1) for what in (*LONGEST, "barcode")}
        self._price_at = list(columns.prices.values())
        self._stock_at = list(columns.stocks.values())
        self._used = {*at.values(), *self._price_at, *self._stock_at, *columns.nameless}
        self._brand_numbers: dict[str, str] = {}
        self._category_numbers: dict[str, str] = {"": NULL}
        self._prices: dict[str, str] = {"": "NULL"}
        self._pieces: dict[str, str] = {"": "NULL"}

    def line(self, row: int, cells: Sequence[str | Odd]) -> str | None:
        """A line for COPY (text format, without its end), or None for a row that is bad or empty."""
        before = len(self.problems)
        line = self._line(row, cells)
        if len(self.problems) > before and (word := self._totals(cells)):
            self.problems[before:] = [error(row, "", word, "totals")]
        return line

    def _line(self, row: int, cells: Sequence[str | Odd]) -> str | None:
        if len(cells) != self.columns.width:
            fitted = self._fit(row, cells)
            if fitted is None:
                return None
            cells = fitted
        try:
            whole = "".join(cells)  # type: ignore[arg-type]
        except TypeError:  # only a workbook has cells that are no text
            return self._odd(row, cells)
        if not whole.isprintable() or "=" in whole or "\\" in whole or "  " in whole:
            cleaned = self._clean(row, cells)  # type: ignore[arg-type]
            if cleaned is None:
                return None
            cells = cleaned
        before = len(self.problems)
        line = self._read(row, [*cells, ""])  # type: ignore[list-item]
        if line is None and "\\" in whole:  # told as the file has it, not as COPY wants it
            told = self.problems[before:]
            self.problems[before:] = [one._replace(value=one.value.replace(r"\\", "\\")) for one in told]
        return line

    def _read(self, row: int, cells: list[str]) -> str | None:
        before, at = len(self.problems), self._at
        article = cells[at["article"]].strip()
        brand = cells[at["brand"]].strip()
        name = cells[at["name"]].strip()
        sku = cells[at["sku"]].strip()
        unit = cells[at["unit"]].strip()
        category = cells[at["category"]].strip()
        codes = cells[at["barcode"]].strip()
        if not article and not brand and not any(cell.strip() for cell in cells):
            return None
        if len(article) > 60 or len(brand) > 100 or len(name) > 500 or len(category) > 200 or len(sku + unit) > 20:
            self._tell_too_long(row, cells)
        for position in self.columns.nameless:
            if cells[position].strip():
                self._tell(row, position, cells[position], Wrong("no_heading", position + 1))
        key = article_key(article)
        if not key:
            self._tell(row, "article", article, Wrong("no_key" if article else "required"))
        elif self._dates_are_text and _DATE.fullmatch(article):
            self._tell(row, "article", article, Wrong("date"))
        elif [article, brand] == self._headings:
            self._tell(row, "article", article, Wrong("repeated_headings"))
        if "+" in article or "+" in sku:
            for what, text in (("article", article), ("sku", sku)):
                if _SHORTENED.fullmatch(text):
                    self._tell(row, what, text, Wrong("shortened"))
        number = self._brand_numbers.get(brand) or self._remember(self._brand_numbers, row, "brand", brand, self._brand)
        group = self._category_numbers.get(category) or self._remember(
            self._category_numbers, row, "category", category, self._category
        )
        barcodes = self._barcodes(row, codes) if codes else NULL
        prices = self._array(row, cells, self._price_at, self._prices, price) if self._price_at else NULL
        stocks = self._array(row, cells, self._stock_at, self._pieces, pieces) if self._stock_at else NULL
        if len(self.problems) > before:
            return None
        return (
            f"{row}\t{number}\t{article}\t{key}\t{loosened(key)}\t{sku or NULL}\t{name or NULL}\t{group}"
            f"\t{unit or NULL}\t{barcodes}\t{prices}\t{stocks}"
        )

    def _array(
        self,
        row: int,
        cells: list[str],
        positions: Iterable[int],
        remembered: dict[str, str],
        read: Callable[[str], str],
    ) -> str:
        values = [remembered.get(cells[position]) for position in positions]
        if None in values:
            values = []
            for position in positions:
                value = remembered.get(cells[position])
                values.append(value or self._remember(remembered, row, position, cells[position], read))
        return "{" + ",".join(values) + "}"  # type: ignore[arg-type]

    def _remember(
        self, remembered: dict[str, str], row: int, where: str | int, text: str, read: Callable[[str], str]
    ) -> str:
        try:
            value = read(text.strip()) if text.strip() or "" not in remembered else remembered[""]
        except Wrong as wrong:
            self._tell(row, where, text, wrong)
            return "NULL"
        if len(remembered) >= REMEMBERED:
            empty = {"": remembered[""]} if "" in remembered else {}
            remembered.clear()
            remembered.update(empty)
        remembered[text] = value
        return value

    def _brand(self, name: str) -> str:
        if not name:
            raise Wrong("required")
        return str(self.brands.number(name.replace("\\\\", "\\")))

    def _category(self, name: str) -> str:
        return str(self.categories.number(name.replace("\\\\", "\\"))) if name else NULL

    def _barcodes(self, row: int, text: str) -> str:
        if text.isdecimal() and text.isascii() and len(text) == 13 and has_right_check_digit(text):
            return f"{{{text}}}"
        codes = [text] if text.isalnum() else [code for code in dict.fromkeys(_SPLIT_CODES.split(text)) if code]
        if len(codes) > MOST_BARCODES:
            self._tell(row, "barcode", text, Wrong("too_many_barcodes", MOST_BARCODES))
        for code in codes:
            if _SHORTENED.fullmatch(code.replace(",", ".")) or (not code.isalnum() and _SHORTENED.fullmatch(text)):
                self._tell(row, "barcode", text, Wrong("shortened"))
            elif (reason := wrong_with_barcode(code)) is not None:
                is_digit = "check digit" in reason
                self._tell(
                    row, "barcode", code, Wrong("check_digit" if is_digit else "barcode", f"1–{BARCODE_CHARACTERS}")
                )
        if len(codes) == 1 and codes[0].isdecimal():  # without quotes, NULL would be none
            return "{" + codes[0] + "}"
        quoted = (code.replace("\\", "\\\\").replace('"', r"\\" + '"') for code in codes)
        return "{" + ",".join(f'"{code}"' for code in quoted) + "}"

    # ------------------------------------------------------------------ what is unusual

    def _fit(self, row: int, cells: Sequence[str | Odd]) -> list[str | Odd] | None:
        """A row of another length than the headings: empty cells too many do not matter."""
        width = self.columns.width
        filled = [cell for cell in cells if isinstance(cell, Odd) or cell.strip()]
        if not filled:
            return None
        beyond = [cell for cell in cells[width:] if isinstance(cell, Odd) or cell.strip()]
        if beyond or len(cells) < width:
            last = filled[-1]
            is_cost = bool(self.columns.costs)  # who knows which cell it is
            self.problems.append(error(row, "", shown(last), "fields", f"{len(cells)} / {width}", is_cost))
            return None
        return list(cells[:width])

    def _totals(self, cells: Sequence[str | Odd]) -> str | None:
        """The word, where a row holds sums of others and no product. Total is a brand as well."""
        article, brand = self._at["article"], self._at["brand"]
        for position, cell in enumerate(cells):
            text = cell.strip() if isinstance(cell, str) else ""
            if text and TOTALS.fullmatch(text) and (position != brand or text.lower() != "total"):
                others = [cells[at] for at in (article, brand) if 0 <= at < len(cells) and at != position]
                return None if any(isinstance(cell, Odd) or cell.strip() for cell in others) else text
        return None

    def _odd(self, row: int, cells: Sequence[str | Odd]) -> str | None:
        """A row of a workbook with cells that hold no plain value."""
        odd = [(n, cell) for n, cell in enumerate(cells) if isinstance(cell, Odd) and n in self._used]
        for position, cell in odd:
            self._tell(row, position, cell.shown, Wrong(cell.code, cell.shown))
        if not odd:  # only in columns that do not matter
            return self._line(row, ["" if isinstance(cell, Odd) else cell for cell in cells])
        return None

    def _clean(self, row: int, cells: Sequence[str]) -> list[str] | None:
        """Line ends and no-break spaces become spaces; formulas and control characters are refused."""
        before, cleaned = len(self.problems), []
        for position, cell in enumerate(cells):
            text = " ".join(cell.replace("\u200b", "").replace("\ufeff", "").replace("\u00ad", "").split())
            if position in self._used:
                strange = next((c for c in text if not c.isprintable()), None)
                if strange is not None:
                    self._tell(row, position, text, Wrong("control", f"U+{ord(strange):04X}"))
                elif text.startswith("="):
                    self._tell(row, position, text, Wrong("formula"))
            cleaned.append(text.replace("\\", "\\\\"))
        return cleaned if len(self.problems) == before else None

    def _tell_too_long(self, row: int, cells: list[str]) -> None:
        for what, longest in LONGEST.items():
            text = cells[self._at[what]].strip()
            if len(text) > longest:
                self._tell(row, what, text, Wrong("too_long", longest))

    def _tell(self, row: int, where: str | int, value: str, wrong: Wrong) -> None:
        position = where if isinstance(where, int) else self._at[where]
        heading = self.columns.header[position] if position >= 0 else ""
        is_cost = position in self.columns.costs
        self.problems.append(error(row, heading, value, wrong.code, wrong.detail, is_cost))


def price(text: str) -> str:
    """`1 234,50 руб.` → `123450` kopecks. Raises Wrong."""
    found = _MONEY.fullmatch(text)
    if found is None:
        plain = _CURRENCY.sub("", text.replace(" ", ""))
        found = _MONEY.fullmatch(plain)
    if found is None:
        raise Wrong("negative_price" if _SIGNED.match(plain) and _MONEY.fullmatch(plain[1:]) else "not_money")
    roubles, fraction = found.groups("")
    if len(fraction) == 2:
        kopecks = int(roubles + fraction)
    elif len(fraction.rstrip("0")) > 2:
        raise Wrong("fine_price")
    else:
        kopecks = int(roubles + fraction[:2].ljust(2, "0"))
    if kopecks == 0:
        raise Wrong("zero_price")
    if kopecks > MOST_PRICE_KOPECKS:
        raise Wrong("absurd_price")
    return str(kopecks)


def pieces(text: str) -> str:
    """`1 200` → `1200`, `12,00 шт.` → `12`. `>10`, `1-5` and `1.5` are no numbers of pieces. Raises Wrong."""
    plain = text.replace(" ", "")  # 1 200
    if _WHOLE.fullmatch(plain) is None:
        plain = _DECORATION.sub("", plain)
    if _WHOLE.fullmatch(plain) is None:
        if _THOUSANDTHS.fullmatch(plain):
            raise Wrong("thousandths")
        if plain in ("-", "—", "–"):
            raise Wrong("dash")
        raise Wrong("negative_stock" if _SIGNED.match(plain) and _MONEY.fullmatch(plain[1:]) else "not_whole")
    if int(plain) > MOST_PIECES:
        raise Wrong("too_many_pieces")
    return str(int(plain))
