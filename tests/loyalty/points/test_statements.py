"""The rules of spending and of returns as bank statements, and the complaints of other shops that they answer."""

import pytest

from loyalty.points.account import Account
from loyalty.points.decide import RedeemRules
from tests.loyalty.points.statement import check_statement, identity, instant


def incidents_of(account: Account) -> list[tuple[str, int]]:
    return [(incident.kind, incident.points) for incident in account.incidents]


def test_a_hold_reserves_points_pays_and_gives_back_what_it_did_not_need() -> None:
    check_statement("""
        2026-01-05 10:00 | earns 100 as S1        |                     | active 100
        2026-01-05 10:01 | holds 80 as H1, for 15m |                    | active 20, held 80
        2026-01-05 10:02 | holds 30 as H2, for 15m | insufficient_points | active 20, held 80
        2026-01-05 10:02 | holds 10 as H3, for 15m |                    | active 10, held 90
        2026-01-05 10:03 | pays 81 as S2 with H1  | points_above_hold   | active 10, held 90
        2026-01-05 10:03 | pays 70 as S2 with H1  |                     | active 20, held 10
        2026-01-05 10:04 | pays 70 as S3 with H1  | hold_captured       | active 20, held 10
        2026-01-05 10:04 | releases H1            | hold_captured       | active 20, held 10
        2026-01-05 10:05 | releases H3            |                     | active 30
        2026-01-05 10:05 | releases H3            |                     | active 30
        2026-01-05 10:06 | pays 10 as S4 with H3  | hold_released       | active 30
        2026-01-05 10:06 | pays 10 as S5 with H9  | hold_not_found      | active 30
    """)


def test_a_lapsed_hold_still_pays_while_its_points_are_free() -> None:
    check_statement("""
        2026-01-05 10:00 | earns 100 as S1         |             | active 100
        2026-01-05 10:01 | holds 80 as H1, for 15m |             | active 20, held 80
        2026-01-05 10:15 | looks                   |             | active 20, held 80
        2026-01-05 10:16 | looks                   |             | active 100
        2026-01-05 10:20 | pays 80 as S2 with H1   |             | active 20
        2026-01-05 10:21 | pays 20 as S3 with H1   | hold_captured | active 20
    """)
    check_statement("""
        2026-01-05 10:00 | earns 100 as S1         |             | active 100
        2026-01-05 10:01 | holds 80 as H1, for 3m  |             | active 20, held 80
        2026-01-05 10:10 | pays 50 as S2           |             | active 50
        2026-01-05 10:11 | pays 80 as S3 with H1   | hold_lapsed | active 50
        2026-01-05 10:12 | releases H1             |             | active 50
    """)


def test_a_lapsed_hold_that_paid_without_being_asked_makes_what_is_missing_a_debt() -> None:
    account = check_statement("""
        2026-01-05 10:00 | earns 100 as S1         | | active 100
        2026-01-05 10:01 | holds 80 as H1, for 3m  | | active 20, held 80
        2026-01-05 10:10 | pays 50 as S2           | | active 50
        2026-01-05 10:11 | owes 80 as S3 with H1   | | debt 30
        2026-01-05 10:12 | owes 10 as S4 with H1   | | debt 40
    """)
    assert incidents_of(account) == [("overspend", 30), ("hold_reused", 10), ("overspend", 10)]


def test_refusals_come_in_the_order_in_which_they_must_be_mended() -> None:
    check_statement(
        """
        2026-01-05 | earns 95 as S1 |                      | active 95
        2026-01-05 | pays 0 as S2   | nothing_to_spend     | active 95
        2026-01-05 | pays 7 as S2   | points_below_minimum | active 95
        2026-01-05 | pays 55 as S2  | points_not_a_step    | active 95
        2026-01-05 | pays 200 as S2 | points_above_share   | active 95
        2026-01-05 | pays 100 as S2 | insufficient_points  | active 95
        2026-01-05 | pays 90 as S2  |                      | active 5
        2026-01-06 | takes back 95 of S1 |                 | debt 90
        2026-01-06 | pays 7 as S3   | points_owed          | debt 90
    """,
        RedeemRules(min_points=50, step=10, max_points=150),
    )


