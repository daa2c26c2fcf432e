"""sql: writes members, identifiers and consents. The only writer of `member`, `member_identifier` and `consent`.

Each function writes rows complete from what it is given, whatever was there before, so that a replay of one entry into
an empty database makes the very rows the store has.
"""

from collections.abc import Iterable
from uuid import UUID

from loyalty.member_store import MemberRow
from loyalty.transactions import Tx

_UPSERT_MEMBER = """
INSERT INTO member (id, op, status, locale, revision, name, phone, email, card, enrolled_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    op = excluded.op, status = excluded.status, locale = excluded.locale, revision = excluded.revision,
    name = excluded.name, phone = excluded.phone, email = excluded.email, card = excluded.card,
    enrolled_at = excluded.enrolled_at
"""


def put_member(tx: Tx, op: UUID, member: MemberRow) -> None:
    """Write a member as it is from the fact `op` on: the row, and one identifier for each of card, phone and e-mail."""
    key = member.id.bytes
    tx.execute(
        _UPSERT_MEMBER,
        (
            key,
            op.bytes,
            member.status,
            member.locale,
            member.revision,
            member.name,
            member.phone,
            member.email,
            member.card,
            member.enrolled_at,
        ),
    )
    tx.execute("DELETE FROM member_identifier WHERE member = ?", (key,))
    identifiers = (("card", member.card), ("phone", member.phone), ("email", member.email))
    tx.executemany(
        "INSERT INTO member_identifier (kind, value, member, op) VALUES (?, ?, ?, ?)",
        [(kind, value, key, op.bytes) for kind, value in identifiers if value is not None],
    )


def put_erased_member(tx: Tx, op: UUID, member: UUID, locale: str, revision: int, enrolled_at: int) -> None:
    """Leave of a member what its points need: an id. Name, phone, e-mail, card and all identifiers go."""
    put_member(
        tx,
        op,
        MemberRow(
            id=member,
            status="erased",
            locale=locale,
            revision=revision,
            name=None,
            phone=None,
            email=None,
            card=None,
            enrolled_at=enrolled_at,
        ),
    )


def add_consents(tx: Tx, op: UUID, member: UUID, at: int, consents: Iterable[tuple[str, str, bool]]) -> None:
    """Add (channel, purpose, granted) to the member's log of consents; nothing in it is ever changed.

    One channel and purpose twice in one fact breaks the primary key and with it the transaction.
    """
    tx.executemany(
        "INSERT INTO consent (op, channel, purpose, member, granted, at) VALUES (?, ?, ?, ?, ?, ?)",
        [(op.bytes, channel, purpose, member.bytes, int(granted), at) for channel, purpose, granted in consents],
    )
