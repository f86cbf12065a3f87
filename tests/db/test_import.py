"""An import, from a file to every table that it fills: the same catalogue, however the file was written."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from autoshop.accounts.model import Caller
from autoshop.catalog.brands import store as brands
from autoshop.kit.db import Pool, transaction
from autoshop.selection.recommendations.jobs import count_bought_together
from tests.cast import CENTRE, CENTRE_CODE, NORTH, OIL_FILTER, PLUG
from tests.imports import as_csv, as_xlsx, assert_ledger_adds_up, catalogue, load, rows
from tests.ledger import post, request, stock

pytestmark = pytest.mark.anyio

RUSSIAN = [
    "Бренд", "Артикул", "Наименование", "Код", "Категория", "Ед. изм.", "Штрихкоды", "Цена, руб.", "Опт.", "Закупочная",
    "Остаток centre", "Остаток, Север",
]  # fmt: skip
ENGLISH = [
    "Manufacturer", "Part No", "Name", "SKU", "Category", "Unit", "EAN", "Price", "Wholesale price", "Cost",
    "Stock centre", "Qty (north)",
]  # fmt: skip
ROWS: list[list[object]] = [
    ["NGK", "bpr-6es 11", "Свеча «NGK»; с резистором", "S-1", "Свечи", "шт", "4607123456781,X-1",
     "450,00", 400, "300.5", 7, ""],
    ["Mahle", "OC 90", 'Фильтр, "OC 90"\nмасляный', "", "Фильтры / масляные", "компл", "40123455",
     "1 234,5 руб.", "", "", 0, 3],
    ["ООО «Ёлка»", "А-17", "Ёмкость\tдля масла", "0012", "Свечи", "", "", "", "99", "", "", ""],
]  # fmt: skip
TABLE: list[list[object]] = [list(RUSSIAN), *ROWS]
SAME: list[dict[str, Any]] = [
    {"brand": "Mahle", "article": "OC 90", "name": 'Фильтр, "OC 90" масляный', "sku": None,
     "category": "Фильтры / масляные", "unit": "компл", "barcodes": ["40123455"], "prices": {"retail": 123450},
     "stock": {"north": 3}},
    {"brand": "NGK", "article": "BPR6ES-11", "name": "Свеча «NGK»; с резистором", "sku": "S-1", "category": "Свечи",
     "unit": "шт", "barcodes": ["4607123456781", "X-1"],
     "prices": {"retail": 45000, "wholesale": 40000, "cost": 30050}, "stock": {"centre": 7}},
    {"brand": "ООО «Ёлка»", "article": "А-17", "name": "Ёмкость для масла", "sku": "0012", "category": "Свечи",
     "unit": "шт", "barcodes": [], "prices": {"wholesale": 9900}, "stock": None},
]  # fmt: skip


@pytest.mark.parametrize("line_end", ["\r\n", "\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"], ids=["semicolon", "comma", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
async def test_encoding_and_delimiter_find_themselves(
    pool: Pool, tmp_path: Path, encoding: str, delimiter: str, line_end: str
) -> None:
    done = await load(pool, tmp_path / "catalog.csv", as_csv([RUSSIAN, *ROWS], delimiter, encoding, line_end))
    assert (done.told, done.run.state) == ([], "done")
    assert await catalogue(pool) == SAME


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("english.csv", as_csv([ENGLISH, *ROWS], ","), {}),
        ("workbook.xlsx", as_xlsx([RUSSIAN, *ROWS]), {}),
        ("named.otherwise", as_xlsx([ENGLISH, *ROWS]), {}),
        ("below_and_right.xlsx", as_xlsx([[], [], *([None, None, *row] for row in TABLE)]), {}),
        ("sheet.xlsx", as_xlsx([["notes"]], {"Товары": [RUSSIAN, *ROWS]}), {"sheet": "Товары"}),
        ("told_encoding.csv", as_csv([RUSSIAN, *ROWS], encoding="cp1251"), {"encoding": "Windows-1251"}),
        ("pipes.csv", as_csv([RUSSIAN, *ROWS], "|"), {"delimiter": "|"}),
        ("old_mac.csv", as_csv([RUSSIAN, *ROWS], line_end="\r"), {}),
        ("empty_lines.csv", b"\n\n" + as_csv([RUSSIAN, ROWS[0], [""] * 12, ROWS[1], [" "], ROWS[2]]) + b"\n;;\n", {}),
        ("further_columns.csv", as_csv([[*RUSSIAN, "Вес"], *([*row, "=A1"] for row in ROWS)]), {"ignore": ("вес",)}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_the_same_catalogue_however_it_was_written(
    pool: Pool, tmp_path: Path, name: str, content: bytes, options: dict[str, Any]
) -> None:
    done = await load(pool, tmp_path / name, content, **options)
    assert (done.told, done.run.state) == ([], "done")
    assert await catalogue(pool) == SAME


@pytest.mark.parametrize(
    ("name", "content", "passed_over"),
    [
        (
            "title.csv",
            as_csv([["Остатки, на 01.12.2024"], [], ["Отбор:", "все"], *TABLE]),
            "Остатки, на 01.12.2024; Отбор: все",
        ),
        ("commas.csv", b"\xd0\x92: brand, article, name, price\n" + as_csv(TABLE), "В: brand, article, name, price"),
        ("title.xlsx", as_xlsx([["Остатки", date(2024, 12, 1)], [], ["Отбор"], *TABLE]), "Остатки 01.12.2024; Отбор"),
    ],
    ids=["csv", "delimiter", "xlsx"],
)
async def test_titles_above_the_headings_are_passed_over_and_told(
    pool: Pool, tmp_path: Path, name: str, content: bytes, passed_over: str
) -> None:
    done = await load(pool, tmp_path / name, content)
    assert [(problem.kind, problem.code, problem.value) for problem in done.problems] == [
        ("note", "headings_here", passed_over)
    ]
    assert (done.run.state, done.counts("rows")) == ("done", (3,))
    assert await catalogue(pool) == SAME


@pytest.mark.parametrize("encoding", ["cp866", "koi8-r"])
async def test_other_encodings_are_read_when_they_are_named(pool: Pool, tmp_path: Path, encoding: str) -> None:
    text = "Бренд;Артикул;Название\nЁлка;А-17;Щётка стеклоочистителя\n".encode(encoding)
    refused = await load(pool, tmp_path / "unnamed.csv", text)
    assert [(one.row, one.code) for one in refused.problems] == [(1, "unknown_encoding")]
    done = await load(pool, tmp_path / "named.csv", text, encoding=encoding)
    assert (done.told, done.run.state) == ([], "done")
    assert [(row["brand"], row["name"]) for row in await catalogue(pool)] == [("Ёлка", "Щётка стеклоочистителя")]


async def test_numbers_in_a_workbook_are_what_a_reader_sees(pool: Pool, tmp_path: Path) -> None:
    headings = ["Бренд", "Артикул", "Название", "Штрихкод", "Розница", "Опт", "Остаток centre"]
    row = ["Osram", 64210, None, 4607123456781, 0.1 + 0.2, 1234, 12.0]
    done = await load(pool, tmp_path / "n.xlsx", as_xlsx([headings, row]))
    assert (done.told, done.run.state) == ([], "done")
    [bulb] = await catalogue(pool)
    assert (bulb["article"], bulb["barcodes"], bulb["stock"]) == ("64210", ["4607123456781"], {"centre": 12})
    assert bulb["prices"] == {"retail": 30, "wholesale": 123400}


async def test_a_bare_stock_column_speaks_of_the_store_that_was_named(pool: Pool, tmp_path: Path) -> None:
    text = "Бренд;Артикул;Количество\nNGK;BPR6ES-11;4\nMANN FILTER;W914/2; \n"
    done = await load(pool, tmp_path / "stock.csv", text, store="north")
    assert (done.told, done.run.state) == ([], "done")
    assert await stock(pool) == {(PLUG, NORTH): 4}


async def test_brands_are_found_by_name_and_alias_and_made_once(pool: Pool, tmp_path: Path) -> None:
    async with transaction(pool) as db:
        await db.execute("INSERT INTO brand_aliases (alias_key, alias, brand_id) VALUES ('манн', 'МАНН', 2)")
    text = (
        "Бренд;Артикул;Название\nманн;W914/2;Один\nMann Filter;C-2585;Два\nMANN-FILTER;W 712;Три\n"
        "Filtron;OP 520;Четыре\nFILTRON;OP 521;Пять\n"
    )
    done = await load(pool, tmp_path / "brands.csv", text)
    assert done.counts("new", "changed", "brands") == (3, 2, 1)
    assert [(row["brand"], row["name"]) for row in await catalogue(pool)] == [
        ("Filtron", "Четыре"), ("Filtron", "Пять"),
        ("MANN-FILTER", "Два"), ("MANN-FILTER", "Три"), ("MANN-FILTER", "Один"),
    ]  # fmt: skip
    assert await brands.all_keys(pool) | {"filtron": 0} == {
        "ngk": 1, "mannfilter": 2, "манн": 2, "trw": 3, "bosch": 4, "osram": 5, "filtron": 0,
    }  # fmt: skip


async def test_categories_are_found_by_name_and_code_and_get_codes(pool: Pool, tmp_path: Path) -> None:
    await pool.execute("INSERT INTO categories (code, name_ru, name_en) VALUES ('oil', 'Масла', 'Oils')")
    names = ["масла", "OILS", "oil", "Масла: моторные", "масла моторные", "Oil."]
    rows = [["X", f"A{n}", f"Товар {n}", name] for n, name in enumerate(names)]
    done = await load(pool, tmp_path / "c.csv", as_csv([["Бренд", "Артикул", "Название", "Категория"], *rows]))
    assert (done.run.state, done.counts("categories")) == ("done", (1,))
    assert [tuple(row) for row in await pool.fetch("SELECT code, name_ru FROM categories ORDER BY id")] == [
        ("oil", "Масла"), ("масла--моторные", "Масла: моторные"),
    ]  # fmt: skip
    assert [row["category"] for row in await catalogue(pool)] == ["Масла"] * 3 + ["Масла: моторные"] * 2 + ["Масла"]


async def test_a_name_that_two_categories_have_is_refused(pool: Pool, tmp_path: Path) -> None:
    await pool.execute(
        "INSERT INTO categories (code, name_ru, name_en) VALUES ('a', 'Масла', 'A'), ('b', 'Масла', 'B')"
    )
    text = "Бренд;Артикул;Категория\nNGK;BPR6ES-11;{}\n"
    refused = await load(pool, tmp_path / "c.csv", text.format("Масла"))
    assert (refused.told, refused.run.state) == ([(2, "Категория", "Масла", "ambiguous_category")], "refused")
    assert (await load(pool, tmp_path / "c.csv", text.format("b"))).counts("changed", "categories") == (1, 0)


async def test_opening_stock_enters_as_movements(pool: Pool, tmp_path: Path) -> None:
    text = (
        "Бренд;Артикул;Название;Остаток centre;Остаток north\n"
        "NGK;BPR6ES-11;;7;2\nFiltron;OP 520;Фильтр;3;0\nMANN-FILTER;W 914/2;;0;\n"
    )
    done = await load(pool, tmp_path / "Остатки.csv", text)
    assert done.counts("movements", "differences") == (3, 0)
    new = await pool.fetchval("SELECT id FROM products WHERE article = 'OP 520'")
    lines = await pool.fetch("SELECT * FROM movements ORDER BY product_id, store_id")
    assert [(m["product_id"], m["store_id"], m["delta"], m["balance_after"]) for m in lines] == [
        (PLUG, CENTRE, 7, 7), (PLUG, NORTH, 2, 2), (new, CENTRE, 3, 3),
    ]  # fmt: skip
    assert {(m["movement_type"], m["related_document"], m["actor"]) for m in lines} == {
        ("inbound", "Начальный остаток Остатки.csv", "system:test")
    }
    assert await stock(pool) == {(PLUG, CENTRE): 7, (PLUG, NORTH): 2, (new, CENTRE): 3}
    await assert_ledger_adds_up(pool)


async def test_an_import_leaves_one_line_in_audit_and_one_in_outbox(pool: Pool, tmp_path: Path) -> None:
    done = await load(pool, tmp_path / "c.csv", as_csv([RUSSIAN, *ROWS]))
    [audited] = await pool.fetch("SELECT * FROM audit")
    assert (audited["actor"], audited["action"], audited["subject"]) == (
        "system:test",
        "import",
        f"import:{done.run.id}",
    )
    assert audited["after"] == done.run.counts
    [event] = await pool.fetch("SELECT topic, payload FROM outbox")
    assert (event["topic"], event["payload"]) == (
        "inventory.movements",
        {"document": "Начальный остаток c.csv", "movements": 2, "store_ids": [CENTRE, NORTH]},
    )


async def test_counts_say_what_was_done(pool: Pool, tmp_path: Path) -> None:
    done = await load(pool, tmp_path / "c.csv", as_csv([RUSSIAN, *ROWS, ROWS[0]]))
    assert done.run.counts == {
        "rows": 4, "new": 2, "changed": 1, "unchanged": 0, "bad_rows": 0, "merged_rows": 1, "differences": 0,
        "brands": 2, "categories": 2, "barcodes": 3, "prices": 5, "movements": 2,
    }  # fmt: skip
    assert done.told == [(6, "Артикул", "bpr-6es 11", "merged")]
    prices = await pool.fetch("SELECT DISTINCT actor, valid_from <= now() AS valid FROM prices")
    assert [tuple(row) for row in prices] == [("system:test", True)]


async def test_text_that_means_something_to_postgresql_stays_text(pool: Pool, tmp_path: Path) -> None:
    names = [r"\N", r"\.", "NULL", r"a\tb", '{"a"}', "'; DROP TABLE products; --", r"C:\новое", "%s $1"]
    codes = ["NULL", "null", r"a\b", 'a"b', "{a}", "a'b", r"\N", "$1"]
    rows = [["X", f"A{n}", name, code, code] for n, (name, code) in enumerate(zip(names, codes, strict=True))]
    done = await load(pool, tmp_path / "c.csv", as_csv([["Бренд", "Артикул", "Название", "Код", "Штрихкод"], *rows]))
    assert (done.told, done.run.state) == ([], "done")
    found = await catalogue(pool)
    assert [(row["name"], row["sku"], *row["barcodes"]) for row in found] == [
        (name, code, code) for name, code in zip(names, codes, strict=True)
    ]


async def test_a_clerk_who_may_not_see_costs_cannot_set_them_and_not_stock_elsewhere(
    pool: Pool, tmp_path: Path
) -> None:
    clerk = Caller("token", "till", frozenset({"catalog:write"}), frozenset({CENTRE}))
    text = f"Бренд;Артикул;Закупка;Остаток {CENTRE_CODE};Остаток north\nMANN-FILTER;W 914/2;10;1;1\n"
    refused = await load(pool, tmp_path / "c.csv", text, clerk)
    assert refused.run.state == "refused"
    assert refused.told == [(1, "Закупка", "", "no_cost"), (1, "Остаток north", "Остаток north", "not_your_store")]
    assert await stock(pool) == {}
    done = await load(pool, tmp_path / "d.csv", "Бренд;Артикул;Остаток centre\nMANN-FILTER;W 914/2;1\n", clerk)
    assert (done.run.state, await stock(pool)) == ("done", {(OIL_FILTER, CENTRE): 1})


async def test_a_night_of_counting_before_it_does_not_stand_in_the_way(pool: Pool, tmp_path: Path) -> None:
    await post(pool, *(request("inbound", 1, product) for product in (PLUG, OIL_FILTER)))
    await post(pool, *(request("sale", 1, product, document="чек 1") for product in (PLUG, OIL_FILTER)))
    for _ in range(3):
        await count_bought_together(pool)  # in temporary tables, on a connection that goes back to the others
    assert (await load(pool, tmp_path / "c.csv", rows())).run.state == "done"
