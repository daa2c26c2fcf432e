"""sql: sales of any store as returns find them, goods kept for a return elsewhere, and what the selling store hears."""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar
from uuid import UUID

import msgspec

from loyalty.accounts_store import Wanted, find_survivors, load_accounts
from loyalty.bulk import read_rows
from loyalty.errors import NotFound
from loyalty.points.rows import to_rows
from loyalty.transactions import Row, Tx
from sync.chain import decode_content, epoch_text
from sync.facts import decode_body
from sync.facts.returns import ReturnTaken
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.hub import inbox, stores
from sync.hub.accepted import Accepted
from sync.hub.appliers.receipts import Receipt, find_receipts, read_receipts
from sync.hub.feed_store import FeedChange, put_many, store_bucket
from sync.hub.problems import RefundGone, ReturnChanged, ReturnGone, ReturnPending
from sync.hub.reserving import (
    Limits,
    check_may_reserve,
    end_over,
    find_reservation,
    keep,
    lock_subject,
    reserved_by_others,
)
from sync.protocol.commands import ReservedAnswer, ReturnReserveCommand
from sync.protocol.sale_states import ReturnedElsewhere, SaleState, name_word

_Key = TypeVar("_Key", int, str)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ReservedAnswer).decode


class _Asked(msgspec.Struct):
    """What is read of a command that was answered."""

    refunds: dict[str, int] = {}


_decode_asked = msgspec.json.Decoder(_Asked).decode
_GOODS = "SELECT sale, op, line, store, kind, quantity_milli FROM goods_back WHERE sale IN (?)"
_MONEY = "SELECT sale, settles, store, amount_minor FROM money_back WHERE sale IN (?)"
_UNKNOWN = "Head office holds no receipt of this number; the store may not have sent it yet."


def read_sale_state(tx: Tx, text: str, now_ms: int) -> SaleState:
    """A sale by receipt number or id, as far as it is applied already. Raises NotFound."""
    receipt, code = _need_sale(tx, text)
    entry = next(iter(inbox.read_entries(tx, receipt.store, receipt.epoch, receipt.seq - 1, 1)))
    content = decode_content(entry.content)
    body = decode_body(content.kind, content.v, content.body)
    assert isinstance(body, SaleCompleted)
    goods = [row for row in read_rows(tx, _GOODS, [receipt.op.bytes]) if _counts(row, receipt)]
    returned: dict[int, int] = {}
    for _sale, _op, line, _store, _kind, quantity_milli in goods:
        returned[line] = returned.get(line, 0) + quantity_milli
    refunded: dict[str, int] = {}
    for _sale, settles, _store, amount_minor in read_rows(tx, _MONEY, [receipt.op.bytes]):
        refunded[settles] = refunded.get(settles, 0) + amount_minor
    account_of, account = _read_account(tx, body.member, now_ms)
    return SaleState(
        op=receipt.op,
        number=receipt.number,
        store_code=code,
        v=content.v,
        at=content.at,
        business_day=content.business_day or "",
        operator=content.operator,
        epoch=epoch_text(receipt.epoch),
        seq=receipt.seq,
        hash=entry.hash.hex(),
        body=content.body,
        voided=any(row[4] == "void" for row in goods),
        returns=len({row[1] for row in goods}),
        returned=returned,
        refunded=refunded,
        account_of=account_of,
        account=account,
    )


