"""sql: bundles as the office sees them: what is planned, what is active, and what each store made of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from loyalty.transactions import Tx
from sync.bundle_values import head_of
from sync.hub.bundles import BundleRow, changes_of, newest_bundle
from sync.hub.feed_store import store_bucket
from sync.hub.pull import buckets_of
from sync.hub.stores import StoreRow, list_stores
from sync.hub.times import utc_text
from sync.protocol.feed import active_bundle

_STORES_AT_ONCE = 1_000
_COLUMNS = "version, outcome, active_at, arrived_at, at, code"
_NEWEST_BEGUN = (
    f"SELECT {_COLUMNS} FROM store_bundle WHERE store = ? AND outcome = 'active'"  # noqa: S608  names of columns
    " ORDER BY active_at DESC, version DESC LIMIT 1"
)
_SAYS_SOMETHING = "SELECT 1 FROM office_change WHERE version = ? AND live = 1 AND definition IS NOT NULL LIMIT 1"
# Of each store what it made of a bundle, as `_at_stores` says it, added up.
_COUNTS = (
    "SELECT coalesce(sum(active), 0), coalesce(sum(CASE WHEN active = 1 THEN late ELSE refused_late END), 0),"
    " coalesce(sum(1 - active), 0) FROM (SELECT store_bundle.store,"
    " max(CASE WHEN outcome = 'active' THEN 1 ELSE 0 END) AS active,"
    " max(CASE WHEN outcome = 'active' AND arrived_at > active_at THEN 1 ELSE 0 END) AS late,"
    " max(CASE WHEN outcome = 'refused' AND arrived_at > active_at THEN 1 ELSE 0 END) AS refused_late"
    " FROM store_bundle JOIN store ON store.store = store_bundle.store"
    " WHERE store_bundle.version = ? AND store.state <> 'revoked'"
)
_OF: Mapping[str, str] = {"zone": " AND store.zone = ?", "store": " AND store.store = ?"}
# One that was refused first and taken later, by another release or configuration, is taken.
_NEWEST_REFUSED = (
    "SELECT code FROM store_bundle AS refused WHERE store = ? AND outcome = 'refused' AND NOT EXISTS (SELECT 1"
    " FROM store_bundle AS begun WHERE begun.store = refused.store AND begun.version = refused.version"
    " AND begun.outcome = 'active') ORDER BY version DESC LIMIT 1"
)


class StoreBundle(Struct, frozen=True, kw_only=True):
    """The bundle that a store sells by, and the one it should. `late`: it had not arrived in the store when it should
    have begun. `refused` says why the store could not take a bundle that should have begun."""

    version: int | None
    due: int | None
    begun_at: str | None
    late: bool
    refused: str


class BundleAtStore(Struct, frozen=True, kw_only=True):
    """What one store made of a bundle: `active`, `refused`, or `waiting` as long as it has not said."""

    id: UUID
    code: str
    state: str
    begun_at: str | None
    late: bool
    refused: str


class NamedChange(Struct, frozen=True, kw_only=True):
    """One thing that a bundle changes; `says` is live, ended, or nothing (the wider word counts again)."""

    sort: str
    name: str
    says: str


class BundleAnswer(Struct, frozen=True, kw_only=True):
    """A bundle. `state` is planned, active or withdrawn, by head office's clock; `zone` and `store` are null for one
    that is for all stores. `ends`: it only takes back what was said before, such as the end of a campaign. The counts
    are of stores."""

    version: int
    title: str
    campaign: str
    zone: str | None
    store: UUID | None
    active_from: str
    state: str
    changes: int
    ends: bool
    planned_at: str
    stores: int
    active: int
    late: int
    refused: int


class BundlePage(BundleAnswer, frozen=True, kw_only=True):
    """A bundle with everything in it and every store it is for."""

    things: list[NamedChange]
    at_stores: list[BundleAtStore]


class _Counts(NamedTuple):
    """How many stores a bundle is for, and what they made of it."""

    stores: int
    active: int
    late: int
    refused: int


class _Outcome(Struct, frozen=True):
    """A row of what stores told."""

    version: int
    outcome: str
    active_at: int
    arrived_at: int
    at: int
    code: str

    @property
    def is_late(self) -> bool:
        """Whether it had not arrived when it should have begun."""
        return self.arrived_at > self.active_at


def store_bundle(tx: Tx, store: StoreRow, now_ms: int) -> StoreBundle | None:
    """The bundle of one store; None where head office planned none for it yet. A look into an index for each bucket it
    reads, however many bundles there ever were: a board shows thousands of stores."""
    planned = [newest_bundle(tx, bucket, now_ms) for bucket in buckets_of(store)]
    row = tx.execute(_NEWEST_BEGUN, (store.store.bytes,)).fetchone()
    begun = _Outcome(*row) if row is not None else None
    known = [(each.version, each.active_at) for each in planned if each is not None]
    due = _newest([*known, (begun.version, begun.active_at)] if begun is not None else known)
    if due is None:
        return None
    refused = tx.execute(_NEWEST_REFUSED, (store.store.bytes,)).fetchone()
    return StoreBundle(
        version=begun.version if begun is not None else None,
        due=due,
        begun_at=utc_text(begun.at) if begun is not None else None,
        late=begun is not None and begun.is_late,
        refused=str(refused[0]) if refused is not None else "",
    )


def read_audience(tx: Tx) -> Mapping[str, int]:
    """How many stores read each bucket, of those that bundles are for."""
    return Counter(bucket for row in _read_stores(tx) for bucket in buckets_of(row))


def show_bundle(tx: Tx, bundle: BundleRow, audience: Mapping[str, int], now_ms: int) -> BundleAnswer:
    """A bundle in the list."""
    return BundleAnswer(**_answer(tx, bundle, _count_stores(tx, bundle, audience), now_ms))  # type: ignore[arg-type]


def show_bundle_page(tx: Tx, bundle: BundleRow, now_ms: int) -> BundlePage:
    """A bundle alone."""
    at_stores = _at_stores(tx, bundle, _read_stores(tx))
    counts = _Counts(
        len(at_stores),
        active=sum(each.state == "active" for each in at_stores),
        late=sum(each.late for each in at_stores),
        refused=sum(each.state == "refused" for each in at_stores),
    )
    things = [
        NamedChange(sort=each.sort, name=each.name, says=_says(live=each.live, word=bool(each.definition)))
        for each in changes_of(tx, bundle.version)
    ]
    return BundlePage(**_answer(tx, bundle, counts, now_ms), things=things, at_stores=at_stores)  # type: ignore[arg-type]


def state_of(bundle: BundleRow, now_ms: int) -> str:
    """planned, active or withdrawn, by head office's clock."""
    if bundle.withdrawn_at:
        return "withdrawn"
    return "active" if bundle.active_at <= now_ms else "planned"


