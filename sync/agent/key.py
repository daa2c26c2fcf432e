"""edge: the store's own key: with it head office knows that it is this store that speaks. Never in a database, never in
a backup; made when the store joins, and anew when it joins again.

    key = load_key(folder)          # None where this store has joined no head office
    signature = sign(key, message)  # 128 hexadecimal digits
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from loyalty.errors import Problem
from sync.durable_files import sync_path

FILE_NAME = "store.key"
_OWNER_ONLY = 0o600
_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class StoreKeyDamaged(Problem):
    """The key with which this store signs what it sends cannot be read."""

    code, status = "store_key_damaged", 500
    hint = "Ask head office for a new code and run: counterfoil enrol --hub URL --code CODE --config FILE"


def make_key(folder: Path) -> Ed25519PrivateKey:
    """A fresh key, on the disk before it is used."""
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    path = folder / FILE_NAME
    partial = path.with_name(f"{FILE_NAME}.new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w") as file:
        file.write(raw.hex())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_path(folder)
    return key


def load_key(folder: Path) -> Ed25519PrivateKey | None:
    """The key in the folder; None where there is none. Raises StoreKeyDamaged."""
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex((folder / FILE_NAME).read_text(encoding="ascii")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreKeyDamaged(FILE_NAME) from error


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half, as head office keeps it: 64 hexadecimal digits."""
    return key.public_key().public_bytes(*_RAW).hex()


def sign(key: Ed25519PrivateKey, message: bytes) -> str:
    """The signature over a message, 128 hexadecimal digits (RFC 8032)."""
    return key.sign(message).hex()
