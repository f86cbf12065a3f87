"""Crosses: what a file may say, what becomes of it, and the walk from an article to those that stand for it."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from autoshop.accounts.model import system
from autoshop.catalog.imports.texts import told
from autoshop.kit.db import Pool, transaction
from autoshop.kit.language import Language
from autoshop.kit.text import article_key
from autoshop.selection.crosses import importing, loading, rows, service, store
from autoshop.selection.crosses.analogs import BOUNDS
from autoshop.selection.crosses.facts import cross_facts
from autoshop.selection.crosses.model import AlreadyDecided, UnknownConflict, newest
from tests.crosses import ALL_PAIRS, HEADINGS, everything, load, pairs
from tests.waiting import waiting_for_locks

pytestmark = pytest.mark.anyio

MANAGER = system("manager")


async def id_of(pool: Pool, article: str) -> int:
    found: int = await pool.fetchval("SELECT id FROM cross_articles WHERE article_key = $1", article_key(article))
    return found


async def reached(pool: Pool, article: str, **bounds: int) -> dict[str, int]:
    """Article → links on the way to it."""
    async with pool.acquire() as db:
        ways = await store.walk(db, [await id_of(pool, article)], **{**BOUNDS, **bounds})
        named = await store.articles(db, {way.to_id for way in ways})
    return {named[way.to_id].article: len(way.steps) for way in ways}


# ------------------------------------------------------------------------------------------------ no
BAD_ROWS = [
    (";W1;MAHLE;OC1", "Бренд", "required"),
    ("MANN;;MAHLE;OC1", "Артикул", "required"),
    ("MANN;---;MAHLE;OC1", "Артикул", "no_key"),
    ("MANN;W1;MAHLE;😀", "Артикул аналога", "no_key"),
    ("MANN;W1;!!;OC1", "Бренд аналога", "no_key"),
    (f"MANN;{'W' * 61};MAHLE;OC1", "Артикул", "too_long"),
    (f"{'M' * 101};W1;MAHLE;OC1", "Бренд", "too_long"),
    ("MANN;W1;MAHLE", "", "fields"),
    ("MANN;W9;1;MAHLE;OC9", "", "fields"),  # «W9;1» was meant: whatever comes after has moved
    ("MANN;W 914/2;mann;w914-2", "Артикул аналога", "self_pair"),
    ("MANN;C25;MANN;С25", "Артикул аналога", "self_pair"),  # the second С is Cyrillic
    ("MANN-FILTER;W1;MANN FILTER;W-1", "Артикул аналога", "self_pair"),
    ("MANN;W1\x07;MAHLE;OC1", "Артикул", "control"),
    ('MANN;"W1;MAHLE;OC1', "", "quotes"),
]


@pytest.mark.parametrize(("row", "column", "code"), BAD_ROWS)
async def test_a_broken_row_is_told_with_its_line_and_reason_and_the_others_are_loaded(
    pool: Pool, tmp_path: Path, row: str, column: str, code: str
) -> None:
    loaded = await load(pool, tmp_path, "MANN;W9;MAHLE;OC9", row)
    [problem] = loaded.problems
    assert (problem.row, problem.column_name, problem.code) == (3, column, code)
    for language in get_args(Language):
        assert told(problem, language)
    assert (loaded.counts.rows, loaded.counts.bad_rows, loaded.refused) == (2, 1, False)
    assert await pairs(pool) == {("MAHLE OC9", "MANN W9", "analog")}


@pytest.mark.parametrize(
    ("headings", "code"),
    [
        ("Бренд;Артикул;Бренд аналога", "missing_column"),
        ("Бренд;Артикул;Артикул;Артикул аналога", "repeated_column"),
        ("a;b;c;d", "missing_column"),
        ("Бренд;Артикул;Бренд аналога;Артикул аналогаа", "unknown_column"),
    ],
)
async def test_a_file_whose_headings_say_too_little_is_refused(
    pool: Pool, tmp_path: Path, headings: str, code: str
) -> None:
    before = await everything(pool)
    loaded = await load(pool, tmp_path, "MANN;W9;MAHLE;OC9", headings=headings)
    assert loaded.refused
    assert code in {problem.code for problem in loaded.problems}
    assert await everything(pool) == before


async def test_a_column_of_something_else_instead_of_brands_is_refused(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_BRANDS", 3)
    loaded = await load(pool, tmp_path, *(f"Сорт {number};W{number};MAHLE;OC1" for number in range(5)))
    assert loaded.refused
    assert [problem.code for problem in loaded.problems] == ["too_many_brands"]


@pytest.mark.parametrize("row", ["MANN;W1;MAHLE;OC1;чужое;high", "MANN;W1;MAHLE;OC1;analog;может быть"])
async def test_a_kind_or_confidence_that_there_is_not_is_refused(pool: Pool, tmp_path: Path, row: str) -> None:
    loaded = await load(pool, tmp_path, row, headings=HEADINGS + ";Тип;Достоверность")
    assert loaded.counts.bad_rows == 1
    assert "есть" in told(loaded.problems[0], "ru")
    assert await pairs(pool) == set()


async def test_words_for_each_kind_are_understood_and_empty_cells_behind_a_row_say_nothing(
    pool: Pool, tmp_path: Path
) -> None:
    for number, word in enumerate(("Аналог", "OEM", "Новый номер", "Размеры те же", "")):
        row = f"MANN;W{number};MAHLE;OC{number};{word};;;"
        loaded = await load(pool, tmp_path, row, headings=HEADINGS + ";Тип")
        assert (loaded.counts.bad_rows, loaded.counts.pairs) == (0, 1)
    assert {kind for _, _, kind in await pairs(pool)} == {"analog", "oe", "supersession", "spec_equal"}


async def test_a_dry_run_writes_nothing(pool: Pool, tmp_path: Path) -> None:
    before = await everything(pool)
    loaded = await load(pool, tmp_path, "New;W1;MAHLE;OC1", "bad", dry_run=True)
    assert (loaded.counts.rows, loaded.counts.bad_rows) == (2, 1)
    assert await everything(pool) == before


# ------------------------------------------------------------------------------------------------ what is loaded
async def test_a_pair_is_one_however_often_and_whichever_way_round_it_is_written(pool: Pool, tmp_path: Path) -> None:
    again = ["MANN;W 914/2;MAHLE;OC 384", "mahle;oc384;Mann;w9142", "MANN;W914/2;MAHLE;ОС384"]  # ОС is Cyrillic
    loaded = await load(pool, tmp_path, *again)
    assert (loaded.counts.rows, loaded.counts.pairs, loaded.counts.articles) == (3, 1, 2)
    assert (await load(pool, tmp_path, *again)).counts.pairs == 0
    assert await pairs(pool) == {("MAHLE OC 384", "MANN W 914/2", "analog")}


async def test_names_of_one_brand_lead_to_one_article(pool: Pool, tmp_path: Path) -> None:
    await importing.load_facts(pool, system("facts"))
    before = (await everything(pool))["brands"]
    rows = [f"{brand};9 999-1;MANN;W 99/9" for brand in ("VAG", "VW", "Volkswagen", "Skoda", "ВАГ", "шкода", "Audi")]
    loaded = await load(pool, tmp_path, *rows, "LYNX;X-1;LYNXauto;X-2", "Opel;Y1;GM;Y2")
    assert (loaded.counts.pairs, loaded.counts.bad_rows) == (3, 0)
    assert (await everything(pool))["brands"] == before
    assert (await load(pool, tmp_path, "VW;9 9991;Audi;9-9991")).problems[0].code == "self_pair"


async def test_the_kinds_and_their_directions(pool: Pool, tmp_path: Path) -> None:
    headings = HEADINGS + ";Тип;Достоверность"
    await load(
        pool,
        tmp_path,
        "MANN;W1;VAG;06A;OE;high",
        "VAG;06A;VAG;06B;supersession;",
        "MANN;W1;MAHLE;OC1;;low",
        "MANN;W1;MAHLE;OC1;по размерам;",
        headings=headings,
    )
    await load(pool, tmp_path, "Filtron;OP1;VAG;06A", headings="Бренд;Артикул;Бренд OE;OE")
    assert await pairs(pool) == {
        ("VAG 06A", "MANN W1", "oe"),  # the car maker's number comes first
        ("VAG 06A", "VAG 06B", "supersession"),
        ("MAHLE OC1", "MANN W1", "analog"),
        ("MAHLE OC1", "MANN W1", "spec_equal"),
        ("VAG 06A", "Filtron OP1", "oe"),
    }


async def test_a_surer_word_takes_the_place_of_another_and_a_weaker_one_does_not(pool: Pool, tmp_path: Path) -> None:
    row = "MANN;W1;MAHLE;OC1"
    for confidence, expected in (("medium", "medium"), ("high", "high"), ("low", "high")):
        await load(pool, tmp_path, row, confidence=confidence)
        [pair] = await pool.fetch(ALL_PAIRS)
        assert pair["confidence"] == expected


async def test_more_rows_than_are_written_together(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    monkeypatch.setattr(importing, "CHUNK", 20)
    # All articles stand in the first ten rows; most pairs of them come later.
    lines = [f"MANN;W{number % 10};New;N{(number + number // 10) % 10}" for number in range(95)]
    lines[50] = "MANN;;;"
    expected = {tuple(line.split(";")) for line in lines if line != lines[50]}
    loaded = await load(pool, tmp_path, *lines, *lines)
    assert (loaded.counts.rows, loaded.counts.bad_rows, loaded.counts.pairs) == (190, 2, len(expected))
    assert len(await pairs(pool)) == len(expected) == 94


async def test_two_articles_of_one_print_are_told_apart(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "hash", lambda parts: len(parts[2]), raising=False)
    with pytest.raises(loading.SamePrint):
        await load(pool, tmp_path, "MANN;W1;MAHLE;OC1", "MANN;W2;MAHLE;OC2")
    assert await pairs(pool) == set()


async def test_loads_at_the_same_time(pool: Pool, tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / str(number)).mkdir()
    lines = [f"New {n % 5};W{n % 40};Newer {n % 3};N{n % 60}" for n in range(400)]
    one_by_one = {tuple(line.split(";")) for line in lines}
    turned = [lines[number * 50 :] + lines[: number * 50] for number in range(4)]
    await asyncio.gather(*(load(pool, tmp_path / str(number), *some) for number, some in enumerate(turned)))
    assert len(await pairs(pool)) == len(one_by_one)
    articles = await pool.fetch("SELECT brand_id, article_key FROM cross_articles")
    assert max(Counter(map(tuple, articles)).values()) == 1


async def test_who_loads_waits_for_whoever_loads(pool: Pool, tmp_path: Path) -> None:
    async with transaction(pool) as db:
        await db.execute(loading.TAKE_TURN)
        waiting = asyncio.create_task(load(pool, tmp_path, "MANN;W1;MAHLE;OC1"))
        await waiting_for_locks(pool, 1)
        assert await pairs(pool) == set()
    assert (await waiting).counts.pairs == 1


# ------------------------------------------------------------------------------------------------ spark plugs
TRAP = "Россия (ОСТ);А17ДВРМ;Россия (ОСТ);АУ17ДВРМ"


async def test_plugs_that_do_not_fit_are_kept_aside_and_others_are_loaded(pool: Pool, tmp_path: Path) -> None:
    loaded = await load(
        pool,
        tmp_path,
        TRAP,
        "NGK;BPR6ES;Denso;W20EPR-U",
        "NGK;BPR6ES;Denso;W16EXR-U",
        "NGK;BPR6ES;Bosch;W7DC",
        "NGK;UR4;Champion;RV17YC",
        "Bosch;0 986 452 041;NGK;BPR6ES",
        "Bosch;F 026 407 123;Denso;260340-0500",
        "НЖК;bpr6es;Бош;wr7bc",
    )
    assert (loaded.counts.bad_rows, loaded.counts.conflicts) == (0, 3)
    verdicts = {f"{row[1]}–{row[3]}": row["verdict"] for row in await pool.fetch(ALL_PAIRS)}
    assert verdicts["BPR6ES–W20EPR-U"] == "pass"
    assert Counter(verdicts.values()) == {"pass": 1, "pass, adjacent heat": 1, "unknown": 2, None: 1}
    async with pool.acquire() as db:
        conflicts = await store.list_conflicts(db, 0, None, 10)
    assert {(one.one.article, one.other.article, one.verdict, one.state) for one in conflicts} == {
        ("А17ДВРМ", "АУ17ДВРМ", "conflict", "open"),
        ("BPR6ES", "W7DC", "fits, differs", "open"),
        ("bpr6es", "wr7bc", "conflict", "open"),  # nobody has said yet that НЖК is NGK; the checker knows
    }
    assert (await load(pool, tmp_path, TRAP)).counts.conflicts == 0


async def test_what_was_loaded_before_the_checker_knew_better_goes(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, TRAP)
    await pool.execute(
        "INSERT INTO crosses SELECT a_id, b_id, source_id, kind, confidence, 'unknown' FROM cross_conflicts"
    )
    await load(pool, tmp_path, TRAP)
    assert await pairs(pool) == set()


async def test_a_person_accepts_with_a_reason_and_the_next_load_respects_it(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, TRAP, "NGK;BPR6ES;Bosch;W7DC")
    async with transaction(pool) as db:
        trap, other = [one.id for one in await store.list_conflicts(db, 0, "open", 10)]
        accepted = await service.decide(db, MANAGER, trap, "accepted", "головка переделана")
        await service.decide(db, MANAGER, other, "dismissed", None)
    assert (accepted.state, accepted.decided_by) == ("accepted", "system:manager")
    assert accepted.reason == "головка переделана"
    for _ in range(2):
        [pair] = await pool.fetch(ALL_PAIRS)
        assert (pair["verdict"], pair[3]) == ("accepted", "АУ17ДВРМ")
        assert (await load(pool, tmp_path, TRAP, "NGK;BPR6ES;Bosch;W7DC", confidence="high")).counts.conflicts == 0
    async with transaction(pool) as db:
        with pytest.raises(AlreadyDecided):
            await service.decide(db, MANAGER, trap, "dismissed", None)
        with pytest.raises(UnknownConflict):
            await service.decide(db, MANAGER, 999_999, "dismissed", None)


async def test_two_who_decide_at_the_same_time_decide_once(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, TRAP)
    conflict_id = await pool.fetchval("SELECT id FROM cross_conflicts")

    async def decide(number: int) -> str:
        async with transaction(pool) as db:
            return (await service.decide(db, system(f"{number}"), conflict_id, "accepted", "a")).decided_by or ""

    outcomes = await asyncio.gather(*map(decide, range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyDecided) for outcome in outcomes) == 4


# ------------------------------------------------------------------------------------------------ facts
async def test_facts_are_loaded_once_and_none_that_the_checker_refuses(pool: Pool) -> None:
    first = await importing.load_facts(pool, system("facts"))
    assert (first.rows, first.bad_rows, first.conflicts) == (len(cross_facts()), 0, 12)
    assert first.rows == 906 + 406 + 29
    before = await everything(pool)
    again = await importing.load_facts(pool, system("facts"))
    assert (again.pairs, again.articles, again.conflicts, again.forgotten) == (0, 0, 0, 0)
    assert await everything(pool) == before
    verdicts = {row["verdict"] for row in await pool.fetch(ALL_PAIRS)}
    assert verdicts == {None, "pass", "pass, adjacent heat", "unknown"}


async def test_a_fact_that_is_none_any_more_goes_and_what_others_say_stays(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load(pool, tmp_path, "MANN;W1;MAHLE;OC1")
    await importing.load_facts(pool, system("facts"))
    all_facts = cross_facts()
    monkeypatch.setattr(importing, "cross_facts", lambda: all_facts[1:])
    assert (await importing.load_facts(pool, system("facts"))).forgotten == 1
    assert ("MAHLE OC1", "MANN W1", "analog") in await pairs(pool)


async def test_names_that_people_gave_away_stay_where_they_are(pool: Pool) -> None:
    await pool.execute("INSERT INTO brand_aliases (alias_key, alias, brand_id) VALUES ('vw', 'VW', 1)")
    for _ in range(2):
        await importing.load_facts(pool, system("facts"))
    assert await pool.fetchval("SELECT brand_id FROM brand_aliases WHERE alias_key = 'vw'") == 1


async def test_facts_loaded_by_several_at_once(pool: Pool) -> None:
    loads = await asyncio.gather(*(importing.load_facts(pool, system("facts")) for _ in range(3)))
    assert sum(one.pairs for one in loads) == await pool.fetchval("SELECT count(*) FROM crosses")


# ------------------------------------------------------------------------------------------------ the walk
async def test_two_steps_both_ways_and_no_further(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, "A;1;B;2", "C;3;B;2", "C;3;D;4", "D;4;E;5")
    assert await reached(pool, "1") == {"2": 1, "3": 2}
    assert await reached(pool, "3") == {"2": 1, "4": 1, "1": 2, "5": 2}


async def test_circles_end(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, "A;1;B;2", "B;2;C;3", "C;3;A;1", "A;1;A;2", "A;2;A;1")
    assert await reached(pool, "1") == {"2": 1, "3": 1}


async def test_a_shorter_way_wins_then_a_surer_one(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, "A;1;B;2", "B;2;C;3", "A;1;D;4", confidence="high")
    await load(pool, tmp_path, "D;4;C;3", "A;1;E;5", "E;5;C;3", confidence="low")
    async with pool.acquire() as db:
        ways = await store.walk(db, [await id_of(pool, "1")], **BOUNDS)
    [to_c] = [way for way in ways if len(way.steps) == 2]
    assert (to_c.confidence, to_c.steps[0].to_id) == ("high", await id_of(pool, "2"))


async def test_an_article_with_ten_thousand_analogs_costs_no_more_than_its_bound(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, *(f"Hub;1;Spoke;S{number}" for number in range(10_000)), "Hub;1;Other;O1")
    found = await reached(pool, "1")
    assert len(found) == BOUNDS["most"]
    from_a_spoke = await reached(pool, "S77")
    assert from_a_spoke["1"] == 1
    assert len(from_a_spoke) <= 1 + 2 * BOUNDS["second"]
    assert len(await reached(pool, "1", first=10, most=20)) <= 20


async def test_supersessions_are_followed_to_the_newest_and_a_circle_has_none(pool: Pool, tmp_path: Path) -> None:
    chain = [f"A;N{number};A;N{number + 1}" for number in range(30)]
    await load(pool, tmp_path, *chain, "A;L1;A;L2", "A;L2;A;L3", "A;L3;A;L1", kind="supersession")
    async with pool.acquire() as db:
        for start, end in (("N3", "N30"), ("N30", "N30"), ("L1", None)):
            article_id = await id_of(pool, start)
            newer, older = await store.chain(db, article_id, 50)
            found = newest(article_id, [(step.from_id, step.to_id) for step in newer])
            assert found == (await id_of(pool, end) if end else None)
            assert len(older) == (3 if start in ("N3", "L1") else 30)
        assert len((await store.chain(db, await id_of(pool, "N0"), 10))[0]) == 10
