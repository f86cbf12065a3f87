"""From a kept document to its end: checked, then posted in one transaction, or refused with every reason.

May be begun twice, and by two workers: the row of the document is held while it is posted, so one of them finds it
done. A worker that dies leaves nothing behind but a document that another takes up again.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from autoshop.inventory.levels.model import LevelsRefused, Wanted
from autoshop.inventory.levels.service import set_levels
from autoshop.inventory.movements.model import BatchRefused, Movement, TooManyPieces, UnknownProduct
from autoshop.inventory.movements.model import Line as LedgerLine
from autoshop.inventory.movements.service import post_lines
from autoshop.inventory.movements.store import open_places
from autoshop.inventory.reservations.store import lock_places
from autoshop.inventory.transfers.model import StoreClosed
from autoshop.kit.db import BUSY, Connection, Pool, is_gone, transaction
from autoshop.kit.errors import Forbidden, Refusal
from autoshop.warehouse.documents import store
from autoshop.warehouse.documents.checking import Read, read_lines, shown_name, sums_of, twice_named
from autoshop.warehouse.documents.goods import store as goods
from autoshop.warehouse.documents.model import (
    MOST_ATTEMPTS,
    MOVEMENT_TYPES,
    NEEDS,
    Document,
    Problem,
    totals_of,
)
from autoshop.warehouse.documents.places import places_of_products, set_places
from autoshop.warehouse.documents.requests import request_all, senders_of

TRIES = 3


class Wrong(Exception):
    """The document cannot be posted; `problems` says why, all at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems
        super().__init__(len(problems))


class _Taken(Exception):
    """Somebody else posts it, or it has ended."""


async def carry_out(pool: Pool, document_id: int) -> None:
    """Check and post a document that waits; nothing happens where it has ended, or somebody is posting it."""
    async with transaction(pool) as db:
        document = await store.lock(db, document_id, wait=False)
        if document is None or document.finished_at is not None:
            return
        await store.begin(db, document_id)
    try:
        if document.attempt >= MOST_ATTEMPTS:
            raise Wrong([Problem(None, "", "", "crashed", str(MOST_ATTEMPTS))])
        await _do(pool, document)
    except _Taken:
        return
    except Wrong as wrong:
        await _refuse(pool, document, wrong.problems)
    except BUSY:  # somebody else holds the document: should he not end it, it is taken up again
        return
    except Exception as broken:
        if not is_gone(broken):  # else whoever takes it up again begins anew
            await _refuse(pool, document, [Problem(None, "", "", "broke", type(broken).__name__)])
        raise


async def _do(pool: Pool, document: Document) -> None:
    work = _Work(pool, document)
    await work.check()
    for tries_left in reversed(range(TRIES)):
        try:
            await work.post()
            return
        except BUSY as busy:
            if not tries_left:
                raise Wrong([Problem(None, "", "", "changing")]) from busy
            await asyncio.sleep(0.5)


async def _refuse(pool: Pool, document: Document, problems: Sequence[Problem]) -> None:
    """Nothing was posted; every reason is kept."""
    named = [one._replace(column_name=document.headings.get(one.column_name, one.column_name)) for one in problems]
    totals = totals_of(document.lines_total, (), 0, len(problems))
    async with transaction(pool, unhurried=True) as db:
        now = await store.lock(db, document.id)
        if now is None or now.finished_at is not None:
            return
        await store.keep_problems(db, document.id, named)
        await store.finish(db, document.id, "refused", totals, document.lines_total)
        await store.tell(db, document, "refused", totals)


