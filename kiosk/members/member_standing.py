"""sql: what a member is beside the points: tier and segments, as earning rules and offers ask. Computed when asked from
indexed reads of sales and returns, those of members merged into this one included; nothing of it is kept, so nothing
of it can be wrong tomorrow.

Both count what was bought in this store. Which tiers and segments there are, and over which months, is each store's own
configuration, so head office can compute neither; what it tells of a member is her balance, not what she bought. A
`TierAnswer` says so where other stores know her (`whole`).
"""

import datetime as dt
from uuid import UUID

from msgspec import Struct

from kiosk.members.known_members import find_member
from kiosk.offers.offer_store import Mark
from kiosk.points.told_accounts import list_told
from kiosk.program.program_shelf import ProgramBook
from kiosk.program.program_store import read_used
from kiosk.sales.sale_earning import SaleEarning
from kiosk.shifts.business_day import local_time, utc_of_local
from kiosk.shop import Caller, Shop
from kiosk.terms import Terms
from loyalty.earning_rules.context import EarningContext
from loyalty.merge_store import group_of, survivor_of
from loyalty.segments import Visit, days_needed, find_segments
from loyalty.tiers import Measure, Qualifying, Standing, find_standing, reads_from
from loyalty.transactions import Tx

_SPENT = (
    "SELECT at, net_minor, at FROM sale WHERE member = ?1 AND at >= ?2"
    " AND NOT EXISTS (SELECT 1 FROM sale_void WHERE sale_void.sale = sale.id)"
    " UNION ALL"
    " SELECT taken_back.at, -(SELECT total(net_minor) FROM taken_back_line"
    " WHERE taken_back_line.op = taken_back.op AND taken_back_line.n = taken_back.n), sale.at"
    " FROM sale JOIN taken_back ON taken_back.sale = sale.id WHERE sale.member = ?1 AND sale.at >= ?2"
)
_EARNED = (
    "SELECT effective_at, points, effective_at FROM posting"
    " WHERE member = ?1 AND kind = 'earn' AND effective_at >= ?2"
    " UNION ALL"
    " SELECT back.effective_at, back.points, first.effective_at FROM posting AS back"
    " JOIN posting AS first ON first.member = back.reference_member AND first.op = back.reference"
    " AND first.n = back.reference_n"
    " WHERE back.member = ?1 AND back.kind = 'reverse_earn' AND first.effective_at >= ?2"
)
_VISITS = (
    "SELECT sale.id, sale.business_day, sale_line.department, total(sale_line.net_minor - coalesce("
    "(SELECT sum(taken_back_line.net_minor) FROM taken_back_line"
    " WHERE taken_back_line.sale = sale.id AND taken_back_line.line = sale_line.line), 0))"
    " FROM sale JOIN sale_line ON sale_line.sale = sale.id"
    " WHERE sale.member = ? AND sale.at >= ? AND NOT EXISTS (SELECT 1 FROM sale_void WHERE sale_void.sale = sale.id)"
    " GROUP BY sale.id, sale_line.department"
)


class TierAnswer(Struct, frozen=True):
    """A member's tier, null below the lowest or where there are none. `amount` is what counts now, `missing` how much
    more takes her to `next`; `holds_until` (YYYY-MM-DD) the day on which the tier may be lost if nothing more happens.
    `measure`: spend in minor units, or points. `whole` is false where other stores know her: what she bought or earned
    there does not count here."""

    member: UUID
    tier: str | None
    measure: Measure
    amount: int
    next: str | None
    missing: int
    holds_until: str | None
    whole: bool


def show_tier(tx: Tx, shop: Shop, caller: Caller, member: UUID) -> TierAnswer:
    """A member's tier now. Raises MemberNotFound."""
    found = find_member(tx, member)
    standing = read_standing(tx, shop.terms, found.id, caller.now_ms)
    return TierAnswer(
        member=member,
        tier=standing.tier,
        measure=shop.terms.earning.ladder.measure,
        amount=standing.amount,
        next=standing.next,
        missing=standing.missing,
        holds_until=standing.holds_until.isoformat() if standing.holds_until else None,
        whole=not list_told(tx, survivor_of(tx, member).bytes),
    )


def read_standing(tx: Tx, terms: Terms, member: UUID, now_ms: int) -> Standing:
    """The member's tier now, and what is missing to the next."""
    ladder = terms.earning.ladder
    if not ladder.levels:
        return Standing()
    zone = terms.time_zone
    now = local_time(now_ms, zone)
    since = utc_of_local(reads_from(ladder, now), zone)
    statement = _SPENT if ladder.measure == "spend" else _EARNED
    events = [
        Qualifying(local_time(at, zone), int(amount), local_time(of, zone))
        for each in group_of(tx, member)
        for at, amount, of in tx.execute(statement, (each.bytes, since))
    ]
    return find_standing(ladder, events, now)


def read_segments(tx: Tx, terms: Terms, member: UUID, now_ms: int) -> frozenset[str]:
    """The segments the member is in today."""
    rules = terms.earning.segments
    if not rules:
        return frozenset()
    today = local_time(now_ms, terms.time_zone).date()
    # A business day begins at most a day before the sale's own time does.
    since = utc_of_local(dt.datetime.combine(today, dt.time()), terms.time_zone) - (days_needed(rules) + 1) * 86_400_000
    spent: dict[bytes, tuple[str, dict[str, int]]] = {}
    for each in group_of(tx, member):
        for sale, day, department, minor in tx.execute(_VISITS, (each.bytes, since)):
            spent.setdefault(sale, (day, {}))[1][department] = int(minor)
    visits = [Visit(dt.date.fromisoformat(day), departments) for day, departments in spent.values()]
    return find_segments(rules, visits, today)


def read_context(
    tx: Tx, shop: Shop, caller: Caller, member: UUID | None, book: ProgramBook, day: str
) -> EarningContext:
    """What earning rules may ask. Read only as far as a rule of the book asks."""
    terms = shop.terms
    rules = book.rules
    capped = [(rule.id, rule.caps) for rule in rules.capped]
    return EarningContext(
        at=local_time(caller.now_ms, terms.time_zone),
        channel="kiosk" if caller.role == "kiosk" else "till",
        tier=read_standing(tx, terms, member, caller.now_ms).tier if member and rules.asks_tier else None,
        segments=read_segments(tx, terms, member, caller.now_ms) if member and rules.asks_segments else frozenset(),
        used=read_used(tx, member, "earning_rule", capped, day) if member and capped else {},
    )


def read_earning(
    tx: Tx, shop: Shop, caller: Caller, member: UUID | None, mark: Mark | None, day: str
) -> SaleEarning | None:
    """By which rules a member's sale earns; `mark` was read in this transaction. None where the configuration's rule
    alone earns: then nothing is read."""
    if member is None or mark is None:
        return None
    book = shop.program.find(tx, mark, shop.terms)
    if book.is_default:
        return None
    return SaleEarning(book.rules, read_context(tx, shop, caller, member, book, day))
