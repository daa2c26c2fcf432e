"""pure: what it means that an entry fails: whose fault it is, and what is written down about it.

A failing entry is its store's affair as long as few fail. Many at once are head office's own fault: then it stops,
rather than turn a day's sales into dead letters.
"""

from typing import Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.errors import Problem
from sync.hub.accepted import TOO_NEW, Accepted, Unread

State = Literal["open", "parked", "replayed", "dismissed"]
WAITING: tuple[State, ...] = ("open", "parked")

FAILURES_ALWAYS = 5
"""So many entries of one batch may fail, however small it is: one till with broken facts is no fault of ours."""
FAILURES_MAX = 50
FAILURES_WINDOW = 1_000
ID_CONFLICT = "id_conflict"
BEYOND_SHARE = "beyond_share"
"""Nothing failed: the store did more to what is others' than its share of the day (reach.py). It waits for a person."""
_OF_THE_DATABASE = frozenset({"OperationalError", "InterfaceError", "InternalError", "StorageUnavailable"})
_OF_A_ROW = frozenset({"IntegrityError", "ConstraintBroken"})


class BreakerTripped(Exception):
    """So many entries fail that the fault is head office's own. Nothing of the batch may be written; whoever runs the
    appliers stops them for this life and raises an alarm. What stores push is still taken."""

    def __init__(self, store: UUID, epoch: int, seq: int, failed: int, code: str) -> None:
        super().__init__(f"{failed} entries from {seq} on cannot be applied ({code})")
        self.store, self.epoch, self.seq, self.failed, self.code = store, epoch, seq, failed, code


class DeadLetter(Struct, frozen=True, kw_only=True):
    """One entry that could not be applied. `code` is stable, `error` for the developer; times in milliseconds."""

    store: UUID
    epoch: int
    seq: int
    op_id: UUID
    kind: str
    code: str
    error: str
    hub_version: str
    effective_at: int
    first_at: int
    last_at: int
    tries: int = 1
    state: State = "open"


class Failed(NamedTuple):
    """An entry that could not be applied, and why."""

    entry: Accepted
    code: str
    error: str


def is_our_fault(dead: int, taken: int, lately: int) -> bool:
    """Whether so many failures stop the appliers: more than one in twenty of a batch (or more than FAILURES_ALWAYS, if
    that is more), or more than FAILURES_MAX of the newest FAILURES_WINDOW entries of a life, so that a fault which
    meets batches of one entry is seen too.

        | dead of taken | lately | stops |
        |---------------|--------|-------|
        | 1 of 1        | 1      | no    |
        | 6 of 100      | 6      | yes   |
        | 25 of 500     | 25     | no    |
        | 26 of 500     | 26     | yes   |
        | 1 of 1        | 51     | yes   |
    """
    return dead > max(FAILURES_ALWAYS, taken // 20) or lately > FAILURES_MAX


def is_of_the_database(error: Exception) -> bool:
    """Whether an error says something about the disk or the line, and nothing about the entry: no entry is blamed for
    it. Both drivers name these errors alike (PEP 249)."""
    if isinstance(error, OSError | MemoryError):
        return True
    return any(kind.__name__ in _OF_THE_DATABASE for kind in type(error).__mro__)


def describe(error: Exception) -> tuple[str, str]:
    """A stable code for what failed, and a line for the developer. Drivers' messages name tables and columns, ours name
    ids: nothing personal."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, Problem):
        code = error.code
    elif names & _OF_A_ROW:
        code = "constraint_broken"
    elif isinstance(error, msgspec.MsgspecError):
        code = "unreadable"
    else:
        code = "failed"
    return code, f"{type(error).__name__}: {error}".partition("\n")[0][:200]


def letter_of(failed: Failed, now_ms: int, version: str) -> DeadLetter:
    """What is written down about an entry that failed at `now_ms`, by the release `version`."""
    entry = failed.entry
    return DeadLetter(
        store=entry.store,
        epoch=entry.epoch,
        seq=entry.seq,
        op_id=entry.op_id,
        kind=entry.kind,
        code=failed.code,
        error=failed.error,
        hub_version=version,
        effective_at=entry.effective_at,
        first_at=now_ms,
        last_at=now_ms,
    )


def letter_of_unread(store: UUID, epoch: int, unread: Unread, now_ms: int, version: str) -> DeadLetter:
    """The same for an entry that could not even be read."""
    state: State = "parked" if unread.code == TOO_NEW else "open"
    return DeadLetter(
        store=store,
        epoch=epoch,
        seq=unread.seq,
        op_id=unread.op_id,
        kind=unread.kind,
        code=unread.code,
        error=unread.error,
        hub_version=version,
        effective_at=unread.effective_at,
        first_at=now_ms,
        last_at=now_ms,
        state=state,
    )
