"""What a heading of a file of crosses means. Pure rules."""

from collections.abc import Sequence
from difflib import get_close_matches

from autoshop.catalog.imports.columns import FIELD_OF, Columns
from autoshop.catalog.imports.model import MOST_COLUMNS, Problem, error
from autoshop.kit.facts import Confidence
from autoshop.kit.text import name_key
from autoshop.selection.crosses.model import Kind

SYNONYMS: dict[str, str] = {
    "other_brand": "брендкросса|бренданалога|производительаналога|производителькросса|брендзамены"
    "|crossbrand|analogbrand|otherbrand|oebrand|брендoe|брендое|маркаоригинала|производитель2|бренд2|brand2",
    "other_article": "артикуланалога|артикулкросса|артикулзамены|номераналога|номеркросса|аналог|кросс|кроссномер"
    "|замена|crossarticle|analogarticle|otherarticle|cross|analog|артикул2|article2",
    "oe_article": "oe|oem|ое|оем|oeномер|oemномер|номерoe|номерoem|номерое|оригинал|оригинальныйномер|oenumber",
    "kind": "вид|тип|видсвязи|типсвязи|kind|type|relation",
    "confidence": "достоверность|уверенность|confidence",
}
OURS = {synonym: name for name, synonyms in SYNONYMS.items() for synonym in synonyms.split("|")}
NEEDED = {
    "brand": "Бренд / brand",
    "article": "Артикул / article",
    "other_brand": "Бренд аналога / other brand",
    "other_article": "Артикул аналога / other article",
}
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("analog", "аналог", "замена", "кросс", "cross", "analogue"), "analog"),
    **dict.fromkeys(("oe", "oem", "ое", "оем", "оригинал", "original"), "oe"),
    **dict.fromkeys(
        ("supersession", "замещение", "замененна", "новыйномер", "superseded", "supersededby"), "supersession"
    ),
    **dict.fromkeys(("specequal", "поразмерам", "поданным", "размерыте же"), "spec_equal"),
}
CONFIDENCES: dict[str, Confidence] = {
    **dict.fromkeys(("high", "высокая"), "high"),
    **dict.fromkeys(("medium", "средняя"), "medium"),
    **dict.fromkeys(("low", "низкая"), "low"),
}


def meaning(heading: str) -> str | None:
    """The field that a heading names, or None."""
    key = name_key(heading)
    found = OURS.get(key) or FIELD_OF.get(key)
    return found if found in NEEDED or found in SYNONYMS else None


def understand(rows: Sequence[tuple[int, Sequence[str]]], ignore: Sequence[str]) -> tuple[int, Columns, list[Problem]]:
    """Find the headings among the first rows, and read them: their row, what they mean, and what is wrong with them.

    What means nothing here is passed over; a heading that is nearly one of ours is asked about.
    """
    named = [len({found for cell in cells if (found := meaning(cell))}) for _, cells in rows]
    row, cells = rows[named.index(max(named))]
    header = [" ".join("".join(c if c.isprintable() else " " for c in cell).split()) for cell in cells]
    columns = Columns(header, recognised=max(named))
    if len(header) > MOST_COLUMNS:
        return row, columns, [error(row, "", "", "too_many_columns", MOST_COLUMNS)]
    ignored = {name_key(heading) for heading in ignore}
    problems: list[Problem] = []
    for position, heading in enumerate(header):
        field = meaning(heading)
        if name_key(heading) in ignored:
            continue
        if field is not None and field in columns.fields:
            problems.append(error(row, heading, heading, "repeated_column", header[columns.fields[field]]))
        elif field is not None:
            columns.fields[field] = position
        elif (near := get_close_matches(name_key(heading), [*OURS, *FIELD_OF], 1, 0.85)) and meaning(near[0]):
            problems.append(error(row, heading, heading, "unknown_column", f" («{near[0]}»?)"))
    if "oe_article" in columns.fields:
        columns.fields.setdefault("other_article", columns.fields["oe_article"])
    missing = [
        error(row, "", "", "missing_column", name) for field, name in NEEDED.items() if field not in columns.fields
    ]
    return row, columns, problems + missing
