"""Reports about shops, offers, points and risk: figures, what leaves for the books, and what the pictures say."""

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.config import load_config
from kiosk.sales.numbering import shift_number
from loyalty.exposure import OfflinePolicy, worst_case_minor
from loyalty.transactions import Tx
from sync.hub.reports.accounting import COLUMNS, BooksUnbalanced, DaySums, book_day, rows_of
from sync.hub.reports.book_rows import read_day_entries, read_days
from sync.hub.reports.catalogue import BUILDERS, UnknownReport, build_report
from sync.hub.reports.charts import charts_of
from sync.hub.reports.days import WrongDays, check_days
from sync.hub.reports.exposure import Risk, StoreRow, report_exposure
from sync.hub.reports.liability import EndedSum, LotSum, PointValue, report_liability
from sync.hub.reports.member_rows import read_ended, read_lots
from sync.hub.reports.offers import OfferMember, OfferSums, measure, report_offers
from sync.hub.reports.poslog import NAMESPACE, write_poslog
from sync.hub.reports.purchases import Purchase
from sync.hub.reports.report import Asked, Report, as_csv, as_items
from sync.hub.reports.shop_reports import report_sales, report_taxes, z_text
from sync.hub.reports.svg import Bars, Intervals, Shades, draw, number_text, ticks
from tests.kiosk.history import tell_everything
from tests.kiosk.shopkit import NOW_MS, open_shop
from tests.sync.hub.reports.office import OTHER, STORE, Office

DAY = "2026-11-21"
DAY_MS = 86_400_000
EUR = PointValue(currency="EUR", minor=1, points=2)
RISK = Risk(10_000, 300_000, EUR)
ASKED = Asked(since="2026-11-01", until="2026-11-30", now_ms=NOW_MS + 3_600_000)
ACCOUNTS = load_config().hub.accounts.by_name()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    """The journal of a shop in which everything happened once."""
    connection, opened = open_shop(tmp_path_factory.mktemp("shop"))
    tell_everything(connection, opened)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def office(shop: Tx) -> Office:
    """Head office that has applied all of it."""
    opened = Office()
    opened.take(shop)
    opened.join(STORE, "S001", last_contact=NOW_MS)
    return opened


# -- every report ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILDERS)
def test_a_report_says_the_same_as_json_and_as_csv(office: Office, name: str) -> None:
    report = build_report(office.tx, name, ASKED, RISK)
    items = as_items(report)
    told = list(csv.DictReader(io.StringIO(as_csv(report).decode())))
    assert [list(item) for item in told] == [list(report.columns)] * len(items)
    for item, line in zip(items, told, strict=True):
        assert {name: "" if value is None else str(value) for name, value in item.items()} == line
    assert report.name == name
    assert all(note.code and note.text.endswith(".") for note in report.notes)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_report_of_a_chain_without_any_sale_is_empty_and_whole(name: str) -> None:
    report = build_report(Office().tx, name, ASKED, RISK)
    assert report.rows == [] or not list(report.rows)
    assert charts_of(report) == ()


