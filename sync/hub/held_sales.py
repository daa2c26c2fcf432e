"""sql: a receipt of any store of the chain, looked up by its number."""

from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.errors import NotFound
from loyalty.transactions import Tx
from sync.chain import decode_content, epoch_text
from sync.hub import inbox, stores
from sync.hub.appliers.receipts import Receipt, find_receipts
from sync.hub.times import utc_text


class HeldSale(Struct, frozen=True, kw_only=True):
    """A sale or a return as its store booked it. `body` is the fact itself, in the shape of its kind and version `v`;
    `epoch`, `seq` and `hash` say where it stands in the store's journal."""

    number: str
    store: UUID
    store_code: str
    kind: str
    v: int
    op_id: UUID
    at: str
    business_day: str | None
    epoch: str
    seq: int
    hash: str
    body: msgspec.Raw


def read_sale(tx: Tx, number: str) -> HeldSale:
    """The receipt of this number, as far as it is applied already. Raises NotFound.

    A store's numbers begin with its code, so one that another store claims for itself is not believed.
    """
    for receipt in find_receipts(tx, number):
        store = stores.need_store(tx, receipt.store)
        if number.startswith(f"{store.code}-"):
            return _read(tx, receipt, store.code)
    raise NotFound("Head office holds no receipt of this number; the store may not have sent it yet.")


def _read(tx: Tx, receipt: Receipt, store_code: str) -> HeldSale:
    entries = list(inbox.read_entries(tx, receipt.store, receipt.epoch, receipt.seq - 1, 1))
    assert entries, "what was applied stays in the inbox"
    content = decode_content(entries[0].content)
    return HeldSale(
        number=receipt.number,
        store=receipt.store,
        store_code=store_code,
        kind=content.kind,
        v=content.v,
        op_id=content.op_id,
        at=utc_text(content.at),
        business_day=content.business_day,
        epoch=epoch_text(receipt.epoch),
        seq=receipt.seq,
        hash=entries[0].hash.hex(),
        body=content.body,
    )
