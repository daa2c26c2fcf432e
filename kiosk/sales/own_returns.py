"""sql: goods of this store's own sales that come back, while the line to head office is up.

    own receipt, line up    | head office keeps the goods for this store before they are taken
    own receipt, line down, | taken back all the same; should they have come back elsewhere meanwhile, head office
    or no answer in time    | sees it later as an incident

Without asking, the goods of one receipt could be taken back here and in another store in the moment before either hears
of the other. The store says what it has heard of returns elsewhere: what is kept or came back there counts already in
its own decision (`count_elsewhere`), goods and money, so head office only has to see that nothing newer is on its way,
and to keep the receipt from all others until the fact is there. Between the tills of one store its own books decide.

A void takes all goods of its sale, so it is asked about in the same way.
"""

from collections.abc import Mapping
from uuid import UUID

from kiosk.commands import CompleteSale, TakeBack
from kiosk.points.link import read_line
from kiosk.sales.refunds import Owed, settle_refunds
from kiosk.sales.reservations import name_reservation
from kiosk.sales.return_service import decide_back, find_returnable, pairs_of, pool_of
from kiosk.sales.returns import ReturnValue, value_return
from kiosk.sales.sale_store import UnknownSale, find_sale, has_returns, read_word
from kiosk.shop import Caller, Shop, need_open_shift
from loyalty.ids import derived_uuid
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.facts.sales import SaleCompleted
from sync.journal import find, read_head
from sync.protocol.commands import ReturnReserveCommand
from sync.protocol.sale_states import name_word


def name_own_return(tx: Tx, shop: Shop, caller: Caller, command: TakeBack) -> list[ReturnReserveCommand]:
    """What head office has to keep for a return of an own receipt; nothing where it is not asked: the line is down, the
    return is booked already, the receipt is nobody's. Raises what looking at the sale, valuing and refunding raise, so
    that nothing is kept for a return that will be refused."""
    if not _is_asked(tx, command.id) or _find(tx, command.sale) is None:
        return []
    sold = find_returnable(tx, shop, caller, command.sale)
    value = value_return(sold, pairs_of(command.lines))
    back = decide_back(tx, shop, caller, sold, value, command.id)
    owed = [Owed(back.owed_minor, back.sold.allowed())]
    settle_refunds(owed, 0, pool_of(command.refunds), shop.terms.cash_rounding_step_minor)
    return [_own_command(tx, shop, command.id, sold.sale, _quantities(value))]


def name_own_exchange(tx: Tx, shop: Shop, caller: Caller, command: CompleteSale) -> list[ReturnReserveCommand]:
    """The same for an exchange, each own sale once. Raises what looking at the sales and valuing raise."""
    if not _is_asked(tx, command.id):
        return []
    by_sale: dict[UUID, list[int]] = {}
    for index, line in enumerate(command.returns):
        sale = _find(tx, line.sale)
        if sale is not None:
            by_sale.setdefault(sale, []).append(index)
    commands = []
    for sale, indexes in by_sale.items():
        pointers = [f"/returns/{index}" for index in indexes]
        sold = find_returnable(tx, shop, caller, str(sale), f"{pointers[0]}/sale")
        value = value_return(sold, pairs_of([command.returns[index] for index in indexes]), pointers)
        commands.append(_own_command(tx, shop, command.id, sale, _quantities(value)))
    return commands


def name_void(tx: Tx, shop: Shop, caller: Caller, sale: UUID) -> list[ReturnReserveCommand]:
    """The same for a void, of all goods of the sale; nothing where it will be refused. Raises NoOpenShift."""
    void_id = derived_uuid(sale, "void")
    entry = find(tx, sale) if _is_asked(tx, void_id) else None
    if entry is None or not isinstance(entry.body, SaleCompleted):
        return []
    body = entry.body
    is_refused = body.till != caller.till or body.shift != need_open_shift(tx, caller.till).id or has_returns(tx, sale)
    lines = {line.line: line.quantity_milli for line in body.lines}
    return [_own_command(tx, shop, void_id, sale, lines)] if lines and not is_refused else []


def _is_asked(tx: Tx, op: UUID) -> bool:
    """Whether head office is asked before the fact `op` is booked."""
    line = read_line(tx)
    return line is not None and line.online and find(tx, op) is None


def _find(tx: Tx, text: str) -> UUID | None:
    try:
        return find_sale(tx, text)
    except UnknownSale:
        return None


def _quantities(value: ReturnValue) -> dict[int, int]:
    return {line.line: line.quantity_milli for line in value.lines}


def _own_command(tx: Tx, shop: Shop, taken: UUID, sale: UUID, lines: Mapping[int, int]) -> ReturnReserveCommand:
    heard, epoch, pairs = name_word(read_word(tx, sale)), shop.journal.epoch, tuple(sorted(lines.items()))
    return ReturnReserveCommand(
        id=name_reservation(tx, taken, f"own return {sale} {pairs} {heard}"),
        taken=taken,
        sale=sale,
        lines=pairs,
        heard=heard,
        epoch=epoch_text(epoch),
        seq=read_head(tx, epoch).seq,
    )
