"""A head office that was put back from a backup lends again once it has heard of all it had lent, and not before."""

import asyncio
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.hub.initialise import begin_timeline
from sync.hub.lending import close_lending
from sync.hub.lending_reports import forget_reports, wait_for_reports
from tests.sync.hub.hubkit import START_MS, Answer, Clock, RunningHub, running_hub, settings
from tests.sync.hub.test_coupon_commands import Taker
from tests.sync.hub.test_lending import HOUR_MS, Lender

Held = tuple[UUID, UUID, int]
FAR_MS = START_MS + 1_000 * HOUR_MS


async def report(lender: Lender, leases: Sequence[Held] = (), *, seq: int | None = None) -> Answer:
    """What a store says: its leases (lease, member, points), and that it has booked up to `seq`."""
    body = {
        "leases": [{"lease": lease, "member": member, "points": points} for lease, member, points in leases],
        "heads": [{"epoch": epoch_text(lender.shop.epoch), "seq": lender.n if seq is None else seq}],
    }
    return await lender.hub.call("POST", "/sync/v1/lease-reports", body, token=lender.shop.token)


async def is_closed(lender: Lender, member: UUID) -> bool:
    status, answer = await lender.ask(member, 2**30)
    assert status == 409
    return bool(answer["code"] == "lending_closed")


class Chain:
    """Two stores, and a member with 100 points."""

    def __init__(self, hub: RunningHub, here: Lender, there: Lender, anna: UUID) -> None:
        self.hub, self.here, self.there, self.anna = hub, here, there, anna

    @classmethod
    async def begun(cls, hub: RunningHub) -> "Chain":
        here, there = await Lender.enrolled(hub, "S001"), await Lender.enrolled(hub, "S002")
        anna = hub.new_id()
        here.give(anna, 100)
        there.shop.book(2)
        await here.tell()
        await there.tell()
        return cls(hub, here, there, anna)

    async def close(self, *, waits: bool = True, timeline: int = 1) -> None:
        """As after a restore."""

        def write(tx: Tx) -> None:
            close_lending(tx, FAR_MS)
            wait_for_reports(tx, timeline) if waits else forget_reports(tx)

        await self.hub.hub.database.write(write)


@pytest.fixture
async def chain(hub: RunningHub) -> Chain:
    return await Chain.begun(hub)


async def test_what_every_store_says_it_holds_is_lent_and_the_rest_can_be(chain: Chain) -> None:
    here, there, anna, lease = chain.here, chain.there, chain.anna, chain.hub.new_id()
    await chain.close()
    assert await is_closed(here, anna)
    assert (await report(here, [(lease, anna, 70)]))[0] == 204
    assert await is_closed(here, anna), "the other store may hold something, too"
    assert (await report(there))[0] == 204
    assert await there.free(anna) == 30
    assert (await report(here, [(lease, anna, 70)]))[0] == 204, "the same again changes nothing"
    assert await there.free(anna) == 30
    hold = here.hold(anna, 50, lease)
    here.pay(anna, hold, 50)
    here.end(anna, lease, 70, 20)
    await here.tell()
    assert await there.free(anna) == 50


async def test_what_a_store_had_booked_is_counted_first(chain: Chain) -> None:
    here, there, anna = chain.here, chain.there, chain.anna
    await chain.close()
    lease = chain.hub.new_id()
    hold = there.hold(anna, 60, lease)
    there.pay(anna, hold, 60)
    there.end(anna, lease, 60, 0)
    await report(here)
    await report(there, seq=len(there.shop.ops))
    assert await is_closed(here, anna), "60 of the 100 points were spent, and that is on its way"
    await there.tell()
    assert await here.free(anna) == 40


async def test_after_a_second_restore_everybody_is_asked_again(chain: Chain) -> None:
    here, there, anna = chain.here, chain.there, chain.anna
    for timeline in (1, 2):
        await chain.close(timeline=timeline)
        assert await is_closed(here, anna)
        await report(here)
        assert await is_closed(here, anna)
        await report(there)
        assert await here.free(anna) == 100


