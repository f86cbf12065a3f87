"""How a text is read: as a code, as articles, as a brand, as a category or complaint, as words of names; in this order.

What is certain comes first: an article that is there is never taken for a phone number. Each step asks a few short
statements; the first that has an answer ends the search.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoshop.catalog.brands import service as brands
from autoshop.catalog.search.articles import service as articles
from autoshop.catalog.search.articles.model import MOST_LINES, articles_in, lines_in, looks_like_article
from autoshop.catalog.search.articles.service import Reading
from autoshop.catalog.search.categories import service as categories
from autoshop.catalog.search.categories.model import SURE_COMPLAINT, Hit, Lexicon, stem, stems_in
from autoshop.catalog.search.model import Candidate, Change, Position, Window, in_order
from autoshop.catalog.search.names import service as names
from autoshop.catalog.search.names.model import Word
from autoshop.kit.db import Connection
from autoshop.selection.search import cars, hooks
from autoshop.selection.search.model import Filters, Kind, Line, Outcome, Shape, shape_of

FEW_LINES = 3
MOST_ANALOGS_OF = 20
NOT_TO_BE_SEARCHED = ("empty", "short", "long", "signs")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a text of a shape, narrowed down, from a place in the list on."""

    shape: Shape
    filters: Filters
    after: Position | None

    def answer(self, kind: Kind, window: Window | None = None) -> Outcome:
        shape = self.shape
        return Outcome(kind, shape.looks_like, shape.text, window or Window(), shape.changes, vin=shape.vin)


async def find(db: Connection, typed: str, filters: Filters, after: Position | None) -> Outcome:
    """The best reading of a text, with the products that answer it."""
    question = Question(shape_of(typed), filters, after)
    shape = question.shape
    if shape.looks_like in NOT_TO_BE_SEARCHED:
        return question.answer("nothing")
    lines = lines_in(shape.text)
    if sum(any(c.isdigit() for c in line) for line in lines) > 1:
        several = await _several(db, question, lines)
        if several.window.candidates or after or len(lines) > FEW_LINES or "\n" in shape.text:
            return several  # else it is a sentence: «масло 5w-40, 4 л»
    ways = (await articles.readings(db, [shape.text]))[shape.text]
    if (found := await _article(db, question, ways)) is not None:
        return found
    if shape.vin is not None:
        return question.answer("vin")
    if (hinted := await _hinted(db, question, hooks.READERS)) is not None:
        return hinted
    if shape.looks_like == "phone":
        return question.answer("phone")
    if (found := await _brand(db, question)) is not None:
        return found
    if looks_like_article(shape.text):
        if (window := await articles.near(db, ways, after)).candidates:
            return _changed(question.answer("article", window), window.changes)
        if (hinted := await _hinted(db, question, hooks.LAST_READERS)) is not None:
            return hinted
        ways = []
    outcome = await _mixed(db, question) or await _words(db, question, ways)
    if outcome.kind == "unknown" and (car := cars.car_among(shape.text)) is not None:
        facts, other_words = car
        return replace(outcome, kind="vehicle", facts=facts, changes=(Change("ignored", other_words, ""),))
    return outcome


async def _hinted(db: Connection, question: Question, readers: Sequence[hooks.Reader]) -> Outcome | None:
    """What the first reader says that knows the text."""
    for read in readers:
        if (hint := await read(db, question.shape.text)) is not None:
            known = question.answer(hint.kind, Window(in_order(list(hint.candidates), question.after)))
            return replace(known, facts=hint.facts, categories=hint.categories)
    return None


async def _article(db: Connection, question: Question, ways: list[Reading]) -> Outcome | None:
    """An article, barcode or SKU that is there; then what replaces it, then what begins like it."""
    text, after = question.shape.text, question.after
    codes = await articles.by_codes(db, text)
    exact = codes + (await articles.exactly(db, {text: ways}))[text]
    if not exact:
        return None
    product_ids = list(dict.fromkeys(one.product_id for one in in_order(exact)))[:MOST_ANALOGS_OF]
    analogs = [one for ask in hooks.ANALOGS for one in await ask(db, product_ids)]
    like = await articles.near(db, ways, after) if not codes else Window()
    found = in_order([*exact, *analogs, *like.candidates], after)
    kind: Kind = "article" if not codes else "barcode" if codes[0].match == "barcode" else "sku"
    brand_ids = tuple(dict.fromkeys(way.brand_id for way in ways if way.brand_id is not None))
    outcome = question.answer(kind, Window(found, like.more, like.endless))
    return replace(_changed(outcome, _of_layout(exact, ways)), brand_ids=brand_ids)


def _of_layout(exact: Sequence[Candidate], ways: list[Reading]) -> tuple[Change, ...]:
    if any(one.match == "layout" for one in exact):
        switched = next((one.layout for way in ways for one in way.spellings if one.layout), None)
        return (Change("layout", ways[0].text, switched),) if switched else ()
    return ()


async def _several(db: Connection, question: Question, lines: list[str]) -> Outcome:
    """Articles that were pasted at once: each with its products, in the order in which they were written."""
    asked = lines[:MOST_LINES]
    exact = await articles.exactly(db, await articles.readings(db, asked))
    found = tuple(Line(line, tuple(one.product_id for one in exact[line])) for line in asked)
    candidates = [replace(one, line=number) for number, line in enumerate(asked) for one in _surest(exact[line])]
    left = lines[MOST_LINES:]
    changes = (Change("ignored", ", ".join(left)[:200], ""),) if left else ()
    outcome = question.answer("articles", Window(in_order(candidates, question.after)))
    return replace(_changed(outcome, changes), lines=found)


def _surest(found: list[Candidate]) -> list[Candidate]:
    """Without those that are only alike, where something is the same."""
    same = [one for one in found if one.match in ("exact", "brand+article")]
    return same or found


