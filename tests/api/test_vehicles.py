"""GET /api/v1/vehicles: step by step, by what people say, and what is not known."""

import httpx
import pytest

pytestmark = pytest.mark.anyio

VEHICLES = "/api/v1/vehicles"


async def test_a_car_is_chosen_step_by_step_down_to_its_engines(client: httpx.AsyncClient) -> None:
    makes = (await client.get(f"{VEHICLES}/makes")).json()["items"]
    lada = next(make for make in makes if make["make"] == "Lada")
    assert (lada["ru"], "ВАЗ" in lada["aliases"]) == ("Лада", True)
    models = (await client.get(f"{VEHICLES}/models", params={"make": "Lada"})).json()["items"]
    assert len(models) == lada["models"]
    vesta = next(model for model in models if model["model"] == "Vesta")
    vehicles = (await client.get(VEHICLES, params={"make": "Lada", "model": "Vesta"})).json()["items"]
    assert len(vehicles) == vesta["generations"]
    assert [vehicle["id"] for vehicle in vehicles] == ["lada/vesta/ng", "lada/vesta/i"]
    whole = (await client.get(f"{VEHICLES}/{vehicles[1]['id']}")).json()
    assert {engine["code"] for engine in whole["engines"]} == {"21129", "21179", "H4M"}
    assert whole["engines"][0]["displacement_cc"] == 1596


async def test_makes_and_models_are_known_by_what_people_call_them(client: httpx.AsyncClient) -> None:
    named = (await client.get(f"{VEHICLES}/models", params={"make": "ВАЗ"})).json()
    assert named == (await client.get(f"{VEHICLES}/models", params={"make": "Lada"})).json()
    vehicles = (await client.get(VEHICLES, params={"make": "лада", "model": "веста"})).json()["items"]
    assert {vehicle["model"] for vehicle in vehicles} == {"Vesta"}


@pytest.mark.parametrize(
    "path", ["/models?make=Bentli", "?make=Lada&model=Rio", "?make=Nobody&model=Rio", "/lada/vesta/xx", "/a/b/c"]
)
async def test_what_there_is_not_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(VEHICLES + path)
    assert (answer.status_code, answer.json()["title"]) == (404, "Unknown vehicle")


@pytest.mark.parametrize(
    "path", ["/models", "/models?make=%20", "?make=Lada", "/search", "/search?q=%20", "/search?q=%00"]
)
async def test_a_question_that_names_nothing_is_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(VEHICLES + path)).status_code == 422


async def test_a_car_is_found_as_people_say_it(client: httpx.AsyncClient) -> None:
    found = (await client.get(f"{VEHICLES}/search", params={"q": "свечи на весту 1.6 2019 3.5"})).json()
    assert [vehicle["id"] for vehicle in found["items"]] == ["lada/vesta/i"]
    assert {engine["code"] for engine in found["items"][0]["engines"]} == {"21129", "H4M"}
    assert found["left"] == ["свечи", "на"]
    assert [said["kind"] for said in found["said"]] == ["model", "displacement", "year"]
    assert [said["text"] for said in found["ignored"]] == ["3.5"]
    assert found["more"] is False
    assert (await client.get(f"{VEHICLES}/search", params={"q": "тойота"})).json()["more"] is True


async def test_what_nobody_knows_is_listed(client: httpx.AsyncClient) -> None:
    told = (await client.get(f"{VEHICLES}/holes")).json()
    kinds = {hole["hole"] for hole in told["items"]}
    assert kinds >= {"no plugs", "no oil volume", "no engine code", "no engines"}
    assert {hole["vehicle"] for hole in told["items"] if hole["hole"] == "no engines"}
    assert all(hole["engines"] for hole in told["items"] if hole["hole"] == "no plugs")
