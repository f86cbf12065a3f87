"""The demo shop without a database: its files, its made-up products, its eighteen months."""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise

import pytest

from autoshop.demo import tables
from autoshop.demo.catalogue import CAST, FOLDER, ON_HAND, Catalogue, catalogue, ean13
from autoshop.demo.finale import finale
from autoshop.demo.generate import Generator, Wish
from autoshop.demo.history import SALE, unpack
from autoshop.demo.ledger import MOVEMENT_COLUMNS, Ledger
from autoshop.demo.seasons import DAY, SUNDAY, ZONE, Period, Till, season
from autoshop.kit.text import article_key, article_loose, name_key

TUESDAY_NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 9, 0, 30, tzinfo=UTC)  # half past three on a Monday in Moscow
SUNDAY_EVENING = datetime(2027, 8, 1, 18, 0, tzinfo=UTC)
JUST_OPENED = datetime(2026, 2, 2, 6, 10, tzinfo=UTC)


def generator(
    now: datetime = TUESDAY_NOON, *, products: int | None = None, movements: int | None = None, seed: int = 1
) -> Generator:
    """A generator whose products have all lived."""
    asked = Wish(products=products, movements=movements, seed=seed)
    made = Generator(asked, Period.until(now), tables.Stores(asked.stores).shares)
    for product in made.catalogue.products():
        made.live(product)
    return made


def ledger_of(made: Generator) -> Ledger:
    return Ledger(made.tape, made.period, tables.Stores(made.wish.stores).calendars)


def rows_of(ledger: Ledger) -> Iterator[dict[str, object]]:
    for row in chain(ledger.movements(), finale(ledger)):
        yield dict(zip(MOVEMENT_COLUMNS, row, strict=True))


@pytest.fixture(scope="module")
def shop() -> Catalogue:
    return catalogue()


# The files.


def test_products_are_many_real_and_each_there_once(shop: Catalogue) -> None:
    assert shop.count >= 1100
    assert len({(p.brand_id, p.article_key) for p in shop.real}) == shop.count
    with (FOLDER / "products.csv").open(encoding="utf-8") as file:
        assert [int(row["id"]) for row in csv.DictReader(file)] == [p.id for p in shop.real]


def test_every_product_says_how_sure_it_is_and_where_it_comes_from() -> None:
    def read(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((FOLDER / name).read_text(encoding="utf-8").splitlines()))

    known = {row["source"] for row in read("sources.csv")}
    products = read("products.csv")
    assert {row["confidence"] for row in products} <= {"high", "medium", "low"}
    assert {source for row in products for source in row["source"].split()} == known


def test_prices_rise_from_cost_to_retail_in_whole_roubles(shop: Catalogue) -> None:
    for p in shop.real:
        assert 0 < p.cost_kopecks < p.wholesale_kopecks < p.retail_kopecks, p
        assert p.retail_kopecks % 100 == 0


def test_attributes_are_objects_of_plain_values(shop: Catalogue) -> None:
    for p in shop.real:
        attributes = json.loads(p.attributes)
        assert isinstance(attributes, dict)
        assert all(isinstance(value, str | int | float | bool) for value in attributes.values())


def test_an_alias_leads_to_one_brand(shop: Catalogue) -> None:
    names = {brand.name_key for brand in shop.brands}
    keys = [key for brand in shop.brands for key, _ in brand.aliases]
    assert len(keys) == len(set(keys))
    assert not names & set(keys)
    assert name_key("Russian") in keys


def test_categories_hang_under_headings_and_all_that_sell_have_a_demand(shop: Catalogue) -> None:
    by_id = {category.id: category for category in shop.categories}
    leaves = [category for category in shop.categories if category.parent_id]
    assert len(leaves) == 27
    assert all(by_id[category.parent_id or 0].parent_id is None for category in leaves)
    assert {category.code for category in leaves} == set(shop.demand)
    for demand in shop.demand.values():
        assert sum(demand.months) == pytest.approx(12)
        assert len(demand.sizes) == 100


