"""The answer and its chain, in Russian and English."""

from collections.abc import Mapping
from typing import Final

from autoshop.kit.language import Language
from autoshop.selection.crosses.model import Article
from autoshop.selection.fitment.model import Answer, Kind, Link
from autoshop.selection.plugs.texts import FIELDS

ANSWERS: Final[dict[Answer, tuple[str, str]]] = {
    "fits": ("Подходит", "Fits"),
    "does_not_fit": ("Не подходит", "Does not fit"),
    "check": ("Нужно проверить", "Has to be checked"),
}
_LINKS: Final[dict[Kind, tuple[str, str]]] = {
    "fitment": ("{article} подходит к этой машине", "{article} fits this car"),
    "cross": ("{from} ↔ {to}: {how}", "{from} ↔ {to}: {how}"),
    "other_engine": (
        "Известно только для двигателя {engine}",
        "That is known for the engine {engine} alone",
    ),
    "other_years": ("Известно только для {years} годов", "That is known for the years {years} alone"),
    "qualifiers": ("Подходит при условии: {qualifiers}", "It fits on condition: {qualifiers}"),
    "plug": (
        "У двигателя свеча {plug}; эта отличается: {differs}",
        "The engine has the plug {plug}; this one differs in: {differs}",
    ),
    "absent": ("У этой машины такой детали нет", "This car has no such part"),
    "feedback": (
        "Покупатели сообщили: не подошло {not_fitted}, подошло {fitted}",
        "Buyers say: it did not fit {not_fitted} of them, it fitted {fitted}",
    ),
    "unknown": (
        "Данных о том, что деталь подходит к этой машине, нет. Спросите продавца",
        "Nothing is known of this part and this car. Ask a seller",
    ),
}
_SAME_PLUG: Final = (
    "У двигателя свеча {plug}, по размерам и калильному числу такая же",
    "The engine's plug {plug} is the same",
)
_KEPT: Final = ("; оставили себе молча {kept}", "; {kept} kept it without a word")
_HOW: Final[dict[str, tuple[str, str]]] = {
    "supersession": ("новый номер той же детали", "a new number of the same part"),
    "oe": ("номер производителя машины", "the car maker's number"),
    "spec_equal": ("одинаковы по характеристикам", "of the same specification"),
    "analog": ("аналог", "an analog"),
}


def answer(given: Answer, language: Language) -> str:
    """The answer in a word or two."""
    return ANSWERS[given][language == "en"]


def link(one: Link, articles: Mapping[int, Article], language: Language) -> str:
    """A step of the chain, in a sentence."""
    pair = _SAME_PLUG if one.kind == "plug" and not one.facts["differs"] else _LINKS[one.kind]
    facts = {
        key: _named(int(value), articles) if key in ("from", "to", "article") else value
        for key, value in one.facts.items()
    }
    if facts.get("differs"):
        facts["differs"] = ", ".join(FIELDS[language][field] for field in one.facts["differs"].split(", "))
    if "how" in facts:
        facts["how"] = _HOW[facts["how"]][language == "en"]
    more = _KEPT[language == "en"] if facts.get("kept", "0") != "0" else ""
    return (pair[language == "en"] + more).format(**facts)


def _named(number: int, articles: Mapping[int, Article]) -> str:
    one = articles.get(number)
    return f"{one.brand} {one.article}".strip() if one is not None else f"№ {number}"
