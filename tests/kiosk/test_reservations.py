"""What head office keeps for this store: named after the sale, used in its transaction, given back by a fact."""

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kiosk.commands import CompleteSale, LineRequest, QuoteBasket, TenderRequest
from kiosk.coupons.chain_coupons import coupons_at_risk
from kiosk.coupons.coupon_refusals import CouponUsed
from kiosk.points.lease_report import count_reports, read_report
from kiosk.points.link import note_line, note_pushed, note_read
from kiosk.sales.reservations import Kept, give_back, list_coupon_commands, name_reservation
from kiosk.sales.sale_service import complete_sale, quote_basket
from loyalty.exposure import CouponLimitReached, StoreLimitReached
from loyalty.offers.offer import Goods, PercentOff
from sync.feed_values import CouponUsedValue, use_name
from sync.journal import read_head
from sync.protocol.commands import ReservationValue
from tests.kiosk.couponing import CHOCOLATE, OFFER, PRICE, REDUCED, issue, make_offer, quote
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import new_id

OFF = PRICE - REDUCED
LIMITS: dict[str, Any] = {"loyalty.offline": {"coupon_limit_minor": OFF, "store_limit_minor": 2 * OFF}}


def line(till: Till, *, online: bool) -> None:
    """The line to head office is up, or down."""
    note_line(till.connection, online=online, now_ms=till.who.now_ms)


def sale_of(code: str, pieces: int = 1, sale: UUID | None = None) -> CompleteSale:
    lines = (LineRequest(sku=CHOCOLATE, quantity_milli=1000 * pieces),)
    tenders = (TenderRequest(kind="cash", amount_minor=10_000),)
    return CompleteSale(id=sale or new_id(), lines=lines, tenders=tenders, coupons=(code,))


def sell(till: Till, code: str, pieces: int = 1, kept: UUID | None = None, sale: UUID | None = None) -> Any:  # noqa: ANN401
    command = sale_of(code, pieces, sale)
    coupon = till.rows("SELECT serial FROM coupon ORDER BY issued_at DESC, serial")
    serials = {serial: kept for (serial,) in coupon} if kept is not None else {}
    return till.do(complete_sale, command, Kept(coupons=serials)).answer


def risks(till: Till) -> list[int]:
    return [risk for (risk,) in till.rows("SELECT risk_minor FROM coupon_use ORDER BY seq")]


def tell(till: Till, entity: str, key: str, value: object) -> None:
    """Head office's feed says something."""
    till.connection.execute(
        "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) VALUES ('global', ?, ?, 1, 1, ?)",
        (entity, key, msgspec.json.encode(value)),
    )


def test_a_store_of_its_own_takes_any_risk_because_there_is_none(tmp_path: Path) -> None:
    with open_till(tmp_path, **LIMITS) as till:
        make_offer(till)
        sell(till, issue(till, scope="chain").token, pieces=5)
        assert risks(till) == [0]
        assert till.do(list_coupon_commands, sale_of(issue(till, scope="chain").token)) == []


@pytest.mark.parametrize("online", [True, False])
def test_a_coupon_that_nobody_kept_is_a_risk_up_to_its_limit_and_the_stores(tmp_path: Path, online: bool) -> None:
    """Also with the line up: then head office was asked in vain."""
    with open_till(tmp_path, **LIMITS) as till:
        make_offer(till)
        line(till, online=online)
        with pytest.raises(CouponLimitReached):
            sell(till, issue(till, scope="chain").token, pieces=2)
        for _ in range(2):
            sell(till, issue(till, scope="chain").token)
        with pytest.raises(StoreLimitReached) as refused:
            sell(till, issue(till, scope="chain").token)
        assert refused.value.extra["left_minor"] == 0
        assert risks(till) == [OFF, OFF]
        # What only this store takes, and what head office keeps, is no risk.
        sell(till, issue(till).token, pieces=5)
        sell(till, issue(till, scope="chain").token, pieces=5, kept=new_id())
        assert risks(till) == [OFF, OFF, 0, 0]
        assert_holds(till.connection)


def test_coupons_of_one_basket_are_one_risk(tmp_path: Path) -> None:
    """Chocolate and milk, each with a coupon of its own: together they take off more than the store may risk."""
    with open_till(tmp_path, **{"loyalty.offline": {"coupon_limit_minor": OFF, "store_limit_minor": OFF + 1}}) as till:
        make_offer(till)
        make_offer(till, "MILK20", effect=PercentOff(percent="20", goods=Goods(products=("100",))))
        line(till, online=False)
        codes = tuple(issue(till, offer, scope="chain").token for offer in (OFFER, "MILK20"))
        command = sale_of(codes[0])
        both = msgspec.structs.replace(command, lines=(*command.lines, LineRequest(sku="100")), coupons=codes)
        with pytest.raises(StoreLimitReached) as refused:
            till.do(complete_sale, both)
        assert refused.value.extra["left_minor"] == 1
        told = till.do(quote_basket, QuoteBasket(lines=both.lines, coupons=codes))
        assert [note.code for note in told.refused] == ["store_limit_reached"]


