"""pure: what offers did to a cart, as data: discounts, uses to count, reasons, near misses. `texts` puts it in words.

>>> reason = Reason(Code.PERCENT_OFF, {"percent": "10"})
>>> Note("WEEKEND", Code.FROM_DAY, {"day": "2026-11-27"}, reason).code.value
'from_day'
"""

import enum
from collections.abc import Mapping

import msgspec


class Code(enum.StrEnum):
    """Everything that can be said about an offer. Facts and answers carry these, never a sentence."""

    # why there is a discount
    PERCENT_OFF = "percent_off"
    AMOUNT_OFF = "amount_off"
    AMOUNT_OFF_EACH = "amount_off_each"
    FIXED_PRICE = "fixed_price"
    CHEAPEST_FREE = "cheapest_free"
    CHEAPEST_PERCENT = "cheapest_percent"
    REWARD_FREE = "reward_free"
    REWARD_PERCENT = "reward_percent"
    SET_PRICE = "set_price"
    STEP_PERCENT = "step_percent"
    STEP_PRICE = "step_price"
    GIFT = "gift"
    # what is missing to one
    MORE_MONEY = "more_money"
    MORE_PIECES = "more_pieces"
    ADD_GIFT = "add_gift"
    WITH_CARD = "with_card"
    WITH_TIER = "with_tier"
    IN_CHANNEL = "in_channel"
    FROM_DAY = "from_day"
    FROM_TIME = "from_time"
    # why a coupon or a limited offer gave nothing
    NO_MATCHING_GOODS = "no_matching_goods"
    BETTER_OFFER = "better_offer"
    LIMIT_REACHED = "limit_reached"
    LIMIT_UNKNOWN = "limit_unknown"
    BUDGET_USED_UP = "budget_used_up"
    NOT_NOW = "not_now"
    NOT_FOR_YOU = "not_for_you"
    ONLY_FIRST_PURCHASE = "only_first_purchase"
    UNKNOWN_OFFER = "unknown_offer"


class Reason(msgspec.Struct, frozen=True):
    """A code and its parameters. Names say the unit: `_minor` is money, `percent` a decimal string, `pieces` a count,
    `day` YYYY-MM-DD, `time` HH:MM; `tiers` and `channels` are joined by commas."""

    code: Code
    parameters: Mapping[str, int | str] = {}


class LineDiscount(msgspec.Struct, frozen=True):
    """What one offer took off one line."""

    line: int
    offer: str
    code: Code
    amount_minor: int


class OfferUse(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that was given: what must be counted against its limits, and why.

    `discount_minor` is all it took off in this sale. `coupon` says that `uses` coupons of it are spent by the sale.
    """

    offer: str
    version: int
    uses: int
    discount_minor: int
    reason: Reason
    coupon: bool


class Consumed(msgspec.Struct, frozen=True):
    """Pieces of a line that a set has used up; no other set can count them again."""

    line: int
    offer: str
    pieces: int


class Note(msgspec.Struct, frozen=True):
    """An offer that gave nothing (or not its most), and the one thing in its way; `reward` says what it would give."""

    offer: str
    code: Code
    parameters: Mapping[str, int | str]
    reward: Reason | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the offers did. Every list has one order, whatever the order of lines and offers was.

    `discounts` by line and then by turn; `uses` and `consumed` by turn; `near_misses` the nearest first, at most
    NEAR_MISSES_SHOWN; `refused`: coupons that gave nothing, and offers whose limit is in the way. `exact` says that no
    other choice among best_of offers saves more; `nodes` is how many steps the search for it took.
    """

    discounts: tuple[LineDiscount, ...] = ()
    uses: tuple[OfferUse, ...] = ()
    consumed: tuple[Consumed, ...] = ()
    near_misses: tuple[Note, ...] = ()
    refused: tuple[Note, ...] = ()
    exact: bool = True
    nodes: int = 0

    @property
    def discount_minor(self) -> int:
        """Everything the offers took off."""
        return sum(use.discount_minor for use in self.uses)


NEAR_MISSES_SHOWN = 10
