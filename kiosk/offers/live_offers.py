"""pure: what is offered to one shopper now, as pricing takes it: the live offers and what they may know of the sale."""

from collections.abc import Mapping

from msgspec import Struct

from loyalty.offers.book import OfferBook
from loyalty.offers.context import OfferContext


class LiveOffers(Struct, frozen=True, kw_only=True):
    """The book with what has to be read for it: `limited` and `limited_by_member` are the ids of offers whose uses are
    counted in all and by member, as JSON lists, "" for none; `live_since` is by id, in milliseconds since 1970 UTC."""

    book: OfferBook
    live_since: Mapping[str, int]
    limited: str
    limited_by_member: str
    asks_first_purchase: bool
    asks_tier: bool = False
    asks_segments: bool = False


class Offered(Struct, frozen=True, kw_only=True):
    """The offers to price with. Without a context there are none. `language` is the one their reasons are told in."""

    live: LiveOffers
    context: OfferContext | None = None
    language: str = ""


class MemberOffer(Struct, frozen=True, kw_only=True):
    """An offer that a member may get, in the member's language. `valid_until` (RFC 3339) is null for one without an
    end; `coupon`: it needs a coupon, which can be issued."""

    offer: str
    title: str
    terms: str
    valid_until: str | None
    coupon: bool


NONE_LIVE = LiveOffers(book=OfferBook(()), live_since={}, limited="", limited_by_member="", asks_first_purchase=False)
NOTHING = Offered(live=NONE_LIVE)
