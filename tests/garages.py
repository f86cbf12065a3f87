"""Garages for the requests of Schemathesis: each customer has a number, and so have his car and its lines."""

from itertools import cycle
from typing import Any

import httpx
from schemathesis import Case

GARAGES = 60
some_garage = cycle(range(1, GARAGES + 1))
some_token: list[str] = []  # of browsers' garages, each to be claimed once


def choose_car(case: Case[Any]) -> None:
    """A customer's car that there is; a garage that is forgotten is one that nothing else is about."""
    number = next(some_garage)
    names = ("customer", "car_id", "reading_id", "done_id")
    case.path_parameters |= {name: str(number) if name == "customer" else number for name in names}
    for name in names:
        if f"{{{name}}}" not in case.path:
            del case.path_parameters[name]
    bodies: dict[str, Any] = {
        "cars": {"vehicle": "lada/vesta/i", "name": "a"},
        "{car_id}": {"name": "b"},
        "readings": {"mileage_km": 10},
        "services": {"what": "a", "mileage_km": 10},
        "claims": {"token": some_token.pop() if some_token and case.path.endswith("claims") else ""},
    }
    what = case.path.rpartition("/")[2]
    if case.method in ("POST", "PATCH") and what in bodies:
        case.body = bodies[what]


def fill_garages(url: str, client: httpx.Client) -> None:
    """Customers 1, 2, … with a car, a reading and a service of that number; and as many browsers."""
    car, reading, service = {"vehicle": "lada/vesta/i"}, {"mileage_km": 10}, {"kit": "to15", "mileage_km": 10}
    for number in range(1, GARAGES + 1):
        garage = f"/api/v1/garages/{number}/cars"
        for what, body in (("", car), (f"/{number}/readings", reading), (f"/{number}/services", service)):
            assert client.post(garage + what, json=body).json()["id"] == number
    for _ in range(GARAGES):
        with httpx.Client(base_url=url) as browser:
            assert browser.post("/garage/cars", data=car).status_code == 303
            some_token.append(browser.cookies["autoshop_garage"])
