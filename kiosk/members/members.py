"""pure: what is said about members: commands of the till and kiosk, answers, and the checks that need no tables.

A command's fingerprint is salted here: name and phone are guessable, so a plain hash of them in the journal would still
be personal data. The salt lies with the private half of the entry and goes with it.

    >>> mentions("Anna asked for it", "Anna Kowalska", "+48600100200", None)
    True
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from kiosk.commands import Booking, Code, Locale, Name, Reason, Scanned
from kiosk.offers.live_offers import MemberOffer
from kiosk.points.points import MemberPoints
from loyalty.errors import Conflict, InvalidInput
from loyalty.identity import fold_name, read_card
from sync.http.etag import strong_etag

Phone = Annotated[str, Meta(min_length=1, max_length=64)]
Email = Annotated[str, Meta(min_length=1, max_length=254)]
# `$` alone would let a line break through at the end.
Word = Annotated[str, Meta(max_length=30, pattern=r"^[a-z][a-z_]{1,29}(?!\n)$")]
Frequency = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]

_encode = msgspec.json.Encoder(order="deterministic").encode
_MORE_MAX = 10
_SHORTEST_WORD = 3
_TELLING_DIGITS = 7


class MemberNotActive(Conflict):
    """This member was erased or merged and cannot be changed any more."""

    code, hint = "member_not_active", "Look the member up again by card or phone number, or enrol a new one."


class ErasedDifferently(Conflict):
    """This member was erased already, for another reason."""

    code, hint = "erased_differently", "Nothing was changed: the member is forgotten, with the first reason."


class CardTaken(Conflict):
    """This card is somebody's already, or was reported lost."""

    code, hint = "card_taken", "Take another card."


class WrongCard(InvalidInput):
    """This is not a loyalty card of ours."""

    code, hint = "wrong_card", "Scan the card again."


class FrequencyWithoutConsent(InvalidInput):
    """How often is only said where something is granted."""

    code, hint = "frequency_without_consent", "Leave the frequency out, or ask the customer for the consent."


class ConsentTwice(InvalidInput):
    """One channel and purpose stands twice in this list."""

    code, hint = "consent_twice", "Ask the customer once for each channel and purpose."


class ReasonNamesMember(InvalidInput):
    """The reason names the customer. Reasons are kept for ever, customers may ask to be forgotten."""

    code, hint = "reason_names_member", "Say why without the customer's name, phone or e-mail."


class TokenOrPhone(InvalidInput):
    """A member is looked up by a scanned code or by a phone number, one of the two."""

    code, hint = "token_or_phone", "Scan the card, or type the phone number."


class ConsentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One word of the member: `channel` such as sms or email, `purpose` such as marketing; `frequency` is how often at
    most, for what is granted; left out it is as often as we like."""

    channel: Word
    purpose: Word
    granted: bool
    frequency: Frequency | None = None


class EnrolMember(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/members. `id` becomes the member's id.

    `card` is one that the customer shows and that is known neither here nor, as far as it can be asked, elsewhere: she
    earns with it at once, and head office joins her with whoever has this card (sync/hub/card_owners.py).
    """

    locale: Locale
    card: Code | None = None
    name: Name | None = None
    phone: Phone | None = None
    email: Email | None = None
    consents: Annotated[tuple[ConsentRequest, ...], Meta(max_length=50)] = ()


