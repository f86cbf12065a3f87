"""What a VIN says: the maker's rule, the year that it and the window leave, the engines; and what stays unknown."""

import pytest

from autoshop.selection.vin.decoding import decode, named_engines
from autoshop.selection.vin.facts import known
from autoshop.selection.vin.model import Decoded, check_digit_is_right, closeness, positions_of, years_of

THIS_YEAR = 2026


def told(vin: str) -> Decoded:
    return decode(vin, known(), THIS_YEAR)


def test_a_model_comes_with_the_reason_for_every_field() -> None:
    vesta = told("XTAGFL110KY000000")
    (car,) = vesta.candidates
    assert (car.make, car.model, car.generation, car.body) == ("Lada", "Vesta", "I", "sedan")
    assert (vesta.year, vesta.years, car.confidence) == (2019, (2019, 2019), "high")
    assert {reason.field for reason in car.reasons} == {"make", "model", "body", "engines", "year"}
    assert all(reason.rule and reason.source for reason in car.reasons)
    assert {engine.code for engine in car.engines} == {"21129"}


@pytest.mark.parametrize(
    ("vin", "year", "years"),
    [
        ("XTA210740B0000000", 2011, (2011, 2011)),  # not 1981: it was not made yet
        ("XTA210930Y0000000", 2000, (2000, 2000)),  # not 2030
        ("WVWZZZ1JZ3W000000", 2003, (2003, 2003)),  # VAG: position 7 is a digit, and yet not before 1980 + 30
        ("X7LLSRB2HDH000000", None, (2005, 2015)),  # Renault codes none, though D is there
        ("WDD2120471A000000", None, (2009, 2016)),  # Mercedes codes none
        ("VF7AAKFVB38400000", None, (2007, 2017)),  # Citroen before 2009: a serial number stands there
        ("1HGCM82633A004352", 2003, (2003, 2003)),  # vPIC
    ],
)
def test_a_year_is_told_where_the_maker_codes_it_and_one_alone_fits(
    vin: str, year: int | None, years: tuple[int | None, int | None]
) -> None:
    assert (told(vin).year, told(vin).years) == (year, years)


def test_a_letter_means_two_years_thirty_apart_and_none_beyond_the_next() -> None:
    iso = known().years["iso"]
    assert years_of("XTA000000B0000000", iso, THIS_YEAR) == (1981, 2011)
    assert years_of("XTA000000V0000000", iso, THIS_YEAR) == (1997, 2027)
    assert years_of("XTA000000W0000000", iso, THIS_YEAR) == (1998,)
    assert years_of("XTA00000090000000", iso, THIS_YEAR) == (2009,)
    assert years_of("XTA000000U0000000", iso, THIS_YEAR) == ()
    assert years_of("XTA000000Z0000000", iso, THIS_YEAR) == ()
    psa = known().years["psa"]
    assert years_of("VF300000090000000", psa, THIS_YEAR) == ()  # a digit there may be of a serial number
    assert years_of("VF3000000A0000000", psa, THIS_YEAR) == (2010,)
    assert years_of("WDD000000A0000000", known().years["none"], THIS_YEAR) == ()


def test_engine_codes_of_a_make_narrow_its_engines() -> None:
    (nemo,) = told("VF7AAKFVB38400000").candidates
    assert {engine.code for engine in nemo.engines} == {"TU3JP"}
    assert [reason.positions for reason in nemo.reasons if reason.field == "engines"] == ["6-8"]


def test_an_engine_is_meant_by_its_whole_code() -> None:
    """«2AZ-FE» is not every engine of Toyota that ends in FE."""
    engines = known().vehicles.engines["toyota/camry/xv50-xv55"]
    assert {engine.code for engine in named_engines(engines, "2AR-FE 2.5")} == {"2AR-FE"}
    assert {engine.code for engine in named_engines(engines, "1AZ-FE/2GR-FE")} == {"1AZ-FE", "2GR-FE"}
    assert named_engines(engines, "9ZZ-FE") == engines


def test_one_code_of_two_models_gives_both() -> None:
    both = told("WVWZZZ1JZ3W000000")
    assert {candidate.model for candidate in both.candidates} == {"Golf", "Bora"}


def test_a_plant_that_repeats_anothers_code_is_read_by_the_others_rules_and_less_sure() -> None:
    (own,), (repeated,) = told("KL1JF6960CK000000").candidates, told("XUUJF6960C0000000").candidates
    assert (own.model, repeated.model) == ("Cruze", "Cruze")
    assert (own.confidence, repeated.confidence) == ("medium", "low")
    assert any("→ XUU" in reason.rule for reason in repeated.reasons)


def test_all_that_a_maker_builds_is_named_where_no_closer_row_fits_but_not_for_a_plant_that_repeats_his_codes() -> None:
    """Zaporizhia built cars of Chery, and 2109 of Lada: the row that asks for nothing would make every car a Chery."""
    assert {car.make for car in told("LVVXX11A0ED000000").candidates} == {"Chery"}
    assert {car.model for car in told("Y6D21093060000000").candidates} == {"2109"}


