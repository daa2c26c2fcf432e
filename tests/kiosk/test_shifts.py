"""Shifts and the drawer: opening, moving cash, X, the blind count, Z, and what each refuses."""

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kiosk.commands import CloseShift, LineRequest, MoveCash, OpenDrawer, OpenShift
from kiosk.outcome import Outcome
from kiosk.sales.sale import ApprovalNeeded
from kiosk.shifts.shift import CashNotCounted, DrawerShort, ShiftAlreadyOpen, ShiftClosedDifferently, ShiftNotOpen
from kiosk.shifts.shift_service import (
    ManagersPaper,
    NotYourTill,
    close_shift,
    current_shift,
    move_cash,
    open_drawer,
    open_shift,
    print_shift,
    refuse_foreign_paper,
    report_shift,
)
from kiosk.shifts.shift_store import UnknownShift
from kiosk.shop import NoOpenShift
from loyalty.errors import IdConflict, WrongCurrency
from sync.facts.shifts import TenderCount
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import NOW_MS, caller, new_id, perform

DAY_MS = 86_400_000


def expected(till: Till, role: str = "manager") -> dict[str, int | None]:
    """What should be there of each kind, as somebody of that role is told."""
    return {tender.kind: tender.expected_minor for tender in till.report(role).tenders}


def test_a_shift_opens_with_its_float_and_its_day(tmp_path: Path) -> None:
    with open_till(tmp_path, shift=False) as till:
        x = till.open(12_345)
        assert (x.kind, x.state, x.till, x.operator) == ("X", "open", "T01", "ana")
        assert (x.business_day, x.float_minor, x.z_number, x.closed_at) == ("2026-11-21", 12_345, None, None)
        assert (x.sales, x.first_number, x.last_number) == (0, None, None)
        assert till.do(current_shift).id == x.id
        assert_holds(till.connection)


def test_a_shift_opened_after_midnight_belongs_to_the_day_before(tmp_path: Path) -> None:
    """03:30 in Warsaw, half an hour before the cut-over; all that happens in the shift keeps its day."""
    with open_till(tmp_path, shift=False) as till:
        till.who = caller(at_ms=NOW_MS + 11 * 3_600_000 + 1_800_000)
        assert till.open().business_day == "2026-11-21"
        till.who = caller(at_ms=till.who.now_ms + 3_600_000)
        sold = till.sell("100")
        assert sold.at.startswith("2026-11-22T03:30")
        assert sold.business_day == "2026-11-21"