def test_what_head_office_has_acknowledged_is_no_risk_any_more(tmp_path: Path) -> None:
    with open_till(tmp_path, **LIMITS) as till:
        make_offer(till)
        line(till, online=False)
        sell(till, issue(till, scope="chain").token)
        epoch = till.shop.journal.epoch
        seq = read_head(till.connection, epoch).seq
        note_pushed(till.connection, epoch, seq)
        assert coupons_at_risk(till.connection) == OFF, "that it arrived is not enough"
        note_read(till.connection, epoch, till.who.now_ms, None, {epoch: seq})
        assert coupons_at_risk(till.connection) == 0


def test_a_quote_without_a_line_promises_only_what_a_sale_takes(tmp_path: Path) -> None:
    with open_till(tmp_path, **{"loyalty.offline": {"coupon_limit_minor": OFF - 1}}) as till:
        make_offer(till)
        coupon = issue(till, scope="chain")
        line(till, online=True)
        assert quote(till, coupon.token).totals.due_minor == REDUCED
        line(till, online=False)
        told = quote(till, coupon.token)
        assert (told.totals.due_minor, [note.code for note in told.refused]) == (PRICE, ["coupon_limit_reached"])


@pytest.mark.parametrize("scope", ["chain", "store"])
def test_a_coupon_that_was_used_elsewhere_is_refused_for_what_the_books_leave(tmp_path: Path, scope: str) -> None:
    with open_till(tmp_path, **LIMITS) as till:
        make_offer(till)
        line(till, online=False)
        coupon = issue(till, scope=scope)
        used = CouponUsedValue(sales=(new_id(),))
        tell(till, "coupon_used", use_name(coupon.valid_until, int(coupon.serial, 16)), used)
        if scope == "store":
            sell(till, coupon.token)
            return
        with pytest.raises(CouponUsed):
            sell(till, coupon.token)


def test_a_reservation_has_one_name_until_it_is_given_back(tmp_path: Path) -> None:
    with open_till(tmp_path, **LIMITS) as till:
        make_offer(till)
        line(till, online=True)
        command = sale_of(issue(till, scope="chain").token)
        [first] = till.do(list_coupon_commands, command)
        assert till.do(list_coupon_commands, command) == [first]
        tell(till, "reservation", str(first.id), ReservationValue(kind="coupon_use", op=command.id, granted_at=0))
        assert till.do(lambda tx, shop, who: give_back(tx, shop, who.now_ms, {first.id})) == 0, (
            "a request works with it"
        )
        assert till.do(lambda tx, shop, who: give_back(tx, shop, who.now_ms, ())) == 1
        assert till.do(lambda tx, shop, who: give_back(tx, shop, who.now_ms, ())) == 0
        [second] = till.do(list_coupon_commands, command)
        assert second.id != first.id
        # The answer comes too late: the sale goes by the rules without a line.
        till.do(complete_sale, command, Kept(coupons={first.serial: first.id}))
        assert risks(till) == [OFF]
        assert till.do(list_coupon_commands, command) == [], "it is booked"


def test_what_was_kept_before_a_report_of_this_store_counts_no_longer(tmp_path: Path) -> None:
    """Head office may have been put back from a backup meanwhile: it believes that what the report did not say never
    was."""
    with open_till(tmp_path, **LIMITS) as till:
        make_offer(till)
        line(till, online=True)
        for report_between in (False, True):
            command = sale_of(issue(till, scope="chain").token)
            asked_after = count_reports(till.connection)
            [wanted] = till.do(list_coupon_commands, command)
            if report_between:
                till.do(lambda tx, _shop, _who: read_report(tx))
            till.do(complete_sale, command, Kept(coupons={wanted.serial: wanted.id}, reports=asked_after))
        assert risks(till) == [0, OFF]
        assert_holds(till.connection)


def test_what_a_sale_has_used_is_not_given_back(tmp_path: Path) -> None:
    """Head office has not heard of the sale yet, and lists its reservation still."""
    with open_till(tmp_path, **LIMITS) as till:
        make_offer(till)
        line(till, online=True)
        command = sale_of(issue(till, scope="chain").token)
        kept = name_reservation(till.connection, command.id, "anything")
        till.do(complete_sale, command, Kept(coupons={}))
        tell(till, "reservation", str(kept), ReservationValue(kind="coupon_use", op=command.id, granted_at=0))
        assert till.do(lambda tx, shop, who: give_back(tx, shop, who.now_ms, ())) == 0


def test_what_cannot_be_read_of_the_feed_keeps_nothing_else_from_going_back(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        value = ReservationValue(kind="coupon_use", op=new_id(), granted_at=0)
        for key, told in (("nonsense", value), (str(new_id()), {"kind": 1}), (str(new_id()), value)):
            tell(till, "reservation", key, told)
        assert till.do(lambda tx, shop, who: give_back(tx, shop, who.now_ms, ())) == 1


def test_a_coupon_that_head_office_says_something_unreadable_of_is_not_taken_on_it(tmp_path: Path) -> None:
    """Somebody used it: else nothing would be said. Of one that is gone from a snapshot an empty word is left."""
    with open_till(tmp_path, **LIMITS) as till:
        make_offer(till)
        line(till, online=False)
        coupon = issue(till, scope="chain")
        name = use_name(coupon.valid_until, int(coupon.serial, 16))
        tell(till, "coupon_used", name, {"sales": 1})
        assert quote(till, coupon.code).refused[0].code == "coupon_used"
        till.connection.execute("UPDATE feed_row SET value = x''")
        assert not quote(till, coupon.code).refused
