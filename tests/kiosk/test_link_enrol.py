"""`counterfoil enrol`: one code, one key; a store that has joined sends what it has booked, and says when it cannot."""

import asyncio
from pathlib import Path

import pytest

from kiosk.life.backup import back_up
from kiosk.life.doctor import examine
from kiosk.life.enrolment import (
    EnrolledAlready,
    EnrolmentRefused,
    OtherStore,
    WrongHubAddress,
    enrol,
    read_enrolment,
)
from kiosk.life.start import DATABASE_NAME, StoreNotReady
from sync.agent.client import HubSilent
from sync.agent.key import FILE_NAME as KEY_NAME
from tests.kiosk.linked import alarm_of, joined_store, office, settled
from tests.kiosk.shopkit import Running, make_config, prepare_store, running_store
from tests.sync.hub.hubkit import RunningHub


async def ask_to_join(hub: RunningHub, folder: Path, code: str, *, shop: str = "S001") -> None:
    config = make_config(folder, store={"code": shop, "data_dir": "data"})
    if not (config.data_dir() / DATABASE_NAME).exists():
        prepare_store(config)
    await asyncio.to_thread(enrol, config, hub.url, code)


async def test_key_and_address_are_for_the_owner_only_and_in_no_backup(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
    data = config.data_dir()
    for name in (KEY_NAME, "hub.json"):
        assert (data / name).stat().st_mode & 0o777 == 0o600
    back_up(data / DATABASE_NAME, tmp_path / "copy.sqlite")
    key = bytes.fromhex((data / KEY_NAME).read_text())
    for path in (data / DATABASE_NAME, tmp_path / "copy.sqlite"):
        assert key not in path.read_bytes()
        assert key.hex().encode() not in path.read_bytes()


@pytest.mark.parametrize("code", ["", "0000", "ABCD-EFGH-JKMN", "x" * 40])
async def test_a_wrong_code_joins_nothing(tmp_path: Path, code: str) -> None:
    async with office(tmp_path) as hub:
        await hub.add_store("S001")
        with pytest.raises(EnrolmentRefused):
            await ask_to_join(hub, tmp_path, code)
    assert read_enrolment(tmp_path / "data") is None


async def test_a_code_is_good_once_and_a_store_joins_once(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        _, code = await hub.add_store("S001")
        await ask_to_join(hub, tmp_path / "one", code)
        with pytest.raises(EnrolledAlready):
            await ask_to_join(hub, tmp_path / "one", code)
        with pytest.raises(EnrolmentRefused):
            await ask_to_join(hub, tmp_path / "two", code)


async def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        _, code = await hub.add_store("S001")
        await ask_to_join(hub, tmp_path, code)
        key = (tmp_path / "data" / KEY_NAME).read_bytes()
        (tmp_path / "data" / "hub.json").unlink()  # as if the process had died before it was written
        await ask_to_join(hub, tmp_path, code)
        assert (tmp_path / "data" / KEY_NAME).read_bytes() == key


@pytest.mark.parametrize("damage", [(KEY_NAME, "zz"), (KEY_NAME, ""), ("hub.json", "{"), (KEY_NAME, None)])
async def test_a_store_whose_key_or_address_is_damaged_joins_again(
    tmp_path: Path, damage: tuple[str, str | None]
) -> None:
    name, content = damage
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        file = config.data_dir() / name
        file.unlink() if content is None else file.write_text(content, encoding="utf-8")
        [check] = [check for check in examine(config) if check.name == "head office"]
        assert not check.ok
        assert "counterfoil enrol" in (check.mend or "")
        token = await hub.office()
        _, board = await hub.call("GET", "/v1/stores", token=token)
        _, given = await hub.call("POST", f"/v1/stores/{board['items'][0]['id']}/enrolment-codes", token=token)
        await asyncio.to_thread(enrol, config, hub.url, given["enrolment_code"])
        async with running_store(config) as running:
            await settled(hub, running)


async def test_the_code_of_another_store_is_refused(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        _, code = await hub.add_store("S002")
        with pytest.raises(OtherStore):
            await ask_to_join(hub, tmp_path, code)
    assert read_enrolment(tmp_path / "data") is None


@pytest.mark.parametrize(
    "url", ["", "office", "ftp://office", "http://", "http://office:99999", "//office", "http://[::"]
)
def test_an_address_that_is_none_is_wrong_use(tmp_path: Path, url: str) -> None:
    config = make_config(tmp_path)
    prepare_store(config)
    with pytest.raises(WrongHubAddress):
        enrol(config, url, "code")
    assert not (config.data_dir() / KEY_NAME).exists()


def test_nobody_at_the_address_is_told(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    prepare_store(config)
    with pytest.raises(HubSilent):
        enrol(config, "http://127.0.0.1:9", "code")


def test_without_a_store_there_is_nothing_to_join_with(tmp_path: Path) -> None:
    with pytest.raises(StoreNotReady):
        enrol(make_config(tmp_path), "http://127.0.0.1:9", "code")


async def test_a_store_that_joined_late_sends_all_it_ever_booked(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    async with running_store(config) as store:
        await store.open_shift()
        for _ in range(5):
            await store.sell()
    async with office(tmp_path) as hub:
        _, code = await hub.add_store("S001")
        await asyncio.to_thread(enrol, config, hub.url, code)
        async with running_store(config) as store:
            await settled(hub, store)
            await store.sell()
            await settled(hub, store)
            assert (await store.call("GET", "/v1/store")).json["link"]["alone"] is False
            told = {"counterfoil_link_online 1.0", "counterfoil_link_queued 0.0"}
            async with asyncio.timeout(120):  # head office has it all; that it says so may still be on its way
                while not told <= set(await lines_of(store)):  # noqa: ASYNC110  only the service knows
                    await asyncio.sleep(0.05)


async def lines_of(store: Running) -> list[str]:
    """The metrics of the service."""
    return (await store.call("GET", "/metrics", role=None)).raw.decode().splitlines()


async def test_the_board_of_stores_shows_the_printers(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        enrolment = read_enrolment(config.data_dir())
        assert enrolment is not None
        async with running_store(config) as store:
            assert store.store.head_office is not None
            async with asyncio.timeout(120):
                while not await store.store.head_office.status.tell():  # noqa: ASYNC110  a session begins
                    await asyncio.sleep(0.05)
            _, shown = await hub.call("GET", f"/v1/stores/{enrolment.store}", token=await hub.office())
        assert [(each["name"], each["state"]) for each in shown["printers"]] == [("receipt", "ready")]


async def test_a_revoked_store_sells_on_and_says_why_it_is_offline(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        async with running_store(config) as store:
            await store.open_shift()
            await settled(hub, store)
            enrolment = read_enrolment(config.data_dir())
            assert enrolment is not None
            await hub.call("POST", f"/v1/stores/{enrolment.store}/revoke", token=await hub.office())
            assert (await store.sell()).status == 201
            assert await alarm_of(store) == "store_revoked"
            assert (await store.sell()).status == 201
            link = (await store.call("GET", "/v1/store")).json["link"]
            assert link["state"] == "offline"
            assert link["queued"] >= 1
    (told,) = [check for check in examine(config) if check.name == "head office"]
    assert not told.ok
    assert "store_revoked" in told.detail
    assert told.mend


async def test_the_doctor_says_how_the_line_is(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        (before,) = [check for check in examine(config) if check.name == "head office"]
        assert "never reached" in before.detail
        hub.clock.ahead_ms = 90_000  # type: ignore[attr-defined]
        async with running_store(config) as store:
            await settled(hub, store)
            checks = {check.name: check for check in await asyncio.to_thread(examine, config)}
        assert checks["head office"].ok
        assert checks["store key"].ok
        assert not checks["clock at head office"].ok
        assert "+90.0 s" in checks["clock at head office"].detail
    (config.data_dir() / KEY_NAME).chmod(0o644)
    checks = {check.name: check for check in examine(config)}
    assert not checks["store key"].ok
    (config.data_dir() / KEY_NAME).write_text("not a key")
    (told,) = [check for check in examine(config) if check.name == "head office"]
    assert not told.ok
    async with running_store(config) as store:
        assert (await store.call("GET", "/v1/store")).status == 200, "a damaged key closes no shop"


def test_a_store_of_its_own_hears_nothing_of_head_office(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    prepare_store(config)
    assert not [check for check in examine(config) if "head office" in check.name or check.name == "store key"]
