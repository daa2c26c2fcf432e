"""pure: real baskets as the requests a till sends, and what its answers must say.

    order = make_order(basket, prices)
    order.body                                   # POST /v1/sales
    differences(order, decode_answer(answer))    # () when every figure is right to the cent

Goods are named by their barcode where they have one, as a scanner would. Every third basket is paid by card to the
cent, the others in cash with change; a basket of 0 needs no tender.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.bench.bodies import encode_body
from kiosk.commands import CompleteSale, Discount, LineRequest, TenderRequest
from kiosk.demo.baskets import LOYALTY_PRICE, PRICE_OF_THE_DAY, Basket, BasketLine
from kiosk.demo.catalogue import gtin_of
from kiosk.demo.ids import member_id_of, sale_id_of
from kiosk.demo.prices import price_of_the_day

NOTE_MINOR = 1_000
"""Cash comes in notes of this value: as many as are needed."""


class Order(Struct, frozen=True):
    """A basket to be sold: its sale's id, the request, what it must come to, and what each line must."""

    basket_id: str
    sale: UUID
    body: bytes
    total_minor: int
    lines_minor: tuple[int, ...]


class TaxFigures(Struct, frozen=True):
    """One rate in an answer."""

    base_minor: int
    tax_minor: int


class Totals(Struct, frozen=True, kw_only=True):
    """The sums in an answer."""

    gross_minor: int
    discount_minor: int
    net_minor: int
    taxes: tuple[TaxFigures, ...]
    rounding_minor: int
    due_minor: int
    paid_minor: int
    change_minor: int


class LineFigures(Struct, frozen=True):
    """A line in an answer."""

    net_minor: int


class SaleFigures(Struct, frozen=True):
    """The part of a sale's answer that is checked."""

    id: UUID
    lines: tuple[LineFigures, ...]
    totals: Totals


def make_orders(baskets: Iterable[Basket], prices: Mapping[str, int]) -> list[Order]:
    """An order for every basket. `prices` are the catalogue's, in minor units."""
    return [make_order(basket, prices) for basket in baskets]


def make_order(basket: Basket, prices: Mapping[str, int]) -> Order:
    """A basket as POST /v1/sales. The same basket always gives the same bytes, so a resumed replay asks the same."""
    command = command_of(basket, prices)
    lines_minor = tuple(line.net_minor for line in basket.lines)
    return Order(basket.basket_id, command.id, encode_body(command), basket.total_minor, lines_minor)


def command_of(basket: Basket, prices: Mapping[str, int]) -> CompleteSale:
    """A basket as the command a till would send."""
    sale = sale_id_of(basket)
    return CompleteSale(
        id=sale,
        lines=tuple(_line(line, price_of_the_day(line, prices)) for line in basket.lines),
        member=member_id_of(basket.household_id) if basket.household_id is not None else None,
        tenders=tenders_of(basket.total_minor, by_card=sale.int % 3 == 0),
    )


def decode_answer(body: bytes) -> SaleFigures:
    """The figures in an answer to POST /v1/sales. Raises msgspec.ValidationError for what is none."""
    return msgspec.json.decode(body, type=SaleFigures)


def differences(order: Order, answer: SaleFigures) -> tuple[str, ...]:
    """What is wrong in the answer to `order`, one sentence each: totals against the data, and sums against parts."""
    totals = answer.totals
    nets = tuple(line.net_minor for line in answer.lines)
    taxed = sum(tax.base_minor + tax.tax_minor for tax in totals.taxes)
    checks = (
        ("due", totals.due_minor, order.total_minor),
        ("net of the lines", nets, order.lines_minor),
        ("sum of the lines", sum(nets), totals.net_minor),
        ("gross less discount", totals.gross_minor - totals.discount_minor, totals.net_minor),
        ("taxes and rounding", taxed + totals.rounding_minor, totals.due_minor),
        ("paid less change", totals.paid_minor - totals.change_minor, totals.due_minor),
        ("id", answer.id, order.sale),
    )
    return tuple(f"{name}: {found}, not {wanted}" for name, found, wanted in checks if found != wanted)


def _line(line: BasketLine, override_minor: int | None) -> LineRequest:
    gtin = gtin_of(line.product_id)
    return LineRequest(
        sku=line.product_id if gtin is None else None,
        gtin=gtin[1:] if gtin is not None else None,
        quantity_milli=line.quantity * 1000,
        unit_price_minor=override_minor,
        reason=PRICE_OF_THE_DAY if override_minor is not None else None,
        discount=Discount("amount", line.discount_minor, LOYALTY_PRICE) if line.discount_minor else None,
    )


def tenders_of(total_minor: int, *, by_card: bool) -> tuple[TenderRequest, ...]:
    """What is handed over for a total in minor units: nothing for nothing, else the card's exact sum or notes."""
    if total_minor == 0:
        return ()
    if by_card:
        return (TenderRequest(kind="card", amount_minor=total_minor),)
    notes = -(-total_minor // NOTE_MINOR)
    return (TenderRequest(kind="cash", amount_minor=notes * NOTE_MINOR),)
