"""pure: what a sale earns by the rules of the program, and what its basket loses when goods come back.

Where nobody made a rule for purchases there is no `SaleEarning`, and the configuration's rule earns by itself.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from loyalty.basket import BasketLine, PricedBasket
from loyalty.earning_rules.context import EarningContext
from loyalty.earning_rules.evaluation import Bonus, Earned, EarningLine, RuleBook, earning_lines, evaluate
from loyalty.earning_rules.kept import kept, lost
from loyalty.earning_rules.rule import EarningRule
from loyalty.points.decide import earn
from loyalty.points.facts import LinePoints
from loyalty.points.operation import OpenAccount
from loyalty.points.program import Program
from loyalty.return_shares import cumulative_share
from loyalty.tax import TaxMode
from sync.facts.earning import BasketEarned, RuleEarned

WHOLE_BASKET = 0
"""The line under which a bonus of the basket stands in the ledger: it belongs to no line alone."""


class SaleEarning(Struct, frozen=True):
    """The rules in force and what they may ask about this sale."""

    rules: RuleBook
    context: EarningContext


class PostedEarning(Struct, frozen=True):
    """The member's account after earning, the points of each line, and what the sale's fact says about its rules."""

    member: OpenAccount
    by_line: Mapping[int, int]
    earned: tuple[RuleEarned, ...]
    basket: BasketEarned | None


def evaluate_sale(
    lines: Sequence[BasketLine],
    priced: PricedBasket,
    mode: TaxMode,
    earning: SaleEarning,
    paid_with_points: Mapping[int, int] | None = None,
) -> tuple[tuple[EarningLine, ...], Earned]:
    """The lines that may earn and what they and the basket earn."""
    eligible = earning_lines(lines, priced, mode, paid_with_points)
    return eligible, evaluate(eligible, earning.rules, earning.context)


def post_earned(
    member: OpenAccount, lines: Sequence[EarningLine], earned: Earned, earning: SaleEarning, program: Program
) -> PostedEarning:
    """One posting for the lines together, one for each bonus of the basket.

    What the rules of the basket looked at goes into the fact, so that a return can look again: lines, versions, room.
    """
    begins = program.begins_at(member.at)
    ends = program.ends_at(begins if begins is not None else member.at)
    names = "+".join(f"{share.rule}@{share.version}" for share in earned.shares)
    member = member.add(earn(member.stamp(), earned.by_line, earned.points, names, begins, ends))
    bonuses = []
    for bonus in earned.bonuses:
        stamp, name = member.stamp(), f"{bonus.rule}@{bonus.version}"
        member = member.add(earn(stamp, ((WHOLE_BASKET, bonus.points),), bonus.points, name, begins, ends))
        bonuses.append(
            RuleEarned(
                rule=bonus.rule,
                version=bonus.version,
                points=bonus.points,
                posting=stamp.n if bonus.points else 0,
                room=bonus.room,
            )
        )
    shares = tuple(RuleEarned(rule=each.rule, version=each.version, points=each.points) for each in earned.shares)
    combination = earning.rules.combination
    basket = BasketEarned(combination=combination, lines=tuple(lines), bonuses=tuple(bonuses)) if bonuses else None
    return PostedEarning(member, dict(earned.by_line), shares, basket)


def preview_by_line(earned: Earned) -> dict[int, int]:
    """The points of each line, those of the whole basket under WHOLE_BASKET."""
    bonus = earned.total - earned.points
    return {**dict(earned.by_line), **({WHOLE_BASKET: bonus} if bonus else {})}


class BasketTerms(Struct, frozen=True):
    """What a sale's basket earned, with the versions of the rules that gave it."""

    basket: BasketEarned
    rules: tuple[EarningRule, ...]

    def lost_after(self, returned: Mapping[int, tuple[int, int]], line_points: int) -> dict[int, LinePoints]:
        """How many points each bonus has lost, by the number of its posting, once `returned` of the sale is back: for
        each line how much of how much (thousandths). `line_points` is what the kept goods still have of their own.
        """
        sold = tuple(Bonus(each.rule, each.version, each.points, each.room) for each in self.basket.bonuses)
        left = [line for each in self.basket.lines if (line := _kept_line(each, *returned.get(each.line, (0, 1))))]
        still = kept(sold, self.rules, left, line_points, self.basket.combination)
        return {
            each.posting: ((WHOLE_BASKET, gone),)
            for each, gone in zip(self.basket.bonuses, lost(sold, still), strict=True)
            if each.posting
        }


def _kept_line(line: EarningLine, returned: int, whole: int) -> EarningLine | None:
    """What is kept of a line. Of a piece that is half back nothing counts as a piece."""
    if returned >= whole:
        return None
    return replace(
        line,
        net_minor=line.net_minor - cumulative_share(line.net_minor, returned, whole),
        gross_minor=line.gross_minor - cumulative_share(line.gross_minor, returned, whole),
        pieces=line.pieces * (whole - returned) // whole,
    )