async def _brand(db: Connection, question: Question) -> Outcome | None:
    """A brand alone: its products in the order of articles."""
    found = await brands.ids_of(db, [question.shape.text])
    if not found:
        return None
    [brand_id] = found.values()
    window = await articles.of_brand(db, brand_id, question.after)
    return replace(question.answer("brand", window), brand_ids=(brand_id,))


async def _mixed(db: Connection, question: Question) -> Outcome | None:
    """Articles among other words: «свеча bpr6es-11 на приору»."""
    text = question.shape.text
    named = articles_in(text)
    if not named or named == [text]:
        return None
    exact = await articles.exactly(db, await articles.readings(db, named))
    found = [word for word in named if exact[word]]
    if not found:
        return None
    if len(found) > 1:
        return await _several(db, question, found)
    rest = " ".join(word for word in text.split() if word != found[0])
    outcome = question.answer("article", Window(in_order(exact[found[0]], question.after)))
    return _changed(outcome, (Change("ignored", rest, ""),))


async def _words(db: Connection, question: Question, ways: list[Reading]) -> Outcome:
    """Words: a category or a complaint, if they are one, else words of names, else the beginning of an article.

    `ways`: to read it as an article, where that was not tried yet.
    """
    lexicon = await categories.lexicon(db)
    words, changes = await names.understand(db, question.shape.text, lexicon)
    words_of = _Words(db, question, lexicon, words)
    outcome = await words_of.read()
    if outcome is None and " " not in question.shape.text:
        window = await articles.near(db, ways, question.after)
        if window.candidates:
            return _changed(question.answer("article", window), window.changes)
    if outcome is None:
        outcome = question.answer("barcode" if question.shape.looks_like == "barcode" else "unknown")
    return _changed(outcome, changes)


def _changed(outcome: Outcome, changes: tuple[Change, ...]) -> Outcome:
    return replace(outcome, changes=(*outcome.changes, *changes))


class _Words:
    """Words that were understood, on their way to products."""

    def __init__(self, db: Connection, question: Question, lexicon: Lexicon, words: list[Word]) -> None:
        self.db, self.question, self.lexicon, self.words = db, question, lexicon, words
        self.brand_ids = tuple(dict.fromkeys(word.brand_id for word in words if word.brand_id is not None))
        self.stems = stems_in(" ".join(word.read_as for word in words if word.brand_id is None))

    async def read(self) -> Outcome | None:
        named, complaints = self.lexicon.named_in(self.stems), self.lexicon.complained_of(self.stems)
        if named and not named[0].left:
            return await self._category(named)
        if complaints and complaints[0].score >= SURE_COMPLAINT:
            return replace(self.question.answer("symptom"), categories=tuple(complaints))
        if named:
            return await self._category(named)
        window = await self._find(self.words)
        begun = self.lexicon.beginning(self.stems) if not self.brand_ids else []
        if window.candidates or self.question.after:
            outcome = replace(self.question.answer("name", window), categories=tuple(begun))
            return replace(outcome, brand_ids=self.brand_ids)
        if begun:
            return await self._category(begun)
        if complaints:
            return replace(self.question.answer("symptom"), categories=tuple(complaints))
        return await self._fewer()

    async def _category(self, hits: list[Hit]) -> Outcome:
        """Products of categories: of a brand, or with other words too, if any have them; then others of that name."""
        ids = self.lexicon.with_all_below(hit.category_id for hit in hits)
        used = {each for hit in hits for each in hit.phrase.stems}
        left = [
            word for word in self.words if word.brand_id is None and word.lexemes and stem(word.read_as) not in used
        ]
        outcome = replace(self.question.answer("category"), categories=tuple(hits), brand_ids=self.brand_ids)
        if left or self.brand_ids:
            window = await self._find(left, ids)
            if window.candidates or self.question.after:
                return replace(outcome, window=window)
            outcome = _changed(outcome, (Change("ignored", " ".join(word.typed for word in left), ""),) if left else ())
        return replace(outcome, window=await self._whole_category(ids))

    async def _whole_category(self, ids: list[int]) -> Window:
        filters, after = self.question.filters, self.question.after
        if filters.brand_id is not None or filters.category_id is not None or self.brand_ids:
            return await self._find([], ids)
        of_category = Window()
        if after is None or after[0] == Candidate(0, "category").position[0]:
            of_category = await names.of_categories(self.db, ids, after)
        if of_category.more:
            return of_category
        others = await names.find(self.db, self.words, but_not_of=ids, after=after)
        return Window(in_order([*of_category.candidates, *others.candidates], after), others.more)

    async def _find(self, words: Sequence[Word], category_ids: Sequence[int] = ()) -> Window:
        filters = self.question.filters
        wanted = list(category_ids)
        if filters.category_id is not None:
            below = self.lexicon.with_all_below([filters.category_id])
            wanted = [one for one in below if one in category_ids] if category_ids else below
            if not wanted:
                return Window()
        brand_ids = [filters.brand_id] if filters.brand_id is not None else self.brand_ids if category_ids else []
        return await names.find(self.db, words, brand_ids=brand_ids, category_ids=wanted, after=self.question.after)

    async def _fewer(self) -> Outcome | None:
        """Nothing has all the words: those that names have, without sizes and numbers; what was left out is told."""
        kept = [word for word in self.words if word.known and word.lexemes and not word.typed[0].isdigit()]
        if not kept or len(kept) == len(self.words):
            return None
        window = await self._find(kept)
        if not window.candidates:
            return None
        ignored = " ".join(word.typed for word in self.words if word not in kept)
        outcome = replace(self.question.answer("name", window), brand_ids=self.brand_ids)
        return _changed(outcome, (Change("ignored", ignored, ""),))
