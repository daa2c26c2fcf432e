"""Coupons in the store: issued, shown, used exactly once, given back, voided, issued again, refused with the reason."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kiosk.answers import SaleAnswer
from kiosk.commands import LineRequest, VoidSale
from kiosk.coupons.apply_coupons import use_coupons
from kiosk.coupons.coupon_refusals import (
    CouponExpired,
    CouponKeyOver,
    CouponKeyRevoked,
    CouponNotFound,
    CouponOfAnother,
    CouponOfferOver,
    CouponShownTwice,
    CouponUsed,
    CouponVoid,
    ForeignCouponRefused,
    MemberNeeded,
    NoCouponOffer,
    NoSigningKey,
    ReissuedDifferently,
    UnknownCoupon,
    WrongStore,
)
from kiosk.coupons.coupon_service import (
    issue_campaign,
    issue_coupon,
    list_member_coupons,
    reissue_coupon,
    verify_coupon,
    void_coupon,
)
from kiosk.coupons.coupons import (
    CouponAnswer,
    CouponVerdict,
    IssueCampaign,
    IssueCoupon,
    ReissueCoupon,
    VerifyCoupon,
    VoidCoupon,
)
from kiosk.offers.offer_service import end_offer, show_offer
from kiosk.sales.sale_service import void_sale
from loyalty.coupon_codes import print_code
from loyalty.errors import IdConflict, Problem
from loyalty.keys import first_key_id
from loyalty.member_store import UnknownMember
from loyalty.offers.offer import Conditions, Schedule
from sync.db import SqliteError
from sync.facts.coupons import UsedCoupon
from sync.http.etag import strong_etag
from sync.http.paging import PageQuery
from sync.journal import find
from tests.kiosk.couponing import (
    CHOCOLATE,
    OFFER,
    PRICE,
    REDUCED,
    OtherStore,
    issue,
    list_key,
    make_offer,
    manager,
    members_only,
    offer_request,
    quote,
)
from tests.kiosk.offering import change, end
from tests.kiosk.selling import Till, assert_holds, open_till, product
from tests.kiosk.shopkit import add_products, new_id, perform

DAY_MS = 86_400_000


def buy(till: Till, *codes: str, **more: Any) -> SaleAnswer:  # noqa: ANN401
    """A piece of chocolate, with coupons."""
    return till.sell(CHOCOLATE, tenders=[("cash", 1000)], coupons=codes, **more)


def verdict(till: Till, code: str, **more: Any) -> CouponVerdict:  # noqa: ANN401
    return till.do(verify_coupon, VerifyCoupon(code, **more))


def later(till: Till, days: int) -> Till:
    """The same till some days on."""
    who = msgspec.structs.replace(till.who, now_ms=till.who.now_ms + days * DAY_MS)
    return Till(till.connection, till.shop, who)


def reissue(till: Till, coupon: CouponAnswer, **more: Any) -> CouponAnswer:  # noqa: ANN401
    command = ReissueCoupon(**{"id": new_id(), "reason": "wet paper", **more})
    return till.do(reissue_coupon, coupon.serial, command).answer


# -- issued and used ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["token", "code"])
def test_a_coupon_takes_off_what_it_promises_once(tmp_path: Path, form: str) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        code = getattr(coupon, form)
        assert quote(till, code).totals.due_minor == REDUCED
        sold = buy(till, code)
        assert sold.totals.due_minor == REDUCED
        assert sold.coupons is not None
        assert sold.coupons.used == [coupon.serial]
        for other in (coupon.token, coupon.code):
            with pytest.raises(CouponUsed) as refused:
                buy(till, other)
            assert refused.value.pointer == "/coupons/0"
        assert till.rows("SELECT n, given_back FROM coupon_use") == [(1, 0)]
        assert_holds(till.connection)


def test_without_its_coupon_the_offer_is_not_given(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        issue(till)
        assert quote(till).totals.due_minor == buy(till).totals.due_minor == PRICE


def test_a_quote_lists_what_is_wrong_with_a_coupon_and_prices_without_it(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        buy(till, coupon.code)
        fresh = issue(till)
        priced = quote(till, coupon.code, "nonsense", fresh.code)
        assert priced.totals.due_minor == REDUCED
        assert [note.code for note in priced.refused] == ["coupon_used", "unknown_coupon"]


def test_a_coupon_that_gives_nothing_stays_unspent_and_says_why(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon, second = issue(till), issue(till)
        milk = till.sell("100", tenders=[("cash", 200)], coupons=(coupon.code,))
        assert milk.totals.due_minor == 129
        assert milk.coupons is not None
        assert (milk.coupons.used, [each.code for each in milk.coupons.unspent]) == ([], ["no_matching_goods"])
        assert milk.coupons.unspent[0].serial == coupon.serial
        both = buy(till, coupon.code, second.code)
        assert both.coupons is not None
        assert both.totals.due_minor == REDUCED
        assert both.coupons.used == [coupon.serial]
        assert [each.serial for each in both.coupons.unspent] == [second.serial]
        assert verdict(till, second.code).ok
        assert_holds(till.connection)


def test_one_coupon_shown_twice_counts_once(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        priced = quote(till, coupon.code, coupon.token)
        assert (priced.totals.due_minor, [note.code for note in priced.refused]) == (REDUCED, ["coupon_shown_twice"])
        with pytest.raises(CouponShownTwice):
            buy(till, coupon.code, coupon.token)
        assert verdict(till, coupon.code).ok


def test_the_same_request_again_gives_the_same_coupon_and_another_content_is_refused(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        command = IssueCoupon(id=new_id(), offer=OFFER, print=True)
        first = till.do(issue_coupon, command)
        again = till.do(issue_coupon, command)
        assert (first.answer, first.replayed, again.replayed) == (again.answer, False, True)
        assert till.rows("SELECT count(*) FROM coupon") == till.rows("SELECT count(*) FROM print_job") == [(1,)]
        with pytest.raises(IdConflict):
            till.do(issue_coupon, msgspec.structs.replace(command, print=False))


def test_a_coupon_holds_as_long_as_configured_but_never_longer_than_its_offer(tmp_path: Path) -> None:
    with open_till(tmp_path, coupons={"days": 10}) as till:
        make_offer(till)
        assert issue(till).valid_until == "2026-12-01"
        ends = Schedule(last_day=dt.date(2026, 11, 25))
        make_offer(till, "SHORT", conditions=Conditions(schedule=ends))
        coupon = issue(till, "SHORT")
        assert coupon.valid_until == "2026-11-25"
        assert verdict(later(till, 4), coupon.code).ok
        assert verdict(later(till, 5), coupon.code).reason == "coupon_expired"
        with pytest.raises(NoCouponOffer):
            issue(later(till, 5), "SHORT")


def test_only_a_live_coupon_offer_can_be_issued(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till, "AUTO", trigger="automatic")
        make_offer(till)
        held = issue(till)
        revision = till.do(show_offer, OFFER).revision
        perform(till.connection, end_offer, till.shop, manager(till), new_id(), OFFER, strong_etag(revision))
        for offer in ("AUTO", OFFER, "NONE"):
            with pytest.raises(NoCouponOffer):
                issue(till, offer)
        with pytest.raises(CouponOfferOver):
            buy(till, held.code)
        assert verdict(till, held.token).reason == "coupon_offer_over"


def test_a_shop_without_a_key_sells_and_issues_nothing(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        bare = Till(till.connection, msgspec.structs.replace(till.shop, signer=None), till.who)
        with pytest.raises(NoSigningKey):
            issue(bare)
        bare.shift = till.shift
        assert buy(bare, coupon.token).totals.due_minor == REDUCED


# -- members -----------------------------------------------------------------------------------------------------------


def test_a_members_coupon_is_for_the_member_alone(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        members_only(till)
        anna, ben = till.enrol("Anna"), till.enrol("Ben")
        with pytest.raises(MemberNeeded):
            issue(till, "MEMBERS")
        with pytest.raises(UnknownMember):
            issue(till, "MEMBERS", member=new_id())
        coupon = issue(till, "MEMBERS", member=anna)
        for other in (None, ben):
            with pytest.raises(CouponOfAnother):
                buy(till, coupon.code, member=other)
        assert verdict(till, coupon.code).ok
        assert verdict(till, coupon.code).member_only
        assert not verdict(till, coupon.code, member=ben).ok
        assert buy(till, coupon.code, member=anna).totals.due_minor == REDUCED
        assert_holds(till.connection)


def test_a_campaign_gives_each_member_one_or_nobody_any(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        members = [till.enrol(f"Member {n}") for n in range(5)]
        command = IssueCampaign(id=new_id(), offer=OFFER, members=tuple(members))
        given = till.do(issue_campaign, command).answer
        assert [coupon.member for coupon in given.coupons] == members
        assert len({coupon.serial for coupon in given.coupons}) == 5
        assert till.do(issue_campaign, command).answer == given
        entries = till.entries()
        with pytest.raises(UnknownMember):
            till.do(issue_campaign, IssueCampaign(id=new_id(), offer=OFFER, members=(members[0], new_id())))
        assert till.entries() == entries
        buy(till, given.coupons[0].code, member=members[0])
        held = till.do(list_member_coupons, members[0], PageQuery())
        assert [(coupon.serial, coupon.state) for coupon in held.items] == [(given.coupons[0].serial, "used")]
        held = later(till, 40).do(list_member_coupons, members[1], PageQuery())
        assert [coupon.state for coupon in held.items] == ["expired"]
        assert_holds(till.connection)


def test_the_list_of_a_members_coupons_has_pages(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        anna = till.enrol("Anna")
        serials = {issue(till, member=anna).serial for _ in range(5)}
        found: list[str] = []
        after = None
        while True:
            page = till.do(list_member_coupons, anna, PageQuery(after=after, limit=2))
            found += [coupon.serial for coupon in page.items]
            after = page.next
            if after is None:
                break
        assert (len(found), set(found)) == (5, serials)


# -- refused -----------------------------------------------------------------------------------------------------------


def test_a_code_that_was_never_issued_is_unknown(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        wrong = coupon.code[:-1] + ("2" if coupon.code[-1] != "2" else "3")
        for code in (print_code(1234567), wrong, "", "x" * 300, "1" * 4000):
            assert verdict(till, code).reason == "unknown_coupon"
            with pytest.raises(UnknownCoupon):
                buy(till, code)
        assert verdict(till, coupon.token[:-10]).reason == "coupon_cut"
        changed = coupon.token[:-1] + str((int(coupon.token[-1]) + 1) % 10)
        assert verdict(till, changed).reason == "coupon_forged"


def test_a_coupon_of_a_life_that_was_lost_is_unknown_however_genuine(tmp_path: Path) -> None:
    """Nobody knows whether it was used: a manager issues another one."""
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        till.connection.execute("DELETE FROM coupon")
        assert verdict(till, coupon.token).reason == "unknown_coupon"


def test_other_digits_than_those_issued_are_forged_although_the_serial_is_ours(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        wrong = str(int(coupon.token) + 1).zfill(len(coupon.token))
        assert verdict(till, wrong).reason == "coupon_forged"
        assert [note.code for note in quote(till, wrong).refused] == ["coupon_forged"]
        beyond = str(int(coupon.token) | 0xFFFFFFFF_FFFFFFFF << 512).zfill(len(coupon.token))
        assert verdict(till, beyond).reason == "coupon_forged", "a serial that no table could hold"
        assert buy(till, coupon.token).totals.due_minor == REDUCED


def test_an_offer_that_is_over_takes_its_coupons_with_it_and_back_again(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        assert quote(till, coupon.token).totals.due_minor == REDUCED
        end(till, OFFER)
        assert [note.code for note in quote(till, coupon.token).refused] == ["coupon_offer_over"]
        assert verdict(till, coupon.token).offer == OFFER, "still shown"
        change(till, OFFER, offer_request().effect, trigger="coupon")
        assert buy(till, coupon.token).totals.due_minor == REDUCED


def test_an_expired_coupon_is_refused_from_the_day_after(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        last, after = later(till, 30), later(till, 31)
        assert quote(last, coupon.token).totals.due_minor == REDUCED
        for code in (coupon.token, coupon.code):
            with pytest.raises(CouponExpired):
                buy(after, code)


def test_a_clock_set_back_a_year_does_not_stop_the_shops_own_coupons(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        assert verdict(later(till, -365), coupon.token).ok
        assert issue(later(till, -365)).valid_until == "2025-12-21"


def test_a_revoked_key_stops_its_tokens_but_not_the_ledger(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        list_key(till, tmp_path, kid=first_key_id("S001"), revoked=True)
        with pytest.raises(CouponKeyRevoked):
            buy(till, coupon.token)
        with pytest.raises(NoSigningKey):
            issue(till)
        assert buy(till, coupon.code).totals.due_minor == REDUCED


@pytest.mark.parametrize(("scope", "problem"), [("store", WrongStore), ("chain", ForeignCouponRefused)])
def test_another_stores_coupon_is_refused_unless_the_chain_and_the_shop_allow_it(
    tmp_path: Path, scope: str, problem: type[Problem]
) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        foreign = OtherStore(till, tmp_path).coupon(77, scope=scope)
        with pytest.raises(problem):
            buy(till, foreign)


def test_coupons_of_other_stores_are_taken_up_to_the_risk_number_each_once(tmp_path: Path) -> None:
    with open_till(tmp_path, coupons={"other_stores_per_day": 2}) as till:
        make_offer(till)
        other = OtherStore(till, tmp_path)
        first, second, third = (other.coupon(serial) for serial in (71, 72, 73))
        shown = verdict(till, first)
        assert (shown.ok, shown.store, shown.offer) == (True, "S002", OFFER)
        sold = buy(till, first)
        assert sold.totals.due_minor == REDUCED
        with pytest.raises(CouponUsed):
            buy(till, first)
        # Both in one basket are one too many, although neither alone would be.
        with pytest.raises(ForeignCouponRefused) as refused:
            buy(till, second, third)
        assert refused.value.pointer == "/coupons/1"
        buy(till, second)
        with pytest.raises(ForeignCouponRefused):
            buy(till, third)
        assert buy(later(till, 0), issue(till).code).totals.due_minor == REDUCED
        assert till.rows("SELECT serial, store FROM coupon_use WHERE store IS NOT NULL ORDER BY serial") == [
            (71, "S002"),
            (72, "S002"),
        ]
        till.do(void_sale, sold.id, VoidSale(reason="wrong"))
        assert_holds(till.connection)


def test_another_stores_coupon_of_an_offer_we_do_not_have_or_of_a_key_that_is_over_is_refused(tmp_path: Path) -> None:
    with open_till(tmp_path, coupons={"other_stores_per_day": 9}) as till:
        make_offer(till)
        other = OtherStore(till, tmp_path)
        with pytest.raises(CouponOfferOver):
            buy(till, other.coupon(71, "THEIRS"))
        list_key(till, tmp_path, kid=20, not_after=dt.date(2026, 11, 20))
        with pytest.raises(CouponKeyOver):
            buy(till, other.coupon(72))


# -- void, reissue, return ---------------------------------------------------------------------------------------------


def test_a_voided_coupon_is_worth_nothing_and_voiding_again_answers_the_same(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        command = VoidCoupon(reason="issued by mistake")
        first = till.do(void_coupon, coupon.serial, command)
        again = till.do(void_coupon, coupon.serial, command)
        assert (first.answer.reason, first.answer, again.replayed) == ("coupon_void", again.answer, True)
        with pytest.raises(CouponVoid):
            buy(till, coupon.token)
        with pytest.raises(ReissuedDifferently):
            till.do(void_coupon, coupon.serial, VoidCoupon(reason="another reason"))
        with pytest.raises(CouponVoid):
            reissue(till, coupon)
        for unknown in ("0" * 16, "f" * 16, "x", "00000000000004g2"):
            with pytest.raises(CouponNotFound):
                till.do(void_coupon, unknown, command)
        assert_holds(till.connection)


def test_of_a_coupon_issued_again_exactly_the_new_one_is_good(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        papers = [issue(till)]
        for _ in range(3):
            papers.append(reissue(later(till, 1), papers[-1], print=True))
            good = [coupon for coupon in papers if verdict(till, coupon.token).ok]
            assert good == papers[-1:]
        assert {coupon.valid_until for coupon in papers} == {papers[0].valid_until}
        assert till.rows("SELECT count(*) FROM print_job WHERE kind = 'coupon'") == [(3,)]
        for old in papers[:-1]:
            with pytest.raises(CouponVoid):
                buy(till, old.code)
        buy(till, papers[-1].code)
        with pytest.raises(CouponUsed):
            reissue(till, papers[-1])
        assert_holds(till.connection)


def test_a_reissue_sent_twice_issues_once(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon, other = issue(till), issue(till)
        command = ReissueCoupon(id=new_id(), reason="wet paper")
        first = till.do(reissue_coupon, coupon.serial, command)
        again = till.do(reissue_coupon, coupon.serial, command)
        assert (again.answer, again.replayed) == (first.answer, True)
        with pytest.raises(ReissuedDifferently):
            till.do(reissue_coupon, other.serial, command)
        assert till.rows("SELECT count(*) FROM coupon") == [(3,)]


def test_an_expired_coupon_is_not_issued_again(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        with pytest.raises(CouponExpired):
            reissue(later(till, 31), coupon)


def test_voiding_the_sale_gives_the_coupon_back_and_it_can_be_used_once_more(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        for n in (1, 2, 3):
            sold = buy(till, coupon.code)
            with pytest.raises(CouponUsed):
                buy(till, coupon.code)
            assert till.rows("SELECT max(n), max(given_back) FROM coupon_use") == [(n, n - 1)]
            till.do(void_sale, sold.id, VoidSale(reason="wrong customer"))
            till.do(void_sale, sold.id, VoidSale(reason="wrong customer"))
            assert verdict(till, coupon.code).ok
        assert_holds(till.connection)


def test_a_coupon_comes_back_with_the_last_of_the_goods_and_not_before(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        coupon = issue(till)
        lines = (LineRequest(sku=CHOCOLATE), LineRequest(sku="100"))
        sold = till.sell(*lines, tenders=[("cash", 1000)], coupons=(coupon.code,))
        till.take_back(sold, [(1, 1000)], refunds=[("cash", REDUCED)])
        assert verdict(till, coupon.code).reason == "coupon_used"
        till.take_back(sold, [(2, 1000)], refunds=[("cash", 129)])
        assert verdict(till, coupon.code).ok
        assert_holds(till.connection)


# -- what the tables themselves hold up --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uses",
    [
        [UsedCoupon(serial=7, n=1, offer=OFFER), UsedCoupon(serial=7, n=1, offer=OFFER)],
        [UsedCoupon(serial=7, n=1, offer=OFFER), UsedCoupon(serial=7, n=2, offer=OFFER)],
        [UsedCoupon(serial=7, n=2, offer=OFFER)],
        [UsedCoupon(serial=7, n=3, offer=OFFER, given_back=1)],
        [UsedCoupon(serial=7, n=0, offer=OFFER)],
    ],
)
def test_a_use_too_many_breaks_the_transaction_whatever_was_decided(tmp_path: Path, uses: list[UsedCoupon]) -> None:
    with open_till(tmp_path) as till:
        entry = find(till.connection, UUID(bytes=till.rows("SELECT op_id FROM journal LIMIT 1")[0][0]))
        assert entry is not None
        with pytest.raises(SqliteError):
            perform(till.connection, lambda tx, *_: use_coupons(tx, entry, uses), till.shop, till.who)
        assert till.rows("SELECT count(*) FROM coupon_use") == [(0,)]


# -- given with a sale -------------------------------------------------------------------------------------------------

GIVES = {"with_sale": [{"offer": OFFER, "from_minor": 500}]}


def test_a_large_enough_sale_gives_a_coupon_and_prints_it_with_the_receipt(tmp_path: Path) -> None:
    with open_till(tmp_path, coupons=GIVES) as till:
        assert till.sell("102", "102", tenders=[("cash", 1000)]).coupons is None  # there is no such offer yet
        make_offer(till)
        small = till.sell("102", tenders=[("cash", 1000)])
        large = till.sell("102", "102", tenders=[("cash", 1000)], receipt="paper")
        assert small.coupons is None
        assert large.coupons is not None
        (given,) = large.coupons.issued
        assert [row[0] for row in till.rows("SELECT kind FROM print_job ORDER BY rowid")] == ["receipt", "coupon"]
        assert buy(till, given.token).totals.due_minor == REDUCED
        assert_holds(till.connection)


def test_what_a_sale_gave_goes_with_the_sale_unless_it_was_used(tmp_path: Path) -> None:
    with open_till(tmp_path, coupons=GIVES) as till:
        make_offer(till)

        def give() -> tuple[SaleAnswer, CouponAnswer]:
            sold = till.sell("102", "102", "102", tenders=[("cash", 1050)])
            assert sold.coupons is not None
            return sold, sold.coupons.issued[0]

        voided, first = give()
        till.do(void_sale, voided.id, VoidSale(reason="wrong"))
        assert verdict(till, first.token).reason == "coupon_void"
        returned, second = give()
        till.take_back(returned, [(1, 1000)], refunds=[("cash", 350)])
        assert verdict(till, second.token).ok
        till.take_back(returned, [(2, 1000)], refunds=[("cash", 350)])
        assert verdict(till, second.token).reason == "coupon_void", "350 is kept, 500 gave it"
        till.take_back(returned, [(3, 1000)], refunds=[("cash", 350)])
        used, third = give()
        buy(till, third.token)
        till.take_back(used, [(1, 1000), (2, 1000), (3, 1000)], refunds=[("cash", 1050)])
        assert verdict(till, third.token).reason == "coupon_used"
        assert_holds(till.connection)


def test_a_shop_without_a_key_sells_although_it_should_give_a_coupon(tmp_path: Path) -> None:
    with open_till(tmp_path, coupons=GIVES) as till:
        make_offer(till)
        bare = Till(till.connection, msgspec.structs.replace(till.shop, signer=None), till.who)
        assert bare.sell("102", "102", tenders=[("cash", 700)]).coupons is None


def test_neither_an_exchange_nor_money_put_on_a_gift_card_gives_a_coupon(tmp_path: Path) -> None:
    """Else the same goods, going and coming, would make coupons for ever."""
    with open_till(tmp_path, coupons=GIVES, gift_cards={"departments": ["GIFT"]}) as till:
        make_offer(till)
        card = product("GC", 5000, "zero", department="GIFT")
        perform(till.connection, lambda tx, shop, _: add_products(tx, shop, card), till.shop, till.who)
        sold = till.sell("102", "102", tenders=[("cash", 700)])
        assert sold.coupons is not None
        assert till.exchange([(sold, 1, 1000), (sold, 2, 1000)], "102", "102").coupons is None
        line = LineRequest(sku="GC", gift_card="GIFT-CARD-000001")
        assert till.sell(line, "102", tenders=[("cash", 5350)]).coupons is None
        assert till.sell("102", "102", tenders=[("cash", 700)]).coupons is not None
