"""pure: offers made ready for many carts: in the order of their turns, found by product and category.

A book is made once whenever the offers change; a cart then costs what its matches cost, however many other offers run.

    >>> from loyalty.offers.offer import PercentOff
    >>> milk = CartLine(line=1, sku="milk", categories=("dairy",), pieces=1, quantity_milli=1000, amount_minor=143)
    >>> dairy = PercentOff(percent="10", goods=Goods(categories=("dairy",)))
    >>> book = OfferBook([Offer(format=1, id="DAIRY10", version=1, title={"en": "Dairy week"}, effect=dairy)])
    >>> [(match.entry.offer.id, match.roles) for match in book.match([milk])]
    [('DAIRY10', ([0],))]
"""

from collections.abc import Collection, Iterable, Sequence

from loyalty.offers.cart import CartLine
from loyalty.offers.effects import takes_sets
from loyalty.offers.offer import Bundle, BuyGet, Conditions, Effect, Gift, Goods, Limits, Offer, Stacking
from loyalty.offers.reasons import reason_of
from loyalty.offers.separable import is_separable

_TURN = {stacking: turn for turn, stacking in enumerate(Stacking)}
_Target = tuple[int, int]
"""Place of an entry in the book, and the role its goods play there; the goods of the minimum play _MINIMUM."""
_MINIMUM = 1_000
_GOODS_KEPT = 4_096


def goods_of(effect: Effect) -> tuple[Goods, ...]:
    """The goods of an effect, one Goods for each role."""
    if isinstance(effect, Bundle):
        return tuple(part.goods for part in effect.parts)
    if isinstance(effect, BuyGet) and effect.reward is not None:
        return effect.goods, effect.reward
    return (effect.goods,)


class Entry:
    """One offer of the book with what is the same for every cart. `is_free`: nothing can be in its way. `reason` is
    said of it where no quantity step is reached; `is_plain`: its goods play one role, and no others count for it."""

    __slots__ = (
        "by_coupon",
        "effect",
        "goods",
        "is_free",
        "is_open",
        "is_plain",
        "is_unlimited",
        "minimum",
        "offer",
        "reason",
        "separable",
        "stacking",
        "takes_sets",
    )

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.effect = offer.effect
        self.goods = goods_of(offer.effect)
        self.minimum = offer.conditions.minimum
        self.stacking = offer.stacking
        self.by_coupon = offer.trigger == "coupon"
        self.is_open = offer.conditions == Conditions(minimum=self.minimum)
        self.is_unlimited = not self.by_coupon and offer.limits == Limits()
        self.separable = offer.limits.budget_minor is None and is_separable(offer.effect)
        self.is_free = self.is_open and self.is_unlimited and self.minimum is None
        self.is_plain = len(self.goods) == 1 and self.minimum is None
        self.takes_sets = takes_sets(offer.effect)
        self.reason = reason_of(offer.effect)


class Match:
    """An offer and the lines it means, by place in the cart: one list for each role, and those of its minimum."""

    __slots__ = ("counted", "entry", "roles")

    def __init__(self, entry: Entry, roles: tuple[Sequence[int], ...], counted: Sequence[int]) -> None:
        self.entry = entry
        self.roles = roles
        self.counted = counted


