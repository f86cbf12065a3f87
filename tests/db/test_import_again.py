"""The same file again changes nothing; another file changes what differs, and stock only when asked to."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from autoshop.inventory.reservations import service as reservations
from autoshop.kit.db import Pool, transaction
from tests.cast import BULB, CENTRE, NORTH, OIL_FILTER, PLUG
from tests.conftest import Database
from tests.imports import OF_IMPORTS, as_xlsx, assert_ledger_adds_up, load, whole_shop
from tests.ledger import MANAGER, movements, pieces, post, request, stock

pytestmark = pytest.mark.anyio

SHOP = (*OF_IMPORTS, "audit")  # each run leaves its line there, whatever it did
HEAD = [
    "Бренд",
    "Артикул",
    "Название",
    "Код",
    "Категория",
    "Штрихкод",
    "Розница",
    "Опт",
    "Остаток centre",
    "Остаток north",
]
PLUG_ROW = ["NGK", "BPR6ES-11", "Свеча", "S-1", "Свечи", "4607123456781", "450", "400", "7", "2"]
NEW_ROW = ["Filtron", "OP 520", "Фильтр", "S-2", "Фильтры", "40123455", "510", "", "3", "0"]
EMPTY = [""] * 8


def text(*rows: list[str]) -> str:
    return "".join(";".join(row) + "\n" for row in (HEAD, *rows))


def plug(**changes: str) -> str:
    """The plug's row, of which only these columns are filled."""
    row = ["NGK", "BPR6ES-11", *EMPTY]
    for heading, value in changes.items():
        row[HEAD.index(heading.replace("_", " "))] = value
    return text(row)


async def versions(pool: Pool) -> dict[str, int]:
    return {row["article"]: row["version"] for row in await pool.fetch("SELECT article, version FROM products")}


async def test_a_second_run_changes_nothing(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path / "c.csv", text(PLUG_ROW, NEW_ROW))
    before = await whole_shop(pool, SHOP)
    again = await load(pool, tmp_path / "c.csv", text(PLUG_ROW, NEW_ROW))
    assert (again.told, again.run.state) == ([], "done")
    assert {name: count for name, count in again.run.counts.items() if count} == {"rows": 2, "unchanged": 2}
    as_workbook = await load(pool, tmp_path / "c.xlsx", as_xlsx([HEAD, PLUG_ROW, NEW_ROW]), set_stock=True)
    assert {name: count for name, count in as_workbook.run.counts.items() if count} == {"rows": 2, "unchanged": 2}
    assert await whole_shop(pool, SHOP) == before


async def test_what_differs_is_changed_and_nothing_beside_it(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path / "c.csv", text(PLUG_ROW, NEW_ROW))
    before = await whole_shop(pool, SHOP)
    row = [*NEW_ROW[:2], "Фильтр масляный", *NEW_ROW[3:6], "520,00", *NEW_ROW[7:]]
    done = await load(pool, tmp_path / "d.csv", text(PLUG_ROW, row))
    assert done.counts("new", "changed", "unchanged", "prices", "barcodes", "movements") == (0, 1, 1, 1, 0, 0)
    after = await whole_shop(pool, SHOP)
    assert {table for table in after if after[table] != before[table]} == {"products", "prices"}
    assert (await versions(pool))["OP 520"] == 2
    assert (await versions(pool))["BPR6ES-11"] == 2  # as the first run left it
    history = await pool.fetch(
        "SELECT price_kopecks FROM prices JOIN products AS p ON p.id = product_id WHERE p.article = 'OP 520'"
        " ORDER BY valid_from"
    )
    assert [line["price_kopecks"] for line in history] == [51_000, 52_000]


async def test_an_empty_cell_leaves_what_is_there(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path / "c.csv", text(PLUG_ROW))
    before = await whole_shop(pool, SHOP)
    done = await load(pool, tmp_path / "d.csv", plug())
    assert done.counts("changed", "unchanged", "differences") == (0, 1, 0)
    assert await whole_shop(pool, SHOP) == before


