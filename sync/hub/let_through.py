"""edge: entries that waited because their store did too much to what is others' (reach.py), and that a person has let
through by resolving the incident of that day.

    for store, day in find_let_through(tx, now_ms):
        while let_through(tx, store, day, now_ms, version).entries: ...
"""

import contextlib
from typing import NamedTuple
from uuid import UUID

from loyalty.transactions import Tx
from sync.facts import kind_of
from sync.facts.members import MemberErased
from sync.hub.applier import replay_dead_letter
from sync.hub.dead_letters import DeadLetterSettled
from sync.hub.failures import BEYOND_SHARE
from sync.hub.reach import DAY_MS, KIND

_AT_ONCE = 50
_LOOKED_BACK_MS = 7 * DAY_MS
"""A person's word is followed within seconds; this is for a head office that was down meanwhile."""
_ERASURE = kind_of(MemberErased)[0]
_RESOLVED = "SELECT store, opened_at FROM incident WHERE state = 'resolved' AND kind = ? AND resolved_at >= ?"
_LETTERS = (
    "SELECT epoch, seq, kind FROM dead_letter WHERE state = 'open' AND code = ? AND store = ?"
    " AND first_at >= ? AND first_at < ? ORDER BY epoch, seq LIMIT ?"
)


class LetThrough(NamedTuple):
    """How many entries were looked at, and whether somebody was forgotten by one of them."""

    entries: int
    erased: bool


def find_let_through(tx: Tx, now_ms: int) -> list[tuple[bytes, int]]:
    """The stores and days (since 1970) of which a person has let entries through that still wait."""
    days = [(row[0], row[1] // DAY_MS) for row in tx.execute(_RESOLVED, (KIND, now_ms - _LOOKED_BACK_MS)).fetchall()]
    return [each for each in sorted(days) if _read_waiting(tx, *each, limit=1)]


def let_through(tx: Tx, store: bytes, day: int, now_ms: int, version: str) -> LetThrough:
    """Apply the next of what waits of a store and a day. One that fails now is a dead letter like any other, and does
    not come again."""
    letters = _read_waiting(tx, store, day, limit=_AT_ONCE)
    for epoch, seq, _kind in letters:
        # Another process, or a person, may have been faster.
        with contextlib.suppress(DeadLetterSettled):
            replay_dead_letter(tx, UUID(bytes=store), epoch, seq, now_ms, version=version)
    return LetThrough(len(letters), any(kind == _ERASURE for *_, kind in letters))


def _read_waiting(tx: Tx, store: bytes, day: int, *, limit: int) -> list[tuple[int, int, str]]:
    place = (BEYOND_SHARE, store, day * DAY_MS, (day + 1) * DAY_MS, limit)
    return [(row[0], row[1], row[2]) for row in tx.execute(_LETTERS, place).fetchall()]
