"""sql: which members are one person. A merge is an alias: every posting stays where it was made, one account has all.

survivor_of(tx, member)         # whose account it is now; the member itself where nothing was merged
group_of(tx, survivor)          # everybody whose postings make up that account, the survivor first
read_merges(tx, survivor)       # what loyalty.points.fold needs beside the postings
"""

from uuid import UUID

from loyalty.points.facts import Merge
from loyalty.transactions import Tx

_ONE_STEP = "SELECT into_member FROM member_merge WHERE absorbed = ?"


def survivor_of(tx: Tx, member: UUID) -> UUID:
    """The member that stands for `member` now. Only active members are merged and only into active ones, so following
    the aliases ends."""
    key = member.bytes
    while (row := tx.execute(_ONE_STEP, (key,)).fetchone()) is not None:
        key = row[0]
    return UUID(bytes=key)


def group_of(tx: Tx, survivor: UUID) -> tuple[UUID, ...]:
    """The survivor and all who were merged into it, directly or through others; each before those merged into it."""
    found = [survivor.bytes]
    for key in found:
        rows = tx.execute("SELECT absorbed FROM member_merge WHERE into_member = ? ORDER BY absorbed", (key,))
        found += [row[0] for row in rows]
    return tuple(UUID(bytes=key) for key in found)


def read_merges(tx: Tx, survivor: UUID) -> list[Merge]:
    """The merges that count in the survivor's account, in no particular order."""
    merges: list[Merge] = []
    group = group_of(tx, survivor)
    if len(group) == 1:
        return merges
    for member in group:
        rows = tx.execute(
            "SELECT op, effective_at, absorbed, into_member, origin, seq FROM member_merge WHERE into_member = ?",
            (member.bytes,),
        )
        merges += [
            Merge(op_id=op, effective_at=effective_at, absorbed=absorbed, into=into, origin=origin, seq=seq)
            for op, effective_at, absorbed, into, origin, seq in rows
        ]
    return merges
