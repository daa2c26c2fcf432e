"""`counterfoil verify` of a head office, beside a running one, on both engines."""

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner, Result

from kiosk.cli import main
from tests.sync.hub.hubkit import RunningHub, running_hub
from tests.sync.hub.test_apply_loop import a_shop, golden


def verify(folder: Path, address: str, *more: str) -> Result:
    (folder / "hub.toml").write_text(f'[hub]\ndata_dir = "."\ndatabase = "{address}"\n')
    return CliRunner().invoke(main, ["verify", "--config", str(folder / "hub.toml"), *more])


def left_behind(folder: Path) -> list[Path]:
    return list(folder.glob("proof-*"))


async def prove(folder: Path, address: str, *more: str) -> Result:
    return await asyncio.to_thread(verify, folder, address, *more)


async def busy(hub: RunningHub) -> None:
    for code in ("S001", "S002"):
        shop = await a_shop(hub, code)
        shop.append(golden("shift.opened"))
        if code == "S001":
            shop.append(golden("sale.completed"))
        await shop.push(shop.ops)
    await hub.hub.appliers.settle()


async def test_a_sound_head_office_is_proved_and_a_flipped_byte_is_named(address: str, tmp_path: Path) -> None:
    async with running_hub(address, tmp_path) as hub:
        await busy(hub)
        result = await prove(tmp_path, address, "--json")
        assert result.exit_code == 0, result.output
        report = json.loads(result.output)
        assert (report["ok"], report["epochs"], report["first_wrong"]) == (True, 2, None)
        told = await prove(tmp_path, address)
        assert told.output.startswith("Everything holds: 3 entries of 2 lives"), told.output
        await hub.hub.database.write(
            lambda tx: tx.execute("UPDATE inbox SET hash = ? WHERE kind = 'sale.completed'", (bytes(32),))
        )
        result = await prove(tmp_path, address, "--json")
        assert result.exit_code == 1
        assert json.loads(result.output)["first_wrong"]["seq"] == 2
        assert "Wrong at entry 2" in (await prove(tmp_path, address)).output
    assert left_behind(tmp_path) == []


def test_where_no_head_office_is_verify_says_so(tmp_path: Path) -> None:
    result = verify(tmp_path, "sqlite:hub.sqlite")
    assert result.exit_code == 1
    assert "no head office" in result.output
