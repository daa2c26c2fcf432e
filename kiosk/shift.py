"""pure: what a shift adds up to. X is the running account, Z the closed one; both are this value.

expected cash = float + taken - change - voided - refunded + paid in - paid out - dropped
"""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from kiosk.sale import EXCHANGE
from kiosk.tender import CASH
from loyalty.errors import Conflict, InvalidInput
from sync.facts.shifts import TenderCount


class ShiftAlreadyOpen(Conflict):
    """This till has an open shift already."""

    code, hint = "shift_already_open", "Go on with it, or count the drawer and close it first."


class ShiftClosedDifferently(Conflict):
    """This shift was closed already, with other counts."""

    code, hint = "shift_closed_differently", "Nothing was changed. Look at the Z report of the shift."


class ShiftNotOpen(Conflict):
    """This shift is closed."""

    code, hint = "shift_not_open", "Open a new shift; what is closed stays as it is."


class CashNotCounted(InvalidInput):
    """The cash in the drawer was not counted."""

    code, hint = "cash_not_counted", "Count the drawer and enter the amount, also when it is nothing."


class DrawerShort(InvalidInput):
    """There is not that much cash in the drawer."""

    code, hint = "drawer_short", "Take out at most what is in the drawer."


class TenderTotal(Struct, frozen=True, kw_only=True):
    """One kind of tender over a shift. `expected_minor` is None while the count is blind."""

    kind: str
    taken_minor: int
    given_back_minor: int
    expected_minor: int | None


class TaxSum(Struct, frozen=True):
    """One tax rate over a shift: sales minus voids minus returns."""

    rate: str
    base_minor: int
    tax_minor: int


class MovementLine(Struct, frozen=True, kw_only=True):
    """Cash moved by hand."""

    id: UUID
    kind: str
    amount_minor: int
    reason: str
    at: str


class ShiftTotals(Struct, frozen=True, kw_only=True):
    """Sums of a shift as the tables give them. Voids are in `sales_*` too; `taken` and `given_back` are by tender
    kind."""

    sales: int = 0
    gross_minor: int = 0
    discount_minor: int = 0
    net_minor: int = 0
    due_minor: int = 0
    rounding_minor: int = 0
    points_earned: int = 0
    voids: int = 0
    voided_minor: int = 0
    returns: int = 0
    returned_minor: int = 0
    taken: Mapping[str, int] = {}
    given_back: Mapping[str, int] = {}
    taxes: tuple[TaxSum, ...] = ()
    movements: tuple[MovementLine, ...] = ()
    drawer_openings: int = 0
    first_number: str | None = None
    last_number: str | None = None


class ShiftReport(Struct, frozen=True, kw_only=True):
    """X (state open) or Z (state closed) of a shift. `print_job` is the paper of a Z."""

    id: UUID
    kind: str
    state: str
    till: str
    operator: str | None
    business_day: str
    opened_at: str
    closed_at: str | None
    z_number: int | None
    currency: str
    float_minor: int
    sales: int
    gross_minor: int
    discount_minor: int
    net_minor: int
    due_minor: int
    rounding_minor: int
    voids: int
    voided_minor: int
    returns: int
    returned_minor: int
    drawer_openings: int
    points_earned: int
    taxes: list[TaxSum]
    tenders: list[TenderTotal]
    movements: list[MovementLine]
    counts: list[TenderCount]
    variance_minor: int
    first_number: str | None
    last_number: str | None
    print_job: UUID | None = None


def expected_by_kind(float_minor: int, totals: ShiftTotals) -> dict[str, int]:
    """What should be there of each kind. An exchange's credit is no money and is left out."""
    kinds = {CASH, *totals.taken, *totals.given_back} - {EXCHANGE}
    expected = {kind: totals.taken.get(kind, 0) - totals.given_back.get(kind, 0) for kind in sorted(kinds)}
    expected[CASH] += float_minor
    for movement in totals.movements:
        expected[CASH] += movement.amount_minor if movement.kind == "pay_in" else -movement.amount_minor
    return expected


def count_shift(expected: Mapping[str, int], counted: Mapping[str, int]) -> tuple[TenderCount, ...]:
    """Compare a blind count with what should be there. Raises CashNotCounted when cash should be there and nobody
    looked."""
    if CASH not in counted and expected.get(CASH, 0):
        raise CashNotCounted(pointer="/counted/cash")
    return tuple(
        TenderCount(kind, expected.get(kind, 0), amount, amount - expected.get(kind, 0))
        for kind, amount in sorted(counted.items())
    )
