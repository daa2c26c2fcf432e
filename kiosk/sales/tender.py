"""pure: taking money. Split tender, change, cash rounding.

Only what is paid in cash is rounded to the smallest coin, and so is what nobody pays for; change is given from cash
alone:

    total | step | tenders           | rounding | due | change
    ------|------|-------------------|----------|-----|-------
      258 |    1 | cash 300          |        0 | 258 |     42
      258 |    5 | cash 300          |        2 | 260 |     40
      257 |    5 | cash 255          |       -2 | 255 |      0
      258 |    5 | card 258          |        0 | 258 |      0
      258 |    5 | card 200, cash 60 |        2 | 260 |      0
        2 |    5 | none              |       -2 |   0 |      0   no coin can pay it
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct

from loyalty.errors import InvalidInput
from loyalty.rounding import round_cash

CASH, CARD, EXCHANGE = "cash", "card", "exchange"
POINTS, POINTS_DEBT = "points", "points_debt"
BASE_KINDS = frozenset({CASH, CARD})
RESERVED_KINDS = BASE_KINDS | {EXCHANGE, POINTS, POINTS_DEBT, "gift_card"}
"""Kinds with a meaning of their own, which no shop can give to a voucher."""


class Underpaid(InvalidInput):
    """Less was given than is due. Nothing was booked."""

    code, hint = "underpaid", "Take the missing amount, then send the sale again with the same id."


class Overpaid(InvalidInput):
    """More was charged without cash than is due. Nothing was booked."""

    code, hint = "overpaid", "Change is given from cash only: charge the card exactly what is left to pay."


class TenderNotAccepted(InvalidInput):
    """This store does not take that kind of payment."""

    code, hint = "tender_not_accepted", "Choose one of the kinds shown on the payment screen."


class CardNumberGiven(InvalidInput):
    """The reference looks like a card number. Nothing was booked."""

    code, hint = "card_number_given", "Enter the terminal's reference from its slip, never the number of the card."


class WrongTenderDetail(InvalidInput):
    """This kind of payment has no such detail. Nothing was booked."""

    code, hint = "wrong_tender_detail", "Leave the marked field out: a hold pays points, a code pays by gift card."


class Settlement(Struct, frozen=True):
    """What a set of tenders settles. `due_minor` is the total after cash rounding; paid - change = due."""

    rounding_minor: int
    due_minor: int
    paid_minor: int
    change_minor: int


def settle(
    total_minor: int, tenders: Sequence[tuple[str, int]], step_minor: int, accepted: Iterable[str]
) -> Settlement:
    """Settle `total_minor` with (kind, amount) tenders. A total of 0 needs none.

    Raises Underpaid, Overpaid, TenderNotAccepted.
    """
    for index, (kind, _) in enumerate(tenders):
        if kind not in accepted:
            raise TenderNotAccepted(f"{kind} is not accepted here.", pointer=f"/tenders/{index}/kind")
    cash = sum([amount for kind, amount in tenders if kind == CASH])
    exact = sum([amount for kind, amount in tenders if kind != CASH])
    if exact > total_minor:
        raise Overpaid(f"{exact - total_minor} too much without cash.", pointer="/tenders", due_minor=total_minor)
    left = total_minor - exact
    rounding = round_cash(left, step_minor) - left if cash or not tenders else 0
    if cash < left + rounding:
        missing = left + rounding - cash
        due = total_minor + rounding
        raise Underpaid(f"{missing} is missing.", pointer="/tenders", due_minor=due, missing_minor=missing)
    return Settlement(rounding, total_minor + rounding, cash + exact, cash - left - rounding)


def check_detail(kind: str, *, hold: UUID | None, code: str | None, pointer: str) -> None:
    """What a payment brings must count in it: a hold in points, a code in a gift card. Raises WrongTenderDetail."""
    if hold is not None and kind != "points":
        raise WrongTenderDetail(f"{kind} takes no hold.", pointer=f"{pointer}/hold")
    if code is not None and kind != "gift_card":
        raise WrongTenderDetail(f"{kind} takes no code.", pointer=f"{pointer}/code")


def refuse_card_number(reference: str | None, pointer: str) -> None:
    """Keep card numbers out of the journal, where they would stay for ever.

    13 to 19 digits, however they are spaced, whose Luhn sum is right (ISO/IEC 7812-1) are taken for one; a terminal's
    reference that happens to look like that (one in ten of that length) has to be entered without its last digit.
    Raises CardNumberGiven.
    """
    digits = [int(character) for character in (reference or "") if character.isdecimal()]
    others = [character for character in reference or "" if not character.isdecimal() and character not in " -"]
    if others or not 13 <= len(digits) <= 19:
        return
    doubled = [sum(divmod(2 * digit, 10)) if index % 2 else digit for index, digit in enumerate(reversed(digits))]
    if sum(doubled) % 10 == 0:
        raise CardNumberGiven(pointer=pointer)
