"""Points set aside while head office cannot be reached: leases, the floor, and what counts as acknowledged; over the
real services and tables."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.answers import RedeemPreview
from kiosk.commands import LineRequest
from kiosk.identity.approvals import grant_approval
from kiosk.identity.proofs import CheckedProof
from kiosk.members.member_records import MergeMembers
from kiosk.members.merge_service import merge_members
from kiosk.points.feed_lending import delete_lease, save_lease
from kiosk.points.link import count_queued, describe_balance, note_line, note_pushed, note_read, read_line
from kiosk.points.points import HoldPoints
from kiosk.points.points_service import hold_points, release_hold
from kiosk.shop import Caller, Shop
from loyalty.errors import Problem
from loyalty.exposure import AccountTooOld, AccountUnknown, LeaseNeeded, MemberLimitReached, StoreLimitReached
from loyalty.leases import Lease, Uptime
from loyalty.points.refusals import InsufficientPoints
from loyalty.transactions import Tx
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import NOW_MS, caller, make_config, new_id, perform, running_store

HOUR_MS = 3_600_000
UPTIME = Uptime("boot-1", 5 * HOUR_MS)
OFFLINE = {"member_limit_minor": 500, "store_limit_minor": 800, "account_max_age_hours": 24}


class Line:
    """A store under a head office, whose line the test moves."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.epoch = till.shop.journal.epoch

    def who(self, later_ms: int = 0, boot: str = UPTIME.boot) -> Caller:
        """The cashier, so much later."""
        now = caller(at_ms=NOW_MS + 60_000 + later_ms)
        return Caller(
            device=now.device,
            till=now.till,
            role=now.role,
            operator=now.operator,
            now_ms=now.now_ms,
            uptime=Uptime(boot, UPTIME.ms + later_ms),
        )

    def set(self, *, online: bool) -> None:
        """The line goes up or down."""
        note_line(self.till.connection, online=online, now_ms=NOW_MS)

    def head(self) -> int:
        """The newest entry of this life."""
        return int(self.till.rows("SELECT max(seq) FROM journal WHERE epoch = ?", self.epoch)[0][0])

    def push(self) -> None:
        """Everything arrives."""
        note_pushed(self.till.connection, self.epoch, self.head())

    def read(self, applied: int | None = None) -> None:
        """The store reads everything, up to where head office has applied its entries."""
        seq = self.head() if applied is None else applied
        note_read(self.till.connection, self.epoch, NOW_MS, UPTIME, {self.epoch: seq})

    def known(self, points: int = 2_000) -> UUID:
        """A member with points whose account the store has read from head office."""
        member = self.till.enrol()
        self.till.adjust(member, points)
        self.push()
        self.read()
        return member

    def hold(self, member: UUID, points: int, who: Caller | None = None) -> UUID:
        """Set points aside; a point is worth a cent."""
        command, token = HoldPoints(id=new_id(), member=member, points=points), f"approval-{new_id()}"
        proof, who = CheckedProof("approval", member, token), who or self.who()

        def approve_and_hold(tx: Tx, shop: Shop, who: Caller) -> None:
            grant_approval(tx, token, "mia", "redeem", who.device, who.now_ms + 1)
            hold_points(tx, shop, who, command, proof)

        perform(self.till.connection, approve_and_hold, self.till.shop, who)
        return command.id

    def release(self, hold: UUID, later_ms: int = 0) -> None:
        """Let them go."""
        perform(self.till.connection, release_hold, self.till.shop, self.who(later_ms), hold)

    def lend(self, member: UUID, points: int, *, boot: str = UPTIME.boot, epoch: int | None = None) -> bytes:
        """Head office lends points for an hour from UPTIME."""
        lease = Lease(id=new_id().bytes, member=member.bytes, points=points, boot=boot, ends_at_ms=UPTIME.ms + HOUR_MS)
        save_lease(self.till.connection, self.epoch if epoch is None else epoch, lease)
        return lease.id

    def backing(self, hold: UUID) -> list[tuple[bytes | None, int, int]]:
        """What stands behind a hold: (lease, points, floor)."""
        select = "SELECT lease, points, floor_minor FROM hold_backing WHERE hold = ? ORDER BY n"
        return [(row[0], row[1], row[2]) for row in self.till.rows(select, hold.bytes)]


@pytest.fixture(name="line")
def open_line(tmp_path: Path) -> Iterator[Line]:
    points = {"adjust_limit_cashier": 100_000}
    with open_till(tmp_path, shift=True, points=points, **{"loyalty.offline": OFFLINE}) as till:
        line = Line(till)
        line.set(online=False)
        yield line
        assert_holds(till.connection)


