"""Head office and stores as real processes: whatever is cut, killed or lost, both sides end with the same chains."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kiosk.shopkit import PIN
from tests.scenario.branches import Branch, Office, command


class Chain:
    """One head office and its stores, all ended with the test."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office, self.folder = office, folder
        self.branches: list[Branch] = []

    async def join(self, code: str) -> Branch:
        """One more store."""
        branch = await Branch.joined(self.folder / code, code, self.office)
        self.branches.append(branch)
        return branch

    async def agrees(self) -> None:
        """All chains are the same on both sides, every proof holds, and every sale that was answered is there once."""
        await self.office.has_everything(*self.branches)
        for branch in self.branches:
            await branch.prove()
            sold = {each.id.replace("-", "").upper(): each.due_minor for each in branch.sold}
            kept = dict(branch.ask("SELECT hex(id), due_minor FROM sale"))
            assert sold.items() <= kept.items(), "an answered sale is lost"
            assert len({each.number for each in branch.sold}) == len(branch.sold), "a number was printed twice"


@pytest.fixture(name="chain")
async def make_chain(tmp_path: Path) -> AsyncIterator[Chain]:
    async with Office.started(tmp_path / "office") as office:
        chain = Chain(office, tmp_path)
        yield chain
        for branch in chain.branches:
            await branch.service.end(signal.SIGKILL)


async def test_what_a_store_sells_is_at_head_office_a_moment_later(chain: Chain) -> None:
    branch = await chain.join("S001")
    await branch.sell(20)
    await chain.agrees()
    link = await branch.until("online", queued=0)
    assert not link["alone"]


async def test_a_cut_line_delays_no_sale_and_loses_none(chain: Chain) -> None:
    branch = await chain.join("S001")
    await branch.sell(5)
    await chain.agrees()
    await chain.office.service.end(signal.SIGKILL)
    await branch.sell(30)
    link = await branch.until("offline")
    assert link["queued"] >= 30
    await chain.office.service.start()
    await chain.agrees()
    await branch.until("online")


async def test_killed_processes_on_both_sides_end_with_the_same_chains(chain: Chain) -> None:
    first, second = await chain.join("S001"), await chain.join("S002")
    for round_ in range(3):
        await asyncio.gather(first.sell(10), second.sell(10))
        victim = (first, second)[round_ % 2]
        await victim.service.end(signal.SIGKILL)
        await chain.office.service.end(signal.SIGKILL)
        await asyncio.gather(victim.service.start(), chain.office.service.start())
    await asyncio.gather(first.sell(3), second.sell(3))
    await chain.agrees()
    assert len(first.heads()) == 1, "a kill begins no new life"


@pytest.mark.parametrize("told", [True, False], ids=["told", "forgotten"])
async def test_a_head_office_put_back_from_a_copy_gets_everything_again(chain: Chain, told: bool) -> None:
    branch = await chain.join("S001")
    await branch.sell(10)
    await chain.agrees()
    office = chain.office
    await office.service.end(signal.SIGTERM)
    data = office.folder / "data"
    shutil.copytree(data, office.folder / "copy")
    await office.service.start()
    await branch.sell(10)
    await chain.agrees()
    await office.service.end(signal.SIGTERM)
    marker = [path for path in data.iterdir() if not path.name.startswith("hub.sqlite")]
    kept = {path.name: path.read_bytes() for path in marker if path.is_file()}
    shutil.rmtree(data)
    shutil.copytree(office.folder / "copy", data)
    if told:
        for name, content in kept.items():
            (data / name).write_bytes(content)
        await command("hub", "--config", str(office.config_file), "--restored")
    await office.service.start()
    await branch.sell(5)
    await chain.agrees()