async def test_barcodes_are_added_and_never_taken_away(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path / "c.csv", text(PLUG_ROW))
    done = await load(pool, tmp_path / "d.csv", plug(Штрихкод="X-1 4607123456781"))
    assert done.counts("changed", "barcodes") == (1, 1)
    codes = await pool.fetch("SELECT code FROM barcodes WHERE product_id = $1 ORDER BY code", PLUG)
    assert [row["code"] for row in codes] == ["4607123456781", "X-1"]


async def test_stock_that_differs_is_told_and_left(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path / "c.csv", text(PLUG_ROW, NEW_ROW))
    await post(pool, request("sale", 2))
    again = await load(pool, tmp_path / "c.csv", text(PLUG_ROW, NEW_ROW))
    assert again.told == [(2, "Остаток centre", "7", "stock_differs")]
    assert (again.problems[0].kind, again.problems[0].detail) == ("difference", "5")
    assert again.run.state == "done"
    assert again.counts("differences", "movements", "unchanged") == (1, 0, 2)
    assert await pieces(pool) == 5


async def test_set_stock_posts_what_is_missing_or_too_much(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path / "c.csv", text(PLUG_ROW, NEW_ROW))
    await post(pool, request("sale", 2))
    done = await load(pool, tmp_path / "Учёт.csv", plug(Остаток_centre="9", Остаток_north="0"), set_stock=True)
    assert (done.told, done.counts("movements", "unchanged")) == ([], (2, 1))
    lines = await pool.fetch("SELECT * FROM movements WHERE product_id = $1 AND movement_type = 'adjustment'", PLUG)
    assert {(m["store_id"], m["delta"], m["balance_after"], m["related_document"]) for m in lines} == {
        (CENTRE, 4, 9, "Остатки Учёт.csv"),
        (NORTH, -2, 0, "Остатки Учёт.csv"),
    }
    told = await pool.fetchval(
        "SELECT payload FROM outbox WHERE topic = 'inventory.movements' ORDER BY id DESC LIMIT 1"
    )
    assert told == {"document": "Остатки Учёт.csv", "movements": 2, "store_ids": [CENTRE, NORTH]}
    assert await stock(pool) == {(PLUG, CENTRE): 9, (7, CENTRE): 3}
    await assert_ledger_adds_up(pool)


async def test_set_stock_leaves_what_is_reserved(pool: Pool, database: Database, tmp_path: Path) -> None:
    await load(pool, tmp_path / "c.csv", text(PLUG_ROW))
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE inventory SET reserved = 4 WHERE product_id = %s AND store_id = %s", (PLUG, CENTRE))
    before = await whole_shop(pool, SHOP)
    refused = await load(pool, tmp_path / "d.csv", plug(Остаток_centre="3", Остаток_north="1"), set_stock=True)
    assert refused.told == [(2, "Остаток centre", "3", "reserved")]
    assert (refused.problems[0].detail, refused.run.state) == ("4", "refused")
    assert await whole_shop(pool, SHOP) == before
    done = await load(pool, tmp_path / "d.csv", plug(Остаток_centre="4"), set_stock=True)
    assert (done.run.state, await pieces(pool)) == ("done", 4)


async def test_a_hold_that_has_lapsed_does_not_stop_set_stock(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path / "c.csv", text(PLUG_ROW))
    now = datetime.now(UTC)
    async with transaction(pool) as db:
        until = now + timedelta(milliseconds=100)
        await reservations.reserve(db, MANAGER, [((PLUG, CENTRE), 4)], "Ivan", None, until, now)
    await asyncio.sleep(0.1)
    done = await load(pool, tmp_path / "d.csv", plug(Остаток_centre="3"), set_stock=True)
    assert (done.told, done.run.state, await pieces(pool)) == ([], "done", 3)
    await assert_ledger_adds_up(pool)


