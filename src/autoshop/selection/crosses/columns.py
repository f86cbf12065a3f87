"""What a heading of a file of crosses means. Pure rules."""

from collections.abc import Sequence

from autoshop.catalog.imports import headings
from autoshop.catalog.imports.columns import FIELD_OF, Columns
from autoshop.catalog.imports.model import Problem
from autoshop.kit.facts import Confidence
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
    **dict.fromkeys(("specequal", "поразмерам", "поданным", "размерытеже"), "spec_equal"),
}
CONFIDENCES: dict[str, Confidence] = {
    **dict.fromkeys(("high", "высокая"), "high"),
    **dict.fromkeys(("medium", "средняя"), "medium"),
    **dict.fromkeys(("low", "низкая"), "low"),
}


_OF_CATALOGUE = {synonym: field for synonym, field in FIELD_OF.items() if field in NEEDED}
MEANINGS = {**_OF_CATALOGUE, **OURS}


def understand(rows: Sequence[tuple[int, Sequence[str]]], ignore: Sequence[str]) -> tuple[int, Columns, list[Problem]]:
    """Find the headings among the first rows, and read them: their row, what they mean, and what is wrong with them."""
    row, columns, problems = headings.understand(rows, MEANINGS, ignore)
    if "oe_article" in columns.fields:
        columns.fields.setdefault("other_article", columns.fields["oe_article"])
    return row, columns, problems + headings.missing(row, columns, NEEDED)
