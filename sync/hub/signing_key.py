"""edge: head office's own key, with which it signs what stores install without asking back. A file in its data folder,
never in the database or a backup; each store keeps the public half from its enrolment.

Processes of one head office share the folder, and so the key. Where the file is lost a new one is made: stores refuse
what is signed with it, and are told everything page by page, until they are enrolled again.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from loyalty.errors import Problem
from sync.durable_files import sync_path

FILE_NAME = "hub.key"
_OWNER_ONLY = 0o600
_SECRET = (serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
_PUBLIC = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class HubKeyDamaged(Problem):
    """The key with which head office signs cannot be read."""

    code, status = "hub_key_damaged", 500
    hint = "Put hub.key back from where it is kept safe, or move it away: a new one is made, and stores enrol again."


def load_key(folder: Path) -> Ed25519PrivateKey:
    """The key in the folder, made where there is none. Of processes that start at once one makes it, the others read
    it. Raises HubKeyDamaged."""
    path = folder / FILE_NAME
    if not path.exists():
        _make(path)
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text(encoding="ascii")))
    except (OSError, ValueError) as error:
        raise HubKeyDamaged(FILE_NAME) from error


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half, as stores keep it: 64 hexadecimal digits."""
    return key.public_key().public_bytes(*_PUBLIC).hex()


def _make(path: Path) -> None:
    partial = path.with_name(f"{FILE_NAME}.{os.getpid()}.new")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "w") as file:
        file.write(Ed25519PrivateKey.generate().private_bytes(*_SECRET).hex())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(partial, path)  # unlike a rename, it never takes the place of a key that is there
    except FileExistsError:
        pass
    finally:
        partial.unlink()
    sync_path(path.parent)