@pytest.mark.parametrize("name", BUILDERS)
def test_the_pictures_of_a_report_can_be_parsed_and_are_named(office: Office, name: str) -> None:
    for picture in charts_of(build_report(office.tx, name, ASKED, RISK)):
        root = ET.fromstring(picture.svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert "style" not in picture.svg
        assert "script" not in picture.svg


def test_a_report_of_one_store_leaves_the_others_out(shop: Tx) -> None:
    both = Office()
    both.take(shop, STORE)
    for row in shop.execute("SELECT epoch, seq, hash, content FROM journal ORDER BY rowid").fetchall()[:40]:
        both.apply([both.hold(OTHER, *row)])
    one = Asked(since=ASKED.since, until=ASKED.until, now_ms=ASKED.now_ms, store=STORE.bytes)
    all_of_them = build_report(both.tx, "sales", ASKED, RISK).figures["due_minor"]
    alone = build_report(both.tx, "sales", one, RISK).figures["due_minor"]
    other = Asked(since=ASKED.since, until=ASKED.until, now_ms=ASKED.now_ms, store=OTHER.bytes)
    rest = build_report(both.tx, "sales", other, RISK).figures["due_minor"]
    assert isinstance(alone, int)
    assert isinstance(rest, int)
    assert 0 < rest < alone
    assert all_of_them == alone + rest


def test_an_unknown_report_is_refused() -> None:
    with pytest.raises(UnknownReport):
        build_report(Office().tx, "gossip", ASKED, RISK)


def test_money_of_two_currencies_is_never_added_up() -> None:
    rows = [("2026-11-21", 9, currency, *(1,) * 15) for currency in ("EUR", "JPY")]
    figures = report_sales(ASKED, rows).figures
    assert figures["sales"] == 2
    assert "due_minor" not in figures


@pytest.mark.parametrize(
    ("since", "until", "answer"),
    [
        (None, None, ("2026-10-25", "2026-11-21")),
        (None, "2026-03-01", ("2026-02-02", "2026-03-01")),
        ("2026-11-20", None, ("2026-11-20", "2026-11-21")),
        ("2026-11-22", "2026-11-21", None),
        ("2020-01-01", "2026-11-21", None),
        ("2026-02-30", "2026-11-21", None),
    ],
)
def test_days_are_checked(since: str | None, until: str | None, answer: tuple[str, str] | None) -> None:
    if answer is None:
        with pytest.raises(WrongDays):
            check_days(since, until, NOW_MS)
    else:
        assert check_days(since, until, NOW_MS) == answer


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    report = Report(name="x", since=DAY, until=DAY, columns=("name", "n"), rows=[("=1+1", -5), ("@x", None), ("ok", 1)])
    assert as_csv(report) == b"name,n\r\n'=1+1,-5\r\n'@x,\r\nok,1\r\n"


@pytest.mark.parametrize("series", [1, 2, 26, 27, 28, 700])
def test_z_numbers_are_those_on_the_paper(series: int) -> None:
    assert z_text("T01", series, 7) == shift_number("T01", series, 7)


# -- offers ------------------------------------------------------------------------------------------------------------


def test_lift_is_the_difference_of_changes_worked_out_by_hand() -> None:
    """A and B used it on 03-01. A spent 1000 before and 1600 after, B nothing and 400: changes 600, 400. C and D were
    handed it and did not: C 500 and 600, D 300 and nothing: changes 100, -300. The purchases of the day itself and what
    lies beyond 28 days do not count. lift = 500 - (-100) = 600.

    Variance: of the used (100**2 + 100**2) / 1 = 20000, of the compared (200**2 + 200**2) / 1 = 80000; the spread is
    10000 + 40000 = 50000, its root 223.6, 1.96 of it 438.26 (cut): from 161.74 to 1038.26, in whole units.
    """
    rows = [
        Purchase(member.encode(), day, "EUR", "store", 1, spent, 0, 1)
        for member, day, spent in (
            *(("A", "2026-02-10", 1000), ("A", "2026-03-01", 9000), ("A", "2026-03-20", 1600)),
            *(("B", "2026-01-31", 7000), ("B", "2026-03-01", 100), ("B", "2026-03-29", 400)),
            *(("B", "2026-03-30", 5000), ("C", "2026-02-20", 500), ("C", "2026-03-02", 600), ("D", "2026-02-02", 300)),
        )
    ]
    first = "2026-03-01"
    holders = [OfferMember(name.encode(), "X", "EUR", first, first) for name in "AB"]
    holders += [OfferMember(name.encode(), "X", "EUR", first, None) for name in "CD"]
    asked = Asked(since="2026-03-01", until="2026-04-30", now_ms=0)
    report = report_offers(asked, [OfferSums("X", "EUR", 2, 2, 50, 0, 0, 4, 2, 0)], holders, rows)
    (item,) = as_items(report)
    assert item["compared_with"] == "holders"
    assert (item["used_members"], item["compared_members"]) == (2, 2)
    assert (item["used_change_minor"], item["compared_change_minor"], item["lift_minor"]) == (500, -100, 600)
    assert (item["lift_low_minor"], item["lift_high_minor"]) == (162, 1038)
    assert (item["coupons_used_permille"], item["few"]) == (500, 1)
    assert "not_randomised" in {note.code for note in report.notes}


def test_members_whose_window_is_not_over_are_in_no_group() -> None:
    holders = [OfferMember(b"A", "X", "EUR", None, "2026-03-20"), OfferMember(b"C", "X", "EUR", "2026-03-20", None)]
    asked = Asked(since="2026-03-01", until="2026-04-16", now_ms=0)
    report = report_offers(asked, [OfferSums("X", "EUR", 1, 1, 0, 0, 0, 1, 0, 0)], holders, [])
    (item,) = as_items(report)
    assert (item["used_members"], item["compared_members"], item["lift_minor"]) == (0, 0, None)


def test_an_offer_for_everybody_is_compared_with_those_who_bought_without_it() -> None:
    rows = [Purchase(name, "2026-03-02", "EUR", "store", 1, 100, 0, 1) for name in (b"A", b"B")]
    asked = Asked(since="2026-03-01", until="2026-04-30", now_ms=0)
    holders = [OfferMember(b"A", "X", "EUR", None, "2026-03-02")]
    (item,) = as_items(report_offers(asked, [OfferSums("X", "EUR", 1, 1, 9, 0, 0, 0, 0, 0)], holders, rows))
    assert (item["compared_with"], item["used_members"], item["compared_members"]) == ("buyers", 1, 1)
    assert (item["lift_minor"], item["lift_low_minor"]) == (0, None)


@given(st.lists(st.integers(-9_000, 9_000), min_size=2, max_size=20), st.integers(-500, 500))
def test_groups_that_differ_by_a_constant_have_that_lift(changes: list[int], more: int) -> None:
    lift = measure([change + more for change in changes], changes)
    assert lift.lift == more
    assert lift.low is not None
    assert lift.high is not None
    assert lift.low <= more <= lift.high


# -- points and risk ---------------------------------------------------------------------------------------------------


def test_points_are_sorted_by_age_and_by_what_is_left_of_their_time() -> None:
    today = NOW_MS // DAY_MS
    lots = [
        LotSum(began=today - 10, ends=today + 20, lots=2, free=100, held=20, pending=0),
        LotSum(began=today - 100, ends=None, lots=1, free=50, held=0, pending=0),
        LotSum(began=today + 5, ends=today + 400, lots=1, free=30, held=0, pending=30),
        LotSum(began=today - 400, ends=today + 90, lots=1, free=7, held=0, pending=0),
    ]
    asked = Asked(since=DAY, until=DAY, now_ms=NOW_MS)
    report = report_liability(asked, lots, EndedSum(points=400, unused=100), debt=60, value=EUR)
    assert [row[:6] for row in report.rows] == [
        ("age", "pending", 1, 30, 30, 0),
        ("age", "0-30", 2, 120, 0, 20),
        ("age", "91-180", 1, 50, 0, 0),
        ("age", "over 365", 1, 7, 0, 0),
        ("ends", "within 30", 2, 120, 0, 20),
        ("ends", "31-90", 1, 7, 0, 0),
        ("ends", "over 365", 1, 30, 30, 0),
        ("ends", "never", 1, 50, 0, 0),
    ]
    assert report.figures == {
        "outstanding_points": 207,
        "pending_points": 30,
        "held_points": 20,
        "debt_points": 60,
        "ended_points": 400,
        "ended_unused_points": 100,
        "observed_breakage_permille": 250,
        "currency": "EUR",
        "value_minor": 103,
        "value_after_observed_breakage_minor": 77,
    }


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(0, "0-30"), (30, "0-30"), (31, "31-90"), (90, "31-90"), (180, "91-180"), (365, "181-365"), (366, "over 365")],
)
def test_the_last_day_of_a_bucket_belongs_to_it(days: int, bucket: str) -> None:
    today = NOW_MS // DAY_MS
    old = LotSum(began=today - days, ends=None, lots=1, free=1, held=0, pending=0)
    ending = LotSum(began=today, ends=today + days, lots=1, free=1, held=0, pending=0)
    asked = Asked(since=DAY, until=DAY, now_ms=NOW_MS)
    ages = [row[1] for row in report_liability(asked, [old], EndedSum(0, 0), 0, EUR).rows if row[0] == "age"]
    ends = [row[1] for row in report_liability(asked, [ending], EndedSum(0, 0), 0, EUR).rows if row[0] == "ends"]
    assert ages == [bucket]
    assert ends == [bucket.replace("0-30", "within 30")]


