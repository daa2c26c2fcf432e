"""sql: makes accounts anew some at a time, after very much was told at once: a snapshot, or a bucket read anew.

    let_all_wait(tx)                  # in the transaction that writes what was told
    while make_some(tx): …            # each in a transaction of its own, so that sales come in between

What waits is noted in the database, so a cut goes on where it ended (kiosk/life/upkeep.py). Meanwhile:

- an account that waits is what was told before, with all that was posted here: as old as it was a moment ago. What is
  posted to it meanwhile is booked on that, and is not lost when its turn comes, because it is made of all postings;
- nothing is acknowledged (kiosk/life/head_office.py), so what was spent without a line still counts as spent;
- the proof leaves these rows out, because they are not what the feed says now.
"""

from kiosk.life.link_notes import note, read_note
from kiosk.points.told_accounts import WAITING, list_told
from loyalty.apply_points import refold
from loyalty.transactions import Tx

AT_ONCE = 25
"""Each takes well below a millisecond, so a sale waits behind them no longer than behind some other sales."""
_NEXT = "SELECT member FROM account WHERE member > ? ORDER BY member LIMIT ?"


def let_all_wait(tx: Tx) -> None:
    """All accounts that have rows are to be made anew."""
    note(tx, WAITING, "")


def make_some(tx: Tx, limit: int = AT_ONCE) -> bool:
    """Make up to `limit` of them anew; whether more may wait."""
    after = read_note(tx, WAITING)
    if after is None:
        return False
    rows = tx.execute(_NEXT, (bytes.fromhex(after), limit)).fetchall()
    for (account,) in rows:
        refold(tx, account, list_told)
    note(tx, WAITING, rows[-1][0].hex() if len(rows) == limit else None)
    return len(rows) == limit


def make_all(tx: Tx) -> None:
    """Make all of them anew at once, whatever waits: for tables that are made anew as a whole."""
    let_all_wait(tx)
    while make_some(tx):
        pass
