"""What head office lends: asked for when a hold lacks it, given back by a fact once nothing can pay out of it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from kiosk.commands import LineRequest
from kiosk.members.member_records import MergeMembers, PartMembers
from kiosk.members.merge_service import merge_members, part_members
from kiosk.points.feed_lending import delete_lease, save_lease
from kiosk.points.lease_service import LeaseNeed, end_leases, keep_lease, lease_needed, let_go_lapsed
from kiosk.points.points import HoldPoints
from loyalty.leases import Lease
from loyalty.lending import LAPSED_KEPT_MS
from loyalty.points.refusals import HoldReleased
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.facts.lending import LeaseEnded
from sync.journal import find
from sync.protocol.commands import LeaseValue
from tests.kiosk.selling import assert_holds, open_till
from tests.kiosk.shopkit import NOW_MS, caller, new_id
from tests.kiosk.test_offline_policy import HOUR_MS, UPTIME, Line

MINUTE_MS = 60_000


class Borrower(Line):
    """A store under a head office whose line is up."""

    def need(self, member: UUID, points: int) -> LeaseNeed | None:
        """What a hold of these points lacks."""
        command = HoldPoints(id=new_id(), member=member, points=points)
        return lease_needed(self.till.connection, self.till.shop, self.who(), command)

    def end(self, later_ms: int = 0, boot: str = UPTIME.boot) -> int:
        """A round of ending leases."""
        who = self.who(later_ms, boot)
        tx: Tx = self.till.connection
        tx.execute("BEGIN")
        ended = end_leases(tx, self.till.shop, who.now_ms, who.uptime)
        tx.execute("COMMIT")
        return ended

    def let_go(self, later_ms: int) -> None:
        """A round of letting holds go."""
        tx: Tx = self.till.connection
        tx.execute("BEGIN")
        let_go_lapsed(tx, self.till.shop, self.who(later_ms).now_ms)
        tx.execute("COMMIT")

    def ends(self) -> list[LeaseEnded]:
        """The facts that ended a lease, in their order."""
        rows = self.till.rows("SELECT op_id FROM journal WHERE kind = 'lease.ended' ORDER BY seq")
        bodies = [entry.body for (op,) in rows if (entry := find(self.till.connection, UUID(bytes=op)))]
        return [body for body in bodies if isinstance(body, LeaseEnded)]

    def told(self, lease: UUID, member: UUID, points: int) -> None:
        """Head office's feed names a lease."""
        value = msgspec.json.encode(LeaseValue(member=member, points=points, granted_at=NOW_MS))
        self.till.connection.execute(
            "INSERT INTO feed_row (bucket, entity, key, seq, generation, value)"
            " VALUES ('store:x', 'lease', ?, 1, 1, ?)",
            (str(lease), value),
        )


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Borrower]:
    with open_till(tmp_path, shift=True, points={"adjust_limit_cashier": 100_000}) as till:
        shop = Borrower(till)
        shop.set(online=True)
        yield shop
        assert_holds(till.connection)


def test_only_what_no_lease_covers_is_asked_for(shop: Borrower) -> None:
    member = shop.known()
    head = LeaseNeed(member, 300, epoch_text(shop.epoch), shop.head())
    assert shop.need(member, 300) == head
    shop.lend(member, 200)
    assert shop.need(member, 300) == head._replace(points=100)
    shop.lend(member, 100)
    assert shop.need(member, 300) is None
    shop.hold(member, 250)
    assert shop.need(member, 60) == LeaseNeed(member, 10, epoch_text(shop.epoch), shop.head())


def test_nobody_is_asked_without_a_line_or_for_a_hold_that_is_placed(shop: Borrower) -> None:
    member = shop.known()
    shop.lend(member, 100)
    hold = shop.hold(member, 100)
    again = HoldPoints(id=hold, member=member, points=100)
    assert lease_needed(shop.till.connection, shop.till.shop, shop.who(), again) is None
    shop.set(online=False)
    assert shop.need(member, 100) is None


def test_nobody_is_asked_for_points_that_the_member_does_not_have(shop: Borrower) -> None:
    member = shop.known(300)
    assert shop.need(member, 301) is None
    need = shop.need(member, 300)
    assert need is not None
    assert need.points == 300


def test_a_lease_that_paid_goes_back_with_what_is_left(shop: Borrower) -> None:
    member = shop.known()
    lease = UUID(bytes=shop.lend(member, 300))
    hold = shop.hold(member, 200)
    assert shop.end() == 0
    shop.till.pay(LineRequest(sku="100", quantity_milli=5000), member=member, points=200, hold=hold)
    assert (shop.end(), shop.end()) == (1, 0)
    assert shop.ends() == [LeaseEnded(lease=lease, member=member, points=300, unspent=100, why="settled")]
    assert shop.till.rows("SELECT count(*) FROM lease") == [(0,)]


@pytest.mark.parametrize(("later_ms", "boot"), [(HOUR_MS, UPTIME.boot), (0, "boot-2")], ids=["time", "boot"])
def test_a_lease_whose_time_is_over_goes_back_whole(shop: Borrower, later_ms: int, boot: str) -> None:
    member = shop.known()
    shop.lend(member, 300)
    assert shop.end(later_ms - 1 if later_ms else 0) == 0
    assert shop.end(later_ms, boot) == 1
    assert [(ended.unspent, ended.why) for ended in shop.ends()] == [(300, "over")]


def test_a_lease_of_an_earlier_life_goes_back(shop: Borrower) -> None:
    member = shop.known()
    shop.lend(member, 300, epoch=shop.epoch - 1)
    assert (shop.end(), [ended.why for ended in shop.ends()]) == (1, ["over"])


