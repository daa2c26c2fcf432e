"""pure: an offer as head office writes it down: what it takes off, on which conditions, beside which other offers.

Its JSON is the feed's. A field we do not know makes the whole offer unreadable, on purpose: a shop that skipped a
condition it does not know yet would give the offer to everybody.

    >>> offer = decode_offer(b'''{"format": 1, "id": "DAIRY10", "version": 3, "title": {"en": "Dairy week"},
    ...     "effect": {"kind": "percent", "percent": "10", "goods": {"categories": ["dairy"]}},
    ...     "conditions": {"member_required": true}}''')
    >>> offer.effect.percent, offer.stacking.value, decode_offer(encode_offer(offer)) == offer
    ('10', 'best_of', True)
"""

import datetime as dt
import enum
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from loyalty.errors import InvalidInput
from loyalty.money import AMOUNT_LIMIT_MINOR

_END = r"$(?!\n)"  # `$` alone would let a line break at the very end through
_PRINTABLE = r"^[^\x00-\x1f\x7f]*" + _END
OfferId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[!-~]*" + _END)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=_PRINTABLE)]
Names = Annotated[tuple[Name, ...], Meta(max_length=50_000)]
Title = Annotated[str, Meta(min_length=1, max_length=120, pattern=_PRINTABLE)]
Language = Annotated[str, Meta(min_length=2, max_length=2, pattern=r"^[a-z]*" + _END)]
Percent = Annotated[str, Meta(max_length=6, pattern=r"^(100(\.0{1,2})?|[1-9]?[0-9](\.[0-9]{1,2})?)" + _END)]
Amount = Annotated[int, Meta(ge=1, le=AMOUNT_LIMIT_MINOR)]
Pieces = Annotated[int, Meta(ge=1, le=10_000)]
Count = Annotated[int, Meta(ge=1, le=10**12)]
WallTime = Annotated[dt.time, Meta(tz=False, extra_json_schema={"maxLength": 15})]
Channel = Literal["till", "kiosk", "web"]
WHOLE_PERCENT = 10_000
"""100 percent in the hundredths of a percent that `hundredths` answers."""


class WrongOffer(InvalidInput):
    """This offer cannot be read."""

    code, hint = "wrong_offer", "Update this shop: the offer may have been made by a newer head office."


@lru_cache(maxsize=1024)
def hundredths(percent: str) -> int:
    """A percentage in hundredths of a percent, exact: "12.5" is 1250 of WHOLE_PERCENT."""
    whole, _, decimals = percent.partition(".")
    return int(whole) * 100 + int(decimals.ljust(2, "0"))


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every part of an offer has in common: values only, unknown fields refused, defaults left out of the JSON."""


class Goods(Part, frozen=True):
    """Which goods are meant: the products and categories named, everything where none is; what is excepted never."""

    products: Names = ()
    categories: Names = ()
    except_products: Names = ()
    except_categories: Names = ()

    @property
    def is_everything(self) -> bool:
        return not self.products and not self.categories


class PercentOff(Part, frozen=True, tag="percent", tag_field="kind"):
    """Percent off the goods, together or only off the dearest `at_most_pieces`. Rounded once, half away from zero."""

    percent: Percent
    goods: Goods = Goods()
    at_most_pieces: Pieces | None = None


class AmountOff(Part, frozen=True, tag="amount", tag_field="kind"):
    """An amount off: once off all the goods together, or with `each` off every piece (weighed goods have no pieces)."""

    amount_minor: Amount
    goods: Goods = Goods()
    each: bool = False
    at_most_pieces: Pieces | None = None


class FixedPrice(Part, frozen=True, tag="fixed_price", tag_field="kind"):
    """Another price for 1 piece or 1 kilogram of the goods. It never makes anything dearer."""

    price_minor: Amount
    goods: Goods
    at_most_pieces: Pieces | None = None


class BuyGet(Part, frozen=True, tag="buy_get", tag_field="kind"):
    """Of every `buy` + `get` pieces the cheapest `get` cost `percent` less; "100" makes them free.

    Sets are made from the dearest piece down, which is the best for the shopper. With `reward` the pieces that become
    cheaper are other goods, the dearest of them first; what is in both lists counts as bought.
    """

    buy: Pieces
    get: Pieces
    goods: Goods
    percent: Percent = "100"
    reward: Goods | None = None


class BundlePart(Part, frozen=True):
    """So many pieces of these goods belong into the bundle."""

    goods: Goods
    pieces: Pieces = 1


class Bundle(Part, frozen=True, tag="bundle", tag_field="kind"):
    """Pieces of several goods together for one price. A product that fits two parts belongs to the first of them."""

    parts: Annotated[tuple[BundlePart, ...], Meta(min_length=1, max_length=10)]
    price_minor: Amount


class Step(Part, frozen=True):
    """From so many pieces on, all of them cost percent less, or this price each. One of the two, not both."""

    from_pieces: Pieces
    percent: Percent | None = None
    price_minor: Amount | None = None


class Steps(Part, frozen=True, tag="steps", tag_field="kind"):
    """The more pieces, the cheaper all of them. The highest step reached counts."""

    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=20)]
    goods: Goods


class Gift(Part, frozen=True, tag="gift", tag_field="kind"):
    """Up to `pieces` of the goods are free, once per sale. They must be scanned; they do not count for the minimum."""

    goods: Goods
    pieces: Pieces = 1


Effect = PercentOff | AmountOff | FixedPrice | BuyGet | Bundle | Steps | Gift


class Minimum(Part, frozen=True):
    """The basket must hold so much money, or so many pieces, of the goods. Money counts as it is left to pay when the
    offer's turn comes, so after what other offers have taken off before."""

    amount_minor: Amount | None = None
    pieces: Pieces | None = None
    goods: Goods = Goods()


