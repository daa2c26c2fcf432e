"""sql: the accounts of many members at once, read with a few statements.

    survivors = find_survivors(tx, members)                      # whose account each member's is
    loaded = load_accounts(tx, {account: Wanted("balance", at)}) # as far as each is needed
    groups = read_groups(tx, accounts)                           # all that an account is made of, to fold it anew

What is loaded of each account is what `points_store.load_account` loads of one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from loyalty.bulk import read_rows
from loyalty.points.account import LotId, root_of
from loyalty.points.facts import Merge, Posting
from loyalty.points.rows import ACCOUNT_COLUMNS, HOLD_COLUMNS, LOT_COLUMNS, REDEMPTION_COLUMNS, from_rows
from loyalty.points_store import POSTING_COLUMNS, LoadedAccount, Need, posting_from
from loyalty.transactions import Row, Tx

# Only names of columns are put together here; every value is bound.
_ACCOUNTS = f"SELECT member, {', '.join(ACCOUNT_COLUMNS)}, due FROM account WHERE member IN (?)"  # noqa: S608
_LOTS = f"SELECT account, {', '.join(LOT_COLUMNS)} FROM points_lot WHERE account IN (?)"  # noqa: S608
_HOLDS = f"SELECT account, {', '.join(HOLD_COLUMNS)} FROM points_hold WHERE account IN (?)"  # noqa: S608
_OPEN_LOTS = f"{_LOTS} AND free + held > 0"
_OPEN_HOLDS = f"{_HOLDS} AND state = 'open'"
_REDEMPTIONS = f"SELECT account, {', '.join(REDEMPTION_COLUMNS)} FROM points_redemption WHERE account IN (?)"  # noqa: S608
_NEWER_REDEMPTIONS = _REDEMPTIONS.replace("WHERE", "WHERE op_id >= ? AND")
_NO_OLDER = b"\xff" * 16
_NO_ACCOUNT: Row = (0, 0, 0, 0, 0, None, 0, "[]")
_POSTINGS = f"SELECT {POSTING_COLUMNS} FROM posting WHERE member IN (?)"  # noqa: S608
_SURVIVORS = "SELECT absorbed, into_member FROM member_merge WHERE absorbed IN (?)"
_MERGES = "SELECT op, effective_at, absorbed, into_member, origin, seq FROM member_merge WHERE into_member IN (?)"

Group = tuple[list[Posting], list[Merge]]


class Wanted(NamedTuple):
    """How much of an account is to be loaded: `at` is the instant up to which time will be let pass, `holds` are
    loaded whatever their state."""

    need: Need
    at: int
    holds: frozenset[bytes] = frozenset()


class OpenRows(NamedTuple):
    """An account as its rows, of its lots and holds those that something can still happen to, and the newer redemptions
    with the lots that goods would give back to."""

    account: Row
    due: int | None
    lots: tuple[Row, ...]
    holds: tuple[Row, ...]
    redemptions: tuple[Row, ...] = ()


def find_survivors(tx: Tx, members: Iterable[bytes]) -> dict[bytes, bytes]:
    """For each member who stands for it now, itself where nothing was merged."""
    survivors = {member: member for member in members}
    pending = set(survivors)
    while pending:
        into: dict[bytes, bytes] = dict(read_rows(tx, _SURVIVORS, sorted(pending)))
        survivors = {member: into.get(account, account) for member, account in survivors.items()}
        pending = set(into.values())
    return survivors


def load_accounts(tx: Tx, wanted: Mapping[bytes, Wanted]) -> dict[bytes, LoadedAccount]:
    """Each account as far as it is wanted, without legs and incidents; an empty one where there is none."""
    rows: dict[bytes, tuple[Row, int | None]] = {
        member: (tuple(columns), due) for member, *columns, due in read_rows(tx, _ACCOUNTS, wanted)
    }
    everything = [member for member in rows if wanted[member].need == "all"]
    opened = [member for member in rows if _needs_open(wanted[member], rows[member][1])]
    # A hold that is named counts whatever became of it: then all of that account's are read.
    named = [member for member in opened if wanted[member].holds]
    unnamed = [member for member in opened if not wanted[member].holds]
    lots = _by_account(read_rows(tx, _LOTS, everything), read_rows(tx, _OPEN_LOTS, opened))
    holds = _by_account(read_rows(tx, _HOLDS, [*everything, *named]), read_rows(tx, _OPEN_HOLDS, unnamed))
    redemptions = _by_account(read_rows(tx, _REDEMPTIONS, everything))
    whole = {*everything, *opened}
    loaded = {}
    for member in wanted:
        account, due = rows.get(member, (None, None))
        if account is None:
            loaded[member] = LoadedAccount(member)
            continue
        parts = (lots.get(member, ()), holds.get(member, ()), redemptions.get(member, ()))
        loaded[member] = LoadedAccount(member, from_rows(account, *parts), None if member in whole else due)
    return loaded


def read_open_rows(tx: Tx, accounts: Collection[bytes], since: bytes = _NO_OLDER) -> dict[bytes, OpenRows]:
    """What another place must know of each account to go on with it: its row, its open lots and holds. Redemptions
    count whose op_id is not below `since`: UUIDs of version 7 begin with their time."""
    rows = read_rows(tx, _ACCOUNTS, accounts)
    lots = _by_account(read_rows(tx, _OPEN_LOTS, accounts))
    holds = _by_account(read_rows(tx, _OPEN_HOLDS, accounts))
    redemptions = _by_account(read_rows(tx, _NEWER_REDEMPTIONS, accounts, (since,)))
    _add_families(tx, lots, redemptions)
    return {
        member: OpenRows(
            tuple(columns),
            due,
            *(tuple(sorted(several.get(member, ()), key=_name_of)) for several in (lots, holds, redemptions)),
        )
        for member, *columns, due in rows
    }


def _add_families(tx: Tx, lots: dict[bytes, list[Row]], redemptions: Mapping[bytes, Sequence[Row]]) -> None:
    """Add the lots that the redemptions took from, and of every lot its root and the children of that."""
    named = _lots_named(lots, redemptions)
    missing = [member for member in named if not named[member] <= _names_of(lots, member)]
    everything = _by_account(read_rows(tx, _LOTS, missing))
    for member in missing:
        roots = {root_of(LotId(*name)) for name in named[member]}
        lots[member] = [row for row in everything.get(member, ()) if root_of(LotId(*row[:4])) in roots]


def _lots_named(
    lots: Mapping[bytes, Sequence[Row]], redemptions: Mapping[bytes, Sequence[Row]]
) -> dict[bytes, set[tuple[Any, ...]]]:
    """The lots that these rows speak of, by account: themselves, roots, children, and where redemptions took from."""
    named: dict[bytes, set[tuple[Any, ...]]] = {}
    for member, rows in lots.items():
        alone = named.setdefault(member, set())
        alone.update(tuple(row[:4]) for row in rows)
        related = [row for row in rows if row[3] or row[-1] != "[]"]  # restored, children: few lots have either
        for lot in from_rows(_NO_ACCOUNT, related, (), ()).lots.values():
            alone.update((root_of(lot.id), *lot.children))
    for member, rows in redemptions.items():
        for redemption in from_rows(_NO_ACCOUNT, (), (), rows).redemptions.values():
            named.setdefault(member, set()).update(piece.lot for piece in redemption.pieces)
    return named


def _names_of(lots: Mapping[bytes, Sequence[Row]], member: bytes) -> set[tuple[Any, ...]]:
    return {tuple(row[:4]) for row in lots.get(member, ())}


def _name_of(row: Row) -> Row:
    return tuple(row[:4])


def find_aliases(tx: Tx, accounts: Collection[bytes]) -> dict[bytes, bytes]:
    """Every member whose postings are in one of these accounts, with whose account it is; the accounts themselves
    too."""
    return _follow(tx, accounts)[0]


def read_groups(tx: Tx, accounts: Collection[bytes]) -> dict[bytes, Group]:
    """All that each account is made of: the postings of everybody who was merged into it, and the merges."""
    owner, merges = _follow(tx, accounts)
    groups: dict[bytes, Group] = {account: ([], []) for account in accounts}
    for merge in merges:
        groups[owner[merge.into]][1].append(merge)
    for row in read_rows(tx, _POSTINGS, sorted(owner)):
        groups[owner[row[0]]][0].append(posting_from(row))
    return groups


def _follow(tx: Tx, accounts: Collection[bytes]) -> tuple[dict[bytes, bytes], list[Merge]]:
    """Whose postings these accounts hold, and the merges that brought them there, directly or through others."""
    owner = {account: account for account in accounts}
    merges = []
    frontier = list(owner)
    while frontier:
        found = read_rows(tx, _MERGES, frontier)
        frontier = []
        for op, effective_at, absorbed, into, origin, seq in found:
            if absorbed not in owner:
                owner[absorbed] = owner[into]
                frontier.append(absorbed)
                merges.append(
                    Merge(op_id=op, effective_at=effective_at, absorbed=absorbed, into=into, origin=origin, seq=seq)
                )
    return owner, merges


def _needs_open(wanted: Wanted, due: int | None) -> bool:
    """Earning needs only the balance, as long as time does nothing to the account meanwhile."""
    if wanted.need == "balance":
        return due is not None and wanted.at >= due
    return wanted.need == "open"


def _by_account(*found: list[Row]) -> dict[bytes, list[Row]]:
    rows: dict[bytes, list[Row]] = {}
    for several in found:
        for account, *columns in several:
            rows.setdefault(account, []).append(tuple(columns))
    return rows
