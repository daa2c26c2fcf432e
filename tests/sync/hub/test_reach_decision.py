"""A store that does too much to other shops' members: the office sees it, and what waits goes on by a person's word."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from sync.chain import private_hash
from sync.facts.lending import LeaseEnded
from sync.facts.members import MemberEnrolled, MemberErased
from sync.protocol.messages import OpPrivate
from tests.sync.hub.hubkit import RunningHub, running_hub
from tests.sync.hub.test_lending import Lender

DATA = b'{"name":"Anna"}'


@pytest.fixture
async def strict(address: str, tmp_path: Path) -> AsyncIterator[RunningHub]:
    """A head office that lets a store do little to what is others'."""
    async with running_hub(address, tmp_path, store_reach=11) as hub:
        yield hub


def enrol(lender: Lender, member: UUID) -> None:
    body = MemberEnrolled(request="", member=member, locale="en", private=private_hash(b"salt", DATA))
    lender.shop.write("member.enrolled", body, OpPrivate(member=member, salt=b"salt", data=DATA))


async def test_members_of_other_shops_are_forgotten_within_the_share_and_else_by_a_persons_word(
    strict: RunningHub,
) -> None:
    honest, hostile = await Lender.enrolled(strict, "S001"), await Lender.enrolled(strict, "S666")
    members = [strict.new_id() for _ in range(3)]
    for member in members:
        enrol(honest, member)
    await honest.tell()
    for member in members:
        hostile.shop.write(
            "member.erased", MemberErased(member=member, reason="x", locale="en", revision=2, enrolled_at=1)
        )
    await hostile.tell()
    office = await strict.office()
    assert await count(strict, "member_place") == 2
    _, page = await strict.call("GET", "/v1/incidents", token=office)
    [incident] = [each for each in page["items"] if each["kind"] == "beyond_share"]
    assert (incident["store"], incident["amount"]) == (str(hostile.shop.store), 33)
    await strict.hub.upkeep.let_through_now()
    assert await count(strict, "member_place") == 2, "nobody has looked"
    _, page = await strict.call("GET", "/v1/dead-letters", token=office)
    assert [each["code"] for each in page["items"]] == ["beyond_share"] * 2
    await strict.call("POST", f"/v1/dead-letters/{page['items'][0]['id']}/dismiss", token=office)
    body = {"resolution": "The shop asked them."}
    status, _ = await strict.call("POST", f"/v1/incidents/{incident['id']}/resolve", body, token=office)
    assert status == 200
    await strict.hub.upkeep.let_through_now()
    assert await count(strict, "member_place") == 1
    _, page = await strict.call("GET", "/v1/dead-letters", token=office)
    assert sorted(each["state"] for each in page["items"]) == ["dismissed", "replayed"]


async def count(hub: RunningHub, table: str) -> int:
    row = await hub.hub.door.read(lambda tx: tx.execute(f"SELECT count(*) FROM {table}").fetchone())
    assert row is not None
    return int(row[0])


async def test_points_that_head_office_has_lent_take_nothing_of_the_share(address: str, tmp_path: Path) -> None:
    async with running_hub(address, tmp_path, store_taken_points=1) as hub:
        honest, other = await Lender.enrolled(hub, "S001"), await Lender.enrolled(hub, "S002")
        anna = hub.new_id()
        enrol(honest, anna)
        honest.give(anna, 100)
        await honest.tell()
        lease = await other.lease(anna, 60)
        hold = other.hold(anna, 40, lease)
        other.pay(anna, hold, 40)
        other.shop.write("lease.ended", LeaseEnded(lease=lease, member=anna, points=60, unspent=20, why="over"))
        await other.tell()
        assert await count(hub, "dead_letter") == 0
        rows = await hub.hub.door.read(lambda tx: tx.execute("SELECT things, points FROM reach_day").fetchall())
        assert [tuple(row) for row in rows] == [(0, 0)], "what came back unspent makes no room either"
        other.pay(anna, other.hold(anna, 2, None), 2)
        await other.tell()
        assert await count(hub, "dead_letter") == 2
        hub.clock.now_ms += 9 * 86_400_000
        await other.shop.open_session()
        other.hold(anna, 1, None)
        await other.tell()
        assert await count(hub, "reach_day") == 1, "days long over are forgotten"
