"""sql: members as this store knows them: what it booked itself, and what head office tells of them.

    need_active_member(tx, command.member)     # in a body: 422 unknown_member, pointing at the field
    find_member(tx, call.id())                 # in the path: 404 member_not_found

loyalty/member_store.py and loyalty/identifier_store.py read the store's own tables. Two may know of one member:

    what this store booked last of her profile | what head office tells    | what counts
    -------------------------------------------|---------------------------|-------------------------------------------
    nothing                                    | anything                  | what is told
    that she was erased                        | anything                  | erased
    a later revision                           | an earlier one            | the store's: it is on its way
    the same revision, not counted there yet   | the same                  | the store's, until head office has decided
    the same or an earlier revision            | the same or a later one   | what is told: head office has seen both

Consents have rules of their own (kiosk/members/known_consents.py).
"""

import logging
from uuid import UUID

import msgspec

from kiosk.life.told import find_stub, find_told_members, read_told
from loyalty import identifier_store, member_store
from loyalty.identifier_store import CardReplaced, IdentifierRow, SecretRow
from loyalty.member_store import MemberNotFound, MemberRow, UnknownMember
from loyalty.merge_store import group_of, survivor_of
from loyalty.transactions import Tx
from sync.feed_values import MemberValue
from sync.stubs import KNOWN, REPLACED

logger = logging.getLogger(__name__)
_UNCOUNTED = (
    "SELECT 1 FROM member JOIN journal ON journal.op_id = member.op"
    " LEFT JOIN head_office_cursor ON head_office_cursor.epoch = journal.epoch"
    " WHERE member.id = ? AND seq > coalesce(acknowledged_seq, 0)"
)
_WITH_IDENTIFIER = "SELECT member FROM member_identifier WHERE kind = ? AND value = ?"
_decode = msgspec.json.Decoder(MemberValue).decode


class MemberElsewhere(UnknownMember):
    """This is the card of a member of another shop, and head office cannot be asked about her now."""

    code = "member_elsewhere"
    hint = "Take the card in as a new member's: what she earns is hers as soon as head office hears of it."


def read_profile_told(tx: Tx, member: UUID) -> MemberValue | None:
    """What head office tells of a member; None for nothing, or nothing that this release can read."""
    value = read_told(tx, "member", str(member))
    if value is None:
        return None
    try:
        return _decode(value)
    except msgspec.DecodeError:
        logger.exception("a member that head office told cannot be read")
        return None


def need_active_member(tx: Tx, member: UUID, *, pointer: str = "/member") -> MemberRow:
    """The active member a request body names. Raises UnknownMember, pointing at the field."""
    row = read_member(tx, member)
    if row is None or row.status != "active":
        raise UnknownMember(pointer=pointer)
    return row


def need_buyer(tx: Tx, member: UUID) -> MemberRow:
    """The active member who buys: the one a basket names, or who stands for her since she was merged into another while
    her goods were scanned. Raises UnknownMember, pointing at the field."""
    row = read_member(tx, member)
    if row is not None and row.status == "merged":
        row = read_member(tx, survivor_of(tx, member))
    if row is None or row.status != "active":
        raise UnknownMember(pointer="/member")
    return row


def find_member(tx: Tx, member: UUID) -> MemberRow:
    """The member of the path, whatever its status. Raises MemberNotFound."""
    row = read_member(tx, member)
    if row is None:
        raise MemberNotFound
    return row


def read_member(tx: Tx, member: UUID) -> MemberRow | None:
    """The member of this id, or None."""
    own = member_store.read_member(tx, member)
    told = _told_instead(tx, member, own)
    if told is None:
        return own
    merged = tx.execute("SELECT 1 FROM member_merge WHERE absorbed = ?", (member.bytes,)).fetchone() is not None
    return MemberRow(
        id=member,
        status="merged" if merged else "active",
        locale=told.locale,
        revision=told.revision,
        name=told.name,
        phone=told.phone,
        email=told.email,
        card=told.card,
        enrolled_at=told.enrolled_at,
    )


def find_by_identifier(tx: Tx, kind: str, value: str) -> list[UUID]:
    """The active members with this card, phone or e-mail (normalised), oldest first: two shops can enrol one number
    while the line between them is down, and a person chooses.

    What a merged member had stands for the member it was merged into; a card that was replaced stands for nobody.
    """
    named = [UUID(bytes=row[0]) for row in tx.execute(_WITH_IDENTIFIER, (kind, value)).fetchall()]
    found: list[tuple[int, UUID]] = []
    for member in dict.fromkeys([*named, *find_told_members(tx, kind, value)]):
        row = read_member(tx, member)
        if row is not None and row.status != "erased" and IdentifierRow(kind, value) in read_identifiers(tx, member):
            found.append((row.enrolled_at, member))
    return list(dict.fromkeys(survivor_of(tx, member) for _, member in sorted(found)))


def read_identifiers(tx: Tx, member: UUID) -> list[IdentifierRow]:
    """All identifiers of a member, also the lost cards, by kind and value."""
    told = _told_instead(tx, member, member_store.read_member(tx, member))
    if told is None:
        return identifier_store.read_identifiers(tx, member)
    return sorted(IdentifierRow(*identifier) for identifier in told.identifiers)


def read_secrets(tx: Tx, member: UUID) -> SecretRow:
    """What proves a member; nothing where it has neither."""
    told = _told_instead(tx, member, member_store.read_member(tx, member))
    if told is None:
        return identifier_store.read_secrets(tx, member)
    return SecretRow(told.code_secret, told.pin_hash)


def is_card_known(tx: Tx, card: str) -> bool:
    """Whether anybody has or had this card."""
    return identifier_store.is_card_known(tx, card) or any(
        find_told_members(tx, "card", card, state) for state in ("active", "replaced")
    )


def refuse_replaced_card(tx: Tx, card: str, pointer: str) -> None:
    """Raises CardReplaced for a card that was lost and is nobody's any more."""
    identifier_store.refuse_replaced_card(tx, card, pointer)
    if find_told_members(tx, "card", card, "replaced") and not find_by_identifier(tx, "card", card):
        raise CardReplaced(pointer=pointer)
    if find_stub(tx, card) == REPLACED:
        raise CardReplaced(pointer=pointer)


def refuse_unknown_card(tx: Tx, card: str, pointer: str) -> None:
    """Raises for a card that no member known here has: MemberElsewhere where another store has her, CardReplaced,
    UnknownMember."""
    refuse_replaced_card(tx, card, pointer)
    raise MemberElsewhere(pointer=pointer) if find_stub(tx, card) == KNOWN else UnknownMember(pointer=pointer)


def share_identifier(tx: Tx, one: UUID, other: UUID) -> bool:
    """Whether two members, or any who were merged into them, have a phone, an e-mail or a card in common."""
    mine, theirs = (
        {(each.kind, each.value) for member in group_of(tx, of) for each in read_identifiers(tx, member)}
        for of in (one, other)
    )
    return not mine.isdisjoint(theirs)


def _told_instead(tx: Tx, member: UUID, own: MemberRow | None) -> MemberValue | None:
    """What head office tells of a member, where that counts more than what this store booked, `own`."""
    told = read_profile_told(tx, member)
    if told is None or own is None:
        return told
    if own.status == "erased" or own.revision > told.revision:
        return None
    if own.revision == told.revision and tx.execute(_UNCOUNTED, (member.bytes,)).fetchone() is not None:
        return None
    return told
