"""What fits which car: told by facts, reached through crosses, proven by the checker of plugs, doubted by buyers."""

from dataclasses import replace

import pytest

from autoshop.accounts.model import trusted
from autoshop.kit.db import Pool, transaction
from autoshop.selection.crosses import importing
from autoshop.selection.crosses.model import Step, Way
from autoshop.selection.fitment import loading, service
from autoshop.selection.fitment.facts import FOLDER, load
from autoshop.selection.fitment.model import Fitted, Link, Told, UnknownEngine, Verdict, judge
from autoshop.selection.plugs.coding import spec_of
from autoshop.selection.plugs.model import compare
from autoshop.selection.vehicles.facts import known
from autoshop.selection.vehicles.service import UnknownVehicle
from tests.cast import PLUG

pytestmark = pytest.mark.anyio

MANAGER = trusted("manager")
VESTA, PRIORA, NIVA = "lada/vesta/i", "lada/priora/-", "lada/niva-legend-4x4/21214"
FILTER = Fitted(1, VESTA, "21129", "oil_filter", "", 1.0, 2015, 2022, "high", "knowledge", "k")
DIRECT = Way(1, ())
LINKED = Way(1, (Step(2, 1, "analog", False, "medium", 1, None),))


def judged(
    *fitted: tuple[Fitted, Way], engine: str | None = "21129", year: int | None = 2019, told: Told | None = None
) -> Verdict:
    return judge(engine, year, fitted, None, None, told or Told())


# ------------------------------------------------------------------------------------------------ rules
def test_what_nobody_told_has_to_be_checked() -> None:
    assert (judged().answer, [link.kind for link in judged().chain]) == ("check", ["unknown"])


def test_a_part_that_is_told_fits_and_the_chain_proves_it() -> None:
    found = judged((FILTER, DIRECT))
    assert (found.answer, found.confidence, found.quantity) == ("fits", "high", 1.0)
    assert [(link.kind, link.source) for link in found.chain] == [("fitment", ("k",))]


def test_an_analog_fits_as_surely_as_the_weakest_link() -> None:
    found = judged((FILTER, LINKED))
    assert (found.answer, found.confidence) == ("fits", "medium")
    assert [link.kind for link in found.chain] == ["cross", "fitment"]


def test_its_own_article_proves_more_than_an_analog() -> None:
    assert [link.kind for link in judged((FILTER, LINKED), (replace(FILTER, confidence="medium"), DIRECT)).chain] == [
        "fitment"
    ]


@pytest.mark.parametrize(("engine", "year", "kind"), [("21179", 2019, "other_engine"), ("21129", 2010, "other_years")])
def test_another_engine_or_year_has_to_be_checked(engine: str, year: int, kind: str) -> None:
    found = judged((FILTER, DIRECT), engine=engine, year=year)
    assert (found.answer, found.confidence, found.chain[-1].kind) == ("check", "low", kind)


def test_a_part_for_whatever_engine_fits_each_of_them() -> None:
    assert judged((replace(FILTER, engine=None), DIRECT), engine="21179").answer == "fits"
    assert judged((FILTER, DIRECT), engine=None, year=None).answer == "fits"


@pytest.mark.parametrize(
    ("told", "answer", "confidence"),
    [
        (Told(5, 1), "fits", "high"),
        (Told(0, 1), "fits", "medium"),
        (Told(0, 2), "fits", "low"),
        (Told(1, 3), "fits", "low"),
        (Told(0, 3), "check", "low"),
        (Told(0, 3, 9), "check", "low"),
        (Told(0, 3, 10), "fits", "low"),
        (Told(0, 3, 2_997), "fits", "high"),
    ],
)
def test_buyers_for_whom_it_did_not_fit_make_it_less_sure(told: Told, answer: str, confidence: str) -> None:
    found = judged((FILTER, DIRECT), told=told)
    assert (found.answer, found.confidence) == (answer, confidence)


def test_a_plug_that_cannot_be_screwed_in_beats_all_words() -> None:
    check = compare(spec_of("NGK", "BCPR6ES-11"), spec_of("NGK", "BPR6HS"))
    found = judge("21129", 2019, [(FILTER, DIRECT)], ("BCPR6ES-11", check), None, Told())
    assert (found.answer, found.confidence) == ("does_not_fit", "high")
    assert "reach" in found.chain[0].facts["differs"]


def test_a_car_without_such_a_part_is_told() -> None:
    lack = Link("absent", "high", ("k",), {"category": "cabin_filter"})
    assert judge(None, None, [], None, lack, Told()).answer == "does_not_fit"


# ------------------------------------------------------------------------------------------------ facts
async def loaded(pool: Pool) -> None:
    await importing.load_facts(pool, MANAGER)
    async with transaction(pool) as db:
        await loading.load_facts(db)


