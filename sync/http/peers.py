"""pure: where a caller stands. A store answers the shop's own network; a hub may open its door to more.

>>> locate_peer("192.168.1.20", ())
<Place.PRIVATE: 2>
"""

import enum
import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 1918, RFC 4193 (ULA), RFC 3927 and RFC 4291 (link-local). ipaddress' `is_private` means more than these.
PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)


class Place(enum.IntEnum):
    """Nearer is higher."""

    OUTSIDE = 0
    INVITED = 1  # one of the configured networks
    PRIVATE = 2
    LOOPBACK = 3


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks as written in the configuration (`100.64.0.0/10`). Raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def locate_peer(address: str | None, invited: Iterable[Network]) -> Place:
    """The place of a socket's address. No address means a Unix socket: whoever may open its file is on this machine."""
    if not address:
        return Place.LOOPBACK
    try:
        peer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return Place.OUTSIDE
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped is not None:
        peer = peer.ipv4_mapped
    if peer.is_loopback:
        return Place.LOOPBACK
    if any(peer in network for network in PRIVATE_NETWORKS):
        return Place.PRIVATE
    return Place.INVITED if any(peer in network for network in invited) else Place.OUTSIDE


def is_host_allowed(host: str | None, names: frozenset[str]) -> bool:
    """Whether a Host header is ours: an IP address, localhost, or a configured name (lower case, without port).

    A page from the internet can have its own name resolved to an address of the shop (DNS rebinding) and then reads
    this service as "same origin"; it cannot change the Host header. HTTP/1.0 without Host is no browser.

    >>> is_host_allowed("evil.example:8080", frozenset({"till.shop.example"}))
    False
    """
    if host is None:
        return True
    name = _without_port(host.strip().lower())
    if name in {"localhost", *names}:
        return True
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].removesuffix(".")
