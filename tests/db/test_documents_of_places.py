"""Documents that say where products lie, and documents that ask other stores for pieces."""

from pathlib import Path
from typing import Any

import pytest

from autoshop.accounts.model import MissingScope, staff
from autoshop.inventory.shelves import service as shelves
from autoshop.inventory.transfers import service as transfers
from autoshop.inventory.transfers.model import Transfer
from autoshop.kit.db import Pool, transaction
from autoshop.warehouse.documents.model import Kind, Line, PlacesStay, SentAlready
from autoshop.warehouse.documents.reading import Unreadable
from tests.cast import CENTRE, NORTH, OIL_FILTER, PLUG, UNKNOWN
from tests.documents import done, keep, lines_in, post_document, refused, undo
from tests.ledger import MANAGER, assert_ledger_is_clean, post, request

pytestmark = pytest.mark.anyio

SOUTH = 3
A_THOUSAND = "INSERT INTO products (brand_id, article, article_key, article_loose, name, sku)" \
    " SELECT 1, a, a, a, a, a FROM (SELECT 'X' || n AS a FROM generate_series(1, 2500) AS n) AS g"  # fmt: skip


@pytest.fixture(autouse=True)
async def south(pool: Pool) -> None:
    await pool.execute("INSERT INTO stores (id, code, name) VALUES ($1, 'south', 'Юг')", SOUTH)


def put(product_id: int, places: Any, **more: Any) -> dict[str, Any]:
    return {"product_id": product_id, "places": places, **more}


def ask(product_id: int, quantity: Any, sender: str = "north") -> dict[str, Any]:
    return {"product_id": product_id, "quantity": quantity, "from_store": sender}


async def places(pool: Pool, product_id: int = PLUG, store_id: int = CENTRE) -> tuple[str, ...]:
    async with pool.acquire() as db:
        return (await shelves.get_shelf(db, product_id, store_id)).places


async def asked(pool: Pool) -> list[Transfer]:
    async with pool.acquire() as db:
        ids = await db.fetch("SELECT id FROM transfers ORDER BY from_store_id")
        return [await transfers.get_transfer(db, row["id"]) for row in ids]


