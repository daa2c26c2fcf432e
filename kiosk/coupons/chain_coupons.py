"""sql: what this store knows of coupons that other stores take too: their keys, which were used, what was risked.

Head office tells it in its feed (sync/feed_values.py). A store that is enrolled nowhere finds nothing here.
"""

import datetime as dt
from collections.abc import Iterator
from uuid import UUID

import msgspec

from loyalty.keys import KeyList, KeyRegistry, ListedKey
from loyalty.transactions import Tx
from sync.feed_values import CouponKeyValue, CouponUsedValue, key_name, use_name

_KEYS_TRIED = 64
"""Stores number their keys from a place of their own (kiosk/coupons/keyring.py), so few share a number."""
_EVERYBODY = "global"
_decode_key = msgspec.json.Decoder(CouponKeyValue).decode
_decode_used = msgspec.json.Decoder(CouponUsedValue).decode
# Life by life, so that the index finds what is not acknowledged without looking at what is.
_AT_RISK = """
SELECT coalesce(sum(risk_minor), 0)
FROM life LEFT JOIN head_office_cursor ON head_office_cursor.epoch = life.epoch
CROSS JOIN coupon_use ON coupon_use.epoch = life.epoch AND coupon_use.seq > coalesce(acknowledged_seq, 0)
WHERE risk_minor > 0
"""


def read_chain_keys(tx: Tx, kid: int) -> Iterator[KeyRegistry]:
    """Each key of that number that some other store signs with, alone in a registry."""
    rows = tx.execute(
        "SELECT value FROM feed_row WHERE bucket = ? AND entity = 'coupon_key' AND key >= ? AND key < ?"
        " AND length(value) > 0 LIMIT ?",
        (_EVERYBODY, key_name(kid, ""), key_name(kid + 1, ""), _KEYS_TRIED),
    ).fetchall()
    for (value,) in rows:
        key = _read_key(value)
        if key is not None:
            yield KeyRegistry(KeyList(version=1, keys=(key,)))


def _read_key(value: bytes) -> ListedKey | None:
    """A key as it was told; None for one that cannot be read, which signs nothing here."""
    try:
        told = _decode_key(value)
        not_before, not_after = dt.date.fromisoformat(told.not_before), dt.date.fromisoformat(told.not_after)
    except ValueError:
        return None
    return ListedKey(
        kid=told.kid,
        store=told.store,
        public=told.public,
        not_before=not_before,
        not_after=not_after,
        revoked=told.revoked,
    )


def is_used_elsewhere(tx: Tx, serial: int, last_day: str, uses_left: int) -> bool:
    """Whether head office has said that other stores took what the books of this store leave of the uses."""
    row = tx.execute(
        "SELECT value FROM feed_row WHERE bucket = ? AND entity = 'coupon_used' AND key = ? AND length(value) > 0",
        (_EVERYBODY, use_name(last_day, serial)),
    ).fetchone()
    if row is None:
        return False
    try:
        sales = set(_decode_used(row[0]).sales)
    except ValueError:
        # Whatever it says: head office did say that somebody used it.
        return True
    own = {UUID(bytes=op) for (op,) in tx.execute("SELECT op FROM coupon_use WHERE serial = ?", (serial,))}
    return len(sales - own) >= uses_left


def coupons_at_risk(tx: Tx) -> int:
    """What was given away for coupons that another store may have taken as well, and that head office has not seen yet;
    in minor units."""
    row = tx.execute(_AT_RISK).fetchone()
    assert row is not None
    return int(row[0])
