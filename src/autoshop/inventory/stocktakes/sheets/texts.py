"""Headings of a sheet, and what is wrong with a row, in Russian and English."""

from typing import Final

from autoshop.kit.language import Language

HEADINGS: Final[dict[str, dict[Language, str]]] = {
    "product_id": {"ru": "ID товара", "en": "Product ID"},
    "places": {"ru": "Места", "en": "Places"},
    "article": {"ru": "Артикул", "en": "Article"},
    "brand": {"ru": "Бренд", "en": "Brand"},
    "name": {"ru": "Название", "en": "Name"},
    "barcodes": {"ru": "Штрихкоды", "en": "Barcodes"},
    "expected": {"ru": "По учёту", "en": "Expected"},
    "counted": {"ru": "Посчитано", "en": "Counted"},
    "difference": {"ru": "Разница", "en": "Difference"},
    "status": {"ru": "Состояние", "en": "Status"},
}
# Other words for a column that is read.
ALSO: Final = {
    "product_id": "product_id",
    "id": "product_id",
    "штрихкод": "barcodes",
    "barcode": "barcodes",
    "количество": "counted",
    "факт": "counted",
    "pieces": "counted",
    "quantity": "counted",
}
STATUSES: Final[dict[str, dict[Language, str]]] = {
    "to_count": {"ru": "не посчитан", "en": "to count"},
    "counted": {"ru": "посчитан", "en": "counted"},
    "needs_second_count": {"ru": "нужен второй счёт", "en": "needs a second count"},
    "needs_recount": {"ru": "нужен пересчёт", "en": "needs a recount"},
    "agreed": {"ru": "согласован", "en": "agreed"},
    "zeroed": {"ru": "нет на месте", "en": "not there"},
}
REASONS: Final[dict[str, dict[Language, str]]] = {
    "not_text": {"ru": "файл не в UTF-8 и не в Windows-1251", "en": "the file is neither UTF-8 nor Windows-1251"},
    "empty": {"ru": "в файле нет строк", "en": "the file has no rows"},
    "no_column": {
        "ru": "нужны колонка «Посчитано» и одна из: «ID товара», «Артикул», «Штрихкоды»",
        "en": "needs a column «Counted» and one of «Product ID», «Article», «Barcodes»",
    },
    "two_columns": {"ru": "колонка встречается дважды", "en": "the column is there twice"},
    "quotes": {"ru": "кавычки не закрыты или стоят не на месте", "en": "quotes are not closed, or in a wrong place"},
    "not_whole": {
        "ru": "должно быть целое число от 0 до 1 000 000",
        "en": "must be a whole number from 0 to 1 000 000",
    },
    "names_nothing": {"ru": "товар не назван", "en": "names no product"},
    "not_an_id": {"ru": "ID товара — целое число", "en": "a product ID is a whole number"},
    "unknown_product": {"ru": "такого товара нет", "en": "there is no such product"},
    "unknown_article": {"ru": "такого артикула нет", "en": "there is no such article"},
    "unknown_barcode": {"ru": "такого штрихкода нет", "en": "there is no such barcode"},
    "ambiguous": {
        "ru": "подходит к нескольким товарам: назовите бренд или ID",
        "en": "fits several products: name the brand or the ID",
    },
    "disagrees": {"ru": "артикул — другого товара, чем ID", "en": "the article is not that of the ID"},
    "twice": {"ru": "товар уже есть в строке выше", "en": "a row above has this product already"},
    "Not in the list": {"ru": "товара нет в этой инвентаризации", "en": "the product is not in this stocktake"},
    "Already being counted": {
        "ru": "товар уже в другой открытой инвентаризации",
        "en": "the product is in another stocktake that is open",
    },
    "No moment to count at": {
        "ru": "время счёта раньше открытия или в будущем",
        "en": "the moment of the count lies before the opening or in the future",
    },
    "No such round yet": {"ru": "предыдущего счёта ещё не было", "en": "the count before this one is missing"},
}


def reason(code: str, language: Language) -> str:
    """What is wrong, for a person."""
    return REASONS[code][language]
