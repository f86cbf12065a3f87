"""What a heading means: Russian and English, with the names that 1C, Excel and price lists use. Pure rules."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeVar

from autoshop.catalog.imports.model import MOST_COLUMNS, Options, Problem, error
from autoshop.catalog.prices.model import PriceType
from autoshop.inventory.stores.model import Store
from autoshop.kit.text import name_key

K = TypeVar("K")

SYNONYMS: dict[str, str] = {
    "article": "артикул|article|артикулпроизводителя|каталожныйномер|номердетали|номерпокаталогу|номенклатурныйномер"
    "|partnumber|partno|part|articlenumber|mpn",
    "brand": "бренд|brand|производитель|марка|изготовитель|фирма|торговаямарка|manufacturer|maker|vendor",
    "name": "наименование|название|name|товар|номенклатура|описание|наименованиетовара|title|description|product",
    "sku": "sku|код|кодтовара|внутреннийкод|code|productcode|itemcode",
    "category": "категория|category|группа|группатоваров|раздел|товарнаягруппа|group|section",
    "unit": "едизм|ед|единица|единицаизмерения|единицы|unit|units|uom",
    "barcode": "штрихкод|штрихкоды|штрихкодтовара|шк|ean|ean13|barcode|barcodes|gtin|upc",
}
FIELD_OF = {synonym: name for name, synonyms in SYNONYMS.items() for synonym in synonyms.split("|")}
PRICES: dict[str, str] = {
    "retail": "розница|розничная|розничнаяцена|ценарозничная|ценарозница|цена|ценаруб|price|retail|retailprice"
    "|ценапродажи|rrc|ррц",
    "wholesale": "опт|оптовая|оптоваяцена|ценаопт|ценаоптовая|wholesale|wholesaleprice",
    "cost": "закупка|закупочная|закупочнаяцена|ценазакупки|ценазакупочная|себестоимость|входящаяцена|cost"
    "|costprice|purchaseprice|purchase",
}
PRICE_OF = {synonym: code for code, synonyms in PRICES.items() for synonym in synonyms.split("|")}
STOCK = ("остаток", "остатки", "остатокшт", "наличие", "количество", "колво", "stock", "qty", "quantity", "onhand")
LOOKED_AT = 20  # rows among which the headings are sought
REQUIRED = {"article": "Артикул / article", "brand": "Бренд / brand"}


@dataclass(slots=True)
class Columns:
    """Which column holds what: positions from 0. `width` counts the headings; ignored ones too."""

    header: list[str]
    fields: dict[str, int] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)  # price type → position
    costs: set[int] = field(default_factory=set)  # positions of prices that are a cost
    stocks: dict[int, int] = field(default_factory=dict)  # store id → position
    nameless: list[int] = field(default_factory=list)  # positions of columns without a heading
    recognised: int = 0  # headings that mean something, right or wrong: most of them with the right delimiter

    @property
    def width(self) -> int:
        return len(self.header)

    @property
    def names_products(self) -> bool:
        """Whether article and brand have their columns: without them a row says nothing."""
        return REQUIRED.keys() <= self.fields.keys()

    def name_of(self, what: str) -> str:
        """The heading of a field, as the file has it."""
        position = self.fields.get(what)
        return self.header[position] if position is not None else ""


# Given the first rows that are not empty, with their numbers: the row of the headings, what they mean, what is wrong.
Understand = Callable[[Sequence[tuple[int, Sequence[str]]]], tuple[int, Columns, list[Problem]]]


@dataclass(frozen=True, slots=True)
class Known:
    """What headings may refer to."""

    stores: Sequence[Store]
    price_types: Sequence[PriceType]
    may_see_cost: bool
    store_ids: frozenset[int] | None


def headings_among(rows: Sequence[Sequence[str]]) -> int:
    """Which of the first rows of a table holds its headings: 1C writes a title and a date above them.

    Of those that name article and brand, else of all, the first that names most.
    """
    named = [_named(row) for row in rows]
    return max(range(len(rows)), key=lambda position: (REQUIRED.keys() <= named[position], len(named[position])))


def _named(row: Sequence[str]) -> set[str]:
    return {FIELD_OF[key] for key in map(name_key, row) if key in FIELD_OF}


def understand(
    rows: Sequence[tuple[int, Sequence[str]]], known: Known, options: Options
) -> tuple[int, Columns, list[Problem]]:
    """Find the headings among the first rows that are not empty, and read them.

    Returns their row, what they mean, and all that is wrong with them.
    """
    position = headings_among([cells for _, cells in rows])
    row, header = rows[position]
    columns, problems = _understand(header, row, known, options)
    if not REQUIRED.keys() & columns.fields.keys() and len(header) <= MOST_COLUMNS:
        return row, columns, [error(None, "", "", "no_headings", LOOKED_AT)]
    above = [(number, " ".join(" ".join(cells).split()), cells) for number, cells in rows[:position]]
    for number, text, cells in above:
        if _named(cells) & REQUIRED.keys() or _may_be_product(cells, columns):
            problems.append(error(number, "", text, "above_headings", row, bool(columns.costs)))
    if above and not any(problem.code == "above_headings" for problem in problems):
        passed_over = "; ".join(text for _, text, _ in above)
        problems.append(error(row, "", passed_over, "headings_here")._replace(kind="note"))
    return row, columns, problems


_NUMBER = re.compile(r"[\d\s.,]*\d[\d\s.,]*(?:руб\.?|р\.|₽|шт\.?)?", re.IGNORECASE)


def _may_be_product(cells: Sequence[str], columns: Columns) -> bool:
    """Whether a row above the headings has an article, a brand, and numbers, and nothing else, for price or stock."""
    filled = {at: cell.strip() for at, cell in enumerate(cells) if cell.strip()}
    numbers = [filled[at] for at in (*columns.prices.values(), *columns.stocks.values()) if at in filled]
    keys = [columns.fields[what] for what in REQUIRED if what in columns.fields]
    return all(at in filled for at in keys) and bool(numbers) and all(map(_NUMBER.fullmatch, numbers))


def _understand(header: Sequence[str], row: int, known: Known, options: Options) -> tuple[Columns, list[Problem]]:
    names = [" ".join("".join(c if c.isprintable() else " " for c in heading).split()) for heading in header]
    while names and not names[-1]:
        names.pop()
    columns, problems = Columns(names), list[Problem]()
    if len(names) > MOST_COLUMNS:
        return columns, [error(row, "", "", "too_many_columns", MOST_COLUMNS)]
    ignored = {name_key(heading) for heading in options.ignore}
    for position, heading in enumerate(names):
        if name_key(heading) not in ignored:
            problems += _place(columns, position, heading, row, known, options)
    for what, heading in REQUIRED.items():
        if what not in columns.fields:
            problems.append(error(row, "", "", "missing_column", heading))
    if options.store is not None:
        problems += _wrong_store(columns, problems, options.store, row, known)
    return columns, problems


def _wrong_store(columns: Columns, problems: Sequence[Problem], code: str, row: int, known: Known) -> Iterable[Problem]:
    """The store that was named beside the file, where that fits neither the shop nor the columns."""
    named = {store.id for store in known.stores if store.code == code}
    if not named:
        if not any(problem.code == "unknown_store" for problem in problems):
            yield error(None, "", code, "unknown_store", ", ".join(store.code for store in known.stores))
    elif columns.stocks and not named & columns.stocks.keys():
        yield error(row, "", code, "other_store")


def _place(
    columns: Columns, position: int, heading: str, row: int, known: Known, options: Options
) -> Iterable[Problem]:
    """Put one column where it belongs, or say why it belongs nowhere."""
    key = name_key(heading)
    if not key:  # it should hold nothing: a row that says otherwise is refused
        columns.nameless.append(position)
    elif key in FIELD_OF:
        columns.recognised += 1
        yield from _take(columns, columns.fields, FIELD_OF[key], position, row)
    elif (price_type := _price_type(key, known.price_types)) is not None:
        columns.recognised += 1
        if price_type.is_cost:
            columns.costs.add(position)
            if not known.may_see_cost:
                yield error(row, heading, "", "no_cost")
        yield from _take(columns, columns.prices, price_type.code, position, row)
    elif (place := _stock(key)) is not None:
        columns.recognised += 1
        yield from _stock_column(columns, place, position, row, known, options)
    else:
        alike = get_close_matches(key, [*FIELD_OF, *PRICE_OF, *STOCK], 1, 0.7)
        yield error(row, heading, heading, "unknown_column", f" (≈ «{alike[0]}»?)" if alike else "")


def _take(columns: Columns, taken: dict[K, int], what: K, position: int, row: int) -> Iterable[Problem]:
    if what in taken:
        heading = columns.header[position]
        yield error(row, heading, heading, "repeated_column", columns.header[taken[what]])
    else:
        taken[what] = position


def _price_type(key: str, price_types: Sequence[PriceType]) -> PriceType | None:
    by_code = {price_type.code: price_type for price_type in price_types}
    if key in PRICE_OF:
        return by_code.get(PRICE_OF[key])
    for price_type in price_types:
        names = {name_key(price_type.code), name_key(price_type.name_ru), name_key(price_type.name_en)}
        if key in names or any(key in (f"цена{name}", f"price{name}") for name in names):
            return price_type
    return None


def _stock(key: str) -> str | None:
    """What follows the word for stock: the key of a store, or nothing; None when it speaks of no stock."""
    for word in sorted(STOCK, key=len, reverse=True):
        if key.startswith(word):
            return key.removeprefix(word)
    return None


def _stock_column(
    columns: Columns, place: str, position: int, row: int, known: Known, options: Options
) -> Iterable[Problem]:
    heading = columns.header[position]
    named = ", ".join(store.code for store in known.stores)
    if place:
        found = [store for store in known.stores if place in (name_key(store.code), name_key(store.name))]
        if len(found) != 1:
            yield error(row, heading, heading, "unknown_store", named)
            return
    elif options.store is not None:
        found = [store for store in known.stores if store.code == options.store]
        if not found:
            yield error(row, heading, options.store, "unknown_store", named)
            return
    else:
        found = list(known.stores)
        if len(found) != 1:
            yield error(row, heading, heading, "which_store", found[0].code if found else "…")
            return
    if known.store_ids is not None and found[0].id not in known.store_ids:
        yield error(row, heading, heading, "not_your_store")
    yield from _take(columns, columns.stocks, found[0].id, position, row)
