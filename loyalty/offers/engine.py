"""pure: offers take their turns on a cart. One function for till, kiosk, web quote and the sale itself.

Turns go by stacking, then priority, then id. Discounts given by hand came before: offers see what they left.

1. exclusive, one after the other: what such an offer claims takes no other offer.
2. best_of, all together: every piece takes one of them, chosen by `choice` so that the shopper saves most.
3. stack, one after the other, off what is left to pay.

When all had their turns, the price of a gift is laid on it and on what had to be bought for it.

A minimum is measured when the turn comes, for best_of offers before any of them. Pieces used up in a set (buy_get,
bundle, gift) are in no other set. No line falls below nothing, and no limit, budget or number of coupons is exceeded.

    >>> from datetime import datetime
    >>> from loyalty.offers.offer import BuyGet, Goods
    >>> two_plus_one = Offer(format=1, id="COLA", version=1, title={"en": "Cola"}, stacking=Stacking.EXCLUSIVE,
    ...                      effect=BuyGet(buy=2, get=1, goods=Goods(products=("cola",))))
    >>> cola = CartLine(line=1, sku="cola", categories=(), pieces=4, quantity_milli=4000, amount_minor=400)
    >>> outcome = apply_offers([cola], [two_plus_one], OfferContext(at=datetime(2026, 11, 21), channel="till"))
    >>> [(use.offer, use.uses, use.discount_minor, use.reason.code.value) for use in outcome.uses], outcome.consumed
    ([('COLA', 1, 100, 'cheapest_free')], (Consumed(line=1, offer='COLA', pieces=3),))
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from loyalty.money import allocate
from loyalty.offers.book import Match, OfferBook
from loyalty.offers.cart import CartLine, Grant, Left, Parcel, Take, parcel_of, take_of
from loyalty.offers.choice import Contender, choose, claim
from loyalty.offers.conditions import ENDLESS, Allowance, Obstacle, find_allowance, find_obstacles
from loyalty.offers.context import OfferContext
from loyalty.offers.effects import grant_effect
from loyalty.offers.offer import Bundle, BuyGet, Gift, Offer, Stacking, Steps
from loyalty.offers.outcome import Code, Consumed, LineDiscount, OfferUse, Outcome
from loyalty.offers.reasons import find_missing_pieces, find_shortfall, is_near, reason_of
from loyalty.offers.separable import Separable
from loyalty.offers.unused import Unused


class _Turn(NamedTuple):
    """An offer whose turn has come: its number, its lines, what its limits leave, what is in its way."""

    number: int
    match: Match
    allowance: Allowance
    obstacles: list[Obstacle]

    @property
    def offer(self) -> Offer:
        return self.match.entry.offer


class _Given(NamedTuple):
    """A grant carried out: its offer's turn, and the discount on each of its takes."""

    turn: _Turn
    grant: Grant
    takes: list[tuple[Take, int]]


def apply_offers(lines: Sequence[CartLine], offers: OfferBook | Iterable[Offer], context: OfferContext) -> Outcome:
    """What `offers` take off `lines`, why, and what was nearly given. The order of both does not matter.

    Raises ValueError for two lines of one number or two offers of one id.
    """
    book = offers if isinstance(offers, OfferBook) else OfferBook(offers)
    cart = sorted(lines, key=_line_of)
    if len({line.line for line in cart}) < len(cart):
        raise ValueError("two lines carry the same number")
    # Who was shown no price yet is told what is missing; who pays is owed only what is given, and why a coupon is not.
    matches = book.match(cart, None if context.with_near_misses else context.coupons)
    pricing = _Pricing(cart, context)
    competing: list[tuple[int, Match]] = []
    stacked: list[tuple[int, Match]] = []
    for number, match in enumerate(matches):  # exclusive ones come first, then best_of, then stack
        entry = match.entry
        if entry.by_coupon and context.coupons.get(entry.offer.id, 0) < 1:
            continue
        if entry.stacking is Stacking.EXCLUSIVE:
            pricing.take_turn(number, match, close=True)
        else:
            (competing if entry.stacking is Stacking.BEST_OF else stacked).append((number, match))
    if competing:
        pricing.compete(competing)
    for number, match in stacked:
        pricing.take_turn(number, match, close=False)
    pricing.spread_gifts()
    pricing.answer_coupons(book)
    return pricing.make_outcome()


