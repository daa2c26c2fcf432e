"""sql: members join, change, consent, and are forgotten.

Personal data goes into the private half of an entry, salted with bytes the edge drew: services take `random` because a
write may run twice and must come out the same.

    saved = enrol_member(tx, shop, caller, command, random)     # ENROL_RANDOM_BYTES of it
    saved.answer.token                                          # '29000000000000000039', for the loyalty code
"""

from uuid import UUID

import msgspec

from kiosk.commands import fingerprint
from kiosk.identity.second_factor import forget_factors
from kiosk.life.feed_rows import forget_member_rows
from kiosk.members.apply_members import profile_of
from kiosk.members.known_consents import list_withdrawals, read_consents
from kiosk.members.known_members import find_by_identifier, find_member, is_card_known, refuse_replaced_card
from kiosk.members.member_profile import PROFILE_RANDOM_BYTES, need_active, read_profile, record_profile, tidy_profile
from kiosk.members.member_views import present
from kiosk.members.members import (
    CardTaken,
    ChangeMember,
    ConsentAnswer,
    ConsentRequest,
    EnrolMember,
    ErasedDifferently,
    EraseMember,
    MemberAnswer,
    RecordConsents,
    RecordedConsents,
    SavedMember,
    check_consents,
    need_card,
    salted_fingerprint,
    tag_of,
)
from kiosk.outcome import Outcome
from kiosk.sales.basket_service import forget_labels_of
from kiosk.sales.reasons import refuse_name
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.errors import IdConflict
from loyalty.identity import make_card, normalise_email, normalise_phone
from loyalty.ids import derived_uuid
from loyalty.member_store import MemberRow
from loyalty.merge_store import group_of
from loyalty.transactions import Tx
from printers.spool import forget_member
from sync.facts.members import Consent, ConsentRecorded, MemberEnrolled, MemberErased, PrivateProfile
from sync.http.etag import require_match
from sync.journal import Entry, Private, find, find_same, private_hash_of

_SALT, _CARD, _CARDS_TRIED = 32, 7, 4
ENROL_RANDOM_BYTES = _SALT + _CARD * _CARDS_TRIED
CHANGE_RANDOM_BYTES = PROFILE_RANDOM_BYTES


def enrol_member(tx: Tx, shop: Shop, caller: Caller, command: EnrolMember, random: bytes) -> Outcome[SavedMember]:
    """Take a new member in and give it a card number. `random` is ENROL_RANDOM_BYTES long.

    A phone or e-mail that another active member has is taken: two shops may do that while the line is down, and a
    family shares a phone. The answer names the others.

    Raises WrongPhone, WrongEmail, WrongCard, CardTaken, CardReplaced, ConsentTwice, IdConflict.
    """
    assert len(random) == ENROL_RANDOM_BYTES
    known = find(tx, command.id)
    if known is not None:
        return Outcome(_enrolled_before(tx, known, command), replayed=True)
    check_consents(command.consents)
    prefix = shop.terms.phone_prefix
    profile = PrivateProfile(
        name=command.name,
        phone=normalise_phone(command.phone, prefix) if command.phone is not None else None,
        email=normalise_email(command.email) if command.email is not None else None,
        card=_shown_card(tx, command.card) if command.card is not None else _free_card(tx, random[_SALT:]),
    )
    salt = random[:_SALT]
    private = Private(command.id, salt, msgspec.json.encode(profile))
    body = MemberEnrolled(
        request=salted_fingerprint(command, salt),
        member=command.id,
        locale=command.locale,
        private=private_hash_of(private),
        consents=_consents(command.consents),
        duplicates=_duplicates(tx, profile, command.id),
        brought_card=command.card is not None,
    )
    entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body, private)
    return Outcome(_as_enrolled(entry, body), replayed=False)


