"""The demo shop in a real database: all of it or nothing, and the ledger proves itself."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count

import psycopg
import pytest

import autoshop.demo.load
from autoshop.demo.catalogue import catalogue
from autoshop.demo.generate import Wish
from autoshop.demo.load import NotEmpty, load
from autoshop.inventory.stock.service import check_ledger
from autoshop.kit import migrate
from autoshop.kit.db import open_pool
from autoshop.kit.embedded import Cluster
from tests.conftest import Database, client_for, running_app

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture(scope="module")
def empty(cluster: Cluster) -> Iterator[Callable[..., Database]]:
    """Makes databases with tables and nothing in them."""
    made = []

    def make(tables: bool = True) -> Database:
        name = f"demo_{next(_numbers)}"
        cluster.bootstrap(name)
        if tables:
            migrate.upgrade(cluster.url("autoshop", name))
        made.append(name)
        return Database(cluster.url("autoshop_app", name), cluster.url("autoshop", name), cluster.url("postgres", name))

    yield make
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as admin:
        for name in made:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def shop(empty: Callable[..., Database]) -> Database:
    """The demo as `bin/dev` loads it, just now."""
    database = empty()
    asyncio.run(load(database.url, Wish(), datetime.now(UTC), owner_url=database.owner_url))
    return database


def ask(database: Database, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database.url) as db:
        return db.execute(sql).fetchall()


def test_a_database_that_holds_products_is_refused(database: Database) -> None:
    with pytest.raises(NotEmpty) as refused:
        asyncio.run(load(database.url, Wish(), NOW))
    assert refused.value.facts["tables"] == ["products", "stores", "brands"]


def test_a_failure_leaves_the_database_empty(empty: Callable[..., Database], monkeypatch: pytest.MonkeyPatch) -> None:
    database = empty()

    def breaks(_: object) -> Iterator[tuple[object, ...]]:
        raise RuntimeError("the lights went out")
        yield ()

    monkeypatch.setattr(autoshop.demo.load, "finale", breaks)
    with pytest.raises(RuntimeError, match="lights"):
        asyncio.run(load(database.url, Wish(), NOW))
    for table in ("stores", "products", "prices", "movements", "inventory"):
        assert ask(database, f"SELECT count(*) FROM {table}") == [(0,)]
    monkeypatch.undo()
    asyncio.run(load(database.url, Wish(history=False), NOW))  # ids that the failure used up do no harm
    assert ask(database, "SELECT count(*) FROM products") == [(catalogue().count,)]


def test_the_catalogue_is_all_there(shop: Database) -> None:
    counts = ask(
        shop,
        "SELECT (SELECT count(*) FROM products), (SELECT count(*) FROM brands), (SELECT count(*) FROM categories),"
        " (SELECT count(*) FROM stores), (SELECT count(*) FROM barcodes), (SELECT count(*) FROM transfer_routes)",
    )
    assert counts == [(catalogue().count, 69, 35, 2, catalogue().count, 2)]
    assert ask(shop, "SELECT price_type, count(DISTINCT product_id) FROM prices GROUP BY 1 ORDER BY 1") == [
        (price_type, catalogue().count) for price_type in ("cost", "retail", "wholesale")
    ]
    assert ask(shop, "SELECT cutoff::text, days, arrival::text, weekdays FROM transfer_routes LIMIT 1") == [
        ("18:00:00", 1, "17:00:00", [1, 2, 3, 4, 5, 6, 7])
    ]


@pytest.mark.anyio
async def test_the_ledger_check_finds_nothing(shop: Database) -> None:
    pool = await open_pool(shop.settings(), name="test")
    found = await check_ledger(pool, balances=True)
    await pool.close()
    assert (found.row_count, found.differences) == (2 * catalogue().count, 0)


def test_within_a_place_time_never_runs_back_and_ids_follow_time_everywhere(shop: Database) -> None:
    assert ask(
        shop,
        "SELECT count(*) FROM (SELECT created_at, lag(created_at) OVER (ORDER BY id) AS before FROM movements) AS m"
        " WHERE created_at < before OR created_at > now()",
    ) == [(0,)]


def test_every_movement_of_a_transfer_has_its_document_and_its_line(shop: Database) -> None:
    assert ask(
        shop,
        """
        SELECT count(*)
          FROM transfer_lines AS l
          JOIN transfers AS t ON t.id = l.transfer_id
          LEFT JOIN (SELECT transfer_id, product_id, store_id, sum(delta) AS delta
                       FROM movements WHERE movement_type = 'transfer' GROUP BY 1, 2, 3) AS sent
            ON sent.transfer_id = t.id AND sent.product_id = l.product_id AND sent.store_id = t.from_store_id
          LEFT JOIN (SELECT transfer_id, product_id, store_id, sum(delta) AS delta
                       FROM movements WHERE movement_type = 'transfer' GROUP BY 1, 2, 3) AS came
            ON came.transfer_id = t.id AND came.product_id = l.product_id AND came.store_id = t.to_store_id
         WHERE sent.delta IS DISTINCT FROM -l.shipped OR coalesce(came.delta, 0) <> l.received
            OR (t.status = 'received') <> (l.received = l.shipped)
        """,
    ) == [(0,)]
    without = "(movement_type = 'transfer') <> (transfer_id IS NOT NULL)"
    assert ask(shop, f"SELECT count(*) FROM movements WHERE {without}") == [(0,)]


def test_the_next_ids_come_after_the_demo(shop: Database) -> None:
    for table in ("stores", "brands", "categories", "products", "movements", "transfers"):
        [(highest,)] = ask(shop, f"SELECT max(id) FROM {table}")
        [(following,)] = ask(shop, f"SELECT nextval('{table}_id_seq')")
        assert isinstance(highest, int)
        assert isinstance(following, int)
        assert following > highest


@pytest.mark.anyio
async def test_the_first_five_products_show_the_five_kinds_of_availability(shop: Database) -> None:
    async with running_app(shop.settings()) as app, client_for(app) as client:
        statuses = []
        for product in range(1, 6):
            answer = (await client.get(f"/api/v1/inventory/{product}")).json()
            statuses += [row["status"] for row in answer["stores"] if row["store_id"] == 1]
    assert statuses == ["on_hand", "in_transit", "transfer_1d", "backorder", "unavailable"]


@pytest.mark.anyio
async def test_the_owners_lines_work_as_written(shop: Database) -> None:
    line = {"product_id": 1, "store_id": 1, "movement_type": "sale", "quantity": 1, "related_document": "test-sale-1"}
    async with running_app(shop.settings()) as app, client_for(app) as client:
        sale = await client.post("/api/v1/inventory/movement", json=line)
        too_many = {**line, "movement_type": "writeoff", "quantity": 999}
        refused = await client.post("/api/v1/inventory/movement", json=too_many)
    assert (sale.status_code, sale.json()["ok"]) == (200, True)
    assert (refused.status_code, refused.json()["title"]) == (409, "Insufficient stock")


def test_more_products_and_stores_when_asked_for(empty: Callable[..., Database]) -> None:
    database = empty()
    loaded = asyncio.run(load(database.url, Wish(products=3000, stores=6, movements=20_000, seed=7), NOW))
    assert (loaded.products, loaded.stores) == (3000, 6)
    assert loaded.movements == pytest.approx(20_000, rel=0.15)
    assert ask(database, "SELECT count(*), max(id) FROM movements") == [(loaded.movements, loaded.movements)]
    assert ask(database, "SELECT count(*) FROM transfer_routes") == [(10,)]
    assert ask(database, "SELECT count(*) FROM products WHERE article_key = '' OR name ~ 'Demo'") == [
        (3000 - catalogue().count,)
    ]
    assert ask(
        database,
        "SELECT count(*) FROM inventory AS i WHERE quantity <> (SELECT coalesce(sum(delta), 0) FROM movements AS m"
        " WHERE m.product_id = i.product_id AND m.store_id = i.store_id)",
    ) == [(0,)]


def test_the_same_wish_makes_the_same_shop(empty: Callable[..., Database]) -> None:
    digests = []
    for _ in range(2):
        database = empty()
        asyncio.run(load(database.url, Wish(products=600, seed=3), NOW))
        digests.append(
            [
                ask(database, f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} AS t")
                for table in ("products", "prices", "inventory", "movements", "transfers", "transfer_lines")
            ]
        )
    assert digests[0] == digests[1]


def demo(database: Database, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autoshop", "demo", *options],
        env={**os.environ, "AUTOSHOP_DATABASE_URL": database.url, "AUTOSHOP_OWNER_DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_command_tells_what_it_did_and_refuses_to_do_it_twice(empty: Callable[..., Database]) -> None:
    database = empty()
    done = demo(database, "--products", "500")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The demo shop is open: 2 stores, 500 products, ")
    again = demo(database)
    assert again.returncode == 1
    assert "The database is not empty: There are products, stores, brands" in again.stderr
    assert "Traceback" not in again.stderr


def test_the_command_says_what_is_missing(empty: Callable[..., Database]) -> None:
    nowhere = Database("postgresql://autoshop_app@127.0.0.1:1/autoshop", "", "")
    for asked, status, said in (
        (demo(nowhere), 1, "The database does not answer"),
        (demo(empty(tables=False)), 1, "run `autoshop migrate` first"),
        (demo(nowhere, "--no-history", "--movements", "5000"), 2, "--movements needs a history"),
    ):
        assert asked.returncode == status
        assert said in asked.stderr
        assert "Traceback" not in asked.stderr
