"""sql: coupons as they lie in the tables, what is left of them, and the keys that count."""

import functools
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from loyalty.keys import KeyRegistry, SignedKeyList, read_key_list
from loyalty.transactions import Row, Tx

_LISTS_KEPT = 4
_COLUMNS = (
    "SELECT serial, coupon.op, offer, offer_version, member, valid_until, scope, uses_max, token,"
    " (SELECT count(*) FROM coupon_use WHERE coupon_use.serial = coupon.serial),"
    " (SELECT count(*) FROM coupon_give_back WHERE coupon_give_back.serial = coupon.serial),"
    " EXISTS (SELECT 1 FROM coupon_void WHERE coupon_void.serial = coupon.serial)"
)
_SELECT = f"{_COLUMNS} FROM coupon"
_BY_SERIAL = f"{_SELECT} WHERE serial = ?"
_NEWEST = "(SELECT max(version) FROM key_list)"
_WITH_KEYS = (
    f"{_COLUMNS}, content, signature, root FROM coupon LEFT JOIN key_list ON version = {_NEWEST} WHERE serial = ?"
)


class CouponRow(NamedTuple):
    """A coupon of this store, issued by the fact `op_id`. `uses` counts all uses it ever had, `given_back` those that
    count no longer."""

    serial: int
    op_id: bytes
    offer: str
    offer_version: int
    member: UUID | None
    valid_until: str
    scope: str
    uses_max: int
    token: str
    uses: int
    given_back: int
    is_void: bool

    @property
    def op(self) -> UUID:
        """The fact that issued it. A sale that only uses the coupon need not know."""
        return UUID(bytes=self.op_id)

    @property
    def uses_left(self) -> int:
        """How often it may still be used."""
        return 0 if self.is_void else max(0, self.uses_max - self.uses + self.given_back)


class UseCount(NamedTuple):
    """How often a coupon was used here, and how many of the uses count no longer."""

    uses: int
    given_back: int


def read_signed_list(tx: Tx) -> SignedKeyList | None:
    """The newest list of keys."""
    row = tx.execute("SELECT content, signature, root FROM key_list ORDER BY version DESC LIMIT 1").fetchone()
    return SignedKeyList(content=row[0], signature=row[1], root=row[2]) if row else None


def read_registry(tx: Tx) -> KeyRegistry | None:
    """The keys that count now; None before the first list. Its signature is checked again when it is first read."""
    signed = read_signed_list(tx)
    return _registry_of(signed) if signed else None


@functools.lru_cache(maxsize=_LISTS_KEPT)
def _registry_of(signed: SignedKeyList) -> KeyRegistry:
    return read_key_list(signed, signed.root)


def find_coupon(tx: Tx, serial: int) -> CouponRow | None:
    """A coupon that this store issued, as it is now."""
    row = tx.execute(_BY_SERIAL, (serial,)).fetchone()
    return _coupon(row) if row else None


def find_scanned(tx: Tx, serial: int) -> tuple[CouponRow, KeyRegistry | None] | None:
    """The same with the keys that count now (`read_registry`), in one statement, since every sale with one asks."""
    row = tx.execute(_WITH_KEYS, (serial,)).fetchone()
    if row is None:
        return None
    content, signature, root = row[12:]
    signed = SignedKeyList(content=content, signature=signature, root=root) if content is not None else None
    return _coupon(row), _registry_of(signed) if signed is not None else None


def coupons_of(tx: Tx, member: UUID, after: int, limit: int) -> list[CouponRow]:
    """Up to `limit` coupons of this very record of a member, with a serial above `after`."""
    return coupons_of_any(tx, (member,), after, limit)


def coupons_of_any(tx: Tx, members: Sequence[UUID], after: int, limit: int) -> list[CouponRow]:
    """The same for all the records of a person, one of whom was merged into another."""
    marks = ", ".join("?" * len(members))
    rows = tx.execute(
        f"{_SELECT} WHERE member IN ({marks}) AND serial > ? ORDER BY serial LIMIT ?",
        (*(member.bytes for member in members), after, limit),
    )
    return [_coupon(row) for row in rows]


def find_replacement(tx: Tx, serial: int) -> int | None:
    """The coupon that was issued in the place of this one."""
    row = tx.execute("SELECT replacement FROM coupon_void WHERE serial = ?", (serial,)).fetchone()
    return row[0] if row else None


def uses_by(tx: Tx, sale: UUID) -> list[tuple[int, int]]:
    """(serial, n) of the coupons that a sale used, but for uses that were given back."""
    rows = tx.execute(
        "SELECT serial, n FROM coupon_use WHERE op = ? AND NOT EXISTS (SELECT 1 FROM coupon_give_back AS back"
        " WHERE back.serial = coupon_use.serial AND back.n = coupon_use.n) ORDER BY serial, n",
        (sale.bytes,),
    )
    return [(row[0], row[1]) for row in rows]


def count_uses(tx: Tx, serial: int) -> UseCount:
    """How often a coupon was used here, whoever issued it."""
    row = tx.execute(
        "SELECT (SELECT count(*) FROM coupon_use WHERE serial = ?1),"
        " (SELECT count(*) FROM coupon_give_back WHERE serial = ?1)",
        (serial,),
    ).fetchone()
    return UseCount(*row) if row else UseCount(0, 0)


def count_foreign_uses(tx: Tx, offer: str, business_day: str) -> int:
    """How many coupons of other stores were taken here for an offer on a day, given back or not."""
    row = tx.execute(
        "SELECT count(*) FROM coupon_use WHERE offer = ? AND business_day = ? AND store IS NOT NULL",
        (offer, business_day),
    ).fetchone()
    return int(row[0]) if row else 0


def is_serial_taken(tx: Tx, serial: int) -> bool:
    """Whether any coupon known here has this serial, of another store too."""
    row = tx.execute(
        "SELECT 1 FROM coupon WHERE serial = ?1 UNION ALL SELECT 1 FROM coupon_use WHERE serial = ?1 LIMIT 1", (serial,)
    ).fetchone()
    return row is not None


def _coupon(row: Row) -> CouponRow:
    return CouponRow(
        row[0],
        row[1],
        row[2],
        row[3],
        UUID(bytes=row[4]) if row[4] else None,
        row[5],
        row[6],
        row[7],
        row[8],
        row[9],
        row[10],
        bool(row[11]),
    )
