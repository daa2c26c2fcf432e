"""sql: what members said about being contacted, as all stores heard it."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from loyalty.accounts_store import find_aliases, find_survivors
from loyalty.bulk import read_rows
from loyalty.transactions import Row, Tx
from sync.hub.consents import Word, standing

_SELECT = (
    "SELECT member, channel, purpose, granted, frequency, op, at, effective_at, origin, seq, replaces"
    " FROM consent_word WHERE member IN (?)"
)
_replaces = msgspec.json.Decoder(tuple[UUID, ...])


def read_standing(tx: Tx, member: UUID) -> list[Word]:
    """The words of a member that count now, by channel and purpose; what was said by anybody who was merged with her
    was said by the same person."""
    return read_all_standing(tx, [member.bytes])[member.bytes]


def read_all_standing(tx: Tx, members: Iterable[bytes]) -> dict[bytes, list[Word]]:
    """The same for many members at once."""
    persons = find_survivors(tx, members)
    aliases = find_aliases(tx, sorted(set(persons.values())))
    words: dict[bytes, list[Word]] = {}
    for member, *columns in read_rows(tx, _SELECT, sorted(aliases)):
        words.setdefault(aliases[member], []).append(_word(tuple(columns)))
    return {member: standing(words.get(person, ())) for member, person in persons.items()}


def _word(row: Row) -> Word:
    channel, purpose, granted, frequency, op, at, effective_at, origin, seq, replaces = row
    return Word(
        channel=channel,
        purpose=purpose,
        granted=bool(granted),
        frequency=frequency,
        op=UUID(bytes=op),
        at=at,
        effective_at=effective_at,
        origin=origin,
        seq=seq,
        replaces=_replaces.decode(replaces),
    )