def test_the_lot_that_ends_soonest_is_spent_first_and_endless_ones_last() -> None:
    account = check_statement("""
        2026-01-01 | earns 10 as NEVER                     | | active 10
        2026-01-02 | earns 10 as LATE, until 2026-12-31    | | active 20
        2026-01-03 | earns 10 as SOON, until 2026-06-30    | | active 30
        2026-01-04 | earns 10 as ALSO, until 2026-06-30    | | active 40
        2026-01-05 | pays 25 as S1                         | | active 15
    """)
    free = {lot.id.op_id.strip(b".").decode(): lot.free for lot in account.lots.values()}
    assert free == {"SOON": 0, "ALSO": 0, "LATE": 5, "NEVER": 10}
    assert account.balance.expiring == ((5, instant("2026-12-31")),)


def test_pending_points_cannot_be_spent_and_become_active_by_themselves() -> None:
    check_statement("""
        2026-01-01 | earns 50 as S1, from 2026-01-15, until 2026-02-01 |                     | pending 50
        2026-01-14 | pays 10 as S2                                     | insufficient_points | pending 50
        2026-01-15 | pays 10 as S2                                     |                     | active 40
        2026-02-01 | looks                                             |                     | nothing
    """)


def test_points_on_hold_do_not_end_while_they_are_held() -> None:
    check_statement("""
        2026-01-31 23:50 | earns 100 as S1, until 2026-02-01 | | active 100
        2026-01-31 23:55 | holds 80 as H1, for 15m           | | active 20, held 80
        2026-02-01 00:05 | looks                             | | held 80
        2026-02-01 00:06 | pays 50 as S2 with H1             | | nothing
    """)


# Where a claw-back comes from: what remains, then what has ended, then what was spent (loyalty.md 4.6).


def test_a_return_takes_what_remains_of_its_own_lot_first() -> None:
    account = check_statement("""
        2026-01-01 | earns 100 (1:60 2:40) as S1 | | active 100
        2026-01-02 | earns 100 as S2             | | active 200
        2026-01-03 | pays 50 as S3               | | active 150
        2026-01-04 | takes back 40 (2:40) of S1  | | active 110
    """)
    assert [lot.free for lot in account.lots.values()] == [10, 100]


def test_a_return_takes_pending_points() -> None:
    check_statement("""
        2026-01-01 | earns 100 as S1, from 2026-01-15 | | pending 100
        2026-01-04 | takes back 30 of S1              | | pending 70
        2026-01-15 | looks                            | | active 70
    """)


def test_points_that_have_ended_are_already_gone_and_only_spent_ones_are_owed() -> None:
    check_statement("""
        2026-01-01 | earns 100 as S1, until 2026-02-01 | | active 100
        2026-01-02 | pays 40 as S2                     | | active 60
        2026-02-01 | looks                             | | nothing
        2026-02-02 | takes back 60 of S1               | | nothing
        2026-02-03 | takes back 40 of S1               | | debt 40
    """)


def test_points_on_hold_are_owed_until_the_hold_is_released() -> None:
    check_statement("""
        2026-01-01 10:00 | earns 100 as S1         |             | active 100
        2026-01-01 10:01 | holds 80 as H1, for 15m |             | active 20, held 80
        2026-01-01 10:02 | takes back 100 of S1    |             | held 80, debt 80
        2026-01-01 10:03 | pays 80 as S2 with H1   | points_owed | held 80, debt 80
        2026-01-01 10:04 | releases H1             |             | nothing
    """)
    check_statement("""
        2026-01-31 23:50 | earns 100 as S1, until 2026-02-01 | | active 100
        2026-01-31 23:55 | holds 80 as H1, for 15m           | | active 20, held 80
        2026-01-31 23:56 | takes back 100 of S1              | | held 80, debt 80
        2026-02-01 00:10 | looks                             | | nothing
    """)


def test_the_worked_table_of_claw_backs_holds() -> None:
    account = check_statement("""
        2026-01-31 23:50 | earns 100 as S1, until 2026-02-01 | | active 100
        2026-01-31 23:51 | pays 30 as S2                     | | active 70
        2026-01-31 23:52 | holds 20 as H1, for 30m           | | active 50, held 20
        2026-01-31 23:53 | takes back 35 of S1               | | active 15, held 20
        2026-02-01 00:00 | looks                             | | held 20
        2026-02-01 00:01 | takes back 40 of S1               | | held 20, debt 25
        2026-02-01 00:02 | releases H1                       | | debt 5
    """)
    assert [(lot.gone, lot.expired) for lot in account.lots.values()] == [(15, 15)]


