"""edge: the folder a replay works in: its store, and what a later run needs to go on where this one stopped.

    memory = open_folder(folder, read_digest(file))    # makes the store when there is none
    memory = remember(folder, memory, tills=…)         # after each step that could not be done twice

`replay.json` holds tokens and a PIN and is readable by its owner only. It is written before the database is made, so
that a store which no replay made is never touched, and one that was only half made is begun again.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from kiosk.bench.server import write_store
from kiosk.bench.tills import Operator, Till
from kiosk.config import load_config
from kiosk.life.initialise import initialise, make_pairing_code
from kiosk.life.start import DATABASE_NAME, lock_folder
from loyalty.errors import Problem

MEMORY_NAME = "replay.json"
_OPERATOR = "manager"
_PIN_DIGITS = 6


class ForeignFolder(Problem):
    """This folder holds something that this replay did not make."""

    code, hint, status = "foreign_folder", "Name another folder with --data, or leave the option out.", 500


class Memory(Struct, frozen=True, kw_only=True):
    """What is known of a replay: of which file (SHA-256), who signs in, which tills were paired, whether the store was
    made and has its goods and members."""

    digest: str
    pin: str
    made: bool = False
    stocked: bool = False
    tills: tuple[Till, ...] = ()

    @property
    def operator(self) -> Operator:
        """Who signs in on every till."""
        return Operator(_OPERATOR, self.pin)


def config_file(folder: Path) -> Path:
    """The configuration of the replay's store."""
    return folder / "store.toml"


def open_folder(folder: Path, digest: str, settings: Mapping[str, str] = {}) -> Memory:
    """The replay in `folder`, begun when there is none. The service must not run. `settings` are further lines of the
    store's configuration by section (kiosk/bench/server.py).

    Raises ForeignFolder for a store that no replay made and for the replay of another file, StoreInUse while its
    service still runs.
    """
    memory = _read(folder)
    if memory is None:
        if (folder / DATABASE_NAME).exists() or config_file(folder).exists():
            raise ForeignFolder(f"{folder} holds a store that no replay made.")
        folder.mkdir(parents=True, exist_ok=True)
        memory = remember(folder, Memory(digest=digest, pin=_new_pin()))
    if memory.digest != digest:
        raise ForeignFolder(f"{folder} holds the replay of another file.")
    lock = lock_folder(folder)
    try:
        write_store(folder, settings)
        if not memory.made:
            for leftover in folder.glob(f"{DATABASE_NAME}*"):
                leftover.unlink()
    finally:
        os.close(lock)
    if not memory.made:
        initialise(load_config(config_file(folder)), _OPERATOR, "Replay", memory.pin)
        memory = remember(folder, msgspec.structs.replace(memory, made=True))
    return memory


def new_pairing_code(folder: Path) -> str:
    """A code for one more till, made in the database while the service is stopped. Raises StoreInUse."""
    return make_pairing_code(load_config(config_file(folder)), "till")


def remember(folder: Path, memory: Memory) -> Memory:
    """Put `memory` into the folder, whole or not at all."""
    partial = folder / f"{MEMORY_NAME}.new"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(memory)))
    partial.replace(folder / MEMORY_NAME)
    return memory


def _read(folder: Path) -> Memory | None:
    try:
        return msgspec.json.decode((folder / MEMORY_NAME).read_bytes(), type=Memory)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise ForeignFolder(f"{folder / MEMORY_NAME} cannot be read: {error}.") from error


def _new_pin() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(_PIN_DIGITS))
