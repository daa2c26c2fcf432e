"""sql: how a store joins: head office gives out a code, the store sends it once with the public half of its own key.

A code is one of 2**50 with two check characters, kept as its SHA-256 only, and good for some minutes. Enrolling a store
again (its disk was lost, its key stolen) replaces the key: whoever holds the old one is not heard any longer.
"""

import hashlib
from uuid import UUID

from loyalty.coupon_codes import SERIAL_MAX, print_code, read_code
from loyalty.transactions import Tx
from sync.hub import stores
from sync.hub.problems import EnrolmentCodeUnknown
from sync.hub.state import read_timeline
from sync.protocol.messages import EnrolAnswer

CODE_RANDOM_BYTES = 8


def make_code(tx: Tx, store: UUID, random: bytes, expires_at: int) -> str:
    """A code for one store to enrol with. `random` is CODE_RANDOM_BYTES long. Only the newest code of a store holds."""
    assert len(random) == CODE_RANDOM_BYTES
    code = print_code(int.from_bytes(random) & SERIAL_MAX)
    tx.execute(
        "INSERT INTO enrolment (code_hash, store, expires_at) VALUES (?, ?, ?)",
        (_hash(code), store.bytes, expires_at),
    )
    tx.execute("UPDATE store SET enrolment = ? WHERE store = ?", (_hash(code), store.bytes))
    return code


def enrol(tx: Tx, code: str, public_key: bytes, now_ms: int) -> EnrolAnswer:
    """Let a store join with a code, once. Its sessions end, its runs begin anew.

    The same code with the same key again, within the code's time, gets the same answer: the first one may have been
    lost on the way. Raises EnrolmentCodeUnknown.
    """
    serial = read_code(code)
    if serial is None:
        raise EnrolmentCodeUnknown(pointer="/code")
    code_hash = _hash(print_code(serial))
    row = tx.execute("SELECT store, expires_at FROM enrolment WHERE code_hash = ?", (code_hash,)).fetchone()
    if row is None or row[1] <= now_ms:
        raise EnrolmentCodeUnknown(pointer="/code")
    store = stores.lock_store(tx, UUID(bytes=row[0]), now_ms)
    if not _was_used_by(tx, code_hash, store, public_key):
        if store.enrolment != code_hash:
            raise EnrolmentCodeUnknown(pointer="/code")
        tx.execute(
            "UPDATE store SET state = 'active', reason = '', public_key = ?, enrolment = NULL, run = NULL,"
            " run_count = 0, retired = '[]', superseded = '[]', session = NULL WHERE store = ?",
            (public_key, store.store.bytes),
        )
        tx.execute("UPDATE enrolment SET used_key = ? WHERE code_hash = ?", (public_key, code_hash))
    return EnrolAnswer(store=store.store, code=store.code, name=store.name, timeline=read_timeline(tx))


def _was_used_by(tx: Tx, code_hash: bytes, store: stores.StoreRow, public_key: bytes) -> bool:
    """Whether this is the message that used the code, once more. Asked with the store's row locked."""
    row = tx.execute("SELECT used_key FROM enrolment WHERE code_hash = ?", (code_hash,)).fetchone()
    return row is not None and row[0] == public_key == store.public_key and store.state == "active"


def _hash(code: str) -> bytes:
    return hashlib.sha256(b"counterfoil/enrolment/1" + code.encode()).digest()
