"""sql: the proof of the caches of points, and of what must hold of every account whoever wrote it.

    for name, sentence in check_points(tx):   # ("points_lot", "member 0a… has (…), the postings say (…)")

Each account is made anew once, of all its postings and what head office told of it, and looked at from every side while
it is at hand: to make it is what takes the time.

| name                                                | says                                                       |
|-----------------------------------------------------|------------------------------------------------------------|
| account, points_lot, points_hold, points_redemption,| what the cache keeps and the postings do not say, or the   |
| points_incident                                     | other way round                                            |
| points                                              | an invariant (loyalty/points/invariants.py) that is broken |
|                                                     | although the tables say what the postings make             |
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from loyalty.points.account import Account
from loyalty.points.facts import Merge, Posting, place_of
from loyalty.points.fold import fold
from loyalty.points.invariants import MEANINGS, check
from loyalty.points.rows import (
    ACCOUNT_COLUMNS,
    HOLD_COLUMNS,
    INCIDENT_COLUMNS,
    LOT_COLUMNS,
    REDEMPTION_COLUMNS,
    AccountRows,
    due_of,
    to_rows,
)
from loyalty.points.told import make_account
from loyalty.points_store import ToldOf, nothing_told, read_all_groups
from loyalty.transactions import Row, Tx

INVARIANTS = "points"


class _Cache(NamedTuple):
    """A table that is made of postings: whose column says whose account it is, and the rows an account makes."""

    owner: str
    columns: Sequence[str]
    rows_of: Callable[[AccountRows, Account], list[Row]]


_CACHES: Mapping[str, _Cache] = {
    "account": _Cache("member", (*ACCOUNT_COLUMNS, "due"), lambda rows, account: [(*rows.account, due_of(account))]),
    "points_lot": _Cache("account", LOT_COLUMNS, lambda rows, _: rows.lots),
    "points_hold": _Cache("account", HOLD_COLUMNS, lambda rows, _: rows.holds),
    "points_redemption": _Cache("account", REDEMPTION_COLUMNS, lambda rows, _: rows.redemptions),
    "points_incident": _Cache("account", INCIDENT_COLUMNS, lambda rows, _: rows.incidents),
}

PROVED_CACHES = tuple(_CACHES)


def check_points(tx: Tx, told_of: ToldOf = nothing_told) -> Iterator[tuple[str, str]]:
    """Everything that is wrong, each thing as the name of the cache or INVARIANTS, and a sentence."""
    kept = {name: _read_kept(tx, name, cache) for name, cache in _CACHES.items()}
    groups = read_all_groups(tx)
    for member in groups.keys() | frozenset[bytes]().union(*kept.values()):
        postings, merges = groups.get(member, ([], []))
        told = told_of(tx, member) if member in groups else ()
        account = make_account(postings, merges, told)
        rows = to_rows(account) if member in groups else None
        for name, cache in _CACHES.items():
            made = set(cache.rows_of(rows, account)) if rows is not None else set()
            have = kept[name].get(member, set())
            if made != have:
                yield name, _difference(member, have, made)
        if member in groups:
            mine = fold(postings, merges=merges) if told else account
            for sentence in _list_breaches(member, mine, postings, merges):
                yield INVARIANTS, sentence


def _list_breaches(
    member: bytes, account: Account, postings: Sequence[Posting], merges: Sequence[Merge]
) -> Iterator[str]:
    for breach in check(account, sorted(postings, key=place_of), merges):
        name, _, what = breach.partition(": ")
        yield f"member {member.hex()} breaks the rule that {MEANINGS[name]} ({name}): {what}"


def _read_kept(tx: Tx, table: str, cache: _Cache) -> dict[bytes, set[Row]]:
    """The rows of a cache by whose they are."""
    kept: dict[bytes, set[Row]] = {}
    for row in tx.execute(f"SELECT {cache.owner}, {', '.join(cache.columns)} FROM {table}"):  # noqa: S608  names of ours
        kept.setdefault(row[0], set()).add(tuple(row[1:]))
    return kept


def _difference(member: bytes, have: set[Row], made: set[Row]) -> str:
    # A damaged file may hold a cell of any type, also in place of the member.
    return f"member {_shown_cell(member)} has {_shown(have - made)}, the postings say {_shown(made - have)}"


def _shown(rows: set[Row]) -> str:
    """The first of these rows, readable."""
    return "(" + ", ".join(map(_shown_cell, min(rows, key=repr))) + ")" if rows else "nothing else"


def _shown_cell(cell: object) -> str:
    return cell.hex() if isinstance(cell, bytes) else str(cell)