def test_debt_is_settled_before_anything_becomes_spendable() -> None:
    check_statement("""
        2026-01-01 | earns 100 as S1                       | | active 100
        2026-01-02 | pays 100 as S2                        | | nothing
        2026-01-03 | takes back 100 of S1                  | | debt 100
        2026-01-04 | earns 50 as S3, from 2026-01-10       | | pending 50, debt 100
        2026-01-10 | looks                                 | | debt 50
        2026-01-11 | earns 80 as S4                        | | active 30
    """)


def test_debt_takes_other_points_at_once() -> None:
    check_statement("""
        2026-01-01 | earns 100 as S1, until 2026-03-01 | | active 100
        2026-01-02 | pays 100 as S2                    | | nothing
        2026-01-03 | earns 30 as S3                    | | active 30
        2026-01-04 | takes back 100 of S1              | | debt 70
    """)


# Redeemed points come back (loyalty.md 4.6).


def test_redeemed_points_return_to_their_lots_with_the_end_they_had() -> None:
    account = check_statement("""
        2026-01-01 | earns 30 as A, until 2026-06-01                | | active 30
        2026-01-01 | earns 30 as B, until 2026-09-01                | | active 60
        2026-01-02 | pays 50 (1:20 2:30) as S1                      | | active 10
        2026-01-03 | gives back 30 (2:30) of S1, keep 2026-01-18    | | active 40
        2026-01-04 | gives back 20 (1:20) of S1, keep 2026-01-19    | | active 60
        2026-06-01 | looks                                          | | active 30
    """)
    assert len(account.lots) == 2


def test_points_of_a_lot_that_has_ended_or_soon_does_come_back_for_the_grace() -> None:
    account = check_statement("""
        2026-01-01 | earns 30 as A, until 2026-01-10                | | active 30
        2026-01-01 | earns 30 as B, until 2026-09-01                | | active 60
        2026-01-02 | pays 50 as S1                                  | | active 10
        2026-01-12 | gives back 40 of S1, keep 2026-01-27           | | active 50
        2026-01-13 | gives back 10 of S1, keep 2026-01-28           | | active 60
        2026-01-27 | looks                                          | | active 30
        2026-01-28 | looks                                          | | active 30
    """)
    assert sorted((lot.id.restored, lot.points) for lot in account.lots.values()) == [
        (0, 30),
        (0, 30),
        (instant("2026-01-27"), 30),
    ]


def test_restored_points_are_still_those_of_the_first_sale_when_that_is_returned() -> None:
    check_statement("""
        2026-01-01 | earns 100 as S1, until 2026-01-10         | | active 100
        2026-01-02 | pays 60 as S2                             | | active 40
        2026-01-12 | gives back 60 of S2, keep 2026-01-27      | | active 60
        2026-01-13 | takes back 100 of S1                      | | nothing
    """)


def test_points_that_come_back_settle_what_is_owed() -> None:
    check_statement("""
        2026-01-05 10:00 | earns 100 as S1, until 2026-03-31         | | active 100
        2026-01-06 10:00 | holds 80 as H1, for 15m                   | | active 20, held 80
        2026-01-06 10:01 | pays 80 as S2 with H1                     | | active 20
        2026-01-07 10:00 | takes back 100 of S1                      | | debt 80
        2026-01-09 10:00 | earns 50 as S3                            | | debt 30
        2026-01-09 11:00 | gives back 80 of S2, keep 2026-01-24      | | active 50
    """)


def test_points_spent_without_being_there_are_owed_and_reported_and_come_back_as_such() -> None:
    account = check_statement("""
        2026-01-01 | earns 60 as S1                         | | active 60
        2026-01-02 | owes 100 as S2                         | | debt 40
        2026-01-03 | gives back 70 of S2, keep 2026-01-20   | | active 30
        2026-01-04 | gives back 30 of S2, keep 2026-01-20   | | active 60
        2026-01-05 | gives back 30 of S2, keep 2026-01-20   | | active 60
    """)
    assert incidents_of(account) == [("overspend", 40), ("restored_too_much", 30)]


# By hand, between members, and two accounts that are one.


