"""pure: members. Personal data never stands in a hashed entry: it lies in `journal_private`, the entry holds its
salted hash."""

from uuid import UUID

from msgspec import Struct


class PrivateProfile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The personal half of a member, kept beside the entry and deleted by an erasure.

    `phone`, `email` and `card` are those we write to and print; `more_*` recognise the member just as well, in sorted
    order. `replaced_cards` were lost: they are known in order to be refused. `code_secret` (base32) makes the rotating
    code, `pin_hash` is argon2id; both are here so that they go with everything else that is the member's.
    """

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    card: str | None = None
    more_phones: tuple[str, ...] = ()
    more_emails: tuple[str, ...] = ()
    more_cards: tuple[str, ...] = ()
    replaced_cards: tuple[str, ...] = ()
    code_secret: str | None = None
    pin_hash: str | None = None


class Consent(Struct, frozen=True, omit_defaults=True):
    """May we contact the member on this channel for this purpose, and how often at most; None: as often as we like."""

    channel: str
    purpose: str
    granted: bool
    frequency: str | None = None


class MemberEnrolled(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A member joined. `request` and `private` are salted hashes; the salt goes with the private row.

    `duplicates` are the active members who had the same phone or e-mail at that moment, oldest first. `brought_card`:
    the card is one that she showed, and nobody knew whose it is.
    """

    request: str
    member: UUID
    locale: str
    private: str
    consents: tuple[Consent, ...] = ()
    duplicates: tuple[UUID, ...] = ()
    brought_card: bool = False


class MemberChanged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A member's whole profile as it is from now on; `revision` counts the changes, `enrolled_at` is that of the
    enrolment (milliseconds since 1970 UTC)."""

    member: UUID
    locale: str
    revision: int
    enrolled_at: int
    private: str


class MemberErased(Struct, frozen=True, kw_only=True):
    """A member asked to be forgotten. Points stay as anonymous facts; everything personal goes.

    `reason` stays in the chain for ever, so it names nobody. The rest is what the member's row keeps.
    """

    member: UUID
    reason: str
    locale: str
    revision: int
    enrolled_at: int


class ConsentRecorded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A member granted or withdrew consents. `at` (milliseconds since 1970 UTC) is when they count from: the store's
    clock, but always after the member's earlier word, so that a clock set back cannot undo a withdrawal. `replaces`
    names the facts with withdrawals that were known when she granted again: one that was not known still counts."""

    request: str
    member: UUID
    at: int
    consents: tuple[Consent, ...]
    replaces: tuple[UUID, ...] = ()


class MemberMerged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`absorbed` is the same person as `into`: from now on one account. Postings stay where they were made; the sum is
    what counts (loyalty/points/facts.py, Merge). `effective_at` is the place in the order of postings, milliseconds
    since 1970 UTC; `reason` names nobody. `told`: head office said so, by this fact; the store only follows."""

    request: str
    absorbed: UUID
    into: UUID
    effective_at: int
    reason: str
    told: UUID | None = None


class MemberParted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A merge was a mistake and counts as if it had never been. `merge` is the id of its fact. `is_told`: head office
    said so, the store only follows."""

    merge: UUID
    absorbed: UUID
    into: UUID
    reason: str
    is_told: bool = False
