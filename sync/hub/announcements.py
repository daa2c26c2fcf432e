"""sql: what the appliers tell the stores, through the feed: accounts, members, merges, who was forgotten.

A store needs to hear of a member when something happened to her elsewhere. What it did itself it knows; that head
office has it too is said by the acknowledgement of its push. So a member who shops in one store costs no feed at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from loyalty.accounts_store import find_aliases, find_survivors, read_open_rows
from loyalty.apply_accounts import ChangedAccount
from loyalty.bulk import read_rows
from loyalty.ids import uuid7
from loyalty.points.told import AccountValue
from loyalty.told_operations import Hidden, read_hidden
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.feed_values import DeadLetterValue, ErasedValue, MergeValue
from sync.hub.accepted import HEAD_OFFICE
from sync.hub.appliers.apply_members import MemberChange
from sync.hub.appliers.apply_seen import STORES_MAX, Seen, list_stores
from sync.hub.failures import WAITING, DeadLetter
from sync.hub.feed_store import GLOBAL, FeedChange, find_present, store_bucket
from sync.hub.member_values import read_member_values

_RETURNABLE_MS = 100 * 86_400_000
"""Of how long ago redemptions are told in full: for as long as goods usually come back."""
_LOGGED_AGAIN_MS = 40 * 86_400_000
"""Of how long ago operations are named that nothing else shows: a disk that goes back goes back no further, as a rule.
Whoever logs older ones again is told of their accounts as soon as they have come in."""
_KNOWN_MAX = 200
"""Operations named of one account, the newest; each takes 27 bytes."""
_encode = msgspec.json.Encoder().encode


class Told(NamedTuple):
    """What entries of one store changed, as far as other places must hear of it. `accounts` says of each whether it was
    folded anew; `stores` who knew each member before, `newly` whom the store met for the first time; `again` are the
    accounts of facts that were known, and came in once more under another life of the store."""

    store: bytes
    accounts: Mapping[bytes, bool]
    members: frozenset[UUID]
    erased: frozenset[UUID]
    aliases: frozenset[UUID]
    stores: Mapping[bytes, Sequence[bytes]]
    newly: frozenset[bytes]
    again: frozenset[bytes] = frozenset()

    def joined(self, later: "Told") -> "Told":
        """This and what the entries behind it changed."""
        accounts = {**self.accounts, **later.accounts}
        return Told(
            store=self.store,
            accounts={key: self.accounts.get(key, False) or later.accounts.get(key, False) for key in accounts},
            members=self.members | later.members,
            erased=self.erased | later.erased,
            aliases=self.aliases | later.aliases,
            stores={**later.stores, **self.stores},
            newly=self.newly | later.newly,
            again=self.again | later.again,
        )


def told_by(
    store: UUID,
    accounts: Mapping[bytes, ChangedAccount],
    changes: Iterable[MemberChange],
    seen: Seen,
    again: frozenset[bytes] = frozenset(),
) -> Told:
    """What a batch changed, from what its appliers answered."""
    changed = list(changes)
    return Told(
        store=store.bytes,
        accounts={account: each.anew for account, each in accounts.items()},
        members=frozenset().union(*(change.members for change in changed)),
        erased=frozenset().union(*(change.erased for change in changed)),
        aliases=frozenset().union(*(change.aliases for change in changed)),
        stores=seen.stores,
        newly=seen.newly,
        again=again,
    )


def list_changes(tx: Tx, told: Told, now_ms: int) -> list[FeedChange]:
    """The changes of the feed after a batch. To be asked when everything else of the batch is written, also how far it
    came: what the feed says of an account is exactly what is in it."""
    return [
        *_accounts(tx, told, now_ms),
        *_members(tx, told),
        *_erased(tx, told.erased),
        *_merges(tx, told.aliases),
    ]


def dead_letter_change(letter: DeadLetter) -> FeedChange:
    """A store sees which of its entries could not be applied; one that was settled is gone."""
    value = None
    if letter.state in WAITING:
        value = _encode(
            DeadLetterValue(
                epoch=epoch_text(letter.epoch),
                seq=letter.seq,
                kind=letter.kind,
                code=letter.code,
                state=letter.state,
                first_at=letter.first_at,
            )
        )
    return FeedChange(_bucket(letter.store.bytes), "dead_letter", str(letter.op_id), value)


def _accounts(tx: Tx, told: Told, now_ms: int) -> list[FeedChange]:
    """Accounts that changed, for the other stores that know them; for the store itself where it meets a member with a
    past, where what it sent came late and its own sum is no longer right, or where it was told before and has logged
    again what is in the account: it learns under which numbers."""
    again = _told_before(tx, told)
    aliases = find_aliases(tx, {*told.accounts, *again})
    known = told.stores
    further = [member for member in aliases if member not in known]
    stores = {**known, **list_stores(tx, further)} if further else known
    targets: dict[bytes, set[bytes]] = {}
    for member, account in aliases.items():
        wanted = targets.setdefault(account, set())
        if account in again:
            wanted.add(told.store)
        if account not in told.accounts:
            continue
        mine = told.accounts[account] or member in told.newly
        others = [store for store in stores.get(member, ()) if store != told.store][:STORES_MAX]
        wanted.update(others)
        if others and mine and told.store != HEAD_OFFICE.bytes:
            wanted.add(told.store)
    wanted_accounts = [account for account, wanted in targets.items() if wanted]
    if not wanted_accounts:
        return []
    rows = read_open_rows(tx, wanted_accounts, _id_at(now_ms - _RETURNABLE_MS))
    owners = {member: account for member, account in aliases.items() if account in rows}
    hidden = read_hidden(tx, owners, rows, _id_at(now_ms - _LOGGED_AGAIN_MS))
    also: dict[bytes, list[UUID]] = {}
    for member, account in aliases.items():
        if member != account:
            also.setdefault(account, []).append(UUID(bytes=member))
    through = _read_through(tx, {store for wanted in targets.values() for store in wanted})
    return [
        FeedChange(
            _bucket(store),
            "account",
            str(UUID(bytes=account)),
            _encode(
                AccountValue(
                    account_of=UUID(bytes=account),
                    account=rows[account].account,
                    lots=rows[account].lots,
                    holds=rows[account].holds,
                    redemptions=rows[account].redemptions,
                    due=rows[account].due,
                    through=through.get(store, {}),
                    aliases=tuple(sorted(also.get(account, ()))),
                    known=_known(hidden.get(account, ()), through.get(store, {})),
                )
            ),
        )
        for account in wanted_accounts
        if account in rows
        for store in targets[account]
    ]


def _told_before(tx: Tx, told: Told) -> frozenset[bytes]:
    """Of the accounts of facts that came in once more, those that the store was told of."""
    if not told.again:
        return frozenset()
    present = find_present(tx, _bucket(told.store), [("account", str(UUID(bytes=each))) for each in sorted(told.again)])
    return frozenset(UUID(key).bytes for _, key in present)


def _id_at(at_ms: int) -> bytes:
    """No id of version 7 that was made at this instant or later is below it."""
    return uuid7(max(at_ms, 0), bytes(10)).bytes


def _known(hidden: Sequence[Hidden], lives: Mapping[str, int]) -> tuple[bytes, ...]:
    """The newest operations of one store's lives."""
    return tuple(dict.fromkeys(each.op_id for each in hidden if epoch_text(each.origin) in lives))[:_KNOWN_MAX]


