"""sql: whose a card is that a store took in without knowing: she is joined with the member who has it.

A card that nobody at a store knows, while the line is down, is taken in as that of a new member without a name, so that
what she buys earns at once. Head office sees two members with one card. A card's number is drawn at random and printed
once, so two who have it are one person, and where one of the two is nothing but that card nobody has to be asked. Two
who have a phone in common, or names of their own, stay a person's decision (appliers/apply_contacts.py).
"""

from typing import NamedTuple
from uuid import UUID

import msgspec

from loyalty.identifier_store import IdentifierRow, read_identifiers
from loyalty.ids import derived_uuid
from loyalty.member_store import read_member
from loyalty.transactions import Tx
from sync.hub.own_facts import MemberForgotten, MergeCommand, SamePerson, merge_members

_WHO = "card"
_OPEN = (
    "SELECT id, refs FROM incident WHERE state = 'open' AND kind = 'duplicate_member' AND id > ? ORDER BY id LIMIT ?"
)


class Bound(NamedTuple):
    """How many members were joined, and behind which incident to look on; None at the end of them."""

    joined: int
    after: bytes | None


def bind_cards(tx: Tx, after: bytes, limit: int, now_ms: int) -> Bound:
    """Join those among up to `limit` open questions behind `after` whose answer is a card. The facts are only logged:
    the appliers do the rest."""
    rows = tx.execute(_OPEN, (after, limit)).fetchall()
    joined = 0
    for _, refs in rows:
        older, younger = sorted(UUID(ref["member"]) for ref in msgspec.json.decode(refs))
        joined += _bind(tx, older, younger, now_ms)
    return Bound(joined, rows[-1][0] if len(rows) == limit else None)


def _bind(tx: Tx, older: UUID, younger: UUID, now_ms: int) -> bool:
    cards = {one: _only_card(tx, one) for one in (older, younger)}
    for absorbed, into in ((younger, older), (older, younger)):
        card = cards[absorbed]
        if card is None or IdentifierRow("card", card) not in read_identifiers(tx, into):
            continue
        command = MergeCommand(id=derived_uuid(absorbed, "card-owner"), absorbed=absorbed, into=into)
        try:
            return merge_members(tx, command, _WHO, now_ms)
        except (SamePerson, MemberForgotten):
            # Somebody at head office was faster; the question goes when that is applied.
            return False
    return False


def _only_card(tx: Tx, member: UUID) -> str | None:
    """The card of a member of whom nothing else is known; None for anybody else."""
    row = read_member(tx, member)
    if row is None or row.status != "active" or row.name or row.phone or row.email or not row.card:
        return None
    return row.card if read_identifiers(tx, member) == [IdentifierRow("card", row.card)] else None
