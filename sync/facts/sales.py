"""pure: a sale as it was decided, and its void. Amounts are minor units of `currency`, quantities thousandths."""

from uuid import UUID

from msgspec import Struct

from loyalty.ledger import Balance
from sync.facts.returns import TakenBack


class SoldDiscount(Struct, frozen=True, omit_defaults=True):
    """One discount on one line: a person's (`manual`) or an offer's. `approved_by` is the manager who approved it,
    where whoever gave it could not."""

    kind: str
    reason: str
    amount_minor: int
    offer: str | None = None
    approved_by: str | None = None


class SoldLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line as sold. `catalogue_price_minor` is present when a person set another price; `tax_minor` is the line's
    share."""

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


class TaxTotal(Struct, frozen=True):
    """Base and tax of one rate over the whole document."""

    rate: str
    base_minor: int
    tax_minor: int


class Tendered(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money taken. `settles` names the kind a refund may go back to: an exchange's credit keeps its first tender's
    kind."""

    kind: str
    amount_minor: int
    settles: str
    reference: str | None = None


class TaxTerms(Struct, frozen=True):
    """How tax was computed: mode included|added, rounding line|rate|receipt, the rounding method's name."""

    mode: str
    rounding: str
    method: str


class SaleCompleted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A completed sale. `request` is the SHA-256 of the decoded command, so that a replay with other content is told
    apart.

    sum(lines.net) = net; gross - discount = net; due = net (+ tax when added) + rounding; paid - change = due +
    credit paid back in an exchange. `series` and `n` are the parts of `number`.
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
    earn_rule: str | None = None
    points_earned: int = 0
    balance: Balance | None = None
    returned: tuple[TakenBack, ...] = ()
    receipt: str = "none"


class VoidedLine(Struct, frozen=True):
    """What goes back on the shelf."""

    line: int
    sku: str
    quantity_milli: int


class SaleVoided(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sale undone before its shift closed: the exact mirror of all it wrote."""

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
    points_reversed: int = 0
