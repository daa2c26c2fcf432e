"""A shop whose disk runs full while it sells: a clear refusal, nothing half done, and it goes on after there is
space."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME
from sync.db import connect
from tests.kiosk.faults.service import sale_request_of
from tests.kiosk.shopkit import make_config, new_id, running_store
from tests.sync.small_disk import small_disk


@pytest.fixture(name="disk")
def mount_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


async def test_a_shop_on_a_full_disk_refuses_clearly_and_sells_on_after_space_is_back(
    tmp_path: Path, disk: Path
) -> None:
    config = make_config(tmp_path / "shop", store={"data_dir": str(disk)}, maintenance={"minimum_free_mb": 1})
    ballast = disk / "ballast"
    answered: dict[str, str] = {}
    async with running_store(config) as store:
        await store.open_shift()
        await asyncio.to_thread(_fill, disk, ballast)
        refused: list[dict[str, Any]] = []
        for _ in range(400):
            request = sale_request_of(str(new_id()))
            reply = await store.call("POST", "/v1/sales", request)
            if reply.status == 201:
                answered[request["id"]] = reply.json["number"]
                continue
            assert (reply.status, reply.json["code"]) == (503, "storage_unavailable"), reply
            assert "same id" in reply.json["hint"]
            assert reply.headers["Retry-After"] == "1"
            refused.append(request)
            if len(refused) == 5:
                break
        assert len(refused) == 5, "the disk never ran full"
        assert answered, "there was room for some"

        assert (await store.call("GET", "/v1/products/100")).status == 200
        for number in answered.values():
            assert (await store.call("GET", f"/v1/sales/{number}")).status == 200
        ready = await store.call("GET", "/readyz", role=None)
        assert ready.status == 503
        assert [check["name"] for check in ready.json["checks"] if not check["ok"]] == ["disk"]

        await asyncio.to_thread(ballast.unlink)
        for request in refused:
            reply = await store.call("POST", "/v1/sales", request)
            assert reply.status in (200, 201), reply
            answered[request["id"]] = reply.json["number"]
        assert (await store.call("GET", "/readyz", role=None)).status == 200
    numbers = sorted(int(number.rpartition("-")[2]) for number in answered.values())
    assert numbers == list(range(1, len(numbers) + 1)), "no number twice, none left out"
    connection = connect(disk / DATABASE_NAME, read_only=True)
    assert connection.execute("SELECT count(*), count(DISTINCT id) FROM sale").fetchone() == (len(numbers),) * 2
    connection.close()
    assert prove(disk / DATABASE_NAME, full=True).ok


def _fill(disk: Path, ballast: Path) -> None:
    """Leave 300 kB of the disk."""
    ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - 300_000)))
