"""edge: takes what stores have pushed and applies it, batch by batch; edge because each failing entry is undone alone.

    applied = await storage.write(lambda tx: apply_next(tx, store, epoch, now_ms))
    applied.more            # there is more to take

One call is one transaction: up to 500 entries of one life of one store, behind the last one applied. A batch is tried
as a whole. If it fails, its halves are tried, and so on, until the entry that fails stands alone: it becomes a dead
letter and the rest goes on. Nothing an entry does can stop the entries behind it.

| what fails                                           | what happens                                               |
|------------------------------------------------------|------------------------------------------------------------|
| an entry cannot be read, or contradicts what is here | dead letter, state open; its store sees it in the feed     |
| it says what no honest store books (plausible.py)    | the same                                                   |
| its kind or version is newer than this release       | dead letter, state parked; replayed after the upgrade      |
| its store has done too much to what is others'       | it waits the same way, for a person (reach.py)             |
| many entries of a batch, or of the last thousand     | BreakerTripped: that is a fault of ours, not of the entries|
| the disk or the line to the database                 | the error goes through: nothing is written, nobody blamed  |
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from loyalty.transactions import Tx
from sync.facts import KINDS
from sync.hub.accepted import HEAD_OFFICE, Accepted, Unread
from sync.hub.announcements import Told, dead_letter_change, list_changes
from sync.hub.appliers.apply_members import is_erased
from sync.hub.apply import Batch, apply_batch
from sync.hub.bundle_news import tell_bundles
from sync.hub.dead_letters import (
    count_failed_since,
    find_dead_letter,
    list_dead_letters,
    need_waiting,
    put_dead_letter,
    settle_dead_letter,
)
from sync.hub.failures import (
    BEYOND_SHARE,
    FAILURES_WINDOW,
    ID_CONFLICT,
    BreakerTripped,
    DeadLetter,
    Failed,
    describe,
    is_of_the_database,
    is_our_fault,
    letter_of,
    letter_of_unread,
)
from sync.hub.feed_store import FeedChange, put_many
from sync.hub.inbox import forget_private
from sync.hub.incidents import Incident, incident_id, put_incidents
from sync.hub.intake_reader import read_inbox, read_one
from sync.hub.lending import end_leases
from sync.hub.op_names import tell_apart
from sync.hub.reach import Shares, hold_back
from sync.hub.reserving import end_reservations
from sync.hub.returns import list_returned, sales_of, sales_touched
from sync.hub.state import read_timeline
from sync.hub.voucher_news import list_voucher_changes

BATCH_MAX = 500
SHARES = Shares(things=1_000, points=2_000_000)
_TAKEN = "too many ids of other stores"
_WAITS = "more than a store does on a day to what is others'"
_DAY_MS = 86_400_000


class Applied(Struct, frozen=True, kw_only=True):
    """What one call did: entries taken, of which new facts, known facts, dead letters, parked ones and those that wait
    for a person; how far this life is applied now and whether there is more. `erased`: personal data was deleted, and
    the caller sees to it that no trace of it stays in the file."""

    taken: int = 0
    fresh: int = 0
    repeated: int = 0
    dead: int = 0
    parked: int = 0
    waiting: int = 0
    applied_seq: int = 0
    more: bool = False
    erased: bool = False


class _Done(NamedTuple):
    batches: list[Batch]
    failed: list[Failed]


def apply_next(
    tx: Tx, store: UUID, epoch: int, now_ms: int, *, limit: int = BATCH_MAX, version: str = "", shares: Shares = SHARES
) -> Applied:
    """Apply the next entries of one life of a store. `version` is this release's, for what it could not apply; `shares`
    is what a store may do on a day to what is others'.

    The row of `apply_cursor` is the lock: of two processes one waits and finds the work done. Raises BreakerTripped.
    """
    row = tx.execute(
        "UPDATE apply_cursor SET state = state WHERE store = ? AND epoch = ?"
        " RETURNING applied_seq, effective_at, state",
        (store.bytes, epoch),
    ).fetchone()
    if row is None or row[2] != "running":
        return Applied(applied_seq=row[0] if row else 0)
    found = read_inbox(tx, store, epoch, after=row[0], before=row[1], limit=limit)
    if found.last == row[0]:
        return Applied(applied_seq=row[0])
    tx.execute(
        "UPDATE apply_cursor SET applied_seq = ?, effective_at = ? WHERE store = ? AND epoch = ?",
        (found.last, found.effective_at, store.bytes, epoch),
    )
    done = _Done([], [])
    apart = tell_apart(tx, found.entries)
    if apart.named:
        found = read_inbox(tx, store, epoch, after=row[0], before=row[1], limit=limit)
    refused = {entry.seq for entry in apart.refused}
    entries = [entry for entry in found.entries if entry.seq not in refused]
    held = hold_back(tx, entries, shares, now_ms)
    _apply(tx, held.passed, done)
    letters = [
        *(letter_of_unread(store, epoch, each, now_ms, version) for each in found.unread),
        *(letter_of(each, now_ms, version) for each in _failures(done)),
        *(letter_of(Failed(each, ID_CONFLICT, _TAKEN), now_ms, version) for each in apart.refused),
        *(letter_of(Failed(each, BEYOND_SHARE, _WAITS), now_ms, version) for each in held.waiting),
    ]
    _put_letters(tx, letters)
    dead = [letter for letter in letters if letter.state == "open" and letter.code != BEYOND_SHARE]
    if dead:
        _check_breaker(tx, store, epoch, found.last, dead, taken=found.last - row[0])
    _note_skew(tx, store, epoch, found.cut)
    forgot = _forget_erased(tx, found.people)
    told = _join([batch.told for batch in done.batches])
    changes = list_changes(tx, told, now_ms) if told is not None else []
    news = _list_news(tx, store, [entry for batch in done.batches for entry in batch.fresh])
    put_many(tx, [*changes, *news, *map(dead_letter_change, letters)], now_ms)
    return Applied(
        taken=found.last - row[0],
        fresh=sum([len(batch.fresh) for batch in done.batches]),
        repeated=sum([len(batch.repeated) for batch in done.batches]),
        dead=len(dead),
        parked=len(letters) - len(dead) - len(held.waiting),
        waiting=len(held.waiting),
        applied_seq=found.last,
        more=found.more,
        erased=forgot or (told is not None and bool(told.erased)),
    )


def apply_own(tx: Tx, now_ms: int, version: str) -> None:
    """Head office's own facts count at once: whoever decided sees it. Raises BreakerTripped."""
    epoch = read_timeline(tx)
    while apply_next(tx, HEAD_OFFICE, epoch, now_ms, version=version).more:
        pass


