"""A start that cannot be: told in a line, by a code that a supervisor understands, never in a traceback."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from autoshop.accounts.model import ROLES
from autoshop.cli import main
from autoshop.kit import settings
from autoshop.kit.log import configure
from tests.conftest import free_port


@pytest.fixture(autouse=True)
def _settings_read_anew() -> Iterator[None]:
    settings.settings.cache_clear()
    yield
    settings.settings.cache_clear()


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "dev"])
@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("AUTOSHOP_TRUST", "nonsense", "NETWORK=ROLE, as in 127.0.0.0/8=manager"),
        ("AUTOSHOP_TRUST", "10.0.0.0/8=king", "roles are owner, manager, buyer, clerk, monitor"),
        ("AUTOSHOP_PROXIES", "10.0.0.0/99", "'10.0.0.0/99' does not appear to be an IPv4 or IPv6 network"),
        ("AUTOSHOP_POOL_MAX", "abc", "it must be a whole number, 4 to 100"),
        ("AUTOSHOP_POOL_MAX", "1000", "it must be a whole number, 4 to 100"),
        ("AUTOSHOP_OUTBOX_DAYS", "0", "it must be a whole number, 1 or more"),
        ("AUTOSHOP_LOG_LEVEL", "loud", "it must be one of debug, info, warning, error"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    value: str,
    allowed: str,
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["autoshop", command])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said.startswith(f"{name}={value} cannot be used: ")
    assert allowed in said
    assert said.count("\n") == 1


def test_every_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSHOP_POOL_MIN", "x")
    monkeypatch.setenv("AUTOSHOP_TRUST", "x")
    with pytest.raises(settings.WrongSetting) as wrong:
        settings.settings()
    assert sorted(line.partition("=")[0] for line in str(wrong.value).splitlines()) == [
        "AUTOSHOP_POOL_MIN",
        "AUTOSHOP_TRUST",
    ]


def test_whoever_has_a_role_can_be_trusted() -> None:
    assert set(settings.ROLES) == ROLES.keys()
    assert settings.parse_trust("10.0.0.0/8=monitor") == ((ip_network("10.0.0.0/8"), "monitor"),)


@pytest.mark.parametrize("where", ["127.0.0.1:{port}", "no.such.host.invalid"])
def test_serve_without_its_database_says_so_in_one_line(where: str) -> None:
    url = f"postgresql://autoshop_app@{where.format(port=free_port())}/autoshop"
    environment = {**os.environ, "AUTOSHOP_DATABASE_URL": url}
    command = [sys.executable, "-m", "autoshop", "serve", f"--port={free_port()}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["no database"]
    assert lines[0]["error"]


@pytest.fixture
def as_on_a_server() -> Iterator[None]:
    """Logs as JSON, until the test is over."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure()
    yield
    root.handlers[:], level = before
    root.setLevel(level)


@pytest.mark.usefixtures("as_on_a_server")
def test_what_a_library_tells_of_an_absent_database_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    library = logging.getLogger("asyncpg.pool")
    logging.getLogger().handlers[0].setStream(sys.stderr)  # type: ignore[attr-defined]
    for error in (ConnectionRefusedError(111, "refused"), KeyError("a bug")):
        try:
            raise error
        except Exception:
            library.warning("Failed to restore the pool", exc_info=True)
    away, bug = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert away["error"] == "ConnectionRefusedError(111, 'refused')"
    assert "exception" not in away
    assert "Traceback" in bug["exception"]


def test_a_process_that_prints_nothing_does_not_load_what_draws() -> None:
    loaded = "import sys, autoshop.app; print([name for name in ('reportlab', 'PIL') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