def change_member(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, command: ChangeMember, if_match: str | None, random: bytes
) -> SavedMember:
    """Change the profile of a member. `random` is CHANGE_RANDOM_BYTES long; what changes nothing writes nothing.

    Raises MemberNotFound, MemberNotActive, PreconditionRequired, PreconditionFailed, WrongPhone, WrongEmail, WrongCard,
    CardTaken.
    """
    row = need_active(tx, member)
    require_match(if_match, tag_of(present(tx, row)))
    present_profile = read_profile(tx, row)
    profile = _changed(present_profile, command, shop.terms.phone_prefix)
    known = {row.card, *present_profile.more_cards}
    for card in profile.more_cards:
        if card not in known and is_card_known(tx, card):
            raise CardTaken(pointer="/more_cards")
    locale = command.locale if command.locale is not msgspec.UNSET else row.locale
    record_profile(tx, shop, caller, row, profile, locale, random)
    return _saved(present(tx, find_member(tx, member)), _duplicates(tx, profile, member))


def record_consents(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, command: RecordConsents
) -> Outcome[RecordedConsents]:
    """Add the member's word to the log. Raises MemberNotFound, MemberNotActive, ConsentTwice, IdConflict."""
    known = find_same(tx, command.id, ConsentRecorded, fingerprint(command))
    if known is not None:
        return Outcome(_recorded(known, member), replayed=True)
    need_active(tx, member)
    check_consents(command.consents)
    last = max((consent.at for consent in read_consents(tx, member)), default=0)
    body = ConsentRecorded(
        request=fingerprint(command),
        member=member,
        at=max(caller.now_ms, last + 1),
        consents=_consents(command.consents),
        replaces=list_withdrawals(
            tx, member, [(consent.channel, consent.purpose) for consent in command.consents if consent.granted]
        ),
    )
    entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
    return Outcome(_recorded(entry, member), replayed=False)


def erase_member(tx: Tx, shop: Shop, caller: Caller, member: UUID, command: EraseMember) -> Outcome[MemberAnswer]:
    """Forget a member: everything personal goes, the points stay as facts about an id. The same again answers the same.

    The pages of the file that held the data are overwritten with zeros (`secure_delete`); older copies in the
    write-ahead log go when the caller truncates it after the commit.

    Raises MemberNotFound, ErasedDifferently, ReasonNamesMember, MemberNotActive for one merged into another.
    """
    find_member(tx, member)
    known = find(tx, derived_uuid(member, "erase"))
    if known is not None:
        assert isinstance(known.body, MemberErased)
        if known.body.reason != command.reason:
            raise ErasedDifferently
    else:
        need_active(tx, member)
        group = [find_member(tx, alias) for alias in group_of(tx, member)]
        for alias in group:
            refuse_name(alias, command.reason)
        for alias in group:
            _erase(tx, shop, caller, alias, command.reason)
    return Outcome(present(tx, find_member(tx, member)), replayed=known is not None)


def list_erased(tx: Tx, _shop: Shop, _caller: Caller, member: UUID) -> frozenset[UUID]:
    """Everybody who went with this member: itself and all who were merged into it."""
    return frozenset(group_of(tx, member))


def _erase(tx: Tx, shop: Shop, caller: Caller, row: MemberRow, reason: str) -> None:
    """Everything personal of one member goes: by the fact what lies in fact tables, here what does not."""
    body = MemberErased(
        member=row.id,
        reason=reason,
        locale=row.locale,
        revision=row.revision + 1,
        enrolled_at=row.enrolled_at,
    )
    origin = origin_of(caller, day_of(tx, caller, shop.terms))
    shop.journal.record(tx, origin, derived_uuid(row.id, "erase"), body)
    forget_member(tx, row.id)
    forget_labels_of(tx, row.id)
    forget_factors(tx, row.id)
    forget_member_rows(tx, row.id)


def _enrolled_before(tx: Tx, known: Entry, command: EnrolMember) -> SavedMember:
    """The answer of the first delivery. Raises IdConflict when the id stood for something else.

    Once the member is erased the salt is gone, so nobody can tell any more what the first delivery said: the answer is
    the erased member, which tells nothing either.
    """
    body = known.body
    if not isinstance(body, MemberEnrolled):
        raise IdConflict
    if known.private is None:
        return _saved(present(tx, find_member(tx, body.member)), ())
    if salted_fingerprint(command, known.private.salt) != body.request:
        raise IdConflict
    return _as_enrolled(known, body)


