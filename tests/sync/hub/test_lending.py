"""Points that head office lends: never the same point twice, whatever the stores do at once or never say."""

import asyncio
import shutil
import time
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from loyalty.points.account import Balance
from sync.chain import epoch_text
from sync.facts.backing import HoldBacking, LeasePart
from sync.facts.lending import LeaseEnded
from sync.facts.points import PointsAdjusted, PointsHeld, PointsPosted, PointsReleased
from sync.hub.initialise import begin_timeline
from tests.sync.hub.hubkit import START_MS, Answer, Clock, RunningHub, Shop, running_hub, settings

NOTHING = Balance(active=0, pending=0, held=0, debt=0)
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


class Lender:
    """A store that asks for points and books what it does with them."""

    def __init__(self, hub: RunningHub, shop: Shop) -> None:
        self.hub, self.shop, self.n = hub, shop, 0

    @classmethod
    async def enrolled(cls, hub: RunningHub, code: str) -> "Lender":
        shop = await hub.enrol(code)
        await shop.open_session()
        return cls(hub, shop)

    async def tell(self) -> None:
        """Push what is booked, and wait until it counts."""
        new = self.shop.ops[self.n :]
        self.n = len(self.shop.ops)
        status, answer = await self.shop.push(new)
        assert status == 200, answer
        await self.hub.hub.appliers.settle()

    def posted(self, member: UUID, kind: str, points: int = 0, **more: object) -> PointsPosted:
        self.hub.clock.now_ms += 1
        said = {"n": 1, "member": member, "kind": kind, "points": points, "effective_at": self.hub.clock.now_ms, **more}
        return msgspec.convert(said, PointsPosted)

    def give(self, member: UUID, points: int) -> None:
        """Points by hand."""
        posting = self.posted(member, "adjust", points, available_from=self.hub.clock.now_ms)
        body = PointsAdjusted(
            request="0" * 64, member=member, points=points, reason="x", postings=(posting,), balance=NOTHING
        )
        self.shop.write("points.adjusted", body)

    def hold(self, member: UUID, points: int, lease: UUID | None, lapses_at: int | None = None) -> UUID:
        """Set points of a lease aside, or points on the floor; the id of the hold."""
        until = lapses_at or self.hub.clock.now_ms + 15 * MINUTE_MS
        hold = self.hub.new_id()
        body = PointsHeld(
            request="0" * 64,
            member=member,
            points=points,
            lapses_at=until,
            proof="pin",
            postings=(self.posted(member, "hold", points, hold=str(hold), expires_at=until),),
            balance=NOTHING,
            backing=HoldBacking(leases=(LeasePart(lease, points),))
            if lease is not None
            else HoldBacking(floor_points=points, floor_minor=points),
        )
        content = {"v": 1, "kind": "points.held", "op_id": hold, "at": self.hub.clock.now_ms, "body": body}
        self.shop.append(msgspec.json.encode(content).decode())
        return hold

    def pay(self, member: UUID, hold: UUID, points: int) -> None:
        """Pay with what is on hold; in which fact does not matter."""
        posting = self.posted(member, "redeem", -points, hold=str(hold))
        body = PointsAdjusted(
            request="0" * 64, member=member, points=0, reason="x", postings=(posting,), balance=NOTHING
        )
        self.shop.write("points.adjusted", body)

    def release(self, member: UUID, hold: UUID) -> None:
        posting = self.posted(member, "release", hold=str(hold))
        self.shop.write(
            "points.released", PointsReleased(hold=hold, member=member, postings=(posting,), balance=NOTHING)
        )

    def end(self, member: UUID, lease: UUID, points: int, unspent: int) -> None:
        self.shop.write(
            "lease.ended", LeaseEnded(lease=lease, member=member, points=points, unspent=unspent, why="settled")
        )

    async def ask(self, member: UUID, points: int, *, id: UUID | None = None, seq: int | None = None) -> Answer:  # noqa: A002
        body = {
            "kind": "lease",
            "id": id or self.hub.new_id(),
            "member": member,
            "points": points,
            "epoch": epoch_text(self.shop.epoch),
            "seq": self.n if seq is None else seq,
        }
        return await self.hub.call("POST", "/sync/v1/commands", body, token=self.shop.token)

    async def lease(self, member: UUID, points: int) -> UUID:
        status, answer = await self.ask(member, points)
        assert status == 201, answer
        return UUID(answer["lease"])

    async def free(self, member: UUID) -> int:
        """What could be lent now, as a refusal says it."""
        status, answer = await self.ask(member, 2**30)
        assert (status, answer["code"]) == (409, "points_not_free"), answer
        return int(answer["free"])


@pytest.fixture
async def lender(hub: RunningHub) -> Lender:
    return await Lender.enrolled(hub, "S001")


@pytest.fixture
async def anna(hub: RunningHub, lender: Lender) -> UUID:
    """A member with 100 points."""
    member = hub.new_id()
    lender.give(member, 100)
    await lender.tell()
    return member


