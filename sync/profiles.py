"""sql: the personal half of a member's entry as the rows that loyalty keeps: what shop and head office read alike."""

import msgspec

from loyalty.identifier_store import IdentifierRow, SecretRow
from sync.facts.members import PrivateProfile

_decoder = msgspec.json.Decoder(PrivateProfile)


def read_profile(data: bytes | None) -> PrivateProfile:
    """The personal half of an entry from its bytes; an empty one where it was erased."""
    return _decoder.decode(data) if data is not None else PrivateProfile()


def list_more(profile: PrivateProfile) -> list[IdentifierRow]:
    """The identifiers of a profile beside its own phone, e-mail and card."""
    groups = (
        ("card", "active", profile.more_cards),
        ("card", "replaced", profile.replaced_cards),
        ("phone", "active", profile.more_phones),
        ("email", "active", profile.more_emails),
    )
    return [IdentifierRow(kind, value, state) for kind, state, values in groups for value in values]


def secrets_of(profile: PrivateProfile) -> SecretRow:
    """What proves the member."""
    return SecretRow(profile.code_secret, profile.pin_hash)