class _Work:
    """One document on its way."""

    def __init__(self, pool: Pool, document: Document) -> None:
        self.pool, self.document, self.kind = pool, document, document.kind
        self.caller = document.caller
        self.products: dict[int, int] = {}  # line → product
        self.lines_of: dict[int, list[Read]] = {}  # product → lines

    async def check(self) -> None:
        """Everything that can be known before places are locked. Raises Wrong with all of it."""
        self._must_be_allowed()
        async with self.pool.acquire() as db:
            lines = await store.lines(db, self.document.id)
            self.read, problems = read_lines(self.kind, lines)
            found = await goods.products(db, [one.named for one in self.read])
        for one in self.read:
            ways = found.get(one.line.number, {})
            if len(set(ways.values())) == 1:
                self.products[one.line.number] = next(iter(ways.values()))
            elif ways:
                told = ", ".join(f"{by} → {product_id}" for by, product_id in sorted(ways.items()))
                problems.append(Problem(one.line.row, "", shown_name(one.line), "names_differ", told))
            else:
                problems.append(Problem(one.line.row, "", shown_name(one.line), "unknown_product"))
        known = [one for one in self.read if one.line.number in self.products]
        if self.kind == "levels":
            problems += twice_named(known, self.products)
        elif self.kind == "places":
            self.places, more = places_of_products(known, self.products)
            problems += more
        elif self.kind == "requests":
            async with self.pool.acquire() as db:
                self.senders, more = await senders_of(db, self.document, known)
            problems += more + sums_of(self.kind, known, self.products)[1]
        else:
            self.sums, more = sums_of(self.kind, known, self.products)
            problems += more
        if problems:
            raise Wrong(problems)
        for one in known:
            self.lines_of.setdefault(self.products[one.line.number], []).append(one)
        await store.tell_state(self.pool, self.document.id, "posting", len(lines))

    def _must_be_allowed(self) -> None:
        """With the rights that the sender had."""
        try:
            self.caller.must(NEEDS[self.kind])
            self.caller.must_act_for(self.document.store_id)
        except Forbidden as forbidden:
            raise Wrong([Problem(None, "", "", "not_allowed", forbidden.detail)]) from forbidden

    async def post(self) -> None:
        """All of it in one transaction, the end of the document with it. What others may wait for comes last."""
        document = self.document
        async with transaction(self.pool, unhurried=True) as db:
            held = await store.lock(db, document.id, wait=False)
            if held is None or held.finished_at is not None:
                raise _Taken
            pieces = [None if self.kind == "places" else one.quantity for one in self.read]
            kept = [
                (one.line.number, self.products[one.line.number], count)
                for one, count in zip(self.read, pieces, strict=True)
            ]
            await store.keep_products(db, document.id, kept)
            movements, transfers = await self._carry_out(db)
            await store.keep_movements(db, document.id, {one.product_id: one.id for one in movements})
            deltas = [one.delta for one in movements]
            totals = totals_of(document.lines_total, deltas, len(movements), transfers=transfers)
            totals["products"] = len(set(self.products.values()))
            await store.finish(db, document.id, "done", totals, document.lines_total)
            await store.tell(db, document, "done", totals)

    async def _carry_out(self, db: Connection) -> tuple[list[Movement], int]:
        """What the kind is about: the movements that came of it, and how many transfers."""
        if self.kind == "levels":
            return await self._set_levels(db), 0
        if self.kind == "places":
            if problems := await set_places(db, self.document, self.places):
                raise Wrong(problems)
            return [], 0
        if self.kind == "requests":
            return [], await self._request(db)
        return await self._move(db), 0

    async def _request(self, db: Connection) -> int:
        try:
            return await request_all(db, self.document, self.read, self.products, self.senders)
        except StoreClosed as closed:
            raise Wrong([Problem(None, "", "", "store_closed")]) from closed
        except UnknownProduct as refused:  # it went while we looked
            raise Wrong([Problem(None, "", str(refused.facts["product_id"]), "unknown_product")]) from refused

    async def _set_levels(self, db: Connection) -> list[Movement]:
        rows = [
            Wanted(self.products[one.line.number], self.document.store_id, one.quantity, one.maximum)
            for one in self.read
        ]
        try:
            await set_levels(db, self.caller, rows, f"document {self.document.id}")
        except LevelsRefused as refused:  # a product went while we looked
            told = [Problem(None, "", "", "unknown_product") for _ in refused.facts["lines"]]
            raise Wrong(told) from refused
        return []

    async def _move(self, db: Connection) -> list[Movement]:
        deltas = await self._corrections(db) if self.kind == "set" else self.sums
        reasons = self._reasons()
        lines = [
            LedgerLine(
                product_id,
                self.document.store_id,
                MOVEMENT_TYPES[self.kind],
                delta,
                self.caller.actor,
                self.document.name,
                reasons.get(product_id),
            )
            for product_id, delta in deltas.items()
            if delta
        ]
        if not lines:
            return []
        try:
            return await post_lines(db, lines)
        except TooManyPieces as refused:
            raise Wrong([Problem(None, "", "", "too_many_on_shelf")]) from refused
        except BatchRefused as refused:
            raise Wrong(self._named(refused.facts["lines"], lines)) from refused
        except Refusal as refused:  # of a single line
            raise Wrong(self._named([{"line": 0, **refused.facts}], lines)) from refused

    async def _corrections(self, db: Connection) -> dict[int, int]:
        """By how much each shelf differs from its count. What came or went since the count is not taken back."""
        store_id = self.document.store_id
        places = [(product_id, store_id) for product_id in self.sums]
        await open_places(db, [place for place in places if self.sums[place[0]]])
        await lock_places(db, places)
        shelves = await goods.shelves(db, store_id, list(self.sums), self.document.counted_at)
        problems, deltas = [], {}
        for product_id, counted in self.sums.items():
            shelf = shelves[product_id]
            should_be = counted + shelf.moved
            if shelf.is_doubtful:
                problems += self._told(product_id, "corrected_since", "")
            elif should_be < 0:
                problems += self._told(product_id, "moved_since", str(should_be))
            elif should_be < shelf.reserved:
                problems += self._told(product_id, "held", f"{should_be} / {shelf.reserved}")
            deltas[product_id] = should_be - shelf.quantity
        if problems:
            raise Wrong(problems)
        return deltas

    def _reasons(self) -> dict[int, str]:
        """Product → what its lines give as reasons, each once."""
        said: dict[int, dict[str, None]] = {}
        for one in self.read:
            if "reason" in one.line.given:
                said.setdefault(self.products[one.line.number], {})[str(one.line.given["reason"])] = None
        return {product_id: "; ".join(texts)[:500] for product_id, texts in said.items()}

    def _named(self, refused: Sequence[dict[str, Any]], lines: Sequence[LedgerLine]) -> list[Problem]:
        """What the ledger refused, line by line of the document."""
        problems: list[Problem] = []
        for one in refused:
            product_id = lines[one["line"]].product_id
            if "asked" in one:
                problems += self._told(product_id, "not_enough", f"{one['asked']} / {one['available']}")
            else:
                problems += self._told(product_id, "unknown_product", "")
        return problems

    def _told(self, product_id: int, code: str, detail: str) -> list[Problem]:
        lines = [one.line for one in self.lines_of[product_id]]
        return [Problem(line.row, "quantity", str(line.given["quantity"]), code, detail) for line in lines]
