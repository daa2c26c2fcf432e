"""pure: what may be asked of the shop, decoded and bounded. The names are the contract's (docs/api.md); nothing here
says who asks: operator, till, shift and business day come from the token.

A command's fingerprint is what makes a replay recognisable: the same id with the same fingerprint is the same command,
whatever the order of keys or the white space it came with.
"""

import hashlib
from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from loyalty.money import AMOUNT_LIMIT_MINOR

QUANTITY_MAX = 100_000_000

# `$` alone would let a line break at the very end through.
_END = r"$(?!\n)"
_STORES_OWN = 8
PRINTABLE = r"^[^\x00-\x1f\x7f]*" + _END
Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=PRINTABLE)]
Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE)]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=PRINTABLE)]
Scanned = Annotated[str, Meta(min_length=1, max_length=4096)]
Secret = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]*" + _END)]
Currency = Annotated[str, Meta(max_length=3, pattern=r"^[A-Z]{3}" + _END)]
Tender = Annotated[str, Meta(max_length=30, pattern=r"^[a-z_]{2,30}" + _END)]
Amount = Annotated[int, Meta(ge=0, le=AMOUNT_LIMIT_MINOR)]
Positive = Annotated[int, Meta(ge=1, le=AMOUNT_LIMIT_MINOR)]
Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
Locale = Literal["en", "ko", "ja", "pl"]
Receipt = Literal["paper", "none"]

_encode = msgspec.json.Encoder(order="deterministic").encode


def fingerprint(command: Struct) -> str:
    """SHA-256 of the decoded command, 64 hex digits."""
    return hashlib.sha256(_encode(command)).hexdigest()


class Booking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command that books. `id` is made by whoever starts it, and is its idempotency key for ever."""

    id: UUID

    def __post_init__(self) -> None:
        """Ids of version 8 are derived by the store itself (a sale's void, a shift's close): nobody may take them."""
        if self.id.version == _STORES_OWN:
            raise ValueError("ids of version 8 are the store's own; make a UUIDv7")


class Discount(Struct, frozen=True, forbid_unknown_fields=True):
    """A discount given by hand: percent (1..100) or an amount in minor units off the line."""

    kind: Literal["percent", "amount"]
    value: Positive
    reason: Reason


class LineRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line: `sku` or `gtin` (any scanned barcode of it, a price label too). A label brings its own quantity.
    `gift_card` is the code of the card that is sold, where the article is one."""

    sku: Code | None = None
    gtin: Scanned | None = None
    quantity_milli: Quantity = 1000
    discount: Discount | None = None
    unit_price_minor: Amount | None = None
    reason: Reason | None = None
    approval: Secret | None = None
    gift_card: Code | None = None


class TenderRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money given. `reference` is the card terminal's, `code` a gift card's, `hold` a points hold's."""

    kind: Tender
    amount_minor: Positive
    reference: Code | None = None
    code: Code | None = None
    hold: UUID | None = None


class ExchangeLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of an earlier sale that comes back within a new one. `sale` is an id or a receipt number."""

    sale: Code
    line: Annotated[int, Meta(ge=1, le=10_000)]
    quantity_milli: Quantity


class RefundRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Money given back."""

    kind: Tender
    amount_minor: Positive


Lines = Annotated[tuple[LineRequest, ...], Meta(max_length=500)]
Coupons = Annotated[tuple[Scanned, ...], Meta(max_length=50)]


class CompleteSale(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/sales."""

    lines: Lines = ()
    member: UUID | None = None
    coupons: Coupons = ()
    hold: UUID | None = None
    tenders: Annotated[tuple[TenderRequest, ...], Meta(max_length=20)] = ()
    receipt: Receipt = "none"
    quote_due_minor: int | None = None
    currency: Currency | None = None
    returns: Annotated[tuple[ExchangeLine, ...], Meta(max_length=200)] = ()
    refunds: Annotated[tuple[RefundRequest, ...], Meta(max_length=20)] = ()
    approval: Secret | None = None


class QuoteBasket(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/quotes: a basket to be priced; with `returns` an exchange. Nothing is written."""

    lines: Lines = ()
    member: UUID | None = None
    coupons: Coupons = ()
    hold: UUID | None = None
    points: Amount | None = None
    currency: Currency | None = None
    returns: Annotated[tuple[ExchangeLine, ...], Meta(max_length=200)] = ()


class VoidSale(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/sales/{id}/void."""

    reason: Reason = "void"
    approval: Secret | None = None


class ReturnLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of a sold line coming back."""

    line: Annotated[int, Meta(ge=1, le=10_000)]
    quantity_milli: Quantity


ReturnLines = Annotated[tuple[ReturnLine, ...], Meta(min_length=1, max_length=500)]


class QuoteReturn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/return-quotes. `sale` is an id or a receipt number."""

    sale: Code
    lines: ReturnLines
    currency: Currency | None = None


class TakeBack(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/returns."""

    sale: Code
    lines: ReturnLines
    refunds: Annotated[tuple[RefundRequest, ...], Meta(max_length=20)] = ()
    reason: Reason
    receipt: Receipt = "none"
    currency: Currency | None = None
    approval: Secret | None = None


class OpenShift(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/shifts."""

    float_minor: Amount = 0
    currency: Currency | None = None


class MoveCash(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/shifts/{id}/movements."""

    kind: Literal["pay_in", "pay_out", "drop"]
    amount_minor: Positive
    reason: Reason
    currency: Currency | None = None


class CloseShift(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/shifts/{id}/close. What was counted, by kind of tender, before anybody has seen what should be there."""

    counted: dict[Tender, Amount]
    currency: Currency | None = None


class ParkBasket(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/parked. `holds` are the member's points that were set aside for this basket: they are let go."""

    lines: Lines
    member: UUID | None = None
    coupons: Coupons = ()
    holds: Annotated[tuple[UUID, ...], Meta(max_length=20)] = ()
    label: Annotated[str, Meta(max_length=80, pattern=PRINTABLE)] = ""


class OpenDrawer(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/drawer/open."""

    reason: Reason
    approval: Secret | None = None


def codes_of(basket: CompleteSale | QuoteBasket | ParkBasket) -> Iterator[str]:
    """Every code that the answer would tell to be a coupon or a gift card: brought, sold or paid with."""
    yield from basket.coupons
    yield from (line.gift_card for line in basket.lines if line.gift_card is not None)
    if isinstance(basket, CompleteSale):
        yield from (tender.code for tender in basket.tenders if tender.code is not None)
