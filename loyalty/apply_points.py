"""sql: writes points postings and keeps the accounts beside them. The only writer of `posting` and of its caches.

`account`, `points_lot`, `points_hold`, `points_redemption` and `points_incident` are what the fold (loyalty/points)
makes of the postings, and of what head office told of the account (loyalty/points/told.py; at head office itself there
is nothing of that). New postings are added to them where that is possible, else the member's account is made anew; both
come to the same rows, and loyalty/points_proof.py proves it by folding everything.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec.structs import replace

from loyalty.merge_store import survivor_of
from loyalty.points.account import Account
from loyalty.points.facts import Posting
from loyalty.points.fold import apply_postings, takes
from loyalty.points.operation import Folded
from loyalty.points.rows import (
    ACCOUNT_COLUMNS,
    HOLD_COLUMNS,
    INCIDENT_COLUMNS,
    LOT_COLUMNS,
    REDEMPTION_COLUMNS,
    AccountRows,
    changed_rows,
    due_of,
    to_rows,
)
from loyalty.points.told import make_account
from loyalty.points_store import (
    LoadedAccount,
    ToldOf,
    load_account,
    need_of,
    nothing_told,
    read_group,
)
from loyalty.transactions import Row, Tx, keeps_caches

_encode = msgspec.json.Encoder().encode
INSERT_POSTING = (
    "INSERT INTO posting (member, op, n, kind, points, effective_at, origin, seq, available_from, expires_at, lines,"
    " reference, reference_n, reference_member, hold, keep_until, rule, reason)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _columns(columns: Sequence[str], *key: str) -> str:
    """The rest of an upsert of these columns behind those of the key that `columns` does not name."""
    every = (key[0], *columns)
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    keep = f"DO UPDATE SET {changes}" if changes else "DO NOTHING"
    return f"({', '.join(every)}) VALUES ({', '.join('?' * len(every))}) ON CONFLICT ({', '.join(key)}) {keep}"


_LOT_KEY = ("account", "op_id", "n", "member", "restored")
PUT_ACCOUNT = f"INSERT INTO account {_columns((*ACCOUNT_COLUMNS, 'due'), 'member')}"
PUT_LOT = f"INSERT INTO points_lot {_columns(LOT_COLUMNS, *_LOT_KEY)}"
PUT_HOLD = f"INSERT INTO points_hold {_columns(HOLD_COLUMNS, 'account', 'id')}"
PUT_REDEMPTION = f"INSERT INTO points_redemption {_columns(REDEMPTION_COLUMNS, *_LOT_KEY[:4])}"
PUT_INCIDENT = f"INSERT INTO points_incident {_columns(INCIDENT_COLUMNS, *_LOT_KEY[:4], 'kind')}"


def post_points(tx: Tx, postings: Sequence[Posting], told_of: ToldOf = nothing_told) -> None:
    """Write the postings of one entry, of however many members, and bring their accounts up to date.

    All postings of one entry together: goods that come back in one instant count as one return. A second posting of the
    same name breaks the primary key and with it the transaction.
    """
    shares: dict[bytes, list[Posting]] = {}
    for posting in postings:
        tx.execute(INSERT_POSTING, posting_row(posting, posting.seq))
        shares.setdefault(posting.member, []).append(posting)
    if not keeps_caches(tx):
        return
    if len(shares) > 1:
        shares = _by_account(tx, shares)
    for mine in shares.values():
        _extend(tx, mine, told_of)


def post_folded(tx: Tx, folded: Folded, seq: int) -> None:
    """`post_points` for the postings of the entry `seq` that its own decision has folded already, in this transaction:
    the same rows, without reading the account again and without a second fold.

    Only what is written live comes here. A replay has nothing but the entry and goes through `post_points`; that both
    come to the same rows is what verify proves.

    Raises ValueError for what was not added to the account that was read (`Folded.extends`).
    """
    if not folded.extends or folded.after.last is None:
        raise ValueError("these postings are to be folded anew")
    for posting in folded.posted:
        tx.execute(INSERT_POSTING, posting_row(posting, seq))
    at, origin, _, *name = folded.after.last
    # The decision could not know the number of its entry, and it is part of where the newest posting stands.
    account = replace(folded.after, last=(at, origin, seq, *name))
    before = folded.before if folded.is_kept else Account()
    _put(tx, folded.account_of, changed_rows(before, account), due_of(account))


def refold(tx: Tx, member: bytes, told_of: ToldOf = nothing_told) -> None:
    """Make a member's account anew from all its postings and those of whom it has absorbed, on top of what was told of
    it. One who was absorbed has no account of its own. After a merge, or its end, both members are to be refolded."""
    if not keeps_caches(tx):
        return
    tx.execute("DELETE FROM points_lot WHERE account = ?", (member,))
    tx.execute("DELETE FROM points_hold WHERE account = ?", (member,))
    tx.execute("DELETE FROM points_redemption WHERE account = ?", (member,))
    tx.execute("DELETE FROM points_incident WHERE account = ?", (member,))
    tx.execute("DELETE FROM account WHERE member = ?", (member,))
    if survivor_of(tx, UUID(bytes=member)).bytes != member:
        return
    postings, merges = read_group(tx, member)
    if postings:
        account = make_account(postings, merges, told_of(tx, member))
        _put(tx, member, to_rows(account), due_of(account))


def _by_account(tx: Tx, shares: dict[bytes, list[Posting]]) -> dict[bytes, list[Posting]]:
    """The postings of several members by whose account they move: two may share one."""
    joined: dict[bytes, list[Posting]] = {}
    for member, postings in shares.items():
        joined.setdefault(survivor_of(tx, UUID(bytes=member)).bytes, []).extend(postings)
    return joined


def _extend(tx: Tx, postings: Sequence[Posting], told_of: ToldOf) -> None:
    kinds = [posting.kind for posting in postings]
    at = max(posting.effective_at for posting in postings)
    holds = [posting.hold for posting in postings if posting.hold is not None]
    loaded = load_account(tx, postings[0].member, need_of(kinds), at=at, holds=holds)
    # What was told of an account without rows may have this very posting in it: a new fold counts it once.
    is_told = not loaded.is_kept and bool(told_of(tx, loaded.member))
    if is_told or not takes(loaded.account, postings):
        refold(tx, loaded.member, told_of)
        return
    account = apply_postings(loaded.account, postings)
    _put(tx, loaded.member, changed_rows(loaded.account, account), due_after(loaded, account))


def due_after(loaded: LoadedAccount, account: Account) -> int | None:
    """When time does something next: to what was not loaded, or to what there is now."""
    known = [due for due in (loaded.due, due_of(account)) if due is not None]
    return min(known, default=None)


def _put(tx: Tx, member: bytes, rows: AccountRows, due: int | None) -> None:
    tx.execute(PUT_ACCOUNT, (member, *rows.account, due))
    _put_rows(tx, PUT_LOT, member, rows.lots)
    _put_rows(tx, PUT_HOLD, member, rows.holds)
    _put_rows(tx, PUT_REDEMPTION, member, rows.redemptions)
    _put_rows(tx, PUT_INCIDENT, member, rows.incidents)


def _put_rows(tx: Tx, put: str, member: bytes, rows: Sequence[Row]) -> None:
    for row in rows:
        tx.execute(put, (member, *row))


def posting_row(posting: Posting, seq: int) -> Row:
    """A posting as INSERT_POSTING takes it; `seq` is the number of its entry."""
    reference = posting.reference or (None, None, None)
    return (
        *(posting.member, posting.op_id, posting.n, posting.kind, posting.points, posting.effective_at),
        *(posting.origin, seq, posting.available_from, posting.expires_at, _encode(posting.lines).decode()),
        *(*reference, posting.hold, posting.keep_until, posting.rule, posting.reason),
    )
