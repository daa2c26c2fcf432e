"""pure: points for what is no purchase: a sign-up, a survey, a day of sport, a review. Each pays once under its key.

A type says how its key is made. Whatever makes the same key again is the same activity, told by whoever it is, in any
order: it pays once, because the key is unique in the books.

    key                | once for each              | type
    -------------------|----------------------------|--------------------------
    {member}           | member                     | signup, profile_complete
    {member}:{day}     | member and day             | fitness_day, check_in
    {member}:{subject} | member and survey, article | survey, review
    {member}:{year}    | member and year            | vaccination
    {subject}          | member who was brought     | referral

    >>> key_of(built_in("check_in"), bytes(16), dt.date(2026, 11, 21)) == key_of(
    ...     built_in("check_in"), bytes(16), dt.date(2026, 11, 21), subject="ignored")
    True
"""

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta, Struct

from loyalty.earning_rules.rule import Caps
from loyalty.earning_rules.validation import RuleFault
from loyalty.errors import Conflict, Forbidden, InvalidInput
from loyalty.keys import is_sound_public_key
from loyalty.offers.offer import Language, Title

_END = r"$(?!\n)"
ActivityCode = Annotated[str, Meta(max_length=30, pattern=r"^[a-z][a-z0-9_]{1,29}" + _END)]
Subject = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+" + _END)]
KeyTemplate = Annotated[str, Meta(min_length=1, max_length=80)]
ProofKind = Literal["staff", "signed_partner", "self"]
_PLACES = ("member", "subject", "day", "week", "month", "year")
_TEMPLATE = re.compile(r"\{(\w+)\}(:\{(\w+)\})*")
_DOMAIN = "counterfoil-activity/1"


class ActivityDone(Conflict):
    """This was counted before."""

    code, hint = "activity_done", "It pays once. The date it was counted is shown."


class ActivityNotOffered(Conflict):
    """There are no points for this here."""

    code, hint = "activity_not_offered", "Ask the manager whether this should bring points."


class ActivityTooOld(InvalidInput):
    """This lies too long ago, or has not happened yet."""

    code, hint = "activity_out_of_time", "Check the date. What is older than the type allows brings no points any more."


class SubjectNeeded(InvalidInput):
    """It must be said what this was about."""

    code, hint = "subject_needed", "Name the survey, the article or the member that this is about."


class ProofNotTaken(Forbidden):
    """This kind of proof is not enough for it."""

    code, hint = "proof_not_taken", "Let staff record it, or the partner send it signed."


class WrongSignature(Forbidden):
    """The partner's signature does not fit."""

    code, hint = "wrong_signature", "Nothing was counted. The partner must sign exactly these details with its own key."


class ActivityTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may bring points. `proof`: who may say that it happened, one of these is enough. `max_age_days`: how long
    ago it may lie. `valid_days`: the points end so many days later; None as the program's do."""

    format: Literal[1] = 1
    title: Annotated[dict[Language, Title], Meta(max_length=20)]
    points: Annotated[int, Meta(ge=1, le=1_000_000)]
    key: KeyTemplate
    proof: Annotated[tuple[ProofKind, ...], Meta(min_length=1, max_length=3)]
    caps: Caps = Caps()
    max_age_days: Annotated[int, Meta(ge=0, le=3650)] = 30
    valid_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class ActivityType(ActivityTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A type by its code. A version never changes; a change is a new version."""

    id: ActivityCode
    version: Annotated[int, Meta(ge=1, le=10**9)]


_TITLES = {
    "signup": "Welcome",
    "profile_complete": "Profile complete",
    "survey": "Survey",
    "fitness_day": "Active day",
    "vaccination": "Vaccination",
    "review": "Review",
    "check_in": "Check-in",
    "referral": "Brought a friend",
}
_KEYS = {
    "signup": "{member}",
    "profile_complete": "{member}",
    "survey": "{member}:{subject}",
    "fitness_day": "{member}:{day}",
    "vaccination": "{member}:{year}",
    "review": "{member}:{subject}",
    "check_in": "{member}:{day}",
    "referral": "{subject}",
}
_PROOFS: dict[str, tuple[ProofKind, ...]] = {
    "fitness_day": ("signed_partner",),
    "vaccination": ("staff", "signed_partner"),
    "survey": ("staff", "signed_partner", "self"),
    "review": ("staff", "signed_partner"),
    "check_in": ("staff", "self"),
}
REFERRAL = "referral"
BUILT_IN = tuple(_KEYS)


def built_in(code: str, points: int = 1) -> ActivityType:
    """A type that everybody knows, as it is proposed to a shop. None is offered before a manager has said how many
    points it brings. Raises KeyError for any other code."""
    return ActivityType(
        format=1,
        id=code,
        version=1,
        title={"en": _TITLES[code]},
        points=points,
        key=_KEYS[code],
        proof=_PROOFS.get(code, ("staff",)),
    )


def validate_activity(activity: ActivityType) -> list[RuleFault]:
    """Everything that is wrong with a type; empty when it may be offered."""
    return list(_faults(activity))


def _faults(activity: ActivityType) -> Iterator[RuleFault]:
    if not any(title.strip() for title in activity.title.values()):
        yield RuleFault("/title", "title_missing", "Give it a title in at least one language.")
    places = places_of(activity)
    if not _TEMPLATE.fullmatch(activity.key) or not set(places) <= set(_PLACES) or len(set(places)) < len(places):
        yield RuleFault(
            "/key", "wrong_key", f"A key is made of {', '.join(_PLACES)}, each in braces, with colons between."
        )
    elif not {"member", "subject"} & set(places):
        yield RuleFault("/key", "pays_once_for_all", "A key without member and subject pays one member only.")
    if activity.id == REFERRAL and places != ("subject",):
        yield RuleFault("/key", "wrong_key", "A referral is known by the member who was brought: {subject}.")
    limits = [limit for limit in (activity.caps.per_sale, activity.caps.per_day, activity.caps.per_period) if limit]
    if activity.caps.per_sale is not None:
        yield RuleFault("/caps/per_sale", "no_sale", "An activity is no sale; cap the day or the period.")
    elif limits != sorted(limits):
        yield RuleFault("/caps", "caps_disagree", "A day's cap is at most the period's.")
    if limits and min(limits) < activity.points:
        yield RuleFault("/caps", "cap_below_gift", f"The cap leaves no room for {activity.points} points.")
    if len(set(activity.proof)) < len(activity.proof):
        yield RuleFault("/proof", "repeated", "One of them stands there twice.")


def places_of(activity: ActivityType) -> tuple[str, ...]:
    """The names in braces of a type's key, in order."""
    return tuple(re.findall(r"\{(\w+)\}", activity.key))


def key_of(activity: ActivityType, member: bytes, day: dt.date, subject: str | None = None) -> bytes:
    """What makes this activity the same as another one: 32 bytes, from which nobody reads member or subject.

    `member` is a UUID as 16 bytes, `day` the local day on which it happened.

    Raises SubjectNeeded.
    """
    year, week, _ = day.isocalendar()
    values = {
        "member": member.hex(),
        "day": day.isoformat(),
        "week": f"{year:04d}-W{week:02d}",
        "month": f"{day.year:04d}-{day.month:02d}",
        "year": f"{day.year:04d}",
        "subject": subject,
    }
    parts = [values[place] for place in places_of(activity)]
    if None in parts:
        raise SubjectNeeded(pointer="/subject")
    return hashlib.sha256("\n".join([_DOMAIN, activity.id, activity.key, *map(str, parts)]).encode()).digest()


def check_proof(activity: ActivityType, proof: ProofKind) -> None:
    """Raises ProofNotTaken."""
    if proof not in activity.proof:
        raise ProofNotTaken(f"It takes: {', '.join(activity.proof)}.", pointer="/proof", takes=list(activity.proof))


def check_time(activity: ActivityType, occurred_at: int, now: int, tolerance_ms: int = 300_000) -> None:
    """Both in milliseconds since 1970 UTC; clocks may differ by `tolerance_ms`. Raises ActivityTooOld."""
    if not now - activity.max_age_days * 86_400_000 <= occurred_at + tolerance_ms <= now + 2 * tolerance_ms:
        raise ActivityTooOld(f"At most {activity.max_age_days} days ago.", pointer="/occurred_at")


def signed_text(
    *, partner: str, op_id: str, member: str, activity: str, occurred_at: int, subject: str | None
) -> bytes:
    """The bytes a partner signs: every detail on a line of its own, ids as lower-case UUIDs, time in milliseconds since
    1970 UTC. No detail can hold a line break, so two different activities never have the same text.

    >>> signed_text(partner="gym", op_id="a", member="b", activity="fitness_day", occurred_at=5, subject=None)
    b'counterfoil-activity/1\\ngym\\na\\nb\\nfitness_day\\n5\\n'
    """
    return "\n".join([_DOMAIN, partner, op_id, member, activity, str(occurred_at), subject or ""]).encode()


def read_partner_key(text: str) -> bytes:
    """A partner's public key from 64 hexadecimal digits. Raises ValueError for one under which anything would be signed
    (loyalty.keys)."""
    public = bytes.fromhex(text)
    if not is_sound_public_key(public):
        raise ValueError(f"{text[:16]}… is no public key a partner can have")
    return public


def check_signature(public_key: bytes, text: bytes, signature: str) -> None:
    """Ed25519 (RFC 8032) over `text`; `signature` is 128 hexadecimal digits. Raises WrongSignature."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError) as error:
        raise WrongSignature(pointer="/proof/signature") from error


def within_caps(caps: Caps, points: int, day_points: int, period_points: int) -> bool:
    """Whether a type's caps leave room for `points` after what it gave the member on the day and in the period.

    An activity brings all of its points or is refused: half a survey could not be explained."""
    return (caps.per_day is None or day_points + points <= caps.per_day) and (
        caps.per_period is None or period_points + points <= caps.per_period
    )
