"""What a store says of its leases to a head office that was put back from a backup, and what it takes into use."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.life.enrolment import read_enrolment
from kiosk.points.feed_lending import save_lease
from kiosk.points.lease_report import read_report
from loyalty.leases import Lease
from loyalty.transactions import Tx
from sync.agent.client import HubSilent
from sync.chain import epoch_text
from sync.hub.lending_reports import wait_for_reports
from sync.journal import read_head
from sync.protocol.commands import LeaseAnswer, LeaseCommand
from tests.kiosk.linked import joined_store, office
from tests.kiosk.shopkit import new_id, running_store


def lease_of(member: UUID, points: int) -> Lease:
    return Lease(id=new_id().bytes, member=member.bytes, points=points, boot="b", ends_at_ms=10**9)


async def test_a_session_begins_with_what_is_on_lease(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        enrolment = read_enrolment(config.data_dir())
        assert enrolment is not None
        await hub.hub.database.write(lambda tx: wait_for_reports(tx, 1))
        async with running_store(config) as store:
            async with asyncio.timeout(60):
                while not await hub.hub.database.read(reported_by):  # noqa: ASYNC110  the store opens a session
                    await asyncio.sleep(0.05)
            assert await hub.hub.database.read(reported_by) == [enrolment.store.bytes]
            await store.call("GET", "/v1/store")


def reported_by(tx: Tx) -> list[bytes]:
    return [row[0] for row in tx.execute("SELECT store FROM lent_report WHERE timeline = 1").fetchall()]


async def test_a_report_names_the_leases_of_every_life_and_how_far_each_has_come(tmp_path: Path) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        async with running_store(config) as store:
            epoch = store.store.door.shop.journal.epoch
            mine, former = lease_of(new_id(), 70), lease_of(new_id(), 30)

            def write(tx: Tx) -> None:
                save_lease(tx, epoch, mine)
                save_lease(tx, 1, former)

            await store.store.database.write(write)
            report = await store.store.database.write(read_report)
            head = await store.store.database.read(lambda tx: read_head(tx, epoch))
    told = {(each.lease.bytes, each.member.bytes, each.points) for each in report.leases}
    assert told == {(each.id, each.member, each.points) for each in (mine, former)}
    assert [(each.epoch, each.seq) for each in report.heads] == [(epoch_text(epoch), head.seq)]


async def test_a_grant_that_comes_after_its_session_has_ended_is_not_taken_into_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        async with running_store(config) as store:
            assert store.store.head_office is not None
            agent = store.store.head_office.agent
            async with asyncio.timeout(60):
                while agent.session is None:  # noqa: ASYNC110  it is opened
                    await asyncio.sleep(0.05)
            first = agent.session

            async def lend(session: str, command: LeaseCommand) -> LeaseAnswer:
                agent.end_session(session)
                async with asyncio.timeout(60):
                    while agent.session in (None, first):  # noqa: ASYNC110  the next one begins
                        await asyncio.sleep(0.05)
                return LeaseAnswer(lease=command.id, member=command.member, points=command.points, duration_ms=1)

            monkeypatch.setattr(agent._client, "lend", lend)
            command = LeaseCommand(id=new_id(), member=new_id(), points=10, epoch="0" * 16, seq=1)
            with pytest.raises(HubSilent):
                await agent.lend(command)
