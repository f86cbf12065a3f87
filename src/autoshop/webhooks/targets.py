"""Which addresses a webhook may call.

Whoever may add a webhook must not reach what only this machine reaches: the database's neighbours, the router, the
cloud's metadata. So a public address is called over HTTPS, and any other, or plain HTTP, only where the owner named its
network in AUTOSHOP_WEBHOOK_NETWORKS. What is checked is the very address that is then connected to.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from autoshop.kit.errors import Invalid, wrong
from autoshop.kit.settings import Network

MOST_CHARACTERS = 2000
Address = IPv4Address | IPv6Address
# Addresses of IPv4 in the clothes of IPv6: what is inside counts.
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


class ForbiddenTarget(Invalid):
    """No such URL may be called."""

    title = "This URL cannot be called"


def check_url(url: str, networks: tuple[Network, ...]) -> None:
    """Refuse a URL that is none, or whose host is an address that may not be called.

    A name is looked up when something is sent, each time anew.
    """
    parsed = _parse(url)
    address = address_in(parsed)
    if address is not None and (reason := why_not(address, parsed.scheme, networks)):
        raise _refusal(reason)
    if address is None and parsed.scheme == "http" and not networks:
        raise _refusal("must begin with https://; plain http is for networks in AUTOSHOP_WEBHOOK_NETWORKS")


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
        host = parsed.host  # read out of its ASCII form, which may be none
    except (httpx.InvalidURL, UnicodeError):
        raise _refusal("is no URL") from None
    if parsed.scheme not in ("https", "http") or not host:
        raise _refusal("must be a URL such as https://example.com/events")
    if parsed.userinfo:
        raise _refusal("must not hold a password: the signature proves who sends")
    if parsed.fragment:
        raise _refusal("must not have a fragment (#)")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise _refusal("must be a URL with a port between 1 and 65535")
    return parsed


def _refusal(reason: str) -> ForbiddenTarget:
    return ForbiddenTarget(f"url: {reason}", errors=[wrong("url", reason)])


def address_in(url: httpx.URL) -> Address | None:
    """The address that stands where a name could."""
    try:
        return ip_address(url.host.strip("[]"))
    except ValueError:
        return None


def why_not(address: Address, scheme: str, networks: tuple[Network, ...]) -> str | None:
    """Why an address may not be called; None where it may."""
    inner = _inner(address)
    if any(one in network for network in networks for one in (address, inner)):
        return None
    if not inner.is_global or inner.is_multicast or inner.is_reserved or getattr(inner, "is_site_local", False):
        return f"{address} is no public address; AUTOSHOP_WEBHOOK_NETWORKS can allow its network"
    if scheme != "https":
        return f"{address} is called over https only; plain http is for networks in AUTOSHOP_WEBHOOK_NETWORKS"
    return None


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, through whatever gate."""
    if isinstance(address, IPv4Address):
        return address
    teredo = address.teredo
    inside = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
    if inside is None and (any(address in network for network in _NAT64) or int(address) < 2**32):
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    return inside or address
