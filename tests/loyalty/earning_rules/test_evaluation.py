"""Earning rules over lines: the order of the stages, exact sums, caps, conditions."""

import datetime as dt
import doctest
import importlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from loyalty.basket import BasketLine, price
from loyalty.earning import EarnRule, EligibleLine, earn
from loyalty.earning_rules.context import EarningContext, Used, room_of
from loyalty.earning_rules.evaluation import (
    Bonus,
    Earned,
    EarningLine,
    RuleBook,
    RuleShare,
    earning_lines,
    evaluate,
    evaluate_activity,
)
from loyalty.earning_rules.rule import Caps, EarningRule, Once, PerMoney, PerPiece, Times, default_rule
from loyalty.offers.offer import Schedule
from loyalty.rounding import Rounding
from loyalty.tax import TaxMode, TaxRounding, TaxRules
from tests.loyalty.earning_rules.rules import BASE, NOON, bonus, contexts, line, lines, rule, rule_sets, times

quick = settings(max_examples=150, derandomize=True, deadline=None)
MILK, NEWS, SOAP = line(1, 198, "DAIRY"), line(2, 160, "PRESS"), line(3, 90, "SOAP")
NEWSPAPER = rule("newspaper", "purchase_line", "add", PerPiece(points=5), categories=("PRESS",))


@pytest.mark.parametrize("name", ["rule", "context", "evaluation", "validation"])
def test_the_examples_of_a_module_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"loyalty.earning_rules.{name}"))
    assert result.failed == 0


def test_the_worked_table_of_the_module_holds() -> None:
    book = RuleBook([NEWSPAPER, times("double", categories=("DAIRY",)), BASE])
    earned = evaluate([SOAP, MILK, NEWS], book, NOON)
    assert earned.by_line == ((1, 4), (2, 6), (3, 1))
    assert earned.shares == (RuleShare("base", 1, 4), RuleShare("double", 1, 2), RuleShare("newspaper", 1, 5))
    assert (earned.points, earned.total, earned.bonuses) == (11, 11, ())


def test_the_configuration_s_rule_alone_gives_what_it_gave_before_there_were_rules() -> None:
    @quick
    @given(st.lists(st.integers(-500, 10**6), max_size=8), st.integers(1, 50), st.integers(1, 1000))
    def check(amounts: list[int], points: int, per_minor: int) -> None:
        before = earn(
            [EligibleLine(n, each) for n, each in enumerate(amounts, 1)], EarnRule("b", 1, points, per_minor, "gross")
        )
        book = RuleBook([default_rule(points=points, per_minor=per_minor, basis="gross")])
        after = evaluate([line(n, each) for n, each in enumerate(amounts, 1)], book, NOON)
        assert (after.points, after.by_line) == (before.points, before.by_line)

    check()


@pytest.mark.parametrize(
    ("combination", "factors", "points", "shares"),
    [
        ("max", [2, 3], 30, {"base": 10, "b": 20}),
        ("max", [3, 3], 30, {"base": 10, "a": 20}),
        ("product", [2, 3], 60, {"base": 10, "a": 10, "b": 40}),
        ("max", [], 10, {"base": 10}),
    ],
)
def test_multipliers_combine_as_the_program_says_and_never_by_who_edited_last(
    combination: str, factors: list[int], points: int, shares: dict[str, int]
) -> None:
    multipliers = [times(name, factor) for name, factor in zip("ab", factors, strict=False)]
    for order in (multipliers, multipliers[::-1]):
        earned = evaluate([line(1, 1000)], RuleBook([*order, BASE], combination), NOON)  # type: ignore[arg-type]
        assert earned.points == points
        assert {share.rule: share.points for share in earned.shares} == shares


def test_what_is_added_is_not_multiplied_and_what_is_free_adds_nothing() -> None:
    book = RuleBook([NEWSPAPER, times("double"), BASE])
    assert evaluate([line(1, 1000, "PRESS", pieces=2)], book, NOON).points == 10 * 2 + 2 * 5
    assert evaluate([line(1, 0, "PRESS", pieces=2)], book, NOON).points == 0


@pytest.mark.parametrize(
    ("caps", "used", "room"),
    [
        (Caps(), Used(9, 9), None),
        (Caps(per_sale=50, per_day=60, per_period=100), None, 50),
        (Caps(per_sale=50, per_day=60, per_period=100), Used(30, 80), 20),
        (Caps(per_day=60), Used(70, 0), 0),
        (Caps(per_period=100), Used(70, 40), 60),
    ],
)
def test_the_worked_table_of_room_holds(caps: Caps, used: Used | None, room: int | None) -> None:
    assert room_of(caps, used) == room


