"""What holds for every cart and every set of offers."""

import itertools
from collections.abc import Callable, Sequence
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.basket import BasketLine, ManualDiscount, price
from loyalty.offers.book import OfferBook, goods_of
from loyalty.offers.cart import CartLine, Parcel, split_off
from loyalty.offers.choice import Contender, choose, claim
from loyalty.offers.conditions import find_obstacles
from loyalty.offers.context import OfferContext
from loyalty.offers.effects import grant_effect
from loyalty.offers.engine import apply_offers
from loyalty.offers.offer import WHOLE_PERCENT, Effect, Goods, Offer, PercentOff, Stacking, decode_offer, encode_offer
from loyalty.offers.outcome import NEAR_MISSES_SHOWN, Outcome
from loyalty.offers.texts import LANGUAGES, say_note, say_reason
from loyalty.rounding import Rounding
from loyalty.tax import TaxMode, TaxRounding, TaxRules
from tests.loyalty.offers.random_offers import NOON, any_goods, cart_lines, contexts, effects, offer_lists

thorough = settings(max_examples=300)


def off_by_line(outcome: Outcome) -> dict[int, int]:
    found: dict[int, int] = {}
    for discount in outcome.discounts:
        found[discount.line] = found.get(discount.line, 0) + discount.amount_minor
    return found


@thorough
@given(cart_lines(), offer_lists(), contexts)
def test_no_line_falls_below_nothing_and_the_sums_agree(
    lines: list[CartLine], offers: list[Offer], context: OfferContext
) -> None:
    outcome = apply_offers(lines, offers, context)
    by_line = off_by_line(outcome)
    for line in lines:
        assert 0 <= by_line.get(line.line, 0) <= (line.amount_minor if line.allowed else 0)
    assert all(discount.amount_minor > 0 for discount in outcome.discounts)
    assert sum(by_line.values()) == outcome.discount_minor == sum(use.discount_minor for use in outcome.uses)
    for use in outcome.uses:
        of_use = sum(discount.amount_minor for discount in outcome.discounts if discount.offer == use.offer)
        assert of_use == use.discount_minor > 0


@thorough
@given(cart_lines(), offer_lists(), contexts, st.randoms(use_true_random=False))
def test_the_order_of_lines_and_offers_does_not_matter(
    lines: list[CartLine], offers: list[Offer], context: OfferContext, shuffler: Random
) -> None:
    before = apply_offers(lines, offers, context)
    other_lines, other_offers = list(lines), list(offers)
    shuffler.shuffle(other_lines)
    shuffler.shuffle(other_offers)
    assert apply_offers(other_lines, OfferBook(other_offers), context) == before
    assert msgspec.json.decode(msgspec.json.encode(before), type=Outcome) == before


@thorough
@given(cart_lines(), offer_lists(), contexts)
def test_limits_budgets_and_coupons_are_never_exceeded(
    lines: list[CartLine], offers: list[Offer], context: OfferContext
) -> None:
    by_id = {offer.id: offer for offer in offers}
    for use in apply_offers(lines, offers, context).uses:
        offer, left = by_id[use.offer], context.remaining.get(use.offer)
        limits = offer.limits
        assert use.uses >= 1
        assert find_obstacles(offer, context) == []
        assert limits.per_sale is None or use.uses <= limits.per_sale
        if limits.per_member is not None:
            assert left is not None
            assert use.uses <= (left.member_uses or 0)
        if limits.total is not None:
            assert left is not None
            assert use.uses <= (left.total_uses or 0)
        if limits.budget_minor is not None:
            assert left is not None
            assert use.discount_minor <= (left.budget_minor or 0)
        if offer.trigger == "coupon":
            assert use.uses <= context.coupons[use.offer]


@given(cart_lines(), offer_lists(), contexts, st.sampled_from(Stacking))
def test_an_offer_that_matches_nothing_changes_nothing(
    lines: list[CartLine], offers: list[Offer], context: OfferContext, stacking: Stacking
) -> None:
    stranger = Offer(
        format=1,
        id="STRANGER",
        version=1,
        title={"en": "Stranger"},
        effect=PercentOff(percent="50", goods=Goods(products=("not sold here",))),
        stacking=stacking,
        priority=0,
    )
    assert apply_offers(lines, [stranger, *offers], context) == apply_offers(lines, offers, context)


@given(cart_lines(), offer_lists(), contexts)
def test_pieces_are_consumed_by_sets_at_most_once(
    lines: list[CartLine], offers: list[Offer], context: OfferContext
) -> None:
    pieces = {line.line: line.pieces for line in lines}
    for mark in apply_offers(lines, offers, context).consumed:
        pieces[mark.line] -= mark.pieces
    assert all(left >= 0 for left in pieces.values())


