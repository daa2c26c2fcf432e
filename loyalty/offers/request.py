"""pure: an offer as somebody asks for it, in a shop or at head office, and the offer made of it if it can be explained.

>>> from loyalty.offers.offer import PercentOff
>>> asked = OfferRequest(title={"en": "Dairy week"}, effect=PercentOff(percent="0"))
>>> [fault.code for fault in make_offer("DAIRY10", 3, asked).faults]
['no_discount']
"""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from loyalty.offers.offer import Conditions, Effect, Language, Limits, Offer, OfferId, Stacking, Title
from loyalty.offers.validation import OfferFault, validate_offer
from loyalty.rewards import PREFIX

_ID_MAX = 64


class OfferRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PUT /v1/offers/{id}: the offer as it shall be. The id is the path's, versions are counted by whoever keeps it."""

    title: Annotated[dict[Language, Title], Meta(max_length=20)]
    effect: Effect
    format: Literal[1] = 1
    trigger: Literal["automatic", "coupon"] = "automatic"
    conditions: Conditions = Conditions()
    stacking: Stacking = Stacking.BEST_OF
    priority: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    limits: Limits = Limits()


class MadeOffer(NamedTuple):
    """An offer, or everything that is wrong with it."""

    offer: Offer | None
    faults: list[OfferFault]


def make_offer(offer_id: str, version: int, request: OfferRequest) -> MadeOffer:
    """The offer, if anybody could explain it to a shopper; also refused for an id that is none."""
    try:
        msgspec.convert(offer_id, OfferId)
    except msgspec.ValidationError:
        message = f"An offer's id is 1 to {_ID_MAX} letters, digits and signs without blanks."
        return MadeOffer(None, [OfferFault("/id", "wrong_id", message)])
    if offer_id.startswith(PREFIX):  # its uses would be counted together with those of the reward
        return MadeOffer(None, [OfferFault("/id", "wrong_id", f"An id that begins with {PREFIX} is a reward's own.")])
    values = {field: getattr(request, field) for field in request.__struct_fields__}
    offer = Offer(id=offer_id, version=version, **values)
    faults = validate_offer(offer)
    return MadeOffer(None if faults else offer, faults)
