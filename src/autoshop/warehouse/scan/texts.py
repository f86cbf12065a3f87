"""What was done to read a code, and what an unknown one looks like: in Russian and English."""

from typing import Final

from autoshop.kit.language import Language
from autoshop.warehouse.scan.model import Note, Reading, Scan

_NOTES: Final[dict[Note, tuple[str, str]]] = {
    "keyboard": (
        "Сканер печатал при русской раскладке: буквы прочитаны как латинские",
        "The scanner typed on a Russian keyboard: its letters were read as Latin ones",
    ),
    "keyboard_too": (
        "В коде русские буквы: искали и как написано, и как если бы сканер печатал при русской раскладке — {latin}",
        "It has Russian letters: looked for as it is, and as if the scanner typed on a Russian keyboard: {latin}",
    ),
    "symbology": ("Приставка сканера (вид штрихкода) отброшена", "The scanner's prefix (kind of symbol) was taken off"),
    "spelt_gs": (
        "Разделитель GS был записан знаками, он восстановлен",
        "The separator GS had been written out in signs; it is a separator again",
    ),
    "separators_put_back": (
        "Сканер не передаёт разделитель GS: код разделён по длинам «Честного знака»",
        "The scanner drops the separator GS: the code was split by the lengths of the Russian marking system",
    ),
    "separators_lost": (
        "Сканер не передаёт разделитель GS, и где кончается серийный номер, узнать нельзя: включите передачу GS "
        "(FNC1) в настройках сканера",
        "The scanner drops the separator GS, and where the serial number ends cannot be known: have it send GS (FNC1)",
    ),
    "expanded": (
        "Короткий код UPC-E развёрнут в полный UPC-A",
        "The short UPC-E was expanded to the UPC-A it stands for",
    ),
    "two_ways": (
        "Верен и как EAN-8, и как UPC-E: искали и так, и так",
        "Right both as EAN-8 and as UPC-E: looked for as either",
    ),
    "case": (
        "Код упаковки, первая цифра {indicator}: внутри несколько штук товара {gtin}. Проверьте, сколько",
        "The code of a case, first digit {indicator}: there are several pieces of {gtin} in it. Check how many",
    ),
    "check_digit": (
        "Длина как у штрихкода, но контрольная цифра не сходится: искали как артикул",
        "As long as a barcode, but the check digit is wrong: looked for as an article",
    ),
    "gs1_broken": (
        "Похоже на код GS1, но он повреждён: отсканируйте ещё раз",
        "It looks like a GS1 code, but it is damaged: scan it again",
    ),
}
_LOOKS: Final = {
    "ean13": ("штрихкод EAN-13", "a barcode EAN-13"),
    "ean8": ("штрихкод EAN-8", "a barcode EAN-8"),
    "upc_a": ("штрихкод UPC-A", "a barcode UPC-A"),
    "upc_e": ("штрихкод UPC-E", "a barcode UPC-E"),
    "gtin14": ("код упаковки GTIN-14", "the code GTIN-14 of a case"),
    "gs1": ("код GS1", "a GS1 code"),
    "mark": ("код маркировки", "a marking code"),
    "document": ("код нашего документа", "the code of one of our documents"),
    "text": ("артикул или свой код", "an article or somebody's own code"),
}


def reading_texts(reading: Reading, language: Language) -> list[str]:
    """What was changed to read the code, a sentence each."""
    latin = reading.texts[-1] if reading.texts else ""
    told = {"latin": latin, "gtin": reading.gtin, "indicator": reading.indicator}
    return [_NOTES[note][_index(language)].format_map(told) for note in reading.notes]


def hints(scan: Scan, language: Language) -> list[str]:
    """For an unknown code: what it looks like, and what to do next."""
    if not scan.unknown:
        return []
    reading, index = scan.reading, _index(language)
    look = _LOOKS[reading.kind][index]
    if reading.kind == "document":
        return [
            ("Похоже на {}: такого документа нет", "It looks like {}: there is no such document")[index].format(look)
        ]
    told = [("Похоже на {}", "It looks like {}")[index].format(look)]
    if reading.gtin:
        told.append(
            (
                "Такого GTIN в каталоге нет: {}. Найдите товар по артикулу и привяжите код",
                "No product has the GTIN {}. Find the product by its article and link the code",
            )[index].format(reading.gtin)
        )
    else:
        told.append(
            (
                "В каталоге нет: проверьте, всё ли прочитано, или найдите товар по названию",
                "Not in the catalogue: check that all of it was read, or find the product by its name",
            )[index]
        )
    return told


def _index(language: Language) -> int:
    return 1 if language == "en" else 0