def test_a_store_that_is_alone_asks_nobody_and_writes_nothing_more(tmp_path: Path) -> None:
    with open_till(tmp_path, points={"adjust_limit_cashier": 10_000}) as till:
        line = Line(till)
        anna = till.enrol()
        till.adjust(anna, 9_000)
        asked: list[str] = []
        till.connection.set_trace_callback(asked.append)
        hold = line.hold(anna, 9_000)
        till.connection.set_trace_callback(None)
        assert line.backing(hold) == []
        about_head_office = [sql for sql in asked if "head_office" in sql or "lease" in sql or "backing" in sql]
        assert len(about_head_office) == 1
        assert read_line(till.connection) is None
        assert describe_balance(till.connection, anna, NOW_MS) == (False, NOW_MS)
        assert_holds(till.connection)


def test_a_member_may_use_so_much_and_a_store_so_much(line: Line) -> None:
    anna, ben, eva = line.known(), line.known(), line.known()
    first = line.hold(anna, 300)
    assert line.backing(first) == [(None, 300, 300)]
    with pytest.raises(MemberLimitReached) as refused:
        line.hold(anna, 201)
    assert refused.value.extra == {"left_minor": 200}
    line.hold(anna, 200)
    with pytest.raises(StoreLimitReached) as store:
        line.hold(ben, 301)
    assert store.value.extra == {"left_minor": 300}
    line.hold(ben, 300)
    with pytest.raises(StoreLimitReached):
        line.hold(eva, 1)
    line.release(first)
    assert line.backing(first) == []
    line.hold(eva, 300)


def test_a_hold_that_lapsed_still_counts_because_it_can_still_pay(line: Line) -> None:
    anna = line.known()
    hold = line.hold(anna, 500)
    with pytest.raises(MemberLimitReached):
        line.hold(anna, 1, line.who(23 * HOUR_MS))
    line.release(hold, 23 * HOUR_MS)  # writes nothing: it was over already
    assert line.backing(hold) == [(None, 500, 500)]


def test_a_quote_promises_no_more_than_could_be_set_aside(line: Line) -> None:
    anna = line.known()
    line.hold(anna, 120)
    line.lend(anna, 100)
    cheese = LineRequest(sku="104")
    #        points asked for, of 19.90 -> points, reason
    cases = [(None, 480, None), (480, 480, None), (481, 480, "member_limit_reached"), (7, 7, None)]
    line.till.who = line.who(60_000)
    for asked, points, reason in cases:
        redeem = line.till.quote(cheese, member=anna, points=asked).redeem
        assert redeem == RedeemPreview(points, points, reason)
    line.hold(anna, 480)
    line.till.connection.execute("UPDATE head_office_line SET read_epoch = read_epoch + 1")
    bella = line.till.enrol()
    line.till.adjust(bella, 600)
    line.push()
    unknown = line.till.quote(cheese, member=bella).redeem
    assert unknown == RedeemPreview(0, 0, "account_unknown")
    line.set(online=True)
    assert line.till.quote(cheese, member=anna).redeem == RedeemPreview(1_400, 1_400)


def test_points_that_are_not_there_are_refused_as_ever(line: Line) -> None:
    anna = line.known(100)
    with pytest.raises(InsufficientPoints):
        line.hold(anna, 101)


def test_what_arrived_counts_until_the_accounts_that_hold_it_were_read(line: Line) -> None:
    anna, ben = line.known(), line.known()
    before = line.head()
    line.hold(anna, 500)
    for happens in ("nothing", "arrived", "read up to before"):
        if happens == "arrived":
            line.push()
        elif happens == "read up to before":
            line.read(before)
        with pytest.raises(MemberLimitReached):
            line.hold(anna, 1)
    line.read()
    line.hold(anna, 500)
    line.hold(ben, 300)
    note_pushed(line.till.connection, line.epoch, before)  # head office was restored: it wants everything again
    with pytest.raises(StoreLimitReached):
        line.hold(ben, 1)


def test_while_the_line_is_up_only_leases_count(line: Line) -> None:
    anna = line.known()
    line.set(online=True)
    with pytest.raises(LeaseNeeded):
        line.hold(anna, 1)
    lease = line.lend(anna, 900)
    assert line.backing(line.hold(anna, 900)) == [(lease, 900, 0)]
    with pytest.raises(LeaseNeeded):
        line.hold(anna, 1)


def test_a_lease_goes_before_the_floor_and_a_released_hold_gives_it_back(line: Line) -> None:
    anna = line.known()
    lease = line.lend(anna, 700)
    first = line.hold(anna, 600)
    second = line.hold(anna, 200)
    assert line.backing(first) == [(lease, 600, 0)]
    assert line.backing(second) == [(lease, 100, 0), (None, 100, 100)]
    line.release(first)
    assert line.backing(line.hold(anna, 600)) == [(lease, 600, 0)]
    delete_lease(line.till.connection, lease)
    with pytest.raises(MemberLimitReached):
        line.hold(anna, 401)


