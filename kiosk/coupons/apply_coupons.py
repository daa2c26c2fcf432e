"""sql: writes keys and coupons as entries say. The only writer of the tables of kiosk/schema/coupons.py; decides
nothing.

A sale's own coupons are written by the functions that take a sale's lists, called by kiosk/sales/apply_sales.py.
"""

from collections.abc import Iterable

from kiosk.points.apply_postings import post_points
from loyalty.transactions import Tx
from sync.facts.coupons import CouponGivenBack, CouponsIssued, CouponVoided, IssuedCoupon, KeysListed, UsedCoupon
from sync.facts.points import ledger_postings
from sync.journal import Entry

_RETURNED = "returned"


def apply_keys_listed(tx: Tx, entry: Entry) -> None:
    """One more list of keys. A second list of one version breaks the transaction."""
    body = entry.body
    assert isinstance(body, KeysListed)
    tx.execute(
        "INSERT INTO key_list (version, op, root, content, signature) VALUES (?, ?, ?, ?, ?)",
        (body.version, entry.op_id.bytes, body.root, body.content, body.signature),
    )


def apply_coupons_issued(tx: Tx, entry: Entry) -> None:
    """Coupons issued by a person, a kiosk or a campaign, and the points that paid for one."""
    body = entry.body
    assert isinstance(body, CouponsIssued)
    issue_coupons(tx, entry, body.coupons, body.source)
    post_points(tx, ledger_postings(entry.op_id, entry.epoch, entry.seq, body.postings))


def apply_coupon_voided(tx: Tx, entry: Entry) -> None:
    """A coupon that counts no longer, what replaces it, and the points that come back for it."""
    body = entry.body
    assert isinstance(body, CouponVoided)
    replacement = body.replacement
    _void(tx, entry, body.serial, body.reason, replacement.serial if replacement else None)
    if replacement is not None:
        issue_coupons(tx, entry, (replacement,), "reissue")
    if body.postings:
        post_points(tx, ledger_postings(entry.op_id, entry.epoch, entry.seq, body.postings))


def issue_coupons(tx: Tx, entry: Entry, coupons: Iterable[IssuedCoupon], source: str) -> None:
    """Coupons that `entry` issued."""
    tx.executemany(
        "INSERT INTO coupon (serial, op, source, offer, offer_version, member, issued_at, valid_until, scope, uses_max,"
        " kid, token) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                coupon.serial,
                entry.op_id.bytes,
                source,
                coupon.offer,
                coupon.offer_version,
                coupon.member.bytes if coupon.member else None,
                entry.at,
                coupon.valid_until,
                coupon.scope,
                coupon.uses_max,
                coupon.kid,
                coupon.token,
            )
            for coupon in coupons
        ],
    )


def use_coupons(tx: Tx, entry: Entry, used: Iterable[UsedCoupon]) -> None:
    """Uses by the sale of `entry`. One that was taken meanwhile, or one too many, breaks the transaction."""
    tx.executemany(
        "INSERT INTO coupon_use (serial, n, op, offer, uses_max, given_back, store, business_day, epoch, seq,"
        " risk_minor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                use.serial,
                use.n,
                entry.op_id.bytes,
                use.offer,
                use.uses_max,
                use.given_back,
                use.store,
                entry.business_day or "",
                entry.epoch,
                entry.seq,
                use.risk_minor,
            )
            for use in used
        ],
    )


def give_back_coupons(tx: Tx, entry: Entry, back: Iterable[CouponGivenBack]) -> None:
    """Uses that count no longer, by the void of `entry`."""
    tx.executemany(
        "INSERT INTO coupon_give_back (serial, n, op) VALUES (?, ?, ?)",
        [(each.serial, each.n, entry.op_id.bytes) for each in back],
    )


def void_coupons(tx: Tx, entry: Entry, serials: Iterable[int]) -> None:
    """Unused coupons that a sale issued which was voided or came back whole."""
    for serial in serials:
        _void(tx, entry, serial, _RETURNED, None)


def _void(tx: Tx, entry: Entry, serial: int, reason: str, replacement: int | None) -> None:
    tx.execute(
        "INSERT INTO coupon_void (serial, op, at, reason, replacement) VALUES (?, ?, ?, ?, ?)",
        (serial, entry.op_id.bytes, entry.at, reason, replacement),
    )
