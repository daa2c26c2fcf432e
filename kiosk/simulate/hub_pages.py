"""pure: what a simulated head office answers to who reads: pages by the real machine, and buckets as snapshots."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from kiosk.simulate.feed import GLOBAL, Bucket, bucket_of
from kiosk.simulate.hub_books import HubBooks
from kiosk.simulate.machines import Machines
from loyalty.points.account import Account
from loyalty.points.facts import Posting
from loyalty.points.fold import apply_postings, view
from sync.chain import epoch_text
from sync.protocol.feed import checksum_text
from sync.protocol.messages import PullAnswer
from sync.protocol.pull_hub import PAGE_ITEMS, Position, PullCursor, is_news, read_cursor, write_cursor
from sync.protocol.pull_store import Pull
from sync.protocol.snapshots import Manifest, SnapshotFile

_SECRET = bytes(32)
_NO_FILE = "0" * 64


class Snapshot(NamedTuple):
    """Files with all that is told in some buckets, and the manifest that names them."""

    manifest: Manifest
    buckets: Mapping[str, Bucket]


class Page(NamedTuple):
    """An answer, and what it was made of: one that told nothing need not be made again as long as that is the same."""

    cursor: str | None
    refetch: tuple[str, ...]
    stands: tuple[int, ...]
    answer: PullAnswer


def make_page(machines: Machines, books: HubBooks, shop: str, asked: Pull, last: Page | None) -> Page:
    """The page that a shop asks for; `last` is the one that it was given before."""
    heads = [books.feed.bucket(GLOBAL), books.feed.bucket(bucket_of(shop))]
    stands = (books.timeline, *[number for head in heads for number in (head.last, head.horizon, head.checksum)])
    if last is not None and last[:3] == (asked.cursor, asked.refetch, stands) and not is_news(last.answer):
        return last
    plan = machines.plan_pull(read_cursor(asked.cursor, _SECRET), asked.refetch, books.timeline, heads)
    rows = {read.bucket: books.feed.bucket(read.bucket).after(read.after, PAGE_ITEMS + 1) for read in plan.reads}
    return Page(asked.cursor, asked.refetch, stands, machines.build_page(plan, rows, _SECRET))


def applied_of(books: HubBooks, shop: str) -> dict[str, int]:
    """How far each life of a shop is applied."""
    return {epoch_text(epoch): seq for (whose, epoch), seq in books.applied_seq.items() if whose == shop}


def make_snapshot(books: HubBooks, shop: str, store: UUID, now_ms: int) -> Snapshot:
    """All that a shop is told, as it is now."""
    kept = books.feed.copy()
    buckets = {name: kept.bucket(name) for name in (GLOBAL, bucket_of(shop))}
    positions = {
        name: Position(bucket.last, bucket.last, checksum_text(bucket.checksum)) for name, bucket in buckets.items()
    }
    manifest = Manifest(
        store=store,
        timeline=books.timeline,
        made_at=now_ms,
        cursor=write_cursor(PullCursor(books.timeline, positions), _SECRET),
        files=tuple([_file_of(bucket) for bucket in buckets.values()]),
    )
    return Snapshot(manifest, buckets)


def _file_of(bucket: Bucket) -> SnapshotFile:
    """A bucket as a manifest names it; what a file would be checked by cannot be wrong here."""
    return SnapshotFile(
        bucket=bucket.bucket,
        sha256=_NO_FILE,
        bytes=1,
        unpacked_bytes=1,
        seq=bucket.last,
        checksum=checksum_text(bucket.checksum),
        entities={},
    )


class AccountTeller:
    """Accounts as shops are told them. `ends_by_time`: something in them may end by time alone, so that they are made
    anew for each answer, and not only when something has changed."""

    def __init__(self, *, ends_by_time: bool) -> None:
        self._ends_by_time = ends_by_time
        self._before: dict[tuple[str, bytes], tuple[Account, int, Account]] = {}

    def tell(self, books: HubBooks, shop: str, now_ms: int) -> dict[bytes, Account]:
        """The account of every member, without what other shops may spend of it."""
        return {member: self._tell(books, shop, member, now_ms) for member in books.accounts}

    def _tell(self, books: HubBooks, shop: str, member: bytes, now_ms: int) -> Account:
        kept = books.accounts[member]
        others = sum(lent.outstanding for lent in books.lent_of(member) if lent.shop != shop)
        before = self._before.get((shop, member))
        if before is not None and before[0] is kept and before[1] == others and not self._ends_by_time:
            return before[2]
        account = view(kept, max(kept.as_of, now_ms))
        away = min(others, account.active)
        if away:
            hold = Posting(
                member=member,
                op_id=bytes(16),
                kind="hold",
                points=away,
                effective_at=account.as_of,
                origin=2**63 - 1,
                expires_at=account.as_of + 2**42,
            )
            account = apply_postings(account, [hold])
        self._before[(shop, member)] = kept, others, account
        return account
