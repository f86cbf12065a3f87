"""Rows of a file of crosses, made lines for COPY: the hot loop of an import of millions.

Articles repeat, mostly soon after each other: what was read lately is remembered, and not sent again.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from autoshop.catalog.imports.columns import Columns
from autoshop.catalog.imports.model import Problem, error
from autoshop.catalog.imports.rows import Names, Wrong
from autoshop.catalog.imports.workbook import Odd, shown
from autoshop.kit.facts import Confidence
from autoshop.kit.text import article_key, name_key
from autoshop.selection.crosses.columns import CONFIDENCES, KINDS, NEEDED
from autoshop.selection.crosses.model import Kind
from autoshop.selection.plugs.coding import brand_named, read
from autoshop.selection.plugs.facts import facts
from autoshop.selection.plugs.model import Spec, compare

MOST_BRANDS = 5_000  # new ones in one file; more is another column
LONGEST_ARTICLE, LONGEST_BRAND = 60, 100
REMEMBERED = 150_000


class WrongCell(Wrong):
    """A cell that cannot be read, and where it stands."""

    def __init__(self, code: str, position: int, value: str, detail: object = "") -> None:
        self.position, self.value = position, value
        super().__init__(code, detail)


def text_of(cells: Sequence[str | Odd], position: int) -> str:
    """A cell as plain text. Line ends and no-break spaces become spaces; what holds no text is refused."""
    cell = cells[position]
    if isinstance(cell, Odd):
        raise WrongCell(cell.code, position, cell.shown, cell.shown)
    if cell.isprintable():
        return cell.strip()
    text = " ".join(cell.replace("\u200b", "").replace("\ufeff", "").replace("\u00ad", "").split())
    strange = next((sign for sign in text if not sign.isprintable()), None)
    if strange is not None:
        raise WrongCell("control", position, text, f"U+{ord(strange):04X}")
    return text


class PlugPairs:
    """The checker for pairs of spark plugs, with what was read of each code remembered."""

    def __init__(self) -> None:
        self._specs: dict[tuple[str, str], tuple[bool, Spec | None]] = {}

    def verdict(self, brand: str, article: str, other_brand: str, other_article: str) -> str | None:
        """What the checker says of two codes of plug makers; None where neither is a plug as far as anybody knows."""
        is_plug, spec = self._spec(brand, article)
        other_is_plug, other_spec = self._spec(other_brand, other_article)
        return compare(spec, other_spec).verdict if is_plug or other_is_plug else None

    def _spec(self, brand: str, article: str) -> tuple[bool, Spec | None]:
        known = self._specs.get((brand, article))
        if known is None:
            readings = read(article, brand)
            known = bool(readings), readings[0].spec if readings else None
            if len(self._specs) >= REMEMBERED:
                self._specs.clear()
            self._specs[brand, article] = known
        return known


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of the file as lines for COPY: articles that were not told lately, and pairs of their prints.

    With `ends_chunk`, whatever comes later tells its articles anew.
    """

    rows: int
    articles: list[str]
    pairs: list[str]
    problems: list[Problem]
    ends_chunk: bool


class _Article(NamedTuple):
    """An article that was read: its print, how it is spelt, and the maker of plugs that its brand is."""

    print: str
    article: str
    maker: str | None


