"""Why a product is here, and what a text looks like: a sentence in Russian or English."""

from autoshop.catalog.search.model import Candidate, Change, Match, Shown
from autoshop.kit.language import Language
from autoshop.selection.search.model import Looks, Outcome

_WHY: dict[Match, dict[Language, str]] = {
    "barcode": {"ru": "штрихкод совпадает", "en": "the barcode is the same"},
    "sku": {"ru": "код товара совпадает", "en": "the SKU is the same"},
    "exact": {"ru": "артикул совпадает", "en": "the article is the same"},
    "brand+article": {"ru": "бренд и артикул совпадают", "en": "brand and article are the same"},
    "loose": {
        "ru": "артикул совпадает, если не различать О и 0, I и 1, знак + в конце",
        "en": "the same article but for O and 0, I and 1, a plus at the end",
    },
    "layout": {
        "ru": "артикул совпадает, если переключить раскладку клавиатуры",
        "en": "the same article on the other keyboard layout",
    },
    "other_brand": {"ru": "артикул совпадает, но бренд другой", "en": "the article is the same, the brand is another"},
    "prefix": {"ru": "артикул так начинается", "en": "the article begins so"},
    "suffix": {"ru": "артикул так заканчивается", "en": "the article ends so"},
    "typo": {"ru": "похожий артикул: отличается одним знаком", "en": "a similar article: one character differs"},
    "typo2": {"ru": "похожий артикул: отличается двумя знаками", "en": "a similar article: two characters differ"},
    "brand": {"ru": "товар бренда {brand}", "en": "a product of {brand}"},
    "category": {"ru": "товар этой категории", "en": "a product of this category"},
    "name": {"ru": "все слова есть в названии", "en": "the name has all the words"},
    "fitment": {"ru": "подходит к этой машине", "en": "it fits that car"},
    "fitment_some": {"ru": "подходит к {reason}", "en": "it fits {reason}"},
    "fitment_if": {
        "ru": "подходит к {reason}, но не ко всякой: проверьте год, двигатель и исполнение",
        "en": "it fits {reason}, but not each of them: check the year, the engine and the version",
    },
    "analog": {"ru": "аналог найденного артикула", "en": "an analog of the article that was found"},
}
_CHANGED: dict[str, dict[Language, str]] = {
    "layout": {"ru": "«{typed}» прочитано как «{read_as}»: раскладка", "en": "“{typed}” read as “{read_as}”: layout"},
    "typo": {"ru": "«{typed}» исправлено на «{read_as}»", "en": "“{typed}” corrected to “{read_as}”"},
    "completed": {"ru": "«{typed}» дополнено до «{read_as}»", "en": "“{typed}” completed to “{read_as}”"},
    "ignored": {"ru": "не учтено: «{typed}»", "en": "left out: “{typed}”"},
    "vin": {"ru": "прочитано как {read_as}", "en": "read as {read_as}"},
    "control": {"ru": "убраны невидимые символы", "en": "invisible characters were taken out"},
}
_LOOKS: dict[Looks, dict[Language, str]] = {
    "empty": {
        "ru": "Введите артикул, название, VIN или опишите неисправность",
        "en": "Type an article, a name, a VIN, or what is wrong with the car",
    },
    "short": {"ru": "Одного знака мало: введите хотя бы два", "en": "One character is too little: type two at least"},
    "long": {
        "ru": "Это длинный текст: введите артикул, название или список до 50 артикулов",
        "en": "That is a long text: type an article, a name, or a list of up to 50 articles",
    },
    "signs": {"ru": "Здесь нет ни букв, ни цифр", "en": "There are neither letters nor digits in it"},
    "phone": {
        "ru": "Похоже на номер телефона; артикула с такими цифрами нет",
        "en": "That looks like a phone number; no article has these digits",
    },
    "vin": {"ru": "Похоже на VIN; такого артикула нет", "en": "That looks like a VIN; there is no such article"},
    "barcode": {"ru": "Похоже на штрихкод, но он никому не принадлежит", "en": "A barcode that no product has"},
    "number": {"ru": "Такого номера нет", "en": "There is no such number"},
    "article": {"ru": "Похоже на артикул, но такого нет", "en": "It looks like an article, but there is none"},
    "words": {"ru": "Ничего не нашлось", "en": "Nothing was found"},
}
_FILTERED: dict[Language, str] = {
    "ru": "Найденное не подходит под выбранные условия",
    "en": "What was found is filtered out",
}
_PLUG: dict[Language, str] = {
    "ru": "Это свеча {brand} {code}: здесь её нет, и по коду заменить её нечем",
    "en": "That is the spark plug {brand} {code}: it is not sold here, nor is any that its code proves the same",
}
_SYMPTOM: dict[Language, str] = {
    "ru": "«{phrase}» — возможная причина: {category}",
    "en": "“{phrase}”: a possible cause is {category}",
}
_CATEGORY: dict[Language, str] = {"ru": "так называют: «{phrase}»", "en": "people call it “{phrase}”"}


def why(one: Candidate, shown: Shown, language: Language) -> str:
    """Why a product is in the list."""
    return _WHY[one.match][language].format(brand=shown.brand, reason=one.reason)


def changed(change: Change, language: Language) -> str:
    """What was changed in what was typed."""
    return _CHANGED[change.what][language].format(typed=change.typed, read_as=change.read_as)


def why_category(kind: str, phrase: str, category: str, language: Language) -> str:
    """Why a category is in the answer."""
    return (_SYMPTOM if kind == "symptom" else _CATEGORY)[language].format(phrase=phrase, category=category)


def nothing(outcome: Outcome, language: Language) -> str:
    """What a text looks like that led to no product; or that all its products are filtered out."""
    if outcome.window.candidates:
        return _FILTERED[language]
    if outcome.kind == "plug":
        return _PLUG[language].format(**outcome.facts)
    return _LOOKS[outcome.looks_like][language]
