"""pure: money on gift cards: put on, spent, given back. What stands on a card is owed to whoever holds it."""

from uuid import UUID

from msgspec import Struct


class CardPosted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One movement of one card. `card` is the SHA-256 of its code, never the code; `ending` its last characters.

    `n` counts the movements of the card from 1, `balance_minor` is what stands on it after this one and never below 0.
    kind: activate (sold, n = 1 or empty before), redeem (paid with), refund (a payment comes back), cancel (what was
    sold comes back). `amount_minor` has the sign of its effect, `line` is the sold line of an activate or cancel;
    `paid_for` is the sale that a refund counts against: an earlier one, where its credit was exchanged.

    Of a card that was ever moved under a reservation of head office (`reserved`), `elsewhere` is true from then on:
    other stores may move it too, so `balance_minor` is only what this store did to it, and may be below 0.
    """

    card: str
    ending: str
    n: int
    kind: str
    amount_minor: int
    balance_minor: int
    line: int | None = None
    paid_for: UUID | None = None
    reserved: UUID | None = None
    elsewhere: bool = False
