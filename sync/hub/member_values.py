"""sql: members as the feed tells of them: profile, what they are recognised and proved by, consents. Many at once."""

from collections.abc import Collection

import msgspec

from loyalty.bulk import read_rows
from loyalty.transactions import Tx
from sync.feed_values import ConsentValue, MemberValue
from sync.hub.consent_store import read_all_standing
from sync.hub.consents import Word

_MEMBERS = (
    "SELECT id, status, locale, revision, enrolled_at, name, phone, email, card FROM member"
    " WHERE status <> 'erased' AND id IN (?)"
)
_IDENTIFIERS = "SELECT member, kind, value, state FROM member_identifier WHERE member IN (?)"
_SECRETS = "SELECT member, code_secret, pin_hash FROM member_secret WHERE member IN (?)"
_encode = msgspec.json.Encoder().encode


def read_member_values(tx: Tx, members: Collection[bytes]) -> dict[bytes, bytes]:
    """What the feed says of each member whose profile is here and who was not forgotten, as JSON (MemberValue)."""
    profiles = {member: tuple(columns) for member, *columns in read_rows(tx, _MEMBERS, members)}
    identifiers: dict[bytes, list[tuple[str, str, str]]] = {}
    for member, kind, value, state in read_rows(tx, _IDENTIFIERS, profiles):
        identifiers.setdefault(member, []).append((kind, value, state))
    secrets = {member: tuple(columns) for member, *columns in read_rows(tx, _SECRETS, profiles)}
    consents = read_all_standing(tx, profiles) if profiles else {}
    values = {}
    for member, (status, locale, revision, enrolled_at, name, phone, email, card) in profiles.items():
        code_secret, pin_hash = secrets.get(member, (None, None))
        values[member] = _encode(
            MemberValue(
                status=status,
                locale=locale,
                revision=revision,
                enrolled_at=enrolled_at,
                name=name,
                phone=phone,
                email=email,
                card=card,
                identifiers=tuple(sorted(identifiers.get(member, ()))),
                code_secret=code_secret,
                pin_hash=pin_hash,
                consents=tuple(map(_consent, consents[member])),
            )
        )
    return values


def _consent(word: Word) -> ConsentValue:
    return ConsentValue(
        channel=word.channel,
        purpose=word.purpose,
        granted=word.granted,
        frequency=word.frequency,
        op=word.op,
        at=word.at,
    )