def reserve_return(
    tx: Tx, store: UUID, command: ReturnReserveCommand, limits: Limits, now_ms: int
) -> tuple[ReservedAnswer, bool]:
    """Keep goods of a sale for one return, and whether this is new; the same command again gets the same answer. The
    store's row is locked.

    While a return of the sale is kept for another store, nobody else gets any of it: how much money goes back depends
    on what went back before (largest share first, the rest at the end), so returns of one sale follow each other. The
    store that sold is told of all that is kept and counts it, so it only has to have heard the newest word; its own
    books decide between its tills.

    Raises IdConflict, ReservationOver, NotYetApplied, LendingClosed, TooMuchReserved, NotFound, ReturnPending,
    ReturnChanged, ReturnGone, RefundGone.
    """
    known = find_reservation(tx, store, command)
    if known is not None:
        return _decode(known), False
    check_may_reserve(tx, store, command, limits, now_ms)
    subject = sale_subject(command.sale)
    lock_subject(tx, subject)
    is_own = command.heard is not None and _need_sale(tx, str(command.sale))[0].store == store
    if is_own and command.heard != name_word(_read_word(tx, store, command.sale)):
        raise ReturnChanged
    if not is_own and reserved_by_others(tx, subject, command.taken, limits, now_ms):
        raise ReturnPending
    state = read_sale_state(tx, str(command.sale), now_ms)
    if not is_own and state.returns != command.returns:
        raise ReturnChanged
    body = decode_body("sale.completed", state.v, state.body)
    assert isinstance(body, SaleCompleted)
    sold = {line.line: line.quantity_milli for line in body.lines}
    parts: dict[int, int] = {}
    for line, quantity_milli in command.lines:
        parts[line] = parts.get(line, 0) + quantity_milli
    if state.voided or any(state.returned.get(line, 0) + part > sold.get(line, 0) for line, part in parts.items()):
        raise ReturnGone
    paid = _paid(body)
    if any(state.refunded.get(kind, 0) + part > paid.get(kind, 0) for kind, part in command.refunds.items()):
        raise RefundGone
    answer = ReservedAnswer(reservation=command.id)
    # Both stores hear of it at once: two that ask for each other's goods never wait for each other in a circle.
    kept = keep(tx, store, command, subject, parts, _encode(answer), now_ms)
    put_many(tx, [kept, *(list_returned(tx, [command.sale.bytes]) if not is_own else ())], now_ms)
    return answer, True


def _paid(sale: SaleCompleted) -> dict[str, int]:
    """What stayed of each kind of tender."""
    paid: dict[str, int] = {"cash": -sale.change_minor}
    for tender in sale.tenders:
        _add(paid, tender.settles, tender.amount_minor)
    return paid


def sale_subject(sale: UUID) -> bytes:
    """What a reservation of goods of a sale is about."""
    return b"sale " + sale.bytes


def sales_of(subjects: Iterable[bytes]) -> set[bytes]:
    """The sales among what reservations are about."""
    head = sale_subject(UUID(int=0))[:-16]
    return {subject[len(head) :] for subject in subjects if subject.startswith(head)}


def sales_touched(entries: Iterable[Accepted]) -> set[bytes]:
    """The sales that these facts took something back of."""
    touched = set()
    for entry in entries:
        body = entry.body
        if isinstance(body, ReturnTaken):
            touched.add(body.taken.sale.bytes)
        elif isinstance(body, SaleVoided):
            touched.add(body.sale.bytes)
        elif isinstance(body, SaleCompleted):
            touched.update(taken.sale.bytes for taken in body.returned)
    return touched