def test_without_a_value_nothing_is_told_in_money() -> None:
    report = report_liability(ASKED, [], EndedSum(0, 0), 0, PointValue())
    assert "value_minor" not in report.figures
    assert "no_point_value" in {note.code for note in report.notes}


def test_lots_that_ended_are_no_liability_but_breakage() -> None:
    office = Office()
    for n, (begins, ends, free, held, used, expired) in enumerate(
        [
            (NOW_MS - DAY_MS, None, 10, 0, 5, 0),
            (NOW_MS - DAY_MS, NOW_MS + 1, 20, 3, 0, 0),
            (NOW_MS - 9 * DAY_MS, NOW_MS, 40, 0, 60, 0),  # nobody looked at the account since it ended
            (NOW_MS - 9 * DAY_MS, NOW_MS - DAY_MS, 0, 0, 10, 90),
            (NOW_MS + 1, None, 8, 0, 0, 0),
        ],
        start=1,
    ):
        points = free + held + used + expired
        office.tx.execute(
            "INSERT INTO points_lot VALUES (x'01', x'02', ?, x'01', 0, 'earn', ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0,"
            " '[]', '[]', '[]')",
            (n, points, begins, ends, free, held, used, expired),
        )
    lots = read_lots(office.tx, NOW_MS)
    assert (sum(lot.free for lot in lots), sum(lot.held for lot in lots), sum(lot.pending for lot in lots)) == (
        38,
        3,
        8,
    )
    assert read_ended(office.tx, NOW_MS) == EndedSum(points=200, unused=130)


