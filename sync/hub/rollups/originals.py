"""sql: what the fold is told beside the entries: each life's calendar, and the sales that voids and returns are about.

A sale that is voided or comes back may have been applied long ago, so it is read from the inbox, which keeps every
entry for ever. One that could not be applied yet (a dead letter) is found just as well: sums then do not depend on what
was applied first.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from loyalty.transactions import Tx
from sync.chain import decode_content
from sync.facts import decode_body
from sync.facts.sales import SaleCompleted
from sync.facts.store import EpochStarted
from sync.hub.accepted import Accepted
from sync.hub.op_names import NO_NAMES, Names, read_names
from sync.hub.rollups.fold import originals_needed
from sync.hub.rollups.places import Calendar, Known, Original, place_of

_AT_ONCE = 200
_APPLIED = (
    "SELECT applied.op_id, inbox.epoch, inbox.seq, inbox.content FROM applied JOIN inbox ON inbox.store = applied.store"
    " AND inbox.epoch = applied.epoch AND inbox.seq = applied.seq WHERE applied.store = ? AND applied.op_id IN"
)
_DEAD = (
    "SELECT dead_letter.op_id, inbox.epoch, inbox.seq, inbox.content FROM dead_letter JOIN inbox"
    " ON inbox.store = dead_letter.store AND inbox.epoch = dead_letter.epoch AND inbox.seq = dead_letter.seq"
    " WHERE dead_letter.store = ? AND dead_letter.op_id IN"
)


Calendars = dict[tuple[bytes, int], Calendar]


def read_calendars(tx: Tx, entries: Sequence[Accepted]) -> Calendars:
    """Those of the stores that the entries come from; a life that begins among the entries is one of them."""
    found: Calendars = {}
    for store in sorted({entry.store.bytes for entry in entries}):
        lives = tx.execute("SELECT epoch, time_zone, currency FROM store_life WHERE store = ?", (store,)).fetchall()
        found |= {(store, epoch): Calendar(zone, currency) for epoch, zone, currency in lives}
    for entry in entries:
        if isinstance(entry.body, EpochStarted):
            found[entry.store.bytes, entry.epoch] = Calendar(entry.body.time_zone, entry.body.currency)
    return found


def read_known(tx: Tx, entries: Sequence[Accepted], calendars: Calendars) -> Known:
    """All that the fold of these entries has to be told."""
    originals: dict[tuple[bytes, bytes], Original] = {}
    wanted: dict[bytes, set[bytes]] = {}
    for entry in entries:
        for sale in originals_needed(entry.body):
            wanted.setdefault(entry.store.bytes, set()).add(sale.bytes)
    if wanted:
        for entry in entries:
            if isinstance(entry.body, SaleCompleted) and entry.op_id.bytes in wanted.get(entry.store.bytes, ()):
                place = place_of(entry, calendars.get((entry.store.bytes, entry.epoch)))
                originals[entry.store.bytes, entry.op_id.bytes] = Original(entry.body, place)
    for store, sales in sorted(wanted.items()):
        missing = sorted(sale for sale in sales if (store, sale) not in originals)
        for start in range(0, len(missing), _AT_ONCE):
            for found in _read_sales(tx, store, missing[start : start + _AT_ONCE], calendars):
                originals[store, found[0]] = found[1]
    return Known(calendars, originals)


def accepted_of(store: bytes, epoch: int, seq: int, content: bytes, names: Names = NO_NAMES) -> Accepted:
    """An entry of the inbox as the fold reads it. Raises KeyError or msgspec.DecodeError for one of a newer release."""
    told = decode_content(names.rewrite(content))
    return Accepted(
        store=UUID(bytes=store),
        epoch=epoch,
        seq=seq,
        op_id=UUID(bytes=names.of(told.op_id.bytes)),
        kind=told.kind,
        at=told.at,
        business_day=told.business_day,
        device=str(told.device) if told.device is not None else None,
        operator=told.operator,
        effective_at=told.at,
        body=decode_body(told.kind, told.v, told.body),
        content_hash=b"",
    )


def _read_sales(tx: Tx, store: bytes, sales: Sequence[bytes], calendars: Calendars) -> list[tuple[bytes, Original]]:
    found = []
    missing = list(sales)
    names = read_names(tx, UUID(bytes=store))
    for select in (_APPLIED, _DEAD):
        if not missing:
            break
        marks = ", ".join("?" * len(missing))
        for op_id, epoch, seq, content in tx.execute(f"{select} ({marks})", (store, *missing)).fetchall():
            try:
                entry = accepted_of(store, epoch, seq, content, names)
            except (KeyError, msgspec.DecodeError):
                continue  # it lies among the dead because nobody here can read it
            if isinstance(entry.body, SaleCompleted):
                found.append((op_id, Original(entry.body, place_of(entry, calendars.get((store, epoch))))))
        known = {op_id for op_id, _ in found}
        missing = [sale for sale in missing if sale not in known]
    return found
