"""pure: which life of its database a store is in, and where two histories of one epoch part.

A sequence number must never be used twice. It would be if a database went on from an older state of itself, so every
sign of that begins a new life under a new epoch:

    no entry at all: a new disk                                         new life: first, or recovered
    the nonce beside the file is another: a backup was put back         new life: restored
    a till, a kiosk or head office knows an entry of the open epoch     new life: rewound
      that is not in it: the disk went back in time, file and all
    any of them knows an epoch that is not in it: the same, further     new life: rewound

Where head office has seen two copies run, it takes from neither until a person has said which is the true one
(sync/protocol/sessions.py); both sell on meanwhile.

What a client knows of an epoch that is closed already asks for nothing more: that epoch gets no new entries, and what
is missing in it is fetched from head office.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Literal

from msgspec import Struct

from sync.chain import ZERO_HASH, Head

OwnHash = Callable[[int, int], bytes | None]
"""The hash of the store's own entry (epoch, seq); None where it has no such entry."""


class CommonPrefix(Struct, frozen=True):
    """The newest place that both histories share among those compared. `exact`: nothing behind it is shared."""

    head: Head
    exact: bool


class Continue(Struct, frozen=True):
    """The database is the one that ran here last."""


class NewLife(Struct, frozen=True):
    """Begin a new epoch before anything is sold. Where the old one parts from what head office holds comes out when it
    is pushed (push_store: Heal); a till that sells in the meantime sells under the new epoch."""

    reason: Literal["first", "recovered", "restored", "rewound"]


def common_prefix(known: Sequence[Head], own: Collection[Head], newest: Head) -> CommonPrefix:
    """The last of the places `known` that the store has too, by its `own` heads at those numbers.

    `newest` is the store's newest entry of that epoch. The answer is exact where the next place known is the very next
    number, or the store has nothing behind the place.

        known (theirs)   3a 7b 8x 9x    own  3a 7b 8y   newest 8y   ->  7, exact
        known (theirs)   3a 7x          own  3a 7b      newest 9b   ->  3, not exact
        known (theirs)   3a 4b          own  3a         newest 3a   ->  3, exact: theirs goes on where ours ends
    """
    mine = {head.seq: head.hash for head in own} | {0: ZERO_HASH, newest.seq: newest.hash}
    theirs = {head.seq: head.hash for head in known} | {0: ZERO_HASH}
    shared = max(seq for seq, entry_hash in theirs.items() if mine.get(seq) == entry_hash)
    beyond = min((seq for seq in theirs if seq > shared), default=None)
    return CommonPrefix(
        Head(newest.epoch, shared, theirs[shared]),
        exact=shared == newest.seq or (beyond == shared + 1 and beyond in mine),
    )


def decide_life(
    own: Sequence[Head],
    own_hash: OwnHash,
    *,
    nonce_matches: bool,
    witnesses: Sequence[Head],
    answered: Collection[int] = (),
) -> Continue | NewLife:
    """Which life this database is to go on in. `own` are the heads of its epochs, the open one last.

    `witnesses` are heads that tills, kiosks and head office remember. `answered` are epochs not in this database for
    which it has begun a new life before, so that the same witness does not end life after life.
    """
    unknown = [head for head in witnesses if head.seq and head.epoch not in {mine.epoch for mine in own}]
    if not own:
        return NewLife("recovered" if unknown else "first")
    if not nonce_matches:
        return NewLife("restored")
    if any(head.epoch not in answered for head in unknown):
        return NewLife("rewound")
    newest = own[-1]
    for head in witnesses:
        if head.seq and head.epoch == newest.epoch and own_hash(head.epoch, head.seq) != head.hash:
            return NewLife("rewound")
    return Continue()