async def test_a_report_of_the_time_before_opens_nothing(chain: Chain) -> None:
    here, there, anna = chain.here, chain.there, chain.anna
    await report(here, [(chain.hub.new_id(), anna, 70)])
    assert await here.free(anna) == 100, "a head office that forgot nothing believes its own books"
    await report(there)
    await chain.close()
    assert await is_closed(here, anna)
    await report(there)
    assert await is_closed(here, anna)


async def test_where_a_store_may_be_missing_only_time_opens_the_lending(chain: Chain) -> None:
    await chain.close(waits=False)
    await report(chain.here)
    await report(chain.there)
    assert await is_closed(chain.here, chain.anna)
    chain.hub.clock.now_ms = FAR_MS
    assert not await is_closed(chain.here, chain.anna)


async def test_a_report_that_cannot_be_true_leaves_the_lending_closed(chain: Chain) -> None:
    here, there, anna, lease = chain.here, chain.there, chain.anna, chain.hub.new_id()
    await chain.close()
    await report(here, [(lease, anna, 70)])
    status, answer = await report(there, [(lease, anna, 70)])
    assert (status, answer["code"]) == (409, "id_conflict")
    too_much = settings().store_lease_points + 1
    status, answer = await report(there, [(chain.hub.new_id(), anna, too_much)])
    assert (status, answer["code"]) == (409, "too_much_lent")
    assert await is_closed(here, anna)
    former = there.shop.token
    await there.shop.open_session()
    there.shop.token = former
    status, answer = await report(there)
    assert (status, answer["code"]) == (409, "fenced")
    assert await is_closed(here, anna)


async def test_what_every_store_has_said_opens_what_is_kept_for_stores_too(hub: RunningHub) -> None:
    """The second store used a coupon in the lost time, on a reservation that nobody here remembers."""
    here, there = await Taker.enrolled(hub, "S001"), await Taker.enrolled(hub, "S002")
    here.issue(1)
    here.issue(2)
    await here.tell()
    await there.tell()

    def close(tx: Tx) -> None:
        close_lending(tx, FAR_MS)
        wait_for_reports(tx, 1)

    async def say(taker: Taker) -> None:
        heads = [{"epoch": epoch_text(taker.shop.epoch), "seq": len(taker.shop.ops)}]
        body = {"leases": [], "heads": heads}
        assert (await hub.call("POST", "/sync/v1/lease-reports", body, token=taker.shop.token))[0] == 204

    await hub.hub.database.write(close)
    there.use(1, hub.new_id(), reserved=hub.new_id())
    await say(there)
    assert await here.refusal(1) == "lending_closed", "the first has not said anything"
    await say(here)
    assert await here.refusal(1) == "lending_closed", "the use of the coupon is on its way"
    await there.tell()
    assert await here.refusal(1) == "coupon_spent"
    assert await here.refusal(2) == "ok"


@pytest.mark.parametrize("joined", [False, True])
async def test_after_a_restore_reports_open_the_lending_unless_a_store_joined_in_the_lost_time(
    filled_file: Path, tmp_path: Path, joined: bool
) -> None:
    address, clock = f"sqlite://{tmp_path / 'hub.sqlite'}", Clock()
    clock.now_ms = time.time_ns() // 1_000_000  # the restore looks at the clock of this machine
    shutil.copy(filled_file, tmp_path / "hub.sqlite")
    async with running_hub(address, tmp_path, clock=clock) as hub:
        chain = await Chain.begun(hub)
    shutil.copy(tmp_path / "hub.sqlite", tmp_path / "backup.sqlite")
    here, there, anna = chain.here, chain.there, chain.anna
    async with running_hub(address, tmp_path, clock=clock) as hub:
        here.hub = here.shop.hub = there.hub = there.shop.hub = hub
        lease = await there.lease(anna, 80)
        if joined:
            await Lender.enrolled(hub, "S003")
    shutil.copy(tmp_path / "backup.sqlite", tmp_path / "hub.sqlite")
    await asyncio.to_thread(begin_timeline, settings(database=address), tmp_path)
    async with running_hub(address, tmp_path, clock=clock) as hub:
        for lender in (here, there):
            lender.hub = lender.shop.hub = hub
            assert (await lender.shop.open_session())[0] == 201
        assert await is_closed(here, anna)
        await report(there, [(lease, anna, 80)])
        await report(here)
        if joined:
            assert await is_closed(here, anna)
        else:
            assert await here.free(anna) == 20