def replay_dead_letter(tx: Tx, store: UUID, epoch: int, seq: int, now_ms: int, *, version: str = "") -> DeadLetter:
    """Try an entry again that could not be applied; what it is now. It counts at the instant it was given at first, as
    if it had never failed. Raises DeadLetterNotFound, DeadLetterSettled."""
    tx.execute("UPDATE apply_cursor SET state = state WHERE store = ? AND epoch = ?", (store.bytes, epoch))
    letter = find_dead_letter(tx, store, epoch, seq)
    need_waiting(letter)
    entry = read_one(tx, store, epoch, seq, letter.effective_at)
    if isinstance(entry, Unread):
        _put_letters(tx, [letter_of_unread(store, epoch, entry, now_ms, version)])
        return find_dead_letter(tx, store, epoch, seq)
    apart = tell_apart(tx, [entry])
    if apart.named:
        entry = read_one(tx, store, epoch, seq, letter.effective_at)
        assert isinstance(entry, Accepted), "it was read a moment ago"
    done = _Done([], [])
    _apply(tx, [entry], done)
    failed = [*done.failed]
    failed += [
        Failed(each, "id_conflict", "the id stands for another fact") for b in done.batches for each in b.conflicting
    ]
    if failed:
        _put_letters(tx, [letter_of(failed[0], now_ms, version)])
    else:
        settle_dead_letter(tx, letter, "replayed", now_ms)
        _forget_erased(tx, [entry.private.member] if entry.private else [])
        told = done.batches[0].told
        # The store's own sum is without it so far.
        told = told._replace(accounts=dict.fromkeys(told.accounts, True))
        put_many(tx, [*list_changes(tx, told, now_ms), *_list_news(tx, store, [entry])], now_ms)
    settled = find_dead_letter(tx, store, epoch, seq)
    put_many(tx, [dead_letter_change(settled)], now_ms)
    return settled


