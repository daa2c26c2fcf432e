"""The bench of a store that begins anew, small: real head office, real files, a line that is cut."""

from pathlib import Path

from kiosk.bench.bootstrap import bench_bootstrap


async def test_a_small_chain_is_installed_and_the_download_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    report = await bench_bootstrap(tmp_path, members=3_000, products=2_500)
    figures = report.figures
    assert report.bench == "bootstrap"
    assert figures.keys() >= {"members", "products", "install_s", "bytes", "build_s", "quick_check_s", "raw_ratio"}
    assert (figures["members"], figures["products"], figures["things"]) == (3_000, 2_500, 2 * 3_000 + 2_500 + 1)
    assert figures["fetched_again_ratio"] == 0
    assert 0 < figures["resumed_ratio"] < 1, "what had come before the cut did not come again"
    assert report.raw.keys() == {"install_s"}
