"""Recommendations: how often one of ten that we propose is what the buyer took, beside the ten that sell best.

The invoices of a British shop (UCI Online Retail, CC0) stand for the shop's own receipts: the first four fifths are
counted by the job of the night in a PostgreSQL, and of each later invoice one line is hidden and asked for.
"""

import asyncio
import gzip
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from autoshop.kit.db import transaction_on
from autoshop.selection.recommendations import service, store
from autoshop.selection.recommendations.model import MOST_LINES
from bench.load import percentiles
from bench.report import Report
from bench.stage import Stage

PROPOSED = 10
BAR = 1.5
TRAINED = 0.8
INVOICES = Path(__file__).parent / "data" / "invoices.csv.gz"


@dataclass(frozen=True)
class Question:
    """An invoice without one of its lines, and that line."""

    cart: list[int]
    hidden: int


def run(report: Report, folder: Path, *, quick: bool) -> None:
    """Count the first invoices, ask about the later ones, compare with what sells best."""
    baskets = _read()
    cut = int(len(baskets) * TRAINED)
    learned, later = baskets[:cut], baskets[cut:]
    questions = _questions(later, 500 if quick else None)
    stage = Stage(folder, 0)
    try:
        stage.start()
        asyncio.run(_compare(report, stage, learned, questions))
    finally:
        stage.close()


def _read() -> list[list[int]]:
    """The baskets in the order of time, as numbers of products; what was taken back is left out."""
    with gzip.open(INVOICES, "rt", encoding="ascii") as lines:
        return [[int(product) for product in line.rpartition(",")[2].split()] for line in lines]


def _questions(baskets: list[list[int]], most: int | None) -> list[Question]:
    some = random.Random(1)
    asked = [basket for basket in baskets if len(basket) > 1][:most]
    hidden = [(basket, some.choice(basket)) for basket in asked]
    return [Question([one for one in basket if one != taken], taken) for basket, taken in hidden]


async def _compare(report: Report, stage: Stage, learned: list[list[int]], questions: list[Question]) -> None:
    db = await asyncpg.connect(stage.cluster.url("autoshop"))
    try:
        products = sorted({product for basket in learned for product in basket} | {q.hidden for q in questions})
        await _fill(db, products)
        begun = time.perf_counter()
        async with transaction_on(db):
            await store.stage(db)
            await db.executemany(
                "INSERT INTO baskets VALUES ($1)", [(one,) for one in learned if 2 <= len(one) <= MOST_LINES]
            )
            pairs = await store.count(db)
        report.say(f"{len(learned):,} invoices → {pairs:,} pairs in {time.perf_counter() - begun:.1f} s")
        best = [product for product, _ in Counter(one for basket in learned for one in basket).most_common(1_000)]
        ours, theirs, seconds = 0, 0, []
        for question in questions:
            begun = time.perf_counter()
            found = await service.goes_with(db, question.cart, PROPOSED)
            seconds.append(time.perf_counter() - begun)
            ours += question.hidden in {one.product_id for one in found}
            theirs += question.hidden in [one for one in best if one not in question.cart][:PROPOSED]
    finally:
        await db.close()
    rate, popular = ours / len(questions), theirs / len(questions)
    told = f"{100 * rate:.1f} % of {len(questions):,}, the best sellers {100 * popular:.1f} %: × {rate / popular:.1f}"
    report.bar(f"hit-rate@{PROPOSED} ≥ {BAR} × that of the best sellers", told, rate >= BAR * popular)
    half, most = percentiles(sorted(seconds))
    report.say(f"asked in {1000 * half:.1f} ms (p50), {1000 * most:.1f} ms (p99), with whole carts of a wholesaler")


async def _fill(db: asyncpg.Connection, products: list[int]) -> None:
    await db.execute("INSERT INTO brands (id, name, name_key) VALUES (1, 'Bench', 'bench')")
    await db.execute(
        """
        INSERT INTO products (id, brand_id, article, article_key, article_loose, name)
        SELECT id, 1, id, id, id, id FROM unnest($1::bigint[]) AS p (id)
        """,
        products,
    )