def test_a_code_that_several_makes_share_names_them_all() -> None:
    assert {candidate.make for candidate in told("LVVDB21B0ND000000").candidates} == {"Chery", "Omoda"}


@pytest.mark.parametrize(
    ("vin", "makes"),
    [
        ("LGWFF7A59SJ000000", {"Tank"}),  # plant J
        ("LGWFF7A52SH000000", {"Tank", "Haval"}),
        ("Y6DTF69YD7W000000", {"Daewoo"}),  # kits of Warsaw
        ("Y6DTF69Y080000000", {"Daewoo", "Chevrolet", "ZAZ"}),
        ("LVTDD21B9ND000000", {"Exeed"}),  # all-wheel drive with the small engine
        ("XWK27175080000000", {"Izh"}),
    ],
)
def test_makes_that_share_a_code_are_parted_by_plant_or_drive_where_that_is_known(vin: str, makes: set[str]) -> None:
    assert {car.make for car in told(vin).candidates} == makes


def test_a_rule_next_to_a_year_yields_to_one_that_it_is_within() -> None:
    before, after = ({one.model for one in told(f"LVVDB21B0{letter}D000000").candidates} for letter in "HJ")
    assert ("M11" in before, "M11" in after) == (True, False)  # to 2017, and a year of slack
    assert ("Tiggo 4" in before, "Tiggo 4" in after) == (False, True)  # from 2018


def test_the_rules_that_ask_for_the_most_count_and_stand_first() -> None:
    for rules in known().rules.values():
        asked = [closeness(rule.vds) for rule in rules]
        assert asked == sorted(asked, reverse=True)
    assert {one.model for one in told("XTA210990Y0000000").candidates} == {"21099"}  # not 2109


def test_a_rule_may_code_the_year_where_its_plant_does_not() -> None:
    on_do, qashqai = told("Z8NBAABD0H0000000"), told("Z8NFAAJ11H0000000")
    assert ({one.make for one in on_do.candidates}, on_do.year) == ({"Datsun"}, 2017)
    assert ({one.model for one in qashqai.candidates}, qashqai.year) == ({"Qashqai"}, None)


@pytest.mark.parametrize(
    ("vin", "make", "model"),
    [
        ("Y6D21099070000000", "Lada", "21099"),  # AvtoVAZ cars that ZAZ assembled
        ("Y6DTF69YD7W000000", "Daewoo", "Lanos"),
        ("Y6DDA11B68D000000", "Chery", "Amulet"),
        ("Y6LMB75428L000000", "Kia", "Carnival"),
    ],
)
def test_a_plant_of_several_makes_is_told_apart_by_whose_code_it_repeats(vin: str, make: str, model: str) -> None:
    assert (make, model) in {(one.make, one.model) for one in told(vin).candidates}


def test_vpic_knows_better_where_no_rule_of_ours_names_its_car() -> None:
    (passat,) = told("1VWAS7A33FC000000").candidates  # «A3» is the Passat of North America
    assert (passat.model, passat.year, {reason.source for reason in passat.reasons}) == ("Passat", 2015, {("vpic",)})


def test_a_slip_in_a_vin_of_america_leaves_the_make_alone() -> None:
    slip = told("1HGCM82633A000000")  # of 1HGCM826_3A: Honda Accord
    (car,) = slip.candidates
    assert (car.make, car.model, car.year, car.confidence) == ("Honda", None, None, "low")
    assert slip.warnings == ("check_digit", "unknown_model")
    (right,) = told("1HGCM82633A004352").candidates
    assert (right.make, right.model, right.year, right.body) == ("Honda", "Accord", 2003, "coupe")
    assert told("1ZZCM82633A000000").candidates == ()


def test_vpic_names_our_model_even_if_its_generation_is_not_sure() -> None:
    (bolt,) = told("1G1FY6S0XK4000000").candidates
    assert (bolt.make, bolt.model) == ("Chevrolet", "Bolt")


@pytest.mark.parametrize(
    ("vin", "warnings"),
    [
        ("QQQ00000000000000".replace("Q", "0"), ["unknown_maker"]),
        ("ZZZAAA11122233344", ["unknown_maker"]),
        ("XTAQQQ110KY000000".replace("Q", "Z"), ["unknown_model"]),
        ("1HGCM82643A004352", ["check_digit", "unknown_model"]),
    ],
)
def test_what_is_not_known_stays_unknown(vin: str, warnings: list[str]) -> None:
    unknown = told(vin)
    assert list(unknown.warnings) == warnings
    assert all(candidate.model is None for candidate in unknown.candidates)
    assert unknown.year is None


def test_the_check_digit_is_that_of_the_law() -> None:
    assert check_digit_is_right("1M8GDM9AXKP042788")  # 49 CFR 565.15, table VI
    assert check_digit_is_right("11111111111111111")
    assert not check_digit_is_right("1M8GDM9A1KP042788")


def test_positions_that_a_pattern_asks_for_are_told_as_people_write_them() -> None:
    assert positions_of("2101??") == "4-7"
    assert positions_of("???5T?") == "7-8"
    assert positions_of("?A?[56]??") == "5, 7"
    assert positions_of("3[A-H]????B") == "4-5, 10"
