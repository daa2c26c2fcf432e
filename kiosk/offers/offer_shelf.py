"""sql: the live offers made ready for pricing, kept from sale to sale as long as no offer changes.

Making a book of 500 offers takes some milliseconds, a sale has one. So the newest books are kept, each under the mark
that was read in the very transaction that prices (offer_store.Mark): a book made in a transaction that was rolled back
is never found again by what was written instead of it.
"""

from kiosk.offers.live_offers import NONE_LIVE, LiveOffers
from kiosk.offers.offer_store import Mark, id_list, read_live_offers
from loyalty.offers.book import OfferBook
from loyalty.transactions import Tx

_KEPT = 4


class OfferShelf:
    """The newest books by mark. Readers and the writer use it at once; each only puts what its mark stands for."""

    def __init__(self) -> None:
        self._books: dict[Mark, LiveOffers] = {}

    def find(self, tx: Tx, mark: Mark | None) -> LiveOffers:
        """The live offers in `tx`, where `mark` was read."""
        if mark is None:
            return NONE_LIVE
        known = self._books.get(mark)
        if known is None:
            known = read_shelf(tx)
            # A new dictionary in place of the old one: another thread may be reading that.
            self._books = dict([*self._books.items(), (mark, known)][-_KEPT:])
        return known


def read_shelf(tx: Tx) -> LiveOffers:
    """The live offers of a transaction, made ready."""
    rows = read_live_offers(tx)
    offers = [row.offer for row in rows]
    limited = [each.id for each in offers if each.limits.total is not None or each.limits.budget_minor is not None]
    by_member = [each.id for each in offers if each.limits.per_member is not None]
    return LiveOffers(
        book=OfferBook(offers),
        live_since={row.offer.id: row.live_since for row in rows},
        limited=id_list(limited) if limited else "",
        limited_by_member=id_list(by_member) if by_member else "",
        asks_first_purchase=any(each.conditions.first_purchase for each in offers),
        asks_tier=any(each.conditions.tiers for each in offers),
        asks_segments=any(each.conditions.segments for each in offers),
    )