def test_a_capped_rule_gives_its_room_split_as_its_points_were() -> None:
    capped = times("double", caps=Caps(per_sale=6))
    earned = evaluate([line(1, 2000), line(2, 1000)], RuleBook([BASE, capped]), NOON)
    assert earned.by_line == ((1, 24), (2, 12))
    assert {share.rule: share.points for share in earned.shares} == {"base": 30, "double": 6}
    full = replace(NOON, used={"double": Used(6, 6)})
    by_day = times("double", caps=Caps(per_day=6))
    assert evaluate([line(1, 2000)], RuleBook([BASE, by_day]), full).points == 20


CONDITIONED = [
    ({"tiers": ("gold",)}, {"tier": "gold"}, {"tier": "silver"}),
    ({"tiers": ("gold",)}, {"tier": "gold"}, {}),
    ({"segments": ("families",)}, {"segments": frozenset({"families", "x"})}, {"segments": frozenset({"x"})}),
    ({"channels": ("kiosk",)}, {"channel": "kiosk"}, {"channel": "till"}),
    ({"schedule": Schedule(weekdays=(6,))}, {}, {"at": dt.datetime.fromisoformat("2026-11-20T12:00")}),
    ({"schedule": Schedule(last_day=dt.date(2026, 11, 21))}, {}, {"at": dt.datetime.fromisoformat("2026-11-22T00:00")}),
    (
        {"schedule": Schedule(from_time=dt.time(12), until_time=dt.time(13))},
        {},
        {"at": dt.datetime.fromisoformat("2026-11-21T13:00")},
    ),
]


@pytest.mark.parametrize(("asked", "met", "missed"), CONDITIONED)
def test_a_rule_gives_nothing_where_its_conditions_do_not_hold(
    asked: dict[str, Any], met: dict[str, object], missed: dict[str, object]
) -> None:
    book = RuleBook([BASE, times("double", **asked)])
    assert evaluate([line(1, 1000)], book, replace(NOON, **met)).points == 20
    assert evaluate([line(1, 1000)], book, replace(NOON, **missed)).points == 10


def test_a_rule_of_products_and_categories_leaves_out_what_it_excepts() -> None:
    double = times("double", categories=("DAIRY",), products=("7",), except_products=("8",))
    book = RuleBook([BASE, double])
    goods = [line(1, 100, "DAIRY"), line(2, 100, sku="7"), line(3, 100, "DAIRY", sku="8"), line(4, 100, "SOAP")]
    assert evaluate(goods, book, NOON).by_line == ((1, 2), (2, 2), (3, 1), (4, 1))


def test_the_rules_of_a_basket_are_grants_of_their_own() -> None:
    half_again = rule("half", "purchase_basket", "mult", Times(numerator=3, denominator=2), minimum_minor=6_000)
    dairy = rule("dairy", "purchase_basket", "base", PerMoney(points=2, per_minor=300), categories=("DAIRY",))
    book = RuleBook([bonus("fifty", 50, 10_000), half_again, dairy, bonus("never", 9, 10**6), BASE])
    earned = evaluate([line(1, 11_000), line(2, 1_000, "DAIRY")], book, NOON)
    assert earned.points == 120
    assert earned.bonuses == (Bonus("dairy", 1, 6), Bonus("half", 1, 60), Bonus("fifty", 1, 50), Bonus("never", 1, 0))
    assert earned.total == 236


def test_a_basket_without_the_goods_of_its_rule_gets_no_bonus() -> None:
    soap = rule("soap", "purchase_basket", "add", Once(points=10), categories=("SOAP",))
    assert evaluate([MILK], RuleBook([soap]), NOON).total == 0
    assert evaluate([SOAP], RuleBook([soap]), NOON).total == 10


def test_a_larger_factor_with_a_small_cap_does_not_take_points_away() -> None:
    twice = rule("twice", "purchase_basket", "mult", Times(numerator=2))
    thrice = rule("thrice", "purchase_basket", "mult", Times(numerator=3), minimum_minor=5_000, caps=Caps(per_sale=1))
    book = RuleBook([BASE, twice, thrice])
    assert evaluate([line(1, 4_900)], book, NOON).total == 98
    assert evaluate([line(1, 5_000)], book, NOON).total == 100


def test_net_and_gross_count_different_money() -> None:
    net = default_rule(points=1, per_minor=100, basis="net")
    assert evaluate([line(1, 1000)], RuleBook([net]), NOON).points == 8