async def test_a_place_without_movements_is_opened(pool: Pool, tmp_path: Path) -> None:
    await pool.execute("INSERT INTO inventory (product_id, store_id) VALUES ($1, $2)", BULB, CENTRE)
    done = await load(pool, tmp_path / "c.csv", "Бренд;Артикул;Остаток centre\nOsram;64210;4\n")
    assert (done.told, done.counts("movements")) == ([], (1,))
    [line] = await pool.fetch("SELECT movement_type, delta, balance_after FROM movements")
    assert tuple(line) == ("inbound", 4, 4)
    await assert_ledger_adds_up(pool)


async def test_a_place_that_was_sold_out_is_not_opened_again(pool: Pool, tmp_path: Path) -> None:
    row = "Бренд;Артикул;Остаток centre\nMANN-FILTER;W 914/2;1\n"
    await load(pool, tmp_path / "c.csv", row)
    await post(pool, request("sale", 1, OIL_FILTER))
    again = await load(pool, tmp_path / "c.csv", row)
    assert again.told == [(2, "Остаток centre", "1", "stock_differs")]
    assert (await movements(pool), await pieces(pool, OIL_FILTER)) == (2, 0)


async def test_a_dry_run_counts_as_the_real_one_and_writes_nothing(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path / "c.csv", text(PLUG_ROW))
    await post(pool, request("sale", 2))
    content = text([*PLUG_ROW[:2], "Свеча NGK", *PLUG_ROW[3:]], NEW_ROW, NEW_ROW)
    before = await whole_shop(pool)
    dry = await load(pool, tmp_path / "d.csv", content, dry_run=True, set_stock=True)
    assert dry.run.state == "done"
    assert await whole_shop(pool) == before
    real = await load(pool, tmp_path / "d.csv", content, set_stock=True)
    assert (dry.run.counts, dry.problems) == (real.run.counts, real.problems)
    assert real.counts("new", "changed", "merged_rows", "movements", "prices", "barcodes") == (1, 1, 1, 2, 1, 1)


@pytest.mark.parametrize("dry_run", [False, True], ids=["", "dry"])
async def test_skip_bad_loads_the_good_rows(pool: Pool, tmp_path: Path, dry_run: bool) -> None:
    bad_price = [*PLUG_ROW[:6], "0", *PLUG_ROW[7:]]
    taken = ["TRW", "GDB3331", "", "", "Тормоза", "40123455", "", "", "5", ""]
    nameless = ["Лемфёрдер", "NEW-1", "", "", "Подвеска", "", "1", "", "1", ""]
    good = ["MANN-FILTER", "C 2585", "", "", "", "", "99", "", "4", ""]
    before = await whole_shop(pool)
    done = await load(
        pool, tmp_path / "c.csv", text(bad_price, NEW_ROW, taken, nameless, good), skip_bad=True, dry_run=dry_run
    )
    assert done.told == [
        (2, "Розница", "0", "zero_price"), (3, "Штрихкод", "40123455", "barcode_repeated"),
        (4, "Штрихкод", "40123455", "barcode_repeated"), (5, "Название", "NEW-1", "nameless"),
    ]  # fmt: skip
    assert done.run.state == "done"
    assert {name: count for name, count in done.run.counts.items() if count} == {
        "rows": 5, "bad_rows": 4, "changed": 1, "prices": 1, "movements": 1,
    }  # fmt: skip
    after = await whole_shop(pool)
    changed = {table for table in after if after[table] != before[table]}
    written = {"products", "prices", "inventory", "movements", "outbox", "audit"}
    assert changed == (set() if dry_run else written)
    assert await stock(pool) == ({} if dry_run else {(3, CENTRE): 4})


async def test_skip_bad_does_not_skip_a_bad_heading(pool: Pool, tmp_path: Path) -> None:
    before = await whole_shop(pool)
    refused = await load(pool, tmp_path / "c.csv", "Бренд;Артикул;Цвет\nNGK;BPR6ES-11;белый\n", skip_bad=True)
    assert (refused.told, refused.run.state) == ([(1, "Цвет", "Цвет", "unknown_column")], "refused")
    assert await whole_shop(pool) == before