def codes(problems: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Row, column and code of each."""
    return [(row, column, code) for row, column, _, code, _ in problems]


# ------------------------------------------------------------------------------------------------ places
async def test_every_row_that_says_no_place_is_told_and_nothing_is_set(pool: Pool) -> None:
    await done(pool, "places", put(PLUG, "A-1"))
    twenty = [f"B-{number}" for number in range(21)]
    told = await refused(
        pool, "places", put(PLUG, "C-1"), put(UNKNOWN, "A-1"), put(PLUG, "--"), put(PLUG, " ; "), {"product_id": PLUG},
        put(OIL_FILTER, "A" * 41), {"places": "A-1"},
    )  # fmt: skip
    assert codes(told) == [
        (2, "", "unknown_product"), (3, "places", "no_place"), (4, "places", "required"), (5, "places", "required"),
        (6, "places", "no_place"), (7, "", "names_nothing"),
    ]  # fmt: skip
    told = await refused(pool, "places", put(PLUG, "A-2; B-1"), put(PLUG, "а02"), put(OIL_FILTER, twenty))
    assert codes(told) == [(2, "places", "repeated_place"), (3, "places", "too_many_places")]
    assert (await places(pool), await places(pool, OIL_FILTER)) == (("A-1",), ())


async def test_rows_of_a_product_are_all_its_places_and_the_first_is_the_main_one(pool: Pool) -> None:
    await done(pool, "places", put(PLUG, "A-9"), put(OIL_FILTER, "B-1"))
    ended = await done(pool, "places", put(PLUG, "а 03/2; C-1"), put(PLUG, ["b 7"]))
    assert (await places(pool), await places(pool, OIL_FILTER)) == (("A-03-2", "B-7", "C-1"), ("B-1",))
    assert (ended.totals["products"], ended.totals["movements"], ended.undoable) == (1, 0, False)
    rows = await pool.fetch("SELECT product_id, quantity FROM bulk_lines WHERE document_id = $1", ended.id)
    assert [tuple(row) for row in rows] == [(PLUG, None)] * 2
    assert await places(pool, PLUG, NORTH) == ()


async def test_places_are_not_undone_which_is_said_before(pool: Pool) -> None:
    kept = await keep(pool, "places", put(PLUG, "A-1"))
    assert not kept.undoable
    await post_document(pool, kept)
    with pytest.raises(PlacesStay):
        await undo(pool, kept.id)
    assert await places(pool) == ("A-1",)


async def test_thousands_of_places_are_set_at_once(pool: Pool) -> None:
    await pool.execute(A_THOUSAND)
    ended = await done(pool, "places", *[{"sku": f"X{number}", "places": f"A-{number}"} for number in range(1, 2501)])
    assert ended.totals["products"] == 2500
    assert await pool.fetchval("SELECT count(*) FROM shelf_places WHERE is_main") == 2500


async def test_a_file_names_places_as_people_do(tmp_path: Path, pool: Pool) -> None:
    [one] = lines_in(tmp_path / "a.csv", "Код;Ячейка;Остаток\nSKU-1;А-1, Б/2;7\n", "places")
    assert one.given == {"sku": "SKU-1", "places": "А-1, Б/2"}
    await done(pool, "places", dict(one.given))
    assert await places(pool) == ("A-1", "Б-2")
    with pytest.raises(Unreadable) as unreadable:
        lines_in(tmp_path / "b.csv", "Код;Остаток\nSKU-1;7\n", "places")
    assert [one.code for one in unreadable.value.problems] == ["missing_column"]


# ------------------------------------------------------------------------------------------------ requests
async def test_every_row_that_asks_for_nothing_is_told_and_nobody_is_asked(pool: Pool) -> None:
    told = await refused(
        pool, "requests", ask(PLUG, 1), ask(PLUG, 0), ask(PLUG, -1), ask(PLUG, "1,5"), ask(PLUG, 10**9),
        ask(UNKNOWN, 1), ask(PLUG, 1, "west"), ask(PLUG, 1, "Centre"), ask(PLUG, 1, "1"),
        {"product_id": PLUG, "quantity": 1}, {"product_id": PLUG, "from_store": "north"},
    )  # fmt: skip
    assert codes(told) == [
        (2, "quantity", "zero"), (3, "quantity", "below_nothing"), (4, "quantity", "not_whole"),
        (5, "quantity", "too_many_pieces"), (6, "", "unknown_product"), (7, "from_store", "unknown_store"),
        (8, "from_store", "own_store"), (9, "from_store", "own_store"), (10, "from_store", "required"),
        (11, "quantity", "required"),
    ]  # fmt: skip
    assert (await asked(pool), await pool.fetchval("SELECT count(*) FROM movements")) == ([], 0)
    await pool.execute("UPDATE stores SET active = false WHERE id = $1", CENTRE)
    assert codes(await refused(pool, "requests", ask(PLUG, 1))) == [(None, "", "store_closed")]


async def test_each_store_is_asked_by_one_transfer(pool: Pool) -> None:
    ended = await done(pool, "requests", ask(PLUG, 2), ask(OIL_FILTER, 3, "SOUTH"), ask(PLUG, "1"), ask(OIL_FILTER, 4))
    north, south = await asked(pool)
    assert (north.from_store_id, north.to_store_id, north.wanted) == (NORTH, CENTRE, {PLUG: 3, OIL_FILTER: 4})
    assert (south.from_store_id, south.wanted, south.status) == (SOUTH, {OIL_FILTER: 3}, "requested")
    assert (north.related_document, north.note) == ("УПД-7", f"document {ended.id}")
    assert (ended.totals["transfers"], ended.totals["movements"], ended.undoable) == (2, 0, True)
    rows = await pool.fetch("SELECT transfer_id FROM bulk_lines WHERE document_id = $1 ORDER BY number", ended.id)
    assert [row["transfer_id"] for row in rows] == [north.id, south.id, north.id, north.id]


async def test_requests_are_undone_as_long_as_nothing_has_left(pool: Pool) -> None:
    await post(pool, request("inbound", 5, store_id=NORTH))
    first = await done(pool, "requests", ask(PLUG, 2), ask(OIL_FILTER, 3, "south"))
    assert (await undo(pool, first.id)).state == "undone"
    assert {one.status for one in await asked(pool)} == {"cancelled"}
    second = await done(pool, "requests", ask(PLUG, 2), ask(OIL_FILTER, 3, "south"))
    [north] = [one for one in await asked(pool) if one.from_store_id == NORTH and one.status == "requested"]
    async with transaction(pool) as db:
        await transfers.ship(db, MANAGER, north.id, {PLUG: 1}, second.created_at)
    with pytest.raises(SentAlready) as refusal:
        await undo(pool, second.id)
    assert refusal.value.facts["transfer_ids"] == [north.id]
    assert [one.status for one in await asked(pool) if one.from_store_id == SOUTH] == ["cancelled", "requested"]
    await assert_ledger_is_clean(pool)


async def test_what_somebody_called_off_by_himself_stays_called_off(pool: Pool) -> None:
    document = await done(pool, "requests", ask(PLUG, 2), ask(OIL_FILTER, 3, "south"))
    north, _ = await asked(pool)
    async with transaction(pool) as db:
        await transfers.cancel(db, MANAGER, north.id)
    assert (await undo(pool, document.id)).state == "undone"
    assert [one.version for one in await asked(pool)] == [2, 2]


async def test_a_file_of_requests_names_the_sender(tmp_path: Path, pool: Pool) -> None:
    [one] = lines_in(tmp_path / "a.csv", "Штрихкод;Кол-во;Откуда\n4607;2;north\n", "requests")
    assert one == Line(1, 2, {"barcode": "4607", "quantity": "2", "from_store": "north"})
    with pytest.raises(Unreadable) as unreadable:
        lines_in(tmp_path / "b.csv", "Код;Количество\nSKU-1;7\n", "requests")
    assert [one.code for one in unreadable.value.problems] == ["missing_column"]
    # A receipt does not care from where it came.
    [one] = lines_in(tmp_path / "c.csv", "Код;Количество;Откуда;Место\nSKU-1;7;north;A-1\n", "receipt")
    assert one.given == {"sku": "SKU-1", "quantity": "7"}


@pytest.mark.parametrize("kind", ["places", "requests"])
async def test_whoever_may_not_write_stock_may_not_do_that_either(pool: Pool, kind: Kind) -> None:
    buyer = staff("ann", "buyer", frozenset())
    given = put(PLUG, "A-1") if kind == "places" else ask(PLUG, 1)
    with pytest.raises(MissingScope):
        await keep(pool, kind, given, caller=buyer)
