"""GET and POST /api/v1/vin, and the command line: one shape, every field with its reason."""

import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from autoshop.cli import app as cli
from autoshop.cli import vin as commands

pytestmark = pytest.mark.anyio

VESTA = "XTAGFL110KY000000"
ENGLISH = {"Accept-Language": "en"}


async def test_a_vin_answers_with_the_car_its_reasons_and_one_question(client: httpx.AsyncClient) -> None:
    told = (await client.get("/api/v1/vin/хтаgfl110кy000000")).json()
    assert (told["vin"], told["normalised"]) == ("хтаgfl110кy000000", VESTA)
    assert [change["kind"] for change in told["changes"]] == ["case", "cyrillic"]
    assert (told["year"], told["years"]) == (2019, {"from": 2019, "to": 2019})
    (car,) = told["candidates"]
    assert (car["vehicle"], car["make"], car["model"], car["generation"]) == ("lada/vesta/i", "Lada", "Vesta", "I")
    model = next(reason for reason in car["reasons"] if reason["field"] == "model")
    assert model["positions"] == "4-7"
    assert "GFL1" in model["rule"]
    assert model["source"]
    assert told["question"]["field"] == "engine"
    assert {option["engine"] for option in told["question"]["options"]} == {"21129"}
    assert told["warnings"] == []


@pytest.mark.parametrize(("language", "words"), [("ru", "10-й знак — модельный год"), ("en", "is the model year")])
async def test_a_reason_is_told_in_the_language_that_was_asked_for(
    client: httpx.AsyncClient, language: str, words: str
) -> None:
    told = (await client.get(f"/api/v1/vin/{VESTA}?lang={language}")).json()
    (year,) = (reason["rule"] for reason in told["candidates"][0]["reasons"] if reason["field"] == "year")
    assert year.startswith("K = 2019: ")
    assert words in year


async def test_several_cars_are_asked_about_before_their_engines(client: httpx.AsyncClient) -> None:
    told = (await client.get("/api/v1/vin/WVWZZZ1JZ3W000000", headers=ENGLISH)).json()
    assert told["question"]["field"] == "vehicle"
    assert told["question"]["text"] == "Which of these cars is it?"
    assert {option["vehicle"] for option in told["question"]["options"]} == {
        candidate["vehicle"] for candidate in told["candidates"]
    }


async def test_makes_that_share_a_code_are_named_in_one_question_which_leads_to_a_car_of_either(
    client: httpx.AsyncClient,
) -> None:
    question = (await client.get("/api/v1/vin/LVVDB21B8RC000000")).json()["question"]
    assert question["text"].startswith("Такой VIN бывает у Chery, Jaecoo и Omoda. Какая это машина?")
    assert "СТС" in question["text"]
    assert {option["vehicle"].split("/")[0] for option in question["options"]} == {"chery", "jaecoo", "omoda"}
    english = (await client.get("/api/v1/vin/LVVDB21B8RC000000", headers=ENGLISH)).json()["question"]
    assert english["text"].startswith("Chery, Jaecoo and Omoda share this VIN's code.")


@pytest.mark.parametrize(
    ("text", "looks", "word"),
    [
        ("XTAGFL110KY00000", "too_short", "16"),
        ("XTAGFL110KY0000000", "too_long", "18"),
        ("00000000000000000", "zeros", "нули"),
        ("😀", "signs", "букв"),
        ("'; DROP TABLE vehicles; --", "words", "слова"),
        ("x" * 10_000, "filler", "повтор"),
        ("+7 912 345-67-89", "phone", "телефона"),
        ("21126-1234567", "code", "двигателя"),
        (" ", "empty", "Введите VIN"),
    ],
)
async def test_what_is_no_vin_is_refused_with_what_it_looks_like(
    client: httpx.AsyncClient, text: str, looks: str, word: str
) -> None:
    answer = await client.get(httpx.URL("http://test").copy_with(path=f"/api/v1/vin/{text}").raw_path.decode())
    assert answer.status_code == 422
    assert (answer.json()["title"], answer.json()["looks_like"]) == ("That is not a VIN", looks)
    assert word in answer.json()["detail"]


async def test_more_than_a_page_of_text_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/vin/" + "x" * 10_001)).status_code == 422


async def test_many_are_answered_in_their_order_and_one_that_is_none_spoils_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/vin", json={"vins": [VESTA, "+7 912 345-67-89", "Z94CB41AAGR000000"]})
    items = answer.json()["items"]
    assert [item["normalised"] for item in items] == [VESTA, None, "Z94CB41AAGR000000"]
    assert (items[1]["looks_like"], items[1]["candidates"]) == ("phone", [])
    assert "телефона" in items[1]["warnings"][0]["text"]


async def test_too_many_and_none_at_all_are_refused(client: httpx.AsyncClient) -> None:
    for vins in ([], [VESTA] * 1_001):
        assert (await client.post("/api/v1/vin", json={"vins": vins})).status_code == 422


async def test_the_command_line_answers_as_the_api_does(client: httpx.AsyncClient, tmp_path: Path) -> None:
    commands.register(cli)
    run = CliRunner().invoke
    answered = (await client.get(f"/api/v1/vin/{VESTA}")).json()
    assert json.loads(run(cli, ["vin", "decode", VESTA]).stdout) == answered
    file = tmp_path / "vins.txt"
    file.write_text(f"{VESTA}\r\n\nне VIN\n", encoding="utf-8")
    lines = [json.loads(line) for line in run(cli, ["vin", "batch", str(file)]).stdout.splitlines()]
    assert lines[0] == answered
    assert [line["looks_like"] for line in lines] == [None, "words"]
    refused = run(cli, ["vin", "decode", "89123456789"])
    assert (refused.exit_code, json.loads(refused.stdout)["looks_like"]) == (1, "phone")
    assert run(cli, ["vin", "batch", str(tmp_path / "none.txt")]).exit_code == 2
    assert run(cli, ["vin", "report"]).exit_code == 0
