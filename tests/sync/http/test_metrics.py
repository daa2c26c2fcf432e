"""Figures for Prometheus."""

from __future__ import annotations

import timeit
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from sync.http import limits
from sync.http.metrics import Metrics
from sync.http.peers import Place

if TYPE_CHECKING:
    from tests.sync.http.conftest import Serve


class QueueLength(Collector):
    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("counterfoil_queued", "Entries not yet acknowledged.", value=7)


async def test_requests_are_counted_by_template_and_class(serve: Serve) -> None:
    metrics = Metrics([QueueLength()])
    served = await serve(metrics=metrics, extra=[metrics.route()])
    for path in ("/v1/products/42", "/v1/products/42", "/v1/products/48600100200", "/v1/48600100200"):
        await served.client.get(path)
    await served.client.request("PATCH", "/v1/sales")
    async with served.client.get("/metrics", headers={"Authorization": ""}) as response:
        assert response.content_type == "text/plain"
        text = await response.text()
    assert "48600100200" not in text
    samples = {
        (sample.name, sample.labels.get("route"), sample.labels.get("status")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("method") != "HEAD" and "le" not in sample.labels
    }
    product = "/v1/products/{sku}"
    assert samples["counterfoil_http_requests_total", product, "2xx"] == 2
    assert samples["counterfoil_http_requests_total", product, "4xx"] == 1
    assert samples["counterfoil_http_request_seconds_count", product, None] == 3
    assert samples["counterfoil_http_requests_total", "unmatched", "4xx"] == 2
    assert samples["counterfoil_queued", None, None] == 7


async def test_metrics_stay_on_the_private_network_when_the_door_is_open_to_all(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics()
    served = await serve(metrics=metrics, extra=[metrics.route()])
    # Every caller of a test is on loopback, so the place is what has to be made up.
    monkeypatch.setattr(limits, "locate_peer", lambda _address, _networks: Place.INVITED)
    assert (await served.client.get("/till")).status == 200
    assert (await served.client.get("/metrics")).status == 403


def test_counting_a_request_costs_little() -> None:
    meter = Metrics().meter("POST", "/v1/sales")
    seconds = min(timeit.repeat(lambda: meter.record(201, 0.002), number=1000, repeat=5)) / 1000
    assert seconds < 100e-6, "some 3 µs where it was written"
