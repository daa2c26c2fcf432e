"""sql: what the appliers tell all stores of coupons: whose keys sign them, and which were used.

A store that cannot hear anybody takes another store's coupon on its signature, up to a limit. It has to know the keys
for that. A coupon that it has once heard of as used is refused: of one that was copied, a further use needs a store
that has not heard of any.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from loyalty.bulk import read_rows
from loyalty.keys import KEYS_PER_STORE, SignedKeyList, WrongKeyList, first_key_id, read_key_list
from loyalty.transactions import Tx
from sync.facts.coupons import CouponGivenBack, KeysListed, UsedCoupon
from sync.facts.returns import ReturnFollowed, ReturnTaken
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.facts.vouchers import UndoneVouchers
from sync.feed_values import CouponKeyValue, CouponUsedValue, key_name, use_name
from sync.hub.accepted import Accepted
from sync.hub.feed_store import GLOBAL, FeedChange, put_many
from sync.hub.stores import find_store
from sync.hub.told_limit import can_be_told, limit_told

_encode = msgspec.json.Encoder().encode
_USED, _KEY = "coupon_used", "coupon_key"
_USES = "SELECT serial, op, n, last_day FROM coupon_spending WHERE serial IN (?)"
_BACK = "SELECT serial, sale, n FROM coupon_return WHERE serial IN (?)"
_SWEPT = 500
_SALES_NAMED = 100
"""What a store says of a coupon goes to all others: no coupon that is used for ever makes a thing without end."""


def list_voucher_changes(tx: Tx, entries: Sequence[Accepted]) -> list[FeedChange]:
    """What the feed says of coupons after these entries, which are applied already."""
    keys = [change for entry in entries if isinstance(entry.body, KeysListed) for change in _keys(tx, entry)]
    serials = sorted({serial for entry in entries for serial in _touched(entry)})
    if not serials:
        return keys
    newest = entries[-1]
    return [*keys, *limit_told(tx, newest.store, newest.received_at, list(_used(tx, serials, newest.received_at)))]


def forget_over(tx: Tx, now_ms: int) -> int:
    """Forget used coupons whose last day is over everywhere on earth; how many. At most some hundred at once."""
    over = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC).date() - dt.timedelta(days=2)
    rows = tx.execute(
        "SELECT key FROM feed WHERE bucket = ? AND entity = ? AND key < ? AND value IS NOT NULL ORDER BY key LIMIT ?",
        (GLOBAL, _USED, over.isoformat(), _SWEPT),
    ).fetchall()
    put_many(tx, [FeedChange(GLOBAL, _USED, key, None) for (key,) in rows], now_ms)
    return len(rows)


def _keys(tx: Tx, entry: Accepted) -> Iterable[FeedChange]:
    """The keys of a store, with numbers of its own: no store fills the feed of all others, or names keys for them. A
    list that does not hold under the root that comes with it says nothing."""
    body = entry.body
    assert isinstance(body, KeysListed)
    try:
        registry = read_key_list(
            SignedKeyList(content=body.content, signature=body.signature, root=body.root), body.root
        )
    except (WrongKeyList, ValueError):
        return
    store = find_store(tx, entry.store)
    if store is None:
        return
    for kid, key in sorted(registry.keys.items()):
        if key.store == store.code and 0 <= kid - first_key_id(store.code) < KEYS_PER_STORE:
            value = CouponKeyValue(
                kid=kid,
                store=store.code,
                public=key.public,
                not_before=key.not_before.isoformat(),
                not_after=key.not_after.isoformat(),
                revoked=key.revoked,
            )
            yield FeedChange(GLOBAL, _KEY, key_name(kid, store.code), _encode(value))


def _touched(entry: Accepted) -> Iterable[int]:
    """The serials whose uses a fact changed. Of a coupon that only its own store takes nobody else has to hear."""
    body = entry.body
    used: Sequence[UsedCoupon] = ()
    undone: list[UndoneVouchers | None] = []
    if isinstance(body, SaleCompleted):
        used = body.vouchers.used if body.vouchers is not None else ()
        undone = [taken.vouchers for taken in body.returned]
    elif isinstance(body, SaleVoided | ReturnFollowed):
        undone = [body.vouchers]
    elif isinstance(body, ReturnTaken):
        undone = [body.taken.vouchers]
    back: list[CouponGivenBack] = [each for one in undone if one is not None for each in one.given_back]
    told = (use.serial for use in used if can_be_told(use.last_day, entry.received_at))
    return [*told, *(each.serial for each in back)]


def _used(tx: Tx, serials: Sequence[int], received_at: int) -> Iterable[FeedChange]:
    back = set(read_rows(tx, _BACK, serials))
    last_days: dict[int, str] = {}
    sales: dict[int, list[UUID]] = {serial: [] for serial in serials}
    for serial, op, n, last_day in sorted(read_rows(tx, _USES, serials)):
        last_days[serial] = max(last_days.get(serial, ""), last_day)
        if (serial, op, n) not in back:
            sales[serial].append(UUID(bytes=op))
    for serial, last_day in last_days.items():
        if can_be_told(last_day, received_at):
            named = tuple(sales[serial][:_SALES_NAMED])
            value = _encode(CouponUsedValue(sales=named)) if named else None
            yield FeedChange(GLOBAL, _USED, use_name(last_day, serial), value)
