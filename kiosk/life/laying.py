"""sql: lays what head office tells over what this store has booked itself, where rows are kept of both together.

Called in the transaction of a page, after a snapshot was installed and after the tables were made anew from the
journal. What is not kept is laid over when it is read: profiles (kiosk/members), accounts without rows here.
"""

from kiosk.life.told import read_members
from kiosk.members.told_merges import follow_all_merges, follow_merge
from kiosk.points.told_accounts import keep_account
from kiosk.points.waiting_accounts import let_all_wait, make_all
from loyalty.transactions import Tx
from sync.journal import Journal
from sync.protocol.pull_store import ApplyPage

Thing = tuple[str, str]
"""Entity and key."""
_AT_ONCE_MAX = 500  # things of a page


def list_touched(tx: Tx, page: ApplyPage) -> frozenset[Thing] | None:
    """What a page will change, to be asked before it is written: what it tells, what it drops because it was not told
    again, and what goes with a bucket. None: anything may change, because a whole snapshot goes."""
    touched = {(put.entity, put.key) for put in page.puts}
    for bucket in page.dropped:
        if tx.execute("SELECT 1 FROM feed_base WHERE bucket = ?", (bucket,)).fetchone() is not None:
            return None
        touched.update(tx.execute("SELECT entity, key FROM feed_row WHERE bucket = ?", (bucket,)))
    for told in page.sums:
        older = (told.bucket, told.generation)
        if tx.execute("SELECT 1 FROM feed_base WHERE bucket = ? AND generation < ?", older).fetchone() is not None:
            return None
        touched.update(tx.execute("SELECT entity, key FROM feed_row WHERE bucket = ? AND generation < ?", older))
    return frozenset(touched)


def lay_over(tx: Tx, touched: frozenset[Thing] | None, journal: Journal, now_ms: int) -> None:
    """Make anew what is kept of these things, as they are told now. Merges that are told become facts of `journal`
    first: they say whose account is whose. Where anything may have changed, or more than a page tells, all accounts are
    to be made anew some at a time, so that no sale waits for it (kiosk/points/waiting_accounts.py)."""
    if touched is None:
        follow_all_merges(tx, journal, now_ms)
        let_all_wait(tx)
        return
    for absorbed in read_members(sorted(key for entity, key in touched if entity == "merge")):
        follow_merge(tx, journal, now_ms, absorbed)
    accounts = sorted(key for entity, key in touched if entity == "account")
    if len(accounts) > _AT_ONCE_MAX:
        let_all_wait(tx)
        return
    for account in read_members(accounts):
        keep_account(tx, account)


def lay_over_everything(tx: Tx) -> None:
    """Make anew all that is kept of what was told, at once. Costs as much as there are members who shopped here."""
    make_all(tx)
