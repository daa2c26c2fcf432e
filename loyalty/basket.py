"""pure: what a basket costs. The same function answers the till, the kiosk, the web quote and the sale itself.

Stages, each a list as long as the basket: gross, discounts given by hand, then (as further entries of the same
discount lists) what offers grant on what is left; the last stage sums up and computes tax on what is left of each line.

    >>> from loyalty.rounding import Rounding
    >>> from loyalty.tax import TaxMode, TaxRounding
    >>> rules = TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.HALF_UP)
    >>> milk = BasketLine(line=1, sku="1041453", quantity_milli=2000, unit_price_minor=143, tax_rate="23",
    ...                   discount=ManualDiscount("percent", 10, "dented"))
    >>> basket = price([milk], rules)
    >>> basket.gross_minor, basket.discount_minor, basket.net_minor, basket.taxes
    (286, 29, 257, (TaxAmount(rate='23', base_minor=209, tax_minor=48),))
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from loyalty.errors import InvalidInput
from loyalty.money import AMOUNT_LIMIT_MINOR, AmountTooLarge
from loyalty.offers.book import OfferBook
from loyalty.offers.cart import CartLine
from loyalty.offers.context import OfferContext
from loyalty.offers.engine import apply_offers
from loyalty.offers.offer import Offer
from loyalty.offers.outcome import Outcome
from loyalty.rounding import Rounding, round_ratio
from loyalty.tax import TaxAmount, TaxMode, TaxRules, canonical_rate, compute_taxes


class WrongBasket(InvalidInput):
    """A line of the basket cannot be right."""

    code, hint = "wrong_basket", "Remove the marked line and scan it again."


class DiscountTooLarge(InvalidInput):
    """The discount is larger than the price of the line."""

    code, hint = "discount_too_large", "Give at most the price of the line, or void the line instead."


class ManualDiscount(msgspec.Struct, frozen=True):
    """A discount given by hand on one line: `percent` is whole, 1..100; `amount` is minor units off the line."""

    kind: Literal["percent", "amount"]
    value: int
    reason: str


class BasketLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line as scanned. 1 piece or 1 kilogram is 1000 `quantity_milli`; `tax_rate` is percent ("23").

    `label_price_minor` is the price printed into a scale's barcode: it is the gross of the line exactly, since the
    shopper has read it, and quantity times unit price is not computed again.

    For offers: `categories` the product is in, `weighed` for what is sold by measure and so has no pieces (a label's
    goods neither), `offers_allowed` False for what takes no offer: gift cards, deposits, what the law keeps at a price.
    `payable_with_points` is False for money under another name: points on a gift card would last for ever and earn
    again.
    """

    line: int
    sku: str
    quantity_milli: int
    unit_price_minor: int
    tax_rate: str
    discount: ManualDiscount | None = None
    label_price_minor: int | None = None
    points_eligible: bool = True
    categories: tuple[str, ...] = ()
    weighed: bool = False
    offers_allowed: bool = True
    payable_with_points: bool = True


class Discount(msgspec.Struct, frozen=True):
    """Money off a line. `reason` is what was typed with a discount by hand; of an offer, named by `offer`, it is the
    code of what the offer does (loyalty.offers.texts says it in words)."""

    kind: Literal["manual", "offer"]
    reason: str
    amount_minor: int
    offer: str | None = None


class PricedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line with its price: `net_minor` = `gross_minor` - discounts. The store's TaxMode says if net holds the tax."""

    line: int
    sku: str
    quantity_milli: int
    unit_price_minor: int
    gross_minor: int
    discounts: tuple[Discount, ...]
    net_minor: int
    tax_rate: str
    tax_minor: int


class PricedBasket(msgspec.Struct, frozen=True, kw_only=True):
    """A basket with its price. `total_minor` is owed before cash rounding: net, plus the tax where tax is added.

    `outcome` is what the offers did, with the uses to count in the sale's transaction; None where there were none.
    """

    lines: tuple[PricedLine, ...]
    gross_minor: int
    discount_minor: int
    net_minor: int
    taxes: tuple[TaxAmount, ...]
    total_minor: int
    outcome: Outcome | None = None


def price(
    lines: Sequence[BasketLine],
    rules: TaxRules,
    offers: OfferBook | Sequence[Offer] = (),
    context: OfferContext | None = None,
) -> PricedBasket:
    """Price `lines` under `rules` and `offers`. An empty basket costs nothing.

    Gross is unit price x quantity / 1000, half away from zero; a discount in percent rounds the same way:

        unit price | quantity_milli | gross | discount   | off | net
        -----------|----------------|-------|------------|-----|----
               143 |           2000 |   286 | 10 percent |  29 | 257
               999 |            355 |   355 | amount 55  |  55 | 300
                 1 |            500 |     1 |            |   0 |   1

    Offers, which need a `context`, come after discounts by hand and before tax; loyalty.offers.engine has their order.

    Raises WrongBasket, DiscountTooLarge, AmountTooLarge or WrongTaxRate, all of them InvalidInput; where one line is at
    fault `pointer` names it. Raises ValueError for offers without a context or two of one id.
    """
    if len({line.line for line in lines}) < len(lines):
        raise WrongBasket("Two lines carry the same number.", pointer="/lines")
    gross = [_gross_of(index, line) for index, line in enumerate(lines)]
    discounts = [
        _manual_discounts(index, line, amount) if line.discount is not None else ()
        for index, (line, amount) in enumerate(zip(lines, gross, strict=True))
    ]
    if not offers and (context is None or not context.coupons):
        return _sum_up(lines, gross, discounts, rules)
    if context is None:
        raise ValueError("offers need a context")
    cart = [_cart_line(line, amount, given) for line, amount, given in zip(lines, gross, discounts, strict=True)]
    outcome = apply_offers(cart, offers, context)
    by_line: dict[int, list[Discount]] = {}
    for off in outcome.discounts:
        by_line.setdefault(off.line, []).append(Discount("offer", str(off.code), off.amount_minor, off.offer))
    discounts = [(*given, *by_line.get(line.line, ())) for line, given in zip(lines, discounts, strict=True)]
    return _sum_up(lines, gross, discounts, rules, outcome)


