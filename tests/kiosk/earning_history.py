"""What happens in a history of a shop about earning: rules, activities, a sale under rules and its return.

tell_earning(story, anna, carl)          # tests/kiosk/history.py calls it
"""

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

from kiosk.commands import LineRequest
from kiosk.program.activities import RecordActivity
from kiosk.program.activity_service import record_activity
from kiosk.program.program_service import (
    REWARDS,
    RULES,
    TYPES,
    Definitions,
    end_definition,
    etag_of,
    put_definition,
    show_definition,
)
from loyalty.activities import ActivityTerms
from loyalty.earning_rules.rule import Caps, Once, PerMoney, RuleConditions, RuleTerms
from loyalty.rewards import RewardAmount, RewardTerms
from tests.kiosk.return_history import come_back_elsewhere

if TYPE_CHECKING:
    from tests.kiosk.history import Story

BIG = RuleTerms(
    title={"en": "A big basket"},
    trigger="purchase_basket",
    op="add",
    gives=Once(points=40),
    conditions=RuleConditions(minimum_minor=500),
    caps=Caps(per_day=400),
)
DEARER = RuleTerms(title={"en": "More"}, trigger="purchase_line", op="add", gives=PerMoney(points=1, per_minor=50))
CHECK_IN = ActivityTerms(title={"en": "Hello"}, points=5, key="{member}:{day}", proof=("staff",))
FRIEND = ActivityTerms(title={"en": "Brought a friend"}, points=60, key="{subject}", proof=("staff",))
COFFEE = RewardTerms(title={"en": "A coffee"}, points=20, gives=RewardAmount(amount_minor=100))


def tell_earning(story: "Story", anna: UUID, friend: UUID) -> None:
    """One of every kind of fact about earning."""
    _define(story, RULES, "big", BIG)
    _define(story, RULES, "dearer", DEARER)
    _define(story, TYPES, "check_in", CHECK_IN)
    _define(story, TYPES, "referral", FRIEND)
    _define(story, REWARDS, "coffee", COFFEE)
    _record(story, anna, "check_in", None)
    _record(story, anna, "referral", str(friend))
    sold = story.sell(LineRequest(sku="102", quantity_milli=2000), member=anna)
    story.take_back(sold)
    story.take_back(story.sell(LineRequest(sku="103"), member=friend))
    came = story.sell(LineRequest(sku="102", quantity_milli=2000), member=anna)
    come_back_elsewhere(story, came, {1: 2000})
    for rule in ("big", "dearer"):
        _end(story, rule)


def _define(story: "Story", sort: Definitions[Any], name: str, terms: Struct) -> None:
    story.do_as(story.manager(), put_definition, sort, story.id(), name, terms, None)


def _end(story: "Story", rule: str) -> None:
    tag = etag_of(story.do(show_definition, RULES, rule))
    story.do_as(story.manager(), end_definition, RULES, story.id(), rule, tag)


def _record(story: "Story", member: UUID, code: str, subject: str | None) -> None:
    at = dt.datetime.fromtimestamp(story.now_ms // 1000, dt.UTC)
    command = RecordActivity(id=story.id(), member=member, type=code, occurred_at=at, subject=subject)
    story.do(record_activity, command)
