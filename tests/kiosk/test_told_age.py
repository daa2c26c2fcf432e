"""What may be redeemed of a balance that head office told, by how long ago it did: told of another shop's points, a
store that hears nothing any more pays up to its limits for a while, and then only what was lent to it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from kiosk.answers import RedeemPreview
from kiosk.commands import LineRequest
from kiosk.compose import make_shop
from kiosk.life.lives import begin_life
from kiosk.members.member_records import MergeMembers
from kiosk.members.member_service import ENROL_RANDOM_BYTES, enrol_member
from kiosk.members.members import EnrolMember
from kiosk.members.merge_service import merge_members
from kiosk.points.link import describe_balance
from loyalty.exposure import AccountTooOld, AccountUnknown, MemberLimitReached
from loyalty.identity import make_card
from loyalty.leases import Uptime
from loyalty.points.refusals import InsufficientPoints
from sync.feed_values import RestoredValue
from tests.kiosk.selling import assert_holds, open_till
from tests.kiosk.shopkit import NOW_MS, caller, make_config, new_id
from tests.kiosk.telling import elsewhere, tell, tell_account
from tests.kiosk.test_offline_policy import HOUR_MS, OFFLINE, UPTIME, Line

DAY_MS = 24 * HOUR_MS  # account_max_age_hours of OFFLINE
GIVING = {"adjust_limit_cashier": 100_000}
CHEESE = LineRequest(sku="104")  # 19.90


@pytest.fixture(name="line")
def open_line(tmp_path: Path) -> Iterator[Line]:
    with open_till(tmp_path, points=GIVING, **{"loyalty.offline": OFFLINE}) as till:
        line = Line(till)
        line.set(online=False)
        yield line
        assert_holds(till.connection)


def told(line: Line, points: int = 900) -> UUID:
    """A member with so many points, all of another shop, of whom the store has heard just now."""
    anna = line.till.enrol()
    tell_account(line.till, anna, elsewhere(anna, "earn", points))
    line.push()
    line.read()
    return anna


def test_points_of_another_shop_are_paid_up_to_the_limit_until_they_are_too_old_and_then_not_at_all(line: Line) -> None:
    anna, ben = told(line), told(line, 40)
    line.hold(anna, 300, line.who(DAY_MS))
    line.hold(ben, 40, line.who(DAY_MS))
    with pytest.raises(MemberLimitReached):
        line.hold(anna, 201, line.who(DAY_MS))
    for points in (1, 200):
        with pytest.raises(AccountTooOld):
            line.hold(anna, points, line.who(DAY_MS + 1))
    with pytest.raises(InsufficientPoints):  # whatever its age, no more than was told
        line.hold(ben, 1, line.who(DAY_MS + 1))
    line.read()
    line.hold(anna, 200, line.who(DAY_MS))


def test_what_was_lent_is_paid_however_old_the_balance_is(line: Line) -> None:
    """A day and a minute later by the calendar; the machine has slept, so the lease's time is not over."""
    anna = told(line)
    lease = line.lend(anna, 120)
    late = replace(line.who(DAY_MS + 60_000), uptime=Uptime(UPTIME.boot, UPTIME.ms + HOUR_MS - 1))
    line.till.connection.execute("UPDATE head_office_line SET read_boot = NULL, read_ms = NULL")
    assert line.backing(line.hold(anna, 100, late)) == [(lease, 100, 0)]
    with pytest.raises(AccountTooOld):
        line.hold(anna, 21, late)


def test_a_quote_promises_nothing_of_a_balance_that_is_too_old_and_the_sale_earns_as_ever(line: Line) -> None:
    anna = told(line)
    line.till.who = line.who(DAY_MS)
    assert line.till.quote(CHEESE, member=anna).redeem == RedeemPreview(500, 500)
    line.till.who = line.who(DAY_MS + 1)
    quote = line.till.quote(CHEESE, member=anna)
    assert quote.redeem == RedeemPreview(0, 0, "account_too_old")
    assert quote.points.balance.active == 900, "it is shown all the same, as of when it was heard"
    assert describe_balance(line.till.connection, anna, NOW_MS + DAY_MS) == (True, NOW_MS)
    sold = line.till.sell(CHEESE, member=anna)
    assert sold.points is not None
    assert (sold.points.earned, sold.points.balance.active) == (19, 919)


def test_an_old_balance_does_not_grow_young_by_a_merge_with_somebody_who_joined_just_now(line: Line) -> None:
    anna = told(line)
    line.till.who = line.who(DAY_MS + 1)
    twin = line.till.enrol("Anna again")
    line.till.adjust(twin, 30)
    line.hold(twin, 10, line.who(DAY_MS + 5_000))
    line.till.who = caller("manager", at_ms=line.till.who.now_ms + 10_000)
    line.till.do(merge_members, MergeMembers(id=new_id(), absorbed=anna, into=twin, reason="the same"))
    with pytest.raises(AccountTooOld):
        line.hold(twin, 10, line.who(DAY_MS + 20_000))


def test_whoever_joined_in_an_earlier_life_may_have_been_anywhere_since(line: Line, tmp_path: Path) -> None:
    """The file may be an old copy: what it does not remember to have sent was sent perhaps, and spent elsewhere."""
    anna = line.till.enrol()
    line.till.adjust(anna, 900)
    line.hold(anna, 10)
    till = line.till
    epoch, ordinal = begin_life(till.connection, "S001", "EUR", "Europe/Warsaw")
    till.shop = make_shop(make_config(tmp_path, points=GIVING, **{"loyalty.offline": OFFLINE}), epoch, ordinal)
    with pytest.raises(AccountUnknown):
        line.hold(anna, 10)
    ben = till.enrol("Ben")
    till.adjust(ben, 100)
    line.hold(ben, 10)


def test_a_card_that_was_taken_in_pays_with_what_was_earned_on_it_here_and_no_more(line: Line) -> None:
    """She may have thousands where she is known. Here is neither a balance nor a proof of it, so nothing is risked."""
    card, random = make_card(bytes(6) + b"\x07"), new_id().bytes * 4
    taken_in = EnrolMember(id=new_id(), card=card, locale="en")
    anna = line.till.do(enrol_member, taken_in, random[:ENROL_RANDOM_BYTES]).answer.id
    with pytest.raises(InsufficientPoints):
        line.hold(anna, 1)
    assert line.till.sell(CHEESE, member=anna).points.earned == 19  # type: ignore[union-attr]
    with pytest.raises(InsufficientPoints):
        line.hold(anna, 20)
    line.hold(anna, 19)


@pytest.mark.parametrize("hours", [1, 23, 25])
def test_what_a_head_office_tells_that_was_put_back_is_as_old_as_its_backup(line: Line, hours: int) -> None:
    anna = told(line)
    backup = line.who().now_ms - hours * HOUR_MS
    tell(line.till, "restored", "accounts", RestoredValue(known_until=backup, until=NOW_MS + 10 * DAY_MS))
    if hours < 24:
        line.hold(anna, 10)
    else:
        with pytest.raises(AccountTooOld):
            line.hold(anna, 10)
    tell(line.till, "restored", "accounts", None)
    line.hold(anna, 20)
