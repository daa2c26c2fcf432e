"""pure: an account while it is being computed. Points move between buckets, and time passes.

This is the one mutable thing of the ledger: it lives inside one call of `fold`, `apply_postings` or `view` and never
leaves it. The rules it keeps:

- Points are taken from the lot that ends soonest; lots that never end come last; then the one that could be spent
  first; then the lot id.
- At an instant lots end first, then holds lapse, then pending points become active. An end belongs to the time after:
  what ends at midnight cannot be spent at midnight.
- Points on hold do not end while the hold is open. When it ends without a payment, those whose end has passed are gone.
- Debt takes what is active, as soon as both are there (I3). Expired points settle nothing.
"""

from heapq import heapify, heappop, heappush
from typing import Literal

from msgspec.structs import replace

from loyalty.points.account import (
    Account,
    Bucket,
    Hold,
    Incident,
    IncidentKind,
    Leg,
    LegKind,
    Lot,
    LotId,
    Piece,
    Redemption,
    lot_of,
    piece_of,
    posting_of,
)
from loyalty.points.facts import LinePoints, Place, Posting, PostingId, PostingKind, id_of

NEVER = 2**63 - 1
"""Later than any instant: the end of points that do not end."""


class Book:
    """The working state of one account. Opening one costs O(lots), each movement O(log lots)."""

    def __init__(self, account: Account | None = None) -> None:
        """A copy of `account`, which stays as it is."""
        account = account or Account()
        self.active, self.pending, self.held, self.debt = account.active, account.pending, account.held, account.debt
        self.now = account.as_of
        self.last: Place | None = account.last
        self.returning = account.returning
        self.lots: dict[LotId, Lot] = dict(account.lots)
        self.holds: dict[bytes, Hold] = dict(account.holds)
        self.redemptions: dict[PostingId, Redemption] = dict(account.redemptions)
        self.waiting: dict[PostingId, list[Posting]] = {}
        self.long_waiting = account.waiting
        self.legs = list(account.legs)
        self.incidents = list(account.incidents)
        self.index()

    def index(self) -> None:
        """Find out anew which lots can be spent, which are pending and which holds may lapse."""
        free = [lot for lot in self.lots.values() if lot.free]
        self.spendable = [
            (NEVER if lot.expires_at is None else lot.expires_at, lot.available_from, lot.id)
            for lot in free
            if lot.available_from <= self.now
        ]
        self.listed = {lot_id for _, _, lot_id in self.spendable}
        self.maturing = [(lot.available_from, lot.id) for lot in free if lot.available_from > self.now]
        self.lapsing = [(hold.expires_at, hold.id) for hold in self.holds.values() if hold.state == "open"]
        heapify(self.spendable)
        heapify(self.maturing)
        heapify(self.lapsing)
        self.due = self.next_event()

    def close(self) -> Account:
        """The account as it is now. Debt that can be settled is; the book is used up."""
        self.settle()
        waiting = [id_of(posting) for postings in self.waiting.values() for posting in postings]
        return Account(
            active=self.active,
            pending=self.pending,
            held=self.held,
            debt=self.debt,
            as_of=self.now,
            last=self.last,
            returning=self.returning,
            lots=self.lots,
            holds=self.holds,
            redemptions=self.redemptions,
            waiting=(*self.long_waiting, *sorted(waiting)),
            legs=tuple(self.legs),
            incidents=tuple(self.incidents),
        )

    def note(self, kind: LegKind, bucket: Bucket, points: int, cause: PostingId, lot: LotId | None = None) -> None:
        """Write down a movement."""
        self.legs.append(Leg(self.now, kind, bucket, points, cause, lot))

    def report(self, kind: IncidentKind, cause: PostingId, points: int) -> None:
        """Write down what somebody should look at."""
        self.incidents.append(Incident(kind, cause, points))

    # -- points come in

    def open_lot(self, cause: PostingId, kind: PostingKind, points: int, posting: Posting, lines: LinePoints) -> LotId:
        """A lot of new points, pending or active as the posting says."""
        lot_id = lot_of(cause)
        now, ends = self.now, posting.expires_at
        begins = now if posting.available_from is None else posting.available_from
        if ends is not None and ends <= now:
            self.lots[lot_id] = Lot(lot_id, kind, points, begins, ends, lines=lines)
            self.set_free(lot_id, points, kind, cause)
            return lot_id
        self.lots[lot_id] = lot = Lot(lot_id, kind, points, begins, ends, points, lines=lines)
        if begins > now:
            self.pending += points
            self.await_lot(lot)
        elif points:
            self.active += points
            self.list_lot(lot)
        if points:
            self.legs.append(Leg(now, kind, "pending" if begins > now else "active", points, cause, lot_id))
        return lot_id

    def set_free(self, lot_id: LotId, points: int, kind: LegKind, cause: PostingId) -> None:
        """Points come (back) into a lot. The caller has taken them off whatever they were counted as before."""
        if not points:
            return
        lot = self.lots[lot_id]
        if lot.available_from > self.now:
            self.lots[lot_id] = replace(lot, free=lot.free + points)
            self.pending += points
            self.note(kind, "pending", points, cause, lot_id)
            self.await_lot(lot)
            return
        self.note(kind, "active", points, cause, lot_id)
        if lot.expires_at is not None and lot.expires_at <= self.now:
            self.lots[lot_id] = replace(lot, expired=lot.expired + points)
            self.note("expire", "active", -points, posting_of(lot_id), lot_id)
            return
        self.lots[lot_id] = replace(lot, free=lot.free + points)
        self.active += points
        self.list_lot(lot)

    def await_lot(self, lot: Lot) -> None:
        """Make a lot active when its time comes."""
        heappush(self.maturing, (lot.available_from, lot.id))
        if lot.available_from < self.due:
            self.due = lot.available_from

    def list_lot(self, lot: Lot) -> None:
        """Make a lot's free points findable, in the order of spending."""
        ends = NEVER if lot.expires_at is None else lot.expires_at
        if lot.id not in self.listed:
            self.listed.add(lot.id)
            heappush(self.spendable, (ends, lot.available_from, lot.id))
        if ends < self.due:
            self.due = ends

    # -- points go out

    def take(
        self, points: int, target: Literal["used", "held"], kind: LegKind, cause: PostingId
    ) -> tuple[list[Piece], int]:
        """Take active points, soonest end first. The pieces, and how many points were not there."""
        pieces = []
        lots, legs, now, asked = self.lots, self.legs, self.now, points
        while points and self.spendable:
            lot = lots[self.spendable[0][2]]
            if not lot.free:
                self.listed.discard(heappop(self.spendable)[2])
                continue
            taken = min(points, lot.free)
            points -= taken
            legs.append(Leg(now, kind, "active", -taken, cause, lot.id))
            if target == "used":
                lots[lot.id] = replace(lot, free=lot.free - taken, used=lot.used + taken)
            else:
                lots[lot.id] = replace(lot, free=lot.free - taken, held=lot.held + taken)
                legs.append(Leg(now, kind, "held", taken, cause, lot.id))
            pieces.append(piece_of(lot.id, taken))
        self.active -= asked - points
        if target == "held":
            self.held += asked - points
        return pieces, points

    def front(self) -> Lot | None:
        """The lot that is spent next."""
        while self.spendable:
            lot = self.lots[self.spendable[0][2]]
            if lot.free:
                return lot
            heappop(self.spendable)
            self.listed.discard(lot.id)
        return None

    def owe(self, points: int, kind: LegKind, cause: PostingId) -> None:
        """More debt, or less of it."""
        if points:
            self.debt += points
            self.note(kind, "debt", points, cause)

    def settle(self) -> None:
        """Debt takes what is active."""
        while self.debt and (lot := self.front()) is not None:
            cause = posting_of(lot.id)
            [piece], _ = self.take(min(self.debt, lot.free), "used", "debt_settle", cause)
            self.debt -= piece.points
            self.note("debt_settle", "debt", -piece.points, cause, lot.id)

    # -- holds

    def end_hold(self, hold: Hold, state: Literal["released", "lapsed"], cause: PostingId) -> None:
        """An open hold ends without a payment."""
        kind: LegKind = "lapse" if state == "lapsed" else "release"
        self.holds[hold.id] = replace(hold, state=state, pieces=())
        for piece in hold.pieces:
            self.let_go(piece.lot, piece.points, kind, cause)

    def let_go(self, lot_id: LotId, points: int, kind: LegKind, cause: PostingId) -> None:
        """Points on hold come back to their lot.

        Goods may have come back meanwhile, and what was on hold of their points became debt. Then these are the very
        points that are owed, whether or not they would have ended by now: they go, and the debt with them.
        """
        lot = self.lots[lot_id]
        claimed = min(points, lot.claimed, self.debt)
        held = lot.held - points
        self.lots[lot_id] = replace(
            lot,
            held=held,
            clawed=lot.clawed + claimed,
            owed=lot.owed - claimed,
            claimed=min(lot.claimed - claimed, held),
        )
        self.held -= points
        self.note(kind, "held", -points, cause, lot_id)
        if claimed:
            self.owe(-claimed, kind, cause)
        self.set_free(lot_id, points - claimed, kind, cause)

    def pay_from_hold(self, lot_id: LotId, points: int, cause: PostingId) -> None:
        """Points on hold are spent."""
        lot = self.lots[lot_id]
        held, used = lot.held - points, lot.used + points
        if lot.claimed > held:
            self.lots[lot_id] = replace(lot, held=held, used=used, claimed=held)
        else:
            self.lots[lot_id] = replace(lot, held=held, used=used)
        self.held -= points
        self.legs.append(Leg(self.now, "redeem", "held", -points, cause, lot_id))

    # -- time

    def advance(self, to: int) -> None:
        """Let time pass until `to`, instant by instant."""
        while self.due <= to:
            self.now = max(self.now, self.due)
            if self.spendable and self.spendable[0][0] <= self.now:
                self.expire()
            if self.lapsing and self.lapsing[0][0] <= self.now:
                self.lapse()
            if self.maturing and self.maturing[0][0] <= self.now:
                self.activate()
            if self.debt:
                self.settle()
            self.due = self.next_event()
        if to > self.now:
            self.now = to

    def next_event(self) -> int:
        """The next instant at which time may do something; that it finds nothing to do is no harm."""
        due = self.spendable[0][0] if self.spendable else NEVER
        if self.maturing and self.maturing[0][0] < due:
            due = self.maturing[0][0]
        if self.lapsing and self.lapsing[0][0] < due:
            due = self.lapsing[0][0]
        return due

    def expire(self) -> None:
        """Free points whose end has come are gone."""
        while (lot := self.front()) is not None and lot.expires_at is not None and lot.expires_at <= self.now:
            self.lots[lot.id] = replace(lot, free=0, expired=lot.expired + lot.free)
            self.active -= lot.free
            self.note("expire", "active", -lot.free, posting_of(lot.id), lot.id)

    def lapse(self) -> None:
        """Open holds whose end has come end."""
        while self.lapsing and self.lapsing[0][0] <= self.now:
            hold = self.holds[heappop(self.lapsing)[1]]
            if hold.state == "open":
                self.end_hold(hold, "lapsed", hold.posting)

    def activate(self) -> None:
        """Pending points whose time has come are active."""
        while self.maturing and self.maturing[0][0] <= self.now:
            lot = self.lots[heappop(self.maturing)[1]]
            if lot.free and lot.id not in self.listed:
                cause = posting_of(lot.id)
                self.pending -= lot.free
                self.active += lot.free
                self.legs.append(Leg(self.now, "activate", "pending", -lot.free, cause, lot.id))
                self.legs.append(Leg(self.now, "activate", "active", lot.free, cause, lot.id))
                self.list_lot(lot)