class ChangeMember(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PATCH /v1/members/{id}. What is left out stays, null removes (RFC 7396); a list replaces the list."""

    name: Name | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    locale: Locale | UnsetType = UNSET
    more_phones: Annotated[tuple[Phone, ...], Meta(max_length=_MORE_MAX)] | UnsetType = UNSET
    more_emails: Annotated[tuple[Email, ...], Meta(max_length=_MORE_MAX)] | UnsetType = UNSET
    more_cards: Annotated[tuple[Code, ...], Meta(max_length=_MORE_MAX)] | UnsetType = UNSET


class ResolveMember(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/members/resolve: the scanned code or the phone number."""

    token: Scanned | None = None
    phone: Phone | None = None


class RecordConsents(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/members/{id}/consents."""

    consents: Annotated[tuple[ConsentRequest, ...], Meta(min_length=1, max_length=50)]


class EraseMember(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/members/{id}/erase."""

    reason: Reason


class ConsentAnswer(Struct, frozen=True, kw_only=True):
    """A consent as it counts. `at` is RFC 3339."""

    channel: str
    purpose: str
    granted: bool
    frequency: str | None
    at: str


class MemberAnswer(Struct, frozen=True, kw_only=True):
    """A member. `token` is the text of the loyalty code; all personal fields are null once `status` is erased.

    `more_*` recognise the member too; `has_pin` and `has_code` say by what it can prove to be here.
    """

    id: UUID
    status: str
    locale: str
    revision: int
    name: str | None
    phone: str | None
    email: str | None
    token: str | None
    enrolled_at: str
    consents: tuple[ConsentAnswer, ...]
    more_phones: tuple[str, ...] = ()
    more_emails: tuple[str, ...] = ()
    more_cards: tuple[str, ...] = ()
    has_pin: bool = False
    has_code: bool = False


class SavedMember(MemberAnswer, frozen=True, kw_only=True):
    """A member just written. `duplicates`: active members with the same phone or e-mail, oldest first."""

    duplicates: tuple[UUID, ...]


class RecognisedMember(Struct, frozen=True, kw_only=True):
    """As much of a member as the asker may see: staff the name, a kiosk its initial, both the masked phone."""

    id: UUID
    name: str | None
    phone: str | None
    locale: str


class ResolvedMember(Struct, frozen=True, kw_only=True):
    """Who a code or a number stands for. `others` share it; the oldest is `member`, a person chooses.

    A kiosk sees no points: a code that was photographed identifies somebody, it proves nothing.
    """

    member: RecognisedMember
    others: tuple[RecognisedMember, ...]
    points: MemberPoints | None
    tier: str | None = None
    offers: tuple[MemberOffer, ...] = ()
    carts: tuple[dict[str, str], ...] = ()


class RecordedConsents(Struct, frozen=True, kw_only=True):
    """What was recorded."""

    id: UUID
    member: UUID
    consents: tuple[ConsentAnswer, ...]


def salted_fingerprint(command: Struct, salt: bytes) -> str:
    """SHA-256 of salt and decoded command, 64 hex digits."""
    return hashlib.sha256(salt + _encode(command)).hexdigest()


def tag_of(member: MemberAnswer) -> str:
    """The ETag of a member: it changes with the profile and with every consent."""
    return strong_etag(member.revision, max((consent.at for consent in member.consents), default="0"))


def need_card(text: str) -> str:
    """The number of a loyalty card that was scanned or typed. Raises WrongCard."""
    card = read_card(text)
    if card is None:
        raise WrongCard
    return card


def check_consents(consents: Sequence[ConsentRequest]) -> None:
    """Raises ConsentTwice, FrequencyWithoutConsent."""
    seen: set[tuple[str, str]] = set()
    for at, consent in enumerate(consents):
        if (consent.channel, consent.purpose) in seen:
            raise ConsentTwice(pointer=f"/consents/{at}")
        if consent.frequency is not None and not consent.granted:
            raise FrequencyWithoutConsent(pointer=f"/consents/{at}/frequency")
        seen.add((consent.channel, consent.purpose))


def mentions(text: str, name: str | None, phone: str | None, email: str | None) -> bool:
    """Whether a reason names the customer: a word of the name, the end of the phone number, the e-mail address.

    A plain guard against the slip of a pen, so it looks for whole words and takes words of one or two letters as
    harmless.
    """
    folded = fold_name(text)
    words = set(_words(folded))
    if any(word in words for word in _words(fold_name(name or "")) if len(word) >= _SHORTEST_WORD):
        return True
    if email is not None and fold_name(email) in folded:
        return True
    digits = "".join(character for character in folded if character in "0123456789")
    return phone is not None and phone[-_TELLING_DIGITS:] in digits


def initial_of(name: str | None) -> str | None:
    """What a kiosk shows of a name.

    >>> initial_of("anna Kowalska")
    'A.'
    """
    letters = unicodedata.normalize("NFC", name or "").strip()
    return f"{letters[0].upper()}." if letters else None


def _words(folded: str) -> list[str]:
    return "".join(character if character.isalnum() else " " for character in folded).split()
