"""Whatever tills do with points while other shops do what they like with the same members and head office tells of it,
late, twice or of an earlier day: every account is what is told and what was posted here, and once head office has heard
everything it is what head office has."""

import tempfile
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.members.member_records import MergeMembers
from kiosk.members.merge_service import merge_members
from kiosk.points.accounts import view_account
from kiosk.points.told_accounts import check_points
from loyalty.points.account import Balance
from loyalty.points.facts import Posting, id_of
from loyalty.points.fold import fold, view
from loyalty.points_store import read_group
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import caller, new_id
from tests.kiosk.telling import elsewhere, tell_account
from tests.kiosk.test_points_anything import PROGRAMS, Shoppers

DAY_MS = 86_400_000


class Chain(Shoppers):
    """Two members, a till, other shops, and a head office that tells of some of it."""

    def __init__(self, till: Till, random: Random) -> None:
        super().__init__(till, random)
        self.others: dict[UUID, list[Posting]] = {member: [] for member in self.members}

    def step(self) -> None:
        """One thing, here or there."""
        chance = self.random.random()
        if chance < 0.25:
            self.tell(self.random.choice(self.members), self.random.choice([0, 0, 1, 3, 1_000]))
        elif chance < 0.45:
            self.post_elsewhere(self.random.choice(self.members))
        elif chance < 0.47 and len(self.members) > 1:
            self.merge()
        else:
            super().step()

    def tell(self, member: UUID, behind: int = 0) -> None:
        """Head office tells of an account, `behind` the newest entry of this shop, if it has heard of it at all."""
        ((newest,),) = self.till.rows("SELECT max(seq) FROM journal")
        first = min((posting.seq for posting in self.own(member)), default=newest + 1)
        through = max(newest - behind, 0)
        if self.others[member] or first <= through:
            tell_account(self.till, member, *self.others[member], through=through)

    def own(self, member: UUID) -> list[Posting]:
        return read_group(self.till.connection, member.bytes)[0]

    def post_elsewhere(self, member: UUID) -> None:
        """Another shop gives, takes, sets aside, or has goods back, today or some days ago."""
        done, points = self.others[member], self.random.randint(1, 200)
        at = self.till.who.now_ms - self.random.choice([0, 1, 5_000, DAY_MS, 3 * DAY_MS])
        lines = ((1, points),)
        match self.random.choice(["earn", "earn", "redeem", "hold", "pay", "take back", "give back"]):
            case "earn":
                ends = self.random.choice([None, at + 2 * DAY_MS, at + 40 * DAY_MS])
                done.append(elsewhere(member, "earn", points, at=at, expires_at=ends, lines=lines))
            case "redeem":
                done.append(elsewhere(member, "redeem", -points, at=at, lines=lines))
            case "hold":
                done.append(elsewhere(member, "hold", points, at=at, expires_at=at + 600_000))
            case "pay":
                paid = {posting.hold for posting in done}
                for hold in [each for each in done if each.kind == "hold" and each.op_id not in paid][:1]:
                    done.append(elsewhere(member, "redeem", -1, at=hold.effective_at + 1, hold=hold.op_id))
            case "take back":
                self.reverse(member, [each for each in done if each.kind == "earn"], at)
            case "give back":
                self.reverse(member, [each for each in done if each.kind == "redeem" and each.hold is None], at)

    def reverse(self, member: UUID, several: list[Posting], at: int) -> None:
        """Goods of another shop come back there."""
        if several:
            first = self.random.choice(several)
            points = self.random.randint(1, abs(first.points))
            more: dict[str, Any] = {"at": max(at, first.effective_at + 1), "lines": ((1, points),)}
            more["reference"] = id_of(first)
            posting = (
                elsewhere(member, "reverse_earn", -points, **more)
                if first.kind == "earn"
                else elsewhere(member, "reverse_redeem", points, keep_until=at + 9 * DAY_MS, **more)
            )
            self.others[member].append(posting)

    def merge(self) -> None:
        """The two are one person."""
        into, absorbed = self.members
        manager = caller("manager", till=self.till.who.till, at_ms=self.till.who.now_ms)
        self.till.who, cashier = manager, self.till.who
        self.till.do(merge_members, MergeMembers(id=new_id(), absorbed=absorbed, into=into, reason="one person"))
        self.till.who = msgspec.structs.replace(cashier, now_ms=self.till.who.now_ms)
        self.members = [into]
        self.others[into] += self.others.pop(absorbed)

    def at_head_office(self, member: UUID, at: int) -> Balance:
        """What everything that a member did anywhere comes to."""
        postings, merges = read_group(self.till.connection, member.bytes)
        return view(fold([*postings, *self.others[member]], merges=merges), at).balance


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.sampled_from(PROGRAMS))
def test_whatever_is_told_and_posted_the_accounts_are_both(seed: int, program: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_till(Path(folder), points=program) as till:
        chain = Chain(till, Random(seed))
        for member in chain.members:
            till.adjust(member, 300)
        for _ in range(30):
            chain.step()
            assert list(check_points(till.connection)) == []
        assert_holds(till.connection)
        later = till.who.now_ms + 7 * DAY_MS
        for member in chain.members:
            chain.tell(member)
            assert view_account(till.connection, member, later).balance == chain.at_head_office(member, later)
        assert_holds(till.connection)


def test_points_of_who_was_joined_count_once_until_the_page_comes_that_ends_her_own_account(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        chain = Chain(till, Random(0))
        anna, bea = chain.members
        for member, points in ((anna, 30), (bea, 50)):
            chain.others[member].append(elsewhere(member, "earn", points))
            chain.tell(member)
        chain.merge()
        assert view_account(till.connection, anna, till.who.now_ms).active == 80, "head office has not heard of it"
        chain.tell(anna)
        assert till.rows("SELECT count(*) FROM feed_row WHERE entity = 'account'") == [(2,)]
        assert view_account(till.connection, anna, till.who.now_ms).active == 80
        assert_holds(till.connection)
