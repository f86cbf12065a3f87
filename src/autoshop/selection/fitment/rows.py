"""One row of a file of fitments: every cell checked, and a line for COPY made of it.

Cars, years, positions repeat: what was read once is remembered, what was wrong with it too.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from autoshop.catalog.imports.columns import Columns
from autoshop.catalog.imports.model import Problem, error
from autoshop.catalog.imports.rows import TOTALS, Names, Wrong
from autoshop.catalog.imports.workbook import Odd, shown
from autoshop.kit.text import article_key, name_key
from autoshop.selection.crosses.columns import CONFIDENCES
from autoshop.selection.crosses.rows import LONGEST_ARTICLE, LONGEST_BRAND, MOST_BRANDS, WrongCell, text_of
from autoshop.selection.fitment.cars import Cars
from autoshop.selection.fitment.columns import category_codes, category_key, position_of

REMEMBERED = 100_000
LONGEST = {"position": 60, "qualifiers": 300, "source": 200}
MOST_SOURCES = 1_000  # in one file; more is another column
FIRST_YEAR, MOST_PIECES = 1900, 1_000
NULL = r"\N"
CAR = ("vehicle", "make", "model", "generation", "engine")

_YEAR = re.compile(r"(\d{4})(?:\s*(?:г|год|года)\.?)?", re.ASCII | re.IGNORECASE)
_YEARS = re.compile(r"(\d{4})?\s*[-–—]\s*(\d{4})?|(\d{4})")
_QUANTITY = re.compile(r"(\d{1,4}(?:[.,]\d{1,3})?)\s*(?:шт|л|pcs|l)?\.?", re.ASCII | re.IGNORECASE)

Read = Callable[[str], str]


class RowParser:
    """Makes lines for COPY of rows; what is wrong goes to `problems`, which the owner empties."""

    def __init__(
        self, columns: Columns, cars: Cars, brands: dict[str, int | None], this_year: int, defaults: Mapping[str, str]
    ) -> None:
        self.columns = columns
        self.problems: list[Problem] = []
        self.brands = Names(brands, MOST_BRANDS, "too_many_brands")
        self.cars: dict[tuple[str, str | None], int] = {}  # id and engine → number
        self.sources: dict[str, int] = {}  # name → number
        self._known = cars
        self._this_year = this_year
        self._defaults = {"confidence": "medium", **defaults}
        # Position −1 is an empty cell put behind each row: a column that is not there is one without values.
        self._at = {field: columns.fields.get(field, -1) for field in (*CAR, *self._readers(), "brand", "article")}
        self._car_at = [self._at[field] for field in CAR]
        self._seen_cars: dict[tuple[str | Odd, ...], str | WrongCell] = {}
        self._read = [(self._at[field], field, read, {}) for field, read in self._readers().items()]  # type: ignore[var-annotated]

    def _readers(self) -> dict[str, Read]:
        """In the order of the columns of `staged_fitments` from `category` on."""
        years: dict[str, Read] = {"years": self._years} if "years" in self.columns.fields else {}
        return {
            "category": self._category,
            "position": lambda text: self._short("position", position_of(text)),
            "quantity": _quantity,
            **(years or {"years_from": self._year, "years_to": self._year}),
            "qualifiers": lambda text: self._short("qualifiers", text),
            "confidence": self._confidence,
            "source": self._source,
        }

    def line(self, row: int, cells: Sequence[str | Odd]) -> str | None:
        """A line for COPY (text format, without its end), or None for a row that is bad or empty."""
        filled = [shown(cell).strip() for cell in cells]
        if not any(filled):
            return None
        width = self.columns.width
        if len(cells) < width or any(filled[width:]):
            self.problems.append(error(row, "", filled[-1], "fields", f"{len(cells)} / {width}"))
            return None
        before = len(self.problems)
        line = self._line(row, [*cells[:width], ""])
        if line is None and (word := next((text for text in filled if TOTALS.fullmatch(text)), None)):
            self.problems[before:] = [error(row, "", word, "totals")]
        return line

    def _line(self, row: int, cells: list[str | Odd]) -> str | None:
        wrong: list[WrongCell] = []
        car = self._car(cells)
        values = [self._article(cells, wrong)]
        for position, field, read, remembered in self._read:
            found = remembered.get(cells[position])
            if found is None:
                found = self._remember(remembered, cells, position, field, read)
            if isinstance(found, WrongCell):
                wrong.append(found)
            else:
                values.append(found)
        if isinstance(car, WrongCell):
            wrong.insert(0, car)
        if not wrong and (backwards := self._backwards(values)) is not None:
            wrong.append(backwards)
        for one in wrong:
            heading = self.columns.header[one.position] if one.position >= 0 else ""
            self.problems.append(error(row, heading, one.value, one.code, one.detail))
        return None if wrong else f"{row}\t{car}\t" + "\t".join(values)

    def _backwards(self, values: list[str]) -> WrongCell | None:
        """Of a line without faults: years that end before they begin."""
        first, last = "\t".join(values).split("\t")[6:8]
        if NULL in (first, last) or int(first) <= int(last):
            return None
        at = self._at.get("years_to", self._at.get("years", -1))
        return WrongCell("years_backwards", at, last, f"{first} / {last}")

    # ------------------------------------------------------------------ the car, the article
    def _car(self, cells: list[str | Odd]) -> str | WrongCell:
        said = tuple(cells[position] for position in self._car_at)
        found = self._seen_cars.get(said)
        if found is None:
            try:
                found = str(self._which(cells))
            except WrongCell as wrong:
                found = wrong
            if len(self._seen_cars) >= REMEMBERED:
                self._seen_cars.clear()
            self._seen_cars[said] = found
        return found

    def _which(self, cells: list[str | Odd]) -> int:
        """The number of the car and engine that a row names. Raises WrongCell."""
        text, make, model, generation, code = (text_of(cells, position) for position in self._car_at)
        if not text and not (make and model):
            empty = "vehicle" if self._at["vehicle"] >= 0 else "model" if make else "make"
            raise WrongCell("required", self._at[empty], "")
        at, whole = self._at["vehicle"], text
        if not text:
            at, whole = self._at["model"], " ".join(filter(None, (make, model, generation)))
        try:
            vehicle = self._known.by_text(text) if text else self._known.by_names(make, model, generation)
            at, whole = self._at["engine"], code
            engine = self._known.engine(vehicle, code) if code else None
        except Wrong as wrong:
            raise WrongCell(wrong.code, at, whole, wrong.detail) from None
        return self.cars.setdefault((vehicle, engine), len(self.cars))

    def _article(self, cells: list[str | Odd], wrong: list[WrongCell]) -> str:
        """Number of the brand, key and article as printed."""
        number, key, article = 0, "", ""
        try:
            number = self._brand(cells)
        except WrongCell as one:
            wrong.append(one)
        try:
            article = text_of(cells, self._at["article"])
            key = article_key(article)
            if not key or len(article) > LONGEST_ARTICLE:
                code = "too_long" if len(article) > LONGEST_ARTICLE else "no_key" if article else "required"
                raise WrongCell(code, self._at["article"], article, LONGEST_ARTICLE)
        except WrongCell as one:
            wrong.append(one)
        return f"{number}\t{key}\t{_escaped(article)}"

    def _brand(self, cells: list[str | Odd]) -> int:
        name = text_of(cells, self._at["brand"])
        if not name or len(name) > LONGEST_BRAND:
            raise WrongCell("too_long" if name else "required", self._at["brand"], name, LONGEST_BRAND)
        try:
            return self.brands.number(name)
        except Wrong as one:
            raise WrongCell(one.code, self._at["brand"], name) from None

    # ------------------------------------------------------------------ the other cells
    def _remember(
        self, remembered: dict[str, str | WrongCell], cells: list[str | Odd], position: int, field: str, read: Read
    ) -> str | WrongCell:
        found: str | WrongCell
        try:
            text = text_of(cells, position) or self._defaults.get(field, "")
            found = read(text)
        except WrongCell as wrong:
            found = wrong
        except Wrong as wrong:
            found = WrongCell(wrong.code, position, text, wrong.detail)
        if len(remembered) >= REMEMBERED:
            remembered.clear()
        if isinstance(cells[position], str):
            remembered[cells[position]] = found  # type: ignore[index]
        return found

    def _category(self, name: str) -> str:
        if not name:
            raise Wrong("required")
        codes, key = category_codes(), category_key(name)
        found = codes.get(key)
        if found is None:
            raise Wrong("ambiguous_category" if key in codes else "unknown_category")
        return found

    def _short(self, field: str, text: str) -> str:
        if len(text) > LONGEST[field]:
            raise Wrong("too_long", LONGEST[field])
        return _escaped(text)

    def _year(self, text: str) -> str:
        if not text:
            return NULL
        found = _YEAR.fullmatch(text)
        if found is None or not FIRST_YEAR <= int(found[1]) <= self._this_year + 2:
            raise Wrong("not_a_year")
        return found[1]

    def _years(self, text: str) -> str:
        """«2015–2019», «2015–», «–2019», or one year: both years, of which either may be open."""
        if not text:
            return f"{NULL}\t{NULL}"
        found = _YEARS.fullmatch(text)
        if found is None or not any(found.groups()):
            raise Wrong("not_years")
        first, last, only = found.groups("")
        return f"{self._year(only or first)}\t{self._year(only or last)}"

    def _confidence(self, text: str) -> str:
        found = CONFIDENCES.get(name_key(text))
        if found is None:
            raise Wrong("unknown_confidence", ", ".join(dict.fromkeys(CONFIDENCES.values())))
        return found

    def _source(self, text: str) -> str:
        if not text:
            raise Wrong("required")
        if len(text) > LONGEST["source"]:
            raise Wrong("too_long", LONGEST["source"])
        if text not in self.sources and len(self.sources) >= MOST_SOURCES:
            raise Wrong("too_many_sources", MOST_SOURCES)
        return str(self.sources.setdefault(text, len(self.sources)))


def _quantity(text: str) -> str:
    """`4`, `3,5 л` → a number above zero; empty: nobody knows. `>10` and `1-5` are no numbers."""
    if not text:
        return NULL
    found = _QUANTITY.fullmatch(text)
    number = found[1].replace(",", ".") if found else "0"
    if not 0 < float(number) <= MOST_PIECES:
        raise Wrong("not_a_quantity")
    return number


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\") if "\\" in text else text
