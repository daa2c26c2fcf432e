"""sql: the loyalty program made ready for selling, kept from sale to sale as long as nothing of it changes.

Like the offers (offer_shelf): the newest programs are kept, each under the mark that was read in the transaction that
earns, so a program made in a transaction that was rolled back is never found by what was written instead of it.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from kiosk.offers.offer_store import Mark
from kiosk.program.program_store import read_definitions
from kiosk.terms import Terms
from loyalty.activities import ActivityType
from loyalty.earning_rules.evaluation import RuleBook
from loyalty.earning_rules.rule import DEFAULT_ID, EarningRule, decode_rule, default_rule
from loyalty.rewards import Reward
from loyalty.transactions import Tx

_KEPT = 4
_types = msgspec.json.Decoder(ActivityType)
_rewards = msgspec.json.Decoder(Reward)


class ProgramBook(Struct, frozen=True):
    """The live parts of the program by name. `is_default`: nobody has made a rule for purchases, the configuration's is
    the only one."""

    rules: RuleBook
    types: Mapping[str, ActivityType]
    rewards: Mapping[str, Reward]
    is_default: bool


class ProgramShelf:
    """The newest programs by mark. Readers and the writer use it at once; each only puts what its mark stands for."""

    def __init__(self) -> None:
        self._books: dict[Mark | None, ProgramBook] = {}

    def find(self, tx: Tx, mark: Mark | None, terms: Terms) -> ProgramBook:
        """The live program in `tx`, where `mark` was read."""
        known = self._books.get(mark)
        if known is None:
            known = read_program(tx, terms)
            # A new dictionary in place of the old one: another thread may be reading that.
            self._books = dict([*self._books.items(), (mark, known)][-_KEPT:])
        return known


def base_rule(terms: Terms) -> EarningRule:
    """The configuration's rule."""
    rule = terms.earn_rule
    return default_rule(points=rule.points, per_minor=rule.per_minor, basis=rule.basis)


def read_program(tx: Tx, terms: Terms) -> ProgramBook:
    """The live program of a transaction. The configuration's rule is part of it until a version of `base` is made."""
    made = read_definitions(tx, "earning_rule")
    rules = [decode_rule(row.content) for row in made if row.live]
    if all(row.name != DEFAULT_ID for row in made):
        rules.append(base_rule(terms))
    types = [_types.decode(row.content) for row in read_definitions(tx, "activity_type", live_only=True)]
    rewards = [_rewards.decode(row.content) for row in read_definitions(tx, "reward", live_only=True)]
    return ProgramBook(
        rules=RuleBook(rules, terms.earning.multipliers),
        types={each.id: each for each in types},
        rewards={each.id: each for each in rewards},
        is_default=all(rule == base_rule(terms) or rule.trigger == "activity" for rule in rules),
    )
