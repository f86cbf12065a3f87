"""Why a row or a file is refused, in plain Russian and English.

`{0}` is the problem's detail; of a detail `2 / 3`, `{1}` and `{2}` are the parts. `<ignore>` is an option, as whoever
reads it has to write it: OPTIONS of the command, or PARAMETERS of the API.
"""

from autoshop.catalog.imports.model import MOST_PIECES, MOST_PRICE_KOPECKS, Problem
from autoshop.kit.language import Language

_ROUBLES = f"{MOST_PRICE_KOPECKS // 100:,}".replace(",", " ")
_PIECES = f"{MOST_PIECES:,}".replace(",", " ")

REASONS: dict[str, tuple[str, str]] = {
    # the file
    "empty_file": ("файл пуст", "the file is empty"),
    "too_large": ("файл больше {0} МБ", "the file is larger than {0} MB"),
    "no_rows": ("в файле есть заголовки, но нет строк", "there are headings, but no rows"),
    "too_many_rows": ("строк больше {0}", "more than {0} rows"),
    "too_many_columns": ("столбцов больше {0}", "more than {0} columns"),
    "too_many_brands": (
        "больше {0} новых брендов: похоже, в столбце бренда что-то другое",
        "more than {0} new brands: the brand column seems to hold something else",
    ),
    "too_many_categories": (
        "больше {0} новых категорий: похоже, в столбце категории что-то другое",
        "more than {0} new categories: the category column seems to hold something else",
    ),
    "nul": (
        "нулевой байт: файл повреждён или это не текст (байт {0})",
        "a NUL byte: the file is damaged, or it is no text (byte {0})",
    ),
    "utf16": (
        "файл в кодировке UTF-16; сохраните его как «CSV UTF-8»",
        "the file is UTF-16; save it as “CSV UTF-8”",
    ),
    "broken_utf8": (
        "испорченный UTF-8 (байт {0}); сохраните файл заново как «CSV UTF-8»",
        "broken UTF-8 (byte {0}); save the file anew as “CSV UTF-8”",
    ),
    "unknown_encoding": (
        "кодировка не UTF-8 и не Windows-1251 (байт {0}); сохраните файл как «CSV UTF-8»",
        "the encoding is neither UTF-8 nor Windows-1251 (byte {0}); save the file as “CSV UTF-8”",
    ),
    "not_in_encoding": (
        "текст не в указанной кодировке (байт {0})",
        "the text is not in the encoding that was named (byte {0})",
    ),
    "no_workbook": (
        "книга Excel повреждена или это не книга ({0}); откройте файл в Excel и сохраните как XLSX или CSV",
        "the Excel workbook is damaged or is none ({0}); open the file in Excel and save it as XLSX or CSV",
    ),
    "named_workbook": (
        "это не книга Excel, хотя файл назван {0}; если внутри текст, переименуйте его в .csv",
        "this is no Excel workbook, although the file is named {0}; if it holds text, rename it to .csv",
    ),
    "password": ("книга защищена паролем", "the workbook is protected by a password"),
    "no_sheet": ("в книге нет листа «{0}»", "the workbook has no sheet “{0}”"),
    "unpacks_too_large": (
        "книга слишком велика в распакованном виде ({0}); сохраните лист как CSV",
        "the workbook is too large when unpacked ({0}); save the sheet as CSV",
    ),
    # headings
    "missing_column": ("нет столбца «{0}»", "there is no column “{0}”"),
    "unknown_column": (
        "неизвестный столбец{0}; исправьте название или скажите, что он не нужен (<ignore>)",
        "unknown column{0}; correct its heading, or say that it does not matter (<ignore>)",
    ),
    "above_headings": (
        "выше заголовков (они в строке {0}), а похоже на товар или заголовки; перенесите ниже или удалите",
        "above the headings (they are in row {0}), but like a product or headings; move it below them, or remove it",
    ),
    "headings_here": (
        "в этой строке названия столбцов; всё, что выше, не загружается",
        "the headings are in this row; nothing above it is loaded",
    ),
    "no_headings": (
        "в первых {0} строках нет названий столбцов «Артикул» и «Бренд»",
        "the first {0} rows hold no headings “Article” and “Brand”",
    ),
    "repeated_column": ("то же самое, что столбец «{0}»", "the same as column “{0}”"),
    "unknown_store": ("нет такого магазина; есть {0}", "there is no such store; there are {0}"),
    "which_store": (
        "в каком магазине? Назовите столбец «Остаток {0}» или укажите <store>",
        "in which store? Name the column “stock {0}”, or give <store>",
    ),
    "other_store": (
        "этот магазин указан в <store>, но столбцы остатков названы другими магазинами",
        "<store> names this store, but the columns of stock name others",
    ),
    "not_your_store": ("вы не работаете с этим магазином", "you do not act for that store"),
    "no_cost": ("закупочные цены вам недоступны", "cost prices are not for you to set"),
    # one row
    "fields": (
        "значений в строке {1}, а столбцов {2}: лишний или потерянный разделитель?",
        "{1} values in a row of {2} columns: is a delimiter missing, or one too many?",
    ),
    "no_heading": ("значение в столбце {0}, у которого нет заголовка", "a value in column {0}, which has no heading"),
    "quotes": (
        "кавычки расставлены неверно{0}: открытая кавычка должна закрыться, а внутри значения её пишут дважды",
        "the quotes are wrong{0}: one that opens must close, and within a value it is written twice",
    ),
    "repeated_headings": (
        "названия столбцов ещё раз; удалите строку из файла",
        "the headings once more; remove the row from the file",
    ),
    "totals": (
        "строка итогов, а не товар; удалите её из файла",
        "a line of totals and no product; remove it from the file",
    ),
    "required": ("пусто, а должно быть заполнено", "empty, but must be filled"),
    "too_long": ("длиннее {0} знаков", "longer than {0} characters"),
    "control": ("непечатаемый знак {0}", "an unprintable character {0}"),
    "formula": ("формула вместо значения", "a formula instead of a value"),
    "no_result": (
        "формула без вычисленного значения; откройте и сохраните книгу в Excel",
        "a formula without its value; open and save the workbook in Excel",
    ),
    "cell_error": ("ошибка в ячейке Excel: {0}", "an error in the Excel cell: {0}"),
    "date": (
        "Excel превратил значение в дату; задайте столбцу формат «Текстовый» и впишите значение заново",
        "Excel turned the value into a date; format the column as text, and write the value anew",
    ),
    "boolean": ("ИСТИНА/ЛОЖЬ вместо значения", "TRUE/FALSE instead of a value"),
    "shortened": (
        "Excel сократил длинное число; задайте столбцу формат «Текстовый»",
        "Excel shortened the long number; format the column as text",
    ),
    "no_key": ("нет ни букв, ни цифр", "neither letters nor digits"),
    "not_whole": ("нужно целое число штук, например 12", "must be a whole number of pieces, such as 12"),
    "thousandths": (
        "штуки или тысячи? Уберите дробную часть: формат ячеек «Числовой», 0 знаков",
        "pieces or thousands? Format the column without decimal places",
    ),
    "dash": ("если неизвестно, оставьте пустым; если нет — 0", "leave it empty if unknown; 0 if there are none"),
    "negative_stock": ("остаток не бывает отрицательным", "stock cannot be negative"),
    "too_many_pieces": (f"больше {_PIECES} шт.", f"more than {_PIECES} pieces"),
    "not_money": ("не цена в рублях, например 1234,50", "not a price in roubles, such as 1234.50"),
    "negative_price": ("цена не бывает отрицательной", "a price cannot be negative"),
    "zero_price": (
        "цена 0; если цены нет, оставьте пустым",
        "a price of 0; if there is none, leave it empty",
    ),
    "fine_price": ("мельче копейки", "finer than a kopeck"),
    "absurd_price": (f"больше {_ROUBLES} ₽: тот ли это столбец?", f"more than {_ROUBLES} ₽: is it the right column?"),
    "barcode": (
        "штрихкод: {0} латинских букв, цифр и знаков без пробелов",
        "a barcode has {0} letters, digits and signs without spaces",
    ),
    "check_digit": (
        "неверная контрольная цифра штрихкода",
        "the check digit of the barcode is wrong",
    ),
    "too_many_barcodes": ("больше {0} штрихкодов", "more than {0} barcodes"),
    "ambiguous_category": ("категорий с таким названием несколько", "several categories go by that name"),
    # rows together, and with what is there
    "repeated": (
        "тот же товар, но с другими данными, в строке {0}",
        "the same product, but with other data, is in row {0}",
    ),
    "merged": ("повторяет строку {0}", "repeats row {0}"),
    "barcode_repeated": ("тот же штрихкод в строке {0}", "the same barcode is in row {0}"),
    "barcode_taken": ("это штрихкод товара {0}", "this is a barcode of product {0}"),
    "sku_repeated": ("тот же код в строке {0}", "the same SKU is in row {0}"),
    "sku_taken": ("это код товара {0}", "this is the SKU of product {0}"),
    "nameless": ("нового товара без названия не бывает", "a new product needs a name"),
    "reserved": ("столько не осталось бы: зарезервировано {0}", "too few would be left: {0} are reserved"),
    "stock_differs": (
        "сейчас {0}; остаток не изменён (<set_stock> проводит исправление)",
        "now {0}; left as it is (<set_stock> posts a correction)",
    ),
    # files of crosses and of what fits
    "self_pair": ("артикул связан сам с собой", "the article is linked with itself"),
    "unknown_kind": ("неизвестный вид связи; есть {0}", "unknown kind of link; there are {0}"),
    "unknown_confidence": ("неизвестная достоверность; есть {0}", "unknown confidence; there are {0}"),
    "unknown_vehicle": (
        "нет такой машины; напишите её номер (lada/vesta/i) или марку, модель и поколение",
        "there is no such car; write its id (lada/vesta/i), or make, model and generation",
    ),
    "which_vehicle": ("подходит несколько машин, назовите одну: {0}", "several cars are called so, name one: {0}"),
    "car_says_more": (
        "в названии машины лишнее или непонятное: {0}; двигатель, годы и условия пишут в своих столбцах",
        "not understood, or no part of a car's name: {0}; engine, years and conditions have columns of their own",
    ),
    "unknown_engine": ("у этой машины нет такого двигателя; есть {0}", "that car has no such engine; it has {0}"),
    "unknown_category": (
        "нет такой категории; пишите её код или название (oil_filter, Масляный фильтр)",
        "there is no such category; write its code or name (oil_filter, Oil filter)",
    ),
    "not_a_year": ("нужен год, например 2015", "must be a year, such as 2015"),
    "not_years": ("нужны годы, например 2015–2019 или 2015–", "must be years, such as 2015–2019 or 2015–"),
    "years_backwards": ("годы идут назад: {1}–{2}", "the years run backwards: {1}–{2}"),
    "not_a_quantity": ("нужно число больше нуля, например 4 или 3,5", "must be a number above zero, such as 4 or 3.5"),
    "too_many_sources": (
        "больше {0} источников: похоже, в столбце источника что-то другое",
        "more than {0} sources: the source column seems to hold something else",
    ),
    "source_of_facts": (
        "так называется источник фактов программы; назовите свой иначе",
        "a source of the program's own facts is called so; give yours another name",
    ),
    "fitment_repeated": (
        "то же о той же детали и машине, но с другими данными, в строке {0}",
        "the same part and car, but with other data, is in row {0}",
    ),
    # our side
    "changing": (
        "каталог или остатки всё время меняются; повторите позже",
        "catalogue or stock keep changing; try again later",
    ),
    "broke": ("сбой на нашей стороне: {0}", "something broke on our side: {0}"),
    "crashed": ("загрузка прерывалась {0} раза подряд", "the import was cut short {0} times in a row"),
    "file_gone": ("файл уже удалён; отправьте его снова", "the file is gone; send it again"),
}


