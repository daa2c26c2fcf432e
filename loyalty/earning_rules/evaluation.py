"""pure: lines and rules -> points. The same function answers the quote and the sale.

1. Each base rule brings its rate of each matching line's money, exactly, as a fraction.
2. Multipliers work on what the base rules brought to the line. With combination `max` the largest counts, the first in
   turn if two are equal (of a basket's, the one that gives most within its cap); with `product` each multiplies what
   the one before left.
3. Rules of `add` bring theirs on top. 4. Each rule's part is cut to its caps, every line in proportion.
5. The sum is rounded down once, and split over lines, and over rules, by largest remainder, ties to the first.

A point for 100, dairy counts double, 5 points for each newspaper:

    line | goods     | money | base | double | newspaper | exact | points
    -----|-----------|-------|------|--------|-----------|-------|-------
       1 | milk      |   198 | 1.98 |   1.98 |           |  3.96 |      4
       2 | newspaper |   160 | 1.60 |        |         5 |  6.60 |      6
       3 | soap      |    90 | 0.90 |        |           |  0.90 |      1
     sum |           |   448 | 4.48 |   1.98 |         5 | 11.46 |     11

Then the basket's rules: each is a grant of its own, rounded down for itself, with the version that gave it and the room
its caps left, so that a return can look at it again (`kept`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import lcm

import msgspec

from loyalty.basket import BasketLine, PricedBasket
from loyalty.earning_rules.context import EarningContext, is_met, room_of
from loyalty.earning_rules.rule import Combination, EarningRule, Once, PerMoney, PerPiece, Times, turn_of
from loyalty.money import allocate
from loyalty.tax import TaxMode

_NOTHING = Fraction()


class EarningLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that may earn, with its money after every discount and without what points paid: `net_minor` without tax,
    `gross_minor` as the shopper pays it. `pieces` is 0 for what is weighed."""

    line: int
    sku: str
    categories: tuple[str, ...] = ()
    pieces: int = 0
    net_minor: int
    gross_minor: int


class RuleShare(msgspec.Struct, frozen=True):
    """What one version of one rule gave of the points of the lines."""

    rule: str
    version: int
    points: int


class Bonus(msgspec.Struct, frozen=True):
    """What a rule of the basket gives. `room` is what its caps left then, None without a cap. A bonus of 0 points
    stands here because its rule held: it may come to more when goods come back and a better one is lost."""

    rule: str
    version: int
    points: int
    room: int | None = None


class Earned(msgspec.Struct, frozen=True):
    """What a sale earns: `points` of its lines, `by_line` (line, points) of every line that may earn, by number, the
    share of each rule in them, and the bonuses of the basket beside them."""

    points: int = 0
    by_line: tuple[tuple[int, int], ...] = ()
    shares: tuple[RuleShare, ...] = ()
    bonuses: tuple[Bonus, ...] = ()

    @property
    def total(self) -> int:
        """The points of lines and bonuses together."""
        return self.points + sum([bonus.points for bonus in self.bonuses])


class Entry:
    """A rule of the book with its goods as sets: a rule may name thousands of products."""

    __slots__ = ("_categories", "_except_categories", "_except_products", "_products", "rule")

    def __init__(self, rule: EarningRule) -> None:
        self.rule = rule
        goods = rule.conditions.goods
        self._products, self._categories = frozenset(goods.products), frozenset(goods.categories)
        self._except_products = frozenset(goods.except_products)
        self._except_categories = frozenset(goods.except_categories)

    def means(self, line: EarningLine) -> bool:
        """Whether the line is of the rule's goods. An exception is stronger than a name."""
        if line.sku in self._except_products or not self._except_categories.isdisjoint(line.categories):
            return False
        if not self._products and not self._categories:
            return True
        return line.sku in self._products or not self._categories.isdisjoint(line.categories)

    def money(self, lines: Iterable[EarningLine]) -> int:
        """What the rule's goods among the lines come to, in its basis."""
        return sum([self.money_of(line) for line in lines if self.means(line)])

    def money_of(self, line: EarningLine) -> int:
        """A line worth nothing or less brings nothing and takes nothing from the others."""
        return max(line.net_minor if self.rule.basis == "net" else line.gross_minor, 0)


class RuleBook:
    """Rules in the order of their turns, ready for many sales."""

    def __init__(self, rules: Iterable[EarningRule], combination: Combination = "max") -> None:
        """Raises ValueError when two rules have the same id: one version of a rule is in force."""
        ordered = sorted(rules, key=turn_of)
        if len({rule.id for rule in ordered}) < len(ordered):
            raise ValueError("two versions of one rule")
        self.combination = combination
        self.rules = tuple(ordered)
        self.of_line = [Entry(rule) for rule in ordered if rule.trigger == "purchase_line"]
        self.of_basket = [Entry(rule) for rule in ordered if rule.trigger == "purchase_basket"]
        self.of_activity = [rule for rule in ordered if rule.trigger == "activity"]
        self.asks_tier = any(rule.conditions.tiers for rule in ordered)
        self.asks_segments = any(rule.conditions.segments for rule in ordered)
        self.capped = tuple(rule for rule in ordered if rule.caps.per_day or rule.caps.per_period)