class _Pricing:
    """One cart on its way through the turns. It lives inside apply_offers only."""

    def __init__(self, cart: Sequence[CartLine], context: OfferContext) -> None:
        self._cart = cart
        self._context = context
        self._left = Left(cart)
        self._unused = Unused(context)
        self._given: list[_Given] = []
        self._exact = True
        self._nodes = 0

    def take_turn(self, number: int, match: Match, *, close: bool) -> None:
        """One offer by itself, exclusive (`close`) or on top of others."""
        turn = self._begin(number, match)
        effect = match.entry.effect
        roles = self._roles_of(match)
        if turn.obstacles:
            asked = self._unused.wants_to_know(turn.obstacles)
            would_give = asked and grant_effect(effect, roles, max(1, turn.allowance.uses)) is not None
            self._unused.add_obstacles(turn.offer, turn.obstacles, would_give=would_give)
            return
        grant = grant_effect(effect, roles, turn.allowance.uses, turn.allowance.budget_minor)
        if grant is None:
            self._explain_nothing(turn, roles)
            return
        self._carry_out(turn, grant, close=close)
        if self._context.with_near_misses and isinstance(effect, BuyGet | Bundle | Steps):
            self._look_further(turn, grant, self._roles_of(match))

    def compete(self, matches: Sequence[tuple[int, Match]]) -> None:
        """All best_of offers together."""
        contending: list[_Turn] = []
        separable: list[_Turn] = []
        blocked: list[_Turn] = []
        for number, match in matches:
            turn = self._begin(number, match)
            (blocked if turn.obstacles else separable if match.entry.separable else contending).append(turn)
        rest = Separable([(turn.match.entry.effect, turn.match.roles[0]) for turn in separable])
        # Nobody else looks at lines that no separable offer means.
        wanted = range(len(self._cart)) if contending or blocked else rest.lines()
        unclaimed = {parcel.line: parcel for parcel in self._left.parcels_of(wanted, for_set=True)}
        winners = []
        losers = contending
        if contending:
            choice = choose([_contender_of(turn) for turn in contending], unclaimed, rest.worth)
            self._exact, self._nodes = choice.exact, choice.nodes
            for place, grant in choice.turns:
                self._carry_out(contending[place], grant, close=False)
                unclaimed = claim(unclaimed, grant)
                winners.append((contending[place], grant))
            won = {place for place, _ in choice.turns}
            losers = [turn for place, turn in enumerate(contending) if place not in won]
        if contending or blocked:
            self._tell_about(blocked, losers, winners, unclaimed, rest)
        shares = dict(rest.shares_of(unclaimed))
        for place, turn in enumerate(separable):
            parcels = shares.get(place)
            if parcels is not None:
                share = grant_effect(turn.match.entry.effect, (parcels,), 1)
                if share is not None:
                    self._carry_out(turn, share, close=False)
            elif self._unused.was_shown(turn.offer.id):
                self._unused.refuse(turn.offer.id, self._why_not(turn), {}, reason_of(turn.match.entry.effect))

    def _tell_about(
        self,
        blocked: Sequence[_Turn],
        losers: Sequence[_Turn],
        winners: Sequence[tuple[_Turn, Grant]],
        unclaimed: Mapping[int, Parcel],
        rest: Separable,
    ) -> None:
        """What best_of offers would give on goods that no other contender has claimed; more would be no promise."""
        for turn in blocked:
            would_give = self._unused.wants_to_know(turn.obstacles) and (
                rest.is_beaten_by(turn.match.entry.effect, _unclaimed_roles(turn, unclaimed)[0])
                if turn.match.entry.separable
                else _contender_of(turn).grant_on(unclaimed, None) is not None
            )
            self._unused.add_obstacles(turn.offer, turn.obstacles, would_give=would_give)
        for turn in losers:
            self._explain_nothing(turn, _unclaimed_roles(turn, unclaimed))
        if self._context.with_near_misses:
            for turn, grant in winners:
                self._look_further(turn, grant, _unclaimed_roles(turn, unclaimed))

    def _begin(self, number: int, match: Match) -> _Turn:
        """Everything in the way of an offer when its turn comes: conditions, minimum, limits, in this order."""
        entry = match.entry
        if entry.is_free:
            return _Turn(number, match, ENDLESS, [])
        obstacles = [] if entry.is_open else find_obstacles(entry.offer, self._context)
        if entry.minimum is not None:
            amount, pieces = self._left.amount_of(match.counted), self._left.pieces_of(match.counted)
            shortfall = find_shortfall(entry.minimum, amount, pieces)
            if shortfall is not None:
                is_money = shortfall.code is Code.MORE_MONEY
                needed = (entry.minimum.amount_minor if is_money else entry.minimum.pieces) or 0
                parameters: dict[str, int | str] = {"missing_minor" if is_money else "pieces": shortfall.missing}
                obstacles.append(Obstacle(shortfall.code, parameters, near=is_near(shortfall, needed)))
        allowance = ENDLESS if entry.is_unlimited else find_allowance(entry.offer, self._context)
        if allowance.code is not None:
            obstacles.append(Obstacle(allowance.code, {}))
        return _Turn(number, match, allowance, obstacles)

    def _roles_of(self, match: Match) -> list[list[Parcel]]:
        for_set = match.entry.takes_sets
        return [self._left.parcels_of(lines, for_set=for_set) for lines in match.roles]

    def _carry_out(self, turn: _Turn, grant: Grant, *, close: bool) -> None:
        entry = turn.match.entry
        takes = grant.split()
        self._left.settle(takes, close=close, in_set=entry.takes_sets)
        self._given.append(_Given(turn, grant, takes))

    def _explain_nothing(self, turn: _Turn, roles: Sequence[Sequence[Parcel]]) -> None:
        """An offer that may run and gives nothing: pieces are missing, its budget is too small, or others were
        better."""
        effect, allowance = turn.match.entry.effect, turn.allowance
        if allowance.budget_minor is not None and grant_effect(effect, roles, allowance.uses) is not None:
            self._unused.refuse(turn.offer.id, Code.BUDGET_USED_UP, {}, reason_of(effect))
            return
        if not self._context.with_near_misses and not self._unused.was_shown(turn.offer.id):
            return
        shortfall = find_missing_pieces(effect, _pieces_of(roles), allowance.uses)
        if shortfall is not None:
            self._unused.add_shortfall(turn.offer, shortfall, gave=False)
        elif self._unused.was_shown(turn.offer.id):
            self._unused.refuse(turn.offer.id, self._why_not(turn), {}, reason_of(effect))

    def _why_not(self, turn: _Turn) -> Code:
        """What to say of an offer that had its turn in vain: had it come first, would it have given something?"""
        untouched = Left(self._cart)
        roles = [untouched.parcels_of(lines, for_set=False) for lines in turn.match.roles]
        grant = grant_effect(turn.match.entry.effect, roles, turn.allowance.uses)
        return Code.NO_MATCHING_GOODS if grant is None else Code.BETTER_OFFER

    def _look_further(self, turn: _Turn, grant: Grant, roles: Sequence[Sequence[Parcel]]) -> None:
        """Pieces missing to one set more, or to the next step."""
        effect = turn.match.entry.effect
        if isinstance(effect, Steps):
            pieces, uses = [sum(take.pieces for take in grant.takes)], 1
        else:
            pieces = _pieces_of(roles)
            uses = turn.allowance.uses - grant.uses if isinstance(effect, BuyGet | Bundle) else 0
        shortfall = find_missing_pieces(effect, pieces, uses) if any(pieces) else None
        if shortfall is not None:
            self._unused.add_shortfall(turn.offer, shortfall, gave=True)

    def spread_gifts(self) -> None:
        """Lay the price of each gift on it and on the goods that had to be bought for it, by what is left to pay of
        them: whoever brings those back must not keep the gift for nothing. It comes after the last turn, so no other
        offer sees it. A gift for which nothing had to be bought stays free."""
        for place, (turn, grant, takes) in enumerate(self._given):
            bought = turn.match.counted
            if not bought or not isinstance(turn.match.entry.effect, Gift):
                continue
            parts = [*grant.takes, *(take_of((self._part(line), 0, self._left.amount_of([line]))) for line in bought)]
            shares = allocate(grant.discount_minor, [part.amount_minor for part in parts])
            spread = list(zip(parts, shares, strict=True))
            for take, off in takes:
                self._left.move(take.parcel.line, -off)
            for part, off in spread:
                self._left.move(part.parcel.line, off)
            self._given[place] = _Given(turn, grant, spread)

    def _part(self, line: int) -> Parcel:
        """What is left of a line when all offers have had their turns, of which no piece is claimed."""
        return parcel_of((line, 0, 0, self._left.amount_of([line]), False))

    def answer_coupons(self, book: OfferBook) -> None:
        """Every coupon that gave nothing gets a reason, also where its offer met no line at all or is not known."""
        used = {given.turn.offer.id for given in self._given}
        for offer_id in sorted(self._context.coupons):
            if offer_id in used or not self._unused.was_shown(offer_id):
                continue
            entry = book.by_id.get(offer_id)
            if entry is None:
                self._unused.refuse(offer_id, Code.UNKNOWN_OFFER, {}, None)
                continue
            obstacles = find_obstacles(entry.offer, self._context)
            first = obstacles[0] if obstacles else Obstacle(Code.NO_MATCHING_GOODS, {})
            self._unused.refuse(offer_id, first.code, first.parameters, reason_of(entry.effect))

    def make_outcome(self) -> Outcome:
        cart = self._cart
        discounts: list[LineDiscount] = []
        uses = []
        consumed = []
        for turn, grant, takes in sorted(self._given, key=_number_of):
            entry = turn.match.entry
            offer, name = entry.offer, entry.offer.id
            reason = reason_of(entry.effect, grant.step) if grant.step else entry.reason
            code = reason.code
            for place, off, pieces in _by_place(takes):
                line = cart[place].line
                if off:
                    discounts.append(LineDiscount(line, name, code, off))
                if entry.takes_sets and pieces:
                    consumed.append(Consumed(line, name, pieces))
            uses.append(
                OfferUse(
                    offer=name,
                    version=offer.version,
                    uses=grant.uses,
                    discount_minor=grant.discount_minor,
                    reason=reason,
                    coupon=entry.by_coupon,
                )
            )
        discounts.sort(key=_line_of)  # stable: on one line they stay in the order of turns
        return Outcome(
            discounts=tuple(discounts),
            uses=tuple(uses),
            consumed=tuple(consumed),
            near_misses=self._unused.near_misses,
            refused=self._unused.refused,
            exact=self._exact,
            nodes=self._nodes,
        )