async def test_points_that_are_lent_are_lent_to_nobody_else(hub: RunningHub, lender: Lender, anna: UUID) -> None:
    other = await Lender.enrolled(hub, "S002")
    await lender.lease(anna, 70)
    assert await other.free(anna) == 30
    status, answer = await other.ask(anna, 31)
    assert (status, answer["code"], answer["free"]) == (409, "points_not_free", 30)
    await other.lease(anna, 30)
    assert await lender.free(anna) == 0


async def test_of_two_stores_that_ask_at_the_same_instant_one_gets_the_points(hub: RunningHub, lender: Lender) -> None:
    other = await Lender.enrolled(hub, "S002")
    for _ in range(20):
        member = hub.new_id()
        lender.give(member, 80)
        await lender.tell()
        answers = await asyncio.gather(lender.ask(member, 80), other.ask(member, 80))
        assert sorted(status for status, _ in answers) == [201, 409]
        assert [answer["code"] for status, answer in answers if status == 409] == ["points_not_free"]


async def test_the_same_command_again_is_one_lease(hub: RunningHub, lender: Lender, anna: UUID) -> None:
    id_ = hub.new_id()
    first = await lender.ask(anna, 60, id=id_)
    again = await lender.ask(anna, 60, id=id_)
    assert (first[0], again[0]) == (201, 200)
    assert {key: first[1][key] for key in ("lease", "points", "duration_ms")} == {
        key: again[1][key] for key in ("lease", "points", "duration_ms")
    }
    assert await lender.free(anna) == 40
    for other in ((anna, 61), (hub.new_id(), 60)):
        status, answer = await lender.ask(*other, id=id_)
        assert (status, answer["code"]) == (409, "id_conflict")
    status, answer = await (await Lender.enrolled(hub, "S002")).ask(anna, 10, id=id_)
    assert (status, answer["code"]) == (409, "id_conflict")


async def test_what_was_set_aside_and_paid_is_not_counted_twice(lender: Lender, anna: UUID) -> None:
    lease = await lender.lease(anna, 70)
    hold = lender.hold(anna, 50, lease)
    await lender.tell()
    assert await lender.free(anna) == 30
    lender.release(anna, hold)
    await lender.tell()
    assert await lender.free(anna) == 30
    lender.end(anna, lease, 70, 70)
    await lender.tell()
    assert await lender.free(anna) == 100


async def test_a_hold_that_lapsed_still_claims_its_points(hub: RunningHub, lender: Lender, anna: UUID) -> None:
    lease = await lender.lease(anna, 70)
    lender.hold(anna, 70, lease)
    await lender.tell()
    hub.clock.now_ms += 16 * MINUTE_MS
    assert await lender.free(anna) == 30


async def test_a_hold_on_the_floor_that_lapsed_claims_its_points_until_it_paid_or_was_released(
    hub: RunningHub, lender: Lender, anna: UUID
) -> None:
    """It uses no floor up since it was acknowledged, and its store still takes it."""
    other = await Lender.enrolled(hub, "S002")
    first, second = (lender.hold(anna, points, None) for points in (30, 20))
    await lender.tell()
    assert await other.free(anna) == 50
    hub.clock.now_ms += 16 * MINUTE_MS
    assert await other.free(anna) == 50
    lender.pay(anna, first, 30)
    lender.release(anna, second)
    await lender.tell()
    assert await other.free(anna) == 70


async def test_a_hold_on_a_lease_that_has_ended_claims_its_points_until_it_is_let_go(
    hub: RunningHub, lender: Lender, anna: UUID
) -> None:
    """The end is that of a store which lost its disk; the hold comes back to it with its journal, and can pay."""
    other = await Lender.enrolled(hub, "S002")
    lease = await lender.lease(anna, 70)
    hold = lender.hold(anna, 60, lease)
    lender.end(anna, lease, 70, 70)
    await lender.tell()
    hub.clock.now_ms += 16 * MINUTE_MS
    assert await other.free(anna) == 40
    lender.release(anna, hold)
    await lender.tell()
    assert await other.free(anna) == 100


async def test_the_time_of_a_lease_gives_nothing_back(hub: RunningHub, lender: Lender, anna: UUID) -> None:
    await lender.lease(anna, 100)
    hub.clock.now_ms += 20 * 86_400_000
    assert await lender.free(anna) == 0


async def test_another_stores_word_ends_no_lease(hub: RunningHub, lender: Lender, anna: UUID) -> None:
    other = await Lender.enrolled(hub, "S002")
    lease = await lender.lease(anna, 100)
    other.end(anna, lease, 100, 100)
    await other.tell()
    assert await other.free(anna) == 0
    lender.end(anna, lease, 100, 100)
    await lender.tell()
    assert await lender.free(anna) == 100


async def test_what_an_ended_lease_paid_is_lent_to_nobody_before_the_payment_is_seen(
    hub: RunningHub, lender: Lender, anna: UUID
) -> None:
    """The end stands in the store's new life and comes first; what it paid for waits in the earlier one."""
    other = await Lender.enrolled(hub, "S002")
    lease = await lender.lease(anna, 70)
    lender.end(anna, lease, 70, 10)
    await lender.tell()
    assert await other.free(anna) == 40
    hold = lender.hold(anna, 60, lease)
    await lender.tell()
    assert await other.free(anna) == 40
    lender.pay(anna, hold, 60)
    await lender.tell()
    assert await other.free(anna) == 40
    other.give(anna, 5)
    await other.tell()
    assert await other.free(anna) == 45


