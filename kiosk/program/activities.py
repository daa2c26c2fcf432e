"""pure: what is asked and answered about activities: a survey, a day of sport, a friend who was brought."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from kiosk.commands import Booking, Secret
from loyalty.activities import ActivityCode, Subject
from loyalty.errors import Conflict, InvalidInput
from loyalty.points.account import Balance

Time = Annotated[dt.datetime, Meta(tz=True)]


class ProofIncomplete(InvalidInput):
    """The proof is incomplete."""

    code, hint = (
        "proof_incomplete",
        "A partner's proof names the partner and has a signature; a member's own has a token.",
    )


class UnknownPartner(InvalidInput):
    """This partner is not known here."""

    code, hint = "unknown_partner", "Ask the manager to enter the partner with its public key."


class CapReached(Conflict):
    """The member has had as many points for this as there are for now."""

    code, hint = "cap_reached", "Tell the member when it counts again: the next day, or the next month."


class ReferralWrong(Conflict):
    """This member cannot be brought as a friend: it has bought here before, or it is the same person."""

    code, hint = "referral_wrong", "A friend is a new member, before the first purchase."


class ActivityProof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who says that it happened. `staff`: whoever is signed in. `signed_partner`: `partner` by name, and `signature`
    over the details (loyalty.activities.signed_text). `self`: `token` of POST /v1/members/{id}/proofs."""

    kind: Literal["staff", "signed_partner", "self"]
    partner: Annotated[str, Meta(min_length=1, max_length=30)] | None = None
    signature: Annotated[str, Meta(max_length=128, pattern=r"^[0-9a-fA-F]{128}$(?!\n)")] | None = None
    token: Secret | None = None


class RecordActivity(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/activities. `subject` is what it was about: the survey, the article; of a referral the new member."""

    member: UUID
    type: ActivityCode
    occurred_at: Time
    subject: Subject | None = None
    proof: ActivityProof | None = None


class RulePoints(Struct, frozen=True):
    """Points and the rule they come from, as its name and version; of the activity itself its type."""

    rule: str
    points: int


class ActivityAnswer(Struct, frozen=True, kw_only=True):
    """What an activity brought. A referral's points come with the first purchase of the friend. `available_from`: from
    then on they can be used, null at once. `balance` is what the member has; a kiosk is not told."""

    id: UUID
    member: UUID
    type: str
    points: int
    rules: tuple[RulePoints, ...]
    available_from: str | None
    expires_at: str | None
    balance: Balance | None
    at: str
    business_day: str | None
