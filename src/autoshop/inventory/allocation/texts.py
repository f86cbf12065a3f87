"""The words for an allocation: why these stores, why not those, in Russian and English."""

from autoshop.inventory.allocation.model import Reason, Rule
from autoshop.kit.language import Language

_RULES: dict[Language, dict[Rule, str]] = {
    "ru": {
        "wished_store": "Всё есть в выбранном магазине, везти ничего не нужно",
        "one_store": "В выбранном магазине есть не всё; всё разом приедет из одного магазина",
        "fewest_stores": "Всего сразу нет ни в одном магазине; заказ собран из наименьшего числа магазинов",
    },
    "en": {
        "wished_store": "The chosen store has everything: nothing has to be brought",
        "one_store": "The chosen store has not everything; all of it comes from one other store",
        "fewest_stores": "No store has everything; it comes from as few stores as possible",
    },
}
_NOT_EXACT: dict[Language, str] = {
    "ru": "Вариантов слишком много, чтобы проверить все: возможно, хватило бы и меньшего числа магазинов",
    "en": "There are too many ways to look at them all: fewer stores might have done",
}
_REASONS: dict[Language, dict[Reason, str]] = {
    "ru": {
        "at_wished_store": "лежит в выбранном магазине",
        "has_all": "есть всё, и раньше не привезёт никто",
        "completes": "вместе с другими даёт полный заказ",
        "not_needed": "не понадобился",
        "later": "есть всё, но привезут позже",
        "less_stock": "есть всё, к тому же сроку, но запас не больше",
        "lacks": "есть не всё",
        "no_way": "оттуда ничего не ходит: нет рабочих дней",
        "closed": "магазин закрыт",
    },
    "en": {
        "at_wished_store": "lies at the chosen store",
        "has_all": "has everything, and nobody brings it earlier",
        "completes": "completes the order together with others",
        "not_needed": "was not needed",
        "later": "has everything, but it would come later",
        "less_stock": "has everything for the same time, but no more stock",
        "lacks": "has not everything",
        "no_way": "nothing comes from there: it has no open days",
        "closed": "is out of business",
    },
}


def rule_text(rule: Rule, exact: bool, language: Language = "ru") -> str:
    """Why it was chosen so, in a sentence or two."""
    return _RULES[language][rule] + ("" if exact else f". {_NOT_EXACT[language]}")


def reason_text(reason: Reason, language: Language = "ru") -> str:
    """Why a store was taken, or was not."""
    return _REASONS[language][reason]