@pytest.mark.parametrize(("code", "number"), [("2000000000015", 1), ("2000000079196", 7919)])
def test_barcodes_are_of_the_range_for_use_inside_a_shop(code: str, number: int, shop: Catalogue) -> None:
    assert ean13(20, number) == code
    for p in [*shop.real, catalogue(2000).product(1999)]:
        digits = [int(digit) for digit in p.barcode]
        assert len(digits) == 13
        assert 20 <= int(p.barcode[:2]) <= 29
        assert (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0


# Made-up products.


def test_a_made_up_product_is_seen_to_be_one_and_is_always_the_same() -> None:
    shop = catalogue(3000)
    made_up = [p for p in shop.products() if p.id > len(shop.real)]
    assert len(made_up) == 3000 - len(shop.real)
    assert made_up == [shop.variation(p.id) for p in made_up]
    for p in made_up:
        assert shop.brands[p.brand_id - 1].name.startswith("Demo ")
        assert p.article.endswith(f"-D{p.id}")
        assert (p.article_key, p.article_loose) == (article_key(p.article), article_loose(p.article))
        assert p.cost_kopecks <= p.wholesale_kopecks <= p.retail_kopecks


def test_the_real_products_come_first_whatever_is_made_up(shop: Catalogue) -> None:
    assert tuple(catalogue(5000).products())[: shop.count] == shop.real
    assert tuple(catalogue(600).products()) == shop.real[:600]


# The eighteen months.


@pytest.mark.parametrize("now", [TUESDAY_NOON, NIGHT, SUNDAY_EVENING, JUST_OPENED])
def test_history_ends_while_a_shop_was_open_and_not_after_now(now: datetime) -> None:
    period = Period.until(now)
    local = period.end.astimezone(ZONE)
    opens, closes = (10, 18) if local.weekday() == SUNDAY else (9, 20)
    assert now - timedelta(hours=16) < period.end < now
    assert opens <= local.hour < closes
    assert 545 <= period.days <= 552
    assert period.midnight(0) + timedelta(seconds=period.end_second) == period.end


def test_the_till_rings_in_opening_hours() -> None:
    till = Till.for_sales(100)
    assert len(till.week) == 150
    assert 9 * 3600 <= till.week[0] < till.week[-1] < 20 * 3600 - 97
    assert 10 * 3600 <= till.sunday[0] < till.sunday[-1] < 18 * 3600 - 97


def test_a_season_slides_from_month_to_month() -> None:
    months = (1.0, 3.0, *[1.0] * 9, 2.0)
    days = [datetime(2026, 1, 1, tzinfo=UTC).date() + timedelta(days=n) for n in range(365)]
    values = [season(months, day) for day in days]
    assert all(abs(after - before) < 0.3 for before, after in pairwise(values))
    assert max(values) == pytest.approx(3, abs=0.05)


def test_the_same_seed_and_moment_make_the_same_history() -> None:
    first, second, other = generator(), generator(), generator(seed=2)
    assert first.tape.days == second.tape.days
    assert first.tape.vans == second.tape.vans
    assert first.tape.days != other.tape.days


@pytest.mark.parametrize("wanted", [3_000, 20_000, 120_000])
def test_about_as_many_movements_as_asked_for(wanted: int) -> None:
    assert generator(movements=wanted).tape.events == pytest.approx(wanted, rel=0.1)


def test_without_a_number_a_made_up_product_moves_about_ten_times() -> None:
    alone, many = generator(), generator(products=6000)
    assert (many.tape.events - alone.tape.events) / (6000 - alone.catalogue.count) == pytest.approx(10, rel=0.25)


@pytest.mark.parametrize(
    ("now", "seed"), [(TUESDAY_NOON, 1), (NIGHT, 2), (SUNDAY_EVENING, 3), (JUST_OPENED, 4), (TUESDAY_NOON, 5)]
)
def test_the_ledger_adds_up_and_ends_as_promised(now: datetime, seed: int) -> None:
    made = generator(now, seed=seed)
    ledger = ledger_of(made)
    stock: Counter[tuple[object, object]] = Counter()
    last = made.period.midnight(0)
    for number, row in enumerate(rows_of(ledger), start=1):
        place = row["product_id"], row["store_id"]
        assert isinstance(row["delta"], int)
        stock[place] += row["delta"]
        assert row["id"] == number
        assert row["quantity"] == abs(row["delta"]) > 0
        assert row["balance_after"] == stock[place] >= 0
        assert isinstance(row["created_at"], datetime)
        assert last <= row["created_at"] <= made.period.end
        last = row["created_at"]
    held = dict(zip(zip(ledger.tape.products, ledger.tape.stores, strict=True), ledger.quantities, strict=True))
    assert {place: pieces for place, pieces in stock.items() if pieces} == {p: n for p, n in held.items() if n}
    assert 0.55 <= sum(1 for pieces in held.values() if pieces) / len(held) <= 0.70
    check_promises(ledger, held)


def check_promises(ledger: Ledger, held: dict[tuple[int, int], int]) -> None:
    on_the_road: dict[tuple[int, int], set[int]] = defaultdict(set)
    for transfer in ledger.transfers.values():
        assert (transfer.closed_at is None) == (transfer.eta_at > ledger.period.end), transfer
        assert len({product for product, _ in transfer.lines}) == len(transfer.lines) > 0
        if transfer.closed_at is None:
            on_the_road[transfer.from_store_id, transfer.to_store_id] |= {product for product, _ in transfer.lines}
    assert 60 <= held[ON_HAND, 1] < 999
    assert [held[product, store] > 0 for product in (2, 3, 4, 5) for store in (1, 2)] == [
        *(False, False),
        *(False, True),
        *(False, False, False, False),
    ]
    assert 2 in on_the_road[2, 1]
    assert on_the_road[1, 2]
    assert not (on_the_road[1, 2] | on_the_road[2, 1]) & set(range(3, CAST + 1))
    nowhere = (
        {p for p, _ in held} - {p for (p, _), pieces in held.items() if pieces} - set().union(*on_the_road.values())
    )
    assert {made.lead_days is None for made in catalogue().real if made.id in nowhere} == {True, False}
    assert [catalogue().product(product).lead_days for product in (4, 5)] == [5, None]


# Plausible.


@pytest.fixture(scope="module")
def sold() -> dict[str, Counter[int]]:
    """Pieces sold by category and calendar month, in the twelve months of 2026-01 to 2026-12."""
    made = generator(datetime(2027, 1, 1, 9, 0, tzinfo=UTC))
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for day, events in enumerate(made.tape.days):
        date = made.period.date(day)
        if date.year == 2026:
            for _, place, kind, pieces in map(unpack, events):
                if kind == SALE:
                    found[made.catalogue.product(made.tape.products[place]).category][date.month] += pieces
    return found


@pytest.mark.parametrize(
    ("category", "high", "low", "at_least"),
    [
        ("wiper_blade", (9, 10, 11), (5, 6, 7), 1.8),
        ("coolant", (9, 10, 11), (2, 3, 4), 1.2),
        ("battery", (11, 12, 1), (5, 6, 7), 1.8),
        ("spark_plug", (10, 11, 12), (5, 6, 7), 1.25),
        ("cabin_filter", (4, 5, 6), (11, 12, 1), 1.6),
    ],
)
def test_seasons_show(
    sold: dict[str, Counter[int]], category: str, high: tuple[int, ...], low: tuple[int, ...], at_least: float
) -> None:
    months = sold[category]
    assert sum(months[month] for month in high) > at_least * sum(months[month] for month in low), months


def test_most_parts_sell_rarely_and_a_few_all_the_time() -> None:
    made = generator()
    months: dict[int, set[int]] = defaultdict(set)
    week: Counter[int] = Counter()
    receipts: Counter[tuple[int, int, int]] = Counter()
    for day, events in enumerate(made.tape.days):
        for second, place, kind, _ in map(unpack, events):
            if kind == SALE:
                months[place].add(day // 30)
                week[made.period.weekday(day)] += 1
                receipts[day, second, made.tape.stores[place]] += 1
    places = len(made.tape.products)
    silent = 1 - sum(map(len, months.values())) / (places * (made.period.days // 30))
    assert 0.65 < silent < 0.8
    assert len(months[made.tape.products.index(ON_HAND)]) >= 17
    assert week[5] > 1.8 * week[SUNDAY]
    assert 0.1 < sum(1 for lines in receipts.values() if lines > 1) / len(receipts) < 0.4


def test_everything_happens_while_somebody_is_there() -> None:
    made = generator()
    seconds = [second for events in made.tape.days for second, *_ in map(unpack, events)]
    assert min(seconds) >= 8 * 3600
    assert max(seconds) <= 20 * 3600 + 600 < DAY


def test_with_many_stores_the_slow_parts_lie_in_a_few_of_them() -> None:
    made = Generator(Wish(products=50_000, stores=40), Period.until(TUESDAY_NOON), tables.Stores(40).shares)
    assert len(made.places(made.catalogue.product(ON_HAND))) == 40
    assert len(made.places(made.catalogue.product(5_000))) == 8
    slow = made.places(made.catalogue.product(49_000))
    assert len({store for store, _ in slow}) == 2
