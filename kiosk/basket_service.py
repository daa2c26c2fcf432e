"""sql: baskets set aside and taken up again, on whatever till."""

from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.business_day import utc_text
from kiosk.commands import ParkBasket, QuoteBasket, fingerprint
from kiosk.sale_service import quote_basket
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.errors import Conflict, NotFound
from loyalty.ids import derived_uuid
from loyalty.transactions import Row, Tx
from sync.facts.store import BasketClaimed, BasketParked
from sync.journal import find, find_same


class UnknownBasket(NotFound):
    """There is no such parked basket."""

    code, hint = "unknown_basket", "Look at the list of parked baskets."


class BasketTaken(Conflict):
    """Another till has taken up this basket."""

    code, hint = "basket_taken", "Look at the list again; the other till has it."


class ParkedAnswer(Struct, frozen=True, kw_only=True):
    """A basket set aside. `basket` is what the till sent, without approvals, to be sent again as it is."""

    id: UUID
    label: str
    till: str
    operator: str | None
    at: str
    member: UUID | None
    total_minor: int
    basket: msgspec.Raw
    claimed_by: str | None = None


def park_basket(tx: Tx, shop: Shop, caller: Caller, command: ParkBasket) -> tuple[ParkedAnswer, bool]:
    """Set a basket aside. Raises what pricing raises: what cannot be sold cannot be parked."""
    request = fingerprint(msgspec.structs.replace(command, label=""))
    known = find_same(tx, command.id, BasketParked, request)
    if known is None:
        # An approval is a secret for one use on one till; it would stand in the journal for ever.
        lines = tuple(msgspec.structs.replace(line, approval=None) for line in command.lines)
        basket = QuoteBasket(lines=lines, member=command.member, coupons=command.coupons)
        quote = quote_basket(tx, shop, caller, basket)
        body = BasketParked(
            request=request,
            till=caller.till,
            basket=msgspec.Raw(msgspec.json.encode(basket)),
            total_minor=quote.totals.due_minor,
            currency=shop.terms.currency,
            member=command.member,
        )
        shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
        tx.execute("INSERT INTO parked_label (parked, label) VALUES (?, ?)", (command.id.bytes, command.label))
    return _read(tx, command.id), known is not None


def list_parked(tx: Tx, _: Shop, __: Caller) -> list[ParkedAnswer]:
    """Baskets that nobody has taken up, the oldest first."""
    rows = tx.execute(f"{_SELECT} WHERE basket_claim.parked IS NULL ORDER BY parked_basket.at LIMIT 200")
    return [_answer(row) for row in rows]


def claim_basket(tx: Tx, shop: Shop, caller: Caller, parked: UUID) -> tuple[ParkedAnswer, bool]:
    """Take a basket up. The till that has it may ask again. Raises UnknownBasket, BasketTaken."""
    _read(tx, parked)
    claim_id = derived_uuid(parked, "claim")
    known = find(tx, claim_id)
    if known is not None:
        assert isinstance(known.body, BasketClaimed)
        if known.body.till != caller.till:
            raise BasketTaken(f"Till {known.body.till} has it.")
        return _read(tx, parked), True
    body = BasketClaimed(parked=parked, till=caller.till)
    shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), claim_id, body)
    tx.execute("DELETE FROM parked_label WHERE parked = ?", (parked.bytes,))
    return _read(tx, parked), False


def forget_labels_before(tx: Tx, at_ms: int) -> None:
    """Delete the labels of baskets that were parked before a time and never taken up."""
    tx.execute("DELETE FROM parked_label WHERE parked IN (SELECT id FROM parked_basket WHERE at < ?)", (at_ms,))


def forget_labels_of(tx: Tx, member: UUID) -> None:
    """Delete the labels of a member's parked baskets; they often are the name."""
    tx.execute(
        "DELETE FROM parked_label WHERE parked IN (SELECT id FROM parked_basket WHERE member = ?)", (member.bytes,)
    )


_SELECT = (
    "SELECT id, coalesce(label, ''), parked_basket.till, operator, parked_basket.at, member, total_minor, basket,"
    " basket_claim.till FROM parked_basket LEFT JOIN parked_label ON parked_label.parked = id"
    " LEFT JOIN basket_claim ON basket_claim.parked = parked_basket.id"
)


def _read(tx: Tx, parked: UUID) -> ParkedAnswer:
    row = tx.execute(f"{_SELECT} WHERE id = ?", (parked.bytes,)).fetchone()
    if row is None:
        raise UnknownBasket
    return _answer(row)


def _answer(row: Row) -> ParkedAnswer:
    return ParkedAnswer(
        id=UUID(bytes=row[0]),
        label=row[1],
        till=row[2],
        operator=row[3],
        at=utc_text(row[4]),
        member=UUID(bytes=row[5]) if row[5] else None,
        total_minor=row[6],
        basket=msgspec.Raw(row[7].encode()),
        claimed_by=row[8],
    )
