"""pure: an entry of a store's journal as head office applies it: proved by the chain, decoded, and given its place.

`effective_at` is head office's word for when it happened (docs: rule 4 of the design): a store's own clock counts, but
never backwards within one life of its database and never more than five minutes ahead of when the entry came in.

    accepted.body.postings          # what the store decided; the times in it are the store's own
    accepted.effective_at           # when it counts for every account it touches
"""

from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

HEAD_OFFICE = UUID(int=1)
"""Whose journal head office's own facts stand in. No store can have this id: stores' ids are made by time."""

TOO_NEW = "too_new"
AHEAD_MAX_MS = 5 * 60_000
"""How far a store's clock may run ahead of head office's before its time is cut and somebody should look at it."""


class PrivateHalf(NamedTuple):
    """The personal half of an entry: never hashed, deleted when the member is erased."""

    member: UUID
    salt: bytes
    data: bytes


class Accepted(Struct, frozen=True, kw_only=True):
    """One entry. `epoch`, `seq` and `op_id` name it, `content_hash` is the SHA-256 of its exact bytes; `at` is the
    store's own time (milliseconds since 1970 UTC), `body` one of the types of sync.facts; `received_at` is when it came
    in, by head office's own clock."""

    store: UUID
    epoch: int
    seq: int
    op_id: UUID
    kind: str
    at: int
    business_day: str | None
    device: str | None
    operator: str | None
    effective_at: int
    body: Struct
    content_hash: bytes
    private: PrivateHalf | None = None
    received_at: int = 0


class Unread(Struct, frozen=True, kw_only=True):
    """An entry that this release cannot read (`too_new`, or `unreadable`), or that no honest store books
    (`implausible`)."""

    seq: int
    op_id: UUID
    kind: str
    code: str
    error: str
    effective_at: int


class Placed(NamedTuple):
    """When an entry counts, and how much of the store's own time was cut away (0: nothing)."""

    effective_at: int
    cut_ms: int


def place_in_time(before: int, occurred_at: int, offset_ms: int, received_at: int) -> Placed:
    """When an entry counts, by rule 4: `max(before, min(occurred_at + offset, received_at + 5 min))`.

    `before` is that of the entry before it in the same epoch, `offset_ms` what head office's clock was ahead of the
    store's when they last spoke.

        | before | occurred | offset | received | counts      | cut         |
        |--------|----------|--------|----------|-------------|-------------|
        | 0      | 1000     | 0      | 2000     | 1000        | 0           |
        | 1500   | 1000     | 0      | 2000     | 1500        | 0           |
        | 0      | 1000     | 500    | 2000     | 1500        | 0           |
        | 0      | 900000   | 0      | 2000     | 302000      | 598000      |
    """
    told = occurred_at + offset_ms
    allowed = received_at + AHEAD_MAX_MS
    return Placed(max(before, min(told, allowed)), max(0, told - allowed))
