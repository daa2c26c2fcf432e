"""`counterfoil verify` of a head office, beside a running one, on both engines."""

import asyncio
import json
import shutil
from pathlib import Path

from click.testing import CliRunner, Result

from kiosk.cli import main
from tests.kiosk.damage import flip_in_index
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


async def test_an_index_that_does_not_fit_its_table_is_found(filled_file: Path, tmp_path: Path) -> None:
    path, address = tmp_path / "hub.sqlite", f"sqlite:{tmp_path / 'hub.sqlite'}"
    shutil.copy(filled_file, path)
    async with running_hub(address, tmp_path) as hub:
        await busy(hub)
        select = "SELECT op FROM receipt"
        [(receipt,)] = await hub.hub.database.read(lambda tx: tx.execute(select).fetchall())
    assert (await prove(tmp_path, address)).exit_code == 0
    flip_in_index(path, "receipt_by_op", receipt)
    result = await prove(tmp_path, address)
    assert (result.exit_code, "receipt_by_op" in result.output) == (1, True), result.output


def test_where_no_head_office_is_verify_says_so(tmp_path: Path) -> None:
    result = verify(tmp_path, "sqlite:hub.sqlite")
    assert result.exit_code == 1
    assert "no head office" in result.output
