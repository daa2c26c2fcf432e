"""sql: the points of a member as the tables have them: postings, and the account that was made of them.

An account is loaded only as far as it is needed. Lots and holds that nothing can touch any more stay where they are:

    need     | rows                                  | for
    ---------|---------------------------------------|-------------------------------------------------------------
    balance  | the account; what is open if time may | earning, and showing a balance
             | still do something to it              |
    open     | open lots and holds, the holds named  | holds, payments, adjustments
    all      | everything                            | goods that come back: any lot may be named
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from loyalty.merge_store import read_merges, survivor_of
from loyalty.points.account import Account, Balance
from loyalty.points.facts import LinePoints, Merge, Place, Posting, PostingId, PostingKind
from loyalty.points.fold import view
from loyalty.points.operation import OpenAccount, effective_at
from loyalty.points.rows import ACCOUNT_COLUMNS, HOLD_COLUMNS, LOT_COLUMNS, REDEMPTION_COLUMNS, from_rows
from loyalty.points.told import Told, make_account
from loyalty.transactions import Row, Tx

Need = Literal["balance", "open", "all"]
ToldOf = Callable[[Tx, bytes], Sequence[Told]]
"""What head office told this place of an account, which is named by whose it is here (loyalty/points/told.py)."""

NEEDS: dict[PostingKind, Need] = {
    "earn": "balance",
    "redeem": "open",
    "hold": "open",
    "release": "open",
    "reverse_earn": "all",
    "reverse_redeem": "all",
    "adjust": "open",
    "transfer": "open",
}
"""What must be loaded of an account to add a posting of each kind to it."""

POSTING_COLUMNS = (
    "member, op, n, kind, points, effective_at, origin, seq, available_from, expires_at, lines, reference, reference_n,"
    " reference_member, hold, keep_until, rule, reason"
)
_NEWEST = "SELECT effective_at FROM posting WHERE origin = ? ORDER BY seq DESC, effective_at DESC LIMIT 1"
# Only names of columns are put together here; every value is bound.
_ACCOUNT = (
    f"SELECT {', '.join(f'account.{column}' for column in ACCOUNT_COLUMNS)}, due, into_member, newest FROM"  # noqa: S608
    f" (SELECT (SELECT into_member FROM member_merge WHERE absorbed = ?) AS into_member, ({_NEWEST}) AS newest)"
    " AS found LEFT JOIN account ON account.member = coalesce(into_member, ?)"
)
_LOTS = f"SELECT {', '.join(LOT_COLUMNS)} FROM points_lot WHERE account = ?"  # noqa: S608
_HOLDS = f"SELECT {', '.join(HOLD_COLUMNS)} FROM points_hold WHERE account = ?"  # noqa: S608
_REDEMPTIONS = f"SELECT {', '.join(REDEMPTION_COLUMNS)} FROM points_redemption WHERE account = ?"  # noqa: S608

_LAST: Place = (2**63 - 1, 0, 0, b"", 0, b"")
_lines = msgspec.json.Decoder(LinePoints)


def nothing_told(_tx: Tx, _account: bytes) -> Sequence[Told]:
    """At head office, and in a place that is its own authority, what was posted is all there is."""
    return ()


class LoadedAccount(msgspec.Struct, frozen=True):
    """An account as far as it was loaded. `member` is whose it is: the survivor of a merge. `due` is the next instant
    at which time may change something that was not loaded; None when everything open was. `newest` is the effective
    time of the newest posting of the life that was asked for, 0 before its first. `is_kept`: there are rows of it, as
    soon as something was posted."""

    member: bytes
    account: Account = Account()
    due: int | None = None
    newest: int = 0
    is_kept: bool = True


def load_account(
    tx: Tx,
    member: bytes,
    need: Need,
    *,
    at: int | None = None,
    holds: Iterable[bytes] = (),
    origin: int = -1,
    told_of: ToldOf = nothing_told,
) -> LoadedAccount:
    """The account of a member, without legs; an empty one where there is none. One statement where nothing more need be
    read, and something was posted before.

    `at`: the instant up to which time will be let pass; None loads all that time may ever touch. `holds` are to be
    loaded whatever their state. An account that nothing was posted to is what `told_of` says of it.
    """
    row = tx.execute(_ACCOUNT, (member, origin, member)).fetchone()
    assert row is not None
    *columns, due, into, newest = row
    if into is not None:
        survivor = survivor_of(tx, UUID(bytes=into)).bytes
        if survivor != into:
            return load_account(tx, survivor, need, at=at, holds=holds, origin=origin, told_of=told_of)
        member = survivor
    if columns[0] is None:
        account = _before_its_first_posting(tx, member, told_of)
        return LoadedAccount(member, account, newest=newest or 0, is_kept=False)
    account, left = _load(tx, member, tuple(columns), due, need, at, list(holds))
    return LoadedAccount(member, account, left, newest or 0)


def _before_its_first_posting(tx: Tx, member: bytes, told_of: ToldOf) -> Account:
    """An account nothing was posted to. Where somebody was merged into it that counts as the newest thing in it: what
    is posted sorts behind it, or is folded anew."""
    return make_account((), read_merges(tx, UUID(bytes=member)), told_of(tx, member))


def open_account(
    tx: Tx,
    member: UUID,
    op_id: UUID,
    origin: int,
    now: int,
    need: Need = "balance",
    holds: Iterable[UUID] = (),
    *,
    told_of: ToldOf = nothing_told,
) -> OpenAccount:
    """The points of a member at the beginning of the operation `op_id`, which this life (`origin`) decides at `now`.

    Costs one statement where a member earns and no point of hers ends or waits.
    """
    named = [hold.bytes for hold in holds]
    loaded = load_account(tx, member.bytes, need, holds=named, origin=origin, told_of=told_of)
    account = loaded.account
    at = effective_at(now, origin, loaded.newest, account)
    opened = OpenAccount(
        member=member.bytes,
        op_id=op_id.bytes,
        at=at,
        origin=origin,
        before=account,
        account_of=loaded.member,
        is_kept=loaded.is_kept,
    )
    # A second return in the very instant of the last one counts as one return with it, so both are folded together.
    together = account.returning and need == "all" and account.last is not None and account.last[0] == at
    if not together and not account.waiting:
        return opened
    postings, merges = read_group(tx, loaded.member)
    told = tuple(told_of(tx, loaded.member))
    return msgspec.structs.replace(opened, history=tuple(postings), merges=tuple(merges), told=told)


def view_account(tx: Tx, member: UUID, now: int, *, told_of: ToldOf = nothing_told) -> Account:
    """A member's balance at `now`, or at the newest posting if the clock was set back: that is its `as_of`."""
    return view(load_account(tx, member.bytes, "balance", told_of=told_of).account, now)


