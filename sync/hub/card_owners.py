"""sql: whose a card is that a store took in without knowing: she is joined with the member who has it.

A card that nobody at a store knows, while the line is down, is taken in as that of a new member without a name, so that
what she buys earns at once. Head office sees two members with one card. A card's number is drawn at random and printed
once, so what was bought with it is its member's, and nobody has to be asked.

    one member                    | the other                            | joined
    ------------------------------|--------------------------------------|----------------------------
    nothing but the brought card  | the store gave her this card         | yes, with whom it was given
    nothing but the brought card  | nothing but the brought card         | yes, with the older
    anything else: a name, a phone, a PIN, a card added later, a phone in common | a person decides

A number can be photographed. So whoever has more than the card, a PIN above all, gets nobody's points by having brought
it, and nobody whom a card was given is joined with somebody who has brought it (appliers/apply_contacts.py asks then).
"""

from typing import NamedTuple
from uuid import UUID

import msgspec

from loyalty.identifier_store import IdentifierRow, SecretRow, read_identifiers, read_secrets
from loyalty.ids import derived_uuid
from loyalty.member_store import read_member
from loyalty.transactions import Tx
from sync.chain import decode_content
from sync.facts import decode_body
from sync.facts.members import MemberEnrolled
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
    brought = {one: _only_card(tx, one) for one in (older, younger)}
    for absorbed, into in ((younger, older), (older, younger)):
        card = brought[absorbed]
        if card is None or card not in (brought[into], _given_card(tx, into)):
            continue
        command = MergeCommand(id=derived_uuid(absorbed, "card-owner"), absorbed=absorbed, into=into)
        try:
            return merge_members(tx, command, _WHO, now_ms)
        except (SamePerson, MemberForgotten):
            # Somebody at head office was faster; the question goes when that is applied.
            return False
    return False


def _only_card(tx: Tx, member: UUID) -> str | None:
    """The card that a member has brought, if nothing else is known of her; None for anybody else."""
    row = read_member(tx, member)
    if row is None or row.status != "active" or row.name or row.phone or row.email or not row.card:
        return None
    is_alone = read_identifiers(tx, member) == [IdentifierRow("card", row.card)]
    return row.card if is_alone and read_secrets(tx, member) == SecretRow() and _has_brought(tx, member) else None


def _given_card(tx: Tx, member: UUID) -> str | None:
    """The card that a store gave a member; None for one that she has brought, or that was replaced."""
    row = read_member(tx, member)
    if row is None or row.card is None or _has_brought(tx, member):
        return None
    return row.card if IdentifierRow("card", row.card) in read_identifiers(tx, member) else None


def _has_brought(tx: Tx, member: UUID) -> bool:
    """Whether a member joined with a card that nobody there had given her; also where nobody knows how she came to
    it."""
    home = tx.execute("SELECT home FROM member_place WHERE member = ?", (member.bytes,)).fetchone()
    if home is None or home[0] is None:
        return True
    (store,) = home
    place = tx.execute("SELECT epoch, seq FROM applied WHERE store = ? AND op_id = ?", (store, member.bytes)).fetchone()
    if place is None:
        return True
    select = "SELECT kind, v, content FROM inbox WHERE store = ? AND epoch = ? AND seq = ?"
    entry = tx.execute(select, (store, *place)).fetchone()
    if entry is None:
        return True
    body = decode_body(entry[0], entry[1], decode_content(entry[2]).body)
    return not isinstance(body, MemberEnrolled) or body.brought_card
