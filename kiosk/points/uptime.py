"""edge: the machine's uptime, which no person can set: the clock that leases are counted on."""

import time
from functools import cache
from pathlib import Path

from loyalty.leases import Uptime

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@cache
def _boot() -> str | None:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:  # not Linux: no lease is good here, and everything else works
        return None


def read_uptime() -> Uptime | None:
    """Which boot, and milliseconds since it with sleep included; None where the system does not say."""
    boot = _boot()
    return Uptime(boot, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000) if boot is not None else None
