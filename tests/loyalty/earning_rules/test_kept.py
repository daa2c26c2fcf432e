"""What a basket's bonuses still come to when goods come back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from loyalty.earning_rules.context import EarningContext
from loyalty.earning_rules.evaluation import Bonus, EarningLine, RuleBook, evaluate
from loyalty.earning_rules.kept import kept, lost
from loyalty.earning_rules.rule import Caps, Combination, EarningRule, Times
from tests.loyalty.earning_rules.rules import BASE, NOON, bonus, contexts, line, lines, rule, rule_sets

FIFTY = bonus("fifty", 50, 10_000)
HALF = rule("half", "purchase_basket", "mult", Times(numerator=3, denominator=2), minimum_minor=6_000)


@pytest.mark.parametrize(
    ("kept_minor", "still", "gone"),
    [(12_000, [60, 50], (0, 0)), (9_000, [45, 0], (60, 5)), (5_000, [0, 0], (60, 50)), (0, [0, 0], (60, 50))],
)
def test_a_bonus_goes_when_what_is_kept_would_not_have_brought_it(
    kept_minor: int, still: list[int], gone: tuple[int, ...]
) -> None:
    bonuses = evaluate([line(1, 12_000)], RuleBook([BASE, FIFTY, HALF]), NOON).bonuses
    left = kept(bonuses, [FIFTY, HALF], [line(1, kept_minor)] if kept_minor else [], kept_minor // 100)
    assert [each.points for each in left] == still
    assert lost(bonuses, left) == gone


def test_the_second_best_multiplier_counts_when_the_best_is_lost() -> None:
    best = rule("best", "purchase_basket", "mult", Times(numerator=2), minimum_minor=10_000)
    bonuses = evaluate([line(1, 10_000)], RuleBook([BASE, best, HALF]), NOON).bonuses
    assert bonuses == (Bonus("best", 1, 100), Bonus("half", 1, 0))
    left = kept(bonuses, [best, HALF], [line(1, 8_000)], 80)
    assert [each.points for each in left] == [0, 40]
    assert lost(bonuses, left) == (60, 0)


def test_the_version_of_the_day_counts_and_the_room_its_cap_left() -> None:
    capped = replace(FIFTY, caps=Caps(per_day=60))
    sold = (Bonus("fifty", 1, 20, 20),)
    newer = replace(capped, version=2)
    assert kept(sold, [newer, capped], [line(1, 10_000)], 0) == sold
    with pytest.raises(ValueError, match="version 1"):
        kept(sold, [newer], [line(1, 10_000)], 0)


def test_bonuses_of_another_sale_are_refused() -> None:
    with pytest.raises(ValueError, match="same sale"):
        lost((Bonus("a", 1, 5),), (Bonus("b", 1, 5),))


@settings(max_examples=150, derandomize=True, deadline=None)
@given(lines, rule_sets(), contexts, st.lists(st.integers(0, 100), min_size=12, max_size=12))
def test_what_was_kept_whole_loses_nothing_and_each_further_return_only_takes_more(
    goods: list[EarningLine], rules: list[EarningRule], context: EarningContext, cuts: list[int]
) -> None:
    combination: Combination = "max"
    earned = evaluate(goods, RuleBook(rules, combination), context)
    assert kept(earned.bonuses, rules, goods, earned.points, combination) == earned.bonuses
    gone = [0] * len(earned.bonuses)
    share = 100
    for cut in sorted(cuts, reverse=True):
        share = min(share, cut)
        left = [replace(each, **_part(each, share)) for each in goods] if share else []
        points = earned.points * share // 100
        now = lost(earned.bonuses, kept(earned.bonuses, rules, left, points, combination))
        assert all(
            0 <= before <= after <= each.points for before, after, each in zip(gone, now, earned.bonuses, strict=True)
        )
        gone = list(now)
    if share == 0:
        assert gone == [each.points for each in earned.bonuses]


def _part(each: EarningLine, percent: int) -> dict[str, int]:
    return {
        "net_minor": each.net_minor * percent // 100,
        "gross_minor": each.gross_minor * percent // 100,
        "pieces": each.pieces * percent // 100,
    }