def _read_stores(tx: Tx) -> list[StoreRow]:
    """The stores that bundles are for: all but those whose key was taken back."""
    stores: list[StoreRow] = []
    after = None
    while page := list_stores(tx, after, _STORES_AT_ONCE):
        after = page[-1].store
        stores += [row for row in page if row.state != "revoked"]
    return stores


def _count_stores(tx: Tx, bundle: BundleRow, audience: Mapping[str, int]) -> _Counts:
    """The same without a look at each store: a list has many bundles, a chain thousands of stores."""
    kind, _, name = bundle.bucket.partition(":")
    of: tuple[object, ...] = ()
    if kind in _OF:
        of = (UUID(name).bytes if kind == "store" else name,)
    select = f"{_COUNTS}{_OF.get(kind, '')} GROUP BY store_bundle.store) AS told"
    row = tx.execute(select, (bundle.version, *of)).fetchone()
    assert row is not None
    return _Counts(audience.get(bundle.bucket, 0), *map(int, row))


def _says(*, live: bool, word: bool) -> str:
    if not word:
        return "nothing"
    return "live" if live else "ended"


def _newest(bundles: Iterable[tuple[int, int]]) -> int | None:
    """Of (version, instant) the one that began last, as a store says which counts."""
    found = active_bundle((head_of(version, active_at, 0, "") for version, active_at in bundles), 2**62)
    return found.version if found is not None else None


def _at_stores(tx: Tx, bundle: BundleRow, audience: Sequence[StoreRow]) -> list[BundleAtStore]:
    """Every store that the bundle is for, by code."""
    rows = tx.execute(f"SELECT store, {_COLUMNS} FROM store_bundle WHERE version = ?", (bundle.version,)).fetchall()  # noqa: S608
    told: dict[bytes, _Outcome] = {}
    for row in rows:
        if row[2] == "active" or row[0] not in told:
            told[row[0]] = _Outcome(*row[1:])
    stores = [row for row in audience if bundle.bucket in buckets_of(row)]
    return sorted((_at_store(row, told.get(row.store.bytes)) for row in stores), key=lambda each: each.code)


def _at_store(store: StoreRow, told: _Outcome | None) -> BundleAtStore:
    return BundleAtStore(
        id=store.store,
        code=store.code,
        state=told.outcome if told is not None else "waiting",
        begun_at=utc_text(told.at) if told is not None and told.outcome == "active" else None,
        late=told is not None and told.is_late,
        refused=told.code if told is not None else "",
    )


def _answer(tx: Tx, bundle: BundleRow, counts: _Counts, now_ms: int) -> dict[str, object]:
    kind, _, name = bundle.bucket.partition(":")
    return {
        "version": bundle.version,
        "title": bundle.title,
        "campaign": bundle.campaign,
        "zone": name if kind == "zone" else None,
        "store": UUID(name) if bundle.bucket == store_bucket(name) else None,
        "active_from": utc_text(bundle.active_at),
        "state": state_of(bundle, now_ms),
        "changes": bundle.changes,
        "ends": tx.execute(_SAYS_SOMETHING, (bundle.version,)).fetchone() is None,
        "planned_at": utc_text(bundle.planned_at),
        **counts._asdict(),
    }
