"""`counterfoil recover`: the store of a lost disk, made anew from what head office holds, and proved."""

import asyncio
import contextlib
import shutil
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from kiosk.compose import make_shop
from kiosk.config import Config
from kiosk.identity.people import WrongOperatorId
from kiosk.life.enrolment import read_enrolment
from kiosk.life.initialise import NameUnfit, PinUnfit, StoreExists
from kiosk.life.proof import prove
from kiosk.life.recover import NothingHeld, Recovered, recover
from kiosk.life.start import DATABASE_NAME, MAKING_NAME, RESTORING_NAME, RestoreUnfinished
from kiosk.shop import find_open_shift
from sync.db import connect
from sync.journal import read_life
from sync.journal_mending import HistoryWrong
from tests.kiosk.damage import rows_of
from tests.kiosk.history import Story, Storyteller
from tests.kiosk.linked import heads_of, joined_store, office, settled
from tests.kiosk.shopkit import NOW_MS, PIN, make_config, running_store, sale_request
from tests.sync.hub.hubkit import RunningHub


async def new_code(hub: RunningHub, store: UUID) -> str:
    status, answer = await hub.call("POST", f"/v1/stores/{store}/enrolment-codes", token=await hub.office())
    assert status == 201, answer
    return str(answer["enrolment_code"])


async def recovered(hub: RunningHub, config: Config, store: UUID) -> Recovered:
    code = await new_code(hub, store)
    return await asyncio.to_thread(recover, config, hub.url, code, "mia", "Mia", PIN)


def tell_story(config: Config, seed: int, steps: int = 30) -> None:
    """Things of every kind happen in a stopped store."""
    with contextlib.closing(connect(config.data_dir() / DATABASE_NAME)) as connection:
        life = read_life(connection)
        assert life is not None
        teller = Storyteller(connection, make_shop(config, *life), Random(seed))
        teller.story = Story(connection, teller.story.shop, NOW_MS + seed * 3_600_000)
        shift = find_open_shift(connection, "T01")
        teller.shift = shift.id if shift else None
        teller.tell(steps)


def facts_of(config: Config, *more: str) -> dict[str, list[Any]]:
    """The rows that the recovery must bring back, without those that it adds itself."""
    with contextlib.closing(connect(config.data_dir() / DATABASE_NAME, read_only=True)) as connection:
        from kiosk.registry import REGISTRY

        own = {"life", "key_list", "operator", "set_aside_entry"} - {*more}
        return {table.name: rows_of(connection, table) for table in REGISTRY.facts() if table.name not in own}


def store_id(config: Config) -> UUID:
    enrolment = read_enrolment(config.data_dir())
    assert enrolment is not None
    return enrolment.store


@pytest.mark.parametrize("seed", range(3))
async def test_everything_that_head_office_heard_comes_back_and_holds(tmp_path: Path, seed: int) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        tell_story(config, seed)
        async with running_store(config) as store:
            await settled(hub, store)
        before, lives, mine = facts_of(config), heads_of(config), store_id(config)
        shutil.rmtree(config.data_dir())
        made = await recovered(hub, config, mine)
        assert made.entries == sum(head.seq for head in lives)
        assert made.set_aside == 0
        assert facts_of(config) == before
        assert heads_of(config)[: len(lives)] == lives
        assert prove(config.data_dir() / DATABASE_NAME, full=True).ok
        async with running_store(config) as store:
            await settled(hub, store)


