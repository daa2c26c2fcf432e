"""Earning rules, types of activity and rewards: versions, tags, refusals."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from kiosk.program.program_service import (
    LIVE_MAX,
    REWARDS,
    RULES,
    TYPES,
    DefinitionMissing,
    DefinitionRefused,
    TooManyDefinitions,
    end_definition,
    list_definitions,
    put_definition,
    show_definition,
)
from kiosk.program.program_store import read_program_mark, read_rule_version
from loyalty.activities import BUILT_IN
from loyalty.earning_rules.rule import EarningRule, PerMoney, RuleTerms
from loyalty.rewards import RewardAmount, RewardTerms
from sync.http.problems import PreconditionFailed, PreconditionRequired
from tests.kiosk.earning_shop import define, define_rule, end, terms_of, type_terms
from tests.kiosk.selling import assert_holds, open_till
from tests.kiosk.shopkit import caller, make_config, new_id, perform, running_store
from tests.loyalty.earning_rules.rules import times

DOUBLE = times("double", categories=("DAIRY",))


def test_a_rule_has_versions_and_what_is_said_twice_is_one(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        assert define_rule(till, RULES, DOUBLE).definition.version == 1
        entries = till.entries()
        assert define_rule(till, RULES, DOUBLE).definition.version == 1
        assert till.entries() == entries
        assert define_rule(till, RULES, replace(DOUBLE, priority=7)).definition.version == 2
        assert end(till, RULES, "double").state == "ended"
        assert define_rule(till, RULES, DOUBLE).definition.version == 4
        first = read_rule_version(till.connection, "double", 1)
        assert first == DOUBLE
        assert_holds(till.connection)


def test_the_rule_of_the_configuration_is_there_until_somebody_saves_it(tmp_path: Path) -> None:
    with open_till(tmp_path, loyalty={"points": 3, "per_minor": 50}) as till:
        shown = show_definition(till.connection, till.shop, till.who, RULES, "base")
        assert (shown.state, shown.definition.version) == ("live", 1)
        assert shown.definition.gives == PerMoney(points=3, per_minor=50)
        define_rule(till, RULES, DOUBLE)
        book = till.shop.program.find(till.connection, read_program_mark(till.connection), till.shop.terms)
        assert [rule.id for rule in book.rules.rules] == ["base", "double"]
        saved = define_rule(till, RULES, replace(shown.definition, gives=PerMoney(points=1, per_minor=1)))
        assert saved.definition.version == 2
        end(till, RULES, "base")
        book = till.shop.program.find(till.connection, read_program_mark(till.connection), till.shop.terms)
        assert [rule.id for rule in book.rules.rules] == ["double"]


def test_a_rolled_back_rule_is_never_found_by_what_was_written_instead(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        till.connection.execute("BEGIN IMMEDIATE")
        who = caller("manager", at_ms=till.who.now_ms)
        put_definition(till.connection, till.shop, who, RULES, new_id(), "double", terms_of(DOUBLE, RuleTerms), None)
        mark = read_program_mark(till.connection)
        assert len(till.shop.program.find(till.connection, mark, till.shop.terms).rules.rules) == 2
        till.connection.execute("ROLLBACK")
        define_rule(till, RULES, times("thrice", 3))
        mark = read_program_mark(till.connection)
        book = till.shop.program.find(till.connection, mark, till.shop.terms)
        assert [rule.id for rule in book.rules.rules] == ["base", "thrice"]


def test_types_that_everybody_knows_are_proposed_and_bring_nothing_yet(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        listed = list_definitions(till.connection, till.shop, till.who, TYPES).items
        assert {each.definition.id for each in listed} == set(BUILT_IN)
        assert {each.state for each in listed} == {"proposed"}
        define(till, TYPES, "survey", type_terms("survey", 50))
        states = {
            each.definition.id: each.state
            for each in list_definitions(till.connection, till.shop, till.who, TYPES).items
        }
        assert states["survey"] == "live"
        assert states["review"] == "proposed"


@pytest.mark.parametrize(
    ("name", "rule"),
    [("double", times("double", 1)), ("a b", DOUBLE), ("x" * 65, DOUBLE), ("", DOUBLE)],
)
def test_a_rule_nobody_could_explain_is_refused_with_the_place(tmp_path: Path, name: str, rule: EarningRule) -> None:
    with open_till(tmp_path) as till:
        with pytest.raises(DefinitionRefused) as refused:
            define_rule(till, RULES, replace(rule, id=name))
        assert refused.value.errors[0].pointer in ("/gives", "/id")
        assert till.rows("SELECT count(*) FROM definition") == [(0,)]


def test_there_is_an_end_to_how_many_rules_a_till_weighs_up(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        for number in range(LIVE_MAX):
            define_rule(till, RULES, times(f"r{number}"))
        with pytest.raises(TooManyDefinitions):
            define_rule(till, RULES, times("one-more"))
        end(till, RULES, "r0")
        define_rule(till, RULES, times("one-more"))


def test_changing_needs_the_tag_of_what_was_read(tmp_path: Path) -> None:
    terms = type_terms("survey", 50)
    with open_till(tmp_path) as till:
        who = caller("manager", at_ms=till.who.now_ms)
        define(till, TYPES, "survey", terms)
        with pytest.raises(PreconditionRequired):
            perform(till.connection, put_definition, till.shop, who, TYPES, new_id(), "survey", terms, None)
        with pytest.raises(PreconditionFailed):
            perform(till.connection, put_definition, till.shop, who, TYPES, new_id(), "survey", terms, '"old"')
        with pytest.raises(PreconditionFailed):
            perform(till.connection, put_definition, till.shop, who, TYPES, new_id(), "review", terms, '"old"')
        with pytest.raises(DefinitionMissing):
            perform(till.connection, end_definition, till.shop, who, TYPES, new_id(), "review", '"old"')


def test_a_reward_that_pays_the_shopper_is_refused(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        wrong = RewardTerms(title={"en": "x"}, points=5, gives=RewardAmount(amount_minor=500, minimum_minor=400))
        with pytest.raises(DefinitionRefused):
            define(till, REWARDS, "x", wrong)


async def test_a_manager_makes_rules_over_http_and_a_cashier_only_looks(tmp_path: Path) -> None:
    body = {
        "title": {"en": "Dairy twice"},
        "trigger": "purchase_line",
        "op": "mult",
        "gives": {"kind": "times", "numerator": 2},
        "conditions": {"goods": {"categories": ["DAIRY"]}},
    }
    async with running_store(make_config(tmp_path)) as store:
        path = "/v1/earning-rules/dairy"
        assert (await store.call("PUT", path, body)).status == 403
        made = await store.call("PUT", path, body, role="manager")
        assert made.status == 201, made.json
        assert made.json["definition"]["version"] == 1
        again = await store.call("PUT", path, body, role="manager")
        assert again.status == 428
        tag = {"If-Match": made.headers["ETag"]}
        assert (await store.call("PUT", path, body, role="manager", headers=tag)).status == 200
        listed = await store.call("GET", "/v1/earning-rules")
        assert [each["definition"]["id"] for each in listed.json["items"]] == ["base", "dairy"]
        wrong = await store.call("PUT", "/v1/earning-rules/x", {**body, "caps": {"per_sale": 0}}, role="manager")
        assert wrong.status == 422
        unknown = await store.call("PUT", "/v1/earning-rules/x", {**body, "moon": 1}, role="manager")
        assert unknown.status == 422
        ended = await store.call("DELETE", path, role="manager", headers=tag)
        assert (ended.status, ended.json["state"]) == (200, "ended")
        assert (await store.call("GET", "/v1/earning-rules/nothing")).status == 404
