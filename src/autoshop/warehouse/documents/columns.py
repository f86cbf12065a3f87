"""What a heading of a document means: the names of products as in imports, and its numbers. Pure rules."""

from collections.abc import Sequence
from difflib import get_close_matches

from autoshop.catalog.imports.columns import FIELD_OF, LOOKED_AT, STOCK, Columns
from autoshop.catalog.imports.model import MOST_COLUMNS, error
from autoshop.catalog.imports.model import Problem as FileProblem
from autoshop.kit.text import name_key
from autoshop.warehouse.documents.model import Kind

NAMES = ("product_id", "sku", "barcode", "article", "brand")  # by which a line names its product
SYNONYMS: dict[str, str] = {
    "product_id": "id|ид|productid|idтовара|номертовара",
    "quantity": "количество|колво|кол|количествошт|колвошт|qty|quantity|pieces|count|штук|шт",
    "reason": "причина|reason|основание",
    "minimum": "минимум|мин|минимальныйостаток|неснижаемыйостаток|min|minimum",
    "places": "место|места|местохранения|ячейка|ячейки|полка|полки|стеллаж|place|places|shelf|shelves|bin|cell",
    "from_store": "откуда|отправитель|магазинотправитель|складотправитель|fromstore|from|sender",
    "maximum": "максимум|макс|максимальныйостаток|max|maximum",
}
OURS = {synonym: name for name, synonyms in SYNONYMS.items() for synonym in synonyms.split("|")}
COUNTED = {*STOCK, "факт", "фактически", "фактическийостаток", "посчитано", "counted"}  # a count says what lies there
NUMBERS: dict[Kind, dict[str, str]] = {  # what each kind cannot do without, as the reader is told
    "receipt": {"quantity": "Количество / quantity"},
    "writeoff": {"quantity": "Количество / quantity"},
    "adjustment": {"quantity": "Количество / quantity"},
    "set": {"quantity": "Количество / quantity"},
    "levels": {"minimum": "Минимум / minimum"},
    "places": {"places": "Место / place"},
    "requests": {"quantity": "Количество / quantity", "from_store": "Откуда / from store"},
}


ONLY_OF: dict[str, frozenset[str]] = {  # numbers and names that the other kinds pass over
    "minimum": frozenset({"levels"}),
    "maximum": frozenset({"levels"}),
    "places": frozenset({"places"}),
    "from_store": frozenset({"requests"}),
    "quantity": frozenset({"receipt", "writeoff", "adjustment", "set", "requests"}),
}


def meaning(heading: str, kind: Kind) -> str | None:
    """The field that a heading names, or None."""
    key = name_key(heading)
    if kind == "set" and key in COUNTED:
        return "quantity"
    found = OURS.get(key) or FIELD_OF.get(key)
    kinds = ONLY_OF.get(found or "")
    if kinds is not None:
        return found if kind in kinds else None
    return found if found in (*NAMES, "reason") else None


def understand(
    rows: Sequence[tuple[int, Sequence[str]]], kind: Kind, ignore: Sequence[str]
) -> tuple[int, Columns, list[FileProblem]]:
    """Find the headings among the first rows, and read them: their row, what they mean, and what is wrong with them.

    What means nothing to a document is passed over: waybills have prices and sums. A heading that is nearly one of
    ours is asked about.
    """
    named = [len({found for cell in cells if (found := meaning(cell, kind))}) for _, cells in rows]
    row, cells = rows[named.index(max(named))]
    header = [" ".join("".join(c if c.isprintable() else " " for c in cell).split()) for cell in cells]
    while header and not header[-1]:
        header.pop()
    columns = Columns(header)
    if len(header) > MOST_COLUMNS:
        return row, columns, [error(row, "", "", "too_many_columns", MOST_COLUMNS)]
    ignored = {name_key(heading) for heading in ignore}
    problems: list[FileProblem] = []
    for position, heading in enumerate(header):
        if name_key(heading) not in ignored:
            problems += _place(columns, position, heading, row, kind)
    return row, columns, problems + _missing(columns, row, kind)


def headings_of(columns: Columns) -> dict[str, str]:
    """Field → heading of its column, as the file has it."""
    return {field: columns.header[position] for field, position in columns.fields.items()}


def passed_over(columns: Columns) -> tuple[str, ...]:
    """Headings that mean nothing here."""
    used = {*columns.fields.values()}
    return tuple(heading for position, heading in enumerate(columns.header) if heading and position not in used)


def _place(columns: Columns, position: int, heading: str, row: int, kind: Kind) -> list[FileProblem]:
    found = meaning(heading, kind)
    if found is None:
        key = name_key(heading)
        known = key in FIELD_OF or key in OURS
        alike = [] if known or not key else get_close_matches(key, [*OURS, *FIELD_OF], 1, 0.85)
        return [error(row, heading, heading, "nearly", alike[0])] if alike and meaning(alike[0], kind) else []
    columns.recognised += 1
    if found in columns.fields:
        return [error(row, heading, heading, "repeated_column", columns.header[columns.fields[found]])]
    columns.fields[found] = position
    return []


def _missing(columns: Columns, row: int, kind: Kind) -> list[FileProblem]:
    fields = columns.fields
    if not fields:
        return [error(None, "", "", "no_document_headings", LOOKED_AT)]
    problems = [
        error(row, "", "", "missing_column", named) for field, named in NUMBERS[kind].items() if field not in fields
    ]
    if not {"product_id", "sku", "barcode"} & fields.keys() and not {"article", "brand"} <= fields.keys():
        problems.append(error(row, "", "", "names_no_product"))
    return problems
