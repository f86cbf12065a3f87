"""What is typed and what comes first, over the real products of the demo shop."""

import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from autoshop.catalog.search.articles.model import edits
from autoshop.catalog.search.names.jobs import catch_up
from autoshop.demo.catalogue import real_products
from autoshop.demo.generate import Wish
from autoshop.demo.load import load
from autoshop.kit import migrate
from autoshop.kit.embedded import Cluster
from autoshop.kit.text import article_key
from tests.conftest import Database, client_for, running_app
from tests.search import articles, found

pytestmark = pytest.mark.anyio

PLUS = ("WR7DC+", "FR7DC+")


@pytest.fixture(scope="module")
def demo_database(cluster: Cluster) -> Iterator[Database]:
    cluster.bootstrap("searched")
    migrate.upgrade(cluster.url("autoshop", "searched"))
    yield Database(*(cluster.url(role, "searched") for role in ("autoshop_app", "autoshop", "postgres")))
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute("DROP DATABASE searched WITH (FORCE)")


@pytest.fixture(scope="module")
async def shop(demo_database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The demo catalogue, and two plugs whose articles end in a plus, beside those without."""
    await load(demo_database.url, Wish(history=False), datetime(2026, 11, 26, 9, tzinfo=UTC))
    async with running_app(demo_database.settings()) as app, client_for(app) as client:
        for article in PLUS:
            plug = {"brand": "Bosch", "article": article, "name": f"Свеча зажигания Bosch {article}", "category_id": 2}
            answer = await client.post("/api/v1/products", json=plug)
            assert answer.status_code == 201, answer.text
        await catch_up(app.state.pool)
        yield client


# What is typed, how it is understood, the article that comes first, and why it does.
TABLE = [
    # articles, however they are written
    ("W 914/2", "article", "W 914/2", "exact"),
    ("w914/2", "article", "W 914/2", "exact"),
    ("W-914-2", "article", "W 914/2", "exact"),
    ("BPR6ES-11", "article", "BPR6ES-11", "exact"),
    ("bpr6es11", "article", "BPR6ES-11", "exact"),
    ("ВРR6ES-11", "article", "BPR6ES-11", "exact"),
    ("0258006537", "article", "0 258 006 537", "exact"),
    ("O258OO6537", "article", "0 258 006 537", "loose"),
    ("А17ДВРМ", "article", "А17ДВРМ", "exact"),
    ("a17дврм", "article", "А17ДВРМ", "exact"),
    ("21080 1012005", "article", "21080-1012005", "exact"),
    ("WR7DC+", "article", "WR7DC+", "exact"),
    ("WR7DC", "article", "WR7DC", "exact"),
    ("wr 7 dc +", "article", "WR7DC+", "exact"),
    ("bosch wr7dc+", "article", "WR7DC+", "brand+article"),
    ("fr7dc+ бош", "article", "FR7DC+", "brand+article"),
    # with a brand, by any of its names
    ("NGK BPR6ES-11", "article", "BPR6ES-11", "brand+article"),
    ("BPR6ES-11 ngk", "article", "BPR6ES-11", "brand+article"),
    ("манн w914/2", "article", "W 914/2", "brand+article"),
    ("w 914/2 mann filter", "article", "W 914/2", "brand+article"),
    ("mann-filter W914/2", "article", "W 914/2", "brand+article"),
    ("bosch BPR6ES-11", "article", "BPR6ES-11", "other_brand"),
    ("ngk", "brand", None, "brand"),
    ("манн", "brand", None, "brand"),
    ("MANN FILTER", "brand", None, "brand"),
    # the other keyboard
    ("ц914.2", "article", "W 914/2", "layout"),
    ("Ц 914.2", "article", "W 914/2", "layout"),
    ("f17ldhv", "article", "А17ДВРМ", "layout"),
    ("пви3331", "article", "GDB3331", "layout"),
    # beginnings and ends
    ("W 914", "article", "W 914/2", "prefix"),
    ("BPR6", "article", "BPR6E", "prefix"),
    ("манн w91", "article", "W 914/2", "prefix"),
    ("gdb33", "article", None, "prefix"),
    ("1012005", "article", "2101-1012005", "suffix"),
    ("006537", "article", "0 258 006 537", "suffix"),
    # typos
    ("W 914/3", "article", "W 914/2", "typo"),
    ("W 91442", "article", "W 914/2", "typo"),
    ("GDB3313", "article", "GDB3331", "typo"),
    ("GDB333", "article", "GDB3330", "prefix"),
    ("GDB33331", "article", "GDB3331", "typo"),
    ("BPR6EC-11", "article", "BPR6ES-11", "typo"),
    ("ngk BPR6ES-1l", "article", "BPR6ES-11", "typo"),
    ("0258006573", "article", "0 258 006 537", "typo"),
    ("О258ОО6588", "article", "0 258 006 537", "typo2"),
    # codes
    ("2000000079196", "barcode", "BPR6ES-11", "barcode"),
    ("200 0000 079196", "barcode", "BPR6ES-11", "barcode"),
    ("AS-000001", "sku", "BPR6ES-11", "sku"),
    # articles among words, several at once
    ("свеча bpr6es-11 на приору", "article", "BPR6ES-11", "exact"),
    ("нужен фильтр w914/2 манн", "article", "W 914/2", "exact"),
    ("W914/2 BPR6ES-11", "articles", "W 914/2", "exact"),
    ("GDB3331, W 914/2", "articles", "GDB3331", "exact"),
    ("ngk BPR6ES-11; манн w914/2\nGDB3331", "articles", "BPR6ES-11", "brand+article"),
    # categories, in any form of their words
    ("свечи", "category", "BPR6ES-11", "category"),
    ("свеча зажигания", "category", "BPR6ES-11", "category"),
    ("свечей зажигания", "category", "BPR6ES-11", "category"),
    ("свечи зажигания ngk", "category", "BPR6ES-11", "category"),
    ("нжк свечи", "category", "BPR6ES-11", None),
    ("фильтр масляный", "category", "21080-1012005", "category"),
    ("масляные фильтры", "category", "21080-1012005", "category"),
    ("масляный фильтр манн", "category", "W 914/2", "category"),
    ("дворники", "category", None, "category"),
    ("щётки стеклоочистителя", "category", None, "category"),
    ("щетка стеклоочистителя бош", "category", "AR 340 U", "category"),
    ("аккумуляторы", "category", None, "category"),
    ("акб", "category", None, "category"),
    ("передние колодки", "category", None, "category"),
    ("лампа h7", "category", "64210", "name"),
    ("лямбда", "category", None, "category"),
    ("ремень грм", "category", None, "category"),
    ("spark plug", "category", "BPR6ES-11", "category"),
    ("фильтры", "category", None, "category"),
    # categories with typos, and on the other keyboard
    ("свичи зажигания", "category", "BPR6ES-11", "category"),
    ("фильтор масляный", "category", "21080-1012005", "category"),
    ("фильтр маслянный", "category", "21080-1012005", "category"),
    ("аккумлятор", "category", None, "category"),
    ("акумулятор", "category", None, "category"),
    ("щетки стеклоочистетеля", "category", None, "category"),
    ("cdtxb pf;bufybz", "category", "BPR6ES-11", "category"),
    ("abkmnh vfckzysq", "category", "21080-1012005", "category"),
    ("vfckzysq abkmnh vfyy", "category", "W 914/2", "category"),
    ("ыzfhr згпы", "unknown", None, None),
    # complaints
    ("троит", "symptom", None, None),
    ("троит двигатель", "symptom", None, None),
    ("двигатель троит на холодную", "symptom", None, None),
    ("не заводится зимой", "symptom", None, None),
    ("машина плохо заводится", "symptom", None, None),
    ("скрипят тормоза", "symptom", None, None),
    ("стук на ямах", "symptom", None, None),
    ("nhjbn", "symptom", None, None),
    # words of names
    ("колодки", "name", None, "name"),
    ("масло 5w40", "name", None, "name"),
    ("масло 5w-40 4л", "name", None, "name"),
    ("маслом 5W-40", "name", None, "name"),
    ("масло 5w-40, 4 л", "name", None, "name"),
    ("свеча иридиевая", "category", None, "name"),
    ("иридиевых свечей", "category", None, "name"),
    ("амортизатор передний kyb", "category", None, "name"),
    ("купить свечи недорого", "category", "BPR6ES-11", "category"),
    # what is not there
    ("zzqx991yy", "unknown", None, None),
    ("XTA21140074567890", "vin", None, None),
    ("+7 912 345-67-89", "phone", None, None),
    ("4600000000008", "barcode", None, None),
]


def test_the_table_is_long_enough() -> None:
    assert len({text for text, *_ in TABLE}) == len(TABLE) >= 80


@pytest.mark.parametrize(("text", "kind", "article", "match"), TABLE, ids=[text for text, *_ in TABLE])
async def test_what_is_typed_is_understood(
    shop: httpx.AsyncClient, text: str, kind: str, article: str | None, match: str | None
) -> None:
    answer = await found(shop, text)
    first = answer["items"][0] if answer["items"] else None
    assert answer["understood"]["kind"] == kind, answer["understood"]
    if match is not None:
        assert first is not None
        assert (first["match"], article or first["product"]["article"]) == (match, first["product"]["article"])
        assert first["reason"]
    elif article is None:
        assert first is None
        assert answer["understood"]["reason"] or answer["understood"]["categories"]


def is_surely_another(typed: str, known: set[str]) -> bool:
    """It is another article, or the beginning or end of one."""
    return any(other.startswith(typed) or other.endswith(typed) for other in known)


async def test_every_article_with_one_typo_is_found(shop: httpx.AsyncClient) -> None:
    some = random.Random(5)
    products = [one for one in real_products() if len(one.article_key) >= 5]
    known = {one.article_loose for one in real_products()}
    missed = []
    for product in some.sample(products, 200):
        typed = one_wrong(product.article_loose, some)
        if is_surely_another(typed, known):
            continue
        answer = await found(shop, typed, limit=100, facets=False)
        if product.id not in [item["product_id"] for item in answer["items"]]:
            missed.append((product.article, typed, articles(answer)[:3]))
    assert missed == []


def one_wrong(key: str, some: random.Random) -> str:
    """A character that is wrong, missing or once more, or two exchanged."""
    at = some.randrange(len(key) - 1)
    wrong = some.choice("234578ABCEFHKLMNPRSTX".replace(key[at], ""))
    return some.choice(
        [key[:at] + wrong + key[at + 1 :], key[:at] + key[at + 1 :], key[:at] + wrong + key[at:],
         key[:at] + key[at + 1] + key[at] + key[at + 2 :]]
    )  # fmt: skip


async def test_most_articles_with_two_typos_are_found(shop: httpx.AsyncClient) -> None:
    some = random.Random(6)
    products = [one for one in real_products() if 8 <= len(one.article_key) <= 16]
    known = {one.article_loose for one in real_products()}
    missed, tried = [], 0
    for product in some.sample(products, 200):
        typed = one_wrong(one_wrong(product.article_loose, some), some)
        if is_surely_another(typed, known) or not known.isdisjoint(edits(typed)):
            continue
        tried += 1
        answer = await found(shop, typed, limit=100, facets=False)
        if product.id not in [item["product_id"] for item in answer["items"]]:
            missed.append((product.article, typed, articles(answer)[:3]))
    assert tried > 100
    assert len(missed) <= tried / 20, missed


async def test_every_real_article_comes_first(shop: httpx.AsyncClient) -> None:
    for product in random.Random(7).sample(real_products(), 100):
        answer = await found(shop, product.article, limit=5, facets=False)
        same = [item for item in answer["items"] if article_key(item["product"]["article"]) == product.article_key]
        assert product.id in [item["product_id"] for item in same], product
        assert answer["items"][0]["match"] == "exact"


async def test_pages_of_a_category_have_every_product_once(shop: httpx.AsyncClient) -> None:
    seen: list[int] = []
    page: dict[str, str] = {}
    while True:
        answer = await found(shop, "свечи", limit=50, **page)
        seen += [item["product_id"] for item in answer["items"]]
        if answer["next_page"] is None:
            break
        page = {"page": answer["next_page"]}
    plugs = [one.id for one in real_products() if one.category == "spark_plug"]
    assert len(seen) == len(set(seen))
    assert set(plugs) <= set(seen)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("BPR", "products", "BPR4ES"),
        ("иск", "products", None),
        ("ц914", "products", "W 914/2"),
        ("свеч", "words", "свеча"),
        ("cdtx", "words", "свеча"),
        ("свеча заж", "words", "свеча зажигания"),
        ("свеч", "categories", "Свеча зажигания"),
        ("масляный ф", "categories", "Фильтр масляный"),
        ("тро", "categories", "Свеча зажигания"),
        ("дворн", "categories", "Щётка стеклоочистителя"),
        ("ман", "brands", "MANN-FILTER"),
        ("ng", "brands", "NGK"),
    ],
)
async def test_what_may_be_meant_is_suggested(
    shop: httpx.AsyncClient, text: str, kind: str, expected: str | None
) -> None:
    answer = (await shop.get("/api/v1/search/suggestions", params={"q": text})).json()
    names = [one if isinstance(one, str) else one.get("article") or one["name"] for one in answer[kind]]
    assert expected in names if expected else names == []
