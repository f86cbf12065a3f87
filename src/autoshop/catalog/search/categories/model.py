"""What people call a category, and what a driver complains of: phrases, matched word by word whatever their endings."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from autoshop.kit.facts import FACTS, WrongFact, one_of_each, read, sources

CONFIDENCES: Final = ("high", "medium", "low")
LEAST_SCORE: Final = 0.3  # of a complaint: a third of what it says, or of what was typed, would be by chance
SURE_COMPLAINT: Final = 0.6  # from here on a complaint is believed before a category that a word of it names

# Words that say nothing by themselves, and stems that every complaint may have.
_STOP_WORDS: Final = """
и в во на с со у к ко по за из от до для при под над о об а но или же бы то это как что мой моя мое мои меня
очень сильно иногда постоянно стал стала стало есть раз the a an of for in on with my
"""
_WEAK_STEMS: Final = "двигател мотор движк машин авт автомобил тачк engin car"
_STOP: Final = frozenset(_STOP_WORDS.split())
_WEAK: Final = frozenset(_WEAK_STEMS.split())
_WORD = re.compile(r"[0-9a-zа-я]+")
_ALL_ENDINGS: Final = """
ыми ими ого его ому ему ами ями ает яет ают яют уют ует ет ит ут ют ят ать ять ить еть уть ой ый ий ая яя ое ее ые ие
ую юю ов ев ей ом ем ам ям ах ях ых их ым им ия ию ии ила или ил ь а я о е ы и у ю й
"""
_ENDINGS: Final = tuple(sorted(_ALL_ENDINGS.split(), key=len, reverse=True))
_LEAST_STEM: Final = 3


def stem(word: str) -> str:
    """The part of a word that its forms have in common: свеча, свечей, свечами → свеч; троит, троить, троят → тро.

    Light on purpose: PostgreSQL stems names; this is for a few hundred phrases, and has to be right for those.
    """
    if word.isascii():
        return word[:-1] if len(word) > _LEAST_STEM and word.endswith("s") else word
    for full, short in (("ень", "н"), ("оек", "ойк"), ("ок", "к"), ("ек", "к")):  # vowels that come and go
        if word.endswith(full) and len(word) - len(full) >= _LEAST_STEM - 1 and len(word) > 4:
            return word[: -len(full)] + short
    if word.endswith(("ся", "сь")) and len(word) > 5:
        word = word[:-2]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return word[: -len(ending)]
    return word


def stems_in(text: str) -> list[str]:
    """The stems of a text in order, without words that say nothing. «не» belongs to its word: «не заводится»."""
    stems, no = [], ""
    for word in _words_of(text):
        if word == "не":
            no = "не "
        elif word not in _STOP:
            stems.append(no + stem(word))
            no = ""
    return list(dict.fromkeys(stems))


@dataclass(frozen=True, slots=True)
class CategoryFact:
    """A line of categories.csv. `car_bound`: such a part fits some cars and others not; `no`: its spec says all."""

    code: str
    ru: str
    en: str
    confidence: str
    source: tuple[str, ...]
    synonyms: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    car_bound: Literal["yes", "no"] | None = None


@cache
def facts() -> dict[str, CategoryFact]:
    """What is known of categories, by code. Raises WrongFact for an unknown source or confidence, or a doubled code."""
    folder = FACTS / "parts"
    told_by = sources(folder).known
    known = one_of_each(((one.code, one) for one in read(folder / "categories.csv", CategoryFact)), "category")
    for one in known.values():
        if one.confidence not in CONFIDENCES:
            raise WrongFact(f"categories.csv, {one.code}: confidence is one of {', '.join(CONFIDENCES)}")
        if not one.source:
            raise WrongFact(f"categories.csv, {one.code}: source is empty")
        if strangers := set(one.source) - told_by.keys():
            raise WrongFact(f"categories.csv, {one.code}: sources.csv has no {', '.join(sorted(strangers))}")
    return known


@dataclass(frozen=True, slots=True)
class Category:
    """A category of the shop."""

    id: int
    code: str
    name_ru: str
    name_en: str
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that lead to a category."""

    category_id: int
    text: str
    stems: frozenset[str]
    kind: Literal["name", "symptom"]
    confidence: str | None  # of a fact; the shop's own names have none
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A category that was meant: by which phrase, how surely (1 = all of it), and what of the text it does not use."""

    category_id: int
    phrase: Phrase
    score: float
    left: tuple[str, ...]


class Lexicon:
    """The phrases of a shop's categories, found by any of their stems."""

    def __init__(self, categories: Sequence[Category]) -> None:
        self.categories = {one.id: one for one in categories}
        self.words: set[str] = set()
        self._by_stem: dict[str, list[Phrase]] = {}
        self._children: dict[int | None, list[int]] = {}
        for one in categories:
            self._children.setdefault(one.parent_id, []).append(one.id)
            for phrase in _phrases(one):
                for each in phrase.stems:
                    self._by_stem.setdefault(each, []).append(phrase)
                self.words |= {word for word in _words_of(phrase.text) if len(word) > 2}

    def has(self, word: str) -> bool:
        """Whether a phrase has a form of this word."""
        root = stem(word)
        return root in self._by_stem or f"не {root}" in self._by_stem or word in _STOP

    def with_all_below(self, category_ids: Iterable[int]) -> list[int]:
        """Categories and whatever hangs on them."""
        found: dict[int, None] = {}
        waiting = list(category_ids)
        while waiting:
            one = waiting.pop()
            if one not in found:
                found[one] = None
                waiting += self._children.get(one, ())
        return sorted(found)

    def named_in(self, stems: Sequence[str]) -> list[Hit]:
        """Categories whose whole name is in the text: those with the longest."""
        asked = frozenset(stems)
        whole = [one for one in self._touching(stems, "name") if one.stems <= asked]
        longest = max((len(one.stems) for one in whole), default=0)
        return _best(
            Hit(one.category_id, one, 1.0, tuple(each for each in stems if each not in one.stems))
            for one in whole
            if len(one.stems) == longest
        )

    def beginning(self, stems: Sequence[str]) -> list[Hit]:
        """Categories that are called by all these words and more: «колодки» are front ones and rear ones."""
        asked = frozenset(stems)
        if asked <= _WEAK:
            return []
        return _best(
            Hit(one.category_id, one, len(asked) / len(one.stems), ())
            for one in self._touching(stems, "name")
            if asked <= one.stems
        )

    def begun(self, stems: Sequence[str], last: str) -> list[Hit]:
        """Categories and complaints with these words and one that begins like the last, for whoever is still typing."""
        last = last.replace("ё", "е")
        begins = {each for each in self._by_stem if each.startswith(last) or last.startswith(each)}
        phrases = {id(one): one for each in begins for one in self._by_stem[each] if one.stems.issuperset(stems)}
        whole = (one for one in phrases.values() if any(word.startswith(last) for word in _words_of(one.text)))
        return _best(Hit(one.category_id, one, (len(stems) + 1) / len(one.stems), ()) for one in whole if one.stems)

    def complained_of(self, stems: Sequence[str]) -> list[Hit]:
        """Categories that a complaint leads to, the likeliest first; words such as «двигатель» alone lead nowhere."""
        strong = [one for one in stems if one not in _WEAK]
        if not strong:
            return []
        hits = []
        for one in self._touching(strong, "symptom"):
            needed = one.stems - _WEAK or one.stems
            common = needed.intersection(strong)
            score = len(common) / len(needed) * (len(common) / len(strong))
            if score >= LEAST_SCORE:
                hits.append(Hit(one.category_id, one, round(score, 3), ()))
        return _best(hits)

    def _touching(self, stems: Iterable[str], kind: str) -> list[Phrase]:
        return list(
            {id(one): one for each in stems for one in self._by_stem.get(each, ()) if one.kind == kind}.values()
        )


