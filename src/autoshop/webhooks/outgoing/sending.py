"""One message over the network: resolved once, checked, signed, and sent to the very address that was checked."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address

import httpx

from autoshop import __version__
from autoshop.kit.settings import Network
from autoshop.webhooks.model import Delivery, Outcome, signature
from autoshop.webhooks.outgoing.model import Lease
from autoshop.webhooks.targets import Address, address_in, why_not

ALL_SECONDS = 15.0  # for one attempt, from looking up the name to the end of the answer's head
CONNECT_SECONDS = 5.0
MOST_BYTES = 65_536  # of an answer; then the connection is cut
HEADERS = {"Content-Type": "application/json", "User-Agent": f"autoshop/{__version__} webhooks"}


class NoWay(Exception):
    """The receiver may not, or cannot, be called; the text says why."""


class Line:
    """The way to the receiver of one webhook: as many connections as it may have messages, kept open between them."""

    def __init__(self, client: httpx.AsyncClient, lease: Lease, networks: tuple[Network, ...]) -> None:
        self._client, self._lease, self._networks = client, lease, networks
        self._url = httpx.URL(lease.url)
        self._address: Address | None = None

    async def send(self, delivery: Delivery) -> Outcome:
        """Send one; what came of it. An answer counts by its status alone: nothing of it is kept, nor followed."""
        began = time.monotonic()
        status, error = None, None
        try:
            async with asyncio.timeout(ALL_SECONDS):
                status = await self._post(delivery)
            if not 200 <= status < 300:
                error = f"answered {status}" + (": redirects are not followed" if 300 <= status < 400 else "")
        except NoWay as no_way:
            error = str(no_way)
        except TimeoutError:
            error = f"no answer within {ALL_SECONDS:.0f} s"
        # A redirect is not followed, but httpx reads where it would lead: InvalidURL, where it leads nowhere.
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as broken:
            error = f"{type(broken).__name__}: {broken}"[:500].replace("\0", "")
        return Outcome(status, error, round((time.monotonic() - began) * 1000))

    async def _post(self, delivery: Delivery) -> int:
        if self._address is None:
            self._address = await self._resolve()
        at, body = int(datetime.now(UTC).timestamp()), delivery.body()
        headers = {
            **HEADERS,
            "Host": self._url.netloc.decode("ascii"),
            "webhook-id": delivery.message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(self._lease.secrets, delivery.message_id, at, body),
        }
        # The name is what the certificate must be for; the address is where the connection goes.
        name = {} if address_in(self._url) else {"sni_hostname": self._url.raw_host.decode("ascii")}
        url = self._url.copy_with(host=str(self._address))
        request = self._client.build_request("POST", url, content=body, headers=headers, extensions=name)
        answer = await self._client.send(request, stream=True)
        try:
            size = 0
            async for piece in answer.aiter_raw():  # to its end, so that the connection can be used again
                size += len(piece)
                if size > MOST_BYTES:
                    break
        finally:
            await answer.aclose()
        return answer.status_code

    async def _resolve(self) -> Address:
        """The first address of the name that may be called."""
        given = address_in(self._url)
        found = [given] if given else await self._look_up()
        reasons = [why_not(address, self._url.scheme, self._networks) for address in found]
        for address, reason in zip(found, reasons, strict=True):
            if reason is None:
                return address
        raise NoWay(reasons[0] or "")

    async def _look_up(self) -> list[Address]:
        host, port = self._url.raw_host.decode("ascii"), self._url.port or 443
        try:
            known = await addresses_of(host, port)
        except socket.gaierror as error:
            raise NoWay(f"{host} is not found: {error.strerror}") from None
        return [ip_address(address.partition("%")[0]) for address in known]


async def addresses_of(host: str, port: int) -> list[str]:
    """What the name server says."""
    known = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(where[4][0]) for where in known]


@asynccontextmanager
async def line_to(lease: Lease, networks: tuple[Network, ...], certificates: ssl.SSLContext) -> AsyncIterator[Line]:
    """A line for as long as the block lasts. Nothing of this process's surroundings counts: no proxy, no .netrc."""
    limits = httpx.Limits(max_connections=lease.in_flight, max_keepalive_connections=lease.in_flight)
    timeout = httpx.Timeout(ALL_SECONDS, connect=CONNECT_SECONDS)
    async with httpx.AsyncClient(
        verify=certificates, trust_env=False, follow_redirects=False, limits=limits, timeout=timeout
    ) as client:
        yield Line(client, lease, networks)
