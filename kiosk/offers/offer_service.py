"""sql: offers made, changed, ended and shown. A change is a new version; what was sold keeps the one it was sold at.

    answer, is_new = put_offer(tx, shop, caller, op_id, "DAIRY10", request, if_match)

An offer is in force for the next price that is asked for after the commit. Whoever was shown another total before is
told: the sale's `quote_due_minor` no longer fits (kiosk/sales/sale.py, PriceChanged).
"""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from kiosk.bundles.managed import check_may_end, check_own
from kiosk.offers.offer_store import (
    OfferRow,
    Used,
    count_live_offers,
    id_list,
    read_given,
    read_offer,
    read_offer_book,
    read_offers,
)
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.errors import Conflict, InvalidInput, NotFound
from loyalty.offers.offer import Offer, encode_offer
from loyalty.offers.request import OfferRequest, make_offer
from loyalty.offers.validation import OfferFault
from loyalty.transactions import Tx
from sync.bundle_values import OFFER
from sync.facts.offers import OfferChanged
from sync.http.etag import require_match, strong_etag
from sync.http.paging import Page, decode_cursor, encode_cursor, page_of
from sync.http.problems import FieldError, PreconditionFailed

LIVE_MAX = 1000
_ID_MAX = 64
_PURPOSE = "offers"
OfferState = Literal["live", "ended", "all"]
_LIVE: dict[OfferState, bool | None] = {"live": True, "ended": False, "all": None}


class OfferMissing(NotFound):
    """There is no such offer."""

    code, hint = "offer_not_found", "Look at the list of offers, the ended ones too."


class OfferRefused(InvalidInput):
    """Nobody could explain this offer to a shopper."""

    code, hint = "offer_refused", "Mend what is listed and save it again."

    def __init__(self, faults: Sequence[OfferFault]) -> None:
        """Names every fault, each with its code, so that the offer is mended in one go."""
        super().__init__(faults[0].message, faults=[{"pointer": each.pointer, "code": each.code} for each in faults])
        self.errors = tuple(FieldError(each.pointer, each.message) for each in faults)


class TooManyOffers(Conflict):
    """There are as many offers as a till can weigh up in time."""

    code, hint = "too_many_offers", "End offers that nobody needs any more."


class OfferAnswer(OfferRequest, frozen=True, kw_only=True):
    """An offer as it is, and what it has given so far, whatever its version was."""

    id: str
    version: int
    state: Literal["live", "ended"]
    revision: str
    uses: int
    discount_minor: int


def put_offer(
    tx: Tx, shop: Shop, caller: Caller, op_id: UUID, offer_id: str, request: OfferRequest, if_match: str | None
) -> tuple[OfferAnswer, bool]:
    """Make or change an offer; True when it is new. An ended one is live again, with its uses still counted. The same
    once more writes nothing.

    Raises OfferRefused, TooManyOffers, PreconditionRequired, PreconditionFailed, ManagedByHeadOffice.
    """
    check_own(tx, OFFER)
    present = read_offer(tx, offer_id)
    _require_match(present, if_match)
    version = present.offer.version + 1 if present else 1
    offer = _make_offer(offer_id, version, request)
    if present is not None and present.live and msgspec.structs.replace(present.offer, version=version) == offer:
        return _answer(tx, present), False
    if (present is None or not present.live) and count_live_offers(tx) >= LIVE_MAX:
        raise TooManyOffers(f"{LIVE_MAX} offers are live.")
    live_since = present.live_since if present is not None and present.live else caller.now_ms
    _record(tx, shop, caller, op_id, offer, live_since, live=True)
    return show_offer(tx, shop, caller, offer_id), present is None


def end_offer(tx: Tx, shop: Shop, caller: Caller, op_id: UUID, offer_id: str, if_match: str | None) -> OfferAnswer:
    """End an offer: from now on no sale gets it. Ending it again answers the same.

    Raises OfferMissing, PreconditionRequired, PreconditionFailed, ManagedByHeadOffice.
    """
    present = read_offer(tx, offer_id)
    if present is None:
        raise OfferMissing(offer_id[:_ID_MAX])
    check_may_end(tx, OFFER, offer_id)
    if not present.live:
        return _answer(tx, present)
    _require_match(present, if_match)
    offer = msgspec.structs.replace(present.offer, version=present.offer.version + 1)
    _record(tx, shop, caller, op_id, offer, present.live_since, live=False)
    return show_offer(tx, shop, caller, offer_id)


def show_offer(tx: Tx, _shop: Shop, _caller: Caller, offer_id: str) -> OfferAnswer:
    """One offer. Raises OfferMissing."""
    row = read_offer(tx, offer_id)
    if row is None:
        raise OfferMissing(offer_id[:_ID_MAX])
    return _answer(tx, row)


def list_offers(
    tx: Tx, _shop: Shop, _caller: Caller, state: OfferState, after: str | None, limit: int
) -> Page[OfferAnswer]:
    """Offers by id. Raises InvalidCursor."""
    purpose = f"{_PURPOSE} {state}"
    (last,) = decode_cursor(after, purpose, tuple[str]) if after else ("",)
    rows = read_offers(tx, last, limit + 1, _LIVE[state])
    page = page_of(rows, limit, lambda row: encode_cursor((row.offer.id,), purpose))
    used = read_given(tx, id_list([row.offer.id for row in page.items]))
    return Page(tuple(_render(row, used.get(row.offer.id, Used())) for row in page.items), page.next)


def etag_of(offer: OfferAnswer) -> str:
    """The version of an offer; its uses, which move with every sale, are no part of it."""
    return strong_etag(offer.revision)


def _require_match(present: OfferRow | None, if_match: str | None) -> None:
    if present is not None:
        require_match(if_match, strong_etag(present.revision))
    elif if_match is not None:
        raise PreconditionFailed


def _make_offer(offer_id: str, version: int, request: OfferRequest) -> Offer:
    """The offer, if anybody could explain it. Raises OfferRefused; also for an id that is none."""
    made = make_offer(offer_id, version, request)
    if made.offer is None:
        raise OfferRefused(made.faults)
    return made.offer


def _record(tx: Tx, shop: Shop, caller: Caller, op_id: UUID, offer: Offer, live_since: int, *, live: bool) -> None:
    body = OfferChanged(
        offer=offer.id,
        version=offer.version,
        book=read_offer_book(tx) + 1,
        live=live,
        live_since=live_since,
        definition=msgspec.Raw(encode_offer(offer)),
    )
    shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), op_id, body)


def _answer(tx: Tx, row: OfferRow) -> OfferAnswer:
    return _render(row, read_given(tx, id_list([row.offer.id])).get(row.offer.id, Used()))


def _render(row: OfferRow, used: Used) -> OfferAnswer:
    offer = row.offer
    return OfferAnswer(
        id=offer.id,
        version=offer.version,
        state="live" if row.live else "ended",
        revision=row.revision,
        title=offer.title,
        effect=offer.effect,
        trigger=offer.trigger,
        conditions=offer.conditions,
        stacking=offer.stacking,
        priority=offer.priority,
        limits=offer.limits,
        uses=used.uses,
        discount_minor=used.discount_minor,
    )
