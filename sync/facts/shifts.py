"""pure: the drawer's day. A shift belongs to one till; it fixes the business day of all that happens in it."""

from uuid import UUID

from msgspec import Struct


class ShiftOpened(Struct, frozen=True, kw_only=True):
    """A shift opened with counted change in the drawer."""

    request: str
    till: str
    currency: str
    float_minor: int


class ShiftMoved(Struct, frozen=True, kw_only=True):
    """Cash moved by hand. `kind` is pay_in, pay_out or drop; `amount_minor` is positive."""

    request: str
    shift: UUID
    till: str
    currency: str
    kind: str
    amount_minor: int
    reason: str


class TenderCount(Struct, frozen=True):
    """One tender kind at closing: what should be there, what was counted blind, and the difference."""

    kind: str
    expected_minor: int
    counted_minor: int
    variance_minor: int


class ShiftClosed(Struct, frozen=True, kw_only=True):
    """A shift closed. `z_number` counts the till's closings of this life, gapless, from 1.

    `series` is the life's number (`EpochStarted.ordinal`), as in receipt numbers: no Z number is printed twice."""

    request: str
    shift: UUID
    till: str
    currency: str
    series: int
    z_number: int
    counts: tuple[TenderCount, ...]


class DrawerOpened(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The drawer was opened without a sale. `shift` is the till's open one: it counts the opening, whatever clocks say;
    None while there was none."""

    request: str
    till: str
    reason: str
    shift: UUID | None = None
    approved_by: str | None = None
