"""edge: applies entries that came back from head office, each inside a savepoint of its own."""

from kiosk.registry import APPLIERS
from loyalty.transactions import Tx
from sync.db import SqliteUnavailable
from sync.journal import Entry

_SAVEPOINT = "came_back"


def apply_or_set_aside(tx: Tx, entry: Entry) -> str | None:
    """Apply an entry; `conflict` where it contradicts what is here, and nothing of it stays then.

    Raises what a disk raises that does not answer: that is no fault of the entry.
    """
    tx.execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        APPLIERS[type(entry.body)](tx, entry)
    except SqliteUnavailable:
        raise
    except Exception:  # noqa: BLE001  whatever the contradiction is, the entry stays and the next one is looked at
        tx.execute(f"ROLLBACK TO {_SAVEPOINT}")
        tx.execute(f"RELEASE {_SAVEPOINT}")
        return "conflict"
    tx.execute(f"RELEASE {_SAVEPOINT}")
    return None
