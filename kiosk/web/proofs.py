"""edge: a member proves to be here: PIN and rotating code are set up, and shown before points are seen or spent.

    proof = await check_proof(door, call, member, call.body.proof)     # before the transaction that needs it
    await door.write(call, hold_points, call.body, proof)              # prove_member there raises what was found

A kiosk stands in public, so what it may see of a member beyond initial and masked phone takes the token of a proof in
the header `Member-Proof`: `await need_proof(door, call, member)`.
"""

from datetime import timedelta
from uuid import UUID

from kiosk.identity.factor_service import ProvedMember, end_proof, open_proof, set_pin, set_up_code, show_factors
from kiosk.identity.people_service import PinLimits
from kiosk.identity.proofs import (
    PROOF_HEADER,
    SESSION_MINUTES,
    CheckedProof,
    CodeSecretAnswer,
    FactorsAnswer,
    OpenProof,
    Proof,
    SetPin,
    SetUpCode,
    read_proof,
)
from kiosk.identity.second_factor import accept_pin, begin_proof, need_session
from kiosk.members.member_profile import PROFILE_RANDOM_BYTES
from kiosk.shop import Caller, Shop
from kiosk.web.door import KIOSK, SHOPPERS, STAFF, Door, ServiceCall, Session
from kiosk.web.table import RouteTable
from loyalty.one_time_codes import SECRET_BYTES
from loyalty.transactions import Tx
from sync.http.calls import Call

routes = RouteTable(tag="members", roles=SHOPPERS)
_MEMBER = "/v1/members/{id}"
_PROVING = (403, 409, 423, 503)
_SESSION_MS = SESSION_MINUTES * timedelta(minutes=1) // timedelta(milliseconds=1)


async def check_proof(door: Door, call: ServiceCall, member: UUID, proof: Proof | str | None) -> CheckedProof:
    """Count and compare what a member showed; a problem that is found is raised later, by `prove_member`.

    Raises ProofNeeded, ProofUnreadable, CardProvesNothing, TooManyRequests for a kiosk that tries again and again.
    """
    shown = read_proof(proof)
    door.slow_down_kiosk(call)
    roles = door.config.roles
    limits = PinLimits(roles.pin_attempts, roles.lock_minutes)
    checked = await door.write_local(call, begin_proof, member, shown, limits)
    if checked.kind == "pin" and checked.problem is None:
        is_right = await door.pins.matches(checked.value, shown.value)
        checked = await door.write_local(call, accept_pin, member, checked, is_right=is_right)
    return checked


async def need_proof(door: Door, call: ServiceCall, member: UUID) -> None:
    """Raises SessionEnded for a kiosk before which the member was not proved a moment ago. Staff may look."""
    session: Session = call.session
    if session.role == KIOSK:
        await door.read(call, _need_session, member, call.request.headers.get(PROOF_HEADER))


@routes.post(
    f"{_MEMBER}/proofs",
    "Prove that a member is here",
    body=OpenProof,
    response=ProvedMember,
    statuses=(201,),
    problems=_PROVING,
)
async def prove(door: Door, call: Call[Session, OpenProof, None]) -> object:
    """POST /v1/members/{id}/proofs."""
    member = call.id()
    proof = await check_proof(door, call, member, call.body.proof)
    token, expires_at = door.new_token(), door.now_ms() + _SESSION_MS
    return await door.write_local(call, open_proof, member, proof, token, expires_at)


@routes.delete(f"{_MEMBER}/proofs", "A member leaves this screen", statuses=(204,), problems=(503,))
async def leave(door: Door, call: Call[Session, None, None]) -> object:
    """DELETE /v1/members/{id}/proofs."""
    return await door.write_local(call, end_proof, call.id())


@routes.get(f"{_MEMBER}/factors", "Which proofs a member has set up", roles=STAFF, response=FactorsAnswer)
async def factors(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/members/{id}/factors."""
    return await door.read(call, show_factors, call.id())


@routes.put(f"{_MEMBER}/pin", "Set a member's PIN", body=SetPin, response=FactorsAnswer, problems=_PROVING)
async def put_pin(door: Door, call: Call[Session, SetPin, None]) -> object:
    """PUT /v1/members/{id}/pin."""
    proof = await _check_optional(door, call, call.body.proof)
    pin_hash = await door.pins.hash(call.body.pin)
    return await door.write(call, set_pin, call.id(), pin_hash, proof, door.random_bytes(PROFILE_RANDOM_BYTES))


@routes.post(
    f"{_MEMBER}/code-secrets",
    "Set up a member's rotating code",
    body=SetUpCode,
    response=CodeSecretAnswer,
    statuses=(201,),
    problems=_PROVING,
)
async def make_code_secret(door: Door, call: Call[Session, SetUpCode, None]) -> object:
    """POST /v1/members/{id}/code-secrets. Should the answer be lost, asking again makes another one."""
    proof = await _check_optional(door, call, call.body.proof)
    secret, random = door.random_bytes(SECRET_BYTES), door.random_bytes(PROFILE_RANDOM_BYTES)
    return await door.write(call, set_up_code, call.id(), secret, proof, random)


async def _check_optional(door: Door, call: ServiceCall, proof: Proof | str | None) -> CheckedProof | None:
    door.slow_down_kiosk(call)
    return await check_proof(door, call, call.id(), proof) if proof is not None else None


def _need_session(tx: Tx, _shop: Shop, caller: Caller, member: UUID, token: str | None) -> None:
    need_session(tx, caller, member, token)
