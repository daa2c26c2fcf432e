"""sql: the board of stores: for each what somebody in the office wants to know at a glance."""

from uuid import UUID

from msgspec import Struct

from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.hub.inbox import read_epochs
from sync.hub.stores import StoreRow
from sync.hub.times import utc_text
from sync.protocol.messages import PrinterState
from sync.protocol.push_hub import EpochState

_MINUTE_MS = 60_000


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
    """One store. `queued` entries were still at the store when it last spoke; `open_exposure_minor` is what it may give
    away beyond what head office knows, while nobody hears of it."""

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
    open_exposure_minor: int


class Silence(Struct, frozen=True):
    """After how long a store counts as silent, and what one may then cost at most (minor units): sync.md's C."""

    after_minutes: int
    exposure_minor: int


def show_store(tx: Tx, store: StoreRow, silence: Silence, now_ms: int) -> StoreAnswer:
    """A store as the board shows it."""
    last = store.last_contact
    silent = last is None or now_ms - last > silence.after_minutes * _MINUTE_MS
    speaks = store.state != "new"
    return StoreAnswer(
        id=store.store,
        code=store.code,
        name=store.name,
        state=store.state,
        reason=store.reason,
        last_contact=utc_text(last) if last is not None else None,
        silent=silent,
        queued=store.queued,
        chain=[_show_life(tx, store.store, held) for held in read_epochs(tx, store.store)],
        clock_offset_ms=store.clock_offset_ms,
        printers=store.printers,
        version=store.version,
        fence=store.standing.fence,
        run=store.standing.run,
        retired_runs=store.standing.retired,
        open_exposure_minor=silence.exposure_minor if silent and speaks else 0,
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
