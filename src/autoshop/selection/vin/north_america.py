"""VINs of cars made for North America: NHTSA's vPIC as the package ultravin carries it, offline.

Accepted only where it decodes without any remark (`error_codes == [0]`): with remarks it named a wrong year for one in
eleven European VINs. It is loaded when it is first asked (about 30 MiB).
"""

from functools import cache
from typing import Any

from autoshop.kit.text import name_key
from autoshop.selection.vehicles.facts import Vehicles
from autoshop.selection.vehicles.model import Engine, Vehicle, in_years
from autoshop.selection.vin.model import Candidate, Reason

SOURCE = ("vpic",)
CHECK_DIGIT = 1  # vPIC's code for one that is not right
BODIES = {  # vPIC's classes in the words of the vehicles
    "Sedan/Saloon": "sedan",
    "Sport Utility Vehicle [SUV]/Multipurpose Vehicle [MPV]": "SUV",
    "Crossover Utility Vehicle [CUV]": "SUV",
    "Hatchback/Liftback/Notchback": "hatch",
    "Wagon": "wagon",
    "Coupe": "coupe",
    "Convertible/Cabriolet": "convertible",
    "Pickup": "pickup",
    "Minivan": "minivan",
    "Van": "van",
    "Cargo Van": "van",
    "Bus": "bus",
}
FUELS = {"Gasoline": "petrol", "Diesel": "diesel", "Electric": "electric"}


def decode(vin: str, vehicles: Vehicles) -> Candidate | None:
    """The car, where vPIC has no doubt about any character; else None."""
    import ultravin  # a whole database: not before somebody asks for it

    told = ultravin.decode(vin)
    attributes: dict[str, Any] = told["attributes"]
    make, model, year = attributes.get("Make"), attributes.get("Model"), told["model_year"]
    if told["error_codes"] != [0] or not make or not model or not year:
        return None
    ours = _makes(vehicles).get(name_key(make), str(make).title())
    names = _named(vehicles, ours, str(model))
    vehicle = _vehicle(vehicles, ours, names, year)
    engines = _engines(attributes, vehicles.engines.get(vehicle.id, ()) if vehicle else (), year)
    return Candidate(
        make=ours,
        model=vehicle.model if vehicle else next(iter(names)) if len(names) == 1 else str(model),
        generation=vehicle.generation or None if vehicle else None,
        vehicle=vehicle.id if vehicle else None,
        body=BODIES.get(str(attributes.get("Body Class"))),
        engines=engines,
        year=year,
        years_from=year,
        years_to=year,
        confidence="high",
        reasons=(
            Reason("make", "1-3", f"vPIC: {make}", SOURCE),
            Reason("model", "4-8", f"vPIC: {model}", SOURCE),
            Reason("engines", "4-8", f"vPIC: {_size(attributes)}", SOURCE),
            Reason("year", "10", f"vPIC: {vin[9]} = {year}", SOURCE),
        ),
    )


def make_alone(vin: str, vehicles: Vehicles) -> Candidate | None:
    """Who made it, where the check digit says that some character is wrong and vPIC has no other doubt; else None."""
    import ultravin

    told = ultravin.decode(vin)
    make = told["attributes"].get("Make")
    if told["error_codes"] != [CHECK_DIGIT] or not make:
        return None
    ours = _makes(vehicles).get(name_key(make), str(make).title())
    return Candidate(make=ours, confidence="low", reasons=(Reason("make", "1-3", f"vPIC: {make}", SOURCE),))


@cache
def _makes(vehicles: Vehicles) -> dict[str, str]:
    names = {name_key(make.make): make.make for make in vehicles.makes.values()}
    return {name_key(alias): make.make for make in vehicles.makes.values() for alias in make.aliases} | names


def _named(vehicles: Vehicles, make: str, model: str) -> set[str]:
    """Our models of that name."""
    key = name_key(model)
    return {
        one.model
        for one in vehicles.models.values()
        if one.make == make and key in {name_key(name) for name in (one.model, *one.aliases)}
    }


def _vehicle(vehicles: Vehicles, make: str, names: set[str], year: int) -> Vehicle | None:
    """The one generation of those models which was made in that year; a model year may begin the year before."""
    made = [one for one in vehicles.vehicles.values() if one.make == make and one.model in names]
    for made_in in (year, year - 1):
        fitting = [one for one in made if in_years(one.years_from, one.years_to, made_in)]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _size(attributes: dict[str, Any]) -> str:
    litres, cylinders = attributes.get("Displacement (L)"), attributes.get("Engine Number of Cylinders")
    told = (attributes.get("Engine Model"), litres and f"{float(litres):.1f}", cylinders and f"{cylinders} cylinders")
    return " ".join(str(one) for one in told if one)


def _engines(attributes: dict[str, Any], known: tuple[Engine, ...], year: int) -> tuple[Engine, ...]:
    """Of the vehicle's engines those of the size that vPIC tells; else what vPIC tells."""
    cc = attributes.get("Displacement (CC)")
    if not cc:
        return known
    fitting = tuple(
        one
        for one in known
        if one.displacement_cc
        and abs(one.displacement_cc - float(cc)) < 60
        and in_years(one.years_from, one.years_to, year)
    )
    if fitting:
        return fitting
    cylinders = attributes.get("Engine Number of Cylinders")
    return (
        Engine(
            vehicle="",
            name=_size(attributes),
            confidence="high",
            code=attributes.get("Engine Model"),
            displacement_cc=round(float(cc)),
            fuel=FUELS.get(str(attributes.get("Fuel Type - Primary"))),
            cylinders=int(cylinders) if cylinders else None,
        ),
    )
