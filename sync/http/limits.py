"""edge: how much one address may ask. Token buckets in memory, bounded in number; time is passed in.

limiter = RateLimiter(Rate(per_s=5, burst=10))
limiter.take("192.168.1.20", now_s=loop.time())     # raises TooManyRequests when the bucket is empty
"""

import math

import msgspec

from sync.http.peers import Network, Place, is_host_allowed, locate_peer
from sync.http.problems import HostNotAllowed, PeerNotAllowed, TooManyRequests

ADDRESSES_MAX = 4096


class Rate(msgspec.Struct, frozen=True):
    """`burst` requests at once, `per_s` a second on and on."""

    per_s: float
    burst: int

    def __post_init__(self) -> None:
        if self.per_s <= 0 or self.burst < 1:
            raise ValueError("a rate must let something through")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a door allows. `networks` are let in beyond the private ones; `host_names` are the service's own names.

    The general rate does not bind this machine itself (a TLS proxy in front would share one bucket for all); the
    sensitive one binds everybody: it is what stands between a PIN of four digits and a loop.
    """

    general: Rate = Rate(per_s=500, burst=1000)
    sensitive: Rate = Rate(per_s=1, burst=30)
    networks: tuple[Network, ...] = ()
    host_names: frozenset[str] = frozenset()


class RateLimiter:
    """One bucket per address. When too many addresses are known, the full buckets go first: they remember nothing."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: dict[str, tuple[float, float]] = {}  # address: (tokens, when)

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, address: str, now_s: float) -> None:
        """Takes one token. Raises TooManyRequests, with the seconds until there is one, when there is none."""
        rate = self._rate
        tokens, since = self._buckets.get(address, (rate.burst, now_s))
        tokens = min(rate.burst, tokens + (now_s - since) * rate.per_s)
        if tokens < 1:
            raise TooManyRequests(math.ceil((1 - tokens) / rate.per_s))
        if len(self._buckets) >= ADDRESSES_MAX and address not in self._buckets:
            self._forget(now_s)
        self._buckets[address] = (tokens - 1, now_s)

    def _forget(self, now_s: float) -> None:
        rate = self._rate
        self._buckets = {
            address: (tokens, since)
            for address, (tokens, since) in self._buckets.items()
            if tokens + (now_s - since) * rate.per_s < rate.burst
        }
        # All busy, which is a flood: the addresses seen first go. A quarter at once, so that looking through the table
        # is not done for every request of the flood.
        for address in list(self._buckets)[: max(0, len(self._buckets) - ADDRESSES_MAX * 3 // 4)]:
            del self._buckets[address]


class Gate:
    """Decides from address and Host header alone, before anything of a request is read. Verdicts are remembered."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._general = RateLimiter(limits.general)
        self._sensitive = RateLimiter(limits.sensitive)
        self._places: dict[str | None, Place] = {}
        self._hosts: set[str | None] = {None}

    def check(self, address: str | None, host: str | None, now_s: float) -> Place:
        """The caller's place. Raises PeerNotAllowed, HostNotAllowed or TooManyRequests."""
        place = self._places.get(address)
        if place is None:
            place = self._locate(address)
        if place is Place.OUTSIDE:
            raise PeerNotAllowed
        if host not in self._hosts:
            self._admit_host(host)
        if place is not Place.LOOPBACK:
            self._general.take(address or "", now_s)
        return place

    def check_sensitive(self, address: str | None, now_s: float) -> None:
        """Takes from the stricter bucket. Raises TooManyRequests."""
        self._sensitive.take(address or "", now_s)

    def require_private(self, address: str | None) -> None:
        """Raises PeerNotAllowed for a caller who is only invited, for what stays inside in any case."""
        if self._places.get(address, Place.OUTSIDE) < Place.PRIVATE:
            raise PeerNotAllowed

    def _locate(self, address: str | None) -> Place:
        if len(self._places) >= ADDRESSES_MAX:
            self._places.clear()
        place = self._places[address] = locate_peer(address, self._limits.networks)
        return place

    def _admit_host(self, host: str | None) -> None:
        if not is_host_allowed(host, self._limits.host_names):
            raise HostNotAllowed
        if len(self._hosts) >= ADDRESSES_MAX:
            self._hosts = {None}
        self._hosts.add(host)