class RowParser:
    """Makes lines for COPY of rows. An article is known by its print, a hash of brand and key with a salt.

    Two articles of one print would be found when all have been read (loading.py), and read again with another salt.
    """

    def __init__(
        self,
        columns: Columns,
        brands: dict[str, int | None],
        makers: dict[int, str],
        kind: Kind,
        confidence: Confidence,
        source_id: int,
    ) -> None:
        self.columns = columns
        self.brands = Names(brands, MOST_BRANDS, "too_many_brands")
        self.tags: dict[tuple[str, str, int, str | None], int] = {}  # kind, confidence, source, verdict → its number
        self.source_id = source_id
        self._kind: str = "oe" if columns.fields.get("oe_article") == columns.fields.get("other_article") else kind
        self._confidence: str = confidence
        self._makers = makers
        self._salt = secrets.randbits(60)
        self._numbers: dict[str, int] = {}  # brand as written → its number
        self._makers_of: dict[int, str | None] = {}
        self._kinds: dict[str, str] = {"": self._kind}
        self._confidences: dict[str, str] = {"": confidence}
        self._prints: dict[tuple[str, str], _Article] = {}  # lately, by brand and article as written
        self._told = 0
        self.added_brands: dict[int, int] = {}  # their numbers → ids, once they are in the catalogue
        self._pairs = PlugPairs()
        at = columns.fields
        self._at = [at.get(field, -1) for field in (*NEEDED, "kind", "confidence")]
        self._says_more = any(position >= 0 for position in self._at[len(NEEDED) :])

    def batches(
        self, rows: Iterable[tuple[int, Sequence[str | Odd] | Exception]], size: int, chunk: int
    ) -> Iterator[Batch]:
        """All rows, `size` at a time, and after each `chunk` (a multiple of it) as if they were another file's."""
        articles: list[str] = []
        pairs: list[str] = []
        problems: list[Problem] = []
        count = total = 0
        for row, cells in rows:
            try:
                if isinstance(cells, Exception):
                    problems.append(error(row, "", "", "quotes", str(cells)))
                elif (pair := self._pair(row, cells, articles)) is not None:
                    pairs.append(pair)
                else:
                    continue
            except WrongCell as wrong:
                heading = self.columns.header[wrong.position] if wrong.position >= 0 else ""
                problems.append(error(row, heading, wrong.value, wrong.code, wrong.detail))
            count += 1
            if count >= size:
                total += count
                if total % chunk == 0:
                    self._prints.clear()
                yield Batch(count, articles, pairs, problems, total % chunk == 0)
                articles, pairs, problems, count = [], [], [], 0
        yield Batch(count, articles, pairs, problems, True)

    def _pair(self, row: int, cells: Sequence[str | Odd], articles: list[str]) -> str | None:
        """The pair of a row, or None for an empty one; articles not seen lately are added. Raises WrongCell."""
        at_brand, at_article, at_other_brand, at_other_article, at_kind, at_confidence = self._at
        if len(cells) > self.columns.width:
            self._refuse_more(cells)
        try:
            one = self._prints.get((cells[at_brand], cells[at_article]))  # type: ignore[arg-type]
            two = self._prints.get((cells[at_other_brand], cells[at_other_article]))  # type: ignore[arg-type]
        except IndexError:
            one = two = None
        if one is None or two is None:
            if not any(shown(cell).strip() for cell in cells):
                return None
            if len(cells) < self.columns.width:
                raise WrongCell("fields", -1, shown(cells[-1]), f"{len(cells)} / {self.columns.width}")
            one = one or self._read(cells, at_brand, at_article, articles)
            two = two or self._read(cells, at_other_brand, at_other_article, articles)
        if one.print == two.print:
            raise WrongCell("self_pair", at_other_article, two.article)
        kind, confidence = self._kind, self._confidence
        if self._says_more:
            kind = self._named(self._kinds, KINDS, "unknown_kind", cells, at_kind)
            confidence = self._named(self._confidences, CONFIDENCES, "unknown_confidence", cells, at_confidence)
        verdict = None
        if one.maker is not None and two.maker is not None:
            verdict = self._pairs.verdict(one.maker, one.article, two.maker, two.article)
        mark = kind, confidence, self.source_id, verdict
        tag = self.tags.get(mark)
        if tag is None:
            tag = self.tags[mark] = len(self.tags)
        # of `oe`, the car maker's number comes first
        return f"{two.print}\t{one.print}\t{tag}" if kind == "oe" else f"{one.print}\t{two.print}\t{tag}"

    def _refuse_more(self, cells: Sequence[str | Odd]) -> None:
        """Cells without a heading: a delimiter within an article has moved all that come after it."""
        width = self.columns.width
        if any(shown(cell).strip() for cell in cells[width:]):
            raise WrongCell("fields", -1, shown(cells[-1]), f"{len(cells)} / {width}")

    def _read(self, cells: Sequence[str | Odd], at_brand: int, at_article: int, articles: list[str]) -> "_Article":
        """A brand and article that were not read lately, told to the database."""
        written = cells[at_article]
        article = written.strip() if type(written) is str and written.isprintable() else text_of(cells, at_article)
        number = self._numbers.get(cells[at_brand]) or self._number(cells, at_brand)  # type: ignore[arg-type]
        key = article_key(article)
        if not key or len(article) > LONGEST_ARTICLE:
            code = "too_long" if len(article) > LONGEST_ARTICLE else "no_key" if article else "required"
            raise WrongCell(code, at_article, article, LONGEST_ARTICLE)
        read = _Article(str(hash(f"{self._salt} {number} {key}")), article, self._makers_of[number])
        if len(self._prints) >= REMEMBERED:
            self._prints.clear()
        self._prints[cells[at_brand], written] = read  # type: ignore[index]
        printed = article.replace("\\", "\\\\") if "\\" in article else article
        articles.append(f"{self._told}\t{read.print}\t{number}\t{key}\t{printed}")
        self._told += 1
        return read

    def _number(self, cells: Sequence[str | Odd], position: int) -> int:
        written = cells[position]
        known = self._numbers.get(written)  # type: ignore[arg-type]
        if known is not None:
            return known
        name = text_of(cells, position)
        if not name or len(name) > LONGEST_BRAND:
            raise WrongCell("too_long" if name else "required", position, name, LONGEST_BRAND)
        try:
            number = self.brands.number(name)
        except Wrong as wrong:
            raise WrongCell(wrong.code, position, name) from None
        self._makers_of[number] = self._makers.get(number) or _plug_maker(name)
        if len(self._numbers) >= REMEMBERED:
            self._numbers.clear()
        self._numbers[shown(written)] = number
        return number

    def _named(
        self,
        remembered: dict[str, str],
        known: Mapping[str, str],
        code: str,
        cells: Sequence[str | Odd],
        position: int,
    ) -> str:
        """What a cell names, or what is meant where it is empty. Raises WrongCell."""
        written = shown(cells[position]) if position >= 0 else ""
        found = remembered.get(written) or (known.get(name_key(written)) if written.strip() else remembered[""])
        if found is None:
            raise WrongCell(code, position, written, ", ".join(dict.fromkeys(known.values())))
        if len(remembered) < REMEMBERED:
            remembered[written] = found
        return found


def _plug_maker(brand: str) -> str | None:
    """The name under which the plug facts know a brand whose codes can be read."""
    maker = brand_named(brand)
    return maker if maker is not None and facts().brands[maker].decodes == "yes" else None
