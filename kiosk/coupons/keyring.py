"""edge: the private keys of a store, on disk and nowhere else.

    data/keys/                      0700
      root.key                      0600  signs the list of keys; may be kept elsewhere once a head office holds it
      store-1-5f3a….key             0600  signs coupons; named by its number and by the life of the database it is of
      list.json                     0600  the newest signed list, public; it outlives the database

No backup and no database holds them. Every life of a database gets a key of its own, so a copy of the file elsewhere
cannot issue coupons in this store's name, and whatever a lost life had signed is still verified: its public key stays
listed. A machine that lost the folder makes a new root; the store's own journal is what vouches for the old keys then.

What a cut leaves behind: a key file that no list names is used when the same life asks again; a list on disk that the
journal does not know yet is recorded at the next start.
"""

import datetime as dt
import os
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.coupons.coupon_store import read_signed_list
from kiosk.registry import APPLIERS
from loyalty.coupons import Signer
from loyalty.errors import Problem
from loyalty.ids import uuid7
from loyalty.keys import (
    KEY_ID_MAX,
    KeyRegistry,
    ListedKey,
    SignedKeyList,
    WrongKeyList,
    first_key_id,
    public_hex,
    read_key_list,
    sign_key_list,
)
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.durable_files import replace_file, sync_path
from sync.facts.coupons import KeysListed
from sync.journal import Journal, Origin

FOLDER_NAME = "keys"
_ROOT_NAME = "root.key"
_LIST_NAME = "list.json"
_OWNER_ONLY, _OWNER_FOLDER = 0o600, 0o700
_ACCEPTED_DAYS = 5 * 365
"""How long after it is made a key's coupons may be taken: two years of signing and two of validity, and some."""
_ALWAYS = dt.date(2020, 1, 1)
"""From when on a store's own keys count: a clock that is set back must not stop the coupons of the shop."""


class KeyDamaged(Problem):
    """A key in the data folder cannot be read."""

    code, status = "key_damaged", 500
    hint = "Move the named file away: the next start makes a new key, and the coupons issued so far stay good."


class KeyNotFound(Problem):
    """There is no key of that number."""

    code, status, hint = "key_not_found", 422, "Look at the numbers that counterfoil keys lists."


def prepare_keys(tx: Tx, folder: Path, store: str, epoch: int, now_ms: int, key_days: int) -> bool:
    """See to it that this life has a key to sign with, listed and not older than `key_days`. True when the list
    changed.

    Writes files first and the fact last, in the caller's transaction. Raises KeyDamaged where the root cannot be read.
    """
    keys = folder / FOLDER_NAME
    keys.mkdir(mode=_OWNER_FOLDER, exist_ok=True)
    today = _day(now_ms)
    root = _load_or_make(keys / _ROOT_NAME)
    recorded, kept = read_signed_list(tx), _read_list(keys, public_hex(root))
    known = {signed: read_key_list(signed, signed.root) for signed in (recorded, kept) if signed is not None}
    newest = max(known, key=lambda signed: known[signed].version, default=None)
    registry = known[newest] if newest else None
    if newest is None or registry is None or not _can_sign(keys, registry, epoch, today, key_days):
        newest = _add_key(keys, root, registry, store, epoch, today)
    elif newest.root != public_hex(root):
        newest = sign_key_list(root, registry.version + 1, registry.keys.values())
    if newest == recorded:
        return False
    _record(tx, keys, epoch, now_ms, newest)
    return True


def revoke_key(tx: Tx, folder: Path, epoch: int, now_ms: int, kid: int) -> None:
    """Take a key's signatures back: no coupon it signed is taken by its token any more. Raises KeyNotFound, KeyDamaged.

    A revoked key that signs for the present life is replaced at the next start.
    """
    keys = folder / FOLDER_NAME
    signed = read_signed_list(tx)
    registry = read_key_list(signed, signed.root) if signed else None
    if registry is None or kid not in registry.keys:
        raise KeyNotFound(str(kid))
    root = _load_or_make(keys / _ROOT_NAME)
    revoked = msgspec.structs.replace(registry.keys[kid], revoked=True)
    listed = {**registry.keys, kid: revoked}
    _record(tx, keys, epoch, now_ms, sign_key_list(root, registry.version + 1, listed.values()))