class Schedule(Part, frozen=True):
    """Days and hours in the shop's local time. Both days count; `until_time` itself does not.

    Weekdays are 1 for Monday to 7 for Sunday, none named means all. Hours may run past midnight (22:00 to 02:00); what
    is after midnight then belongs to the day on which the hours began.
    """

    first_day: dt.date | None = None
    last_day: dt.date | None = None
    weekdays: Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(max_length=7)] = ()
    from_time: WallTime | None = None
    until_time: WallTime | None = None


class Conditions(Part, frozen=True):
    """Who gets the offer, where and when. Of several segments, tiers or channels one is enough."""

    member_required: bool = False
    segments: Names = ()
    tiers: Names = ()
    first_purchase: bool = False
    channels: Annotated[tuple[Channel, ...], Meta(max_length=3)] = ()
    schedule: Schedule | None = None
    minimum: Minimum | None = None


class Limits(Part, frozen=True):
    """How often an offer may be used: in one sale, by one member, in total, and for how much money in total.

    A use is one set of buy_get or bundle, and one sale for every other effect.
    """

    per_sale: Count | None = None
    per_member: Count | None = None
    total: Count | None = None
    budget_minor: Amount | None = None


class Stacking(enum.StrEnum):
    """How an offer behaves beside others; also the order in which offers take their turn.

    exclusive: takes its goods first; they take no other offer.
    best_of:   of all best_of offers each piece takes one, so that the shopper saves most.
    stack:     comes on top, off what is left to pay.
    """

    EXCLUSIVE = "exclusive"
    BEST_OF = "best_of"
    STACK = "stack"


class Offer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offer. A version never changes; a change is a new version. Lower `priority` has its turn earlier.

    `trigger` coupon means: only for whoever shows a coupon of it, once per coupon. `title` is the shop's own text by
    language.
    """

    format: Literal[1]
    id: OfferId
    version: Annotated[int, Meta(ge=1, le=10**9)]
    title: Annotated[dict[Language, Title], Meta(max_length=20)]
    effect: Effect
    trigger: Literal["automatic", "coupon"] = "automatic"
    conditions: Conditions = Conditions()
    stacking: Stacking = Stacking.BEST_OF
    priority: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    limits: Limits = Limits()


_encode = msgspec.json.Encoder(order="deterministic").encode
_decoder = msgspec.json.Decoder(Offer)


def encode_offer(offer: Offer) -> bytes:
    """The offer as JSON; the same offer always gives the same bytes."""
    return _encode(offer)


def decode_offer(text: bytes) -> Offer:
    """The offer a JSON text holds. Raises WrongOffer for anything else, fields unknown to this version included."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise WrongOffer(f"The offer cannot be read: {fault}") from fault
