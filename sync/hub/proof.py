"""sql: the proof of a head office: everything it says follows from the journals that it holds.

    report = prove(tx, scratch)      # scratch: empty books of the same tables, on SQLite
    report.ok, report.first_wrong    # False, Wrong(epoch, seq, "store 0000…: the hash does not fit")

| asked                                                                             | of                            |
|-----------------------------------------------------------------------------------|-------------------------------|
| every chain of every store fits, link by link, up to the head that pushes go on at| inbox, epoch_head             |
| personal data is what the entries' hashes say, and nobody's who was forgotten     | inbox_private                 |
| every entry up to how far a life is applied was applied, or lies among the dead   | applied, dead_letter          |
| every row is what applying the journals anew makes, cell by cell                  | all FACT and CACHE tables     |
| the sums of the reports are those of the entries                                  | the roll-ups                  |
| every account is the fold of its postings, and keeps the invariants I1 to I14     | postings, accounts, lots …    |
| every broken rule has its incident                                                | incident                      |

The entries are applied anew in the order in which they came in, each at the instant that it was given then.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby, islice
from typing import NamedTuple
from uuid import UUID

from loyalty.bulk import read_rows
from loyalty.points_proof import INVARIANTS, check_points
from loyalty.transactions import Row, Tx
from sync.chain import ZERO_HASH, chain_hash, epoch_text, private_hash
from sync.hub.accepted import Accepted
from sync.hub.appliers.apply_receipts import is_said_by_itself
from sync.hub.appliers.apply_returns import list_undone
from sync.hub.appliers.receipts import read_receipts
from sync.hub.apply import apply_facts
from sync.hub.inbox import copy_entry
from sync.hub.incidents import OF_FACTS
from sync.hub.intake_reader import Found, read_inbox
from sync.hub.proof_tables import find_difference, proved_tables
from sync.hub.rollups.proof import find_wrong_rollup
from sync.verify import RULE, Report, first_of_each
from sync.walk import Wrong

_BATCH = 500
_INCIDENTS = "SELECT id, kind, member, amount, refs, state FROM incident"


class _Broken(Exception):
    """Something that does not hold; `wrong` names it."""

    def __init__(self, epoch: int, seq: int, what: str) -> None:
        super().__init__(what)
        self.wrong = Wrong(epoch_text(epoch), seq, what)


class _Life(NamedTuple):
    """One life of one store, as pushes and appliers say they know it."""

    store: bytes
    epoch: int
    seq: int
    hash: bytes
    applied_seq: int
    max_seq: int

    @property
    def is_whole(self) -> bool:
        """Whether everything the store has said it has is here and applied."""
        return self.applied_seq == self.seq >= self.max_seq


class _Arrived(NamedTuple):
    """An entry that was applied here, in the order in which entries came in."""

    received_at: int
    store: bytes
    epoch: int
    seq: int
    entry: Accepted


def prove(tx: Tx, scratch: Tx) -> Report:
    """Prove everything. Never raises for what it finds in the data: the report names the first wrong entry."""
    report = Report()
    lives = _read_lives(tx)
    report.epochs = len(lives)
    try:
        for arrived in _batches(merge(*(_walk(tx, life) for life in lives))):
            report.entries += len(arrived)
            _lend_sales(tx, scratch, arrived)
            _replay(scratch, arrived)
        _check_count(tx, report.entries)
    except _Broken as broken:
        report.ok, report.first_wrong = False, broken.wrong
        return report
    for table in proved_tables():
        _note(report, table.name, find_difference(tx, scratch, table))
    found, broken_off = first_of_each(check_points(scratch))
    for name, rule in _POINTS.items():
        _note(report, RULE + rule, _said(found.get(name, broken_off)))
    _note(report, RULE + "rollups", _said(find_wrong_rollup(tx)))
    _note(report, RULE + "incidents", _said(next(_check_incidents(tx, scratch), None)))
    return report


def _read_lives(tx: Tx) -> list[_Life]:
    rows = tx.execute(
        "SELECT epoch_head.store, epoch_head.epoch, seq, hash, applied_seq, max_seq FROM epoch_head JOIN apply_cursor"
        " ON apply_cursor.store = epoch_head.store AND apply_cursor.epoch = epoch_head.epoch"
        " ORDER BY epoch_head.store, epoch_head.epoch"
    ).fetchall()
    return [_Life(*row) for row in rows]


def _walk(tx: Tx, life: _Life) -> Iterator[_Arrived]:
    """One life from its first entry: its chain, its personal data, and that each entry was dealt with. Hands out the
    entries that were applied under this life. Raises _Broken."""
    previous, after, before = ZERO_HASH, 0, 0
    while True:
        rows = tx.execute(
            "SELECT seq, op_id, kind, content, hash, received_at FROM inbox WHERE store = ? AND epoch = ? AND seq > ?"
            " ORDER BY seq LIMIT ?",
            (life.store, life.epoch, after, _BATCH),
        ).fetchall()
        if not rows:
            break
        previous = _check_chain(life, after, previous, rows)
        found = read_inbox(tx, UUID(bytes=life.store), life.epoch, after=after, before=before, limit=_BATCH)
        _check_people(tx, life, found)
        yield from _dealt_with(tx, life, found, {row[0]: row[5] for row in rows})
        after, before = found.last, found.effective_at
    if (after, previous) != (life.seq, life.hash):
        raise _wrong(life, min(after, life.seq) + 1, "the entries do not end where pushes go on")


def _check_chain(life: _Life, after: int, previous: bytes, rows: Sequence[Row]) -> bytes:
    """Raises _Broken at the first entry that is not the next link."""
    for seq, _op_id, _kind, content, entry_hash, _received_at in rows:
        after += 1
        if seq != after:
            raise _wrong(life, after, f"the entry is missing, the next one is {seq}")
        if chain_hash(life.epoch, seq, previous, content) != entry_hash:
            raise _wrong(life, seq, "content or hash was changed: the chain does not fit")
        previous = entry_hash
    return previous


def _check_people(tx: Tx, life: _Life, found: Found) -> None:
    """Personal data is what the hash says, and of nobody who was forgotten; where it is missing she was. Raises
    _Broken."""
    named = [entry for entry in found.entries if getattr(entry.body, "private", None) is not None]
    members = sorted({entry.body.member.bytes for entry in named} | {member.bytes for member in found.people})  # type: ignore[attr-defined]
    erased = {row[0] for row in read_rows(tx, "SELECT member FROM erased_member WHERE member IN (?)", members)}
    for entry in named:
        private, forgotten = entry.private, entry.body.member.bytes in erased  # type: ignore[attr-defined]
        if private is not None and forgotten and entry.seq <= life.applied_seq:
            raise _wrong(life, entry.seq, "personal data of a member who was erased")
        if private is None and not forgotten and life.is_whole:
            raise _wrong(life, entry.seq, "the personal data is missing and no erasure explains it")
        expected = entry.body.private  # type: ignore[attr-defined]
        if private is not None and private_hash(private.salt, private.data) != expected:
            raise _wrong(life, entry.seq, "the personal data was changed")


def _dealt_with(tx: Tx, life: _Life, found: Found, received: dict[int, int]) -> Iterator[_Arrived]:
    """The entries that were applied here; those that were not have a reason. Raises _Broken."""
    first = min(received)
    place = (life.store, life.epoch, first, found.last)
    applied = _by_seq(
        tx,
        "SELECT seq, op_id, content_hash, effective_at FROM applied"
        " WHERE store = ? AND epoch = ? AND seq >= ? AND seq <= ?",
        place,
    )
    dead = _by_seq(
        tx, "SELECT seq, state FROM dead_letter WHERE store = ? AND epoch = ? AND seq >= ? AND seq <= ?", place
    )
    elsewhere = _applied_elsewhere(tx, life, [each for each in found.entries if each.seq not in applied])
    for entry in found.entries:
        told = applied.get(entry.seq)
        if told is not None:
            if entry.seq > life.applied_seq:
                raise _wrong(life, entry.seq, "it is said to be applied, and its life is not that far")
            if told != (entry.op_id.bytes, entry.content_hash, entry.effective_at):
                raise _wrong(life, entry.seq, "what is said to be applied is not the entry")
            yield _Arrived(received[entry.seq], life.store, life.epoch, entry.seq, entry)
        elif not _is_excused(life, entry, dead, elsewhere):
            raise _wrong(life, entry.seq, "it was never applied")
    for unread in found.unread:
        if unread.seq <= life.applied_seq and unread.seq not in dead:
            raise _wrong(life, unread.seq, "it cannot be read, and nobody was told")


def _is_excused(life: _Life, entry: Accepted, dead: dict[int, Row], elsewhere: dict[bytes, bytes]) -> bool:
    """Whether an entry has a reason not to be applied under its own number: its turn has not come, it lies among the
    dead letters, or the same fact was applied under another life, if need be in other words."""
    if entry.seq > life.applied_seq or entry.seq in dead:
        return True
    known = elsewhere.get(entry.op_id.bytes)
    return known is not None and (known == entry.content_hash or is_said_by_itself(entry.body))


def _check_count(tx: Tx, entries: int) -> None:
    """Raises _Broken when more is said to be applied than there are entries."""
    row = tx.execute("SELECT COUNT(*) FROM applied").fetchone()
    if row is None or row[0] != entries:
        raise _Broken(0, 0, f"{row[0] if row else 0} facts are said to be applied, {entries} are")


def _by_seq(tx: Tx, select: str, place: Row) -> dict[int, Row]:
    return {seq: tuple(columns) for seq, *columns in tx.execute(select, place)}


def _applied_elsewhere(tx: Tx, life: _Life, entries: Sequence[Accepted]) -> dict[bytes, bytes]:
    """Facts of the same store that were applied under another life, by id."""
    select = "SELECT op_id, content_hash FROM applied WHERE store = ? AND op_id IN (?)"
    ops = [entry.op_id.bytes for entry in entries]
    return dict(read_rows(tx, select, ops, first=[life.store]))


def _batches(arrived: Iterator[_Arrived]) -> Iterator[list[_Arrived]]:
    """Runs of one store's entries."""
    for _, run in groupby(arrived, key=lambda each: each.store):
        while batch := list(islice(run, _BATCH)):
            yield batch


