"""edge: applies entries that came back from head office, each inside a savepoint of its own."""

import logging
from uuid import UUID

from kiosk.registry import APPLIERS
from kiosk.sales.return_rules import breaks_rule
from loyalty.transactions import Tx
from sync.db import SqliteUnavailable
from sync.facts import Body
from sync.facts.returns import ReturnTaken
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.journal import Entry

logger = logging.getLogger(__name__)
_SAVEPOINT = "came_back"


class _BroughtBackTwice(Exception):
    """What an entry takes back was taken back here meanwhile."""


def apply_or_set_aside(tx: Tx, entry: Entry) -> str | None:
    """Apply an entry; `conflict` where it contradicts what is here, and nothing of it stays then. Goods that came back
    in both histories contradict each other too, though no key of a table says so: both were paid for, and head office
    has the incident.

    Raises what a disk raises that does not answer: that is no fault of the entry.
    """
    tx.execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        APPLIERS[type(entry.body)](tx, entry)
        _check_undone(tx, entry.body)
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


def _check_undone(tx: Tx, body: Body) -> None:
    """Raises _BroughtBackTwice."""
    if any(breaks_rule(tx, sale) for sale in _undone(body)):
        raise _BroughtBackTwice


def _undone(body: Body) -> list[UUID]:
    """The sales that a fact takes back, in whole or in parts."""
    match body:
        case SaleCompleted():
            return [taken.sale for taken in body.returned]
        case ReturnTaken():
            return [body.taken.sale]
        case SaleVoided():
            return [body.sale]
    return []
