"""sql: the points of many entries of a store, and the incidents that the accounts then have.

The ledger is loyalty's own (loyalty/apply_accounts.py). What is head office's: every posting counts at the instant that
head office gave its entry, so all stores' postings have one order.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from loyalty.accounts_store import find_aliases
from loyalty.apply_accounts import ChangedAccount, lock_accounts, post_in_bulk
from loyalty.bulk import read_rows
from loyalty.points.facts import Posting
from loyalty.transactions import Row, Tx
from sync.facts.points import ledger_postings
from sync.facts.postings import postings_of
from sync.hub.accepted import Accepted
from sync.hub.appliers.receipts import Receipt, read_receipts
from sync.hub.incidents import OF_POINTS, Incident, incident_id, put_incidents, withdraw_incidents

_BROKEN = "SELECT account, kind, op_id, n, member, points FROM points_incident WHERE account IN (?)"
_RIVAL = (
    "SELECT effective_at, origin, seq, op, n, points FROM posting WHERE member = ? AND kind = 'redeem' AND op <> ?"
    " AND (effective_at, origin, seq) < (?, ?, ?) ORDER BY effective_at DESC, origin DESC, seq DESC, op DESC, n DESC"
    " LIMIT 1"
)


class _Broken(NamedTuple):
    """A broken rule as the fold found it, and where its posting stands."""

    account: bytes
    kind: str
    op: bytes
    n: int
    member: bytes
    points: int


def post_entries(tx: Tx, entries: Sequence[Accepted]) -> dict[bytes, ChangedAccount]:
    """Write all postings of these entries; the accounts that changed, by whose they are."""
    postings = [posting for entry in entries for posting in list_postings(entry)]
    return post_in_bulk(tx, postings) if postings else {}


def lock_again(tx: Tx, fresh: Sequence[Accepted], repeated: Sequence[Accepted]) -> frozenset[bytes]:
    """The accounts of facts that were applied before, locked together with those of the new ones: what is told of them
    then is of one moment with how far the store's entries are in it."""
    members = {posting.member for entry in repeated for posting in list_postings(entry)}
    if not members:
        return frozenset()
    survivors = lock_accounts(tx, members | {posting.member for entry in fresh for posting in list_postings(entry)})
    return frozenset(survivors[member] for member in members)


def list_postings(entry: Accepted) -> list[Posting]:
    """The postings of an entry as the ledger folds them, at the instant that counts for all stores."""
    carried = postings_of(entry.body)
    return ledger_postings(entry.op_id, entry.epoch, entry.seq, carried, at=entry.effective_at) if carried else []


def settle_incidents(tx: Tx, changed: Mapping[bytes, ChangedAccount]) -> None:
    """Bring the incidents of these accounts up to date: those that the fold found are there, with both receipts named;
    those that a late posting explained away are gone."""
    anew = [account for account, each in changed.items() if each.anew]
    touched = [account for account, each in changed.items() if each.anew or each.account.incidents]
    if not touched:
        return
    aliases = find_aliases(tx, touched)
    broken = [_Broken(*row) for row in read_rows(tx, _BROKEN, touched)]
    members: dict[bytes, list[bytes]] = {}
    for member, account in aliases.items():
        members.setdefault(account, []).append(member)
    put_incidents(tx, _incidents(tx, broken, members))
    stays = {_id(each) for each in broken}
    withdraw_incidents(tx, (found for found in _known(tx, anew, members) if found not in stays))


def _known(tx: Tx, accounts: Iterable[bytes], members: Mapping[bytes, Sequence[bytes]]) -> list[UUID]:
    named = [member for account in accounts for member in members[account]]
    rows = read_rows(tx, "SELECT id, kind FROM incident WHERE member IN (?)", named)
    return [UUID(bytes=identity) for identity, kind in rows if kind in OF_POINTS]


def _id(broken: _Broken) -> UUID:
    return incident_id(broken.kind, broken.op, str(broken.n).encode(), broken.member)


def _incidents(tx: Tx, broken: Sequence[_Broken], members: Mapping[bytes, Sequence[bytes]]) -> list[Incident]:
    if not broken:
        return []
    places = _places(tx, broken)
    rivals = {each: _rival(tx, each, places[each], members[each.account]) for each in broken}
    named = [each.op for each in broken] + [rival[3] for rival in rivals.values() if rival is not None]
    receipts = read_receipts(tx, named)
    incidents = []
    for each in broken:
        rival = rivals[each]
        refs: list[object] = [_ref(each.op, receipts, places[each][3])]
        if rival is not None:
            refs.append(_ref(rival[3], receipts, rival[5]))
        receipt = receipts.get(each.op)
        incidents.append(
            Incident(
                id=_id(each),
                kind=each.kind,
                store=receipt.store if receipt else None,
                member=UUID(bytes=each.member),
                amount=each.points,
                refs=tuple(refs),
                opened_at=places[each][0],
            )
        )
    return incidents


def _places(tx: Tx, broken: Sequence[_Broken]) -> dict[_Broken, tuple[int, int, int, int]]:
    """Where each posting stands, and its points."""
    rows = read_rows(
        tx,
        "SELECT member, op, n, effective_at, origin, seq, points FROM posting WHERE member IN (?)",
        [each.member for each in broken],
    )
    places = {row[:3]: (row[3], row[4], row[5], row[6]) for row in rows}
    return {each: places[each.member, each.op, each.n] for each in broken}


def _rival(tx: Tx, broken: _Broken, place: tuple[int, int, int, int], members: Sequence[bytes]) -> Row | None:
    """The redemption before it, of whoever shares the account: the two together spent what was there once."""
    found = [row for member in members for row in tx.execute(_RIVAL, (member, broken.op, *place[:3])).fetchall()]
    return max(found, default=None)


def _ref(op: bytes, receipts: Mapping[bytes, Receipt], points: int) -> dict[str, object]:
    """A receipt as an incident names it."""
    receipt = receipts.get(op)
    return {
        "op": str(UUID(bytes=op)),
        "store": str(receipt.store) if receipt else None,
        "number": receipt.number if receipt else None,
        "points": points,
    }
