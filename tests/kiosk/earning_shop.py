"""Rules, activities and rewards in the shops of tests.

define(till, RULES, "double", DOUBLE)               # as the manager
recorded = record(till, member, "survey", subject="s1")
"""

import datetime as dt
from typing import Any
from uuid import UUID

from msgspec import Struct

from kiosk.outcome import Outcome
from kiosk.program.activities import ActivityAnswer, ActivityProof, RecordActivity
from kiosk.program.activity_service import record_activity
from kiosk.program.program_service import Defined, Definitions, end_definition, etag_of, put_definition, show_definition
from kiosk.program.program_store import read_definition
from loyalty.activities import ActivityTerms, built_in
from loyalty.earning_rules.rule import EarningRule, RuleTerms
from tests.kiosk.selling import Till
from tests.kiosk.shopkit import caller, new_id, perform


def terms_of(definition: Struct, terms: type[Struct]) -> Any:  # noqa: ANN401  the kind asked for
    """A definition as it is asked for: without name and version."""
    return terms(**{field: getattr(definition, field) for field in terms.__struct_fields__})


def define(till: Till, sort: Definitions[Any], name: str, terms: Struct) -> Defined[Any]:
    """Make or change a rule, type or reward."""
    row = read_definition(till.connection, sort.sort, name)
    tag = f'"{row.revision}"' if row else None
    who = caller("manager", at_ms=till.who.now_ms)
    return perform(till.connection, put_definition, till.shop, who, sort, new_id(), name, terms, tag)[0]


def define_rule(till: Till, sort: Definitions[Any], rule: EarningRule) -> Defined[Any]:
    """Make or change an earning rule."""
    return define(till, sort, rule.id, terms_of(rule, RuleTerms))


def end(till: Till, sort: Definitions[Any], name: str) -> Defined[Any]:
    """End one."""
    tag = etag_of(show_definition(till.connection, till.shop, till.who, sort, name))
    who = caller("manager", at_ms=till.who.now_ms)
    return perform(till.connection, end_definition, till.shop, who, sort, new_id(), name, tag)


def type_terms(code: str, points: int, **more: object) -> ActivityTerms:
    """A type that everybody knows, for so many points."""
    made: ActivityTerms = terms_of(built_in(code, points), ActivityTerms)
    return ActivityTerms(**{**{field: getattr(made, field) for field in made.__struct_fields__}, **more})


def activity(till: Till, member: UUID, code: str, **more: Any) -> RecordActivity:  # noqa: ANN401  any field
    """An activity of this very moment."""
    now = dt.datetime.fromtimestamp(till.who.now_ms // 1000, dt.UTC)
    return RecordActivity(**{"id": new_id(), "member": member, "type": code, "occurred_at": now, **more})


def record(
    till: Till,
    member: UUID,
    code: str,
    proof: ActivityProof | None = None,
    **more: Any,  # noqa: ANN401  any field
) -> Outcome[ActivityAnswer]:
    """Record an activity as the till's caller."""
    return till.do(record_activity, activity(till, member, code, proof=proof, **more))