def load_signer(folder: Path, epoch: int) -> Signer | None:
    """The newest key of this life of the database that can be read; None where there is none.

    One that is damaged must not keep the shop from selling: the next start makes another, the doctor names the file.
    """
    found = {int(path.name.split("-")[1]): path for path in (folder / FOLDER_NAME).glob(f"store-*-{_life(epoch)}.key")}
    for kid in sorted(found, reverse=True):
        try:
            return Signer(kid, _load(found[kid]))
        except KeyDamaged:
            continue
    return None


def damaged_keys(folder: Path) -> list[str]:
    """The names of the key files that cannot be read."""
    damaged = []
    for path in list_key_files(folder):
        if path.suffix == ".key":
            try:
                _load(path)
            except KeyDamaged:
                damaged.append(path.name)
    return damaged


def list_key_files(folder: Path) -> list[Path]:
    """Every file of the keyring, with the folder itself first; empty where there is none."""
    keys = folder / FOLDER_NAME
    return [keys, *sorted(keys.iterdir())] if keys.is_dir() else []


def _can_sign(keys: Path, registry: KeyRegistry, epoch: int, today: dt.date, key_days: int) -> bool:
    signer = load_signer(keys.parent, epoch)
    listed = registry.keys.get(signer.kid) if signer else None
    return (
        signer is not None
        and listed is not None
        and listed.public == signer.public
        and not listed.revoked
        and today < _made_on(listed) + dt.timedelta(days=key_days)
    )


def _add_key(
    keys: Path, root: Ed25519PrivateKey, registry: KeyRegistry | None, store: str, epoch: int, today: dt.date
) -> SignedKeyList:
    """A list with one more key. Its number is above every number ever listed here."""
    listed = dict(registry.keys) if registry else {}
    kid = max(listed, default=first_key_id(store) - 1) + 1
    if kid > KEY_ID_MAX:
        raise WrongKeyList("There are no key numbers left.")
    private = _load_or_make(keys / f"store-{kid}-{_life(epoch)}.key")
    listed[kid] = ListedKey(
        kid=kid,
        store=store,
        public=public_hex(private),
        not_before=_ALWAYS,
        not_after=today + dt.timedelta(days=_ACCEPTED_DAYS),
    )
    return sign_key_list(root, registry.version + 1 if registry else 1, listed.values())


def _record(tx: Tx, keys: Path, epoch: int, now_ms: int, signed: SignedKeyList) -> None:
    replace_file(keys / _LIST_NAME, msgspec.json.encode(signed).decode())
    version = read_key_list(signed, signed.root).version
    body = KeysListed(version=version, root=signed.root, content=signed.content, signature=signed.signature)
    Journal(epoch, APPLIERS).record(tx, Origin(now_ms=now_ms), uuid7(now_ms, os.urandom(10)), body)


def _read_list(keys: Path, root: str) -> SignedKeyList | None:
    """The list on disk, if it holds under this root; whatever else lies there counts for nothing."""
    try:
        signed = msgspec.json.decode((keys / _LIST_NAME).read_bytes(), type=SignedKeyList)
        read_key_list(signed, root)
    except (OSError, msgspec.DecodeError, WrongKeyList):
        return None
    return signed


def _load_or_make(path: Path) -> Ed25519PrivateKey:
    """The key of a file; a new one, durable before it is used, where there is none."""
    if path.exists():
        return _load(path)
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    replace_file(path, pem.decode())
    sync_path(path.parent.parent)
    return private


def _load(path: Path) -> Ed25519PrivateKey:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise KeyDamaged(path.name) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyDamaged(path.name)
    return private


def _made_on(key: ListedKey) -> dt.date:
    return key.not_after - dt.timedelta(days=_ACCEPTED_DAYS)


def _life(epoch: int) -> str:
    return epoch_text(epoch)


def _day(now_ms: int) -> dt.date:
    return dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC).date()