def _words_of(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("ё", "е"))


def _best(hits: Iterable[Hit]) -> list[Hit]:
    """Each category by its best phrase, the surest first."""
    best: dict[int, Hit] = {}
    for hit in hits:
        if hit.category_id not in best or hit.score > best[hit.category_id].score:
            best[hit.category_id] = hit
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.category_id))


def _phrases(category: Category) -> Iterable[Phrase]:
    """A category's own names, and what is known of one with this code, or, made by an import, with this name."""
    fact = facts().get(category.code) or _facts_by_name().get(frozenset(stems_in(category.name_ru)))
    known = (fact.confidence, fact.source) if fact else (None, ())
    for text in dict.fromkeys((category.name_ru, category.name_en)):
        if stems := frozenset(stems_in(text)):
            yield Phrase(category.id, text, stems, "name", None, ())
    for text in (fact.ru, fact.en, *fact.synonyms) if fact else ():
        yield Phrase(category.id, text, frozenset(stems_in(text)), "name", *known)
    for text in fact.symptoms if fact else ():
        yield Phrase(category.id, text, frozenset(stems_in(text)), "symptom", *known)


@cache
def _facts_by_name() -> dict[frozenset[str], CategoryFact]:
    return {frozenset(stems_in(name)): one for one in facts().values() for name in (*one.synonyms, one.ru)}
