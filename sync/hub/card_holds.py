"""sql: keeps money of a gift card for one sale: whatever stores do at once, never more is kept than is on it."""

from uuid import UUID

import msgspec

from loyalty.transactions import Tx
from sync.hub.credits import card_withheld
from sync.hub.feed_store import put_many
from sync.hub.problems import CardNotKnown, CardShort
from sync.hub.reserving import Limits, check_may_reserve, find_reservation, keep, lock_subject, reserved_by_others
from sync.protocol.commands import GiftCardCommand, ReservedAnswer

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ReservedAnswer).decode


def reserve_card(
    tx: Tx, store: UUID, command: GiftCardCommand, limits: Limits, credit_max: int, now_ms: int
) -> tuple[ReservedAnswer, bool]:
    """Keep money of a card, and whether this is new; the same command again gets the same answer. The store's row is
    locked.

    What is on a card follows from the facts that were applied; what is kept for others is not free. A store whose fact
    is on its way has it kept until that fact is applied, in the same transaction that lowers what is on the card. What
    a store put on it on a day when it gave more than `credit_max` is kept for nobody (credits.py).

    Raises IdConflict, ReservationOver, NotYetApplied, LendingClosed, TooMuchReserved, CardNotKnown, CardShort.
    """
    known = find_reservation(tx, store, command)
    if known is not None:
        return _decode(known), False
    check_may_reserve(tx, store, command, limits, now_ms)
    subject = b"card " + bytes.fromhex(command.card)
    lock_subject(tx, subject)
    kept = reserved_by_others(tx, subject, command.op, limits, now_ms)
    row = tx.execute(
        "SELECT ending, balance_minor FROM card_balance WHERE card = ? AND currency = ?",
        (bytes.fromhex(command.card), command.currency),
    ).fetchone()
    if row is None:
        raise CardNotKnown
    withheld = card_withheld(tx, bytes.fromhex(command.card), credit_max)
    free = max(row[1] - withheld - sum(each.amount for each in kept), 0)
    if command.amount_minor > free:
        raise CardShort(balance_minor=free)
    answer = ReservedAnswer(reservation=command.id, ending=row[0], balance_minor=free)
    if command.amount_minor:
        parts = {0: command.amount_minor}
        put_many(tx, [keep(tx, store, command, subject, parts, _encode(answer), now_ms)], now_ms)
    return answer, True
