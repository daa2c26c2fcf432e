"""edge: `counterfoil bench herd`: a whole chain wakes at once, as after a cut of the line that all shops share.

Every store opens a session, pushes what it has and asks for news, all in the same second; whoever is through goes on
listening for news, as stores do. Head office takes a few at a time, lets some hundreds wait and tells the rest when to
come again. What is measured: how much memory that takes, how long until the last store is through, and whether any
store was left out. More memory than it may take, or a store left out, is no figure but a failure.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from kiosk.bench.herd_stores import HerdStore, Woken, enrol_herd, make_herd
from kiosk.bench.hub_process import make_hub
from kiosk.bench.machine import read_commit, read_machine
from kiosk.bench.sales import Unproved
from kiosk.bench.statistics import Report, report
from sync.db import SQLITE_VERSION
from sync.hub.serve import raise_open_files

STORES = 5_000
ENTRIES = 20
PATIENCE_S = 300.0
"""A store that is not through by then was starved."""
RSS_MB_MAX = 300
"""What head office may hold in memory with all these stores at its door."""


async def bench_herd(
    folder: Path, *, count: int = STORES, entries: int = ENTRIES, patience_s: float = PATIENCE_S
) -> Report:
    """Wake `count` stores with `entries` entries each at once, in front of a head office on SQLite.

    Raises ServiceFailed when head office does not start; Unproved when it took more than RSS_MB_MAX of memory, when a
    store was not through in time, or was answered as no honest store should be.
    """
    raise_open_files()
    address = f"sqlite://{folder / 'hub.sqlite'}"
    hub = make_hub(folder, address, applies=True)
    herd = make_herd(count, entries)
    await enrol_herd(address, herd)
    await hub.start()
    try:
        begun = time.monotonic()
        async with _awake(herd, hub.url, patience_s) as woken:
            drained_s = time.monotonic() - begun
            peak_rss_mb = hub.peak_rss_mb()
    finally:
        await hub.stop()
    starved = count - len(woken)
    if starved or peak_rss_mb > RSS_MB_MAX:
        raise Unproved(
            f"After {drained_s:.0f} s {starved} of {count} stores were not through;"
            f" head office held {peak_rss_mb:.0f} MB of the {RSS_MB_MAX} MB that it may."
        )
    waits = sorted(each.seconds for each in woken)
    figures = {
        "stores": count,
        "peak_rss_mb": peak_rss_mb,
        "rss_limit_mb": RSS_MB_MAX,
        "starved": starved,
        "drained_s": drained_s,
        "median_s": waits[len(waits) // 2],
        "told_to_come_again": sum(each.refused for each in woken),
        "told_most_often": max(each.refused for each in woken),
    }
    return report("herd", figures, {}, read_machine(SQLITE_VERSION), read_commit())


@contextlib.asynccontextmanager
async def _awake(herd: Sequence[HerdStore], url: str, patience_s: float) -> AsyncIterator[list[Woken]]:
    """All at once; those who were through in time, and who listen as long as the block lasts."""
    through: list[asyncio.Future[Woken]] = [asyncio.get_running_loop().create_future() for _ in herd]
    tasks = [asyncio.create_task(_live(store, url, woken)) for store, woken in zip(herd, through, strict=True)]
    try:
        done, _ = await asyncio.wait(through, timeout=patience_s)
        yield [woken.result() for woken in done]
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ended:
        if isinstance(end, Unproved):
            raise end


async def _live(store: HerdStore, url: str, through: "asyncio.Future[Woken]") -> None:
    """Wake up, then listen."""
    try:
        through.set_result(await store.wake(url))
    except Unproved as error:
        through.set_exception(error)
        return
    await store.listen(url)
