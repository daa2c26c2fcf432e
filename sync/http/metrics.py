"""edge: what /metrics shows (Prometheus text). A registry of its own, so that two doors in one process do not mix.

Labels are route templates and status classes, never a member, a SKU or an address: they would be personal data, and a
series each. The children are looked up once per route, so that a request costs two increments.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from sync.http.routes import PUBLIC, Answer, Route

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)


class RouteMeter:
    """The counters of one method of one route."""

    __slots__ = ("_counts", "_observe")

    def __init__(self, requests: Counter, seconds: Histogram, method: str, route: str) -> None:
        self._counts = [requests.labels(method, route, f"{status_class}xx") for status_class in range(1, 6)]
        self._observe = seconds.labels(method, route).observe

    def record(self, status: int, seconds: float) -> None:
        """Counts one answered request."""
        self._counts[status // 100 - 1].inc()
        self._observe(seconds)


class Metrics:
    """The registry of one door. `collectors` of other parts (queue lengths, printers) join it."""

    def __init__(self, collectors: Iterable[Collector] = ()) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "counterfoil_http_requests", "Answered requests.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "counterfoil_http_request_seconds",
            "From the request's head read to its answer ready.",
            ("method", "route"),
            buckets=SECONDS_BUCKETS,
            registry=self.registry,
        )
        for collector in collectors:
            self.registry.register(collector)

    def meter(self, method: str, route: str) -> RouteMeter:
        """The counters of a route template."""
        return RouteMeter(self._requests, self._seconds, method, route)

    def route(self, path: str = "/metrics") -> Route:
        """The route that shows it, on the private networks only."""

        async def show_metrics(_call: object) -> Answer:
            return Answer(200, generate_latest(self.registry), {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

        return Route(
            method="GET",
            path=path,
            handler=show_metrics,
            summary="Figures for Prometheus",
            tag="health",
            roles=PUBLIC,
            response=bytes,
            produces="text/plain",
            lan_only=True,
        )
