"""sql: what the journal says of its own lives: which was cut where, which came back, which entries have no effect.

    repairs = read_repairs(tx)
    repairs.is_none                           # nearly every journal: no life of it was ever mended
    repairs.is_set_aside(epoch, seq)          # whether a replay passes this entry over

The facts stand behind the entries they speak of, so they are read before a walk begins. What they say is believed only
until the walk comes by them: an entry that was changed breaks the chain there.
"""

from collections.abc import Mapping

import msgspec

from loyalty.transactions import Tx
from sync.chain import Head, decode_content
from sync.facts import decode_body
from sync.facts.lives import EntriesRecovered, EpochCut

CUT, RECOVERED = "epoch.cut", "entries.recovered"
MENDINGS = frozenset({CUT, RECOVERED})
"""What a disk says of its own lives. One that came back from head office speaks of a disk that is lost: it is set aside
and says nothing here."""
_UNREADABLE = (msgspec.DecodeError, KeyError, ValueError, TypeError)


class Cut(msgspec.Struct, frozen=True):
    """A life ends behind `kept`; it once came to `lost`. `row` is where in the file it is said."""

    kept: Head
    lost: Head
    row: int


class Recovery(msgspec.Struct, frozen=True):
    """A life came back from number `first` up to `last`."""

    first: int
    last: Head
    row: int


class Repairs(msgspec.Struct, frozen=True):
    """All that was mended. `recovered` by life."""

    cuts: tuple[Cut, ...] = ()
    recovered: Mapping[int, tuple[Recovery, ...]] = {}
    set_aside: frozenset[tuple[int, int]] = frozenset()

    @property
    def is_none(self) -> bool:
        """Whether no life was ever mended."""
        return not self.cuts and not self.recovered

    def is_set_aside(self, epoch: int, seq: int) -> bool:
        """Whether the entry has no effect here."""
        return (epoch, seq) in self.set_aside

    def came_back(self, epoch: int, seq: int) -> bool:
        """Whether the entry was lost here and came back from head office."""
        return any(back.first <= seq <= back.last.seq for back in self.recovered.get(epoch, ()))

    def explains(self, gone: Head, row: int) -> bool:
        """Whether a head that cannot be found any more was cut off after row `row` of the file spoke of it."""
        return any(
            cut.kept.epoch == gone.epoch and cut.kept.seq < gone.seq <= cut.lost.seq and cut.row > row
            for cut in self.cuts
        )


def read_repairs(tx: Tx) -> Repairs:
    """What the entries of the journal say. One that cannot be read says nothing: the walk names it."""
    cuts: list[Cut] = []
    recovered: dict[int, list[Recovery]] = {}
    set_aside: set[tuple[int, int]] = set()
    rows = tx.execute(
        "SELECT rowid, epoch, seq, content FROM journal NOT INDEXED WHERE kind IN (?, ?) ORDER BY rowid DESC",
        (CUT, RECOVERED),
    )
    for row, life, number, raw in rows:
        if (life, number) in set_aside:
            continue  # a later one, so one of this disk, says so
        try:
            content = decode_content(raw)
            body = decode_body(content.kind, content.v, content.body)
            if isinstance(body, EpochCut):
                epoch = int(body.epoch, 16)
                kept = Head(epoch, body.seq, bytes.fromhex(body.hash))
                cuts.append(Cut(kept, Head(epoch, body.lost_seq, bytes.fromhex(body.lost_hash)), row))
            elif isinstance(body, EntriesRecovered):
                epoch = int(body.epoch, 16)
                last = Head(epoch, body.seq, bytes.fromhex(body.hash))
                recovered.setdefault(epoch, []).append(Recovery(body.from_seq, last, row))
                set_aside.update((epoch, each.seq) for each in body.set_aside)
        except _UNREADABLE:
            continue
    told = {epoch: tuple(reversed(found)) for epoch, found in recovered.items()}
    return Repairs(tuple(reversed(cuts)), told, frozenset(set_aside))
