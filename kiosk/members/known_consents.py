"""sql: which word of a member counts, of those this store took down and of those head office tells.

Head office tells the word that counts among all it has heard (sync/hub/consents.py). What this store took down and
head office has not counted yet comes on top, by the same rule: a withdrawal always; a grant where nothing is withdrawn,
or where it names the withdrawal, or follows one of this store's own.

    told             not counted yet            what counts
    ----             ---------------            -----------
    granted          withdrawn                  withdrawn
    withdrawn at B   granted, naming nothing    withdrawn: whoever granted had not heard of it
    withdrawn at B   granted, naming it         granted
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from kiosk.members.known_members import read_profile_told
from loyalty import member_store
from loyalty.member_store import ConsentRow
from loyalty.merge_store import group_of
from loyalty.transactions import Tx
from sync.facts.members import ConsentRecorded
from sync.feed_values import ConsentValue
from sync.journal import find

_OWN = (
    "SELECT consent.op, channel, purpose, granted, frequency, consent.at, seq > coalesce(acknowledged_seq, 0)"
    " FROM consent LEFT JOIN journal ON journal.op_id = consent.op"
    " LEFT JOIN head_office_cursor ON head_office_cursor.epoch = journal.epoch"
    " WHERE consent.member = ? ORDER BY consent.at, granted DESC, consent.op"
)


class _Word(NamedTuple):
    op: UUID
    consent: ConsentRow


class _Own(NamedTuple):
    """A word of this store's log. `is_uncounted`: head office has not decided upon it yet."""

    op: bytes
    channel: str
    purpose: str
    granted: int
    frequency: str | None
    at: int
    is_uncounted: int

    def row(self) -> ConsentRow:
        """As it is answered."""
        return ConsentRow(
            channel=self.channel,
            purpose=self.purpose,
            granted=bool(self.granted),
            frequency=self.frequency,
            at=self.at,
        )


def read_consents(tx: Tx, member: UUID) -> list[ConsentRow]:
    """What counts now, by channel and purpose. What was said by a member merged into this one was said by the same
    person."""
    words = _standing(tx, member)
    if words is None:
        return member_store.read_consents(tx, member)
    return [words[subject].consent for subject in sorted(words)]


def list_withdrawals(tx: Tx, member: UUID, said: Iterable[tuple[str, str]]) -> tuple[UUID, ...]:
    """The facts with withdrawals that count now of these (channel, purpose): what a grant of them says it replaces."""
    asked = list(said)
    found = dict.fromkeys(member_store.list_withdrawals(tx, member, asked))
    words = _standing(tx, member) or {}
    for subject in asked:
        word = words.get(subject)
        if word is not None and not word.consent.granted:
            found[word.op] = None
    return tuple(found)


def read_consent_log(tx: Tx, member: UUID) -> list[ConsentRow]:
    """Every word of a member that is known here, oldest first."""
    log = member_store.read_consent_log(tx, member)
    told = read_profile_told(tx, member)
    if told is None:
        return log
    mine = {row[0] for row in tx.execute("SELECT op FROM consent WHERE member = ?", (member.bytes,))}
    elsewhere = [_row(each) for each in told.consents if each.op.bytes not in mine]
    return sorted([*log, *elsewhere], key=lambda word: (word.at, not word.granted))


def _standing(tx: Tx, member: UUID) -> dict[tuple[str, str], _Word] | None:
    """The word that counts of each channel and purpose; None where head office tells nothing of her."""
    group = group_of(tx, member)
    told = {alias: value for alias in group if (value := read_profile_told(tx, alias)) is not None}
    if not told:
        return None
    words: dict[tuple[str, str], _Word] = {}
    for each in (consent for value in told.values() for consent in value.consents):
        subject = each.channel, each.purpose
        words[subject] = _stronger(words.get(subject), _Word(each.op, _row(each)))
    own = [(alias, _Own(*row)) for alias in group for row in tx.execute(_OWN, (alias.bytes,)).fetchall()]
    mine = {UUID(bytes=word.op) for _, word in own}
    for alias, said in sorted(own, key=lambda each: (each[1].at, -each[1].granted)):
        if alias in told and not said.is_uncounted:
            continue  # it is among what head office decided upon
        before, op = words.get((said.channel, said.purpose)), UUID(bytes=said.op)
        stands = before is not None and not before.consent.granted and before.op not in mine
        if said.granted and stands and before is not None and not _names(tx, op, before.op):
            continue
        words[said.channel, said.purpose] = _Word(op, said.row())
    return words


def _names(tx: Tx, grant: UUID, withdrawal: UUID) -> bool:
    """Whether whoever granted knew of the withdrawal."""
    entry = find(tx, grant)
    return entry is not None and isinstance(entry.body, ConsentRecorded) and withdrawal in entry.body.replaces


def _stronger(one: _Word | None, other: _Word) -> _Word:
    """Of two words of one person told under two ids, a withdrawal; else the later."""
    if one is None:
        return other
    return min(one, other, key=lambda word: (word.consent.granted, -word.consent.at, word.op))


def _row(each: ConsentValue) -> ConsentRow:
    return ConsentRow(
        channel=each.channel, purpose=each.purpose, granted=each.granted, frequency=each.frequency, at=each.at
    )
