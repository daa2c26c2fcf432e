"""pure: what a basket costs. The same function answers the till, the kiosk, the web quote and the sale itself.

Stages, each a list as long as the basket: gross, discounts given by hand, then (as further entries of the same
discount lists) whatever offers grant; the last stage sums up and computes tax on what is left of each line.

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
    """

    line: int
    sku: str
    quantity_milli: int
    unit_price_minor: int
    tax_rate: str
    discount: ManualDiscount | None = None
    label_price_minor: int | None = None
    points_eligible: bool = True


class Discount(msgspec.Struct, frozen=True):
    """Money off a line, with the reason the receipt prints. `offer` names the offer when one gave it."""

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
    """A basket with its price. `total_minor` is owed before cash rounding: net, plus the tax where tax is added."""

    lines: tuple[PricedLine, ...]
    gross_minor: int
    discount_minor: int
    net_minor: int
    taxes: tuple[TaxAmount, ...]
    total_minor: int


def price(lines: Sequence[BasketLine], rules: TaxRules) -> PricedBasket:
    """Price `lines` under `rules`. An empty basket costs nothing.

    Gross is unit price x quantity / 1000, half away from zero; a discount in percent rounds the same way:

        unit price | quantity_milli | gross | discount   | off | net
        -----------|----------------|-------|------------|-----|----
               143 |           2000 |   286 | 10 percent |  29 | 257
               999 |            355 |   355 | amount 55  |  55 | 300
                 1 |            500 |     1 |            |   0 |   1

    Raises WrongBasket, DiscountTooLarge, AmountTooLarge or WrongTaxRate, all of them InvalidInput; where one line is at
    fault `pointer` names it.
    """
    if len({line.line for line in lines}) < len(lines):
        raise WrongBasket("Two lines carry the same number.", pointer="/lines")
    gross = [_gross_of(index, line) for index, line in enumerate(lines)]
    discounts = [
        _manual_discounts(index, line, amount) for index, (line, amount) in enumerate(zip(lines, gross, strict=True))
    ]
    return _sum_up(lines, gross, discounts, rules)


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
    priced = tuple(
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
    )
    return PricedBasket(
        lines=priced,
        gross_minor=gross_total,
        discount_minor=gross_total - net_total,
        net_minor=net_total,
        taxes=result.taxes,
        total_minor=total,
    )
