"""Carts as a shopkeeper writes them, and what they cost.

    2 milk 1.43                two pieces at 1.43 each
    0.355kg cheese 9.99        weighed goods, the price is that of a kilogram
    2 milk 1.43 -10%           a discount by hand, percent or an amount (-0.50) off the line

A table checks one cart a row: the offers given with what each took off, what came off each line, and what is paid.

    check(offers, '''
    cart                     | offers given | off each line | pays
    2 milk 1.43, 1 beer 2.00 | DAIRY10 0.29 | 0.29 0        | 4.57
    ''')
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence

import msgspec

from loyalty.basket import BasketLine, ManualDiscount, PricedBasket, price
from loyalty.offers.cart import CartLine
from loyalty.offers.context import OfferContext, Remaining, Shopper
from loyalty.offers.offer import Effect, Goods, Offer
from loyalty.offers.outcome import Outcome
from loyalty.rounding import Rounding
from loyalty.tax import TaxMode, TaxRounding, TaxRules

RULES = TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.HALF_UP)
SATURDAY_NOON = dt.datetime.fromisoformat("2026-11-21T12:00")
SHELF = {
    "milk": ("dairy",),
    "butter": ("dairy",),
    "cheese": ("dairy", "counter"),
    "cola": ("drinks",),
    "beer": ("drinks", "alcohol"),
    "bread": ("bakery",),
    "bag": ("deposit",),
}
LINE = re.compile(r"(?:(\d+)|([\d.]+)kg) (\w+) ([\d.]+)(?: -([\d.]+)(%?))?")


def minor(text: str) -> int:
    """1.43 in minor units; 0 may stand without decimals."""
    whole, _, decimals = text.partition(".")
    return int(whole) * 100 + int(decimals.ljust(2, "0"))


def goods(*names: str, but: str = "") -> Goods:
    """Products of the shelf, or categories where the name is not a product."""
    products = tuple(name for name in names if name in SHELF)
    excepted = tuple(but.split())
    return Goods(
        products=products,
        categories=tuple(name for name in names if name not in SHELF),
        except_products=tuple(name for name in excepted if name in SHELF),
        except_categories=tuple(name for name in excepted if name not in SHELF),
    )


def an_offer(offer_id: str, effect: Effect, **fields: object) -> Offer:
    offer = Offer(format=1, id=offer_id, version=1, title={"en": offer_id.title()}, effect=effect)
    return msgspec.structs.replace(offer, **fields)


def a_context(
    at: dt.datetime = SATURDAY_NOON,
    *,
    channel: str = "till",
    member: Shopper | None = None,
    coupons: Mapping[str, int] | None = None,
    remaining: Mapping[str, Remaining] | None = None,
    with_near_misses: bool = True,
) -> OfferContext:
    return OfferContext(
        at=at,
        channel=channel,  # type: ignore[arg-type]
        member=member,
        coupons=coupons or {},
        remaining=remaining or {},
        with_near_misses=with_near_misses,
    )


def basket_of(text: str) -> list[BasketLine]:
    return [_line_of(number, part.strip()) for number, part in enumerate(text.split(","), 1) if part.strip()]


def _line_of(number: int, text: str) -> BasketLine:
    read = LINE.fullmatch(text)
    assert read is not None, f"not a line of a cart: {text!r}"
    pieces, weight, sku, unit_price, off, percent = read.groups()
    discount = None
    if off:
        discount = ManualDiscount("percent" if percent else "amount", int(off) if percent else minor(off), "by hand")
    return BasketLine(
        line=number,
        sku=sku,
        quantity_milli=int(pieces) * 1000 if pieces else round(float(weight) * 1000),
        unit_price_minor=minor(unit_price),
        tax_rate="23" if sku in ("cola", "beer", "bag") else "5",
        discount=discount,
        categories=SHELF[sku],
        weighed=weight is not None,
        offers_allowed=sku != "bag",
    )


def buy(text: str, offers: Sequence[Offer], context: OfferContext | None = None) -> PricedBasket:
    return price(basket_of(text), RULES, offers, context or a_context())


def outcome_of(text: str, offers: Sequence[Offer], context: OfferContext | None = None) -> Outcome:
    outcome = buy(text, offers, context).outcome
    assert outcome is not None
    return outcome


def cart_line(number: int, amount: int, pieces: int = 1, sku: str = "milk", **fields: object) -> CartLine:
    line = CartLine(
        line=number,
        sku=sku,
        categories=SHELF.get(sku, ()),
        pieces=pieces,
        quantity_milli=pieces * 1000,
        amount_minor=amount,
    )
    return msgspec.structs.replace(line, **fields)


def check(offers: Sequence[Offer], table: str, context: OfferContext | None = None) -> None:
    """Buy every cart of the table and compare what came of it, all rows at once."""
    header, *rows = [[cell.strip() for cell in row.split("|")] for row in table.strip().splitlines()]
    assert header == ["cart", "offers given", "off each line", "pays"]
    assert rows
    bought = [[row[0], *_bought(row[0], offers, context)] for row in rows]
    wrong = [
        f"{' | '.join(found)}   and not   {' | '.join(row)}"
        for found, row in zip(bought, rows, strict=True)
        if found != row
    ]
    assert not wrong, "\n".join(["", *wrong])


def _bought(cart: str, offers: Sequence[Offer], context: OfferContext | None) -> list[str]:
    basket = buy(cart, offers, context)
    assert basket.outcome is not None
    given = [f"{use.offer} {_money(use.discount_minor)}" for use in basket.outcome.uses]
    by_line = [sum(d.amount_minor for d in line.discounts if d.kind == "offer") for line in basket.lines]
    return [", ".join(given) or "-", " ".join(map(_money, by_line)), _money(basket.total_minor)]


def _money(amount_minor: int) -> str:
    return f"{amount_minor // 100}.{amount_minor % 100:02}" if amount_minor else "0"
