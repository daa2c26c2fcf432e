"""pure: of the offers that compete for the same goods, those which together save the shopper most.

Two kinds compete. *Separable* offers look at each piece alone (10 percent off dairy): of these every line simply takes
the one that takes most off it. *Contenders* want several pieces or all their goods at once (buy 2 get 1, a bundle,
5.00 off). They have their turns in some order, each claiming what it can of what is unclaimed; goods that none claims
are left to the separable offers. The answer is the order of contenders, some of them left out, that saves most.

First each contender gets its turn once, by share of the price saved, and once more by money saved: two greedy orders.
Branch and bound then improves on the better one until nothing better can exist, with at most SEARCH_NODES further looks
at an offer for the whole cart. Contenders without a common line are solved apart. When the looks run out, or more than
SEARCH_OFFERS contenders hang together, the best order so far counts and `exact` is False. Everything is done in one
fixed order, so the same cart gets the same answer everywhere and every time.

What is compared is exact, in 1/10,000 of a minor unit: the percentages of separable offers are rounded only afterwards.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from loyalty.offers.cart import Grant, Parcel, split_off
from loyalty.offers.effects import grant_effect
from loyalty.offers.offer import WHOLE_PERCENT, Effect

SEARCH_NODES = 250
SEARCH_OFFERS = 32
Unclaimed = Mapping[int, Parcel]
"""What no contender has claimed, by line."""


class Contender(NamedTuple):
    """An offer in the competition, the lines of each of its roles, and what its limits leave."""

    effect: Effect
    roles: tuple[Sequence[int], ...]
    most_uses: int
    budget_minor: int | None

    def grant_on(self, unclaimed: Unclaimed, budget_minor: int | None) -> Grant | None:
        roles = [[unclaimed[line] for line in lines if line in unclaimed] for lines in self.roles]
        return grant_effect(self.effect, roles, self.most_uses, budget_minor)


Turns = tuple[tuple[int, Grant], ...]
"""Contenders, by place, in the order of their turns, each with what it does then."""


class Choice(NamedTuple):
    """What the contenders do, in this order. `exact`: nothing better exists."""

    turns: Turns
    exact: bool
    nodes: int


class _Option(NamedTuple):
    """A contender at one node: what it would do now (None: its budget is too small), what that saves beyond the
    separable offers, and the most it can ever take off."""

    grant: Grant | None
    gain: int
    most_minor: int


def claim(unclaimed: Unclaimed, grant: Grant) -> dict[int, Parcel]:
    """What is left unclaimed after a grant."""
    left = dict(unclaimed)
    for take in grant.takes:
        line = take.parcel.line
        if take.pieces == take.parcel.pieces:
            del left[line]
        else:
            left[line] = split_off(take.parcel, take.pieces, take.amount_minor)
    return left


def choose(contenders: Sequence[Contender], unclaimed: Unclaimed, separable_worth: Callable[[Parcel], int]) -> Choice:
    """The order of contenders that saves most. `separable_worth` is what the separable offers give on a parcel."""
    lines = [
        # Whoever has goods for a part of its roles only can do nothing, and must not join others that have no rival.
        frozenset([line for role in contender.roles for line in role]) if all(contender.roles) else frozenset[int]()
        for contender in contenders
    ]
    turns: list[tuple[int, Grant]] = []
    exact = True
    nodes = 0
    for members in _components(lines):
        search = _Search(contenders, lines, separable_worth, SEARCH_NODES - nodes)
        search.run(members, unclaimed)
        turns += search.best
        exact = exact and search.exact
        nodes += search.nodes
    return Choice(tuple(turns), exact, nodes)


def _components(lines: Sequence[frozenset[int]]) -> list[list[int]]:
    """Groups of contenders joined by common lines, the smallest first, since these are surely solved exactly. Whoever
    has no lines is in none."""
    head_of_line: dict[int, int] = {}
    joined = list(range(len(lines)))

    def head_of(place: int) -> int:
        while joined[place] != place:
            joined[place] = joined[joined[place]]
            place = joined[place]
        return place

    for place, own in enumerate(lines):
        for line in own:
            joined[head_of(head_of_line.setdefault(line, place))] = head_of(place)
    groups: dict[int, list[int]] = {}
    for place, own in enumerate(lines):
        if own:
            groups.setdefault(head_of(place), []).append(place)
    return sorted(groups.values(), key=lambda members: (len(members), members))


class _Search:
    """Branch and bound over the orders of one component. `best` is the best found, `exact` that it is proven.

    Two orders that differ only in neighbours without a common line are the same; of these one is walked: an offer whose
    earlier turn has been walked sleeps, until one that shares a line with it has had its turn (sleep sets, P.
    Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996).
    """

    def __init__(
        self,
        contenders: Sequence[Contender],
        lines: Sequence[frozenset[int]],
        separable_worth: Callable[[Parcel], int],
        most_nodes: int,
    ) -> None:
        self._contenders = contenders
        self._lines = lines
        self._worth = separable_worth
        self._most_nodes = most_nodes
        self._rivals: dict[int, frozenset[int]] = {}
        self._saved = 0
        self.best: Turns = ()
        self.exact = True
        self.nodes = 0

    def run(self, members: Sequence[int], unclaimed: Unclaimed) -> None:
        mine = sorted({line for member in members for line in self._lines[member]})
        state = {line: unclaimed[line] for line in mine if line in unclaimed}
        options = self._look(members, state)
        if len(options) == 1:
            ((only, option),) = options.items()
            if option.grant is not None:
                self._record(option.gain, ((only, option.grant),))
            return
        self._try_greedily(options, state)
        if len(options) > SEARCH_OFFERS:
            self.exact = self._bound(0, options) <= self._saved
        else:
            self._explore(state, options, frozenset(), 0, ())

    def _look(self, members: Iterable[int], state: Unclaimed) -> dict[int, _Option]:
        """The contenders that still can do something, in their fixed order."""
        options = {}
        for member in members:
            contender = self._contenders[member]
            budget = contender.budget_minor
            grant = contender.grant_on(state, None)
            if grant is None or budget == 0:
                continue
            if budget is not None and grant.discount_minor > budget:
                grant, most = contender.grant_on(state, budget), budget
            else:
                most = grant.discount_minor
            options[member] = _Option(grant, self._gain(grant) if grant is not None else 0, most)
        return options

    def _gain(self, grant: Grant) -> int:
        """What a grant saves beyond what the separable offers would have given on the goods it claims."""
        gain = grant.discount_minor * WHOLE_PERCENT
        for take in grant.takes:
            gain -= self._worth(take.parcel)
            if take.pieces != take.parcel.pieces:
                gain += self._worth(split_off(take.parcel, take.pieces, take.amount_minor))
        return gain

    def _rivals_of(self, member: int) -> frozenset[int]:
        """The contenders that share a line with this one."""
        rivals = self._rivals.get(member)
        if rivals is None:
            own = self._lines[member]
            rivals = frozenset(
                [other for other, lines in enumerate(self._lines) if other != member and not lines.isdisjoint(own)]
            )
            self._rivals[member] = rivals
        return rivals

    def _try_greedily(self, options: Mapping[int, _Option], state: Unclaimed) -> None:
        """Each contender once, by share of the price saved and by money saved, as far as it still gains something."""
        found = [(member, option.grant) for member, option in options.items() if option.grant is not None]
        rankings = [sorted(found, key=lambda pair: (-_saved_share(pair[1]), pair[0]))]
        rankings.append(sorted(found, key=lambda pair: (-pair[1].discount_minor, pair[0])))
        for ranking in rankings if rankings[0] != rankings[1] else rankings[:1]:
            left, claimed, value, turns = state, set[int](), 0, list[tuple[int, Grant]]()
            for member, first in ranking:
                contender = self._contenders[member]
                is_same = claimed.isdisjoint(self._lines[member])
                grant = first if is_same else contender.grant_on(left, contender.budget_minor)
                gain = 0 if grant is None else self._gain(grant)
                if grant is not None and gain > 0:
                    left = claim(left, grant)
                    claimed.update([take.parcel.line for take in grant.takes])
                    value += gain
                    turns.append((member, grant))
            self._record(value, tuple(turns))

    def _record(self, saved: int, turns: Turns) -> None:
        if saved > self._saved:
            self._saved, self.best = saved, turns

    @staticmethod
    def _bound(value: int, options: Mapping[int, _Option]) -> int:
        """No order from here on saves more: goods only become fewer, and fewer goods never get more off."""
        return value + WHOLE_PERCENT * sum([option.most_minor for option in options.values()])

    def _explore(
        self,
        state: Unclaimed,
        options: Mapping[int, _Option],
        asleep: frozenset[int],
        value: int,
        turns: Turns,
    ) -> None:
        self._record(value, turns)
        if self._bound(value, options) <= self._saved:
            return
        children = [(-option.gain, member) for member, option in options.items() if member not in asleep]
        walked = set(asleep)
        for _, member in sorted(children):
            grant, gain, _ = options[member]
            if grant is None:
                continue
            rivals = self._rivals_of(member)
            claimed = {take.parcel.line for take in grant.takes}
            touched = [other for other in options if other in rivals and not self._lines[other].isdisjoint(claimed)]
            if self.nodes + len(touched) + 1 > self._most_nodes:
                self.exact = False
                return
            self.nodes += len(touched) + 1
            left = claim(state, grant)
            kept = {other: option for other, option in options.items() if other != member}
            for other in touched:
                del kept[other]
            kept.update(self._look(touched, left))
            sleeping = frozenset([other for other in walked if other in kept and other not in rivals])
            self._explore(left, kept, sleeping, value + gain, (*turns, (member, grant)))
            walked.add(member)


def _saved_share(grant: Grant) -> int:
    """The part of the price of the claimed goods that is saved, in 1/10,000."""
    return grant.discount_minor * WHOLE_PERCENT // max(1, sum(take.amount_minor for take in grant.takes))
