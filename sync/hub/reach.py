"""sql: how much of what is not its own one store changes on a day, and what waits beyond that.

    found = hold_back(tx, entries, shares, now_ms)
    found.passed, found.waiting                     # apply these; those are dead letters of the code BEYOND_SHARE

No fact is ever refused. So a store that somebody has taken over can forget other shops' members, merge them away,
change their profiles, use up coupons and gift cards whose numbers it knows. A shop does little of that by itself:
another's coupons, cards and receipts head office keeps for it first (reserving.py), and most people change their
address where they joined. So all that a store does on a day to what is another's, and was not kept for it, is added up.
Behind its share an entry is kept and acknowledged as ever, and waits. An incident asks a person, who resolves it and so
lets all of it through (let_through.py), or dismisses the entries one by one.

| what an entry does                                         | another's when                   | counts          |
|------------------------------------------------------------|----------------------------------|-----------------|
| a profile or consents change                               | another store enrolled her first | 1               |
| a member is merged or forgotten                            | the same                         | 10              |
| a merge is taken back                                      | this store did not merge         | 10              |
| a member is forgotten whom nobody has forgotten yet        | always: every store is told      | 1               |
| a coupon is used, given back or voided                     | another store issued it          | 1               |
| money goes off a gift card                                 | another store sold it            | 10              |
| goods of a sale come back, or it is voided                 | another store gave the receipt   | 1               |
| points are set aside, points are spent or taken back       | another store enrolled her first | so many points  |

Points that head office has lent make room for themselves (`make_room`). Whom a store has seen or asked for makes no
difference: it says itself whom it has seen.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from loyalty.bulk import read_rows
from loyalty.transactions import Tx
from sync.hub.accepted import HEAD_OFFICE, Accepted
from sync.hub.incidents import Incident, incident_id, put_incidents
from sync.hub.touched import (
    CARD,
    COUPON,
    ERASURE,
    MEMBER,
    MERGE,
    NOTHING,
    SALE,
    TIMES_COUNTED,
    Thing,
    Touched,
    list_touched,
)

KIND = "beyond_share"
DAY_MS = 86_400_000
_KEPT_DAYS = 7
_REOPENS_AT = 2
"""An incident that was resolved is open again when the day has come to so many times what was looked at."""
_POINTS_MAX = 2**40
"""No entry counts for more: the sum of a day stays within 64 bits, whatever a store says."""
_OWNERS: Mapping[str, str] = {
    MEMBER: "SELECT member, home FROM member_place WHERE home IS NOT NULL AND member IN (?)",
    COUPON: "SELECT serial, store FROM issued_coupon WHERE serial IN (?)",
    CARD: "SELECT card, store FROM card_movement WHERE kind = 'activate' AND card IN (?)",
    SALE: "SELECT op, store FROM receipt WHERE op IN (?)",
}
_COUNT = (
    "INSERT INTO reach_day (store, day, things, points) VALUES (?, ?, ?, ?) ON CONFLICT (store, day) DO UPDATE"
    " SET things = reach_day.things + excluded.things, points = reach_day.points + excluded.points"
    " RETURNING things, points"
)


class Shares(NamedTuple):
    """What one store may do on a day to what is another's: things, as each counts, and points taken."""

    things: int
    points: int


class Found(NamedTuple):
    """Entries that are to be applied now, and those that wait for a person."""

    passed: list[Accepted]
    waiting: list[Accepted]


class _Counted(NamedTuple):
    """An entry, and what it does to things of others."""

    entry: Accepted
    things: int
    points: int


