"""Why a row or a document is refused, in plain Russian and English; the reasons of files are those of imports."""

from autoshop.catalog.imports.texts import PARAMETERS
from autoshop.catalog.imports.texts import REASONS as OF_FILES
from autoshop.catalog.imports.texts import reason as reason_of_files
from autoshop.kit.language import Language

REASONS: dict[str, tuple[str, str]] = {
    # headings
    "no_document_headings": (
        "в первых {0} строках нет названий столбцов, например «Артикул», «Бренд», «Количество»",
        "the first {0} rows hold no headings, such as “Article”, “Brand”, “Quantity”",
    ),
    "names_no_product": (
        "нет столбца, который называет товар: «Код», «Штрихкод», «ID» или «Артикул» вместе с «Бренд»",
        "no column names the product: “SKU”, “Barcode”, “ID”, or “Article” together with “Brand”",
    ),
    "nearly": (
        "похоже на «{0}», но написано иначе; исправьте название или укажите ignore=",
        "nearly “{0}”, but not quite; correct the heading, or give ignore=",
    ),
    # one line
    "names_nothing": ("товар не назван", "it names no product"),
    "no_id": ("номер товара — целое число, например 12", "the id of a product is a whole number, such as 12"),
    "below_nothing": ("меньше нуля", "less than nothing"),
    "zero": ("0 ничего не меняет; удалите строку", "0 changes nothing; remove the row"),
    "below_minimum": ("меньше минимума {0}", "less than the minimum {0}"),
    "unknown_product": ("такого товара нет", "there is no such product"),
    "names_differ": (
        "названия в строке ведут к разным товарам: {0}",
        "the names in this row lead to different products: {0}",
    ),
    # lines together, and with what is there
    "sum_too_many": (
        "вместе с другими строками этого товара выходит {0}: больше, чем бывает",
        "together with the other rows of this product it is {0}: more than there can be",
    ),
    "repeated_product": ("тот же товар в строке {0}", "the same product is in row {0}"),
    "no_place": (
        "место называют буквами и цифрами, до 40 знаков, например A-03-2; несколько мест — через «;»",
        "a place is named with letters and digits, 40 at most, such as A-03-2; several are separated by “;”",
    ),
    "repeated_place": ("это место у товара уже есть", "the product has this place already"),
    "too_many_places": ("у товара не больше {0} мест", "a product has at most {0} places"),
    "unknown_store": ("такого магазина нет: нужен его код или номер", "there is no such store: give its code or id"),
    "own_store": ("это тот же магазин, который просит", "it is the store itself that asks"),
    "store_closed": ("магазин, который просит, больше не работает", "the store that asks is out of business"),
    "not_enough": ("нужно {1}, доступно {2}", "{1} wanted, {2} available"),
    "held": (
        "посчитано {1}, а зарезервировано {2}: сначала снимите резерв",
        "{1} were counted, but {2} are reserved: release them first",
    ),
    "moved_since": (
        "после подсчёта ушло больше, чем посчитано: вышло бы {0}",
        "more has gone since the count than was counted: it would be {0}",
    ),
    "corrected_since": (
        "после подсчёта отменили более раннее движение или нашлось потерянное в пути; посчитайте заново",
        "since the count an older movement was undone, or pieces of a transfer were found; count it again",
    ),
    "too_many_on_shelf": ("на полке не бывает столько; проверьте количество", "no shelf holds that many; check it"),
    # rights and our side
    "not_allowed": ("у отправителя нет на это права: {0}", "the sender has no right to do that: {0}"),
    "changing": (
        "эти остатки всё время меняют другие; отправьте документ ещё раз",
        "others keep changing the same stock; send the document again",
    ),
    "broke": ("сбой на нашей стороне: {0}", "something broke on our side: {0}"),
    "crashed": (
        "обработка прерывалась {0} раз подряд; ничего не проведено",
        "the work was cut short {0} times in a row; nothing was posted",
    ),
}


def reason(code: str, detail: str, language: Language) -> str:
    """The sentence for a person; of a detail `2 / 3`, {1} and {2} are the parts."""
    if code not in REASONS:
        assert code in OF_FILES, code
        return reason_of_files(code, detail, language, PARAMETERS)
    sentence = REASONS[code][language == "en"]
    for number, part in enumerate(detail.split(" / ") if "{1}" in sentence else (), start=1):
        sentence = sentence.replace(f"{{{number}}}", part)
    return sentence.replace("{0}", detail)