def _lend_sales(tx: Tx, scratch: Tx, arrived: Sequence[_Arrived]) -> None:
    """Lay the sales that these entries take back where whoever applies them looks for what was sold."""
    sales = {sale.bytes for each in arrived for sale in list_undone(each.entry.body)}
    if not sales:
        return
    for receipt in read_receipts(tx, sorted(sales)).values():
        copy_entry(tx, scratch, receipt.store, receipt.epoch, receipt.seq)


def _replay(scratch: Tx, arrived: Sequence[_Arrived]) -> None:
    first = arrived[0]
    try:
        apply_facts(scratch, [each.entry for each in arrived])
    except Exception as error:
        what = f"these {len(arrived)} entries cannot be applied anew: {type(error).__name__}"
        raise _Broken(first.epoch, first.seq, f"store {first.store.hex()}: {what}") from error


def _check_incidents(tx: Tx, scratch: Tx) -> Iterator[str]:
    """Every broken rule has its incident, and no incident of facts is without one. What a person has resolved stays."""
    made = {row[0]: tuple(row[1:5]) for row in scratch.execute(_INCIDENTS) if row[1] in OF_FACTS}
    kept = {row[0]: (tuple(row[1:5]), row[5]) for row in tx.execute(_INCIDENTS) if row[1] in OF_FACTS}
    for identity, incident in sorted(made.items()):
        if identity not in kept:
            yield f"the {incident[0]} incident {UUID(bytes=identity)} is missing"
        elif kept[identity][0] != incident:
            yield f"the {incident[0]} incident {UUID(bytes=identity)} says something else than the entries"
    for identity, (incident, state) in sorted(kept.items()):
        if identity not in made and state == "open":
            yield f"no entry explains the {incident[0]} incident {UUID(bytes=identity)}"


_POINTS = {
    "account": "accounts",
    "points_lot": "lots",
    "points_hold": "holds",
    "points_redemption": "redemptions",
    "points_incident": "points_incidents",
    INVARIANTS: "invariants",
}


def _wrong(life: _Life, seq: int, what: str) -> _Broken:
    return _Broken(life.epoch, seq, f"store {UUID(bytes=life.store)}: {what}")


def _said(sentence: str | None) -> Wrong | None:
    return Wrong("", 0, sentence) if sentence is not None else None


def _note(report: Report, name: str, wrong: Wrong | None) -> None:
    report.tables[name] = wrong is None
    if wrong is not None:
        report.ok = False
        if report.first_wrong is None:
            report.first_wrong = wrong