@pytest.mark.parametrize(
    ("lent", "asked"),
    [
        ({"boot": "boot-0"}, {}),
        ({"epoch": 7}, {}),
        ({}, {"boot": "boot-2"}),
        ({}, {"later_ms": HOUR_MS}),
    ],
)
def test_a_lease_of_another_boot_another_life_or_before_is_void(
    line: Line, lent: dict[str, object], asked: dict[str, object]
) -> None:
    anna = line.known()
    line.lend(anna, 900, **lent)  # type: ignore[arg-type]
    with pytest.raises(MemberLimitReached):
        line.hold(anna, 501, line.who(**asked))  # type: ignore[arg-type]


def test_an_account_that_is_not_known_or_too_old_pays_nothing(line: Line) -> None:
    anna = line.known()
    cases: list[tuple[UUID, Caller, type[Problem] | None]] = [
        (anna, line.who(24 * HOUR_MS), None),
        (anna, line.who(24 * HOUR_MS + 1), AccountTooOld),
        (anna, line.who(23 * HOUR_MS, boot="boot-2"), None),
        (anna, line.who(25 * HOUR_MS, boot="boot-2"), AccountTooOld),
        (anna, line.who(-2 * HOUR_MS, boot="boot-2"), AccountUnknown),
    ]
    for member, who, problem in cases:
        if problem is None:
            line.hold(member, 1, who)
        else:
            with pytest.raises(problem):
                line.hold(member, 1, who)


def test_a_restored_store_knows_no_account_until_it_has_read_again(line: Line) -> None:
    anna = line.known()
    line.till.connection.execute("UPDATE head_office_line SET read_epoch = read_epoch + 1")
    with pytest.raises(AccountUnknown):
        line.hold(anna, 1)
    line.read()
    line.hold(anna, 1)


def test_who_was_enrolled_here_meanwhile_has_only_this_store(line: Line) -> None:
    anna = line.till.enrol()
    line.till.adjust(anna, 2_000)
    line.hold(anna, 500)
    with pytest.raises(MemberLimitReached):
        line.hold(anna, 1)
    line.push()
    with pytest.raises(AccountUnknown):  # she may have been anywhere since
        line.hold(anna, 1)
    line.read()
    line.hold(anna, 1)


def test_what_waits_is_counted_over_all_lives(line: Line) -> None:
    assert count_queued(line.till.connection) == line.head()
    line.push()
    assert count_queued(line.till.connection) == 0
    line.till.sell("100")
    line.till.sell("100")
    assert count_queued(line.till.connection) == 2


def test_a_balance_is_provisional_until_it_is_acknowledged(line: Line) -> None:
    connection = line.till.connection
    anna = line.known()
    assert describe_balance(connection, anna, NOW_MS + 5) == (True, NOW_MS)
    line.set(online=True)
    assert describe_balance(connection, anna, NOW_MS + 5) == (False, NOW_MS)
    line.till.sell("104", member=anna)
    line.push()
    assert describe_balance(connection, anna, NOW_MS + 5) == (True, NOW_MS)
    line.read()
    assert describe_balance(connection, anna, NOW_MS + 5) == (False, NOW_MS)


async def test_the_store_says_how_its_line_is(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as running:
        alone = (await running.call("GET", "/v1/store")).json["link"]
        assert alone == {"state": "online", "since": None, "queued": 0, "alone": True}
        await running.store.database.write(lambda tx: note_line(tx, online=False, now_ms=NOW_MS))
        down = (await running.call("GET", "/v1/store")).json["link"]
        assert (down["state"], down["since"], down["alone"]) == ("offline", "2026-11-21T15:00:00.000Z", False)
        assert down["queued"] > 0
        await running.store.database.write(lambda tx: note_line(tx, online=False, now_ms=NOW_MS + 9_000))
        assert (await running.call("GET", "/v1/store")).json["link"]["since"] == down["since"]


def test_members_who_were_merged_share_limits_and_leases(line: Line) -> None:
    anna, double = line.known(), line.known()
    line.lend(double, 100)
    line.hold(double, 350)
    merge = MergeMembers(id=new_id(), absorbed=double, into=anna, reason="same person")
    line.till.who = caller("manager", till="T01", at_ms=line.till.who.now_ms)
    line.till.do(merge_members, merge)
    with pytest.raises(MemberLimitReached) as refused:
        line.hold(anna, 251)
    assert refused.value.extra == {"left_minor": 250}
    line.hold(anna, 250)
