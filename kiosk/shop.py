"""sql: what every service function is given: the shop's journal and terms, and who calls.

The caller comes from the token. A request body can say nothing about operator, till, shift or business day.
"""

from uuid import UUID

from msgspec import Struct, field

from kiosk.catalogue.product_shelf import ProductShelf
from kiosk.offers.offer_shelf import OfferShelf
from kiosk.program.program_shelf import ProgramShelf
from kiosk.shifts.business_day import business_day
from kiosk.terms import Terms
from loyalty.coupons import Signer
from loyalty.errors import Conflict
from loyalty.leases import Uptime
from loyalty.transactions import Tx
from sync.journal import Journal, Origin


class NoOpenShift(Conflict):
    """This till has no open shift."""

    code, hint = "no_open_shift", "Count the change in the drawer and open a shift first."


class Caller(Struct, frozen=True, kw_only=True):
    """Who calls, when. `now_ms` is the store's clock at the moment the request was taken up, `uptime` the machine's."""

    device: UUID
    till: str
    role: str
    operator: str | None
    now_ms: int
    uptime: Uptime | None = None


class Shop(Struct, frozen=True):
    """The parts that compose made: the journal of this life, its number series, the terms of trade, the shelves
    that keep offers, the loyalty program and products ready, and the key that signs coupons, where there is one."""

    journal: Journal
    series: int
    terms: Terms
    shelf: OfferShelf = field(default_factory=OfferShelf)
    signer: Signer | None = None
    program: ProgramShelf = field(default_factory=ProgramShelf)
    products: ProductShelf = field(default_factory=ProductShelf)


class OpenShift(Struct, frozen=True):
    """The open shift of a till."""

    id: UUID
    business_day: str
    float_minor: int
    opened_at: int


_OPEN_SHIFT = (
    "SELECT shift.id, business_day, float_minor, opened_at FROM shift"
    " LEFT JOIN shift_close ON shift_close.shift = shift.id"
    " WHERE shift.till = ? AND shift_close.shift IS NULL ORDER BY opened_at DESC LIMIT 1"
)


def find_open_shift(tx: Tx, till: str) -> OpenShift | None:
    """The till's open shift, if any."""
    row = tx.execute(_OPEN_SHIFT, (till,)).fetchone()
    return OpenShift(UUID(bytes=row[0]), row[1], row[2], row[3]) if row else None


def need_open_shift(tx: Tx, till: str) -> OpenShift:
    """The till's open shift. Raises NoOpenShift."""
    shift = find_open_shift(tx, till)
    if shift is None:
        raise NoOpenShift
    return shift


def is_selling(tx: Tx) -> bool:
    """Whether a shift is open on any till."""
    row = tx.execute(
        "SELECT 1 FROM shift LEFT JOIN shift_close ON shift_close.shift = shift.id"
        " WHERE shift_close.shift IS NULL LIMIT 1"
    ).fetchone()
    return row is not None


def day_of(tx: Tx, caller: Caller, terms: Terms) -> str:
    """The business day of something that needs no shift: this till's shift, else the newest open one, else computed."""
    shift = find_open_shift(tx, caller.till)
    if shift is not None:
        return shift.business_day
    row = tx.execute(
        "SELECT business_day FROM shift LEFT JOIN shift_close ON shift_close.shift = shift.id"
        " WHERE shift_close.shift IS NULL ORDER BY opened_at DESC LIMIT 1"
    ).fetchone()
    return str(row[0]) if row else business_day(caller.now_ms, terms.time_zone, terms.day_cutover_minutes)


def origin_of(caller: Caller, day: str) -> Origin:
    """What the journal writes beside a fact."""
    return Origin(now_ms=caller.now_ms, business_day=day, device=caller.device, operator=caller.operator)
