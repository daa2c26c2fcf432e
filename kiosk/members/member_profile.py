"""sql: a member's whole profile, read from the tables and written as a new fact.

profile = read_profile(tx, row)
changed = msgspec.structs.replace(profile, pin_hash=pin_hash)
record_profile(tx, shop, caller, row, changed, row.locale, random)        # PROFILE_RANDOM_BYTES of it
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from kiosk.members.known_members import find_member, read_identifiers, read_secrets
from kiosk.members.members import MemberNotActive
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.ids import uuid7
from loyalty.member_store import MemberRow
from loyalty.transactions import Tx
from sync.facts.members import MemberChanged, PrivateProfile
from sync.journal import Private, private_hash_of

_SALT, _ID = 32, 10
PROFILE_RANDOM_BYTES = _ID + _SALT


def need_active(tx: Tx, member: UUID) -> MemberRow:
    """The member of the path, if it may still be changed. Raises MemberNotFound, MemberNotActive."""
    row = find_member(tx, member)
    if row.status != "active":
        raise MemberNotActive
    return row


def read_profile(tx: Tx, row: MemberRow) -> PrivateProfile:
    """Everything personal that the store knows of a member, as an entry holds it."""
    own = {("card", row.card), ("phone", row.phone), ("email", row.email)}
    found = [each for each in read_identifiers(tx, row.id) if (each.kind, each.value) not in own]
    secrets = read_secrets(tx, row.id)

    def values(kind: str, state: str = "active") -> tuple[str, ...]:
        return tuple(each.value for each in found if (each.kind, each.state) == (kind, state))

    return PrivateProfile(
        name=row.name,
        phone=row.phone,
        email=row.email,
        card=row.card,
        more_phones=values("phone"),
        more_emails=values("email"),
        more_cards=values("card"),
        replaced_cards=values("card", "replaced"),
        code_secret=secrets.code_secret,
        pin_hash=secrets.pin_hash,
    )


def record_profile(
    tx: Tx, shop: Shop, caller: Caller, row: MemberRow, profile: PrivateProfile, locale: str, random: bytes
) -> None:
    """Make `profile` the member's from now on. What changes nothing writes nothing."""
    assert len(random) == PROFILE_RANDOM_BYTES
    tidy = tidy_profile(profile)
    if tidy == read_profile(tx, row) and locale == row.locale:
        return
    private = Private(row.id, random[_ID:], msgspec.json.encode(tidy))
    body = MemberChanged(
        member=row.id,
        locale=locale,
        revision=row.revision + 1,
        enrolled_at=row.enrolled_at,
        private=private_hash_of(private),
    )
    op_id = uuid7(caller.now_ms, random[:_ID])
    shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), op_id, body, private)


def tidy_profile(profile: PrivateProfile) -> PrivateProfile:
    """The same profile with each further identifier once, in order, and none that is the main one."""
    return msgspec.structs.replace(
        profile,
        more_phones=_others(profile.more_phones, profile.phone),
        more_emails=_others(profile.more_emails, profile.email),
        more_cards=_others(profile.more_cards, profile.card),
        replaced_cards=_others(profile.replaced_cards, None),
    )


def _others(values: Iterable[str], main: str | None) -> tuple[str, ...]:
    return tuple(sorted(set(values) - {main}))
