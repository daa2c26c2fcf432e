"""pure: goods taken back, as decided. A return of its own and the return half of an exchange share `TakenBack`."""

from uuid import UUID

from msgspec import Struct

from loyalty.ledger import Balance


class ReturnedLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of a sold line. `net_minor`, `tax_minor` and `points` are this step's exact share of the line's own."""

    line: int
    sku: str
    name: str
    unit: str = "piece"
    quantity_milli: int
    net_minor: int
    tax_rate: str
    tax_minor: int
    points: int = 0


class Refunded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money given back. `settles` names the original tender's kind it counts against."""

    kind: str
    amount_minor: int
    settles: str


class TakenBack(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lines of one sale coming back. `value_minor` is their share of what was due; `refunds` add up to value +
    rounding; `approved_by` is the manager who approved it, where one was needed."""

    sale: UUID
    sale_number: str
    lines: tuple[ReturnedLine, ...]
    value_minor: int
    rounding_minor: int = 0
    refunds: tuple[Refunded, ...] = ()
    member: UUID | None = None
    points_clawed_back: int = 0
    balance: Balance | None = None
    approved_by: str | None = None


class ReturnTaken(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A return by receipt. It has a number of the till's own series, like a sale."""

    request: str
    number: str
    till: str
    series: int
    n: int
    shift: UUID
    currency: str
    reason: str
    taken: TakenBack
    receipt: str = "none"