def test_a_hold_that_lapsed_keeps_its_lease_for_a_day_and_then_pays_no_more(shop: Borrower) -> None:
    member = shop.known()
    shop.lend(member, 300)
    hold = shop.hold(member, 300)
    assert shop.end(2 * HOUR_MS) == 0
    late = LAPSED_KEPT_MS + HOUR_MS
    assert shop.end(late) == 0
    assert shop.end(late) == 1
    assert [(ended.unspent, ended.why) for ended in shop.ends()] == [(300, "over")]
    shop.till.wait(minutes=late // MINUTE_MS)
    with pytest.raises(HoldReleased):
        shop.till.pay(LineRequest(sku="100", quantity_milli=5000), member=member, points=300, hold=hold)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("on_ended_lease", [False, True])
def test_a_hold_that_lapsed_a_day_ago_is_let_go(shop: Borrower, merged: bool, on_ended_lease: bool) -> None:
    member = shop.known()
    lease = shop.lend(member, 150) if on_ended_lease else None
    shop.set(online=False)
    holds = [shop.hold(member, points) for points in (100, 50)]
    shop.till.pay(LineRequest(sku="100", quantity_milli=5000), member=member, points=50, hold=holds[1])
    if merged:
        merge = MergeMembers(id=new_id(), absorbed=member, into=shop.known(), reason="same person")
        shop.till.who = caller("manager", till="T01", at_ms=shop.till.who.now_ms)
        shop.till.do(merge_members, merge)
    if lease is not None:
        delete_lease(shop.till.connection, lease)
    shop.let_go(LAPSED_KEPT_MS - MINUTE_MS)
    assert shop.till.rows("SELECT count(*) FROM journal WHERE kind = 'points.released'") == [(0,)]
    for _ in range(2):
        shop.let_go(LAPSED_KEPT_MS + HOUR_MS)
    assert [hold for (hold,) in shop.till.rows("SELECT DISTINCT hold FROM hold_backing")] == [holds[1].bytes]
    assert shop.till.rows("SELECT count(*) FROM journal WHERE kind = 'points.released'") == [(1,)]


def test_a_lease_that_only_head_office_knows_goes_back_once_and_never_comes_into_use(shop: Borrower) -> None:
    member, lease = shop.known(), new_id()
    shop.told(lease, member, 80)
    assert (shop.end(), shop.end()) == (1, 0)
    assert shop.ends() == [LeaseEnded(lease=lease, member=member, points=80, unspent=80, why="unknown")]
    late = Lease(id=lease.bytes, member=member.bytes, points=80, boot=UPTIME.boot, ends_at_ms=UPTIME.ms + HOUR_MS)
    keep_lease(shop.till.connection, shop.till.shop, late)
    assert shop.till.rows("SELECT count(*) FROM lease") == [(0,)]


@pytest.mark.parametrize(("key", "value"), [(None, b""), (None, b'{"lease": 2}'), ("x", b"{}")])
def test_what_cannot_be_read_as_a_lease_keeps_no_other_from_ending(
    shop: Borrower, key: str | None, value: bytes
) -> None:
    """Nothing stands where a lease of an installed snapshot is told to be gone."""
    member, lease, strange = shop.known(), new_id(), UUID(int=0)
    for each in (strange, lease):
        shop.told(each, member, 80)
    row = (value, key or str(strange), str(strange))
    shop.till.connection.execute("UPDATE feed_row SET value = ?, key = ? WHERE key = ?", row)
    assert shop.end() == 1
    assert [ended.lease for ended in shop.ends()] == [lease]


def test_a_lease_of_a_lost_disk_goes_back_without_what_its_holds_can_still_pay(shop: Borrower) -> None:
    """The holds were fetched back with the journal; the lease itself only head office knows."""
    member = shop.known()
    lease = shop.lend(member, 300)
    hold = shop.hold(member, 200)
    delete_lease(shop.till.connection, lease)
    shop.told(UUID(bytes=lease), member, 300)
    assert shop.end() == 0
    shop.till.pay(LineRequest(sku="100", quantity_milli=5000), member=member, points=200, hold=hold)
    assert (shop.end(), shop.end()) == (1, 0)
    assert [(ended.unspent, ended.why) for ended in shop.ends()] == [(100, "unknown")]


def test_a_lease_ends_though_members_were_merged_and_parted_while_a_hold_was_on_it(shop: Borrower) -> None:
    anna, double = shop.known(), shop.known()
    shop.lend(double, 300)
    merge = MergeMembers(id=new_id(), absorbed=double, into=anna, reason="same person")
    shop.till.who = caller("manager", till="T01", at_ms=shop.till.who.now_ms)
    shop.till.do(merge_members, merge)
    hold = shop.hold(anna, 100)
    assert shop.backing(hold)[0][0] is not None
    shop.till.do(part_members, merge.id, PartMembers(reason="two persons"))
    assert shop.end(HOUR_MS) == 0
    late = LAPSED_KEPT_MS + HOUR_MS
    assert (shop.end(late), shop.end(late)) == (0, 1)
    assert [(ended.unspent, ended.why) for ended in shop.ends()] == [(300, "over")]


def test_a_lease_that_both_know_stays(shop: Borrower) -> None:
    member = shop.known()
    lease = Lease(id=new_id().bytes, member=member.bytes, points=80, boot=UPTIME.boot, ends_at_ms=UPTIME.ms + HOUR_MS)
    keep_lease(shop.till.connection, shop.till.shop, lease)
    shop.told(UUID(bytes=lease.id), member, 80)
    assert shop.end() == 0
    save_lease(shop.till.connection, shop.epoch, lease)
    assert shop.need(member, 80) is None
