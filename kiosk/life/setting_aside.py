"""edge: applies entries that came back from head office, each inside a savepoint of its own."""

import logging

from kiosk.registry import APPLIERS
from loyalty.transactions import Tx
from sync.db import SqliteUnavailable
from sync.journal import Entry

logger = logging.getLogger(__name__)
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
    except Exception as error:  # noqa: BLE001  whatever the contradiction is, the entry stays and the next is looked at
        # The proof and the doctor count it; here a developer can see a fault of ours among the contradictions.
        fields = {"seq": entry.seq, "kind": entry.kind, "error": type(error).__name__}
        logger.warning("an entry that came back was set aside", extra={"fields": fields})
        tx.execute(f"ROLLBACK TO {_SAVEPOINT}")
        tx.execute(f"RELEASE {_SAVEPOINT}")
        return "conflict"
    tx.execute(f"RELEASE {_SAVEPOINT}")
    return None
