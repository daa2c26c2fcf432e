"""pure: what the configuration says about earning: multipliers, what earns nothing, tiers, segments, partners."""

from collections.abc import Mapping

from msgspec import Struct

from loyalty.earning_rules.rule import Combination
from loyalty.segments import SegmentRule
from loyalty.tiers import Ladder


class EarningTerms(Struct, frozen=True, kw_only=True):
    """`excluded_departments` earn nothing: gift cards, deposits, fees. `partners`: public key (Ed25519, 32 bytes) by
    name. `referral_days`: points for a friend wait so many days after the friend's first purchase."""

    multipliers: Combination = "max"
    excluded_departments: frozenset[str] = frozenset()
    ladder: Ladder = Ladder()
    segments: tuple[SegmentRule, ...] = ()
    partners: Mapping[str, bytes] = {}
    referral_days: int = 14