def replay_parked(tx: Tx, now_ms: int, *, version: str = "", limit: int = BATCH_MAX) -> int:
    """Replay entries that an older release could not read, as far as this one can; how many it tried. To be called
    after an upgrade until it answers 0."""
    tried = 0
    after: tuple[UUID, int, int] | None = None
    kinds = {kind for kind, _ in KINDS}
    while tried < limit and (page := list_dead_letters(tx, "parked", after, BATCH_MAX)):
        for letter in page:
            after = (letter.store, letter.epoch, letter.seq)
            readable = letter.kind in kinds and not isinstance(read_one(tx, *after, letter.effective_at), Unread)
            if readable and tried < limit:
                replay_dead_letter(tx, *after, now_ms, version=version)
                tried += 1
    return tried


def dismiss_dead_letter(tx: Tx, store: UUID, epoch: int, seq: int, now_ms: int) -> DeadLetter:
    """A person decided that an entry shall have no effect here. Raises DeadLetterNotFound, DeadLetterSettled."""
    letter = find_dead_letter(tx, store, epoch, seq)
    need_waiting(letter)
    settle_dead_letter(tx, letter, "dismissed", now_ms)
    dismissed = find_dead_letter(tx, store, epoch, seq)
    put_many(tx, [dead_letter_change(dismissed)], now_ms)
    return dismissed


def _list_news(tx: Tx, store: UUID, fresh: Sequence[Accepted]) -> list[FeedChange]:
    """What stores must hear of these entries of one store, beside accounts and members."""
    ended = end_reservations(tx, store, fresh)
    returned = list_returned(tx, sales_touched(fresh) | sales_of(ended.subjects))
    spent = [*end_leases(tx, fresh), *ended.changes, *returned, *list_voucher_changes(tx, fresh)]
    return [*spent, *tell_bundles(tx, fresh)]


def _apply(tx: Tx, entries: Sequence[Accepted], done: _Done) -> None:
    """Apply these entries, each in its order; those that fail are undone alone."""
    if not entries:
        return
    tx.execute("SAVEPOINT batch")
    try:
        batch = apply_batch(tx, entries)
    except Exception as error:
        if is_of_the_database(error):
            raise
        tx.execute("ROLLBACK TO SAVEPOINT batch")
        tx.execute("RELEASE SAVEPOINT batch")
        if len(entries) == 1:
            done.failed.append(Failed(entries[0], *describe(error)))
            return
        half = len(entries) // 2
        _apply(tx, entries[:half], done)
        _apply(tx, entries[half:], done)
    else:
        tx.execute("RELEASE SAVEPOINT batch")
        done.batches.append(batch)


def _check_breaker(tx: Tx, store: UUID, epoch: int, last: int, dead: Sequence[DeadLetter], taken: int) -> None:
    lately = count_failed_since(tx, store, epoch, last - FAILURES_WINDOW)
    if is_our_fault(len(dead), taken, lately):
        raise BreakerTripped(store, epoch, dead[0].seq, max(len(dead), lately), dead[0].code)


def _failures(done: _Done) -> list[Failed]:
    """What failed, and what could not even begin because its id stands for another fact."""
    conflicting = [entry for batch in done.batches for entry in batch.conflicting]
    return [*done.failed, *(Failed(entry, ID_CONFLICT, "the id stands for another fact") for entry in conflicting)]


def _put_letters(tx: Tx, letters: Sequence[DeadLetter]) -> None:
    for letter in letters:
        put_dead_letter(tx, letter)


def _note_skew(tx: Tx, store: UUID, epoch: int, cut: Sequence[tuple[int, int]]) -> None:
    """A store's clock ran far ahead of ours: one incident for each day it did."""
    incidents = []
    for received_at, _cut_ms in cut:
        day = received_at // _DAY_MS
        incidents.append(
            Incident(
                id=incident_id("clock_skew", store.bytes, epoch.to_bytes(8), str(day).encode()),
                kind="clock_skew",
                store=store,
                refs=({"epoch": f"{epoch:016x}", "day": day},),
                opened_at=received_at,
            )
        )
    put_incidents(tx, incidents)


def _forget_erased(tx: Tx, people: Iterable[UUID]) -> bool:
    """What comes in about a member who was forgotten loses its personal half, also where the fact itself was known;
    whether there was any."""
    erased = [member for member in sorted(people) if is_erased(tx, member)]
    for member in erased:
        forget_private(tx, member)
    return bool(erased)


def _join(several: Sequence[Told]) -> Told | None:
    joined = several[0] if several else None
    for each in several[1:]:
        joined = joined.joined(each) if joined is not None else each
    return joined
