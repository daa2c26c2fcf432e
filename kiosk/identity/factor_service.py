"""sql: a member sets a PIN, sets up the rotating code, or proves to be here for a few minutes on one screen.

Whoever may set a PIN may spend the points, so a member who has nothing set up yet does it at the counter or kiosk where
it has just joined; later it takes the present PIN or code, or a manager. So it does after joining with a card that was
brought along: should it be somebody else's, head office joins the two (sync/hub/card_owners.py).
"""

from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.identity.proofs import CheckedProof, CodeSecretAnswer, FactorProofNeeded, FactorsAnswer, ProofNeeded
from kiosk.identity.second_factor import close_session, open_session, prove_member
from kiosk.members.known_members import find_member, read_secrets
from kiosk.members.member_profile import need_active, read_profile, record_profile
from kiosk.members.member_views import recognise
from kiosk.members.members import RecognisedMember
from kiosk.points.points import MemberPoints
from kiosk.points.points_views import show_points
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop
from loyalty.identifier_store import SecretRow
from loyalty.one_time_codes import make_setup_uri, write_secret
from loyalty.transactions import Tx
from sync.facts.members import MemberEnrolled
from sync.journal import find

_JOINING_MS = 15 * 60_000


class ProvedMember(Struct, frozen=True, kw_only=True):
    """A member who is here. `token` goes into the header `Member-Proof` of what this device asks about the member, and
    as proof `{kind: session}` into one hold, until `expires_at` (RFC 3339)."""

    token: str
    expires_at: str
    factor: str
    member: RecognisedMember
    points: MemberPoints


def set_pin(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, pin_hash: str, proof: CheckedProof | None, random: bytes
) -> FactorsAnswer:
    """Set or change a member's PIN. `random` is PROFILE_RANDOM_BYTES long.

    Raises MemberNotFound, MemberNotActive, FactorProofNeeded and what `prove_member` raises.
    """
    row = need_active(tx, member)
    _need_right_to_set(tx, shop, caller, member, proof)
    profile = msgspec.structs.replace(read_profile(tx, row), pin_hash=pin_hash)
    record_profile(tx, shop, caller, row, profile, row.locale, random)
    return show_factors(tx, shop, caller, member)


def set_up_code(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, secret: bytes, proof: CheckedProof | None, random: bytes
) -> CodeSecretAnswer:
    """Give a member a new secret for the rotating code; a phone that had the one before shows wrong codes from now on.

    `secret` is SECRET_BYTES, `random` PROFILE_RANDOM_BYTES long. Raises what `set_pin` raises.
    """
    row = need_active(tx, member)
    _need_right_to_set(tx, shop, caller, member, proof)
    profile = msgspec.structs.replace(read_profile(tx, row), code_secret=write_secret(secret))
    record_profile(tx, shop, caller, row, profile, row.locale, random)
    factors = show_factors(tx, shop, caller, member)
    uri = make_setup_uri(secret, row.card or "", shop.terms.store_name)
    return CodeSecretAnswer(id=member, has_pin=factors.has_pin, has_code=factors.has_code, uri=uri)


def show_factors(tx: Tx, _shop: Shop, _caller: Caller, member: UUID) -> FactorsAnswer:
    """Which proofs a member has set up. Raises MemberNotFound."""
    secrets = read_secrets(tx, find_member(tx, member).id)
    return FactorsAnswer(id=member, has_pin=secrets.pin_hash is not None, has_code=secrets.code_secret is not None)


def open_proof(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, proof: CheckedProof, token: str, expires_at: int
) -> ProvedMember:
    """Prove a member on this device until `expires_at`; what is proved before on this device ends.

    Raises MemberNotFound, MemberNotActive and what `prove_member` raises; ProofNeeded for an earlier session, which
    would go on for ever.
    """
    row = need_active(tx, member)
    if proof.kind == "session":
        raise ProofNeeded(pointer="/proof")
    factor = prove_member(tx, shop, caller, member, proof, 0)
    close_session(tx, caller, member)
    open_session(tx, caller, member, token, factor, expires_at)
    return ProvedMember(
        token=token,
        expires_at=utc_text(expires_at),
        factor=factor,
        member=recognise(row, is_staff=caller.role != "kiosk"),
        points=show_points(tx, shop, caller, member),
    )


def end_proof(tx: Tx, _shop: Shop, caller: Caller, member: UUID) -> None:
    """The member leaves this screen."""
    close_session(tx, caller, member)


def _need_right_to_set(tx: Tx, shop: Shop, caller: Caller, member: UUID, proof: CheckedProof | None) -> None:
    """Raises FactorProofNeeded and what `prove_member` raises."""
    if proof is not None:
        prove_member(tx, shop, caller, member, proof, 0)
    elif caller.role != "manager" and not _has_just_joined(tx, caller, member):
        raise FactorProofNeeded


def _has_just_joined(tx: Tx, caller: Caller, member: UUID) -> bool:
    """Whether this device enrolled the member within a quarter of an hour, gave out the card, and nothing is set up
    yet."""
    if read_secrets(tx, member) != SecretRow():
        return False
    joined = find(tx, member)
    return (
        joined is not None
        and isinstance(joined.body, MemberEnrolled)
        and joined.device == caller.device
        and not joined.body.brought_card
        and 0 <= caller.now_ms - joined.at <= _JOINING_MS
    )
