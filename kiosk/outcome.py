"""pure: what every command that books comes to: an answer, and whether it is that of an earlier delivery.

outcome = complete_sale(tx, shop, caller, command)
outcome.answer.number, outcome.replayed      # kiosk/web turns the second into status and header
"""

from typing import Generic, TypeVar

from msgspec import Struct

AnswerT = TypeVar("AnswerT")


class Outcome(Struct, Generic[AnswerT], frozen=True):
    """An answer, and whether it is that of an earlier delivery of the same command."""

    answer: AnswerT
    replayed: bool