class OfferBook:
    """Offers in the order of their turns: exclusive, best_of, stack; then priority; then id."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        """Raises ValueError when two of them have the same id: only one version of an offer is live."""
        ordered = sorted(offers, key=lambda offer: (_TURN[offer.stacking], offer.priority, offer.id))
        self.entries = tuple(Entry(offer) for offer in ordered)
        self.by_id = {entry.offer.id: entry for entry in self.entries}
        if len(self.by_id) < len(self.entries):
            raise ValueError("two versions of one offer cannot be live together")
        self._places = {entry.offer.id: place for place, entry in enumerate(self.entries)}
        self._by_product: dict[str, list[_Target]] = {}
        self._by_category: dict[str, list[_Target]] = {}
        self._whole: list[_Target] = []  # everything, without an exception
        self._almost_whole: list[_Target] = []
        self._excepted: dict[_Target, tuple[frozenset[str], frozenset[str]]] = {}
        self._found: dict[tuple[str, tuple[str, ...]], tuple[_Target, ...]] = {}
        for place, entry in enumerate(self.entries):
            for role, goods in enumerate(entry.goods):
                self._index((place, role), goods)
            if entry.minimum is not None:
                self._index((place, _MINIMUM), entry.minimum.goods)

    def __len__(self) -> int:
        return len(self.entries)

    def _index(self, target: _Target, goods: Goods) -> None:
        for product in dict.fromkeys(goods.products):
            self._by_product.setdefault(product, []).append(target)
        for category in dict.fromkeys(goods.categories):
            self._by_category.setdefault(category, []).append(target)
        if goods.except_products or goods.except_categories:
            self._excepted[target] = frozenset(goods.except_products), frozenset(goods.except_categories)
        if goods.is_everything:
            (self._almost_whole if target in self._excepted else self._whole).append(target)

    def match(self, lines: Sequence[CartLine], only_giving: Collection[str] | None = None) -> list[Match]:
        """Every offer that means at least one line, in the order of turns. A line plays one role of an offer, the
        first that fits, and may count for its minimum besides.

        With `only_giving` no offer that has goods for a part of its roles only, and so can give nothing, except those
        named: it matters only to who is to be told what is missing.
        """
        allowed = [place for place, line in enumerate(lines) if line.allowed]
        found: dict[_Target, list[int]] = {}
        for place in allowed:
            for target in self._targets_of(lines[place]):
                found.setdefault(target, []).append(place)
        if allowed:
            for target in self._whole:
                found[target] = allowed
        entries = self.entries
        if only_giving is None:
            return [self._match(entries[place], place, found) for place in sorted({place for place, _ in found})]
        named = {self._places.get(offer) for offer in only_giving}
        matches = []
        for place in sorted({place for place, role in found if role == 0 or place in named}):
            match = self._match(entries[place], place, found)
            if all(match.roles) or place in named:
                matches.append(match)
        return matches

    def _targets_of(self, line: CartLine) -> Iterable[_Target]:
        """What this line is found under, each target once, without what is found by every line. Kept for the goods that
        are bought again and again."""
        goods = line.sku, line.categories
        found = self._found.get(goods)
        if found is None:
            if len(self._found) >= _GOODS_KEPT:
                self._found.clear()
            found = self._found[goods] = tuple(self._find_targets(line))
        return found

    def _find_targets(self, line: CartLine) -> Iterable[_Target]:
        lists = [self._by_product.get(line.sku, ()), self._almost_whole]
        lists += [self._by_category.get(category, ()) for category in line.categories]
        filled = [targets for targets in lists if targets]
        found: Iterable[_Target] = filled[0] if len(filled) == 1 else {t for targets in filled for t in targets}
        if self._excepted:
            return [target for target in found if not self._is_excepted(target, line)]
        return found

    def _is_excepted(self, target: _Target, line: CartLine) -> bool:
        excepted = self._excepted.get(target)
        return excepted is not None and (line.sku in excepted[0] or not excepted[1].isdisjoint(line.categories))

    @staticmethod
    def _match(entry: Entry, place: int, found: dict[_Target, list[int]]) -> Match:
        first = found.get((place, 0), ())
        if entry.is_plain:
            return Match(entry, (first,), ())
        roles: list[Sequence[int]] = [first]
        if len(entry.goods) > 1:
            taken = set(roles[0])
            for role in range(1, len(entry.goods)):
                roles.append([line for line in found.get((place, role), ()) if line not in taken])
                taken.update(roles[-1])
        counted: Sequence[int] = found.get((place, _MINIMUM), ()) if entry.minimum is not None else ()
        if counted and isinstance(entry.effect, Gift):
            gifts = set(roles[0])
            counted = [line for line in counted if line not in gifts]
        return Match(entry, tuple(roles), counted)
