"""sql: head office's side of the nightly proof: a store's manifest against the inbox (sync/manifest.py).

Whatever a store claims, only its own rows are read, and no more of them than one day can have.
"""

from collections.abc import Iterator, Mapping
from uuid import UUID

from loyalty.errors import InvalidInput
from loyalty.transactions import Tx
from sync.hub.incidents import open_incident
from sync.manifest import (
    DayEntry,
    Difference,
    Manifest,
    ManifestAnswer,
    ManifestMessage,
    Match,
    compare,
    make_manifest,
    narrow,
    places,
    read_entry,
)

ENTRIES_MAX = 50_000
_PAGE = 500


class DayTooLong(InvalidInput):
    """This manifest spans more entries than one business day has."""

    code, hint = "day_too_long", "Send the manifest of one business day; its first and last numbers bound the day."


def answer_manifest(tx: Tx, store: bytes, message: ManifestMessage) -> ManifestAnswer:
    """What head office says to the manifest of this store. Raises DayTooLong."""
    manifest = message.manifest
    spans = _spans(tx, store, manifest)
    for part in manifest.parts:
        held = _held(tx, store, int(part.epoch, 16))
        if held is not None and held < part.last_seq:
            return ManifestAnswer(outcome="not_yet", epoch=part.epoch, seq=held)
    found = compare(make_manifest(manifest.day, _entries(tx, store, manifest.day, spans)), manifest)
    if isinstance(found, Match):
        return ManifestAnswer(outcome="match")
    if found.what == "chain":
        return _find_fork(tx, store, message, found)
    return ManifestAnswer(
        outcome="differs", what=found.what, epoch=found.epoch, name=found.name, own=found.own, theirs=found.theirs
    )


def note_day(tx: Tx, store: UUID, manifest: Manifest, answer: ManifestAnswer, now_ms: int) -> None:
    """Write down what came out: a day that matches is closed, one that differs is an incident with the first place that
    does. A later proof of the same day takes its place."""
    place = (answer.what or "", answer.epoch or "", str(answer.seq or ""), answer.name or "")
    what = " ".join(part for part in place if part) if answer.outcome == "differs" else ""
    tx.execute(
        "INSERT INTO day_close (store, business_day, outcome, entries, what, told_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (store, business_day) DO UPDATE SET outcome = excluded.outcome, entries = excluded.entries,"
        " what = excluded.what, told_at = excluded.told_at",
        (store.bytes, manifest.day, answer.outcome, sum(part.count for part in manifest.parts), what, now_ms),
    )
    if what:
        open_incident(tx, "day_differs", store, [{"business_day": manifest.day, "what": what}], now_ms)


def _find_fork(tx: Tx, store: bytes, message: ManifestMessage, found: Difference) -> ManifestAnswer:
    """One step closer to the first entry of a life that differs."""
    assert found.epoch is not None
    epoch = found.epoch
    probe = message.probe
    if probe is None or probe.epoch != epoch:
        theirs = next(part.last_seq for part in message.manifest.parts if part.epoch == epoch)
        return ManifestAnswer(outcome="ask", epoch=epoch, same_seq=0, seqs=tuple(places(0, theirs)))
    own = {place.seq: link for place in probe.places if (link := _hash_at(tx, store, int(epoch, 16), place.seq))}
    between = narrow(probe.same_seq, probe.places, own)
    if between is None:
        # The same everywhere we looked, but not at the head of the day: the manifest and the hashes disagree.
        return ManifestAnswer(outcome="differs", what="chain", epoch=epoch, own=found.own, theirs=found.theirs)
    if not between.is_found:
        closer = tuple(places(between.same_seq, between.other_seq))
        return ManifestAnswer(outcome="ask", epoch=epoch, same_seq=between.same_seq, seqs=closer)
    told = next(place.hash for place in probe.places if place.seq == between.other_seq)
    return ManifestAnswer(
        outcome="differs",
        what="chain",
        epoch=epoch,
        seq=between.other_seq,
        own=own.get(between.other_seq),
        theirs=told,
    )


def _spans(tx: Tx, store: bytes, manifest: Manifest) -> dict[int, tuple[int, int]]:
    """Where the entries of the day are, by life: between the numbers that the store names, and those that it does not
    name. Raises DayTooLong."""
    spans = {int(part.epoch, 16): (part.first_seq, part.last_seq) for part in manifest.parts}
    known = tx.execute(
        "SELECT epoch, first_seq, last_seq FROM business_day_span WHERE store = ? AND business_day = ?",
        (store, manifest.day),
    ).fetchall()
    for epoch, first, last in known:
        told = spans.get(epoch, (first, last))
        spans[epoch] = (min(first, told[0]), max(last, told[1]))
    if sum(max(last - first + 1, 0) for first, last in spans.values()) > ENTRIES_MAX:
        raise DayTooLong
    return spans


def _entries(tx: Tx, store: bytes, day: str, spans: Mapping[int, tuple[int, int]]) -> Iterator[DayEntry]:
    """The entries of the day that head office holds there."""
    for epoch, (first, last) in sorted(spans.items()):
        after = first - 1
        while True:
            rows = tx.execute(
                "SELECT seq, hash, content FROM inbox WHERE store = ? AND epoch = ? AND seq > ? AND seq <= ?"
                " ORDER BY seq LIMIT ?",
                (store, epoch, after, last, _PAGE),
            ).fetchall()
            for seq, link, raw in rows:
                booked_on, entry = read_entry(epoch, seq, link, raw)
                if booked_on == day:
                    yield entry
            if len(rows) < _PAGE:
                break
            after = rows[-1][0]


def _held(tx: Tx, store: bytes, epoch: int) -> int | None:
    row = tx.execute("SELECT seq FROM epoch_head WHERE store = ? AND epoch = ?", (store, epoch)).fetchone()
    return row[0] if row else None


def _hash_at(tx: Tx, store: bytes, epoch: int, seq: int) -> str | None:
    row = tx.execute("SELECT hash FROM inbox WHERE store = ? AND epoch = ? AND seq = ?", (store, epoch, seq)).fetchone()
    return row[0].hex() if row else None
