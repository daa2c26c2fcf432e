"""pure: what may be printed, as plain values. What is on the paper is decided here, how it looks in templates/.

A content is self-contained: it is stored with its print job, so that the paper of last week can be printed again
although prices, names and labels have changed since. It is written inside the transaction of a sale, so encoding is
one msgspec call (about 3 µs for five lines). The tag carries the version (`receipt.1`): a later release adds
`receipt.2` beside it and still reads every stored `receipt.1`.

Money is in minor units (`_minor`) of `currency`, which has `currency_digits` decimals (PLN 2, KRW 0): the exponent
travels with the content because tables of the world disagree about it, and a factor of 100 on paper is a wrong price.
Amounts are signed as the customer's side of the till: what is to be paid is positive, what is given back is negative,
and no template changes a sign; the one exception are discounts, which are positive and printed with a minus, as in
the API. Quantities are thousandths (`_milli`), points whole.

    >>> content = decode_content(encode_content(receipt))
    >>> content == receipt
    True
"""

import enum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from printers.errors import UnreadableContent

Text = Annotated[str, Meta(max_length=2000)]
Code = Annotated[str, Meta(max_length=200)]
Amount = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Digits = Annotated[int, Meta(ge=0, le=4)]


class TenderKind(enum.StrEnum):
    """How something was paid. The words on paper are in labels."""

    CASH = "cash"
    CARD = "card"
    POINTS = "points"
    GIFT_CARD = "gift_card"
    VOUCHER = "voucher"
    CREDIT_NOTE = "credit_note"
    TRANSFER = "transfer"
    MOBILE = "mobile"
    ONLINE = "online"
    OTHER = "other"


class StoreHeader(Struct, frozen=True, omit_defaults=True):
    """The head and the foot of every paper of a store. `tax_id` is printed with the word for it in the language."""

    name: Text
    address_lines: tuple[Text, ...] = ()
    tax_id: Code | None = None
    footer_lines: tuple[Text, ...] = ()


class Discount(Struct, frozen=True):
    """Why a line is cheaper, and by how much (positive)."""

    reason: Text
    amount_minor: Amount


class ReceiptLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One article sold. `unit` is `piece` or the sign of a measure (`kg`, `m`, `l`); `tax_mark` points into the tax
    table; `note` is printed below, such as the lowest price before a reduction.
    """

    name: Text
    quantity_milli: Amount
    unit: Code = "piece"
    unit_price_minor: Amount
    gross_minor: Amount
    discounts: tuple[Discount, ...] = ()
    net_minor: Amount
    tax_mark: Code = ""
    note: Text | None = None


class ReturnedLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One article taken back: `amount_minor` is what the customer gets for it (negative)."""

    name: Text
    quantity_milli: Amount
    unit: Code = "piece"
    amount_minor: Amount
    tax_mark: Code = ""
    original_number: Code | None = None


