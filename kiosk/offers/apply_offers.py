"""sql: offers and their uses as entries say. The only writer of `offer_version`, `offer_use` and the totals beside it.

The totals are the sums of the uses, kept for offers with a limit so that a sale need not add up years of them;
`check_offer_totals` and `check_member_totals` add them up anew. A sale reads what is left of a limit and counts its own
uses in one write transaction, of which there is one at a time: two tills can never both take the last use. A limit that
an offer gets later counts the uses before, too; the version that brings it adds them up once.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.offers.offer import Limits
from loyalty.transactions import Tx
from sync.facts.offers import OfferChanged, OfferGivenBack, OfferUsed
from sync.journal import Entry


class _Limited(Struct, frozen=True):
    """Of an offer's definition what is needed here."""

    limits: Limits = Limits()


_read_limited = msgspec.json.Decoder(_Limited).decode


def apply_offer_changed(tx: Tx, entry: Entry) -> None:
    """One more version of an offer, and its totals where it has a limit. A second entry for one book breaks the
    transaction."""
    body = entry.body
    assert isinstance(body, OfferChanged)
    definition = bytes(body.definition).decode()
    tx.execute(
        "INSERT INTO offer_version (book, op, offer, version, live, live_since, definition)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (body.book, entry.op_id.bytes, body.offer, body.version, int(body.live), body.live_since, definition),
    )
    _keep_totals(tx, body.offer, _read_limits(definition))


def _keep_totals(tx: Tx, offer: str, limits: Limits) -> None:
    """Begin to keep the totals of an offer that has a limit now, from the uses before; leave them where it has none any
    more. What is kept already stays as it is: a new version goes on counting where the old one stopped."""
    row = tx.execute("SELECT by_member FROM offer_total WHERE offer = ?", (offer,)).fetchone()
    by_member = limits.per_member is not None
    if (bool(row[0]) if row else None) == (by_member if _is_limited(limits) else None):
        return
    tx.execute("DELETE FROM offer_member_total WHERE offer = ?", (offer,))
    tx.execute("DELETE FROM offer_total WHERE offer = ?", (offer,))
    if _is_limited(limits):
        tx.execute(
            "INSERT INTO offer_total (offer, uses, discount_minor, by_member) VALUES (?, ?, ?, ?)",
            (offer, *_add_up(tx, offer), int(by_member)),
        )
    if by_member:
        tx.executemany(
            "INSERT INTO offer_member_total (offer, member, uses) VALUES (?, ?, ?)",
            [(offer, member, uses) for member, uses in _add_up_members(tx, offer).items()],
        )


def _add_up(tx: Tx, offer: str) -> tuple[int, int]:
    """All uses of an offer less those given back, and their money."""
    row = tx.execute("SELECT sum(uses), sum(discount_minor) FROM offer_use WHERE offer = ?", (offer,)).fetchone()
    return (row[0] or 0, row[1] or 0) if row else (0, 0)


def _add_up_members(tx: Tx, offer: str) -> dict[bytes, int]:
    """The same uses by member; of nobody's there is no row."""
    rows = tx.execute(
        "SELECT member, sum(uses) FROM offer_use WHERE offer = ? AND member IS NOT NULL GROUP BY member", (offer,)
    )
    return {row[0]: row[1] for row in rows}


def _read_limits(definition: str) -> Limits:
    """The limits alone, whatever else a definition of another time says."""
    return _read_limited(definition).limits


def _is_limited(limits: Limits) -> bool:
    """Whether uses before a sale matter to it."""
    return limits.per_member is not None or limits.total is not None or limits.budget_minor is not None


def use_offers(tx: Tx, sale: UUID, member: UUID | None, used: Iterable[OfferUsed]) -> None:
    """Count what a sale used."""
    owner = member.bytes if member else None
    _count(tx, sale, sale, [(use.offer, use.version, use.uses, use.discount_minor, owner) for use in used])


def give_back_offers(tx: Tx, op: UUID, sale: UUID, back: Iterable[OfferGivenBack]) -> None:
    """Take back what fact `op` says that `sale` does not use any more."""
    rows = [
        (each.offer, each.version, -each.uses, -each.discount_minor, each.member.bytes if each.member else None)
        for each in back
    ]
    _count(tx, op, sale, rows)


def _count(tx: Tx, op: UUID, sale: UUID, rows: list[tuple[str, int, int, int, bytes | None]]) -> None:
    """Rows are offer, version, uses, discount, member."""
    if not rows:
        return
    op_id, sale_id = op.bytes, sale.bytes
    tx.executemany(
        "INSERT INTO offer_use (op, sale, offer, version, uses, discount_minor, member) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(op_id, sale_id, *row) for row in rows],
    )
    # No row changes where no offer has a limit, and then there are no members to be counted either.
    limited = tx.executemany(
        "UPDATE offer_total SET uses = uses + ?, discount_minor = discount_minor + ? WHERE offer = ?",
        [(uses, discount_minor, offer) for offer, _, uses, discount_minor, _ in rows],
    ).rowcount
    if limited:
        tx.executemany(
            "INSERT INTO offer_member_total (offer, member, uses)"
            " SELECT offer, ?2, ?3 FROM offer_total WHERE offer = ?1 AND by_member = 1"
            " ON CONFLICT (offer, member) DO UPDATE SET uses = uses + excluded.uses",
            [(offer, member, uses) for offer, _, uses, _, member in rows if member is not None],
        )


def check_offer_totals(tx: Tx) -> Iterator[str]:
    """What `counterfoil verify` asks: each total that is not the sum of an offer's uses, is missing or is one too many,
    as a sentence."""
    kept = {
        row[0]: tuple(row[1:]) for row in tx.execute("SELECT offer, uses, discount_minor, by_member FROM offer_total")
    }
    limited = dict(_limited_offers(tx))
    for offer in sorted(kept.keys() - limited.keys()):
        yield f"offer {offer} has no limit, and its uses are counted"
    for offer in sorted(limited):
        wanted = (*_add_up(tx, offer), int(limited[offer]))
        if kept.get(offer) != wanted:
            yield f"offer {offer} counts {kept.get(offer)}, its sales say {wanted} (uses, money, by member)"


def check_member_totals(tx: Tx) -> Iterator[str]:
    """The same for the uses of each member."""
    by_member = {offer for offer, is_by_member in _limited_offers(tx) if is_by_member}
    counted = {row[0] for row in tx.execute("SELECT DISTINCT offer FROM offer_member_total")}
    for offer in sorted(counted - by_member):
        yield f"offer {offer} has no limit per member, and the uses of members are counted"
    for offer in sorted(by_member):
        rows = tx.execute("SELECT member, uses FROM offer_member_total WHERE offer = ?", (offer,))
        kept = {row[0]: row[1] for row in rows}
        wanted = _add_up_members(tx, offer)
        for member in sorted(kept.keys() | wanted.keys()):
            if kept.get(member) != wanted.get(member):
                yield (
                    f"member {bytes(member).hex()} counts {kept.get(member)} uses of offer {offer},"
                    f" the sales say {wanted.get(member)}"
                )


def _limited_offers(tx: Tx) -> Iterator[tuple[str, bool]]:
    """The offers with a limit, live or ended, as their newest version says; and whether it is one for each member."""
    rows = tx.execute(
        "SELECT offer, definition FROM offer_version WHERE book IN (SELECT max(book) FROM offer_version GROUP BY offer)"
    )
    for offer, definition in rows:
        limits = _read_limits(definition)
        if _is_limited(limits):
            yield offer, limits.per_member is not None
