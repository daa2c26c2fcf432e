"""edge: a business day of this store as its proof to head office needs it (sync/agent/day_prover.py)."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from kiosk.life import link_notes
from kiosk.shifts.business_day import business_day
from kiosk.web.door import Door
from loyalty.transactions import Tx
from sync.day_entries import hashes_at, read_day
from sync.db import connect
from sync.manifest import Manifest, make_manifest


class DaySide:
    """The days of the store behind a door. What takes longer than a blink runs in the helper process."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def today(self) -> str:
        """The business day that is going on."""
        settings = self._door.config.store
        return business_day(self._door.now_ms(), settings.time_zone, self._door.shop.terms.day_cutover_minutes)

    async def proved(self) -> str | None:
        """The newest day that was proved."""
        return await self._door.database.read(lambda tx: link_notes.read_note(tx, link_notes.PROVED_DAY))

    async def fold(self, day: str) -> Manifest:
        """What a day comes to in the journal."""
        return await self._door.helper.run(fold_day, self._door.database.path, day)

    async def hashes(self, epoch: int, seqs: Sequence[int]) -> Mapping[int, str]:
        """The chain's hashes at these numbers."""
        return await self._door.database.read(lambda tx: hashes_at(tx, epoch, seqs))

    async def note(self, day: str, difference: str | None) -> None:
        """Remember what came out."""
        await self._door.database.write(lambda tx: _note(tx, day, difference))


def _note(tx: Tx, day: str, difference: str | None) -> None:
    if difference is None:
        link_notes.note(tx, link_notes.PROVED_DAY, day)
        link_notes.note(tx, link_notes.DAY_DIFFERS, None)
    else:
        link_notes.note(tx, link_notes.DAY_DIFFERS, f"{day} {difference}")


def fold_day(database: Path, day: str) -> Manifest:
    """The manifest of a day. Top-level, so that the helper process can run it."""
    with contextlib.closing(connect(database, read_only=True)) as connection:
        return make_manifest(day, read_day(connection, day))
