"""sql: goods that came back, of whichever store's sale. The only writer of their tables.

A store takes its own receipts back without asking anybody, and another store's only when head office keeps the goods
for it. Should both take the same goods, or one store in two lives of which the second has lost the first, both returns
stand, because the money is gone; as long as more came back of a line than was sold, an incident names the sale and
every return. The one that came in first is the one that is kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from loyalty.bulk import read_rows, write_returning, write_rows
from loyalty.transactions import Row, Tx
from sync.chain import decode_content
from sync.facts import decode_body
from sync.facts.returns import ReturnTaken, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.hub.accepted import Accepted
from sync.hub.appliers.receipts import Receipt, read_receipts
from sync.hub.inbox import read_entries
from sync.hub.incidents import Incident, incident_id, put_incidents, withdraw_incidents

KIND = "return_twice"
_GOODS = (
    "INSERT INTO goods_back (sale, op, line, store, kind, quantity_milli, sold_milli, amount_minor, received_at,"
    " effective_at, origin, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MONEY = "INSERT INTO money_back (sale, op, settles, store, amount_minor) VALUES (?, ?, ?, ?, ?)"
_COUNT = (
    "INSERT INTO return_count (sale, returns) VALUES (?, ?)"
    " ON CONFLICT (sale) DO UPDATE SET returns = return_count.returns + excluded.returns RETURNING sale, returns"
)
_READ = (
    "SELECT sale, received_at, effective_at, origin, seq, op, line, store, kind, quantity_milli, sold_milli,"
    " amount_minor FROM goods_back WHERE sale IN (?)"
)


class _Back(NamedTuple):
    """Goods of one line that came back, in the order in which the facts came in."""

    received_at: int
    effective_at: int
    origin: int
    seq: int
    op: bytes
    line: int
    store: bytes
    kind: str
    quantity_milli: int
    sold_milli: int
    amount_minor: int


def apply_returns(tx: Tx, entries: Sequence[Accepted]) -> None:
    """Everything these entries say of goods that came back."""
    goods: dict[Row, Row] = {}
    money: dict[Row, Row] = {}
    facts: set[tuple[bytes, bytes]] = set()
    for entry in entries:
        for row in _goods_rows(entry):
            goods.setdefault(row[:3], row)
            facts.add((row[0], row[1]))
        for row in _money_rows(entry):
            before = money.get(row[:3])
            money[row[:3]] = (*row[:4], row[4] + (before[4] if before is not None else 0))
    if not goods and not money:
        return
    write_rows(tx, _GOODS, [goods[key] for key in sorted(goods)])
    write_rows(tx, _MONEY, [money[key] for key in sorted(money)])
    counts: dict[bytes, int] = {}
    for sale, _op in facts:
        counts[sale] = counts.get(sale, 0) + 1
    counted: dict[bytes, int] = dict(write_returning(tx, _COUNT, sorted(counts.items())))
    # Where a store says how much another one sold even one return can be too much.
    foreign = {row[0] for row in goods.values() if row[6]}
    _judge(tx, sorted(sale for sale, returns in counted.items() if returns > 1 or sale in foreign))


def _judge(tx: Tx, sales: Sequence[bytes]) -> None:
    """Write or withdraw the incident of each of these sales."""
    if not sales:
        return
    backs: dict[bytes, list[_Back]] = {sale: [] for sale in sales}
    for sale, *columns in read_rows(tx, _READ, sales):
        backs[sale].append(_Back(*columns))
    sold = _read_sold(tx, sales)
    over = {sale: (sorted(found), _excess_minor(sorted(found), sold.get(sale))) for sale, found in backs.items()}
    broken = {sale: (found, amount) for sale, (found, amount) in over.items() if amount}
    receipts = read_receipts(tx, [*broken, *(back.op for found, _ in broken.values() for back in found)])
    put_incidents(tx, [_incident(sale, *broken[sale], receipts) for sale in sorted(broken)])
    withdraw_incidents(tx, (incident_id(KIND, sale) for sale in sales if sale not in broken))


def _read_sold(tx: Tx, sales: Sequence[bytes]) -> dict[bytes, dict[int, int]]:
    """How much these sales sold by line, as they say themselves. One that did not come in yet is missing."""
    sold: dict[bytes, dict[int, int]] = {}
    for sale, receipt in read_receipts(tx, sales).items():
        for entry in read_entries(tx, receipt.store, receipt.epoch, receipt.seq - 1, 1):
            content = decode_content(entry.content)
            body = decode_body(content.kind, content.v, content.body)
            if isinstance(body, SaleCompleted):
                sold[sale] = {line.line: line.quantity_milli for line in body.lines}
    return sold


def _excess_minor(backs: Sequence[_Back], sold_milli: Mapping[int, int] | None) -> int:
    """What was given back for goods beyond those sold, in minor units and at least 1; 0 where nothing was too much.

    `sold_milli` (by line) is what the sale says itself; without it counts what was said with a void or a return.
    """
    excess = 0
    for line in sorted({back.line for back in backs}):
        mine = [back for back in backs if back.line == line]
        said = min((back.sold_milli for back in mine if back.sold_milli), default=0)
        sold = said if sold_milli is None else sold_milli.get(line, 0)
        if not sold and sold_milli is None:
            continue
        left = sold
        for back in mine:
            beyond = back.quantity_milli - min(left, back.quantity_milli)
            left -= min(left, back.quantity_milli)
            if beyond:
                excess += max(-(-back.amount_minor * beyond // back.quantity_milli), 1)
    return excess


def _incident(sale: bytes, backs: Sequence[_Back], amount: int, receipts: Mapping[bytes, Receipt]) -> Incident:
    numbers = {op: receipt.number for op, receipt in receipts.items()}
    facts = dict.fromkeys((back.op, back.store, back.kind) for back in backs)
    refs = [
        {"op": str(UUID(bytes=op)), "store": str(UUID(bytes=store)), "kind": kind, "number": numbers.get(op)}
        for op, store, kind in facts
    ]
    last = backs[-1]
    return Incident(
        id=incident_id(KIND, sale),
        kind=KIND,
        store=UUID(bytes=last.store),
        amount=amount,
        refs=({"op": str(UUID(bytes=sale)), "kind": "sale", "number": numbers.get(sale)}, *refs),
        opened_at=last.effective_at,
    )


def _goods_rows(entry: Accepted) -> Iterator[Row]:
    place = (entry.received_at, entry.effective_at, entry.epoch, entry.seq)
    op, store = entry.op_id.bytes, entry.store.bytes
    body = entry.body
    if isinstance(body, SaleVoided):
        for line in body.lines:
            yield (body.sale.bytes, op, line.line, store, "void", line.quantity_milli, line.quantity_milli, 0, *place)
        return
    kind = "exchange" if isinstance(body, SaleCompleted) else "return"
    for taken in _taken(body):
        sold = taken.elsewhere.sold if taken.elsewhere is not None else {}
        added = taken.elsewhere is not None and taken.elsewhere.tax_mode == "added"
        for back in taken.lines:
            amount = back.net_minor + back.tax_minor if added else back.net_minor
            yield (
                *(taken.sale.bytes, op, back.line, store, kind, back.quantity_milli, sold.get(back.line, 0), amount),
                *place,
            )


def _money_rows(entry: Accepted) -> Iterator[Row]:
    for taken in _taken(entry.body):
        for refund in taken.refunds:
            yield (
                *(taken.sale.bytes, entry.op_id.bytes, refund.settles, entry.store.bytes),
                refund.amount_minor,
            )


def list_undone(body: object) -> list[UUID]:
    """The sales that a fact takes back, in whole or in parts: what they sold has to be known when it is applied."""
    return [body.sale] if isinstance(body, SaleVoided) else [taken.sale for taken in _taken(body)]


def _taken(body: object) -> Sequence[TakenBack]:
    if isinstance(body, ReturnTaken):
        return (body.taken,)
    return body.returned if isinstance(body, SaleCompleted) else ()
