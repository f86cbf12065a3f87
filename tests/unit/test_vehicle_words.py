"""A car as people say it: names, slips, layouts, numbers; what contradicts is told, what says nothing is left."""

import pytest

from autoshop.selection.vehicles.facts import known
from autoshop.selection.vehicles.words import Understood, understand

THIS_YEAR = 2026


def heard(text: str) -> Understood:
    return understand(text, known(), THIS_YEAR)


def cars(text: str) -> list[str]:
    return [one.vehicle.id for one in heard(text).fitting]


def codes(text: str) -> set[str | None]:
    return {engine.code for one in heard(text).fitting for engine in one.engines}


@pytest.mark.parametrize(
    ("text", "vehicles", "engines"),
    [
        ("веста 1.6 2019", ["lada/vesta/i"], {"21129", "H4M"}),
        ("solaris 2 1.4", ["hyundai/solaris/ii-hcr"], {"G4LC"}),
        ("приора 16 клапанов", ["lada/priora/-"], {"21126", "21127", "21128"}),
        ("приора 16-ти клапанная", ["lada/priora/-"], {"21126", "21127", "21128"}),
        ("лада приора 2170 21126", ["lada/priora/-"], {"21126"}),
        ("2114 8кл", ["lada/2114/samara-2"], {"2111", "21114", "11183"}),
        ("ваз 2107", ["lada/2107/classic"], None),
        ("lada 2190", ["lada/granta/i"], None),
        ("niva 21214", ["lada/niva-legend-4x4/21214"], None),
        ("шевроле нива 2010", ["chevrolet/niva/2123"], None),
        ("уаз патриот 409", ["uaz/patriot/-"], {"ZMZ-409"}),
        ("мазда 3 2008", ["mazda/3/i-bk"], None),
        ("mazda3 bl", ["mazda/3/ii-bl"], None),
        ("пежо 2008 2016", ["peugeot/2008/-"], None),
        ("форд фокус 3 1.6 105 лс", ["ford/focus/iii"], {"IQDB"}),
        ("ford focus 2 1.8 125", ["ford/focus/ii"], {"QQDB"}),
        ("фольксваген поло седан 2012", ["volkswagen/polo-sedan/v-ru"], None),
        ("поло 1.6 cfna", ["volkswagen/polo-sedan/v-ru"], {"CFNA"}),
        ("vw passat b6", ["volkswagen/passat/b6"], None),
        ("пассат б6", ["volkswagen/passat/b6"], None),
        ("ауди а4 б8 1.8t", ["audi/a4/b8"], None),
        ("октавия а5 1.8 tsi", ["skoda/octavia/ii"], None),
        ("bmw 3 e90 2.0d", ["bmw/3-series/e90-e91"], {"M47D20TU", "N47D20"}),
        ("mercedes w204 c180", ["mercedes-benz/c-class/w204"], None),
        ("w204", ["mercedes-benz/c-class/w204"], None),
        ("камри 2.5 v50", ["toyota/camry/xv50-xv55"], {"2AR-FE"}),
        ("тойота королла 150", ["toyota/corolla/e140-e150"], None),
        ("ленд крузер прадо 150 дизель", ["toyota/land-cruiser-prado/150"], {"1KD-FTV", "1GD-FTV"}),
        ("x trail t31", ["nissan/x-trail/ii-t31"], None),
        ("ниссан альмера классик", ["nissan/almera-classic/b10"], None),
        ("mitsubishi lancer 10 1,5", ["mitsubishi/lancer/x-sportback", "mitsubishi/lancer/x"], {"4A91"}),
        ("haval jolion 1.5t", ["haval/jolion/i"], None),
        ("чери тигго 7 про", ["chery/tiggo-7-pro/i"], None),
        ("опель астра h z16xer", ["opel/astra/h"], {"Z16XER"}),
        ("рено логан 2 8 клапанов", ["renault/logan/ii-l52"], {"K7M"}),
        ("киа рио 2017 г.в.", ["kia/rio/iv-fb", "kia/rio/iii-qb"], None),
        ("хендай солярис 17 года", ["hyundai/solaris/ii-hcr", "hyundai/solaris/i-rb"], None),
        ("солярис второе поколение", ["hyundai/solaris/ii-hcr"], None),
    ],
)
def test_a_car_is_what_all_that_was_said_agrees_with(text: str, vehicles: list[str], engines: set[str] | None) -> None:
    assert cars(text) == vehicles
    assert engines is None or codes(text) == engines


@pytest.mark.parametrize(
    "text", ["весту", "vesta", "ВЕСТА", "на весте", "dtcnf", "свечи для весты", "лада веста", "lada vesta"]
)
def test_a_name_is_known_in_every_spelling(text: str) -> None:
    assert cars(text) == ["lada/vesta/ng", "lada/vesta/i"]


@pytest.mark.parametrize(
    ("slip", "model"), [("солярес", "Solaris"), ("кашкаи", "Qashqai"), ("логон", "Logan"), ("аутлендер", "Outlander")]
)
def test_a_slip_in_a_name_is_forgiven(slip: str, model: str) -> None:
    assert model in {one.vehicle.model for one in heard(slip).fitting}


def test_several_cars_of_one_name_are_all_told() -> None:
    assert {one.vehicle.make for one in heard("логан").fitting} == {"Renault", "Dacia"}
    assert {one.vehicle.make for one in heard("тройка").fitting} == {"Lada", "BMW"}


def test_a_bare_number_is_no_model_without_its_make() -> None:
    assert cars("3") == []
    assert cars("6 2008") == []
    assert heard("мазда 6").said[0].value == "6"


def test_what_agrees_with_no_such_car_is_told() -> None:
    wrong = heard("веста 3.5 2019")
    assert cars("веста 3.5 2019") == ["lada/vesta/i"]
    assert [(one.kind, one.text) for one in wrong.ignored] == [("displacement", "3.5")]
    assert [one.kind for one in heard("приора 1975").ignored] == ["year"]


def test_what_says_nothing_of_a_car_is_left() -> None:
    assert heard("свечи на приору").left == ("свечи", "на")
    assert heard("масло 5w30") == Understood(left=("масло", "5w30"))


@pytest.mark.parametrize("text", ["", " ", "😀", "'; DROP TABLE vehicles; --", "а" * 10_000, "1 " * 5_000, "0", "²³"])
def test_what_is_no_car_fits_nothing(text: str) -> None:
    assert cars(text) == []
