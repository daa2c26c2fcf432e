"""pure: the loyalty program as it was defined, and activities that brought points. Entries carry results: the whole
definition, the points of each rule, the postings."""

from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.earning_rules.evaluation import EarningLine
from loyalty.earning_rules.rule import Combination
from loyalty.points.account import Balance
from sync.facts.points import PointsPosted


class DefinitionChanged(Struct, frozen=True, kw_only=True):
    """An earning rule, a type of activity or a reward (`sort`) from this entry on. `definition` is the whole of it as
    JSON, kept byte by byte; `version` counts the changes of this one, `book` those of all together. What ended (`live`
    false) keeps its last definition."""

    sort: str
    name: str
    version: int
    book: int
    live: bool
    definition: msgspec.Raw


class RuleEarned(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one version of a rule gave. `posting` is the number of a posting of its own, 0 where it is part of the
    points of the lines. `room` is what its caps left then: a return looks at a basket's rules again under it."""

    rule: str
    version: int
    points: int
    posting: int = 0
    room: int | None = None


class BasketEarned(Struct, frozen=True, kw_only=True):
    """What the rules of a basket looked at and gave, for returns to look again: the lines with the money that counted
    then, how multipliers met, and every rule that held, with its version and room, if only with 0 points."""

    combination: Combination
    lines: tuple[EarningLine, ...]
    bonuses: tuple[RuleEarned, ...]


class ReferralPaid(Struct, frozen=True, kw_only=True):
    """The points for `member`, who had brought this sale's member as a friend by the activity `referral`. `posting` is
    the number of the posting among `postings`, all of them of that member."""

    referral: UUID
    member: UUID
    points: int
    posting: int
    postings: tuple[PointsPosted, ...]


class ActivityRecorded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a member did that brings points, once under its key. `key` is a hash (64 hex digits), so what it was
    about cannot be read here. `occurred_at` is milliseconds since 1970 UTC; `partner` signed it. `referee` is the
    member who was brought, of a referral: its points come with that member's first purchase."""

    request: str
    member: UUID
    activity: str
    version: int
    key: str
    occurred_at: int
    proof: str
    partner: str | None = None
    referee: UUID | None = None
    points: int
    earned: tuple[RuleEarned, ...]
    postings: tuple[PointsPosted, ...]
    balance: Balance