class ReceiptTotals(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """gross − discount = net; net (+ tax where it is added) + rounding = due. `saved_minor` is what offers took off:
    the part of the discount that the customer is told of as saved."""

    gross_minor: Amount
    discount_minor: Amount = 0
    net_minor: Amount
    rounding_minor: Amount = 0
    due_minor: Amount
    saved_minor: Amount = 0


class TaxLine(Struct, frozen=True):
    """One row of the tax table. `rate` is percent as a decimal string ("23", "5.5")."""

    mark: Code
    rate: Code
    base_minor: Amount
    tax_minor: Amount


class Tender(Struct, frozen=True, omit_defaults=True):
    """One payment (negative: paid back). `label`, when given, is printed instead of the word for `kind`."""

    kind: TenderKind
    amount_minor: Amount
    label: Text | None = None


class PointsBlock(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened to the member's points. `pending` count later; `ending` of the active ones are good through
    `ends_on` (YYYY-MM-DD). `provisional`: head office has not confirmed the balance yet.

    `card_masked` as "**** 1234": the asterisk is in every code page, so a masked card does not force the paper to be
    drawn.
    """

    earned: Amount
    redeemed: Amount = 0
    active: Amount
    pending: Amount = 0
    ending: Amount = 0
    ends_on: Code | None = None
    provisional: bool = False
    card_masked: Code | None = None


class JournalMark(Struct, frozen=True):
    """Where the sale stands in the journal: epoch (16 hex digits), number, the first digits of its hash."""

    epoch: Code
    seq: Amount
    hash_prefix: Code


class ReceiptContent(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="content", tag="receipt.1"):
    """A sale, a return or the voiding of a sale, as the customer takes it home.

    `at_local` is the store's own wall clock ("2026-11-21 14:05"), `business_day` an ISO date, `locale` the language
    of the words ("pl", "ko-KR"), `qr_text` the receipt code a later return is found by, `original_number` the receipt
    that a void or a return takes back.
    """

    store: StoreHeader
    title: Literal["sale", "return", "void"] = "sale"
    number: Code
    original_number: Code | None = None
    business_day: Code
    at_local: Code
    till: Code
    operator: Text
    locale: Code
    currency: Code
    currency_digits: Digits
    lines: tuple[ReceiptLine, ...] = ()
    returned: tuple[ReturnedLine, ...] = ()
    totals: ReceiptTotals
    taxes: tuple[TaxLine, ...] = ()
    prices_include_tax: bool = True
    tenders: tuple[Tender, ...] = ()
    change_minor: Amount = 0
    points: PointsBlock | None = None
    journal: JournalMark | None = None
    qr_text: Text | None = None
    training: bool = False


class ReportWord(enum.StrEnum):
    """Everything a shift report may name. The words on paper are in labels."""

    SALES = "sales"
    RETURNS = "returns"
    VOIDS = "voids"
    DISCOUNTS = "discounts"
    ROUNDING = "rounding"
    GROSS = "gross"
    NET = "net"
    TAX = "tax"
    TAXES = "taxes"
    TENDERS = "tenders"
    CASH = "cash"
    CARD = "card"
    POINTS = "points"
    GIFT_CARD = "gift_card"
    VOUCHER = "voucher"
    CREDIT_NOTE = "credit_note"
    TRANSFER = "transfer"
    MOBILE = "mobile"
    ONLINE = "online"
    OTHER = "other"
    DRAWER = "drawer"
    OPENING_FLOAT = "opening_float"
    PAID_IN = "paid_in"
    PAID_OUT = "paid_out"
    EXPECTED = "expected"
    COUNTED = "counted"
    DIFFERENCE = "difference"
    RECEIPTS = "receipts"
    FIRST_RECEIPT = "first_receipt"
    LAST_RECEIPT = "last_receipt"
    DRAWER_OPENINGS = "drawer_openings"
    LOYALTY = "loyalty"
    POINTS_EARNED = "points_earned"
    POINTS_REDEEMED = "points_redeemed"


class ReportRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A label and what stands at the right: an amount, a count, a plain value, or several of them.

    The label is `word` in the language of the report, then `text` as it is (a rate, a name): (TAX, "23 %") -> "VAT 23
    %".
    """

    word: ReportWord | None = None
    text: Text = ""
    amount_minor: Amount | None = None
    count: Amount | None = None
    value: Text | None = None
    total: bool = False


class ReportSection(Struct, frozen=True, omit_defaults=True):
    """Rows under one heading."""

    rows: tuple[ReportRow, ...]
    word: ReportWord | None = None
    text: Text = ""


class ShiftReportContent(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="content", tag="shift_report.1"
):
    """An X report (the shift goes on) or a Z report (the shift is closed)."""

    store: StoreHeader
    kind: Literal["X", "Z"]
    number: Code
    business_day: Code
    opened_at_local: Code
    at_local: Code
    till: Code
    operator: Text
    locale: Code
    currency: Code
    currency_digits: Digits
    sections: tuple[ReportSection, ...]
    journal: JournalMark | None = None
    training: bool = False


class CouponContent(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="content", tag="coupon.1"):
    """A coupon: what it gives, until when, and the code that proves it, once for scanners and once for fingers.

    `title` and `terms` are the shop's own words in the language of the paper, `valid_until` the last day as ISO date,
    `token` the digits of the QR code, `code` the typed form in groups of four, `serial` what the shop's books call it.
    `once`: it can be used a single time; `for_member`: only the member it was given to may use it; `chain_wide`: every
    shop of the chain takes it.
    """

    store: StoreHeader
    locale: Code
    title: Text
    terms: Text = ""
    valid_until: Code
    token: Code
    code: Code
    serial: Code
    at_local: Code
    once: bool = True
    for_member: bool = False
    chain_wide: bool = False
    journal: JournalMark | None = None
    training: bool = False


Content = ReceiptContent | ShiftReportContent | CouponContent

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Content] = msgspec.json.Decoder(Content)


def encode_content(content: Content) -> bytes:
    """The JSON bytes a print job stores. The same content always gives the same bytes."""
    return _encoder.encode(content)


def decode_content(data: bytes) -> Content:
    """The content of stored bytes. Raises UnreadableContent where this release does not know them."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # msgspec names the place and the expected type, never the value: no name of a customer gets into a log.
        raise UnreadableContent(f"The stored print cannot be read: {error}") from error