async def sell(pool: Pool, brand: str, article: str) -> int:
    """A product of the shop, under the name that the facts know."""
    return await pool.fetchval(  # type: ignore[no-any-return]
        """
        INSERT INTO products (brand_id, article, article_key, article_loose, name)
        SELECT id, $2, $3, $3, $2 FROM brands WHERE name = $1
        RETURNING id
        """,
        brand,
        article,
        "".join(c for c in article.upper() if c.isalnum()),
    )


async def verdict_of(pool: Pool, product_id: int, vehicle: str, engine: str | None = None) -> Verdict:
    async with pool.acquire() as db:
        return (await service.verdict(db, MANAGER, product_id, vehicle, engine, None)).verdict


async def test_the_facts_are_loaded_once_and_again_without_a_change(pool: Pool) -> None:
    await loaded(pool)
    before = await pool.fetch("SELECT ctid, * FROM fitments ORDER BY id")
    told = load(FOLDER, known())
    assert len(before) > len(told.fitted)
    await loaded(pool)
    assert await pool.fetch("SELECT ctid, * FROM fitments ORDER BY id") == before
    assert await pool.fetchval("SELECT count(*) FROM vehicles") == len(known().vehicles)


async def test_a_fact_that_is_none_any_more_goes_and_what_a_file_said_stays(pool: Pool) -> None:
    await loaded(pool)
    await pool.execute("INSERT INTO fitment_sources (code, is_facts) OVERRIDING USER VALUE VALUES ('file', false)")
    copied = """
        INSERT INTO fitments (vehicle_id, engine_id, article_id, category, confidence, basis, source_id, position)
        SELECT vehicle_id, engine_id, article_id, category, confidence, basis, {source}, 'somewhere else'
          FROM fitments ORDER BY id LIMIT 1
    """
    await pool.execute(copied.format(source="source_id"))
    count = await pool.fetchval("SELECT count(*) FROM fitments")
    await loaded(pool)
    assert await pool.fetchval("SELECT count(*) FROM fitments") == count - 1
    await pool.execute(copied.format(source="(SELECT id FROM fitment_sources WHERE code = 'file')"))
    await loaded(pool)
    assert await pool.fetchval("SELECT count(*) FROM fitments") == count


async def test_a_filter_of_the_shop_fits_by_fact_and_its_analog_by_a_cross(pool: Pool) -> None:
    await loaded(pool)
    own = await sell(pool, "Lada", "21080-1012005-08")
    found = await verdict_of(pool, own, PRIORA, "21126")
    assert (found.answer, found.chain[-1].kind) == ("fits", "fitment")
    async with pool.acquire() as db:
        fits = await service.fits_of(db, MANAGER, own, ("", 0), 1_000)
        assert PRIORA in {one.vehicle for _, one, _ in fits}
        assert own in await service.products_for(db, PRIORA, "21126")
        assert own not in await service.products_for(db, "toyota/camry/xv40", None)


async def test_a_plug_is_proven_by_its_code_alone(pool: Pool) -> None:
    await loaded(pool)
    ngk = await sell(pool, "NGK", "BCPR6ES-11")
    short = await sell(pool, "NGK", "BPR6HS")
    assert (await verdict_of(pool, ngk, VESTA, "21129")).answer == "fits"
    assert (await verdict_of(pool, short, VESTA, "21129")).answer == "does_not_fit"
    assert (await verdict_of(pool, ngk, NIVA, "21214")).answer == "does_not_fit"  # hexagon 16 where 20.8 stands


async def test_of_an_unknown_product_and_car_nothing_is_guessed(pool: Pool) -> None:
    await loaded(pool)
    other = await sell(pool, "Bosch", "0 000 000 000")
    assert (await verdict_of(pool, other, VESTA)).answer == "check"
    with pytest.raises(UnknownVehicle):
        await verdict_of(pool, other, "lada/none/-")
    with pytest.raises(UnknownEngine, match="21129"):
        await verdict_of(pool, other, VESTA, "G4FC")


async def test_before_the_facts_are_loaded_everything_has_to_be_checked_and_feedback_is_kept(pool: Pool) -> None:
    assert (await verdict_of(pool, PLUG, "toyota/camry/xv40")).answer == "check"
    async with transaction(pool) as db:
        kept = await service.give_feedback(
            db, MANAGER, PLUG, VESTA, "21129", fitted=False, origin="return", reference="7", note="не подошло"
        )
        again = await service.give_feedback(
            db, MANAGER, PLUG, VESTA, "21129", fitted=False, origin="return", reference="7", note="ещё раз"
        )
    assert (kept.vehicle, kept.engine, kept.fitted) == (VESTA, "21129", False)
    assert again == kept


async def test_feedback_of_another_engine_does_not_count(pool: Pool) -> None:
    await loaded(pool)
    own = await sell(pool, "Lada", "21080-1012005-08")
    async with transaction(pool) as db:
        for number in range(3):
            await service.give_feedback(
                db, MANAGER, own, PRIORA, "21126", fitted=False, origin="order", reference=str(number), note=None
            )
    assert (await verdict_of(pool, own, PRIORA, "21126")).answer == "check"
    assert (await verdict_of(pool, own, PRIORA, "21127")).answer == "fits"