def earning_lines(
    lines: Sequence[BasketLine],
    priced: PricedBasket,
    mode: TaxMode,
    paid_with_points: Mapping[int, int] | None = None,
) -> tuple[EarningLine, ...]:
    """The lines of `priced`, the price of `lines`, that may earn. `paid_with_points` is what points pay of each line,
    in minor units with tax: that much of it earns nothing.

    tax      | line costs | tax | paid with points | gross | net
    ---------|------------|-----|------------------|-------|----
    included |       1230 | 230 |                0 |  1230 | 1000
    included |       1230 | 230 |              410 |   820 |  666
    added    |       1000 | 230 |                0 |  1230 | 1000
    """
    paid = paid_with_points or {}
    found = []
    for before, after in zip(lines, priced.lines, strict=True):
        if not before.points_eligible:
            continue
        is_included = mode is TaxMode.INCLUDED
        gross = after.net_minor if is_included else after.net_minor + after.tax_minor
        net = after.net_minor - after.tax_minor if is_included else after.net_minor
        left = max(gross - paid.get(after.line, 0), 0)
        is_counted = not before.weighed and before.label_price_minor is None and before.quantity_milli % 1000 == 0
        found.append(
            EarningLine(
                line=after.line,
                sku=before.sku,
                categories=before.categories,
                pieces=before.quantity_milli // 1000 if is_counted else 0,
                net_minor=net if left == gross else net * left // gross,
                gross_minor=left,
            )
        )
    return tuple(found)


def evaluate(lines: Sequence[EarningLine], book: RuleBook, context: EarningContext) -> Earned:
    """What `lines` earn. The module's docstring has the order and a worked table."""
    ordered = sorted(lines, key=lambda line: line.line)
    live = [entry for entry in book.of_line if is_met(entry.rule, context)]
    parts = _cap(_line_parts(ordered, live, book.combination), context)
    total, by_line, by_rule = _round(parts, len(ordered))
    by_number = {line.line: points for line, points in zip(ordered, by_line, strict=True)}
    met = [
        (entry, room_of(entry.rule.caps, context.used.get(entry.rule.id)))
        for entry in book.of_basket
        if is_met(entry.rule, context)
    ]
    return Earned(
        points=total,
        by_line=tuple(by_number.items()),
        shares=tuple(
            RuleShare(entry.rule.id, entry.rule.version, points)
            for (entry, _), points in zip(parts, by_rule, strict=True)
            if points
        ),
        bonuses=basket_bonuses(ordered, total, met, book.combination),
    )


def evaluate_activity(activity: str, points: int, book: RuleBook, context: EarningContext) -> tuple[RuleShare, ...]:
    """What an activity worth `points` by its type brings: the type's own share first, then each rule's.

    type gives | rules                    | shares
    -----------|--------------------------|---------------------------
            50 |                          | type 50
            50 | twice on weekends        | type 50, weekend 50
            50 | twice, 10 on top, cap 40 | type 50, twice 40, extra 10
    """
    live = [rule for rule in book.of_activity if rule.conditions.activity in (None, activity) and is_met(rule, context)]
    rooms = {rule.id: room_of(rule.caps, context.used.get(rule.id)) for rule in live}
    base = Fraction(points)
    parts: list[tuple[EarningRule, Fraction]] = []
    for rule in live:
        if rule.op == "base" and isinstance(rule.gives, Once):
            parts.append((rule, Fraction(rule.gives.points)))
            base += rule.gives.points
    parts += _multiply(base, _factors((rule, rooms[rule.id]) for rule in live), book.combination)
    parts += [(rule, Fraction(rule.gives.points)) for rule in live if rule.op == "add" and isinstance(rule.gives, Once)]
    shares = [RuleShare(activity, 0, points)]
    for rule, part in parts:
        given = int(_within(part, rooms[rule.id]))
        if given:
            shares.append(RuleShare(rule.id, rule.version, given))
    return tuple(shares)


def basket_bonuses(
    lines: Sequence[EarningLine],
    line_points: int,
    met: Sequence[tuple[Entry, int | None]],
    combination: Combination,
) -> tuple[Bonus, ...]:
    """What the rules of the basket give for these lines, which earned `line_points`. `met` are the rules whose other
    conditions hold, in turn, each with the room of its caps. Every rule stands in the answer, if only with 0."""
    held = [(entry, room) for entry, room in met if _is_reached(entry, lines)]
    given: dict[str, int] = {}
    factors = _factors((entry.rule, room) for entry, room in held)
    for rule, part in _multiply(Fraction(line_points), factors, combination):
        given[rule.id] = int(part)
    for entry, _ in held:
        gives = entry.rule.gives
        if isinstance(gives, PerMoney):
            given[entry.rule.id] = entry.money(lines) * gives.points // gives.per_minor
        elif isinstance(gives, Once):
            given[entry.rule.id] = gives.points
    bonuses = []
    for entry, room in met:
        points = given.get(entry.rule.id, 0)
        if room is not None:
            points = min(points, room)
        bonuses.append(Bonus(entry.rule.id, entry.rule.version, points, room))
    return tuple(bonuses)


