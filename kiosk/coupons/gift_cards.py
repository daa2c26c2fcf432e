"""pure: money on gift cards. What a card is sold for stands on it; it pays at most that; refunds go back on it.

    purse = Purse({card: CardState(...)})            # the cards of one transaction, as they are
    purse.activate(card, "0042", 5000, line=1)        # sold for 50.00
    purse.redeem(card, 1999)                          # pays 19.99
    purse.posted                                      # the movements, in order, each with the balance it leaves

A card's code is money: it is kept as a SHA-256 only, and shown by its last characters. Selling a card earns no points
and takes no offer, for what it buys later does.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from loyalty.errors import Conflict, InvalidInput
from sync.facts.gift_cards import CardPosted

GIFT_CARD = "gift_card"
_DOMAIN = b"counterfoil/gift-card/v1\0"
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—−.]+")
_CODE = re.compile(r"[0-9A-Z]{10,64}")
_ENDING = 4


class WrongGiftCardCode(InvalidInput):
    """This is not the code of a gift card."""

    code, hint = "wrong_gift_card_code", "Scan the card, or type at least its ten letters and digits."


class UnknownGiftCard(InvalidInput):
    """This gift card is not known."""

    code, hint = "unknown_gift_card", "Look at the number again; it stands on the card."


class GiftCardActive(Conflict):
    """There is money on this gift card already."""

    code, hint = "gift_card_active", "Take another card from the rack."


class GiftCardShort(Conflict):
    """There is not enough on this gift card. Nothing was booked."""

    code, hint = "gift_card_short", "Take what is on it, and the rest in another way."


class GiftCardSpent(Conflict):
    """Part of this gift card is spent: it cannot come back."""

    code, hint = "gift_card_spent", "Take back what was bought with it first."


class GiftCardNeedsLine(Conflict):
    """Head office cannot be asked now what is on this gift card."""

    code, hint = "gift_card_needs_line", "Take another way of paying; the card is good as soon as the line is back."


class GiftCardNeeded(InvalidInput):
    """Which gift card is sold?"""

    code, hint = "gift_card_needed", "Scan the card that is sold, one piece a line and without a discount."


class NoGiftCard(InvalidInput):
    """This article is no gift card."""

    code, hint = "no_gift_card", "Leave the card's code out, or choose the article for gift cards."


class CardState(Struct, frozen=True, kw_only=True):
    """A card as it is: how many movements it had here, and what stands on it. n = 0: none. `elsewhere`: other stores
    may move it too, so what stands on it is only what this store did."""

    n: int = 0
    ending: str = ""
    balance_minor: int = 0
    elsewhere: bool = False


class KeptCard(NamedTuple):
    """Money of a card that head office keeps for one fact of this store: `amount_minor` of what was free on it."""

    reservation: UUID
    ending: str
    amount_minor: int


class Paid(NamedTuple):
    """What a card paid of a sale and was not given back yet."""

    sale: UUID
    card: str
    amount_minor: int


class Purse:
    """The cards that one fact moves. Each decision sees the ones before it, so a card may come twice."""

    def __init__(self, cards: Mapping[str, CardState], kept: Mapping[str, KeptCard] | None = None) -> None:
        """`kept` is what head office keeps of these cards for this fact; None where this store is its own authority.
        With one, nothing is taken off a card but what is kept."""
        self._cards = dict(cards)
        self._kept = kept
        self._left = {card: each.amount_minor for card, each in kept.items()} if kept is not None else {}
        self.posted: list[CardPosted] = []

    def activate(self, card: str, ending: str, amount_minor: int, line: int, pointer: str | None = None) -> None:
        """Put on a card what it is sold for. Raises GiftCardActive, GiftCardNeeded for a card sold for nothing."""
        state = self._cards.get(card, CardState())
        if state.balance_minor:
            raise GiftCardActive(f"Card {ending}.", pointer=pointer)
        if amount_minor <= 0:
            raise GiftCardNeeded("A card cannot be sold for nothing.", pointer=pointer)
        self._post(card, ending, "activate", amount_minor, line)

    def redeem(self, card: str, amount_minor: int, pointer: str | None = None) -> str:
        """Pay with a card; answers its ending. Raises UnknownGiftCard, GiftCardShort with what is on it,
        GiftCardNeedsLine."""
        if self._kept is not None:
            ending = self._take_kept(card, amount_minor, pointer)
            self._post(card, ending, "redeem", -amount_minor, kept=True)
            return ending
        state = self._known(card, pointer)
        if amount_minor > state.balance_minor:
            detail = f"{state.balance_minor} is on card {state.ending}."
            raise GiftCardShort(detail, pointer=pointer, balance_minor=state.balance_minor)
        self._post(card, state.ending, "redeem", -amount_minor)
        return state.ending

    def refund(self, card: str, amount_minor: int, paid_for: UUID) -> None:
        """Give back to a card what it had paid for a sale."""
        self._post(card, self._known(card, None).ending, "refund", amount_minor, paid_for=paid_for)

    def cancel(self, card: str, amount_minor: int, line: int | None, pointer: str | None = None) -> None:
        """Take a sold card back for what it was sold for. Raises GiftCardSpent where that is not on it any more."""
        state = self._known(card, pointer)
        if self._kept is not None:
            self._take_kept(card, amount_minor, pointer)
            self._post(card, state.ending, "cancel", -amount_minor, line, kept=True)
            return
        if amount_minor > state.balance_minor:
            raise GiftCardSpent(f"Card {state.ending}.", pointer=pointer)
        self._post(card, state.ending, "cancel", -amount_minor, line)

    def _take_kept(self, card: str, amount_minor: int, pointer: str | None) -> str:
        """Use up what is kept of a card; its ending. Raises GiftCardNeedsLine."""
        kept = self._kept.get(card) if self._kept is not None else None
        if kept is None or self._left[card] < amount_minor:
            raise GiftCardNeedsLine(pointer=pointer)
        self._left[card] -= amount_minor
        return kept.ending

    def _known(self, card: str, pointer: str | None) -> CardState:
        state = self._cards.get(card)
        if state is None or not state.n:
            raise UnknownGiftCard(pointer=pointer)
        return state

    def _post(
        self,
        card: str,
        ending: str,
        kind: str,
        amount_minor: int,
        line: int | None = None,
        paid_for: UUID | None = None,
        *,
        kept: bool = False,
    ) -> None:
        before = self._cards.get(card, CardState())
        after = CardState(
            n=before.n + 1,
            ending=ending,
            balance_minor=before.balance_minor + amount_minor,
            elsewhere=before.elsewhere or kept,
        )
        self._cards[card] = after
        self.posted.append(
            CardPosted(
                card=card,
                ending=ending,
                n=after.n,
                kind=kind,
                amount_minor=amount_minor,
                balance_minor=after.balance_minor,
                line=line,
                paid_for=paid_for,
                reserved=self._kept[card].reservation if kept and self._kept is not None else None,
                elsewhere=after.elsewhere,
            )
        )


def read_card_code(text: str, pointer: str | None = None) -> tuple[str, str]:
    """(hash, ending) of a scanned or typed code. Capitals, spaces and dashes do not matter.

    Raises WrongGiftCardCode.
    """
    compact = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    if _CODE.fullmatch(compact) is None:
        raise WrongGiftCardCode(pointer=pointer)
    return hashlib.sha256(_DOMAIN + compact.encode()).hexdigest(), compact[-_ENDING:]


def spread_refund(paid: Sequence[Paid], amount_minor: int) -> list[Paid]:
    """A refund over what cards paid, in its order, each at most what it paid and was not given back yet.

    The kinds were settled before (kiosk/sales/refunds.py), so what is left over is a fault. Raises ValueError then.
    """
    spread = []
    left = amount_minor
    for each in paid:
        part = min(left, each.amount_minor)
        if part > 0:
            spread.append(each._replace(amount_minor=part))
            left -= part
    if left:
        raise ValueError(f"{left} more than the cards paid")
    return spread
