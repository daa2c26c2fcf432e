"""Sales and returns under earning rules: what is posted, what the quote says, what goes back, whatever the split."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from kiosk.answers import SaleAnswer
from kiosk.commands import LineRequest
from kiosk.program.program_service import RULES
from loyalty.earning_rules.rule import Caps, EarningRule, PerPiece, Times
from loyalty.offers.offer import Schedule
from tests.kiosk.earning_shop import define_rule, end
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import caller
from tests.loyalty.earning_rules.rules import bonus, rule, times

DAIRY_TWICE = times("dairy-twice", categories=("DAIRY",))
PAPER = rule("paper", "purchase_line", "add", PerPiece(points=5), categories=("PRESS",))
BIG = bonus("big", 50, 1_000)
HALF = rule("half", "purchase_basket", "mult", Times(numerator=3, denominator=2), minimum_minor=600)


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path, loyalty={"per_minor": 10}) as opened:
        yield opened
        assert_holds(opened.connection)


def use(till: Till, *rules: EarningRule) -> None:
    for each in rules:
        define_rule(till, RULES, each)


def test_a_sale_earns_by_the_rules_and_says_which(till: Till) -> None:
    use(till, DAIRY_TWICE, PAPER)
    anna = till.enrol()
    # milk 129: 12.9 + 12.9; newspaper 350: 35 + 5; chocolate 259: 25.9
    quote = till.quote("100", "102", "101", member=anna)
    sold = till.sell("100", "102", "101", member=anna)
    assert [line.points for line in sold.lines] == [25, 40, 26] == [line.points for line in quote.lines]
    assert (sold.points.earned, till.points(anna).active) == (91, 91)
    assert till.rows("SELECT rule FROM posting") == [("base@1+dairy-twice@1+paper@1",)]
    assert till.rows("SELECT rule, points, posting FROM rule_points ORDER BY rule") == [
        ("base", 73, 0),
        ("dairy-twice", 13, 0),
        ("paper", 5, 0),
    ]


def test_without_a_member_nothing_is_earned_and_nothing_is_read(till: Till) -> None:
    use(till, DAIRY_TWICE)
    assert till.sell("100").points.earned == 0
    assert till.rows("SELECT count(*) FROM rule_points") == [(0,)]


def test_a_shop_that_made_no_rule_earns_as_its_configuration_says(till: Till) -> None:
    anna = till.enrol()
    sold = till.sell("100", member=anna)
    assert sold.points.earned == 12
    assert till.rows("SELECT rule FROM posting") == [("base@1",)]
    assert till.rows("SELECT count(*) FROM rule_points") == [(0,)]


def test_departments_that_are_excluded_earn_nothing_with_and_without_rules(tmp_path: Path) -> None:
    with open_till(tmp_path, loyalty={"per_minor": 10, "excluded_departments": ["PRESS"]}) as till:
        anna = till.enrol()
        assert [line.points for line in till.sell("102", "101", member=anna).lines] == [0, 25]
        use(till, PAPER)
        assert [line.points for line in till.sell("102", "101", member=anna).lines] == [0, 25]


def test_a_bonus_of_the_basket_is_a_posting_of_its_own(till: Till) -> None:
    use(till, BIG, HALF)
    anna = till.enrol()
    sold = till.sell(LineRequest(sku="102", quantity_milli=3000), member=anna)  # 1050: 105 points
    assert sold.points.earned == 105 + 52 + 50
    assert till.quote(LineRequest(sku="102", quantity_milli=3000), member=anna).points.earned == 207
    rows = till.rows("SELECT n, points, rule, lines FROM posting ORDER BY n")
    assert rows == [
        (1, 105, "base@1", "[[1,105]]"),
        (2, 52, "half@1", "[[0,52]]"),
        (3, 50, "big@1", "[[0,50]]"),
    ]


def test_goods_that_come_back_take_the_bonus_with_them_that_the_rest_would_not_have_brought(till: Till) -> None:
    use(till, BIG, HALF)
    anna = till.enrol()
    sold = till.sell(LineRequest(sku="102", quantity_milli=3000), member=anna)
    quoted = till.quote_return(sold, [(1, 1000)])
    back = till.take_back(sold, [(1, 1000)], [("cash", 350)])
    # 700 are kept: 70 points, half again 35, nothing for a big basket
    assert back.points.clawed_back == 35 + (52 + 50 - 35) == quoted.points.clawed_back
    assert till.points(anna).active == 70 + 35
    till.take_back(sold, [(1, 1000)], [("cash", 350)])
    assert till.points(anna).active == 35
    till.take_back(sold, [(1, 1000)], [("cash", 350)])
    assert till.points(anna) == replace(till.points(anna), active=0, debt=0)


def test_an_exchange_looks_at_the_old_basket_again(till: Till) -> None:
    use(till, BIG)
    anna = till.enrol()
    sold = till.sell(LineRequest(sku="102", quantity_milli=3000), member=anna)
    till.exchange([(sold, 1, 1000)], "102", member=anna)
    assert till.points(anna).active == 105 + 50 - 35 - 50 + 35


def test_a_rule_that_was_changed_or_ended_since_counts_as_it_was(till: Till) -> None:
    use(till, BIG)
    anna = till.enrol()
    sold = till.sell(LineRequest(sku="102", quantity_milli=4000), member=anna)
    use(till, bonus("big", 900, 5_000))
    end(till, RULES, "big")
    till.take_back(sold, [(1, 1000)], [("cash", 350)])
    assert till.points(anna).active == 105 + 50


def test_a_void_takes_everything_back_and_gives_the_room_of_the_caps_back(till: Till) -> None:
    use(till, replace(BIG, caps=Caps(per_day=50)))
    anna = till.enrol()
    sold = till.sell(LineRequest(sku="102", quantity_milli=3000), member=anna)
    assert sold.points.earned == 155
    till.void(sold)
    assert till.points(anna).active == 0
    again = till.sell(LineRequest(sku="102", quantity_milli=3000), member=anna)
    assert again.points.earned == 155
    assert till.sell(LineRequest(sku="102", quantity_milli=3000), member=anna).points.earned == 105


def test_a_cap_by_day_is_open_again_tomorrow_and_is_each_member_s_own(till: Till) -> None:
    use(till, replace(DAIRY_TWICE, caps=Caps(per_day=10, per_period=15, period="week")))
    anna, ben = till.enrol("Anna"), till.enrol("Ben")
    milk = LineRequest(sku="100", quantity_milli=1000)
    assert [till.sell(milk, member=anna).points.earned for _ in range(3)] == [22, 12, 12]
    assert till.sell(milk, member=ben).points.earned == 22
    till.close(cash=0)
    till.who = caller(at_ms=till.who.now_ms + 86_400_000)
    till.open()
    assert till.sell(milk, member=anna).points.earned == 12 + 5


def test_a_return_does_not_open_a_cap_again(till: Till) -> None:
    use(till, replace(DAIRY_TWICE, caps=Caps(per_day=10)))
    anna = till.enrol()
    sold = till.sell("100", member=anna)
    till.take_back(sold, [(1, 1000)], [("cash", 129)])
    assert till.points(anna).active == 0
    assert till.sell("100", member=anna).points.earned == 12


def test_a_rule_of_the_kiosk_or_of_another_day_gives_nothing_here(till: Till) -> None:
    use(till, times("kiosk", 5, channels=("kiosk",)), times("monday", 4, schedule=Schedule(weekdays=(1,))))
    assert till.sell("100", member=till.enrol()).points.earned == 12


SPLITS = [[3000], [1000, 2000], [2000, 1000], [1000, 1000, 1000]]


@pytest.mark.parametrize("splits", list(itertools.product(SPLITS, SPLITS)))
def test_any_split_of_the_returns_ends_where_one_return_ends(tmp_path: Path, splits: Sequence[Sequence[int]]) -> None:
    with open_till(tmp_path, loyalty={"per_minor": 7}) as till:
        use(till, BIG, HALF, DAIRY_TWICE, replace(bonus("press", 33, 500, categories=("PRESS",)), priority=5))
        anna = till.enrol()
        lines = [LineRequest(sku=sku, quantity_milli=3000) for sku in ("100", "102")]
        sold = till.sell(*lines, member=anna)
        parts = [(1, part) for part in splits[0]] + [(2, part) for part in splits[1]]
        for line, part in parts[::2] + parts[1::2]:
            _bring_back(till, sold, line, part)
        assert (till.points(anna).active, till.points(anna).debt) == (0, 0)
        assert_holds(till.connection)


def test_the_state_after_half_does_not_depend_on_how_it_came_about(tmp_path: Path) -> None:
    ends = set()
    for number, order in enumerate(itertools.permutations([(1, 1000), (1, 1000), (2, 2000)])):
        with open_till(tmp_path / str(number), loyalty={"per_minor": 7}) as till:
            use(till, BIG, HALF, DAIRY_TWICE)
            anna = till.enrol()
            lines = [LineRequest(sku=sku, quantity_milli=3000) for sku in ("100", "102")]
            sold = till.sell(*lines, member=anna)
            for line, part in order:
                _bring_back(till, sold, line, part)
            ends.add(till.points(anna).active)
    assert len(ends) == 1


def _bring_back(till: Till, sold: SaleAnswer, line: int, quantity_milli: int) -> None:
    refund = till.quote_return(sold, [(line, quantity_milli)]).refund_minor
    till.take_back(sold, [(line, quantity_milli)], [("cash", refund)])