def test_the_ceiling_is_the_formula_of_the_rule_book() -> None:
    minute = 60_000
    rows = [
        StoreRow(b"1", "S1", "One", "active", NOW_MS - minute, 0),
        StoreRow(b"2", "S2", "Two", "active", NOW_MS - 10 * minute, 7, lent_points=300),
        StoreRow(b"3", "S3", "Three", "active", None, 0),
        StoreRow(b"4", "S4", "Four", "new", None, 0),
        StoreRow(b"5", "S5", "Five", "quarantined", NOW_MS, 0),
        StoreRow(b"6", "S6", "Six", "revoked", 0, 0),
    ]
    report = report_exposure(Asked(since=DAY, until=DAY, now_ms=NOW_MS), rows, RISK)
    policy = OfflinePolicy(member_limit_minor=0, store_limit_minor=10_000, account_max_age_ms=0)
    assert report.figures["exposure_max_minor"] == worst_case_minor(policy, 3, copied_leases_minor=150) == 30_150
    assert {item["store"]: item["exposure_minor"] for item in as_items(report)} == {
        "S1": 0,
        "S2": 10_150,
        "S3": 10_000,
        "S4": 0,
        "S5": 10_000,
        "S6": 0,
    }


def test_points_that_are_lent_count_for_their_store_until_their_end_is_reported() -> None:
    office = Office()
    office.join(STORE, "S001", last_contact=NOW_MS)
    for n, ended in enumerate((0, 0, 1)):
        values = (STORE.bytes, bytes([n]), 100, ended)
        office.tx.execute("INSERT INTO lent_store VALUES (?, ?, x'07', ?, 1000, ?)", values)
    (item,) = as_items(build_report(office.tx, "exposure", Asked(since=DAY, until=DAY, now_ms=NOW_MS), RISK))
    assert (item["silent"], item["lent_points"], item["lent_minor"], item["exposure_minor"]) == (0, 200, 100, 100)


# -- for the books -----------------------------------------------------------------------------------------------------


