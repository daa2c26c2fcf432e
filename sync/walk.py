"""sql: the walk along the chain, from the first entry of the first life to the newest entry of the last.

    walk = Walk(tx)
    for entry in walk.entries():          # raises Broken at the first entry that does not hold
        if walk.counts: ...               # whether a replay applies it
    walk.head, walk.lives                 # how far it came, through which epochs

Every entry is looked at, whatever is asked of the walk: its link, that its row says what its bytes say, and the
personal data beside it. Only the entries the caller wants are decoded in full. Nothing is kept, so a journal of any
length can be walked.

**Lives.** The first entry of an epoch names the head of the life before it. The walk demands that very head, and
ordinals that rise: a life cut off at its end, taken out as a whole, or put in between is found.

**Mended lives.** A life that was cut, and one that came back from head office, are told of by facts of a later life
(sync/repairs.py). Where there are such facts, a later life may begin behind a place that was cut off, an earlier life
may go on after a later one began, and no life may be longer or shorter than these facts say.

**No index is asked.** The journal is only ever appended to, so its rows lie in the file in the order of the chain; they
are read in that order, from the table. A damaged index can neither hide an entry nor stand in for one.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import msgspec

from loyalty.transactions import Row, Tx
from sync.chain import ZERO_HASH, Content, Head, chain_hash, decode_content, epoch_text
from sync.facts import KINDS
from sync.facts.members import MemberErased
from sync.facts.store import EpochStarted
from sync.journal import Entry, Private, entry_of, private_hash_of
from sync.repairs import read_repairs

Wanted = Callable[[int, str], bool]
"""Whether an entry is to be decoded and handed out, by the number of its row and its kind."""

_BEGINS_LIFE = "epoch.started"
_ABOUT_PEOPLE = frozenset(
    kind for (kind, _), body in KINDS.items() if "private" in body.__struct_fields__ or body is MemberErased
)
_UNREADABLE = (msgspec.DecodeError, KeyError, ValueError, TypeError)


class Wrong(msgspec.Struct, frozen=True):
    """Something that does not hold. `epoch` is 16 hex digits; seq 0 means a row that no entry explains."""

    epoch: str
    seq: int
    what: str


class Broken(Exception):
    """The journal itself does not hold; `wrong` names the entry."""

    def __init__(self, epoch: object, seq: int, what: str) -> None:
        super().__init__(what)
        # A damaged file may hold a cell of any type.
        self.wrong = Wrong(epoch_text(epoch) if isinstance(epoch, int) else "", seq, what)


class Walk:
    """One way along the journal. `known` is a head that an earlier run proved: it must still be there.

    `lives` are the epochs in order, `head` is the last entry come by, `row` the number of its row in the file, `newest`
    the head of the newest life, and `counts` whether the entry just handed out has an effect here.
    """

    def __init__(self, store: Tx, known: Head | None = None) -> None:
        self.lives: list[int] = []
        self.head: Head | None = None
        self.row = 0
        self.counts = True
        self._store = store
        self._repairs = read_repairs(store)
        self._heads: dict[int, Head] = {}
        self._ends: dict[int, int] = {}
        self._newest: int | None = None
        self._known = known
        self._met_known = known is None
        self._ordinal = 0
        self._people = _People(store)

    def entries(self, wanted: Wanted = lambda _row, _kind: True) -> Iterator[Entry]:
        """The wanted entries in order. Goes to the end of the journal; raises Broken at the first that does not
        hold."""
        rows = self._store.execute(
            "SELECT rowid, epoch, seq, op_id, kind, content, hash FROM journal NOT INDEXED ORDER BY rowid"
        )
        for row, epoch, seq, op_id, kind, raw, entry_hash in rows:
            previous = self._expect(epoch, seq)
            self._look_for_known(epoch, seq, entry_hash)
            if not _is_link(epoch, seq, previous, raw, entry_hash):
                raise Broken(epoch, seq, "content or hash was changed: the chain does not fit")
            content = _read(epoch, seq, raw)
            if seq == 1:
                self._begin_life(epoch, content)
            entry = self._open(epoch, seq, entry_hash, content, decode=wanted(row, kind))
            if content.kind != kind or content.op_id.bytes != op_id:
                raise Broken(epoch, seq, "the row's kind or op_id is not the entry's")
            self.head, self.row = Head(epoch, seq, entry_hash), row
            self._heads[epoch] = self.head
            self.counts = not self._repairs.is_set_aside(epoch, seq)
            if entry is not None:
                yield entry
        if self._known is not None and not self._met_known:
            raise Broken(self._known.epoch, self._known.seq, "the entry proved last time is gone")
        if not self._repairs.is_none:
            self._check_ends()
        self._people.check_end()

    @property
    def newest(self) -> Head | None:
        """The head of the newest life, as far as the walk came."""
        return self._heads.get(self._newest) if self._newest is not None else None

    def run(self) -> Wrong | None:
        """Go to the end and hand out nothing; what does not hold, if anything."""
        try:
            for _ in self.entries(lambda _row, _kind: False):
                pass
        except Broken as broken:
            return broken.wrong
        return None

    def _expect(self, epoch: Any, seq: Any) -> bytes:  # noqa: ANN401  a damaged file may hold a cell of any type
        """The hash this entry must follow. Raises Broken for one that is not the next."""
        head = self.head
        if head is not None and epoch != head.epoch and not self._repairs.is_none:
            head = self._heads.get(epoch)
        if head is not None and epoch == head.epoch:
            if seq != head.seq + 1:
                raise Broken(epoch, head.seq + 1, f"the entry is missing, the next one is {seq}")
            return head.hash
        if seq != 1:
            raise Broken(epoch, 1, f"the entry is missing, the first one of this epoch is {seq}")
        return ZERO_HASH

    def _look_for_known(self, epoch: int, seq: int, entry_hash: Any) -> None:  # noqa: ANN401  a cell
        known = self._known
        if known is None or (epoch, seq) != (known.epoch, known.seq):
            return
        if entry_hash != known.hash:
            raise Broken(epoch, seq, "the entry proved last time has another hash")
        self._met_known = True

    def _begin_life(self, epoch: int, content: Content) -> None:
        """Raises Broken for a first entry that begins no life or does not follow the life before."""
        try:
            body = msgspec.json.decode(content.body, type=EpochStarted)
        except msgspec.DecodeError as error:
            raise Broken(epoch, 1, f"the first entry of the epoch cannot be read: {error}") from error
        if content.kind != _BEGINS_LIFE:
            raise Broken(epoch, 1, "the first entry of the epoch begins no life")
        if self._repairs.is_none:
            self._check_link_of_lives(epoch, body)
        else:
            self._check_link_of_mended_lives(epoch, body)
        if body.ordinal > self._ordinal:
            self._ordinal, self._newest = body.ordinal, epoch
        elif epoch not in self._repairs.recovered:
            raise Broken(epoch, 1, f"it is life {body.ordinal} and comes after life {self._ordinal}")
        self.lives.append(epoch)

    def _check_link_of_mended_lives(self, epoch: int, body: EpochStarted) -> None:
        """The place a life says it began behind is there, or was cut off; or the life came back, and what it began
        behind did not, because nobody had it any more."""
        told = _claim_of(body)
        if told is None:
            if self.head is not None:
                raise Broken(epoch, 1, "this life does not follow the one before it")
            return
        if self._is_there(told):
            self._ends[told.epoch] = max(told.seq, self._ends.get(told.epoch, 0))
        elif not self._repairs.explains(told, self.row) and not self._repairs.came_back(epoch, 1):
            raise Broken(told.epoch, told.seq, f"the entry is missing, life {body.ordinal} began behind it")

    def _is_there(self, place: Head) -> bool:
        """Whether the walk came by this very entry."""
        head = self._heads.get(place.epoch)
        if head is None or head.seq < place.seq:
            return False
        if head.seq == place.seq:
            return head == place
        row = self._store.execute(
            "SELECT hash FROM journal NOT INDEXED WHERE epoch = ? AND seq = ?", (place.epoch, place.seq)
        ).fetchone()
        return row is not None and bool(row[0] == place.hash)

    def _check_ends(self) -> None:
        """Every life but the newest ends where a later one began behind it, where it was cut off, or where what came
        back of it ends. Raises Broken for what was kept or came back and is gone, and for entries behind the end."""
        lowest: dict[int, Head] = {}
        for cut in self._repairs.cuts:
            kept = cut.kept
            if self._is_there(kept):
                self._ends[kept.epoch] = max(kept.seq, self._ends.get(kept.epoch, 0))
            lowest[kept.epoch] = min(lowest.get(kept.epoch, kept), kept, key=lambda head: head.seq)
        for kept in lowest.values():
            # What a cut kept, a later one may have taken; what the lowest kept nobody did.
            if kept.seq and not self._is_there(kept):
                raise Broken(kept.epoch, kept.seq, "the entry is missing, its life was cut off behind it")
        for epoch, recoveries in self._repairs.recovered.items():
            for back in recoveries:
                if self._is_there(back.last):
                    self._ends[epoch] = max(back.last.seq, self._ends.get(epoch, 0))
                elif not self._repairs.explains(back.last, back.row):
                    raise Broken(epoch, back.last.seq, "the entry is missing, it had come back from head office")
        for epoch, head in self._heads.items():
            end = self._ends.get(epoch, 0)
            if epoch != self._newest and head.seq > end:
                raise Broken(epoch, end + 1, "an entry behind the end of its life")

    def _check_link_of_lives(self, epoch: int, body: EpochStarted) -> None:
        told = (body.previous_epoch, body.previous_seq, body.previous_hash)
        head = self.head
        if head is None:
            if told != (None, None, None):
                raise Broken(epoch, 1, f"the life before it, epoch {body.previous_epoch}, is missing")
            return
        if told == (epoch_text(head.epoch), head.seq, head.hash.hex()):
            return
        if body.previous_epoch == epoch_text(head.epoch) and body.previous_seq is not None:
            if body.previous_seq > head.seq:
                last = body.previous_seq
                raise Broken(head.epoch, head.seq + 1, f"the entry is missing, its life came to {last}")
            if body.previous_seq < head.seq:
                raise Broken(head.epoch, body.previous_seq + 1, "an entry behind the end of its life")
        raise Broken(epoch, 1, "this life does not follow the one before it")

    def _open(self, epoch: int, seq: int, entry_hash: bytes, content: Content, *, decode: bool) -> Entry | None:
        """The entry with its personal half, checked; None for one that nobody wants."""
        about_people = content.kind in _ABOUT_PEOPLE
        if not decode and not about_people:
            self._people.need_none(epoch, seq)
            return None
        private = self._people.take(epoch, seq)
        try:
            entry = entry_of(epoch, seq, entry_hash, content, private)
        except _UNREADABLE as error:
            raise Broken(epoch, seq, f"the content cannot be read: {error}") from error
        self._people.note(entry)
        return entry if decode else None


def _claim_of(body: EpochStarted) -> Head | None:
    """The head of the life before, as a first entry names it; None for the first life of all."""
    if body.previous_epoch is None or body.previous_seq is None or body.previous_hash is None:
        return None
    try:
        return Head(int(body.previous_epoch, 16), body.previous_seq, bytes.fromhex(body.previous_hash))
    except ValueError:
        return None


def _is_link(epoch: int, seq: int, previous: bytes, content: Any, entry_hash: Any) -> bool:  # noqa: ANN401  cells
    """Whether a row is the next of the chain. A damaged file may hold cells of any type and numbers of any size."""
    try:
        return bool(chain_hash(epoch, seq, previous, content) == entry_hash)
    except (TypeError, OverflowError, AttributeError):
        return False


def _read(epoch: int, seq: int, raw: bytes) -> Content:
    """The hashed part of an entry. Raises Broken for bytes that are none."""
    try:
        return decode_content(raw)
    except _UNREADABLE as error:
        raise Broken(epoch, seq, f"the content cannot be read: {error}") from error


class _People:
    """The personal data beside the entries, read in step with them.

    It must be the very bytes an entry names, and lie nowhere else. It may only be missing where a later erasure
    explains it, and then it must be: so that is judged at the end.
    """

    def __init__(self, store: Tx) -> None:
        self._store = store
        self._rows = iter(
            store.execute("SELECT epoch, seq, member, salt, bytes FROM journal_private NOT INDEXED ORDER BY rowid")
        )
        self._next: Row | None = next(self._rows, None)
        self._missing: list[tuple[int, int, UUID]] = []
        self._erased: set[UUID] = set()

    def take(self, epoch: int, seq: int) -> Private | None:
        """The personal half of this entry, if it is still there. Raises Broken for one that cannot be read."""
        row = self._next
        if row is None or (row[0], row[1]) != (epoch, seq):
            return None
        self._next = next(self._rows, None)
        try:
            return Private(UUID(bytes=row[2]), row[3], row[4])
        except (TypeError, ValueError) as error:
            raise Broken(epoch, seq, "the personal data was changed") from error

    def need_none(self, epoch: int, seq: int) -> None:
        """Raises Broken for personal data beside an entry that has nobody's."""
        if self._next is not None and (self._next[0], self._next[1]) == (epoch, seq):
            raise Broken(epoch, seq, "personal data beside an entry that names none")

    def note(self, entry: Entry) -> None:
        """Look at one decoded entry. Raises Broken for data that is not the entry's."""
        if isinstance(entry.body, MemberErased):
            self._erased.add(entry.body.member)
        expected = getattr(entry.body, "private", None)
        if expected is None:
            if entry.private is not None:
                raise Broken(entry.epoch, entry.seq, "personal data beside an entry that names none")
            return
        member: UUID = entry.body.member  # type: ignore[attr-defined]  # every body with `private` has `member`
        if entry.private is None:
            self._missing.append((entry.epoch, entry.seq, member))
        elif entry.private.member != member or not _is_hash_of(expected, entry.private):
            raise Broken(entry.epoch, entry.seq, "the personal data was changed")

    def check_end(self) -> None:
        """After the last entry. Raises Broken for what lies beside no entry, for what no erasure explains, and for what
        an erasure forbids."""
        if self._next is not None:
            # Also the first row out of order stops the reading in step: what is missing behind it is only hidden.
            self._refuse_stray(self._next)
        for epoch, seq, member in self._missing:
            if member not in self._erased:
                raise Broken(epoch, seq, "the personal data is missing and no erasure explains it")
        if self._erased:
            for epoch, seq, member in self._store.execute("SELECT epoch, seq, member FROM journal_private NOT INDEXED"):
                if UUID(bytes=member) in self._erased:
                    raise Broken(epoch, seq, "personal data of a member who was erased")

    def _refuse_stray(self, row: Row) -> None:
        epoch, seq, member = row[:3]
        if isinstance(member, bytes) and member in {erased.bytes for erased in self._erased}:
            raise Broken(epoch, seq, "personal data of a member who was erased")
        entry = self._store.execute("SELECT 1 FROM journal WHERE epoch = ? AND seq = ?", (epoch, seq)).fetchone()
        if entry is None:
            raise Broken(epoch, seq, "personal data beside an entry that does not exist")
        raise Broken(epoch, seq, "personal data beside an entry that names none")


def _is_hash_of(expected: str, private: Private) -> bool:
    """A damaged file may hold cells of any type."""
    try:
        return private_hash_of(private) == expected
    except TypeError:
        return False
