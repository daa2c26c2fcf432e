"""sql: a batch of entries of one store becomes what head office knows: points, members, coupons, cards, stock, sums.

    batch = apply_batch(tx, entries)        # all of them, or it raises and the caller rolls back (sync/hub/applier.py)
    apply_facts(tx, entries)                # the same without the sums of the reports: what a proof replays

Each kind of thing is written once for the whole batch, with a few statements, and every fact at most once: what its
store has sent before, under whatever epoch, adds nothing. Nothing here decides whether a fact may be: the goods are
gone. What breaks a rule becomes debt and an incident.
"""

from collections.abc import Sequence
from typing import NamedTuple

from loyalty.transactions import Tx
from sync.hub.accepted import Accepted
from sync.hub.announcements import Told, told_by
from sync.hub.appliers.apply_bundles import apply_bundles
from sync.hub.appliers.apply_cards import apply_cards
from sync.hub.appliers.apply_coupons import apply_coupons
from sync.hub.appliers.apply_credits import count_credits
from sync.hub.appliers.apply_lending import apply_lending
from sync.hub.appliers.apply_members import apply_member_fact
from sync.hub.appliers.apply_points import lock_again, post_entries, settle_incidents
from sync.hub.appliers.apply_receipts import note_applied, note_receipts
from sync.hub.appliers.apply_returns import apply_returns
from sync.hub.appliers.apply_seen import note_seen
from sync.hub.appliers.apply_stores import apply_stores
from sync.hub.rollups.apply_rollups import roll_up


class Batch(NamedTuple):
    """What became of a batch: the facts that were new, those that had been applied before, those with the id of another
    fact; and what other places must hear of."""

    fresh: list[Accepted]
    repeated: list[Accepted]
    conflicting: list[Accepted]
    told: Told


def apply_batch(tx: Tx, entries: Sequence[Accepted]) -> Batch:
    """Apply entries of one store, in the order of its journal. Raises whatever an entry makes fail: then nothing of the
    batch may stay."""
    batch = apply_facts(tx, entries)
    roll_up(tx, batch.fresh)
    return batch


def apply_facts(tx: Tx, entries: Sequence[Accepted]) -> Batch:
    """Everything but the sums of the reports."""
    found = note_applied(tx, entries)
    fresh = found.fresh
    # Accounts first, in the order of their ids: two processes that meet at one account never wait in a circle.
    again = lock_again(tx, fresh, found.repeated)
    accounts = post_entries(tx, fresh)
    note_receipts(tx, fresh)
    apply_coupons(tx, fresh)
    apply_cards(tx, fresh)
    apply_returns(tx, fresh)
    apply_lending(tx, fresh)
    apply_stores(tx, fresh)
    apply_bundles(tx, fresh)
    changes = [apply_member_fact(tx, entry) for entry in fresh]
    for change in changes:
        accounts |= change.accounts
    settle_incidents(tx, accounts)
    count_credits(tx, fresh)
    seen = note_seen(tx, fresh)
    told = told_by(entries[0].store, accounts, changes, seen, again)
    return Batch(fresh, found.repeated, found.conflicting, told)