def test_the_books_of_a_day_balance_and_say_what_the_day_was(office: Office) -> None:
    (day,) = [sums for sums in read_days(office.tx, ASKED) if sums.business_day == DAY]
    lines = book_day(day, ACCOUNTS)
    balance: dict[str, int] = {}
    for line in lines:
        balance[line.account] = balance.get(line.account, 0) + line.debit_minor - line.credit_minor
        assert min(line.debit_minor, line.credit_minor) == 0 < max(line.debit_minor, line.credit_minor)
    assert sum(balance.values()) == 0
    # Cash: 109.00 taken, 12.39 given back, 5.00 put in, 78.16 short when counted.
    assert balance[ACCOUNTS["cash"]] == 10900 - 1239 + 500 - 7816
    assert balance[ACCOUNTS["over_short"]] == 7816
    assert balance[ACCOUNTS["tax"]] == -(983 - 154)
    # Two gift cards of 3.50 were sold, one came back, 1.29 of the other was spent and put back on it.
    assert balance[ACCOUNTS["gift_card"]] == -324
    assert balance[ACCOUNTS["points"]] == 15


def test_every_document_of_the_export_balances(office: Office) -> None:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in rows_of(read_days(office.tx, ASKED), ACCOUNTS)]
    assert {row["document"] for row in rows} == {"S001-20261121-EUR"}
    assert sum(int(str(row["debit_minor"])) for row in rows) == sum(int(str(row["credit_minor"])) for row in rows) > 0
    assert rows[0]["debit"] == "96.61"  # cash, as a decimal


@given(
    st.dictionaries(st.sampled_from(["cash", "card", "points", "voucher", "points_debt"]), st.integers(-999, 9_999)),
    st.dictionaries(
        st.sampled_from(["23", "8"]), st.tuples(st.integers(-99, 999), st.integers(-9, 99), st.integers(0, 9))
    ),
    st.dictionaries(st.sampled_from(["pay_in", "pay_out", "drop"]), st.integers(1, 500)),
    st.dictionaries(st.sampled_from(["cash", "card"]), st.integers(-99, 99)),
)
def test_documents_balance_whatever_the_day_was(
    tenders: dict[str, int],
    taxes: dict[str, tuple[int, int, int]],
    moved: dict[str, int],
    counted: dict[str, int],
) -> None:
    rounding = sum(tenders.values()) - sum(base + tax for base, tax, _ in taxes.values())
    day = DaySums("S001", DAY, "EUR", tenders, taxes, rounding, moved, counted)
    lines = book_day(day, ACCOUNTS)
    assert sum(line.debit_minor for line in lines) == sum(line.credit_minor for line in lines)


def test_a_day_that_does_not_balance_is_not_booked() -> None:
    with pytest.raises(BooksUnbalanced, match="debits are 1 more"):
        book_day(DaySums("S001", DAY, "EUR", {"cash": 101}, {"23": (81, 19, 0)}, 0, {}, {}), ACCOUNTS)


def test_accounts_of_single_rates_win() -> None:
    accounts = {**ACCOUNTS, "tax:23": "1771", "voucher": "1310"}
    day = DaySums("S001", DAY, "EUR", {"voucher": 246, "coin": 54}, {"23": (200, 46, 0), "8": (50, 4, 0)}, 0, {}, {})
    booked = {line.account: line.debit_minor - line.credit_minor for line in book_day(day, accounts)}
    assert booked == {"1310": 246, "1300": 54, "4000": -50, "1771": -46, "1770": -4}