async def test_what_another_store_sets_aside_makes_no_lease_smaller(
    hub: RunningHub, lender: Lender, anna: UUID
) -> None:
    other = await Lender.enrolled(hub, "S002")
    lease = await lender.lease(anna, 50)
    other.pay(anna, other.hold(anna, 40, lease), 40)
    await other.tell()
    assert await other.free(anna) == 10


async def test_a_store_that_is_revoked_keeps_nobodys_points_for_ever(
    hub: RunningHub, lender: Lender, anna: UUID
) -> None:
    other = await Lender.enrolled(hub, "S002")
    await lender.lease(anna, 70)
    granted_ms = hub.clock.now_ms
    lender.hold(anna, 20, None)
    await lender.tell()
    await hub.call("POST", f"/v1/stores/{lender.shop.store}/revoke", token=await hub.office())
    hub.clock.now_ms = granted_ms + 25 * HOUR_MS
    assert await other.free(anna) == 30
    hub.clock.now_ms += 1
    assert await other.free(anna) == 100


async def test_after_a_restore_nothing_is_lent_until_every_lost_lease_is_over(
    filled_file: Path, tmp_path: Path
) -> None:
    address = f"sqlite://{tmp_path / 'hub.sqlite'}"
    shutil.copy(filled_file, tmp_path / "hub.sqlite")
    clock = Clock()
    async with running_hub(address, tmp_path, clock=clock) as hub:
        lender = await Lender.enrolled(hub, "S001")
        member = hub.new_id()
        lender.give(member, 100)
        await lender.tell()
    before_ms = time.time_ns() // 1_000_000
    await asyncio.to_thread(begin_timeline, settings(database=address), tmp_path)
    async with running_hub(address, tmp_path, clock=clock) as hub:
        lender.hub = lender.shop.hub = hub
        clock.now_ms = before_ms + 25 * HOUR_MS - 1
        await lender.shop.open_session()
        status, answer = await lender.ask(member, 10)
        assert (status, answer["code"]) == (409, "lending_closed")
        clock.now_ms = time.time_ns() // 1_000_000 + 25 * HOUR_MS
        assert (await lender.ask(member, 10))[0] == 201


async def test_what_the_store_booked_is_counted_first(lender: Lender, anna: UUID) -> None:
    status, answer = await lender.ask(anna, 10, seq=len(lender.shop.ops) + 1)
    assert (status, answer["code"]) == (409, "not_yet_applied")


async def test_a_store_gets_no_more_than_its_share(filled_file: Path, tmp_path: Path) -> None:
    shutil.copy(filled_file, tmp_path / "hub.sqlite")
    async with running_hub(f"sqlite://{tmp_path / 'hub.sqlite'}", tmp_path, store_lease_points=150) as hub:
        lender = await Lender.enrolled(hub, "S001")
        members = [hub.new_id(), hub.new_id()]
        for member in members:
            lender.give(member, 100)
        await lender.tell()
        await lender.lease(members[0], 100)
        status, answer = await lender.ask(members[1], 51)
        assert (status, answer["code"]) == (409, "too_much_lent")
        await lender.lease(members[1], 50)


async def test_the_feed_names_the_leases_of_a_store_until_their_end(lender: Lender, anna: UUID) -> None:
    lease = await lender.lease(anna, 40)
    _, page = await lender.shop.pull()
    [item] = [item for item in page["items"] if item["entity"] == "lease"]
    assert (item["key"], item["value"]["member"], item["value"]["points"]) == (str(lease), str(anna), 40)
    lender.end(anna, lease, 40, 40)
    await lender.tell()
    _, page = await lender.shop.pull(page["cursor"])
    assert [item["key"] for item in page["items"] if item["entity"] == "lease" and "value" not in item] == [str(lease)]


async def test_the_exposure_of_the_chain_counts_what_is_lent(hub: RunningHub, lender: Lender, anna: UUID) -> None:
    await lender.lease(anna, 40)
    _, report = await hub.call("GET", "/v1/reports/exposure", token=await hub.office())
    assert [row["lent_points"] for row in report["items"]] == [40]


async def test_a_store_that_may_not_speak_gets_nothing(hub: RunningHub, lender: Lender, anna: UUID) -> None:
    await hub.call("POST", f"/v1/stores/{lender.shop.store}/revoke", token=await hub.office())
    status, _ = await lender.ask(anna, 1)
    assert status in (401, 403)


async def test_a_clock_of_head_office_that_goes_back_lends_no_more(hub: RunningHub, lender: Lender, anna: UUID) -> None:
    await lender.lease(anna, 100)
    hub.clock.now_ms = START_MS - 365 * 86_400_000
    assert await lender.free(anna) == 0