def read_balance(tx: Tx, member: UUID, now: int, *, told_of: ToldOf = nothing_told) -> Balance:
    """A member's points at `now`, with what of them ends when."""
    return view_account(tx, member, now, told_of=told_of).balance


def read_group(tx: Tx, survivor: bytes) -> tuple[list[Posting], list[Merge]]:
    """All that the account of a member is made of: the postings of everybody who was merged into it, and the merges."""
    merges = read_merges(tx, UUID(bytes=survivor))
    members = {survivor, *(merge.absorbed for merge in merges)}
    return [posting for member in sorted(members) for posting in read_postings(tx, member)], merges


def read_postings(tx: Tx, member: bytes) -> list[Posting]:
    """All postings of one member, in no order."""
    rows = tx.execute(f"SELECT {POSTING_COLUMNS} FROM posting WHERE member = ?", (member,))  # noqa: S608
    return [posting_from(row) for row in rows]


def read_postings_page(tx: Tx, member: bytes, after: Place | None, limit: int) -> list[Posting]:
    """Up to `limit` postings of a member, newest first in the order of the fold, beginning after the place `after`."""
    rows = tx.execute(
        f"SELECT {POSTING_COLUMNS} FROM posting WHERE member = ?"  # noqa: S608
        " AND (effective_at, origin, seq, op, n, member) < (?, ?, ?, ?, ?, ?)"
        " ORDER BY effective_at DESC, origin DESC, seq DESC, op DESC, n DESC LIMIT ?",
        (member, *(after or _LAST), limit),
    )
    return [posting_from(row) for row in rows]


def read_all_groups(tx: Tx) -> dict[bytes, tuple[list[Posting], list[Merge]]]:
    """What every account of the store is made of, by the member whose it is; only accounts with postings."""
    survivors = _read_survivors(tx)
    groups: dict[bytes, tuple[list[Posting], list[Merge]]] = {}
    for row in tx.execute(f"SELECT {POSTING_COLUMNS} FROM posting"):  # noqa: S608
        account = _survivor(survivors, row[0])
        if account not in groups:
            groups[account] = ([], read_merges(tx, UUID(bytes=account)) if survivors else [])
        groups[account][0].append(posting_from(row))
    return groups


def posting_from(row: Row) -> Posting:
    """A posting from a row of POSTING_COLUMNS. Raises ValueError for one that contradicts itself."""
    reference = PostingId(row[11], row[12], row[13]) if row[11] is not None else None
    return Posting(
        member=row[0],
        op_id=row[1],
        n=row[2],
        kind=row[3],
        points=row[4],
        effective_at=row[5],
        origin=row[6],
        seq=row[7],
        available_from=row[8],
        expires_at=row[9],
        lines=_lines.decode(row[10]),
        reference=reference,
        hold=row[14],
        keep_until=row[15],
        rule=row[16],
        reason=row[17],
    )


def _read_survivors(tx: Tx) -> dict[bytes, bytes]:
    return dict(tx.execute("SELECT absorbed, into_member FROM member_merge").fetchall())


def _survivor(survivors: dict[bytes, bytes], member: bytes) -> bytes:
    while member in survivors:
        member = survivors[member]
    return member


def need_of(kinds: Iterable[PostingKind]) -> Need:
    """What must be loaded of an account to add postings of these kinds together."""
    needs = {NEEDS[kind] for kind in kinds}
    return "all" if "all" in needs else "open" if "open" in needs else "balance"


def _load(
    tx: Tx, member: bytes, account: Row, due: int | None, need: Need, at: int | None, holds: Sequence[bytes]
) -> tuple[Account, int | None]:
    """The account with the rows that are needed, and when time touches what was left out."""
    if need == "all":
        lots, reserved, redemptions = (tx.execute(select, (member,)) for select in (_LOTS, _HOLDS, _REDEMPTIONS))
        return from_rows(account, lots, reserved, redemptions), None
    if need == "balance" and (due is None or (at is not None and at < due)):
        return from_rows(account, (), (), ()), due
    return from_rows(account, _open_lots(tx, member), _open_holds(tx, member, holds), ()), None


def _open_lots(tx: Tx, member: bytes) -> Iterable[Row]:
    return tx.execute(f"{_LOTS} AND free + held > 0", (member,))


def _open_holds(tx: Tx, member: bytes, named: Sequence[bytes]) -> Iterable[Row]:
    if not named:
        return tx.execute(f"{_HOLDS} AND state = 'open'", (member,))
    marks = ", ".join("?" * len(named))
    return tx.execute(f"{_HOLDS} AND (state = 'open' OR id IN ({marks}))", (member, *named))
