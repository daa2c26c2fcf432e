"""edge: `counterfoil bench herd`: a whole chain wakes at once, as after a cut of the line that all shops share.

Every store opens a session, pushes what it has and asks for news, all in the same second. Head office takes a few at a
time, lets some hundreds wait and tells the rest when to come again. What is measured: how much memory that takes, how
long until the last store is through, and whether any store was left out.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from kiosk.bench.herd_stores import HerdStore, Woken, enrol_herd, make_herd
from kiosk.bench.hub_process import make_hub
from kiosk.bench.machine import read_commit, read_machine
from kiosk.bench.statistics import Report, report
from sync.db import SQLITE_VERSION
from sync.hub.serve import raise_open_files

STORES = 5_000
ENTRIES = 20
PATIENCE_S = 300.0
"""A store that is not through by then was starved."""


async def bench_herd(
    folder: Path, *, count: int = STORES, entries: int = ENTRIES, patience_s: float = PATIENCE_S
) -> Report:
    """Wake `count` stores with `entries` entries each at once, in front of a head office on SQLite.

    Raises ServiceFailed when head office does not start.
    """
    raise_open_files()
    address = f"sqlite://{folder / 'hub.sqlite'}"
    hub = make_hub(folder, address, applies=True)
    herd = make_herd(count, entries)
    await enrol_herd(address, herd)
    await hub.start()
    try:
        begun = time.monotonic()
        woken = await _wake(herd, hub.url, patience_s)
        drained_s = time.monotonic() - begun
        peak_rss_mb = hub.peak_rss_mb()
    finally:
        await hub.stop()
    waits = sorted(each.seconds for each in woken) or [0.0]
    figures = {
        "stores": count,
        "peak_rss_mb": peak_rss_mb,
        "starved": count - len(woken),
        "drained_s": drained_s,
        "median_s": waits[len(waits) // 2],
        "told_to_come_again": sum(each.refused for each in woken),
    }
    return report("herd", figures, {}, read_machine(SQLITE_VERSION), read_commit())


async def _wake(herd: Sequence[HerdStore], url: str, patience_s: float) -> list[Woken]:
    """All at once; those who were through in time."""
    tasks = [asyncio.create_task(store.wake(url)) for store in herd]
    done, late = await asyncio.wait(tasks, timeout=patience_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return [task.result() for task in done]
