"""The benches, small, over the real service: the names of the contract, and figures that can be true."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from kiosk.bench.goods import make_sales
from kiosk.bench.sales import Extent as SalesExtent
from kiosk.bench.sales import bench_sales
from kiosk.bench.scan import Extent as ScanExtent
from kiosk.bench.scan import Question, ask_products, bench_scan
from kiosk.bench.server import StoreProcess
from kiosk.bench.stand import copy_stand, prepare_stand, sell
from kiosk.bench.statistics import describe
from kiosk.bench.tills import Refused

SALES = {
    "tills_1_p50_ms", "tills_1_p99_ms", "tills_16_per_s", "tills_16_p99_ms", "cpu_ms_per_sale", "raw_ratio",
    "group_size", "statements", "synchronous", "printing_rate_ratio", "rss_mb",
    "offers_live", "offers_cpu_ms_per_sale", "offers_cpu_ratio",
}  # fmt: skip
SCAN = {"products", "members", "product_p99_ms", "member_p99_ms", "search_p99_ms", "ready_s", "rss_mb"}


async def test_the_bench_of_sales_measures_what_the_contract_names(tmp_path: Path) -> None:
    small = SalesExtent(tills=4, products=60, members=40, warm_up=20, sales_1=60, sales_16=240, recorded=60)
    extent = msgspec.structs.replace(small, offers=8, offer_turns=2, offer_sales=60)
    report = await bench_sales(tmp_path, extent)
    figures, raw = report.figures, report.raw
    assert figures.keys() >= SALES
    assert raw.keys() >= {"tills_1_p50_ms", "tills_16_per_s"}
    assert figures["synchronous"] == 2
    assert all(value > 0 for name, value in (*figures.items(), *raw.items()) if name != "receipts_printed")
    assert figures["tills_1_p50_ms"] <= figures["tills_1_p99_ms"]
    assert figures["raw_ratio"] == pytest.approx(figures["tills_16_per_s"] / raw["tills_16_per_s"], rel=0.01)
    assert 1 <= figures["group_size"] <= 4
    # entry, number, sale, five lines and moves, levels, taxes, tender, points, print job
    assert 20 <= figures["statements"] <= 40
    assert 0 < figures["cpu_ms_per_sale"] < 100
    assert figures.keys() >= {"receipts_printed", "verify_per_s"}
    assert figures["offers_live"] == 8
    assert 0.5 < figures["offers_cpu_ratio"] < 20
    assert report.machine.sqlite.startswith("3.")
    lines = "\n".join(describe(report))
    assert "tills_16_per_s" in lines
    assert "raw" in lines


async def test_the_bench_of_scans_measures_what_the_contract_names(tmp_path: Path) -> None:
    extent = ScanExtent(products=400, members=500, asked=60, searched=40, warm_up=10)
    report = await bench_scan(tmp_path, extent)
    assert report.figures.keys() >= SCAN
    assert (report.figures["products"], report.figures["members"]) == (400, 500)
    assert report.raw.keys() == {"product_p99_ms", "member_p99_ms", "search_p99_ms"}
    assert all(value > 0 for value in (*report.figures.values(), *report.raw.values()))


async def test_a_scan_that_finds_nothing_is_no_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extent = ScanExtent(products=20, members=20, asked=5, searched=5, warm_up=1)

    def unknown(_: ScanExtent) -> list[Question]:
        question = next(iter(ask_products(extent)))
        return [msgspec.structs.replace(question, body=b'{"text":"9520999999993"}')]

    monkeypatch.setattr("kiosk.bench.scan.ask_products", unknown)
    with pytest.raises(Refused, match="unknown"):
        await bench_scan(tmp_path, extent)


async def test_a_sale_that_is_not_booked_is_no_measurement_and_a_copy_is_a_store_of_its_own(tmp_path: Path) -> None:
    stand = await prepare_stand(tmp_path / "base", tills=2, products=10, members=5)
    copy = copy_stand(stand, tmp_path / "copy", pace_ms=0)
    for each in (stand, copy):
        service = StoreProcess(each.config_file)
        await service.start()
        try:
            run = await sell(service, each.tills, make_sales(0, 10, 10, 5))
            assert (run.load.requests, run.load.answers, run.synchronous) == (10, {201: 10}, 2)
            assert run.jobs >= 10
            with pytest.raises(Refused, match="unknown_product"):
                await sell(service, each.tills, make_sales(10, 4, 10_000, 5))
        finally:
            await service.stop()


@pytest.mark.parametrize("name", ["sales", "scan", "push"])
def test_every_bench_has_its_help(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk.cli", "bench", name, "--help"], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0
    assert "--json" in done.stdout


def test_an_unknown_bench_is_wrong_use() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk.cli", "bench", "soup", "--json"], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 2
    assert "soup" in done.stderr
    assert not done.stdout or json.loads(done.stdout)
