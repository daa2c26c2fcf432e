"""pure: what lies on the disk of a simulated head office: what it received of each life, and what it made of it.

Entries are applied in the order in which they came in, each operation once: one that was logged again under a later
epoch changes nothing the second time. Accounts are folded by the real ledger, at the instants that the real rule gives.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from kiosk.simulate.entries import ConsentSaid, Deed, postings_of, read_content
from kiosk.simulate.feed import CONSENT, GLOBAL, ConsentTold, Feed, encode
from kiosk.simulate.hub_vouchers import Vouchers
from kiosk.simulate.lending import Lent, settle_leases
from loyalty.points.account import Account
from loyalty.points.facts import Posting
from loyalty.points.fold import add_postings
from sync.hub.accepted import place_in_time
from sync.hub.consents import Word, standing
from sync.protocol.push_hub import EpochState
from sync.protocol.sessions import Standing

if TYPE_CHECKING:
    from kiosk.simulate.office import Planned

Standings = Callable[[Iterable[Word]], list[Word]]

Place = tuple[str, int]
"""A life: shop and epoch."""


class Received(NamedTuple):
    """An entry as it was stored. `offset_ms` is how far head office's clock was ahead of the shop's then."""

    seq: int
    op_id: UUID
    content: bytes
    hash: bytes
    received_at: int
    offset_ms: int


class HubBooks:
    """Head office's database. `standings`, `sessions`, `offsets` and `epochs` are the rows of the push machine;
    `unreported` are the shops that have not said yet what they hold of leases since the database was put back."""

    def __init__(self) -> None:
        self.timeline = 1
        self.standings: dict[str, Standing] = {}
        self.sessions: dict[str, str] = {}
        self.offsets: dict[str, int] = {}
        self.epochs: dict[Place, EpochState] = {}
        self.inbox: dict[Place, list[Received]] = {}
        self.arrivals: list[tuple[Place, int]] = []
        self.applied_arrivals = 0
        self.effective_at: dict[Place, int] = {}
        self.applied_seq: dict[Place, int] = {}
        self.applied: dict[tuple[str, UUID], bytes] = {}
        self.effects: dict[tuple[str, UUID], int] = {}
        self.postings: dict[bytes, list[Posting]] = {}
        self.accounts: dict[bytes, Account] = {}
        self.lent: dict[UUID, Lent] = {}
        self.unreported: dict[str, bool] = {}
        self.vouchers = Vouchers()
        self.words: dict[UUID, tuple[Word, ...]] = {}
        self.bundles: dict[int, Planned] = {}
        self.feed = Feed()
        self.conflicts: list[tuple[str, UUID]] = []

    @property
    def has_applied_all(self) -> bool:
        """Whether nothing that came in waits."""
        return self.applied_arrivals == len(self.arrivals)

    def store(self, place: Place, entries: list[Received]) -> None:
        """Keep what a push has proved."""
        kept = self.inbox.setdefault(place, [])
        for entry in entries:
            kept.append(entry)
            self.arrivals.append((place, entry.seq))

    def apply(self, limit: int, standing_of: Standings = standing, *, once: bool = True) -> list[bytes]:
        """Apply up to `limit` entries in one transaction: the members whose accounts changed. `once` False leaves out
        the look at what was applied before (a planted bug); `standing_of` says which consent counts."""
        touched: dict[bytes, bool] = {}
        for place, seq in self.arrivals[self.applied_arrivals : self.applied_arrivals + limit]:
            entry = self.inbox[place][seq - 1]
            for member in self._apply_entry(place, entry, standing_of, once=once):
                touched[member] = True
            self.applied_seq[place] = seq
            self.applied_arrivals += 1
        return list(touched)

    def _apply_entry(self, place: Place, entry: Received, standing_of: Standings, *, once: bool) -> list[bytes]:
        shop, epoch = place
        content, deed = read_content(entry.content)
        placed = place_in_time(self.effective_at.get(place, 0), content.at, entry.offset_ms, entry.received_at)
        self.effective_at[place] = placed.effective_at
        key, content_hash = (shop, entry.op_id), hashlib.sha256(entry.content).digest()
        known = self.applied.setdefault(key, content_hash)
        if known != content_hash:
            self.conflicts.append(key)
            return []
        if once and self.effects.get(key):
            return []
        self.effects[key] = self.effects.get(key, 0) + 1
        self.vouchers.apply(self.feed, shop, entry.op_id, deed, entry.received_at)
        if deed.consent is not None:
            self._hear(epoch, entry, placed.effective_at, deed.consent, standing_of)
        return self._book(epoch, entry, placed.effective_at, deed)

    def _hear(self, epoch: int, entry: Received, effective_at: int, said: ConsentSaid, standing_of: Standings) -> None:
        """A member's word, and which of all her words counts now."""
        word = Word(
            channel="email",
            purpose="news",
            granted=said.granted,
            frequency=None,
            op=entry.op_id,
            at=said.at,
            effective_at=effective_at,
            origin=epoch,
            seq=entry.seq,
            replaces=said.replaces,
        )
        self.words[said.member] = (*self.words.get(said.member, ()), word)
        (counts,) = standing_of(self.words[said.member])
        told = ConsentTold(counts.op, counts.granted, counts.at)
        self.feed.put(GLOBAL, CONSENT, str(said.member), encode(told), entry.received_at)

    def _book(self, epoch: int, entry: Received, effective_at: int, deed: Deed) -> list[bytes]:
        postings = postings_of(entry.op_id, epoch, entry.seq, effective_at, deed)
        members = list(dict.fromkeys(posting.member for posting in postings))
        for member in members:
            mine = [posting for posting in postings if posting.member == member]
            before = self.postings.setdefault(member, [])
            self.accounts[member] = add_postings(self.accounts.get(member, Account()), mine, before)
            before += mine
        self.lent |= settle_leases(self.lent, deed)
        return members

    def lent_of(self, member: bytes) -> list[Lent]:
        """The leases of a member."""
        return [lent for lent in self.lent.values() if lent.member == member]

    def spent_of(self, lease: UUID) -> int:
        """What the operations applied so far have spent of a lease."""
        spent: dict[UUID, int] = {}
        for place, seq in self.arrivals[: self.applied_arrivals]:
            entry = self.inbox[place][seq - 1]
            backing = read_content(entry.content)[1].backing
            if backing is not None:
                spent[entry.op_id] = sum(part.points for part in backing.leases if part.lease == lease)
        return sum(spent.values())

    def copy(self) -> "HubBooks":
        """A backup."""
        copied = HubBooks()
        copied.timeline = self.timeline
        copied.standings, copied.sessions = self.standings.copy(), self.sessions.copy()
        copied.offsets, copied.epochs = self.offsets.copy(), self.epochs.copy()
        copied.inbox = {place: entries.copy() for place, entries in self.inbox.items()}
        copied.arrivals = self.arrivals.copy()
        copied.applied_arrivals = self.applied_arrivals
        copied.effective_at = self.effective_at.copy()
        copied.applied_seq = self.applied_seq.copy()
        copied.applied = self.applied.copy()
        copied.effects = self.effects.copy()
        copied.postings = {member: postings.copy() for member, postings in self.postings.items()}
        copied.accounts = self.accounts.copy()
        copied.lent = self.lent.copy()
        copied.unreported = self.unreported.copy()
        copied.vouchers = self.vouchers.copy()
        copied.words, copied.bundles = self.words.copy(), self.bundles.copy()
        copied.feed = self.feed.copy()
        copied.conflicts = self.conflicts.copy()
        return copied
