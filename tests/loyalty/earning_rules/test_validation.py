"""Rules that nobody could explain are refused, with every reason at once."""

import datetime as dt

import pytest

from loyalty.earning_rules.rule import (
    Caps,
    EarningRule,
    Once,
    PerMoney,
    PerPiece,
    Times,
    WrongRule,
    decode_rule,
    encode_rule,
)
from loyalty.earning_rules.validation import validate_rule
from loyalty.offers.offer import Schedule
from tests.loyalty.earning_rules.rules import BASE, bonus, rule, times

WRONG = [
    (rule("x", "purchase_line", "base", Times(numerator=2)), ["does_not_go_together"]),
    (rule("x", "purchase_line", "add", Once(points=1)), ["does_not_go_together"]),
    (rule("x", "activity", "base", PerMoney(points=1, per_minor=1), activity="survey"), ["does_not_go_together"]),
    (times("x", 1), ["multiplies_nothing"]),
    (times("x", 2, 3), ["multiplies_nothing"]),
    (times("x", title={"en": " "}), ["title_missing"]),
    (times("x", categories=("A",), except_categories=("A",)), ["contradiction"]),
    (times("x", minimum_minor=5), ["minimum_without_basket"]),
    (rule("x", "activity", "add", Once(points=1), activity="survey", products=("1",)), ["goods_without_purchase"]),
    (rule("x", "activity", "add", Once(points=1)), ["activity_missing"]),
    (times("x", activity="survey"), ["activity_missing"]),
    (
        times("x", schedule=Schedule(first_day=dt.date(2026, 2, 2), last_day=dt.date(2026, 2, 1))),
        ["never_runs"],
    ),
    (times("x", schedule=Schedule(from_time=dt.time(9), until_time=dt.time(9))), ["never_runs"]),
    (times("x", schedule=Schedule(weekdays=(1, 1))), ["repeated"]),
    (times("x", tiers=("gold", "gold")), ["repeated"]),
    (times("x", caps=Caps(per_sale=9, per_day=5)), ["caps_disagree"]),
    (bonus("x", 50, 100, caps=Caps(per_day=40)), ["cap_below_gift"]),
    (rule("x", "purchase_line", "add", PerPiece(points=5), caps=Caps(per_sale=4)), ["cap_below_gift"]),
    (times("x", 1, title={}, channels=("till", "till")), ["title_missing", "multiplies_nothing", "repeated"]),
]


@pytest.mark.parametrize(("wrong", "codes"), WRONG)
def test_a_rule_nobody_could_explain_is_refused(wrong: EarningRule, codes: list[str]) -> None:
    faults = validate_rule(wrong)
    assert [fault.code for fault in faults] == codes
    assert all(fault.pointer.startswith("/") and fault.message.endswith(".") for fault in faults)


@pytest.mark.parametrize(
    "sound",
    [
        BASE,
        times("x", tiers=("gold",), schedule=Schedule(weekdays=(6, 7), from_time=dt.time(22), until_time=dt.time(2))),
        bonus("x", 50, 100, caps=Caps(per_sale=50, per_day=50, per_period=100, period="year")),
        rule("x", "activity", "add", Once(points=1), activity="survey"),
    ],
)
def test_a_sound_rule_is_taken_and_its_json_reads_back(sound: EarningRule) -> None:
    assert validate_rule(sound) == []
    assert decode_rule(encode_rule(sound)) == sound


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        encode_rule(BASE).replace(b'"format":1', b'"format":2'),
        encode_rule(BASE).replace(b'"op":"base"', b'"op":"base","only_at_full_moon":true'),
        encode_rule(BASE).replace(b'"per_minor":100', b'"per_minor":0'),
        encode_rule(BASE).replace(b'"id":"base"', b'"id":"base\\u0000"'),
    ],
)
def test_json_that_is_no_rule_is_refused(text: bytes) -> None:
    with pytest.raises(WrongRule):
        decode_rule(text)