@given(cart_lines(), offer_lists(), contexts)
def test_every_coupon_shown_is_used_or_answered(
    lines: list[CartLine], offers: list[Offer], context: OfferContext
) -> None:
    outcome = apply_offers(lines, offers, context)
    used, refused = {use.offer for use in outcome.uses}, {note.offer for note in outcome.refused}
    assert used.isdisjoint(refused)
    assert {offer for offer, shown in context.coupons.items() if shown > 0} <= used | refused
    assert len(outcome.near_misses) <= NEAR_MISSES_SHOWN


@given(cart_lines(), offer_lists(), contexts)
def test_everything_that_is_answered_can_be_said_in_every_language(
    lines: list[CartLine], offers: list[Offer], context: OfferContext
) -> None:
    outcome = apply_offers(lines, offers, context)
    for language in LANGUAGES:
        said = [say_reason(use.reason, language, "PLN") for use in outcome.uses]
        said += [say_note(note, language, "PLN") for note in (*outcome.near_misses, *outcome.refused)]
        assert all(said)
        assert not any("{" in sentence for sentence in said)


@given(cart_lines(), offer_lists(), contexts)
def test_the_answer_does_not_depend_on_whether_near_misses_are_wanted(
    lines: list[CartLine], offers: list[Offer], context: OfferContext
) -> None:
    asked = apply_offers(lines, offers, context)
    silent = apply_offers(lines, offers, msgspec.structs.replace(context, with_near_misses=False))
    assert silent == msgspec.structs.replace(asked, near_misses=())


@given(cart_lines(), offer_lists(stackings=(Stacking.BEST_OF,), plain=True), contexts)
def test_best_of_offers_together_save_at_least_what_any_of_them_saves_alone(
    lines: list[CartLine], offers: list[Offer], context: OfferContext
) -> None:
    together = apply_offers(lines, offers, context)
    for offer in offers:
        alone = apply_offers(lines, [offer], context).discount_minor
        # each separable offer rounds once, by at most half a minor unit, when its goods are known
        assert alone <= together.discount_minor + (len(offers) + 1) // 2


@given(offer_lists(most=1))
def test_an_offer_survives_its_json(offers: list[Offer]) -> None:
    for offer in offers:
        text = encode_offer(offer)
        assert decode_offer(text) == offer
        assert encode_offer(decode_offer(text)) == text


@given(st.lists(st.integers(1, 900), min_size=1, max_size=9), effects)
def test_goods_scanned_as_one_line_or_as_many_cost_the_same(prices: list[int], effect: Effect) -> None:
    """A line of n equal pieces is n lines of one piece."""
    counted = [(price, 1) for price in sorted(prices)]
    grouped = [(price, len(list(same))) for price, same in itertools.groupby(sorted(prices))]
    offer = Offer(format=1, id="O", version=1, title={"en": "Offer"}, effect=effect)
    found = [
        apply_offers(
            [
                CartLine(line=n, sku="a", categories=(), pieces=k, quantity_milli=k * 1000, amount_minor=price * k)
                for n, (price, k) in enumerate(cart)
            ],
            [offer],
            OfferContext(at=NOON, channel="till"),
        ).discount_minor
        for cart in (counted, grouped)
    ]
    assert found[0] == found[1]


parcels = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 1500)), min_size=1, max_size=4)


@thorough
@given(effects, parcels, st.data())
def test_fewer_goods_never_get_more_off(effect: Effect, amounts: list[tuple[int, int]], data: st.DataObject) -> None:
    """The bound of the search stands on this."""
    many = [Parcel(place, pieces, pieces * 1000 or 700, amount) for place, (pieces, amount) in enumerate(amounts)]
    few = []
    for parcel in many:
        keep = data.draw(st.sampled_from(["all", "none", "some"] if parcel.pieces > 1 else ["all", "none"]))
        if keep == "some":
            taken = data.draw(st.integers(1, parcel.pieces - 1))
            price, dearer = divmod(parcel.amount_minor, parcel.pieces)
            few.append(split_off(parcel, taken, price * taken + min(dearer, taken)))
        elif keep == "all":
            few.append(parcel)
    roles = len(goods_of(effect))
    role_of = [data.draw(st.integers(0, roles - 1)) for _ in many]
    uses = data.draw(st.integers(1, 4))

    def off(goods: Sequence[Parcel]) -> int:
        shown = [[p for p in goods if role_of[p.line] == role] for role in range(roles)]
        grant = grant_effect(effect, shown, uses)
        return grant.discount_minor if grant else 0

    assert off(few) <= off(many)


