"""sql: lays what head office tells over what this store has booked itself, where rows are kept of both together.

Called in the transaction of a page, after a snapshot was installed and after the tables were made anew from the
journal. What is not kept is laid over when it is read: profiles (kiosk/members), accounts without rows here.
"""

from uuid import UUID

from kiosk.members.told_merges import follow_all_merges, follow_merge
from kiosk.points.told_accounts import keep_account, keep_all_accounts
from loyalty.transactions import Tx
from sync.journal import Journal
from sync.protocol.pull_store import ApplyPage

Thing = tuple[str, str]
"""Entity and key."""


def list_touched(tx: Tx, page: ApplyPage) -> frozenset[Thing] | None:
    """What a page will change, to be asked before it is written: what it tells, and what it drops because it was not
    told again. None: anything may change, because a whole snapshot or bucket goes."""
    if page.dropped:
        return None
    touched = {(put.entity, put.key) for put in page.puts}
    for told in page.sums:
        older = (told.bucket, told.generation)
        if tx.execute("SELECT 1 FROM feed_base WHERE bucket = ? AND generation < ?", older).fetchone() is not None:
            return None
        touched.update(tx.execute("SELECT entity, key FROM feed_row WHERE bucket = ? AND generation < ?", older))
    return frozenset(touched)


def lay_over(tx: Tx, touched: frozenset[Thing] | None, journal: Journal, now_ms: int) -> None:
    """Make anew what is kept of these things, as they are told now. Merges that are told become facts of `journal`
    first: they say whose account is whose."""
    if touched is None:
        follow_all_merges(tx, journal, now_ms)
        lay_over_everything(tx)
        return
    for entity, key in sorted(touched, key=lambda thing: (thing[0] != "merge", thing)):
        if entity == "merge":
            follow_merge(tx, journal, now_ms, UUID(key))
        elif entity == "account":
            keep_account(tx, UUID(key))


def lay_over_everything(tx: Tx) -> None:
    """Make anew all that is kept of what was told. Costs as much as there are members who shopped here."""
    keep_all_accounts(tx)