def _as_enrolled(entry: Entry, body: MemberEnrolled) -> SavedMember:
    profile = profile_of(entry)
    return SavedMember(
        id=body.member,
        status="active",
        locale=body.locale,
        revision=1,
        name=profile.name,
        phone=profile.phone,
        email=profile.email,
        token=profile.card,
        enrolled_at=utc_text(entry.at),
        consents=_consent_answers(body.consents, entry.at),
        duplicates=body.duplicates,
    )


def _saved(member: MemberAnswer, duplicates: tuple[UUID, ...]) -> SavedMember:
    return SavedMember(**msgspec.structs.asdict(member), duplicates=duplicates)


def _recorded(entry: Entry, member: UUID) -> RecordedConsents:
    body = entry.body
    assert isinstance(body, ConsentRecorded)
    if body.member != member:
        raise IdConflict
    return RecordedConsents(id=entry.op_id, member=member, consents=_consent_answers(body.consents, body.at))


def _changed(profile: PrivateProfile, command: ChangeMember, prefix: str) -> PrivateProfile:
    """The profile as the command wants it. Raises WrongPhone, WrongEmail, WrongCard."""
    wanted = {name: value for name, value in msgspec.structs.asdict(command).items() if value is not msgspec.UNSET}
    wanted.pop("locale", None)
    if wanted.get("phone") is not None:
        wanted["phone"] = normalise_phone(wanted["phone"], prefix)
    if wanted.get("email") is not None:
        wanted["email"] = normalise_email(wanted["email"])
    for name, normalise in (
        ("more_phones", lambda text: normalise_phone(text, prefix)),
        ("more_emails", normalise_email),
        ("more_cards", need_card),
    ):
        if name in wanted:
            wanted[name] = tuple(map(normalise, wanted[name]))
    return tidy_profile(msgspec.structs.replace(profile, **wanted))


def _shown_card(tx: Tx, text: str) -> str:
    """The number of a card that the customer has already. Raises WrongCard, CardTaken for one that is somebody's here,
    CardReplaced for one that was reported lost."""
    card = need_card(text)
    refuse_replaced_card(tx, card, "/card")
    if is_card_known(tx, card):
        raise CardTaken(pointer="/card")
    return card


def _free_card(tx: Tx, random: bytes) -> str:
    """A card number nobody has. That four in a row are taken does not happen; if it did, nothing would be written."""
    chunks = (random[start : start + _CARD] for start in range(0, len(random), _CARD))
    return next(card for card in map(make_card, chunks) if not is_card_known(tx, card))


def _duplicates(tx: Tx, profile: PrivateProfile, member: UUID) -> tuple[UUID, ...]:
    """The other active members with one of these phones or e-mails, oldest first, each once."""
    values = [("phone", phone) for phone in (profile.phone, *profile.more_phones) if phone is not None]
    values += [("email", email) for email in (profile.email, *profile.more_emails) if email is not None]
    found = [other for kind, value in values for other in find_by_identifier(tx, kind, value)]
    return tuple(dict.fromkeys(other for other in found if other != member))


def _consents(consents: tuple[ConsentRequest, ...]) -> tuple[Consent, ...]:
    return tuple(Consent(each.channel, each.purpose, each.granted, each.frequency) for each in consents)


def _consent_answers(consents: tuple[Consent, ...], at_ms: int) -> tuple[ConsentAnswer, ...]:
    """In the order a member's consents always have: by channel and purpose."""
    ordered = sorted(consents, key=lambda consent: (consent.channel, consent.purpose))
    return tuple(
        ConsentAnswer(
            channel=each.channel,
            purpose=each.purpose,
            granted=each.granted,
            frequency=each.frequency,
            at=utc_text(at_ms),
        )
        for each in ordered
    )
