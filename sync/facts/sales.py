"""pure: a sale as it was decided, and its void. Amounts are minor units of `currency`, quantities thousandths."""

from uuid import UUID

from msgspec import Struct

from loyalty.points.account import Balance
from sync.facts.earning import BasketEarned, ReferralPaid, RuleEarned
from sync.facts.offers import OfferGivenBack, OfferUsed
from sync.facts.points import PointsPosted, points_of
from sync.facts.returns import TakenBack
from sync.facts.vouchers import SaleVouchers, UndoneVouchers


class SoldDiscount(Struct, frozen=True, omit_defaults=True):
    """One discount on one line: a person's (`manual`) or an offer's, whose `reason` is a code; its parameters and the
    version stand with the sale's `offers`. `approved_by` is the manager who approved it, where whoever gave it could
    not."""

    kind: str
    reason: str
    amount_minor: int
    offer: str | None = None
    approved_by: str | None = None


class SoldLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line as sold. `catalogue_price_minor` is present when a person set another price; `tax_minor` is the line's
    share. `lowest_price_minor` is the lowest price of the 30 days before an offer's reduction, where it is to be
    shown."""

    line: int
    sku: str
    name: str
    department: str
    unit: str = "piece"
    quantity_milli: int
    unit_price_minor: int
    catalogue_price_minor: int | None = None
    override_reason: str | None = None
    override_by: str | None = None
    gross_minor: int
    discounts: tuple[SoldDiscount, ...] = ()
    net_minor: int
    tax_rate: str
    tax_minor: int
    points: int = 0
    lowest_price_minor: int | None = None


class TaxTotal(Struct, frozen=True):
    """Base and tax of one rate over the whole document."""

    rate: str
    base_minor: int
    tax_minor: int


class Tendered(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money taken. `settles` names the kind a refund may go back to: an exchange's credit keeps its first tender's
    kind. `hold` and `points` say which hold paid and with how many of its points."""

    kind: str
    amount_minor: int
    settles: str
    reference: str | None = None
    hold: UUID | None = None
    points: int = 0


class TaxTerms(Struct, frozen=True):
    """How tax was computed: mode included|added, rounding line|rate|receipt, the rounding method's name."""

    mode: str
    rounding: str
    method: str


class SaleCompleted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A completed sale. `request` is the SHA-256 of the decoded command, so that a replay with other content is told
    apart.

    sum(lines.net) = net; gross - discount = net; due = net (+ tax when added) + rounding; paid - change = due +
    credit paid back in an exchange. `series` and `n` are the parts of `number`. `postings` are the member's points for
    this sale, `balance` what they leave; those of goods that came back stand with `returned`. `offers` are those that
    gave something, `language` the one that their reasons and the receipt are told in, "" for the shop's own.
    `earned` is what each rule gave of the points of the lines and `basket` what rules gave to the whole, both only
    where somebody made rules; `referral` the points for who had brought the member, with its first purchase.
    """

    request: str
    number: str
    till: str
    series: int
    n: int
    shift: UUID
    currency: str
    terms: TaxTerms
    lines: tuple[SoldLine, ...]
    gross_minor: int
    discount_minor: int
    net_minor: int
    taxes: tuple[TaxTotal, ...]
    rounding_minor: int = 0
    due_minor: int
    tenders: tuple[Tendered, ...] = ()
    paid_minor: int
    change_minor: int = 0
    price_book: int
    member: UUID | None = None
    postings: tuple[PointsPosted, ...] = ()
    earned: tuple[RuleEarned, ...] = ()
    basket: BasketEarned | None = None
    referral: ReferralPaid | None = None
    balance: Balance | None = None
    returned: tuple[TakenBack, ...] = ()
    offers: tuple[OfferUsed, ...] = ()
    language: str = ""
    vouchers: SaleVouchers | None = None
    receipt: str = "none"

    @property
    def points_earned(self) -> int:
        """The points this sale earned."""
        return points_of(self.postings, "earn")

    @property
    def points_redeemed(self) -> int:
        """The points that paid for it."""
        return points_of(self.postings, "redeem")


class VoidedLine(Struct, frozen=True):
    """What goes back on the shelf."""

    line: int
    sku: str
    quantity_milli: int


class SaleVoided(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sale undone before its shift closed: the exact mirror of all it wrote, uses of offers too. `referral`:
    the points for who had brought the member."""

    request: str
    sale: UUID
    sale_number: str
    till: str
    shift: UUID
    currency: str
    reason: str
    approved_by: str | None = None
    lines: tuple[VoidedLine, ...]
    due_minor: int
    tenders: tuple[Tendered, ...] = ()
    change_minor: int = 0
    member: UUID | None = None
    postings: tuple[PointsPosted, ...] = ()
    referral: tuple[PointsPosted, ...] = ()
    offers: tuple[OfferGivenBack, ...] = ()
    vouchers: UndoneVouchers | None = None
