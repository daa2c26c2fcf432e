"""sql: the board of stores: for each what somebody in the office wants to know at a glance."""

from uuid import UUID

from msgspec import Struct

from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.hub.bundle_board import StoreBundle, store_bundle
from sync.hub.inbox import read_epochs
from sync.hub.lending import points_of_store
from sync.hub.reports import exposure
from sync.hub.reports.exposure import Risk, is_silent
from sync.hub.stores import StoreRow
from sync.hub.times import utc_text
from sync.protocol.messages import PrinterState
from sync.protocol.push_hub import EpochState


class LifeAnswer(Struct, frozen=True, kw_only=True):
    """One life of a store's database: the newest entry that head office holds, the newest that the store spoke of, and
    how far the entries are applied. `alarm` says why the appliers stopped there."""

    epoch: str
    seq: int
    hash: str
    told_seq: int
    applied_seq: int
    state: str
    alarm: str


class StoreAnswer(Struct, frozen=True, kw_only=True):
    """One store. `queued` entries were still at the store when it last spoke; `lent_points` are those of its open
    leases; `open_exposure_minor` is what it can give away at most beyond what head office knows: their value, and its
    own limit while nobody hears of it."""

    id: UUID
    code: str
    name: str
    state: str
    reason: str
    last_contact: str | None
    silent: bool
    queued: int
    chain: list[LifeAnswer]
    clock_offset_ms: int
    printers: tuple[PrinterState, ...]
    version: str
    fence: int
    run: str | None
    retired_runs: tuple[str, ...]
    lent_points: int
    open_exposure_minor: int
    zone: str | None
    bundle: StoreBundle | None


def show_store(tx: Tx, store: StoreRow, risk: Risk, now_ms: int) -> StoreAnswer:
    """A store as the board shows it. What it may cost is counted as the report of the exposure does."""
    last = store.last_contact
    lent = points_of_store(tx, store.store)
    told = exposure.StoreRow(store.store.bytes, store.code, store.name, store.state, last, store.queued, lent)
    limit_minor = risk.store_limit_minor if is_silent(told, now_ms, risk.silent_after_ms) else 0
    return StoreAnswer(
        id=store.store,
        code=store.code,
        name=store.name,
        state=store.state,
        reason=store.reason,
        last_contact=utc_text(last) if last is not None else None,
        silent=last is None or now_ms - last > risk.silent_after_ms,
        lent_points=lent,
        queued=store.queued,
        chain=[_show_life(tx, store.store, held) for held in read_epochs(tx, store.store)],
        clock_offset_ms=store.clock_offset_ms,
        printers=store.printers,
        version=store.version,
        fence=store.standing.fence,
        run=store.standing.run,
        retired_runs=store.standing.retired,
        open_exposure_minor=limit_minor + (risk.value.worth(lent) or 0),
        zone=store.zone or None,
        bundle=store_bundle(tx, store, now_ms),
    )


def _show_life(tx: Tx, store: UUID, held: EpochState) -> LifeAnswer:
    row = tx.execute(
        "SELECT applied_seq, alarm FROM apply_cursor WHERE store = ? AND epoch = ?", (store.bytes, held.head.epoch)
    ).fetchone()
    applied, alarm = row or (0, "")
    return LifeAnswer(
        epoch=epoch_text(held.head.epoch),
        seq=held.head.seq,
        hash=held.head.hash.hex(),
        told_seq=held.announced.seq,
        applied_seq=applied,
        state=held.state,
        alarm=alarm,
    )