@pytest.mark.parametrize(
    ("mode", "paid", "gross", "net"),
    [("included", 0, 1230, 1000), ("included", 410, 820, 666), ("added", 0, 1513, 1230), ("included", 9999, 0, 0)],
)
def test_what_points_paid_earns_nothing(mode: str, paid: int, gross: int, net: int) -> None:
    rules = TaxRules(TaxMode(mode), TaxRounding.RATE, Rounding.HALF_UP)
    goods = [
        BasketLine(line=1, sku="100", quantity_milli=1000, unit_price_minor=1230, tax_rate="23"),
        BasketLine(line=2, sku="gift", quantity_milli=1000, unit_price_minor=99, tax_rate="0", points_eligible=False),
    ]
    (found,) = earning_lines(goods, price(goods, rules), rules.mode, {1: paid})
    assert found == EarningLine(line=1, sku="100", pieces=1, net_minor=net, gross_minor=gross)


def test_what_is_weighed_has_no_pieces() -> None:
    rules = TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.HALF_UP)
    goods = [BasketLine(line=1, sku="1", quantity_milli=2000, unit_price_minor=5, tax_rate="0", weighed=True)]
    assert earning_lines(goods, price(goods, rules), rules.mode)[0].pieces == 0


ACTIVITY = [
    ([], [("survey", 50)]),
    ([rule("weekend", "activity", "mult", Times(numerator=2), activity="survey")], [("survey", 50), ("weekend", 50)]),
    ([rule("other", "activity", "mult", Times(numerator=2), activity="review")], [("survey", 50)]),
    (
        [
            rule("extra", "activity", "add", Once(points=10), activity="survey"),
            rule("twice", "activity", "mult", Times(numerator=2), activity="survey", caps=Caps(per_day=40)),
        ],
        [("survey", 50), ("twice", 40), ("extra", 10)],
    ),
    (
        [
            rule("more", "activity", "base", Once(points=5), activity="survey"),
            rule("twice", "activity", "mult", Times(numerator=2), activity="survey"),
        ],
        [("survey", 50), ("more", 5), ("twice", 55)],
    ),
]


@pytest.mark.parametrize(("rules", "shares"), ACTIVITY)
def test_an_activity_brings_what_its_type_says_and_rules_add(
    rules: list[EarningRule], shares: list[tuple[str, int]]
) -> None:
    found = evaluate_activity("survey", 50, RuleBook(rules), NOON)
    assert [(share.rule, share.points) for share in found] == shares


def test_two_versions_of_one_rule_are_no_book() -> None:
    with pytest.raises(ValueError, match="two versions"):
        RuleBook([BASE, replace(BASE, version=2)])


def test_a_time_with_a_zone_is_no_time_of_the_shop() -> None:
    with pytest.raises(ValueError, match="local time"):
        EarningContext(at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), channel="till")


@quick
@given(lines, rule_sets(), contexts, st.sampled_from(["max", "product"]))
def test_lines_and_rules_both_sum_to_the_points_and_no_cap_is_passed(
    goods: list[EarningLine], rules: list[EarningRule], context: EarningContext, combination: str
) -> None:
    book = RuleBook(rules, combination)  # type: ignore[arg-type]
    earned = evaluate(goods, book, context)
    assert sum(points for _, points in earned.by_line) == earned.points == sum(s.points for s in earned.shares)
    assert all(points >= 0 for _, points in earned.by_line)
    given_by = {share.rule: share.points for share in earned.shares} | {b.rule: b.points for b in earned.bonuses}
    for each in rules:
        room = room_of(each.caps, context.used.get(each.id))
        assert given_by.get(each.id, 0) >= 0
        assert room is None or given_by.get(each.id, 0) <= room
    assert evaluate(goods[::-1], RuleBook(rules[::-1], combination), context) == earned  # type: ignore[arg-type]


@quick
@given(lines, rule_sets(), contexts, st.integers(1, 3_000), st.data())
def test_spending_more_never_earns_less(
    goods: list[EarningLine], rules: list[EarningRule], context: EarningContext, more: int, data: st.DataObject
) -> None:
    earned = evaluate(goods, RuleBook(rules), context)
    if not goods:
        assert earned == Earned(bonuses=earned.bonuses)
        assert earned.total == 0
        return
    place = data.draw(st.integers(0, len(goods) - 1))
    dearer = line(goods[place].line, goods[place].gross_minor + more, *goods[place].categories)
    dearer = replace(dearer, pieces=goods[place].pieces)
    after = evaluate([*goods[:place], dearer, *goods[place + 1 :]], RuleBook(rules), context)
    assert after.total >= earned.total
