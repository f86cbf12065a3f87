"""Who is let in at all: cross-site writes, host names, addresses behind proxies."""

import pytest
from starlette.datastructures import Headers

from autoshop.kit.http import Gate, is_cross_site, is_in
from autoshop.kit.settings import Settings, parse_networks

HOST = "shop:8080"


@pytest.mark.parametrize(
    ("headers", "cross_site"),
    [
        ({}, False),  # curl, a till, a script: no browser
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),  # typed by the user
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),  # another host of the same domain is another site to us
        ({"sec-fetch-site": "something-new"}, True),
        ({"sec-fetch-site": ""}, True),
        ({"sec-fetch-site": "cross-site", "origin": f"http://{HOST}"}, True),
        ({"origin": f"http://{HOST}"}, False),
        ({"origin": f"HTTP://{HOST.upper()}"}, False),
        ({"origin": "http://shop"}, True),  # another port
        ({"origin": "http://evil.example"}, True),
        ({"origin": f"http://evil.example/{HOST}"}, True),
        ({"origin": f"http://{HOST}.evil.example"}, True),
        ({"origin": f"http://{HOST}@evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "http://[::1"}, True),  # cannot be read at all
        ({"origin": "http://[x]"}, True),
    ],
)
def test_a_write_that_another_site_caused_is_recognised(headers: dict[str, str], cross_site: bool) -> None:
    assert is_cross_site(Headers(headers), HOST) is cross_site


@pytest.mark.parametrize(
    ("address", "networks", "inside"),
    [
        ("127.0.0.1", "127.0.0.0/8", True),
        ("::ffff:127.0.0.1", "127.0.0.0/8", True),  # IPv4 as a dual-stack socket shows it
        ("::1", "127.0.0.0/8", False),
        ("10.1.2.3", "127.0.0.0/8,10.0.0.0/8", True),
        ("11.1.2.3", "127.0.0.0/8,10.0.0.0/8", False),
        ("testclient", "127.0.0.0/8", False),
        ("", "127.0.0.0/8", False),
        ("127.0.0.1, 10.0.0.1", "127.0.0.0/8", False),
        ("fe80::1%eth0", "fe80::/10", True),
    ],
)
def test_an_address_lies_in_a_network_or_not(address: str, networks: str, inside: bool) -> None:
    assert is_in(address, parse_networks(networks)) is inside


def identified(client: str, proxies: str, **headers: str) -> tuple[str, str]:
    """Request id and address that the gate sees."""
    gate = Gate(None, Settings(proxies=proxies))  # type: ignore[arg-type]
    scope = {"type": "http", "client": (client, 1), "headers": []}
    return gate._identify(scope, Headers({name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("203.0.113.9", "127.0.0.1", "203.0.113.9"),  # not our proxy: its word counts nothing
        ("10.0.0.2", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "127.0.0.1, 198.51.100.7", "198.51.100.7"),  # what stands left was written by the client
        ("10.0.0.2", "198.51.100.7, 10.0.0.3", "198.51.100.7"),  # through two proxies of ours
        ("10.0.0.2", "198.51.100.7,10.0.0.3 , 10.0.0.2", "198.51.100.7"),
        ("10.0.0.2", "10.0.0.3", "10.0.0.2"),  # only proxies: the one that connected
        ("10.0.0.2", "rubbish", "rubbish"),  # no address at all: lies in no trusted network
        ("10.0.0.2", "", "10.0.0.2"),
    ],
)
def test_a_forwarded_address_counts_only_from_our_proxy(client: str, forwarded: str, address: str) -> None:
    assert identified(client, "10.0.0.0/8", x_forwarded_for=forwarded)[1] == address


def test_a_second_line_of_the_header_continues_the_first() -> None:
    gate = Gate(None, Settings(proxies="10.0.0.0/8"))  # type: ignore[arg-type]
    lines = [(b"x-forwarded-for", b"10.1.1.1"), (b"x-forwarded-for", b"198.51.100.7")]
    scope = {"type": "http", "client": ("10.0.0.2", 1), "headers": lines}
    assert gate._identify(scope, Headers(scope=scope))[1] == "198.51.100.7"


def test_without_proxies_nobody_is_believed() -> None:
    assert identified("127.0.0.1", "", x_forwarded_for="10.0.0.1", x_request_id="abc")[1] == "127.0.0.1"


def test_a_request_id_is_taken_from_our_proxy_only_and_only_if_it_is_plain() -> None:
    assert identified("10.0.0.2", "10.0.0.0/8", x_request_id="abc123")[0] == "abc123"
    assert identified("10.0.0.2", "10.0.0.0/8", x_request_id="a b\n")[0] != "a b\n"
    assert identified("203.0.113.9", "10.0.0.0/8", x_request_id="abc123")[0] != "abc123"
