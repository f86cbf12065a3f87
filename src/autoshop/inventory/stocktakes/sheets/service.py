"""Verbs: take a sheet that was filled in, and write one out."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from autoshop.accounts.model import Caller
from autoshop.inventory.movements.store import open_places
from autoshop.inventory.stocktakes.counts.model import MOST_COUNTS, Asked, CountsRefused, Mode
from autoshop.inventory.stocktakes.counts.service import take_counts
from autoshop.inventory.stocktakes.service import get_stocktake
from autoshop.inventory.stocktakes.sheets import store
from autoshop.inventory.stocktakes.sheets.model import (
    Row,
    RowProblem,
    Sheet,
    headings,
    product_of,
    read,
    refused,
    spellings,
    written,
)
from autoshop.inventory.stocktakes.store import lock_for_counting
from autoshop.kit.db import Connection, Pool, unhurried
from autoshop.kit.language import Language

LINES_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class Terms:
    """How the numbers of a sheet are meant."""

    mode: Mode
    round: int
    counted_at: datetime | None
    language: Language


async def take_sheet(
    db: Connection, caller: Caller, stocktake_id: int, content: bytes, terms: Terms
) -> tuple[int, int]:
    """Take the rows that have a number as counts: all of them, or a refusal with everything that is wrong.

    Returns how many were taken, and how many rows have no number yet.
    """
    await unhurried(db)
    store_id = (await get_stocktake(db, stocktake_id)).store_id
    caller.must_act_for(store_id)
    sheet = read(content)
    problems = list(sheet.problems)
    counts = await _counts(db, sheet, terms, problems)
    await lock_for_counting(db, stocktake_id)
    await open_places(db, [(count.product_id, store_id) for _, count in counts])  # all, before any is locked
    rows = {count.client_id: row for row, count in counts}
    asked = [count for _, count in counts]
    for start in range(0, len(asked), MOST_COUNTS):  # in the order of products, as locks are taken
        try:
            await take_counts(db, caller, stocktake_id, asked[start : start + MOST_COUNTS])
        except CountsRefused as refusal:
            if refusal.__cause__ is not None:  # somebody was quicker, and this transaction is over
                raise
            problems += [_problem(rows[told["client_id"]], told["title"]) for told in refusal.facts["counts"]]
    if problems:
        raise refused(problems, terms.language)
    return len(asked), sheet.empty


async def _counts(db: Connection, sheet: Sheet, terms: Terms, problems: list[RowProblem]) -> list[tuple[Row, Asked]]:
    """The counts that rows stand for, in the order of products."""
    rows = sheet.rows
    known = await store.known(
        db,
        [row.product_id for row in rows if row.product_id is not None],
        sorted({row.key for row in rows if row.article}),
        [code for row in rows for one in row.barcodes for code in spellings(one)],
    )
    batch, seen, counts = secrets.token_hex(8), set(), []
    for row in rows:
        product = product_of(row, known)
        if isinstance(product, RowProblem):
            problems.append(product)
        elif terms.mode == "set" and product in seen:
            problems.append(RowProblem(row.number, "product_id", str(product), "twice"))
        else:
            seen.add(product)
            count = Asked(
                f"sheet-{batch}-{row.number}", product, row.counted, terms.mode, terms.round, terms.counted_at, "sheet"
            )
            counts.append((row, count))
    return sorted(counts, key=lambda one: one[1].product_id)


def _problem(row: Row, title: str) -> RowProblem:
    code = "unknown_product" if title == "Unknown product" else title
    return RowProblem(row.number, "product_id", str(row.product_id or row.article or " ".join(row.barcodes)), code)


async def write_sheet(pool: Pool, stocktake_id: int, language: Language, *, blind: bool) -> AsyncIterator[str]:
    """The file, piece by piece; nobody keeps a connection while a slow reader reads."""
    yield headings(language, blind=blind)
    after = "", 0
    while True:
        async with pool.acquire() as db:
            lines = await store.page(db, stocktake_id, after, LINES_AT_A_TIME)
        yield written(lines, language, blind=blind)
        if len(lines) < LINES_AT_A_TIME:
            return
        after = lines[-1].place_key, lines[-1].product_id
