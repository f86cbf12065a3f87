"""Fitments from files: what a row may say, what becomes of it, and that each source speaks for itself alone."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import get_args

import psycopg
import pytest

from autoshop.catalog.imports import service
from autoshop.catalog.imports.rows import Wrong
from autoshop.catalog.imports.texts import told
from autoshop.kit.db import Pool, is_gone, transaction
from autoshop.kit.language import Language
from autoshop.selection.fitment import loading
from autoshop.selection.fitment.cars import Cars
from autoshop.selection.vehicles.facts import known
from tests.conftest import Database
from tests.fitments import HEADINGS, ROW, VESTA, carry_out, load, load_facts, row, said, start, write
from tests.imports import as_xlsx, whole_shop

pytestmark = pytest.mark.anyio

SAID = (VESTA, "21129", "MANN", "W 914/2", "oil_filter", "", 1.0, 2015, 2019, "", "medium", "каталог MANN")


# ------------------------------------------------------------------------------------------------ no
BAD_ROWS: list[tuple[dict[str, str], str, str]] = [
    ({"Автомобиль": "lada/vesta/ix"}, "Автомобиль", "unknown_vehicle"),
    ({"Автомобиль": "телега"}, "Автомобиль", "unknown_vehicle"),
    ({"Автомобиль": ""}, "Автомобиль", "required"),
    ({"Автомобиль": "Лада Веста"}, "Автомобиль", "which_vehicle"),
    ({"Автомобиль": "Лада Веста 1.6"}, "Автомобиль", "car_says_more"),
    ({"Автомобиль": "Лада Веста седан"}, "Автомобиль", "car_says_more"),
    ({"Автомобиль": "Лада Веста 2019"}, "Автомобиль", "car_says_more"),
    ({"Автомобиль": "Лада Веста для дачи"}, "Автомобиль", "car_says_more"),
    # Vortex built the car that is called so, but Chery was said
    ({"Автомобиль": "Chery Tiggo T11"}, "Автомобиль", "which_vehicle"),
    ({"Двигатель": "K7M"}, "Двигатель", "unknown_engine"),
    ({"Двигатель": ">10"}, "Двигатель", "unknown_engine"),
    ({"Год с": "15"}, "Год с", "not_a_year"),
    ({"Год с": "2015-2019"}, "Год с", "not_a_year"),
    ({"Год по": ">2015"}, "Год по", "not_a_year"),
    ({"Год по": "2115"}, "Год по", "not_a_year"),
    ({"Год с": "2020", "Год по": "2019"}, "Год по", "years_backwards"),
    ({"Бренд": ""}, "Бренд", "required"),
    ({"Бренд": "!!"}, "Бренд", "no_key"),
    ({"Бренд": "M" * 101}, "Бренд", "too_long"),
    ({"Артикул": ""}, "Артикул", "required"),
    ({"Артикул": "---"}, "Артикул", "no_key"),
    ({"Артикул": "W" * 61}, "Артикул", "too_long"),
    ({"Артикул": "W1\x07"}, "Артикул", "control"),
    ({"Категория": ""}, "Категория", "required"),
    ({"Категория": "запчасть"}, "Категория", "unknown_category"),
    ({"Позиция": "в" * 61}, "Позиция", "too_long"),
    ({"Количество": ">10"}, "Количество", "not_a_quantity"),
    ({"Количество": "1-5"}, "Количество", "not_a_quantity"),
    ({"Количество": "0"}, "Количество", "not_a_quantity"),
    ({"Количество": "-4"}, "Количество", "not_a_quantity"),
    ({"Количество": "1001"}, "Количество", "not_a_quantity"),
    ({"Количество": "1000000000"}, "Количество", "not_a_quantity"),
    ({"Условия": "у" * 301}, "Условия", "too_long"),
    ({"Достоверность": "точно"}, "Достоверность", "unknown_confidence"),
    ({"Источник": ""}, "Источник", "required"),
    ({"Источник": "и" * 201}, "Источник", "too_long"),
]


@pytest.mark.parametrize(("cells", "column", "code"), BAD_ROWS)
async def test_a_broken_row_is_told_with_its_line_and_reason_and_nothing_is_written(
    pool: Pool, tmp_path: Path, cells: dict[str, str], column: str, code: str
) -> None:
    before = await whole_shop(pool)
    done = await load(pool, tmp_path, row(Артикул="W 1"), row(**cells))
    [problem] = done.problems
    assert (problem.row, problem.column_name, problem.code) == (3, column, code)
    assert (done.run.state, done.counts("rows", "bad_rows", "new")) == ("refused", (2, 1, 0))
    for language in get_args(Language):
        assert told(problem, language)
    assert await whole_shop(pool) == before


async def test_a_row_tells_all_that_is_wrong_with_it(pool: Pool, tmp_path: Path) -> None:
    bad = row(Автомобиль="телега", Бренд="", Артикул="-", Категория="x", Количество="1-5", Источник="")
    done = await load(pool, tmp_path, bad)
    assert {problem.column_name for problem in done.problems} == {
        *("Автомобиль", "Бренд", "Артикул", "Категория", "Количество", "Источник"),
    }
    assert done.counts("rows", "bad_rows") == (1, 1)


async def test_an_ambiguous_car_lists_the_cars_that_may_be_meant(pool: Pool, tmp_path: Path) -> None:
    done = await load(pool, tmp_path, row(Автомобиль="Лада Гранта"))
    assert "lada/granta/" in done.problems[0].detail
    assert done.problems[0].detail.count("lada/granta/") > 1
    done = await load(pool, tmp_path, row(Двигатель="K7M"))
    assert "21129" in done.problems[0].detail


@pytest.mark.parametrize(
    ("headings", "code"),
    [
        (HEADINGS.replace("Автомобиль", "Авто модель"), "missing_column"),
        (HEADINGS.replace("Источник", "Откуда-то"), "missing_column"),
        (HEADINGS.replace("Источник", "Бренд"), "repeated_column"),
        (HEADINGS.replace("Год с", "Годы"), "repeated_column"),
        (HEADINGS.replace("Достоверность", "Достоверностть"), "unknown_column"),
        ("a;b;c", "missing_column"),
    ],
)
async def test_a_file_whose_headings_say_too_little_is_refused(
    pool: Pool, tmp_path: Path, headings: str, code: str
) -> None:
    done = await load(pool, tmp_path, ROW, headings=headings)
    assert done.run.state == "refused"
    assert code in {problem.code for problem in done.problems}
    assert await said(pool) == []


async def test_the_same_said_twice_and_otherwise_is_refused_in_both_rows(pool: Pool, tmp_path: Path) -> None:
    done = await load(pool, tmp_path, ROW, row(Количество="2"), row(Позиция="задний"))
    assert done.told == [
        (2, "Артикул", "W 914/2", "fitment_repeated"),
        (3, "Артикул", "W 914/2", "fitment_repeated"),
    ]
    assert [problem.detail for problem in done.problems] == ["3", "2"]


async def test_the_same_said_twice_is_once_and_told(pool: Pool, tmp_path: Path) -> None:
    done = await load(pool, tmp_path, ROW, row(Бренд="Mann", Артикул="w914-2"), ROW)
    assert [(one.row, one.kind, one.detail) for one in done.problems] == [(3, "merged", "2"), (4, "merged", "2")]
    assert (done.counts("rows", "merged_rows", "new"), await said(pool)) == ((3, 2, 1), [SAID])


async def test_nobody_speaks_for_the_facts(pool: Pool, tmp_path: Path) -> None:
    await load_facts(pool)
    before = await whole_shop(pool)
    code = await pool.fetchval("SELECT code FROM fitment_sources LIMIT 1")
    done = await load(pool, tmp_path, ROW, row(Источник=code))
    assert (done.told, done.run.state) == ([(3, "Источник", code, "source_of_facts")], "refused")
    assert await whole_shop(pool) == before


async def test_a_dry_run_counts_and_writes_nothing(pool: Pool, tmp_path: Path) -> None:
    before = await whole_shop(pool)
    done = await load(pool, tmp_path, ROW, row(Бренд="Новый"), dry_run=True)
    assert (done.run.state, done.counts("rows", "new", "articles", "sources")) == ("done", (2, 2, 2, 1))
    assert await whole_shop(pool) == before


# ------------------------------------------------------------------------------------------------ what a row may say
CARS = "Марка;Модель;Поколение;Бренд;Артикул;Категория;Источник"


@pytest.mark.parametrize(
    ("car", "vehicle"),
    [
        ("Lada;Vesta;I", VESTA),
        ("ВАЗ;Приора;", "lada/priora/-"),
        ("лада;веста;1", VESTA),
        ("Жигули;2101;", "lada/2101/classic"),
        ("Audi;80;B3", "audi/80/b3"),
        ("Опель;Астра;H", "opel/astra/h"),
        ("Volkswagen;Multivan;T5/T6", "volkswagen/multivan/t5-t6"),  # of the Transporter too it is a name
    ],
)
async def test_a_car_in_words(pool: Pool, tmp_path: Path, car: str, vehicle: str) -> None:
    done = await load(pool, tmp_path, f"{car};MANN;W1;oil_filter;я", headings=CARS)
    assert (done.told, [one[:2] for one in await said(pool)]) == ([], [(vehicle, None)])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"Автомобиль": "Лада Веста I"}, {0: VESTA}),
        ({"Двигатель": ""}, {1: None}),
        ({"Категория": "Масляный фильтр"}, {4: "oil_filter"}),
        ({"Категория": "ТОРМОЗНЫЕ КОЛОДКИ ПЕРЕДНИЕ"}, {4: "brake_pads_front"}),
        ({"Позиция": "Передний левый"}, {5: "front left"}),
        ({"Позиция": "LEFT, front"}, {5: "front left"}),
        ({"Позиция": "под капотом"}, {5: "под капотом"}),
        ({"Количество": "3,5 л"}, {6: 3.5}),
        ({"Количество": ""}, {6: None}),
        ({"Год с": "", "Год по": ""}, {7: None, 8: None}),
        ({"Год с": "2016 г."}, {7: 2016}),
        ({"Условия": "с кондиционером; \\n"}, {}),
        ({"Достоверность": "Высокая"}, {10: "high"}),
    ],
)
async def test_what_cells_may_say(
    pool: Pool, tmp_path: Path, cells: dict[str, str], expected: dict[int, object]
) -> None:
    cells = {name: f'"{value}"' if ";" in value else value for name, value in cells.items()}
    done = await load(pool, tmp_path, row(**cells))
    assert done.told == []
    if "Условия" in cells:
        expected = {9: cells["Условия"].strip('"')}
    [found] = await said(pool)
    assert list(found) == [expected.get(number, value) for number, value in enumerate(SAID)]


@pytest.mark.parametrize(
    ("years", "first", "last"),
    [("2015-2019", 2015, 2019), ("2015–", 2015, None), ("— 2019", None, 2019), ("2017", 2017, 2017), ("", None, None)],
)
async def test_years_in_one_column(pool: Pool, tmp_path: Path, years: str, first: int | None, last: int | None) -> None:
    headings, line = "Автомобиль;Годы;Бренд;Артикул;Категория;Источник", f"{VESTA};{years};MANN;W1;oil_filter;я"
    assert (await load(pool, tmp_path, line, headings=headings)).told == []
    assert [one[7:9] for one in await said(pool)] == [(first, last)]
    for wrong in (">2015", "2019-2015", "2015 и позже"):
        refused = await load(pool, tmp_path, line.replace(f";{years};", f";{wrong};", 1), headings=headings)
        assert refused.run.state == "refused"


def test_no_car_in_words_is_taken_for_another() -> None:
    cars, facts = Cars(known(), 2026), known()
    for one in facts.vehicles.values():
        make, model = facts.makes[one.make], facts.models[one.make, one.model]
        for text in (f"{one.make} {one.model} {one.generation}", f"{make.ru} {model.ru} {one.generation}"):
            with suppress(Wrong):
                assert cars.by_text(text) == one.id
        if one.generation:
            assert cars.by_names(one.make, one.model, one.generation) == one.id


async def test_source_and_confidence_may_be_named_beside_the_file(pool: Pool, tmp_path: Path) -> None:
    headings, line = "vehicle;brand;article;category", f"{VESTA};MANN;W1;oil_filter"
    assert (await load(pool, tmp_path, line, headings=headings)).told == [(1, "", "", "missing_column")]
    await load(pool, tmp_path, line, headings=headings, defaults={"source": "мы", "confidence": "low"})
    assert [one[10:] for one in await said(pool)] == [("low", "мы")]


async def test_a_workbook_is_read_as_well(pool: Pool, tmp_path: Path) -> None:
    file = tmp_path / "fitments.xlsx"
    cells: list[object] = [int(cell) if cell.isdecimal() else cell for cell in ROW.split(";")]
    file.write_bytes(as_xlsx([HEADINGS.split(";"), cells]))
    assert (await carry_out(pool, await start(pool, file), file)).told == []
    assert await said(pool) == [SAID]


async def test_good_rows_are_loaded_when_bad_ones_are_to_be_skipped(pool: Pool, tmp_path: Path) -> None:
    done = await load(pool, tmp_path, ROW, row(Автомобиль="телега"), skip_bad=True)
    assert (done.run.state, done.counts("rows", "bad_rows", "new")) == ("done", (2, 1, 1))
    assert await said(pool) == [SAID]


# ---------------------------------------------------------------------------- each source for itself
async def test_a_source_that_speaks_again_replaces_what_it_said(pool: Pool, tmp_path: Path) -> None:
    kept, gone = row(Артикул="W 1"), row(Артикул="W 2")
    assert (await load(pool, tmp_path, ROW, kept, gone)).counts("new", "changed", "gone") == (3, 0, 0)
    before = {one["id"] for one in await pool.fetch("SELECT id FROM fitments")}
    again = await load(pool, tmp_path, row(Количество="2"), kept, row(Артикул="W 3"))
    assert again.counts("new", "changed", "gone") == (1, 1, 1)
    assert [one[3] for one in await said(pool)] == ["W 1", "W 3", "W 914/2"]
    after = {one["id"] for one in await pool.fetch("SELECT id FROM fitments")}
    assert len(before & after) == 2, "what stays is the same row"
    assert (await load(pool, tmp_path, row(Количество="2"), kept, row(Артикул="W 3"))).counts(
        "new", "changed", "gone"
    ) == (0, 0, 0)


async def test_what_another_source_says_stays(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path, ROW, row(Источник="другой", Количество="2"))
    await load(pool, tmp_path, row(Артикул="W 1"))
    assert [(one[3], one[11]) for one in await said(pool)] == [("W 1", "каталог MANN"), ("W 914/2", "другой")]


async def test_facts_and_files_do_not_touch_each_other(pool: Pool, tmp_path: Path) -> None:
    await load_facts(pool)
    of_facts = "source_id IN (SELECT id FROM fitment_sources WHERE is_facts)"
    facts = f"SELECT ctid, * FROM fitments WHERE {of_facts} ORDER BY id"
    before = await pool.fetch(facts)
    fact = await pool.fetchrow(
        "SELECT v.slug, e.code, b.name, a.article, f.category, f.position FROM fitments AS f"
        " JOIN vehicles AS v ON v.id = f.vehicle_id JOIN vehicle_engines AS e ON e.id = f.engine_id"
        " JOIN cross_articles AS a ON a.id = f.article_id JOIN brands AS b ON b.id = a.brand_id LIMIT 1"
    )
    assert fact is not None
    slug, code, brand, article, category, position = fact
    same = row(
        Автомобиль=slug, Двигатель=code, Бренд=brand, Артикул=article, Категория=category, Позиция=position,
        Количество="9",
    )  # fmt: skip
    assert (await load(pool, tmp_path, same, ROW)).counts("new", "gone") == (2, 0)
    assert await pool.fetch(facts) == before
    files = await said(pool)
    async with transaction(pool) as db:
        await loading.load_facts(db)
    assert (await pool.fetch(facts), await said(pool)) == (before, files)
    assert (await load(pool, tmp_path, ROW)).counts("new", "gone") == (0, 1)
    assert await pool.fetch(facts) == before


# ---------------------------------------------------------------------------- cut short, side by side
def cut_off(database: Database, moment: str) -> Callable[[str, int, int], None]:
    """Ends the session of the import in this phase."""

    def tell(phase: str, done: int, total: int) -> None:
        if phase == moment:
            with psycopg.connect(database.super_url, autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_database AS d ON d.oid = database"
                    " WHERE locktype = 'advisory' AND d.datname = current_database()"
                )

    return tell


@pytest.mark.parametrize("moment", ["reading", "comparing", "loading"])
async def test_a_run_cut_off_leaves_nothing_and_the_next_does_it_all(
    pool: Pool, database: Database, tmp_path: Path, moment: str
) -> None:
    await load(pool, tmp_path, row(Артикул="W 1"))
    before = await whole_shop(pool)
    file = write(tmp_path, ROW, row(Артикул="W 2"))
    run = await start(pool, file)
    with pytest.raises(Exception) as broken:  # noqa: PT011 - which one depends on the moment
        await carry_out(pool, run, file, cut_off(database, moment))
    assert is_gone(broken.value)
    assert await whole_shop(pool) == before
    assert (await service.get_run(pool, run.id)).finished_at is None
    done = await carry_out(pool, run, file)
    assert (done.run.state, done.run.attempt, done.counts("new", "gone")) == ("done", 2, (2, 1))


async def test_files_and_facts_loaded_side_by_side(pool: Pool, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders:
        folder.mkdir()
    files = [load(pool, folder, ROW, row(Источник=folder.name)) for folder in folders]
    facts = asyncio.gather(load_facts(pool), load_facts(pool))
    assert {one.run.state for one in await asyncio.gather(*files)} == {"done"}
    await facts
    assert [one[11] for one in await said(pool)] == ["0", "1", "2", "каталог MANN"]
