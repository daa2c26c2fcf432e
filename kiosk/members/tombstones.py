"""edge: what no restore may bring back: members who were erased, devices that were revoked.

A backup of last month knows nothing of an erasure of last week. Two files beside the database, `erased.json` and
`revoked.json`, therefore keep the ids, and nothing but the ids, for as long as the store exists; the first thing a
restored store does is to erase and revoke them again (kiosk/life/restored.py).

They are written **after** the erasure committed and before it is answered. Written before, a commit that fails would
leave a tombstone for somebody who is still a member, and the next restore would erase a person who never asked for it.
A kill between commit and file is made up for by the next start, which takes over what the database knows, and by
`counterfoil restore`, which reads the file it sets aside.
"""

import json
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.errors import Problem
from sync.durable_files import replace_file

ERASED_NAME, REVOKED_NAME = "erased.json", "revoked.json"
_one_at_a_time = threading.Lock()


class TombstonesDamaged(Problem):
    """The list of erased members or revoked devices cannot be read."""

    code, status = "tombstones_damaged", 500
    hint = "Put the file back from a copy of the folder; with none, delete it: old backups may then bring them back."


class Tombstones(Struct, frozen=True):
    """Ids of members who were erased and of devices that were revoked."""

    erased: frozenset[UUID] = frozenset()
    revoked: frozenset[UUID] = frozenset()


def read_tombstones(folder: Path) -> Tombstones:
    """What the files hold; nothing where there are none. Raises TombstonesDamaged."""
    return Tombstones(_read(folder / ERASED_NAME), _read(folder / REVOKED_NAME))


def add_tombstones(folder: Path, more: Tombstones) -> None:
    """Keep more of them, durably; writes only what is new. Raises TombstonesDamaged."""
    with _one_at_a_time:
        for name, ids in ((ERASED_NAME, more.erased), (REVOKED_NAME, more.revoked)):
            known = _read(folder / name)
            if not ids <= known:
                replace_file(folder / name, json.dumps(sorted(str(one) for one in known | ids), indent=1))


def list_tombstones(connection: Any) -> Tombstones:  # noqa: ANN401  pysqlite3 has no types
    """Whom a database knows as erased, and what as revoked."""
    erased = connection.execute("SELECT id FROM member WHERE status = 'erased'").fetchall()
    revoked = connection.execute("SELECT id FROM device WHERE revoked_at IS NOT NULL").fetchall()
    return Tombstones(frozenset(UUID(bytes=row[0]) for row in erased), frozenset(UUID(bytes=row[0]) for row in revoked))


def _read(path: Path) -> frozenset[UUID]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=frozenset[UUID])
    except FileNotFoundError:
        return frozenset()
    except msgspec.DecodeError as error:
        raise TombstonesDamaged(f"{path.name}: {error}") from error
