"""`autoshop import catalog` as people use it: what it says, where, and with which exit code."""

import csv
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from autoshop.cli.run import with_pool
from tests.conftest import Database
from tests.imports import TITLES, rows, write
from tests.waiting import came_true

HEAD = ";".join(TITLES) + "\n"
BAD = rows("NGK;BPR6ES-11;;;0;", "NGK;=1+1;;;;1")


def command(url: str, *words: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the command with nothing in the environment that would help it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOSHOP_", "LC_", "LANG"))}
    return subprocess.Popen(
        [sys.executable, "-m", "autoshop", "import", "catalog", *words],
        env={**kept, "AUTOSHOP_DATABASE_URL": url, **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip


def run(database: Database, *words: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    process = command(database.url, *words, **environment)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def ask(database: Database, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database.url, autocommit=True) as db:
        return db.execute(sql.encode()).fetchall()


def test_an_import_says_what_it_did_and_again_that_there_was_nothing_to_do(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / os.fsdecode("Остатки".encode() + b"\xff.csv"), rows())
    assert run(database, str(path)) == (0, (
        "Загружено (загрузка № 1).\n"
        "строк 1: новых товаров 1, изменено 0, без изменений 0; плохих строк 0, повторов 0\n"
        "цен 1, штрихкодов 1, брендов 1, категорий 0, движений 1, расхождений остатка 0\n"
    ), "")  # fmt: skip
    assert run(database, str(path), "--lang", "en") == (0, (
        "Imported (import 2).\n"
        "rows 1: new products 0, changed 0, unchanged 1; bad rows 0, repeats 0\n"
        "prices 0, barcodes 0, brands 0, categories 0, movements 0, stock that differs 0\n"
    ), "")  # fmt: skip
    assert ask(database, "SELECT DISTINCT actor, related_document FROM movements") == [
        ("system:import", "Начальный остаток Остатки?.csv")
    ]


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        ((), {}, "строка 3, столбец «Розница»: «0» цена 0; если цены нет, оставьте пустым\n"),
        ((), {"LANG": "ru_RU.UTF-8"}, "строка 3, столбец"),
        ((), {"LANG": "en_GB.UTF-8"}, "row 3, column «Розница»: «0» a price of 0; if there is none, leave it empty\n"),
        (("--lang", "ru"), {"LANG": "en_GB.UTF-8"}, "строка 3, столбец"),
        (("--lang", "en"), {}, "row 4, column «Артикул»: «=1+1» a formula instead of a value\n"),
    ],
    ids=["", "LANG=ru", "LANG=en", "ru", "en"],
)
def test_bad_rows_are_told_in_the_language_of_the_reader(
    untouched_database: Database, tmp_path: Path, words: Sequence[str], environment: dict[str, str], says: str
) -> None:
    path = write(tmp_path / "c.csv", BAD)
    code, out, err = run(untouched_database, str(path), *words, **environment)
    assert code == 1
    assert says in err
    assert out.startswith("Nothing was written (import " if "row" in says else "Ничего не записано (загрузка № ")
    assert list(tmp_path.iterdir()) == [path]  # two problems need no file of their own
    assert ask(untouched_database, "SELECT count(*) FROM products") == [(6,)]


def test_many_problems_go_into_a_file_that_excel_opens_and_does_not_obey(
    untouched_database: Database, tmp_path: Path
) -> None:
    lines = ["NGK;\"=cmd|' /C calc'!A0\";;;;-5", "NGK;@SUM(1);;;-7;"] + ["NGK;BPR6ES-11;;;0;"] * 1500
    path = write(tmp_path / "c.csv", HEAD + "\n".join(lines))
    code, out, err = run(untouched_database, str(path))
    assert (code, len(err.splitlines())) == (1, 50)
    assert out.splitlines()[-1] == f"Все замечания (1502): {path}.errors.csv"
    content = Path(f"{path}.errors.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    told = list(csv.reader(content.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert told[:4] == [
        ["Строка", "Столбец", "Значение", "Причина", "Вид"],
        ["2", "Артикул", "'=cmd|' /C calc'!A0", "формула вместо значения", "error"],
        ["3", "Розница", "'-7", "цена не бывает отрицательной", "error"],
        ["4", "Розница", "0", "цена 0; если цены нет, оставьте пустым", "error"],
    ]
    assert not [cell for row in told for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_where_the_file_of_problems_cannot_be_written_all_are_told_on_the_screen(
    untouched_database: Database, tmp_path: Path
) -> None:
    path = write(tmp_path / "c.csv", HEAD + "NGK;BPR6ES-11;;;0;\n" * 60)
    (tmp_path / "c.csv.errors.csv").mkdir()
    code, out, err = run(untouched_database, str(path), "--lang", "en")
    assert (code, len(err.splitlines())) == (1, 60)
    assert "could not be written to a file ([Errno 21]" in out.splitlines()[-1]


def test_all_problems_on_the_standard_output_have_it_for_themselves(
    untouched_database: Database, tmp_path: Path
) -> None:
    path = write(tmp_path / "c.csv", HEAD + "NGK;BPR6ES-11;;;0;\n" * 60)
    code, out, err = run(untouched_database, str(path), "--lang", "en", "--errors", "-")
    told = list(csv.reader(out.removeprefix("\ufeff").splitlines(), delimiter=";"))
    assert (code, len(told), told[0][0], told[60][0]) == (1, 61, "Row", "61")
    assert "Nothing was written (import " in err
    assert not (tmp_path / "c.csv.errors.csv").exists()


def test_the_standard_output_is_added_to_not_emptied(untouched_database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", HEAD + "NGK;BPR6ES-11;;;0;\n")
    kept = write(tmp_path / "kept.csv", "before\n")
    words = [sys.executable, "-m", "autoshop", "import", "catalog", str(path), "--errors", "-"]
    with kept.open("a") as out:
        environment = {**os.environ, "AUTOSHOP_DATABASE_URL": untouched_database.url}
        done = subprocess.run(words, stdout=out, stderr=subprocess.PIPE, env=environment, check=False)
    lines = kept.read_text("utf-8").splitlines()
    assert (done.returncode, lines[0], len(lines)) == (1, "before", 3)


def test_good_rows_are_loaded_when_bad_ones_are_to_be_skipped(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", BAD)
    code, out, err = run(database, str(path), "--skip-bad", "--dry-run", "--lang", "en")
    assert (code, out.splitlines()[0], len(err.splitlines())) == (0, "Checked; nothing was written (import 1).", 2)
    assert ask(database, "SELECT count(*) FROM products") == [(6,)]
    code, out, err = run(database, str(path), "--skip-bad", "--lang", "en")
    assert (code, out.splitlines()[1]) == (0, "rows 3: new products 1, changed 0, unchanged 0; bad rows 2, repeats 0")
    assert ask(database, "SELECT count(*) FROM products") == [(7,)]


def test_options_of_layout_and_stock(database: Database, tmp_path: Path) -> None:
    text = "Бренд|Артикул|Остаток|Вес\nNGK|BPR6ES-11|4|0,1\n"
    path = write(tmp_path / "c.csv", text.encode("cp866"))
    words = ["--delimiter", "|", "--encoding", "cp866", "--store", "north", "--ignore-column", "Вес"]
    assert run(database, str(path), *words)[0] == 0
    write(path, text.replace("|4|", "|6|"))
    code, _, err = run(database, str(path), *(word.replace("cp866", "utf-8") for word in words))
    assert code == 0
    assert err.startswith("строка 2, столбец «Остаток»: «6» сейчас 4; остаток не изменён")
    assert run(database, str(path), "--delimiter", "|", *words[4:], "--set-stock")[0] == 0
    assert ask(database, "SELECT quantity FROM inventory") == [(6,)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.csv"], "nowhere.csv"),
        (["."], "'.' is a directory"),
        (["c.csv", "--lang", "de"], "ru or en"),
        (["c.csv", "--delimiter", "ab"], "one character, or tab"),
        (["c.csv", "--encoding", "utf-7"], "one of utf-8"),
        ([], "Missing argument"),
    ],
    ids=["no file", "a directory", "language", "delimiter", "encoding", "no argument"],
)
def test_a_wrong_call_is_told_before_the_database_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Sequence[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "c.csv", rows())
    process = command("postgresql://nobody@127.0.0.1:1/none", *words)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert says in err


def test_a_database_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    process = command("postgresql://nobody@127.0.0.1:1/none", str(write(tmp_path / "c.csv", rows())))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("The database does not answer")
    assert "Traceback" not in err


def test_no_database_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_pool: object) -> None:
        raise AssertionError

    monkeypatch.delenv("AUTOSHOP_DATABASE_URL", raising=False)
    monkeypatch.setattr("autoshop.cli.run.database_beside", lambda: None)
    with pytest.raises(SystemExit, match="AUTOSHOP_DATABASE_URL is not set"):
        with_pool(never)


def test_a_database_that_goes_away_is_told_in_a_line(database: Database, tmp_path: Path) -> None:
    with psycopg.connect(database.super_url, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(hashtext('autoshop imports'))")  # so that the import waits
        process = command(database.url, str(write(tmp_path / "c.csv", rows())), "--lang", "en")
        asks = "SELECT FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()"
        assert came_true(lambda: admin.execute(asks).fetchone() is not None, 60)
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'autoshop_app'"
        )
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("The database went away: ")
    assert "Traceback" not in err


def test_there_is_a_bar_to_watch_on_a_terminal(database: Database, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    text = HEAD + "".join(f"NGK;A-{number};Свеча;;5;1\n" for number in range(1000))
    process = subprocess.Popen(
        [sys.executable, "-m", "autoshop", "import", "catalog", str(write(tmp_path / "c.csv", text)), "--lang", "en"],
        env={**os.environ, "AUTOSHOP_DATABASE_URL": database.url, "TERM": "xterm", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0
    for phase in (b"reading", b"comparing", b"loading", b"1,000"):
        assert phase in shown


def test_help_names_every_option(untouched_database: Database) -> None:
    code, out, _ = run(untouched_database, "--help", COLUMNS="100")
    assert code == 0
    options = ("store", "skip-bad", "set-stock", "dry-run", "encoding", "delimiter", "sheet", "ignore-column", "lang")
    assert [option for option in options if f"--{option}" not in out] == []
    assert "all rows or, with every reason, none" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 100
