"""sql: offers as they lie in the tables, what their sales have used up, and the prices before a reduction.

Every version of every offer is a row; the newest row of an offer says what it is now, and whether it is live.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec

from loyalty.merge_store import group_of
from loyalty.offers.offer import Offer, decode_offer
from loyalty.transactions import Row, Tx

_NEWEST = (
    "SELECT offer, version, live, live_since, op, definition FROM offer_version AS newest"
    " WHERE book = (SELECT max(book) FROM offer_version WHERE offer_version.offer = newest.offer)"
)


class Mark(NamedTuple):
    """The newest change of any offer (product, part of the program): how many there were with it, and the op_id of its
    entry, which is drawn anew for each change.

    Two reads with one mark see the same offers, whatever was rolled back in between. A group of writes that is undone
    is run again one by one in its order, and some may fail then: what comes before a change is the same, or less.
    """

    book: int
    op: bytes


class Books(NamedTuple):
    """What prices and points depend on: the marks of the products, the offers and the loyalty program, None before the
    first of each."""

    products: Mark | None
    offers: Mark | None
    program: Mark | None

    @property
    def price_book(self) -> int:
        """The version of the newest price book, 0 before the first."""
        return self.products.book if self.products is not None else 0


class OfferRow(NamedTuple):
    """An offer as it is now. `live_since` is in milliseconds since 1970 UTC; `revision` names its newest change."""

    offer: Offer
    live: bool
    live_since: int
    revision: str


class Used(NamedTuple):
    """How often an offer was used, for how much money."""

    uses: int = 0
    discount_minor: int = 0


def read_books(tx: Tx) -> Books:
    """All of them in one statement, since every sale asks."""
    row = tx.execute(
        "SELECT (SELECT max(version) FROM price_book), (SELECT op FROM price_book ORDER BY version DESC LIMIT 1),"
        " (SELECT max(book) FROM offer_version), (SELECT op FROM offer_version ORDER BY book DESC LIMIT 1),"
        " (SELECT max(book) FROM definition), (SELECT op FROM definition ORDER BY book DESC LIMIT 1)"
    ).fetchone()
    assert row is not None, "a SELECT without FROM has one row"
    return Books(*(Mark(*mark) if mark[0] else None for mark in (row[0:2], row[2:4], row[4:6])))


def read_offer_book(tx: Tx) -> int:
    """How often any offer was changed."""
    row = tx.execute("SELECT max(book) FROM offer_version").fetchone()
    return int(row[0] or 0) if row else 0


def read_live_offers(tx: Tx) -> list[OfferRow]:
    """All offers that are live, by id."""
    return [_offer(row) for row in tx.execute(f"{_NEWEST} AND live = 1 ORDER BY offer")]


def count_live_offers(tx: Tx) -> int:
    """How many offers are live."""
    return len(tx.execute(f"{_NEWEST} AND live = 1").fetchall())


def read_offer(tx: Tx, offer: str) -> OfferRow | None:
    """An offer as it is now, live or ended."""
    row = tx.execute(f"{_NEWEST} AND offer = ?", (offer,)).fetchone()
    return _offer(row) if row else None


def read_offers(tx: Tx, after: str, limit: int, live: bool | None) -> list[OfferRow]:
    """Up to `limit` offers with an id behind `after`, in order; live ones, ended ones, or (None) all."""
    which = (0, 1) if live is None else (int(live), int(live))
    rows = tx.execute(
        f"{_NEWEST} AND offer > ? AND live BETWEEN ? AND ? ORDER BY offer LIMIT ?", (after, *which, limit)
    )
    return [_offer(row) for row in rows]


def read_used(tx: Tx, offers: str) -> dict[str, Used]:
    """What was used of these offers (a JSON list of ids), each of which has a limit, by everybody."""
    rows = tx.execute(
        "SELECT offer, uses, discount_minor FROM json_each(?) AS asked"
        " JOIN offer_total ON offer_total.offer = asked.value",
        (offers,),
    )
    return {row[0]: Used(row[1], row[2]) for row in rows}


def read_given(tx: Tx, offers: str) -> dict[str, Used]:
    """The same for any offers; one never used is not in the answer. Of offers without a limit the uses are added up."""
    rows = tx.execute(
        "SELECT offer, uses, discount_minor FROM json_each(?1) AS asked"
        " JOIN offer_total ON offer_total.offer = asked.value"
        " UNION ALL SELECT offer, sum(uses), sum(discount_minor) FROM json_each(?1) AS asked"
        " JOIN offer_use ON offer_use.offer = asked.value"
        " WHERE NOT EXISTS (SELECT 1 FROM offer_total WHERE offer_total.offer = asked.value) GROUP BY offer",
        (offers,),
    )
    return {row[0]: Used(row[1], row[2]) for row in rows}


def read_used_by(tx: Tx, member: UUID, offers: str) -> dict[str, int]:
    """How often a member, with all who were merged into it, used these offers (a JSON list of ids), each of which has a
    limit per member; one never used is not in the answer."""
    used: dict[str, int] = {}
    for each in group_of(tx, member):
        rows = tx.execute(
            "SELECT offer, uses FROM json_each(?) AS asked"
            " JOIN offer_member_total ON member = ? AND offer_member_total.offer = asked.value",
            (offers, each.bytes),
        )
        for offer, uses in rows:
            used[offer] = used.get(offer, 0) + uses
    return used


def has_bought(tx: Tx, member: UUID) -> bool:
    """Whether a member, or one who was merged into it, has a sale that was not voided."""
    statement = (
        "SELECT 1 FROM sale WHERE member = ? AND NOT EXISTS (SELECT 1 FROM sale_void WHERE sale_void.sale = sale.id)"
        " LIMIT 1"
    )
    return any(tx.execute(statement, (each.bytes,)).fetchone() is not None for each in group_of(tx, member))


def read_price_changes(tx: Tx, skus: Collection[str]) -> Mapping[str, list[tuple[int, int]]]:
    """The catalogue's prices of these products from the first on: (from when in milliseconds since 1970 UTC, price)."""
    rows = tx.execute(
        "SELECT sku, active_at, price_minor FROM json_each(?) AS asked"
        " JOIN price_history ON price_history.sku = asked.value ORDER BY sku, price_book",
        (id_list(dict.fromkeys(skus)),),
    )
    found: dict[str, list[tuple[int, int]]] = {}
    for sku, at_ms, price_minor in rows:
        found.setdefault(sku, []).append((at_ms, price_minor))
    return found


def id_list(ids: Collection[str]) -> str:
    """Ids as the JSON text that the statements take."""
    return msgspec.json.encode(list(ids)).decode()


def _offer(row: Row) -> OfferRow:
    _, _, live, live_since, op, definition = row
    return OfferRow(decode_offer(definition.encode()), bool(live), live_since, op.hex())
