"""The index of names: what changes is in it a moment later, whoever commits when, and whoever dies in between."""

import asyncio

import asyncpg
import pytest

from autoshop.catalog.search import store as search
from autoshop.catalog.search.model import MOST_NAMED, is_still_so
from autoshop.catalog.search.names import service, store
from autoshop.catalog.search.names.jobs import catch_up, index_all, run, step
from autoshop.catalog.search.names.model import Word
from autoshop.kit.db import Pool, transaction
from tests.cast import AIR_FILTER, OIL_FILTER, PLUG, PRODUCTS

pytestmark = pytest.mark.anyio

RENAME = "UPDATE products SET name = $2, version = version + 1 WHERE id = $1"
DOCUMENTS = "SELECT count(*) FROM search_documents"
CHANGES = "SELECT count(*) FROM search_changes"
ADD_MANY = """
INSERT INTO products (brand_id, article, article_key, article_loose, name)
SELECT 1, 'M-' || n, 'M' || n, 'M' || n, 'Прокладка клапанной крышки ' || n
  FROM generate_series(1, $1) AS n
"""


async def named(pool: Pool, *stems: str) -> list[int]:
    """The products with all these stems in their names, as somebody who searches is told."""
    async with pool.acquire() as db:
        window = await service.find(db, [Word(stem, (stem,), True) for stem in stems])
        shown = await search.show(db, [one.product_id for one in window.candidates])
    found = [one for one in window.candidates if one.product_id in shown]
    return sorted(one.product_id for one in found if is_still_so(one, shown[one.product_id]))


async def test_what_the_shop_has_is_indexed_once(pool: Pool) -> None:
    assert await named(pool, "свеч") == []
    assert await catch_up(pool) == 1
    assert await named(pool, "свеч") == [PLUG]
    assert await named(pool, "фильтр") == [OIL_FILTER, AIR_FILTER]
    assert await named(pool, "фильтр", "воздушн") == [AIR_FILTER]
    assert await pool.fetchval(DOCUMENTS) == len(PRODUCTS)
    assert not await step(pool)


async def test_a_change_is_not_found_by_its_old_name_from_the_moment_it_is_committed(pool: Pool) -> None:
    await catch_up(pool)
    await pool.execute(RENAME, PLUG, "Катушка зажигания")
    assert await named(pool, "свеч") == []
    assert await named(pool, "катушк") == []
    assert await store.is_behind(pool)
    await catch_up(pool)
    assert await named(pool, "катушк") == [PLUG]
    assert not await store.is_behind(pool)


async def test_a_product_that_is_no_longer_sold_leaves_the_index(pool: Pool) -> None:
    await catch_up(pool)
    await pool.execute("UPDATE products SET active = false WHERE id = $1", PLUG)
    assert await named(pool, "свеч") == []
    await catch_up(pool)
    assert await pool.fetchval(DOCUMENTS) == len(PRODUCTS) - 1
    await pool.execute("UPDATE products SET active = true WHERE id = $1", PLUG)
    await catch_up(pool)
    assert await named(pool, "свеч") == [PLUG]


async def test_a_change_that_says_nothing_new_writes_nothing(pool: Pool) -> None:
    await catch_up(pool)
    before = await pool.fetchval("SELECT xmin::text FROM search_documents WHERE product_id = $1", PLUG)
    await pool.execute("UPDATE products SET version = version + 1 WHERE id = $1", PLUG)
    assert await named(pool, "свеч") == [PLUG]
    await catch_up(pool)
    assert await pool.fetchval("SELECT xmin::text FROM search_documents WHERE product_id = $1", PLUG) == before


async def test_many_changes_are_told_in_blocks_and_indexed_in_steps(pool: Pool) -> None:
    await catch_up(pool)
    await pool.execute(ADD_MANY, 5_000)
    assert await pool.fetchval(CHANGES) <= 6
    assert 3 <= await catch_up(pool) <= 6, "fewer than two thousand in a step"
    assert len(await named(pool, "прокладк")) == MOST_NAMED
    assert await pool.fetchval(DOCUMENTS) == len(PRODUCTS) + 5_000
    assert await pool.fetchval(CHANGES) == 0


async def test_an_index_that_was_lost_is_made_anew(pool: Pool) -> None:
    await catch_up(pool)
    await pool.execute("DELETE FROM search_documents WHERE product_id = $1", PLUG)
    await pool.execute("UPDATE search_documents SET print = 0, words = '' WHERE product_id = $1", AIR_FILTER)
    assert await index_all(pool) == len(PRODUCTS)
    assert await named(pool, "свеч") == [PLUG]
    assert await named(pool, "воздушн") == [AIR_FILTER]
    assert not await store.is_behind(pool)


async def test_a_few_changes_are_told_one_by_one(pool: Pool) -> None:
    await catch_up(pool)
    await pool.execute("UPDATE products SET version = version + 1 WHERE id = ANY ($1::bigint[])", [PLUG, AIR_FILTER])
    rows = await pool.fetch("SELECT first_id, last_id FROM search_changes ORDER BY id")
    assert {tuple(row) for row in rows} == {(PLUG, PLUG), (AIR_FILTER, AIR_FILTER)}


