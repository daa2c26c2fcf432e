"""pure: goods came back: what the basket's bonuses still come to, and how much of each has to go.

The rules are those of the day of the sale, in their very versions, with the room their caps left then. Tier, channel
and hour are not asked again: they held. Only what is kept is looked at. All returns of a sale count together, so the
split of a return does not matter (I14).

    Bought for 120.00: 120 points of the lines, 50 for a basket of 100.00 or more, and half as many again from 60.00 on.

    kept   | points of lines | fifty | half again | bonuses | to go of 50 + 60
    -------|-----------------|-------|------------|---------|-----------------
    120.00 |             120 |    50 |         60 |     110 |  0 +  0
     90.00 |              90 |     0 |         45 |      45 | 50 + 15
      0.00 |               0 |     0 |          0 |       0 | 50 + 60
"""

from collections.abc import Sequence

from loyalty.earning_rules.evaluation import Bonus, EarningLine, Entry, basket_bonuses
from loyalty.earning_rules.rule import Combination, EarningRule


def kept(
    bonuses: Sequence[Bonus],
    rules: Sequence[EarningRule],
    lines: Sequence[EarningLine],
    line_points: int,
    combination: Combination = "max",
) -> tuple[Bonus, ...]:
    """What the bonuses of a sale come to for the `lines` that were kept, which still have `line_points`.

    `bonuses` are all of the sale, those of 0 points too; `rules` the versions they name, in any order.

    Raises ValueError when a version is missing: a guess could take points from a member for nothing.
    """
    known = {(rule.id, rule.version): rule for rule in rules}
    met = []
    for bonus in bonuses:
        rule = known.get((bonus.rule, bonus.version))
        if rule is None:
            raise ValueError(f"version {bonus.version} of rule {bonus.rule} is not there")
        met.append((Entry(rule), bonus.room))
    return basket_bonuses(lines, line_points, met, combination)


def lost(bonuses: Sequence[Bonus], still: Sequence[Bonus]) -> tuple[int, ...]:
    """How many points of each bonus have to go, all returns of the sale together, when `still` is what they come to.

    A bonus that comes to more than it gave makes up for one that comes to less; more than the sale earned is never
    given. What goes is taken from the bonuses in their order, so a further return only ever takes more of each.

        earned | still  | lost
        -------|--------|-------
        50, 60 |  0, 45 | 50, 15
        60,  0 |  0, 20 | 40,  0    the better multiplier is lost, the second now counts
        50, 60 | 50, 60 |  0,  0

    Raises ValueError when the two do not name the same rules in the same order.
    """
    if [bonus.rule for bonus in bonuses] != [bonus.rule for bonus in still]:
        raise ValueError("the bonuses are not those of the same sale")
    left = max(sum([bonus.points for bonus in bonuses]) - sum([bonus.points for bonus in still]), 0)
    taken = []
    for bonus in bonuses:
        part = min(bonus.points, left)
        taken.append(part)
        left -= part
    return tuple(taken)