def test_adjustments_need_a_reason_and_a_role_and_never_make_debt() -> None:
    check_statement("""
        2026-01-01 | adjusts 50 because birthday, until 2026-02-01 |                        | active 50
        2026-01-01 | adjusts 50                                    | adjustment_unexplained | active 50
        2026-01-01 | adjusts 1001 because typing                   | adjustment_forbidden   | active 50
        2026-01-01 | adjusts -51 because mistake                   | insufficient_points    | active 50
        2026-01-01 | adjusts -20 because mistake                   |                        | active 30
        2026-02-01 | looks                                         |                        | nothing
    """)


def test_a_transfer_takes_from_one_and_gives_to_the_other() -> None:
    check_statement("""
        2026-01-01 | BEA: earns 50 as S1                    | | active 50
        2026-01-02 | BEA: sends 30                          | | active 20
        2026-01-02 | receives 30, until 2026-06-01          | | active 30
        2026-06-01 | looks                                  | | nothing
    """)


def test_a_merge_adds_two_accounts_from_its_day_on_and_changes_nothing_before() -> None:
    account = check_statement("""
        2026-01-01 | earns 100 as S1                          | | active 100
        2026-01-02 | BEA: earns 50 as S2, until 2026-02-01    | | active 50
        2026-01-03 | pays 100 as S3                           | | nothing
        2026-01-04 | takes back 80 of S1                      | | debt 80
        2026-02-01 | BEA: earns 100 as S4                     | | active 100
        2026-03-01 | joins BEA                                | | active 20
        2026-03-02 | BEA: earns 5 as S5                       | | active 25
        2026-03-02 | looks                                    | | active 25
        2026-03-03 | takes back 100 of S4                     | | debt 75
    """)
    assert {lot.id.member for lot in account.lots.values()} == {identity("ANA"), identity("BEA")}


# Late, doubled and reordered.


def test_a_late_posting_counts_in_its_own_place() -> None:
    check_statement("""
        2026-01-05 | earns 100 as S1                   | | active 100
        2026-01-07 | pays 80 as S3                     | | active 20
        2026-01-06 | earns 50 as S2, until 2026-01-08  | | active 70
        2026-01-08 | looks                             | | active 70
    """)


def test_a_posting_that_arrives_twice_counts_once() -> None:
    check_statement("""
        2026-01-05 | earns 100 as S1   | | active 100
        2026-01-05 | again 1           | | active 100
        2026-01-06 | pays 60 as S2     | | active 40
        2026-01-07 | again 3           | | active 40
    """)


def test_a_return_that_arrives_before_its_sale_waits_for_it() -> None:
    account = check_statement("""
        2026-01-06 | takes back 30 of S1 | | nothing
        2026-01-07 | earns 10 as S2      | | active 10
        2026-01-05 | earns 100 as S1     | | active 80
    """)
    assert account.waiting == ()
    account = check_statement("2026-01-06 | takes back 30 of S1 | | nothing")
    assert len(account.waiting) == 1


def test_a_return_that_even_sorts_before_its_sale_takes_the_points_when_they_come() -> None:
    check_statement("""
        2026-01-06 10:00 | takes back 30 of S1                    | | nothing
        2026-01-06 10:01 | gives back 20 of S2, keep 2026-02-01   | | nothing
        2026-01-06 10:05 | earns 100 as S1                        | | active 70
        2026-01-06 10:06 | owes 50 as S2                          | | active 40
    """)


@pytest.mark.parametrize("ender", ["releases H1", "owes 80 as S2 with H1"])
def test_a_hold_that_ends_before_it_begins_reserves_nothing(ender: str) -> None:
    late_hold = """
        2026-01-06 09:00 | earns 100 as S1         | | active 100
        2026-01-06 10:01 | holds 80 as H1, for 15m | | active 20, held 80
    """
    check_statement(late_hold + f"2026-01-06 10:00 | {ender} | | {'active 100' if 'rel' in ender else 'active 20'}")


def test_a_clock_set_back_a_year_gives_nobody_points_twice() -> None:
    account = check_statement("""
        2026-01-05 | earns 100 as S1  |                     | active 100
        2026-01-06 | pays 100 as S2   |                     | nothing
        2025-01-06 | pays 100 as S3   | insufficient_points | nothing
    """)
    assert account.active == 0


# What breaks elsewhere (the threads are public).


