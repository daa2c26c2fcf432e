"""sql: the end of a reservation writes nothing here: what head office keeps is its own, and no fact of this store."""

from loyalty.transactions import Tx
from sync.journal import Entry


def apply_reservation_ended(_tx: Tx, _entry: Entry) -> None:
    """A reservation was given back. That it was is in the journal, and barred by that (kiosk/sales/reservations.py)."""
