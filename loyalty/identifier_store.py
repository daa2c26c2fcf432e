"""sql: by what a member is recognised beside the profile's own phone, e-mail and card, and by what it is proved."""

from uuid import UUID

from msgspec import Struct

from loyalty.errors import InvalidInput
from loyalty.transactions import Tx


class CardReplaced(InvalidInput):
    """This card was reported lost and replaced by another one."""

    code, hint = "card_replaced", "Ask for the new card, or look the member up by phone number."


class IdentifierRow(Struct, frozen=True, order=True):
    """One identifier. `kind` is card, phone or email; `state` is active, or replaced for a card that was lost."""

    kind: str
    value: str
    state: str = "active"


class SecretRow(Struct, frozen=True):
    """What proves a member: the base32 secret of the rotating code, the argon2id hash of the PIN."""

    code_secret: str | None = None
    pin_hash: str | None = None


def read_identifiers(tx: Tx, member: UUID) -> list[IdentifierRow]:
    """All identifiers of a member, also the lost cards, by kind and value."""
    rows = tx.execute(
        "SELECT kind, value, state FROM member_identifier WHERE member = ? ORDER BY kind, value", (member.bytes,)
    )
    return [IdentifierRow(kind, value, state) for kind, value, state in rows]


def read_secrets(tx: Tx, member: UUID) -> SecretRow:
    """What proves a member; nothing where it has neither."""
    row = tx.execute("SELECT code_secret, pin_hash FROM member_secret WHERE member = ?", (member.bytes,)).fetchone()
    return SecretRow(row[0], row[1]) if row else SecretRow()


def is_card_known(tx: Tx, card: str) -> bool:
    """Whether anybody has or had this card."""
    row = tx.execute("SELECT 1 FROM member_identifier WHERE kind = 'card' AND value = ? LIMIT 1", (card,)).fetchone()
    return row is not None


def refuse_replaced_card(tx: Tx, card: str, pointer: str) -> None:
    """Raises CardReplaced for a card that was lost and is nobody's any more."""
    row = tx.execute("SELECT min(state) FROM member_identifier WHERE kind = 'card' AND value = ?", (card,)).fetchone()
    if row is not None and row[0] == "replaced":  # 'active' sorts first
        raise CardReplaced(pointer=pointer)