def _is_reached(entry: Entry, lines: Sequence[EarningLine]) -> bool:
    """The minimum counts the rule's own goods. Without one, something of them must be there."""
    least = entry.rule.conditions.minimum_minor
    return entry.money(lines) >= least if least is not None else any(map(entry.means, lines))


_Parts = list[tuple[Entry, list[Fraction]]]
_Factor = tuple[EarningRule, Fraction, int | None]  # what it adds for each point, and the room of its caps


def _line_parts(lines: Sequence[EarningLine], live: Sequence[Entry], combination: Combination) -> _Parts:
    """What each rule brings to each line, before caps, in turn."""
    base = [(entry, _each(entry, lines, _gain)) for entry in live if entry.rule.op == "base"]
    added = [(entry, _each(entry, lines, _gain)) for entry in live if entry.rule.op == "add"]
    multipliers = [entry for entry in live if isinstance(entry.rule.gives, Times)]
    multiplied: dict[str, list[Fraction]] = {entry.rule.id: [_NOTHING] * len(lines) for entry in multipliers}
    if multipliers:
        for place, line in enumerate(lines):
            brought = sum([parts[place] for _, parts in base], _NOTHING)
            for rule, part in _multiply(
                brought, _factors((entry.rule, None) for entry in multipliers if entry.means(line)), combination
            ):
                multiplied[rule.id][place] = part
    return [*base, *((entry, multiplied[entry.rule.id]) for entry in multipliers), *added]


def _each(entry: Entry, lines: Sequence[EarningLine], gain: Callable[[Entry, EarningLine], Fraction]) -> list[Fraction]:
    return [gain(entry, line) if entry.means(line) else _NOTHING for line in lines]


def _gain(entry: Entry, line: EarningLine) -> Fraction:
    gives = entry.rule.gives
    if isinstance(gives, PerMoney):
        return Fraction(entry.money_of(line) * gives.points, gives.per_minor)
    if isinstance(gives, PerPiece):
        # What is free of charge earns nothing, or a free bag would be worth points.
        return Fraction(line.pieces * gives.points if entry.money_of(line) else 0)
    return _NOTHING


def _factors(rules: Iterable[tuple[EarningRule, int | None]]) -> list[_Factor]:
    return [
        (rule, Fraction(rule.gives.numerator, rule.gives.denominator) - 1, room)
        for rule, room in rules
        if isinstance(rule.gives, Times)
    ]


def _multiply(
    base: Fraction, factors: Sequence[_Factor], combination: Combination
) -> list[tuple[EarningRule, Fraction]]:
    """What each multiplier adds to `base`, in turn. With `max` it is the one that gives most within its room, the first
    of several that are equal: a larger factor with a small cap must not take more away than it brings.

    base | factors       | max     | product
    -----|---------------|---------|---------
      10 | 2, 3          | 0, 20   | 10, 40
      10 | 2, 2          | 10, 0   | 10, 20
      10 | 2, 3 (room 5) | 10, 0   | 10, 40, cut to 5 afterwards
    """
    if combination == "product":
        found, reached = [], base
        for rule, more, _ in factors:
            found.append((rule, reached * more))
            reached += reached * more
        return found
    best = max(factors, key=lambda each: _within(base * each[1], each[2]), default=None)
    return [] if best is None else [(best[0], base * best[1])]


def _within(part: Fraction, room: int | None) -> Fraction:
    return part if room is None else min(part, Fraction(room))


def _cap(parts: _Parts, context: EarningContext) -> _Parts:
    """Each rule's parts cut to the room of its caps, all its lines alike."""
    capped: _Parts = []
    for entry, mine in parts:
        room = room_of(entry.rule.caps, context.used.get(entry.rule.id))
        whole = sum(mine, _NOTHING)
        capped.append((entry, mine if room is None or whole <= room else [part * room / whole for part in mine]))
    return capped


def _round(parts: _Parts, lines: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """The whole points, their split over lines and over rules. No part is more than one point above its exact share,
    so no rule gives more than its cap."""
    if not parts or not lines:
        return 0, (0,) * lines, (0,) * len(parts)
    denominator = lcm(*(part.denominator for _, mine in parts for part in mine))
    scaled = [[part.numerator * (denominator // part.denominator) for part in mine] for _, mine in parts]
    total = sum(map(sum, scaled)) // denominator
    by_line = allocate(total, [sum(column) for column in zip(*scaled, strict=True)])
    return total, by_line, allocate(total, [sum(row) for row in scaled])
