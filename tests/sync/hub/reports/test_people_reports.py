"""Golden figures of the reports about members: ten members in three months, worked out by hand.

        purchases (day, amount)                             days   visits  kept    on 2026-03-31
    A   01-05 10.00, 02-10 20.00, 03-28 30.00                  3      3    60.00
    B   01-20  5.00                                           70      1     5.00
    C   01-31  8.00, 03-30 12.00                               1      2    20.00
    D   02-14 40.00                                           45      1    40.00
    E   02-15  7.00, 02-20 7.00, 03-01 7.00, 03-31 7.00        0      4    28.00
    F   03-15 100.00                                          16      1   100.00
    G   03-15  9.00, 03-29 9.00                                2      2    18.00
    H   01-05  3.00, 01-06 3.00; on 03-01 3.00 came back      84      2     3.00
    I   02-28 15.00                                           31      1    15.00
    J   03-02 25.00, 03-20 25.00                              11      2    50.00

Ordered by days: E C | G A | J F | I D | B H, two for each score from 5 down to 1. Visits: B D F I have one (score 1),
four have two (4 of 10 have less: 1 + 20 // 10 = 3), A and E more (8 and 9 have less: 5). Money: H B | I G | C E | D J |
A F, from 1 up to 5.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.hub.reports.cohorts import report_lifetime_value, report_retention
from sync.hub.reports.journeys import Touch, report_attribution, report_channels, touches_of
from sync.hub.reports.purchases import Purchase, histories_of, merge_members
from sync.hub.reports.report import Asked
from sync.hub.reports.segments import judge_members, report_segments, score_down, score_up

PURCHASES = """
A 01-05 1000|A 02-10 2000|A 03-28 3000|B 01-20 500|C 01-31 800|C 03-30 1200|D 02-14 4000
E 02-15 700|E 02-20 700|E 03-01 700|E 03-31 700|F 03-15 10000|G 03-15 900|G 03-29 900
H 01-05 300|H 01-06 300|H 03-01 0 300|I 02-28 1500|J 03-02 2500|J 03-20 2500
"""
QUARTER = Asked(since="2026-01-01", until="2026-03-31", now_ms=0)


def purchases(currency: str = "EUR", text: str = PURCHASES) -> list[Purchase]:
    """The table above as rows."""
    rows = []
    for cell in text.strip().replace("\n", "|").split("|"):
        name, day, spent, *returned = cell.split()
        back = int(returned[0]) if returned else 0
        visits = 1 if int(spent) else 0
        at = 1_000 if visits else None
        rows.append(Purchase(name.encode(), f"2026-{day}", currency, "store", visits, int(spent), back, at))
    return rows


def test_scores_of_ten_members_are_those_worked_out_by_hand() -> None:
    standings = judge_members(histories_of(purchases()), "2026-03-31")
    scores = {
        name.decode(): f"{own.days_since_last} {own.visits} {own.kept_minor} {own.recency}{own.frequency}{own.money}"
        for (name, _), own in standings.items()
    }
    assert scores == {
        "A": "3 3 6000 455",
        "B": "70 1 500 111",
        "C": "1 2 2000 533",
        "D": "45 1 4000 214",
        "E": "0 4 2800 553",
        "F": "16 1 10000 315",
        "G": "2 2 1800 432",
        "H": "84 2 300 131",
        "I": "31 1 1500 212",
        "J": "11 2 5000 334",
    }


def test_segments_and_movement_are_those_worked_out_by_hand() -> None:
    """On 2026-02-28 seven members are known; by days I E | D | A C | B | H, and A, E, H have come twice."""
    report = report_segments(Asked(since="2026-02-28", until="2026-03-31", now_ms=0), purchases())
    segments = {row[2]: (row[7], row[8], row[9]) for row in report.rows if row[0] == "segment"}
    assert segments == {
        "champions": (2, 7, 8800),
        "promising": (2, 4, 3800),
        "loyal": (1, 2, 5000),
        "fading": (1, 1, 10000),
        "asleep": (3, 3, 6000),
        "at_risk": (1, 2, 300),
    }
    moves = {(row[3], row[2]): row[7] for row in report.rows if row[0] == "movement"}
    assert moves == {
        ("loyal", "champions"): 1,  # A
        ("promising", "champions"): 1,  # E
        ("asleep", "asleep"): 1,  # B
        ("fading", "promising"): 1,  # C
        ("new", "asleep"): 2,  # D, I
        ("none", "fading"): 1,  # F
        ("none", "promising"): 1,  # G
        ("none", "loyal"): 1,  # J
        ("at_risk", "at_risk"): 1,  # H
    }
    assert report.figures == {"members": 10, "moved": 8}
    grid = [row for row in report.rows if row[0] == "grid"]
    assert sum(int(row[7] or 0) for row in grid) == 10


def test_retention_by_month_is_that_worked_out_by_hand() -> None:
    report = report_retention(QUARTER, purchases())
    assert [row[:1] + row[2:] for row in report.rows] == [
        ("2026-01", 0, 4, 4, 1000, 5, 2900),
        ("2026-01", 1, 4, 1, 250, 1, 2000),
        ("2026-01", 2, 4, 2, 500, 2, 3900),
        ("2026-02", 0, 3, 3, 1000, 4, 6900),
        ("2026-02", 1, 3, 1, 333, 2, 1400),
        ("2026-03", 0, 3, 3, 1000, 5, 16800),
    ]


def test_lifetime_value_by_cohort_is_that_worked_out_by_hand() -> None:
    report = report_lifetime_value(QUARTER, purchases())
    assert [row[:1] + row[2:] for row in report.rows] == [
        ("2026-01", 4, 8, 9100, 300, 8800, 2200, 2000, 1),
        ("2026-02", 3, 6, 8300, 0, 8300, 2767, 2000, 2),
        ("2026-03", 3, 5, 16800, 0, 16800, 5600, 1667, 1),
    ]
    assert any(note.code == "historic_value" for note in report.notes)


def test_a_cohort_is_that_of_the_first_purchase_ever_not_of_the_first_in_the_span() -> None:
    march = Asked(since="2026-03-01", until="2026-03-31", now_ms=0)
    assert {row[0] for row in report_retention(march, purchases()).rows} == {"2026-03"}


def test_what_happens_after_the_last_day_is_not_known_on_it() -> None:
    january = Asked(since="2026-01-01", until="2026-01-31", now_ms=0)
    assert [row[3:] for row in report_retention(january, purchases()).rows] == [(4, 4, 1000, 5, 2900)]
    assert report_segments(january, purchases()).figures["members"] == 4
    assert [row[2:7] for row in report_lifetime_value(january, purchases()).rows] == [(4, 5, 2900, 0, 2900)]


def test_a_day_on_which_the_only_sale_was_voided_is_in_no_history() -> None:
    assert histories_of([Purchase(b"Z", "2026-01-05", "EUR", "store", 0, 0, 0, 1_000)]) == {}


def test_two_currencies_are_two_histories() -> None:
    both = purchases("EUR") + purchases("JPY")
    report = report_segments(QUARTER, both)
    assert report.figures["members"] == 20
    assert {row[1] for row in report.rows} == {"EUR", "JPY"}
    assert len(report_retention(QUARTER, both).rows) == 12


def test_a_year_without_a_purchase_is_gone() -> None:
    report = report_segments(Asked(since="2026-03-31", until="2027-03-30", now_ms=0), purchases())
    segments = {row[2] for row in report.rows if row[0] == "movement"}
    assert segments == {"gone", "new"}  # E came on the last day that still counts


def test_members_who_were_merged_have_one_history() -> None:
    merged = merge_members(purchases(), {b"C": b"B", b"B": b"A"})
    assert len(histories_of(merged)) == 8
    standing = judge_members(histories_of(merged), "2026-03-31")[b"A", "EUR"]
    assert (standing.visits, standing.kept_minor, standing.days_since_last) == (6, 8500, 1)


def test_equal_figures_get_equal_scores() -> None:
    assert [score_down(days, [2, 2, 9, 30, 200]) for days in (2, 2, 9, 30, 200)] == [5, 5, 3, 2, 1]
    assert [score_up(visits, [1, 1, 1, 3, 7]) for visits in (7, 1, 1, 1, 3)] == [5, 1, 1, 1, 4]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_scores_are_1_to_5_and_in_the_order_of_the_figures(values: list[int]) -> None:
    ordered = sorted(values)
    ups = [score_up(value, ordered) for value in ordered]
    assert ups == sorted(ups)
    assert ups[0] == 1
    assert set(ups) <= {1, 2, 3, 4, 5}
    assert [score_down(value, ordered) for value in ordered] == sorted(
        (score_down(value, ordered) for value in values), reverse=True
    )


DAY = 86_400_000


def bought(member: str, day: int, spent: int = 1000, channel: str = "store") -> Purchase:
    """A purchase on a day of January 1970, at its begin."""
    return Purchase(member.encode(), f"1970-01-{day + 1:02}", "EUR", channel, 1, spent, 0, day * DAY)


def touched(member: str, day: int, kind: str, source: str = "", channel: str = "store") -> Touch:
    """A touch on a day, one second before its purchases."""
    return Touch(member.encode(), day * DAY - 1000, kind, source, channel)


@pytest.mark.parametrize(
    ("touches", "first", "last"),
    [
        ([], "direct", "direct"),
        ([touched("A", 5, "enrolment")], "enrolment", "enrolment"),
        ([touched("A", 1, "enrolment"), touched("A", 9, "campaign", "SPRING")], "enrolment", "campaign"),
        ([touched("A", 9, "campaign", "SPRING"), touched("A", 1, "enrolment")], "enrolment", "campaign"),
        ([touched("A", 11, "coupon", "X")], "direct", "direct"),
        ([touched("A", 1, "enrolment"), touched("A", 11, "coupon", "X")], "enrolment", "enrolment"),
        ([touched("A", -25, "enrolment")], "enrolment", "direct"),
        ([touched("B", 5, "enrolment")], "direct", "direct"),
    ],
)
def test_a_purchase_is_credited_to_one_touch_by_each_model(touches: list[Touch], first: str, last: str) -> None:
    asked = Asked(since="1970-01-01", until="1970-01-31", now_ms=0)
    report = report_attribution(asked, [bought("A", 10)], touches)
    assert {row[0]: row[1] for row in report.rows} == {"first": first, "last": last}
    assert [row[5:] for row in report.rows] == [(1, 1, 1000)] * 2


def test_touches_of_a_merged_member_count_for_who_is_left() -> None:
    asked = Asked(since="1970-01-01", until="1970-01-31", now_ms=0)
    touches = touches_of([touched("B", 5, "enrolment")], {b"B": b"A"})
    assert {row[1] for row in report_attribution(asked, [bought("A", 10)], touches).rows} == {"enrolment"}


def test_channels_count_where_members_bought_and_where_they_were_met() -> None:
    rows = [bought("A", 1), bought("A", 2, 500, "web"), bought("B", 1, 700), bought("C", 3, 100)]
    report = report_channels(QUARTER, rows, [touched("B", 1, "coupon", "X", "kiosk")])
    assert report.rows == [
        (1, "store", "EUR", 1, 1, 100, 100),
        (2, "kiosk+store", "EUR", 1, 1, 700, 700),
        (2, "store+web", "EUR", 1, 2, 1500, 1500),
    ]