def _read_through(tx: Tx, stores: Iterable[bytes]) -> dict[bytes, dict[str, int]]:
    """How far each store's own entries are in what it is told. The batch's own place is written already."""
    through: dict[bytes, dict[str, int]] = {}
    select = "SELECT store, epoch, applied_seq FROM apply_cursor WHERE store IN (?)"
    for store, epoch, applied_seq in read_rows(tx, select, stores):
        through.setdefault(store, {})[epoch_text(epoch)] = applied_seq
    return through


def _members(tx: Tx, told: Told) -> list[FeedChange]:
    """Profiles and consents of members whom several stores know: what changed for all of them, also the one that said
    it, because another word may count; and to a store whom it meets for the first time."""
    # What one alias said, the whole person said.
    changed = set(find_aliases(tx, set(find_survivors(tx, {member.bytes for member in told.members}).values())))
    known = told.stores
    further = [member for member in changed if member not in known]
    stores = {**known, **list_stores(tx, further)} if further else known
    targets: dict[bytes, list[bytes]] = {}
    for member in sorted(changed | told.newly):
        others = [store for store in stores.get(member, ()) if store != told.store][:STORES_MAX]
        if others:
            mine = [told.store] if told.store != HEAD_OFFICE.bytes else []
            targets[member] = [*(others if member in changed else ()), *mine]
    values = read_member_values(tx, targets) if targets else {}
    return [
        FeedChange(_bucket(store), "member", str(UUID(bytes=member)), value)
        for member, value in values.items()
        for store in targets[member]
    ]


def _erased(tx: Tx, members: Iterable[UUID]) -> list[FeedChange]:
    """Every store is told, and what the feed said about the member before goes from it."""
    changes = []
    for member in sorted(members):
        row = tx.execute("SELECT op, at FROM erased_member WHERE member = ?", (member.bytes,)).fetchone()
        assert row is not None, "the tombstone was just written"
        value = _encode(ErasedValue(op=UUID(bytes=row[0]), at=row[1]))
        changes.append(FeedChange(GLOBAL, "erased", str(member), value))
        stores = list_stores(tx, [member.bytes]).get(member.bytes, ())
        changes += [FeedChange(_bucket(store), "member", str(member), None) for store in stores]
    return changes


def _merges(tx: Tx, aliases: Iterable[UUID]) -> list[FeedChange]:
    """Who is whose alias now, or no longer, for every store that knows either."""
    changes = []
    for alias in sorted(aliases):
        row = tx.execute(
            "SELECT op, into_member, effective_at, origin, seq FROM member_merge WHERE absorbed = ?", (alias.bytes,)
        ).fetchone()
        value = None
        members = [alias.bytes]
        if row is not None:
            op, into, effective_at, origin, seq = row
            members.append(into)
            merge = MergeValue(
                into=UUID(bytes=into),
                op=UUID(bytes=op),
                effective_at=effective_at,
                origin=epoch_text(origin),
                seq=seq,
            )
            value = _encode(merge)
        stores = {store for several in list_stores(tx, members).values() for store in several}
        changes += [FeedChange(_bucket(store), "merge", str(alias), value) for store in sorted(stores)]
        if row is not None:
            changes += [FeedChange(_bucket(store), "account", str(alias), None) for store in sorted(stores)]
    return changes


def _bucket(store: bytes) -> str:
    return store_bucket(str(UUID(bytes=store)))