def test_poslog_has_every_document_of_the_day(office: Office) -> None:
    entries = read_day_entries(office.tx, STORE.bytes, DAY)
    root = ET.fromstring(write_poslog("S001", entries))
    name = f"{{{NAMESPACE}}}"
    transactions = root.findall(f"{name}Transaction")
    kinds = [entry.kind for entry in entries]
    wanted = sum(kinds.count(kind) for kind in ("sale.completed", "sale.voided", "return.taken", "shift.closed"))
    assert len(transactions) == wanted > 10
    assert {one.findtext(f"{name}RetailStoreID") for one in transactions} == {"S001"}
    assert {one.findtext(f"{name}BusinessDayDate") for one in transactions} == {DAY}
    total = "RetailTransaction/Total[@TotalType='TransactionGrandAmount']".replace("/", f"/{name}")
    totals = [one.findtext(f"{name}{total}") for one in transactions]
    money = sum(int(text.replace(".", "")) for text in totals if text)
    due, back, voided = office.tx.execute(
        "SELECT sum(due_minor), sum(returned_minor + returned_rounding_minor), sum(voided_minor) FROM sales_hour"
    ).fetchone()
    exchanged = sum(
        refund.amount_minor
        for entry in entries
        if entry.kind == "sale.completed"
        for taken in entry.body.returned  # type: ignore[attr-defined]  # a sale
        for refund in taken.refunds
    )
    assert money == due - back + exchanged
    assert voided > 0


def test_poslog_of_a_day_without_documents_is_an_empty_log() -> None:
    assert write_poslog("S001", ()).count(b"<") == 2


def test_poslog_names_no_member_but_by_id(office: Office) -> None:
    content = write_poslog("S001", read_day_entries(office.tx, STORE.bytes, DAY))
    for personal in (b"Anna", b"Kowalska", b"600 100 200", b"600100200"):
        assert personal not in content


# -- pictures ----------------------------------------------------------------------------------------------------------


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_ticks_are_few_and_hold_all_values(one: int, other: int) -> None:
    low, high = min(one, other), max(one, other)
    marks = ticks(low, high)
    assert marks[0] <= min(low, 0)
    assert marks[-1] >= max(high, 0)
    assert 0 in marks
    assert 2 <= len(marks) <= 9


def test_figures_are_short() -> None:
    assert [number_text(value, 0) for value in (0, 999, 1000, 12_345, 999_999, 5 * 10**9)] == [
        *("0", "999", "1k", "12.3k", "999k", "5G"),
    ]


def test_a_bar_below_nothing_hangs_down() -> None:
    svg = draw(Bars(title="t", labels=["a", "b"], series=[("", [10, -10])]))
    bars = [node for node in ET.fromstring(svg).iter() if node.tag.endswith("rect")]
    tops = [float(bar.get("y") or 0) for bar in bars]
    assert tops[0] < tops[1]
    assert float(bars[0].get("height") or 0) == float(bars[1].get("height") or 0) > 0


def test_texts_of_strangers_are_no_markup() -> None:
    evil = '<script>"&'
    for chart in (
        Bars(title=evil, labels=[evil], series=[(evil, [1]), (evil, [2])], unit=evil),
        Shades(title=evil, rows=[evil], columns=[evil], cells=[[1]], unit=evil),
        Intervals(title=evil, labels=[evil], values=[(0, 1, 2)], unit=evil),
    ):
        svg = draw(chart)
        assert "<script" not in svg
        assert ET.fromstring(svg).get("aria-label") == evil


def test_an_empty_cell_is_left_out_and_nothing_is_light() -> None:
    svg = draw(Shades(title="t", rows=["r"], columns=["a", "b", "c"], cells=[[None, 0, 5]]))
    fills = [node.get("fill") for node in ET.fromstring(svg).iter() if node.tag.endswith("rect")]
    assert len(fills) == 2
    assert fills[0] != fills[1]


def test_tax_rates_stand_in_the_order_of_their_numbers() -> None:
    rates = ["23", "5", "8", "10.5", "none", "0"]
    days = [("2026-11-21", "23"), ("2026-11-21", "5"), *(("2026-11-20", rate) for rate in rates)]
    report = report_taxes(ASKED, [(day, "EUR", rate, 100, 10, 0, 0, 0) for day, rate in days])
    assert [row[2] for row in report.rows] == ["0", "5", "8", "10.5", "23", "none", "5", "23"]
    (picture,) = charts_of(report_taxes(ASKED, [("2026-11-20", "EUR", each, 100, 10, 0, 0, 0) for each in rates[:3]]))
    labels = [text for text in ET.fromstring(picture.svg).itertext() if text.strip() in rates[:3]]
    assert [label.strip() for label in labels] == ["5", "8", "23"]
