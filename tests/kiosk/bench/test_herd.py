"""The bench of a chain that wakes at once, small, over a real head office."""

from pathlib import Path

import pytest

from kiosk.bench import herd
from kiosk.bench.herd import bench_herd
from kiosk.bench.herd_stores import enrol_herd, make_herd
from kiosk.bench.hub_process import HubProcess, make_hub
from kiosk.bench.sales import Unproved
from sync.engines import open_database
from sync.hub.state import count_entries


async def test_every_store_of_a_small_herd_comes_through(tmp_path: Path) -> None:
    report = await bench_herd(tmp_path, count=12, entries=3)
    assert report.bench == "herd"
    assert report.figures.keys() >= {"stores", "peak_rss_mb", "starved", "drained_s"}
    assert (report.figures["stores"], report.figures["starved"]) == (12, 0)
    assert 20 < report.figures["peak_rss_mb"] < 1_000
    books = open_database(f"sqlite://{tmp_path / 'hub.sqlite'}")
    await books.open()
    assert await books.read(count_entries) == 36
    await books.close()


async def test_a_store_that_is_not_through_in_time_counts_as_starved(tmp_path: Path) -> None:
    with pytest.raises(Unproved, match="3 of 3 stores were not through"):
        await bench_herd(tmp_path, count=3, entries=1, patience_s=0)


async def test_more_memory_than_head_office_may_take_is_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(herd, "RSS_MB_MAX", 5)
    with pytest.raises(Unproved, match=r"0 of 2 stores were not through; head office held .* of the 5 MB"):
        await bench_herd(tmp_path, count=2, entries=1)


async def test_a_store_that_lost_an_answer_comes_again_and_a_wrong_answer_ends_the_bench(tmp_path: Path) -> None:
    hub: HubProcess = make_hub(tmp_path, f"sqlite://{tmp_path / 'hub.sqlite'}", applies=False)
    [store, stranger] = make_herd(2, 2)
    await enrol_herd(f"sqlite://{tmp_path / 'hub.sqlite'}", [store])
    await hub.start()
    try:
        await store.wake(hub.url)
        # As after an answer that never arrived: the same run opens once more, and sends what is there already.
        await store.wake(hub.url)
        with pytest.raises(Unproved, match="401 store_unknown"):
            await stranger.wake(hub.url)
    finally:
        await hub.stop()