def test_buying_and_returning_again_and_again_makes_no_points() -> None:
    """odoo#257854, #238806, erpnext#32951, opensourcepos#4359: the refund left the points."""
    check_statement("""
        2026-01-01 10:00 | earns 100 as S1        | | active 100
        2026-01-01 10:01 | takes back 100 of S1   | | nothing
        2026-01-01 10:02 | earns 100 as S2        | | active 100
        2026-01-01 10:03 | pays 100 as S3         | | nothing
        2026-01-01 10:04 | takes back 100 of S2   | | debt 100
        2026-01-01 10:05 | earns 100 as S4        | | nothing
        2026-01-01 10:06 | takes back 100 of S4   | | debt 100
    """)


def test_a_refund_does_not_take_the_points_a_second_time() -> None:
    """odoo#212922, #221928: points were taken again when the refund was booked again."""
    account = check_statement("""
        2026-01-01 10:00 | earns 100 (1:100) as S1        | | active 100
        2026-01-01 10:01 | earns 100 as S2                | | active 200
        2026-01-01 10:02 | takes back 100 (1:100) of S1   | | active 100
        2026-01-01 10:02 | again 3                        | | active 100
        2026-01-01 10:03 | takes back 100 (1:100) of S1   | | active 100
    """)
    assert incidents_of(account) == [("clawed_too_much", 100)]


def test_a_basket_set_aside_and_cancelled_loses_no_points() -> None:
    """opensourcepos#4579: suspend, then cancel, and the points are gone."""
    check_statement("""
        2026-01-01 10:00 | earns 100 as S1         | | active 100
        2026-01-01 10:01 | holds 60 as H1, for 15m | | active 40, held 60
        2026-01-01 10:05 | releases H1             | | active 100
        2026-01-01 10:06 | holds 60 as H2, for 15m | | active 40, held 60
        2026-01-01 11:00 | looks                   | | active 100
    """)


def test_a_void_is_the_mirror_of_the_sale() -> None:
    """FloCafe#720: voided items earned."""
    check_statement("""
        2026-01-01 10:00 | earns 100 as S1         | | active 100
        2026-01-01 10:01 | pays 60 as S2           | | active 40
        2026-01-01 10:01 | earns 9 as S3           | | active 49
        2026-01-01 10:05 | takes back 9 of S3      | | active 40
        2026-01-01 10:05 | gives back 60 of S2     | | active 100
    """)


def test_points_earned_by_one_kind_of_document_are_not_redeemed_for_ever_on_another() -> None:
    """erpnext#59050, POS-Awesome-V15#3059: each place kept its own idea of what was spent."""
    check_statement("""
        2026-01-01 | earns 100 as INVOICE |                     | active 100
        2026-01-02 | pays 100 as TILL     |                     | nothing
        2026-01-03 | pays 100 as WEB      | insufficient_points | nothing
    """)


def test_an_offline_retry_does_not_double_points_and_two_tills_spend_them_once() -> None:
    """OCA/pos#185: the retry booked them twice. Two shops that cannot see each other make debt, not points."""
    account = check_statement("""
        2026-01-01 10:00 | earns 100 as S1     | | active 100
        2026-01-01 10:00 | again 1             | | active 100
        2026-01-01 10:05 | owes 80 as TILL1    | | active 20
        2026-01-01 10:05 | owes 80 as TILL2    | | debt 60
        2026-01-01 10:05 | again 4             | | debt 60
    """)
    assert incidents_of(account) == [("overspend", 60)]


def test_old_debits_stay_with_the_lots_they_took_from_when_those_end() -> None:
    """FloCafe#78: expired credits dropped out, their old debits stayed, and the balance collapsed."""
    check_statement("""
        2026-01-01 | earns 100 as S1, until 2026-02-01 | | active 100
        2026-01-10 | pays 90 as S2                     | | active 10
        2026-01-20 | earns 50 as S3, until 2026-12-31  | | active 60
        2026-02-01 | looks                             | | active 50
        2026-02-02 | looks                             | | active 50
    """)


def test_every_lot_ends_on_its_own_day_whatever_it_is_called() -> None:
    """ecommerce-laravel#1056: expiry went by label and missed lots."""
    check_statement("""
        2026-01-01 | earns 10 as S1, until 2026-02-01                  | | active 10
        2026-01-01 | adjusts 20 because welcome, until 2026-02-01      | | active 30
        2026-01-01 | receives 40, until 2026-02-01                     | | active 70
        2026-01-01 | earns 80 as S2, until 2026-03-01                  | | active 150
        2026-02-01 | looks                                             | | active 80
        2026-03-01 | looks                                             | | nothing
    """)
