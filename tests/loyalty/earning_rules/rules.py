"""Earning rules and lines for tests, and hypothesis strategies of both.

evaluate([line(1, 198, "DAIRY")], RuleBook([BASE, twice("dairy", categories=("DAIRY",))]), NOON)
"""

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from loyalty.earning_rules.context import EarningContext, Used
from loyalty.earning_rules.evaluation import EarningLine
from loyalty.earning_rules.rule import (
    Caps,
    EarningRule,
    Gives,
    Once,
    PerMoney,
    PerPiece,
    RuleConditions,
    Times,
    default_rule,
)
from loyalty.offers.offer import Goods

BASE = default_rule(points=1, per_minor=100, basis="gross")
NOON = EarningContext(at=dt.datetime.fromisoformat("2026-11-21T12:00"), channel="till")
CATEGORIES = ("DAIRY", "PRESS", "SOAP")


def line(number: int, gross_minor: int, *categories: str, pieces: int = 1, sku: str = "100") -> EarningLine:
    """A line that costs `gross_minor`, a fifth of it tax."""
    net = gross_minor - gross_minor // 5
    return EarningLine(
        line=number, sku=sku, categories=categories, pieces=pieces, net_minor=net, gross_minor=gross_minor
    )


def rule(rule_id: str, trigger: Any, op: Any, gives: Gives, **more: Any) -> EarningRule:  # noqa: ANN401  any field
    """A rule; what it takes of RuleConditions and Goods may be given by name."""
    goods = {name: more.pop(name) for name in Goods.__struct_fields__ if name in more}
    asked = {name: more.pop(name) for name in RuleConditions.__struct_fields__ if name in more}
    conditions = RuleConditions(goods=Goods(**goods), **asked)
    fields = {"format": 1, "version": 1, "title": {"en": rule_id}, **more}
    return EarningRule(id=rule_id, trigger=trigger, op=op, gives=gives, conditions=conditions, **fields)


def times(rule_id: str, numerator: int = 2, denominator: int = 1, **more: Any) -> EarningRule:  # noqa: ANN401
    """A multiplier of lines."""
    return rule(rule_id, "purchase_line", "mult", Times(numerator=numerator, denominator=denominator), **more)


def bonus(rule_id: str, points: int, minimum_minor: int, **more: Any) -> EarningRule:  # noqa: ANN401
    """Points once for a basket of so much."""
    return rule(rule_id, "purchase_basket", "add", Once(points=points), minimum_minor=minimum_minor, **more)


caps = st.builds(
    Caps, per_sale=st.none() | st.integers(1, 60), per_day=st.none() | st.integers(1, 60), per_period=st.none()
)
_some = st.sampled_from([(), ("DAIRY",), ("PRESS", "SOAP")])
_money = st.builds(PerMoney, points=st.integers(1, 20), per_minor=st.integers(1, 500))
_times = st.builds(Times, numerator=st.integers(3, 9), denominator=st.integers(1, 2))
_shapes = st.one_of(
    st.tuples(st.just("purchase_line"), st.just("base"), _money),
    st.tuples(st.just("purchase_line"), st.just("mult"), _times),
    st.tuples(st.just("purchase_line"), st.just("add"), _money | st.builds(PerPiece, points=st.integers(1, 9))),
    st.tuples(st.just("purchase_basket"), st.just("base"), _money),
    st.tuples(st.just("purchase_basket"), st.just("mult"), _times),
    st.tuples(st.just("purchase_basket"), st.just("add"), st.builds(Once, points=st.integers(1, 90))),
)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[EarningRule]:
    """Up to six rules that differ in everything."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        trigger, op, gives = draw(_shapes)
        least = draw(st.none() | st.integers(1, 5_000)) if trigger == "purchase_basket" else None
        basis, priority = draw(st.sampled_from(["net", "gross"])), draw(st.integers(0, 2))
        found.append(
            rule(
                f"r{number}",
                trigger,
                op,
                gives,
                categories=draw(_some),
                minimum_minor=least,
                caps=draw(caps),
                basis=basis,
                priority=priority,
            )
        )
    return found


lines = st.lists(st.tuples(st.integers(-200, 5_000), st.sampled_from(CATEGORIES), st.integers(0, 4)), max_size=6).map(
    lambda each: [line(number, gross, name, pieces=pieces) for number, (gross, name, pieces) in enumerate(each, 1)]
)

contexts = st.dictionaries(
    st.sampled_from([f"r{number}" for number in range(6)]), st.builds(Used, st.integers(0, 80), st.integers(0, 80))
).map(lambda used: EarningContext(at=NOON.at, channel="till", used=used))
