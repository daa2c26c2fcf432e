"""sql: the operations in an account that nothing shows any more which is told of it: what they gave is spent, what they
took is taken.

Whoever is told of the account knows its own operations by their ids, whatever number a later life of its database gave
them (loyalty/points/told.py): what shows counts already, and so does what is named here.
"""

from collections.abc import Mapping
from typing import NamedTuple

from loyalty.accounts_store import OpenRows
from loyalty.bulk import read_rows
from loyalty.transactions import Tx

_NEWER = "SELECT member, op, n, origin FROM posting WHERE op >= ? AND member IN (?)"


class Hidden(NamedTuple):
    """An operation and the life that wrote it down."""

    op_id: bytes
    origin: int


def read_hidden(
    tx: Tx, owners: Mapping[bytes, bytes], rows: Mapping[bytes, OpenRows], since: bytes
) -> dict[bytes, list[Hidden]]:
    """By account, the operations whose op_id is not below `since` that `rows` does not show, the newest first. `owners`
    are the members with whose account each one's postings are in."""
    shown = {account: _names_in(each) for account, each in rows.items()}
    found: dict[bytes, set[Hidden]] = {}
    for member, op_id, n, origin in read_rows(tx, _NEWER, owners, (since,)):
        account = owners[member]
        if (op_id, n, member) not in shown.get(account, ()):
            found.setdefault(account, set()).add(Hidden(op_id, origin))
    return {account: sorted(hidden, reverse=True) for account, hidden in found.items()}


def _names_in(rows: OpenRows) -> set[tuple[object, ...]]:
    """The postings that a lot, a redemption or a hold is told of."""
    lots = {tuple(row[:3]) for row in rows.lots if not row[3]}
    return lots | {tuple(row[:3]) for row in rows.redemptions} | {tuple(row[1:4]) for row in rows.holds}
