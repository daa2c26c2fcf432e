"""sql: baskets set aside and taken up again, on whatever till."""

from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.commands import ParkBasket, QuoteBasket, fingerprint
from kiosk.coupons.coupon_check import look_at_coupons
from kiosk.coupons.typed_codes import NO_TOKENS, Tokens
from kiosk.outcome import Outcome
from kiosk.points.points_service import release_for_basket
from kiosk.sales.reasons import list_reasons, refuse_names
from kiosk.sales.sale_service import quote_basket
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.errors import Conflict, NotFound
from loyalty.ids import derived_uuid
from loyalty.transactions import Row, Tx
from sync.facts.store import BasketClaimed, BasketParked
from sync.http.paging import Page, decode_cursor, encode_cursor, page_of
from sync.journal import find, find_same

_PURPOSE = "parked"


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


def park_basket(
    tx: Tx, shop: Shop, caller: Caller, command: ParkBasket, tokens: Tokens = NO_TOKENS
) -> Outcome[ParkedAnswer]:
    """Set a basket aside; `tokens` are what typed codes of other stores' coupons stand for. What cannot be sold cannot
    be parked. Points on hold for it are let go: nobody knows who will take it up, and when.

    Raises what pricing and coupons raise, ReasonNamesMember, UnknownHold, HoldCaptured.
    """
    request = fingerprint(msgspec.structs.replace(command, label=""))
    known = find_same(tx, command.id, BasketParked, request)
    if known is None:
        # An approval is a secret for one use on one till, a gift card's code is money: they would stand in the journal
        # for ever.
        lines = tuple(msgspec.structs.replace(line, approval=None, gift_card=None) for line in command.lines)
        basket = QuoteBasket(lines=lines, member=command.member, coupons=command.coupons)
        look_at_coupons(tx, shop, caller, command.coupons, command.member, tokens=tokens).refuse_bad()
        quote = quote_basket(tx, shop, caller, basket, tokens=tokens)
        refuse_names(tx, [command.member], list_reasons(lines))
        body = BasketParked(
            request=request,
            till=caller.till,
            basket=msgspec.Raw(msgspec.json.encode(basket)),
            total_minor=quote.totals.due_minor,
            currency=shop.terms.currency,
            member=command.member,
            postings=release_for_basket(tx, shop, caller, command.id, command.member, command.holds),
        )
        shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
        tx.execute("INSERT INTO parked_label (parked, label) VALUES (?, ?)", (command.id.bytes, command.label))
    return Outcome(_read(tx, command.id), replayed=known is not None)


def list_parked(tx: Tx, _: Shop, __: Caller, after: str | None, limit: int) -> Page[ParkedAnswer]:
    """Baskets that nobody has taken up, the oldest first. Raises InvalidCursor."""
    at, parked = decode_cursor(after, _PURPOSE, tuple[int, bytes]) if after else (0, b"")
    rows = tx.execute(
        f"{_SELECT} WHERE basket_claim.parked IS NULL AND (parked_basket.at, id) > (?, ?)"
        " ORDER BY parked_basket.at, id LIMIT ?",
        (at, parked, limit + 1),
    ).fetchall()
    page = page_of(rows, limit, lambda row: encode_cursor((row[4], row[0]), _PURPOSE))
    return Page(tuple(_answer(row) for row in page.items), page.next)


def claim_basket(tx: Tx, shop: Shop, caller: Caller, parked: UUID) -> Outcome[ParkedAnswer]:
    """Take a basket up. The till that has it may ask again. Raises UnknownBasket, BasketTaken."""
    _read(tx, parked)
    claim_id = derived_uuid(parked, "claim")
    known = find(tx, claim_id)
    if known is not None:
        assert isinstance(known.body, BasketClaimed)
        if known.body.till != caller.till:
            raise BasketTaken(f"Till {known.body.till} has it.")
        return Outcome(_read(tx, parked), replayed=True)
    body = BasketClaimed(parked=parked, till=caller.till)
    shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), claim_id, body)
    return Outcome(_read(tx, parked), replayed=False)


def forget_labels_before(tx: Tx, at_ms: int, taken_up_at_ms: int) -> None:
    """Delete the labels of baskets that were parked before a time; of those taken up, before a later one. The label
    outlives the taking up for a while, because a till whose answer got lost asks again and gets the same."""
    tx.execute("DELETE FROM parked_label WHERE parked IN (SELECT id FROM parked_basket WHERE at < ?)", (at_ms,))
    tx.execute(
        "DELETE FROM parked_label WHERE parked IN"
        " (SELECT id FROM parked_basket JOIN basket_claim ON basket_claim.parked = id WHERE parked_basket.at < ?)",
        (taken_up_at_ms,),
    )


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
