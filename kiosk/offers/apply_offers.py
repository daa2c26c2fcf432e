"""sql: offers and their uses as entries say. The only writer of `offer_version`, `offer_use` and the totals beside it.

The totals are the sums of the uses, kept so that a sale need not add up years of them; `check_offer_totals` and
`check_member_totals` add them up anew. A sale reads what is left of a limit and counts its own uses in one write
transaction, of which there is one at a time: two tills can never both take the last use.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from loyalty.transactions import Tx
from sync.facts.offers import OfferChanged, OfferGivenBack, OfferUsed
from sync.journal import Entry


def apply_offer_changed(tx: Tx, entry: Entry) -> None:
    """One more version of an offer. A second entry for one book breaks the transaction."""
    body = entry.body
    assert isinstance(body, OfferChanged)
    tx.execute(
        "INSERT INTO offer_version (book, op, offer, version, live, live_since, definition)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            body.book,
            entry.op_id.bytes,
            body.offer,
            body.version,
            int(body.live),
            body.live_since,
            bytes(body.definition).decode(),
        ),
    )


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
    tx.executemany(
        "INSERT INTO offer_total (offer, uses, discount_minor) VALUES (?, ?, ?) ON CONFLICT (offer) DO UPDATE SET"
        " uses = uses + excluded.uses, discount_minor = discount_minor + excluded.discount_minor",
        [(offer, uses, discount_minor) for offer, _, uses, discount_minor, _ in rows],
    )
    owned = [(member, offer, uses) for offer, _, uses, _, member in rows if member is not None]
    if owned:
        tx.executemany(
            "INSERT INTO offer_member_total (member, offer, uses) VALUES (?, ?, ?)"
            " ON CONFLICT (member, offer) DO UPDATE SET uses = uses + excluded.uses",
            owned,
        )


def check_offer_totals(tx: Tx) -> Iterator[str]:
    """What `counterfoil verify` asks: each total that is not the sum of an offer's uses, as a sentence."""
    rows = tx.execute(
        "SELECT offer, sum(kept), sum(kept_minor), sum(used), sum(used_minor) FROM ("
        "SELECT offer, uses AS kept, discount_minor AS kept_minor, NULL AS used, NULL AS used_minor FROM offer_total"
        " UNION ALL"
        " SELECT offer, NULL, NULL, sum(uses), sum(discount_minor) FROM offer_use GROUP BY offer"
        ") GROUP BY offer HAVING sum(kept) IS NOT sum(used) OR sum(kept_minor) IS NOT sum(used_minor) ORDER BY offer"
    )
    for offer, kept, kept_minor, used, used_minor in rows:
        yield f"offer {offer} counts {kept} uses worth {kept_minor}, its sales say {used} worth {used_minor}"


def check_member_totals(tx: Tx) -> Iterator[str]:
    """The same for the uses of each member."""
    rows = tx.execute(
        "SELECT member, offer, sum(kept), sum(used) FROM ("
        "SELECT member, offer, uses AS kept, NULL AS used FROM offer_member_total"
        " UNION ALL"
        " SELECT member, offer, NULL, sum(uses) FROM offer_use WHERE member IS NOT NULL GROUP BY member, offer"
        ") GROUP BY member, offer HAVING sum(kept) IS NOT sum(used) ORDER BY member, offer"
    )
    for member, offer, kept, used in rows:
        yield f"member {bytes(member).hex()} counts {kept} uses of offer {offer}, the sales say {used}"
