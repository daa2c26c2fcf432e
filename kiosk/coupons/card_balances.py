"""sql: movements of gift cards whose balance does not follow from the movement before.

    list(find_wrong_balances(tx))       # sentences; none when every balance is what moved the card

Two histories of one disk may both have moved a card: one lost, and come back from head office, the other booked here
meanwhile. Of the first what contradicts the second is set aside (kiosk/life/setting_aside.py), such as the sale of the
card, for its receipt's number was given to somebody else; what was paid with the card under another number counts. So
a movement may follow one that has no effect here, exactly as that one's entry says.
"""

from collections.abc import Iterator

from loyalty.transactions import Tx
from sync.facts.card_movements import list_movements
from sync.set_aside import read_set_aside

_SENTENCE = "the balance of the gift card ending in {} after movement {} is not what moved it"
_UNEXPLAINED = """
SELECT card, ending, n, balance_minor - amount_minor FROM gift_card_posting AS posting
WHERE CASE n WHEN 1 THEN balance_minor <> amount_minor ELSE NOT EXISTS (
    SELECT 1 FROM gift_card_posting AS before WHERE before.card = posting.card AND before.n = posting.n - 1
    AND before.balance_minor + posting.amount_minor = posting.balance_minor
) END ORDER BY card, n
"""
_MOVE_CARDS = ("sale.completed", "sale.voided", "return.taken")


def find_wrong_balances(tx: Tx) -> Iterator[str]:
    """A sentence for each movement that nothing explains."""
    found = tx.execute(_UNEXPLAINED).fetchall()
    if not found:  # nearly every shop ends here: nothing of it ever came back, and no entry needs to be decoded
        return
    kept = {
        (bytes.fromhex(posted.card), posted.n, posted.balance_minor)
        for body in read_set_aside(tx, *_MOVE_CARDS)
        for _, posted in list_movements(body)
    }
    for card, ending, n, before_minor in found:
        if n == 1 or (card, n - 1, before_minor) not in kept:
            yield _SENTENCE.format(ending, n)