def _cart_line(line: BasketLine, gross_minor: int, given: tuple[Discount, ...]) -> CartLine:
    """The line as offers see it: what is left of it, and how many whole pieces it is."""
    is_counted = not line.weighed and line.label_price_minor is None and line.quantity_milli % 1000 == 0
    return CartLine(
        line=line.line,
        sku=line.sku,
        categories=line.categories,
        pieces=line.quantity_milli // 1000 if is_counted else 0,
        quantity_milli=line.quantity_milli,
        amount_minor=gross_minor - sum([discount.amount_minor for discount in given]) if given else gross_minor,
        allowed=line.offers_allowed,
    )


def _gross_of(index: int, line: BasketLine) -> int:
    """What the line costs before discounts."""
    if not 0 < line.quantity_milli <= AMOUNT_LIMIT_MINOR:
        if line.quantity_milli > 0:
            raise AmountTooLarge("The quantity is too large.", pointer=f"/lines/{index}/quantity_milli")
        raise WrongBasket("The quantity must be more than nothing.", pointer=f"/lines/{index}/quantity_milli")
    if line.label_price_minor is None:
        field, amount = "unit_price_minor", line.unit_price_minor
        gross = round_ratio(amount * line.quantity_milli, 1000, Rounding.HALF_UP)
    else:
        field, amount = "label_price_minor", line.label_price_minor
        gross = amount
    if amount < 0 or line.unit_price_minor < 0:
        raise WrongBasket("A price cannot be below zero.", pointer=f"/lines/{index}/{field}")
    if max(gross, amount, line.unit_price_minor) > AMOUNT_LIMIT_MINOR:
        raise AmountTooLarge(pointer=f"/lines/{index}/{field}")
    return gross


def _manual_discounts(index: int, line: BasketLine, gross_minor: int) -> tuple[Discount, ...]:
    """The discount given by hand, if any. One that rounds to nothing stays visible, with its reason."""
    discount = line.discount
    if discount is None:
        return ()
    if discount.kind == "percent":
        if not 1 <= discount.value <= 100:
            raise WrongBasket("A discount is 1 to 100 percent.", pointer=f"/lines/{index}/discount/value")
        amount = round_ratio(gross_minor * discount.value, 100, Rounding.HALF_UP)
    else:
        amount = discount.value
        if amount < 1:
            raise WrongBasket("A discount must be more than nothing.", pointer=f"/lines/{index}/discount/value")
        if amount > gross_minor:
            raise DiscountTooLarge(pointer=f"/lines/{index}/discount/value", gross_minor=gross_minor)
    return (Discount("manual", discount.reason, amount),)


def _sum_up(
    lines: Sequence[BasketLine],
    gross_minor: Sequence[int],
    discounts: Sequence[tuple[Discount, ...]],
    rules: TaxRules,
    outcome: Outcome | None = None,
) -> PricedBasket:
    """The last stage: nets, taxes and totals from gross and discounts that are final."""
    nets = [
        gross - sum([discount.amount_minor for discount in given]) if given else gross
        for gross, given in zip(gross_minor, discounts, strict=True)
    ]
    result = compute_taxes([(line.tax_rate, net) for line, net in zip(lines, nets, strict=True)], rules)
    gross_total, net_total = sum(gross_minor), sum(nets)
    total = net_total + sum(result.line_taxes_minor) if rules.mode is TaxMode.ADDED else net_total
    if max(gross_total, total) > AMOUNT_LIMIT_MINOR:
        raise AmountTooLarge("The total is too large.", pointer="/lines")
    priced = [
        PricedLine(
            line=line.line,
            sku=line.sku,
            quantity_milli=line.quantity_milli,
            unit_price_minor=line.unit_price_minor,
            gross_minor=gross,
            discounts=given,
            net_minor=net,
            tax_rate=canonical_rate(line.tax_rate),
            tax_minor=tax,
        )
        for line, gross, given, net, tax in zip(
            lines, gross_minor, discounts, nets, result.line_taxes_minor, strict=True
        )
    ]
    return PricedBasket(
        lines=tuple(priced),
        gross_minor=gross_total,
        discount_minor=gross_total - net_total,
        net_minor=net_total,
        taxes=result.taxes,
        total_minor=total,
        outcome=outcome,
    )
