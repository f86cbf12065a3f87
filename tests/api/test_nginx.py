"""The front door: deploy/nginx/nginx.conf in a real nginx, with an api behind it that tells what it was sent."""

import gzip
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import httpx
import pytest

from autoshop.kit.http import UPLOADS
from tests.conftest import free_port

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "nginx.conf"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent; /sse sends one event, and the next one only when it is told to."""

    protocol_version = "HTTP/1.1"
    connections: ClassVar[set[object]] = set()
    goes_on: ClassVar[bool] = False

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        if self.path == "/api/v1/inventory/events":
            self._events()
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        told = {"path": self.path, "body": len(body), "filler": "x" * 5000, "headers": dict(self.headers)}
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        if "own" in self.path:
            self.send_header("X-Frame-Options", "SAMEORIGIN")
            self.send_header("X-Request-ID", self.headers["X-Request-ID"])
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def _events(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        while not Echo.goes_on:
            time.sleep(0.01)
        self.wfile.write(b"data: second\n\n")

    def log_message(self, *_: object) -> None:
        """Silent."""


@dataclass
class Door:
    """A running nginx, the api behind it, and its folder of logs."""

    url: str
    api: ThreadingHTTPServer
    logs: Path
    client: httpx.Client

    def ask(self, path: str, method: str = "GET", **how: Any) -> httpx.Response:
        return self.client.request(method, self.url + path, **how)

    def logged(self) -> dict[str, Any]:
        """The one line of the access log; nginx writes it after the answer."""
        for _ in range(200):
            for file in self.logs.glob("access-????-??-??.log"):
                if text := file.read_text("utf-8"):
                    line: dict[str, Any] = json.loads(text)
                    return line
            time.sleep(0.01)
        raise AssertionError("nothing was logged")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    api, port, status_port = ThreadingHTTPServer(("127.0.0.1", 0), Echo), free_port(), free_port()
    Echo.goes_on = False
    Echo.connections.clear()
    logs = tmp_path / "logs"
    logs.mkdir()
    changes = {
        "/tmp/": f"{tmp_path}/",  # first, because tmp_path may lie there
        "server api:8000": f"server 127.0.0.1:{api.server_port}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8081": f"127.0.0.1:{status_port}",
        "/var/log/nginx": str(logs),
        "worker_processes auto": "worker_processes 1",
    }
    text = CONFIGURATION.read_text("utf-8")
    for there, here in changes.items():
        assert there in text
        text = text.replace(there, here)
    if os.geteuid() == 0:
        text = "user root;\n" + text
    (tmp_path / "nginx.conf").write_text(text, "utf-8")
    Thread(target=api.serve_forever, args=[0.01], daemon=True).start()
    command = [program, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path), "-g", "daemon off;"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{status_port}/nginx", process)
        with httpx.Client(timeout=10, trust_env=False) as client:
            yield Door(f"http://127.0.0.1:{port}", api, logs, client)
    finally:
        Echo.goes_on = True
        process.terminate()
        process.wait(10)
        api.shutdown()
        api.server_close()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        assert process.poll() is None, "nginx ended at once"
        try:
            httpx.get(url).raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError("nginx does not listen")


def test_the_metrics_are_closed_to_the_outside(door: Door) -> None:
    for path in ("/metrics", "/metrics/", "/%6detrics", "//metrics", "/docs/../metrics"):
        answer = door.ask(path)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json"), path
        assert answer.json()["status"] == 403


def test_what_a_client_claims_of_its_address_is_thrown_away(door: Door) -> None:
    forged = {
        "X-Forwarded-For": "10.1.1.1",
        "X-Real-IP": "10.1.1.1",
        "Forwarded": "for=10.1.1.1",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Request-ID": "mine",
    }
    sent = door.ask("/health", headers=forged).json()["headers"]
    assert sent["X-Forwarded-For"] == "127.0.0.1"
    assert sent["X-Forwarded-Proto"] == "http"
    assert sent["X-Request-ID"] != "mine"
    assert not sent.keys() & {"X-Real-IP", "Forwarded", "X-Forwarded-Host"}


def test_the_host_is_passed_on_as_it_was_asked_for(door: Door) -> None:
    sent = door.ask("/health", headers={"Host": "shop.example:8080"}).json()["headers"]
    assert sent["Host"] == "shop.example:8080"


def test_path_and_query_are_passed_on_as_they_were_asked_for(door: Door) -> None:
    path = "/api/v1/catalog/products?q=%D0%BC%D0%B0%D1%81%D0%BB%D0%BE&page=a%2Fb"
    assert door.ask(path).json()["path"] == path


def test_a_request_has_one_id_everywhere(door: Door) -> None:
    answer = door.ask("/health")
    request_id = answer.json()["headers"]["X-Request-ID"]
    assert len(request_id) == 32
    assert answer.headers.get_list("x-request-id") == [request_id]
    line = door.logged()
    assert (line["request_id"], line["status"], line["uri"]) == (request_id, 200, "/health")
    assert line["seconds"] >= 0


def test_the_log_is_json_whatever_is_asked_for(door: Door) -> None:
    door.ask('/"\\%0a{}', headers={"User-Agent": 'he said "\\"'})
    line = door.logged()
    assert line["agent"] == 'he said "\\"'


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/vin?vin=XTAGFL110KY000000", "/vin?…"),
        ("/api/v1/vin/XTAGFL110KY000000?lang=en", "/api/v1/vin/…"),
        ("/api/v1/kits/to15?store_id=1&vin=XTAGFL110KY000000", "/api/v1/kits/to15?…"),
        ("/search?page=2&q=%2B7%20912%20345-67-89", "/search?…"),
        ("/api/v1/garages/anna%40example.org/cars/1/readings", "/api/v1/garages/…/cars/1/readings"),
        ("/api/v1/garages/anna?lang=en", "/api/v1/garages/…"),
        ("/cars/lada/vesta/i/kits/to15?engine=21129", "/cars/lada/vesta/i/kits/to15?engine=21129"),
        ("/api/v1/vin", "/api/v1/vin"),
        ("/plugs?eq=q&vinyl=q%3D", "/plugs?eq=q&vinyl=q%3D"),
    ],
)
def test_the_log_has_no_vin_no_customer_and_nothing_that_was_typed_into_a_box(
    door: Door, path: str, logged: str
) -> None:
    assert door.ask(path).json()["path"] == path
    assert door.logged()["uri"] == logged


def test_what_the_api_says_of_itself_stands(door: Door) -> None:
    assert door.ask("/own").headers.get_list("x-frame-options") == ["SAMEORIGIN"]
    assert door.ask("/other").headers.get_list("x-frame-options") == ["DENY"]
    assert door.ask("/metrics").headers.get_list("x-content-type-options") == ["nosniff"]


def test_json_is_compressed(door: Door) -> None:
    with httpx.stream("GET", f"{door.url}/x", headers={"Accept-Encoding": "gzip"}) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(body))["path"] == "/x"


def test_connections_to_the_api_are_kept_open(door: Door) -> None:
    for _ in range(20):
        door.ask("/health")
    assert len(Echo.connections) <= 2


def test_only_an_import_may_be_large(door: Door) -> None:
    large = b"x" * (3 << 20)
    answer = door.ask("/api/v1/inventory/movement", "POST", content=large)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    answer = door.ask(UPLOADS, "POST", content=large)
    assert (answer.status_code, answer.json()["body"]) == (200, len(large))


def test_signing_in_is_slowed_down_and_nothing_else(door: Door) -> None:
    statuses = [door.ask("/api/v1/session", "POST").status_code for _ in range(8)]
    assert statuses == [200] * 6 + [429] * 2
    assert door.ask("/api/v1/session", "POST").json()["title"] == "Too many tries, wait a minute"
    assert [door.ask("/api/v1/session").status_code for _ in range(8)] == [200] * 8
    refused = door.ask("/office/sign-in", "POST", headers=BROWSER)  # the other door, the same count
    assert (refused.status_code, refused.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "Слишком много попыток" in refused.text
    assert door.ask("/office/sign-in", headers=BROWSER).status_code == 200
    assert [door.ask("/api/v1/inventory/movement", "POST").status_code for _ in range(8)] == [200] * 8


def test_live_events_leave_at_once(door: Door) -> None:
    with httpx.stream("GET", f"{door.url}/api/v1/inventory/events", timeout=5) as answer:
        chunks = answer.iter_text()
        assert next(chunks) == "data: first\n\n"  # while the answer is not at its end
        Echo.goes_on = True
        assert "".join(chunks) == "data: second\n\n"


def test_an_api_that_is_away_is_told_to_programs_and_to_people(door: Door) -> None:
    door.api.shutdown()
    door.api.server_close()
    answer = door.ask("/api/v1/inventory/status")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["status"] == 502
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    answer = door.ask("/anything", "POST", json={})
    assert (answer.status_code, answer.json()["status"]) == (502, 502)
    page = door.ask("/", headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert "Сервис перезапускается" in page.text


def test_what_nginx_keeps_for_itself_cannot_be_asked_for(door: Door) -> None:
    assert door.ask("/nginx/down/json").status_code == 404
    assert door.ask("/nginx").json()["path"] == "/nginx"