def list_returned(tx: Tx, sales: Collection[bytes]) -> list[FeedChange]:
    """What the stores that made these sales hear of goods which came back elsewhere, or are kept for that. Whoever says
    it holds the rows of the sales, so nothing that commits meanwhile is left out of the newest word."""
    receipts = read_receipts(tx, sorted(sales)) if sales else {}
    if not receipts:
        return []
    for sale in sorted(receipts):
        lock_subject(tx, sale_subject(receipts[sale].op))
    told: dict[bytes, ReturnedElsewhere] = {
        sale: ReturnedElsewhere(returned={}, refunded={}, pending={}, paying={}) for sale in receipts
    }
    for row in read_rows(tx, _GOODS, sorted(receipts)):
        sale, _op, line, store, _kind, quantity_milli = row
        if store != receipts[sale].store.bytes and _counts(row, receipts[sale]):
            _add(told[sale].returned, line, quantity_milli)
    for sale, settles, store, amount_minor in read_rows(tx, _MONEY, sorted(receipts)):
        if store != receipts[sale].store.bytes:
            _add(told[sale].refunded, settles, amount_minor)
    subjects = {sale_subject(receipt.op): sale for sale, receipt in receipts.items()}
    kept: dict[tuple[bytes, bytes], bytes] = {}
    select = "SELECT subject, part, store, amount, id FROM reserved WHERE subject IN (?)"
    for subject, part, store, amount, id_ in read_rows(tx, select, sorted(subjects)):
        if store != receipts[subjects[subject]].store.bytes:
            _add(told[subjects[subject]].pending, part, amount)
            kept[store, id_] = subjects[subject]
    for (store, id_), sale in sorted(kept.items()):
        for kind, amount in _read_refunds(tx, store, id_).items():
            _add(told[sale].paying, kind, amount)
    return [
        FeedChange(
            store_bucket(str(receipts[sale].store)),
            "returned_elsewhere",
            str(receipts[sale].op),
            _encode(said) if said.returned or said.pending else None,
        )
        for sale, said in sorted(told.items())
        if said.returned or said.pending or _was_told(tx, receipts[sale])
    ]


def free_over(tx: Tx, limits: Limits, now_ms: int) -> None:
    """End what revoked stores kept for too long, and tell the stores that sold the goods."""
    ended = end_over(tx, limits, now_ms)
    put_many(tx, [*ended.changes, *list_returned(tx, sales_of(ended.subjects))], now_ms)


def _counts(goods: Row, receipt: Receipt) -> bool:
    """Whether goods that a fact speaks of are back: only who made a sale can void it."""
    _sale, _op, _line, store, kind, _quantity_milli = goods
    return bool(kind != "void" or store == receipt.store.bytes)


def _read_refunds(tx: Tx, store: bytes, reservation: bytes) -> Mapping[str, int]:
    """What the return that a reservation is for gives back, as its store asked."""
    row = tx.execute("SELECT asked FROM reservation WHERE store = ? AND id = ?", (store, reservation)).fetchone()
    return _decode_asked(row[0]).refunds if row is not None else {}


def _was_told(tx: Tx, receipt: Receipt) -> bool:
    """Whether the feed says something of this sale that holds no longer."""
    return _read_word(tx, receipt.store, receipt.op) is not None


def _read_word(tx: Tx, store: UUID, sale: UUID) -> bytes | None:
    """What the feed says to the store that made a sale."""
    row = tx.execute(
        "SELECT value FROM feed WHERE bucket = ? AND entity = 'returned_elsewhere' AND key = ?",
        (store_bucket(str(store)), str(sale)),
    ).fetchone()
    return row[0].encode() if row is not None and row[0] is not None else None


def _add(sums: dict[_Key, int], key: _Key, amount: int) -> None:
    sums[key] = sums.get(key, 0) + amount


def _need_sale(tx: Tx, text: str) -> tuple[Receipt, str]:
    """The receipt of a sale and the code of its store, whose numbers begin with it. Raises NotFound."""
    try:
        found = list(read_receipts(tx, [UUID(text).bytes]).values())
    except ValueError:
        found = find_receipts(tx, text.strip().upper())
    for receipt in found:
        code = stores.need_store(tx, receipt.store).code
        if receipt.kind == "sale" and receipt.number.startswith(f"{code}-"):
            return receipt, code
    raise NotFound(_UNKNOWN)


def _read_account(tx: Tx, member: UUID | None, now_ms: int) -> tuple[UUID | None, bytes]:
    if member is None:
        return None, b""
    account = find_survivors(tx, [member.bytes])[member.bytes]
    rows = to_rows(load_accounts(tx, {account: Wanted("all", now_ms)})[account].account)
    packed: Mapping[str, object] = {
        "account": rows.account,
        "lots": rows.lots,
        "holds": rows.holds,
        "redemptions": rows.redemptions,
    }
    return UUID(bytes=account), msgspec.msgpack.encode(packed)