async def test_the_recovered_store_sells_under_a_letter_that_no_life_can_have_had(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        async with running_store(config) as store:
            await store.open_shift()
            first = (await store.sell()).json["number"]
            await settled(hub, store)
        mine = store_id(config)
        shutil.rmtree(config.data_dir())
        made = await recovered(hub, config, mine)
        async with running_store(config) as store:
            body = {"code": made.pairing_code, "device": {"name": "T01", "kind": "till"}}
            paired = await store.call("POST", "/v1/pairings", body, role=None)
            device = {"Authorization": f"Bearer {paired.json['token']}"}
            who = {"operator": "mia", "pin": PIN}
            signed_in = await store.call("POST", "/v1/sign-ins", who, role=None, headers=device)
            store.tokens["cashier"] = signed_in.json["token"]
            await store.call("POST", "/v1/shifts", {"id": sale_request()["id"], "float_minor": 0})
            number = (await store.sell()).json["number"]
            await settled(hub, store)
        assert number != first
        assert "C-" in number, "a life that nobody heard of may have had the letter B"


async def test_a_disk_that_dies_again_comes_back_again(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        tell_story(config, 5)
        for times in (1, 2, 3):
            async with running_store(config) as store:
                await settled(hub, store)
            mine, sold = store_id(config), facts_of(config)["sale"]
            shutil.rmtree(config.data_dir())
            await recovered(hub, config, mine)
            assert facts_of(config)["sale"] == sold
            assert len(heads_of(config)) == times + 1
            assert prove(config.data_dir() / DATABASE_NAME, full=True).ok


async def test_a_store_that_was_set_back_and_mended_before_its_disk_died_comes_back_too(tmp_path: Path) -> None:
    """What the lost disk said of its own lives is not true of the new one: it is kept, and believed no more."""
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        tell_story(config, 9, steps=5)
        shutil.copytree(config.data_dir(), tmp_path / "image")
        async with running_store(config) as store:
            assert (await store.sell()).status == 201
            await settled(hub, store)
        mine = store_id(config)
        shutil.rmtree(config.data_dir())
        shutil.copytree(tmp_path / "image", config.data_dir())
        tell_story(config, 10, steps=0)  # one sale, with a number that another had
        async with running_store(config) as store, asyncio.timeout(120):
            while store.store.door.read_only is None:  # noqa: ASYNC110  head office says so
                await asyncio.sleep(0.05)
        async with running_store(config) as store:
            await settled(hub, store)
        assert len(heads_of(config)) == 2
        sold, numbers = facts_of(config)["sale"], facts_of(config)["document_number"]
        assert {row["seq"] for row in facts_of(config, "set_aside_entry")["set_aside_entry"]}, "one of the two is"
        shutil.rmtree(config.data_dir())
        made = await recovered(hub, config, mine)
        assert made.set_aside == 1, "of two sales with one number the one that head office heard first counts now"
        assert len(facts_of(config)["sale"]) == len(sold)
        assert {row["number"] for row in facts_of(config)["document_number"]} == {row["number"] for row in numbers}
        assert len(heads_of(config)) == 3
        assert prove(config.data_dir() / DATABASE_NAME, full=True).ok
        async with running_store(config) as store:
            await settled(hub, store)


async def test_what_is_wrong_use_makes_nothing(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = make_config(tmp_path / "S001", store={"data_dir": "data"})
        store, code = await hub.add_store("S001")
        for problem, who in (
            (WrongOperatorId, ("No Such Id!", "Mia", PIN)),
            (NameUnfit, ("mia", "", PIN)),
            (PinUnfit, ("mia", "Mia", "12")),
        ):
            with pytest.raises(problem):
                await asyncio.to_thread(recover, config, hub.url, code, *who)
        with pytest.raises(NothingHeld):
            await asyncio.to_thread(recover, config, hub.url, code, "mia", "Mia", PIN)
        assert not (config.data_dir() / DATABASE_NAME).exists()
        assert not (config.data_dir() / MAKING_NAME).exists()
        joined = await joined_store(hub, tmp_path / "S002", "S002")
        with pytest.raises(StoreExists):
            await recovered(hub, joined, store)
        (config.data_dir() / RESTORING_NAME).touch()
        with pytest.raises(RestoreUnfinished):
            await asyncio.to_thread(recover, config, hub.url, "x", "mia", "Mia", PIN)


async def test_an_entry_changed_at_head_office_is_not_believed(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        tell_story(config, 7)
        async with running_store(config) as store:
            await settled(hub, store)
        mine = store_id(config)
        shutil.rmtree(config.data_dir())

        def forge(tx: Any) -> None:  # noqa: ANN401
            tx.execute(
                "UPDATE inbox SET content = CAST(replace(CAST(content AS TEXT), 'T01', 'T02') AS BLOB)"
                " WHERE kind = 'sale.completed'"
            )

        await hub.hub.door.database.write(forge)
        with pytest.raises(HistoryWrong):
            await recovered(hub, config, mine)
        assert not (config.data_dir() / DATABASE_NAME).exists()
