"""edge: makes a store: data folder, database with its first epoch, the first manager, a first pairing code.

A store is made under another name and gets its own when everything is in it, so that there is a whole store or none:

    checks  ─►  store.sqlite.making: tables, first epoch, keys, manager, pairing code  ─►  marks.json  ─►  store.sqlite

A failure takes the half-made file away; a cut leaves it, and the next init begins anew.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from kiosk.compose import make_shop, now_ms
from kiosk.config import Config
from kiosk.coupons.coupon_store import read_registry
from kiosk.coupons.keyring import FOLDER_NAME, prepare_keys, revoke_key
from kiosk.identity.people import PAIRING_RANDOM_BYTES, OperatorId, Pin, SaveOperator, WrongOperatorId
from kiosk.identity.people_service import create_pairing_code, set_up_manager
from kiosk.life.lives import begin_life, check_same_store
from kiosk.life.start import (
    DATABASE_NAME,
    MAKING_NAME,
    StoreNotReady,
    lack_of_store,
    lock_folder,
    remove_database,
)
from kiosk.migrations import migrate
from kiosk.shop import Shop
from loyalty.errors import InvalidInput, Problem
from loyalty.transactions import Tx
from sync import marks
from sync.db import connect
from sync.durable_files import sync_path
from sync.journal import read_life
from sync.pins import hash_pin

_OWNER_ONLY = 0o600


class StoreExists(Problem):
    """There is a store in this data folder already."""

    code, status, hint = "store_exists", 500, "Use it, or name another data folder in the configuration."


class PinUnfit(InvalidInput):
    """A PIN has 4 to 12 digits, 0 to 9."""

    code, hint = "pin_unfit", "Choose another PIN."


class NameUnfit(InvalidInput):
    """The manager's name is empty, too long, or holds what no name can hold."""

    code, hint = "name_unfit", "Choose a name of one line."


class Initialised(Struct, frozen=True):
    """What the integrator needs next."""

    data_dir: Path
    manager: str
    pairing_code: str


def initialise(config: Config, manager: str, name: str, pin: str) -> Initialised:
    """Make the store of `config` with one manager.

    Raises WrongOperatorId, NameUnfit, PinUnfit, StoreExists, StoreLost, StoreInUse; nothing was made then.
    """
    _check(manager, OperatorId, WrongOperatorId)
    _check({"name": name, "role": "manager"}, SaveOperator, NameUnfit)
    _check(pin, Pin, PinUnfit)
    with create_database(config) as (connection, shop):
        set_up_manager(connection, shop, now_ms(), manager, name, hash_pin(pin))
        code = create_pairing_code(connection, "till", now_ms(), os.urandom(PAIRING_RANDOM_BYTES)).code
    return Initialised(config.data_dir(), manager, code)


def refuse_second_store(config: Config) -> None:
    """Raises StoreExists where the data folder holds a store already."""
    if (config.data_dir() / DATABASE_NAME).exists():
        raise StoreExists(str(config.data_dir()))


def make_pairing_code(config: Config, kind: str) -> str:
    """A code to pair one more device with, while the service is stopped. Raises StoreInUse."""
    with open_offline(config) as (tx, _):
        return create_pairing_code(tx, kind, now_ms(), os.urandom(PAIRING_RANDOM_BYTES)).code


def list_keys(config: Config) -> list[dict[str, Any]]:
    """The keys whose coupons this store takes, by number; beside a running service too. Raises what `lack_of_store`
    says where there is no store."""
    path = config.data_dir() / DATABASE_NAME
    if not path.exists():
        raise lack_of_store(config.data_dir())
    with contextlib.closing(connect(path, read_only=True)) as connection:
        registry = read_registry(connection)
    keys = registry.keys if registry else {}
    return [msgspec.to_builtins(keys[kid]) for kid in sorted(keys)]


def revoke_listed_key(config: Config, kid: int) -> None:
    """Take a key's signatures back, while the service is stopped. Raises StoreInUse, KeyNotFound, KeyDamaged."""
    with open_offline(config) as (tx, shop):
        revoke_key(tx, config.data_dir(), shop.journal.epoch, now_ms(), kid)


@contextlib.contextmanager
def create_database(config: Config, begins_ms: int | None = None) -> Iterator[tuple[Any, Shop]]:
    """An empty store's database with its first epoch, in a transaction that commits at the end; only then the store is
    there. `begins_ms` is the moment of its first entries, now unless it has a past to live through: head office lets no
    entry count before the one in front of it. Raises StoreExists, StoreLost, StoreInUse."""
    folder = config.data_dir()
    begins = begins_ms if begins_ms is not None else now_ms()
    lock = lock_folder(folder)
    try:
        refuse_second_store(config)
        lack = lack_of_store(folder)
        if not isinstance(lack, StoreNotReady):
            raise lack
        making, keys = folder / MAKING_NAME, folder / FOLDER_NAME
        remove_database(making)
        had_keys = keys.exists()
        try:
            with contextlib.closing(_connect_new(making)) as connection:
                migrate(connection)
                store = config.store
                epoch, ordinal = begin_life(connection, store.code, store.currency, store.time_zone, begins_ms=begins)
                connection.execute("BEGIN IMMEDIATE")
                prepare_keys(connection, folder, store.code, epoch, begins, config.coupons.key_days)
                yield connection, make_shop(config, epoch, ordinal)
                connection.execute("COMMIT")
                # Beside the unfinished file these marks are nobody's; the rename makes both a store.
                marks.renew(connection, folder, os.urandom(16).hex())
                marks.note_clean_stop(folder)
            sync_path(making)
            making.replace(folder / DATABASE_NAME)
        except BaseException:
            (folder / marks.FILE_NAME).unlink(missing_ok=True)
            remove_database(making)
            if not had_keys:  # those of no store; what lay here before may have signed something
                shutil.rmtree(keys, ignore_errors=True)
            raise
        sync_path(folder)
    finally:
        os.close(lock)


@contextlib.contextmanager
def open_offline(config: Config) -> Iterator[tuple[Tx, Shop]]:
    """The database of a stopped store, in a write transaction.

    Raises StoreInUse, StoreChanged; StoreNotReady or StoreLost where there is none.
    """
    folder = config.data_dir()
    if not (folder / DATABASE_NAME).exists():
        raise lack_of_store(folder)
    lock = lock_folder(folder)
    connection = connect(folder / DATABASE_NAME)
    try:
        check_same_store(connection, config.store.code, config.store.currency)
        connection.execute("BEGIN IMMEDIATE")
        life = read_life(connection)
        assert life is not None, "a store always has a life"
        yield connection, make_shop(config, *life)
        connection.execute("COMMIT")
    finally:
        connection.close()
        os.close(lock)


def _connect_new(path: Path) -> Any:  # noqa: ANN401  pysqlite3 has no types
    path.touch(_OWNER_ONLY)
    return connect(path)


def _check(value: object, kind: Any, problem: type[InvalidInput]) -> None:  # noqa: ANN401  any type msgspec knows
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise problem from None