async def test_a_disk_image_put_back_begins_a_new_life_and_gets_back_what_it_lost(chain: Chain, tmp_path: Path) -> None:
    branch = await chain.join("S001")
    await branch.sell(10)
    await branch.service.end(signal.SIGTERM)
    branch.keep_image(tmp_path / "image")
    await branch.service.start()
    await branch.sell(10)
    await chain.agrees()
    await branch.service.end(signal.SIGKILL)
    branch.go_back(tmp_path / "image")
    await branch.service.start()
    await branch.in_life(2)
    await branch.sign_in()
    await branch.sell(5)
    await chain.agrees()
    assert branch.sold[-1].number.startswith("S001-T01B-")
    total = sum(each.due_minor for each in branch.sold)
    assert branch.ask("SELECT sum(due_minor) FROM sale") == [(total,)], "to the cent"


async def test_an_image_that_sold_on_offline_keeps_both_histories(chain: Chain, tmp_path: Path) -> None:
    """The image sells before head office can be asked: the same numbers in one epoch, other entries."""
    branch = await chain.join("S001")
    await branch.sell(6)
    await branch.service.end(signal.SIGTERM)
    branch.keep_image(tmp_path / "image")
    await branch.service.start()
    await branch.sell(4)
    await chain.agrees()
    await branch.service.end(signal.SIGKILL)
    await chain.office.service.end(signal.SIGKILL)
    branch.go_back(tmp_path / "image")
    await branch.service.start()
    before = len(branch.sold)
    await branch.sell(7)
    again = branch.sold[before:]
    del branch.sold[before:]  # of their numbers four were printed before
    await chain.office.service.start()
    await branch.in_life(2)
    await branch.sign_in()
    await branch.sell(2)
    await chain.office.has_everything(branch)
    await branch.prove()
    kept = dict(branch.ask("SELECT hex(id), due_minor FROM sale"))
    assert {each.id.replace("-", "").upper() for each in again} <= kept.keys(), "what this disk sold counts here"
    assert len(branch.ask("SELECT * FROM set_aside_entry WHERE code = 'conflict'")) == 4
    ids = {row[0] for row in branch.ask("SELECT hex(op_id) FROM journal WHERE kind = 'sale.completed'")}
    assert {each.id.replace("-", "").upper() for each in (*branch.sold, *again)} == ids, "both histories are kept"


async def test_a_copy_that_runs_beside_its_store_is_found_and_neither_loses_a_sale(chain: Chain) -> None:
    """A running machine was copied with its marks and keys. Both sell on; head office takes from neither."""
    branch = await chain.join("S001")
    await branch.sell(3)
    await chain.agrees()
    await branch.service.end(signal.SIGKILL)
    twin = Branch(chain.folder / "twin", "S001")
    twin.id = branch.id
    shutil.copytree(branch.config.data_dir(), twin.config.data_dir())
    chain.branches.append(twin)
    await asyncio.gather(branch.service.start(), twin.service.start())
    async with asyncio.timeout(180):
        while (shown := await chain.office.call("GET", f"/v1/stores/{branch.id}"))["state"] != "quarantined":
            await asyncio.gather(branch.sell(1), twin.sell(1))
    assert shown["reason"]
    await asyncio.gather(branch.until("offline"), twin.until("offline"))
    await branch.sell(2)
    assert (await branch.link())["queued"] >= 2
    await branch.prove()
    await twin.prove()


async def test_a_lost_disk_comes_back_from_head_office(chain: Chain) -> None:
    branch = await chain.join("S001")
    await branch.sell(25)
    await chain.agrees()
    await branch.service.end(signal.SIGKILL)
    branch.lose_disk()
    answer = await chain.office.call("POST", f"/v1/stores/{branch.id}/enrolment-codes", expect=201)
    config = ("--config", str(branch.config_file))
    hub = ("--hub", chain.office.url, "--code", answer["enrolment_code"])
    made = await command("recover", *config, *hub, "--manager", "mia", "--pin", PIN, "--json")
    await branch.service.start()
    await chain.agrees()
    assert '"set_aside":0' in made.replace(" ", "")
    assert len(branch.heads()) == 2
    total = sum(each.due_minor for each in branch.sold)
    assert branch.ask("SELECT sum(due_minor) FROM sale") == [(total,)], "to the cent"
