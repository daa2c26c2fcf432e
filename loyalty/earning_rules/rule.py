"""pure: an earning rule as a manager writes it down: what gives how many points, to whom, when, and how many at most.

Three things a rule can do, in the order in which rules take their turn (stage, priority, id):

    op   | does                                        | gives
    -----|---------------------------------------------|--------------------------------------------------
    base | brings points for money                     | per_money
    mult | multiplies what base rules brought          | times
    add  | brings points on top, never multiplied      | per_money, per_piece (lines), once (basket, activity)

and three things that set it off: the lines of a purchase, its whole basket, or an activity. A line's points go back
with the line; a basket's are a grant of their own, looked at again with what is kept.

    >>> rule = decode_rule(b'''{"format": 1, "id": "coffee", "version": 2, "title": {"en": "Coffee counts double"},
    ...     "trigger": "purchase_line", "op": "mult", "gives": {"kind": "times", "numerator": 2},
    ...     "conditions": {"goods": {"categories": ["COFFEE"]}, "schedule": {"weekdays": [6, 7]}}}''')
    >>> rule.gives.numerator, rule.caps, decode_rule(encode_rule(rule)) == rule
    (2, Caps(per_sale=None, per_day=None, per_period=None, period='month'), True)
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from loyalty.errors import InvalidInput
from loyalty.offers.offer import Channel, Goods, Language, Name, Names, Part, Schedule, Title

Op = Literal["base", "mult", "add"]
Trigger = Literal["purchase_line", "purchase_basket", "activity"]
CapPeriod = Literal["week", "month", "quarter", "year"]
Combination = Literal["max", "product"]
"""Several multipliers on the same points: only the largest counts, or each multiplies what the one before left."""

RuleId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$(?!\n)")]
Points = Annotated[int, Meta(ge=1, le=1_000_000)]
Minor = Annotated[int, Meta(ge=1, le=10**9)]
Factor = Annotated[int, Meta(ge=1, le=1_000)]
Version = Annotated[int, Meta(ge=1, le=10**9)]
STAGES: dict[str, int] = {"base": 0, "mult": 1, "add": 2}


class WrongRule(InvalidInput):
    """This earning rule cannot be taken."""

    code, hint = "wrong_earning_rule", "Correct what is marked; each mark says why nobody could explain it."


class PerMoney(Part, frozen=True, tag="per_money", tag_field="kind"):
    """`points` for every `per_minor` minor units spent on the goods, pro rata."""

    points: Points
    per_minor: Minor


class PerPiece(Part, frozen=True, tag="per_piece", tag_field="kind"):
    """`points` for every whole piece of the goods. What is weighed has no pieces."""

    points: Points


class Once(Part, frozen=True, tag="once", tag_field="kind"):
    """`points` once, when the conditions hold."""

    points: Points


class Times(Part, frozen=True, tag="times", tag_field="kind"):
    """As many times the points: 2 doubles them, 3/2 gives half as many again."""

    numerator: Factor
    denominator: Factor = 1


Gives = PerMoney | PerPiece | Once | Times


class RuleConditions(Part, frozen=True):
    """What the rule looks at. Of several tiers, segments or channels one is enough; none named means all.

    `minimum_minor` (basket only) is what the goods must come to; `activity` (activity only) the type's code.
    """

    goods: Goods = Goods()
    tiers: Names = ()
    segments: Names = ()
    channels: Annotated[tuple[Channel, ...], Meta(max_length=3)] = ()
    schedule: Schedule | None = None
    minimum_minor: Minor | None = None
    activity: Name | None = None


class Caps(Part, frozen=True):
    """The most points this rule gives one member: in a sale, on a business day, in a calendar period."""

    per_sale: Points | None = None
    per_day: Points | None = None
    per_period: Points | None = None
    period: CapPeriod = "month"


class RuleTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as it is asked for, without name and version. Lower `priority` has its turn earlier.

    `basis` says which money counts: `gross` is what the shopper pays, `net` the price without tax.
    """

    format: Literal[1] = 1
    title: Annotated[dict[Language, Title], Meta(max_length=20)]
    trigger: Trigger
    op: Op
    gives: Gives
    basis: Literal["net", "gross"] = "gross"
    conditions: RuleConditions = RuleConditions()
    caps: Caps = Caps()
    priority: Annotated[int, Meta(ge=0, le=1_000_000)] = 100


class EarningRule(RuleTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule. A version never changes; a change is a new version."""

    id: RuleId
    version: Version


_encode = msgspec.json.Encoder(order="deterministic").encode
_decoder = msgspec.json.Decoder(EarningRule)


def encode_rule(rule: EarningRule) -> bytes:
    """The rule as JSON; the same rule always gives the same bytes."""
    return _encode(rule)


def decode_rule(text: bytes) -> EarningRule:
    """The rule a JSON text holds. Raises WrongRule for anything else, unknown fields included: a store that skipped a
    condition it does not know would give the points to everybody."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise WrongRule(f"The rule cannot be read: {fault}") from fault


def turn_of(rule: EarningRule) -> tuple[int, int, str]:
    """The place of a rule among others: stage, priority, id."""
    return STAGES[rule.op], rule.priority, rule.id


def name_of(rule: EarningRule) -> str:
    """How a posting names the rule behind it.

    >>> name_of(default_rule(points=1, per_minor=100, basis="gross"))
    'base@1'
    """
    return f"{rule.id}@{rule.version}"


def default_rule(*, points: int, per_minor: int, basis: Literal["net", "gross"]) -> EarningRule:
    """The configuration's rule, in force as version 1 of `base` until somebody makes another version of it."""
    return EarningRule(
        format=1,
        id=DEFAULT_ID,
        version=1,
        title={"en": "Points for every purchase"},
        trigger="purchase_line",
        op="base",
        gives=PerMoney(points=points, per_minor=per_minor),
        basis=basis,
    )


DEFAULT_ID = "base"
