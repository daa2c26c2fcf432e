"""sql: one page of the feed for one store: the buckets it may read, and what changed in them behind its cursor."""

from collections.abc import Collection
from uuid import UUID

from msgspec.structs import replace

from loyalty.transactions import Tx
from sync.bundle_values import zone_bucket
from sync.chain import epoch_text
from sync.hub import stores
from sync.hub.feed_store import GLOBAL, read_after, read_heads, store_bucket
from sync.hub.state import read_secret, read_timeline
from sync.protocol.messages import PullAnswer
from sync.protocol.pull_hub import PAGE_ITEMS, build_page, plan_pull, read_cursor


def buckets_of(store: stores.StoreRow) -> tuple[str, ...]:
    """What a store may read: what is for everybody, for its price zone, and for it alone."""
    zone = (zone_bucket(store.zone),) if store.zone else ()
    return (GLOBAL, *zone, store_bucket(str(store.store)))


def read_page(tx: Tx, store: UUID, session: bytes, cursor: str | None, refetch: Collection[str]) -> PullAnswer:
    """What changed behind the cursor. All of it is read from one snapshot, so the checksums are those of what is told.

    Raises StoreRevoked, Quarantined, Fenced, BrokenCursor.
    """
    row = stores.need_store(tx, store)
    stores.check_present(row, session)
    secret = read_secret(tx)
    heads = read_heads(tx, buckets_of(row))
    plan = plan_pull(read_cursor(cursor, secret), refetch, read_timeline(tx), list(heads.values()))
    rows = {
        read.bucket: read_after(tx, read.bucket, read.after, PAGE_ITEMS + 1)
        for read in plan.reads
        if read.after < read.last
    }
    return replace(build_page(plan, rows, secret), applied=_read_applied(tx, store))


def _read_applied(tx: Tx, store: UUID) -> dict[str, int]:
    """How far the entries of each life of a store are in the accounts, in the same snapshot as the page."""
    rows = tx.execute("SELECT epoch, applied_seq FROM apply_cursor WHERE store = ?", (store.bytes,)).fetchall()
    return {epoch_text(epoch): seq for epoch, seq in rows}