def _number_of(given: _Given) -> int:
    return given.turn.number


_line_of = attrgetter("line")


def _by_place(takes: Sequence[tuple[Take, int]]) -> Iterable[tuple[int, int, int]]:
    """Place in the cart, discount and pieces, in the order of places, each once."""
    if len(takes) == 1:
        ((take, discount),) = takes
        return ((take.parcel.line, discount, take.pieces),)
    places = [take.parcel.line for take, _ in takes]
    if places == sorted(set(places)):  # as effects of whole lines leave them
        return [(place, discount, take.pieces) for place, (take, discount) in zip(places, takes, strict=True)]
    off: dict[int, tuple[int, int]] = {}
    for take, discount in takes:
        before, pieces = off.get(take.parcel.line, (0, 0))
        off[take.parcel.line] = before + discount, pieces + take.pieces
    return [(place, discount, pieces) for place, (discount, pieces) in sorted(off.items())]


def _contender_of(turn: _Turn) -> Contender:
    uses = turn.allowance.uses if not turn.obstacles else max(1, turn.allowance.uses)
    return Contender(turn.match.entry.effect, turn.match.roles, uses, turn.allowance.budget_minor)


def _unclaimed_roles(turn: _Turn, unclaimed: Mapping[int, Parcel]) -> list[list[Parcel]]:
    return [[unclaimed[line] for line in lines if line in unclaimed] for lines in turn.match.roles]


def _pieces_of(roles: Sequence[Sequence[Parcel]]) -> list[int]:
    return [sum(parcel.pieces for parcel in parcels) for parcels in roles]
