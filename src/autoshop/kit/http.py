"""The gate: every request passes it once, and no answer leaves without it.

Host allow-list, cross-site writes refused, the real client address, a request id, security headers,
metrics, one log line, and the last catch: what nobody answered is a 500 with an id and no detail.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autoshop.kit.db import BUSY, is_gone
from autoshop.kit.errors import PROBLEM_JSON, BadRequest, Forbidden, Invalid, Refusal, Unavailable, problem_body
from autoshop.kit.log import log
from autoshop.kit.metrics import REQUEST_SECONDS, REQUESTS_IN_FLIGHT
from autoshop.kit.settings import Network, Settings

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}
_SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
SLOW_SECONDS = 1.0
PERSONAL = {"vin", "customer"}  # what a path may be about, and no line of the log
CLIENT_LEFT = 499  # nginx's number for it; nobody is there to be answered
Handler = Callable[[Request], Awaitable[Response]]
# A problem document and its headers, told as a page; None for whoever wants the document.
ErrorPage = Callable[[Request, Mapping[str, Any], Mapping[str, str]], Response | None]
MOST_BODY_BYTES = 2 * 2**20  # a batch of 1 000 lines with long documents; files have their own route and limit
UPLOADS = "/api/v1/imports"
DOCUMENT_FILES = "/api/v1/documents/files"  # counts its bytes itself, as imports do


class MisdirectedRequest(BadRequest):
    title, status = "This host name is not served here", 421

    def explain(self) -> str:
        return f"Host «{self.facts['host']}» is not in AUTOSHOP_HOSTS"


class CrossSiteWrite(Forbidden):
    title = "Cross-site write refused"

    def explain(self) -> str:
        return "A page of another site may not change anything here"


class TooLarge(BadRequest):
    title, status = "Too large", 413

    def explain(self) -> str:
        return f"A request may have {self.facts['most_bytes']} bytes; files go to {UPLOADS}"


class Gate:
    """ASGI middleware; see the module. `settings` are read once.

    `express` are the handlers of the hottest routes, by method and path: for these the gate is the whole way. What lies
    between it and a route would cost as much again as all that the gate does. `error_page` tells people of an error.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        express: Mapping[tuple[str, str], Handler] | None = None,
        error_page: ErrorPage | None = None,
    ) -> None:
        self.app = app
        self.express = express or {}
        self.error_page = error_page
        self.proxies = settings.proxy_networks
        self.hosts = settings.host_names
        self._prefix = secrets.token_hex(4)
        self._count = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        request_id, address = self._identify(scope, headers)
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_SECURITY_HEADERS, (b"x-request-id", request_id.encode())]
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id, address=address)
        REQUESTS_IN_FLIGHT.inc()
        try:
            self._admit(scope, headers)
            if "transfer-encoding" in headers and not _is_upload(scope):
                receive = _measured(receive)
            handler = self.express.get((scope["method"], scope["path"]))
            if handler is None:
                await self.app(scope, receive, send_on)
            else:
                scope["autoshop.route"] = scope["path"]
                answer = await handler(Request(scope, receive))
                await answer(scope, receive, send_on)
        except ClientDisconnect:
            status = CLIENT_LEFT
        except Exception as error:
            refusal = answer_for(error)
            if refusal is None:
                log.exception("request failed", method=scope["method"], path=path_told(scope))
            elif isinstance(refusal, Unavailable):
                log.warning("unavailable", method=scope["method"], path=path_told(scope), error=repr(error))
            if status:  # the answer is under way: cut the connection instead of ending it as if whole
                raise
            told = refusal or InternalError(request_id=request_id)
            page = self.error_page and self.error_page(Request(scope), told.problem(), told.headers())
            if page:
                await page(scope, receive, send_on)
            else:
                await _send_problem(send_on, told)
        finally:
            REQUESTS_IN_FLIGHT.dec()
            self._record(scope, status, time.perf_counter() - started)
            structlog.contextvars.clear_contextvars()

    def _identify(self, scope: Scope, headers: Headers) -> tuple[str, str]:
        """Request id and client address; a proxy's word counts only when the proxy is ours."""
        client = scope.get("client")
        address = client[0] if client else "127.0.0.1"  # a unix socket is this machine
        request_id = ""
        if self.proxies and is_in(address, self.proxies):
            request_id = headers.get("x-request-id", "")[:64]
            forwarded = ",".join(headers.getlist("x-forwarded-for"))  # a proxy may add a line of its own
            if forwarded:
                address = _client_behind(forwarded, self.proxies) or address
        if not request_id.isalnum() or not request_id.isascii():
            request_id = f"{self._prefix}{next(self._count):08x}"
        state = scope.setdefault("state", {})
        state["request_id"], state["address"] = request_id, address
        return request_id, address

    def _admit(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "").lower()
        if "*" not in self.hosts and host not in self.hosts and _without_port(host) not in self.hosts:
            raise MisdirectedRequest(host=host)
        if scope["method"] not in _SAFE and is_cross_site(headers, host):
            raise CrossSiteWrite
        length = headers.get("content-length", "0")
        if len(length) > 6 and int(length) > MOST_BODY_BYTES and not _is_upload(scope):
            raise TooLarge(most_bytes=MOST_BODY_BYTES)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or scope.get("autoshop.route", "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        streamed = "autoshop.streams" in scope  # as long as somebody listens: that says nothing of how fast we are
        if not streamed:
            REQUEST_SECONDS.labels(method, route, status).observe(seconds)
        slow = seconds > SLOW_SECONDS and not streamed
        if status >= 500 or slow or scope["method"] not in _SAFE or not status:
            write = log.warning if status >= 500 or slow or not status else log.info
        else:
            write = log.debug
        write(
            "request",
            method=scope["method"],
            path=path_told(scope),
            status=status,
            ms=round(seconds * 1000, 1),
        )


def path_told(scope: Scope) -> str:
    """The path for the log: of one that names a VIN or a customer, the route's own."""
    named = scope.get("path_params", {}).keys() & PERSONAL
    return str(getattr(scope.get("route"), "path", "…") if named else scope["path"])


def answer_for(error: BaseException) -> Refusal | None:
    """The refusal that tells of an exception, or None where it is a bug."""
    if isinstance(error, Refusal):
        return error
    if is_gone(error):
        return Unavailable("The database does not answer. Repeat with the same Idempotency-Key: nothing is done twice")
    if isinstance(error, asyncpg.CharacterNotInRepertoireError):
        return Invalid("A text has a NUL character, which no name or number has")
    if isinstance(error, BUSY):
        return Unavailable("Somebody else is changing the same rows. Repeat with the same Idempotency-Key")
    return None


def is_cross_site(headers: Headers, host: str) -> bool:
    """True for a write that a browser sends on behalf of another site.

    Sec-Fetch-Site is what browsers of this decade send; Origin serves the older ones. A program sends
    neither, and is no browser that could be tricked.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    try:
        return origin is not None and urlsplit(origin).netloc.lower() != host
    except ValueError:  # «http://[»: whoever sends that is not us
        return True


@lru_cache(maxsize=4096)
def is_in(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks; a text that is no address lies in none."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in network for network in networks)


def _client_behind(forwarded: str, proxies: tuple[Network, ...]) -> str | None:
    """The right-most address that is none of our proxies: what stands left of it, anybody may have written."""
    for address in reversed([part.strip() for part in forwarded.split(",")]):
        if not is_in(address, proxies):
            return address
    return None


def _is_upload(scope: Scope) -> bool:
    path: str = scope["path"]
    return path in (UPLOADS, DOCUMENT_FILES) or path.startswith(UPLOADS + "/")


def _measured(receive: Receive) -> Receive:
    """For a body whose length was not told: count, and stop reading when it is too long."""
    received = 0

    async def receive_some() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BODY_BYTES:
            raise TooLarge(most_bytes=MOST_BODY_BYTES)
        return message

    return receive_some


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


async def _send_problem(send: Send, refusal: Refusal) -> None:
    headers = [(b"content-type", PROBLEM_JSON.encode())]
    headers += [(k.lower().encode(), v.encode()) for k, v in refusal.headers().items()]
    body = problem_body(refusal)
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class InternalError(Refusal):
    title, status = "Something broke on our side", 500

    def explain(self) -> str:
        return f"It was written down as {self.facts['request_id']}"
