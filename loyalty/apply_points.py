"""sql: writes points postings and keeps the balance beside them. The only writer of `posting` and `account`.

`account` is a cache: `check_accounts` folds all postings anew and names the first balance that differs.
"""

from collections.abc import Iterator
from typing import cast, get_args
from uuid import UUID

from loyalty.ledger import Balance, Posting, PostingKind, apply_posting, fold
from loyalty.transactions import Row, Tx

_KINDS = frozenset(get_args(PostingKind))


def post_points(
    tx: Tx,
    member: bytes,
    op: bytes,
    n: int,
    kind: str,
    points: int,
    effective_at: int,
    *,
    reference: bytes | None = None,
    rule: str | None = None,
    reason: str | None = None,
) -> None:
    """Write one posting and move the balance. A posting that sorts before the newest refolds the account."""
    assert kind in _KINDS, kind
    row = tx.execute("SELECT active, pending, held, debt, last_at FROM account WHERE member = ?", (member,)).fetchone()
    tx.execute(
        "INSERT INTO posting (member, op, n, kind, points, effective_at, reference, rule, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (member, op, n, kind, points, effective_at, reference, rule, reason),
    )
    posting = _posting((member, op, n, kind, points, effective_at))
    if row is None:
        balance, last_at = apply_posting(Balance(), posting), effective_at
    elif effective_at > row[4]:
        balance, last_at = apply_posting(Balance(*row[:4]), posting), effective_at
    else:
        balance, last_at = fold(read_postings(tx, member)), row[4]
    tx.execute(
        "INSERT INTO account (member, active, pending, held, debt, last_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (member) DO UPDATE SET active = excluded.active, pending = excluded.pending,"
        " held = excluded.held, debt = excluded.debt, last_at = excluded.last_at",
        (member, balance.active, balance.pending, balance.held, balance.debt, last_at),
    )


def read_postings(tx: Tx, member: bytes) -> list[Posting]:
    """All postings of a member, in the fold's order."""
    rows = tx.execute(
        "SELECT member, op, n, kind, points, effective_at FROM posting WHERE member = ? ORDER BY effective_at, op, n",
        (member,),
    )
    return [_posting(row) for row in rows]


def check_accounts(tx: Tx) -> Iterator[str]:
    """Fold every account anew; yields what differs from the cached balance."""
    cached = {row[0]: row[1:] for row in tx.execute("SELECT member, active, pending, held, debt, last_at FROM account")}
    postings: dict[bytes, list[Posting]] = {}
    for row in tx.execute("SELECT member, op, n, kind, points, effective_at FROM posting"):
        postings.setdefault(row[0], []).append(_posting(row))
    for member in cached.keys() | postings.keys():
        mine = postings.get(member, [])
        balance = fold(mine)
        expected = (
            balance.active,
            balance.pending,
            balance.held,
            balance.debt,
            max((posting.effective_at for posting in mine), default=0),
        )
        if cached.get(member) != expected:
            yield f"member {member.hex()} has {cached.get(member)}, the postings say {expected}"


def _posting(row: Row) -> Posting:
    member, op, n, kind, points, effective_at = row
    return Posting(
        member=UUID(bytes=member),
        op_id=UUID(bytes=op),
        n=n,
        kind=cast("PostingKind", kind),
        points=points,
        effective_at=effective_at,
    )
