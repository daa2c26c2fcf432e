"""sql: rows about members and their points, for the reports about people, points and stores."""

from loyalty.transactions import Tx
from sync.hub.lending import points_by_store
from sync.hub.reports.bounded_rows import read_bounded
from sync.hub.reports.exposure import StoreRow
from sync.hub.reports.journeys import Touch, touches_of
from sync.hub.reports.liability import EndedSum, LotSum
from sync.hub.reports.offers import OfferMember
from sync.hub.reports.purchases import Purchase, merge_members, survivor_of
from sync.hub.reports.report import Asked

_DAY_MS = 86_400_000


def read_purchases(tx: Tx, asked: Asked, since: str = "") -> list[Purchase]:
    """What members bought from the day `since` (the beginning, if none is named) to the last day that was asked for,
    one row for each member, day, store and channel; under the members who count."""
    where, values = "business_day BETWEEN ? AND ?", [since, asked.until]
    if asked.store is not None:
        where, values = f"{where} AND store = ?", [*values, asked.store]  # type: ignore[list-item]  # bound as it is
    # No order: whoever needs one sorts what is left of the rows, and nearly all of a table is read here.
    rows = read_bounded(
        tx,
        "SELECT member, business_day, currency, channel, visits, spent_minor, returned_minor, first_at"  # noqa: S608
        f" FROM member_purchase WHERE {where}",
        values,
    )
    return merge_members((Purchase(*row) for row in rows), read_survivors(tx))


def read_holders(tx: Tx, asked: Asked) -> list[OfferMember]:
    """Who was handed which offer and who used it, at any store or the one that was asked for."""
    where, values = ("WHERE store = ?", (asked.store,)) if asked.store is not None else ("", ())
    rows = read_bounded(
        tx,
        f"SELECT member, offer, currency, issued_day, used_day FROM member_offer {where}"  # noqa: S608
        " ORDER BY member, offer, currency",
        values,
    )
    survivors = read_survivors(tx)
    first: dict[tuple[bytes, str, str], OfferMember] = {}
    for member, offer, currency, issued, used in rows:
        key = (survivor_of(member, survivors), offer, currency)
        known = first.get(key, OfferMember(*key, None, None))
        first[key] = known._replace(
            issued_day=_earlier(known.issued_day, issued), used_day=_earlier(known.used_day, used)
        )
    return [first[key] for key in sorted(first)]


def read_touches(tx: Tx, since_ms: int, until_ms: int) -> list[Touch]:
    """Touches of a span of time, under the members who count."""
    rows = read_bounded(
        tx,
        "SELECT member, at, kind, source, channel FROM member_touch WHERE at BETWEEN ? AND ?"
        " ORDER BY at, member, op, n",
        (since_ms, until_ms),
    )
    return touches_of((Touch(*row) for row in rows), read_survivors(tx))


def read_survivors(tx: Tx) -> dict[bytes, bytes]:
    """Who each merged member became."""
    return dict(tx.execute("SELECT absorbed, into_member FROM member_merge").fetchall())


def read_lots(tx: Tx, now_ms: int) -> list[LotSum]:
    """Open lots that have not ended, added up by the days (UTC) they began and end on."""
    rows = tx.execute(
        f"SELECT available_from / {_DAY_MS}, expires_at / {_DAY_MS}, count(*), sum(free), sum(held),"  # noqa: S608
        " sum(CASE WHEN available_from > ? THEN free + held ELSE 0 END) FROM points_lot"
        " WHERE free + held > 0 AND (expires_at IS NULL OR expires_at > ?)"
        f" GROUP BY available_from / {_DAY_MS}, expires_at / {_DAY_MS}",
        (now_ms, now_ms),
    ).fetchall()
    return sorted((LotSum(*row) for row in rows), key=lambda lot: (lot.began, lot.ends is None, lot.ends or 0))


def read_ended(tx: Tx, now_ms: int) -> EndedSum:
    """Lots whose time is over: what was in them for good (not taken back, not moved), and what of it ended unused,
    whether the account was looked at since or not."""
    row = tx.execute(
        "SELECT sum(points - clawed - moved), sum(expired + free + held) FROM points_lot WHERE expires_at <= ?",
        (now_ms,),
    ).fetchone()
    return EndedSum(row[0] or 0, row[1] or 0) if row else EndedSum(0, 0)


def read_debt(tx: Tx) -> int:
    """All points that members owe."""
    row = tx.execute("SELECT sum(debt) FROM account").fetchone()
    return row[0] or 0 if row else 0


def read_stores(tx: Tx) -> list[StoreRow]:
    """Every store, by its code, with the points that it was lent."""
    rows = tx.execute("SELECT store, code, name, state, last_contact, queued FROM store ORDER BY code").fetchall()
    lent = points_by_store(tx)
    return [StoreRow(*row)._replace(lent_points=lent.get(row[0], 0)) for row in rows]


def _earlier(one: str | None, other: str | None) -> str | None:
    return min(one, other) if one is not None and other is not None else one if other is None else other
