"""edge: makes a store: data folder, database with its first epoch, the first manager, a first pairing code."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from kiosk.compose import make_shop, now_ms
from kiosk.config import Config
from kiosk.migrations import migrate
from kiosk.people_service import create_pairing_code, set_up_manager
from kiosk.pins import hash_pin
from kiosk.shop import Shop
from kiosk.start import DATABASE_NAME, begin_life, lock_folder
from loyalty.errors import Problem
from loyalty.transactions import Tx
from sync import marks
from sync.db import connect
from sync.journal import read_life


class StoreExists(Problem):
    """There is a store in this data folder already."""

    code, status, hint = "store_exists", 500, "Use it, or name another data folder in the configuration."


class Initialised(Struct, frozen=True):
    """What the integrator needs next."""

    data_dir: Path
    manager: str
    pairing_code: str


def initialise(config: Config, manager: str, name: str, pin: str) -> Initialised:
    """Make the store of `config` with one manager. Raises StoreExists, StoreInUse."""
    if (config.data_dir() / DATABASE_NAME).exists():
        raise StoreExists(str(config.data_dir()))
    with create_database(config) as (connection, shop):
        set_up_manager(connection, shop, now_ms(), manager, name, hash_pin(pin))
    return Initialised(config.data_dir(), manager, make_pairing_code(config, "till"))


def make_pairing_code(config: Config, kind: str) -> str:
    """A code to pair one more device with, while the service is stopped. Raises StoreInUse."""
    with open_offline(config) as (tx, _):
        return create_pairing_code(tx, kind, now_ms(), os.urandom(16)).code


@contextlib.contextmanager
def create_database(config: Config) -> Iterator[tuple[Any, Shop]]:
    """An empty store's database with its first epoch, in a transaction that commits at the end."""
    folder = config.data_dir()
    lock = lock_folder(folder)
    connection = connect(folder / DATABASE_NAME)
    try:
        (folder / DATABASE_NAME).chmod(0o600)
        migrate(connection)
        store = config.store
        epoch, ordinal = begin_life(connection, store.code, store.currency, store.time_zone, "first")
        marks.renew(connection, folder, os.urandom(16).hex())
        connection.execute("BEGIN IMMEDIATE")
        yield connection, make_shop(config, epoch, ordinal)
        connection.execute("COMMIT")
        marks.note_clean_stop(folder)
    finally:
        connection.close()
        os.close(lock)


@contextlib.contextmanager
def open_offline(config: Config) -> Iterator[tuple[Tx, Shop]]:
    """The database of a stopped store, in a write transaction. Raises StoreInUse."""
    folder = config.data_dir()
    lock = lock_folder(folder)
    connection = connect(folder / DATABASE_NAME)
    try:
        connection.execute("BEGIN IMMEDIATE")
        life = read_life(connection)
        assert life is not None, "a store always has a life"
        yield connection, make_shop(config, *life)
        connection.execute("COMMIT")
    finally:
        connection.close()
        os.close(lock)