def test_a_till_has_one_open_shift(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        with pytest.raises(ShiftAlreadyOpen):
            till.do(open_shift, OpenShift(id=new_id()))
        till.another()
        till.close(cash=10_000)
        till.open()
        assert till.rows("SELECT count(*) FROM shift") == [(3,)]
        assert_holds(till.connection)


def test_opening_again_with_the_same_id_is_no_second_opening(tmp_path: Path) -> None:
    with open_till(tmp_path, shift=False) as till:
        command = OpenShift(id=new_id(), float_minor=500)
        first, again = till.do(open_shift, command), till.do(open_shift, command)
        assert (first.replayed, again.replayed) == (False, True)
        assert again.answer == first.answer
        with pytest.raises(IdConflict):
            till.do(open_shift, OpenShift(id=command.id, float_minor=501))
        with pytest.raises(WrongCurrency):
            till.do(open_shift, OpenShift(id=new_id(), currency="KRW"))


def test_cash_moves_in_and_out_but_never_more_than_there_is(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        till.sell("102", tenders=[("cash", 500)])
        till.move("pay_in", 2_000)
        till.move("pay_out", 350)
        till.move("drop", 12_000)
        assert [(move.kind, move.amount_minor, move.reason) for move in till.report().movements] == [
            ("pay_in", 2_000, "change"),
            ("pay_out", 350, "change"),
            ("drop", 12_000, "change"),
        ]
        assert expected(till) == {"cash": 0}
        till.who = caller("manager", till="T01", at_ms=till.who.now_ms)
        with pytest.raises(DrawerShort):
            till.move("drop", 1)
        assert_holds(till.connection)


def test_card_money_is_not_in_the_drawer(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        till.sell("102", tenders=[("card", 350)])
        till.who = caller("manager", till="T01", at_ms=till.who.now_ms)
        with pytest.raises(DrawerShort):
            till.move("pay_out", 10_001)
        till.move("pay_out", 10_000)


def test_a_cashier_cannot_ask_the_drawer_how_much_there_is(tmp_path: Path) -> None:
    """Each refusal would halve what she does not know; hers is written down instead, and the Z shows it."""
    with open_till(tmp_path) as till:
        moved = till.move("pay_out", 1_000_000)
        assert (moved.shift, moved.kind, moved.amount_minor) == (till.shift, "pay_out", 1_000_000)
        till.move("pay_in", 1_000_000)
        assert till.close(cash=10_000).variance_minor == 0
        assert_holds(till.connection)


def test_opening_and_moving_answer_the_same_for_ever(tmp_path: Path) -> None:
    with open_till(tmp_path, shift=False) as till:
        opening = OpenShift(id=new_id(), float_minor=500)
        opened = till.do(open_shift, opening)
        till.shift = opening.id
        move = MoveCash(id=new_id(), kind="pay_in", amount_minor=100, reason="change")
        moved = till.do(move_cash, till.shift, move)
        till.sell("102")
        till.move("pay_in", 7)
        till.close(cash=957)
        assert till.do(open_shift, opening) == Outcome(opened.answer, replayed=True)
        assert till.do(move_cash, till.shift, move) == Outcome(moved.answer, replayed=True)
        assert (opened.answer.sales, opened.answer.state, opened.answer.float_minor) == (0, "open", 500)


def test_a_movement_is_made_once_and_in_one_shift(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        assert till.shift is not None
        command = MoveCash(id=new_id(), kind="pay_in", amount_minor=100, reason="change")
        assert not till.do(move_cash, till.shift, command).replayed
        assert till.do(move_cash, till.shift, command).replayed
        other = till.another()
        assert other.shift is not None
        with pytest.raises(IdConflict):
            other.do(move_cash, other.shift, command)
        with pytest.raises(NotYourTill):
            till.do(move_cash, other.shift, MoveCash(id=new_id(), kind="pay_in", amount_minor=1, reason="change"))
        with pytest.raises(UnknownShift):
            till.do(move_cash, new_id(), MoveCash(id=new_id(), kind="pay_in", amount_minor=1, reason="change"))
        assert expected(till) == {"cash": 10_100}


def test_a_cashier_counts_blind(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        till.sell("102", tenders=[("card", 350)])
        assert expected(till, "cashier") == {"card": None, "cash": None}
        assert expected(till, "manager") == {"card": 350, "cash": 10_000}
        z = till.close(cash=9_950, card=350)
        assert expected(till, "cashier") == {"card": 350, "cash": 10_000}
        assert till.report("cashier") == till.report("manager") == z
        assert z.counts == [TenderCount("card", 350, 350, 0), TenderCount("cash", 10_000, 9_950, -50)]
        assert z.variance_minor == -50
        assert_holds(till.connection)


def test_a_blind_x_does_not_tell_the_cash_on_any_way(tmp_path: Path) -> None:
    """Whatever was sold for whatever cash: with the same counts and the same card payments, the X is the same."""
    seen = []
    for name, skus in [("a", ["100", "101"]), ("b", ["102", "103"])]:
        with open_till(tmp_path / name) as till:
            anna = till.enrol()
            first = till.sell(skus[0], member=anna)
            till.sell(skus[1])
            till.sell("104", tenders=[("card", 1990)])
            till.take_back(first, [(1, 1000)], [("cash", first.totals.due_minor)])
            till.void(till.sell(skus[1]))
            x = till.report("cashier")
            seen.append(msgspec.structs.replace(x, id=UUID(int=0)))
    assert seen[0] == seen[1]
    assert [(tender.kind, tender.taken_minor, tender.given_back_minor) for tender in seen[0].tenders] == [
        ("card", 1990, 0),
        ("cash", None, None),
    ]
    assert (seen[0].sales, seen[0].voids, seen[0].returns) == (4, 1, 1)


def test_a_cashier_sees_the_shifts_of_her_own_till(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        other = till.another()
        assert other.shift is not None
        for refused in (
            lambda: till.do(report_shift, other.shift),
            lambda: till.do(print_shift, other.shift, new_id()),
        ):
            with pytest.raises(NotYourTill):
                refused()
        other.close(cash=10_000)
        with pytest.raises(NotYourTill):
            till.do(report_shift, other.shift)
        assert till.shift is not None
        assert other.do(report_shift, till.shift).gross_minor == 0
        other.do(print_shift, till.shift, new_id())


def test_a_managers_x_on_paper_is_not_for_who_counts(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        assert till.shift is not None
        manager = caller("manager", till="T01", at_ms=till.who.now_ms)
        perform(till.connection, print_shift, till.shop, manager, till.shift, new_id())
        till.do(print_shift, till.shift, new_id())
        jobs = till.rows("SELECT kind, reference FROM print_job ORDER BY created_at, kind")
        [full, blind] = [(kind, UUID(bytes=reference)) for kind, reference in jobs]
        refuse_foreign_paper(till.connection, till.who, *blind)
        with pytest.raises(ManagersPaper):
            refuse_foreign_paper(till.connection, till.who, *full)
        refuse_foreign_paper(till.connection, manager, *full)
        other = caller("cashier", till="T02", at_ms=till.who.now_ms)
        with pytest.raises(NotYourTill):
            refuse_foreign_paper(till.connection, other, *blind)
        refuse_foreign_paper(till.connection, other, "receipt", new_id())


def test_a_clock_set_back_does_not_change_a_closed_shift(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        z, shift = till.close(cash=10_000), till.shift
        till.who = caller(at_ms=till.who.now_ms - 3_600_000)
        till.do(open_drawer, OpenDrawer(id=new_id(), reason="before the shift, says the clock"))
        till.open()
        till.who = caller(at_ms=NOW_MS + 500)
        till.do(open_drawer, OpenDrawer(id=new_id(), reason="within the first shift, says the clock"))
        assert till.report().drawer_openings == 1
        till.shift = shift
        assert till.report() == z
        assert [row[0] for row in till.rows("SELECT shift IS NULL FROM drawer_opening ORDER BY at")] == [1, 0]
        assert_holds(till.connection)


def test_z_reports_are_numbered_without_a_gap_on_each_till(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        other = till.another()
        numbers = []
        for _ in range(3):
            numbers.append(till.close(cash=10_000).z_number)
            till.open()
        assert numbers == [1, 2, 3]
        assert other.close(cash=10_000).z_number == 1
        assert_holds(till.connection)


def test_z_says_what_the_day_was(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = till.enrol()
        first = till.sell("101", "102", tenders=[("card", 609)], member=anna)
        voided = till.sell("102")
        till.void(voided)
        till.take_back(first, [(1, 1000)], [("card", 259)])
        till.exchange([(first, 2, 1000)], "100", refunds=[("card", 221)])
        till.do(open_drawer, OpenDrawer(id=new_id(), reason="change for the neighbour"))
        z = till.close(cash=10_000)
        assert (z.kind, z.state, z.z_number) == ("Z", "closed", 1)
        assert (z.sales, z.voids, z.returns, z.drawer_openings) == (3, 1, 2, 1)
        assert (z.gross_minor, z.discount_minor, z.net_minor, z.due_minor) == (1088, 0, 1088, 1088)
        assert (z.voided_minor, z.returned_minor) == (350, 609)
        assert [(tax.rate, tax.base_minor, tax.tax_minor) for tax in z.taxes] == [
            ("23", 0, 0),
            ("8", 0, 0),
            ("5", 123, 6),
        ]
        totals = {
            tender.kind: (tender.taken_minor, tender.given_back_minor, tender.expected_minor) for tender in z.tenders
        }
        assert totals == {"card": (609, 480, 129), "cash": (350, 350, 10_000)}
        assert (z.first_number, z.last_number) == ("S001-T01-000001", "S001-T01-000004")
        assert_holds(till.connection)


def test_the_numbers_of_a_shift_do_not_depend_on_who_made_the_ids(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        late, early = new_id(NOW_MS + DAY_MS), new_id(NOW_MS - DAY_MS)
        till.sell("100", id=late)
        sold = till.sell("100", id=early)
        till.take_back(sold, [(1, 1000)], [("cash", 129)])
        z = till.report()
        assert (z.first_number, z.last_number) == ("S001-T01-000001", "S001-T01-000003")


def test_closing_twice_answers_the_same_but_not_with_another_count(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        assert till.shift is not None
        till.sell("100", tenders=[("cash", 200)])
        first = till.do(close_shift, till.shift, CloseShift(counted={"cash": 10_129}))
        entries = till.entries()
        again = till.do(close_shift, till.shift, CloseShift(counted={"cash": 10_129}))
        assert (first.replayed, again.replayed) == (False, True)
        assert again.answer == first.answer
        with pytest.raises(ShiftClosedDifferently):
            till.do(close_shift, till.shift, CloseShift(counted={"cash": 10_128}))
        with pytest.raises(ShiftNotOpen):
            till.do(move_cash, till.shift, MoveCash(id=new_id(), kind="pay_in", amount_minor=1, reason="late"))
        assert till.entries() == entries
        with pytest.raises(NoOpenShift):
            till.do(current_shift)
        assert_holds(till.connection)


def test_what_happens_later_does_not_change_a_closed_shift(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        sold = till.sell("102", tenders=[("cash", 350)])
        z, shift = till.close(cash=10_350), till.shift
        till.open(0)
        till.sell("102")
        till.take_back(sold, [(1, 1000)], [("cash", 350)])
        now, till.shift = till.shift, shift
        assert till.report() == z
        till.shift = now
        assert expected(till) == {"cash": 0}
        assert_holds(till.connection)


def test_cash_must_be_counted(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        with pytest.raises(CashNotCounted):
            till.close(card=0)
        with pytest.raises(WrongCurrency):
            till.do(close_shift, till.shift, CloseShift(counted={"cash": 1}, currency="JPY"))  # type: ignore[arg-type]
        assert till.close(cash=0).variance_minor == -10_000
        assert_holds(till.connection)


def test_a_manager_closes_another_tills_shift_but_a_cashier_does_not(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        other = till.another()
        assert other.shift is not None
        with pytest.raises(NotYourTill):
            till.do(close_shift, other.shift, CloseShift(counted={"cash": 10_000}))
        with pytest.raises(UnknownShift):
            till.do(close_shift, new_id(), CloseShift(counted={"cash": 10_000}))
        assert till.shift is not None
        z = other.do(close_shift, till.shift, CloseShift(counted={"cash": 10_000})).answer
        assert (z.till, z.z_number, z.state) == ("T01", 1, "closed")
        assert_holds(till.connection)


def test_points_and_weights_do_not_disturb_the_drawer(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        till.sell(LineRequest(sku="104", quantity_milli=333), tenders=[("cash", 1_000)], member=till.enrol())
        assert expected(till) == {"cash": 10_663}
        assert till.report().points_earned == 6


@pytest.mark.parametrize("role", ["cashier", "manager"])
def test_the_drawer_opens_once_an_id_and_is_written_down(tmp_path: Path, role: Any) -> None:  # noqa: ANN401
    with open_till(tmp_path, shift=False) as till:
        command = OpenDrawer(id=new_id(), reason="change")
        till.who = caller(role)
        first, again = till.do(open_drawer, command), till.do(open_drawer, command)
        assert (first.replayed, again.replayed) == (False, True)
        assert again.answer == first.answer
        assert till.rows("SELECT till, reason FROM drawer_opening") == [(till.who.till, "change")]
        with pytest.raises(IdConflict):
            till.do(open_drawer, OpenDrawer(id=command.id, reason="other"))
        assert_holds(till.connection)


def test_the_drawer_may_need_approval(tmp_path: Path) -> None:
    with open_till(tmp_path, roles={"needs_approval": ["drawer"]}) as till:
        with pytest.raises(ApprovalNeeded):
            till.do(open_drawer, OpenDrawer(id=new_id(), reason="change"))
        till.do(open_drawer, OpenDrawer(id=new_id(), reason="change", approval=till.approve("drawer")))
        assert till.report().drawer_openings == 1
        [(content,)] = till.rows("SELECT content FROM journal WHERE kind = 'drawer.opened'")
        assert msgspec.json.decode(content)["body"]["approved_by"] == "mia"
