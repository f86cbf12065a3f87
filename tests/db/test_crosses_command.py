"""autoshop import crosses, autoshop facts load, autoshop plugs: as the shopkeeper calls them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg

from tests.conftest import Database
from tests.crosses import HEADINGS


def autoshop(database: Database, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AUTOSHOP_DATABASE_URL": database.url}
    command = [sys.executable, "-m", "autoshop", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_file_without_headings_is_refused_with_the_reason(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "crosses.csv"
    file.write_text("a;b\n1;2\n", encoding="utf-8")
    done = autoshop(database, "import", "crosses", str(file), "--lang", "ru")
    assert done.returncode == 1
    assert "нет столбца «Артикул / article»" in done.stderr
    assert "Ничего не записано" in done.stdout


def test_bad_rows_are_told_and_written_to_a_file_and_the_others_are_there(database: Database, tmp_path: Path) -> None:
    file, errors = tmp_path / "crosses.csv", tmp_path / "errors.csv"
    good, bad = "MANN;W1;MAHLE;OC1", ["MANN;;MAHLE;OC1"] * 60
    file.write_text("\n".join([HEADINGS, good, *bad]), encoding="cp1251")
    done = autoshop(database, "import", "crosses", str(file), "--lang", "en", "--errors", str(errors))
    assert done.returncode == 0
    assert "rows 61, with errors 60; new articles 2, pairs new or surer 1" in done.stdout
    assert "row 3, column «Артикул»" in done.stderr
    assert f"All remarks (60): {errors}" in done.stdout
    assert len(errors.read_text(encoding="utf-8").splitlines()) == 61  # with the headings


def test_facts_are_loaded_and_loaded_again(database: Database) -> None:
    for said in ("Facts: 1341; ", "pairs new or surer 0, gone 0, in conflict 0."):
        done = autoshop(database, "facts", "load")
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    with psycopg.connect(database.url) as db:
        assert db.execute("SELECT count(*) FROM cross_conflicts").fetchone() == (12,)


def test_a_plug_is_told_as_the_api_tells_it(database: Database) -> None:
    decoded = json.loads(autoshop(database, "plugs", "decode", "А17ДВРМ").stdout)
    assert decoded["candidates"][0]["spec"]["hex_mm"] == 20.8
    found = json.loads(autoshop(database, "plugs", "equivalents", "BPR6ES-11", "--lang", "en").stdout)
    assert found["products"][0]["article"] == "BPR6ES-11"
    assert {"А17ДВРМ", "WR7DCX"} <= {item["code"] for item in found["items"]}
    refused = autoshop(database, "plugs", "decode", "+7 912 345-67-89")
    assert (refused.returncode, refused.stderr.strip()) == (
        1,
        "Not a spark plug code: «+7 912 345-67-89»: похоже на телефон",
    )