async def test_what_commits_late_is_not_passed_over(pool: Pool) -> None:
    """Its mark has the lower id, and is seen last."""
    await catch_up(pool)
    async with pool.acquire() as late:
        slow = late.transaction()
        await slow.start()
        await late.execute(RENAME, PLUG, "Катушка зажигания")
        await pool.execute(RENAME, OIL_FILTER, "Прокладка пробки")
        await catch_up(pool)
        assert await named(pool, "прокладк") == [OIL_FILTER]
        assert await named(pool, "катушк") == []
        await slow.commit()
    await catch_up(pool)
    assert await named(pool, "катушк") == [PLUG]


async def test_a_change_while_its_product_is_indexed_is_indexed_too(pool: Pool) -> None:
    """The worker has taken the mark of the first change, and read; the second commits before he does."""
    await catch_up(pool)
    await pool.execute(RENAME, PLUG, "Катушка зажигания")
    async with transaction(pool) as worker:
        assert await service.index_some(worker)
        await pool.execute(RENAME, PLUG, "Провода высоковольтные")
    assert await named(pool, "катушк") == [], "what he wrote is not what the product is"
    assert await catch_up(pool) == 1
    assert await named(pool, "провод") == [PLUG]


async def test_what_a_worker_had_taken_who_died_is_there_again(pool: Pool) -> None:
    await catch_up(pool)
    await pool.execute(RENAME, PLUG, "Катушка зажигания")

    async def die() -> None:
        async with transaction(pool) as worker:
            assert await service.index_some(worker)
            await pool.fetchval("SELECT pg_terminate_backend($1)", await worker.fetchval("SELECT pg_backend_pid()"))
            await worker.fetchval("SELECT 1")

    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await die()
    assert await store.is_behind(pool)
    assert await catch_up(pool) == 1
    assert await named(pool, "катушк") == [PLUG]


async def test_two_workers_do_not_write_at_once(pool: Pool) -> None:
    """The one who read earlier could else write later, and put the older name over the newer."""
    await catch_up(pool)
    await pool.execute(RENAME, PLUG, "Катушка зажигания")
    async with transaction(pool) as first:
        assert await service.index_some(first)
        await pool.execute(RENAME, PLUG, "Провода высоковольтные")
        async with transaction(pool) as second:
            assert not await service.index_some(second), "somebody else is at it, and is not waited for"
        assert await store.is_behind(pool)
    await catch_up(pool)
    assert await named(pool, "провод") == [PLUG]


async def test_changes_from_all_sides_end_in_an_index_of_what_there_is(pool: Pool) -> None:
    await catch_up(pool)
    stop = asyncio.Event()
    working = [asyncio.create_task(run(pool, stop)) for _ in range(2)]
    names = ["Свеча", "Катушка", "Провода", "Фильтр", "Прокладка"]

    async def rename(product_id: int, turn: int) -> None:
        async with transaction(pool) as db:
            await db.execute(RENAME, product_id, f"{names[(product_id + turn) % 5]} номер {turn}")
            await asyncio.sleep(0)

    for turn in range(10):
        await asyncio.gather(*(rename(product_id, turn) for product_id, *_ in PRODUCTS))
    stop.set()
    await asyncio.gather(*working)
    await catch_up(pool)
    stale = await pool.fetchval(
        f"SELECT count(*) FROM products AS p JOIN search_documents AS d ON d.product_id = p.id"
        f" WHERE d.print <> {search.PRINT}"
    )
    assert stale == 0
    assert await pool.fetchval(CHANGES) == 0
    assert await pool.fetchval(DOCUMENTS) == len(PRODUCTS)


async def test_the_worker_indexes_without_being_asked(pool: Pool) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(run(pool, stop))
    for _ in range(500):
        if not await store.is_behind(pool):
            break
        await asyncio.sleep(0.02)
    assert await named(pool, "свеч") == [PLUG]
    stop.set()
    await working


async def test_words_are_counted_as_often_as_they_are_in_names(pool: Pool) -> None:
    await catch_up(pool)
    rows = await pool.fetch("SELECT word, seen FROM search_words WHERE word = ANY ('{фильтр,свеча}'::text[])")
    assert {row["word"]: row["seen"] for row in rows} == {"фильтр": 2, "свеча": 1}


@pytest.mark.parametrize(
    ("name", "stems"),
    [
        ("Щётка 600 мм", {"щетк", "600мм"}),
        ("Масло 5W-40, 4 л", {"масл", "5w40", "4л"}),
        ("Лампа H7 12 В 55 Вт", {"ламп", "h7", "12в", "55вт"}),
        ("Свеча NGK BPR6ES-11", {"свеч", "ngk"}),
        ("  ", set()),
    ],
)
async def test_a_name_is_indexed_by_its_stems_without_its_article(pool: Pool, name: str, stems: set[str]) -> None:
    await pool.execute(RENAME, PLUG, name)
    await catch_up(pool)
    words = await pool.fetchval("SELECT tsvector_to_array(words) FROM search_documents WHERE product_id = $1", PLUG)
    assert {word for word in words if ":" not in word} == stems