def best_by_trying_everything(
    contenders: Sequence[Contender], unclaimed: dict[int, Parcel], worth: Callable[[Parcel], int]
) -> int:
    """Every order of every subset of the contenders."""
    best = 0
    for size in range(len(contenders) + 1):
        for order in itertools.permutations(range(len(contenders)), size):
            left, saved = unclaimed, 0
            for place in order:
                grant = contenders[place].grant_on(left, contenders[place].budget_minor)
                if grant is not None:
                    left = claim(left, grant)
                    saved += grant.discount_minor * WHOLE_PERCENT
            best = max(best, saved + sum(map(worth, left.values())))
    return best


@thorough
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 1500)), min_size=1, max_size=5),
    st.lists(st.tuples(effects, st.sampled_from([None, None, 150, 700]), st.integers(1, 3)), min_size=1, max_size=4),
    st.integers(0, 4000),
    st.data(),
)
def test_the_exact_search_finds_what_trying_everything_finds(
    amounts: list[tuple[int, int]],
    drawn: list[tuple[Effect, int | None, int]],
    rate: int,
    data: st.DataObject,
) -> None:
    unclaimed = {line: Parcel(line, n, n * 1000 or 700, amount) for line, (n, amount) in enumerate(amounts)}
    contenders = []
    for effect, budget, uses in drawn:
        roles: list[list[int]] = [[] for _ in goods_of(effect)]
        for line in unclaimed:
            if data.draw(st.booleans()):
                roles[data.draw(st.integers(0, len(roles) - 1))].append(line)
        contenders.append(Contender(effect, tuple(roles), uses, budget))

    def worth(parcel: Parcel) -> int:
        return parcel.amount_minor * rate if parcel.line % 2 else 0

    choice = choose(contenders, unclaimed, worth)
    assert choice.exact
    left, saved = unclaimed, 0
    for place, grant in choice.turns:
        assert grant == contenders[place].grant_on(left, contenders[place].budget_minor)
        left = claim(left, grant)
        saved += grant.discount_minor * WHOLE_PERCENT
    assert saved + sum(map(worth, left.values())) == best_by_trying_everything(contenders, unclaimed, worth)


@given(cart_lines(), offer_lists(), contexts, st.sampled_from(TaxMode), st.sampled_from(TaxRounding))
def test_the_sums_of_the_contract_hold_with_offers(
    lines: list[CartLine], offers: list[Offer], context: OfferContext, mode: TaxMode, rounding: TaxRounding
) -> None:
    scanned = [
        BasketLine(
            line=line.line,
            sku=line.sku,
            quantity_milli=line.quantity_milli,
            unit_price_minor=line.amount_minor,
            tax_rate=("23", "8", "5")[line.line % 3],
            discount=ManualDiscount("percent", 10, "dented") if line.line % 2 else None,
            categories=line.categories,
            weighed=not line.pieces,
            offers_allowed=line.allowed,
        )
        for line in lines
    ]
    basket = price(scanned, TaxRules(mode, rounding, Rounding.HALF_UP), offers, context)
    assert (basket.outcome is None) is (not offers and not context.coupons)
    by_offers = sum(d.amount_minor for line in basket.lines for d in line.discounts if d.kind == "offer")
    assert by_offers == (basket.outcome.discount_minor if basket.outcome else 0)
    for line in basket.lines:
        assert 0 <= line.net_minor == line.gross_minor - sum(discount.amount_minor for discount in line.discounts)
    assert (
        basket.gross_minor - basket.discount_minor == basket.net_minor == sum(line.net_minor for line in basket.lines)
    )
    assert sum(tax.base_minor + tax.tax_minor for tax in basket.taxes) == basket.total_minor


@given(cart_lines(), any_goods)
def test_goods_match_what_they_name_and_never_what_they_except(lines: list[CartLine], goods: Goods) -> None:
    offer = Offer(format=1, id="O", version=1, title={"en": "O"}, effect=PercentOff(percent="1", goods=goods))
    matched = {place for match in OfferBook([offer]).match(lines) for place in match.roles[0]}
    named = {
        place
        for place, line in enumerate(lines)
        if line.allowed
        and (goods.is_everything or line.sku in goods.products or set(line.categories) & set(goods.categories))
        and line.sku not in goods.except_products
        and not set(line.categories) & set(goods.except_categories)
    }
    assert matched == named
