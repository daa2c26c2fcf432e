"""sql: writes members, identifiers, secrets, merges and consents. The only writer of their tables.

Each function writes rows complete from what it is given, whatever was there before, so that a replay of one entry into
an empty database makes the very rows the store has.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from loyalty.identifier_store import IdentifierRow, SecretRow
from loyalty.member_store import MemberRow
from loyalty.points.facts import Merge
from loyalty.transactions import Tx

_UPSERT_MEMBER = """
INSERT INTO member (id, op, status, locale, revision, name, phone, email, card, enrolled_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    op = excluded.op, status = excluded.status, locale = excluded.locale, revision = excluded.revision,
    name = excluded.name, phone = excluded.phone, email = excluded.email, card = excluded.card,
    enrolled_at = excluded.enrolled_at
"""


def put_member(
    tx: Tx, op: UUID, member: MemberRow, more: Iterable[IdentifierRow] = (), secrets: SecretRow | None = None
) -> None:
    """Write a member as it is from the fact `op` on: the row, an identifier for each of card, phone and e-mail and for
    each of `more`, and what proves it."""
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
    own = [IdentifierRow(kind, value) for kind, value in identifiers if value is not None]
    tx.executemany(
        "INSERT INTO member_identifier (kind, value, member, op, state) VALUES (?, ?, ?, ?, ?)",
        [(each.kind, each.value, key, op.bytes, each.state) for each in (*own, *more)],
    )
    tx.execute("DELETE FROM member_secret WHERE member = ?", (key,))
    if secrets is not None and secrets != SecretRow():
        tx.execute(
            "INSERT INTO member_secret (member, op, code_secret, pin_hash) VALUES (?, ?, ?, ?)",
            (key, op.bytes, secrets.code_secret, secrets.pin_hash),
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


def put_merge(tx: Tx, op: UUID, merge: Merge) -> None:
    """Make a member an alias. Its profile stays, so that the merge can be taken back."""
    tx.execute(
        "INSERT INTO member_merge (absorbed, op, into_member, effective_at, origin, seq) VALUES (?, ?, ?, ?, ?, ?)",
        (merge.absorbed, op.bytes, merge.into, merge.effective_at, merge.origin, merge.seq),
    )
    tx.execute("UPDATE member SET status = 'merged', op = ? WHERE id = ?", (op.bytes, merge.absorbed))


def end_merge(tx: Tx, op: UUID, absorbed: UUID) -> None:
    """Make an alias a member again."""
    tx.execute("DELETE FROM member_merge WHERE absorbed = ?", (absorbed.bytes,))
    tx.execute("UPDATE member SET status = 'active', op = ? WHERE id = ?", (op.bytes, absorbed.bytes))


class ConsentWord(NamedTuple):
    """One line of the log of consents."""

    channel: str
    purpose: str
    granted: bool
    frequency: str | None


def add_consents(tx: Tx, op: UUID, member: UUID, at: int, consents: Iterable[ConsentWord]) -> None:
    """Add to the member's log of consents; nothing in it is ever changed.

    One channel and purpose twice in one fact breaks the primary key and with it the transaction.
    """
    tx.executemany(
        "INSERT INTO consent (op, channel, purpose, member, granted, frequency, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (op.bytes, word.channel, word.purpose, member.bytes, int(word.granted), word.frequency, at)
            for word in consents
        ],
    )
