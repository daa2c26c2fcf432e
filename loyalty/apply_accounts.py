"""sql: writes the postings of many entries at once and brings all their accounts up to date: what head office does.

The rows are the very rows that `apply_points.post_points` makes one entry after the other; only the number of
statements differs. Accounts are loaded with one statement for each table, folded in memory and saved with a few more.

    changed = post_in_bulk(tx, postings)         # changed[account].account is what it became

Two processes may meet at one account. Whoever writes it takes its row's lock first, in the order of ids, and reads
only then: what one has decided is never overwritten by what the other had read before.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from loyalty.accounts_store import Wanted, find_survivors, load_accounts, read_groups
from loyalty.apply_points import (
    INSERT_POSTING,
    PUT_ACCOUNT,
    PUT_HOLD,
    PUT_INCIDENT,
    PUT_LOT,
    PUT_REDEMPTION,
    due_after,
    posting_row,
)
from loyalty.bulk import read_rows, write_rows
from loyalty.points.account import Account
from loyalty.points.facts import Posting
from loyalty.points.fold import apply_postings, fold, takes
from loyalty.points.rows import AccountRows, changed_rows, due_of, to_rows
from loyalty.points_store import LoadedAccount, need_of
from loyalty.transactions import Row, Tx

_TAKE_LOCK = (
    "INSERT INTO account (member, active, pending, held, debt, as_of, last, took_back, waiting, due)"
    " VALUES (?, 0, 0, 0, 0, 0, NULL, 0, '[]', NULL) ON CONFLICT (member) DO UPDATE SET as_of = account.as_of"
)
# The rest of the key behind the account, of a row of each table.
_LOT_NAME: Callable[[Row], Row] = itemgetter(0, 1, 2, 3)
_HOLD_NAME: Callable[[Row], Row] = itemgetter(0, 1)
_REDEMPTION_NAME: Callable[[Row], Row] = itemgetter(0, 1, 2)
_INCIDENT_NAME: Callable[[Row], Row] = itemgetter(1, 2, 3, 0)


class ChangedAccount(NamedTuple):
    """What became of an account. `anew`: it was folded from all its postings, because something came late; then its
    incidents are all there are, else those that are new."""

    account: Account
    anew: bool


class _Saved(NamedTuple):
    rows: AccountRows
    due: int | None


def post_in_bulk(tx: Tx, postings: Sequence[Posting]) -> dict[bytes, ChangedAccount]:
    """Write new postings, of however many entries and members, and bring their accounts up to date.

    A posting whose name exists already breaks the primary key and with it the transaction.
    """
    survivors = lock_accounts(tx, {posting.member for posting in postings})
    rows = sorted((posting_row(posting, posting.seq) for posting in postings), key=lambda row: row[:3])
    write_rows(tx, INSERT_POSTING, rows)
    shares: dict[bytes, list[Posting]] = {}
    for posting in postings:
        shares.setdefault(survivors[posting.member], []).append(posting)
    loaded = load_accounts(tx, {account: _wanted(mine) for account, mine in shares.items()})
    changed: dict[bytes, ChangedAccount] = {}
    saved: dict[bytes, _Saved] = {}
    late = []
    joined = _joined_before_their_first(tx, loaded)
    for account, mine in shares.items():
        before = loaded[account]
        if account not in joined and takes(before.account, mine):
            after = apply_postings(before.account, mine)
            saved[account] = _Saved(changed_rows(before.account, after), due_after(before, after))
            changed[account] = ChangedAccount(after, anew=False)
        else:
            late.append(account)
    _save(tx, saved)
    return changed | refold_accounts(tx, late)


def refold_accounts(tx: Tx, accounts: Collection[bytes]) -> dict[bytes, ChangedAccount]:
    """Make accounts anew from all their postings. Give only such as nobody has absorbed; their locks are taken."""
    if not accounts:
        return {}
    clear_accounts(tx, accounts)
    changed: dict[bytes, ChangedAccount] = {}
    for account, (postings, merges) in read_groups(tx, sorted(accounts)).items():
        if postings:
            changed[account] = ChangedAccount(fold(postings, merges=merges), anew=True)
    _save(tx, {member: _Saved(to_rows(each.account), due_of(each.account)) for member, each in changed.items()})
    return changed


def clear_accounts(tx: Tx, accounts: Iterable[bytes]) -> None:
    """Forget what was made of these accounts' postings."""
    keys = [(account,) for account in sorted(accounts)]
    tx.executemany("DELETE FROM points_lot WHERE account = ?", keys)
    tx.executemany("DELETE FROM points_hold WHERE account = ?", keys)
    tx.executemany("DELETE FROM points_redemption WHERE account = ?", keys)
    tx.executemany("DELETE FROM points_incident WHERE account = ?", keys)
    tx.executemany("DELETE FROM account WHERE member = ?", keys)


def lock_accounts(tx: Tx, members: Iterable[bytes]) -> dict[bytes, bytes]:
    """For each member whose account it is, and the lock of that account's row until the transaction ends.

    A merge that ended just before the lock was had is seen by looking again.
    """
    wanted = set(members)
    survivors = find_survivors(tx, wanted)
    while True:
        write_rows(tx, _TAKE_LOCK, [(account,) for account in sorted(set(survivors.values()))])
        again = find_survivors(tx, wanted)
        if again == survivors:
            return survivors
        survivors = again


def drop_empty_locks(tx: Tx, accounts: Iterable[bytes]) -> None:
    """Take away the rows that `lock_accounts` made for accounts which still have no posting: a lock is no account."""
    tx.executemany("DELETE FROM account WHERE member = ? AND last IS NULL", [(account,) for account in accounts])


def _joined_before_their_first(tx: Tx, loaded: Mapping[bytes, LoadedAccount]) -> set[bytes]:
    """The accounts without a posting so far that somebody was merged into: only a fold knows of the merge."""
    empty = [member for member, each in loaded.items() if each.account.last is None]
    return {into for (into,) in read_rows(tx, "SELECT into_member FROM member_merge WHERE into_member IN (?)", empty)}


def _wanted(postings: Sequence[Posting]) -> Wanted:
    holds = frozenset(posting.hold for posting in postings if posting.hold is not None)
    at = max(posting.effective_at for posting in postings)
    return Wanted(need_of(posting.kind for posting in postings), at, holds)


def _save(tx: Tx, accounts: Mapping[bytes, _Saved]) -> None:
    members = sorted(accounts)
    write_rows(tx, PUT_ACCOUNT, [(member, *accounts[member].rows.account, accounts[member].due) for member in members])
    _save_rows(tx, PUT_LOT, {member: accounts[member].rows.lots for member in members}, _LOT_NAME)
    _save_rows(tx, PUT_HOLD, {member: accounts[member].rows.holds for member in members}, _HOLD_NAME)
    _save_rows(tx, PUT_REDEMPTION, {member: accounts[member].rows.redemptions for member in members}, _REDEMPTION_NAME)
    _save_rows(tx, PUT_INCIDENT, {member: accounts[member].rows.incidents for member in members}, _INCIDENT_NAME)


def _save_rows(tx: Tx, put: str, rows: Mapping[bytes, Sequence[Row]], name: Callable[[Row], Row]) -> None:
    """Write rows by account, in the order of their keys."""
    write_rows(tx, put, [(member, *row) for member, several in rows.items() for row in sorted(several, key=name)])
