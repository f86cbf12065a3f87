"""A compose project of its own, for bin/check-deploy: built, asked, hurt, removed. Python 3.9 and nothing else."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LONG_RUNNING = ("postgres", "valkey", "api", "worker", "nginx")
API = "/api/v1/inventory"
DOCUMENTATION_ADDRESS = "203.0.113.7"  # RFC 5737: nobody has it


class Stack:
    """A compose project of our own, and the tally of the checks."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.env_file = folder, folder / "env"
        self.project = f"autoshop-check-{os.getpid()}"
        port, postgres, valkey = free_ports(3)
        self.url, self.port, self.token = f"http://127.0.0.1:{port}", port, ""
        self.passed = 0
        self.failed: list[str] = []
        own: dict[str, object] = {
            "AUTOSHOP_PORT": port, "AUTOSHOP_BIND": "127.0.0.1", "AUTOSHOP_POSTGRES_PORT": postgres,
            "AUTOSHOP_VALKEY_PORT": valkey, "AUTOSHOP_NET": unused_network(), "AUTOSHOP_LOGS": folder / "logs",
            "AUTOSHOP_IMAGE": f"autoshop:{self.project}", "AUTOSHOP_POSTGRES_BUFFERS": "128MB",
            "AUTOSHOP_TRUST": DOCUMENTATION_ADDRESS + "/32=manager",
        }  # fmt: skip
        kept = [line for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
                if line.split("=")[0] not in own]  # fmt: skip
        lines = kept + [f"{name}={value}" for name, value in own.items()]
        self.env_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTOSHOP_")}
        self.environment.update(
            AUTOSHOP_ENV_FILE=str(self.env_file), COMPOSE_PROJECT_NAME=self.project, COMPOSE_PROGRESS="quiet"
        )

    def check(self, what: str, passed: bool, facts: object = "") -> None:
        print(f"✓ {what}" if passed else f"✗ {what}\n    {facts}", flush=True)
        if passed:
            self.passed += 1
        else:
            self.failed.append(what)

    def run(self, *command: str, show: bool = False, check: bool = False) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, check=False, text=True, encoding="utf-8", stdin=subprocess.DEVNULL,
            stdout=None if show else subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {tail(done)}")
        return done

    def compose(self, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        return self.run("docker", "compose", "--env-file", str(self.env_file), *words, check=check)

    def setting(self, name: str) -> str:
        values: list[str] = re.findall(rf"(?m)^{name}=(.*)$", self.env_file.read_text(encoding="utf-8"))
        return values[-1]

    def smoke(self, what: str) -> None:
        self.environment["AUTOSHOP_TOKEN"] = self.token
        done = self.run("bin/smoke", self.url)
        self.check(f"{what}: {tail(done, 1)}", done.returncode == 0, done.stdout)

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        token: str | None = "",
        raw: bool = False,
        raw_body: bytes | None = None,
    ) -> tuple[int, http.client.HTTPMessage, Any]:
        """(status, headers, document) through nginx; token None sends none, "" the stack's own."""
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = "Bearer " + (token or self.token)
        if body is not None or raw_body is not None:
            headers.setdefault("Content-Type", "application/json")
        payload = raw_body if body is None else json.dumps(body).encode()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            with contextlib.closing(connection):
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # 413 comes before the body is read
                    connection.request(method, path, payload, headers)
                answer = connection.getresponse()
                content = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(repr(error)) from error
        if raw:
            return answer.status, answer.headers, content
        with contextlib.suppress(ValueError):
            content = json.loads(content)
        return answer.status, answer.headers, content

    def logged(self, request_id: str) -> list[int]:
        """The statuses under which nginx wrote down a request; it does so after the answer."""
        files = (self.folder / "logs" / "nginx").glob("access-????-??-??.log")
        lines = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
        return [line["status"] for line in lines if line["request_id"] == request_id]

    def total(self) -> int:
        quantity: int = self.ask(API + "/status?limit=1")[2]["totals"]["quantity"]
        return quantity

    def container(self, service: str) -> str:
        said: str = self.compose("ps", "-aq", service).stdout
        return said.strip()

    def ids(self) -> dict[str, str]:
        return {service: self.container(service) for service in LONG_RUNNING}

    def inspect(self, service: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.run("docker", "inspect", self.container(service)).stdout)
        return found[0]

    def user_ids(self, service: str) -> set[str]:
        lines = self.run("docker", "top", self.container(service), "-eo", "uid,pid").stdout.splitlines()
        return {line.split()[0] for line in lines[1:]}

    def kill(self, service: str) -> None:
        """SIGKILL, from outside where that is possible: then the engine must bring it back by itself.

        After `docker kill` the engine takes the container for stopped on purpose, so we start it.
        """
        pid = self.inspect(service)["State"]["Pid"]
        command = Path(f"/proc/{pid}/cgroup")
        if os.geteuid() == 0 and command.exists() and self.container(service)[:12] in command.read_text():
            os.kill(pid, signal.SIGKILL)
        else:
            self.run("docker", "kill", self.container(service), check=True)
            self.run("docker", "start", self.container(service), check=True)

    def wait_until_up(self, service: str, patience_seconds: float = 90) -> None:
        began = time.monotonic()
        while True:
            state = self.inspect(service)["State"]
            if state["Status"] == "running" and state["Health"]["Status"] == "healthy":
                return
            if time.monotonic() - began > patience_seconds:
                said = self.compose("logs", "--tail", "30", service).stdout
                raise RuntimeError(f"{service} is {state}\n{said}")
            time.sleep(0.25)

    def remove(self) -> None:
        # nginx owns its logs: hand them back, or a user who is not root could not delete them.
        give_back = f"chown -R {os.getuid()}:{os.getgid()} /logs && chmod -R u+rwX /logs"
        self.compose("run", "--rm", "-T", "logs", give_back)
        done = self.compose("down", "--volumes", "--remove-orphans", "--timeout", "10", "--rmi", "local")
        self.run("docker", "image", "rm", f"autoshop:{self.project}")
        left = [
            self.run("docker", *kind, "--quiet", "--filter", "label=com.docker.compose.project=" + self.project).stdout
            for kind in (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
        ]
        self.check("nothing of it is left", done.returncode == 0 and not "".join(left).strip(), tail(done) + str(left))


def first_event(stack: Stack, path: str, happens: Callable[[], object], patience_seconds: float = 5) -> bool:
    """Whether a line of events that stays open tells what `happens` within the time."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=patience_seconds)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": "Bearer " + stack.token})
        answer = connection.getresponse()
        happens()
        deadline = time.monotonic() + patience_seconds
        with contextlib.suppress(TimeoutError):
            while time.monotonic() < deadline:
                if answer.readline().startswith(b"data: {"):
                    return True
    return False


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def unused_network() -> str:
    """The first three numbers of a network that no network of Docker's overlaps."""
    names = subprocess.check_output(["docker", "network", "ls", "-q"], text=True).split()
    taken = subprocess.check_output(["docker", "network", "inspect", *names], text=True)
    return next(prefix for prefix in (f"10.213.{n}" for n in range(100, 250)) if f'"{prefix}.' not in taken)


def until(condition: Callable[[], bool], patience_seconds: float = 60) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + patience_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def is_problem(headers: http.client.HTTPMessage, answer: object, status: int) -> bool:
    kind = headers.get_content_type()
    return kind == "application/problem+json" and isinstance(answer, dict) and answer.get("status") == status


def tail(done: subprocess.CompletedProcess[str], lines: int = 15) -> str:
    return "\n    ".join((done.stdout or "").strip().splitlines()[-lines:])
