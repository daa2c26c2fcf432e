"""sql: writes what became of earlier lives: which of their entries have no effect here."""

from loyalty.transactions import Tx
from sync.facts.lives import EntriesRecovered
from sync.journal import Entry


def apply_epoch_cut(_tx: Tx, _entry: Entry) -> None:
    """A life was cut. The journal itself is what changed; no table says it a second time."""


def apply_entries_recovered(tx: Tx, entry: Entry) -> None:
    """Entries of an earlier life came back; those that were set aside are named."""
    recovered = entry.body
    assert isinstance(recovered, EntriesRecovered)
    for each in recovered.set_aside:
        tx.execute(
            "INSERT INTO set_aside_entry (epoch, seq, op, code) VALUES (?, ?, ?, ?)",
            (int(recovered.epoch, 16), each.seq, entry.op_id.bytes, each.code),
        )