# Of a file with all that is wrong.
HEADINGS: dict[Language, tuple[str, ...]] = {
    "ru": ("Строка", "Столбец", "Значение", "Причина", "Вид"),
    "en": ("Row", "Column", "Value", "Reason", "Kind"),
}
OPTIONS = {"<ignore>": "--ignore-column", "<store>": "--store", "<set_stock>": "--set-stock"}
PARAMETERS = {"<ignore>": "ignore=", "<store>": "store=", "<set_stock>": "set_stock=true"}


def reason(code: str, detail: str, language: Language, options: dict[str, str]) -> str:
    """The sentence for a person. `options` is OPTIONS or PARAMETERS."""
    sentence = REASONS[code][language == "en"]
    for mark, option in options.items():
        sentence = sentence.replace(mark, option)
    for number, part in enumerate(detail.split(" / ") if "{1}" in sentence else (), start=1):
        sentence = sentence.replace(f"{{{number}}}", part)
    return sentence.replace("{0}", detail)


def told(problem: Problem, language: Language) -> str:
    """A problem in a line, for the command: where, what, why."""
    words = {"ru": ("строка", "столбец"), "en": ("row", "column")}[language]
    where = [f"{words[0]} {problem.row}"] if problem.row is not None else []
    if problem.column_name:
        where.append(f"{words[1]} «{problem.column_name}»")
    shown = f" «{problem.value}»" if problem.value else ""
    sentence = reason(problem.code, problem.detail, language, OPTIONS)
    return f"{', '.join(where)}:{shown} {sentence}" if where else f"{shown} {sentence}".strip()