def hold_back(tx: Tx, entries: Sequence[Accepted], shares: Shares, now_ms: int) -> Found:
    """Which of these entries of one store are to be applied now. The day (UTC) is head office's own, on which it first
    looks at an entry: no store spreads what it does over days that never were."""
    touching = [(entry, touched) for entry in entries if (touched := list_touched(entry.body)) is not NOTHING]
    if not touching or entries[0].store == HEAD_OFFICE:
        return Found(list(entries), [])
    counted = _count(tx, entries[0].store.bytes, touching)
    waiting = _list_waiting(tx, counted, shares, now_ms // DAY_MS) if counted else []
    held = {entry.seq for entry in waiting}
    return Found([entry for entry in entries if entry.seq not in held], waiting)


def make_room(tx: Tx, store: UUID, member: UUID, points: int, now_ms: int) -> None:
    """These points are lent to a store: it may take as many, and nothing of its share. To be asked before the account
    is locked, as appliers do it."""
    home = tx.execute("SELECT home FROM member_place WHERE member = ?", (member.bytes,)).fetchone()
    if home is not None and home[0] not in (None, store.bytes):
        _add(tx, store.bytes, now_ms // DAY_MS, 0, -TIMES_COUNTED * points)


def incident_of(store: bytes, day: int) -> bytes:
    """The id of the incident of a store and a day, the number of days since 1970."""
    return incident_id(KIND, store, day.to_bytes(8, signed=True)).bytes


def _count(tx: Tx, store: bytes, touching: Sequence[tuple[Accepted, Touched]]) -> list[_Counted]:
    others = _find_others(tx, store, {thing for _, touched in touching for named in touched for thing in named})
    counted = []
    for entry, touched in touching:
        things = sum([counts for thing, counts in touched.things.items() if thing in others])
        points = sum([points for thing, points in touched.taken.items() if thing in others])
        if things or points:
            counted.append(_Counted(entry, things, min(points, _POINTS_MAX)))
    # What was applied before a later life of the store logs again: it adds nothing.
    select = "SELECT op_id FROM applied WHERE store = ? AND op_id IN (?)"
    known = {row[0] for row in read_rows(tx, select, [each.entry.op_id.bytes for each in counted], (store,))}
    return [each for each in counted if each.entry.op_id.bytes not in known]


def _find_others(tx: Tx, store: bytes, things: Iterable[Thing]) -> set[Thing]:
    """Of these things those that are another store's, and that head office does not keep for this one."""
    by_kind: dict[str, list[Any]] = {}
    for kind, key in sorted(things):
        by_kind.setdefault(kind, []).append(key)
    others: set[Thing] = set()
    for kind, select in _OWNERS.items():
        owners: dict[Any, set[bytes]] = {}
        for key, owner in read_rows(tx, select, by_kind.get(kind, ())):
            owners.setdefault(key, set()).add(owner)
        # A card that was empty may have been sold again. A sale that a store has a receipt of is its own, whoever else
        # says to have one.
        own = {key for key, said in owners.items() if said == {store} or (kind == SALE and store in said)}
        others |= {(kind, key) for key in owners.keys() - own}
    erased = by_kind.get(ERASURE, [])
    gone = {row[0] for row in read_rows(tx, "SELECT member FROM erased_member WHERE member IN (?)", erased)}
    others |= {(ERASURE, member) for member in erased if member not in gone}
    merges = by_kind.get(MERGE, [])
    select = "SELECT op_id FROM applied WHERE store = ? AND op_id IN (?)"
    mine = {row[0] for row in read_rows(tx, select, merges, (store,))}
    others |= {(MERGE, merge) for merge in merges if merge not in mine}
    return others - _list_kept(tx, store, others)


def _list_kept(tx: Tx, store: bytes, others: Iterable[Thing]) -> set[Thing]:
    """Of these things those that head office keeps for this store."""
    subjects = {_subject(thing): thing for thing in others if thing[0] in (COUPON, CARD, SALE)}
    if not subjects:
        return set()
    kept = tx.execute("SELECT subject FROM reservation WHERE store = ? AND ended = 0", (store,)).fetchall()
    return {subjects[subject] for (subject,) in kept if subject in subjects}


def _subject(thing: Thing) -> bytes:
    """What a reservation of it is about."""
    kind, key = thing
    return kind.encode() + b" " + (key.to_bytes(8) if isinstance(key, int) else key)


def _list_waiting(tx: Tx, counted: Sequence[_Counted], shares: Shares, day: int) -> list[Accepted]:
    """Add up what these entries do, and tell which of them stand behind the share of the day. The day's row is locked
    until the commit: two lives of a store have one share."""
    store = counted[0].entry.store
    things, points = sum([each.things for each in counted]), sum([each.points for each in counted])
    all_things, all_points = _add(tx, store.bytes, day, things, points)
    if all_things <= shares.things and all_points <= shares.points:
        return []
    allowed = _allowed(tx, store.bytes, day, shares)
    things, points = all_things - things, all_points - points
    waiting = []
    for each in counted:
        things, points = things + each.things, points + each.points
        if things > allowed.things or points > allowed.points:
            waiting.append(each.entry)
    if waiting:
        put_incidents(tx, [_describe(waiting[0], day, things, points)])
    return waiting


def _add(tx: Tx, store: bytes, day: int, things: int, points: int) -> tuple[int, int]:
    """Count on a day; what it has come to."""
    row = tx.execute(_COUNT, (store, day, things, points)).fetchone()
    assert row is not None
    if tuple(row) == (things, points):  # the first of this day: what was counted on days long over is forgotten
        tx.execute("DELETE FROM reach_day WHERE store = ? AND day < ?", (store, day - _KEPT_DAYS))
    return row[0], row[1]


def _allowed(tx: Tx, store: bytes, day: int, shares: Shares) -> Shares:
    """The share of a day; more of it once a person has looked at what there was."""
    select = "SELECT refs FROM incident WHERE id = ? AND state = 'resolved'"
    seen = tx.execute(select, (incident_of(store, day),)).fetchone()
    if seen is None:
        return shares
    (said,) = msgspec.json.decode(seen[0])
    return Shares(max(shares.things, _REOPENS_AT * said["things"]), max(shares.points, _REOPENS_AT * said["points"]))


def _describe(entry: Accepted, day: int, things: int, points: int) -> Incident:
    name = (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()
    return Incident(
        id=incident_id(KIND, entry.store.bytes, day.to_bytes(8, signed=True)),
        kind=KIND,
        store=entry.store,
        amount=things,
        refs=({"day": name, "things": things, "points": points},),
        opened_at=day * DAY_MS,
    )
